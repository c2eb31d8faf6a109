"""A frame is both of its fields, however the container holds them: AVCHD cameras and recorders code them one by one."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

import fields
from oracles import frame_md5s, frame_times, slice_hash
from orthanc_video.media.parts import cut
from orthanc_video.media.plan import plan
from orthanc_video.media.probe import probe
from orthanc_video.media.quality import EncoderLog
from orthanc_video.media.remux import remux, slices
from orthanc_video.media.transcode import streamable
from orthanc_video.model import Action, Made, Most, Rational

_RATE, _STEP = Rational(fields.RATE), Fraction(1, fields.RATE)
_FILMS = {
    "fields": fields.film(["pair"] * 24),
    "fields and frames": fields.film(["pair", "frame", "pair", "pair"] * 6),
    "bottom first": fields.film(["pair"] * 24, bottom_first=True),
    "reordered": fields.film(["pair", "pair", "frame", "pair"] * 6, reordered=True),
    "frames": fields.film(["frame"] * 24),
}
_CASES = [("fields", kind) for kind in ("h264", "ts", "mp4", "mkv", "mpg")]
_CASES += [(name, kind) for name in _FILMS if name != "fields" for kind in ("ts", "mp4")]


@pytest.mark.parametrize("apart", [True, False], ids=["apart", "together"])
@pytest.mark.parametrize(("name", "kind"), _CASES)
def test_frames_are_counted_timed_and_put_together(tmp_path: Path, name: str, kind: str, apart: bool) -> None:
    source, target = fields.written(tmp_path / f"film.{kind}", _FILMS[name], apart=apart), tmp_path / "made.mp4"
    shown = frame_md5s(source)
    assert len(shown) == len(set(shown)) == 24
    info = probe(source)
    video = info.video
    assert (video.frames, video.rate, video.constant_rate) == (24, _RATE, True)
    assert (video.seconds, video.progressive) == (24 / fields.RATE, False)
    planned = plan(info)
    whole = kind == "mp4" and (name == "frames" or not apart)
    assert planned.action is (Action.WRAP if whole else Action.REMUX)
    hashes = remux(source, target, video, 0, lambda _: None)
    assert hashes.before == hashes.after == slice_hash(source) == slice_hash(target)
    # A sample is a frame.
    assert slices(target)[1] == 24
    assert frame_md5s(target) == shown
    assert frame_times(target) == [number * _STEP for number in range(24)]
    assert plan(probe(target)).action is Action.WRAP
    assert probe(target).video == replace(video, bit_rate=probe(target).video.bit_rate, timed=True)


def test_why_an_mp4_of_fields_is_not_kept_is_told(tmp_path: Path) -> None:
    info = probe(fields.written(tmp_path / "film.mp4", _FILMS["fields"], apart=True))
    assert any("fields" in reason for reason in plan(info).reasons)
    info = probe(fields.written(tmp_path / "whole.mp4", _FILMS["fields"], apart=False))
    assert not any("field" in reason for reason in plan(info).reasons)


@pytest.mark.parametrize("apart", [True, False], ids=["apart", "together"])
@pytest.mark.parametrize("kind", ["ts", "mp4", "mkv"])
def test_half_a_frame_at_the_end_is_left_out(tmp_path: Path, kind: str, apart: bool) -> None:
    """Where a recording was cut: no player shows it, and nothing is predicted from it."""
    film = fields.film(["pair"] * 23 + ["half"])
    source, target = fields.written(tmp_path / f"film.{kind}", film, apart=apart), tmp_path / "made.mp4"
    info = probe(source)
    planned = plan(info)
    assert (info.video.frames, planned.action) == (23, Action.REMUX)
    assert "Of the last frame there is one field only; it is left out." in planned.reasons
    remux(source, target, info.video, 0, lambda _: None)
    assert len(frame_md5s(target)) == probe(target).video.frames == 23


def test_half_a_frame_amid_others_takes_its_place(tmp_path: Path) -> None:
    """The next field is the first of another frame, although it may be of the other parity."""
    for at in (5, 11):
        film = fields.film(["pair"] * at + ["half"] + ["pair"] * (23 - at))
        if at == 5:
            film[6:] = [replace(frame, bottom_first=True) for frame in film[6:]]
        video = probe(fields.written(tmp_path / f"{at}.ts", film, apart=True)).video
        assert (video.frames, video.rate, video.seconds) == (24, _RATE, 24 / fields.RATE)


def test_a_film_is_cut_between_frames(tmp_path: Path) -> None:
    source = fields.written(tmp_path / "film.ts", fields.film(["pair"] * 36), apart=True)
    whole, shown = tmp_path / "whole.mp4", frame_md5s(source)
    video = probe(source).video
    remux(source, whole, video, 0, lambda _: None)
    made = Made(path=str(whole), size=whole.stat().st_size, video=video)
    parts = cut(made, tmp_path / "part.mp4", Most(bytes=1 << 31, seconds=0.7), lambda _: None)
    assert [(one.video.frames, one.start.fraction) for one in parts] == [(12, 12 * n * _STEP) for n in range(3)]
    assert [md5 for one in parts for md5 in frame_md5s(Path(one.path))] == shown


@pytest.mark.parametrize("kind", ["ts", "mp4"])
def test_re_encoded_fields_are_as_many_frames(tmp_path: Path, kind: str) -> None:
    """What 1440 × 1080 is on an AVCHD camera: pixels that are not square."""
    source = fields.written(tmp_path / f"film.{kind}", _FILMS["reordered"], apart=True, aspect=(4, 3))
    info = probe(source)
    planned = plan(info)
    assert planned.action is Action.TRANSCODE
    assert planned.target is not None
    assert "Interlaced fields are combined into whole frames: 50 moments per second become 25." in planned.reasons
    log, target = EncoderLog(), tmp_path / "made.mp4"
    made = streamable(source, target, info.video, planned.target, "ultrafast", 20, lambda _: None, log=log).video
    counts = log.counts(info.video, made.frames, cut=False)
    assert (counts.coded, counts.decoded, counts.written) == (24, 24, 24)
    assert (made.rate, made.progressive) == (_RATE, True)
