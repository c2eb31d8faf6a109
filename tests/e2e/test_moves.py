"""C-MOVE: videos reach the destination in the form that it takes, all else as Orthanc sends it.

The Python plugin of Debian 12 lets no plugin answer C-MOVE: there it is Orthanc's own.
"""

from __future__ import annotations

import itertools
import re
import subprocess
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import requests

import peers
from e2e.conftest import Start
from e2e.films import Films
from e2e.orthanc_server import OrthancServer
from e2e.recordings import Recordings, wait_until
from e2e.studies import HIGH_41, JPEG, MR, Archive, Study, Weak, mixed, received

PHOTOGRAPHIC = "1.2.840.10008.5.1.4.1.1.77.1.4.1"
_names = (f"MOVED-{number}" for number in itertools.count(1))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OrthancServer]:
    with OrthancServer(tmp_path_factory.mktemp("moves"), with_modalities()) as running:
        yield running


@pytest.fixture
def study(server: OrthancServer, recordings: Recordings, films: Films) -> Study:
    return mixed(server, recordings, films)


@pytest.fixture
def taken_over(server: OrthancServer) -> bool:
    """Whether the plugin answers C-MOVE on this generation."""
    return server.version >= (1, 12)


class Final(NamedTuple):
    """The last response to a C-MOVE: its status, and its sub-operations."""

    status: str
    completed: int
    failed: int
    pending: int


def with_modalities(**ports: int) -> dict[str, Any]:
    """A configuration in which the workstation is known, and each AE title leads to its port."""
    known = {title: [title, "127.0.0.1", port] for title, port in ({"WORKSTATION": 1} | ports).items()}
    return {"DicomModalities": known}


def command(server: OrthancServer, title: str, level: str, keys: Mapping[str, str]) -> list[str]:
    asked = [part for key, value in keys.items() for part in ("-k", f"{key}={value}")]
    model = "-P" if level == "PATIENT" else "-S"
    who = ["-aet", "WORKSTATION", "-aec", "ORTHANC", "-aem", title]
    where = ["127.0.0.1", str(server.dicom_port)]
    return ["movescu", "-d", model, *who, "-k", f"QueryRetrieveLevel={level}", *asked, *where]


def moved(server: OrthancServer, title: str, level: str, keys: Mapping[str, str]) -> Final:
    """By DCMTK's movescu, as the workstation, to whoever has this AE title."""
    by = command(server, title, level, keys)
    done = subprocess.run(by, capture_output=True, text=True, timeout=120, check=False)
    said = done.stdout + done.stderr
    responses = said.split("Received ")[1:]
    last = next(part for part in responses if part.startswith("Final Move Response"))

    def number(name: str) -> int:
        found = re.search(rf"{name} Suboperations\s*: (\d+)", last)
        return int(found[1]) if found else 0

    status = re.search(r"DIMSE Status\s*: 0x(\w+)", last)
    assert status is not None, last
    pending = sum(part.startswith("Move Response") for part in responses)
    return Final(status[1], number("Completed"), number("Failed"), pending)


def known_as(server: OrthancServer, port: int) -> str:
    """A new AE title that leads to this port."""
    name = next(_names)
    entry = {"AET": name, "Host": "127.0.0.1", "Port": port}
    assert requests.put(f"{server.url}/modalities/{name}", json=entry, timeout=10).status_code == 200
    return name


def keys_of(study: Study, patient: str, level: str) -> dict[str, str]:
    series = f"{study.study_uid[:50]}.1"
    return {
        "PATIENT": {"PatientID": patient},
        "STUDY": {"StudyInstanceUID": study.study_uid},
        "SERIES": {"StudyInstanceUID": study.study_uid, "SeriesInstanceUID": series},
        "IMAGE": {
            "StudyInstanceUID": study.study_uid,
            "SeriesInstanceUID": series,
            "SOPInstanceUID": study.video_uid,
        },
    }[level]


