"""Any cut out of any film is an object whose frames are the film's own, with which nobody finds fault."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.encaps import generate_frames

import fields
from cines import LOSSY, coded, film
from clips import Clips, picture_source
from judging import judge, pictures
from media.test_cine_render import numbered
from oracles import complaints, known
from orthanc_video.clip import Clip, Moment, Range
from orthanc_video.command_convert import converted
from orthanc_video.dicom import check, locate
from orthanc_video.files import Bytes, SpanSource
from orthanc_video.jobs import clipping
from orthanc_video.jobs.processes import Limits, MediaProcess, close
from orthanc_video.model import Most

_LIMITS = Limits(seconds=60, memory=4 << 30)
_MOST = Most(bytes=1 << 30, seconds=3600)
_EXAMPLES = 4
_PYRAMID = "-bf 3 -x264-params b-pyramid=normal:scenecut=0"
_OPEN = "-bf 3 -x264-params open-gop=1:scenecut=0:b-pyramid=normal"
_SILENT = "-x265-params log-level=none"


def _made(name: str, arguments: str, rate: str, codec: str = "h264", seconds: float = 2) -> Callable[[Clips], Path]:
    def make(clips: Clips) -> Path:
        source = picture_source(rate=rate, seconds=seconds)
        return clips.encoded(f"anywhere-{name}", f"{arguments} -movflags +faststart", codec=codec, source=source)

    return make


def _fields(clips: Clips) -> Path:
    path = clips.conforming().with_name("anywhere-fields.mp4")
    if not path.exists():
        fields.written(path, fields.film(["pair", "pair", "frame", "pair"] * 9, reordered=True), apart=False)
    return path


_VIDEOS: dict[str, Callable[[Clips], Path]] = {
    "h264, all key frames": _made("1.mp4", "-g 1", "30"),
    "h264, groups of 15, pyramid, 23.976": _made("15.mp4", f"-g 15 {_PYRAMID}", "24000/1001"),
    "h264, groups of 30, pyramid, 59.94": _made("30.mp4", f"-g 30 {_PYRAMID}", "60000/1001"),
    "h264, one group of 250, 120": _made("250.mp4", "-g 250 -bf 2", "120"),
    "h264, open groups of 15, 29.97": _made("open.mp4", "-g 15 -bf 3 -x264-params open-gop=1:scenecut=0", "30000/1001"),
    "h264, open groups of 12, CAVLC, 50": _made("cavlc.mp4", f"-g 12 {_OPEN}:cabac=0:ref=4:slices=4", "50"),
    "h264, open groups of 15, interlaced, 25": _made(
        "tff.mp4", f"-g 15 -flags +ildct+ilme {_OPEN}:tff=1:ref=4:slices=4", "25"
    ),
    "h264, variable rate": lambda clips: clips.encoded(
        "anywhere-vfr.mp4", "-g 15 -bf 2 -movflags +faststart", source=picture_source(seconds=2), gaps=True
    ),
    "h264, interlaced": Clips.interlaced,
    "h264, coded fields": _fields,
    "hevc, groups of 15, pyramid, 25": _made("15.265.mp4", f"{_SILENT}:keyint=15:open-gop=0:bframes=4", "25", "hevc"),
    "hevc, open groups of 30, 60": _made("30.265.mp4", f"{_SILENT}:keyint=30:open-gop=1:bframes=4", "60", "hevc"),
    "mpeg2, open groups of 15, 25": _made("15.mpg", "-g 15 -bf 2", "25", "mpeg2"),
    "mpeg2, closed groups of 12, 29.97, in TS": _made(
        "12.ts", "-g 12 -bf 2 -flags +cgop -sc_threshold 1000000000", "30000/1001", "mpeg2"
    ),
    "mpeg2, groups of 30, in MP4": _made("30.m2.mp4", "-g 30 -bf 2", "25", "mpeg2"),
}


@pytest.fixture(scope="module", autouse=True)
def _processes() -> Iterator[None]:
    yield
    close()


def _stream(path: Path, target: Path) -> Path:
    """A DICOM video's stream as a file."""
    with SpanSource(path) as file:
        spans = locate.exact(locate.locate(Bytes(file)))
    with SpanSource(path, spans) as source:
        target.write_bytes(source.read_at(0, source.size))
    return target


