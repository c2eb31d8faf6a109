"""Metadata as clients send them in JSON: what is taken, what is discarded, and that nothing in them breaks anything."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import dcmread, dcmwrite
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from orthanc_video.dicom import jsonmodel
from orthanc_video.errors import BadRequest


def _read(model: dict[str, Any]) -> jsonmodel.Said:
    return jsonmodel.read(model)


def _written(said: Dataset) -> Dataset:
    """As it is once it has been to the disk."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    said.file_meta = meta
    file = io.BytesIO()
    dcmwrite(file, said)
    return dcmread(io.BytesIO(file.getvalue()), force=True)


def test_every_kind_of_value_arrives() -> None:
    item = Dataset()
    item.CodeValue, item.CodeMeaning = "1", "Größe"
    said = Dataset()
    said.PatientName = "Müller^Zoë=山田^太郎=やまだ^たろう"
    said.ImageType = ["ORIGINAL", "PRIMARY"]
    said.Rows, said.FrameTime, said.NumberOfFrames = 480, "33.3666666666667", 3
    said.FrameIncrementPointer, said.AcquisitionDuration = 0x00181063, 1.5
    said.AnatomicRegionSequence = [item]
    said.AccessionNumber, said.PatientComments = "", "a\\b\nc"
    read = _read(said.to_json_dict())
    assert read.discarded == ()
    assert _written(read.dataset).to_json_dict() == {**said.to_json_dict(), "00080005": _UTF_8}
    assert read.dataset.FrameTime.original_string == "33.3666666666667"


_UTF_8 = {"vr": "CS", "Value": ["ISO_IR 192"]}


def test_pixel_data_are_elsewhere_and_other_bulk_data_are_named() -> None:
    read = _read(
        {
            "7FE00010": {"vr": "OB", "BulkDataURI": "a/b"},
            "00282000": {"vr": "OB", "BulkDataURI": "c"},
            "00082218": {"vr": "SQ", "Value": [{"00082000": {"vr": "UN", "BulkDataURI": "d"}}]},
        }
    )
    assert (read.pixels, read.elsewhere) == ("a/b", frozenset({"c", "d"}))
    assert read.discarded == ("(0008,2000)", "ICCProfile")
    assert jsonmodel.PIXEL_DATA not in read.dataset


@pytest.mark.parametrize(
    ("tag", "entry", "named"),
    [
        ("00020010", {"vr": "UI", "Value": ["1.2"]}, "TransferSyntaxUID"),
        ("00280010", {"vr": "US", "Value": [70000]}, "Rows"),
        ("00280010", {"vr": "US", "Value": ["many"]}, "Rows"),
        ("00280010", {"vr": "LO", "Value": ["5"]}, "Rows"),
        ("00100020", {"vr": "LO", "Value": ["a\\b"]}, "PatientID"),
        ("00100020", {"vr": "LO", "Value": [{"a": 1}]}, "PatientID"),
        ("00100010", {"vr": "PN", "Value": [{"Alphabetic": 5}]}, "PatientName"),
        ("00082218", {"vr": "SQ", "Value": ["text"]}, "AnatomicRegionSequence"),
        ("00082218", {"vr": "SQ", "Value": "text"}, "AnatomicRegionSequence"),
        ("00282000", {"vr": "OB", "InlineBinary": "%"}, "ICCProfile"),
        ("00091001", {"vr": "ZZ", "Value": ["5"]}, "(0009,1001)"),
        ("rubbish", {"vr": "LO"}, "what is no attribute"),
        ("00100020", "text", "what is no attribute"),
    ],
)
def test_what_cannot_be_written_is_discarded_by_name_and_the_rest_stays(tag: str, entry: Any, named: str) -> None:
    read = _read({tag: entry, "00080050": {"vr": "SH", "Value": ["A1"]}})
    assert read.discarded == (named,)
    assert read.dataset.AccessionNumber == "A1"


