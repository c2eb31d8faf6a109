"""``orthanc-video convert`` and ``probe`` as a person runs them: with no server."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.encaps import get_frame

from clips import Clips, picture_source
from oracles import complaints, frame_md5s

_COMMAND = [sys.executable, "-m", "orthanc_video"]


def _run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*_COMMAND, *map(str, arguments)], capture_output=True, text=True, timeout=120)


def _stream(path: Path, target: Path) -> Path:
    """What a player would get out of the object."""
    target.write_bytes(get_frame(dcmread(path).PixelData, 0, number_of_frames=1))
    return target


_LADDER: dict[str, Callable[[Clips], Path]] = {
    "wrap": Clips.conforming,
    "remux": Clips.fragmented,
    "transcode": Clips.recorder_webm,
}


@pytest.mark.parametrize("action", _LADDER)
def test_a_video_becomes_a_dicom_file(clips: Clips, tmp_path: Path, action: str) -> None:
    source, target = _LADDER[action](clips), tmp_path / "out.dcm"
    done = _run("convert", source, target, "--sop-class", "endoscopic", "-a", "PatientID=4711",
                "-a", "PatientName=Müller^Jörg", "--attribute", "StudyDescription=a = b")  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == f"{action}: {target}"
    dataset = dcmread(target, stop_before_pixels=True)
    assert (dataset.PatientID, str(dataset.PatientName), dataset.StudyDescription) == ("4711", "Müller^Jörg", "a = b")
    assert (dataset.Modality, dataset.NumberOfFrames) == ("ES", len(frame_md5s(source)))
    assert complaints(target) == []
    assert len(frame_md5s(_stream(target, tmp_path / "stream.mp4"))) == dataset.NumberOfFrames
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.dcm", "stream.mp4"]


def test_a_profile_is_applied(clips: Clips, tmp_path: Path) -> None:
    target = tmp_path / "out.dcm"
    assert _run("convert", clips.conforming(), target, "-a", "Profile=dermatology").returncode == 0
    dataset = dcmread(target, stop_before_pixels=True)
    assert dataset.Modality == "XC"
    assert dataset.AnatomicRegionSequence[0].CodeMeaning == "Skin"
    assert complaints(target) == []


@pytest.mark.parametrize(
    ("given", "words"),
    [("Profile=cooking", "is none of: dermatology"), ("ParentStudy=1.2.3", "send the video to its gateway")],
)
def test_what_cannot_be_without_a_server_is_said(clips: Clips, tmp_path: Path, given: str, words: str) -> None:
    done = _run("convert", clips.conforming(), tmp_path / "out.dcm", "-a", given)
    assert (done.returncode, words in done.stderr) == (1, True), done.stderr
    assert not (tmp_path / "out.dcm").exists()


def test_a_video_is_never_replaced_by_its_object(clips: Clips, tmp_path: Path) -> None:
    source = tmp_path / "film.mp4"
    source.write_bytes(clips.conforming().read_bytes())
    (tmp_path / "link.dcm").symlink_to(source)
    for target in (source, tmp_path / "link.dcm", tmp_path / "." / "film.mp4"):
        done = _run("convert", source, target)
        assert (done.returncode, "is the video itself" in done.stderr) == (1, True)
    assert source.read_bytes() == clips.conforming().read_bytes()


def test_only_a_file_is_written(clips: Clips, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for target in (tmp_path / "pipe", tmp_path, tmp_path / "nowhere" / "out.dcm", Path("/proc/out.dcm")):
        done = _run("convert", clips.conforming(), target)
        assert (done.returncode, done.stdout) == (1, "")
        assert len(done.stderr.splitlines()) == 1
        assert "cannot be written" in done.stderr
    assert (tmp_path / "pipe").is_fifo()


def test_a_link_is_followed(clips: Clips, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link.dcm").symlink_to(tmp_path / "real" / "out.dcm")
    assert _run("convert", clips.conforming(), tmp_path / "link.dcm").returncode == 0
    assert (tmp_path / "link.dcm").is_symlink()
    assert complaints(tmp_path / "real" / "out.dcm") == []


def test_pictures_that_conform_are_not_touched(clips: Clips, tmp_path: Path) -> None:
    _run("convert", clips.conforming(), tmp_path / "out.dcm")
    assert clips.conforming().read_bytes() in (tmp_path / "out.dcm").read_bytes()


def test_why_a_film_stays_longer_than_it_should_is_told(clips: Clips, tmp_path: Path) -> None:
    source = clips.encoded("open.mpg", "-g 12 -bf 2", codec="mpeg2", source=picture_source(seconds=4, size="352x288"))
    done = _run("convert", source, tmp_path / "out.dcm", "--instance-minutes", "0.02")
    assert "of the pictures have no place to cut at (open groups of pictures" in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["out.dcm"]


def test_the_same_video_is_the_same_instance(clips: Clips, tmp_path: Path) -> None:
    uids = set()
    for name in ("one.dcm", "two.dcm"):
        assert _run("convert", clips.conforming(), tmp_path / name).returncode == 0
        uids.add(dcmread(tmp_path / name, stop_before_pixels=True).SOPInstanceUID)
    assert len(uids) == 1


def test_names_that_look_like_options_and_paths_with_spaces(clips: Clips, tmp_path: Path) -> None:
    source = tmp_path / "a video %d 'x': Größe.webm"
    source.write_bytes(clips.video("vp9", "webm").read_bytes())
    done = _run("convert", source, tmp_path / "an object.dcm")
    assert done.returncode == 0, done.stderr
    told = dcmread(tmp_path / "an object.dcm", stop_before_pixels=True).ContributingEquipmentSequence[0]
    assert source.name in told.ContributionDescription


_REFUSED: dict[str, tuple[Callable[[Clips], Path], str]] = {
    "text": (Clips.text, "text"),
    "PDF": (Clips.pdf, "PDF"),
    "JPEG": (Clips.jpeg, "JPEG"),
    "sound": (Clips.sound_only, "sound only"),
    "truncated": (lambda clips: clips.truncated(clips.index_at_end(), 50), "truncated"),
    "encrypted": (Clips.encrypted, "encrypted"),
    "no frames": (Clips.zero_samples, "no frames"),
    "missing": (lambda _: Path("/nowhere/film.mp4"), "is not a file"),
    "a folder": (lambda _: Path("/tmp"), "is not a file"),  # noqa: S108
}


@pytest.mark.parametrize(("command", "name"), [*(("convert", name) for name in _REFUSED), ("probe", "truncated")])
def test_a_refusal_is_one_sentence_and_exit_code_1(clips: Clips, tmp_path: Path, command: str, name: str) -> None:
    make, words = _REFUSED[name]
    done = _run(command, make(clips), *([tmp_path / "out.dcm"] if command == "convert" else []))
    assert done.returncode == 1
    assert words in done.stderr
    assert "film.mp4: " not in done.stderr  # a sentence that names the file is not given its name once more
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("attribute", "words"),
    [
        ("PatientID", "KEYWORD=VALUE"),
        ("PatientNmae=x", "no DICOM keyword"),
        ("PatientBirthDate=1.1.1970", "no legal DA"),
        ("SOPInstanceUID=1.2.3", "cannot be set"),
    ],
)
def test_a_wrong_attribute_is_named(clips: Clips, tmp_path: Path, attribute: str, words: str) -> None:
    done = _run("convert", clips.conforming(), tmp_path / "out.dcm", "-a", attribute)
    assert done.returncode == 1
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_what_would_not_conform_is_not_written(clips: Clips, tmp_path: Path) -> None:
    same = "1.2.3.4"
    done = _run("convert", clips.conforming(), tmp_path / "out.dcm",
                "-a", f"StudyInstanceUID={same}", "-a", f"SeriesInstanceUID={same}")  # fmt: skip
    assert done.returncode == 1
    assert "Study, series and instance share a UID. (PS3.5 9)" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_target_that_cannot_be_written_is_one_sentence(clips: Clips, tmp_path: Path) -> None:
    for target in (tmp_path / "none" / "out.dcm", tmp_path):
        done = _run("convert", clips.conforming(), target)
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        assert len(done.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_class_and_no_command_are_usage_errors(clips: Clips, tmp_path: Path) -> None:
    wrong = _run("convert", clips.conforming(), tmp_path / "out.dcm", "--sop-class", "surgical")
    assert wrong.returncode == 2
    assert "endoscopic" in wrong.stderr
    assert _run().returncode == 2


def test_a_transfer_syntax_is_asked_for(clips: Clips, tmp_path: Path) -> None:
    source = clips.conforming(rate="24", size="1280x720")
    for name, uid in (("MPEG4HP41BD", "103"), ("1.2.840.10008.1.2.4.104", "104"), ("", "102")):
        done = _run("convert", source, tmp_path / "out.dcm", "--transfer-syntax", name)
        assert (done.returncode, done.stderr) == (0, "")
        found = dcmread(tmp_path / "out.dcm", stop_before_pixels=True)
        assert found.file_meta.TransferSyntaxUID == f"1.2.840.10008.1.2.4.{uid}"
        assert complaints(tmp_path / "out.dcm") == []


@pytest.mark.parametrize(
    ("name", "words"),
    [("MPEG4HP41BD", "none of the formats of"), ("HEVCM10P51", "no SOP class"), ("MPEG4", "is none of: MPEG2MPML")],
)
def test_a_transfer_syntax_is_asked_for_in_vain(clips: Clips, tmp_path: Path, name: str, words: str) -> None:
    done = _run("convert", clips.conforming(), tmp_path / "out.dcm", "--transfer-syntax", name)
    assert (done.returncode, done.stdout, list(tmp_path.iterdir())) == (1, "", [])
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_an_older_result_stays_when_the_new_one_fails(clips: Clips, tmp_path: Path) -> None:
    target = tmp_path / "out.dcm"
    target.write_bytes(b"older")
    assert _run("convert", clips.encrypted(), target).returncode == 1
    assert target.read_bytes() == b"older"


def _at_a_terminal(*arguments: str | Path) -> tuple[str, str]:
    """What the command writes to a terminal on stderr, and to a pipe on stdout."""
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    command = [*_COMMAND, *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=theirs, text=True) as process:
        os.close(theirs)
        shown = b""
        with contextlib.suppress(OSError):  # Linux: the terminal's other end was closed
            while block := os.read(ours, 4096):
                shown += block
        os.close(ours)
        assert process.stdout is not None
        told = process.stdout.read()
    assert process.returncode == 0, shown
    return shown.decode(), told


def test_a_person_at_a_terminal_sees_how_far_it_is(clips: Clips, tmp_path: Path) -> None:
    arguments = "-deadline realtime -cpu-used 16 -b:v 8M"
    source = clips.encoded("terminal.webm", arguments, codec="vp8", source="testsrc2=s=1280x720:r=25:d=16")
    shown, told = _at_a_terminal("convert", source, tmp_path / "out.dcm")
    assert told.splitlines()[-1] == f"transcode: {tmp_path / 'out.dcm'}"
    looks = [look for look in shown.split("\r") if "%" in look]
    found = [re.match(r"(converting|repacking|checking) +(\d+) % \|[^|]*\|(.*)", look) for look in looks]
    assert all(found), looks
    parts = [int(one[2]) for one in found if one]
    assert parts == sorted(parts)
    assert any(10 < part < 90 for part in parts)
    paces = [one[3] for one in found if one and one[3].strip()]
    assert paces
    assert all(re.fullmatch(r", [\d.]+ fps, \d\d:\d\d left\s*", pace) for pace in paces), paces
    assert max(map(len, looks)) <= 100
    # The bar makes room for what is said afterwards.
    assert shown.rsplit("\r", 2)[-2].strip() == ""
    assert shown.endswith("\r")


def test_probe_prints_what_there_is_and_why(clips: Clips) -> None:
    done = _run("probe", clips.recorder_webm())
    assert done.returncode == 0
    told = json.loads(done.stdout)
    assert told["info"]["video"]["codec"] == "vp8"
    assert told["plan"]["action"] == "transcode"
    assert any("vp8" in reason for reason in told["plan"]["reasons"])


def _peak_memory(source: Path, target: Path) -> int:
    """The most memory, in bytes, that the command or any process of its had at once."""
    command = [*_COMMAND, "convert", str(source), str(target)]
    process = os.posix_spawn(command[0], command, os.environ)
    _, status, usage = os.wait4(process, 0)
    assert status == 0
    return usage.ru_maxrss * 1024


def test_a_large_file_takes_no_more_memory_than_a_small_one(clips: Clips, tmp_path: Path) -> None:
    size = 1 << 30
    small = _peak_memory(clips.conforming(), tmp_path / "small.dcm")
    large = _peak_memory(clips.long_gap(size), tmp_path / "large.dcm")
    assert (tmp_path / "large.dcm").stat().st_size > size
    assert large - small < 32 << 20
    (tmp_path / "large.dcm").unlink()
