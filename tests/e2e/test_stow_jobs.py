"""STOW-RS beyond one quick request: conversions, crashes, clients that leave, users, limits, gigabytes."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from dicomweb_client.api import DICOMwebClient
from pydicom import dcmread
from pydicom.uid import generate_uid

from e2e import generation
from e2e.breakpoints import Breakpoint
from e2e.films import Films
from e2e.orthanc_server import OrthancServer
from orthanc_video.dicom import jsonmodel
from orthanc_video.dicom.build import file_meta
from orthanc_video.dicom.write import envelope
from orthanc_video.model import Action, Plan
from stow import JSON, PART_10, Part, bulk, described, related, uid

_USERS = {"alice": "wonderland", "carol": "singer"}
_ALICE, _CAROL = ("alice", "wonderland"), ("carol", "singer")
_FILTER = """
function IncomingHttpRequestFilter(method, uri, ip, username, headers)
  return username ~= 'carol' or method == 'GET' or uri == '/tools/lookup'
end
"""
_MIB = 1 << 20


def _request(server: OrthancServer, *parts: Part, kind: str = JSON, **more: Any) -> requests.Response:
    content, body = related(kind, *parts)
    url = server.gateway_url + "/dicom-web/studies"
    return requests.post(url, data=body, headers=content | {"Accept": JSON}, timeout=120, **more)


def _json(*models: dict[str, Any]) -> Part:
    return {"Content-Type": JSON}, json.dumps(list(models)).encode()


def _reasons(answer: requests.Response, sequence: str = "00081198", tag: str = "00081197") -> list[int]:
    return [item[tag]["Value"][0] for item in answer.json().get(sequence, {}).get("Value", [])]


def _stored(server: OrthancServer, sop_instance: str) -> str:
    """Its Orthanc ID; empty while there is none."""
    answer = requests.post(server.url + "/tools/lookup", data=sop_instance, headers=server.headers(), timeout=10)
    found = answer.json()
    return found[0]["ID"] if found else ""


def _eventually_stored(server: OrthancServer, sop_instance: str, within: float = 60) -> str:
    deadline = time.monotonic() + within
    while not (found := _stored(server, sop_instance)):
        assert time.monotonic() < deadline, "the instance has not come into Orthanc"
        time.sleep(0.1)
    return found


def _tags(server: OrthancServer, instance: str, folder: Path) -> Any:
    path = folder / "stored.dcm"
    path.write_bytes(requests.get(f"{server.url}/instances/{instance}/file", timeout=60).content)
    return dcmread(path, stop_before_pixels=True)


def test_what_does_not_conform_is_converted_where_the_configuration_says_so(
    start: Any, films: Films, tmp_path: Path
) -> None:
    server = start({"VideoGateway": {"StowConverts": True}})
    moved, coded, wrong = (described(name) for name in ("mov", "webm", "wrong"))
    parts = [
        bulk("mov", films.source("h264.mov").read_bytes(), "video/quicktime"),
        bulk("webm", films.source("vp8.webm").read_bytes(), "video/webm"),
        bulk("wrong", films.source("vp8.webm").read_bytes(), "video/webm; transfer-syntax=1.2.840.10008.1.2.4.107"),
    ]
    answer = _request(server, _json(moved, coded, wrong), *parts)
    assert (answer.status_code, _reasons(answer)) == (202, [0xC122]), answer.text
    first, second = answer.json()["00081199"]["Value"]
    assert "00081196" not in first
    assert second["00081196"]["Value"] == [0xB000]
    remuxed = _tags(server, _stored(server, uid(moved)), tmp_path)
    assert list(remuxed.ImageType) == ["ORIGINAL", "PRIMARY"]
    assert remuxed.ContributingEquipmentSequence[0].ContributionDescription.startswith("remux:")
    transcoded = _tags(server, _stored(server, uid(coded)), tmp_path)
    assert list(transcoded.ImageType) == ["DERIVED", "PRIMARY"]
    (old,) = transcoded.OriginalAttributesSequence[0].ModifiedAttributesSequence
    assert list(old.ImageType) == ["ORIGINAL", "PRIMARY"]
    assert transcoded.NumberOfFrames == 60
    assert _request(server, _json(moved, coded), *parts[:2]).status_code == 200, "the same again is not the same"
    other = _request(server, _json(moved), bulk("mov", films.unique().read_bytes()))
    assert (other.status_code, _reasons(other)) == (409, [0x0111])


@pytest.mark.parametrize(
    "moment", [("orthanc_video.archive.service:Archive.store", when) for when in ("before", "after")]
)
def test_what_was_committed_is_stored_whatever_dies(
    start: Any, films: Films, tmp_path: Path, moment: tuple[str, str]
) -> None:
    place = Breakpoint(tmp_path / "orthanc-0", generation.OTHER)
    place.set(*moment)
    server = start({"VideoGateway": {"Python": str(place.python)}})
    model, data = described("1"), films.unique().read_bytes()
    content, body = related(JSON, _json(model), bulk("1", data))
    with socket.create_connection(("127.0.0.1", server.gateway_port)) as line:
        head = {"Host": "x", "Content-Length": str(len(body))} | content
        lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
        line.sendall(f"POST /dicom-web/studies HTTP/1.1\r\n{lines}\r\n".encode() + body)
        os.kill(place.hit(), signal.SIGKILL)
    instance = _eventually_stored(server, uid(model))
    _wait_for_gateway(server)
    assert _request(server, _json(model), bulk("1", data)).status_code == 200
    assert requests.get(f"{server.url}/instances", timeout=10).json() == [instance]


def _wait_for_gateway(server: OrthancServer) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            if requests.get(server.gateway_url + "/health", timeout=5).ok:
                return
        except requests.ConnectionError:
            pass
        assert time.monotonic() < deadline, "the gateway does not come back"
        time.sleep(0.1)


def test_the_job_goes_on_when_its_client_has_left(start: Any, films: Films) -> None:
    server = start({"VideoGateway": {"StowConverts": True}})
    model = described("1")
    content, body = related(JSON, _json(model), bulk("1", films.slow(10).read_bytes(), "video/webm"))
    with socket.create_connection(("127.0.0.1", server.gateway_port)) as line:
        head = {"Host": "x", "Content-Length": str(len(body))} | content
        lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
        line.sendall(f"POST /dicom-web/studies HTTP/1.1\r\n{lines}\r\n".encode() + body)
        deadline = time.monotonic() + 60
        while not requests.get(server.gateway_url + "/video/jobs", timeout=10).json()["Jobs"]:
            assert time.monotonic() < deadline, "the job has not begun"
            time.sleep(0.02)
        assert not _stored(server, uid(model))
    _eventually_stored(server, uid(model))


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OrthancServer]:
    folder = tmp_path_factory.mktemp("guarded-stow")
    script = folder / "filter.lua"
    script.write_text(_FILTER, encoding="utf-8")
    configuration = {"AuthenticationEnabled": True, "RegisteredUsers": _USERS, "LuaScripts": [str(script)]}
    with OrthancServer(folder, configuration) as running:
        yield running


def test_orthanc_decides_who_may_store(guarded: OrthancServer, films: Films) -> None:
    model, image = described("1"), ({"Content-Type": PART_10}, films.image().read_bytes())
    video = [_json(model), bulk("1", films.unique().read_bytes())]
    for auth, status in ((None, 401), (("alice", "wrong"), 401), (_CAROL, 403), (_ALICE, 200)):
        for kind, parts in ((JSON, video), (PART_10, [image])):
            answer = _request(guarded, *parts, kind=kind, auth=auth)
            assert answer.status_code == status, answer.text
        assert bool(_stored(guarded, uid(model))) == (status == 200)


@pytest.mark.parametrize(("setting", "status"), [({"MaximumUploadMB": 1}, 413), ({"SpoolMB": 2}, 413)])
def test_limits_hold(start: Any, films: Films, setting: dict[str, Any], status: int) -> None:
    server = start({"VideoGateway": setting})
    large = films.unique().read_bytes() + bytes(4 * _MIB)
    for kind, parts in (
        (JSON, [_json(described("1")), bulk("1", large)]),
        (PART_10, [({"Content-Type": PART_10}, large)]),
    ):
        answer = _request(server, *parts, kind=kind)
        assert answer.status_code == status, answer.text
    small = _request(server, _json(described("1")), bulk("1", films.unique().read_bytes()))
    assert small.status_code == 200, small.text


def test_dicomweb_client_stores_videos_and_images(server: OrthancServer, films: Films) -> None:
    model = described("1")
    assert _request(server, _json(model), bulk("1", films.unique().read_bytes())).status_code == 200
    found = requests.get(f"{server.url}/instances/{_stored(server, uid(model))}/file", timeout=30).content
    path = films.folder / f"{uid(model)}.dcm"
    path.write_bytes(found)
    video, image = dcmread(path), dcmread(films.image())
    video.SOPInstanceUID = video.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    client = DICOMwebClient(server.gateway_url + "/dicom-web")
    answer = client.store_instances([video, image])
    stored = [item.ReferencedSOPInstanceUID for item in answer.ReferencedSOPSequence]
    assert stored == [video.SOPInstanceUID, image.SOPInstanceUID]
    assert "FailedSOPSequence" not in answer
    assert all(_stored(server, one) for one in stored)


class _Padded:
    """A film with an empty box behind it, as long as one likes: it conforms, and nobody has to hold it."""

    def __init__(self, film: bytes, more: int) -> None:
        self._head, self._left = film + more.to_bytes(4, "big") + b"free", more - 8
        self.size = len(self._head) + self._left
        self.digest = hashlib.sha256()

    def blocks(self) -> Iterator[bytes]:
        for block in self._blocks():
            self.digest.update(block)
            yield block

    def _blocks(self) -> Iterator[bytes]:
        yield self._head
        for _ in range(self._left // _MIB):
            yield bytes(_MIB)
        yield bytes(self._left % _MIB)


def _memory(pid: int) -> int:
    """Resident bytes, pages of files not counted."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(status.partition("RssAnon:")[2].split()[0]) << 10


