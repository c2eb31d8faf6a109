"""Packets without a picture, wherever they stand, are no frames: not counted, not stored, and nothing else is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import pytest

from clips import Clips
from conversions import converted
from dicom.planting import described, even, header, pixel_data
from hollows import FRAMES, TEXT, UNITS, with_hollow
from oracles import frame_md5s
from orthanc_video import command_check
from orthanc_video.errors import BrokenVideo
from orthanc_video.jobs import processes
from orthanc_video.media.probe import probe
from orthanc_video.model import Action

_PLACES: dict[str, Callable[[int], bool]] = {
    "first": lambda number: number == 0,
    "in the middle": lambda number: number in {7, 15},
    "last": lambda number: number == FRAMES,
}


@pytest.fixture(scope="module", autouse=True)
def template() -> Iterator[None]:
    """The media processes' own, which the command ends by itself."""
    yield
    processes.close()


@pytest.mark.parametrize("place", _PLACES)
@pytest.mark.parametrize(
    ("codec", "kind", "large"),
    [("h264", "mp4", False), ("h264", "mkv", True), ("hevc", "mp4", True), ("mpeg2", "mkv", False)],
)
def test_they_are_no_frames(clips: Clips, tmp_path: Path, codec: str, kind: str, large: bool, place: str) -> None:
    whole, source = clips.video(codec, "mp4"), tmp_path / f"hollow.{kind}"
    count = with_hollow(whole, source, UNITS[codec][large], codec != "mpeg2", _PLACES[place])
    video = probe(source).video
    assert (video.frames, video.hollow, video.constant_rate) == (FRAMES, count, True)
    assert video.rate.fraction == Fraction(30000, 1001)
    result = converted(source, tmp_path / "o")
    assert result.plan.action is Action.REMUX
    assert f"{count} packet(s) of the stream hold no picture" in result.said
    assert result.dataset.NumberOfFrames == FRAMES
    assert frame_md5s(result.stream) == frame_md5s(whole)
    assert TEXT not in result.path.read_bytes()
    with av.open(result.stream) as container:
        assert sum(packet.size > 0 for packet in container.demux(video=0)) == FRAMES
    assert probe(result.stream).video.hollow == 0
    assert command_check.judge(result.path).findings == ()


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_the_last_of_a_transport_stream_is_no_frame(clips: Clips, tmp_path: Path, codec: str) -> None:
    """Elsewhere FFmpeg puts what has no picture to the next one that has."""
    whole, source = clips.video(codec, "ts"), tmp_path / "hollow.ts"
    with_hollow(whole, source, UNITS[codec][0], False, _PLACES["last"])
    with av.open(source) as container:
        assert sum(packet.size > 0 for packet in container.demux(video=0)) == FRAMES + 1
    result = converted(source, tmp_path / "o")
    assert (result.dataset.NumberOfFrames, result.info.video.hollow) == (FRAMES, 1)
    assert frame_md5s(result.stream) == frame_md5s(whole)


def test_a_whole_clip_has_none(clips: Clips) -> None:
    for codec in ("h264", "hevc", "mpeg2", "mpeg4"):
        assert probe(clips.video(codec, "mp4")).video.hollow == 0


def test_nothing_but_such_packets_is_no_video(clips: Clips, tmp_path: Path) -> None:
    """Each slice is called filler data (H.264 Table 7-1), and so is each other unit."""
    whole, path = clips.video("h264", "mp4"), tmp_path / "none.mp4"
    data = bytearray(whole.read_bytes())
    with av.open(whole) as container:
        for packet in container.demux(video=0):
            at = packet.pos or 0
            end = at + packet.size
            while packet.size and at < end:
                data[at + 4] = 12
                at += 4 + int.from_bytes(data[at : at + 4])
    path.write_bytes(data)
    with pytest.raises(BrokenVideo, match="none of its samples has a picture"):
        probe(path)


def test_check_finds_them_counted(clips: Clips, tmp_path: Path) -> None:
    source, path = tmp_path / "hollow.mp4", tmp_path / "object.dcm"
    with_hollow(clips.video("h264", "mp4"), source, UNITS["h264"][0], True, _PLACES["last"])
    dataset = described(source)
    dataset.NumberOfFrames = FRAMES + 1
    path.write_bytes(header(dataset) + pixel_data([even(source.read_bytes())]))
    found = {one.code: one.sentence for one in command_check.judge(path).findings}
    assert found["frame-count"] == "NumberOfFrames is 31, but the stream has 30."
    assert "hollow" in found
