"""POST /modalities/{name}/store on both ports: videos go in the form that is taken, all else as Orthanc sends it."""

from __future__ import annotations

import itertools
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

import peers
from e2e.conftest import Start
from e2e.films import Films
from e2e.orthanc_server import OrthancServer, free_ports
from e2e.recordings import Recordings, store, wait_until
from e2e.studies import HIGH_41, JPEG, MR, Archive, Study, Weak, mixed, received

PHOTOGRAPHIC = "1.2.840.10008.5.1.4.1.1.77.1.4.1"
ENDED = {"Success", "Failure"}
PORTS = ["url", "gateway_url"]
_names = (f"SENT-{number}" for number in itertools.count(1))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OrthancServer]:
    with OrthancServer(tmp_path_factory.mktemp("sends")) as running:
        yield running


@pytest.fixture
def study(server: OrthancServer, recordings: Recordings, films: Films) -> Study:
    return mixed(server, recordings, films)


def known_as(server: OrthancServer, port: int) -> str:
    name = next(_names)
    entry = {"AET": peers.AET, "Host": "127.0.0.1", "Port": port}
    assert requests.put(f"{server.url}/modalities/{name}", json=entry, timeout=10).status_code == 200
    return name


def ordered(server: OrthancServer, name: str, body: Any, port: str = "url") -> requests.Response:
    """An order as text, or as JSON."""
    sent: dict[str, Any] = {"data": body} if isinstance(body, str) else {"json": body}
    return requests.post(f"{getattr(server, port)}/modalities/{name}/store", timeout=120, **sent)


def ended(server: OrthancServer, job: str, port: str = "url") -> dict[str, Any]:
    def look() -> dict[str, Any]:
        found: dict[str, Any] = requests.get(f"{getattr(server, port)}/jobs/{job}", timeout=10).json()
        return found if found["State"] in ENDED else {}

    found: dict[str, Any] = wait_until(look, 120)
    return found


@pytest.mark.parametrize("port", PORTS)
@pytest.mark.parametrize("level", ["patient", "study"])
def test_a_video_takes_the_ladder_and_the_rest_goes_as_it_is(
    server: OrthancServer, study: Study, tmp_path: Path, port: str, level: str
) -> None:
    with Weak(tmp_path) as peer:
        resource = getattr(study, level)
        answer = ordered(server, known_as(server, peer.port), resource, port)
        assert answer.status_code == 200, answer.text
        got = received(peer)
    assert set(got) == {PHOTOGRAPHIC, MR}
    assert got[PHOTOGRAPHIC].file_meta.TransferSyntaxUID == JPEG
    assert got[PHOTOGRAPHIC].SourceImageSequence[0].ReferencedSOPInstanceUID == study.video_uid
    assert got[MR].SOPInstanceUID == study.image_uid
    told = answer.json()
    assert len(told.pop("Video")["Deliveries"]) == 1
    assert told == {
        "Description": "REST API",
        "FailedInstancesCount": 0,
        "InstancesCount": 2,
        "LocalAet": "ORTHANC",
        "ParentResources": [resource],
        "RemoteAet": peers.AET,
    }


@pytest.mark.parametrize("port", PORTS)
@pytest.mark.parametrize("form", ["text", "string", "array", "object"])
def test_each_way_to_say_it(server: OrthancServer, study: Study, tmp_path: Path, port: str, form: str) -> None:
    body = {"text": study.video + "\n", "string": study.video, "array": [study.series], "object": {}}[form]
    body = {"Resources": [study.video, study.series]} if form == "object" else body
    with Weak(tmp_path) as peer:
        name = known_as(server, peer.port)
        sent: dict[str, Any] = {"data": body} if form == "text" else {"json": body}
        answer = requests.post(f"{getattr(server, port)}/modalities/{name}/store", timeout=60, **sent)
        assert answer.status_code == 200, answer.text
        assert answer.json()["InstancesCount"] == 1
        assert [path.stat().st_size > 0 for path in peer.received()] == [True]


