"""Resumable uploads by tus 1.0: chunks, broken lines, kills and restarts; whose they are; and when there is no room."""

from __future__ import annotations

import base64
import hashlib
import os
import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
from tusclient.client import TusClient

from e2e.films import Films
from e2e.orthanc_server import OrthancServer
from e2e.test_access import ALICE, FILTER

CHUNK = 20_000
BOB = ("bob", "builder")
TUS = {"Tus-Resumable": "1.0.0"}
BYTES = {**TUS, "Content-Type": "application/offset+octet-stream"}
JSON = {"Accept": "application/json"}


def uploads(server: OrthancServer) -> str:
    return f"{server.gateway_url}/video/uploads"


def metadata(**pairs: str) -> dict[str, str]:
    encoded = (f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in pairs.items())
    return {"Upload-Metadata": ",".join(encoded)}


def begun(server: OrthancServer, length: int, auth: Any = None, **pairs: str) -> str:
    """The address of a new upload."""
    headers = {**TUS, "Upload-Length": str(length), **(metadata(**pairs) if pairs else {})}
    answer = requests.post(uploads(server), headers=headers, auth=auth, timeout=10)
    assert (answer.status_code, answer.headers["Tus-Resumable"]) == (201, "1.0.0"), answer.text
    location: str = requests.compat.urljoin(answer.url, answer.headers["Location"])
    return location


def add(url: str, offset: int, data: bytes, auth: Any = None, **headers: str) -> requests.Response:
    return requests.patch(
        url, data=data, headers={**BYTES, **headers, "Upload-Offset": str(offset)}, auth=auth, timeout=60
    )


def offset_of(url: str, auth: Any = None) -> int:
    answer = requests.head(url, headers=TUS, auth=auth, timeout=10)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    return int(answer.headers["Upload-Offset"])


def wait_for_offset(url: str, wanted: int) -> None:
    deadline = time.monotonic() + 20
    while (there := offset_of(url)) != wanted:
        assert time.monotonic() < deadline, there
        time.sleep(0.05)


def wait_until_it_is_taken(url: str) -> None:
    """Until the gateway is at work on another request that adds to this upload."""
    deadline = time.monotonic() + 20
    while (answer := add(url, 0, b"")).status_code != 423:
        assert (answer.status_code, time.monotonic() < deadline) == (204, True)


def stored_bytes(server: OrthancServer, instance: str) -> bytes:
    answer = requests.get(f"{server.gateway_url}/video/instances/{instance}/stream", timeout=30)
    assert answer.status_code == 200
    return answer.content


def spool(server: OrthancServer) -> list[Path]:
    return list((server.storage / "video-gateway" / "spool").iterdir())


def jobs_of(server: OrthancServer, url: str) -> list[dict[str, Any]]:
    jobs = requests.get(f"{server.gateway_url}/video/jobs?limit=1000", timeout=10).json()["Jobs"]
    return [job for job in jobs if job["ID"] == url.rsplit("/", 1)[1]]


def talk(server: OrthancServer, url: str, method: str, headers: dict[str, str], body: bytes = b"") -> socket.socket:
    """A connection on which a request has been sent as far as ``body`` goes."""
    port = server.configuration["VideoGateway"]["Port"]
    line = socket.create_connection(("127.0.0.1", port), timeout=30)
    path = url.removeprefix(server.gateway_url)
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    line.sendall(f"{method} {path} HTTP/1.1\r\nHost: x\r\n{head}\r\n".encode() + body)
    return line


def kill_gateway(server: OrthancServer) -> None:
    """SIGKILL; returns once the plugin has started another one."""
    os.kill(server.gateway_pid(), signal.SIGKILL)
    deadline = time.monotonic() + 30
    while True:
        try:
            assert requests.get(f"{server.gateway_url}/health", timeout=5).ok
            return
        except requests.ConnectionError:
            assert time.monotonic() < deadline
            time.sleep(0.05)


