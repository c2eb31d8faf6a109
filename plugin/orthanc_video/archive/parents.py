"""The study or patient that a video joins: found, and read, as the caller may.

Orthanc answers each question under the caller's own credentials; what it refuses is not inherited.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from orthanc_video.archive.access import Access
from orthanc_video.archive.callers import Caller
from orthanc_video.archive.identifiers import is_orthanc_id, is_uid, patient_of
from orthanc_video.archive.objects import Objects
from orthanc_video.dicom import identity
from orthanc_video.dicom.whose import ACCESSION, IDENTITY, PATIENT, STUDY, Parent
from orthanc_video.errors import BadRequest, BrokenVideo, Conflict, Forbidden, NotFound, NotVideo

# Of studies with one accession number more are not looked at: two are too many already.
_MOST_FOUND = 20
# Of objects of which a study says the same.
_MOST_TRIED = 5
_WILD = "*?\\"


async def named(objects: Objects, caller: Caller, given: Mapping[str, Any]) -> Parent | None:
    """The study or patient that a request names, None where it names none.

    An accession number names a study where nothing else says whose the video is; else it is an attribute like others.
    Raises BadRequest, NotFound, Conflict, and what Orthanc refuses the caller.
    """
    access = objects.access
    study, patient = str(given.get(STUDY, "")), str(given.get(PATIENT, ""))
    if study and patient:
        raise BadRequest(f"{STUDY} and {PATIENT} are both given. A study has its patient already: name the study only.")
    if study:
        return await _study(objects, caller, STUDY, await _by_uid(access, caller, study))
    if patient:
        return await _patient(objects, caller, patient if is_orthanc_id(patient) else patient_of(patient))
    accession = str(given.get(ACCESSION, ""))
    if accession and not any(given.get(keyword) for keyword in IDENTITY):
        return await _study(objects, caller, ACCESSION, await _by_accession(access, caller, accession))
    return None


async def _by_uid(access: Access, caller: Caller, study: str) -> str:
    if is_orthanc_id(study):
        return study
    if not is_uid(study):
        raise BadRequest(f"{STUDY} must be the Orthanc ID of a study, or its Study Instance UID.")
    try:
        return await access.looked_up(caller, "Study", study)
    except NotFound as error:
        raise NotFound(f"{STUDY}: Orthanc holds no such study.") from error


async def _by_accession(access: Access, caller: Caller, accession: str) -> str:
    """The one study with this number among those that the caller may read."""
    if any(sign in accession for sign in _WILD):
        raise BadRequest(f"{ACCESSION}: a study cannot be found by a number with *, ? or a backslash. Use {STUDY}.")
    question = {
        "Level": "Study",
        "Query": {ACCESSION: accession.strip()},
        "CaseSensitive": True,
        "Expand": True,
        "Limit": _MOST_FOUND,
    }
    readable = []
    for one in await access.json(caller, "POST", "/tools/find", json=question):
        if one["MainDicomTags"].get(ACCESSION, "").strip() == accession.strip():
            with suppress(Forbidden, NotFound):
                await access.json(caller, "GET", f"/studies/{one['ID']}")
                readable.append(str(one["ID"]))
    if not readable:
        raise NotFound(
            f"{ACCESSION}: Orthanc holds no study with this number. Give the PatientID as well to "
            "have a new study made."
        )
    if len(readable) > 1:
        raise Conflict(f"{ACCESSION}: several studies have this number. Name the one that is meant by {STUDY}.")
    return readable[0]


async def _study(objects: Objects, caller: Caller, key: str, study: str) -> Parent:
    access = objects.access
    try:
        await access.study(caller, study)
        listed = await access.json(caller, "GET", f"/studies/{study}/series")
    except NotFound as error:
        raise NotFound(f"{key}: Orthanc holds no such study.") from error
    wanted = {*identity.PATIENT, *identity.STUDY, identity.TIMEZONE}
    numbers = {
        one["MainDicomTags"].get("SeriesInstanceUID", ""): _number(one["MainDicomTags"].get("SeriesNumber", ""))
        for one in listed
    }
    return Parent(key=key, attributes=await _said(objects, caller, key, listed, wanted), series=numbers)


async def _patient(objects: Objects, caller: Caller, patient: str) -> Parent:
    access = objects.access
    try:
        found = await access.json(caller, "GET", f"/patients/{patient}")
        listed = await access.json(caller, "GET", f"/studies/{found['Studies'][0]}/series") if found["Studies"] else []
    except NotFound as error:
        raise NotFound(f"{PATIENT}: Orthanc holds no such patient.") from error
    return Parent(key=PATIENT, attributes=await _said(objects, caller, PATIENT, listed, identity.PATIENT))


async def _said(objects: Objects, caller: Caller, key: str, series: Any, wanted: Any) -> identity.Attributes:
    """Of the first object that can be read: what is of the study or patient is the same in all of them.

    It is read from the object itself, since Orthanc does not know how to read all character sets that there are.
    """
    for one in series[:_MOST_TRIED]:
        with suppress(NotVideo, BrokenVideo, IndexError, NotFound):
            said = await objects.attributes(caller, one["Instances"][0])
            # Without a Patient ID Orthanc takes it for an empty one.
            return {"PatientID": ""} | identity.taken(said, wanted)
    raise NotFound(f"{key}: Orthanc holds no object of it whose attributes can be read.")


def _number(text: str) -> int:
    return int(text) if text.strip().isascii() and text.strip().isdigit() and len(text) < 12 else 0
