"""Sending to a second Orthanc that takes few transfer syntaxes, and being sure that it is there: over real Orthancs."""

from __future__ import annotations

import dataclasses
import io
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from pydicom import dcmread
from pydicom.uid import UID

import peers
from clips import Clips
from dicom import objects
from dicom.conftest import prepare
from e2e.orthanc_server import OrthancServer
from orthanc_video.archive import commitment
from orthanc_video.archive.commitment import Report, State
from orthanc_video.archive.service import Archive
from orthanc_video.dicom import syntaxes
from orthanc_video.errors import Declined, NotFound, Unreachable
from orthanc_video.routing.asking import ask, echo
from orthanc_video.routing.destinations import Dimse, Web
from orthanc_video.routing.outcomes import Outcome, Result
from orthanc_video.routing.sending import send
from orthanc_video.routing.stow import store
from orthanc_video.routing.verifying import Instances, has
from orthanc_video.settings import settings_of

_TAKEN = {peers.IMPLICIT, peers.EXPLICIT, peers.JPEG, syntaxes.H264_HIGH_41}
_WEB = {"Plugins": ["/usr/share/orthanc/plugins/libOrthancDicomWeb.so"], "VideoGateway": {"Launch": False}}


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OrthancServer]:
    configuration: dict[str, Any] = {"DicomAet": "HERE", "Plugins": [], "VideoGateway": {"Launch": False}}
    with OrthancServer(tmp_path_factory.mktemp("here"), configuration) as running:
        yield running


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory, here: OrthancServer) -> Iterator[OrthancServer]:
    modalities = {"here": ["HERE", "127.0.0.1", here.dicom_port]}
    configuration = {"DicomAet": "THERE", "AcceptedTransferSyntaxes": sorted(_TAKEN), "DicomModalities": modalities}
    with OrthancServer(tmp_path_factory.mktemp("there"), configuration | _WEB) as running:
        yield running


