"""Many mixed uploads from many clients while processes are killed; then without kills, with thumbnails asked for."""

from __future__ import annotations

import os
import queue
import random
import signal
import statistics
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import requests

from benchmarks import servers
from benchmarks.measure import MB, Bench, Of, Row, Samples, Target, alone, number
from benchmarks.memory import status
from e2e.films import Films, ffmpeg
from e2e.orthanc_server import OrthancServer

_CLIENTS = 10
_BETWEEN_KILLS = 30.0
_SEED = 20261121
_HOW_KILLS = (
    "10 clients send films of seven kinds: five are wrapped or remuxed, two are transcoded. Whoever gets no answer, or "
    "503, sends the same file again once the gateway answers. Every 30 s the gateway or one of its media processes "
    "gets SIGKILL. Counted when every job has ended: "
)


def measure(bench: Bench) -> Iterator[Row]:
    films = _films(bench)
    half = len(films) // 2
    with servers.with_plugin(bench.folder / "killed", AnswerSeconds=5) as server, _Killer(server) as killer:
        run = _Run(server)
        run.send(films[:half])
        at_half = server.memory
        run.send(films[half:])
        killer.end()
        run.wait_for_jobs()
        stored = requests.get(f"{server.url}/instances", timeout=60).json()
        wrong = len(films) - len(set(stored) & run.acknowledged) + len(stored) - len(films)
        grown = (server.memory - at_half) / MB
    how = _HOW_KILLS + f"{len(stored)} objects, {run.again} uploads sent again, {killer.told()}."
    name = f"soak of {len(films)} uploads"
    yield alone(f"{name}, objects missing or double", Samples((float(wrong),)), "", target=_at_most(0, ""), how=how)
    if killer.pauses:
        worst = Samples((max(killer.pauses),))
        yield alone(f"{name}, SIGKILL of the gateway to its next answer", worst, "s", target=_at_most(5, "s"))
    yield alone(
        f"{name}, Orthanc's memory growth in its second half", Samples((grown,)), "MB", target=_at_most(64, "MB")
    )
    yield from _undisturbed(bench, films)


def _undisturbed(bench: Bench, films: list[Path]) -> Iterator[Row]:
    half = len(films) // 2
    with servers.with_plugin(bench.folder / "undisturbed", AnswerSeconds=5) as server:
        run = _Run(server)
        run.send(films[:half])
        pid = server.gateway_pid()
        before = status(pid)["VmRSS"]
        with _Posters(server) as posters:
            run.send(films[half:])
        run.wait_for_jobs()
        grown = (status(pid)["VmRSS"] - before) / MB
    times = sorted(posters.milliseconds)
    name = f"soak of {len(films)} uploads, no kills"
    p95 = Samples((statistics.quantiles(times, n=20)[-1],))
    how = (
        f"Made anew each time, one after the other, while 10 clients upload: {len(times)} of them, median "
        f"{number(statistics.median(times))} ms, highest {number(times[-1])} ms."
    )
    yield alone(f"{name}, thumbnails, p95", p95, "ms", target=_at_most(500, "ms"), how=how)
    yield alone(
        f"{name}, the gateway's memory growth in its second half", Samples((grown,)), "MB", target=_at_most(64, "MB")
    )


def _at_most(bound: float, unit: str) -> Target:
    return Target(bound, True, Of.OURS, unit)


def _films(bench: Bench) -> list[Path]:
    """Films no two of which are the same file, mixed in an order that is the same each time."""
    folder = bench.folder / "films"
    folder.mkdir()
    made = Films(folder)
    h264, vp8 = ("-c:v", "libx264", "-movflags", "+faststart"), ("-c:v", "libvpx", "-deadline", "realtime")
    kinds = [
        made.unique(5, *h264, size="1280x720"),
        made.unique(20, *h264, size="640x480"),
        made.unique(2, *h264, size="320x240"),
        made.unique(4, "-c:v", "libx264", size="640x480", suffix=".mkv"),
        made.unique(3, "-c:v", "libx264", size="640x480", suffix=".ts"),
        made.unique(3, *vp8, size="640x480", suffix=".webm"),
        made.unique(2, *vp8, size="1280x720", suffix=".webm"),
    ]
    films = []
    for serial in range(bench.scale.uploads):
        kind = kinds[serial % len(kinds)]
        path = folder / f"{serial}{kind.suffix}"
        if kind.suffix == ".ts":  # keeps no title
            ffmpeg("-i", str(kind), "-c", "copy", "-mpegts_service_id", str(serial + 1), str(path))
        else:
            faststart = ["-movflags", "+faststart"] if kind.suffix == ".mp4" else []
            ffmpeg("-i", str(kind), "-c", "copy", "-metadata", f"title={serial}", *faststart, str(path))
        films.append(path)
    random.Random(_SEED).shuffle(films)  # noqa: S311 -- the same each time
    return films


