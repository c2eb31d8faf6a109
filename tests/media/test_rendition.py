"""Renditions: whatever a DICOM video may hold, as an MP4 that browsers play, every frame at its own time."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from clips import NTSC, Clips
from oracles import decoded, frame_md5s, frame_times, psnr
from orthanc_video.bitstream import mp4
from orthanc_video.errors import BrokenVideo, NotVideo
from orthanc_video.files import Bytes, SpanSource
from orthanc_video.media.probe import probe
from orthanc_video.media.rendition import render
from orthanc_video.media.shaping import How
from orthanc_video.model import Progress, Span

HOW = How(preset="veryfast", crf=20)
_NTSC_TIMES = [k * Fraction(1001, 30000) for k in range(30)]
_CLIPS: dict[str, Callable[[Clips], Path]] = {
    "MPEG-2 program stream": lambda clips: clips.video("mpeg2", "mpg"),
    "MPEG-2 transport stream": lambda clips: clips.video("mpeg2", "ts"),
    "MPEG-2 elementary stream": lambda clips: clips.encoded("mpeg2.m2v", codec="mpeg2"),
    "HEVC in MP4": lambda clips: clips.video("hevc", "mp4"),
    "HEVC in MP4, index in front": lambda clips: clips.encoded("hevc-front.mp4", "-movflags +faststart", codec="hevc"),
    "HEVC transport stream": lambda clips: clips.video("hevc", "ts"),
    "HEVC elementary stream": lambda clips: clips.encoded("hevc.hevc", codec="hevc"),
    "HEVC Main 10": lambda clips: clips.encoded("hevc-10.mp4", "-pix_fmt yuv420p10le", codec="hevc"),
    "H.264 transport stream": lambda clips: clips.video("h264", "ts"),
    "H.264 High 10": lambda clips: clips.ten_bit(),
}


def stored(film: Path, target: Path, *cuts: int) -> tuple[Path, tuple[Span, ...]]:
    """The film as it lies in a DICOM object: something before it, something after it, and item headers at the cuts."""
    data = film.read_bytes()
    edges = [0, *cuts, len(data)]
    whole, spans = b"\x00" * 4711, []
    for begin, end in itertools.pairwise(edges):
        whole += b"\xfe\xff\x00\xe0" + (end - begin).to_bytes(4, "little")
        spans.append(Span(len(whole), end - begin))
        whole += data[begin:end]
    target.write_bytes(whole + b"\xfe\xff\xdd\xe0" + bytes(4))
    return target, tuple(spans)


def rendered(film: Path, folder: Path, *cuts: int) -> Path:
    path, spans = stored(film, folder / "object", *cuts)
    work = folder / "work"
    work.mkdir()
    count = len(frame_md5s(film))
    assert render(path, spans, work / "made.mp4", HOW, lambda _: None) == (count, count)
    assert [left.name for left in work.iterdir()] == ["made.mp4"]
    return work / "made.mp4"


def assert_browsers_play(path: Path) -> None:
    with SpanSource(path) as source:
        layout, (track,) = mp4.layout(Bytes(source)), mp4.tracks(Bytes(source))
    assert (track.handler, track.codec) == ("vide", "avc1")
    assert layout.moov_before_mdat
    video = probe(path).video
    assert (video.profile_idc, video.bit_depth, video.pixel_format) == (100, 8, "yuv420p")


@pytest.mark.parametrize("name", _CLIPS)
def test_every_frame_at_its_own_time(clips: Clips, tmp_path: Path, name: str) -> None:
    film = _CLIPS[name](clips)
    made = rendered(film, tmp_path)
    assert_browsers_play(made)
    assert frame_times(made) == _NTSC_TIMES
    assert psnr(decoded(film, 160, 120), decoded(made, 160, 120)) > 28


def test_pictures_that_browsers_know_pass_through(clips: Clips, tmp_path: Path) -> None:
    film = clips.video("h264", "ts")
    assert frame_md5s(rendered(film, tmp_path)) == frame_md5s(film)


@pytest.mark.parametrize(("codec", "kind"), [("hevc", "mp4"), ("mpeg2", "ts")])
def test_a_stream_in_fragments(clips: Clips, tmp_path: Path, codec: str, kind: str) -> None:
    """Cut anywhere; an MP4 whose index is at its end cannot be read from the beginning on."""
    film = clips.video(codec, kind)
    (tmp_path / "one").mkdir()
    one = rendered(film, tmp_path / "one")
    several = rendered(film, tmp_path, 1, 1000, 1777)
    assert frame_md5s(several) == frame_md5s(one)


def test_frames_that_last_differently_long_keep_their_times(clips: Clips, tmp_path: Path) -> None:
    film = clips.encoded("hevc-variable.mp4", codec="hevc", gaps=True)
    made = rendered(film, tmp_path)
    start = frame_times(film)[0]
    expected = [time - start for time in frame_times(film)]
    assert len(expected) == 26
    assert [abs(a - b) < Fraction(1, 10_000) for a, b in zip(frame_times(made), expected, strict=True)] == [True] * 26


def test_many_frames_in_one_packet(clips: Clips, tmp_path: Path) -> None:
    """An MPEG program stream says when few of its frames are shown; between those, FFmpeg's guesses go astray."""
    source = f"testsrc2=s=64x48:r={NTSC}:d=10"
    film = clips.encoded("few-times.mpg", "-bf 2 -q:v 31", codec="mpeg2", source=source)
    made = rendered(film, tmp_path)
    assert frame_times(made) == [k * Fraction(1001, 30000) for k in range(300)]