# ---- the protocol --------------------------------------------------------------------------------------------------


def test_a_film_in_several_chunks_by_a_client_of_others_making(server: OrthancServer, films: Films) -> None:
    film = films.unique(4.0)
    assert film.stat().st_size > 2 * CHUNK
    attributes = {
        "filename": "Magenspiegelung ü.mp4",
        "PatientID": "Kennung-4711",
        "PatientName": "Doe^Tus",
        "name": "x",
    }
    client = TusClient(uploads(server))
    with film.open("rb") as stream:
        uploader = client.uploader(file_stream=stream, chunk_size=CHUNK, metadata=attributes, upload_checksum=True)
        uploader.upload()
    assert uploader.offset == film.stat().st_size
    url: Any = uploader.url
    job = requests.head(url, headers=TUS, timeout=10).headers["Orthanc-Video-Job"]
    state = requests.get(f"{server.gateway_url}/video/jobs/{job}", timeout=10).json()
    assert (state["State"], state["Action"]) == ("Success", "wrap")
    assert stored_bytes(server, state["Instance"]) == film.read_bytes()
    tags = requests.get(f"{server.url}/instances/{state['Instance']}/simplified-tags", timeout=10).json()
    assert (tags["PatientID"], tags["PatientName"]) == ("Kennung-4711", "Doe^Tus")
    for private in ("Magenspiegelung", "Tus", "Kennung-4711"):
        assert private not in url
        assert private not in server.log


def test_what_is_spoken(server: OrthancServer) -> None:
    answer = requests.options(uploads(server), timeout=10)
    assert answer.status_code == 204
    assert answer.headers["Tus-Version"] == answer.headers["Tus-Resumable"] == "1.0.0"
    assert set(answer.headers["Tus-Extension"].split(",")) >= {"creation", "checksum", "termination", "expiration"}
    assert set(answer.headers["Tus-Checksum-Algorithm"].split(",")) == {"sha1", "sha256", "md5"}
    assert int(answer.headers["Tus-Max-Size"]) == 16384 << 20


def test_an_answer_that_waits_for_no_conversion(server: OrthancServer, films: Films) -> None:
    """RFC 7240 4.1: the last PATCH names the job at once where that is preferred, and the job goes on."""
    film = films.slow(8.0).read_bytes()
    url = begun(server, len(film), PatientID="7240")
    first = add(url, 0, film, **JSON, Prefer="respond-async")
    assert (first.status_code, first.headers["Preference-Applied"]) == (200, "respond-async")
    answer, job = first.json(), first.headers["Orthanc-Video-Job"]
    assert (answer["Status"], answer["Video"]["Action"], answer["Video"]["Job"]) == ("Processing", "transcode", job)
    began = time.monotonic()
    second = add(url, len(film), b"", **JSON, Prefer="wait=1, respond-async")
    assert (second.json(), 1 <= time.monotonic() - began < 2) == (answer, True)
    last = add(url, len(film), b"", **JSON)
    assert (last.json()["Status"], "Preference-Applied" in last.headers) == ("Success", False)


