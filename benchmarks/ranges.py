"""Ranges of a huge stored object, against nginx's sendfile of the same bytes from a plain file."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from benchmarks import material, servers, wire
from benchmarks.load import CONNECTIONS, Clients, Load, Outcome
from benchmarks.measure import KIB, MB, MIB, Bench, Of, Row, Samples, Target, compare, interleaved
from e2e.orthanc_server import OrthancServer

_LOAD = (
    f"{CONNECTIONS} connections, each from a process of its own, ask for random ranges one after the other; all bytes "
    "in the page cache. The rival is nginx, one worker, sendfile, the film as a plain file."
)
_FIRST = "A new connection each; from connecting to the first byte of the whole stream."


def measure(bench: Bench) -> Iterator[Row]:
    films = material.Films(bench.folder)
    huge, small = films.film(bench.scale.huge), films.film(bench.scale.small)
    # One remembered object: two objects asked for in turn are located anew every time.
    server = servers.with_plugin(bench.folder / "server", IndexCacheEntries=1)
    with Clients() as clients, servers.nginx(bench.folder / "nginx", bench.folder) as port, server:
        paths = {film.path: _stored(server, film) for film in (huge, small)}
        ours = Load(
            port=servers.port_of(server.gateway_url),
            path=paths[huge.path],
            size=huge.size,
            length=4 * MIB,
            seconds=bench.scale.load_seconds,
        )
        rival = Load(port=port, path=f"/{huge.path.name}", size=ours.size, length=ours.length, seconds=ours.seconds)
        yield from _loads(bench, clients, ours, rival)
        yield from _first_bytes(bench, ours.port, paths[huge.path], paths[small.path])


def _stored(server: OrthancServer, film: material.Film) -> str:
    """The path of the film's stream on the gateway."""
    answer = wire.post_file(servers.port_of(server.gateway_url), "/instances", film.path, "video/mp4")
    if answer.document["Status"] != "Success" or answer.document["Video"]["Action"] != "wrap":
        raise RuntimeError(f"the film was not simply stored: {answer.document}")
    return f"/video/instances/{answer.document['ID']}/stream"


def _loads(bench: Bench, clients: Clients, ours: Load, rival: Load) -> Iterator[Row]:
    name = f"ranges of a {ours.size // MB} MB object"
    _read_all(ours)
    _read_all(rival)
    large = _taken(bench, clients, ours, rival)
    yield compare(
        f"{name}, 4 MiB, throughput, gateway : nginx",
        _each(large["ours"], lambda outcome: outcome.rate / 1e9),
        _each(large["rival"], lambda outcome: outcome.rate / 1e9),
        "GB/s",
        target=Target(0.7, False),
        how=_LOAD,
    )
    little = _taken(bench, clients, _shorter(ours), _shorter(rival))
    yield compare(
        f"{name}, 64 KiB, p95, gateway : nginx",
        _each(little["ours"], lambda outcome: outcome.p95 * 1e3),
        _each(little["rival"], lambda outcome: outcome.p95 * 1e3),
        "ms",
        target=Target(10, True, Of.OURS, "ms"),
        how=_LOAD + " The 95th percentile of the time from asking to the last byte.",
    )
    yield compare(
        f"{name}, 64 KiB, requests a second, gateway : nginx",
        _each(little["ours"], lambda outcome: outcome.rate / (64 * KIB)),
        _each(little["rival"], lambda outcome: outcome.rate / (64 * KIB)),
        "/s",
        how="The same load.",
    )


def _shorter(load: Load) -> Load:
    return Load(port=load.port, path=load.path, size=load.size, length=64 * KIB, seconds=load.seconds)


def _read_all(load: Load) -> None:
    with wire.Reader(load.port) as reader:
        reader.ranged(load.path, 0, load.size)


def _taken(bench: Bench, clients: Clients, ours: Load, rival: Load) -> dict[str, list[Outcome]]:
    found: dict[str, list[Outcome]] = {"ours": [], "rival": []}
    for count in range(1 + bench.scale.repetitions):
        for side, load in (("ours", ours), ("rival", rival)):
            outcome = clients.run(load)
            if count:
                found[side].append(outcome)
    return found


def _each(outcomes: list[Outcome], value: Callable[[Outcome], float]) -> Samples:
    return Samples(tuple(value(outcome) for outcome in outcomes))


def _first_bytes(bench: Bench, port: int, huge: str, small: str) -> Iterator[Row]:
    name = f"first byte, {bench.scale.huge // MB} MB : {bench.scale.small // MB} MB object"
    target = Target(1.5, True)
    # Both asked once more just before: what counts is the second of two requests, whose object is remembered.
    known = interleaved({"ours": _first(port, huge, 1), "rival": _first(port, small, 1)}, bench.scale.many)
    yield compare(f"{name}, asked for before", known["ours"], known["rival"], "ms", target=target, how=_FIRST)
    anew = interleaved({"ours": _first(port, huge, 0), "rival": _first(port, small, 0)}, bench.scale.many)
    yield compare(
        f"{name}, located anew",
        anew["ours"],
        anew["rival"],
        "ms",
        target=target,
        how=_FIRST + " The gateway may remember one object only, so it reads each one's header again.",
    )


def _first(port: int, path: str, before: int) -> Callable[[], float]:
    """A side: milliseconds to the first byte, after as many requests ``before`` that do not count."""

    def once() -> float:
        for _ in range(before + 1):
            start = time.perf_counter()
            with wire.Reader(port) as reader:
                reader.first_byte(path)
                seconds = time.perf_counter() - start
            time.sleep(0.02)  # the server notices that this client has gone
        return seconds * 1e3

    return once
