"""The Native DICOM Model in XML (PS3.19 A.1), read into the DICOM JSON Model.

What is read is hostile: a document type, and with it every entity and everything external, is refused.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from typing import Any, NoReturn
from xml.parsers import expat

from orthanc_video.dicom.jsonmodel import Model
from orthanc_video.errors import BadRequest

_NAMESPACE = "http://dicom.nema.org/PS3.19/models/NativeDICOM"
_DEEPEST = 100
_GROUPS = ("Alphabetic", "Ideographic", "Phonetic")
_NAMES = ("FamilyName", "GivenName", "MiddleName", "NamePrefix", "NameSuffix")
_MOST_VALUES = 100_000


def parse(data: bytes) -> Model:
    """The instance of an application/dicom+xml part; raises BadRequest for what is no Native DICOM Model."""
    root = _tree(data)
    if _local(root) != "NativeDicomModel":
        raise BadRequest("The metadata are XML, but no NativeDicomModel (PS3.19 A.1).")
    return _model(root)


def _tree(data: bytes) -> ET.Element:
    builder = ET.TreeBuilder()
    depth = 0

    def begin(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > _DEEPEST:
            raise BadRequest(f"The metadata nest elements more than {_DEEPEST} deep.")
        builder.start(name, attributes)

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(name)

    def refuse(*_: Any) -> NoReturn:
        raise BadRequest("The metadata declare a document type, which is not taken: no entities are needed.")

    parser = expat.ParserCreate(namespace_separator="}")
    parser.StartElementHandler, parser.EndElementHandler = begin, end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = refuse
    parser.buffer_text = True
    try:
        parser.Parse(data, True)
        return builder.close()
    except (expat.ExpatError, ValueError, LookupError) as error:  # the last two of encodings that it does not know
        raise BadRequest("The metadata are not valid XML.") from error


def _local(element: ET.Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _children(element: ET.Element, *names: str) -> Iterator[ET.Element]:
    return (child for child in element if _local(child) in names)


def _model(element: ET.Element) -> Model:
    model: Model = {}
    for attribute in _children(element, "DicomAttribute"):
        tag = attribute.get("tag", "")
        # By its creator a private attribute is named without a block, which only the writer of a data set can choose.
        name = tag if "privateCreator" not in attribute.attrib else f"{tag} private"
        if name in model and name == tag:
            raise BadRequest("The metadata name an attribute twice: which of the two is meant, nobody knows.")
        model[name] = _entry(attribute)
    return model


def _entry(attribute: ET.Element) -> dict[str, Any]:
    entry: dict[str, Any] = {"vr": attribute.get("vr", "")}
    values: dict[int, Any] = {}
    for child in attribute:
        match _local(child):
            case "Value":
                values[_number(child)] = child.text or ""
            case "PersonName":
                values[_number(child)] = _person(child)
            case "Item":
                values[_number(child)] = _model(child)
            case "InlineBinary":
                entry["InlineBinary"] = "".join((child.text or "").split())
            case "BulkData" | "BulkDataReference":
                entry["BulkDataURI"] = child.get("uri") or child.get("URI") or child.get("uuid") or ""
    if values:
        entry["Value"] = [values.get(place) for place in range(1, max(values) + 1)]
    return entry


def _number(child: ET.Element) -> int:
    text = child.get("number", "1")
    if not (text.isascii() and text.isdigit()) or len(text) > 6 or not 0 < int(text) <= _MOST_VALUES:
        raise BadRequest("The metadata number a value otherwise than from 1 on.")
    return int(text)


def _person(child: ET.Element) -> dict[str, str]:
    found = {}
    for group in _children(child, *_GROUPS):
        parts = {_local(part): part.text or "" for part in group}
        found[_local(group)] = "^".join(parts.get(name, "") for name in _NAMES).rstrip("^")
    return found
