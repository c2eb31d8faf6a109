"""What an object says, in JSON and XML: read again it is the same, digit by digit."""

from __future__ import annotations

import json
import math
import re
import xml.etree.ElementTree as ET
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydicom import config
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.tag import Tag
from pydicom.uid import UID

from orthanc_video.dicom import metadata, nativexml, syntaxes

_IN = f"{{{nativexml.NAMESPACE}}}"
# A text of XML 1.0 that no reader changes: no control characters, no spaces at either end.
_TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="\\^=\ufffe\uffff"), max_size=20
).map(str.strip)


_DECIMAL = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)")


@st.composite
def decimals(draw: st.DrawFn) -> str:
    """A decimal string of at most sixteen characters (PS3.5 6.2)."""
    digits = draw(st.text("0123456789", min_size=1, max_size=16))
    at = draw(st.integers(0, len(digits)))
    whole = draw(st.sampled_from(["", "-", "+"])) + digits[:at] + "." * (at < len(digits)) + digits[at:]
    return whole[:16] if _DECIMAL.fullmatch(whole[:16]) else digits


@st.composite
def datasets(draw: st.DrawFn, depth: int = 0) -> Dataset:
    made = Dataset()
    made.ImageComments = draw(_TEXT)
    made.PatientID = draw(_TEXT)
    made.PatientName = f"{draw(_TEXT)}^{draw(_TEXT)}={draw(_TEXT)}"
    made.FrameTime = draw(decimals())
    made.NumberOfFrames = draw(st.integers(0, 2**31 - 1))
    made.Rows = draw(st.integers(0, 65535))
    made.AcquisitionDuration = draw(st.floats(allow_nan=False, allow_infinity=False))
    made.FrameIncrementPointer = Tag(draw(st.integers(0, 0xFFFFFFFF)))
    made.ImageType = draw(st.lists(st.sampled_from(["ORIGINAL", "PRIMARY", ""]), min_size=2, max_size=4))
    made.add_new(0x00191001, "OB", draw(st.binary(min_size=2, max_size=10)))
    if depth < 2:
        made.SourceImageSequence = draw(st.lists(datasets(depth=depth + 1), max_size=2))
    return made


def _of_frame_time(written: str) -> Dataset:
    said = Dataset()
    said.FrameTime = written
    return said


@given(decimals().map(_of_frame_time))
@example(_of_frame_time("1000000000000001"))  # which pydicom writes on as a fraction
def test_a_decimal_read_again_is_the_same(said: Dataset) -> None:
    text = json.dumps(metadata.model(said))
    assert json.loads(text) == metadata.model(Dataset.from_json(text))


@given(datasets())
def test_json_read_again_says_the_same(said: Dataset) -> None:
    text = json.dumps(metadata.model(said))
    read = Dataset.from_json(text)
    assert json.loads(text) == metadata.model(read)
    for keyword in ("ImageComments", "NumberOfFrames", "Rows", "AcquisitionDuration", "FrameIncrementPointer"):
        assert (read[keyword].value or None) == (said[keyword].value or None)
    assert len(read.SourceImageSequence) == len(said.SourceImageSequence)


@given(datasets())
def test_xml_says_what_json_says(said: Dataset) -> None:
    model = metadata.model(said)
    root = ET.fromstring(nativexml.written(model))  # noqa: S314
    _compare(root, model)


def _compare(element: ET.Element, model: dict[str, Any]) -> None:
    attributes = {attribute.get("tag"): attribute for attribute in element}
    assert set(attributes) == set(model)
    for tag, entry in model.items():
        found = attributes[tag]
        assert found.get("vr") == entry["vr"]
        children = {child.get("number"): child for child in found}
        for number, value in enumerate(entry.get("Value", ()), 1):
            if value is None:
                assert str(number) not in children
            elif entry["vr"] == "SQ":
                _compare(children[str(number)], value)
            elif entry["vr"] == "PN":
                names = {one.tag.removeprefix(_IN): "".join(part.text or "" for part in one) for one in children["1"]}
                assert names == {group: name.replace("^", "") for group, name in value.items()}
            else:
                assert (children[str(number)].text or "") == str(value)
        if "InlineBinary" in entry:
            assert found[0].text == entry["InlineBinary"]


