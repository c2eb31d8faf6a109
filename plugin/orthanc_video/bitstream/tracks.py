"""The tracks of an MP4 or MOV file (ISO/IEC 14496-12 section 8)."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from orthanc_video.bitstream.boxes import (
    Box,
    Node,
    Source,
    child,
    children,
    descend,
    fields,
    load,
    top_level,
    version,
)
from orthanc_video.errors import BrokenVideo

MOST_INDEX_BYTES = 512 * 2**20

_MOST_EDITS = 10_000
_VISUAL_ENTRY = 78  # bytes of a VisualSampleEntry before its boxes (12.1.3)
_EPOCH = datetime(1904, 1, 1, tzinfo=UTC)
_BELIEVABLE = datetime(1970, 1, 1, tzinfo=UTC)
_ONE = 0x10000  # 1.0 in 16.16 fixed point
_UNIT = _ONE * _ONE  # 1.0 in the product of two matrices
_ROTATIONS = {
    (_UNIT, 0, 0, _UNIT): 0,
    (0, _UNIT, -_UNIT, 0): 90,
    (-_UNIT, 0, 0, -_UNIT): 180,
    (0, -_UNIT, _UNIT, 0): 270,
}

_Matrix = tuple[int, int, int, int]


class Edit(NamedTuple):
    """One entry of an edit list (8.6.6).

    ``segment_duration`` in the movie's timescale; ``media_time`` in the track's, -1 for an empty edit; ``rate`` 1.0
    is normal speed.
    """

    segment_duration: int
    media_time: int
    rate: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """One track. ``handler`` is ``vide``, ``soun`` …; ``codec`` the first sample entry's code (``avc1``), or "".

    ``timescale`` and ``movie_timescale`` are units per second. ``extradata`` is the content of the avcC or hvcC box,
    empty where there is none. ``width`` × ``height`` are the sample entry's, 0 where it is not a visual one.
    ``rotation`` is how far to turn the pictures clockwise for showing them: 0, 90, 180, 270, or None where the matrix
    does anything else (mirrors, scales, shears). ``creation_time`` is ISO 8601 in UTC, the track's or else the
    movie's, or "" where neither is from 1970 or later. ``encrypted``: a sample entry is protected (8.12).
    ``descriptions`` is the number of sample entries. ``elsewhere``: another file is named as one that holds its media
    (8.7). ``tables`` are the boxes of the sample table (8.5), for ``samples``.
    """

    id: int
    handler: str
    timescale: int
    movie_timescale: int
    codec: str
    extradata: bytes
    width: int
    height: int
    rotation: int | None
    edits: tuple[Edit, ...]
    creation_time: str
    encrypted: bool
    descriptions: int
    fragmented: bool
    elsewhere: bool
    tables: Mapping[str, Node] = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Movie:
    """A file's top-level boxes, its index (the moov box), and whether pictures lie in fragments (8.8)."""

    boxes: tuple[Box, ...]
    moov: Node
    fragmented: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _MovieHeader:
    timescale: int
    created: str
    matrix: _Matrix


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What a sample description says (8.5.2)."""

    codec: str = ""
    extradata: bytes = b""
    width: int = 0
    height: int = 0
    encrypted: bool = False
    descriptions: int = 1


def tracks(source: Source) -> tuple[Track, ...]:
    """The tracks of a file, in its order; ``BrokenVideo`` for a broken file or an index over 512 MiB."""
    return movie_tracks(movie(source))


def movie(source: Source) -> Movie:
    """The file's structure with its index read whole (at most 512 MiB)."""
    boxes = top_level(source)
    box = next((box for box in boxes if box.kind == "moov"), None)
    if box is None:
        raise BrokenVideo("the file has no index (no 'moov' box): it was never finished, or is not an MP4 file")
    moov = load(source, box, MOST_INDEX_BYTES)
    fragmented = any(box.kind == "moof" for box in boxes) or child(moov, "mvex") is not None
    return Movie(boxes=boxes, moov=moov, fragmented=fragmented)


def movie_tracks(file: Movie) -> tuple[Track, ...]:
    """The tracks that a file's index describes, in its order."""
    header = _movie_header(descend(file.moov, "mvhd"))
    return tuple(_track(node, header, file.fragmented) for node in children(file.moov) if node.box.kind == "trak")


def _movie_header(mvhd: Node) -> _MovieHeader:
    large = version(mvhd) == 1
    created, _, timescale = fields(mvhd, "QQI" if large else "III", 4)
    return _MovieHeader(timescale=timescale, created=_time(created), matrix=_matrix(mvhd, 48 if large else 36))


