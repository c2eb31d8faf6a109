"""Times that contradict the order of the frames are not believed."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest

from clips import Clips
from conversions import converted
from disorder import disordered
from oracles import frame_md5s, frame_times
from orthanc_video import command_check
from orthanc_video.jobs import processes
from orthanc_video.media.probe import probe
from orthanc_video.model import Action


@pytest.fixture(scope="module", autouse=True)
def template() -> Iterator[None]:
    """The media processes' own, which the command ends by itself."""
    yield
    processes.close()


@pytest.mark.parametrize("kind", ["mp4", "mkv"])
@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_frames_follow_one_another_as_their_codec_has_them(clips: Clips, tmp_path: Path, codec: str, kind: str) -> None:
    source = disordered(clips, codec, kind)
    result = converted(source, tmp_path / "o")
    assert result.plan.action is Action.REMUX
    assert "they follow one another at 25/s" in result.said
    assert frame_md5s(result.stream) == frame_md5s(source)
    assert frame_times(result.stream) == [Fraction(number, 25) for number in range(50)]
    assert command_check.judge(result.path).findings == ()


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_what_an_edit_list_hides_of_them_stays_hidden_and_the_object_is_clean(
    clips: Clips, tmp_path: Path, codec: str
) -> None:
    source = disordered(clips, codec, hiding=2)
    result = converted(source, tmp_path / "o")
    assert result.plan.action is Action.TRANSCODE
    shown = len(frame_md5s(source))
    assert result.dataset.NumberOfFrames == len(frame_md5s(result.stream)) == shown < 50
    assert frame_times(result.stream) == [Fraction(number, 25) for number in range(shown)]
    assert command_check.judge(result.path).findings == ()


def test_ordered_frames_are_believed(clips: Clips) -> None:
    for codec, kind in (("h264", "mp4"), ("hevc", "mkv"), ("mpeg2", "ts"), ("mpeg4", "avi"), ("vp9", "webm")):
        assert not probe(clips.video(codec, kind)).video.disordered
