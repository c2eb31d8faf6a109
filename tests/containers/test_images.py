"""The images as compose.yaml runs them, on PostgreSQL and behind nginx, without a Docker engine."""

from __future__ import annotations

import json
import ssl
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
import requests

from containers.machine import REPOSITORY, Machine, capabilities, environ
from containers.neighbours import database, nginx
from e2e.films import Films

pytestmark = pytest.mark.images

ORTHANC, GATEWAY, NGINX = "http://127.0.0.1:8042", "http://127.0.0.1:8043", "https://localhost:8443"
WORKER = "http://127.0.0.1:8044"


def wait(complaint: Callable[[], str], done: Callable[[], bool], seconds: float = 60) -> None:
    limit = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < limit, complaint()
        time.sleep(0.1)


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Films:
    return Films(tmp_path_factory.mktemp("films"))


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    """All services of compose.yaml that are this project's own, with a database and nginx beside them."""
    subprocess.run([str(REPOSITORY / "scripts" / "images.sh")], check=True)
    with Machine() as running:
        first = running.run("first-start")
        assert first.returncode == 0, first.stderr
        with database(running), nginx(running):
            running.start("orthanc")
            wait(lambda: running.log("orthanc"), lambda: running.healthy("orthanc"))
            for name in ("gateway", "worker"):
                running.start(name)
            wait(lambda: running.log("gateway"), lambda: running.healthy("gateway"))
            wait(lambda: running.log("worker"), lambda: running.healthy("worker"))
            yield running


@pytest.fixture(scope="module")
def admin(machine: Machine) -> tuple[str, str]:
    """The user whom ``first-start show`` tells a person."""
    shown = machine.run("first-start", "show").stdout.decode()
    return "admin", shown.partition("user admin, password ")[2].split()[0]


@pytest.fixture(scope="module")
def authority(machine: Machine) -> str:
    """The certificate that was made, which a client that trusts it can check by."""
    return str(machine.volume("secrets-tls") / "certificate.pem")


def test_orthanc_runs_with_the_plugin_on_postgresql(machine: Machine, admin: tuple[str, str]) -> None:
    system = machine.http(requests.get, f"{ORTHANC}/system", auth=admin, timeout=10).json()
    assert system["DatabaseBackendPlugin"]
    plugins = machine.http(requests.get, f"{ORTHANC}/plugins", auth=admin, timeout=10).json()
    assert {"python", "dicom-web", "postgresql-index"} <= set(plugins)
    capable = machine.http(requests.get, f"{ORTHANC}/video/capabilities", auth=admin, timeout=10)
    assert capable.json()["Transcoding"] is True, "the plugin does not reach the gateway"


def test_nobody_gets_in_without_a_password(machine: Machine, authority: str) -> None:
    for url in (f"{ORTHANC}/system", f"{GATEWAY}/system", f"{GATEWAY}/video/instances", f"{NGINX}/"):
        assert machine.http(requests.get, url, timeout=10, verify=authority).status_code == 401, url
    assert machine.http(requests.get, f"{NGINX}/health", timeout=10, verify=authority).json() == {"Status": "ok"}


def test_a_film_is_transcoded_by_the_worker_and_plays_behind_nginx(
    machine: Machine, films: Films, admin: tuple[str, str], authority: str
) -> None:
    film = films.source("vp9.webm").read_bytes()
    more: dict[str, Any] = {"auth": admin, "verify": authority, "timeout": 120}
    answer = machine.http(requests.post, f"{NGINX}/instances", data=film, **more)
    assert answer.status_code == 200, answer.text
    assert answer.json()["Status"] == "Success", "the gateway runs no jobs itself: the worker has to"
    stream = f"{NGINX}/video/instances/{answer.json()['ID']}/stream"
    whole = machine.http(requests.get, stream, **more).content
    part = machine.http(requests.get, stream, headers={"Range": "bytes=100-299"}, **more)
    assert (part.status_code, part.content) == (206, whole[100:300])
    played = films.folder / "played.mp4"
    played.write_bytes(whole)
    counted = subprocess.run(
        ["ffprobe", "-v", "error", "-count_frames", "-show_entries", "stream=codec_name,nb_read_frames", "-of", "json",
         str(played)], check=True, capture_output=True).stdout  # fmt: skip
    assert json.loads(counted)["streams"] == [{"codec_name": "h264", "nb_read_frames": "60"}]
    assert not list((machine.volume("video") / "cache").rglob("objects/*")), "it was copied instead of read in place"


def test_nginx_holds_back_no_large_upload(machine: Machine, admin: tuple[str, str], authority: str) -> None:
    """Over nginx's default of 1 MB, and refused by the gateway in its own words."""
    more: dict[str, Any] = {"auth": admin, "verify": authority, "timeout": 60}
    answer = machine.http(requests.post, f"{NGINX}/instances", data=b"\0" * (3 << 20), **more)
    assert answer.status_code == 415, answer.text
    assert "video" in answer.json()["detail"]


def test_the_viewer_is_in_the_image(machine: Machine, admin: tuple[str, str], authority: str) -> None:
    page = machine.http(requests.get, f"{NGINX}/", auth=admin, verify=authority, timeout=10)
    assert page.status_code == 200
    script = urljoin(f"{NGINX}/", page.text.partition('src="')[2].partition('"')[0])
    assert machine.http(requests.get, script, auth=admin, verify=authority, timeout=10).status_code == 200


