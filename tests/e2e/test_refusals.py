"""What cannot be taken: its status, a sentence, nothing left behind, everybody alive."""

from __future__ import annotations

import gzip
import json
import os
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import requests

from e2e.films import Films, ffmpeg
from e2e.orthanc_server import OrthancServer


def text(_: Films, folder: Path) -> Path:
    return _file(folder, b"Dear patient, here is your letter.\n" * 50)


def pdf(_: Films, folder: Path) -> Path:
    return _file(folder, b"%PDF-1.7\n" + os.urandom(4000))


def jpeg(_: Films, folder: Path) -> Path:
    path = folder / "still.jpg"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x64", "-frames:v", "1", str(path))
    return path


def noise(_: Films, folder: Path) -> Path:
    return _file(folder, b"\x99" + os.urandom(100_000))


def audio_only(_: Films, folder: Path) -> Path:
    path = folder / "voice.mp4"
    ffmpeg("-f", "lavfi", "-i", "sine=d=1", "-c:a", "aac", str(path))
    return path


def truncated(films: Films, folder: Path) -> Path:
    return _file(folder, films.source("h264.mp4").read_bytes()[:-20_000])


def cut_off_index(films: Films, folder: Path) -> Path:
    return _file(folder, films.source("index-at-end.mp4").read_bytes()[:-200])


def truncated_matroska(films: Films, folder: Path) -> Path:
    return _file(folder, films.source("h264.mkv").read_bytes()[:-20_000])


def zero_frames(films: Films, folder: Path) -> Path:
    path = folder / "none.mp4"
    ffmpeg("-i", str(films.source("h264.mp4")), "-c", "copy", "-frames:v", "0", "-f", "mp4", str(path))
    return path


def moov_beyond_the_file(films: Films, folder: Path) -> Path:
    data = bytearray(films.source("h264.mp4").read_bytes())
    at = data.index(b"moov") - 4
    data[at : at + 4] = struct.pack(">I", 0x7FFFFFFF)
    return _file(folder, bytes(data))


def absurd_dimensions(_: Films, folder: Path) -> Path:
    """An AVI whose headers claim 100,000 × 100,000 pixels, of a codec that has no size of its own."""
    path = folder / "wide.avi"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=320x240:d=1", "-c:v", "huffyuv", str(path))
    size, claim = struct.pack("<II", 320, 240), struct.pack("<II", 100_000, 100_000)
    data = path.read_bytes()
    assert data.count(size, 0, 400) == 2
    return _file(folder, data.replace(size, claim))


def encrypted(films: Films, folder: Path) -> Path:
    path = folder / "drm.mp4"
    key = "00112233445566778899aabbccddeeff"
    scheme = ["-encryption_scheme", "cenc-aes-ctr", "-encryption_key", key, "-encryption_kid", key]
    ffmpeg("-i", str(films.source("h264.mp4")), "-c", "copy", *scheme, str(path))
    return path


def lying_about_its_codec(films: Films, folder: Path) -> Path:
    """The container says H.264; the frames are noise."""
    data = bytearray(films.source("h264.mp4").read_bytes())
    at = data.index(b"mdat") + 4
    data[at:] = os.urandom(len(data) - at)
    return _file(folder, bytes(data))


def _file(folder: Path, data: bytes) -> Path:
    path = folder / "upload.bin"
    path.write_bytes(data)
    return path


CASES = [
    (text, 415, "text"),
    (pdf, 415, "PDF"),
    (jpeg, 415, "JPEG"),
    (noise, 415, "recognised"),
    (audio_only, 415, "sound only"),
    (truncated, 422, "truncated"),
    (cut_off_index, 422, "truncated"),
    (truncated_matroska, 422, "truncated"),
    (zero_frames, 422, "frames"),
    (moov_beyond_the_file, 422, "truncated"),
    (absurd_dimensions, 422, "100000 × 100000"),
    (encrypted, 422, "encrypted"),
    (lying_about_its_codec, 422, "header claims"),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OrthancServer]:
    """Of these tests alone: they look whether anything is left of an upload, and others leave theirs unfinished."""
    with OrthancServer(tmp_path_factory.mktemp("refusing")) as running:
        yield running