def _track(trak: Node, header: _MovieHeader, fragmented: bool) -> Track:
    tkhd, mdia = descend(trak, "tkhd"), descend(trak, "mdia")
    mdhd = descend(mdia, "mdhd")
    large = version(tkhd) == 1
    created, _, timescale = fields(mdhd, "QQI" if version(mdhd) == 1 else "III", 4)
    handler = fields(descend(mdia, "hdlr"), "4s", 8)[0].decode("latin-1")
    minf = descend(mdia, "minf")
    stbl = descend(minf, "stbl")
    tables: dict[str, Node] = {}
    for node in children(stbl):
        tables.setdefault(node.box.kind, node)
    entry = sample_entry(tables["stsd"], handler) if "stsd" in tables else Entry()
    return Track(
        id=fields(tkhd, "I", 20 if large else 12)[0],
        handler=handler,
        timescale=timescale,
        movie_timescale=header.timescale,
        codec=entry.codec,
        extradata=entry.extradata,
        width=entry.width,
        height=entry.height,
        rotation=_rotation(_matrix(tkhd, 52 if large else 40), header.matrix),
        edits=_edits(trak),
        creation_time=_time(created) or header.created,
        encrypted=entry.encrypted,
        descriptions=entry.descriptions,
        fragmented=fragmented,
        elsewhere=_elsewhere(minf),
        tables=tables,
    )


def _elsewhere(minf: Node) -> bool:
    """Whether any data reference is not marked as "this very file" (8.7.2, flag 1); so is one that cannot be read."""
    dinf = child(minf, "dinf")
    dref = child(dinf, "dref") if dinf else None
    if dref is None:
        return False
    try:
        return not all(fields(entry, "I")[0] & 1 for entry in children(dref, 8))
    except BrokenVideo:
        return True


def sample_entry(stsd: Node, handler: str) -> Entry:
    """The first sample entry; ``encrypted`` speaks for all of them."""
    entries = list(children(stsd, 8))
    if not entries:
        return Entry()
    encrypted = any(_is_encrypted(entry, handler) for entry in entries)
    first = entries[0]
    if handler != "vide":
        return Entry(codec=first.box.kind, encrypted=encrypted)
    width, height = fields(first, "HH", 24)
    found = _extensions(first)
    configuration = found.get("avcC") or found.get("hvcC")
    return Entry(
        codec=first.box.kind,
        extradata=bytes(configuration.content) if configuration else b"",
        width=width,
        height=height,
        encrypted=encrypted,
        descriptions=len(entries),
    )


def _is_encrypted(entry: Node, handler: str) -> bool:
    if entry.box.kind in {"encv", "enca"}:
        return True
    if handler == "vide":
        return "sinf" in _extensions(entry)
    # Where boxes begin in a sound entry depends on whether QuickTime or ISO wrote it, which the entry does not say.
    return b"sinf" in bytes(entry.content)


def _extensions(entry: Node) -> dict[str, Node]:
    """The boxes inside a visual sample entry, as far as there are any."""
    found: dict[str, Node] = {}
    # Old QuickTime codecs keep a palette here, which is no box: such a file is still a video for FFmpeg.
    with suppress(BrokenVideo):
        for node in children(entry, _VISUAL_ENTRY):
            found.setdefault(node.box.kind, node)
    return found


def _edits(trak: Node) -> tuple[Edit, ...]:
    edts = child(trak, "edts")
    elst = child(edts, "elst") if edts else None
    if elst is None:
        return ()
    layout, size = ("QqhH", 20) if version(elst) == 1 else ("IihH", 12)
    count = fields(elst, "I", 4)[0]
    if count > _MOST_EDITS:
        raise BrokenVideo(f"{elst.box} announces {count} edits; at most {_MOST_EDITS} are read")
    edits = []
    for number in range(count):
        duration, media_time, whole, part = fields(elst, layout, 8 + number * size)
        edits.append(Edit(duration, media_time, whole + part / _ONE))
    return tuple(edits)


def _matrix(node: Node, at: int) -> _Matrix:
    """a, b, c, d of a transformation matrix in 16.16 fixed point (6.2.2); the rest moves and projects."""
    a, b, _, c, d = fields(node, "5i", at)
    return a, b, c, d


def _rotation(track: _Matrix, whole: _Matrix) -> int | None:
    """The turn that the track's matrix followed by the movie's makes."""
    a, b, c, d = track
    e, f, g, h = whole
    return _ROTATIONS.get((a * e + b * g, a * f + b * h, c * e + d * g, c * f + d * h))


def _time(seconds: int) -> str:
    """ISO 8601 for seconds since 1904. What lies before 1970 is a clock that was not set, or set to Unix time."""
    try:
        time = _EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        return ""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ") if time >= _BELIEVABLE else ""
