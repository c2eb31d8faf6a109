"""How NAL units of H.264 and H.265 lie in a packet: each after its length, or between start codes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from orthanc_video.bitstream import h264, hevc
from orthanc_video.bitstream.nal import is_byte_stream

_START = b"\0\0\0\1"


def length_size(codec: str, extradata: bytes) -> int:
    """How many bytes say a NAL unit's length; 0 where start codes part them, and of other codecs (FFmpeg's names).

    ``extradata`` is the configuration as FFmpeg hands it over; raises BrokenVideo where it is damaged.
    """
    if codec not in {"h264", "hevc"} or not extradata or is_byte_stream(extradata):
        return 0
    split = h264.split_avcc if codec == "h264" else hevc.split_hvcc
    return split(extradata).nal_length_size


def units_of(data: bytes, length_size: int) -> Iterator[bytes]:
    """The NAL units of a packet whose end may be missing; ``length_size`` 0 is Annex B."""
    if not length_size:
        yield from h264.split_annexb(data)
        return
    at = 0
    while at < len(data):
        start = at + length_size
        at = start + int.from_bytes(data[at:start])
        if start < len(data) and at > start:
            yield data[start:at]


def joined(units: Iterable[bytes], length_size: int) -> bytes:
    """A packet of these NAL units; ``length_size`` 0 is Annex B."""
    return b"".join((len(unit).to_bytes(length_size) if length_size else _START) + unit for unit in units)
