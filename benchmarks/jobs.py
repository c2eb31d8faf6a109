"""What the job machinery costs: a whole upload until it is stored against the bare ffmpeg run, and doing nothing."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks import material, servers, wire
from benchmarks.measure import Bench, Of, Row, Samples, Target, alone, compare, interleaved
from benchmarks.transcode import Job
from e2e.orthanc_server import OrthancServer
from orthanc_video.jobs import processes

_HOW = (
    "Ours is one POST of the film until the answer that says Success: received, probed, committed, transcoded, every "
    "frame measured (PSNR, SSIM) and counted, stored in Orthanc and checked; the object is deleted after it. The rival "
    "is the same ffmpeg command alone, which measures every frame, too."
)
_BARE = "As before, but the rival measures nothing: what is above the other row is the measuring."


def measure(bench: Bench) -> Iterator[Row]:
    seconds = bench.scale.job_seconds
    film = material.web_film(bench.folder, "1920x1080", seconds, "8M")
    rival = Job(film)
    processes.close()
    with servers.with_plugin(bench.folder / "server") as server:
        yield _idle(server, bench.scale.load_seconds * 10)
        sides = {
            "ours": lambda: _by_gateway(server, film),
            "rival": rival.by_measuring_ffmpeg,
            "bare": rival.by_ffmpeg,
        }
        found = interleaved(sides, min(2, bench.scale.repetitions), warm_ups=0)
    name = f"1080p30 WebM of {seconds} s, upload until stored"
    measuring, bare = f"{name} : ffmpeg that measures", f"{name} : bare ffmpeg"
    yield compare(measuring, found["ours"], found["rival"], "s", target=Target(1.05, True), how=_HOW)
    yield compare(bare, found["ours"], found["bare"], "s", how=_BARE)


def _idle(server: OrthancServer, seconds: float) -> Row:
    time.sleep(seconds / 3)  # what a start leaves to do is done
    before = _processor(server)
    time.sleep(seconds)
    used = Samples(((_processor(server) - before) / seconds * 100,))
    how = f"Processor time of the gateway and its template process in {seconds:g} s in which nobody asks anything."
    return alone("an idle gateway, share of one core", used, "%", target=Target(1, True, Of.OURS, "%"), how=how)


def _processor(server: OrthancServer) -> float:
    ticks = 0
    for pid in server.gateway_pids():
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(") ")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _by_gateway(server: OrthancServer, film: Path) -> float:
    answer = wire.post_file(servers.port_of(server.gateway_url), "/instances", film, "video/webm")
    if answer.document["Status"] != "Success" or answer.document["Video"]["Action"] != "transcode":
        raise RuntimeError(f"the film was not transcoded and stored: {answer.document}")
    wire.ask(servers.port_of(server.url), "DELETE", f"/instances/{answer.document['ID']}")
    return answer.seconds