@pytest.mark.parametrize("character", ["\0", "\a", "\x1b", "\x7f", "\x9b", "\n"])
@pytest.mark.parametrize(
    ("tag", "vr", "named"),
    [
        ("00100020", "LO", "PatientID"),
        ("00080050", "SH", "AccessionNumber"),
        ("00100010", "PN", "PatientName"),
        ("00080119", "UC", "LongCodeValue"),
        ("00200011", "IS", "SeriesNumber"),
        ("00091001", "LO", "(0009,1001)"),
        ("00104000", "LT", "PatientComments"),
    ],
)
def test_control_characters_are_discarded_where_the_standard_forbids_them(
    character: str, tag: str, vr: str, named: str
) -> None:
    """PS3.5 6.1.3: such a Patient ID is one for this reader and another for the next."""
    value = f"1{character}2"
    for one in (value, {"Alphabetic": value}) if vr == "PN" else (value,):
        discarded = _read({tag: {"vr": vr, "Value": [one]}}).discarded
        assert discarded == (() if vr == "LT" and character == "\n" else (named,))


def test_lines_of_long_texts_stay() -> None:
    text = "a\tb\r\nc\fd"
    read = _read({tag: {"vr": vr, "Value": [text]} for tag, vr in (("00104000", "LT"), ("00080081", "ST"))})
    assert (read.discarded, read.dataset.PatientComments, read.dataset.InstitutionAddress) == ((), text, text)


@pytest.mark.parametrize(
    "data",
    [
        b'{"00100020": {"vr": "LO", "Value": ["X"]}, "00100020": {"vr": "LO", "Value": ["Y"]}}',
        b'[{"00100020": {"vr": "LO", "Value": ["X"], "Value": ["Y"]}}]',
        b'[{"0010002a": {"vr": "LO"}, "0010002A": {"vr": "LO"}}]',
        b'[{"00082218": {"vr": "SQ", "Value": [{"0010002a": {"vr": "LO"}, "0010002A": {"vr": "LO"}}]}}]',
    ],
)
def test_what_is_said_twice_is_refused(data: bytes) -> None:
    with pytest.raises(BadRequest, match="twice"):
        _read(jsonmodel.parse(data)[0])


def test_private_attributes_stay() -> None:
    read = _read({"00090010": {"vr": "LO", "Value": ["ACME"]}, "00091001": {"vr": "DS", "Value": [1.5]}})
    assert (read.discarded, _written(read.dataset)[0x00091001].value) == ((), 1.5)


@pytest.mark.parametrize("data", [b"", b"[]", b"5", b"[5]", b"{", b"[" * 100_000, b'"' + b"\xff" * 9 + b'"'])
def test_what_is_no_metadata_is_refused(data: bytes) -> None:
    with pytest.raises(BadRequest):
        jsonmodel.parse(data)


def test_what_nests_too_deep_is_refused() -> None:
    model: dict[str, Any] = {}
    for _ in range(50):
        model = {"00082218": {"vr": "SQ", "Value": [model]}}
    with pytest.raises(BadRequest, match="deep"):
        _read(model)


_ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
_TAGS = st.sampled_from(
    ["00080018", "00100010", "00280010", "00181063", "00280009", "00082218", "00282000", "7FE00010", "00091001"]
) | st.from_regex(r"[0-9A-F]{8}", fullmatch=True)
_ENTRIES = st.fixed_dictionaries(
    {},
    optional={
        "vr": st.sampled_from(["UI", "PN", "US", "DS", "AT", "SQ", "OB", "LT", "FD", "IS", "UV"]),
        "Value": st.lists(_ANY, max_size=3) | _ANY,
        "InlineBinary": st.text(max_size=8),
        "BulkDataURI": st.text(max_size=8),
    },
)


@given(st.dictionaries(_TAGS, _ENTRIES | _ANY, max_size=6))
def test_whatever_is_sent_can_be_written_or_is_discarded(model: dict[str, Any]) -> None:
    _written(_read(model).dataset)


@given(st.binary(max_size=200) | _ANY.map(lambda value: json.dumps(value).encode()))
def test_bytes_are_models_or_refused(data: bytes) -> None:
    try:
        models = jsonmodel.parse(data)
    except BadRequest:
        return
    for model in models:
        _written(_read(model).dataset)
