"""How soon a video plays that browsers cannot play as it is stored: asked for when nobody has asked before."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

from benchmarks import material, servers, wire
from benchmarks.measure import Bench, Of, Row, Target, alone, interleaved

_HOW = (
    "/rendered of a stored MPEG-2 program stream, 1920 × 1080, 29.97/s, 25 Mbit/s, asked of the gateway on a "
    "connection of its own: until the head and the first fragment of its rendition are there, out of which ffprobe "
    "decodes frames. Its job, made anew each time, is queued, begun and recorded meanwhile."
)
_GROUP = 12  # pictures, as cameras have it


def measure(bench: Bench) -> Iterator[Row]:
    film = _film(bench.folder / "film.mpg", bench.scale.job_seconds)
    with servers.with_plugin(bench.folder / "server", Renditions="none") as server:
        port = servers.port_of(server.gateway_url)
        answer = wire.post_file(port, "/instances", film, "video/mpeg")
        if answer.document["Status"] != "Success":
            raise RuntimeError(f"the film was not stored: {answer.document}")
        instance = str(answer.document["ID"])
        tags = wire.ask(port, "GET", f"/instances/{instance}/simplified-tags")
        study, series, sop = (tags[key] for key in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"))
        path = f"/dicom-web/studies/{study}/series/{series}/instances/{sop}/rendered"
        first = interleaved(
            {"ours": lambda: _seconds(port, path, instance, bench.folder / "first.mp4")}, bench.scale.repetitions
        )
    yield alone(
        "rendition of 1080p MPEG-2, first playable byte",
        first["ours"],
        "s",
        target=Target(1.5, at_most=True, of=Of.OURS, unit="s"),
        how=_HOW,
    )


def _film(path: Path, seconds: int) -> Path:
    picture = f"testsrc2=s=1920x1080:r=30000/1001:d={seconds},noise=alls=6:allf=t"
    coded = ["-c:v", "mpeg2video", "-b:v", "25M", "-maxrate", "25M", "-bufsize", "9M", "-g", _GROUP, "-bf", 0]
    material.ffmpeg("-f", "lavfi", "-i", picture, "-pix_fmt", "yuv420p", *coded, path)
    return path


def _seconds(port: int, path: str, instance: str, kept: Path) -> float:
    """From the request to the first fragment; the job is ended then, so that the next request begins another."""
    start = time.perf_counter()
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", path, headers={"Accept": "video/mp4"})
        answer = connection.getresponse()
        if answer.status != 200 or answer.length is not None:
            raise RuntimeError(f"{path} answered HTTP {answer.status}, with a length of {answer.length}")
        data = _first_fragment(answer)
        seconds = time.perf_counter() - start
    finally:
        connection.close()
    kept.write_bytes(data)
    _refuse_dark(kept)
    _end(port, instance)
    return seconds


def _first_fragment(answer: HTTPResponse) -> bytes:
    """Box by box up to the first of pictures (ISO/IEC 14496-12 4.2)."""
    data = b""
    while True:
        head = answer.read(8)
        rest = answer.read(int.from_bytes(head[:4]) - len(head))
        data += head + rest
        if head[4:] == b"mdat":
            return data


def _refuse_dark(path: Path) -> None:
    shown = ["-select_streams", "v", "-count_frames", "-show_entries", "stream=nb_read_frames", "-of", "csv=p=0"]
    seen = subprocess.run(["ffprobe", "-v", "error", *shown, path], capture_output=True, text=True, check=True).stdout
    if not int(seen.strip() or 0):
        raise RuntimeError("no frame can be decoded out of what came first")


def _end(port: int, instance: str) -> None:
    rendition = wire.ask(port, "GET", f"/video/instances/{instance}")["Rendition"]
    if rendition["State"] == "Success":
        raise RuntimeError("the rendition was whole before it was looked at: the film is too short")
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("DELETE", f"/video/jobs/{rendition['Job']}")
    connection.getresponse().read()
    connection.close()
    while wire.ask(port, "GET", f"/video/instances/{instance}")["Rendition"] is not None:
        time.sleep(0.05)
    time.sleep(1.0)  # what it ran is gone
