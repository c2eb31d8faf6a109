"""Every frame arrives re-encoded, at its own time, near its source."""

from __future__ import annotations

import shutil
import struct
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import pytest

from clips import Clips
from oracles import Picture, decoded, frame_times, psnr
from orthanc_video.errors import BrokenVideo, Busy
from orthanc_video.media.plan import plan, target_of
from orthanc_video.media.probe import probe
from orthanc_video.media.transcode import command_line, conforming, transcode
from orthanc_video.model import Action, MediaInfo, Progress, Rational, Target


@dataclass(frozen=True)
class _Case:
    """``width`` × ``height`` come out; ``filters`` make ffmpeg show the source the same way, for comparison."""

    make: Callable[[Clips], Path]
    width: int = 160
    height: int = 120
    filters: str = ""
    least: float = 30.0


_CASES: dict[str, _Case] = {
    "VP9": _Case(lambda clips: clips.video("vp9", "webm")),
    "AV1": _Case(lambda clips: clips.video("av1", "mp4")),
    "HEVC": _Case(lambda clips: clips.video("hevc", "mp4")),
    "MPEG-2 in TS": _Case(lambda clips: clips.video("mpeg2", "ts")),
    "MPEG-2 in PS": _Case(lambda clips: clips.video("mpeg2", "mpg")),
    "MPEG-4 ASP in AVI": _Case(lambda clips: clips.video("mpeg4", "avi")),
    "Motion JPEG, full range": _Case(lambda clips: clips.video("mjpeg", "avi")),
    "recorder's VP8, variable rate": _Case(Clips.recorder_webm),
    "B-frames in AVI": _Case(lambda clips: clips.encoded("b.avi", "-bf 2", codec="mpeg4")),
    "10 bits": _Case(Clips.ten_bit, least=29.0),  # what level 1.1's bit rate leaves of so busy a picture
    "10 bits in AVI": _Case(lambda clips: clips.encoded("ten.avi", "-pix_fmt yuv420p10le"), least=29.0),
    "4:2:2": _Case(Clips.chroma_422, least=25.0),  # half of the colour's lines go
    "odd size": _Case(Clips.odd_size, 162, 122, "pad=162:122"),
    "anamorphic": _Case(Clips.anamorphic, 214, 120, "scale=214:120:flags=bicubic", least=29.0),
    "turned by 90°": _Case(lambda clips: clips.rotated(90), 120, 160),
    "turned by 180°": _Case(lambda clips: clips.rotated(180)),
    "turned by 270°": _Case(lambda clips: clips.rotated(270), 120, 160),
    "mirrored": _Case(lambda clips: clips.shown_by(-1, 0, 0, 1)),
    "upside down, but not turned": _Case(lambda clips: clips.shown_by(1, 0, 0, -1)),
    "mirrored and turned": _Case(lambda clips: clips.shown_by(0, 1, 1, 0), 120, 160),
    "turned by 45°": _Case(  # by ffmpeg in the colours that the filters before it have
        lambda clips: clips.shown_by(0.7071, 0.7071, -0.7071, 0.7071), filters="format=yuv420p"
    ),
    "cut by an edit list": _Case(Clips.cut_by_edits),
}  # fmt: skip


@dataclass(frozen=True)
class _Done:
    case: _Case
    source: Path
    info: MediaInfo
    aim: Target
    made: Path
    written: int


@pytest.fixture(scope="module")
def transcoded(clips: Clips, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], _Done]:
    """Each case transcoded once, on first use."""
    folder = tmp_path_factory.mktemp("transcoded")
    done: dict[str, _Done] = {}

    def make(name: str) -> _Done:
        if name not in done:
            case = _CASES[name]
            source, target = case.make(clips), folder / f"{len(done)}.mp4"
            info = probe(source)
            aim = target_of(info.video)
            written = transcode(source, target, info.video, aim, "veryfast", 18, lambda _: None)
            done[name] = _Done(case, source, info, aim, target, written)
        return done[name]

    return make


@pytest.mark.parametrize("name", _CASES)
def test_every_frame_is_near_its_source(transcoded: Callable[[str], _Done], name: str) -> None:
    done = transcoded(name)
    case = done.case
    before = decoded(done.source, case.width, case.height, case.filters)
    after = decoded(done.made, case.width, case.height)
    assert len(before) == len(after) == done.written
    near = [psnr(a, b) for a, b in zip(before, after, strict=True)]
    assert min(near) > case.least
    _refuse_neighbours(before, after, near)


