"""Retrieve Rendered of a large video: the gateway against the DICOMweb plugin of Debian 13's Orthanc."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from benchmarks import material, servers, wire
from benchmarks.measure import MB, Bench, Row, compare, interleaved

_HOW = (
    "The same object in the same Orthanc (Debian 13's), DICOMweb's /rendered asked of the gateway's port and of "
    "Orthanc's; a new connection each. Orthanc's DICOMweb has no ranges: its client reads until 80 % have come."
)
_REPETITIONS = 5


def measure(bench: Bench) -> Iterator[Row]:
    name = f"/rendered of {bench.scale.rendered // MB} MB"
    if not (servers.TRIXIE / ".orthanc-video").exists():
        yield Row(measure=name, problem="skipped: Debian 13's root is not built; scripts/test.sh trixie builds it")
        return
    film = material.Films(bench.folder).film(bench.scale.rendered)
    with servers.with_plugin(bench.folder / "server", root=servers.TRIXIE) as server:
        ours, rival = servers.port_of(server.gateway_url), servers.port_of(server.url)
        answer = wire.post_file(ours, "/instances", film.path, "video/mp4")
        if answer.document["Status"] != "Success":
            raise RuntimeError(f"the film was not stored: {answer.document}")
        path = _rendered(rival, str(answer.document["ID"]))
        repetitions = min(_REPETITIONS, bench.scale.repetitions)
        first = interleaved({"ours": _first(ours, path), "rival": _first(rival, path)}, repetitions)
        far = interleaved(
            {"ours": _at(ours, path, film.size * 8 // 10), "rival": _at(rival, path, film.size * 8 // 10)}, repetitions
        )
    yield compare(f"{name}, first byte, gateway : DICOMweb plugin", first["ours"], first["rival"], "ms", how=_HOW)
    yield compare(f"{name}, byte at 80 %, gateway : DICOMweb plugin", far["ours"], far["rival"], "ms", how=_HOW)


def _rendered(port: int, instance: str) -> str:
    tags = wire.ask(port, "GET", f"/instances/{instance}/simplified-tags")
    study, series, sop = (tags[key] for key in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"))
    return f"/dicom-web/studies/{study}/series/{series}/instances/{sop}/rendered"


def _first(port: int, path: str) -> Callable[[], float]:
    return lambda: _milliseconds(port, lambda reader: reader.first_byte(path))


def _at(port: int, path: str, offset: int) -> Callable[[], float]:
    return lambda: _milliseconds(port, lambda reader: reader.byte_at(path, offset))


def _milliseconds(port: int, action: Callable[[wire.Reader], None]) -> float:
    start = time.perf_counter()
    with wire.Reader(port) as reader:
        action(reader)
        seconds = time.perf_counter() - start
    time.sleep(0.2)  # the server notices that this client has gone
    return seconds * 1e3
