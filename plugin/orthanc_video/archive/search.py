"""Looking for studies and series by patient, date and description, as a caller may read them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orthanc_video.archive.access import Access, Level
from orthanc_video.archive.callers import Caller
from orthanc_video.errors import Forbidden, NotFound

# What parts the words of a name, as DICOM writes it and as people do; a backslash would be a list of values.
_BETWEEN_WORDS = re.compile(r"[\s,^=\\]+")
_SHOWN = ("PatientName", "PatientID", "PatientBirthDate", "PatientSex")
_OF_SERIES = ("StudyDescription", "SeriesDescription")
_OF_STUDY = ("StudyInstanceUID", "StudyDate", "StudyDescription", "AccessionNumber")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """What is looked for; what is empty counts for nothing. Dates are DICOM's; ``study`` is a Study Instance UID."""

    study: str = ""
    patient: str = ""
    first: str = ""
    last: str = ""
    description: str = ""

    def queries(self, *described: str) -> list[dict[str, str]]:
        """What Orthanc is asked: one of these attributes has the description, the patient's name or ID the words."""
        rest = {"StudyInstanceUID": self.study} if self.study else {}
        if self.first or self.last:
            rest["StudyDate"] = self.first if self.first == self.last else f"{self.first}-{self.last}"
        text = _pattern(self.description)
        descriptions = [{keyword: text} for keyword in described] if text else [{}]
        return [{**whose, **rest, **what} for whose in self._people() for what in descriptions]

    def _people(self) -> list[dict[str, str]]:
        """The words are in DICOM's order, the family name first, or in that of people who write it at the end."""
        typed = _pattern(self.patient)
        if not typed:
            return [{}]
        names = dict.fromkeys((typed, _pattern(self.patient, last_in_front=True)))
        return [*({"PatientName": name} for name in names), {"PatientID": typed}]


def _pattern(text: str, *, last_in_front: bool = False) -> str:
    words = [word for word in _BETWEEN_WORDS.split(text) if word]
    if last_in_front:
        words = [*words[-1:], *words[:-1]]
    return f"*{'*'.join(words)}*" if words else ""


async def records(
    access: Access, caller: Caller, level: Level, query: Mapping[str, str], limit: int = 0
) -> list[dict[str, Any]]:
    """Orthanc's records of what ``query`` finds (0: all of it), also for callers whom it lets search by GET alone."""
    asked = {"Level": level, "Query": dict(query), "Expand": True, "Limit": limit}
    try:
        found: list[dict[str, Any]] = await access.json(caller, "POST", "/tools/find", json=asked)
    except Forbidden as refused:
        return await access.searched(caller, level, query, refused)
    return found


async def uid_of(access: Access, caller: Caller, study: str) -> str:
    """The UID of a study that is named as Orthanc names it. Raises as Orthanc refuses it."""
    return str((await access.remembered(caller, f"/studies/{study}"))["MainDicomTags"]["StudyInstanceUID"])


async def series(access: Access, caller: Caller, sought: Sought) -> list[dict[str, Any]]:
    """The records of all series of the studies that are looked for."""
    found = await asyncio.gather(*(records(access, caller, "Series", query) for query in sought.queries(*_OF_SERIES)))
    return list({one["ID"]: one for several in found for one in several}.values())


async def studies(access: Access, caller: Caller, sought: Sought, limit: int) -> tuple[list[dict[str, Any]], bool]:
    """The studies that are looked for, the latest first, at most ``limit``; and whether there are more."""
    found = await asyncio.gather(
        *(records(access, caller, "Study", query, limit + 1) for query in sought.queries("StudyDescription"))
    )
    names = {str(one["ID"]) for several in found for one in several}
    # Who may search is told of studies that he may not read.
    read = await access.several(caller, (f"/studies/{study}" for study in names), Forbidden, NotFound)
    readable = [_study(one) for one in read]
    readable.sort(key=lambda one: (one["StudyDate"], one["ID"]), reverse=True)
    return readable[:limit], len(names) > limit


def _study(record: Mapping[str, Any]) -> dict[str, Any]:
    patient, tags = record.get("PatientMainDicomTags", {}), record["MainDicomTags"]
    return {
        "ID": record["ID"],
        "ParentPatient": record["ParentPatient"],
        **{key: patient.get(key, "") for key in _SHOWN},
        **{key: tags.get(key, "") for key in _OF_STUDY},
    }
