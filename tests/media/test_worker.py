"""The media process by itself: one task in, JSON lines out, under limits."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from clips import Clips
from oracles import frame_md5s, frame_times
from orthanc_video.jobs.template import environment
from orthanc_video.media.plan import plan
from orthanc_video.media.probe import probe
from orthanc_video.model import Action, Made, MediaInfo, Most, Plan, Progress, Span
from orthanc_video.plain import from_json, to_json
from processes import address_space_at_start, await_end, children

_WORKER = [sys.executable, "-P", "-m", "orthanc_video.media.worker"]
_MIB = 1 << 20
_WHOLE = Most(bytes=1 << 31)


def _run(name: str, arguments: dict[str, Any], **limits: int) -> tuple[list[dict[str, Any]], int]:
    """The lines that a media process answers with, and how it ended."""
    task = json.dumps({"name": name, "arguments": arguments, "limits": limits}) + "\n"
    done = subprocess.run(_WORKER, input=task, env=environment(), capture_output=True, text=True, timeout=60)
    return [json.loads(line) for line in done.stdout.splitlines()], done.returncode


def _make(source: Path, target: Path, most: Most = _WHOLE, **limits: int) -> tuple[list[dict[str, Any]], int]:
    info = probe(source)
    arguments = {
        "source": str(source),
        "target": str(target),
        "video": to_json(info.video),
        "plan": to_json(plan(info)),
        "preset": "veryfast",
        "crf": 20,
        "cut": not info.simple_edits,
        "most": to_json(most),
    }
    return _run("make", arguments, **limits)


def test_without_a_task_it_ends_without_a_word() -> None:
    """Whoever started it was ended meanwhile."""
    done = subprocess.run(_WORKER, input="", env=environment(), capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_probe_tells_what_there_is_and_what_will_be_done(clips: Clips) -> None:
    (line,), code = _run("probe", {"path": str(clips.conforming())}, memory=3072 * _MIB, cpu_seconds=30)
    assert code == 0
    info = from_json(MediaInfo, line["result"]["info"])
    assert info == probe(clips.conforming())
    assert from_json(Plan, line["result"]["plan"]) == plan(info)


@pytest.mark.parametrize(
    ("codec", "kind", "action"),
    [("h264", "mkv", Action.REMUX), ("h264", "avi", Action.REMUX), ("vp9", "webm", Action.TRANSCODE),
     ("mpeg4", "avi", Action.TRANSCODE)],
)  # fmt: skip
def test_make_ends_with_a_conforming_stream(
    clips: Clips, tmp_path: Path, codec: str, kind: str, action: Action
) -> None:
    source = clips.encoded(f"worker-{codec}.{kind}", "-bf 2" if codec == "mpeg4" else "", codec=codec)
    assert plan(probe(source)).action is action
    lines, code = _make(source, tmp_path / "made.mp4")
    assert code == 0
    made = from_json(Made, lines[-1]["result"]["parts"][0])
    assert Path(made.path) == tmp_path / "made.mp4"
    assert made.size == Path(made.path).stat().st_size
    assert made.video == probe(Path(made.path)).video
    assert plan(probe(Path(made.path))).action is Action.WRAP
    assert bool(made.pictures) == (action is Action.REMUX)
    assert frame_times(Path(made.path)) == [k * Fraction(1001, 30000) for k in range(30)]
    assert [path.name for path in tmp_path.iterdir()] == ["made.mp4"]
    if action is Action.REMUX:
        assert frame_md5s(source) == frame_md5s(Path(made.path))


def test_progress_comes_before_the_result(clips: Clips, tmp_path: Path) -> None:
    lines, _ = _make(clips.video("vp9", "webm"), tmp_path / "made.mp4")
    told = [from_json(Progress, line["progress"]) for line in lines[:-1]]
    parts = [one.part for one in told]
    assert parts == sorted(parts)
    assert all(0 <= part <= 1 for part in parts)
    assert list(dict.fromkeys(one.stage for one in told)) == ["transcode"], "it was written once more"
    assert {one.total for one in told} == {30}
    assert max(one.frames for one in told if one.stage == "transcode") == 30
    assert "result" in lines[-1]


def test_thumbnail(clips: Clips, tmp_path: Path) -> None:
    film, poster = clips.starts_black(), tmp_path / "poster.jpg"
    spans = [to_json(Span(0, film.stat().st_size))]
    lines, _ = _run("thumbnail", {"path": str(film), "spans": spans, "target": str(poster), "width": 160})
    assert lines == [{"result": {}}]
    assert poster.stat().st_size > 1000


def test_a_refusal_is_told_by_class_and_sentence(clips: Clips) -> None:
    (line,), code = _run("probe", {"path": str(clips.text())})
    assert code == 0
    assert line["error"] == "NotVideo"
    assert line["sentence"].startswith("The file is a text")


def test_trouble_with_files_passes(tmp_path: Path) -> None:
    (line,), _ = _run("probe", {"path": str(tmp_path / "nothing")})
    assert line["error"] == "Busy"
    assert str(tmp_path) not in line["sentence"]


@pytest.mark.parametrize(("codec", "kind"), [("h264", "mkv"), ("vp9", "webm")])
def test_a_result_over_the_limit_on_size_is_too_large(clips: Clips, tmp_path: Path, codec: str, kind: str) -> None:
    lines, _ = _make(clips.video(codec, kind), tmp_path / "made.mp4", file_size=4096)
    assert lines[-1].get("error") == "TooLarge", lines[-1]


def test_more_memory_than_allowed_ends_it_with_an_answer(clips: Clips) -> None:
    """Pictures of 8000 × 8000 in a process that may not have room for one."""
    big = clips.encoded("big.avi", codec="mjpeg", source="color=s=8000x8000:r=25:d=0.04")
    (line,), _ = _run("probe", {"path": str(big)})
    assert line["result"]["info"]["video"]["width"] == 8000
    lines, code = _run("probe", {"path": str(big)}, memory=address_space_at_start() + 30 * _MIB)
    assert (code != 0 and lines == []) or lines[-1]["error"] == "BrokenVideo"


def test_more_processor_time_than_allowed_ends_it(clips: Clips, tmp_path: Path) -> None:
    long = clips.encoded("long.webm", codec="vp9", source="testsrc2=s=320x240:r=60:d=10")
    info = probe(long)
    arguments = {"source": str(long), "target": str(tmp_path / "m.mp4"), "video": to_json(info.video),
                 "plan": to_json(plan(info)), "preset": "veryslow", "crf": 1, "most": to_json(_WHOLE)}  # fmt: skip
    lines, code = _run("make", arguments, cpu_seconds=1)
    assert "result" not in (lines[-1] if lines else {})
    assert code == -signal.SIGXCPU or lines[-1]["error"] == "WorkerFailed"


def test_it_and_its_ffmpeg_end_with_their_parent(clips: Clips, tmp_path: Path) -> None:
    """Even SIGKILL of the parent leaves nothing behind."""
    long = clips.encoded("hour.webm", "-g 1000", codec="vp8", source="testsrc2=s=320x240:r=60:d=20")
    info = probe(long)
    arguments = {"source": str(long), "target": str(tmp_path / "m.mp4"), "video": to_json(info.video),
                 "plan": to_json(plan(info)), "preset": "veryslow", "crf": 1, "most": to_json(_WHOLE)}  # fmt: skip
    task = json.dumps({"name": "make", "arguments": arguments, "limits": {}})
    script = (
        "import subprocess, sys\n"
        f"worker = subprocess.Popen({_WORKER!r}, stdin=subprocess.PIPE, text=True)\n"
        f"worker.stdin.write({task + chr(10)!r}); worker.stdin.flush()\n"
        "print(worker.pid, flush=True); worker.wait()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], env=environment(), stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        worker = int(parent.stdout.readline())
        assert "progress" in parent.stdout.readline()  # the worker's: ffmpeg is at work
        (ffmpeg,) = children(worker)
        parent.kill()
    await_end(worker)
    await_end(ffmpeg)
