"""C-STORE of a large video to DCMTK's storescp, against DCMTK's own storescu; and what memory that takes."""

from __future__ import annotations

import multiprocessing
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks import material
from benchmarks.measure import MB, Bench, Of, Row, Samples, Target, alone, compare, interleaved, timed_on_clean_disk
from benchmarks.memory import status
from orthanc_video.routing.destinations import Dimse
from orthanc_video.routing.outcomes import Result
from orthanc_video.routing.sending import send
from peers import AET, Dcmtk

_HOW = (
    "Ours: from the call of send() in a process that runs already until its outcome. storescu: the whole command, one "
    "presentation context (-R -xn). The same storescp, with its own PDU of 16 kB, for both; synced, and what it stored "
    "removed, before each."
)


def measure(bench: Bench) -> Iterator[Row]:
    film = material.Films(bench.folder).film(bench.scale.sent)
    path = material.dicom_video(film).path
    size = path.stat().st_size
    film.path.unlink()
    peaks: list[float] = []
    for options, what in ((("+xa",), "stored there"), (("+xa", "--ignore"), "thrown away there (--ignore)")):
        with Dcmtk(bench.folder / f"storescp{len(options)}", *options) as peer, _sender() as ours:

            def empty(folder: Path = peer.folder) -> None:
                for each in folder.glob("V*"):
                    each.unlink()

            def by_us(peer: Dcmtk = peer, ours: Connection = ours) -> float:
                ours.send((peer.port, path))
                seconds, most = ours.recv()
                peaks.append(most / MB)
                return size / MB / float(seconds)

            def by_storescu(peer: Dcmtk = peer) -> float:
                begun = time.perf_counter()
                subprocess.run(_storescu(peer.port, path), check=True, stdout=subprocess.DEVNULL)
                return size / MB / (time.perf_counter() - begun)

            sides = {
                "ours": lambda by_us=by_us, empty=empty: timed_on_clean_disk(empty, by_us),
                "rival": lambda by_storescu=by_storescu, empty=empty: timed_on_clean_disk(empty, by_storescu),
            }
            found = interleaved(sides, bench.scale.repetitions)
        yield compare(
            f"C-STORE of a video of {size // MB} MB to storescp, {what}, ours : storescu",
            found["ours"],
            found["rival"],
            "MB/s",
            target=Target(0.8, False),
            how=_HOW,
        )
    yield alone(
        f"memory of the process that sends a video of {size // MB} MB by C-STORE",
        Samples((max(peaks),)),
        "MB",
        target=Target(150, True, Of.OURS, "MB"),
        how="VmHWM of that process, which holds Python, pydicom, pynetdicom and the sender, and nothing else.",
    )


def _storescu(port: int, path: Path) -> list[str]:
    command = shutil.which("storescu")
    assert command, "storescu is not installed"
    return [command, "-R", "-xn", "-aec", AET, "127.0.0.1", str(port), str(path)]


@contextmanager
def _sender() -> Iterator[Connection]:
    """A process of its own that sends the files whose port and path it is given."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs,))
    process.start()
    theirs.close()
    try:
        yield ours
    finally:
        ours.close()
        process.join()


def _serve(asked: Connection) -> None:
    while True:
        try:
            port, path = asked.recv()
        except EOFError:
            return
        begun = time.perf_counter()
        (outcome,) = send(Dimse(aet=AET, calling="ORTHANC", host="127.0.0.1", port=port), [path])
        seconds = time.perf_counter() - begun
        if outcome.result is not Result.DELIVERED:
            raise RuntimeError(outcome.sentence)
        asked.send((seconds, status(multiprocessing.current_process().pid or 0)["VmHWM"]))
