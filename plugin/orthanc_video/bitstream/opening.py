"""Whether decoding can begin at a picture, by its own headers: what a container claims of it may be wrong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from orthanc_video.bitstream import hevc, mpeg2, nal, sei
from orthanc_video.bitstream.bits import BitReader, unescape
from orthanc_video.errors import BrokenVideo

_IDR = 5
_I_SLICES = frozenset({2, 4, 7, 9})  # slice_type (H.264 Table 7-6): I and SI
# nal_unit_type (H.265 Table 7-1): IRAP pictures 16 to 23, of which 21 (CRA) may be followed by pictures that need
# earlier ones, and of 16 to 18 (BLA) the first.
_IRAP, _OPEN = range(16, 24), frozenset({16, 21})
_ENOUGH = 64  # bytes of a slice's header


@dataclass(frozen=True, slots=True)
class Opening:
    """A picture. ``key``: it is decoded right by itself. ``closed``: so are all that are shown after the first one.

    Where it is a key but not closed, pictures coded after it and shown before it may need some of before it.
    """

    key: bool
    closed: bool


def of_units(codec: str, units: Iterable[bytes]) -> Opening | None:
    """The first picture among these NAL units of H.264 or H.265 (FFmpeg's names), of which the last may be cut off.

    None where no picture begins in them, or its header cannot be read.
    """
    read = {"h264": _h264, "hevc": _hevc}.get(codec)
    with suppress(BrokenVideo):
        return read(units) if read else None
    return None


def begins_anew(codec: str, units: Iterable[bytes]) -> bool:
    """Whether nothing that is coded and shown after the first picture among these NAL units needs what is before it.

    So it is of an IDR picture and an exact recovery point of H.264, and of a random access point of H.265. That of what
    is shown before it some does, only ``Opening.closed`` denies.
    """
    listed = list(units)
    first = of_units(codec, listed)
    if first is None or not first.key:
        return False
    if codec == "hevc" or first.closed:
        return True
    points = (point for unit in listed if nal.nal_type(unit) == nal.SEI for point in _recovery_points(unit))
    return any(point.frames == 0 for point in points)


def of_mpeg2(data: bytes) -> Opening | None:
    """The first picture in this MPEG-2 stream, whose end may be missing; None where there is none."""
    closed = False
    with suppress(BrokenVideo):
        for unit in mpeg2.units(data):
            if unit.code == mpeg2.GROUP:
                closed = mpeg2.parse_group(unit).closed
            elif unit.code == mpeg2.PICTURE:
                picture = mpeg2.parse_picture(unit)
                key = picture.kind == "I"
                return Opening(key, key and (closed or picture.place == 0))
    return None


def _h264(units: Iterable[bytes]) -> Opening | None:
    recovers = False
    for unit in units:
        kind = nal.nal_type(unit)
        if kind == nal.SEI:
            recovers = recovers or any(point.frames == 0 for point in _recovery_points(unit))
        elif kind == _IDR:
            return Opening(key=True, closed=True)
        elif kind in {1, 2}:
            reader = BitReader(unescape(unit[1:_ENOUGH]), "H.264 slice header")
            reader.ue("first_mb_in_slice")
            return Opening(key=recovers or reader.ue("slice_type", 9) in _I_SLICES, closed=False)
    return None


def _recovery_points(unit: bytes) -> Iterator[sei.RecoveryPoint]:
    with suppress(BrokenVideo):
        for message in sei.messages(unit, 1):
            if message.kind == sei.RECOVERY_POINT:
                yield sei.recovery_point(message.payload)


def _hevc(units: Iterable[bytes]) -> Opening | None:
    for unit in units:
        kind = hevc.nal_type(unit)
        if kind < hevc.VPS:
            return Opening(key=kind in _IRAP, closed=kind in _IRAP and kind not in _OPEN)
    return None