def _refuse_neighbours(before: Picture, after: Picture, near: list[float]) -> None:
    """A frame is nearer its own source than the frames around it: nothing was doubled, dropped or shifted."""
    for at in range(1, len(after)):
        assert near[at] > psnr(before[at - 1], after[at]) + 3
        assert near[at - 1] > psnr(before[at], after[at - 1]) + 3


@pytest.mark.parametrize("name", [name for name in _CASES if "edit list" not in name])
def test_no_frame_is_lost_and_each_keeps_its_time(transcoded: Callable[[str], _Done], name: str) -> None:
    done = transcoded(name)
    video = done.info.video
    made = probe(done.made).video
    assert done.written == made.frames == video.frames
    times = frame_times(done.made)
    if video.constant_rate:
        assert made.rate == video.rate
        assert made.constant_rate
        # Where the first lies is settled when this is put into its final MP4: see test_worker.
        assert [time - times[0] for time in times] == [k / video.rate.fraction for k in range(video.frames)]
        return
    before = frame_times(done.source)
    assert len(times) == len(before)
    late = [abs((a - times[0]) - (b - before[0])) for a, b in zip(times, before, strict=True)]
    assert max(late) <= Fraction(1, 90000)


@pytest.mark.parametrize("name", _CASES)
def test_the_stream_is_what_dicom_wants(transcoded: Callable[[str], _Done], name: str) -> None:
    done = transcoded(name)
    made = probe(done.made)
    video = made.video
    assert (video.codec, video.profile_idc, video.pixel_format, video.bit_depth) == ("h264", 100, "yuv420p", 8)
    assert (video.width, video.height) == (done.case.width, done.case.height) == (done.aim.width, done.aim.height)
    assert (video.level, video.progressive, video.full_range) == (done.aim.level, True, False)
    assert (video.rotation, video.pixel_aspect) == (0, Rational(1))
    assert (made.audio_codecs, made.other_streams, made.created) == ((), 0, "")
    assert plan(made).action in {Action.WRAP, Action.REMUX}  # the index still lies at the end


def test_what_an_edit_list_hides_is_left_out(transcoded: Callable[[str], _Done]) -> None:
    done = transcoded("cut by an edit list")
    assert 16 <= done.written <= 19  # 0.6 s of 29.97 frames/s
    assert frame_times(done.made)[0] == 0


def test_progress_is_told(clips: Clips, tmp_path: Path) -> None:
    source = clips.video("vp9", "webm")
    info = probe(source)
    told: list[Progress] = []
    transcode(source, tmp_path / "m.mp4", info.video, Target(width=160, height=120, level=11), "veryfast", 20,
              told.append)  # fmt: skip
    parts = [one.part for one in told]
    assert parts == sorted(parts)
    assert (parts[0], parts[-1]) == (0, 0.99)
    assert told[-1] == Progress(stage="transcode", part=0.99, frames=30, total=30)


def test_what_cannot_be_decoded_is_broken(clips: Clips, tmp_path: Path) -> None:
    video = probe(clips.conforming()).video
    with pytest.raises(BrokenVideo):
        transcode(clips.noise_for_pictures(), tmp_path / "m.mp4", video, Target(width=160, height=120, level=11),
                  "veryfast", 20, lambda _: None)  # fmt: skip


def test_a_full_disk_passes(clips: Clips) -> None:
    source = clips.video("vp9", "webm")
    with pytest.raises(Busy, match="disk is full"):
        transcode(source, Path("/dev/full"), probe(source).video, Target(width=160, height=120, level=11),
                  "veryfast", 20, lambda _: None)  # fmt: skip


def test_a_name_is_never_taken_for_an_option_or_an_address(clips: Clips, tmp_path: Path) -> None:
    video = probe(clips.conforming()).video
    target = Target(width=160, height=120, level=11)
    command = command_line(Path("-i http://x"), Path("-y.mp4"), video, target, "veryfast", 20)
    assert command[command.index("-i") + 1] == "file:-i http:/x"
    assert "file:-y.mp4" in command
    assert command[command.index("-protocol_whitelist") + 1] == "file"
    assert command.index("-protocol_whitelist") < command.index("-i")
    source = tmp_path / "a 'quoted' %d name: x.webm"
    source.write_bytes(clips.video("vp9", "webm").read_bytes())
    assert transcode(source, tmp_path / "out %d 'x'.mp4", video, target, "veryfast", 20, lambda _: None) == 30


