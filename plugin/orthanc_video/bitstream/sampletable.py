"""Where and when every frame of a track is: the sample tables of MP4 and MOV (ISO/IEC 14496-12 sections 8.6, 8.7)."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from orthanc_video.bitstream.boxes import Node, Source, fields, table
from orthanc_video.bitstream.tracks import Track
from orthanc_video.errors import BrokenVideo

Integers = npt.NDArray[np.int64]

# 38 hours at 60 frames a second. Run-length tables can announce far more samples than the file has bytes.
_MOST_SAMPLES = 2**23
_FARTHEST_TIME = 2**62


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SampleTable:
    """All frames of a track in decode order: arrays of equal length, int64 unless said.

    ``offset`` and ``size`` in bytes of the file; ``time`` (presentation), ``decode_time`` and ``duration`` in units of
    1 / ``timescale`` seconds; ``key`` (bool) where decoding can begin. Times are FFmpeg's pts: the first frame that
    the edit list shows is at 0, or after the edit list's empty start; what comes before it is negative.
    ``time - decode_time`` is the composition offset. Of an edit list with several parts, only the start of the first
    counts: frames that an edit list never shows are listed too.
    """

    timescale: int
    offset: Integers
    size: Integers
    time: Integers
    decode_time: Integers
    duration: Integers
    key: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.offset)

    def rows(self, which: Integers) -> SampleTable:
        """These of its frames, by number."""
        return SampleTable(
            timescale=self.timescale,
            offset=self.offset[which],
            size=self.size[which],
            time=self.time[which],
            decode_time=self.decode_time[which],
            duration=self.duration[which],
            key=self.key[which],
        )


def samples(source: Source, track: Track) -> SampleTable:
    """The frames of a track that ``tracks`` found in the same source.

    ``BrokenVideo`` when the file is fragmented, when tables are missing or contradict one another, when a frame lies
    beyond the end of the file, or when there are more than 8,388,608 frames.
    """
    if track.fragmented:
        raise BrokenVideo("the file is fragmented: its index does not list its frames")
    if track.timescale == 0:
        raise BrokenVideo(f"track {track.id} has timescale 0: its frames have no times")
    size = _sizes(track, source.size)
    offset = _offsets(track, size)
    beyond = offset + size > source.size
    if beyond.any():
        raise BrokenVideo(f"frame {int(beyond.argmax()) + 1}'s data lie beyond the end of the file")
    duration = _runs(track, "stts", ">u4", len(size))
    decoded = _starts(duration)
    shown = decoded + _runs(track, "ctts", ">i4", len(size)) if "ctts" in track.tables else decoded
    origin = _origin(track, shown)
    return SampleTable(
        timescale=track.timescale,
        offset=offset,
        size=size,
        time=shown - origin,
        decode_time=decoded - origin,
        duration=duration,
        key=_keys(track, len(size)),
    )


def _box(track: Track, *kinds: str) -> Node:
    """The first of these boxes that the track's sample table has."""
    for kind in kinds:
        if kind in track.tables:
            return track.tables[kind]
    raise BrokenVideo(f"track {track.id} has no {' or '.join(map(repr, kinds))} box: its frames cannot be found")


def _sizes(track: Track, file_size: int) -> Integers:
    """Every frame's size (8.7.3)."""
    node = _box(track, "stsz", "stz2")
    common, count = fields(node, "II", 4)
    if count > _MOST_SAMPLES:
        raise BrokenVideo(f"track {track.id} announces {count} frames; at most {_MOST_SAMPLES} are read")
    if node.box.kind == "stz2":
        return _compact_sizes(node, common & 0xFF, count)
    if common == 0:
        return table(node, ">u4", count, 12).astype(np.int64)
    if common * count > file_size:
        raise BrokenVideo(f"track {track.id} announces {count} frames of {common} bytes, more than the file has")
    return np.full(count, common, dtype=np.int64)


