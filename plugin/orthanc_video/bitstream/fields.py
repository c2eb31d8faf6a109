"""Which of an H.264 stream's packets begin a frame: its two fields may be coded, and packed, one by one.

An access unit is one coded picture (H.264 3.1), which may be a field. Demuxers hand over fields or pairs of them as the
container has them; a frame is both (7.4.1.2.4; 3.30, complementary field pairs).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import lru_cache
from typing import NamedTuple

from orthanc_video.bitstream import h264, nal
from orthanc_video.bitstream.bits import BitReader, unescape
from orthanc_video.errors import BrokenVideo

# Bytes of a slice that hold what is read of its header.
ENOUGH = 64
_CODED = frozenset({1, 2, nal.IDR})  # NAL units that begin a slice of the base view (Table 7-1)


class Coded(NamedTuple):
    """A coded picture. ``parity`` is 0 of a top field, 1 of a bottom field, None of a frame."""

    parity: int | None
    frame_num: int
    idr: bool

    def completes(self, first: Coded) -> bool:
        """Whether it is the second field of the frame whose first one is ``first``."""
        opposite = self.parity is not None and first.parity is not None and self.parity != first.parity
        return opposite and self.frame_num == first.frame_num and not self.idr


class Fields:
    """Takes the packets of a stream in decode order."""

    def __init__(self, sets: Iterable[bytes] = ()) -> None:
        """``sets`` are the parameter sets that the container tells."""
        self._sps: dict[int, h264.Sps] = {}
        self._pps: dict[int, h264.Pps] = {}
        self._open: Coded | None = None
        self.note(sets)

    @property
    def possible(self) -> bool:
        """Whether the stream may have fields, by the parameter sets that were noted."""
        return any(not sps.frame_mbs_only for sps in self._sps.values())

    @property
    def half(self) -> bool:
        """Whether the frame that the last packet is of has one field as yet."""
        return self._open is not None

    def note(self, units: Iterable[bytes]) -> None:
        """Takes up the parameter sets among these NAL units."""
        for unit in units:
            if not unit or nal.nal_type(unit) not in {nal.SPS, nal.PPS}:
                continue
            with suppress(BrokenVideo):  # a damaged one: what refers to it counts as a frame
                found = _parsed(bytes(unit))
                if isinstance(found, h264.Sps):
                    self._sps[found.sps_id] = found
                else:
                    self._pps[found.pps_id] = found

    def begins(self, units: Iterable[bytes]) -> bool:
        """Whether the next packet begins a frame; ``units`` are its NAL units, of which the first bytes are enough."""
        pictures = list(self._pictures(units))
        before, self._open = self._open, None
        begins = not (before and pictures and pictures[0].completes(before))
        for picture in pictures[0 if begins else 1 :]:
            complete = self._open is not None and picture.completes(self._open)
            self._open = None if complete or picture.parity is None else picture
        return begins

    def _pictures(self, units: Iterable[bytes]) -> Iterator[Coded]:
        last: Coded | None = None
        for unit in units:
            coded = self._coded(unit) if unit and nal.nal_type(unit) in _CODED else None
            if coded is not None and coded != last:
                yield coded
                if coded.parity is None:
                    return  # one frame is all that a packet holds
                last = coded

    def _coded(self, unit: bytes) -> Coded | None:
        """What a slice says of its picture (7.3.3); None where it cannot be read."""
        with suppress(BrokenVideo):
            reader = BitReader(unescape(bytes(unit[1:ENOUGH])), "H.264 slice header")
            reader.ue("first_mb_in_slice")
            reader.ue("slice_type", 9)
            pps = self._pps.get(reader.ue("pic_parameter_set_id", 255))
            sps = self._sps.get(pps.sps_id) if pps else None
            if sps is None:
                return None
            if sps.separate_planes:
                reader.bits(2)  # colour_plane_id
            frame_num = reader.bits(sps.frame_num_bits)
            field = not sps.frame_mbs_only and reader.flag()
            return Coded(reader.bits(1) if field else None, frame_num, nal.nal_type(unit) == nal.IDR)
        return None


@lru_cache(maxsize=64)  # some streams repeat theirs with every picture
def _parsed(unit: bytes) -> h264.Sps | h264.Pps:
    return h264.parse_sps(unit) if nal.nal_type(unit) == nal.SPS else h264.parse_pps(unit)
