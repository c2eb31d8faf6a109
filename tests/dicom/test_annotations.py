"""What is written on pictures."""

from __future__ import annotations

import base64

from pydicom.dataset import Dataset

from orthanc_video.dicom.annotations import lines, said


def test_what_is_said_of_patient_and_technique() -> None:
    dataset = Dataset()
    dataset.PatientName = "Yamada^Tarou=山田^太郎=やまだ^たろう"
    dataset.PatientID, dataset.PatientBirthDate, dataset.PatientSex = "4711", "19700102", "M"
    dataset.Modality, dataset.StudyDate, dataset.StudyTime = "US", "20260304", "131415.5"
    dataset.SeriesNumber, dataset.InstanceNumber = 3, 7
    dataset.ImagePositionPatient = ["-1.5", "2", "3"]
    found = said(dataset)
    assert found.patient == ("Yamada Tarou", "ID 4711", "Born 1970-01-02", "Sex M")
    assert found.technique == ("US  2026-03-04  13:14", "Series 3  Image 7", "Position -1.5\\2\\3")
    assert found.profile == ""


def test_what_is_not_said_leaves_nothing() -> None:
    found = said(Dataset())
    assert (found.patient, found.technique, found.profile) == ((), (), "")


def test_a_place_of_one_number_is_written_as_it_is() -> None:
    """Its VM is 3; of one value pydicom makes no list."""
    for place, line in (("12.5", ("Position 12.5",)), ([], ()), (["1", "2"], ("Position 1\\2",))):
        dataset = Dataset()
        dataset.ImagePositionPatient = place
        assert said(dataset).technique == line


def test_lines_stay_lines() -> None:
    dataset = Dataset()
    dataset.PatientID = "1\n2\x1b[31m" + "x" * 500
    (line,) = said(dataset).patient
    assert line == ("ID 12[31m" + "x" * 500)[: len(line)]
    assert len(line) < 140


def test_the_objects_own_profile() -> None:
    dataset = Dataset()
    dataset.ICCProfile = b"profile\0"
    assert base64.b64decode(said(dataset).profile) == b"profile\0"
    dataset.ICCProfile = bytes(2 << 20)
    assert said(dataset).profile == ""


def test_only_what_is_wanted_is_written() -> None:
    dataset = Dataset()
    dataset.PatientID, dataset.Modality = "4711", "ES"
    assert lines(dataset, ["technique", "patient", "other"]) == ("ID 4711", "ES")
    assert lines(dataset, ["technique"]) == ("ES",)
    assert lines(dataset, ["other"]) == lines(Dataset(), ["patient", "technique"]) == ()
