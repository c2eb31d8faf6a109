"""Edits: what is demanded of the quality beside masks, the secret of de-identified objects, and films that none are
made of."""

from __future__ import annotations

import dataclasses
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.encaps import generate_frames

import clocks
from cines import LOSSLESS, LOSSY, Frames, coded, colours, film, grey, shown
from clips import Clips, ffmpeg
from orthanc_video.clip import Moment, Range
from orthanc_video.edit import Edit, Wanted
from orthanc_video.errors import BadRequest, UnsupportedMedia
from orthanc_video.jobs import editing
from orthanc_video.jobs.making import how
from orthanc_video.jobs.processes import Limits, MediaProcess, close
from orthanc_video.model import Demands, Region
from orthanc_video.settings import MIB, Gateway, Settings

_ASKED = Demands(psnr=35.0, ssim=0.9)
_SHOWN = Region(0, 0, 100, 100)


@pytest.fixture(scope="module", autouse=True)
def _processes() -> Iterator[None]:
    yield
    close()


def _tools() -> editing.Tools:
    limits = Limits(seconds=60, memory=4096 * MIB)
    return editing.Tools(process=MediaProcess(), limits=limits, how=how(Gateway()), key=b"k" * 32)


def test_more_is_demanded_where_black_flatters_the_mean() -> None:
    assert editing.beside(_ASKED, [], _SHOWN) == _ASKED
    half = editing.beside(_ASKED, [Region(0, 0, 50, 100)], _SHOWN)
    assert (round(half.psnr, 2), round(half.ssim, 3)) == (38.01, 0.95)
    # What lies twice under a mask counts once, and what is cut off does not.
    assert editing.beside(_ASKED, [Region(0, 0, 50, 100), Region(25, 0, 25, 100)], _SHOWN) == half
    assert editing.beside(_ASKED, [Region(0, 0, 50, 100)], Region(50, 0, 50, 100)) == _ASKED
    assert editing.beside(_ASKED, [Region(0, 0, 75, 100)], Region(50, 0, 50, 100)) == half


def test_the_secret_stays_and_is_nobody_elses(tmp_path: Path) -> None:
    settings = Settings(gateway=Gateway(), orthanc_url="", directory=tmp_path, maximum_upload=0)
    key = editing.key_of(settings)
    assert len(key) == 32
    assert editing.key_of(settings) == key
    (path,) = tmp_path.iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("name", ["rotated", "cut_by_edits"])
def test_what_a_container_arranges_is_not_masked_in_a_range(clips: Clips, tmp_path: Path, name: str) -> None:
    film: Path = getattr(clips, name)()
    tools = _tools()
    edit = Edit(masks=(Region(0, 0, 8, 8),), ranges=(Range(Moment(1), Moment(2)),))
    with pytest.raises(UnsupportedMedia, match="turned, changing, or shown in part"):
        editing.of_films(tools, [film], edit, tmp_path)
    with pytest.raises(UnsupportedMedia, match="turned, changing, or shown in part"):
        editing.of_films(tools, [clips.conforming(), film], Edit(), tmp_path)


@pytest.mark.parametrize("edit", [Edit(strip=True), Edit(deidentify=True, audio="drop")])
def test_no_time_of_day_is_left_in_the_stream(clips: Clips, tmp_path: Path, edit: Edit) -> None:
    film = clocks.mpeg2(clips, "mpg")
    source = Path(shutil.copy(film, tmp_path))
    made = editing.of_films(_tools(), [source], edit, tmp_path)
    assert made.anew == 0
    assert clocks.told(made.path) == {"00:00:00:00"}
    raw, timed = tmp_path / "raw.h264", tmp_path / "timed.mp4"
    raw.write_bytes(clocks.timed(clips))
    ffmpeg("-r", "25", "-i", raw, "-c", "copy", timed)
    made = editing.of_films(_tools(), [timed], edit, tmp_path)
    assert made.anew == 0
    assert clocks.told(made.path) == {"00:00:00:00"}
    masked = dataclasses.replace(edit, masks=(Region(0, 0, 16, 16),), ranges=(Range(Moment(3), Moment(5)),))
    made = editing.of_films(_tools(), [Path(shutil.copy(film, tmp_path))], masked, tmp_path)
    assert made.anew < 30
    assert clocks.told(made.path) == {"00:00:00:00"}


