"""An object under new attributes: the same bytes from Pixel Data on, the old values kept, the old patient gone."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from dicom.films import IMPLICIT, JPEG, NATIVE, attributes, extended, fragmented, native
from orthanc_video.dicom import identity, stored, write
from orthanc_video.dicom.assigned import identify, moved
from orthanc_video.dicom.whose import Parent
from orthanc_video.errors import Conflict, VideoError
from orthanc_video.files import Bytes, SpanSource
from orthanc_video.model import Assignment

_OLD = {"PatientName": "Old^One", "PatientSex": "M", "StudyInstanceUID": "1.2.1", "SeriesInstanceUID": "1.2.2",
        "StudyDate": "20260102", "StudyTime": "101112", "AccessionNumber": "OLD", "PatientWeight": "70",
        "SpecificCharacterSet": "ISO_IR 100", "OperatorsName": "Müller^Ö"}  # fmt: skip
_STUDY = Parent(
    key="ParentStudy", attributes={"PatientID": "NEW", "PatientName": "山田^太郎", "StudyInstanceUID": "1.3.1"}
)


def _task(said: Dataset, request: dict[str, str], parent: Parent | None) -> Assignment:
    return Assignment(
        id="j", instance="i", stored="u", identity=identify(said, request, parent), attributes=request,
        inherited=parent.attributes if parent else {}, keep=False, requested="2026-03-04T05:06:07+00:00",
    )  # fmt: skip


def _move(path: Path, request: dict[str, str], parent: Parent | None) -> bytes:
    with SpanSource(path) as file:
        header = stored.header(Bytes(file))
        size = file.size
    return b"".join(write.blocks(moved(header, size, _task(header.said, request, parent)), path))


def _object(**more: Any) -> Dataset:
    return attributes(**{**_OLD, **more})


_LAYOUTS = {
    "native explicit": lambda: native(bytes(range(24)), _object(), NATIVE),
    "native implicit": lambda: native(bytes(range(24)), _object(), IMPLICIT),
    "one fragment each": lambda: fragmented([b"abcd", b"ef", b"ghij"], _object(), [0, 12, 22], JPEG),
    "many fragments": lambda: fragmented([b"ab"] * 40, _object(), (), JPEG),
    "extended offsets": lambda: extended([b"abcd", b"ef", b"gh"], _object(), [0, 12, 22], JPEG),
    "padding behind": lambda: native(bytes(24), _object(), NATIVE) + b"\xfc\xff\xfc\xffOB\0\0\4\0\0\0\0\0\0\0",
}


@pytest.mark.parametrize("layout", _LAYOUTS)
def test_all_from_pixel_data_on_stays_as_it_is(tmp_path: Path, layout: str) -> None:
    path = tmp_path / "old.dcm"
    path.write_bytes(before := _LAYOUTS[layout]())
    after = _move(path, {}, _STUDY)
    mark = b"\xe0\x7f\x10\x00"
    assert after[after.index(mark) :] == before[before.index(mark) :]
    old, new = dcmread(io.BytesIO(before)), dcmread(io.BytesIO(after))
    assert new.PixelData == old.PixelData
    assert new.file_meta.TransferSyntaxUID == old.file_meta.TransferSyntaxUID
    assert new.file_meta.MediaStorageSOPInstanceUID == new.SOPInstanceUID != old.SOPInstanceUID
    assert (str(new.PatientName), str(new.OperatorsName)) == ("山田^太郎", "Müller^Ö")
    assert (new.Rows, new.NumberOfFrames, new.FrameTime) == (old.Rows, old.NumberOfFrames, old.FrameTime)


def _moved(said: Dataset, request: dict[str, str], parent: Parent | None, folder: Path) -> Any:
    path = folder / "old.dcm"
    path.write_bytes(native(bytes(24), said, NATIVE))
    return dcmread(io.BytesIO(_move(path, request, parent)))


def test_nothing_of_the_old_patient_is_left_but_in_the_record(tmp_path: Path) -> None:
    order = Dataset()
    order.RequestedProcedureID = "OLD-ORDER"
    said = _object(
        RequestAttributesSequence=Sequence([order]), ClinicalTrialSubjectID="OLD-T", CurrentPatientLocation="OLD"
    )
    new = _moved(said, {}, _STUDY, tmp_path)
    (item,) = new.OriginalAttributesSequence
    (old,) = item.ModifiedAttributesSequence
    del new.OriginalAttributesSequence
    assert "OLD" not in str(new).upper().replace("GOLD", "")
    assert "PatientWeight" not in new
    assert (old.PatientID, str(old.PatientName), old.AccessionNumber) == ("4711", "Old^One", "OLD")
    assert (old.SOPInstanceUID, old.StudyInstanceUID, old.SeriesInstanceUID) == ("2.25.1", "1.2.1", "1.2.2")
    assert old.RequestAttributesSequence[0].RequestedProcedureID == "OLD-ORDER"
    assert item.AttributeModificationDateTime == "20260304050607+0000"
    assert (new.PatientBirthDate, new.StudyDate, new.StudyID) == ("", "", "")


def test_what_others_have_changed_before_stays_known(tmp_path: Path) -> None:
    earlier = Dataset()
    earlier.ModifyingSystem = "another"
    new = _moved(_object(OriginalAttributesSequence=Sequence([earlier])), {}, _STUDY, tmp_path)
    assert [item.ModifyingSystem for item in new.OriginalAttributesSequence] == ["another", "orthanc-video"]


def test_another_study_of_the_same_patient(tmp_path: Path) -> None:
    new = _moved(_object(), {"StudyInstanceUID": "1.9", "StudyDescription": "Neu"}, None, tmp_path)
    assert (new.PatientID, str(new.PatientName), new.PatientSex) == ("4711", "Old^One", "M")
    assert (new.StudyInstanceUID, new.StudyDescription, new.AccessionNumber) == ("1.9", "Neu", "")
    assert (new.StudyDate, new.StudyTime) == ("20260102", "101112")


@pytest.mark.parametrize(
    ("own", "its", "moment"),
    [
        ("+0000", "+0200", ("20260103", "013000.5", "+0200")),
        ("+0200", "+0200", ("20260102", "233000.5", "+0200")),
        ("", "+0200", ("20260102", "233000.5", "+0200")),
    ],
)
def test_times_follow_the_offset_of_the_study(tmp_path: Path, own: str, its: str, moment: tuple[str, ...]) -> None:
    said = _object(ContentDate="20260102", ContentTime="233000.5", AcquisitionDateTime="20260102233000")
    if own:
        said.TimezoneOffsetFromUTC = own
    parent = Parent(key="ParentStudy", attributes={**_STUDY.attributes, "TimezoneOffsetFromUTC": its})
    new = _moved(said, {}, parent, tmp_path)
    assert (new.ContentDate, new.ContentTime, new.TimezoneOffsetFromUTC) == moment
    assert new.AcquisitionDateTime == "20260102233000" + (own if own not in {"", its} else "")


def test_identity_follows_from_the_old_one_and_the_target() -> None:
    first, second = identify(_object(), {}, _STUDY), identify(_object(SOPInstanceUID="2.25.2"), {}, _STUDY)
    assert first == identify(_object(), {}, _STUDY)
    assert (first["PatientID"], first["StudyInstanceUID"]) == ("NEW", "1.3.1")
    assert first["SeriesInstanceUID"] == second["SeriesInstanceUID"] != "1.2.2"
    assert first["SOPInstanceUID"] != second["SOPInstanceUID"]
    elsewhere = identify(_object(), {"PatientID": "THIRD"}, None)
    assert len({one["StudyInstanceUID"] for one in (first, elsewhere)} | {"1.2.1"}) == 3
    assert elsewhere["SOPInstanceUID"] != first["SOPInstanceUID"]


@pytest.mark.parametrize(
    ("request_", "parent", "words"),
    [
        ({"PatientID": "4711"}, None, "this patient already"),
        ({"PatientID": " 4711 ", "StudyInstanceUID": "1.2.1"}, None, "this study already"),
        ({}, Parent(key="ParentPatient", attributes={"PatientID": "4711"}), "this patient already"),
        ({}, Parent(key="ParentStudy", attributes={"PatientID": "4711", "StudyInstanceUID": "1.2.1"}), "study already"),
    ],
)
def test_what_is_there_already_is_not_moved(request_: dict[str, str], parent: Parent | None, words: str) -> None:
    with pytest.raises(Conflict, match=words):
        identify(_object(), request_, parent)


class _InMemory:
    def __init__(self, data: bytes) -> None:
        self.size = len(data)
        self.read = lambda offset, length: data[offset : offset + length]


@example(changes=[(276, 192)], implicit=True)  # an element that swallows the Patient ID behind it
@given(st.lists(st.tuples(st.integers(132, 700), st.integers(0, 255)), min_size=1, max_size=8), st.booleans())
def test_damaged_attributes_are_a_sentence_or_an_object(changes: list[tuple[int, int]], implicit: bool) -> None:
    """The pixel data is what the old object has from there on, or nothing is made."""
    data = bytearray(native(bytes(24), _object(), IMPLICIT if implicit else NATIVE))
    for at, byte in changes:
        data[at % len(data)] = byte
    try:
        header = stored.header(_InMemory(bytes(data)))
        parts = moved(header, len(data), _task(header.said, {}, _STUDY))
    except VideoError:
        return
    identity.taken(header.said, identity.PATIENT | identity.STUDY)
    assert parts.offset + parts.length == len(data)
    assert dcmread(io.BytesIO(parts.before), stop_before_pixels=True).PatientID == "NEW"
