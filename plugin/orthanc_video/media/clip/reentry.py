"""Copies of H.264 that begin at a key frame which is no IDR picture, as open groups of pictures have them.

Cameras often write one IDR picture alone. The headers of what is copied are written anew (bitstream/h264_entry.py);
where that cannot be done so that each picture surely stays what it is, frames are coded anew up to an IDR picture.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from av.packet import Packet

from orthanc_video.bitstream import nal, sei
from orthanc_video.bitstream.framing import joined, units_of
from orthanc_video.bitstream.h264_entry import Entry, Sets
from orthanc_video.errors import BrokenVideo, UnsupportedMedia
from orthanc_video.media.clip.joining import Film
from orthanc_video.media.clip.pieces import Copied

# So many key frames that no copy can begin at are found before no more are looked for: each takes reading some film.
_TRIES = 3
# idr_pic_id: neighbours differ in it, and x264 gives its own 0 and 1.
_FIRST_ID, _IDS = 2, 60_000


class Reentry:
    """Which key frames a copy may begin at, and what becomes of its frames then."""

    def __init__(self, film: Film) -> None:
        self._size = film.length_size
        self._unfit: set[int] = set()
        self._sets: Sets | None = None
        if film.codec == "h264":
            with suppress(BrokenVideo, UnsupportedMedia):
                self._sets = Sets(film.sets)

    @property
    def spare(self) -> tuple[bytes, ...]:
        """Parameter sets that copies need beside the film's own."""
        return tuple(self._sets.added()) if self._sets else ()

    def may_begin(self, at: int, head: bytes) -> bool:
        """Whether it is worth a look at the key frame at this place in decode order, by its first bytes: it says that
        from it on all is right, to the bit (D.2.8)."""
        if self._sets is None or at in self._unfit or len(self._unfit) >= _TRIES:
            return False
        with suppress(BrokenVideo):
            for unit in units_of(head, self._size):
                if nal.is_slice(unit):
                    return False
                if nal.nal_type(unit) == nal.SEI and _is_recovered(unit):
                    return True
        return False

    def fits(self, piece: Copied, packets: Iterable[Packet[Any]]) -> bool:
        """Whether these frames can be copied, the first of them being no IDR picture; it is remembered if not."""
        try:
            for _ in self._frames(piece, packets, write=False):
                pass
        except (BrokenVideo, UnsupportedMedia):
            self._unfit.add(piece.coded[0])
            return False
        return True

    def frames(self, piece: Copied, packets: Iterable[Packet[Any]]) -> Iterator[tuple[int, Packet[Any], bytes]]:
        """The frames that are copied, each with its place in decode order and what becomes of it."""
        yield from self._frames(piece, packets, write=True)

    def _frames(
        self, piece: Copied, packets: Iterable[Packet[Any]], *, write: bool
    ) -> Iterator[tuple[int, Packet[Any], bytes]]:
        if self._sets is None:
            raise UnsupportedMedia("The stream's parameter sets are not known.")
        wanted, entry = set(piece.coded), Entry(self._sets, _FIRST_ID + piece.coded[0] % _IDS)
        for at, packet in enumerate(packets, piece.coded[0]):
            if at > piece.coded[-1] or (entry.over and not write):
                return
            data, taken = bytes(packet), at in wanted
            if not entry.over:
                units = entry.frame(list(units_of(data, self._size)), taken=taken, write=write)
                data = joined(units, self._size) if write and not entry.over else data
            if taken:
                yield at, packet, data


def _is_recovered(unit: bytes) -> bool:
    with suppress(BrokenVideo):
        points = [sei.recovery_point(one.payload) for one in sei.messages(unit, 1) if one.kind == sei.RECOVERY_POINT]
        return any(point.frames == 0 and point.exact for point in points)
    return False
