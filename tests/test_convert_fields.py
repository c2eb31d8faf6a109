"""Videos of coded fields become objects whose frames are whole, and ``check`` knows when another's are not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.encaps import encapsulate, get_frame

import fields
from oracles import complaints, frame_md5s

_COMMAND = [sys.executable, "-m", "orthanc_video"]


def _run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*_COMMAND, *map(str, arguments)], capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("kind", ["ts", "mp4"])
def test_the_object_counts_frames_and_not_fields(tmp_path: Path, kind: str) -> None:
    source, target = tmp_path / f"film.{kind}", tmp_path / "out.dcm"
    fields.written(source, fields.film(["pair", "pair", "frame", "pair"] * 6, reordered=True), apart=True)
    done = _run("convert", source, target)
    assert (done.returncode, done.stderr) == (0, "")
    dataset = dcmread(target)
    assert (dataset.NumberOfFrames, dataset.FrameTime, dataset.CineRate) == (24, 40, 25)
    assert complaints(target) == []
    assert _run("check", target).stdout == f"{target}: nothing found\n"
    stream = tmp_path / "stream.mp4"
    stream.write_bytes(get_frame(dataset.PixelData, 0, number_of_frames=1))
    assert frame_md5s(stream) == frame_md5s(source)
    dataset.NumberOfFrames = 42  # fields and frames, each counted as one
    dataset.save_as(target)
    checked = _run("check", target)
    assert checked.returncode == 1
    assert "frame-count: NumberOfFrames is 42, but the stream has 24." in checked.stdout


def test_another_writer_may_store_fields_as_samples(tmp_path: Path) -> None:
    """Fields in samples of their own are frames all the same."""
    film = fields.film(["pair"] * 24)
    whole, apart = (
        fields.written(tmp_path / f"{name}.mp4", film, apart=name == "apart") for name in ("whole", "apart")
    )
    target = tmp_path / "out.dcm"
    assert _run("convert", whole, target).returncode == 0
    dataset = dcmread(target)
    stream = apart.read_bytes()
    dataset.PixelData = encapsulate([stream + bytes(len(stream) % 2)], has_bot=False)
    dataset.save_as(target)
    assert _run("check", target).stdout == f"{target}: nothing found\n"
    dataset.NumberOfFrames, dataset.FrameTime, dataset.CineRate = 48, 20, 50
    dataset.save_as(target)
    said = _run("check", target).stdout
    assert "NumberOfFrames is 48, but the stream has 24." in said
    assert "FrameTime is 20 ms, but the stream's frames last 40 ms." in said