@pytest.mark.parametrize(("make", "status", "words"), CASES, ids=[case[0].__name__ for case in CASES])
def test_refused_with_a_sentence(
    server: OrthancServer, films: Films, tmp_path: Path, make: Any, status: int, words: str
) -> None:
    path = make(films, tmp_path)
    before = requests.get(f"{server.url}/statistics", timeout=10).json()
    for base in (server.gateway_url, server.url):
        answer = requests.post(f"{base}/instances", data=path.read_bytes(), timeout=60)
        body = answer.json()
        assert answer.status_code == status, body
        assert words in body["detail"]
        assert body["Message"] == body["detail"]
        assert body["HttpStatus"] == status
        if status in {415, 422}:
            assert "send" in body["detail"].lower(), "what to do is not said"
    assert requests.get(f"{server.url}/statistics", timeout=10).json() == before
    assert_spool_is_empty(server)


def assert_spool_is_empty(server: OrthancServer) -> None:
    deadline = time.monotonic() + 10
    spool = server.storage / "video-gateway" / "spool"
    while left := list(spool.iterdir()):
        assert time.monotonic() < deadline, left
        time.sleep(0.05)


def test_a_refusal_names_the_file(server: OrthancServer, films: Films, tmp_path: Path) -> None:
    broken, letter = truncated(films, tmp_path).read_bytes(), b"Dear patient\n" * 20
    files = [("file", ("Gastroscopy.mp4", broken)), ("file", ("letter.txt", letter))]
    answers = requests.post(f"{server.gateway_url}/instances", files=files, timeout=30).json()
    assert [answer["Message"].partition(": ")[0] for answer in answers] == ["Gastroscopy.mp4", "letter.txt"]
    alone = requests.post(f"{server.url}/instances", files=files[:1], timeout=30).json()
    assert alone["Details"].startswith("Gastroscopy.mp4: ")
    assert "Gastroscopy" not in requests.get(f"{server.gateway_url}/video/jobs", timeout=10).text
    assert "Gastroscopy" not in server.log


def test_a_form_refused_on_orthancs_port_is_a_failed_job(server: OrthancServer) -> None:
    files = {"file": ("letter.txt", b"Dear patient\n" * 20)}
    requests.post(f"{server.url}/instances", files=files, timeout=30)
    newest = requests.get(f"{server.gateway_url}/video/jobs?limit=1", timeout=10).json()["Jobs"][0]
    assert newest["State"] == "Failure"
    assert "text" in newest["Sentence"]


def test_what_would_not_conform_is_not_stored(server: OrthancServer, films: Films) -> None:
    """One UID for study and series is a request that only the finished object shows to be wrong."""
    before = requests.get(f"{server.url}/statistics", timeout=10).json()["CountInstances"]
    url = f"{server.gateway_url}/video/ingest?StudyInstanceUID=1.2.3.4&SeriesInstanceUID=1.2.3.4"
    refused = requests.post(url, data=films.unique().read_bytes(), timeout=30)
    assert (refused.status_code, refused.json()["title"]) == (422, "Object would not conform")
    assert "Study, series and instance share a UID. (PS3.5 9)" in refused.json()["detail"]
    assert requests.get(f"{server.url}/statistics", timeout=10).json()["CountInstances"] == before


def test_a_gzip_bomb_meets_the_limit(start: Any) -> None:
    server = start({"VideoGateway": {"MaximumUploadMB": 16}})
    bomb = gzip.compress(b"\x00\x00\x00\x18ftypisom" + bytes(200 << 20))
    answer = requests.post(
        f"{server.gateway_url}/instances", data=bomb, headers={"Content-Encoding": "gzip"}, timeout=60
    )
    assert answer.status_code == 413
    assert_spool_is_empty(server)


def test_over_the_limit(start: Any, films: Films) -> None:
    server = start({"VideoGateway": {"MaximumUploadMB": 1}})
    film = films.source("h264.mp4").read_bytes()
    body = film + struct.pack(">I4s", (3 << 20), b"free") + bytes((3 << 20) - 8)

    def endless() -> Iterator[bytes]:
        yield body

    for data in (body, endless()):
        answer = requests.post(f"{server.gateway_url}/instances", data=data, timeout=60)
        assert answer.status_code == 413
        assert "limit of 1 MiB" in answer.json()["detail"]
    assert requests.post(f"{server.url}/instances", data=body, timeout=60).status_code == 413
    assert_spool_is_empty(server)