@pytest.mark.parametrize("port", PORTS)
def test_an_asynchronous_order_is_a_job_as_orthancs(
    server: OrthancServer, study: Study, tmp_path: Path, port: str
) -> None:
    with Archive(tmp_path) as peer:
        name = known_as(server, peer.port)
        own = ordered(server, name, {"Resources": [study.image], "Synchronous": False}, port).json()
        body = {"Resources": [study.study], "Synchronous": False, "Priority": 3, "LocalAet": "ELSEWHERE"}
        begun = ordered(server, name, body, port).json()
        assert begun["Path"] == f"/jobs/{begun['ID']}"
        assert set(begun) == set(own)
        shown, plain = ended(server, begun["ID"], port), ended(server, own["ID"], port)
        assert shown["State"] == "Success"
        assert set(shown) == set(plain)
        assert {key: type(value) for key, value in shown.items()} == {key: type(value) for key, value in plain.items()}
        assert (shown["Type"], shown["Priority"], shown["Progress"]) == (plain["Type"], 3, 100)
        assert (shown["ErrorCode"], shown["ErrorDescription"], shown["ErrorDetails"]) == (0, "Success", "")
        assert set(shown["Content"]) == {*plain["Content"], "Video"}
        assert shown["Content"]["LocalAet"] == "ELSEWHERE"
        # The job for the rest is Orthanc's, and stays so.
        rest = requests.get(f"{server.url}/jobs/{shown['Content']['Video']['Rest']}", timeout=10).json()
        assert (rest["Content"]["InstancesCount"], rest["Priority"]) == (1, 3)
        assert sorted(peer.callers) == ["ELSEWHERE", "ELSEWHERE", "ORTHANC"]
        got = received(peer)
    assert got[PHOTOGRAPHIC].file_meta.TransferSyntaxUID == HIGH_41
    assert MR in got


@pytest.mark.parametrize("port", PORTS)
def test_without_a_video_it_is_orthancs(server: OrthancServer, study: Study, tmp_path: Path, port: str) -> None:
    with Archive(tmp_path) as peer:
        name = known_as(server, peer.port)
        told = ordered(server, name, study.image, port)
        assert told.status_code == 200
        assert told.headers["Content-Type"] == "application/json; charset=utf-8"
        assert told.json() == {
            "Description": "REST API",
            "FailedInstancesCount": 0,
            "InstancesCount": 1,
            "LocalAet": "ORTHANC",
            "ParentResources": [study.image],
            "RemoteAet": peers.AET,
        }
        begun = ordered(server, name, {"Resources": [study.image], "Asynchronous": True}, port).json()
        assert not begun["ID"].startswith("video-")
        assert ended(server, begun["ID"])["State"] == "Success"
        mover = {"Resources": [study.image], "MoveOriginatorAet": "MOVER", "MoveOriginatorID": 7}
        assert ordered(server, name, mover, port).json()["MoveOriginatorAET"] == "MOVER"
        assert peer.movers == [None, None, ("MOVER", 7)]


@pytest.mark.parametrize("port", PORTS)
@pytest.mark.parametrize(
    "body",
    ["", "nonsense", "{}", "5", '{"Resources": ["x"]}', '{"Resources": "x"}', "[{}]"],
)
def test_what_orthanc_refuses_is_refused_as_it_does(
    server: OrthancServer, plain: OrthancServer, port: str, body: str
) -> None:
    entry = {"AET": peers.AET, "Host": "127.0.0.1", "Port": 1}
    for one in (server, plain):
        requests.put(f"{one.url}/modalities/NOBODY", json=entry, timeout=10)
    answer = ordered(server, "NOBODY", body, port)
    expected = ordered(plain, "NOBODY", body)
    assert answer.status_code == expected.status_code
    # A plugin is not told Orthanc's details of an error.
    assert answer.json().items() <= expected.json().items()


