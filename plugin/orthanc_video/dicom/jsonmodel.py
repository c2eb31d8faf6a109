"""The DICOM JSON Model (PS3.18 F) as clients send it: each attribute is taken, or named as one that cannot be."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydicom import config
from pydicom.datadict import dictionary_has_tag, dictionary_keyword, dictionary_VR
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_data_element
from pydicom.sequence import Sequence
from pydicom.tag import Tag
from pydicom.valuerep import DA, DT, TM, format_number_as_ds

from orthanc_video.errors import BadRequest

Model = dict[str, Any]

PIXEL_DATA = 0x7FE00010
_SPECIFIC_CHARACTER_SET = 0x00080005
# What is nested deeper than this was made to do harm.
_DEEPEST = 32
_MOST_VALUES = 100_000
_TAG = re.compile(r"[0-9A-Fa-f]{8}")
_WHOLE = frozenset({"US", "UL", "SS", "SL", "UV", "SV"})
_FRACTION = frozenset({"FL", "FD"})
_BYTES = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "UN"})
_ONE_TEXT = frozenset({"LT", "ST", "UR", "UT"})
_TEXT = frozenset({"AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "SH", "TM", "UC", "UI", *_ONE_TEXT})
_MOMENTS: dict[str, Any] = {"DA": DA, "DT": DT, "TM": TM}
_LONGEST_DECIMAL = 16
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
# PS3.5 6.1.3, Table 6.2-1. ESC begins a change of character sets, of which UTF-8 knows none.
_FORMATS = re.compile(r"[\t\n\f\r]")
_FORMATTED = frozenset({"LT", "ST", "UT"})


@dataclass(frozen=True, slots=True)
class Said:
    """An instance's metadata: its attributes but Pixel Data, whose BulkDataURI is ``pixels`` (empty: it has none).

    ``discarded`` names what could not be taken, ``elsewhere`` are the URIs of other attributes' bulk data.
    """

    dataset: Dataset
    pixels: str = ""
    discarded: tuple[str, ...] = ()
    elsewhere: frozenset[str] = frozenset()


@dataclass
class _Reader:
    pixels: str = ""
    discarded: list[str] = field(default_factory=list)
    elsewhere: set[str] = field(default_factory=set)

    def dataset(self, model: Mapping[str, Any], depth: int = 0) -> Dataset:
        if depth > _DEEPEST:
            raise BadRequest(f"The metadata nest sequences more than {_DEEPEST} deep.")
        if len({name.upper() for name in model}) < len(model):
            raise BadRequest("The metadata name an attribute twice: which of the two is meant, nobody knows.")
        found = Dataset()
        for name in sorted(model):
            self._take(found, name, model[name], depth)
        return found

    def _take(self, into: Dataset, name: str, entry: Any, depth: int) -> None:
        if not _TAG.fullmatch(name) or not isinstance(entry, dict):
            self.discarded.append("what is no attribute")
            return
        tag = Tag(int(name, 16))
        if tag == _SPECIFIC_CHARACTER_SET or (not tag.element and tag.group > 2):
            return  # how the text was encoded on its way; how long groups are
        uri = entry.get("BulkDataURI")
        if uri is not None and tag == PIXEL_DATA and not depth:
            self.pixels = str(uri)
            return
        if uri is not None:
            self.elsewhere.add(str(uri))
        try:
            element = self._element(tag, entry, depth)
            _refuse_unwritable(element)
            into.add(element)
        except BadRequest:
            raise
        except Exception:  # pydicom has no end of errors for values that are none
            self.discarded.append(named(tag))

    def _element(self, tag: Any, entry: Mapping[str, Any], depth: int) -> DataElement:
        """Raises ValueError, and what pydicom does, for what cannot be written as this attribute."""
        vr = _representation(tag, str(entry.get("vr", "")))
        if tag.group in {0, 2} or tag == PIXEL_DATA or "BulkDataURI" in entry:
            raise ValueError
        if "InlineBinary" in entry:
            if vr not in _BYTES:
                raise ValueError
            return DataElement(tag, vr, _decoded(entry["InlineBinary"]))
        values = entry.get("Value", [])
        if not isinstance(values, list) or len(values) > _MOST_VALUES:
            raise ValueError
        if vr == "SQ":
            items = [item or {} for item in values]
            if not all(isinstance(item, dict) for item in items):
                raise ValueError
            return DataElement(tag, vr, Sequence([self.dataset(item, depth + 1) for item in items]))
        if vr in _BYTES and values:
            raise ValueError
        converted = [_value(vr, value) for value in values]
        joined = _joined(vr, converted)
        # What PS3.5 6.2 forbids raises here; an element that was made so would check whatever it is set to later.
        DataElement(tag, vr, joined, validation_mode=config.RAISE)
        return DataElement(tag, vr, joined)


def _refuse_unwritable(element: DataElement) -> None:
    """Raises what pydicom does for a value that cannot be written."""
    file = DicomBytesIO()
    file.is_little_endian, file.is_implicit_VR = True, False
    write_data_element(file, element, ["utf_8"])


def parse(data: bytes) -> list[Model]:
    """The instances of an application/dicom+json part (PS3.18 8.7.3.2); raises BadRequest."""
    try:
        loaded = json.loads(data, object_pairs_hook=_object)
    except (ValueError, RecursionError) as error:
        raise BadRequest("The metadata are not valid JSON.") from error
    models = loaded if isinstance(loaded, list) else [loaded]
    if not models or not all(isinstance(model, dict) for model in models):
        raise BadRequest("The metadata must be an array of objects of the DICOM JSON Model (PS3.18 F).")
    return models


def _object(pairs: list[tuple[str, Any]]) -> Model:
    """Names that come twice mean what each reader makes of them (RFC 8259 4): two patients, perhaps."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise BadRequest("An object of the metadata has a name twice: which of the two is meant, nobody knows.")
    return found


