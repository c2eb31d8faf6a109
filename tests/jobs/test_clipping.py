"""Clips of multi-frame objects: pictures copied byte for byte, and what is said of single frames cut along."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.encaps import generate_frames
from pydicom.sr.codedict import codes
from pydicom.uid import UID

from cines import LOSSLESS, LOSSY, Frames, coded, colours, film, grey, shown
from dicom.films import IMPLICIT, NATIVE, attributes, fragmented, header
from dicom.objects import encapsulated
from media import htj2k
from media.test_cine_render import numbered, numbers
from oracles import complaints, frame_times
from orthanc_video.clip import Clip, Moment, Range
from orthanc_video.dicom import check
from orthanc_video.errors import BadRequest, BrokenVideo, VideoError
from orthanc_video.files import Bytes, SpanSource
from orthanc_video.jobs import clipping
from orthanc_video.jobs.processes import Limits, MediaProcess, close
from orthanc_video.model import Rational
from orthanc_video.settings import Gateway

_LIMITS = Limits(seconds=60, memory=4 << 30)
_VECTOR = 0x00181065
# So that dciodvfy finds nothing wrong with those sources whose pixels ultrasound may have.
_ULTRASOUND = "USMultiFrameImage"
_KNOWN: dict[str, Any] = {
    "StudyDate": "20260228", "StudyTime": "10", "StudyID": "1", "SeriesNumber": 1, "InstanceNumber": 1,
    "PatientName": "A^B", "Laterality": "R", "LossyImageCompression": "00",
}  # fmt: skip
_HTJ2K, _RAW_ITEMS = "1.2.840.10008.1.2.4.201", "1.2.840.10008.1.2.1.98"


@pytest.fixture(scope="module", autouse=True)
def _processes() -> Iterator[None]:
    yield
    close()


def _ranges(*frames: tuple[int, int]) -> list[Range]:
    """By numbers from 1."""
    return [Range(Moment(first), Moment(last)) for first, last in frames]


def _clip(source: Path, *frames: tuple[int, int]) -> tuple[Path, Clip]:
    target = source.with_name("clip.dcm")
    clip = clipping.of_object(MediaProcess(), _LIMITS, source, _ranges(*frames), target, precise=True)
    return target, clip


def _film_of(source: Path, ranges: Sequence[Range], target: Path) -> Clip:
    return clipping.of_film(MediaProcess(), _LIMITS, Gateway(), source, ranges, target, precise=True)


def _items(path: Path) -> list[bytes]:
    """The frames as they are stored, found by pydicom."""
    said = dcmread(path)
    count = int(said.NumberOfFrames)
    if said.file_meta.TransferSyntaxUID.is_encapsulated:
        return list(generate_frames(said.PixelData, number_of_frames=count))
    size = said.Rows * said.Columns * said.SamplesPerPixel * said.BitsAllocated // 8
    return [said.PixelData[at * size : (at + 1) * size] for at in range(count)]


def _film(folder: Path, frames: Frames, syntax: str = NATIVE, **more: Any) -> Path:
    return film(folder / "film.dcm", frames, syntax, **(_KNOWN | more))


_PLAIN: dict[str, Callable[[Path], Path]] = {
    "grey": lambda folder: _film(folder, grey(9)),
    "grey of odd length": lambda folder: _film(folder, grey(9, rows=15, columns=13)),
    "implicit": lambda folder: _film(folder, grey(9), IMPLICIT),
    "16 bits": lambda folder: _film(folder, grey(9, 16)),
    "colours": lambda folder: _film(folder, colours(9)),
    "by planes": lambda folder: _film(folder, colours(9), PlanarConfiguration=1),
}


def _compressed(command: list[str]) -> Callable[[Path], Path]:
    return lambda folder: coded(_film(folder, colours(9)), command)


def _made(
    make: Callable[[Sequence[bytes], Dataset], bytes], frames: Sequence[bytes], folder: Path, **more: Any
) -> Path:
    path = folder / "film.dcm"
    path.write_bytes(make(frames, attributes(len(frames), **(_KNOWN | more))))
    return path


def _high_throughput(folder: Path) -> Path:
    def make(frames: Sequence[bytes], said: Dataset) -> bytes:
        return fragmented(frames, said, syntax=_HTJ2K)

    return _made(make, htj2k.GREY * 4, folder, Rows=16, Columns=24)


def _uncompressed_items(folder: Path) -> Path:
    def make(frames: Sequence[bytes], said: Dataset) -> bytes:
        return header(said, _RAW_ITEMS) + encapsulated(frames, b"")

    return _made(make, [bytes([at] * 8) for at in range(9)], folder)


_SOURCES = (
    _PLAIN
    | {f"lossless {name}": _compressed(command) for name, command in LOSSLESS.items()}
    | {f"lossy {name}": _compressed(command) for name, command in LOSSY.items()}
    | {"HTJ2K": _high_throughput, "uncompressed in items": _uncompressed_items}
)
_PIXELS = (
    "SOPClassUID", "StudyInstanceUID", "PatientID", "Rows", "Columns", "SamplesPerPixel", "PhotometricInterpretation",
    "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "FrameTime", "FrameIncrementPointer", "Modality",
)  # fmt: skip


@pytest.mark.parametrize("name", _SOURCES)
def test_frames_are_copied_byte_for_byte(tmp_path: Path, name: str) -> None:
    source = _SOURCES[name](tmp_path)
    before, of = _items(source), dcmread(source)
    chance = random.Random(name)  # noqa: S311  the same places each time
    for _ in range(4):
        ends = [chance.choices(range(1, len(before) + 1), k=2) for _ in range(chance.choice((1, 1, 2)))]
        frames = [(min(pair), max(pair)) for pair in ends]
        target, clip = _clip(source, *frames)
        which = [number for first, last in frames for number in range(first - 1, last)]
        assert _items(target) == [before[number] for number in which]
        assert [(one.first, one.last, one.anew) for one in clip.cuts] == [(*one, 0) for one in frames]
        made = dcmread(target)
        assert made.file_meta.TransferSyntaxUID == of.file_meta.TransferSyntaxUID
        for same in _PIXELS:
            assert made[same].value == of[same].value, same
        assert made.NumberOfFrames == len(which)
        assert set(complaints(target, _ULTRASOUND)) <= set(complaints(source, _ULTRASOUND))


@pytest.mark.parametrize("name", ["lossless 5", "lossless 70", "lossless 80", "lossy 50", "16 bits", "by planes"])
def test_others_show_the_same(tmp_path: Path, name: str) -> None:
    source = _SOURCES[name](tmp_path)
    before = [shown(source, number) for number in range(9)]
    target, _ = _clip(source, (3, 6))
    for number in range(4):
        assert np.array_equal(shown(target, number), before[number + 2])


@pytest.mark.parametrize("name", ["examples_ybr_color.dcm", "color3d_jpeg_baseline.dcm"])
def test_films_of_devices(tmp_path: Path, name: str) -> None:
    source = tmp_path / "film.dcm"
    source.write_bytes(Path(str(get_testdata_file(name))).read_bytes())
    target, _ = _clip(source, (5, 17), (2, 2))
    before = _items(source)
    assert _items(target) == [*before[4:17], before[1]]
    assert set(complaints(target, "")) <= set(complaints(source, ""))


def test_frames_in_several_fragments_become_one_each(tmp_path: Path) -> None:
    pieces = [b"\xff\xd8" + bytes([at]) * 4 if at % 2 == 0 else bytes([at]) * 6 for at in range(8)]
    path = tmp_path / "film.dcm"
    path.write_bytes(fragmented(pieces, attributes(4), [at * 28 for at in range(4)]))
    target, _ = _clip(path, (2, 3))
    assert _items(target) == [pieces[2] + pieces[3], pieces[4] + pieces[5]]
    offsets = dcmread(target).PixelData[8:16]
    assert offsets == (0).to_bytes(4, "little") + (20).to_bytes(4, "little")


def test_it_says_where_it_comes_from(tmp_path: Path) -> None:
    more: dict[str, Any] = {"ContentDate": "20260228", "ContentTime": "235959.95", "FrameTime": "33.333"}
    source = _film(tmp_path, grey(9), **more, EffectiveDuration="0.3")
    target, clip = _clip(source, (4, 6), (2, 2))
    of, made = dcmread(source), dcmread(target)
    assert list(made.ImageType[:2]) == ["DERIVED", "PRIMARY"]
    assert (made.SeriesInstanceUID, made.SOPInstanceUID) != (of.SeriesInstanceUID, of.SOPInstanceUID)
    (origin,) = made.SourceImageSequence
    assert origin.ReferencedSOPInstanceUID == of.SOPInstanceUID
    (extraction,) = made.FrameExtractionSequence
    assert extraction.MultiFrameSourceSOPInstanceUID == of.SOPInstanceUID
    assert list(extraction.CalculatedFrameList) == [4, 6, 1, 2, 2, 1]
    # three frames of 33.333 ms later
    assert (made.ContentDate, made.ContentTime) == ("20260301", "000000.049999")
    (step,) = made.DerivationCodeSequence
    known = codes.cid7203.TemporallyRelatedFramesExtractedFromTheSetOfVolumes
    assert (step.CodeValue, step.CodingSchemeDesignator, step.CodeMeaning) == known[:3]
    assert made.LossyImageCompression == "00"
    assert float(made.EffectiveDuration) == pytest.approx(4 * 0.033333)
    assert (clip.cuts[1].start, clip.cuts[1].end) == (Rational(33333, 10**6), Rational(33333, 500_000))
    again = target.read_bytes()
    assert dcmread(_clip(source, (4, 6), (2, 2))[0]).SOPInstanceUID == made.SOPInstanceUID
    assert _clip(source, (4, 6))[0].read_bytes() != again


def test_a_clip_of_a_clip_knows_both(tmp_path: Path) -> None:
    first, _ = _clip(_film(tmp_path, grey(9)), (2, 8))
    of = dcmread(first.replace(tmp_path / "source.dcm"))
    second, _ = _clip(tmp_path / "source.dcm", (3, 4))
    made = dcmread(second)
    assert [list(one.CalculatedFrameList) for one in made.FrameExtractionSequence] == [[2, 8, 1], [3, 4, 1]]
    assert made.FrameExtractionSequence[1].MultiFrameSourceSOPInstanceUID == of.SOPInstanceUID


def test_times_choose_and_a_vector_of_them_is_cut_along(tmp_path: Path) -> None:
    steps = ["0", "20", "40.5", "500", "33", "25"]
    more: dict[str, Any] = {"FrameTime": None, "FrameTimeVector": steps, "FrameIncrementPointer": _VECTOR}
    source = _film(tmp_path, grey(6), **more)
    target = tmp_path / "clip.dcm"
    wanted = Range(Moment(seconds=Rational(1, 20)), Moment(seconds=Rational(14, 25)))  # 50 ms to 560 ms
    clip = clipping.of_object(MediaProcess(), _LIMITS, source, [wanted], target, precise=True)
    assert [(one.first, one.last) for one in clip.cuts] == [(2, 3)]
    made = dcmread(_clip(source, (3, 5), (1, 2))[0])
    assert [str(one) for one in made.FrameTimeVector] == ["0", "500", "33", "25", "20"]
    assert "FrameTime" not in made


def test_as_mp4_exactly_these_frames(tmp_path: Path) -> None:
    source = _film(tmp_path, numbered(60), FrameTime="40")
    target = tmp_path / "clip.mp4"
    clip = _film_of(source, _ranges((11, 30), (3, 4)), target)
    assert numbers(target) == [*range(10, 30), 2, 3]
    assert frame_times(target) == [at * Fraction(1, 25) for at in range(22)]
    assert [(one.first, one.last, one.anew) for one in clip.cuts] == [(11, 30, 20), (3, 4, 2)]


def test_as_mp4_frames_last_as_long_as_they_did(tmp_path: Path) -> None:
    steps = [0, *([20, 40, 500, 33] * 5)]
    more: dict[str, Any] = {"FrameTime": None, "FrameTimeVector": steps, "FrameIncrementPointer": _VECTOR}
    source, target = _film(tmp_path, numbered(21), **more), tmp_path / "clip.mp4"
    _film_of(source, _ranges((3, 9), (2, 3)), target)
    assert numbers(target) == [*range(2, 9), 1, 2]
    assert frame_times(target) == [Fraction(at, 1000) for at in accumulate([0, *steps[3:10], 40])]


def test_as_mp4_none_is_left_out(tmp_path: Path) -> None:
    """A rendition shows the frame before in the place of a damaged one; of a clip each frame counts."""
    source = coded(_film(tmp_path, numbered(12)), LOSSY["50"])
    data = bytearray(source.read_bytes())
    begins = [at for at in range(len(data)) if data[at : at + 3] == b"\xff\xd8\xff"]
    data[begins[5] : begins[5] + 200] = bytes(200)
    source.write_bytes(data)
    with pytest.raises(BrokenVideo, match="Of 4 frames of the clip 3 can be shown"):
        _film_of(source, _ranges((4, 7)), tmp_path / "clip.mp4")
    _film_of(source, _ranges((7, 12)), tmp_path / "clip.mp4")
    assert numbers(tmp_path / "clip.mp4") == list(range(6, 12))


@pytest.mark.parametrize("ends", [(5, 4), (9, 10), (10, 12)])
def test_frames_that_there_are_none_of(tmp_path: Path, ends: tuple[int, int]) -> None:
    with pytest.raises(BadRequest):
        _clip(_film(tmp_path, grey(9)), ends)
    assert not (tmp_path / "clip.dcm").exists()


def test_frames_that_nobody_can_tell_apart(tmp_path: Path) -> None:
    path = tmp_path / "film.dcm"
    path.write_bytes(fragmented([b"\0" * 8] * 5, attributes(4), syntax=_RAW_ITEMS))
    with pytest.raises(BrokenVideo, match="its frames are in doubt"):
        _clip(path, (1, 2))


def test_faults_of_the_source_stay_and_no_new_ones_come(tmp_path: Path) -> None:
    source = _film(tmp_path, grey(9), PatientName=None, PatientSex="X")
    target, _ = _clip(source, (1, 3))
    assert dcmread(target).NumberOfFrames == 3


def test_any_class_of_films_is_cut(tmp_path: Path) -> None:
    for suffix in ("3", "7.2", "12.1", "77.1.1.1"):
        sop_class = f"1.2.840.10008.5.1.4.1.1.{suffix}"
        target, _ = _clip(_film(tmp_path, grey(9), SOPClassUID=UID(sop_class)), (2, 4))
        assert dcmread(target).SOPClassUID == sop_class


@pytest.mark.parametrize("name", ["grey", "colours", "lossless 5", "lossless 70", "lossless 80", "lossy 50"])
def test_dciodvfy_finds_nothing(tmp_path: Path, name: str) -> None:
    target, _ = _clip(_SOURCES[name](tmp_path), (2, 4), (7, 7))
    assert complaints(target, _ULTRASOUND) == []


_TIMES: dict[str, dict[str, Any]] = {
    "one step": {},
    "vector": {
        "FrameTime": None, "FrameTimeVector": ["0", *["20", "33"] * 4], "FrameIncrementPointer": _VECTOR,
    },
    "a class of single pictures": {"SOPClassUID": UID("1.2.840.10008.5.1.4.1.1.6.1")},
}  # fmt: skip


@pytest.mark.parametrize("name", _TIMES)
def test_a_single_frame_is_a_film_still(tmp_path: Path, name: str) -> None:
    """It is checked, cut and shown as the film is that it was taken out of."""
    source = _film(tmp_path, numbered(9), **_TIMES[name])
    target, _ = _clip(source, (4, 4))
    assert _items(target) == [_items(source)[3]]
    if name == "one step":
        assert complaints(target, _ULTRASOUND) == []
    with SpanSource(source) as before, SpanSource(target) as after:
        found, known = (check.errors(check.examine(Bytes(one)).findings) for one in (after, before))
    assert set(found) <= set(known)
    again, clip = _clip(target.rename(tmp_path / "single.dcm"), (1, 1))
    assert [(one.first, one.last, one.anew) for one in clip.cuts] == [(1, 1, 0)]
    assert _items(again) == [_items(source)[3]]
    _film_of(tmp_path / "single.dcm", _ranges((1, 1)), tmp_path / "clip.mp4")
    assert numbers(tmp_path / "clip.mp4") == [3]


def test_what_is_no_film_is_told(tmp_path: Path) -> None:
    source = _film(tmp_path, grey(1), NumberOfFrames=1)
    with pytest.raises(VideoError, match="neither a video nor a film"):
        _clip(source, (1, 1))
    with pytest.raises(VideoError, match="neither a video nor a film"):
        _film_of(source, _ranges((1, 1)), tmp_path / "clip.mp4")
