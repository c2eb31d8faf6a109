"""Clips of all sorts of films, cut anywhere: each frame is the source's, as FFmpeg decodes it, and none is too many."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import pytest

import fields
from clips import Clips, ffmpeg, picture_source
from judging import judge, pictures
from media.test_exact import FILMS
from orthanc_video.bitstream import h264, hevc
from orthanc_video.bitstream.bits import ue, unescape
from orthanc_video.bitstream.framing import joined, units_of
from orthanc_video.bitstream.needed import needed_level
from orthanc_video.bitstream.userdata import escape
from orthanc_video.clip import Cut, Moment, Range
from orthanc_video.errors import BadRequest, UnsupportedMedia
from orthanc_video.media.clip.cut import cut
from orthanc_video.media.pairing import like
from orthanc_video.media.probe import probe
from orthanc_video.model import Rational, Span

_TIMES = 4


def _made(clips: Clips, name: str, arguments: str, rate: str = "30", codec: str = "h264") -> Path:
    return clips.encoded(f"cut-{name}", arguments, codec=codec, source=picture_source(rate=rate, seconds=2))


_PYRAMID = "-bf 3 -x264-params b-pyramid=normal:scenecut=0"
_MORE: dict[str, Callable[[Clips], Path]] = {
    "all key frames": lambda clips: _made(clips, "intra.mp4", "-g 1"),
    "groups of 15, 23.976": lambda clips: _made(clips, "15.mp4", f"-g 15 {_PYRAMID}", "24000/1001"),
    "groups of 30, 59.94": lambda clips: _made(clips, "30.mp4", f"-g 30 {_PYRAMID}", "60000/1001"),
    "one group, 120": lambda clips: _made(clips, "250.mp4", f"-g 250 {_PYRAMID}", "120"),
    "hevc, groups of 15, 25": lambda clips: _made(
        clips, "hevc.mp4", "-x265-params log-level=none:keyint=15:open-gop=0:bframes=4:b-pyramid=1", "25", "hevc"
    ),
    "hevc, one key frame, in TS": lambda clips: _made(
        clips, "hevc.ts", "-x265-params log-level=none:keyint=999:bframes=3", "30", "hevc"
    ),
    "lossless, groups of 12": lambda clips: _made(clips, "lossless.mp4", "-g 12 -qp 0", "25"),
    "interlaced, groups of 12": lambda clips: _made(
        clips, "interlaced.mp4", "-g 12 -bf 2 -flags +ildct+ilme -x264-params tff=1", "25"
    ),
    "fields.mp4": lambda clips: _fields(clips, "mp4"),
    "fields.ts": lambda clips: _fields(clips, "ts"),
    "mpeg2.mp4": lambda clips: _made(clips, "mpeg2.mp4", "-g 15 -bf 2", "25", "mpeg2"),
    "mpeg2, closed groups.ts": lambda clips: _made(
        clips, "closed.m2.ts", "-g 12 -bf 2 -flags +cgop -sc_threshold 1000000000", "25", "mpeg2"
    ),
    "mpeg2, low delay.ts": lambda clips: _made(clips, "low.m2.ts", "-g 15 -bf 0 -flags +low_delay", "25", "mpeg2"),
    "4:4:4": lambda clips: _made(clips, "444.mp4", "-g 20 -bf 2 -pix_fmt yuv444p", "25"),
    "hevc, 4:4:4": lambda clips: _made(
        clips, "444.hevc.mp4", "-pix_fmt yuv444p -x265-params log-level=none:keyint=20", "25", "hevc"
    ),
    "b-frames.avi": lambda clips: _untimed(clips),
    "order unsaid.mp4": lambda clips: _unsaid(clips),
    "mpeg2, 50": lambda clips: _made(clips, "mpeg2.mpg", "-g 12 -bf 2", "50", "mpeg2"),
}
_ALL = FILMS | _MORE


def _untimed(clips: Clips) -> Path:
    """AVI says when a frame is decoded, not when it is shown."""
    film = FILMS["b-frames.mp4"](clips)
    path = film.with_name("cut-untimed.avi")
    if not path.exists():
        ffmpeg("-i", film, "-c", "copy", path)
    return path


def _unsaid(clips: Clips) -> Path:
    """It does not say how far frames are reordered (H.264 E.2.1, bitstream_restriction_flag)."""
    film = _made(clips, "order said.mp4", "-g 12 -bf 2 -x264-params b-pyramid=none:ref=2:scenecut=0", "25")
    path = film.with_name("cut-order unsaid.mp4")
    with av.open(str(film)) as source, av.open(str(path), "w") as output:
        stream = source.streams.video[0]
        sps, pps = h264.parameter_sets(bytes(stream.codec_context.extradata or b""))[:2]
        made = output.add_stream_from_template(stream)
        made.codec_context.extradata = joined([*map(_without_restriction, sps), *pps], 0)
        for packet in source.demux(stream):
            if packet.size:
                changed = like(packet, joined(units_of(bytes(packet), 4), 0))
                changed.stream = made
                output.mux(changed)
    return path


def _without_restriction(sps: bytes) -> bytes:
    bits = "".join(f"{byte:08b}" for byte in unescape(sps)).rstrip("0")[:-1]
    told = h264.parse_sps(sps)
    said = ue(told.max_num_reorder_frames or 0) + ue(told.max_dec_frame_buffering or 0)
    # Behind the flag: vectors over the edges, no limits on bytes and bits, and the longest vectors, both alike.
    ends = ("11" + ue(0) * 2 + ue(most) * 2 + said for most in range(20))
    made = bits.removesuffix(next(end for end in ends if bits.endswith(end))) + "01"
    made += "0" * (-len(made) % 8)
    return escape(int(made, 2).to_bytes(len(made) // 8))


def _fields(clips: Clips, kind: str) -> Path:
    """Coded fields among frames, as AVCHD cameras write them."""
    path = clips.conforming().with_name(f"cut-fields.{kind}")
    return path if path.exists() else fields.written(path, _FIELDS, apart=kind == "ts")


_FIELDS = fields.film(["pair", "pair", "frame", "pair"] * 9, reordered=True)


def _cut(film: Path, target: Path, ranges: Sequence[tuple[int, int]], *, precise: bool = True) -> list[Cut]:
    """Ranges by frames, from 0."""
    wanted = [Range(Moment(first + 1), Moment(last + 1)) for first, last in ranges]
    return list(cut(film, (Span(0, film.stat().st_size),), wanted, target, precise=precise).cuts)


def _target(folder: Path, name: str) -> Path:
    return folder / ("clip.mpg" if "mpeg2" in name or "pulldown" in name or name.endswith(".mpg") else "clip.mp4")


@pytest.mark.parametrize("name", _ALL)
def test_cut_anywhere(clips: Clips, tmp_path: Path, name: str) -> None:
    film, target = _ALL[name](clips), _target(tmp_path, name)
    count = len(pictures(film))
    chance = random.Random(name)  # noqa: S311  the same places each time
    for _ in range(_TIMES):
        first = chance.randrange(count)
        last = chance.randrange(first, count)
        (told,) = _cut(film, target, [(first, last)])
        assert (told.first, told.last) == (first + 1, last + 1)
        judge(film, target, range(first, last + 1), told.anew)


@pytest.mark.parametrize("name", _ALL)
def test_the_whole_is_copied(clips: Clips, tmp_path: Path, name: str) -> None:
    film, target = _ALL[name](clips), _target(tmp_path, name)
    count = len(pictures(film))
    (told,) = _cut(film, target, [(0, count - 1)])
    judge(film, target, range(count), told.anew)
    # Where no time says in which order frames are shown, none can be copied; nor where no key frame begins anew.
    assert told.anew == 0 or name in {"b-frames.264", "b-frames.avi", "hevc.265", "pulldown.mpg"}


@pytest.mark.parametrize(
    "name", ["b-frames.mp4", "interlaced, groups of 12", "fields.mp4", "groups of 15, 23.976", "order unsaid.mp4"]
)
def test_a_key_frame_alone_is_copied_behind_what_is_coded_anew(clips: Clips, tmp_path: Path, name: str) -> None:
    """Decoders that were not told how far frames are reordered left it out, and what came after it."""
    film, target = _ALL[name](clips), tmp_path / "clip.mp4"
    with av.open(str(film)) as container:
        key = [at for at, frame in enumerate(container.decode(video=0)) if frame.key_frame][1]
    for last in (key, key + 1):
        (told,) = _cut(film, target, [(key - 4, last)])
        judge(film, target, range(key - 4, last + 1), told.anew)


def test_a_key_frame_alone_is_what_a_clip_begins_with(clips: Clips, tmp_path: Path) -> None:
    film, target = _unsaid(clips), tmp_path / "clip.mp4"
    for first, last in ((0, 2), (12, 13)):
        (told,) = _cut(film, target, [(first, last)])
        judge(film, target, range(first, last + 1), told.anew)


@pytest.mark.parametrize("name", ["hevc, groups of 15, 25", "hevc, open groups.mp4", "open groups.mp4", "b-frames.mp4"])
def test_a_clip_of_a_clip(clips: Clips, tmp_path: Path, name: str) -> None:
    """What has sets of its own among its frames, of numbers that others have had before."""
    film, clip, target = _ALL[name](clips), tmp_path / "clip.mp4", tmp_path / "of clip.mp4"
    count = len(pictures(film))
    _cut(film, clip, [(5, count - 1)])
    for first, last in ((count - 25, count - 7), (2, count - 20)):
        (told,) = _cut(clip, target, [(first, last)])
        judge(clip, target, range(first, last + 1), told.anew)


def test_pixels_have_the_shape_that_the_container_says(clips: Clips, tmp_path: Path) -> None:
    film, target = tmp_path / "film.mp4", tmp_path / "clip.mp4"
    ffmpeg("-i", FILMS["b-frames.mp4"](clips), "-c", "copy", "-aspect", "21:9", film)
    _cut(film, target, [(5, 40)])
    with av.open(str(film)) as source, av.open(str(target)) as made:
        shapes = [one.streams.video[0].sample_aspect_ratio for one in (source, made)]
    assert shapes[0] == shapes[1] != 1


def test_what_decoders_crop_in_part_is_not_coded_anew(clips: Clips, tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    ffmpeg("-i", FILMS["b-frames.mp4"](clips), "-c", "copy", "-bsf:v", "h264_metadata=crop_left=8", film)
    with pytest.raises(UnsupportedMedia, match="cropped at its left"):
        _cut(film, tmp_path / "clip.mp4", [(5, 20)])


def test_no_key_frame_is_begun_at_where_no_time_says_which_frame_it_is(clips: Clips, tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="exact to the frame"):
        _cut(_ALL["b-frames.avi"](clips), tmp_path / "clip.mp4", [(30, 40)], precise=False)


@pytest.mark.parametrize("name", ["mpeg2, 50", "mpeg2.ts", "pulldown.mpg"])
def test_mpeg2_is_cut_into_an_mp4_where_one_is_named(clips: Clips, tmp_path: Path, name: str) -> None:
    film, target = _ALL[name](clips), tmp_path / "clip.mp4"
    (told,) = _cut(film, target, [(7, 21)])
    assert target.read_bytes()[4:8] == b"ftyp"
    judge(film, target, range(7, 22), told.anew)


@pytest.mark.parametrize(
    "name",
    ["b-frames.mp4", "open groups.mp4", "hevc, open groups.mp4", "hevc, open groups.ts", "mpeg2.mpg", "mpeg2.ts"],
)
def test_several_ranges_are_one_film(clips: Clips, tmp_path: Path, name: str) -> None:
    film, target = FILMS[name](clips), _target(tmp_path, name)
    ranges = [(50, 85), (3, 11), (11, 20), (20, 60)]
    told = _cut(film, target, ranges)
    judge(film, target, [n for first, last in ranges for n in range(first, last + 1)], sum(one.anew for one in told))
    assert probe(target).video.constant_rate


@pytest.mark.parametrize(
    "name", ["b-frames.mp4", "open groups.mp4", "hevc, open groups.mp4", "mpeg2.mpg", "variable rate.mp4"]
)
def test_from_key_frame_on(clips: Clips, tmp_path: Path, name: str) -> None:
    film, target = FILMS[name](clips), _target(tmp_path, name)
    count = len(pictures(film))
    first, last = count // 2, count - 5
    (told,) = _cut(film, target, [(first, last)], precise=False)
    assert told.first - 1 <= first
    assert told.last - 1 >= last
    assert told.anew == 0
    judge(film, target, range(told.first - 1, told.last), 0)


def test_times_of_a_variable_rate_stay(clips: Clips, tmp_path: Path) -> None:
    film, target = clips.variable_rate(), tmp_path / "clip.mp4"
    (told,) = _cut(film, target, [(4, 20)])
    times = [[float(frame.time or 0) for frame in av.open(str(path)).decode(video=0)] for path in (film, target)]
    expected = [time - times[0][4] for time in times[0][4:21]]
    assert times[1] == pytest.approx(expected, abs=1e-4)
    assert float(told.start.fraction) == pytest.approx(times[0][4] - times[0][0], abs=1e-4)
    assert float(told.end.fraction) == pytest.approx(times[0][21] - times[0][0], abs=1e-4)


@pytest.mark.parametrize(
    ("start", "end", "first", "last"),
    [("0", "1", 1, 30), ("1", "2", 30, 60), ("1.01", "2.01", 31, 61), ("0.999", "1", 30, 30), ("2.9", "3.003", 87, 90)],
)
def test_a_time_is_the_frame_on_the_screen(
    clips: Clips, tmp_path: Path, start: str, end: str, first: int, last: int
) -> None:
    """At 30000/1001 frames a second."""
    film = FILMS["b-frames.mp4"](clips)
    wanted = Range(Moment(seconds=Rational.of(Fraction(start))), Moment(seconds=Rational.of(Fraction(end))))
    (told,) = cut(film, (Span(0, film.stat().st_size),), [wanted], tmp_path / "clip.mp4").cuts
    assert (told.first, told.last) == (first, last)


@pytest.mark.parametrize("ends", [(5, 4), (0, 90), (90, 95)])
def test_frames_that_there_are_none_of(clips: Clips, tmp_path: Path, ends: tuple[int, int]) -> None:
    with pytest.raises(BadRequest):
        _cut(FILMS["b-frames.mp4"](clips), tmp_path / "clip.mp4", [ends])
    assert not (tmp_path / "clip.mp4").exists()


def test_level_tier_and_colours_are_the_sources(clips: Clips, tmp_path: Path) -> None:
    for name in ("b-frames.mp4", "hevc, open groups.mp4"):
        film, target = FILMS[name](clips), tmp_path / "clip.mp4"
        _cut(film, target, [(7, 9)])
        before, after = probe(film).video, probe(target).video
        for said in ("codec", "profile", "level", "width", "height", "pixel_format", "primaries", "matrix", "transfer"):
            assert getattr(after, said) == getattr(before, said), said


def test_frames_coded_anew_are_said_to_be_reordered_as_far(clips: Clips, tmp_path: Path) -> None:
    for name in ("groups of 15, 23.976", "b-frames.mp4", "all key frames"):
        target = tmp_path / "clip.mp4"
        _cut(_ALL[name](clips), target, [(7, 40)])
        with av.open(str(target)) as container:
            sets, _ = h264.parameter_sets(bytes(container.streams.video[0].codec_context.extradata or b""))
        told = [h264.parse_sps(one) for one in sets]
        assert len({one.max_num_reorder_frames for one in told}) == 1, name
        assert all((one.max_dec_frame_buffering or 0) >= one.max_num_ref_frames for one in told), name


@pytest.mark.parametrize(
    ("codec", "arguments"),
    [
        ("h264", "-crf 30 -g 60 -bf 7 -x264-params scenecut=0"),
        ("hevc", "-crf 30 -x265-params log-level=none:keyint=60:open-gop=1:bframes=4:scenecut=0"),
    ],
)
def test_the_level_is_that_which_a_clip_needs(clips: Clips, tmp_path: Path, codec: str, arguments: str) -> None:
    """What is coded anew may have more bits than the source's level; all parameter sets then say the higher one."""
    source = picture_source(seconds=4, rate="25", then="noise=alls=12:allf=t")
    film = clips.encoded(f"cut-level-{codec}.mp4", arguments, codec=codec, source=source)
    target = tmp_path / "clip.mp4"
    (told,) = _cut(film, target, [(2, 79)])
    assert 0 < told.anew < 78
    judge(film, target, range(2, 80), told.anew)
    said = probe(target).video
    assert said.level >= (needed_level(said) or 999)
    assert said.level > probe(film).video.level
    data = target.read_bytes()
    if codec == "h264":
        sets, _ = h264.parameter_sets(bytes(av.open(str(target)).streams.video[0].codec_context.extradata or b""))
        assert {h264.parse_sps(one).level_idc for one in sets} == {said.level}
    else:
        found = [data[at : at + 200] for at in _places(data, b"\x42\x01\x01")]
        assert {hevc.parse_sps(one).profile.level_idc for one in found} == {said.level}


