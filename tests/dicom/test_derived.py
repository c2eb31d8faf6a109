"""What a derived object says of itself, where no film has to be made for it."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.dataset import FileDataset
from pydicom.filebase import DicomBytesIO

from dicom.films import ULTRASOUND, attributes, header
from orthanc_video.dicom import derived
from orthanc_video.film import Coded
from orthanc_video.form import Form, Kind
from orthanc_video.model import Rational

_JPEG, _NATIVE = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.1"
_VIDEO = "1.2.840.10008.5.1.4.1.1.77.1.4.1"


def said(**more: Any) -> FileDataset:
    given = {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "PlanarConfiguration": 0} | more
    return dcmread(DicomBytesIO(header(attributes(10, **given))))


def coded(**more: Any) -> Coded:
    given: dict[str, Any] = {
        "path": "", "index": "", "frames": 3, "rows": 2, "columns": 4, "samples": 3, "photometric": "YBR_FULL_422",
        "step": Rational(1, 25), "start": Rational(2), "first": 3,
    }  # fmt: skip
    return Coded(**(given | more))


def form(syntax: str = _JPEG, sop_class: str = ULTRASOUND, **more: Any) -> Form:
    return Form(kind=Kind.FRAMES, sop_class=sop_class, transfer_syntax=syntax, **more)


def made(source: FileDataset, wanted: Form | None = None, **more: Any) -> Any:
    wanted = wanted or form()
    times = [0, 40_000, 80_000]
    return derived.of_pictures(source, _NATIVE, wanted, coded(**more), times, size=36)


def test_steps_add_up_in_their_order() -> None:
    source = said(
        LossyImageCompression="01", LossyImageCompressionRatio=["7", "3"],
        LossyImageCompressionMethod=["ISO_13818_2", "ISO_15444_1"],
    )  # fmt: skip
    found = made(source)
    assert list(found.LossyImageCompressionMethod) == ["ISO_13818_2", "ISO_15444_1", "ISO_10918_1"]
    assert [str(one) for one in found.LossyImageCompressionRatio] == ["7", "3", "2.00"]
    assert list(made(source, form(_NATIVE)).LossyImageCompressionMethod) == ["ISO_13818_2", "ISO_15444_1"]


def test_what_was_lossy_is_so_for_good() -> None:
    assert made(said(LossyImageCompression="01"), form(_NATIVE)).LossyImageCompression == "01"
    assert made(said(), form(_NATIVE)).LossyImageCompression == "00"


def test_the_range_moves_the_time_over_midnight() -> None:
    found = made(said(ContentDate="20260131", ContentTime="235959.5", AcquisitionDateTime="20260131235959"))
    assert (found.ContentDate, found.ContentTime) == ("20260201", "000001.500000")
    assert found.AcquisitionDateTime.startswith("20260201000001")


@pytest.mark.parametrize(("rows", "stays"), [(2, True), (1, False)])
def test_places_in_the_picture_are_right_for_its_size_alone(rows: int, stays: bool) -> None:
    found = made(said(PixelSpacing=["0.5", "0.5"]), rows=rows)
    assert ("PixelSpacing" in found) is stays


def test_nothing_stays_that_speaks_of_the_old_pixels() -> None:
    source = said(
        WindowCenter="40", WindowWidth="80", RescaleSlope="2", RescaleIntercept="1", FrameTimeVector=["0", "40"],
        StartTrim="2", StopTrim="9", ActualFrameDuration="40", SmallestImagePixelValue=0,
    )  # fmt: skip
    source.add_new(0x60000010, "US", 2)
    found = made(source)
    gone = ("WindowCenter", "RescaleSlope", "FrameTimeVector", "StartTrim", "StopTrim", "ActualFrameDuration")
    assert [keyword for keyword in gone if keyword in found] == []
    assert 0x60000010 not in found
    assert source.WindowCenter == 40  # the source's own are as they were


def test_text_survives_in_unicode() -> None:
    source = said()
    source.SpecificCharacterSet = "ISO_IR 100"
    source.PatientName = "Müller^Jürgen"
    found = made(source)
    assert found.SpecificCharacterSet == "ISO_IR 192"
    assert str(found.PatientName) == "Müller^Jürgen"


def test_times_that_differ_are_a_vector() -> None:
    source = said()
    times = [0, 40_000, 140_500]
    found = derived.of_pictures(source, _NATIVE, form(), coded(step=None), times, size=36)
    assert [str(one) for one in found.FrameTimeVector] == ["0", "40", "100.5"]
    assert found.FrameIncrementPointer == 0x00181065
    assert Fraction(str(found.EffectiveDuration)) == pytest.approx(Fraction("0.21075"))


def test_uids_follow_from_source_and_form() -> None:
    source = said()
    several = {derived.uids(source, one) for one in (form(), form(step=2), form(sop_class=_VIDEO), form(_NATIVE))}
    assert len(several) == 4
    assert derived.uids(source, form()) == derived.uids(said(), form())
    assert derived.uids(source, form(), 1)[1] != derived.uids(source, form(), 2)[1]
