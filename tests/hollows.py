"""Clips with packets that hold no picture: recorders end with them, or write what is not theirs between pictures."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
from av.packet import Packet

FRAMES = 30  # of the clips that they are put into, at 29.97 a second
TEXT = b"SECRET Jane Doe"
_USER_DATA = b"\x05" + b"\xff" * 40 + b"\x10" + bytes(range(1, 17)) + TEXT * 680 + b"\x80"
# A delimiter (MPEG-2: user data), and user data that is larger than what is read of a packet to begin with.
UNITS = {
    "h264": (b"\x09\xf0", b"\x06" + _USER_DATA),
    "hevc": (b"\x46\x01\x50", b"\x4e\x01" + _USER_DATA),
    "mpeg2": (b"\xb2" + TEXT, b"\xb2" + TEXT * 680),
}


def with_hollow(source: Path, target: Path, unit: bytes, framed: bool, here: Callable[[int], bool]) -> int:
    """Copies a clip with packets of this unit alone before the packets ``here``; how many there are.

    ``framed``: its length stands before the unit, not a start code.
    """
    data = (len(unit).to_bytes(4) if framed else b"\0\0\1") + unit
    written = 0
    with av.open(source) as container, av.open(str(target), "w") as output:
        stream = container.streams.video[0]
        made = output.add_stream_from_template(stream)
        step = round(1 / (Fraction(30000, 1001) * (stream.time_base or 1)))
        packets = [packet for packet in container.demux(stream) if packet.size]
        dts = [packet.dts if packet.dts is not None else 0 for packet in packets]
        assert len(packets) == FRAMES
        for number in range(FRAMES + 1):
            if here(number):
                extra = Packet(data)
                extra.dts = dts[number] - step // 2 if number < FRAMES else dts[-1] + step
                extra.pts = extra.dts + 3 * step * (number > 0)
                # A packet that was written has the target's.
                extra.time_base, extra.stream = stream.time_base or Fraction(0), made
                output.mux_one(extra)
                written += 1
            if number < FRAMES:
                packets[number].stream = made
                output.mux_one(packets[number])
    return written
