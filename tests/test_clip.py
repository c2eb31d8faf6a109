"""Moments of a video as people say them, and ``orthanc-video clip``."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import dcmread

from cines import film
from clips import Clips, picture_source
from media.test_cine_render import numbered, numbers
from oracles import complaints, frame_md5s, known
from orthanc_video.clip import Moment, Range, chosen, moment, named
from orthanc_video.errors import BadRequest
from orthanc_video.media.probe import probe
from orthanc_video.model import Rational

_COMMAND = [sys.executable, "-m", "orthanc_video"]


def _run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*_COMMAND, *map(str, arguments)], capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("frame:1", Moment(frame=1)),
        ("frame:100000", Moment(frame=100_000)),
        ("0", Moment()),
        ("1.5", Moment(seconds=Rational(3, 2))),
        ("1.0844166666666666", Moment(seconds=Rational(5422083333333333, 5 * 10**15))),
        ("00:00:01.500", Moment(seconds=Rational(3, 2))),
        ("1:02:03.25", Moment(seconds=Rational(14893, 4))),
    ],
)
def test_a_moment(text: str, found: Moment) -> None:
    assert moment(text) == found


@pytest.mark.parametrize(
    "text", ["", "frame:0", "frame:-1", "frame:1.5", "-1", "NaN", "inf", "1e3", "00:60:00", "1:2:3", "١", "9" * 30]
)
def test_no_moment(text: str) -> None:
    with pytest.raises(BadRequest, match="no moment"):
        moment(text)


@given(
    st.sampled_from([Fraction(24000, 1001), Fraction(30000, 1001), Fraction(25), Fraction(1000)]),
    st.integers(1, 100_000),
    st.data(),
)
def test_times_that_were_given_out_name_the_same_frames_again(rate: Fraction, count: int, data: st.DataObject) -> None:
    def start(number: int) -> Fraction:
        return number / rate

    first = data.draw(st.integers(0, count - 1))
    last = data.draw(st.integers(first, count - 1))
    for write in (repr, "{:.6f}".format):
        begin, end = (moment(write(float(start(number)))) for number in (first, last + 1))
        assert chosen(count, start, Range(begin, end)) == (first, last)
        assert named(count, start, begin) == first


@pytest.mark.parametrize(
    ("seconds", "frame", "before"), [("0.039994", 0, 0), ("0.039995", 1, 0), ("0.040005", 1, 0), ("0.040006", 1, 1)]
)
def test_a_time_beside_a_frames_start(seconds: str, frame: int, before: int) -> None:
    def start(number: int) -> Fraction:
        return number * Fraction(40, 1000)

    assert named(5, start, moment(seconds)) == frame
    assert chosen(5, start, Range(moment("0"), moment(seconds))) == (0, before)


def test_no_range_ends_beyond_the_video() -> None:
    def start(number: int) -> Fraction:
        return number * Fraction(40, 1000)

    assert chosen(5, start, Range(moment("0"), moment("0.200005"))) == (0, 4)
    with pytest.raises(BadRequest, match=r"The video ends at 0\.2 s; no range can end at 0\.200006 s"):
        chosen(5, start, Range(moment("0"), moment("0.200006")))


@pytest.mark.parametrize(
    ("begin", "end", "sentence"),
    [
        ("13", "12", "The video ends at 12 s; no frame is shown at 13 s"),
        ("frame:400", "frame:399", "The video has 300 frames; there is no frame 400"),
        ("3", "2.5", "The range from 3 s to 2.5 s holds no frame: its end comes before its start"),
        ("1.01", "1.005", r"The range from 1.01 s to 1.005 s holds no frame"),  # both within frame 26
        ("1", "1", "holds no frame: its end comes before its start, or with it"),
        ("frame:9", "0.2", "The range from frame 9 to 0.2 s holds no frame"),
        ("frame:9", "frame:8", "The range from frame 9 to frame 8 holds no frame"),
    ],
)
def test_a_range_without_frames(begin: str, end: str, sentence: str) -> None:
    with pytest.raises(BadRequest, match=sentence):
        chosen(300, lambda number: number * Fraction(1, 25), Range(moment(begin), moment(end)))


@given(st.text(max_size=30))
def test_any_text_is_a_moment_or_none(text: str) -> None:
    try:
        found = moment(text)
    except BadRequest:
        return
    assert found.frame > 0 or found.seconds.fraction >= 0


def test_a_clip_of_a_dicom_video(clips: Clips, tmp_path: Path) -> None:
    source, target = tmp_path / "in.dcm", tmp_path / "out.mp4"
    assert _run("convert", clips.conforming(), source).returncode == 0
    whole = frame_md5s(clips.conforming())
    done = _run("clip", source, target, "--range", "frame:1", "frame:10", "--precision", "keyframe")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == f"clip: {target}"
    copied = frame_md5s(target)
    assert len(copied) >= 10
    assert copied == whole[: len(copied)]
    done = _run("clip", source, target, "--range", "frame:6", "frame:9", "--range", "frame:2", "frame:3")
    assert done.returncode == 0, done.stderr
    assert [line.partition(",")[0] for line in done.stdout.splitlines()[:2]] == [
        "Frames 6 to 9 (4)",
        "Frames 2 to 3 (2)",
    ]
    assert len(frame_md5s(target)) == 6
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.dcm", "out.mp4"]


_SOURCES: dict[str, Callable[[Clips], Path]] = {
    "h264": lambda clips: clips.encoded("clip-h264.mp4", "-bf 3 -g 24", source=picture_source(seconds=3)),
    "hevc": lambda clips: clips.encoded("clip-hevc.mp4", "-g 24", codec="hevc", source=picture_source(seconds=3)),
    "mpeg2": lambda clips: clips.encoded(
        "clip-mpeg2.mpg", "-bf 2 -g 15", codec="mpeg2", source=picture_source(seconds=3)
    ),
}


_HEARD = "anoisesrc=r=48000:d=3:seed=7"


@pytest.mark.parametrize("name", _SOURCES)
def test_a_clip_as_an_object_says_where_it_comes_from(clips: Clips, tmp_path: Path, name: str) -> None:
    film, source, target = _SOURCES[name](clips), tmp_path / "in.dcm", tmp_path / "out.dcm"
    given = (
        "-a",
        "ContentDate=20260228",
        "-a",
        "ContentTime=235959.5",
        "-a",
        "AccessionNumber=A1",
        "-a",
        "PatientID=4711",
    )
    assert _run("convert", film, source, "--sop-class", "endoscopic", *given).returncode == 0
    cut = ("clip", source, target, "--range", "frame:41", "frame:60", "--range", "frame:1", "frame:3")
    done = _run(*cut)
    assert done.returncode == 0, done.stderr
    of, made = dcmread(source), dcmread(target)
    assert complaints(known(target, tmp_path / "known.dcm")) == []
    assert _run("check", target).stdout == f"{target}: nothing found\n"
    for same in ("SOPClassUID", "StudyInstanceUID", "PatientID", "AccessionNumber", "Modality", "Rows", "FrameTime"):
        assert made[same].value == of[same].value, same
    assert made.file_meta.TransferSyntaxUID == of.file_meta.TransferSyntaxUID
    assert made.SeriesNumber == of.SeriesNumber + 1000
    assert made.NumberOfFrames == 23
    assert made.ImageType == ["DERIVED", "PRIMARY"]
    assert (made.SeriesInstanceUID, made.SOPInstanceUID) != (of.SeriesInstanceUID, of.SOPInstanceUID)
    (origin,) = made.SourceImageSequence
    assert (origin.ReferencedSOPClassUID, origin.ReferencedSOPInstanceUID) == (of.SOPClassUID, of.SOPInstanceUID)
    (extraction,) = made.FrameExtractionSequence
    assert extraction.MultiFrameSourceSOPInstanceUID == of.SOPInstanceUID
    assert list(extraction.CalculatedFrameList) == [41, 60, 1, 1, 3, 1]
    assert [code.CodeValue for code in made.DerivationCodeSequence] == ["113092", "113040"]
    assert len(made.LossyImageCompressionMethod) == 2
    # 40 frames of 1001/30000 s after 23:59:59.5
    assert (made.ContentDate, made.ContentTime) == ("20260301", "000000.834667")
    _run(*cut)
    again = dcmread(target)
    assert (again.SOPInstanceUID, again.PixelData) == (made.SOPInstanceUID, made.PixelData)


def test_faults_of_another_writer_are_no_hindrance(clips: Clips, tmp_path: Path) -> None:
    source, target = tmp_path / "in.dcm", tmp_path / "out.dcm"
    assert _run("convert", _SOURCES["h264"](clips), source).returncode == 0
    of = dcmread(source)
    del of.AnatomicRegionSequence
    of.ImageLaterality = "X"
    of.save_as(source)
    done = _run("clip", source, target, "--range", "frame:2", "frame:9")
    assert done.returncode == 0, done.stderr
    made = dcmread(target)
    assert made.AnatomicRegionSequence[0].CodeValue == "111176"
    assert made.ImageLaterality == "X"


@pytest.mark.parametrize(("first", "last"), [(25, 49), (1, 1)])
def test_what_is_copied_alone_is_no_further_lossy_step(clips: Clips, tmp_path: Path, first: int, last: int) -> None:
    """The ratio is that of the clip's own bytes: a key frame's is another one than a whole film's."""
    source, target = tmp_path / "in.dcm", tmp_path / "out.dcm"
    assert _run("convert", _SOURCES["h264"](clips), source).returncode == 0
    assert "all copied" in _run("clip", source, target, "--range", f"frame:{first}", f"frame:{last}").stdout
    made = dcmread(target)
    assert [code.CodeValue for code in made.DerivationCodeSequence] == ["113092"]
    assert made.LossyImageCompressionMethod == "ISO_14496_10"
    own = made.Rows * made.Columns * 3 * made.NumberOfFrames / len(made.PixelData)
    assert float(made.LossyImageCompressionRatio) == pytest.approx(own, rel=0.02)