_KNOWN: dict[str, Any] = {
    "StudyDate": "20260228", "StudyTime": "10", "StudyID": "1", "SeriesNumber": 1, "InstanceNumber": 1,
    "PatientName": "A^B", "PatientID": "4711", "Laterality": "R", "LossyImageCompression": "00",
}  # fmt: skip
_MASK, _CROP = Region(11, 9, 20, 10), Region(4, 6, 41, 31)


def _edited(source: Path, edit: Edit) -> Path:
    target = source.with_name("edit.dcm")
    told = editing.of_objects(_tools(), [source], Wanted(edit=edit, object=True), target)
    assert not told.plays
    return target


@pytest.mark.parametrize("name", ["plain", "5", "70", "80", "90"])
@pytest.mark.parametrize("frames", [grey(6), colours(6)], ids=["grey", "colours"])
def test_single_pictures_lose_nothing_beside_a_mask(tmp_path: Path, name: str, frames: Frames) -> None:
    source = film(tmp_path / "film.dcm", frames, **_KNOWN)
    if name != "plain":
        source = coded(source, LOSSLESS[name])
    edit = Edit(masks=(_MASK,), ranges=(Range(Moment(2), Moment(3)),), crop=_CROP)
    target = _edited(source, edit)
    of, made = dcmread(source), dcmread(target)
    assert made.file_meta.TransferSyntaxUID == of.file_meta.TransferSyntaxUID
    assert (made.Rows, made.Columns, made.NumberOfFrames) == (31, 41, 6)
    assert made.LossyImageCompression == "00"
    assert made.SourceImageSequence[0].ReferencedSOPInstanceUID == of.SOPInstanceUID
    if name == "90":  # which DCMTK does not read
        target = coded(target, ["gdcmconv", "--raw"])
    for number, before in enumerate(frames):
        expected = before.copy()
        if number in {1, 2}:  # whole blocks of 8
            expected[8:24, 8:32] = 0
        assert np.array_equal(shown(target, number), expected[6:37, 4:45]), number


def test_lossy_pictures_stay_alike_beside_a_mask(tmp_path: Path) -> None:
    source = coded(film(tmp_path / "film.dcm", colours(4), **_KNOWN), ["dcmcjpeg", "+eb"])
    target = _edited(source, Edit(masks=(_MASK,)))
    made = dcmread(target)
    assert list(made.LossyImageCompressionMethod) == ["ISO_10918_1"] * 2
    for number in range(4):
        before, after = shown(source, number).astype(int), shown(target, number).astype(int)
        assert after[9:19, 11:31].max() <= 8
        assert np.abs(before[32:] - after[32:]).mean() < 3


def _lies(path: Path) -> list[bytes]:
    """The frames as they lie in an object."""
    said = dcmread(path)
    if not said.file_meta.TransferSyntaxUID.is_encapsulated:
        size = said.Rows * said.Columns * said.SamplesPerPixel
        return [said.PixelData[at * size : (at + 1) * size] for at in range(said.NumberOfFrames)]
    return list(generate_frames(said.PixelData, number_of_frames=said.NumberOfFrames))


_RANGE = Edit(masks=(_MASK,), ranges=(Range(Moment(2), Moment(3)),))


