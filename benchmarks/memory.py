"""How much the gateway's memory grows while it takes a huge upload."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from benchmarks import material, servers, wire
from benchmarks.measure import MB, Bench, Of, Row, Samples, Target, alone
from e2e.orthanc_server import OrthancServer

_INTERVAL = 0.01
_HOW = (
    "Resident memory of the gateway's process, looked at every 10 ms from the upload's first byte to the answer that "
    "says Success, less what it was before; a small film was uploaded and stored first. "
)


def measure(bench: Bench) -> Iterator[Row]:
    films = material.Films(bench.folder)
    small, huge = films.film(bench.scale.small), films.film(bench.scale.huge)
    with servers.with_plugin(bench.folder / "server") as server:
        _upload(server, small)
        pid = server.gateway_pid()
        _forget_peak(pid)
        workers = set(server.gateway_pids()) - {pid}
        with Watch(pid) as watch:
            _upload(server, huge)
        peak = status(pid)["VmHWM"]
        now = set(server.gateway_pids()) - {pid}
    how = _HOW + (
        f"Before: {watch.before['VmRSS'] // MB} MB (RssAnon {watch.before['RssAnon'] // MB} MB); highest VmRSS "
        f"{watch.most['VmRSS'] // MB} MB, RssAnon {watch.most['RssAnon'] // MB} MB, VmHWM {peak // MB} MB. Its media "
        f"workers ({len(workers)} before, {len(now)} after) are processes of their own with limits of their own."
    )
    name = f"the gateway's memory growth in an upload of {huge.size // MB} MB"
    grown = max(peak, watch.most["VmRSS"]) - watch.before["VmRSS"]
    yield alone(name, Samples((grown / MB,)), "MB", target=Target(64, True, Of.OURS, "MB"), how=how)
    anonymous = watch.most["RssAnon"] - watch.before["RssAnon"]
    yield alone(
        f"{name}, anonymous memory only", Samples((anonymous / MB,)), "MB", target=Target(64, True, Of.OURS, "MB")
    )


def _upload(server: OrthancServer, film: material.Film) -> None:
    answer = wire.post_file(servers.port_of(server.gateway_url), "/instances", film.path, "video/mp4")
    if answer.document["Status"] != "Success":
        raise RuntimeError(f"the film was not stored: {answer.document}")


def status(pid: int) -> dict[str, int]:
    """The sizes in /proc/PID/status, in bytes."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    fields = (line.split() for line in lines if line.endswith(" kB"))
    return {field[0].rstrip(":"): int(field[1]) * 1024 for field in fields}


def _forget_peak(pid: int) -> None:
    """VmHWM counts from now on (proc(5), clear_refs)."""
    Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")


class Watch:
    """Notes the highest sizes of a process while it is open."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self.before = status(pid)
        self.most = dict(self.before)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.wait(_INTERVAL):
            for name, size in status(self._pid).items():
                self.most[name] = max(size, self.most.get(name, 0))
