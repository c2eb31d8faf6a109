"""Several connections asking for random ranges at once, each from a process of its own."""

from __future__ import annotations

import multiprocessing
import random
import statistics
import time
from dataclasses import dataclass
from multiprocessing.synchronize import Barrier
from types import TracebackType
from typing import Self

from benchmarks.wire import Reader

CONNECTIONS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Ranges of ``length`` bytes out of a resource of ``size`` bytes, for ``seconds``."""

    port: int
    path: str
    size: int
    length: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """``rate`` in bytes a second over all connections; ``p95`` in seconds from asking to the last byte."""

    rate: float
    p95: float


class Clients:
    """Eight waiting processes; they begin a load together. Make it before anything that starts threads."""

    def __init__(self) -> None:
        forking = multiprocessing.get_context("fork")
        self._pool = forking.Pool(CONNECTIONS, _prepare, (forking.Barrier(CONNECTIONS),))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.terminate()
        self._pool.join()

    def run(self, load: Load) -> Outcome:
        parts = self._pool.map(_ask, [(load, seed) for seed in range(CONNECTIONS)], chunksize=1)
        latencies = [latency for part in parts for latency in part]
        longest = max(sum(part) for part in parts)
        return Outcome(load.length * len(latencies) / longest, statistics.quantiles(latencies, n=20)[-1])


_together: Barrier | None = None


def _prepare(barrier: Barrier) -> None:
    global _together
    _together = barrier


def _ask(task: tuple[Load, int]) -> list[float]:
    """The seconds that each range took."""
    load, seed = task
    places = random.Random(seed)  # noqa: S311
    latencies = []
    with Reader(load.port) as reader:
        assert _together is not None
        _together.wait(60)
        now = time.perf_counter()
        end = now + load.seconds
        while now < end:
            reader.ranged(load.path, places.randrange(load.size - load.length), load.length)
            now, before = time.perf_counter(), now
            latencies.append(now - before)
    return latencies
