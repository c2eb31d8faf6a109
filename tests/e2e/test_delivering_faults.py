"""What goes wrong at destinations, and to what is sent: nothing is lost by it, and nothing else is held up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import requests
from pynetdicom import build_context

import peers
from clips import Clips
from e2e.conftest import Start
from e2e.deliveries import ENDED, PHOTOGRAPHIC, begun, ended, job_of, known_as, sent
from e2e.generation import only_once
from e2e.orthanc_server import OrthancServer
from e2e.recordings import Recordings, store, wait_until

pytestmark = only_once

HIGH_41, JPEG = "1.2.840.10008.1.2.4.102", "1.2.840.10008.1.2.4.50"


@pytest.fixture
def video(server: OrthancServer, recordings: Recordings) -> str:
    return store(server, recordings.one())


def test_what_is_refused_in_every_form_spoils_nothing_for_others(
    server: OrthancServer, recordings: Recordings, tmp_path: Path
) -> None:
    def of(patient: str) -> str:
        return store(server, recordings.changed(lambda dataset: setattr(dataset, "PatientID", patient)))

    class Registered(peers.JpegOnly):
        """Accepts every context, and refuses what is of a patient whom it does not know."""

        def judged(self, data: bytes) -> int:
            return 0xC000 if b"UNKNOWN" in data else 0

    with Registered(tmp_path) as peer:
        name = known_as(server, peer)
        job = sent(server, of("UNKNOWN"), name)
        assert (job["State"], peer.received()) == ("Failure", []), job
        assert "C000" in job["Sentence"]
        job = sent(server, of("4711"), name)
        assert (job["State"], job["Form"]["Kind"], job["Form"]["TransferSyntaxUID"]) == ("Success", "frames", JPEG), job


def test_a_destination_that_has_become_another_is_asked_anew(server: OrthancServer, video: str, tmp_path: Path) -> None:
    with peers.Mpeg2Only(tmp_path / "old") as old:
        name, port = known_as(server, old), old.port
        assert sent(server, video, name)["Form"]["Kind"] == "transcoded"
    with peers.JpegOnly(tmp_path / "new", port=port) as new:
        job = sent(server, video, name)
        assert (job["State"], job["Form"]["TransferSyntaxUID"]) == ("Success", JPEG), job
        assert len(new.received()) == 1
    assert [one["Result"] for one in job["Attempts"]] == ["Refused", "Success"]
    assert any("the destination takes no Video Photographic in" in reason for reason in job["Reasons"])


def accepted(server: OrthancServer, name: str) -> set[str]:
    """The transfer syntaxes that a destination is remembered to take of the film's class."""
    known = requests.get(f"{server.gateway_url}/video/destinations/{name}/capabilities", timeout=30).json()
    return {
        syntax["UID"]
        for one in known["Accepted"]
        if one["SOPClassUID"] == PHOTOGRAPHIC
        for syntax in one["TransferSyntaxes"]
    }


def test_one_that_takes_less_than_before_is_asked_anew_at_the_first_refusal(
    server: OrthancServer, video: str, recordings: Recordings, tmp_path: Path
) -> None:
    with peers.Peer(tmp_path / "old") as old:
        name, port = known_as(server, old), old.port
        assert sent(server, video, name)["Form"]["Kind"] == "stored"
        assert HIGH_41 in accepted(server, name)
    with peers.JpegOnly(tmp_path / "new", port=port):
        job = sent(server, video, name)
        # Of all that was remembered nothing else is made and tried.
        assert [one["Result"] for one in job["Attempts"]] == ["Refused", "Success"], job
        assert job["Form"]["TransferSyntaxUID"] == JPEG
        assert accepted(server, name) == {JPEG, peers.IMPLICIT, peers.EXPLICIT}
        job = sent(server, store(server, recordings.one()), name)
        assert [one["Result"] for one in job["Attempts"]] == ["Success"], job


def test_one_that_refuses_what_it_says_that_it_takes_is_asked_anew_once(
    server: OrthancServer, video: str, tmp_path: Path
) -> None:
    class Fickle(peers.Peer):
        """Says that it takes all, and takes JPEG alone once something is to be sent."""

        asked = 0

        def requested(self, event: Any) -> None:
            offered = event.assoc.requestor.requested_contexts
            asking = any(one.abstract_syntax == peers.COMMITMENT for one in offered)
            self.asked += asking
            wanted = self.syntaxes if asking else (JPEG,)
            event.assoc.acceptor.supported_contexts = [build_context(one, list(wanted)) for one in self.classes] + [
                build_context(one, [peers.IMPLICIT]) for one in self.services
            ]

    with Fickle(tmp_path) as peer:
        job = sent(server, video, known_as(server, peer))
        assert (job["State"], job["Form"]["TransferSyntaxUID"]) == ("Success", JPEG), job
        assert peer.asked == 2
    # Its newest answer counts: what it was refused before is tried again by that, and then the rest.
    assert [one["Form"]["TransferSyntaxUID"] for one in job["Attempts"]][:2] == [HIGH_41] * 2
    assert {one["Result"] for one in job["Attempts"][:-1]} == {"Refused"}


def test_who_cannot_be_asked_what_it_takes_is_told_of(server: OrthancServer, video: str, tmp_path: Path) -> None:
    with peers.Peer(tmp_path) as peer:
        name = known_as(server, peer)
    job = begun(server, video, name)

    def waits() -> dict[str, Any]:
        found = job_of(server, job)
        return found if found.get("Attempts") and found["Stage"] == "wait" else {}

    first = wait_until(waits, 30)["Attempts"][0]
    assert (first["Form"], first["Result"]) == (None, "Failure")
    assert "nothing listens" in first["Sentence"]
    cancel(server, job)


