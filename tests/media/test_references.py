"""An upload that names another file or an address gets at neither: a watched file, and a port that is listened to."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import hostile
from clips import Clips
from deeds import in_process
from orthanc_video.errors import BrokenVideo, NotVideo
from orthanc_video.jobs import processes
from orthanc_video.jobs.processes import Limits, MediaProcess
from references import Canary, canary, references

_LIMITS = Limits(seconds=30, memory=3 << 30)

# Left to itself, FFmpeg follows these (and the network forms of the playlists).
_FOLLOWED = {
    "HLS playlist to a file", "HLS playlist to a network", "concat list to a file", "concat list to a network",
    "DASH manifest to a network", "MOV data reference alis to a file",
}  # fmt: skip


@pytest.fixture(scope="module")
def bird(tmp_path_factory: pytest.TempPathFactory, clips: Clips) -> Iterator[Canary]:
    film = tmp_path_factory.mktemp("canary") / "canary.mp4"
    film.write_bytes(clips.conforming().read_bytes())
    with canary(film) as watched:
        yield watched
    processes.close()


@pytest.fixture(scope="module")
def uploads(bird: Canary, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("hostile")
    return {one.name: one.data for one in references(bird, hostile.clips(folder))}


def test_ffmpeg_by_itself_would_follow_them(bird: Canary, uploads: dict[str, bytes], tmp_path: Path) -> None:
    """So the canary sings when it is touched, and the files are what they are said to be."""
    assert uploads.keys() >= _FOLLOWED
    followed = set()
    for name in _FOLLOWED:
        path = tmp_path / "upload"
        path.write_bytes(uploads[name])
        options = ["-protocol_whitelist", "file,http,tcp,crypto,data"]
        options += ["-safe", "0"] if "concat" in name else []
        options += ["-allowed_extensions", "ALL"] if "HLS" in name else []
        options += ["-enable_drefs", "1", "-use_absolute_path", "1"] if "MOV" in name else []
        command = [
            "ffmpeg",
            "-nostdin",
            "-v",
            "error",
            "-rw_timeout",
            "200000",
            *options,
            "-i",
            str(path),
            "-f",
            "null",
            "-",
        ]
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        try:
            process.wait(1)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if bird.touched():
            followed.add(name)
    assert followed == _FOLLOWED


def test_a_media_process_reads_the_upload_alone(bird: Canary, uploads: dict[str, bytes], tmp_path: Path) -> None:
    bird.touched()
    told = []
    for name, data in uploads.items():
        path = tmp_path / "source"
        path.write_bytes(data)
        try:
            told.append(str(MediaProcess().run("probe", {"path": str(path)}, _LIMITS)))
        except (NotVideo, BrokenVideo) as refusal:
            told.append(refusal.sentence)
        assert bird.touched() == [], name
    assert len(told) > 100
    assert [words for words in told if bird.file.name in words or bird.address in words] == []


@pytest.mark.parametrize("where", ["file", "network"])
def test_ffmpeg_inside_the_sandbox_cannot_even_when_told_to(
    bird: Canary, uploads: dict[str, bytes], tmp_path: Path, where: str
) -> None:
    """The second line: were the list of demuxers and protocols wrong, the kernel would still say no."""
    path = tmp_path / "source"
    path.write_bytes(uploads[f"concat list to a {where}"])
    bird.touched()
    options = ["-protocol_whitelist", "file,http,tcp", "-safe", "0", "-f", "concat"]
    command = ["ffmpeg", "-nostdin", "-v", "error", *options, "-i", str(path), "-f", "null", "-"]
    deed = f"subprocess.run({command}, preexec_fn=sandbox.before_program, stderr=subprocess.DEVNULL, timeout=2)"
    in_process([deed], None)
    assert bird.touched() == [where]
    _, outcomes = in_process([deed], {"read": [str(path)], "program": shutil.which("ffmpeg")})
    assert outcomes == ["done"]
    assert bird.touched() == []
