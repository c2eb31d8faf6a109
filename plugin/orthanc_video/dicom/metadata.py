"""What a stored object says, in the DICOM JSON Model (PS3.18 F): every value as it is written, none rounded."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable
from contextlib import suppress
from decimal import Decimal
from typing import Any

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.filewriter import correct_ambiguous_vr
from pydicom.tag import BaseTag
from pydicom.valuerep import PersonName

from orthanc_video.dicom import multiframe, syntaxes
from orthanc_video.dicom.said import whole

Model = dict[str, Any]

PIXEL_DATA = "7FE00010"
AVAILABLE_TRANSFER_SYNTAX = "00083002"
_BYTES = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "UN"})
_ONE_TEXT = frozenset({"LT", "ST", "UR", "UT"})
_GROUPS = ("Alphabetic", "Ideographic", "Phonetic")
# Every text in the model is Unicode, whatever the object is written in (PS3.18 F.2.2).
_CHARACTER_SET = "00080005"
_UTF8 = {"vr": "CS", "Value": ["ISO_IR 192"]}


def moves(said: Dataset) -> bool:
    """Whether the object is a video, or a film of single pictures."""
    return syntax_of(said) in syntaxes.BY_UID or multiframe.is_film(said)


def syntax_of(said: Dataset) -> str:
    """The transfer syntax in which the object is stored."""
    return str(said.file_meta.get("TransferSyntaxUID", ""))


def of(said: Dataset, pixels: str) -> Model:
    """The metadata of a video or film (PS3.18 10.4.3.3.2); ``pixels`` is where its Pixel Data can be had."""
    found = model(said)
    if _CHARACTER_SET in found:
        found[_CHARACTER_SET] = _UTF8
    found[AVAILABLE_TRANSFER_SYNTAX] = available(syntax_of(said))
    found[PIXEL_DATA] = {"vr": _pixel_representation(said), "BulkDataURI": pixels}
    return dict(sorted(found.items()))


def available(syntax: str) -> dict[str, Any]:
    """Available Transfer Syntax UID (0008,3002): one value, since viewers take no more.

    Of a fragmentable video it is the twin's, in which it can be had, too, and which every viewer knows.
    """
    return {"vr": "UI", "Value": [syntaxes.joined(syntax)]}


def _pixel_representation(said: Dataset) -> str:
    """Its VR (PS3.5 8.2, A.1, A.2)."""
    known = syntaxes.IMAGES.get(syntax_of(said))
    return "OW" if known is not None and known.native and (whole(said, "BitsAllocated") or 8) > 8 else "OB"


def model(said: Dataset) -> Model:
    """All attributes but group lengths and Pixel Data; what cannot be read has no value."""
    with suppress(Exception):  # pydicom has no end of errors for damaged values: then they stay ambiguous
        correct_ambiguous_vr(said, True)
    tags = sorted(said.keys())
    return {f"{int(tag):08X}": _entry(said, tag) for tag in tags if tag.element and tag != int(PIXEL_DATA, 16)}


def _entry(said: Dataset, tag: BaseTag) -> dict[str, Any]:
    try:
        element = said[tag]
        return _told(element)
    except Exception:  # as above
        return {"vr": str(said.get_item(tag).VR or "UN")[:2]}


def _told(element: DataElement) -> dict[str, Any]:
    # What still is ambiguous ("OB or OW") is told by the first of its choices.
    vr = str(element.VR)[:2]
    if vr == "SQ":
        items = [model(item) for item in element.value]
        return {"vr": vr, "Value": items} if items else {"vr": vr}
    if element.is_empty:
        return {"vr": vr}
    if vr in _BYTES or isinstance(element.value, bytes):
        data = element.value if isinstance(element.value, bytes) else bytes(element.value)
        return {"vr": vr if vr in _BYTES else "UN", "InlineBinary": base64.b64encode(data).decode()}
    several = element.value if element.VM > 1 and vr not in _ONE_TEXT else [element.value]
    return {"vr": vr, "Value": list(_values(vr, several))}


def _values(vr: str, several: Iterable[Any]) -> Iterable[Any]:
    for one in several:
        if one is None or one == "":
            yield None
        elif isinstance(one, PersonName):
            yield {name: part for name, part in zip(_GROUPS, one.components, strict=False) if part}
        elif vr == "AT":
            yield f"{int(one):08X}"
        elif vr in {"DS", "IS"}:
            yield _number(str(getattr(one, "original_string", None) or one).strip())
        elif isinstance(one, float):
            yield one if math.isfinite(one) else str(one)
        else:
            yield one if isinstance(one, int) else str(one)


def _number(written: str) -> int | float | str:
    """A number where it is exactly what is written, else the text (PS3.18 F.2.3 allows either)."""
    if written.lstrip("+-").isdigit() and written.isascii():
        whole_number = int(written)
        return whole_number if abs(whole_number) < 1 << 53 else written
    found = float(written)
    # JSON writes a double by the fewest digits that tell it from every other.
    return found if math.isfinite(found) and Decimal(repr(found)) == Decimal(written) else written
