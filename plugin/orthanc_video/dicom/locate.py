"""Where the stream lies inside a stored DICOM object: found in time that does not depend on the object's size."""

from __future__ import annotations

from orthanc_video.bitstream import mp4
from orthanc_video.dicom import stored as objects
from orthanc_video.dicom import syntaxes
from orthanc_video.dicom.said import text, whole
from orthanc_video.dicom.stored import Header, Object
from orthanc_video.errors import BrokenVideo, NotVideo
from orthanc_video.model import Located, Span


class Stream:
    """The located stream as an Object of its own: fragments joined, item headers left out."""

    def __init__(self, stored: Object, spans: tuple[Span, ...], length: int) -> None:
        self._stored = stored
        self._spans = spans
        self.size = length

    def read(self, offset: int, length: int) -> bytes:
        pieces = []
        length = min(length, self.size - offset)
        for span in self._spans:
            if length <= 0:
                break
            if offset < span.length:
                piece = self._stored.read(span.offset + offset, min(length, span.length - offset))
                pieces.append(piece)
                length -= len(piece)
                offset += len(piece)
            offset -= span.length
        return b"".join(pieces)


def exact(located: Located) -> tuple[Span, ...]:
    """The spans without the byte that pads the last."""
    rest = sum(span.length for span in located.spans) - located.length
    return (*located.spans[:-1], Span(located.spans[-1].offset, located.spans[-1].length - rest))


def locate(stored: Object) -> Located:
    """Reads the header and the item headers only; raises NotVideo for an object that holds no video."""
    return in_object(stored, objects.header(stored))


def in_object(stored: Object, header: Header) -> Located:
    """As ``locate``, its header having been read."""
    syntax = syntaxes.BY_UID.get(header.syntax)
    if syntax is None:
        raise NotVideo("The stored object's transfer syntax is none of the video ones.")
    if objects.native(stored, header) is not None:
        raise BrokenVideo("The stored object's Pixel Data is not encapsulated, as a video's must be (PS3.5 A.4).")
    spans = tuple(span for span in list(objects.items(stored, header))[1:] if span.length)
    if not spans:
        raise BrokenVideo("The stored object's Pixel Data is empty.")
    total = sum(span.length for span in spans)
    return Located(
        transfer_syntax=syntax.uid,
        sop_class=text(header.said, "SOPClassUID"),
        sop_instance=text(header.said, "SOPInstanceUID"),
        spans=spans,
        length=_exact(stored, spans, total, whole(header.said, "EncapsulatedPixelDataValueTotalLength")),
    )


def _exact(stored: Object, spans: tuple[Span, ...], total: int, said: int | None) -> int:
    """The stream's length without the pad byte: as the object says, or as the MP4's boxes add up."""
    if said is not None and said in {total, total - 1}:
        return said
    try:
        boxes = mp4.top_level(Stream(stored, spans, total))  # reads their headers alone: the index may be long
    except BrokenVideo:
        return total  # no MP4: what is stored is served as it is
    return total - 1 if boxes and boxes[-1].end == total - 1 else total