def test_a_client_that_goes_away(server: OrthancServer, films: Films) -> None:
    film = films.source("h264.mp4").read_bytes()
    connection = socket.create_connection(("127.0.0.1", server.configuration["VideoGateway"]["Port"]))
    head = f"POST /instances HTTP/1.1\r\nHost: x\r\nContent-Length: {len(film)}\r\n\r\n".encode()
    connection.sendall(head + film[: len(film) // 2])
    connection.close()
    assert_spool_is_empty(server)
    assert requests.get(f"{server.gateway_url}/health", timeout=10).ok
    assert "unexpected" not in server.log


def test_a_full_disk(start: Any, films: Films, tmp_path: Path) -> None:
    """The spool on a file system of 3 MiB, made and mounted for this test."""
    disk = tmp_path / "orthanc-0" / "disk"  # below the folder that Orthanc sees in another root, too
    disk.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(disk)], check=True)
    try:
        server = start({"VideoGateway": {"Directory": str(disk), "MinimumFreeDiskMB": 0}})
        film = films.source("h264.mp4").read_bytes()
        body = film + struct.pack(">I4s", (8 << 20), b"free") + bytes((8 << 20) - 8)

        def unannounced() -> Iterator[bytes]:
            yield body

        for data in (body, unannounced()):
            answer = requests.post(f"{server.gateway_url}/instances", data=data, timeout=60)
            assert answer.status_code == 503
            assert int(answer.headers["Retry-After"]) > 0
            assert "disk" in answer.json()["detail"]
        assert not list((disk / "spool").iterdir())
        assert requests.post(f"{server.gateway_url}/instances", data=films.unique().read_bytes(), timeout=60).ok
        server.stop()
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_disk_with_hardly_any_room(start: Any, films: Films, tmp_path: Path) -> None:
    """With room for the upload, but not for its job: whatever cannot be written, the sender may come again."""
    disk = tmp_path / "orthanc-0" / "disk"
    disk.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)], check=True)
    try:
        server = start({"VideoGateway": {"Directory": str(disk), "MinimumFreeDiskMB": 0}})
        filler, sentences = disk / "filler", set()
        size = len(films.unique().read_bytes())
        for slack in range(0, size + (80 << 10), 16 << 10):
            with filler.open("wb", buffering=0) as file, suppress(OSError):
                while file.write(bytes(4096)):
                    pass
            os.truncate(filler, filler.stat().st_size - slack)
            for door in (server.gateway_url, server.url):
                answer = requests.post(f"{door}/instances", data=films.unique().read_bytes(), timeout=60)
                if answer.status_code != 200:
                    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10"), answer.text
                    sentences.add(answer.json()["detail"])
        assert {"disk" in sentence for sentence in sentences} == {True}
        assert any("jobs' database" in sentence for sentence in sentences), sentences
        filler.unlink()
        film = films.unique().read_bytes()
        assert requests.post(f"{server.gateway_url}/instances", data=film, timeout=60).json()["Status"] == "Success"
        server.stop()
        assert not list((disk / "spool").iterdir())
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def test_orthanc_down(start: Any, films: Films, tmp_path: Path) -> None:
    """A gateway that stands alone, its Orthanc away: 503 with Retry-After, and all is well once it is back."""
    server = start({"VideoGateway": {"Launch": False}})
    path = tmp_path / "alone.json"
    path.write_text(json.dumps(server.configuration | {"StorageDirectory": str(server.storage)}), encoding="utf-8")
    command = [sys.executable, "-m", "orthanc_video", "gateway", "--configuration", str(path)]
    gateway = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert gateway.stdout is not None
        assert gateway.stdout.readline().startswith("READY ")
        server.stop()
        film = films.unique().read_bytes()
        answer = requests.post(f"{server.gateway_url}/instances", data=film, timeout=60)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")
        assert "Orthanc does not answer" in answer.json()["detail"]
        server.start()
        assert requests.post(f"{server.gateway_url}/instances", data=film, timeout=60).json()["Status"] == "Success"
    finally:
        gateway.terminate()
        gateway.wait(15)
        if gateway.stdout is not None:
            gateway.stdout.close()


def test_the_gateway_down(start: Any, films: Films) -> None:
    server = start({"VideoGateway": {"Launch": False}})
    answer = requests.post(f"{server.url}/instances", data=films.source("h264.mp4").read_bytes(), timeout=30)
    assert answer.status_code == 503
    assert "gateway" in answer.json()["Message"]
