"""A study that is not stored yet, as Orthanc will describe it once the first of its videos is."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from typing import Any

from pydicom.dataset import Dataset

from orthanc_video.archive.identifiers import IDENTITY, orthanc_ids

# Orthanc's own main DICOM tags of these two levels (DefaultMainDicomTags in its source), the last since 1.12.
_PATIENT = ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "OtherPatientIDs")
_STUDY = (
    *("StudyDate", "StudyTime", "StudyID", "StudyDescription", "AccessionNumber", "StudyInstanceUID"),
    *("RequestedProcedureDescription", "InstitutionName", "RequestingPhysician", "ReferringPhysicianName"),
    "TimezoneOffsetFromUTC",
)


def study(named: str, objects: Iterable[Dataset]) -> dict[str, Any] | None:
    """What ``GET /studies/{named}`` is going to say, from the objects on their way; None when none belongs to it."""
    first: Dataset | None = None
    patient, series = "", set()
    for dataset in objects:
        ids = orthanc_ids({keyword: str(dataset[keyword].value) for keyword in IDENTITY})
        if ids["ParentStudy"] == named:
            first, patient = first or dataset, ids["ParentPatient"]
            series.add(ids["ParentSeries"])
    if first is None:
        return None
    return {
        "ID": named,
        "Type": "Study",
        "IsStable": False,
        "LastUpdate": f"{datetime.datetime.now(datetime.UTC):%Y%m%dT%H%M%S}",
        "Labels": [],
        "MainDicomTags": _tags(first, _STUDY),
        "PatientMainDicomTags": _tags(first, _PATIENT),
        "ParentPatient": patient,
        "Series": sorted(series),
    }


def _tags(dataset: Dataset, keywords: Iterable[str]) -> dict[str, str]:
    return {keyword: str(dataset[keyword].value or "") for keyword in keywords if keyword in dataset}
