"""An MP4's index written anew, so that a player that is sent to the start of a frame shows that frame.

Players reckon in microseconds, rounded: sent to frame n at n/rate, they find that it begins a fraction of a microsecond
later as often as not, and show the one before. Here every frame but the first begins a few microseconds early; the rate
and the length stay what they are, and so do the pictures' bytes, which are not even looked at. (ISO/IEC 14496-12.)
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from orthanc_video.bitstream.boxes import Box, Node, Source, children, fields, load, table, top_level, version
from orthanc_video.bitstream.sampletable import Integers, samples
from orthanc_video.bitstream.tracks import Movie, Track, movie_tracks
from orthanc_video.errors import BrokenVideo
from orthanc_video.model import Span

# Ticks a second that a timescale is multiplied to reach, so that one tick is some microseconds.
_FINEST = 100_000
_EARLY_SECONDS = 5e-6
# The index of 30 hours or so; what is longer is sent as it is.
_MOST_INDEX_BYTES = 64 << 20
_MOST_BEFORE = 1 << 20
_WORD = 1 << 32
_CONTAINERS = frozenset({"moov", "trak", "mdia", "minf", "stbl", "edts"})


@dataclass(frozen=True, slots=True)
class Retimed:
    """An MP4 that is ``head`` followed by the ``rest``: spans of the one that it was made of."""

    head: bytes
    rest: tuple[Span, ...]


def retimed(source: Source) -> Retimed | None:
    """The same MP4 with its index in front and its frames a few microseconds early.

    None where that cannot be done: in fragments, with tables that contradict one another or are too long, without two
    frames. Raises BrokenVideo where the boxes themselves are damaged.
    """
    boxes = top_level(source)
    moov = next((box for box in boxes if box.kind == "moov"), None)
    media = next((box for box in boxes if box.kind == "mdat"), None)
    if moov is None or media is None or moov.size > _MOST_INDEX_BYTES or any(box.kind == "moof" for box in boxes):
        return None
    leading = [box for box in boxes if box.offset < media.offset and box.kind not in {"moov", "free", "skip"}]
    index = load(source, moov, _MOST_INDEX_BYTES)
    changes = _changes(source, boxes, index)
    if changes is None or sum(box.size for box in leading) > _MOST_BEFORE:
        return None
    before = b"".join(source.read(box.offset, box.size) for box in leading)
    rest = _without(moov, media.offset, boxes[-1].end)
    head = _placed(index, changes, before, rest)
    return Retimed(head, rest) if head else None


def _without(moov: Box, begin: int, end: int) -> tuple[Span, ...]:
    """From the first pictures to the end, but for the index, where that comes behind them."""
    if moov.offset < begin:
        return (Span(begin, end - begin),)
    return tuple(span for span in (Span(begin, moov.offset - begin), Span(moov.end, end - moov.end)) if span.length)


_Change = Callable[[Node], bytes]
# What is written instead of a box, by where the box begins.
_Changes = Mapping[int, _Change]


def _changes(source: Source, boxes: tuple[Box, ...], index: Node) -> _Changes | None:
    """New times for all tracks of pictures; None where there are none to give."""
    found: dict[int, _Change] = {}
    traks = [node for node in children(index) if node.box.kind == "trak"]
    try:
        tracks = movie_tracks(Movie(boxes=boxes, moov=index, fragmented=_has(index, "mvex")))
        for trak, track in zip(traks, tracks, strict=True):
            if "saio" in track.tables or track.fragmented:  # other places within the file than those of pictures
                return None
            if track.handler == "vide":
                found |= _times(source, trak, track)
    except BrokenVideo:
        return None
    return found or None


def _has(parent: Node, kind: str) -> bool:
    return any(node.box.kind == kind for node in children(parent))


def _times(source: Source, trak: Node, track: Track) -> dict[int, _Change]:
    frames = samples(source, track)
    factor = -(-_FINEST // track.timescale)
    early = -int(-_EARLY_SECONDS * track.timescale * factor // 1)
    duration, offset = frames.duration * factor, (frames.time - frames.decode_time) * factor
    if len(frames) < 2 or duration[0] <= early or int(duration.sum()) >= 1 << 62:
        return {}
    duration[0] -= early
    duration[-1] += early
    shown = np.where(frames.time >= 0, frames.time, np.iinfo(np.int64).max)
    first = int(shown.argmin())
    offset[first] += early if first else 0
    written = {
        "mdhd": lambda node: _media_header(node, factor),
        "elst": lambda node: _edits(node, factor),
        "stts": lambda _: _runs(duration, 0),
        "ctts": lambda _: _runs(offset, 1 if offset.min() < 0 else 0),
        # What the composition offsets are bounded by may be left out (8.6.1.4).
        "cslg": lambda _: b"",
    }
    if first and "ctts" not in track.tables:
        return {}
    return {node.box.offset: written[node.box.kind] for node in _leaves(trak) if node.box.kind in written}


def _leaves(node: Node) -> list[Node]:
    """All boxes inside a box that hold none of those boxes that matter here."""
    if node.box.kind not in _CONTAINERS:
        return [node]
    return [leaf for inner in children(node) for leaf in _leaves(inner)]


def _media_header(mdhd: Node, factor: int) -> bytes:
    """8.4.2 in its long form, which has room for any length."""
    layout = "QQIQ" if version(mdhd) == 1 else "IIII"
    created, changed, timescale, duration = fields(mdhd, layout, 4)
    unknown = _WORD - 1 if version(mdhd) == 0 else (1 << 64) - 1
    length = (1 << 64) - 1 if duration == unknown else min(duration * factor, (1 << 64) - 1)
    language = bytes(mdhd.content[4 + struct.calcsize(">" + layout) :])
    return (
        b"\x01"
        + bytes(mdhd.content[1:4])
        + struct.pack(">QQIQ", created, changed, timescale * factor, length)
        + language
    )


def _edits(elst: Node, factor: int) -> bytes:
    """8.6.6 in its long form; times of the media are in the media's timescale, -1 is an empty edit."""
    layout, size = ("QqI", 20) if version(elst) == 1 else ("IiI", 12)
    count = fields(elst, "I", 4)[0]
    entries = [fields(elst, layout, 8 + number * size) for number in range(count)]
    written = [struct.pack(">QqI", long, start * factor if start > 0 else start, rate) for long, start, rate in entries]
    return b"\x01" + bytes(elst.content[1:4]) + struct.pack(">I", count) + b"".join(written)


