"""That a video has got there is proven: by storage commitment, else by C-FIND; what is not proven has not got there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from pydicom.dataset import Dataset

import peers
from e2e.conftest import Start
from e2e.deliveries import PHOTOGRAPHIC, assert_same_film, begun, ended, held_by, known_as, sent
from e2e.generation import only_once
from e2e.orthanc_server import OrthancServer
from e2e.recordings import Recordings, store, wait_until

pytestmark = only_once


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OrthancServer]:
    destinations = {"HASTY": {"TimeoutSeconds": 3}, "STRICT": {"TimeoutSeconds": 3, "Verify": "commitment"}}
    folder = tmp_path_factory.mktemp("proof")
    with OrthancServer(folder, {"VideoGateway": {"Destinations": destinations}}) as running:
        yield running


@pytest.fixture
def video(server: OrthancServer, recordings: Recordings) -> str:
    return store(server, recordings.one())


def test_what_is_said_to_be_stored_and_is_not_is_a_failure(server: OrthancServer, video: str, tmp_path: Path) -> None:
    with peers.Forgetful(tmp_path) as peer:
        job = sent(server, video, known_as(server, peer, "HASTY"))
    assert job["State"] == "Failure"
    assert "does not find it" in job["Sentence"]
    assert job["Proof"] is None


def test_a_destination_that_commits_is_believed_when_it_has(server: OrthancServer, video: str, tmp_path: Path) -> None:
    with peers.Committing(tmp_path / "peer", server.dicom_port) as peer:
        job = sent(server, video, known_as(server, peer))
        assert (job["State"], job["Proof"]) == ("Success", "storage commitment"), job
        assert_same_film(peer.received(), held_by(server, video, tmp_path))


def test_one_that_does_not_commit_is_not_believed(server: OrthancServer, video: str, tmp_path: Path) -> None:
    with peers.Committing(tmp_path, server.dicom_port, failing=0x0213) as peer:
        job = sent(server, video, known_as(server, peer))
    assert job["State"] == "Failure"
    assert "does not commit" in job["Sentence"]


class Reticent(peers.Committing):
    """Takes requests for storage commitment, and reports from the ``reported``th on alone: 0, never."""

    reported = 0
    asked = 0

    def acted(self, event: Any) -> tuple[int, Dataset | None]:
        self.asked += 1
        return super().acted(event) if 0 < self.reported <= self.asked else (0x0000, None)


def test_who_does_not_report_a_commitment_is_asked_by_c_find(server: OrthancServer, video: str, tmp_path: Path) -> None:
    with Reticent(tmp_path / "peer", server.dicom_port) as peer:
        job = sent(server, video, known_as(server, peer, "HASTY"))
        assert (job["State"], job["Proof"]) == ("Success", "C-FIND"), job
        assert "has not reported in time" in job["Sentence"]
        assert peer.asked == 1


def test_where_commitment_alone_counts_none_is_a_failure(server: OrthancServer, video: str, tmp_path: Path) -> None:
    with Reticent(tmp_path / "peer", server.dicom_port) as peer:
        job = sent(server, video, known_as(server, peer, "STRICT"))
    assert job["State"] == "Failure"
    assert "has not reported in time" in job["Sentence"]


@pytest.mark.parametrize(
    ("kind", "proof"), [(peers.Peer, "C-FIND"), (peers.Silent, "its answer alone")], ids=["asked", "believed"]
)
def test_where_no_commitment_is_to_be_had_the_job_says_so(
    server: OrthancServer, video: str, tmp_path: Path, kind: type[peers.Peer], proof: str
) -> None:
    with kind(tmp_path) as peer:
        job = sent(server, video, known_as(server, peer, "STRICT"))
    assert (job["State"], job["Proof"]) == ("Success", proof), job
    assert "is not to be had there" in job["Sentence"]


def test_what_is_not_found_where_no_commitment_is_to_be_had_is_not_there(
    server: OrthancServer, video: str, tmp_path: Path
) -> None:
    with peers.Forgetful(tmp_path) as peer:
        job = sent(server, video, known_as(server, peer, "STRICT"))
    assert job["State"] == "Failure"
    assert "does not find it" in job["Sentence"]


def test_who_no_longer_takes_commitment_is_asked_by_c_find(server: OrthancServer, video: str, tmp_path: Path) -> None:
    with peers.Committing(tmp_path / "old", server.dicom_port) as old:
        name, port = known_as(server, old, "STRICT"), old.port
        assert sent(server, video, name)["Proof"] == "storage commitment"
    with peers.Peer(tmp_path / "new", port=port):
        job = sent(server, video, name)
    assert (job["State"], job["Proof"]) == ("Success", "C-FIND"), job
    assert "does not take storage commitment" in job["Sentence"]


def test_a_commitment_that_orthanc_has_forgotten_is_asked_for_again(
    start: Start, recordings: Recordings, tmp_path: Path
) -> None:
    server = start({"StorageCommitmentReportsSize": 1})
    with Reticent(tmp_path / "peer", server.dicom_port) as peer:
        peer.reported = 3
        name = known_as(server, peer)
        job = begun(server, store(server, recordings.one()), name)
        wait_until(lambda: peer.asked == 1)
        # Another one pushes it out.
        other = {"DicomInstances": [{"SOPClassUID": PHOTOGRAPHIC, "SOPInstanceUID": "2.25.1"}]}
        url = f"{server.url}/modalities/{name}/storage-commitment"
        assert requests.post(url, json=other, timeout=10).status_code == 200
        done = ended(server, job)
        assert (done["State"], done["Proof"]) == ("Success", "storage commitment"), done
        assert peer.asked == 3