def test_ohif_is_in_an_image_that_was_built_with_it(machine: Machine, admin: tuple[str, str], authority: str) -> None:
    more: dict[str, Any] = {"auth": admin, "verify": authority, "timeout": 10}
    page = machine.http(requests.get, f"{NGINX}/ohif/viewer", **more)
    assert page.status_code == 200, page.text
    script = urljoin(f"{NGINX}/", page.text.partition('defer src="')[2].partition('"')[0])
    assert machine.http(requests.head, script, **more).status_code == 200
    assert "/dicom-web" in machine.http(requests.get, f"{NGINX}/ohif/app-config.js", **more).text
    assert machine.http(requests.get, f"{NGINX}/ohif/", verify=authority, timeout=10).status_code == 401


def test_prometheus_sees_gateway_and_worker_and_nothing_of_patients(machine: Machine) -> None:
    word = (machine.volume("secrets-prometheus") / "password").read_text(encoding="ascii").strip()
    user = ("prometheus", word)
    assert machine.http(requests.get, f"{GATEWAY}/system", auth=user, timeout=10).status_code == 200
    for url, transcoded in ((GATEWAY, 0), (WORKER, 1)):
        told = machine.http(requests.get, f"{url}/metrics", auth=user, timeout=10).text
        assert f'orthanc_video_stage_seconds_count{{stage="transcode"}} {transcoded}.0' in told, url
        assert machine.http(requests.get, f"{url}/metrics", timeout=10).status_code == 401
    for path in ("/patients", "/studies", "/instances", "/changes", "/statistics"):
        assert machine.http(requests.get, f"{ORTHANC}{path}", auth=user, timeout=10).status_code == 403, path
    upload = machine.http(requests.post, f"{GATEWAY}/instances", data=b"x", auth=user, timeout=10)
    assert upload.status_code == 403


@pytest.mark.parametrize("name", ["orthanc", "gateway", "worker"])
def test_they_run_without_privileges(machine: Machine, name: str) -> None:
    pid = machine.pid(name)
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    assert status.partition("Uid:")[2].split()[:4] == ["10042"] * 4
    assert status.partition("NoNewPrivs:")[2].split()[0] == "1"
    assert capabilities(pid) == 0
    assert machine.running(name)
    mounted = machine.enter(name, "cat", "/proc/self/mountinfo").stdout
    (root,) = [line.split() for line in mounted.splitlines() if line.split()[4] == "/"]
    assert "ro" in root[5].split(","), "the root file system can be written to"


def test_each_secret_is_readable_for_its_service_alone(machine: Machine) -> None:
    owners = {"orthanc": 10042, "database": 999, "prometheus": 65534, "grafana": 472, "tls": 101}
    for name, owner in owners.items():
        files = list(machine.volume(f"secrets-{name}").iterdir())
        assert files
        for file in files:
            assert (file.stat().st_uid, stat.S_IMODE(file.stat().st_mode)) == (owner, 0o600), file
    # What `docker inspect` would show is what the process of the entry point was given: of secrets, nothing.
    given = machine.given("orthanc")
    assert not [key for key in given if "PASSWORD" in key or "SECRET" in key]
    assert "ORTHANC_ADMIN_PASSWORD" in environ(machine.pid("orthanc"))


def test_no_secret_is_logged(machine: Machine) -> None:
    words = [file.read_text(encoding="ascii").strip() for file in machine.volume("secrets-orthanc").iterdir()]
    for name in ("orthanc", "gateway", "worker"):
        assert not [word for word in words if word in machine.log(name)], name


def test_the_second_start_keeps_what_the_first_one_made(machine: Machine, admin: tuple[str, str]) -> None:
    before = machine.volume("secrets-tls").joinpath("certificate.pem").read_bytes()
    assert machine.run("first-start").returncode == 0
    assert machine.run("first-start", "show").stdout.decode().count(admin[1]) == 1
    assert machine.volume("secrets-tls").joinpath("certificate.pem").read_bytes() == before


def test_a_certificate_of_ones_own_is_taken_and_a_broken_one_refused(machine: Machine, tmp_path: Path) -> None:
    made = machine.volume("secrets-tls") / "certificate.pem"
    before = made.read_bytes()
    certificate, key = (tmp_path / name for name in ("certificate.pem", "key.pem"))
    for words in (b"nonsense", before.partition(b"-----BEGIN CERT")[0]):
        refused = machine.run("first-start", "certificate", given=words)
        assert (refused.returncode, made.read_bytes()) == (1, before)
        assert b"not taken" in refused.stderr
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=video.example.org",
                    "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)  # fmt: skip
    mixed = machine.run("first-start", "certificate", given=certificate.read_bytes() + before)
    assert (mixed.returncode, made.read_bytes()) == (1, before)
    both = certificate.read_bytes() + key.read_bytes()
    assert machine.run("first-start", "certificate", given=both).returncode == 0
    assert made.read_bytes() == both
    made.write_bytes(before)
    assert ssl.create_default_context(cafile=str(made))


def test_the_doctor_finds_no_problem(machine: Machine) -> None:
    doctor = ["orthanc-video", "doctor", "--configuration", "/etc/orthanc/orthanc.json", "--json"]
    asked = machine.enter("gateway", "/opt/orthanc-video/docker/entrypoint.sh", *doctor)
    assert asked.stdout, asked.stderr
    findings = json.loads(asked.stdout)
    assert [one for one in findings if one["level"] == "problem"] == []
    assert asked.returncode == 0


def test_they_end_when_they_are_told_to(machine: Machine) -> None:
    """Last of all: SIGTERM reaches each of them through the entry point, and they end by themselves."""
    for name in ("worker", "gateway", "orthanc"):
        assert machine.stop(name) in {0, -15, 143}, name
        assert not machine.killed