@pytest.mark.parametrize("port", PORTS)
def test_a_wrong_field_or_modality_is_orthancs_to_refuse(server: OrthancServer, study: Study, port: str) -> None:
    name = known_as(server, 1)
    wrong = {"Resources": [study.video], "Synchronous": "no"}
    assert ordered(server, name, wrong, port).status_code == 400
    assert ordered(server, "NOT-KNOWN", study.video, port).status_code == 404
    unknown = {"Resources": [study.video, study.video.translate(str.maketrans("0123456789", "1234567890"))]}
    assert ordered(server, name, unknown, port).status_code == 404
    url = f"{getattr(server, port)}/modalities/{name}/store"
    assert requests.get(url, timeout=10).status_code == 405


@pytest.mark.parametrize("port", PORTS)
@pytest.mark.parametrize(
    "wrong",
    [{"Port": 70000}, {"Port": -1}, {"LocalAet": "A" * 17}, {"MoveOriginatorID": 99999}],
    ids=str,
)
def test_what_nothing_can_be_sent_with_is_refused_at_once(
    server: OrthancServer, study: Study, port: str, wrong: dict[str, Any]
) -> None:
    name = known_as(server, 1)
    before = requests.get(f"{server.gateway_url}/video/jobs", timeout=10).json()
    for body in ({"Resources": [study.video]}, {"Resources": [study.study], "Synchronous": False}):
        answer = ordered(server, name, body | wrong, port)
        assert answer.status_code == 400, answer.text
        assert f'"{next(iter(wrong))}" is' in answer.json()["detail"]
    assert requests.get(f"{server.gateway_url}/video/jobs", timeout=10).json() == before


@pytest.mark.parametrize("port", PORTS)
def test_a_failure_is_orthancs_error(server: OrthancServer, study: Study, tmp_path: Path, port: str) -> None:
    with peers.Refusing(tmp_path, 0x0124) as peer:
        name = known_as(server, peer.port)
        answer = ordered(server, name, study.video, port)
        assert answer.status_code == 500
        told = answer.json()
        assert (told["OrthancStatus"], told["Message"]) == (9, "Error in the network protocol")
        assert (told["Uri"], told["Method"], told["HttpStatus"]) == (f"/modalities/{name}/store", "POST", 500)
        assert "not authorized" in told["Details"]
        permissive = ordered(server, name, {"Resources": [study.video], "Permissive": True}, port)
        assert permissive.status_code == 200
        assert permissive.json()["FailedInstancesCount"] == 1


@pytest.mark.parametrize("port", PORTS)
def test_orthancs_failure_keeps_its_details(server: OrthancServer, study: Study, port: str) -> None:
    (closed,) = free_ports(1)
    answer = ordered(server, known_as(server, closed), study.image, port)
    assert answer.status_code == 500
    assert answer.json()["OrthancStatus"] == 9
    assert "connecting to AET" in answer.json()["Details"]


@pytest.mark.parametrize("port", PORTS)
def test_a_failed_job_is_tried_again_and_a_running_one_cancelled(
    server: OrthancServer, study: Study, tmp_path: Path, port: str
) -> None:
    class Grudging(Archive):
        """Authorizes nobody until it is asked to, then is full until it is told not to be."""

        status = 0x0124

        def judged(self, _data: bytes) -> int:
            return self.status

    with Grudging(tmp_path) as peer:
        name = known_as(server, peer.port)
        body = {"Resources": [study.study], "Synchronous": False}
        job = ordered(server, name, body, port).json()["ID"]
        failed = ended(server, job, port)
        assert (failed["State"], failed["ErrorCode"]) == ("Failure", 9)
        url = f"{getattr(server, port)}/jobs/{job}"
        assert requests.post(f"{url}/pause", timeout=10).status_code == 400
        peer.status = 0
        assert requests.post(f"{url}/resubmit", timeout=10).status_code == 200
        wait_until(lambda: len(received(peer)) == 2, 180)
        assert ended(server, job, port)["State"] == "Success"
        assert requests.post(f"{url}/resubmit", timeout=10).status_code == 409

        peer.status, before = 0xA700, peer.stores
        body["Resources"] = [study.video]
        job = ordered(server, name, body, port).json()["ID"]
        url = f"{getattr(server, port)}/jobs/{job}"
        wait_until(lambda: peer.stores > before)
        wait_until(lambda: requests.get(url, timeout=10).json()["State"] == "Retry")
        assert requests.post(f"{url}/cancel", timeout=10).status_code == 200
        cancelled = ended(server, job, port)
        assert (cancelled["State"], cancelled["ErrorCode"]) == ("Failure", 37)
        assert requests.get(f"{getattr(server, port)}/jobs/video-{'0' * 36}", timeout=10).status_code == 404


