"""What an object says that is written on pictures of it, where a request wants that (PS3.18 8.3.5.1.1)."""

from __future__ import annotations

import base64
from collections.abc import Container, Iterator

from pydicom.dataset import Dataset

from orthanc_video.dicom.said import text, value, written
from orthanc_video.picture import ANNOTATIONS, Said

_PATIENT = (("PatientName", ""), ("PatientID", "ID "), ("PatientBirthDate", "Born "), ("PatientSex", "Sex "))
_TECHNIQUE = (
    (("Modality", ""), ("StudyDate", ""), ("StudyTime", "")),
    (("SeriesNumber", "Series "), ("InstanceNumber", "Image ")),
    (("ImagePositionPatient", "Position "), ("SliceThickness", "Thickness ")),
)
_LONGEST = 128  # characters of a value; names have at most 64 in each of their groups
_LARGEST_PROFILE = 1 << 20


def said(attributes: Dataset) -> Said:
    """Of names the first group that there is: the others are the same in another script."""
    return Said(
        patient=tuple(_lines(attributes, _PATIENT)),
        technique=tuple(filter(None, ("  ".join(_lines(attributes, line)) for line in _TECHNIQUE))),
        profile=_profile(attributes),
    )


def lines(attributes: Dataset, wanted: Container[str]) -> tuple[str, ...]:
    """Those of the annotations that are wanted, the patient's first."""
    found = said(attributes)
    parts = zip(ANNOTATIONS, (found.patient, found.technique), strict=True)
    return tuple(line for name, part in parts if name in wanted for line in part)


def _lines(attributes: Dataset, wanted: tuple[tuple[str, str], ...]) -> Iterator[str]:
    for keyword, before in wanted:
        found = _readable(attributes, keyword)
        if found:
            yield f"{before}{found}"


def _readable(attributes: Dataset, keyword: str) -> str:
    found = text(attributes, keyword)
    if keyword == "PatientName":
        groups = [group.replace("^", " ").strip() for group in found.split("=")]
        found = next(filter(None, groups), "")
    elif keyword.endswith("Date") and len(found) == 8:
        found = f"{found[:4]}-{found[4:6]}-{found[6:]}"
    elif keyword.endswith("Time") and len(found) >= 4:
        found = f"{found[:2]}:{found[2:4]}"
    elif keyword == "ImagePositionPatient":
        found = "\\".join(written(attributes, keyword))
    return "".join(letter for letter in found[:_LONGEST] if letter.isprintable())


def _profile(attributes: Dataset) -> str:
    found = value(attributes, "ICCProfile")
    if not isinstance(found, bytes) or len(found) > _LARGEST_PROFILE:
        return ""
    return base64.b64encode(found).decode()