@pytest.mark.parametrize("frames", [grey(6), colours(6)], ids=["grey", "colours"])
@pytest.mark.parametrize("name", ["plain", "5", "50", "50 4:4:4", "50 4:2:0", "70", "80"])
def test_pictures_beside_a_range_are_the_same_bytes(tmp_path: Path, name: str, frames: Frames) -> None:
    source = film(tmp_path / "film.dcm", frames, **_KNOWN)
    if name != "plain":
        source = coded(source, (LOSSLESS | LOSSY)[name])
    target = tmp_path / "edit.dcm"
    told = editing.of_objects(_tools(), [source], Wanted(edit=_RANGE, object=True), target)
    assert (told.anew, told.sentences) == (2, ("2 of 6 pictures are coded anew; the others are copied.",))
    before, after = _lies(source), _lies(target)
    assert [number for number in range(6) if before[number] != after[number]] == [1, 2]
    of, made = dcmread(source), dcmread(target)
    assert made.PhotometricInterpretation == of.PhotometricInterpretation
    assert "2 of 6 frames coded anew" in made.DerivationDescription
    lossy = name in LOSSY
    assert made.LossyImageCompression == ("01" if lossy else "00")
    assert not lossy or list(made.LossyImageCompressionMethod) == ["ISO_10918_1"] * 2
    for number in range(6):
        picture, was = shown(target, number).astype(int), shown(source, number).astype(int)
        assert np.abs(picture[32:] - was[32:]).mean() < 3
        assert (picture[9:19, 11:31].max() <= 8) == (number in {1, 2})


@pytest.mark.parametrize(
    ("name", "edit"),
    [
        ("50", dataclasses.replace(_RANGE, crop=_CROP)),
        ("50", dataclasses.replace(_RANGE, strip=True)),
        ("50", dataclasses.replace(_RANGE, deidentify=True, audio="drop")),
        ("50 RGB", _RANGE),  # what is coded anew is no RGB
    ],
)
def test_pictures_that_cannot_stay_are_all_coded_anew(tmp_path: Path, name: str, edit: Edit) -> None:
    source = coded(film(tmp_path / "film.dcm", colours(6), **_KNOWN), LOSSY[name])
    target = tmp_path / "edit.dcm"
    told = editing.of_objects(_tools(), [source], Wanted(edit=edit, object=True), target)
    assert (told.anew, told.sentences) == (6, ("All 6 pictures are coded anew.",))
    before, after = _lies(source), _lies(target)
    assert all(one != other for one, other in zip(before, after, strict=True))
    assert dcmread(target).PhotometricInterpretation == "YBR_FULL_422"


def test_single_pictures_are_de_identified(tmp_path: Path) -> None:
    source = coded(film(tmp_path / "film.dcm", colours(4), **_KNOWN), LOSSLESS["70"])
    target = _edited(source, Edit(deidentify=True, audio="drop"))
    made = dcmread(target)
    assert (made.PatientIdentityRemoved, str(made.PatientID)[:5]) == ("YES", "ANON-")
    assert np.array_equal(shown(target, 2), colours(4)[2])
    assert b"4711" not in target.read_bytes()


def test_what_single_pictures_are_not_edited_for(tmp_path: Path) -> None:
    deep = film(tmp_path / "deep.dcm", grey(3, 12), bits=12, **_KNOWN)
    with pytest.raises(UnsupportedMedia, match="other than 8 bits"):
        _edited(deep, Edit(masks=(_MASK,)))
    windowed = film(tmp_path / "windowed.dcm", grey(3), WindowCenter=100, WindowWidth=50, **_KNOWN)
    with pytest.raises(UnsupportedMedia, match="through a window"):
        _edited(windowed, Edit(masks=(_MASK,)))
    plain = film(tmp_path / "plain.dcm", grey(3), **_KNOWN)
    with pytest.raises(BadRequest, match="neither sound nor a container"):
        _edited(plain, Edit(audio="drop"))
    with pytest.raises(BadRequest, match="does not lie within"):
        _edited(plain, Edit(crop=Region(0, 0, 65, 10)))
    with pytest.raises(BadRequest, match="there is no frame 9"):
        _edited(plain, Edit(masks=(_MASK,), ranges=(Range(Moment(1), Moment(9)),)))