@pytest.mark.parametrize(("level", "count"), [("PATIENT", 2), ("STUDY", 2), ("SERIES", 1), ("IMAGE", 1)])
def test_a_weak_destination_gets_what_it_takes(
    server: OrthancServer, study: Study, tmp_path: Path, taken_over: bool, level: str, count: int
) -> None:
    with Weak(tmp_path) as peer:
        tags = requests.get(f"{server.url}/patients/{study.patient}", timeout=10).json()["MainDicomTags"]
        final = moved(server, known_as(server, peer.port), level, keys_of(study, tags["PatientID"], level))
        got = received(peer)
        if not taken_over:  # Orthanc's own, which gives up at the first that is refused
            assert final.status != "0000"
            assert PHOTOGRAPHIC not in got
            return
        assert final == ("0000", count, 0, count - 1)
        assert len(got) == count
        assert got[PHOTOGRAPHIC].file_meta.TransferSyntaxUID == JPEG
        assert (MR in got) == (count == 2)
        # Message ID 1 is movescu's own.
        assert peer.movers == [("WORKSTATION", 1)] * count


def test_a_strong_destination_gets_it_as_it_is(server: OrthancServer, study: Study, tmp_path: Path) -> None:
    with Archive(tmp_path) as peer:
        final = moved(server, known_as(server, peer.port), "STUDY", {"StudyInstanceUID": study.study_uid})
        got = received(peer)
    assert final == ("0000", 2, 0, 1)
    assert got[PHOTOGRAPHIC].file_meta.TransferSyntaxUID == HIGH_41
    assert {got[PHOTOGRAPHIC].SOPInstanceUID, got[MR].SOPInstanceUID} == {study.video_uid, study.image_uid}


def test_without_a_video_it_is_as_orthancs_own(server: OrthancServer, study: Study, tmp_path: Path) -> None:
    with Archive(tmp_path) as peer:
        keys = {"StudyInstanceUID": study.study_uid, "SeriesInstanceUID": f"{study.study_uid[:50]}.2"}
        final = moved(server, known_as(server, peer.port), "SERIES", keys)
        assert final == ("0000", 1, 0, 0)
        assert peer.movers == [("WORKSTATION", 1)]
        assert [one.SOPInstanceUID for one in received(peer).values()] == [study.image_uid]


def test_several_at_once_and_an_accession_number(
    server: OrthancServer, recordings: Recordings, films: Films, study: Study, tmp_path: Path
) -> None:
    other = mixed(server, recordings, films)
    with Archive(tmp_path) as peer:
        title = known_as(server, peer.port)
        final = moved(server, title, "STUDY", {"StudyInstanceUID": f"{study.study_uid}\\{other.study_uid}"})
        assert final == ("0000", 4, 0, 3)
        assert len(peer.received()) == 4


@pytest.mark.parametrize(
    ("title", "keys"),
    [
        ("", {"StudyInstanceUID": "1.2.3.4"}),
        ("", {"StudyInstanceUID": ""}),
        ("NOBODY", {}),
    ],
)
def test_what_cannot_be_moved_fails_as_orthancs_own(
    server: OrthancServer, study: Study, tmp_path: Path, title: str, keys: dict[str, str]
) -> None:
    with Archive(tmp_path) as peer:
        title = title or known_as(server, peer.port)
        final = moved(server, title, "STUDY", keys or {"StudyInstanceUID": study.study_uid})
        assert final.status.lower() in {"c000", "a801"}
        assert peer.received() == []


def test_a_wildcard_means_nothing_but_itself(server: OrthancServer, study: Study, tmp_path: Path) -> None:
    with Archive(tmp_path) as peer:
        assert study.patient
        final = moved(server, known_as(server, peer.port), "PATIENT", {"PatientID": "P-*"})
        assert final.status.lower() == "c000"
        assert peer.received() == []


@pytest.mark.parametrize("which", ["video", "image"])
def test_a_failed_delivery_is_a_failed_suboperation(
    server: OrthancServer, study: Study, tmp_path: Path, taken_over: bool, which: str
) -> None:
    with peers.Refusing(tmp_path, 0x0124) as peer:
        series = f"{study.study_uid[:50]}.{1 if which == 'video' else 2}"
        keys = {"StudyInstanceUID": study.study_uid, "SeriesInstanceUID": series}
        final = moved(server, known_as(server, peer.port), "SERIES", keys)
    if taken_over:
        assert (final.status.lower(), final.failed) == ("b000", 1)
    else:
        assert final.status.lower() == "c000"