def test_the_last_answer_is_the_uploads_and_comes_again(server: OrthancServer, films: Films) -> None:
    film = films.unique().read_bytes()
    url = begun(server, len(film), PatientID="7", SOPClass="endoscopic", TransferSyntax="mpeg4hp422d")
    assert add(url, 0, film[:5000]).headers["Upload-Offset"] == "5000"
    answers = [add(url, 5000, film[5000:], **JSON), add(url, len(film), b"", **JSON), add(url, len(film), b"", **JSON)]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    first, second, third = (answer.json() for answer in answers)
    assert (first["Status"], first["Video"]["Action"]) == ("Success", "wrap")
    assert first["Video"]["Job"] == url.rsplit("/", 1)[1] == answers[0].headers["Orthanc-Video-Job"]
    assert first == second == third
    tags = requests.get(f"{server.url}/instances/{first['ID']}/simplified-tags", timeout=10).json()
    assert tags["SOPClassUID"] == "1.2.840.10008.5.1.4.1.1.77.1.1.1"
    kept = requests.get(f"{server.url}/instances/{first['ID']}/metadata/TransferSyntax", timeout=10).text
    assert kept == "1.2.840.10008.1.2.4.104"
    plain = add(url, len(film), b"")
    assert (plain.status_code, plain.content, plain.headers["Upload-Offset"]) == (204, b"", str(len(film)))
    assert len(jobs_of(server, url)) == 1
    head = requests.head(url, headers=TUS, timeout=10)
    assert head.headers["Upload-Length"] == head.headers["Upload-Offset"] == str(len(film))
    said = metadata(PatientID="7", SOPClass="endoscopic", TransferSyntax="mpeg4hp422d")
    assert head.headers["Upload-Metadata"] == said["Upload-Metadata"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Tus-Resumable": "0.2.2"}, 412),
        ({"Tus-Resumable": ""}, 412),
        ({"Upload-Offset": "4"}, 409),
        ({"Upload-Offset": "-1"}, 400),
        ({"Upload-Offset": ""}, 400),
        ({"Content-Type": "video/mp4"}, 415),
        ({"Upload-Checksum": "crc32 AAAA"}, 400),
        ({"Upload-Checksum": "sha1 %"}, 400),
        ({"Upload-Length": "99"}, 409),
    ],
)
def test_requests_that_do_not_fit(server: OrthancServer, headers: dict[str, str], status: int) -> None:
    url = begun(server, 100)
    answer = add(url, 0, b"12345", **headers) if "Upload-Offset" not in headers else None
    if answer is None:
        answer = requests.patch(url, data=b"12345", headers={**BYTES, **headers}, timeout=10)
    assert (answer.status_code, answer.headers["Tus-Resumable"]) == (status, "1.0.0"), answer.text
    assert ("Tus-Version" in answer.headers) == (status == 412)
    assert answer.json()["detail"]
    assert offset_of(url) == 0
    assert add(url, 0, bytes(101)).status_code == 413
    assert offset_of(url) == 0


def test_creations_that_cannot_be_meant(server: OrthancServer) -> None:
    def status(**headers: str) -> int:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return requests.post(uploads(server), headers={**TUS, **given}, timeout=10).status_code

    before = spool(server)
    assert status() == 400
    assert status(Upload_Length="0") == 400
    assert status(Upload_Length="many") == 400
    assert status(Upload_Length=str(17 << 30)) == 413
    assert status(Upload_Length="10", Upload_Defer_Length="1") == 400
    assert status(Upload_Length="10", Upload_Metadata="PatientID %%%") == 400
    assert status(Upload_Length="10", **metadata(Patient="1")) == 400
    assert status(Upload_Length="10", **metadata(PatientBirthDate="yesterday")) == 400
    assert status(Upload_Length="10", **metadata(ParentStudy="-".join(["00000000"] * 5))) == 404
    assert spool(server) == before


