"""A stream of H.264 begun at an I picture of x264's, and at ones whose headers were made to say something else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bitstream.helpers import ffmpeg
from orthanc_video.bitstream import h264_slice, nal
from orthanc_video.bitstream.h264_entry import Entry, Sets
from orthanc_video.bitstream.h264_slice import B, I, P, Slice
from orthanc_video.bitstream.nal import IDR
from orthanc_video.errors import BrokenVideo, UnsupportedMedia

_CODING = "bframes=3:open-gop=1:keyint=12:min-keyint=12:scenecut=0:b-pyramid=normal:b-adapt=0:ref=3"
_DELIMITER, _PARTITION = b"\x09\xf0", b"\x42\x80"

Frame = list[bytes]
Change = Callable[[Slice], dict[str, Any]]


@pytest.fixture(scope="module", params=["cabac", "cavlc"])
def frames(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[Frame]:
    """Of each frame in decode order the NAL units."""
    film = tmp_path_factory.mktemp("entry") / "film.264"
    coding = f"{_CODING}:aud=1:cabac={int(request.param == 'cabac')}"
    source = "testsrc2=size=128x96:rate=25:duration=1.2"
    ffmpeg("-f", "lavfi", "-i", source, "-c:v", "libx264", "-x264-params", coding, film)
    found: list[Frame] = []
    for unit in nal.split_annexb(film.read_bytes()):
        if nal.nal_type(unit) == 9:
            found.append([])
        found[-1].append(unit)
    return found


def _sets(frames: list[Frame]) -> Sets:
    return Sets(unit for unit in frames[0] if nal.nal_type(unit) in {nal.SPS, nal.PPS})


def _headers(sets: Sets, frame: Frame) -> list[Slice]:
    known = sets.codings | {one.pps_id: one for some in sets.spare.values() for one in some}
    return [h264_slice.read(unit, known) for unit in frame if nal.is_slice(unit)]


def _begin(sets: Sets, frames: list[Frame]) -> int:
    """The first I picture behind the IDR picture."""
    return next(at for at, frame in enumerate(frames) if at and _headers(sets, frame)[0].kind == I)


def _orders(sets: Sets, frames: list[Frame]) -> list[int]:
    """Of each frame when it is shown, by its own numbers; the film is so short that they do not go round."""
    return [_headers(sets, frame)[0].order for frame in frames]


def _entered(sets: Sets, frames: list[Frame]) -> Iterator[Frame]:
    begin = _begin(sets, frames)
    first = _orders(sets, frames)[begin]
    entry = Entry(sets, 7)
    for frame, order in zip(frames[begin:], _orders(sets, frames)[begin:], strict=True):
        made = entry.frame(frame, taken=order >= first)
        assert bool(made) == (order >= first)
        if made:
            yield made


def test_all_count_from_it(frames: list[Frame]) -> None:
    sets = _sets(frames)
    begin, orders = _begin(sets, frames), _orders(sets, frames)
    made = list(_entered(sets, frames))
    left = [order - orders[begin] for order in orders[begin:] if order >= orders[begin]]
    assert 0 < len(left) < len(frames) - begin  # some are left out
    headers = [_headers(sets, frame)[0] for frame in made]
    assert [one.order for one in headers] == left
    assert (headers[0].idr, headers[0].idr_id, headers[0].frame_num) == (True, 7, 0)
    assert not any(one.idr for one in headers[1:])
    number = 1
    for one in headers[1:]:
        assert one.frame_num == number % 16
        number += one.reference > 0


def test_it_plays_as_it_did(frames: list[Frame], tmp_path: Path) -> None:
    """ffmpeg's decoder has no word to say, and gives out the same pictures."""
    sets = _sets(frames)
    units = [unit for unit in frames[0] if nal.nal_type(unit) in {nal.SPS, nal.PPS}] + sets.added()
    made = [unit for frame in _entered(sets, frames) for unit in frame]
    assert nal.nal_type(next(unit for unit in made if nal.is_slice(unit))) == IDR
    begun = _decoded(tmp_path / "begun.264", [*units, *made])
    whole = _decoded(tmp_path / "whole.264", [unit for frame in frames for unit in frame])
    assert begun == whole[-len(begun) :]
    assert len(begun) > 15


def _decoded(path: Path, units: list[bytes]) -> list[str]:
    path.write_bytes(b"".join(b"\0\0\0\1" + unit for unit in units))
    target = path.with_suffix(".md5")
    told = ffmpeg("-v", "warning", "-xerror", "-i", path, "-f", "framemd5", target)
    assert not [line for line in told.splitlines() if "Timestamps are unset" not in line]
    return [line.split(",")[-1].strip() for line in target.read_text().splitlines() if not line.startswith("#")]


