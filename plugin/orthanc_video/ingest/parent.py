"""Attributes that a video inherits from the study it is added to."""

from __future__ import annotations

from orthanc_video.archive.access import Access, Caller
from orthanc_video.archive.identifiers import is_orthanc_id
from orthanc_video.errors import BadRequest, NotFound

_STUDY = (
    "StudyInstanceUID",
    "StudyDate",
    "StudyTime",
    "StudyID",
    "StudyDescription",
    "AccessionNumber",
    "ReferringPhysicianName",
)
_PATIENT = ("PatientID", "PatientName", "PatientBirthDate", "PatientSex")


async def inherited(access: Access, caller: Caller, study: str, given: dict[str, str]) -> dict[str, str]:
    """``given`` completed by the patient's and the study's own attributes, as this caller may read them.

    Raises NotFound for an unknown study, BadRequest where the request contradicts it.
    """
    if not is_orthanc_id(study):
        raise BadRequest("ParentStudy must be the Orthanc ID of a study.")
    try:
        found = await access.study(caller, study)
    except NotFound as error:
        raise NotFound("ParentStudy: Orthanc holds no such study.") from error
    tags = {key: found["MainDicomTags"].get(key, "") for key in _STUDY}
    tags |= {key: found["PatientMainDicomTags"].get(key, "") for key in _PATIENT}
    for keyword, value in tags.items():
        if given.get(keyword, value) != value:
            raise BadRequest(f'"{keyword}" contradicts the study named by ParentStudy. Leave one of them out.')
    return given | tags
