"""``orthanc-video check`` as a person and as a program run it."""

from __future__ import annotations

import json
import resource
import struct
import subprocess
import sys
from pathlib import Path

from pydicom import dcmwrite
from pydicom.dataset import FileMetaDataset
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, ImplicitVRLittleEndian

from clips import Clips
from dicom.films import IMPLICIT, attributes, fragmented, native
from dicom.objects import item
from dicom.planting import described, even, header, pixel_data
from orthanc_video.dicom.syntaxes import H264_HIGH_41

_COMMAND = [sys.executable, "-m", "orthanc_video", "check"]
_GRAY = bytes(range(8)) * 3


def _run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*_COMMAND, *map(str, arguments)], capture_output=True, text=True, timeout=120)


def _clean(clips: Clips, folder: Path, **more: object) -> Path:
    path = clips.conforming()
    dataset = described(path)
    for keyword, value in more.items():
        setattr(dataset, keyword, value)
    target = folder / f"{'-'.join(more) or 'clean'}.dcm"
    target.write_bytes(header(dataset) + pixel_data([even(path.read_bytes())]))
    return target


def test_a_clean_object_is_exit_code_0(clips: Clips, tmp_path: Path) -> None:
    path = _clean(clips, tmp_path)
    done = _run(path)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{path}: nothing found\n", "")


def test_warnings_alone_are_exit_code_0(clips: Clips, tmp_path: Path) -> None:
    done = _run(_clean(clips, tmp_path, LossyImageCompressionMethod="ISO_10918_1"))
    assert (done.returncode, "1 warning" in done.stdout) == (0, True)


def test_errors_are_exit_code_1_and_say_where_and_what_to_do(clips: Clips, tmp_path: Path) -> None:
    path = _clean(clips, tmp_path, NumberOfFrames=29, LossyImageCompressionMethod="ISO_10918_1")
    done = _run(path, _clean(clips, tmp_path))
    assert (done.returncode, done.stderr) == (1, "")
    lines = done.stdout.splitlines()
    assert lines[0] == f"{path}: 1 error, 1 warning"
    assert lines[1] == "  error    frame-count: NumberOfFrames is 29, but the stream has 30. (PS3.3 C.7.6.6)"
    assert lines[2].strip() == "→ Write the attribute as the stream has it."
    assert lines[3].startswith("  warning  lossy-method: ")
    assert lines[-1].endswith("clean.dcm: nothing found")


def test_programs_get_json(clips: Clips, tmp_path: Path) -> None:
    wrong, missing = _clean(clips, tmp_path, Rows=128), tmp_path / "missing.dcm"
    done = _run("--json", wrong, missing)
    assert done.returncode == 2
    assert json.loads(done.stdout) == [
        {
            "File": str(wrong),
            "Unreadable": "",
            "Findings": [
                {
                    "Severity": "error",
                    "Code": "rows",
                    "Sentence": "Rows is 128, but the stream has 120.",
                    "Section": "PS3.3 C.7.6.3",
                    "Advice": "Write the attribute as the stream has it.",
                }
            ],
        },
        {"File": str(missing), "Unreadable": f"{missing} is not a file.", "Findings": []},
    ]


def _deflated(path: Path) -> Path:
    dataset = attributes()
    dataset.PixelData = _GRAY
    dataset["PixelData"].VR = "OB"
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = UID(DeflatedExplicitVRLittleEndian)
    dcmwrite(path, dataset, enforce_file_format=True)
    return path


def test_what_cannot_be_read_is_exit_code_2_and_a_sentence(clips: Clips, tmp_path: Path) -> None:
    cut = tmp_path / "cut.dcm"
    cut.write_bytes(_clean(clips, tmp_path).read_bytes()[:700])
    still = tmp_path / "still.dcm"
    still.write_bytes(native(_GRAY[:8], attributes(frames=1)))
    empty = tmp_path / "empty.dcm"
    empty.touch()
    words = {
        clips.conforming(): "cannot be read as DICOM",
        cut: "holds no Pixel Data",
        empty: "cannot be read as DICOM",
        _deflated(tmp_path / "deflated.dcm"): "deflated",
        still: "neither a video nor a film",
        tmp_path: "is not a file",
    }
    done = _run(*words)
    assert (done.returncode, done.stderr) == (2, "")
    for line, (path, said) in zip(done.stdout.splitlines(), words.items(), strict=True):
        assert line.startswith(f"{path}: cannot be read. ")
        assert said in line


def test_a_film_of_single_pictures(tmp_path: Path) -> None:
    film, damaged = tmp_path / "film.dcm", tmp_path / "damaged.dcm"
    film.write_bytes(native(_GRAY, attributes(), syntax=IMPLICIT))
    damaged.write_bytes(fragmented([b"\xff\xd8\xff\xc0" + b"no JPEG" * 20] * 3, attributes()))
    assert _run(film).stdout == f"{film}: nothing found\n"
    done = _run(damaged)
    assert done.returncode == 1
    assert "picture: Frame 1 cannot be shown." in done.stdout


def test_a_data_set_of_implicit_vr_under_a_video_transfer_syntax(clips: Clips, tmp_path: Path) -> None:
    """Such a file comes from a writer that changed the label alone."""
    path = clips.conforming()
    dataset = described(path)
    label = dataset.file_meta.TransferSyntaxUID
    dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    element = struct.pack("<HHI", 0x7FE0, 0x0010, 0xFFFFFFFF)
    data = header(dataset) + pixel_data([even(path.read_bytes())], element=element)
    wrong = tmp_path / "implicit.dcm"
    old, new = (struct.pack("<H", len(uid) + len(uid) % 2) + uid.encode() + b"\0" * (len(uid) % 2)
                for uid in (ImplicitVRLittleEndian, label))  # fmt: skip
    grown = len(new) - len(old)
    data = data.replace(old, new, 1)
    length = struct.unpack_from("<I", data, 140)[0]
    wrong.write_bytes(data[:140] + struct.pack("<I", length + grown) + data[144:])
    done = _run("--json", wrong)
    (judged,) = json.loads(done.stdout)
    assert (judged["Unreadable"], done.stderr) == ("", "")
    assert [one["Code"] for one in judged["Findings"]] == ["encoding"]


def test_gigabytes_are_judged_in_constant_memory(clips: Clips, tmp_path: Path) -> None:
    """A film of 3 GiB, nearly all of them a hole on disk, in two fragments of a fragmentable twin."""
    size = 3 << 30
    film = clips.conforming().read_bytes()
    dataset = described(clips.conforming(), f"{H264_HIGH_41}.1")
    dataset.LossyImageCompressionRatio = "0.001"
    stream = film + struct.pack(">I4sQ", 1, b"free", size - len(film))
    path = tmp_path / "long.dcm"
    first = 1 << 30
    head = header(dataset) + pixel_data([])[:-8] + item(first)
    with path.open("wb") as file:
        file.write(head + stream)
        file.seek(len(head) + first)
        file.write(item(size - first))
        file.seek(len(head) + size + 8)
        file.write(item(0, 0xE0DD))
    limit = 1 << 30

    def bounded() -> None:
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))

    done = subprocess.run([*_COMMAND, "--json", path], capture_output=True, text=True, timeout=120, preexec_fn=bounded)
    assert [one["Code"] for one in json.loads(done.stdout)[0]["Findings"]] == []
    assert done.returncode == 0