def test_by_post_alone_and_without_a_length_at_first(server: OrthancServer, films: Films) -> None:
    """Creation with upload, a length that comes later, and a proxy that lets only POST through."""
    film = films.unique().read_bytes()
    headers = {**BYTES, "Upload-Defer-Length": "1"}
    answer = requests.post(uploads(server), data=film[:3000], headers=headers, timeout=10)
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (201, "3000")
    url = f"{server.gateway_url}/video/{answer.headers['Location']}"
    assert requests.head(url, headers=TUS, timeout=10).headers["Upload-Defer-Length"] == "1"
    more = {
        **BYTES,
        **JSON,
        "Upload-Offset": "3000",
        "Upload-Length": str(len(film)),
        "X-HTTP-Method-Override": "PATCH",
    }
    done = requests.post(url, data=film[3000:], headers=more, timeout=60)
    assert (done.status_code, done.json()["Status"]) == (200, "Success")
    assert stored_bytes(server, done.json()["ID"]) == film
    whole = films.unique().read_bytes()
    at_once = requests.post(
        uploads(server), data=whole, headers={**BYTES, "Upload-Length": str(len(whole))}, timeout=60
    )
    assert (at_once.status_code, at_once.json()["Status"]) == (201, "Success")


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "md5"])
def test_bytes_that_do_not_match_their_checksum(server: OrthancServer, films: Films, algorithm: str) -> None:
    film = films.unique().read_bytes()
    url = begun(server, len(film))

    def promise(data: bytes) -> str:
        return f"{algorithm} {base64.b64encode(hashlib.new(algorithm, data).digest()).decode()}"

    assert add(url, 0, film[:4000], **{"Upload-Checksum": promise(film[:4000])}).status_code == 204
    damaged = add(url, 4000, bytes([film[4000] ^ 1]) + film[4001:], **{"Upload-Checksum": promise(film[4000:])})
    assert (damaged.status_code, damaged.json()["title"]) == (460, "Checksum mismatch")
    assert offset_of(url) == 4000
    (source,) = [folder / "source" for folder in spool(server) if folder.name in url]
    assert source.read_bytes() == film[:4000]
    done = add(url, 4000, film[4000:], **{"Upload-Checksum": promise(film[4000:])}, **JSON).json()
    assert stored_bytes(server, done["ID"]) == film
    described = requests.get(f"{server.gateway_url}/video/instances/{done['ID']}", timeout=10).json()
    assert described["Plan"]["SourceSHA256"] == hashlib.sha256(film).hexdigest()


def test_what_is_no_video_is_refused_and_stays_refused(server: OrthancServer) -> None:
    letter = b"Dear patient, here is your letter.\n" * 50
    url = begun(server, len(letter), filename="letter of Mrs Doe.txt")
    for answer in (add(url, 0, letter), add(url, len(letter), b"")):
        assert answer.status_code == 415
        assert answer.json()["detail"].startswith("letter of Mrs Doe.txt: The file is a text")
    assert requests.head(url, headers=TUS, timeout=10).status_code == 415
    (job,) = jobs_of(server, url)
    assert job["State"] == "Failure"
    assert "text" in job["Sentence"]
    assert "Doe" not in job["Sentence"]
    assert not [one for one in spool(server) if one.name == job["ID"]]


def test_dicom_goes_to_orthanc(server: OrthancServer, films: Films) -> None:
    image = films.image().read_bytes()
    url = begun(server, len(image))
    answers = [add(url, 0, image, **JSON).json(), add(url, len(image), b"", **JSON).json()]
    assert answers[0]["Status"] == "Success"
    assert answers[0] == answers[1]
    assert requests.get(f"{server.url}/instances/{answers[0]['ID']}/file", timeout=10).content == image
    assert "Orthanc-Video-Job" not in requests.head(url, headers=TUS, timeout=10).headers


def test_orthancs_own_port_says_where_to_go(server: OrthancServer) -> None:
    answer = requests.post(f"{server.url}/video/uploads", headers={**TUS, "Upload-Length": "5"}, timeout=10)
    assert answer.status_code == 400
    assert uploads(server) in answer.json()["Message"]


def test_an_upload_that_is_ended(server: OrthancServer) -> None:
    url = begun(server, 100)
    add(url, 0, b"12345")
    assert requests.delete(url, headers=TUS, timeout=10).status_code == 204
    for answer in (
        requests.head(url, headers=TUS, timeout=10),
        add(url, 5, b"6"),
        requests.delete(url, headers=TUS, timeout=9),
    ):
        assert answer.status_code == 404
    assert not [one for one in spool(server) if one.name in url]


# ---- bad lines and restarts ----------------------------------------------------------------------------------------