def test_after_an_idr_picture_all_stays(frames: list[Frame]) -> None:
    sets = _sets(frames)
    entry = Entry(sets, 2)
    begin = _begin(sets, frames)
    entry.frame(frames[begin], taken=True)
    assert not entry.over
    assert entry.frame(frames[0], taken=True) == frames[0]
    assert entry.over


def test_without_writing_it_is_found_out_alike(frames: list[Frame]) -> None:
    sets = _sets(frames)
    entry = Entry(sets, 2)
    assert entry.frame(frames[_begin(sets, frames)], taken=True, write=False) == frames[_begin(sets, frames)]


def _take(entry: Entry, frames: list[Frame], taken: list[bool]) -> None:
    for frame, one in zip(frames, taken, strict=True):
        entry.frame(frame, taken=one)


def _changed(sets: Sets, frame: Frame, change: Change) -> Frame:
    """The frame with other numbers in its headers; its macroblocks need not be right, since nobody reads them."""
    made = []
    for unit in frame:
        if nal.is_slice(unit):
            was = h264_slice.read(unit, sets.codings)
            aligned = replace(was, coding=replace(was.coding, cabac=True))
            unit = h264_slice.written(unit, aligned, replace(was, **change(was)))
        made.append(unit)
    return made


_ODD: dict[str, tuple[str, int, Change]] = {
    "a frame is missing": ("missing", P, lambda one: {"frame_num": (one.frame_num + 1) % 16}),
    "long-term marking": ("Long-term", P, lambda _: {"marking": ((4, 1),)}),
    "long-term naming": ("Long-term", P, lambda _: {"modifications": (((2, 0),),)}),
    "another is named": ("may lean", P, lambda _: {"modifications": (((0, 7),),)}),
    "an order before the key frame": ("leaps", P, lambda one: {"order": (one.order - 40) % 64}),
    "the key frame is long-term": ("Long-term", I, lambda _: {"marking": ((6, 0),)}),
    "the key frame is no reference": ("leans on others", I, lambda _: {"reference": 0, "marking": None}),
}


@pytest.mark.parametrize("name", _ODD)
def test_what_cannot_be_kept_is_refused(frames: list[Frame], name: str) -> None:
    said, kind, change = _ODD[name]
    sets = _sets(frames)
    begin = _begin(sets, frames)
    first = _orders(sets, frames)[begin]
    behind = zip(frames[begin:], _orders(sets, frames)[begin:], strict=True)
    odd = [_changed(sets, one, change) if _headers(sets, one)[0].kind == kind else one for one, _ in behind]
    taken = [order >= first for order in _orders(sets, frames)[begin:]]
    with pytest.raises(UnsupportedMedia, match=said):
        _take(Entry(sets, 2), odd, taken)


def test_a_picture_that_leans_on_others_is_no_beginning(frames: list[Frame]) -> None:
    sets = _sets(frames)
    for kind in (P, B):
        frame = next(frame for frame in frames if _headers(sets, frame)[0].kind == kind)
        with pytest.raises(UnsupportedMedia, match="leans on others"):
            Entry(sets, 2).frame(frame, taken=True)
    with pytest.raises(UnsupportedMedia, match="leans on others"):
        Entry(sets, 2).frame(frames[0], taken=True)


def test_other_units_are_refused(frames: list[Frame]) -> None:
    sets = _sets(frames)
    frame = frames[_begin(sets, frames)]
    with pytest.raises(UnsupportedMedia, match="type 2"):
        Entry(sets, 2).frame([*frame, _PARTITION], taken=True)
    with pytest.raises(UnsupportedMedia, match="Parameter sets"):
        Entry(sets, 2).frame([b"\x68\xce\x38\x80", *frame], taken=True)
    with pytest.raises(BrokenVideo, match="no picture"):
        Entry(sets, 2).frame([_DELIMITER], taken=True)
    with pytest.raises(UnsupportedMedia, match="one picture"):
        Entry(sets, 2).frame([*frame, *frames[1]], taken=True)


def test_messages_that_tell_other_pictures_numbers_go(frames: list[Frame]) -> None:
    """dec_ref_pic_marking_repetition and spare_pic (D.2.9, D.2.10)."""
    sets = _sets(frames)
    frame = [unit for unit in frames[_begin(sets, frames)] if nal.is_slice(unit)]
    told = bytes([6, 7, 1, 0x55, 6, 1, 0xC4, 0x80])
    alone = bytes([6, 8, 2, 0x55, 0x80, 0x80])
    other = bytes([6, 6, 1, 0xC4, 0x80])
    made = Entry(sets, 2).frame([told, alone, other, *frame], taken=True)
    assert made[:2] == [other, other]
    assert nal.nal_type(made[2]) == IDR
