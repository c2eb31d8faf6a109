"""A stored MP4 as players are sent it that go to single frames: its index written anew, its pictures where they are."""

from __future__ import annotations

from collections.abc import Iterator

from orthanc_video.bitstream import retimed as index
from orthanc_video.dicom.locate import Stream
from orthanc_video.dicom.stored import Object
from orthanc_video.errors import BrokenVideo
from orthanc_video.model import Located, Span


def retimed(stored: Object, located: Located) -> tuple[bytes, tuple[Span, ...]] | None:
    """What the MP4 begins with, and the spans of the stored object that follow; None where it stays as it is."""
    try:
        found = index.retimed(Stream(stored, located.spans, located.length))
    except BrokenVideo:
        return None
    if found is None:
        return None
    return found.head, tuple(place for span in found.rest for place in _places(located.spans, span))


def _places(fragments: tuple[Span, ...], wanted: Span) -> Iterator[Span]:
    """Where in the object the bytes of a part of the stream lie."""
    begin, end = wanted.offset, wanted.offset + wanted.length
    at = 0
    for fragment in fragments:
        first, last = max(begin, at), min(end, at + fragment.length)
        if first < last:
            yield Span(fragment.offset + first - at, last - first)
        at += fragment.length
