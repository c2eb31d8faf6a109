"""The study to come, from the objects on their way."""

from __future__ import annotations

from pydicom.dataset import Dataset

from orthanc_video.archive import awaited
from orthanc_video.archive.identifiers import orthanc_ids

_UIDS = {"StudyInstanceUID": "2.25.1", "SeriesInstanceUID": "2.25.2", "SOPInstanceUID": "2.25.3"}


def _object(**changed: str) -> Dataset:
    dataset = Dataset()
    for keyword, value in ({"PatientID": "4711", "PatientName": "Doe^Jane", "StudyID": ""} | _UIDS | changed).items():
        setattr(dataset, keyword, value)
    return dataset


def _ids(**changed: str) -> dict[str, str]:
    return orthanc_ids({"PatientID": "4711"} | _UIDS | changed)


def test_a_study_of_two_series() -> None:
    second = {"SeriesInstanceUID": "2.25.4", "SOPInstanceUID": "2.25.5"}
    found = awaited.study(_ids()["ParentStudy"], [_object(), _object(**second), _object(SOPInstanceUID="2.25.6")])
    assert found is not None
    assert found["ID"] == _ids()["ParentStudy"]
    assert found["ParentPatient"] == _ids()["ParentPatient"]
    assert found["Series"] == sorted([_ids()["ParentSeries"], _ids(**second)["ParentSeries"]])
    assert found["MainDicomTags"] == {"StudyID": "", "StudyInstanceUID": "2.25.1"}
    assert found["PatientMainDicomTags"] == {"PatientID": "4711", "PatientName": "Doe^Jane"}
    assert found["IsStable"] is False


def test_another_study_is_not_awaited() -> None:
    others = [_object(StudyInstanceUID="2.25.9"), _object(PatientID="0815")]
    assert awaited.study(_ids()["ParentStudy"], others) is None
