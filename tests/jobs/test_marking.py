"""Marked moments of stored videos: which frames the document names, and that others can read it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.sr.codedict import codes

from cines import film, grey
from clips import Clips
from jobs.forms import ENDOSCOPIC, stored
from jobs.test_forms import complaints
from orthanc_video.clip import Moment
from orthanc_video.dicom import marked
from orthanc_video.errors import BadRequest
from orthanc_video.jobs import marking, processes
from orthanc_video.jobs.processes import MediaProcess
from orthanc_video.model import Rational
from orthanc_video.plain import to_json
from orthanc_video.settings import Settings, settings_from
from orthanc_video.still import Marks


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    yield settings_from({"StorageDirectory": str(tmp_path_factory.mktemp("marks"))})
    processes.close()


@pytest.fixture(scope="module")
def video(clips: Clips, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return stored(clips.conforming(), tmp_path_factory.mktemp("video"), "endoscopic")


def _made(settings: Settings, source: Path, folder: Path, *moments: Moment, **more: Any) -> tuple[Any, Any]:
    """The document, and what is told of it."""
    asked = to_json(Marks(moments=moments, **more))
    (item,) = marking.make(settings, MediaProcess(), [source], asked, folder, None)
    return dcmread(folder / item.object), item.told


def _named(said: Any) -> list[int]:
    images = [one for one in said.ContentSequence if one.ValueType == "IMAGE"]
    return [int(one.ReferencedSOPSequence[0].ReferencedFrameNumber) for one in images]


def test_each_frame_once_and_in_order(settings: Settings, video: Path, tmp_path: Path) -> None:
    moments = (Moment(frame=20), Moment(seconds=Rational(1, 10)), Moment(frame=20))
    said, told = _made(settings, video, tmp_path, *moments, text="Größe\nund Farbe")
    assert complaints(Path(said.filename)) == []
    assert _named(said) == [3, 20]
    assert [one["Frame"] for one in told["Moments"]] == [3, 20]
    assert [one["Time"] for one in told["Moments"]] == pytest.approx([2 * 1001 / 30000, 19 * 1001 / 30000])
    assert said.ContentSequence[0].TextValue == "Größe\nund Farbe"


def test_it_is_in_the_study_and_names_the_video(settings: Settings, video: Path, tmp_path: Path) -> None:
    source = dcmread(video, stop_before_pixels=True)
    said, _ = _made(settings, video, tmp_path, Moment(frame=1))
    for keyword in ("StudyInstanceUID", "PatientID", "PatientName", "StudyDate", "StudyID"):
        assert said[keyword].value == source[keyword].value
    assert said.SeriesInstanceUID != source.SeriesInstanceUID
    (study,) = said.CurrentRequestedProcedureEvidenceSequence
    (series,) = study.ReferencedSeriesSequence
    (evidence,) = series.ReferencedSOPSequence
    assert (study.StudyInstanceUID, series.SeriesInstanceUID) == (source.StudyInstanceUID, source.SeriesInstanceUID)
    assert (evidence.ReferencedSOPClassUID, evidence.ReferencedSOPInstanceUID) == (ENDOSCOPIC, source.SOPInstanceUID)
    assert said.ConceptNameCodeSequence[0].CodeValue == "113000"
    assert [one.ValueType for one in said.ContentSequence] == ["IMAGE"]


def test_the_same_marks_are_the_same_document(settings: Settings, video: Path, tmp_path: Path) -> None:
    one, other = Moment(frame=5), Moment(frame=6)
    asked: list[tuple[tuple[Moment, ...], dict[str, Any]]] = [
        ((one, other), {}), ((one,), {}), ((one,), {"title": "For Teaching"}), ((one,), {"text": "a"}),
        ((other, one), {}),
    ]  # fmt: skip
    uids = [_made(settings, video, tmp_path, *moments, **more)[0].SOPInstanceUID for moments, more in asked]
    assert uids[0] == uids[-1]
    assert len(set(uids)) == 4


def test_of_a_film_of_single_pictures(settings: Settings, tmp_path: Path) -> None:
    source = film(tmp_path / "film.dcm", grey(5), FrameTime="40", PatientSex="F")
    said, _ = _made(settings, source, tmp_path, Moment(seconds=Rational(1, 10)))
    assert _named(said) == [3]
    assert [one for one in complaints(Path(said.filename)) if "Error" in one] == []


def test_what_there_is_not(settings: Settings, video: Path, tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="30 frames"):
        _made(settings, video, tmp_path, Moment(frame=31))


def test_titles_are_those_of_the_standard() -> None:
    known = {getattr(codes.cid7010, name) for name in codes.cid7010.dir()}
    assert {(code, name) for name, code in marked.TITLES.items()} <= {(one.value, one.meaning) for one in known}
    assert marked.title_of(" for PATIENT") == "For Patient"
    assert marked.title_of("") == "Of Interest"
    with pytest.raises(BadRequest, match="Of Interest, For Referring Provider"):
        marked.title_of("Manifest")