def _stored(clips: Clips, name: str) -> tuple[Path, Path]:
    """The film as a DICOM object, and the stream that is in it; made once."""
    source = _VIDEOS[name](clips)
    path, stream = source.with_name(f"{source.name}.dcm"), source.with_name(f"{source.stem}-stored{source.suffix}")
    if not path.exists():
        converted(source, path, "endoscopic", ["PatientID=4711", "ContentDate=20260228", "ContentTime=120000"], _MOST)
        _stream(path, stream)
    return path, stream


@st.composite
def _cuts(draw: st.DrawFn, count: int) -> list[tuple[int, int]]:
    """Mostly one range, sometimes two, of frames from 0."""
    found = []
    for _ in range(draw(st.sampled_from([1, 1, 2]))):
        first = draw(st.integers(0, count - 1))
        found.append((first, draw(st.integers(first, count - 1))))
    return found


def _cut(source: Path, cuts: list[tuple[int, int]], target: Path) -> Clip:
    wanted = [Range(Moment(first + 1), Moment(last + 1)) for first, last in cuts]
    clip = clipping.of_object(MediaProcess(), _LIMITS, source, wanted, target, precise=True)
    assert [(one.first - 1, one.last - 1) for one in clip.cuts] == cuts
    return clip


def _refuse_faults(path: Path) -> None:
    with SpanSource(path) as file:
        assert [one.sentence for one in check.examine(Bytes(file)).findings] == []


@pytest.mark.parametrize("name", _VIDEOS)
def test_a_video(clips: Clips, tmp_path: Path, name: str) -> None:
    source, stream = _stored(clips, name)
    target = tmp_path / "clip.dcm"

    @settings(max_examples=_EXAMPLES)
    @given(_cuts(len(pictures(stream))))
    def holds(cuts: list[tuple[int, int]]) -> None:
        clip = _cut(source, cuts, target)
        which = [number for first, last in cuts for number in range(first, last + 1)]
        made = _stream(target, tmp_path / f"clip{stream.suffix}")
        judge(stream, made, which, sum(one.anew for one in clip.cuts))
        assert dcmread(target, stop_before_pixels=True).NumberOfFrames == len(which)
        _refuse_faults(target)
        assert complaints(known(target, tmp_path / "known.dcm")) == []

    holds()


def test_a_range_begins_where_another_has_a_key_frame_that_is_none(clips: Clips, tmp_path: Path) -> None:
    """What is told of a key frame in the middle of one range's copy is nothing to the range that begins there."""
    source, stream = _stored(clips, "h264, open groups of 12, CAVLC, 50")
    target = tmp_path / "clip.dcm"
    clip = _cut(source, [(24, 24), (1, 24)], target)
    made = _stream(target, tmp_path / f"clip{stream.suffix}")
    judge(stream, made, [24, *range(1, 25)], sum(one.anew for one in clip.cuts))


def _pictures(path: Path) -> list[bytes]:
    """The JPEG files of a multi-frame object."""
    said = dcmread(path)
    return list(generate_frames(said.PixelData, number_of_frames=said.NumberOfFrames))


@pytest.mark.parametrize("varies", [False, True], ids=["constant rate", "variable rate"])
def test_jpeg_multi_frame(tmp_path: Path, varies: bool) -> None:
    steps = [0, *([20, 40, 500, 33] * 10)]
    vector: dict[str, Any] = {"FrameTime": None, "FrameTimeVector": steps, "FrameIncrementPointer": 0x00181065}
    known_of: dict[str, Any] = {
        "StudyDate": "20260228",
        "StudyTime": "10",
        "StudyID": "1",
        "SeriesNumber": 1,
        "Laterality": "R",
    }
    more = known_of | {"InstanceNumber": 1} | (vector if varies else {})
    source = coded(film(tmp_path / "film.dcm", numbered(len(steps)), **more), LOSSY["50"])
    before = _pictures(source)
    target = tmp_path / "clip.dcm"

    @settings(max_examples=2 * _EXAMPLES)
    @given(_cuts(len(steps)))
    def holds(cuts: list[tuple[int, int]]) -> None:
        _cut(source, cuts, target)
        which = [number for first, last in cuts for number in range(first, last + 1)]
        assert dcmread(target, stop_before_pixels=True).NumberOfFrames == len(which)
        assert _pictures(target) == [before[number] for number in which]
        if len(which) > 1:
            _refuse_faults(target)
        assert complaints(target, "USMultiFrameImage") == []

    holds()
