"""The DICOM JSON Model as a Native DICOM Model in XML (PS3.18 F, PS3.19 A.1)."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from typing import Any

from pydicom.datadict import keyword_for_tag

NAMESPACE = "http://dicom.nema.org/PS3.19/models/NativeDICOM"
# Written as the default one: readers that know nothing of namespaces read it, too.
ET.register_namespace("", NAMESPACE)
_IN = f"{{{NAMESPACE}}}"
_SPACE = "{http://www.w3.org/XML/1998/namespace}space"
_NAMES = ("FamilyName", "GivenName", "MiddleName", "NamePrefix", "NameSuffix")
# No XML 1.0 holds these, not even escaped: of what DICOM allows, ESC and FF.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def written(model: Mapping[str, Any]) -> bytes:
    """A document of its own, in UTF-8."""
    root = ET.Element(f"{_IN}NativeDicomModel", {_SPACE: "preserve"})
    _attributes(root, model)
    return text(root)


def text(root: ET.Element) -> bytes:
    """A whole document, in UTF-8."""
    found: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return found


def _attributes(into: ET.Element, model: Mapping[str, Any]) -> None:
    into.extend(attribute(tag, entry, model) for tag, entry in sorted(model.items()))


def attribute(tag: str, entry: Mapping[str, Any], model: Mapping[str, Any]) -> ET.Element:
    """One attribute of ``model``."""
    found = ET.Element(f"{_IN}DicomAttribute", {"tag": tag, "vr": entry["vr"], **_naming(tag, model)})
    if "BulkDataURI" in entry:
        ET.SubElement(found, f"{_IN}BulkData", {"uri": entry["BulkDataURI"]})
    elif "InlineBinary" in entry:
        ET.SubElement(found, f"{_IN}InlineBinary").text = entry["InlineBinary"]
    for number, value in enumerate(entry.get("Value", ()), 1):
        if value is not None:
            _value(found, entry["vr"], str(number), value)
    return found


def _naming(tag: str, model: Mapping[str, Any]) -> dict[str, str]:
    """The keyword of a standard attribute, the creator of a private one."""
    group, element = int(tag[:4], 16), tag[4:]
    if group % 2 == 0:
        keyword = keyword_for_tag(int(tag, 16))
        return {"keyword": keyword} if keyword else {}
    creator = model.get(f"{tag[:4]}00{element[:2]}", {}).get("Value", [None])[0]
    return {"privateCreator": _text(creator)} if creator and element[:2] != "00" else {}


def _value(into: ET.Element, vr: str, number: str, value: Any) -> None:
    if vr == "SQ":
        _attributes(ET.SubElement(into, f"{_IN}Item", {"number": number}), value)
    elif vr == "PN":
        person = ET.SubElement(into, f"{_IN}PersonName", {"number": number})
        for group, name in value.items():
            parts = ET.SubElement(person, f"{_IN}{group}")
            for part, said in zip(_NAMES, name.split("^"), strict=False):
                if said:
                    ET.SubElement(parts, f"{_IN}{part}").text = _text(said)
    else:
        ET.SubElement(into, f"{_IN}Value", {"number": number}).text = _text(value)


def _text(value: Any) -> str:
    return _FORBIDDEN.sub("", str(value))
