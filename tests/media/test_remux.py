"""Pictures pass through unchanged; only their container and their times' grid are new."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import pytest

import views
from bitstream.helpers import probed
from clips import Clips
from oracles import frame_md5s, frame_times, slice_hash
from orthanc_video.bitstream.nal import parameter_sets, split_lengths
from orthanc_video.errors import BrokenVideo, Busy
from orthanc_video.media.plan import plan
from orthanc_video.media.probe import probe
from orthanc_video.media.remux import remux, slices
from orthanc_video.model import Action, Progress, VideoStream
from references import data_reference

_SOURCES: dict[str, Callable[[Clips], Path]] = {
    "MKV, times in ms": lambda clips: clips.video("h264", "mkv"),
    "MOV": lambda clips: clips.video("h264", "mov"),
    "AVI, no presentation times": lambda clips: clips.video("h264", "avi"),
    "TS": lambda clips: clips.video("h264", "ts"),
    "PS": lambda clips: clips.video("h264", "mpg"),
    "index at the end": Clips.index_at_end,
    "fragmented": Clips.fragmented,
    "sound": Clips.with_sound,
    "level 5.1": Clips.relabelled,
    "level 5.1 in MKV": lambda clips: clips.encoded("level.mkv", "-level 5.1"),
    "level 5.1 in TS": lambda clips: clips.encoded("level.ts", "-level 5.1"),
    "level 5.1 in MOV": lambda clips: clips.encoded("level.mov", "-level 5.1"),
    "recorder's MP4, variable rate": Clips.recorder_mp4,
    "H.265 in MKV": lambda clips: clips.video("hevc", "mkv"),
    "H.265 in TS": lambda clips: clips.video("hevc", "ts"),
    "H.265 in MOV": lambda clips: clips.video("hevc", "mov"),
    "H.265, level 6.2": lambda clips: clips.encoded("l62.mkv", "-bsf:v hevc_metadata=level=6.2", codec="hevc"),
    "MPEG-2 in MOV": lambda clips: clips.video("mpeg2", "mov"),
    "MPEG-2 in MKV": lambda clips: clips.video("mpeg2", "mkv"),
    "MPEG-2 in AVI": lambda clips: clips.video("mpeg2", "avi"),
    "MPEG-2 in TS with sound": lambda clips: clips.encoded("s.ts", "-c:a mp2", codec="mpeg2", sound="sine=d=1"),
}
_ELSEWHERE = "http://127.0.0.1:9/x.mp4"
_CONSTANT = [name for name in _SOURCES if "variable" not in name]


def _remuxed(source: Path, target: Path) -> tuple[VideoStream, str]:
    """Does what the plan says; what was probed before, and the hash."""
    info = probe(source)
    planned = plan(info)
    assert planned.action is Action.REMUX
    level = planned.target.level if planned.target else 0
    return info.video, remux(source, target, info.video, level, lambda _: None).after


@pytest.fixture(params=list(_SOURCES))
def source(clips: Clips, request: pytest.FixtureRequest) -> Path:
    return _SOURCES[request.param](clips)


def test_no_picture_changes(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "made.mp4"
    video, digest = _remuxed(source, target)
    assert slice_hash(source, video.codec) == slice_hash(target, video.codec) == digest
    assert slices(source) == slices(target) == (digest, video.frames)
    assert frame_md5s(source) == frame_md5s(target)
    assert len(frame_md5s(target)) == video.frames


def test_what_comes_out_needs_nothing_more(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "made.mp4"
    before, _ = _remuxed(source, target)
    made = probe(target)
    assert plan(made).action is Action.WRAP
    assert (made.audio_codecs, made.other_streams, made.created) == ((), 0, "")
    assert (made.video.rate, made.video.constant_rate) == (before.rate, before.constant_rate)
    assert made.video.frames == before.frames
    assert made.video.seconds == pytest.approx(before.seconds, abs=1e-3)
    # Every run of the same job makes the same bytes.
    again = tmp_path / "again.mp4"
    _remuxed(source, again)
    assert again.read_bytes() == target.read_bytes()


@pytest.mark.parametrize("name", _CONSTANT)
def test_a_constant_rate_lands_exactly_on_its_grid(clips: Clips, tmp_path: Path, name: str) -> None:
    target = tmp_path / "made.mp4"
    _remuxed(_SOURCES[name](clips), target)
    times = frame_times(target)
    # A program stream's clock begins before its first frame (ISO/IEC 13818-1 2.5.2): a decoder's buffer has to fill.
    assert times[0] == (0 if "MPEG-2" not in name else Fraction(1, 2))
    assert [time - times[0] for time in times] == [k * Fraction(1001, 30000) for k in range(30)]


def test_a_variable_rate_keeps_its_times(clips: Clips, tmp_path: Path) -> None:
    target = tmp_path / "made.mp4"
    _remuxed(clips.recorder_mp4(), target)
    before, after = frame_times(clips.recorder_mp4()), frame_times(target)
    assert [time - after[0] for time in after] == [time - before[0] for time in before]


@pytest.mark.parametrize("kind", ["mkv", "ts", "mp4"])
def test_a_late_start_is_no_wait(clips: Clips, tmp_path: Path, kind: str) -> None:
    """The first frame is shown at 0 although the source's clock begins at 5 s."""
    target = tmp_path / "made.mp4"
    source = clips.encoded(f"late.{kind}", "-output_ts_offset 5", gaps=True)
    _remuxed(source, target)
    assert len(set(frame_times(source))) == 26
    assert frame_times(target)[0] == 0
    assert probe(target).video.seconds == pytest.approx(1.001, abs=0.0015)


