"""Store requests by hand: metadata in JSON and XML, parts, and what the answers say."""

from __future__ import annotations

import uuid
import xml.etree.ElementTree as ET
from typing import Any
from xml.sax.saxutils import escape

from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

PHOTOGRAPHIC = "1.2.840.10008.5.1.4.1.1.77.1.4.1"
JSON, XML, PART_10 = "application/dicom+json", "application/dicom+xml", "application/dicom"
Part = tuple[dict[str, str], bytes]


def described(uri: str, **more: Any) -> dict[str, Any]:
    """Metadata of a Video Photographic instance that no other test has sent, without its Image Pixel module."""
    said = Dataset()
    said.SOPClassUID = PHOTOGRAPHIC
    said.SOPInstanceUID, said.StudyInstanceUID, said.SeriesInstanceUID = (generate_uid() for _ in range(3))
    said.PatientName, said.PatientID, said.PatientBirthDate, said.PatientSex = "Müller^Zoë", "STOW-1", "19700101", "F"
    said.StudyDate, said.StudyTime, said.ReferringPhysicianName = "20260102", "101112", ""
    said.StudyID, said.AccessionNumber, said.SeriesNumber, said.InstanceNumber = "7", "A7", 3, 4
    said.Modality, said.Manufacturer, said.ImageType = "XC", "Camera Works", ["ORIGINAL", "PRIMARY"]
    said.PatientOrientation = ""
    said.AcquisitionContextSequence = []
    region = Dataset()
    region.CodeValue, region.CodingSchemeDesignator, region.CodeMeaning = "39607008", "SCT", "Lung"
    said.AnatomicRegionSequence = [region]
    said.ImageLaterality = "U"
    for keyword, value in more.items():
        setattr(said, keyword, value)
    model: dict[str, Any] = said.to_json_dict()
    return model | {"7FE00010": {"vr": "OB", "BulkDataURI": uri}}


def uid(model: dict[str, Any], tag: str = "00080018") -> str:
    found: str = model[tag]["Value"][0]
    return found


def xml(model: dict[str, Any]) -> bytes:
    """The same metadata in the Native DICOM Model."""
    body = _attributes(model)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<NativeDicomModel xmlns="http://dicom.nema.org/PS3.19/models/NativeDICOM">{body}</NativeDicomModel>'
    ).encode()


def _attributes(model: dict[str, Any]) -> str:
    return "".join(
        f'<DicomAttribute tag="{tag}" vr="{entry["vr"]}">{_entry(entry)}</DicomAttribute>'
        for tag, entry in model.items()
    )


def _entry(entry: dict[str, Any]) -> str:
    if "BulkDataURI" in entry:
        return f'<BulkData uri="{escape(entry["BulkDataURI"])}"/>'
    return "".join(_value(entry["vr"], place, value) for place, value in enumerate(entry.get("Value", []), 1))


def _value(vr: str, place: int, value: Any) -> str:
    if vr == "SQ":
        return f'<Item number="{place}">{_attributes(value)}</Item>'
    if vr == "PN":
        family, _, given = value["Alphabetic"].partition("^")
        names = f"<FamilyName>{escape(family)}</FamilyName><GivenName>{escape(given)}</GivenName>"
        return f'<PersonName number="{place}"><Alphabetic>{names}</Alphabetic></PersonName>'
    return f'<Value number="{place}">{escape(str(value))}</Value>'


def related(kind: str, *parts: Part) -> tuple[dict[str, str], bytes]:
    """The header and the body of a multipart/related request."""
    boundary = uuid.uuid4().hex
    body = b""
    for headers, data in parts:
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        body += f"--{boundary}\r\n{lines}\r\n".encode() + data + b"\r\n"
    header = f'multipart/related; type="{kind}"; boundary={boundary}'
    return {"Content-Type": header}, body + f"--{boundary}--\r\n".encode()


def bulk(uri: str, data: bytes, kind: str = "video/mp4") -> Part:
    return {"Content-Type": kind, "Content-Location": uri}, data


def read_xml(data: bytes) -> dict[str, Any]:
    """A response in XML as the same response in JSON would be."""
    return _read(ET.fromstring(data))  # noqa: S314 – our own answer


def _read(element: ET.Element) -> dict[str, Any]:
    model: dict[str, Any] = {}
    for attribute in element:
        values: list[Any] = []
        for child in attribute:
            text = child.text or ""
            number = attribute.get("vr") == "US"
            values.append(_read(child) if child.tag.endswith("Item") else int(text) if number else text)
        entry: dict[str, Any] = {"vr": attribute.get("vr")}
        model[str(attribute.get("tag"))] = entry | ({"Value": values} if values else {})
    return model