def test_sound_that_was_kept_is_kept(clips: Clips, tmp_path: Path) -> None:
    source, target = tmp_path / "in.dcm", tmp_path / "out.dcm"
    arguments = "-g 24 -c:a aac -ac 2 -movflags +faststart"
    film = clips.encoded("clip-heard.mp4", arguments, source=picture_source(seconds=3), sound=_HEARD)
    assert _run("convert", film, source, "--audio", "keep").returncode == 0
    done = _run("clip", source, target, "--range", "0.5", "1.5")
    assert "Sound: aac." in done.stdout.splitlines()
    made, of = dcmread(target), dcmread(source)
    told = "MultiplexedAudioChannelsDescriptionCodeSequence"
    assert made[told].value == of[told].value
    assert complaints(target) == []


@pytest.mark.parametrize("kind", ["mp4", "dcm"])
def test_a_clip_of_a_film_of_single_pictures(tmp_path: Path, kind: str) -> None:
    source, target = film(tmp_path / "in.dcm", numbered(30), FrameTime="40"), tmp_path / f"out.{kind}"
    done = _run("clip", source, target, "--range", "0.4", "00:00:00.8", "--precision", "keyframe")
    assert (done.returncode, done.stderr) == (0, "")
    how = "all copied" if kind == "dcm" else "10 of them coded anew"
    assert done.stdout.splitlines() == [f"Frames 11 to 20 (10), {how}.", "No sound.", f"clip: {target}"]
    if kind == "mp4":
        assert numbers(target) == list(range(10, 20))
    else:
        assert np.array_equal(dcmread(target).pixel_array, numbered(30)[10:20])
        assert _run("check", target).returncode == 0


