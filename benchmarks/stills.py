"""Single frames of a 1080p video over HTTP: exact ones, thumbnails, and those that were asked for before."""

from __future__ import annotations

import http
import http.client
import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from benchmarks import material, servers, wire
from benchmarks.measure import Bench, Row, Samples, Target, alone

_HEAVY_SECONDS = 10
# Prime to the number of frames: all of them in a scattered order.
_STRIDE = 337
_HOW = (
    "One request after the other over one connection to the gateway's port; the 95th percentile of {many}, {rounds} "
    "times. The film is the one that clips are cut out of: 1080p30 H.264 of 4 Mbit/s, groups of 30 with B-frames. "
)
_EXACT = (
    "Each time another frame, anywhere in the film; a media process decodes it and makes a JPEG of 1920 × 1080 pixels."
)
_HEAVY = "As above, of a film of 8 Mbit/s by x264 medium: three references, pyramids of B-frames."
_THUMBNAIL = "Each time of another width, so that a media process makes it."
_CACHED = "The same one again: it is read from the cache, after Orthanc has let the caller read it."


def measure(bench: Bench) -> Iterator[Row]:
    rounds, many = bench.scale.repetitions, bench.scale.many
    widths = itertools.cycle(range(300, 300 + rounds * many))
    how = _HOW.format(many=many, rounds=rounds)
    seconds = 6 * bench.scale.film_seconds
    films = material.recording(bench.folder / "stills.mp4", seconds / 60), _heavy(bench.folder / "heavy.mp4")
    with servers.with_plugin(bench.folder / "server") as server:
        port = servers.port_of(server.gateway_url)
        path, heavy = (_stored(port, film) for film in films)
        for name, bound, said, asked in (
            ("an exact frame of 1080p, groups of 30", 110, _EXACT, _scattered(path, seconds * 30)),
            ("the same of a heavier film", 0, _HEAVY, _scattered(heavy, _HEAVY_SECONDS * 30)),
            ("a thumbnail", 60, _THUMBNAIL, lambda: f"{path}/thumbnail?width={next(widths)}"),
            ("an exact frame from the cache", 5, _CACHED, lambda: f"{path}/frames/7"),
            ("a thumbnail from the cache", 5, _CACHED, lambda: f"{path}/thumbnail"),
        ):
            found = _slowest(port, asked, rounds, many)
            target = Target(bound, True, unit="ms") if bound else None
            yield alone(f"{name}, 95th percentile", found, "ms", target=target, how=how + said)


def _heavy(path: Path) -> Path:
    material.ffmpeg(
        *("-f", "lavfi", "-i", "testsrc2=s=1920x1080:r=30,noise=alls=4:allf=t", "-t", _HEAVY_SECONDS),
        *("-c:v", "libx264", "-preset", "medium", "-profile:v", "high", "-level:v", "4.1", "-pix_fmt", "yuv420p"),
        *("-g", "30", "-b:v", "8M", "-maxrate", "12M", "-bufsize", "12M", "-movflags", "+faststart", path),
    )
    return path


def _stored(port: int, film: Path) -> str:
    answer = wire.post_file(port, "/instances", film, "video/mp4")
    return f"/video/instances/{answer.document['ID']}"


def _scattered(path: str, frames: int) -> Callable[[], str]:
    numbers = itertools.cycle(at * _STRIDE % frames + 1 for at in range(frames))
    return lambda: f"{path}/frames/{next(numbers)}"


def _slowest(port: int, asked: Callable[[], str], rounds: int, many: int) -> Samples:
    """Of each round the 95th percentile of the milliseconds of its requests."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=600)) as connection:
        _get(connection, asked())
        return Samples(tuple(_percentile([_timed(connection, asked()) for _ in range(many)]) for _ in range(rounds)))


def _timed(connection: http.client.HTTPConnection, path: str) -> float:
    start = time.perf_counter()
    _get(connection, path)
    return 1e3 * (time.perf_counter() - start)


def _get(connection: http.client.HTTPConnection, path: str) -> None:
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != http.HTTPStatus.OK:
        raise RuntimeError(f"{path} answered HTTP {answer.status}: {body[:500]!r}")


def _percentile(values: list[float]) -> float:
    return sorted(values)[max(0, -(-95 * len(values) // 100) - 1)]