def test_the_gateway_is_killed_in_mid_upload(start: Any, films: Films) -> None:
    """What was acknowledged is there afterwards, and what a checksum had not confirmed is not."""
    server = start({})
    film = films.unique(3.0).read_bytes()
    url = begun(server, len(film), PatientID="815")
    assert add(url, 0, film[:10_000]).status_code == 204
    promise = base64.b64encode(hashlib.sha1(film[10_000:]).digest()).decode()  # noqa: S324 - the protocol's
    headers = {**BYTES, "Upload-Offset": "10000", "Content-Length": str(len(film) - 10_000)}
    line = talk(server, url, "PATCH", {**headers, "Upload-Checksum": f"sha1 {promise}"}, film[10_000:15_000])
    wait_for_size(server, 15_000, line, film[15_000:20_000])
    kill_gateway(server)
    line.close()
    assert offset_of(url) == 10_000
    assert add(url, 10_000, b"").headers["Upload-Offset"] == "10000"
    line = talk(server, url, "PATCH", headers, film[10_000:15_000])
    wait_for_size(server, 15_000, line, film[15_000:20_000])
    kill_gateway(server)
    line.close()
    there = offset_of(url)
    assert there >= 15_000
    done = add(url, there, film[there:], **JSON).json()
    assert done["Status"] == "Success"
    assert stored_bytes(server, done["ID"]) == film
    described = requests.get(f"{server.gateway_url}/video/instances/{done['ID']}", timeout=10).json()
    assert described["PatientID"] == "815"
    assert described["Plan"]["SourceSHA256"] == hashlib.sha256(film).hexdigest()
    assert spool(server) == []


def wait_for_size(server: OrthancServer, least: int, line: socket.socket, more: bytes) -> None:
    """Until so much is in the file, while ``more`` comes byte by byte: what is a second old goes with the next."""
    (source,) = [folder / "source" for folder in spool(server)]
    for at in range(200):
        if source.stat().st_size >= least:
            return
        line.sendall(more[at : at + 1])
        time.sleep(0.1)
    raise AssertionError("nothing was written")


@pytest.mark.parametrize("moment", ["before the commit", "after the commit"])
def test_killed_between_the_last_byte_and_the_answer(start: Any, films: Films, moment: str) -> None:
    """One job, whoever asks how often; nothing of it is lost even if nobody asks again."""
    server = start({})
    film = films.unique().read_bytes()
    url = begun(server, len(film))
    upload = url.rsplit("/", 1)[1]
    if moment == "before the commit":
        # As the gateway leaves it when it dies right after the last byte: all there, no job.
        assert add(url, 0, film[:-1]).status_code == 204
        os.kill(server.gateway_pid(), signal.SIGSTOP)
        with (server.storage / "video-gateway" / "spool" / upload / "source").open("ab") as source:
            source.write(film[-1:])
    else:
        assert add(url, 0, film).status_code == 204
    kill_gateway(server)
    deadline = time.monotonic() + 30
    while [job["State"] for job in jobs_of(server, url)] != ["Success"]:
        assert time.monotonic() < deadline, jobs_of(server, url)
        time.sleep(0.1)
    with ThreadPoolExecutor(4) as crowd:
        answers = list(crowd.map(lambda _: add(url, len(film), b"", **JSON).json(), range(4)))
    assert all(answer == answers[0] for answer in answers)
    assert offset_of(url) == len(film)
    assert requests.get(f"{server.url}/instances", timeout=10).json() == [answers[0]["ID"]]
    assert stored_bytes(server, answers[0]["ID"]) == film


def test_a_line_that_is_cut(server: OrthancServer, films: Films) -> None:
    film = films.unique(3.0).read_bytes()
    url = begun(server, len(film))
    headers = {**BYTES, "Upload-Offset": "0", "Content-Length": str(len(film))}
    with talk(server, url, "PATCH", headers, film[:20_000]):
        wait_until_it_is_taken(url)
    wait_for_offset(url, 20_000)
    done = add(url, 20_000, film[20_000:], **JSON).json()
    assert stored_bytes(server, done["ID"]) == film
    assert "unexpected" not in server.log


