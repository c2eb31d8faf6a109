"""H.264 of coded fields, bit by bit (ITU-T H.264 7.3): what AVCHD cameras and recorders write, and x264 cannot.

Each picture is coded as it is named: ``frame`` as one picture, ``pair`` as two fields, of which the first of a
sequence is IDR and the second never (7.4.1.2.4), ``half`` as one field whose other half never came. Their samples are
raw (I_PCM), and each frame has a grey of its own; second fields are copies of the first (P_Skip).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av

RATE = 25
_ACROSS, _DOWN = 4, 4  # macroblocks of a frame: 64 × 64 pixels
_GROUP = 12
# The order in which a group's pictures are coded, by when they are shown.
_REORDERED = (0, 3, 1, 2, 6, 4, 5, 9, 7, 8, 10, 11)
_START = b"\x00\x00\x00\x01"
_I, _P = 7, 5  # slice_type of all slices of a picture (Table 7-6)
_DELIMITER = _START + b"\x09\xf0"
_FIELD = Fraction(1, 2 * RATE)
_PCM = 25  # mb_type (Table 7-11)


class Bits:
    """Writes a NAL unit's payload."""

    def __init__(self) -> None:
        self._bits: list[str] = []

    def u(self, width: int, value: int) -> Bits:
        self._bits.append(f"{value:0{width}b}")
        return self

    def ue(self, *values: int) -> Bits:
        for value in values:
            code = f"{value + 1:b}"
            self._bits.append("0" * (len(code) - 1) + code)
        return self

    def align(self) -> Bits:
        self._bits.append("0" * (-sum(map(len, self._bits)) % 8))
        return self

    def nal(self, head: int) -> bytes:
        """With its header, trailing bits and emulation prevention (7.3.1, 7.3.2.11)."""
        text = "".join(self._bits) + "1"
        text += "0" * (-len(text) % 8)
        raw = int(text, 2).to_bytes(len(text) // 8)
        out = bytearray([head])
        zeros = 0
        for byte in raw:
            if zeros >= 2 and byte <= 3:
                out.append(3)
                zeros = 0
            out.append(byte)
            zeros = zeros + 1 if byte == 0 else 0
        return _START + bytes(out)


@dataclass(frozen=True, slots=True)
class Coded:
    """One frame, coded as ``kind``; when the film shows it, and its group; how many of its group are coded before."""

    kind: str
    number: int
    place: int
    frame_num: int
    bottom_first: bool = False

    @property
    def structures(self) -> tuple[str, ...]:
        order = ("bottom", "top") if self.bottom_first else ("top", "bottom")
        return {"frame": ("frame",), "pair": order, "half": order[:1]}[self.kind]


def film(kinds: Sequence[str], *, reordered: bool = False, bottom_first: bool = False) -> list[Coded]:
    """The frames in coded order: groups of 12 that begin with an IDR picture."""
    order = _REORDERED if reordered else range(_GROUP)
    return [
        Coded(kinds[begin + place], begin + place, place, frame_num, bottom_first)
        for begin in range(0, len(kinds), _GROUP)
        for frame_num, place in enumerate(place for place in order if begin + place < len(kinds))
    ]


def _sps(aspect: tuple[int, int]) -> bytes:
    bits = Bits().u(8, 100).u(8, 0).u(8, 30).ue(0)  # High profile, level 3
    bits.ue(1, 0, 0).u(2, 0)  # 4:2:0, 8 bits, no scaling lists
    bits.ue(4, 0, 4)  # frame_num and the order of showing have 8 bits each
    bits.ue(2).u(1, 0).ue(_ACROSS - 1, _DOWN // 2 - 1).u(1, 0).u(1, 0).u(1, 1).u(1, 0)
    bits.u(1, 1).u(1, 1).u(8, 255).u(16, aspect[0]).u(16, aspect[1])  # VUI: the pixels' shape …
    bits.u(3, 0).u(1, 1).u(32, 1).u(32, 2 * RATE).u(1, 1).u(3, 0)  # … fields per second …
    return bits.u(1, 1).u(1, 1).ue(0, 0, 10, 10, 2, 2).nal(0x67)  # … and how far frames are reordered


def _pps() -> bytes:
    return Bits().ue(0, 0).u(2, 0).ue(0, 0, 0).u(3, 0).ue(0, 0, 0).u(3, 0).nal(0x68)


def _picture(frame: Coded, structure: str) -> bytes:
    """One coded picture, in one slice (7.3.3)."""
    second = structure != frame.structures[0]
    idr = frame.place == 0 and not second
    bits = Bits().ue(0, _P if second else _I, 0).u(8, frame.frame_num).u(1, int(structure != "frame"))
    if structure != "frame":
        bits.u(1, int(structure == "bottom"))
    if idr:
        bits.ue(frame.number // _GROUP % 2)  # neighbouring IDR pictures differ in it
    bits.u(8, 2 * frame.place + int(second))
    if second:
        bits.u(2, 0)  # no other number or order of references
    bits.u(2 if idr else 1, 0).ue(0)
    macroblocks = _ACROSS * _DOWN // (1 if structure == "frame" else 2)
    if second:
        return bits.ue(macroblocks).nal(0x61)
    for _ in range(macroblocks):
        bits.ue(_PCM).align()
        for value, count in ((16 + 5 * frame.number, 256), (128, 128)):
            bits.u(8 * count, int.from_bytes(bytes([value]) * count))
    return bits.nal(0x65 if idr else 0x61)


def _units(frames: Sequence[Coded], aspect: tuple[int, int]) -> Iterator[list[bytes]]:
    """Of each frame its access units: one, or one for each field (3.1)."""
    for frame in frames:
        sets = _sps(aspect) + _pps() if frame.place == 0 else b""
        pictures = [_picture(frame, structure) for structure in frame.structures]
        yield [_DELIMITER + (sets if not at else b"") + picture for at, picture in enumerate(pictures)]


def written(path: Path, frames: Sequence[Coded], *, apart: bool, aspect: tuple[int, int] = (1, 1)) -> Path:
    """The film in the container that the name says; ``apart``: each field is a packet, with a time of its own."""
    stream = path.with_suffix(".h264")
    stream.write_bytes(b"".join(unit for units in _units(frames, aspect) for unit in units))
    if stream == path:
        return path
    kind = {".mpg": "vob"}.get(path.suffix)
    options = {"movflags": "faststart"} if path.suffix == ".mp4" else {}
    with av.open(stream) as source, av.open(path, "w", format=kind, options=options) as output:
        made = output.add_stream_from_template(source.streams.video[0])
        for at, (frame, units) in enumerate(zip(frames, _units(frames, aspect), strict=True)):
            for field, data in enumerate(units if apart else [b"".join(units)]):
                packet = av.Packet(data)
                packet.pts, packet.dts, packet.time_base = 2 * frame.number + field, 2 * at + field - 8, _FIELD
                packet.duration = 1 if apart and frame.kind != "frame" else 2
                packet.is_keyframe, packet.stream = frame.place == 0 and not field, made
                output.mux_one(packet)
    return path
