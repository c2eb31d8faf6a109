"""Orthanc's identifiers of DICOM resources, computed before anything is stored."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

_ORTHANC_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{8}){4}")
# Of what an Orthanc ID is made, from the patient down to the instance, and the tags of it.
IDENTITY = {
    "PatientID": "00100020",
    "StudyInstanceUID": "0020000D",
    "SeriesInstanceUID": "0020000E",
    "SOPInstanceUID": "00080018",
}
_UID = re.compile(r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))+")


def is_orthanc_id(text: str) -> bool:
    return _ORTHANC_ID.fullmatch(text) is not None


def is_uid(text: str) -> bool:
    """Whether ``text`` is a DICOM UID (PS3.5 9.1)."""
    return len(text) <= 64 and _UID.fullmatch(text) is not None


def orthanc_ids(identity: Mapping[str, str]) -> dict[str, str]:
    """``ID``, ``ParentSeries``, ``ParentStudy``, ``ParentPatient`` of an instance, as Orthanc will name them.

    An Orthanc ID is the SHA-1 of the identifiers down to its level, joined by bars, in groups of eight hex digits.
    """
    names = ("ParentPatient", "ParentStudy", "ParentSeries", "ID")
    values = [identity[keyword].strip() for keyword in IDENTITY]
    return {name: _hashed("|".join(values[: depth + 1])) for depth, name in enumerate(names)}


def identity_of(model: Mapping[str, Any]) -> dict[str, str]:
    """What an Orthanc ID is made of, out of the DICOM JSON of an instance or a level above it; empty what it lacks."""
    return {keyword: str((model.get(tag, {}).get("Value") or [""])[0] or "") for keyword, tag in IDENTITY.items()}


def patient_of(patient_id: str) -> str:
    """The Orthanc ID of the patient with this Patient ID."""
    return _hashed(patient_id.strip())


def answer(ids: dict[str, str], status: str) -> dict[str, Any]:
    """Orthanc's own answer to an upload, in its own words."""
    return {**ids, "Path": f"/instances/{ids['ID']}", "Status": status}


def _hashed(text: str) -> str:
    digest = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
    return "-".join(digest[at : at + 8] for at in range(0, 40, 8))