def test_two_at_once(server: OrthancServer, films: Films) -> None:
    """One wins. One whose line is dead gives way, and what it has sent is kept."""
    film = films.unique(3.0).read_bytes()
    url = begun(server, len(film))
    headers = {**BYTES, "Upload-Offset": "0", "Content-Length": str(len(film))}
    with talk(server, url, "PATCH", headers, film[:20_000]):
        wait_until_it_is_taken(url)
        second = add(url, 0, film)
        assert (second.status_code, second.headers["Retry-After"]) == (423, "1")
        deadline = time.monotonic() + 20
        while (third := add(url, 20_000, film[20_000:], **JSON)).status_code == 423:
            assert time.monotonic() < deadline
        assert third.status_code == 200, third.text
    assert stored_bytes(server, third.json()["ID"]) == film


def test_one_that_nobody_goes_on_with_expires(start: Any) -> None:
    server = start({"VideoGateway": {"UploadExpiresHours": 0.001}})
    url = begun(server, 100_000)
    answer = add(url, 0, b"12345")
    assert "Upload-Expires" in answer.headers
    assert len(spool(server)) == 1
    deadline = time.monotonic() + 30
    while spool(server):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert requests.head(url, headers=TUS, timeout=10).status_code == 404
    assert not list((server.storage / "video-gateway" / "uploads").iterdir())


def test_larger_than_what_the_gateway_may_use(start: Any, films: Films) -> None:
    """300 MiB in constant memory, hashed and stored to the byte, the gateway restarted on the way."""
    server = start({"VideoGateway": {"AnswerSeconds": 60}})
    film = films.source("h264.mp4").read_bytes()
    size = 300 << 20
    free = (size - len(film)).to_bytes(4, "big") + b"free"

    def body(begin: int, end: int) -> Iterator[bytes]:
        """A film that ends in a box of nothing."""
        head = film + free
        while begin < end:
            block = head[begin : begin + (1 << 20)] or bytes(min(1 << 20, end - begin))
            yield block[: end - begin]
            begin += len(block)

    def memory() -> int:
        status = Path(f"/proc/{server.gateway_pid()}/status").read_text(encoding="utf-8")
        return int(status.partition("VmHWM:")[2].split()[0]) >> 10

    before = memory()
    url = begun(server, size)
    half = size // 2
    first = requests.patch(url, data=body(0, half), headers={**BYTES, "Upload-Offset": "0"}, timeout=120)
    assert first.headers["Upload-Offset"] == str(half)
    assert memory() - before < 64
    kill_gateway(server)
    rest = requests.patch(
        url, data=body(half, size), headers={**BYTES, **JSON, "Upload-Offset": str(half)}, timeout=120
    )
    assert rest.json()["Status"] == "Success", rest.text
    assert memory() - before < 96
    described = requests.get(f"{server.gateway_url}/video/instances/{rest.json()['ID']}", timeout=10).json()
    whole = hashlib.sha256()
    for block in body(0, size):
        whole.update(block)
    assert described["Size"] == size
    assert described["Plan"]["SourceSHA256"] == whole.hexdigest()


# ---- whose it is ---------------------------------------------------------------------------------------------------


