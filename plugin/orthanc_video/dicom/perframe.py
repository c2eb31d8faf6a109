"""What a multi-frame object says of its frames one by one, cut along with them. Pure.

What cannot be cut along is refused, since it would say of a frame what is another's.
"""

from __future__ import annotations

from collections.abc import Sequence as Several
from itertools import pairwise
from typing import Any

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag
from pydicom.valuerep import DSdecimal

from orthanc_video.dicom.build import ds
from orthanc_video.dicom.derived import remove
from orthanc_video.dicom.said import items, missing, numbers, tags, value, values, written
from orthanc_video.errors import BadRequest
from orthanc_video.film import MultiFrame

_TIMES = "FrameTimeVector"
_VECTOR = 0x00181065
_GROUPS = "PerFrameFunctionalGroupsSequence"
# A value for each frame (PS3.3 C.8.6.4).
_VALUES = (
    "PageNumberVector", "FrameLabelVector", "FramePrimaryAngleVector", "FrameSecondaryAngleVector",
    "SliceLocationVector", "DisplayWindowLabelVector",
)  # fmt: skip
# Numbers of frames, with what is said of each in its order (C.7.6.9, C.7.6.5).
_NUMBERS: dict[str, tuple[str, ...]] = {
    "FrameNumbersOfInterest": ("FrameOfInterestDescription", "FrameOfInterestType"),
    "RepresentativeFrameNumber": (),
    "RWavePointer": (),
}
# Of the whole film alone: parts of it by number or time, its darkest and brightest pixel, where its bytes lie, who
# signed them, of which concatenation it is.
_WHOLE = (
    "StartTrim", "StopTrim", "RWaveTimeVector", "IconImageSequence", "SmallestImagePixelValue",
    "LargestImagePixelValue", "ExtendedOffsetTable", "ExtendedOffsetTableLengths",
    "EncapsulatedPixelDataValueTotalLength", "MACParametersSequence", "DigitalSignaturesSequence", "ConcatenationUID",
    "SOPInstanceUIDOfConcatenationSource", "InConcatenationNumber", "InConcatenationTotalNumber",
    "ConcatenationFrameOffsetNumber",
)  # fmt: skip
# What frames are shown with that may lie outside of the part (C.7.6.10), and steps whose sums are positions (C.8.7.5).
_REFUSED = (
    "MaskSubtractionSequence", "PositionerPrimaryAngleIncrement", "PositionerSecondaryAngleIncrement",
    "TableVerticalIncrement", "TableLongitudinalIncrement", "TableLateralIncrement",
)  # fmt: skip
# Elements of an overlay (PS3.3 C.9.2), by their numbers within the group of it.
_ROWS, _COLUMNS, _FRAMES, _ORIGIN, _BITS = 0x0010, 0x0011, 0x0015, 0x0051, 0x3000


def take(said: Dataset, film: MultiFrame, which: Several[int]) -> None:
    """Leaves in ``said``, the attributes of ``film``, what is true of these of its frames (from 0), in this order.

    Raises BadRequest where something said of single frames cannot be cut along.
    """
    count = len(film.frames)
    for keyword in _REFUSED:
        if not missing(said, keyword):
            raise _refused(f"{keyword} would not be right for a part of it")
    _times(said, film, which)
    for keyword in _VALUES:
        _each(said, keyword, count, which)
    _groups(said, count, which)
    for keyword, about in _NUMBERS.items():
        _numbered(said, keyword, about, which)
    for group in sorted({element.tag.group for element in said if element.tag.group & 0xFF01 == 0x6000}):
        _overlay(said, group, which)
    curves = [element.tag for element in said if element.tag.group & 0xFF01 == 0x5000]
    for tag in curves:  # retired in 2004: traces and sound along the whole film
        del said[tag]
    remove(said, _WHOLE)


def _refused(why: str) -> BadRequest:
    return BadRequest(f"Nothing is cut out of this object: {why}.")