def test_an_object_that_waits_holds_up_no_others(server: OrthancServer, recordings: Recordings, tmp_path: Path) -> None:
    class Full(peers.Peer):
        """Has no room for what is of one patient."""

        def judged(self, data: bytes) -> int:
            return 0xA700 if b"LARGEST" in data else 0

    large = store(server, recordings.changed(lambda dataset: setattr(dataset, "PatientID", "LARGEST")))
    with Full(tmp_path) as peer:
        name = known_as(server, peer)
        waiting = begun(server, large, name)
        wait_until(lambda: job_of(server, waiting).get("Attempts"), 30)
        assert sent(server, store(server, recordings.one()), name)["State"] == "Success"
        assert job_of(server, waiting)["State"] not in ENDED
    cancel(server, waiting)


def test_what_was_tried_is_still_told_when_it_is_cancelled(
    start: Start, recordings: Recordings, tmp_path: Path
) -> None:
    class Doubtful(peers.Forgetful):
        """Refuses MP4, and finds nothing of what it takes."""

        def judged(self, data: bytes) -> int:
            return 0xC000 if b"ftyp" in data else 0

    class Full(peers.Peer):
        def judged(self, _data: bytes) -> int:
            return 0xA700

    def at(stage: str, job: str) -> list[Any]:
        wait_until(lambda: (found := job_of(server, job))["Stage"] == stage and len(found["Attempts"]) >= 2, 60)
        cancel(server, job)
        return list(ended(server, job)["Attempts"])

    with Doubtful(tmp_path / "doubtful") as doubtful, Full(tmp_path / "full") as full:
        known = {"DOUBTFUL": doubtful.port, "FULL": full.port}
        server = start({"DicomModalities": {name: ["PEER", "127.0.0.1", port] for name, port in known.items()}})
        video = store(server, recordings.one())
        arrived, waiting = begun(server, video, "DOUBTFUL"), begun(server, video, "FULL")
        tried = {arrived: at("verify", arrived), waiting: at("wait", waiting)}
    assert [one["Result"] for one in tried[arrived]] == ["Refused", "Success"]
    assert {one["Result"] for one in tried[waiting]} == {"Failure"}
    assert all("out of resources" in one["Sentence"] for one in tried[waiting])
    server.restart()
    url = f"{server.gateway_url}/video/instances/{video}/deliveries"
    told = {one["ID"]: one for one in requests.get(url, timeout=10).json()["Deliveries"]}
    assert {job: one["Attempts"] for job, one in told.items()} == tried
    assert told[arrived]["Form"] == tried[arrived][-1]["Form"]
    assert told[waiting]["Form"] is None
    assert {one["State"] for one in told.values()} == {"Cancelled"}


def cancel(server: OrthancServer, job: str) -> None:
    assert requests.delete(f"{server.gateway_url}/video/jobs/{job}", timeout=10).status_code == 200


def test_a_commitment_that_orthanc_has_forgotten_is_asked_for_again(
    start: Start, recordings: Recordings, tmp_path: Path
) -> None:
    class Silent(peers.Committing):
        """Reports at the second request alone."""

        requests = 0

        def acted(self, event: Any) -> Any:
            self.requests += 1
            return super().acted(event) if self.requests > 1 else (0, None)

    server = start()
    with Silent(tmp_path / "peer", server.dicom_port) as peer:
        entry = {"AET": peers.AET, "Host": "127.0.0.1", "Port": peer.port}
        server.stop()
        server.configuration["DicomModalities"] = {"PACS": list(entry.values())}
        server.start()
        job = begun(server, store(server, recordings.one()), "PACS")
        wait_until(lambda: peer.requests == 1, 60)
        server.restart()
        found = ended(server, job)
        assert (found["State"], found["Proof"]) == ("Success", "storage commitment"), found
        assert peer.stores == 1


def test_what_is_deleted_once_it_is_delivered_was_delivered(server: OrthancServer, video: str, tmp_path: Path) -> None:
    class Late(peers.Forgetful):
        """Finds nothing until it has been deleted at its source."""

        def found(self, event: Any) -> Any:
            requests.delete(f"{server.url}/instances/{video}", timeout=10)
            return super().found(event)

    with Late(tmp_path) as peer:
        job = sent(server, video, known_as(server, peer))
    assert (job["State"], job["Proof"]) == ("Success", "its answer alone"), job


def test_a_video_becomes_as_small_as_the_level_that_is_taken(
    server: OrthancServer, clips: Clips, tmp_path: Path
) -> None:
    class Level41(peers.Peer):
        syntaxes = (HIGH_41, JPEG)

    clip = clips.conforming(seconds=0.1, rate="60", size="1920x1080")
    stored = requests.post(f"{server.gateway_url}/instances", data=clip.read_bytes(), timeout=60).json()["ID"]
    with Level41(tmp_path) as peer:
        job = sent(server, stored, known_as(server, peer))
    assert (job["State"], job["Form"]["TransferSyntaxUID"]) == ("Success", HIGH_41), job
    assert "Its 1080 rows become at most 720, as this transfer syntax allows no more at its rate." in job["Reasons"]
    assert [one["Result"] for one in job["Attempts"]] == ["Success"]