def test_an_upload_is_its_creators(start: Any, films: Films, tmp_path: Path) -> None:
    script = tmp_path / "orthanc-0" / "filter.lua"
    script.parent.mkdir()
    script.write_text(FILTER.replace("bob", "eve"), encoding="utf-8")
    server = start({
        "AuthenticationEnabled": True,
        "RemoteAccessAllowed": True,
        "RegisteredUsers": {"alice": "wonderland", "bob": "builder", "eve": "dropper"},
        "LuaScripts": [str(script)],
    })  # fmt: skip
    film = films.unique().read_bytes()
    url = begun(server, len(film), ALICE)
    assert add(url, 0, film[:1000], ALICE).status_code == 204
    for who, status in ((BOB, 404), (("eve", "dropper"), 403), (("alice", "wrong"), 401), (None, 401)):
        tries = (
            requests.head(url, headers=TUS, auth=who, timeout=10),
            add(url, 1000, film[1000:], who),
            requests.delete(url, headers=TUS, auth=who, timeout=10),
        )
        assert [answer.status_code for answer in tries] == [status] * 3, who
    headers = {**TUS, "Upload-Length": "10"}
    assert requests.post(uploads(server), headers=headers, auth=("eve", "dropper"), timeout=10).status_code == 403
    server.restart()
    # From another address after a restart she is still the same.
    elsewhere = {**TUS, "X-Forwarded-For": "203.0.113.9", "Cookie": "theme=light"}
    assert requests.head(url, headers=elsewhere, auth=ALICE, timeout=10).headers["Upload-Offset"] == "1000"
    assert add(url, 1000, film[1000:], ALICE, **JSON).json()["Status"] == "Success"
    assert requests.head(url, headers=TUS, auth=BOB, timeout=10).status_code == 404
    for secret in ("wonderland", base64.b64encode(b"alice:wonderland").decode()):
        for record in (server.storage / "video-gateway" / "uploads").iterdir():
            assert secret not in record.read_text(encoding="utf-8")
        assert secret not in server.log


# ---- no room -------------------------------------------------------------------------------------------------------


def test_a_full_spool_takes_nothing_new_and_finishes_what_it_has(start: Any, films: Films) -> None:
    server = start({"VideoGateway": {"SpoolMB": 2}})
    film = films.unique(3.0).read_bytes()
    length = (2 << 20) - 10_000
    url = begun(server, length)
    add(url, 0, film)
    doors = ["/instances", "/video/ingest"]
    for answer in (
        *(requests.post(server.gateway_url + door, data=film, timeout=10) for door in doors),
        *(requests.post(server.gateway_url + door, files={"file": film}, timeout=10) for door in doors),
        requests.post(f"{server.url}/instances", data=film, timeout=10),
        requests.post(uploads(server), headers={**TUS, "Upload-Length": str(len(film))}, timeout=10),
    ):
        assert answer.status_code == 503, (answer.url, answer.text)
        assert int(answer.headers["Retry-After"]) > 0
        assert "spool" in answer.json()["detail"]
    image = films.image().read_bytes()
    dicom = {"Content-Type": "application/dicom"}
    assert requests.post(f"{server.gateway_url}/instances", data=image, headers=dicom, timeout=10).ok
    too_large = requests.post(uploads(server), headers={**TUS, "Upload-Length": str(3 << 20)}, timeout=10)
    assert too_large.status_code == 413

    # Nobody is told "100 Continue", and nobody has to send more than the first bytes, which say what it is.
    for path in ("/instances", "/video/ingest", "/video/uploads"):
        for more in ({"Expect": "100-continue"}, {}):
            headers = {**BYTES, **more, "Content-Length": str(len(film)), "Upload-Length": str(len(film))}
            asked = time.monotonic()
            with talk(server, path, "POST", headers) as line:
                assert line.recv(4096).startswith(b"HTTP/1.1 503"), path
                assert time.monotonic() - asked < 10, "the answer waits for the body"
                line.sendall(film)  # who sends on all the same is not cut off

    kill_gateway(server)  # what is reserved is known again
    assert requests.post(f"{server.gateway_url}/instances", data=film, timeout=10).status_code == 503
    padding = length - len(film)
    rest = padding.to_bytes(4, "big") + b"free" + bytes(padding - 8)
    assert add(url, len(film), rest, **JSON).json()["Status"] == "Success"
    assert requests.post(f"{server.gateway_url}/instances", data=film, timeout=30).json()["Status"] == "Success"