def test_orthanc_ends_while_something_is_moved(tmp_path: Path, recordings: Recordings, films: Films) -> None:
    """A destination that is full keeps a C-MOVE waiting, but not Orthanc's end."""
    with (
        peers.Refusing(tmp_path / "peer", 0xA700) as peer,
        OrthancServer(tmp_path / "orthanc", with_modalities(FULL=peer.port)) as server,
    ):
        study = mixed(server, recordings, films)
        keys = {"StudyInstanceUID": study.study_uid, "SeriesInstanceUID": f"{study.study_uid[:50]}.1"}
        with subprocess.Popen(command(server, "FULL", "SERIES", keys), stderr=subprocess.DEVNULL) as running:
            wait_until(lambda: peer.stores >= 1)
            server.stop(20)
            assert server.exit_status == 0
            running.wait(10)


def test_where_orthanc_asks_for_passwords(start: Start, recordings: Recordings, films: Films, tmp_path: Path) -> None:
    users = {"AuthenticationEnabled": True, "RegisteredUsers": {"doctor": "word", "gateway": "secret"}}
    own = {"VideoGateway": {"Username": "gateway", "Password": "secret"}}
    with Archive(tmp_path / "peer") as peer:
        server = start(users | own | with_modalities(PACS=peer.port))
        study = mixed(server, recordings, films)
        assert moved(server, "PACS", "STUDY", {"StudyInstanceUID": study.study_uid}) == ("0000", 2, 0, 1)
        assert set(received(peer)) == {PHOTOGRAPHIC, MR}


def test_where_one_python_callback_runs_at_a_time(
    start: Start, recordings: Recordings, films: Films, tmp_path: Path
) -> None:
    """Debian's configuration has no AllowThreads."""
    with Archive(tmp_path / "peer") as peer:
        server = start({"Python": {"AllowThreads": False}} | with_modalities(PACS=peer.port))
        study = mixed(server, recordings, films)
        assert moved(server, "PACS", "STUDY", {"StudyInstanceUID": study.study_uid}) == ("0000", 2, 0, 1)
        for resource in (study.study, study.image):
            url = f"{server.url}/modalities/PACS/store"
            assert requests.post(url, data=resource, timeout=60).status_code == 200
        assert len(peer.movers) == 5


def test_without_a_gateway_it_is_sent_as_it_always_was(
    start: Start, recordings: Recordings, films: Films, tmp_path: Path
) -> None:
    with Archive(tmp_path / "peer") as peer:
        server = start({"VideoGateway": {"Launch": False}} | with_modalities(PACS=peer.port))
        study = mixed(server, recordings, films)
        assert moved(server, "PACS", "STUDY", {"StudyInstanceUID": study.study_uid}) == ("0000", 2, 0, 1)
        assert received(peer)[PHOTOGRAPHIC].SOPInstanceUID == study.video_uid


def test_who_does_not_want_to_wait_is_answered_at_once(
    start: Start, recordings: Recordings, films: Films, tmp_path: Path
) -> None:
    class Held(Weak):
        """Answers once it may."""

        def __init__(self, folder: Path) -> None:
            super().__init__(folder)
            self.may = threading.Event()

        def judged(self, _data: bytes) -> int:
            self.may.wait(60)
            return 0

    with Held(tmp_path / "peer") as peer:
        server = start({"SynchronousCMove": False} | with_modalities(PACS=peer.port))
        study = mixed(server, recordings, films)
        keys = {"StudyInstanceUID": study.study_uid, "SeriesInstanceUID": f"{study.study_uid[:50]}.2"}
        assert moved(server, "PACS", "SERIES", keys) == ("0000", 1, 0, 0)
        assert peer.received() == []
        peer.may.set()
        wait_until(lambda: len(peer.received()) == 1)