@pytest.fixture(scope="module")
def film(clips: Clips, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("film")
    return prepare(clips.conforming(), folder).write(folder / "film.dcm")


@pytest.fixture
def archive(here: OrthancServer) -> Archive:
    return Archive(settings_of(here.folder / "orthanc.json"))


def _dimse(there: OrthancServer) -> Dimse:
    return Dimse(aet="THERE", calling="HERE", host="127.0.0.1", port=there.dicom_port)


def _instance(path: Path) -> Instances:
    said = dcmread(path, stop_before_pixels=True)
    return Instances(study=said.StudyInstanceUID, series=said.SeriesInstanceUID, instances=(said.SOPInstanceUID,))


def _know(here: OrthancServer, peer: Dimse) -> str:
    entry = {"AET": peer.aet, "Host": peer.host, "Port": peer.port}
    requests.put(f"{here.url}/modalities/peer", json=entry, timeout=10).raise_for_status()
    return "peer"


def _report(archive: Archive, transaction: str, *instances: str) -> Report:
    limit = time.monotonic() + 20
    while (found := commitment.report(archive, transaction, instances)).state is State.PENDING:
        assert time.monotonic() < limit, "the peer has not reported"
        time.sleep(0.05)
    return found


def test_what_an_orthanc_takes_is_what_it_was_configured_to(there: OrthancServer) -> None:
    assert 0 < echo(_dimse(there)) < 10
    found = ask(_dimse(there), [objects.PHOTOGRAPHIC, peers.SECONDARY[-1]])
    assert found.accepted == {objects.PHOTOGRAPHIC: _TAKEN, peers.SECONDARY[-1]: _TAKEN}
    assert found.commitment
    assert found.find
    assert found.implementation


def test_a_film_is_stored_there_and_found(there: OrthancServer, film: Path) -> None:
    assert not has(_dimse(there), _instance(film))
    (outcome,) = send(_dimse(there), [film])
    assert outcome == Outcome(Result.DELIVERED, "It has been stored.")
    assert has(_dimse(there), _instance(film))
    (instance,) = requests.get(f"{there.url}/instances", timeout=10).json()
    stored = requests.get(f"{there.url}/instances/{instance}/file", timeout=10).content
    assert dcmread(io.BytesIO(stored)).PixelData == dcmread(film).PixelData


def test_another_syntax_is_not_taken(there: OrthancServer, tmp_path: Path) -> None:
    path = tmp_path / "film.dcm"
    path.write_bytes(objects.header(syntaxes.MPEG2_MAIN) + objects.encapsulated([b"film"]))
    (outcome,) = send(_dimse(there), [path])
    assert outcome.result is Result.REFUSED
    assert "MPEG2" in outcome.sentence


def test_an_orthanc_commits_to_what_it_has(
    here: OrthancServer, there: OrthancServer, archive: Archive, film: Path
) -> None:
    (outcome,) = send(_dimse(there), [film])
    assert outcome.delivered
    uid = _instance(film).instances[0]
    name = _know(here, _dimse(there))
    good = commitment.ask(archive, name, [(objects.PHOTOGRAPHIC, uid)], 10)
    assert _report(archive, good, uid) == Report(State.COMMITTED)
    both = commitment.ask(archive, name, [(objects.PHOTOGRAPHIC, uid), (objects.PHOTOGRAPHIC, "2.25.99")], 10)
    report = _report(archive, both, uid, "2.25.99")
    assert (report.state, set(report.reasons)) == (State.REFUSED, {"2.25.99"})
    assert "not available" in report.reasons["2.25.99"]


@pytest.mark.parametrize("failing", [0, 0x0213])
def test_a_commitment_on_a_new_association(
    here: OrthancServer, archive: Archive, film: Path, tmp_path: Path, failing: int
) -> None:
    uid = _instance(film).instances[0]
    with peers.Committing(tmp_path / "peer", here.dicom_port, failing=failing) as peer:
        (outcome,) = send(peer.dimse(calling="HERE"), [film])
        assert outcome.delivered
        asked = commitment.ask(archive, _know(here, peer.dimse()), [(objects.PHOTOGRAPHIC, uid)], 10)
        report = _report(archive, asked, uid)
        assert peer.problems == []
    assert report.state is (State.REFUSED if failing else State.COMMITTED)
    assert ("resources" in report.reasons.get(uid, "")) == bool(failing)


def test_who_stores_nothing_does_not_commit(here: OrthancServer, archive: Archive, film: Path, tmp_path: Path) -> None:
    class Liar(peers.Forgetful, peers.Committing):
        pass

    uid = _instance(film).instances[0]
    with Liar(tmp_path / "peer", port=here.dicom_port) as peer:
        (outcome,) = send(peer.dimse(), [film])
        assert outcome.delivered
        asked = commitment.ask(archive, _know(here, peer.dimse()), [(objects.PHOTOGRAPHIC, uid)], 10)
        assert _report(archive, asked, uid).state is State.REFUSED


def test_a_transaction_that_orthanc_has_forgotten(archive: Archive) -> None:
    assert commitment.report(archive, "2.25.4711", ["2.25.1"]) == Report(State.LOST)


def test_who_takes_no_commitment_or_is_not_there(here: OrthancServer, archive: Archive, tmp_path: Path) -> None:
    wanted = [(objects.PHOTOGRAPHIC, "2.25.1")]
    with peers.Peer(tmp_path / "peer") as peer:
        name = _know(here, peer.dimse())
        with pytest.raises(Declined, match="commitment"):
            commitment.ask(archive, name, wanted, 10)
    with pytest.raises(Unreachable, match="commitment"):
        commitment.ask(archive, name, wanted, 10)
    with pytest.raises(NotFound):
        commitment.ask(archive, "nobody", wanted, 10)


def test_a_film_goes_to_an_orthanc_by_stow(there: OrthancServer, film: Path, tmp_path: Path) -> None:
    web = Web(url=f"{there.url}/dicom-web/")
    other, broken = tmp_path / "other.dcm", tmp_path / "broken.dcm"
    said = dcmread(film)
    said.SOPInstanceUID = said.file_meta.MediaStorageSOPInstanceUID = UID("2.25.4711")
    said.save_as(other)
    broken.write_bytes(objects.header() + objects.encapsulated([b"film"]))  # of no study
    outcomes = list(store(web, [film, other, broken]))
    assert [outcome.result for outcome in outcomes] == [Result.DELIVERED, Result.DELIVERED, Result.REFUSED]
    assert outcomes[2].status == 0xC000
    assert has(_dimse(there), _instance(other))
    (elsewhere,) = store(dataclasses.replace(web, url=f"{there.url}/nothing/"), [film])
    assert elsewhere.result is Result.STOPPED