def test_an_object_is_made_of_objects_alone(clips: Clips, tmp_path: Path) -> None:
    done = _run("clip", clips.conforming(), tmp_path / "out.dcm", "--range", "frame:1", "frame:2")
    assert (done.returncode, "convert it first" in done.stderr) == (1, True)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("span", "sentence"),
    [
        (("frame:9", "frame:2"), "its end comes before its start"),
        (("frame:9", "frame:9999999"), "there is no frame 9999999"),
        (("99999", "99999.5"), "The video ends at 1.001 s; no frame is shown at 99999 s"),
        (("frame:2", "99999"), "The video ends at 1.001 s; no range can end at 99999 s"),
        (("0", "0"), "holds no frame"),
        (("soon", "later"), '"soon" is no moment of a video'),
    ],
)
def test_a_range_that_is_none(clips: Clips, tmp_path: Path, span: tuple[str, str], sentence: str) -> None:
    done = _run("clip", clips.conforming(), tmp_path / "out.mp4", "--range", *span)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("target", ["out.mkv", "out", "out.mp4.part"])
def test_a_name_says_what_is_written(clips: Clips, tmp_path: Path, target: str) -> None:
    done = _run("clip", clips.conforming(), tmp_path / target, "--range", "frame:2", "frame:3")
    sentence = f"{tmp_path / target} names no kind of video: it must end with .mp4, .mpg, .dcm.\n"
    assert (done.returncode, done.stderr, list(tmp_path.iterdir())) == (1, sentence, [])


