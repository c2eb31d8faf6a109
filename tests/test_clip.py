"""Moments of a video as people say them, and ``orthanc-video clip``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clips import Clips
from oracles import frame_md5s
from orthanc_video.clip import Moment, moment
from orthanc_video.errors import BadRequest
from orthanc_video.model import Rational

_COMMAND = [sys.executable, "-m", "orthanc_video"]


def _run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*_COMMAND, *map(str, arguments)], capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("frame:1", Moment(frame=1)),
        ("frame:100000", Moment(frame=100_000)),
        ("0", Moment()),
        ("1.5", Moment(seconds=Rational(3, 2))),
        ("00:00:01.500", Moment(seconds=Rational(3, 2))),
        ("1:02:03.25", Moment(seconds=Rational(14893, 4))),
    ],
)
def test_a_moment(text: str, found: Moment) -> None:
    assert moment(text) == found


@pytest.mark.parametrize(
    "text", ["", "frame:0", "frame:-1", "frame:1.5", "-1", "NaN", "inf", "1e3", "00:60:00", "1:2:3", "١", "9" * 30]
)
def test_no_moment(text: str) -> None:
    with pytest.raises(BadRequest, match="no moment"):
        moment(text)


@given(st.text(max_size=30))
def test_any_text_is_a_moment_or_none(text: str) -> None:
    try:
        found = moment(text)
    except BadRequest:
        return
    assert found.frame > 0 or found.seconds.fraction >= 0


def test_a_clip_of_a_dicom_video(clips: Clips, tmp_path: Path) -> None:
    source, target = tmp_path / "in.dcm", tmp_path / "out.mp4"
    assert _run("convert", clips.conforming(), source).returncode == 0
    whole = frame_md5s(clips.conforming())
    done = _run("clip", source, target, "--range", "frame:1", "frame:10", "--precision", "keyframe")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == f"clip: {target}"
    copied = frame_md5s(target)
    assert len(copied) >= 10
    assert copied == whole[: len(copied)]
    done = _run("clip", source, target, "--range", "frame:6", "frame:9", "--range", "frame:2", "frame:3")
    assert done.returncode == 0, done.stderr
    assert [line.partition(",")[0] for line in done.stdout.splitlines()[:2]] == [
        "Frames 6 to 9 (4)",
        "Frames 2 to 3 (2)",
    ]
    assert len(frame_md5s(target)) == 6
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.dcm", "out.mp4"]


@pytest.mark.parametrize(
    ("span", "sentence"),
    [
        (("frame:9", "frame:2"), "its end comes before its start"),
        (("frame:9", "frame:9999999"), "there is no frame 9999999"),
        (("99999", "99999.5"), "The video has"),
        (("0", "0"), "holds no frame"),
        (("soon", "later"), '"soon" is no moment of a video'),
    ],
)
def test_a_range_that_is_none(clips: Clips, tmp_path: Path, span: tuple[str, str], sentence: str) -> None:
    done = _run("clip", clips.conforming(), tmp_path / "out.mp4", "--range", *span)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())
