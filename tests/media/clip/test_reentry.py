"""Open groups of H.264 cut anywhere: from a range's first key frame on all is copied, IDR picture or not."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from clips import Clips, picture_source
from judging import judge, pictures
from media.clip.test_cut import _cut
from orthanc_video.bitstream import h264, h264_slice, mp4, nal
from orthanc_video.bitstream.bits import ue
from orthanc_video.bitstream.framing import joined, units_of
from orthanc_video.bitstream.h264_entry import Sets
from orthanc_video.bitstream.h264_slice import Slice
from orthanc_video.files import Bytes, SpanSource
from orthanc_video.media import exact
from orthanc_video.media.clip.joining import film as film_of
from orthanc_video.media.clip.pieces import Copied
from orthanc_video.media.clip.reentry import Reentry
from orthanc_video.media.pairing import like
from orthanc_video.media.source import coding_of
from orthanc_video.model import Span

_TIMES, _GROUP, _LEADING = 4, 12, 6
_OPEN = f"open-gop=1:keyint={_GROUP}:min-keyint={_GROUP}:scenecut=0"
_BLURAY = "bluray-compat=1:slices=4:nal-hrd=vbr:vbv-maxrate=8000:vbv-bufsize=8000:level=4.1"
_FILMS = {
    "plain.mp4": f"-bf 2 -x264-params {_OPEN}",
    "pyramid.mp4": f"-bf 5 -x264-params {_OPEN}:b-pyramid=normal:b-adapt=0:ref=4",
    "strict.ts": f"-bf 5 -x264-params {_OPEN}:b-pyramid=strict:b-adapt=0:ref=4",
    "weights.mp4": f"-bf 3 -x264-params {_OPEN}:weightp=2:ref=6:slices=4",
    "bluray.mp4": f"-bf 3 -x264-params {_OPEN}:{_BLURAY}",
    "cavlc.mp4": f"-bf 3 -x264-params {_OPEN}:weightp=2:ref=4:b-pyramid=normal:cabac=0",
    "cavlc, noise.mp4": f"-bf 3 -qp 1 -profile:v high -x264-params {_OPEN}:ref=4:b-pyramid=normal:cabac=0:slices=3",
    "top field first.mp4": f"-bf 3 -flags +ildct+ilme -x264-params {_OPEN}:ref=4:tff=1:b-pyramid=normal:slices=4",
    "bottom field first.mp4": f"-bf 2 -flags +ildct+ilme -x264-params {_OPEN}:ref=4:bff=1",
    "fields, cavlc.mp4": f"-bf 3 -flags +ildct+ilme -x264-params {_OPEN}:ref=4:tff=1:cabac=0",
}


def _film(clips: Clips, name: str) -> Path:
    """From dark to light, and turning, so that weights and fields are made use of."""
    then = "noise=alls=100:allf=t" if "noise" in name else "fade=t=in:d=2,rotate=t/2"
    return clips.encoded(f"reentry-{name}", _FILMS[name], source=picture_source(rate="25", seconds=3, then=then))


@pytest.mark.parametrize("name", _FILMS)
def test_all_is_copied_from_the_first_key_frame_on(clips: Clips, tmp_path: Path, name: str) -> None:
    film, target = _film(clips, name), tmp_path / "clip.mp4"
    count = len(pictures(film))
    chance = random.Random(name)  # noqa: S311  the same places each time
    for _ in range(_TIMES):
        first = chance.randrange(count - _GROUP - _LEADING)
        last = chance.randrange(first + _GROUP + _LEADING, count)
        (told,) = _cut(film, target, [(first, last)])
        judge(film, target, range(first, last + 1), told.anew)
        # Up to the next key frame, and at the end as many as are left after its last reference.
        assert told.anew < _GROUP + _LEADING


@pytest.mark.parametrize("name", _FILMS)
def test_a_clip_begins_at_the_key_frame_before(clips: Clips, tmp_path: Path, name: str) -> None:
    film, target = _film(clips, name), tmp_path / "clip.mp4"
    (told,) = _cut(film, target, [(50, 60)], precise=False)
    assert 50 - _GROUP < told.first - 1 <= 50
    assert told.anew == 0
    judge(film, target, range(told.first - 1, told.last), 0)
    with av.open(str(target)) as container:
        first = next(packet for packet in container.demux(video=0) if packet.size)
    kinds = [nal.nal_type(bytes(unit)) for unit in nal.split_lengths(bytes(first), 4)]
    assert nal.IDR in kinds


def test_several_copies_follow_each_other(clips: Clips, tmp_path: Path) -> None:
    for name in ("cavlc.mp4", "top field first.mp4"):
        film, target = _film(clips, name), tmp_path / "clip.mp4"
        ranges = [(50, 72), (20, 45), (21, 46), (3, 60)]
        told = _cut(film, target, ranges)
        judge(
            film, target, [n for first, last in ranges for n in range(first, last + 1)], sum(one.anew for one in told)
        )


def _reentry(video: exact.Exact) -> tuple[Reentry, list[int]]:
    """With the places of the key frames that are no IDR pictures."""
    keys = [int(at) for at in np.flatnonzero(video.coded.key)]
    reentry = Reentry(film_of(*coding_of(video.stream), video.coded.head(keys[0])))
    assert not reentry.may_begin(keys[0], video.coded.head(keys[0]))
    return reentry, keys[1:]


@pytest.mark.parametrize("forgets", [True, False])
def test_players_go_to_no_key_frame_from_before_which_pictures_are_named(
    clips: Clips, tmp_path: Path, forgets: bool
) -> None:
    """Chromium takes it for damage to be told to forget a picture that it never had, as x264 does after key frames."""
    film, target = _film(clips, "plain.mp4"), tmp_path / "clip.mp4"
    if not forgets:
        film = _changed(film, tmp_path / "film.mp4", lambda was, _: replace(was, marking=None))
    (told,) = _cut(film, target, [(13, 60)])
    with SpanSource(target) as file:
        (track,) = mp4.tracks(Bytes(file))
        keys = np.flatnonzero(mp4.samples(Bytes(file), track).key)
    with av.open(str(target)) as container:
        packets = [bytes(packet) for packet in container.demux(video=0) if packet.size]
    idr = [at for at, data in enumerate(packets) if nal.IDR in {nal.nal_type(unit) for unit in units_of(data, 4)}]
    assert told.anew < _GROUP + _LEADING
    assert set(idr) <= set(keys)
    assert len(keys) - len(idr) == (0 if forgets else 3)


def test_where_a_copy_can_begin(clips: Clips) -> None:
    path = _film(clips, "plain.mp4")
    with exact.video(path, (Span(0, path.stat().st_size),)) as video:
        reentry, keys = _reentry(video)
        assert all(reentry.may_begin(at, video.coded.head(at)) for at in keys)
        leading = [at for at in range(keys[0], keys[1]) if video.numbers()[at] < video.numbers()[keys[0]]]
        assert leading
        coded = [at for at in range(keys[0], keys[1]) if at not in leading]
        first, last = (int(video.numbers()[at]) for at in (coded[0], coded[-1]))
        assert reentry.fits(Copied(first, last, tuple(coded), open=True), video.coded.packets, 0)
        assert reentry.may_begin(keys[0], video.coded.head(keys[0]))


def test_where_none_can_begin_few_are_tried(clips: Clips) -> None:
    """Frames that lean back would be copied."""
    path = _film(clips, "plain.mp4")
    with exact.video(path, (Span(0, path.stat().st_size),)) as video:
        reentry, keys = _reentry(video)
        tried, shown = [], video.numbers()
        leant_over = [at for at in keys if shown[at + 1] < shown[at]]
        assert len(leant_over) > 3
        for at in leant_over:
            tried.append(reentry.may_begin(at, video.coded.head(at)))
            assert not reentry.fits(Copied(0, 3, tuple(range(at, at + 4)), open=False), video.coded.packets, 0)
            assert not reentry.may_begin(at, video.coded.head(at))
        assert tried == [True, True, True, *[False] * (len(leant_over) - 3)]


def test_a_film_that_lacks_a_frame_is_coded_anew_there(clips: Clips, tmp_path: Path) -> None:
    """As one that was recorded from a line: no copy begins where its numbers leap later."""
    film, target = _lacking(_film(clips, "plain.mp4"), tmp_path / "lacking.mp4"), tmp_path / "clip.mp4"
    (told,) = _cut(film, target, [(30, 60)])
    assert _GROUP + _LEADING <= told.anew < 31  # the next key frame but one is begun at
    (told,) = _cut(film, target, [(50, 70)])
    assert told.anew < _GROUP + _LEADING
    judge(film, target, range(50, 71), told.anew)


def _lacking(film: Path, target: Path) -> Path:
    """Without a reference behind its fourth key frame."""
    with av.open(str(film)) as source, av.open(str(target), "w") as output:
        made = output.add_stream_from_template(source.streams.video[0])
        keys = 0
        for packet in source.demux(video=0):
            keys += packet.is_keyframe
            leaves_out = keys == 4 and not packet.is_keyframe and not packet.is_disposable
            keys += 100 * leaves_out
            if packet.size and not leaves_out:
                packet.stream = made
                output.mux(packet)
    return target


@pytest.mark.parametrize("lies", [False, True])
def test_slices_that_could_lean_on_what_is_gone(clips: Clips, tmp_path: Path, lies: bool) -> None:
    """Their lists name a picture from before the key frame. Whether it is used is found out by decoding: in this film
    it never is, or else where the recovery point lies."""
    film, target = _leaning(clips, lies=lies), tmp_path / "clip.mp4"
    with exact.video(film, (Span(0, film.stat().st_size),)) as video:
        reentry, keys = _reentry(video)
        shown = video.numbers()
        after = [at for at in range(keys[1], keys[1] + 30) if shown[at] >= shown[keys[1]]]
        piece = Copied(int(shown[keys[1]]), int(shown[after].max()), tuple(after), open=True)
        assert reentry.fits(piece, video.coded.packets, 0) != lies
    (told,) = _cut(film, target, [(20, 70)])
    if lies:  # and from where on it is right, nobody can say
        assert told.anew == 51
    else:
        assert told.anew < _GROUP + _LEADING
        judge(film, target, range(20, 71), told.anew)


def _leaning(clips: Clips, *, lies: bool) -> Path:
    """A film whose encoder does not say that what is before a key frame is no reference any more, and has slices name
    one picture more than they use: the last, or if it ``lies`` the first, so that they use it."""
    coding = f"-bf 2 -x264-params {_OPEN}:ref=4:weightp=0:b-pyramid=none:b-adapt=0"
    film = clips.encoded("reentry-leaning.mp4", coding, source=picture_source(rate="25", seconds=3))
    target = film.with_name(f"reentry-leaning-{lies}.mp4")
    return _changed(film, target, lambda was, keys: _more(was, lies=lies and keys > 1))


def _changed(film: Path, target: Path, change: Callable[[Slice, int], Slice]) -> Path:
    """With other headers of slices: ``change`` takes one, and how many key frames there have been."""
    with av.open(str(film)) as source, av.open(str(target), "w") as output:
        stream = source.streams.video[0]
        made = output.add_stream_from_template(stream)
        told = h264.parameter_sets(bytes(stream.codec_context.extradata or b""))
        sets, keys = Sets([*told[0], *told[1]]), 0

        def anew(unit: bytes) -> bytes:
            if not nal.is_slice(unit):
                return unit
            was = h264_slice.read(unit, sets.codings)
            return h264_slice.written(unit, was, change(was, keys))

        for packet in source.demux(stream):
            if packet.size:
                keys += packet.is_keyframe
                changed = like(packet, joined(map(anew, units_of(bytes(packet), 4)), 4))
                changed.stream = made
                output.mux(changed)
    return target


def _more(was: Slice, *, lies: bool) -> Slice:
    becomes = replace(was, marking=None)
    if was.kind == h264_slice.P and was.active[0] == 2:
        third = (((0, 2),),) if lies else was.modifications
        becomes = replace(becomes, middle="1" + ue(2), modifications=third)
    return becomes