def _places(data: bytes, what: bytes) -> list[int]:
    """Where H.265's sequence parameter sets begin, among the pictures and in the index."""
    return [at for at in range(len(data)) if data.startswith(what, at)]


def test_other_codecs_are_told(clips: Clips, tmp_path: Path) -> None:
    film = clips.encoded("cut-mpeg4.mp4", codec="mpeg4")
    with pytest.raises(UnsupportedMedia, match="mpeg4"):
        _cut(film, tmp_path / "clip.mp4", [(1, 2)])


# No two moments of it are alike.
_SOUND = "anoisesrc=r=48000:d=3:seed=7"
_HEARD: dict[str, tuple[str, str, str]] = {
    "mp4": ("h264", "-bf 3 -g 24 -c:a aac -ac 2", "aac"),
    "ts": ("h264", "-bf 3 -g 24 -c:a aac -ac 2 -output_ts_offset 95443", "aac"),
    "mpg": ("mpeg2", "-bf 2 -g 15 -c:a mp2 -ac 2", "mp2"),
    "mp3.mpg": ("mpeg2", "-bf 2 -g 15 -c:a libmp3lame -ac 2", "mp3"),
    "ac3.mpg": ("mpeg2", "-bf 2 -g 15 -c:a ac3 -ac 2", "ac3"),
    "mov": ("h264", "-g 24 -c:a pcm_s16le", ""),
}


