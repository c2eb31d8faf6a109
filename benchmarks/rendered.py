"""Retrieve Rendered of a large video: the gateway against Orthanc's DICOMweb plugin, and against nginx's plain file."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from benchmarks import material, servers, wire
from benchmarks.measure import MB, MIB, Bench, Row, Target, at_rest, compare, interleaved
from e2e.orthanc_server import OrthancServer

_PLUGIN = (
    "The same object in the same Orthanc ({system}'s), DICOMweb's /rendered asked of the gateway's port and of "
    "Orthanc's; a new connection each. Orthanc's DICOMweb has no ranges: its client reads until 80 % have come."
)
_NGINX = (
    "A new connection each. nginx serves the MP4 as a plain file, with one worker and sendfile, to anybody; the "
    "gateway has asked Orthanc whether this caller may read it, at most three seconds ago. "
)
_REPETITIONS = 5
_RANGE = 64 * MIB


def measure(bench: Bench) -> Iterator[Row]:
    film = material.Films(bench.folder).film(bench.scale.rendered)
    for system, root in (("Debian 13", servers.TRIXIE), ("Debian sid", servers.SID)):
        yield from _against_the_plugin(bench, film, system, root)
    yield from _against_nginx(bench, film)


def _against_the_plugin(bench: Bench, film: material.Film, system: str, root: Path) -> Iterator[Row]:
    name = f"/rendered of {film.size // MB} MB"
    if not (root / ".orthanc-video").exists():
        yield Row(measure=f"{name}, {system}", problem=f"skipped: scripts/rootfs.sh {root.name} builds it")
        return
    with servers.with_plugin(bench.folder / root.name, root=root) as server:
        ours, rival = servers.port_of(server.gateway_url), servers.port_of(server.url)
        path = stored(server, film)
        plugin = f"DICOMweb plugin {_version(rival)}"
        repetitions = min(_REPETITIONS, bench.scale.repetitions)
        processes = [server.pid, server.gateway_pid()]
        first = interleaved(
            {"ours": _first(ours, path, processes), "rival": _first(rival, path, processes)}, repetitions
        )
        at = film.size * 8 // 10
        far = interleaved(
            {"ours": _at(ours, path, at, processes), "rival": _at(rival, path, at, processes)}, repetitions
        )
    target, how = Target(0.01, True), _PLUGIN.format(system=system)
    for what, found in (("first byte", first), ("byte at 80 %", far)):
        yield compare(
            f"{name}, {what}, gateway : {plugin}", found["ours"], found["rival"], "ms", target=target, how=how
        )


def _against_nginx(bench: Bench, film: material.Film) -> Iterator[Row]:
    name, plain = f"/rendered of {film.size // MB} MB", f"/{film.path.name}"
    length = min(_RANGE, film.size // 10)
    with (
        servers.with_plugin(bench.folder / "server") as server,
        servers.nginx(bench.folder / "nginx", bench.folder) as nginx,
    ):
        ours = servers.port_of(server.gateway_url)
        path = stored(server, film)
        at = film.size * 8 // 10
        gateway = [server.gateway_pid()]
        first = interleaved(
            {"ours": _first(ours, path, gateway), "rival": _first(nginx, plain, gateway)}, bench.scale.many
        )
        far = interleaved(
            {"ours": _range(ours, path, at, length, gateway), "rival": _range(nginx, plain, at, length, gateway)},
            bench.scale.many,
        )
    target = Target(1.5, True)
    yield compare(
        f"{name}, first byte, gateway : nginx", first["ours"], first["rival"], "ms", target=target, how=_NGINX
    )
    how = _NGINX + f"The whole range of {length // MIB} MiB."
    yield compare(f"{name}, range at 80 %, gateway : nginx", far["ours"], far["rival"], "ms", target=target, how=how)


def stored(server: OrthancServer, film: material.Film) -> str:
    """The path of the film's /rendered, which is the same on both ports."""
    answer = wire.post_file(servers.port_of(server.gateway_url), "/instances", film.path, "video/mp4")
    if answer.document["Status"] != "Success":
        raise RuntimeError(f"the film was not stored: {answer.document}")
    tags = wire.ask(servers.port_of(server.url), "GET", f"/instances/{answer.document['ID']}/simplified-tags")
    study, series, sop = (tags[key] for key in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"))
    return f"/dicom-web/studies/{study}/series/{series}/instances/{sop}/rendered"


def _version(port: int) -> str:
    return str(wire.ask(port, "GET", "/plugins/dicom-web")["Version"])


def _first(port: int, path: str, processes: Sequence[int]) -> Callable[[], float]:
    return lambda: _milliseconds(port, lambda reader: reader.first_byte(path), processes)


def _at(port: int, path: str, offset: int, processes: Sequence[int]) -> Callable[[], float]:
    return lambda: _milliseconds(port, lambda reader: reader.byte_at(path, offset), processes)


def _range(port: int, path: str, offset: int, length: int, processes: Sequence[int]) -> Callable[[], float]:
    return lambda: _milliseconds(port, lambda reader: reader.ranged(path, offset, length), processes)


def _milliseconds(port: int, action: Callable[[wire.Reader], None], processes: Sequence[int]) -> float:
    start = time.perf_counter()
    with wire.Reader(port) as reader:
        action(reader)
        seconds = time.perf_counter() - start
    at_rest(processes)  # Orthanc goes on for seconds for a client that has gone
    return seconds * 1e3
