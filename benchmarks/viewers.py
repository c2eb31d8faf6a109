"""A hundred people who watch at once: whether any of their pictures comes late, and what it costs the gateway."""

from __future__ import annotations

import multiprocessing
import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.connection import Connection

from benchmarks import material, servers, wire
from benchmarks.measure import MB, Bench, Of, Row, Samples, Target, alone, processor_seconds
from benchmarks.memory import Watch
from benchmarks.rendered import stored

_VIEWERS = 100
_BYTES_A_SECOND = 1_000_000  # 8 Mbit/s
_PIECE = 4_000_000
# A player waits with its first picture until it has a piece, and asks for more when this is left.
_AHEAD_SECONDS = 4.0
_HOW = (
    f"{_VIEWERS} viewers of one film, each a connection of its own that begins somewhere else, play {{seconds:.0f}} s "
    "at 8 Mbit/s by /rendered: pieces of 4 MB by Range, the next one asked for when 4 s are left. A stall is a piece "
    "that comes after it should have been played. Viewers, gateway and Orthanc share the machine. "
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """What the viewers' process is told."""

    port: int
    path: str
    size: int
    seconds: float


def measure(bench: Bench) -> Iterator[Row]:
    film = material.Films(bench.folder).film(bench.scale.rendered)
    seconds = bench.scale.viewing_seconds
    with servers.with_plugin(bench.folder / "server") as server:
        port = servers.port_of(server.gateway_url)
        path = stored(server, film)
        pids = {"gateway": server.gateway_pid(), "Orthanc": server.pid}
        before = {name: processor_seconds(pid) for name, pid in pids.items()}
        began = time.monotonic()
        with Watch(pids["gateway"]) as watch:
            late = _watched(_Plan(port=port, path=path, size=film.size, seconds=seconds))
        took = time.monotonic() - began
        cpu = {name: 100 * (processor_seconds(pid) - before[name]) / took for name, pid in pids.items()}
    how = _HOW.format(seconds=seconds) + (
        f"{len(late)} pieces; the tightest was there {-max(late):.2f} s before it was needed. Of one core the gateway "
        f"took {cpu['gateway']:.0f} %, Orthanc {cpu['Orthanc']:.0f} %; the gateway's memory was "
        f"{watch.most['VmRSS'] // MB} MB at most, {watch.before['VmRSS'] // MB} MB before."
    )
    stalls = Samples((float(sum(one > 0 for one in late)),))
    name = f"{_VIEWERS} viewers at 8 Mbit/s for {seconds:.0f} s"
    yield alone(f"{name}, stalls", stalls, "", target=Target(0, True, Of.OURS), how=how)
    yield alone(
        f"{name}, the gateway's share of one core",
        Samples((cpu["gateway"],)),
        "%",
        target=Target(100, True, Of.OURS, "%"),
    )


def _watched(plan: _Plan) -> list[float]:
    """How many seconds too late (or, below 0, early) each piece came, from viewers in a process of their own."""
    forking = multiprocessing.get_context("fork")
    receiving, sending = forking.Pipe(duplex=False)
    process = forking.Process(target=_view, args=(plan, sending))
    process.start()
    sending.close()
    late: list[float] = receiving.recv()
    process.join()
    return late


def _view(plan: _Plan, told: Connection) -> None:
    with ThreadPoolExecutor(_VIEWERS) as viewers:
        found = list(viewers.map(lambda number: _viewer(plan, number), range(_VIEWERS)))
    told.send([late for one in found for late in one])


def _viewer(plan: _Plan, number: int) -> list[float]:
    """Plays from somewhere; of each piece but the first, which playing waits for, how late it came."""
    luck = random.Random(number)  # noqa: S311
    pieces = int(plan.seconds * _BYTES_A_SECOND / _PIECE)
    at = luck.randrange(plan.size - (pieces + 1) * _PIECE)
    time.sleep(luck.uniform(0, _AHEAD_SECONDS))  # nobody begins together
    late = []
    with wire.Reader(plan.port) as reader:
        reader.ranged(plan.path, at, _PIECE)
        began = time.monotonic()
        for piece in range(1, pieces + 1):
            needed = began + piece * _PIECE / _BYTES_A_SECOND
            time.sleep(max(0.0, needed - _AHEAD_SECONDS - time.monotonic()))
            reader.ranged(plan.path, at + piece * _PIECE, _PIECE)
            late.append(time.monotonic() - needed)
    return late