@given(decimals())
def test_no_digit_of_a_number_is_lost(written: str) -> None:
    said = Dataset()
    said.FrameTime = written
    ((value,),) = [metadata.model(said)["00181063"]["Value"]]
    assert Decimal(str(value)) == Decimal(written)
    assert Decimal(str(json.loads(json.dumps(value)))) == Decimal(written)


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("40", 40),
        ("33.367", 33.367),
        ("33.36666666666666666667", "33.36666666666666666667"),
        ("9999999999999999", "9999999999999999"),
        ("1e999", "1e999"),
        ("1E2", 100.0),
    ],
)
def test_what_no_double_holds_is_told_as_text(written: str, told: float | str) -> None:
    """F.2.3 allows either; the longer ones are no legal DS, but are seen."""
    said = Dataset()
    said[0x00181063] = RawDataElement(Tag(0x00181063), "DS", len(written), written.encode(), 0, False, True)
    assert metadata.model(said)["00181063"]["Value"] == [told]


def test_the_rate_of_film_is_a_number() -> None:
    said = Dataset()
    said.FrameTime = "33.3666666666667"
    assert json.dumps(metadata.model(said)["00181063"]) == '{"vr": "DS", "Value": [33.3666666666667]}'


def test_what_cannot_be_read_has_no_value() -> None:
    said = Dataset()
    said[0x00280008] = RawDataElement(Tag(0x00280008), "IS", 4, b"many", 0, False, True)
    said[0x00280010] = RawDataElement(Tag(0x00280010), "US", 3, b"abc", 0, False, True)
    said.PatientID = "1"
    model = metadata.model(said)
    assert model["00280008"] == {"vr": "IS"}
    assert model["00280010"] == {"vr": "US"}
    assert model["00100020"] == {"vr": "LO", "Value": ["1"]}


def test_what_json_cannot_say_is_text() -> None:
    said = Dataset()
    said.AcquisitionDuration = math.inf
    assert metadata.model(said)["00189073"]["Value"] == ["inf"]


def test_control_characters_are_left_out_of_xml() -> None:
    said = Dataset()
    said.add(DataElement(0x00204000, "LT", "a\x0cb\x1bc", validation_mode=config.IGNORE))
    assert ET.fromstring(nativexml.written(metadata.model(said)))[0][0].text == "abc"  # noqa: S314


@pytest.mark.parametrize(
    ("syntax", "sop_class", "frames", "moves"),
    [
        (syntaxes.H264_HIGH_41, "1.2.840.10008.5.1.4.1.1.77.1.4.1", 10, True),
        (f"{syntaxes.H264_HIGH_41}.1", "1.2.3", None, True),
        ("1.2.840.10008.1.2.4.50", "1.2.840.10008.5.1.4.1.1.3.1", 10, True),
        ("1.2.840.10008.1.2.4.50", "1.2.840.10008.5.1.4.1.1.3.1", 1, False),
        ("1.2.840.10008.1.2.1", "1.2.840.10008.5.1.4.1.1.2", None, False),
        ("1.2.840.10008.1.2.1", "1.2.840.10008.5.1.4.1.1.2.1", 100, False),
    ],
)
def test_what_moves(syntax: str, sop_class: str, frames: int | None, moves: bool) -> None:
    said = Dataset()
    said.file_meta = FileMetaDataset()
    said.file_meta.TransferSyntaxUID = UID(syntax)
    said.SOPClassUID = sop_class
    if frames is not None:
        said.NumberOfFrames = frames
    assert metadata.moves(said) == moves


def test_fragments_joined_are_of_the_twin() -> None:
    for uid, syntax in syntaxes.BY_UID.items():
        joined = syntaxes.BY_UID[syntaxes.joined(uid)]
        assert joined.codec == syntax.codec
        assert joined.uid == uid.removesuffix(".1")
    assert syntaxes.joined("1.2.840.10008.1.2.1") == "1.2.840.10008.1.2.1"