def test_decoding_never_comes_after_showing(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "made.mp4"
    _remuxed(source, target)
    with av.open(target) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    decode = [packet.dts for packet in packets if packet.dts is not None]
    assert len(decode) == len(packets)
    assert all(a < b for a, b in pairwise(decode))
    assert all(packet.dts <= packet.pts for packet in packets if packet.dts is not None and packet.pts is not None)


def test_the_level_is_relabelled(clips: Clips, tmp_path: Path) -> None:
    target = tmp_path / "made.mp4"
    _remuxed(clips.relabelled(), target)
    assert probe(clips.relabelled()).video.level == 51
    assert probe(target).video.level == 11
    with av.open(target) as container:
        extradata = container.streams.video[0].codec_context.extradata
    assert extradata is not None
    assert extradata[3] == 11  # AVCLevelIndication


@pytest.mark.parametrize(
    ("codec", "arguments", "level"),
    [("h264", "-level 5.1", 30), ("h264", "-level 5.1", 40), ("hevc", "-bsf:v hevc_metadata=level=6.2", 120)],
)
def test_levels_without_tenths_are_relabelled(
    clips: Clips, tmp_path: Path, codec: str, arguments: str, level: int
) -> None:
    """FFmpeg takes "4.0" for the number 4, not for level 4."""
    source = clips.encoded(f"levels-{codec}.mkv", arguments, codec=codec)
    remux(source, tmp_path / "made.mp4", probe(source).video, level, lambda _: None)
    assert probed(tmp_path / "made.mp4")["level"] == level


@pytest.mark.parametrize("emptied", [False, True])
@pytest.mark.parametrize("level", [0, 20])
def test_parameter_sets_among_the_pictures_are_taken_up_into_the_index(
    clips: Clips, tmp_path: Path, emptied: bool, level: int
) -> None:
    source, target = views.in_band(clips, emptied=emptied), tmp_path / "made.mp4"
    info = probe(source)
    planned = plan(info)
    assert (info.entry, planned.action) == ("avc3", Action.REMUX)
    assert "(avc3); its index takes them up (avc1)" in planned.reasons[1]
    remux(source, target, info.video, level, lambda _: None)
    found = probed(target)
    assert (found["codec_tag_string"], found["level"]) == ("avc1", level or 11)
    with av.open(target) as container:
        sps, pps = parameter_sets(bytes(container.streams.video[0].codec_context.extradata or b""))
    assert (len(sps), len(pps)) == (1, 1)
    assert frame_md5s(target) == frame_md5s(views.in_band(clips, emptied=False))


def test_hev1_becomes_hvc1(clips: Clips, tmp_path: Path) -> None:
    source = clips.encoded("hev1.mp4", "-tag:v hev1 -movflags +faststart", codec="hevc")
    assert "(hev1); its index takes them up (hvc1)" in plan(probe(source)).reasons[1]
    _remuxed(source, tmp_path / "made.mp4")
    assert probed(tmp_path / "made.mp4")["codec_tag_string"] == "hvc1"
    assert frame_md5s(tmp_path / "made.mp4") == frame_md5s(source)


def test_the_second_view_passes_through_and_is_in_the_proof(clips: Clips, tmp_path: Path) -> None:
    source, target = views.multiview(clips), tmp_path / "made.mp4"
    _, proof = _remuxed(source, target)
    with av.open(target) as container:
        units = [unit for packet in container.demux(video=0) for unit in split_lengths(bytes(packet), 4)]
    kinds = [unit[0] & 31 for unit in units]
    assert (kinds.count(20), kinds.count(1) + kinds.count(5)) == (30, 30)
    assert proof == hashlib.sha256(b"".join(unit for unit in units if unit[0] & 31 in {1, 5, 20})).hexdigest()
    # What FFmpeg decodes is the base view, as ever.
    assert frame_md5s(target) == frame_md5s(source)


def test_progress_is_told(clips: Clips, tmp_path: Path) -> None:
    source = clips.encoded("long.mkv", "-g 50", source="testsrc2=s=64x64:r=100:d=6")
    told: list[Progress] = []
    remux(source, tmp_path / "made.mp4", probe(source).video, 0, told.append)
    # The times are read, the MP4 is written, and read again.
    assert [(one.stage, one.frames, one.total) for one in told] == [
        (stage, frames, 600) for stage in ("remux", "remux", "check") for frames in (0, 256, 512)
    ]
    parts = [one.part for one in told]
    assert parts == sorted(parts)
    assert all(0 <= part < 1 for part in parts)


@pytest.mark.parametrize(
    ("name", "passes"),
    [("h264.avi", ["times", "order", "writing", "check"]), ("variable.mkv", ["times", "writing", "check"])],
)
def test_no_time_is_spent_in_silence(clips: Clips, tmp_path: Path, name: str, passes: list[str]) -> None:
    """Each pass over the file tells of itself: who tells nothing is taken for hanging."""
    source = clips.encoded(f"long-{name}", source="testsrc2=s=64x64:r=100:d=6", gaps="variable" in name)
    told: list[Progress] = []
    remux(source, tmp_path / "made.mp4", probe(source).video, 0, told.append)
    assert [one.frames for one in told] == [0, 256, 512] * len(passes)
    assert [one.part for one in told] == sorted(one.part for one in told)


def test_a_lost_frame_is_noticed(clips: Clips, tmp_path: Path) -> None:
    source = clips.video("h264", "mkv")
    video = probe(source).video
    with pytest.raises(BrokenVideo, match="31 frames 30 arrived"):
        remux(source, tmp_path / "made.mp4", replace(video, frames=31), 0, lambda _: None)


def test_pictures_that_cannot_be_put_into_an_mp4_are_broken(clips: Clips, tmp_path: Path) -> None:
    """Noise behind a good index: it has frames of the right sizes, but no slices to be sure of."""
    video = probe(clips.conforming()).video
    with pytest.raises(BrokenVideo):
        remux(clips.noise_for_pictures(), tmp_path / "made.mp4", video, 0, lambda _: None)


def test_a_full_disk_passes(clips: Clips) -> None:
    source = clips.video("h264", "mkv")
    with pytest.raises(Busy, match="disk is full"):
        remux(source, Path("/dev/full"), probe(source).video, 0, lambda _: None)


def test_the_hash_is_of_the_pictures_alone(clips: Clips) -> None:
    other = clips.encoded("other.mp4", source="testsrc2=s=160x120:r=25:d=1,negate")
    same = {slices(clips.video("h264", kind)) for kind in ("mkv", "mov", "ts")}
    assert len(same) == 1
    assert slices(other) not in same


def test_the_name_of_another_file_is_left_out(clips: Clips, tmp_path: Path) -> None:
    source, made = tmp_path / "named.mp4", tmp_path / "made.mp4"
    source.write_bytes(data_reference(clips.conforming().read_bytes(), b"url ", _ELSEWHERE))
    assert _ELSEWHERE.encode() in source.read_bytes()
    _, kept = _remuxed(source, made)
    assert _ELSEWHERE.encode() not in made.read_bytes()
    assert not probe(made).elsewhere
    assert kept == slice_hash(clips.conforming()) == slice_hash(made)
    assert frame_md5s(made) == frame_md5s(clips.conforming())
