"""Copies of H.264 that begin at a key frame which is no IDR picture, as open groups of pictures have them.

Cameras often write one IDR picture alone. The headers of what is copied are written anew (bitstream/h264_entry.py);
where that cannot be done so that each picture surely stays what it is, frames are coded anew up to an IDR picture.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import islice, zip_longest
from typing import Any

import av
import numpy as np
from av.packet import Packet
from av.video.frame import VideoFrame

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
# What was shown before a key frame is no reference for long: more frames are not decoded to find out.
_MOST_PROVEN = 32

Packets = Callable[[int], Iterable["Packet[Any]"]]  # from a place in decode order on


class Reentry:
    """Which key frames a copy may begin at, and what becomes of its frames then."""

    def __init__(self, film: Film) -> None:
        self._film, self._size = film, film.length_size
        self._unfit: set[int] = set()
        # Key frames from before which later frames name pictures.
        self._blind: set[int] = set()
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

    def fits(self, piece: Copied, packets: Packets, before: int) -> bool:
        """Whether these frames can be copied, the first of them being no IDR picture; it is remembered if not.

        ``before`` is a place in decode order from which on a decoder has all that they may lean on.
        """
        try:
            doubtful, keys = 0, list[int]()
            for count, found in enumerate(self._frames(piece, packets(piece.coded[0]), write=False), 1):
                at, packet, _, entry = found
                if entry.over:
                    break
                doubtful = count if entry.doubtful else doubtful
                if packet.is_keyframe:
                    keys.append(at)
                self._blind.update(keys[bisect.bisect_right(keys, piece.coded[0] + entry.oldest) :])
            fits = doubtful == 0 or self._is_proven(piece, doubtful, packets, before)
        except (BrokenVideo, UnsupportedMedia, av.error.FFmpegError):
            fits = False
        if not fits:
            self._unfit.add(piece.coded[0])
        return fits

    def _is_proven(self, piece: Copied, count: int, packets: Packets, before: int) -> bool:
        """Whether the first so many frames as they are to be, with nothing before them, are decoded to the bit as the
        source's: some of their slices may name pictures from before, of which the stream says that none is used.
        """
        if count > _MOST_PROVEN:
            return False
        head = Copied(piece.first, piece.last, piece.coded[:count], open=piece.open)
        wanted, begin, end = set(head.coded), piece.coded[0], head.coded[-1]
        read = ((at, bytes(packet)) for at, packet in enumerate(islice(packets(before), end - before + 1), before))
        source = (frame for frame in self._decoded(read) if frame.pts in wanted)
        made = self._decoded((at, data) for at, _, data in self.frames(head, packets(begin)))
        compared = [_are_equal(one, other) for one, other in zip_longest(made, source)]
        return len(compared) == count and all(compared)

    def _decoded(self, packets: Iterable[tuple[int, bytes]]) -> Iterator[VideoFrame]:
        """What a decoder makes of these alone; ``pts`` is the place in decode order."""
        context = av.CodecContext.create("h264", "r")
        assert isinstance(context, av.VideoCodecContext)  # noqa: S101
        context.extradata = joined([*self._film.sets, *self.spare], 0)
        for at, data in packets:
            packet: Packet[Any] = Packet(joined(units_of(data, self._size), 0))
            packet.pts = at
            yield from context.decode(packet)
        yield from context.decode(None)

    def frames(self, piece: Copied, packets: Iterable[Packet[Any]]) -> Iterator[tuple[int, Packet[Any], bytes]]:
        """The frames that are copied, each with its place in decode order and what becomes of it.

        Where a decoder that begins at a key frame would be told of pictures from before it, it is none any more: FFmpeg
        as it is in browsers gives up there. The first one stays one: nothing of before it is told in this piece.
        """
        for at, packet, data, _ in self._frames(piece, packets, write=True):
            packet.is_keyframe = packet.is_keyframe and (at == piece.coded[0] or at not in self._blind)
            yield at, packet, data

    def _frames(
        self, piece: Copied, packets: Iterable[Packet[Any]], *, write: bool
    ) -> Iterator[tuple[int, Packet[Any], bytes, Entry]]:
        """The same, each with what is known of it."""
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
                yield at, packet, data, entry


def _are_equal(one: VideoFrame | None, other: VideoFrame | None) -> bool:
    if one is None or other is None or one.pts != other.pts:
        return False
    return np.array_equal(one.to_ndarray(), other.to_ndarray())


def _is_recovered(unit: bytes) -> bool:
    with suppress(BrokenVideo):
        points = [sei.recovery_point(one.payload) for one in sei.messages(unit, 1) if one.kind == sei.RECOVERY_POINT]
        return any(point.frames == 0 and point.exact for point in points)
    return False
