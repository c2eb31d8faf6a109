"""Where the frames lie inside a stored object of single pictures: found by its header and item headers alone."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from itertools import pairwise

from pydicom.dataset import Dataset

from orthanc_video.dicom import cadence, classes, pixels, stored, syntaxes
from orthanc_video.dicom.said import missing, text, value, whole
from orthanc_video.dicom.stored import Header, Object
from orthanc_video.errors import BrokenVideo, NoImage, NotVideo
from orthanc_video.film import MultiFrame, Pixels
from orthanc_video.model import Span

MOST_FRAMES = 100_000
# What a coded frame begins with: SOI of JPEG and JPEG-LS, SOC of JPEG 2000.
_BEGINNINGS = (b"\xff\xd8", b"\xff\x4f")


def locate(source: Object) -> MultiFrame:
    """Raises NotVideo for what holds no film, BrokenVideo for a film that cannot be shown."""
    return in_object(source, stored.header(source))


def in_object(source: Object, header: Header) -> MultiFrame:
    """As ``locate``, its header having been read."""
    if not is_film(header.said):
        raise NotVideo("The stored object is neither a video nor a film of single pictures.")
    return _pictures(source, header)


def is_film(said: Dataset) -> bool:
    """Whether pictures move, or were taken out of such that do (PS3.3 C.12.3): a part of a film is one, of one frame
    even. Any other single frame is a still, whatever its class: ophthalmic cameras store them as films' classes."""
    if text(said, "SOPClassUID") not in classes.CINE:
        return False
    frames = whole(said, "NumberOfFrames") or 0
    return frames > 1 or (frames == 1 and not missing(said, "FrameExtractionSequence"))


def pictures(source: Object) -> tuple[MultiFrame, Dataset]:
    """As ``moving.described``, of any image; one that does not move is a film of one frame.

    Raises NoImage for others.
    """
    header = stored.header(source)
    if not {"Rows", "Columns", "PhotometricInterpretation"} <= set(header.said.dir()):
        raise NoImage("The stored object is no image.")
    return _pictures(source, header), header.said


def _announced(header: Header) -> int:
    return max(1, whole(header.said, "NumberOfFrames") or 1)


def _pictures(source: Object, header: Header) -> MultiFrame:
    said, announced = header.said, _announced(header)
    syntax = syntaxes.IMAGES.get(header.syntax)
    if syntax is None:
        raise BrokenVideo(f"The transfer syntax of the stored pictures, {header.syntax}, is not read here.")
    meant = pixels.of(said)
    span = stored.native(source, header)
    remarks: list[str] = []
    if span is not None:
        if not syntax.native:
            raise BrokenVideo("The stored object's Pixel Data is not encapsulated, as its transfer syntax demands.")
        frames = _native(span, source.size, meant, announced, remarks)
    else:
        frames = _encapsulated(source, header, announced, remarks)
    if len(frames) != announced:
        remarks.append(f"NumberOfFrames is {announced}, but the object holds {len(frames)}.")
    return MultiFrame(
        transfer_syntax=header.syntax,
        sop_class=text(said, "SOPClassUID"),
        sop_instance=text(said, "SOPInstanceUID"),
        pixels=meant,
        cadence=cadence.of(said, len(frames)),
        frames=frames,
        remarks=tuple(remarks),
    )


def _native(span: Span, size: int, meant: Pixels, announced: int, remarks: list[str]) -> tuple[tuple[Span, ...], ...]:
    """Frames of equal length, one after the other (PS3.5 8.1.1); of one that is not whole nothing is shown."""
    length = frame_length(meant)
    there = min(span.length, max(0, size - span.offset))
    if there < span.length:
        remarks.append("The stored object ends inside its Pixel Data.")
    elif span.length > announced * length + 1:
        remarks.append(f"Pixel Data has {span.length} bytes; {announced} frames take {announced * length}.")
    return tuple((Span(span.offset + at * length, length),) for at in range(_bounded(min(announced, there // length))))


def frame_length(meant: Pixels) -> int:
    """The bytes of a frame that is not compressed."""
    samples = 2 if meant.photometric in {"YBR_FULL_422", "YBR_PARTIAL_422"} else meant.samples
    return meant.rows * meant.columns * samples * meant.bits_allocated // 8


def _bounded(frames: int) -> int:
    if frames < 1:
        raise BrokenVideo("The stored object's Pixel Data holds no whole frame.")
    if frames > MOST_FRAMES:
        raise BrokenVideo(f"The stored object's Pixel Data has more than {MOST_FRAMES} frames.")
    return frames


def _encapsulated(source: Object, header: Header, announced: int, remarks: list[str]) -> tuple[tuple[Span, ...], ...]:
    """By an offset table; else one fragment for each frame; else where fragments begin as coded frames do."""
    items = list(stored.items(source, header))
    fragments = items[1:]
    if not any(fragment.length for fragment in fragments):
        raise BrokenVideo("The stored object's Pixel Data is empty.")
    # Offsets count from the first fragment's item (PS3.5 A.4); a fragment's header has eight bytes.
    places = [fragment.offset - fragments[0].offset for fragment in fragments]
    for name, offsets in (("Extended", _extended(header.said)), ("Basic", _basic(source, items[0]))):
        if offsets:
            found = _by(offsets, places)
            if found and (len(found) == announced or len(fragments) != announced):
                return _grouped(fragments, found)
            remarks.append(f"The {name} Offset Table does not name the fragments that frames begin with.")
    if len(fragments) != announced:
        begins = [at for at, one in enumerate(fragments) if source.read(one.offset, 2) in _BEGINNINGS]
        if begins and begins[0] == 0:
            return _grouped(fragments, begins)
    return tuple((fragment,) for fragment in fragments)


def _extended(said: Dataset) -> list[int]:
    data = value(said, "ExtendedOffsetTable")
    return _unpacked("Q", data) if isinstance(data, bytes) else []


def _basic(source: Object, table: Span) -> list[int]:
    return _unpacked("L", source.read(table.offset, min(table.length, 4 * MOST_FRAMES)))


def _unpacked(code: str, data: bytes) -> list[int]:
    size = struct.calcsize(f"<{code}")
    return list(struct.unpack(f"<{len(data) // size}{code}", data[: len(data) // size * size]))


def _by(offsets: Sequence[int], places: Sequence[int]) -> list[int]:
    """The fragments that the offsets name, ascending from the first; none where they name anything else."""
    numbers = {place: number for number, place in enumerate(places)}
    found = [numbers.get(offset, -1) for offset in offsets]
    right = found[0] == 0 and all(one < other for one, other in pairwise(found))
    return found if right else []


def _grouped(fragments: Sequence[Span], begins: Sequence[int]) -> tuple[tuple[Span, ...], ...]:
    edges = [*begins, len(fragments)]
    return tuple(tuple(fragments[begin:end]) for begin, end in pairwise(edges))