def test_it_goes_where_the_order_says(server: OrthancServer, study: Study, tmp_path: Path) -> None:
    with Archive(tmp_path) as peer:
        (closed,) = free_ports(1)
        body = {"Resources": [study.study], "Host": "localhost", "Port": peer.port, "LocalAet": "ME", "Timeout": 20}
        body |= {"CalledAet": "SOMEBODY", "MoveOriginatorAet": "MOVER", "MoveOriginatorID": 9}
        answer = ordered(server, known_as(server, closed), body)
        newer = server.version >= (1, 12)
        if newer:
            assert answer.status_code == 200, answer.text
            assert answer.json()["RemoteAet"] == "SOMEBODY"
            assert answer.json()["MoveOriginatorAET"] == "MOVER"
            assert peer.movers == [("MOVER", 9)] * 2
            assert set(peer.callers) == {"ME"}
        else:  # Orthanc 1.10 knows no other address for an order, and so it is
            assert answer.status_code == 500


def test_where_the_gateway_may_not_send_orthanc_does(server: OrthancServer, study: Study, tmp_path: Path) -> None:
    """Orthanc's "AllowStore" is about what comes from a modality: it sends there all the same."""
    with Archive(tmp_path) as peer:
        name = next(_names)
        entry = {"AET": peers.AET, "Host": "127.0.0.1", "Port": peer.port, "AllowStore": False}
        assert requests.put(f"{server.url}/modalities/{name}", json=entry, timeout=10).status_code == 200
        assert ordered(server, name, study.video).status_code == 200
        assert received(peer)[PHOTOGRAPHIC].SOPInstanceUID == study.video_uid


def test_a_killed_gateway_forgets_no_order(start: Start, recordings: Recordings, films: Films, tmp_path: Path) -> None:
    class Later(Archive):
        """Takes images, and videos once it is ready."""

        ready = False

        def judged(self, data: bytes) -> int:
            return 0 if self.ready or (len(data) > 9000 and b"ftyp" not in data) else 0xA700

    with Later(tmp_path / "peer") as peer:
        server = start({"DicomModalities": {"LATER": ["PEER", "127.0.0.1", peer.port]}})
        study = mixed(server, recordings, films)
        job = ordered(server, "LATER", {"Resources": [study.study], "Synchronous": False}).json()["ID"]
        wait_until(lambda: peer.stores >= 3)
        before = server.gateway_pid()
        os.kill(before, signal.SIGKILL)
        peer.ready = True

        def back() -> bool:
            try:
                return requests.get(f"{server.url}/jobs/{job}", timeout=10).ok
            except requests.ConnectionError:
                return False

        wait_until(back)
        assert ended(server, job)["State"] == "Success"
        assert set(received(peer)) == {PHOTOGRAPHIC, MR}


