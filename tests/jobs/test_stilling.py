"""Stills of stored videos and films: the very pictures, and what they say of where they come from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread

from cines import LOSSY, coded, colours, film
from clips import Clips, picture_source
from jobs.forms import EXPLICIT, JPEG, STORAGE, frames_of, stored
from jobs.test_forms import complaints
from oracles import decoded, psnr
from orthanc_video.clip import Moment
from orthanc_video.errors import BadRequest, Busy, WorkerFailed
from orthanc_video.film import Coded
from orthanc_video.jobs import processes, stilling
from orthanc_video.jobs.processes import Limits, MediaProcess
from orthanc_video.model import Rational
from orthanc_video.plain import to_json
from orthanc_video.settings import settings_from
from orthanc_video.still import Stills

_CODED = Coded(
    path="", index="", frames=2, rows=2, columns=2, samples=3, photometric="RGB", step=None, start=Rational(0), first=1
)
_LIMITS = Limits(seconds=60, memory=4 << 30)


@pytest.fixture(scope="module", autouse=True)
def _ended() -> Iterator[None]:
    yield
    processes.close()


@pytest.fixture(scope="module")
def clip(clips: Clips) -> Path:
    soft = f"{picture_source(seconds=2)},gblur=sigma=4"
    return clips.encoded("stills.mp4", "-bf 3 -g 24 -movflags +faststart", source=soft)


@pytest.fixture(scope="module")
def video(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return stored(clip, tmp_path_factory.mktemp("stills"), "endoscopic")


def _made(source: Path, folder: Path, *frames: int | Moment, **more: Any) -> list[Any]:
    """The data sets, which know where they lie."""
    folder.mkdir(exist_ok=True)
    moments = tuple(one if isinstance(one, Moment) else Moment(frame=one) for one in frames)
    items = stilling.of_object(MediaProcess(), _LIMITS, source, Stills(frames=moments, **more), folder)
    assert sorted(path.name for path in folder.iterdir()) == sorted(item.object for item in items)
    return [dcmread(folder / item.object) for item in items]


def _picture(said: Any) -> Any:
    return frames_of(Path(said.filename))[0]


def test_a_lossless_still_is_the_frame(video: Path, clip: Path, tmp_path: Path) -> None:
    expected = decoded(clip, 160, 120)
    late = Moment(seconds=Rational(1001, 1000))
    made = _made(video, tmp_path / "made", 30, 2, late, 30)
    assert [said.InstanceNumber for said in made] == [2, 30, 31]
    for said in made:
        assert complaints(Path(said.filename)) == []
        assert said.file_meta.TransferSyntaxUID == f"{JPEG}70"
        assert psnr(_picture(said), expected[said.InstanceNumber - 1]) > 38
        assert said.SOPClassUID == f"{STORAGE}77.1.1"
        assert said.Modality == "ES"
        assert "NumberOfFrames" not in said
    assert len({said.SeriesInstanceUID for said in made}) == 1


def test_what_it_says_of_its_source(video: Path, tmp_path: Path) -> None:
    source = dcmread(video, stop_before_pixels=True)
    (said,) = _made(video, tmp_path / "made", 46)
    assert (said.StudyInstanceUID, said.PatientID) == (source.StudyInstanceUID, source.PatientID)
    assert said.SeriesInstanceUID != source.SeriesInstanceUID
    (item,) = said.SourceImageSequence
    assert item.ReferencedSOPInstanceUID == source.SOPInstanceUID
    assert item.ReferencedFrameNumber == 46
    assert item.PurposeOfReferenceCodeSequence[0].CodeValue == "121330"
    assert list(said.ImageType) == ["DERIVED", "PRIMARY"]
    assert "frame 46" in said.DerivationDescription
    assert said.ContributingEquipmentSequence[-1].PurposeOfReferenceCodeSequence[0].CodeValue == "109105"
    started = [float(one.ContentTime[4:]) + 60 * float(one.ContentTime[2:4]) for one in (source, said)]
    assert (started[1] - started[0]) % 3600 == pytest.approx(1.5015, abs=1e-5)


def test_a_jpeg_still_is_one_lossy_step_more(video: Path, clip: Path, tmp_path: Path) -> None:
    (said,) = _made(video, tmp_path / "made", 17, quality=80)
    assert complaints(Path(said.filename)) == []
    assert said.file_meta.TransferSyntaxUID == f"{JPEG}50"
    assert psnr(_picture(said), decoded(clip, 160, 120)[16]) > 34
    assert list(said.LossyImageCompressionMethod) == ["ISO_14496_10", "ISO_10918_1"]
    assert said.DerivationCodeSequence[-1].CodeValue == "113040"
    (lossless,) = _made(video, tmp_path / "other", 17)
    assert lossless.LossyImageCompression == "01"
    assert lossless.LossyImageCompressionMethod == "ISO_14496_10"


def test_the_same_still_is_the_same_object(video: Path, tmp_path: Path) -> None:
    ways: list[dict[str, Any]] = [{}, {"quality": 80}, {"quality": 81}, {"choice": "photographic"}]
    found = [_made(video, tmp_path / str(at), 5, 6, **way) for at, way in enumerate((*ways, {}))]
    uids = [tuple(said.SOPInstanceUID for said in made) for made in found]
    assert uids[0] == uids[-1]
    assert len({uid for made in uids for uid in made}) == 8
    assert found[0][0].SeriesInstanceUID == found[1][0].SeriesInstanceUID
    photographic = found[3][0]
    assert (photographic.SOPClassUID, photographic.Modality) == (f"{STORAGE}77.1.4", "XC")
    assert photographic.SeriesInstanceUID != found[0][0].SeriesInstanceUID
    assert complaints(Path(photographic.filename)) == []


def test_what_another_writer_does_not_say_is_unspecified(video: Path, tmp_path: Path) -> None:
    source = dcmread(video)
    del source.AnatomicRegionSequence, source.ImageLaterality
    source.save_as(tmp_path / "in.dcm")
    (said,) = _made(tmp_path / "in.dcm", tmp_path / "made", 5)
    assert complaints(Path(said.filename)) == []
    assert said.AnatomicRegionSequence[0].CodeMeaning == "Unspecified"
    assert said.ImageLaterality == ""


def test_of_single_pictures(tmp_path: Path) -> None:
    source = film(tmp_path / "film.dcm", colours(4), EXPLICIT)
    (said,) = _made(source, tmp_path / "made", 3, choice="microscopic")
    assert np.array_equal(_picture(said), colours(4)[2])
    assert said.LossyImageCompression == "00"
    jpeg = coded(source, LOSSY["50"])
    (said,) = _made(jpeg, tmp_path / "other", 3, choice="microscopic")
    assert said.LossyImageCompression == "01"


def test_a_class_has_to_be_said_where_the_videos_own_has_none(tmp_path: Path) -> None:
    source = film(tmp_path / "film.dcm", colours(4), EXPLICIT)
    with pytest.raises(BadRequest, match="endoscopic, microscopic, photographic"):
        _made(source, tmp_path / "made", 1)


def test_frames_that_there_are_not(video: Path, tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="60 frames; there is no frame 61"):
        _made(video, tmp_path / "made", 1, 61)
    with pytest.raises(BadRequest, match=r"no frame is shown at 7 s"):
        _made(video, tmp_path / "made", Moment(seconds=Rational(7)))


def test_a_full_disk_is_said_before_anything_is_made(video: Path, tmp_path: Path) -> None:
    settings = settings_from({"StorageDirectory": str(tmp_path), "VideoGateway": {"MinimumFreeDiskMB": 10**9}})
    settings.spool.mkdir(parents=True)
    asked = to_json(Stills(frames=(Moment(frame=1),)))
    with pytest.raises(Busy, match="disk is nearly full"):
        stilling.make(settings, MediaProcess(), [video], asked, tmp_path, None)


@pytest.mark.parametrize("numbers", [(), (1,), (1, 1), (2, 1), (0, 1), (1, 2, 3)])
def test_a_media_process_that_names_other_frames(numbers: tuple[int, ...]) -> None:
    with pytest.raises(WorkerFailed, match="did not say which frames"):
        stilling.refuse_unnamed(replace(_CODED, numbers=numbers))
    stilling.refuse_unnamed(replace(_CODED, numbers=(1, 2)))
