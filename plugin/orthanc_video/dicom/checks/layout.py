"""How Pixel Data is laid out: its fragments, its offset table, its padding. Reads item headers and a few bytes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from orthanc_video.bitstream import mp4
from orthanc_video.dicom import stored as objects
from orthanc_video.dicom import syntaxes
from orthanc_video.dicom.checks.finding import Finding, finding
from orthanc_video.dicom.locate import Stream
from orthanc_video.dicom.said import is_there, whole
from orthanc_video.dicom.stored import Header, Object
from orthanc_video.errors import BrokenVideo
from orthanc_video.film import MultiFrame
from orthanc_video.model import Located

# What streams begin with, and coded pictures never do: where in the first bytes, and which.
_STREAMS = (
    (4, b"ftyp"), (4, b"moov"), (0, b"\x00\x00\x00\x01"), (0, b"\x00\x00\x01"), (0, b"\x1aE\xdf\xa3"), (8, b"AVI "),
)  # fmt: skip
_PACKET = 188  # bytes of a transport stream's packet, each of which begins with 47 (hexadecimal)


def holds_stream(stored: Object, header: Header) -> bool:
    """Whether Pixel Data is encapsulated and begins as a video does, whatever the transfer syntax says."""
    if objects.native(stored, header) is not None:
        return False
    first = next((span for span in list(objects.items(stored, header))[1:] if span.length), None)
    if first is None:
        return False
    head = stored.read(first.offset, min(first.length, _PACKET + 1))
    packets = len(head) > _PACKET and head[0] == head[_PACKET] == 0x47
    return packets or any(head[at : at + len(magic)] == magic for at, magic in _STREAMS)


def encoding(stored: Object, header: Header) -> Iterator[Finding]:
    """How the element Pixel Data itself is written."""
    head = stored.read(header.at, 6)
    vr = head[4:6]
    if vr == b"OW":
        yield finding("pixel-data-vr", "Pixel Data is encapsulated with VR OW; it has to be OB.")
    elif len(head) == 6 and not (vr.isalpha() and vr.isupper()):
        yield finding("encoding", "Pixel Data is written without a VR, as if the data set were Implicit VR.")


def of_video(stored: Object, header: Header, located: Located) -> Iterator[Finding]:
    syntax = syntaxes.BY_UID[located.transfer_syntax]
    table, *fragments = objects.items(stored, header)
    count = len(located.spans)
    if count > 1 and not syntax.fragmentable:
        sentence = f"The stream lies in {count} fragments; {syntax.name} demands one."
        yield finding("fragments", sentence, f"PS3.5 {syntax.section}")
    yield from _even(sum(span.length % 2 for span in fragments), len(fragments))
    if len(fragments) > count:
        yield finding("fragment-empty", f"{len(fragments) - count} of {len(fragments)} fragments are empty.")
    if table.length:
        yield finding("offset-table", f"The Basic Offset Table has {table.length} bytes; of a video it is empty.")
    if is_there(header.said, "ExtendedOffsetTable"):
        yield finding("offset-table-extended", "There is an Extended Offset Table, which no video transfer syntax has.")
    yield from _length(header, located)
    yield from _padding(stored, located)


def of_frames(found: MultiFrame) -> Iterator[Finding]:
    for remark in found.remarks:
        yield finding("frame-layout", remark)
    spans = [span for frame in found.frames for span in frame]
    if not syntaxes.IMAGES[found.transfer_syntax].native:
        yield from _even(sum(span.length % 2 for span in spans), len(spans))
    if not found.cadence.source:
        rate = float(1 / found.cadence.step.fraction)
        yield finding("cadence", f"No attribute says how long a frame is shown; {rate:g} frames per second are taken.")


def _even(odd: int, count: int) -> Iterator[Finding]:
    if odd:
        yield finding("fragment-odd", f"{odd} of {count} fragments have an odd length; it must be even.")


def _padding(stored: Object, located: Located) -> Iterator[Finding]:
    total = sum(span.length for span in located.spans)
    with suppress(BrokenVideo):  # no MP4, or a damaged one, which the container's judge tells
        boxes = mp4.top_level(Stream(stored, located.spans, total))
        end = boxes[-1].offset if boxes[-1].kind == "\0\0\0\0" else boxes[-1].end
        if end < total - 1:
            yield finding("padding", f"The stream ends {total - end} bytes before its fragment does.")


def _length(header: Header, located: Located) -> Iterator[Finding]:
    total = sum(span.length for span in located.spans)
    said = whole(header.said, "EncapsulatedPixelDataValueTotalLength")
    if said is not None and said not in {total, total - 1}:
        yield finding(
            "total-length", f"EncapsulatedPixelDataValueTotalLength is {said}, but the fragments hold {total} bytes."
        )