class _Run:
    """What clients know: which objects they were promised, and how often they had to send again."""

    def __init__(self, server: OrthancServer) -> None:
        self._server = server
        self.acknowledged: set[str] = set()
        self.again = 0

    def send(self, films: list[Path]) -> None:
        """All of them, by all clients; returns when each has been acknowledged."""
        waiting: queue.SimpleQueue[Path] = queue.SimpleQueue()
        for film in films:
            waiting.put(film)

        def client() -> None:
            while True:
                try:
                    film = waiting.get_nowait()
                except queue.Empty:
                    return
                self._send(film)

        with ThreadPoolExecutor(_CLIENTS) as clients:
            for done in [clients.submit(client) for _ in range(_CLIENTS)]:
                done.result()

    def _send(self, film: Path) -> None:
        while True:
            try:
                with film.open("rb") as body:
                    answer = requests.post(f"{self._server.gateway_url}/instances", data=body, timeout=300)
            except requests.RequestException:
                answer = None
            if answer is not None and answer.status_code == 200:
                self.acknowledged.add(answer.json()["ID"])
                return
            if answer is not None and answer.status_code != 503:
                raise RuntimeError(f"an upload was refused: {answer.status_code} {answer.text}")
            self.again += 1
            wait_until_it_answers(self._server)

    def wait_for_jobs(self) -> None:
        """Until none is unfinished."""
        deadline = time.monotonic() + 1800
        while True:
            jobs: list[dict[str, Any]] = requests.get(
                f"{self._server.gateway_url}/video/jobs?limit=1000", timeout=60
            ).json()["Jobs"]
            if not any(job["State"] in {"Pending", "Running"} for job in jobs):
                return
            if time.monotonic() > deadline:
                raise RuntimeError("jobs have not ended within half an hour")
            time.sleep(0.5)


def wait_until_it_answers(server: OrthancServer) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            if requests.get(f"{server.gateway_url}/health", timeout=10).ok:
                return
        except requests.RequestException:
            pass
        if time.monotonic() > deadline:
            raise RuntimeError("the gateway has not come back within a minute")
        time.sleep(0.02)


class _Killer:
    """SIGKILL to the gateway or to one of its media processes, every half minute."""

    def __init__(self, server: OrthancServer) -> None:
        self._server = server
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._random = random.Random(_SEED)  # noqa: S311 -- the same each time
        self.pauses: list[float] = []
        self.media = 0

    def __enter__(self) -> _Killer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        self._ended.set()
        self._thread.join()

    def told(self) -> str:
        return f"the gateway killed {len(self.pauses)} times, media processes {self.media} times"

    def _run(self) -> None:
        while not self._ended.wait(_BETWEEN_KILLS):
            gateway = self._server.gateway_pid()
            media = [pid for pid in self._server.gateway_pids() if pid != gateway]
            if media and self._random.random() < 0.5:
                os.kill(self._random.choice(media), signal.SIGKILL)
                self.media += 1
                continue
            began = time.monotonic()
            os.kill(gateway, signal.SIGKILL)
            wait_until_it_answers(self._server)
            self.pauses.append(time.monotonic() - began)


class _Posters:
    """Asks for thumbnails of what is stored, one after the other, each of another width, so that each is made."""

    def __init__(self, server: OrthancServer) -> None:
        self._server = server
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._ask)
        self.milliseconds: list[float] = []

    def __enter__(self) -> _Posters:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _ask(self) -> None:
        stored = requests.get(f"{self._server.url}/instances", timeout=60).json()
        for width in range(200, 1920):
            if self._ended.wait(0.1):
                return
            path = f"/video/instances/{stored[width % len(stored)]}/thumbnail?width={width}"
            began = time.perf_counter()
            answer = requests.get(self._server.gateway_url + path, timeout=60)
            if answer.ok:
                self.milliseconds.append((time.perf_counter() - began) * 1e3)
