"""``orthanc-video still``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread

from clips import Clips
from oracles import decoded, psnr

_COMMAND = [sys.executable, "-m", "orthanc_video"]


def _run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*_COMMAND, *map(str, arguments)], capture_output=True, text=True, timeout=120)


@pytest.fixture(scope="module")
def dicom(clips: Clips, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("still") / "in.dcm"
    assert _run("convert", clips.conforming(), target, "--sop-class", "microscopic").returncode == 0
    return target


@pytest.mark.parametrize("kind", ["png", "jpg"])
def test_pictures_of_a_video_file(clips: Clips, tmp_path: Path, kind: str) -> None:
    done = _run("still", clips.conforming(), tmp_path / f"{{}}.{kind}", "--at", "frame:21", "--at", "0.1")
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.partition(":")[0] for line in done.stdout.splitlines()] == ["frame 3", "frame 21"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"000003.{kind}", f"000021.{kind}"]
    expected = decoded(clips.conforming(), 160, 120)
    for number in (3, 21):
        found = np.asarray(Image.open(tmp_path / f"{number:06}.{kind}"))
        distances = [psnr(found, one) for one in expected]
        assert int(np.argmax(distances)) == number - 1


def test_quality_is_of_jpeg(clips: Clips, tmp_path: Path) -> None:
    for quality in ("5", "95"):
        name = tmp_path / f"{quality}.jpg"
        assert _run("still", clips.conforming(), name, "--at", "frame:1", "--quality", quality).returncode == 0
    assert (tmp_path / "5.jpg").stat().st_size < (tmp_path / "95.jpg").stat().st_size


def test_objects_of_a_dicom_video(dicom: Path, tmp_path: Path) -> None:
    done = _run("still", dicom, tmp_path / "out.dcm", "--at", "frame:7")
    assert (done.returncode, done.stdout) == (0, f"frame 7: {tmp_path / 'out.dcm'}\n")
    said = dcmread(tmp_path / "out.dcm")
    assert said.SOPClassUID.name == "VL Microscopic Image Storage"
    assert said.SourceImageSequence[0].ReferencedFrameNumber == 7
    done = _run("still", dicom, tmp_path / "jpeg.dcm", "--at", "frame:7", "--as", "endoscopic", "--quality", "80")
    assert done.returncode == 0, done.stderr
    said = dcmread(tmp_path / "jpeg.dcm")
    assert said.SOPClassUID.name == "VL Endoscopic Image Storage"
    assert said.file_meta.TransferSyntaxUID.name.startswith("JPEG Baseline")


@pytest.mark.parametrize(
    ("target", "at", "sentence"),
    [
        ("a.png", ["frame:31"], "there is no frame 31"),
        ("a.png", ["2"], "ends at 1.001 s"),
        ("a.png", ["soon"], "no moment"),
        ("a.png", ["frame:1", "frame:2"], '"{}"'),
        ("a.tif", ["frame:1"], "names no kind of picture"),
        ("a.dcm", ["frame:1"], "is no DICOM file"),
        ("no/folder/a.png", ["frame:1"], "folder that exists"),
    ],
)
def test_what_is_refused_leaves_nothing(
    clips: Clips, tmp_path: Path, target: str, at: list[str], sentence: str
) -> None:
    done = _run("still", clips.conforming(), tmp_path / target, *(part for one in at for part in ("--at", one)))
    assert (done.returncode, done.stdout) == (1, "")
    assert sentence in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_video_itself_is_never_replaced(dicom: Path) -> None:
    source = dicom.with_name("000007.dcm")
    source.write_bytes(dicom.read_bytes())
    done = _run("still", source, source.with_name("{}.dcm"), "--at", "frame:7")
    assert done.returncode == 1
    assert "is the video itself" in done.stderr
    assert source.read_bytes() == dicom.read_bytes()
