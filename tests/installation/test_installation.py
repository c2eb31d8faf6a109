"""docs/installation.md, word for word, on Debian 13: install, use, upgrade, remove."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import socket
import stat
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from e2e.films import Films
from installation.clean_root import FOLDER, REPOSITORY, CleanRoot

PAGE = (REPOSITORY / "docs" / "installation.md").read_text(encoding="utf-8")
DIRECTORY = "/var/lib/orthanc/video-gateway"


def commands(heading: str) -> list[str]:
    """The shell blocks below a heading of the page."""
    part = PAGE.partition(f"\n### {heading}\n")[2].partition("\n##")[0]
    return re.findall(r"^```sh\n(.*?)^```$", part, re.DOTALL | re.MULTILINE)


def free_ports() -> tuple[int, ...]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
    try:
        return tuple(int(one.getsockname()[1]) for one in sockets)
    finally:
        for one in sockets:
            one.close()


class Installed:
    """Debian's Orthanc in a clean root, on ports that are free here."""

    def __init__(self, root: CleanRoot) -> None:
        self.root = root
        http, dicom, gateway = free_ports()
        self.url, self.gateway = f"http://127.0.0.1:{http}", f"http://127.0.0.1:{gateway}"
        self._gateway = gateway
        core = root.path("/etc/orthanc/orthanc.json")
        text = core.read_text(encoding="utf-8")
        core.write_text(text.replace(": 8042", f": {http}").replace(": 4242", f": {dicom}"), encoding="utf-8")

    def do(self, script: str) -> str:
        """One block of the page, with the gateway's port for that of the page."""
        done = self.root.run(script.replace("8043", str(self._gateway)))
        assert done.returncode == 0, f"{script}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
        return done.stdout

    def start(self, url: str) -> None:
        self.root.start_orthanc()
        limit = time.monotonic() + 60
        while True:
            try:
                if requests.get(url, timeout=5).status_code == 200:
                    return
            except requests.ConnectionError:
                pass
            assert time.monotonic() < limit, self.root.log
            time.sleep(0.1)

    def upload(self, film: Path) -> str:
        answer = requests.post(f"{self.url}/instances", data=film.read_bytes(), timeout=60)
        assert answer.json()["Status"] == "Success", answer.text
        return str(answer.json()["ID"])

    def played(self, instance: str) -> bytes:
        return requests.get(f"{self.gateway}/video/instances/{instance}/stream", timeout=30).content

    def stored(self, instance: str) -> str:
        """The MD5 of the object in Orthanc's storage, read through Orthanc."""
        data = requests.get(f"{self.url}/instances/{instance}/file", timeout=30)
        assert data.status_code == 200, data.text
        return hashlib.md5(data.content, usedforsecurity=False).hexdigest()


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Films:
    return Films(tmp_path_factory.mktemp("films"))


@pytest.fixture(scope="module")
def archive() -> Path:
    """What ``make dist`` makes."""
    made = subprocess.run([str(REPOSITORY / "scripts" / "dist.sh")], check=True, capture_output=True, text=True)
    return REPOSITORY / made.stdout.splitlines()[-1]


@pytest.fixture(scope="module")
def debian(archive: Path) -> Iterator[Installed]:
    with CleanRoot() as root:
        shutil.copy(archive, root.path(FOLDER))
        yield Installed(root)


def owner(path: Path) -> tuple[int, int]:
    return path.stat().st_uid, stat.S_IMODE(path.stat().st_mode)


def test_install_use_upgrade_and_remove(debian: Installed, films: Films) -> None:
    before = configuration(debian)
    debian.start(f"{debian.url}/system")
    as_ever = requests.get(f"{debian.url}/system", timeout=10).json()
    assert debian.root.stop_orthanc() == 0
    prepare, configure, ask = commands("Install")
    for _ in range(2):  # whoever is not sure that it worked does it again
        debian.do(prepare)
        debian.do(configure)
    debian.start(f"{debian.gateway}/health")
    doctor(debian, ask)

    film = films.unique()
    first = debian.upload(film)
    assert debian.played(first) == film.read_bytes()
    folder = debian.root.path(DIRECTORY)
    assert owner(folder) == (debian.root.path("/var/lib/orthanc").stat().st_uid, 0o700)
    assert debian.root.stop_orthanc() == 0, debian.root.log

    (upgrade,) = commands("Upgrade")
    debian.do(upgrade)
    debian.start(f"{debian.gateway}/health")
    assert debian.played(first) == film.read_bytes()
    second = debian.upload(films.unique())
    jobs = requests.get(f"{debian.gateway}/video/jobs", timeout=10).json()
    assert len(json.dumps(jobs).split(first)) > 1, "the jobs of before the upgrade are still known"
    sums = [debian.stored(one) for one in (first, second)]
    assert debian.root.stop_orthanc() == 0, debian.root.log

    (remove,) = commands("Remove")
    debian.do(remove)
    assert configuration(debian) == before
    debian.start(f"{debian.url}/system")
    assert requests.get(f"{debian.url}/system", timeout=10).json() == as_ever
    assert requests.get(f"{debian.url}/video/capabilities", timeout=10).status_code == 404
    refused = requests.post(f"{debian.url}/instances", data=film.read_bytes(), timeout=30)
    assert refused.status_code == 400, "Orthanc takes no videos any more"
    assert [debian.stored(one) for one in (first, second)] == sums
    assert not debian.root.path("/opt/orthanc-video").exists()
    assert not list((folder / "spool").iterdir())


def configuration(debian: Installed) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in debian.root.path("/etc/orthanc").iterdir()}


def doctor(debian: Installed, ask: str) -> None:
    """No problem, asked with the page's own command; the machine's disk and memory are this machine's affair."""
    findings: list[dict[str, Any]] = json.loads(debian.do(ask.rstrip() + " --json"))
    advised = {one["subject"] for one in findings if one["level"] != "ok"}
    assert advised <= {"spool-disk", "storage-disk", "WorkerMemoryMB"}, findings