def test_without_a_gateway_orthanc_sends_as_it_always_did(
    start: Start, recordings: Recordings, films: Films, tmp_path: Path
) -> None:
    with Archive(tmp_path / "peer") as peer:
        known = {"DicomModalities": {"PACS": ["PEER", "127.0.0.1", peer.port]}}
        server = start({"VideoGateway": {"Launch": False}} | known)
        study = mixed(server, recordings, films)
        answer = ordered(server, "PACS", study.study)
        assert (answer.status_code, answer.json()["InstancesCount"]) == (200, 2)
        assert received(peer)[PHOTOGRAPHIC].SOPInstanceUID == study.video_uid


def test_a_script_inside_orthanc_sends_by_orthanc_alone(start: Start, recordings: Recordings, tmp_path: Path) -> None:
    """It holds the lock of Orthanc's Lua, for which each of the gateway's questions to Orthanc would wait."""
    folder = tmp_path / "orthanc-0"
    folder.mkdir()
    lua = folder / "forward.lua"
    lua.write_text(
        """function OnStoredInstance(instance, tags, metadata)
             RestApiPost('/modalities/PACS/store', instance)
           end""",
        encoding="utf-8",
    )
    with Archive(tmp_path / "peer") as peer:
        known = {"DicomModalities": {"PACS": ["PEER", "127.0.0.1", peer.port]}}
        server = start({"LuaScripts": [str(lua)]} | known)
        store(server, recordings.one())
        wait_until(lambda: len(peer.received()) == 1)
        assert requests.get(f"{server.gateway_url}/video/jobs", timeout=10).json()["Jobs"] == []


def test_nobody_sends_where_orthanc_does_not_let_them(start: Start, recordings: Recordings, tmp_path: Path) -> None:
    folder = tmp_path / "orthanc-0"  # another generation sees no other
    folder.mkdir()
    lua = folder / "filter.lua"
    lua.write_text(
        """function IncomingHttpRequestFilter(method, uri, ip, username, httpHeaders)
             local restricted = httpHeaders['x-forwarded-for'] == '192.0.2.1'
             return not (restricted and (string.find(uri, '^/modalities/CLOSED') or string.find(uri, '^/jobs')))
           end""",
        encoding="utf-8",
    )
    who = {"X-Forwarded-For": "192.0.2.1"}
    with Weak(tmp_path / "peer") as peer:
        modalities = {name: ["PEER", "127.0.0.1", peer.port] for name in ("CLOSED", "OPEN")}
        server = start({"LuaScripts": [str(lua)], "DicomModalities": modalities, "RemoteAccessAllowed": True})
        video = store(server, recordings.one())
        for port in (server.url, server.gateway_url):
            for name, status in (("CLOSED", 403), ("OPEN", 200)):
                url = f"{port}/modalities/{name}/store"
                assert requests.post(url, data=video, headers=who, timeout=60).status_code == status
            body = {"Resources": [video], "Synchronous": False}
            job = requests.post(f"{port}/modalities/OPEN/store", json=body, timeout=60).json()["Path"]
            assert requests.get(port + job, headers=who, timeout=10).status_code == 403
            assert requests.post(f"{port}{job}/cancel", headers=who, timeout=10).status_code == 403
            assert requests.get(port + job, timeout=10).status_code == 200
        wait_until(lambda: peer.stores == 4)


def test_users_and_passwords(start: Start, recordings: Recordings, films: Films, tmp_path: Path) -> None:
    own = {"Username": "gateway", "Password": "secret"}
    users = {"doctor": "word", "gateway": "secret"}
    with Weak(tmp_path / "peer") as peer:
        known = {"DicomModalities": {"PACS": ["PEER", "127.0.0.1", peer.port]}}
        server = start({"AuthenticationEnabled": True, "RegisteredUsers": users, "VideoGateway": own} | known)
        study = mixed(server, recordings, films)
        for port in (server.url, server.gateway_url):
            url = f"{port}/modalities/PACS/store"
            assert requests.post(url, data=study.study, timeout=60).status_code == 401
            assert requests.post(url, data=study.study, headers=server.headers(), timeout=60).status_code == 200
        assert peer.stores == 4
