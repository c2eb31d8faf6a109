"""Series of pictures of any kind as a list shows them: what they are, how much they hold, whose they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orthanc_video.archive.access import Access
from orthanc_video.archive.callers import Caller
from orthanc_video.archive.numbers import number_of
from orthanc_video.errors import Forbidden, NotFound

# Of PS3.3 C.7.3.1.1.1: what holds no pictures of its own.
_NO_PICTURES = frozenset(
    {"AU", "ASMT", "DOC", "ECG", "EPS", "FID", "HD", "KO", "M3D", "PLAN", "PR", "REG", "RESP", "RTPLAN", "RTRECORD"}
    | {"RTSTRUCT", "RWV", "SEG", "SR", "TEXTUREMAP"}
)
_OF_PATIENT, _OF_STUDY = ("PatientName", "PatientID"), ("StudyDate", "StudyDescription")
_OF_SERIES = ("Modality", "SeriesNumber", "SeriesDescription")


async def of_study(access: Access, caller: Caller, study: str) -> list[dict[str, Any]]:
    """Those with pictures that the caller may read, in the order of their numbers. Raises as Orthanc refuses it."""
    parent = await access.remembered(caller, f"/studies/{study}")
    paths = (f"/series/{series}" for series in parent["Series"])
    found = await access.several(caller, paths, Forbidden, NotFound)
    found.sort(key=lambda one: number_of(one, "SeriesNumber"))
    return [_told(one, parent) for one in found if one["MainDicomTags"].get("Modality") not in _NO_PICTURES]


async def of(access: Access, caller: Caller, series: str) -> dict[str, Any]:
    """One, by its Orthanc ID. Raises as Orthanc refuses it."""
    record = await access.remembered(caller, f"/series/{series}")
    return _told(record, await access.remembered(caller, f"/studies/{record['ParentStudy']}"))


def _told(series: Mapping[str, Any], study: Mapping[str, Any]) -> dict[str, Any]:
    """``Instance`` is one that stands for them all."""
    patient, instances = study.get("PatientMainDicomTags", {}), series["Instances"]
    return {
        "ID": series["ID"],
        "ParentStudy": study["ID"],
        **{key: patient.get(key, "") for key in _OF_PATIENT},
        **{key: study["MainDicomTags"].get(key, "") for key in _OF_STUDY},
        **{key: series["MainDicomTags"].get(key, "") for key in _OF_SERIES},
        "Instances": len(instances),
        "Instance": instances[len(instances) // 2],
    }