def _around(kind: str, model: dict[str, Any], size: int) -> tuple[dict[str, str], bytes, bytes]:
    """A request's header, and what of its body lies before and behind a stream of so many bytes."""
    if kind == JSON:
        content, frame = related(JSON, _json(model), bulk("1", b"\0SPLIT\0"))
    else:
        said = jsonmodel.read(model).dataset
        plan = Plan(action=Action.WRAP, transfer_syntax="1.2.840.10008.1.2.4.102", reasons=())
        said.file_meta = file_meta(said, plan)
        parts = envelope(said, size)
        content, frame = related(PART_10, ({"Content-Type": PART_10}, parts.before + b"\0SPLIT\0" + parts.after))
    before, after = frame.split(b"\0SPLIT\0")
    return content, before, after


@pytest.mark.parametrize("kind", [JSON, PART_10])
def test_large_streams_take_no_memory(start: Any, films: Films, kind: str) -> None:
    """ORTHANC_VIDEO_STOW_MIB makes it larger, up to what one object holds."""
    server = start()
    megabytes = int(os.environ.get("ORTHANC_VIDEO_STOW_MIB", "300"))
    padded = _Padded(films.unique().read_bytes(), megabytes * _MIB)
    model, pid, highest = described("1"), server.gateway_pid(), [0]
    content, before, after = _around(kind, model, padded.size)

    def body() -> Iterator[bytes]:
        yield before
        for number, block in enumerate(padded.blocks()):
            if number % 16 == 0:
                highest[0] = max(highest[0], _memory(pid))
            yield block
        yield after

    at_rest = _memory(pid)
    answer = requests.post(server.gateway_url + "/dicom-web/studies", data=body(), headers=content, timeout=600)
    assert answer.status_code == 200, answer.text
    highest[0] = max(highest[0], _memory(pid))
    print(f"{kind}, {megabytes} MiB: {at_rest >> 20} MiB at rest, {highest[0] >> 20} MiB at most")
    assert highest[0] - at_rest < 64 * _MIB
    url = f"{server.gateway_url}/video/instances/{_stored(server, uid(model))}/stream"
    found = hashlib.sha256()
    with requests.get(url, stream=True, timeout=60) as stream:
        for block in stream.iter_content(_MIB):
            found.update(block)
    assert found.digest() == padded.digest.digest()
