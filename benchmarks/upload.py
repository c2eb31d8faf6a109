"""A conforming film posted to the gateway until it is stored, against an equally large DICOM file to Orthanc."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from benchmarks import material, servers, wire
from benchmarks.material import DicomFile, Film
from benchmarks.measure import MB, Bench, Row, Target, compare, interleaved, timed_on_clean_disk
from e2e.orthanc_server import OrthancServer

_HOW = (
    "One POST by sendfile from the page cache until the answer that says Success: probed, planned, job committed, "
    "wrapped, stored and checked. The rival is one POST of the finished DICOM file. All disks synced before each, "
    "each object deleted after it."
)


def measure(bench: Bench) -> Iterator[Row]:
    film = material.Films(bench.folder).film(bench.scale.upload)
    finished = material.dicom_video(film)
    name = f"upload of {film.size // MB} MB"
    ours_server, plain_server = servers.with_plugin(bench.folder / "ours"), servers.plain(bench.folder / "plain")
    with ours_server as ours, plain_server as plain:
        sides = {
            "ours": film_to(ours, film),
            "plain": dicom_to(plain, finished),
            "with plugin": dicom_to(ours, finished),
        }
        found = interleaved(sides, bench.scale.repetitions)
    yield compare(
        f"{name}, gateway : plain Orthanc", found["ours"], found["plain"], "s", target=Target(1.3, True), how=_HOW
    )
    yield compare(
        f"{name}, gateway : Orthanc with the plugin",
        found["ours"],
        found["with plugin"],
        "s",
        how="As before, the DICOM file posted to the very Orthanc that the gateway stores into, on its own port.",
    )


def film_to(server: OrthancServer, film: Film) -> Callable[[], float]:
    """A side: seconds until the film is stored by way of the gateway's port."""

    def post() -> float:
        answer = wire.post_file(servers.port_of(server.gateway_url), "/instances", film.path, "video/mp4")
        if answer.document["Status"] != "Success" or answer.document["Video"]["Action"] != "wrap":
            raise RuntimeError(f"the film was not simply stored: {answer.document}")
        wire.ask(servers.port_of(server.url), "DELETE", f"/instances/{answer.document['ID']}")
        return answer.seconds

    return lambda: timed_on_clean_disk(film.renew, post)


def dicom_to(server: OrthancServer, file: DicomFile) -> Callable[[], float]:
    """A side: seconds until the DICOM file is stored by way of Orthanc's port."""
    port = servers.port_of(server.url)

    def post() -> float:
        answer = wire.post_file(port, "/instances", file.path, "application/dicom")
        if answer.document["Status"] != "Success":
            raise RuntimeError(f"the file was not stored: {answer.document}")
        wire.ask(port, "DELETE", f"/instances/{answer.document['ID']}")
        return answer.seconds

    return lambda: timed_on_clean_disk(file.renew, post)
