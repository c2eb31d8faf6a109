"""How an MP4's pictures are coded, at a glance: the rest of the index, which may be megabytes, stays unread."""

from __future__ import annotations

from collections.abc import Iterator

from orthanc_video.bitstream.boxes import Box, Source, fields, load, top_level
from orthanc_video.bitstream.tracks import sample_entry

_MOST_BYTES = 1 << 20  # of a box that is read whole


class _Inside:
    """The content of a box as a source of its own."""

    def __init__(self, source: Source, box: Box) -> None:
        self._source = source
        self._offset = box.offset + box.header
        self.size = box.size - box.header

    def read(self, offset: int, length: int) -> bytes:
        return self._source.read(self._offset + offset, min(length, self.size - offset))


def picture_coding(source: Source) -> tuple[str, bytes]:
    """The first video track's sample entry code (``avc1``) and its avcC or hvcC box's content, as ``Track`` has them.

    Both are empty where there is none; ``BrokenVideo`` for what is no MP4.
    """
    for moov in _all(source, "moov"):
        for trak in _all(moov, "trak"):
            for mdia in _all(trak, "mdia"):
                if _is_video(mdia):
                    return _coding(mdia)
    return "", b""


def _is_video(mdia: Source) -> bool:
    return any(fields(load(mdia, box, _MOST_BYTES), "4s", 8)[0] == b"vide" for box in _boxes(mdia, "hdlr"))


def _coding(mdia: Source) -> tuple[str, bytes]:
    for minf in _all(mdia, "minf"):
        for stbl in _all(minf, "stbl"):
            for box in _boxes(stbl, "stsd"):
                entry = sample_entry(load(stbl, box, _MOST_BYTES), "vide")
                return entry.codec, entry.extradata
    return "", b""


def _all(source: Source, kind: str) -> Iterator[Source]:
    return (_Inside(source, box) for box in _boxes(source, kind))


def _boxes(source: Source, kind: str) -> Iterator[Box]:
    return (box for box in top_level(source) if box.kind == kind)
