"""``orthanc-video edit``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread

from clips import Clips, picture_source
from oracles import Planes, complaints, frame_md5s, planes, psnr, slice_hash
from orthanc_video.media.probe import probe
from orthanc_video.model import Region

_COMMAND = [sys.executable, "-m", "orthanc_video"]
_HEARD = "anoisesrc=r=48000:d=2:seed=7"
_GIVEN = ("-a", "ContentDate=20260228", "-a", "ContentTime=101010", "-a", "PatientID=4711", "-a", "AccessionNumber=A1")
# Black in studio range; what the coding of what is beside adds.
_BLACK, _GREY, _LEVELS = 16, 128, 4
_LIKE = 38.0  # dB


def _run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*_COMMAND, *map(str, arguments)], capture_output=True, text=True, timeout=300)


def _done(*arguments: str | Path) -> str:
    done = _run(*arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _film(clips: Clips) -> Path:
    """With sound, B-frames, and words in its container."""
    arguments = "-bf 3 -g 24 -c:a aac -ac 2 -metadata title=Doe^Jane -movflags +faststart"
    source = picture_source(seconds=2, size="320x240")
    return clips.encoded("edit-heard.mp4", arguments, source=source, sound=_HEARD)


@pytest.fixture
def stored(clips: Clips, tmp_path: Path) -> Path:
    """A DICOM video with sound."""
    target = tmp_path / "in.dcm"
    _done("convert", _film(clips), target, "--sop-class", "endoscopic", "--audio", "keep", *_GIVEN)
    return target


def _is_black(pictures: Planes, place: Region) -> bool:
    across = slice(place.x, place.x + place.width)
    down = slice(place.y, place.y + place.height)
    half_across = slice(place.x // 2, -(-(place.x + place.width) // 2))
    half_down = slice(place.y // 2, -(-(place.y + place.height) // 2))
    return all(
        np.abs(luma[down, across].astype(int) - _BLACK).max() <= _LEVELS
        and all(np.abs(one[half_down, half_across].astype(int) - _GREY).max() <= _LEVELS for one in chroma)
        for luma, *chroma in pictures
    )


def test_sound_is_left_out_and_the_pictures_stay(stored: Path, clips: Clips, tmp_path: Path) -> None:
    target = tmp_path / "out.mp4"
    _done("edit", stored, target, "--audio", "drop")
    assert slice_hash(target) == slice_hash(_film(clips))
    assert b"soun" not in target.read_bytes()
    assert b"mp4a" not in target.read_bytes()


def test_what_is_told_beside_pictures_and_sound_is_left_out(clips: Clips, tmp_path: Path) -> None:
    target = tmp_path / "out.mp4"
    assert b"Doe^Jane" in _film(clips).read_bytes()
    _done("edit", _film(clips), target, "--strip")
    made = target.read_bytes()
    assert b"Doe^Jane" not in made
    assert b"Lavf" not in made
    assert b"mp4a" in made
    assert (probe(target).extras, probe(target).user_data) == ((), False)
    assert slice_hash(target) == slice_hash(_film(clips))


def test_a_crop_as_an_object(stored: Path, clips: Clips, tmp_path: Path) -> None:
    target, film = tmp_path / "out.dcm", tmp_path / "out.mp4"
    _done("edit", stored, target, "--crop", "10,20,200,100")
    of, made = dcmread(stored), dcmread(target)
    assert complaints(target) == []
    assert _run("check", target).stdout == f"{target}: nothing found\n"
    for same in ("SOPClassUID", "StudyInstanceUID", "PatientID", "AccessionNumber", "ContentTime", "FrameTime"):
        assert made[same].value == of[same].value, same
    assert (made.Rows, made.Columns, made.NumberOfFrames) == (100, 200, of.NumberOfFrames)
    assert made.ImageType == ["DERIVED", "PRIMARY"]
    assert (made.SeriesInstanceUID, made.SOPInstanceUID) != (of.SeriesInstanceUID, of.SOPInstanceUID)
    (origin,) = made.SourceImageSequence
    assert origin.ReferencedSOPInstanceUID == of.SOPInstanceUID
    assert "cropped to 200 × 100 at 10, 20" in made.DerivationDescription
    assert [code.CodeValue for code in made.DerivationCodeSequence] == ["113040"]
    assert len(made.LossyImageCompressionMethod) == 2
    _done("edit", stored, target, "--crop", "10,20,200,100")
    again = dcmread(target)
    assert (again.SOPInstanceUID, again.PixelData) == (made.SOPInstanceUID, made.PixelData)
    _done("edit", stored, film, "--crop", "10,20,200,100")
    source = planes(_film(clips))
    for before, after in zip(source, planes(film), strict=True):
        assert psnr(before[0][20:120, 10:210], after[0]) > _LIKE


def test_a_mask_is_black_in_every_frame(stored: Path, clips: Clips, tmp_path: Path) -> None:
    target, film = tmp_path / "out.dcm", tmp_path / "out.mp4"
    masked = ("--mask", "11,21,51,31", "--mask", "301,0,19,9")
    _done("edit", stored, target, *masked, "--burned-in", "NO")
    made = dcmread(target)
    assert complaints(target) == []
    assert made.BurnedInAnnotation == "NO"
    assert [code.CodeValue for code in made.DerivationCodeSequence] == ["113047", "113040"]
    _done("edit", stored, film, *masked)
    pictures = planes(film)
    assert _is_black(pictures, Region(11, 21, 51, 31))
    assert _is_black(pictures, Region(301, 0, 19, 9))
    assert not _is_black(pictures[:1], Region(64, 64, 16, 16))
    for before, after in zip(planes(_film(clips)), pictures, strict=True):
        assert psnr(before[0][64:, :], after[0][64:, :]) > _LIKE


def test_a_mask_in_a_range_as_an_object(stored: Path, clips: Clips, tmp_path: Path) -> None:
    target, film = tmp_path / "out.dcm", tmp_path / "out.mp4"
    masked = ("--mask", "11,21,51,31", "--range", "frame:10", "frame:20")
    assert "frames are coded anew; the others are copied" in _done("edit", stored, target, *masked)
    made = dcmread(target)
    assert complaints(target) == []
    assert _run("check", target).stdout == f"{target}: nothing found\n"
    assert "made black in 1 range(s)" in made.DerivationDescription
    assert "MultiplexedAudioChannelsDescriptionCodeSequence" in made
    _done("edit", stored, film, *masked)
    pictures = planes(film)
    assert _is_black(pictures[9:20], Region(11, 21, 51, 31))
    assert not any(_is_black([one], Region(11, 21, 51, 31)) for one in (*pictures[:9], *pictures[20:]))
    assert frame_md5s(film)[:6] == frame_md5s(_film(clips))[:6]


def _two(clips: Clips, tmp_path: Path) -> list[Path]:
    """Videos of one study, the later one first."""
    study = ("-a", "StudyInstanceUID=2.25.1", "-a", "PatientID=4711", "-a", "ContentDate=20260228")
    films = clips.conforming(), clips.conforming(seconds=0.5)
    made = [tmp_path / "late.dcm", tmp_path / "early.dcm"]
    for film, target, time in zip(films, made, ("101010", "090909"), strict=True):
        _done("convert", film, target, *study, "-a", f"ContentTime={time}")
    return made


def test_videos_of_a_study_are_joined(clips: Clips, tmp_path: Path) -> None:
    late, early = _two(clips, tmp_path)
    target, film = tmp_path / "out.dcm", tmp_path / "out.mp4"
    assert ", 0 of them coded anew" in _done("edit", late, target, "--join", early, "--in-time")
    made, first, second = dcmread(target), dcmread(early), dcmread(late)
    assert complaints(target) == []
    assert made.SeriesNumber == first.SeriesNumber + 3000
    assert made.NumberOfFrames == first.NumberOfFrames + second.NumberOfFrames
    named = [one.ReferencedSOPInstanceUID for one in made.SourceImageSequence]
    assert named == [first.SOPInstanceUID, second.SOPInstanceUID]
    assert (made.ContentTime, made.StudyInstanceUID) == ("090909", first.StudyInstanceUID)
    assert "DerivationCodeSequence" not in made
    assert made.LossyImageCompressionMethod == "ISO_14496_10"
    _done("edit", late, film, "--join", early)
    assert frame_md5s(film) == [*frame_md5s(clips.conforming()), *frame_md5s(clips.conforming(seconds=0.5))]


def test_clips_and_codings_of_all_are_told_of_a_joined_video(clips: Clips, tmp_path: Path) -> None:
    source, study = picture_source(seconds=1), ("-a", "StudyInstanceUID=2.25.1", "-a", "PatientID=4711")
    whole, other, target = (tmp_path / f"{name}.dcm" for name in ("whole", "other", "out"))
    _done("convert", clips.conforming(), whole, *study)
    _done("convert", clips.encoded("edit-mpeg2.mpg", "-bf 2 -g 15", codec="mpeg2", source=source), other, *study)
    parts = [tmp_path / f"part-{first}.dcm" for first in (1, 21)]
    for part, last, first in zip(parts, (10, 30), (1, 21), strict=True):
        _done("clip", whole, part, "--range", f"frame:{first}", f"frame:{last}")
    _done("edit", parts[0], target, "--join", parts[1], "--join", other)
    made = dcmread(target)
    # dciodvfy does not count with films of which a part had another coding before.
    assert [line for line in complaints(target) if "method inconsistent with Transfer Syntax" not in line] == []
    extracted = [(str(one[0x00081167].value), list(one[0x00081162].value)) for one in made.FrameExtractionSequence]
    uid, mpeg2 = dcmread(whole).SOPInstanceUID, dcmread(other)
    count = int(mpeg2.NumberOfFrames)
    assert extracted == [(uid, [1, 10, 1]), (uid, [21, 30, 1]), (mpeg2.SOPInstanceUID, [1, count, 1])]
    assert "Video 1: frames 1 to 10" in made.DerivationDescription
    assert "Video 2: frames 21 to 30" in made.DerivationDescription
    assert mpeg2.LossyImageCompressionMethod == "ISO_13818_2"
    methods = list(made.LossyImageCompressionMethod)
    assert (methods.count("ISO_13818_2"), methods[-1]) == (1, "ISO_14496_10")


def test_videos_of_two_patients_are_not_joined(stored: Path, clips: Clips, tmp_path: Path) -> None:
    late, _ = _two(clips, tmp_path)
    done = _run("edit", stored, tmp_path / "out.dcm", "--join", late)
    assert (done.returncode, "of several studies" in done.stderr) == (1, True)


def test_a_de_identified_object(stored: Path, tmp_path: Path) -> None:
    target, again, other = (tmp_path / f"out-{number}.dcm" for number in range(3))
    key, masked = "ab" * 32, ("--mask", "0,0,320,16", "--burned-in", "NO")
    _done("edit", stored, target, "--de-identify", *masked, "--key", key)
    _done("edit", stored, again, "--de-identify", *masked, "--key", key)
    _done("edit", stored, other, "--de-identify", *masked)
    of, made = dcmread(stored), dcmread(target)
    assert [line for line in complaints(target) if "DICOMDIR" not in line] == []
    assert _run("check", target).stdout == f"{target}: nothing found\n"
    for told in (b"20260228", b"edit-heard", b"mp4a", of.SOPInstanceUID.encode()):
        assert told not in target.read_bytes(), told
    assert (made.AccessionNumber, made.PatientIdentityRemoved) == ("", "YES")
    assert made.PatientID != of.PatientID
    assert [one.CodeValue for one in made.DeidentificationMethodCodeSequence] == ["113100", "113101"]
    assert "SourceImageSequence" not in made
    assert {made.StudyInstanceUID, made.SeriesInstanceUID}.isdisjoint({of.StudyInstanceUID, of.SeriesInstanceUID})
    assert target.read_bytes() == again.read_bytes()
    assert dcmread(other).PatientID != made.PatientID


def test_of_a_de_identified_clip_nothing_names_what_it_was_cut_from(stored: Path, tmp_path: Path) -> None:
    clip, target = tmp_path / "clip.dcm", tmp_path / "out.dcm"
    _done("clip", stored, clip, "--range", "frame:10", "frame:20")
    uid = dcmread(stored).SOPInstanceUID.encode()
    assert uid in clip.read_bytes()
    _done("edit", clip, target, "--de-identify")
    assert _run("check", target).stdout == f"{target}: nothing found\n"
    assert uid not in target.read_bytes()
    assert "FrameExtractionSequence" not in dcmread(target)


@pytest.mark.parametrize("arguments", [("--mask", "0,0,64,16"), ("--de-identify",)], ids=["mask", "de-identified"])
def test_faults_of_another_writer_are_no_hindrance(stored: Path, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    of, target = dcmread(stored), tmp_path / "out.dcm"
    del of.AnatomicRegionSequence
    of.ImageLaterality = "X"
    of.save_as(stored)
    _done("edit", stored, target, *arguments)
    made = dcmread(target)
    assert made.AnatomicRegionSequence[0].CodeMeaning == "Unspecified"
    assert made.ImageLaterality == "X"


def test_a_key_that_is_none(stored: Path, tmp_path: Path) -> None:
    done = _run("edit", stored, tmp_path / "out.dcm", "--de-identify", "--key", "secret")
    assert (done.returncode, "64 hexadecimal digits" in done.stderr) == (1, True)


def test_who_knows_that_names_are_gone_says_so(stored: Path, tmp_path: Path) -> None:
    _done("edit", stored, tmp_path / "out.dcm", "--mask", "0,0,64,16")
    assert "BurnedInAnnotation" not in dcmread(tmp_path / "out.dcm")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--crop", "0,0,322,240"), "does not lie within the picture of 320 × 240"),
        (("--crop", "1,0,100,100"), "needs even numbers"),
        (("--mask", "300,0,40,10"), "does not lie within"),
        (("--mask", "0,0,0,10"), 'needs "width"'),
        (("--mask", "0,0,10"), "is no region"),
        (("--mask", "-1,0,10,10"), "is no region"),
        (("--range", "0", "1"), "no region is named"),
        (("--de-identify", "--audio", "keep"), "a voice tells who speaks"),
        ((), "Nothing is asked for"),
    ],
)
def test_an_edit_that_is_none(stored: Path, tmp_path: Path, arguments: tuple[str, ...], sentence: str) -> None:
    # A value that begins with a dash goes with its option (argparse).
    given = [f"{arguments[0]}={arguments[1]}"] if len(arguments) == 2 else arguments
    done = _run("edit", stored, tmp_path / "out.dcm", *given)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["in.dcm"]


@pytest.mark.parametrize(
    ("codec", "given", "right"),
    [("h264", "--strip", "mp4"), ("mpeg2", "--strip", "mpg"), ("mpeg2", "--crop=0,0,64,64", "mp4")],
)
def test_a_name_says_what_is_written(clips: Clips, tmp_path: Path, codec: str, given: str, right: str) -> None:
    source = clips.video(codec, "mkv")
    for ending in ("mp4", "mpg"):
        target = tmp_path / f"out.{ending}"
        done = _run("edit", source, target, given)
        assert target.exists() == (done.returncode == 0) == (ending == right), done.stderr
        assert done.returncode == 0 or f"name it with .{right}.\n" in done.stderr
    assert (probe(tmp_path / f"out.{right}").container == "mpeg") == (right == "mpg")
    done = _run("edit", source, tmp_path / "out.mkv", given)
    assert (done.returncode, "must end with .mp4, .mpg, .dcm" in done.stderr) == (1, True)
    assert [path.name for path in tmp_path.iterdir()] == [f"out.{right}"]
