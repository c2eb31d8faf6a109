"""The table for people: on the terminal, and as parts of pages in docs/, one for each benchmark."""

from __future__ import annotations

import datetime
import os
import platform
import subprocess
from dataclasses import dataclass
from pathlib import Path

import orthanc_video
from benchmarks import REPOSITORY, servers
from benchmarks.measure import Row, Scale

_HEADER = "| Measure | Ours | Rival | Ratio | Target | |"
_END = "<!-- Measured: end -->"
_PACKAGES = ("orthanc", "orthanc-python", "orthanc-dicomweb", "ffmpeg", "nginx-light", "chromium")


@dataclass(frozen=True, slots=True)
class Circumstances:
    """When, where and with what it was measured, as lines of name and value."""

    lines: tuple[tuple[str, str], ...]

    @classmethod
    def now(cls, scale: Scale) -> Circumstances:
        versions = ", ".join((f"Python {platform.python_version()}", *_packages("/var/lib/dpkg")))
        lines = [
            ("Date", datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")),
            ("Machine", f"{os.cpu_count()} cores, {_processor()}, {_memory()} of memory, Linux {platform.release()}"),
            ("Load average before", _load()),
            ("orthanc-video", f"{orthanc_video.__version__} ({_commit()})"),
            ("Versions", versions),
        ]
        if servers.TRIXIE.exists():
            lines.append(("Debian 13's root", ", ".join(_packages(str(servers.TRIXIE / "var/lib/dpkg")))))
        if scale.name != "full":
            lines.append(("Scale", f"{scale.name}: far too small for numbers that mean anything"))
        return cls(tuple(lines))

    def with_load_after(self) -> Circumstances:
        """The same, with the load that the machine had at the end: ours, and that of others."""
        return Circumstances((*self.lines, ("Load average after", _load())))


def text(row: Row) -> str:
    """One row for a terminal."""
    if row.problem:
        return f"{row.measure}\n    {row.problem}"
    parts = [f"ours {row.ours}"]
    if row.rival != "–":
        parts.append(f"rival {row.rival}")
    if row.ratio is not None:
        parts.append(f"ratio {_ratio(row)}")
    if row.target is not None:
        parts.append(f"target {_target(row)}: {_verdict(row)}")
    return f"{row.measure}\n    " + " · ".join(parts)


def circumstances_text(found: Circumstances) -> str:
    return "\n".join(f"{name}: {value}" for name, value in found.lines)


def beginning(name: str) -> str:
    """The mark in a page behind which a benchmark's rows stand, up to the next end."""
    return f"<!-- Measured: written by `python -m benchmarks {name} --write` -->"


def inserted(page: str, name: str, rows: list[Row], found: Circumstances) -> str:
    """The page with these rows, all that is said of them, and nothing else between the benchmark's mark and its end."""
    begin = beginning(name)
    before, _, rest = page.partition(begin)
    _, mark, after = rest.partition(_END)
    if not mark:
        raise ValueError(f"the page has no part between {begin} and {_END}")
    lines = [begin, "", *_circumstances(found), "", *_table(rows), "", *_explanations(rows), "", _END]
    return before + "\n".join(lines) + after


def _circumstances(found: Circumstances) -> list[str]:
    return [f"- {name}: {value}" for name, value in found.lines]


def _table(rows: list[Row]) -> list[str]:
    return [_HEADER, "|---|---|---|---|---|---|", *map(_markdown_row, rows)]


def _markdown_row(row: Row) -> str:
    if row.problem:
        return f"| {row.measure} | {row.problem} | | | | |"
    return f"| {row.measure} | {row.ours} | {row.rival} | {_ratio(row)} | {_target(row)} | {_verdict(row)} |"


def _explanations(rows: list[Row]) -> list[str]:
    """Each sentence once, with the measures it is about."""
    about: dict[str, list[str]] = {}
    for row in rows:
        if row.how:
            about.setdefault(row.how, []).append(row.measure)
    return [f"- **{'; '.join(measures)}**: {how}" for how, measures in about.items()]


def _ratio(row: Row) -> str:
    return "–" if row.ratio is None else f"{row.ratio:.3g} ({row.ratio_spread})"


def _target(row: Row) -> str:
    return "–" if row.target is None else str(row.target)


def _verdict(row: Row) -> str:
    return {True: "met", False: "**missed**", None: ""}[row.met]


def _packages(database: str) -> list[str]:
    """Names and versions of the Debian packages that matter, as far as they are installed."""
    command = ["dpkg-query", f"--admindir={database}", "-W", "-f", "${Package} ${Version}\\n", *_PACKAGES]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()


def _load() -> str:
    return ", ".join(f"{value:.2f}" for value in os.getloadavg())


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _memory() -> str:
    return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 1e9:.0f} GB"


def _commit() -> str:
    command = ["git", "-C", str(REPOSITORY), "describe", "--always", "--dirty=, with changes", "--abbrev=12"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip() or "no repository"