def test_room_that_was_announced_and_never_used_is_there_for_others(start: Any, films: Films) -> None:
    server = start({"VideoGateway": {"SpoolMB": 4}})
    film = films.unique().read_bytes()
    length = (4 << 20) - 10_000
    url = begun(server, length)
    assert told(server, "announced_bytes") == length
    assert told(server, "room_bytes") == 10_000
    assert requests.post(f"{server.gateway_url}/instances", data=film, timeout=10).status_code == 503
    # Nothing came for some minutes, which a restart sees by the files' times.
    minutes_ago = time.time() - 300
    for path in (server.storage / "video-gateway").glob("uploads/*.json"):
        os.utime(path, (minutes_ago, minutes_ago))
        os.utime(server.storage / "video-gateway" / "spool" / path.stem / "source", (minutes_ago, minutes_ago))
    kill_gateway(server)
    assert told(server, "announced_bytes") == 0
    assert requests.post(f"{server.gateway_url}/instances", data=film, timeout=30).json()["Status"] == "Success"
    # Who comes back finds room while there is some, and is told when there is none.
    other = begun(server, 3 << 20)
    refused = add(url, 0, film)
    assert (refused.status_code, offset_of(url)) == (503, 0), refused.text
    assert requests.delete(other, headers=TUS, timeout=10).status_code == 204
    assert add(url, 0, film).status_code == 204
    padding = length - len(film)
    rest = padding.to_bytes(4, "big") + b"free" + bytes(padding - 8)
    assert add(url, len(film), rest, **JSON).json()["Status"] == "Success"
    assert told(server, "announced_bytes") == 0


def test_bytes_whose_number_is_told_late_or_never_stop_at_the_mark(start: Any, films: Films) -> None:
    server = start({"VideoGateway": {"SpoolMB": 4}})
    mib = 1 << 20
    held = begun(server, 2 * mib)

    def chunked(count: int) -> Iterator[bytes]:
        for _ in range(count):
            yield bytes(64 << 10)

    for path in ("/instances", "/video/ingest"):
        answer = requests.post(server.gateway_url + path, data=chunked(48), timeout=30)
        assert (answer.status_code, len(spool(server))) == (503, 1), answer.text
    deferred = requests.post(uploads(server), headers={**TUS, "Upload-Defer-Length": "1"}, timeout=10)
    url = f"{server.gateway_url}/video/{deferred.headers['Location']}"
    for body, more, status in (
        (bytes(3 * mib), {"Upload-Length": str(3 * mib)}, 503),
        (bytes(5 * mib), {"Upload-Length": str(5 * mib)}, 413),
        (bytes(3 * mib), {}, 503),
    ):
        answer = add(url, 0, body, **more)
        assert (answer.status_code, offset_of(url)) == (status, 0), answer.text
    endless = requests.patch(url, data=chunked(48), headers={**BYTES, "Upload-Offset": "0"}, timeout=30)
    assert endless.status_code == 503, endless.text
    there = offset_of(url)
    assert 0 < there <= 2 * mib
    assert requests.delete(held, headers=TUS, timeout=10).status_code == 204
    film = films.unique().read_bytes()
    assert requests.delete(url, headers=TUS, timeout=10).status_code == 204
    for door in (server.gateway_url + "/video/ingest", server.gateway_url + "/instances"):
        beyond = requests.post(door, data=chunked(80), timeout=30)
        assert beyond.status_code == 413, beyond.text
    assert not spool(server)
    small = requests.post(f"{server.gateway_url}/video/ingest", data=iter([film]), timeout=30)
    assert small.json()["Status"] == "Success"


def told(server: OrthancServer, name: str) -> float:
    """A gauge, as Prometheus is told it."""
    text = requests.get(f"{server.gateway_url}/metrics", timeout=10).text
    return float(next(line.split()[1] for line in text.splitlines() if line.startswith(f"orthanc_video_{name} ")))