def test_the_bit_rate_stays_within_the_level(clips: Clips, tmp_path: Path) -> None:
    """Noise that no level 1.1 stream could hold at this quality."""
    source = clips.encoded("noise.webm", codec="vp8", source="testsrc2=s=160x120:r=25:d=2,noise=alls=100:allf=t")
    info = probe(source)
    target = plan(info).target
    assert target is not None
    transcode(source, tmp_path / "m.mp4", info.video, target, "veryfast", 1, lambda _: None)
    assert plan(probe(tmp_path / "m.mp4")).transfer_syntax.endswith(".102")
    assert probe(tmp_path / "m.mp4").video.bit_rate <= 192_000 * 1.25 * 1.6  # the buffer may be full once


def test_a_flood_of_complaints_does_not_stop_it(clips: Clips, tmp_path: Path) -> None:
    """Thousands of damaged frames: ffmpeg's words on them are more than a pipe holds."""
    source = clips.encoded("flood.ts", "-g 5", codec="mpeg2", source="testsrc2=s=64x64:r=100:d=20")
    data = bytearray(source.read_bytes())
    for at in range(188 * 40 + 100, len(data), 188 * 3):
        data[at : at + 60] = bytes(60)
    damaged = tmp_path / "damaged.ts"
    damaged.write_bytes(data)
    video = probe(source).video
    command = command_line(damaged, tmp_path / "x.mp4", video, Target(width=64, height=64, level=30), "veryfast", 30)
    assert len(subprocess.run(command, capture_output=True).stderr) > 1 << 16
    assert transcode(damaged, tmp_path / "m.mp4", video, Target(width=64, height=64, level=30), "veryfast", 30,
                     lambda _: None) > 1000  # fmt: skip


def test_pictures_that_grow_half_way_beyond_the_bound_are_left_out(clips: Clips, tmp_path: Path) -> None:
    """A VP8 key frame in the middle says that it is 12,000 × 12,000: nobody makes room for it."""
    data = bytearray(clips.encoded("keys.ivf", "-g 1 -frames:v 8", codec="vp8").read_bytes())
    at = 32  # IVF: a header of 32 bytes, then each frame's size in a header of 12
    for _ in range(4):
        at += 12 + struct.unpack_from("<I", data, at)[0]
    assert data[at + 15 : at + 18] == b"\x9d\x01\x2a"  # RFC 6386 9.1
    struct.pack_into("<HH", data, at + 18, 12_000, 12_000)
    source = tmp_path / "grows.ivf"
    source.write_bytes(data)
    info = probe(source)
    aim = plan(info).target
    assert aim is not None
    assert transcode(source, tmp_path / "made.mp4", info.video, aim, "veryfast", 20, lambda _: None) == 7


@pytest.mark.parametrize(
    ("name", "options"),
    [("in-fragments", "-movflags frag_keyframe"), ("titled", "-metadata title=Doe"), ("index-last", "")],
)
def test_what_is_not_yet_right_is_written_once_more(clips: Clips, tmp_path: Path, name: str, options: str) -> None:
    """Of an ffmpeg that makes another file of the same words, or a film that begins late."""
    made = tmp_path / "made.mp4"
    shutil.copyfile(clips.encoded(f"{name}.mp4", options), made)
    stages: list[str] = []
    info = conforming(made, 30, lambda told: stages.append(told.stage))
    assert (info.streamable, info.fragmented, info.extras, info.video.frames) == (True, False, (), 30)
    assert set(stages) == {"remux", "check"}
    assert [path.name for path in tmp_path.iterdir()] == ["made.mp4"]
    assert b"Doe" not in made.read_bytes()
    again: list[str] = []
    assert conforming(made, 30, lambda told: again.append(told.stage)) == info
    assert not again


def test_a_frame_that_ffmpeg_did_not_write_is_missed(clips: Clips) -> None:
    with pytest.raises(BrokenVideo, match="ffmpeg wrote 31 frames, but 30"):
        conforming(clips.encoded("index-last.mp4"), 31, lambda _: None)