def _times(said: Dataset, film: MultiFrame, which: Several[int]) -> None:
    """Frame Time Vector: milliseconds from the frame before (C.7.6.5.1.2), of the first frame 0."""
    if _TIMES not in said:
        return
    steps = written(said, _TIMES)
    if len(steps) != len(film.frames) or len(numbers(said, _TIMES)) != len(steps):
        if _VECTOR in tags(said, "FrameIncrementPointer"):
            raise _refused(f"its {_TIMES} has {len(steps)} values for {len(film.frames)} frames")
        remove(said, (_TIMES,))
        return
    mean = ds(1000 * film.cadence.step.fraction)
    after = [DSdecimal(one) for one in steps[1:]] + [mean]  # how long each frame lasts
    said.FrameTimeVector = [DSdecimal("0"), *(after[number] for number in which[:-1])]


def _each(said: Dataset, keyword: str, count: int, which: Several[int]) -> None:
    if missing(said, keyword):
        return
    found = value(said, keyword)
    found = [found] if isinstance(found, str) or not hasattr(found, "__len__") else list(found)
    if len(found) != count:
        raise _refused(f"its {keyword} has {len(found)} values for {count} frames")
    setattr(said, keyword, [found[number] for number in which])


def _groups(said: Dataset, count: int, which: Several[int]) -> None:
    if _GROUPS not in said:
        return
    found = items(said, _GROUPS)
    if len(found) != count:
        raise _refused(f"its {_GROUPS} has {len(found)} items for {count} frames")
    said.PerFrameFunctionalGroupsSequence = Sequence([found[number] for number in which])


def _numbered(said: Dataset, keyword: str, about: tuple[str, ...], which: Several[int]) -> None:
    """What names frames names them by their new numbers; those that are gone are named no more."""
    if keyword not in said:
        return
    places = {number + 1: place for place, number in reversed(list(enumerate(which, 1)))}
    named = numbers(said, keyword)
    kept = [at for at, number in enumerate(named) if number in places]
    of_each = {one: values(said, one) for one in about}
    remove(said, (keyword, *about))
    if not kept:
        return
    setattr(said, keyword, _one_or_all([places[int(named[at])] for at in kept]))
    for one, words in of_each.items():
        if len(words) == len(named):
            setattr(said, one, _one_or_all([words[at] for at in kept]))


def _one_or_all(found: list[Any]) -> Any:
    return found[0] if len(found) == 1 else found


def _overlay(said: Dataset, group: int, which: Several[int]) -> None:
    """An overlay with frames of its own lies over those of the image from its origin on (C.9.2.1); else over all."""

    def told(element: int) -> int | None:
        found = said.get(Tag(group, element))
        try:
            return None if found is None or found.value is None else int(found.value)
        except (TypeError, ValueError):
            raise _refused(f"what its overlay says by ({group:04X},{element:04X}) is no whole number") from None

    if told(_FRAMES) is None and told(_ORIGIN) is None:
        return
    origin, count = told(_ORIGIN) or 1, told(_FRAMES) or 1
    over = [(place, number - origin + 1) for place, number in enumerate(which) if 0 <= number - origin + 1 < count]
    if not over:
        for tag in [element.tag for element in said if element.tag.group == group]:
            del said[tag]
        return
    if any((later[0] - one[0], later[1] - one[1]) != (1, 1) for one, later in pairwise(over)):
        raise _refused("it has an overlay with frames of its own; ask for a single range of it")
    said[Tag(group, _FRAMES)] = DataElement(Tag(group, _FRAMES), "IS", len(over))
    said[Tag(group, _ORIGIN)] = DataElement(Tag(group, _ORIGIN), "US", over[0][0] + 1)
    if Tag(group, _BITS) not in said:  # they lie in the pixels themselves
        return
    bits, size = said[Tag(group, _BITS)], (told(_ROWS) or 0) * (told(_COLUMNS) or 0)
    if not isinstance(bits.value, bytes) or len(bits.value) * 8 < count * size:
        raise _refused("its overlay has fewer bits than it says")
    bits.value = _bits(bits.value, over[0][1] * size, len(over) * size)


def _bits(data: bytes, begin: int, count: int) -> bytes:
    """Bits out of a field that is packed from each byte's lowest one on (PS3.5 8.1.2), as a value of even length."""
    cut = int.from_bytes(data[begin // 8 : (begin + count + 7) // 8], "little") >> (begin % 8)
    return (cut & ((1 << count) - 1)).to_bytes((count + 15) // 16 * 2, "little")