def _sound(path: Path) -> list[tuple[Fraction, bytes]]:
    """The packets of sound with their times after the first picture is shown, in seconds; none of a silent film."""
    with av.open(str(path)) as container:
        pictures = [frame.time for frame in container.decode(video=0)]
    with av.open(str(path)) as container:
        if not container.streams.audio:
            return []
        stream = container.streams.audio[0]
        found = [packet for packet in container.demux(stream) if packet.pts is not None and packet.size]
        zero = Fraction(pictures[0] or 0).limit_denominator(1_000_000)
        return [((packet.pts or 0) * Fraction(stream.time_base or 1) - zero, bytes(packet)) for packet in found]


@pytest.mark.parametrize("kind", _HEARD)
def test_what_is_heard_meanwhile_stays(clips: Clips, tmp_path: Path, kind: str) -> None:
    codec, arguments, name = _HEARD[kind]
    film = clips.encoded(f"cut-heard.{kind}", arguments, codec=codec, source=picture_source(seconds=3), sound=_SOUND)
    target = tmp_path / ("clip.mpg" if kind.endswith("mpg") else "clip.mp4")
    wanted = [Range(Moment(51), Moment(80)), Range(Moment(11), Moment(20))]
    clip = cut(film, (Span(0, film.stat().st_size),), wanted, target)
    assert clip.sound == name
    told = "" if name else "The sound (pcm_s16le) is left out: an MP4 does not hold it so that players know it."
    assert clip.silenced == told
    judge(film, target, [*range(50, 80), *range(10, 20)], sum(one.anew for one in clip.cuts))
    found, expected, passed = _sound(target), list[tuple[Fraction, bytes]](), Fraction(0)
    for one in clip.cuts if name else ():
        start, end = one.start.fraction, one.end.fraction
        expected += [(time - start + passed, data) for time, data in _sound(film) if start <= time < end]
        passed += end - start
    assert [_plain(data, kind) for _, data in found] == [_plain(data, kind) for _, data in expected]
    # An MP4's first sample is placed to the millisecond; in a program stream only some packets have a time.
    near = 0.033 if kind.endswith("mpg") else 0.0011
    assert [float(time) for time, _ in found] == pytest.approx([float(time) for time, _ in expected], abs=near)
    assert len(found) >= (40 if name else 0)


def _plain(data: bytes, kind: str) -> bytes:
    """Without ADTS's header, which an MP4 does not have."""
    return data[7:] if kind == "ts" and data[:2] == b"\xff\xf1" else data
