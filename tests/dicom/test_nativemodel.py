"""Metadata as clients send them in XML (PS3.19 A.1), hostile ones among them, and answers in it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orthanc_video.dicom import jsonmodel, nativemodel, nativexml
from orthanc_video.dicom.jsonmodel import Model
from orthanc_video.errors import BadRequest
from stow import described, read_xml, xml

_ENTITY = b'<!DOCTYPE x [<!ENTITY a "b">]><NativeDicomModel>&a;</NativeDicomModel>'
_EXTERNAL = b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><NativeDicomModel/>'
_LAUGHS = (
    b'<!DOCTYPE x [<!ENTITY a "lol">'
    + b"".join(b'<!ENTITY a%d "%s">' % (n, b"&a;" * 10 if n == 1 else b"&a%d;" % (n - 1) * 10) for n in range(1, 10))
    + b"]><NativeDicomModel>&a9;</NativeDicomModel>"
)


def test_both_models_say_the_same() -> None:
    model = described("bulk/1")
    from_xml, from_json = jsonmodel.read(nativemodel.parse(xml(model))), jsonmodel.read(model)
    assert from_xml.dataset == from_json.dataset
    assert (from_xml.pixels, from_xml.discarded) == ("bulk/1", ())


def test_values_stand_where_their_numbers_say() -> None:
    data = (
        b'<NativeDicomModel><DicomAttribute tag="00080008" vr="CS"><Value number="3">C</Value>'
        b'<Value number="1">A</Value></DicomAttribute></NativeDicomModel>'
    )
    assert nativemodel.parse(data) == {"00080008": {"vr": "CS", "Value": ["A", None, "C"]}}


def test_an_attribute_that_only_its_creator_names_is_discarded() -> None:
    data = (
        b'<NativeDicomModel><DicomAttribute tag="00090001" vr="LO" privateCreator="ACME"><Value number="1">x</Value>'
        b"</DicomAttribute></NativeDicomModel>"
    )
    assert jsonmodel.read(nativemodel.parse(data)).discarded == ("what is no attribute",)


def test_an_attribute_that_is_named_twice_is_refused() -> None:
    attribute = b'<DicomAttribute tag="00100020" vr="LO"><Value number="1">%s</Value></DicomAttribute>'
    data = b"<NativeDicomModel>" + attribute % b"X" + attribute % b"Y" + b"</NativeDicomModel>"
    with pytest.raises(BadRequest, match="twice"):
        nativemodel.parse(data)


def test_control_characters_are_discarded_here_too() -> None:
    data = xml({"00100020": {"vr": "LO", "Value": ["a\x9bb"]}})
    assert jsonmodel.read(nativemodel.parse(data)).discarded == ("PatientID",)


@pytest.mark.parametrize("data", [_ENTITY, _EXTERNAL, _LAUGHS])
def test_document_types_are_refused_before_anything_is_made_of_them(data: bytes) -> None:
    with pytest.raises(BadRequest, match="document type"):
        nativemodel.parse(data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<a/>",
        b"<NativeDicomModel>",
        b'<?xml version="1.0" encoding="no-such"?><NativeDicomModel/>',
        b"<NativeDicomModel>" + b"<a>" * 5000,
        b'<NativeDicomModel><DicomAttribute tag="00080008" vr="CS"><Value number="999999"/></DicomAttribute>'
        b"</NativeDicomModel>",
    ],
)
def test_what_is_no_native_model_is_refused(data: bytes) -> None:
    with pytest.raises(BadRequest):
        nativemodel.parse(data)


@given(st.binary(max_size=300) | st.text(max_size=100).map(lambda text: f"<NativeDicomModel>{text}".encode()))
def test_bytes_are_a_model_or_refused(data: bytes) -> None:
    try:
        jsonmodel.read(nativemodel.parse(data))
    except BadRequest:
        return


_TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FFF, exclude_characters="\x7f"), max_size=20)


@given(st.integers(0, 65535), _TEXT, _TEXT)
def test_what_is_written_reads_as_it_was(number: int, one: str, other: str) -> None:
    model: Model = {
        "00081198": {
            "vr": "SQ",
            "Value": [{"00081197": {"vr": "US", "Value": [number]}, "0040A160": {"vr": "UT", "Value": [one]}}, {}],
        },
        "00081190": {"vr": "UR", "Value": [other]},
    }
    assert read_xml(nativexml.written(model)) == model