def _compact_sizes(node: Node, bits: int, count: int) -> Integers:
    if bits == 4:
        pairs = table(node, "u1", (count + 1) // 2, 12)
        sizes: Integers = np.stack((pairs >> 4, pairs & 15), axis=1).ravel()[:count].astype(np.int64)
        return sizes
    if bits not in {8, 16}:
        raise BrokenVideo(f"{node.box} has sizes of {bits} bits; only 4, 8 and 16 exist")
    return table(node, f">u{bits // 8}", count, 12).astype(np.int64)


def _offsets(track: Track, size: Integers) -> Integers:
    """Every frame's place in the file, from the places of the chunks that frames lie in (8.7.4, 8.7.5)."""
    node = _box(track, "stco", "co64")
    chunks = _rows(node, ">u4" if node.box.kind == "stco" else ">u8", 1).ravel()
    # A file's size is far below 2**62, so what is cut off here still lies beyond its end, and no sum overflows.
    chunk_offset = np.minimum(chunks, np.uint64(_FARTHEST_TIME)).astype(np.int64)
    per_chunk = _samples_per_chunk(track, len(chunks))
    _agree(track, "stsc", int(per_chunk.sum()), len(size))
    first = _starts(per_chunk)
    # A chunk without frames may begin one past the last frame: it has no frame to give its start to.
    start = _starts(size)
    before = np.append(start, 0)[first]
    offset: Integers = start + np.repeat(chunk_offset - before, per_chunk)
    return offset


def _samples_per_chunk(track: Track, chunks: int) -> Integers:
    """8.7.4 lists only the chunks whose number of frames differs from the chunk before."""
    node = _box(track, "stsc")
    runs = _rows(node, ">u4", 3)
    first = np.append(runs[:, 0], chunks + 1).astype(np.int64)
    length = np.diff(first)
    if chunks == 0:
        return np.zeros(0, dtype=np.int64)
    if first[0] != 1 or (length < 1).any():
        raise BrokenVideo(f"{node.box} does not describe the {chunks} chunks in order")
    return np.repeat(runs[:, 1].astype(np.int64), length)


def _runs(track: Track, kind: str, number: str, count: int) -> Integers:
    """One number per frame out of a table of (how many frames, number) (8.6.1.2, 8.6.1.3).

    Composition offsets are signed in either version of their table: writers put negative ones into version 0 too.
    """
    node = _box(track, kind)
    runs = _rows(node, ">u4", 2)
    lengths = runs[:, 0].astype(np.int64)
    _agree(track, kind, int(lengths.sum()), count)
    return np.repeat(runs[:, 1].view(number).astype(np.int64), lengths)


def _rows(node: Node, number: str, columns: int) -> npt.NDArray[Any]:
    """A table that follows its 32-bit number of rows."""
    rows = fields(node, "I", 4)[0]
    if rows > _MOST_SAMPLES:
        raise BrokenVideo(f"{node.box} announces {rows} entries; at most {_MOST_SAMPLES} are read")
    return table(node, number, rows * columns, 8).reshape(rows, columns)


def _agree(track: Track, kind: str, here: int, count: int) -> None:
    if here != count:
        raise BrokenVideo(f"track {track.id} has {count} frames, but its {kind!r} box describes {here}")


def _starts(lengths: Integers) -> Integers:
    """Where each of these begins when they follow one another from 0 on."""
    return np.cumsum(lengths) - lengths


def _origin(track: Track, shown: Integers) -> int:
    """The presentation time, before the edit list, that becomes 0 (8.6.6), as FFmpeg has it."""
    empty = start = 0
    for edit in track.edits:
        if edit.media_time >= 0:
            start = edit.media_time
            break
        empty += edit.segment_duration
    if empty and track.movie_timescale == 0:
        raise BrokenVideo("the movie has timescale 0: its edit list has no times")
    delay = round(Fraction(empty * track.timescale, track.movie_timescale)) if empty else 0
    if max(start, delay) >= _FARTHEST_TIME:
        raise BrokenVideo(f"track {track.id}'s edit list begins at an absurd time")
    # FFmpeg makes the first shown frame 0 even where the edit begins a little before it.
    first = int(shown[shown >= start].min(initial=_FARTHEST_TIME)) if track.edits else 0
    return (start if first == _FARTHEST_TIME else first) - delay


def _keys(track: Track, count: int) -> npt.NDArray[np.bool_]:
    """Without a table of key frames, every frame is one (8.6.2)."""
    node = track.tables.get("stss")
    if node is None:
        return np.ones(count, dtype=np.bool_)
    numbers = _rows(node, ">u4", 1).ravel().astype(np.int64)
    if numbers.size and (numbers.min() < 1 or numbers.max() > count):
        raise BrokenVideo(f"{node.box} names a key frame outside the {count} frames")
    key = np.zeros(count, dtype=np.bool_)
    key[numbers - 1] = True
    return key
