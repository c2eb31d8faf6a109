"""What all benchmarks share: how often and how large, sides taken in turn, and the row that comes out."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

MB = 1_000_000
KIB, MIB = 1 << 10, 1 << 20
# A process is at rest when in so many seconds it uses no more of a core than this.
_REST, _IDLE = 0.1, 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Sizes in bytes, durations in seconds. The quick scale only shows that the benchmarks work."""

    name: str
    upload: int
    huge: int
    small: int
    rendered: int
    sent: int
    dicom: int
    film_seconds: int
    load_seconds: float
    repetitions: int
    many: int
    uploads: int
    job_seconds: int
    viewing_seconds: float
    cine_seconds: int
    seeks: int
    free_disk: int


FULL = Scale(
    name="full",
    upload=300 * MB,
    huge=2000 * MB,
    small=20 * MB,
    rendered=1000 * MB,
    sent=1000 * MB,
    dicom=50 * MB,
    film_seconds=25,
    load_seconds=3.0,
    repetitions=7,
    many=41,
    uploads=300,
    job_seconds=60,
    viewing_seconds=60.0,
    cine_seconds=30,
    seeks=200,
    free_disk=12_000 * MB,
)
QUICK = Scale(
    name="quick",
    upload=40 * MB,
    huge=100 * MB,
    small=20 * MB,
    rendered=60 * MB,
    sent=60 * MB,
    dicom=10 * MB,
    film_seconds=3,
    load_seconds=0.5,
    repetitions=2,
    many=5,
    uploads=21,
    job_seconds=3,
    viewing_seconds=8.0,
    cine_seconds=4,
    seeks=10,
    free_disk=2_000 * MB,
)


@dataclass(frozen=True, slots=True)
class Bench:
    """Where a benchmark may write (a folder of its own, removed afterwards) and how much it measures."""

    folder: Path
    scale: Scale


class Of(Enum):
    """What a target bounds."""

    RATIO = "ratio"
    OURS = "ours"


@dataclass(frozen=True, slots=True)
class Target:
    """``at_most`` or at least ``bound``; ``unit`` is only shown."""

    bound: float
    at_most: bool
    of: Of = Of.RATIO
    unit: str = ""

    def met(self, value: float) -> bool:
        return value <= self.bound if self.at_most else value >= self.bound

    def __str__(self) -> str:
        return f"{'≤' if self.at_most else '≥'} {self.bound:g}{' ' if self.unit else ''}{self.unit}"


@dataclass(frozen=True, slots=True)
class Samples:
    """One side's values, in the order taken."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    def shown(self, unit: str) -> str:
        middle = f"{number(self.median)} {unit}"
        return middle if len(self.values) == 1 else f"{middle} ({spread(self.values)})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table. ``problem`` says why there are no numbers; ``failed`` that it is a fault."""

    measure: str
    ours: str = "–"
    rival: str = "–"
    ratio: float | None = None
    ratio_spread: str = ""
    target: Target | None = None
    met: bool | None = None
    how: str = ""
    problem: str = ""
    failed: bool = False


def interleaved(sides: Mapping[str, Callable[[], float]], repetitions: int, warm_ups: int = 1) -> dict[str, Samples]:
    """Every side in turn, ``repetitions`` times; what the warm-up rounds give is thrown away."""
    found: dict[str, list[float]] = {name: [] for name in sides}
    for count in range(warm_ups + repetitions):
        for name, side in sides.items():
            value = side()
            if count >= warm_ups:
                found[name].append(value)
    return {name: Samples(tuple(values)) for name, values in found.items()}


def processor_seconds(pid: int) -> float:
    """What a process has used so far (proc(5), stat: utime and stime)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def at_rest(pids: Iterable[int]) -> None:
    """Waits until these processes do nothing: what one side has begun must not be paid for by the other."""
    known, before = list(pids), -1.0
    while (now := sum(map(processor_seconds, known))) - before > _IDLE * _REST:
        before = now
        time.sleep(_REST)


def timed_on_clean_disk(prepare: Callable[[], object], action: Callable[[], float]) -> float:
    """``action`` after ``prepare``, once nothing is left to be written to the disk."""
    prepare()
    os.sync()
    return action()


def compare(
    measure: str, ours: Samples, rival: Samples, unit: str, *, target: Target | None = None, how: str = ""
) -> Row:
    """A row of ours against the rival: ratio of the medians, spread of the ratios of neighbouring repetitions."""
    ratio = ours.median / rival.median
    pairs = [mine / theirs for mine, theirs in zip(ours.values, rival.values, strict=True)]
    judged = ratio if target is None or target.of is Of.RATIO else ours.median
    return Row(
        measure=measure,
        ours=ours.shown(unit),
        rival=rival.shown(unit),
        ratio=ratio,
        ratio_spread=spread(pairs),
        target=target,
        met=None if target is None else target.met(judged),
        how=how,
    )


def alone(measure: str, ours: Samples, unit: str, *, target: Target | None, how: str = "") -> Row:
    """A row without rival: the target bounds the value itself."""
    met = None if target is None else target.met(ours.median)
    return Row(measure=measure, ours=ours.shown(unit), target=target, met=met, how=how)


def number(value: float) -> str:
    """Three significant digits, never in powers of ten."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def spread(values: tuple[float, ...] | list[float]) -> str:
    """Lowest to highest."""
    return f"{number(min(values))} to {number(max(values))}"