@pytest.mark.parametrize("target", ["-", "/dev/stdout", "/dev/null"])
def test_what_is_no_file_is_not_written(clips: Clips, tmp_path: Path, target: str) -> None:
    for command, *arguments in (("clip", "--range", "0", "0.1"), ("still", "--at", "0"), ("convert",)):
        given = [*_COMMAND, command, str(clips.conforming()), target, *arguments]
        done = subprocess.run(given, capture_output=True, text=True, timeout=120, cwd=tmp_path)
        sentence = f"{target} cannot be written: name a file, since what is made is moved there when it is done.\n"
        assert (done.returncode, done.stdout, done.stderr) == (1, "", sentence)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("ending", "container"), [("mp4", "mov,mp4,m4a,3gp,3g2,mj2"), ("MPG", "mpeg")])
@pytest.mark.parametrize("stored", [False, True], ids=["file", "object"])
def test_mpeg_2_goes_where_its_name_says(
    clips: Clips, tmp_path: Path, ending: str, container: str, stored: bool
) -> None:
    film, source, target = _SOURCES["mpeg2"](clips), tmp_path / "in.dcm", tmp_path / f"out.{ending}"
    if stored:
        assert _run("convert", film, source).returncode == 0
    done = _run("clip", source if stored else film, target, "--range", "frame:2", "frame:9")
    assert done.returncode == 0, done.stderr
    assert (probe(target).container, probe(target).video.codec) == (container, "mpeg2video")


def test_a_program_stream_is_for_mpeg_2_alone(clips: Clips, tmp_path: Path) -> None:
    pictures = film(tmp_path / "in.dcm", numbered(3), FrameTime="40")
    for source in (clips.conforming(), pictures):
        done = _run("clip", source, tmp_path / "out.mpg", "--range", "frame:2", "frame:3")
        assert (done.returncode, "name an MP4" in done.stderr) == (1, True), done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["in.dcm"]


def test_a_full_disk_is_for_who_runs_the_command(clips: Clips, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)], check=True)
    try:
        done = _run("clip", _SOURCES["h264"](clips), disk / "out.mp4", "--range", "frame:2", "frame:60")
        assert not list(disk.iterdir())
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)
    assert (done.returncode, done.stderr) == (1, "The disk is full: see to that, and run the command again.\n")
