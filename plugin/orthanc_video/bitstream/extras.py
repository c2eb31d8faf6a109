"""What an MP4 holds beside what its pictures need: names, places and times, as cameras and editors write them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from orthanc_video.bitstream.boxes import Box, Node, Source, child, children, fields, load, version
from orthanc_video.bitstream.sampletable import SampleTable
from orthanc_video.bitstream.tracks import MOST_INDEX_BYTES, movie

_TOP = frozenset({"ftyp", "styp", "moov", "mdat", "free", "skip", "wide", "pdin", "sidx", "ssix", "moof", "mfra"})
# Inside each box, those that say how to show the pictures (ISO/IEC 14496-12 section 8); others are extras.
_INSIDE = {
    "moov": frozenset({"mvhd", "trak", "mvex", "iods", "free", "skip"}),
    "trak": frozenset({"tkhd", "edts", "mdia", "tref", "free", "skip"}),
    "mdia": frozenset({"mdhd", "hdlr", "elng", "minf", "free", "skip"}),
    "minf": frozenset({"vmhd", "smhd", "nmhd", "gmhd", "hdlr", "dinf", "stbl", "free", "skip"}),
}
_PADDING = frozenset({"free", "skip"})
# Names of handlers and compressors that say of the writer only what it is.
_HANDLERS = re.compile(
    rb"((Video|Sound|Data|Subtitle)Handler?|Core Media (Video|Audio)"
    rb"|(GPAC|L-SMASH|Bento4) (ISO )?(Video|Audio|Sound)( Media)? Handler)?"
)
_COMPRESSOR = re.compile(rb"(Lavc[\d.]* \w+)?")
# udta > meta > hdlr, ilst > ©too: the muxer and its version, as FFmpeg writes them.
_MUXER = re.compile(
    rb".{4}meta\0{4}.{4}hdlr\0{8}mdirappl\0{9}.{4}ilst(.{4}\xa9too.{4}data\0{3}\x01\0{4}Lavf[\d.]*)?", re.DOTALL
)
_ENTRY = 78  # bytes of a VisualSampleEntry before its boxes (12.1.3)
_COMPRESSOR_NAME = slice(42, 74)
_BLOCK = 1 << 20
_NOTHING = bytes(_BLOCK)


def extras(source: Source, described: Sequence[SampleTable] | None = None) -> tuple[str, ...]:
    """Names of the extras, in the file's order: kinds of boxes, ``creation times``, ``names``, ``unused bytes``.

    ``described`` are the pictures and sounds that the index tells of, None where it does not tell of each one.
    """
    file = movie(source)
    found = [box.kind for box in file.boxes if box.kind not in _TOP]
    found += [box.kind for box in file.boxes if box.kind in _PADDING and not _is_empty(source, box)]
    moov = next(box for box in file.boxes if box.kind == "moov")
    found += _inside(load(source, moov, MOST_INDEX_BYTES))
    if described is not None and _leaves_out(file.boxes, described):
        found.append("unused bytes")
    return tuple(dict.fromkeys(found))


def _leaves_out(boxes: Sequence[Box], described: Sequence[SampleTable]) -> bool:
    """Whether any byte of the file is neither in a box that is looked into, nor in a sample of an index."""
    starts = [np.array([box.offset for box in boxes])]
    ends = [np.array([box.offset + box.header if box.kind == "mdat" else box.end for box in boxes])]
    starts += [table.offset for table in described]
    ends += [table.offset + table.size for table in described]
    start, end = np.concatenate(starts), np.concatenate(ends)
    order = np.argsort(start, kind="stable")
    reached = np.maximum.accumulate(end[order])
    following = np.append(start[order[1:]], boxes[-1].end)
    return bool((following > reached).any())


def _is_empty(source: Source, box: Box) -> bool:
    at = box.offset + box.header
    while at < box.end:
        piece = source.read(at, min(_BLOCK, box.end - at))
        if not piece or piece != _NOTHING[: len(piece)]:
            return False
        at += len(piece)
    return True


def _inside(parent: Node) -> Iterator[str]:
    for node in children(parent):
        kind = node.box.kind
        if _LEAVES.get(kind, _silent)(node):
            continue
        if kind in _LEAVES:
            yield _SAID.get(kind, kind)
        elif kind == "stbl":
            yield from _compressors(node) if child(parent, "vmhd") else ()
        elif kind not in _INSIDE[parent.box.kind]:
            yield kind
        elif kind in _INSIDE:
            yield from _inside(node)


def _silent(_: Node) -> bool:
    return False


def _undated(header: Node) -> bool:
    """Whether it says neither when it was made nor when changed (8.2.2, 8.3.2, 8.4.2)."""
    return not any(fields(header, "QQ" if version(header) == 1 else "II", 4))


def _unnamed(handler: Node) -> bool:
    name = bytes(handler.content[24:]).rstrip(b"\0")
    counted = name[:1] == bytes([max(0, len(name) - 1)])  # as QuickTime writes it
    return _HANDLERS.fullmatch(name[1:] if counted else name) is not None


def _of_the_muxer(udta: Node) -> bool:
    return not udta.content or _MUXER.fullmatch(bytes(udta.content)) is not None


def _zeros(padding: Node) -> bool:
    return not any(padding.content)


# Boxes that may tell nothing, and how that is seen; else what they are called.
_LEAVES: dict[str, Callable[[Node], bool]] = {
    **dict.fromkeys(("mvhd", "tkhd", "mdhd"), _undated),
    **dict.fromkeys(_PADDING, _zeros),
    "hdlr": _unnamed,
    "udta": _of_the_muxer,
}
_SAID = {**dict.fromkeys(("mvhd", "tkhd", "mdhd"), "creation times"), "hdlr": "names"}


def _compressors(stbl: Node) -> Iterator[str]:
    """Where a visual sample entry names its compressor in free words."""
    stsd = child(stbl, "stsd")
    for entry in children(stsd, 8) if stsd else ():
        raw = bytes(entry.content[_COMPRESSOR_NAME]) if len(entry.content) >= _ENTRY else b""
        if raw and not _COMPRESSOR.fullmatch(raw[1 : 1 + raw[0]]):
            yield "names"
