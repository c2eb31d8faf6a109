"""``python -m benchmarks [name …] [--quick] [--write]``."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks import (
    REPOSITORY,
    cine,
    cine_sources,
    clips,
    convert,
    frames,
    jobs,
    material,
    memory,
    override,
    playable,
    ranges,
    rendered,
    report,
    sending,
    soak,
    stills,
    transcode,
    upload,
    viewers,
)
from benchmarks.measure import FULL, MB, QUICK, Bench, Row, Scale

_ALL: dict[str, Callable[[Bench], Iterator[Row]]] = {
    "upload": upload.measure,
    "memory": memory.measure,
    "ranges": ranges.measure,
    "convert": convert.measure,
    "rendered": rendered.measure,
    "viewers": viewers.measure,
    "playable": playable.measure,
    "override": override.measure,
    "sending": sending.measure,
    "transcode": transcode.measure,
    "frames": frames.measure,
    "clips": clips.measure,
    "stills": stills.measure,
    "jobs": jobs.measure,
    "soak": soak.measure,
    "cine": cine.measure,
    "cine-sources": cine_sources.measure,
}
_PAGES = {name: REPOSITORY / "docs" / ("viewer.md" if name == "cine" else "performance.md") for name in _ALL}


def main() -> None:
    """Exits 1 when a benchmark could not be run; a missed target is only shown."""
    arguments = _arguments()
    scale = QUICK if arguments.quick else FULL
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything is still ended and removed
    _refuse_full_disk(arguments.folder, scale)
    found = report.Circumstances.now(scale)
    print(report.circumstances_text(found), flush=True)
    rows: dict[str, list[Row]] = {}
    for name in arguments.names or _ALL:
        print(f"\n{name}", flush=True)
        for row in _rows(name, arguments.folder, scale):
            print(report.text(row), flush=True)
            rows.setdefault(name, []).append(row)
    found = found.with_load_after()
    print("\n{}: {}".format(*found.lines[-1]), flush=True)
    failed = any(row.failed for some in rows.values() for row in some)
    if arguments.write and failed:
        print("\nNothing is written, as not everything could be measured.", file=sys.stderr)
    elif arguments.write:
        _write(rows, found)
    sys.exit(failed)


def _write(rows: dict[str, list[Row]], found: report.Circumstances) -> None:
    for name, some in rows.items():
        page = _PAGES[name]
        page.write_text(report.inserted(page.read_text(encoding="utf-8"), name, some, found), encoding="utf-8")
        print(f"\nwritten: {page}, {name}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure against named rivals.")
    parser.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join(_ALL)}; without any, all")
    parser.add_argument("--quick", action="store_true", help="small sizes: shows that it works, measures nothing")
    parser.add_argument(
        "--write",
        action="store_true",
        help="write what was measured into docs/performance.md, of cine into docs/viewer.md",
    )
    default = Path(os.environ.get("TMPDIR", "/var/tmp"))  # noqa: S108 -- a private folder is made in it
    parser.add_argument("--folder", type=Path, default=default, help="where to put gigabytes (default: %(default)s)")
    arguments = parser.parse_args()
    if not arguments.folder.is_dir():
        parser.error(f"{arguments.folder} is not a folder; name another one with --folder")
    unknown = [name for name in arguments.names if name not in _ALL]
    if unknown:
        parser.error(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(_ALL)}")
    if arguments.write and arguments.quick:
        parser.error("--write is of full sizes: leave out --quick")
    return arguments


def _refuse_full_disk(folder: Path, scale: Scale) -> None:
    free = material.free_disk(folder)
    if free < scale.free_disk:
        print(
            f"The benchmarks need {scale.free_disk // MB:,} MB of free disk in {folder}, but {free // MB:,} MB are "
            "free. Name another folder with --folder, or make room.",
            file=sys.stderr,
        )
        sys.exit(1)


def _rows(name: str, folder: Path, scale: Scale) -> Iterator[Row]:
    """The rows of one benchmark, which has a folder of its own; its failure is a row, too."""
    with tempfile.TemporaryDirectory(prefix="orthanc-video-bench-", dir=folder) as scratch:
        try:
            yield from _ALL[name](Bench(Path(scratch).resolve(), scale))
        except Exception as error:
            traceback.print_exc()
            yield Row(measure=name, problem=f"failed: {error}", failed=True)


if __name__ == "__main__":
    main()