def _runs(values: Integers, version: int) -> bytes:
    """A table of (how many, value), as 8.6.1.2 and 8.6.1.3 have it."""
    begins = np.flatnonzero(np.diff(values, prepend=values[0] - 1))
    pairs = np.stack((np.diff(begins, append=len(values)), values[begins]), axis=1)
    return struct.pack(">BxxxI", version, len(pairs)) + (pairs & (_WORD - 1)).astype(">u4").tobytes()


def _placed(index: Node, changes: _Changes, before: bytes, rest: tuple[Span, ...]) -> bytes:
    """Everything up to the pictures, whose places follow from its own length; empty where a place is none of theirs."""
    wide = rest[-1].offset + rest[-1].length + 2 * _MOST_INDEX_BYTES >= _WORD
    moved = 0
    for _ in range(2):  # once for its length
        chunks = _Chunks(rest, moved, wide)
        written = before + _written(index, changes, chunks)
        moved = len(written)
    return written if chunks.sound else b""


class _Chunks:
    """Moves the places of chunks to where the spans lie that begin at byte ``begin`` of the new file."""

    def __init__(self, rest: tuple[Span, ...], begin: int, wide: bool) -> None:
        self._rest = rest
        self._begin = begin
        self._wide = wide
        self.sound = True

    def moved(self, node: Node) -> bytes:
        """8.7.5: the box with its header."""
        count = fields(node, "I", 4)[0]
        places = table(node, ">u8" if node.box.kind == "co64" else ">u4", count, 8).astype(np.uint64)
        found = np.zeros(count, dtype=np.uint64)
        known = np.zeros(count, dtype=bool)
        begin = self._begin
        for span in self._rest:
            inside = (places >= span.offset) & (places <= span.offset + span.length)
            found = np.where(inside & ~known, places - np.uint64(span.offset) + np.uint64(begin), found)
            known |= inside
            begin += span.length
        self.sound = self.sound and bool(known.all())
        kind, layout = ("co64", ">u8") if self._wide else ("stco", ">u4")
        return _box(kind, struct.pack(">4xI", count) + found.astype(layout).tobytes())


def _written(node: Node, changes: _Changes, chunks: _Chunks) -> bytes:
    """The box, header and all, with what is inside it changed."""
    kind = node.box.kind
    if kind in _CONTAINERS:
        return _box(kind, b"".join(_written(inner, changes, chunks) for inner in children(node)))
    if kind in {"stco", "co64"}:
        return chunks.moved(node)
    change = changes.get(node.box.offset)
    if change is None:
        return _box(kind, node.content)
    content = change(node)
    return _box(kind, content) if content else b""


def _box(kind: str, content: bytes | memoryview | npt.NDArray[Any]) -> bytes:
    return struct.pack(">I4s", len(content) + 8, kind.encode("latin-1")) + bytes(content)