def read(model: Mapping[str, Any]) -> Said:
    """One instance's attributes, text in Unicode; raises BadRequest for what nests too deep."""
    reader = _Reader()
    dataset = reader.dataset(model)
    dataset.SpecificCharacterSet = "ISO_IR 192"
    return Said(dataset, reader.pixels, tuple(dict.fromkeys(reader.discarded)), frozenset(reader.elsewhere))


def named(tag: Any) -> str:
    """An attribute as sentences name it: by keyword, else by tag."""
    return dictionary_keyword(tag) if dictionary_has_tag(tag) else f"({tag >> 16:04X},{tag & 0xFFFF:04X})"


def _representation(tag: Any, said: str) -> str:
    """The VR: the dictionary's, where it knows the attribute. Raises ValueError where the two differ."""
    if not dictionary_has_tag(tag):
        if said not in _TEXT | _BYTES | _WHOLE | _FRACTION | {"AT", "PN", "SQ"}:
            raise ValueError
        return said
    known = dictionary_VR(tag).split(" or ")
    if said and said not in known:
        raise ValueError
    return said or known[0]


def _value(vr: str, value: Any) -> Any:
    if isinstance(value, dict) != (vr == "PN" and value is not None and not isinstance(value, str)):
        raise ValueError
    if value is None:
        return ""
    if vr == "PN":
        return _person(value)
    if vr in _WHOLE:
        return int(value)
    if vr in _FRACTION:
        return float(value)
    if vr == "AT":
        return int(value, 16)
    return _string(vr, value)


def _string(vr: str, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError
    # JSON does not tell 3.0 from 3.
    text = str(int(value) if vr == "IS" and isinstance(value, float) and value.is_integer() else value)
    if vr == "DS" and not isinstance(value, str) and len(text) > _LONGEST_DECIMAL:
        text = format_number_as_ds(float(value))
    if "\\" in text and vr not in _ONE_TEXT:
        raise ValueError
    if _CONTROL.search(_FORMATS.sub("", text) if vr in _FORMATTED else text):
        raise ValueError
    if vr in _MOMENTS and text:
        _MOMENTS[vr](text)  # raises for days that no calendar has, and for the ranges of queries
    return text


def _person(value: str | Mapping[str, Any]) -> str:
    groups = [value] if isinstance(value, str) else [
        value.get(group, "") for group in ("Alphabetic", "Ideographic", "Phonetic")
    ]  # fmt: skip
    if not all(isinstance(group, str) and "\\" not in group and not _CONTROL.search(group) for group in groups):
        raise ValueError
    return "=".join(groups).rstrip("=")


def _joined(vr: str, values: list[Any]) -> Any:
    if vr in _ONE_TEXT and len(values) > 1:
        raise ValueError
    if not values or values == [""]:
        return None if vr in _WHOLE | _FRACTION | {"AT"} else b"" if vr in _BYTES else ""
    return values[0] if len(values) == 1 else values


def _decoded(text: Any) -> bytes:
    try:
        data = base64.b64decode(str(text), validate=True)
    except binascii.Error as error:
        raise ValueError from error
    return data + b"\0" * (len(data) % 2)