def test_interlaced_and_anamorphic_pictures_are_as_people_see_them(clips: Clips, tmp_path: Path) -> None:
    source = "testsrc2=s=320x240:r=25:d=1,setfield=tff,setsar=4/3"
    film = clips.encoded("pal.mpg", "-flags +ildct+ilme", codec="mpeg2", source=source)
    video = probe(rendered(film, tmp_path)).video
    assert (video.width, video.height, video.frames, video.progressive) == (428, 240, 25, True)


def test_what_is_larger_than_full_hd_stays_so(clips: Clips, tmp_path: Path) -> None:
    film = clips.encoded("4k.mp4", codec="hevc", source="testsrc2=s=3840x2160:r=60:d=0.05")
    video = probe(rendered(film, tmp_path)).video
    assert (video.width, video.height, video.level) == (3840, 2160, 52)


def test_a_lost_frame_is_counted(clips: Clips, tmp_path: Path) -> None:
    """Begins in the middle of a group of pictures: what refers to pictures before it cannot be decoded."""
    whole = clips.encoded("open.hevc", "-x265-params log-level=none:keyint=10:min-keyint=10:open-gop=1:bframes=3",
                          codec="hevc")  # fmt: skip
    data = whole.read_bytes()
    # A CRA picture (NAL type 21) with its parameter sets before it is where a recorder may begin.
    first = data.index(b"\x00\x00\x01\x2a")
    head = data[: data.index(b"\x00\x00\x01\x26") if b"\x00\x00\x01\x26" in data else data.index(b"\x00\x00\x01\x28")]
    (tmp_path / "cut.hevc").write_bytes(head + data[first:])
    path, spans = stored(tmp_path / "cut.hevc", tmp_path / "object")
    of, frames = render(path, spans, tmp_path / "made.mp4", HOW, lambda _: None)
    assert frames == len(frame_md5s(tmp_path / "cut.hevc"))
    assert 0 < frames < of == probe(tmp_path / "cut.hevc").video.frames


def test_progress_is_of_the_whole(clips: Clips, tmp_path: Path) -> None:
    path, spans = stored(clips.video("mpeg2", "mpg"), tmp_path / "object")
    told: list[Progress] = []
    render(path, spans, tmp_path / "made.mp4", HOW, told.append)
    parts = [one.part for one in told]
    assert parts == sorted(parts)
    assert list(dict.fromkeys(one.stage for one in told)) == ["transcode", "remux", "check"]


def test_what_is_no_video_is_refused_in_a_sentence(clips: Clips, tmp_path: Path) -> None:
    for film, error in ((clips.text(), NotVideo), (clips.lying("mpg"), BrokenVideo)):
        path, spans = stored(film, tmp_path / "object")
        with pytest.raises((error, NotVideo)) as raised:
            render(path, spans, tmp_path / "made.mp4", HOW, lambda _: None)
        assert str(tmp_path) not in str(raised.value)
