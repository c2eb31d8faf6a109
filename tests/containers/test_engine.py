"""compose.yaml on a real Docker engine, where there is one: up, healthy, a film through nginx, a worker killed."""

from __future__ import annotations

import gc
import subprocess
import uuid
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from docker.errors import DockerException
from docker.models.containers import Container

import docker
from containers.machine import COMPOSE
from containers.test_images import wait
from e2e.films import Films

pytestmark = pytest.mark.images

PORTS = {"HTTPS_PORT": "18443", "HTTP_PORT": "18080", "DICOM_PORT": "14242"}
URL = "https://localhost:18443"


def answering() -> docker.DockerClient | None:
    """The engine that the environment names; None when nobody answers there."""
    client = docker.from_env(version="1.44")
    try:
        client.ping()
    except (DockerException, OSError):
        client.close()
        return None
    return client


@pytest.fixture(scope="module")
def engine() -> Iterator[docker.DockerClient]:
    client = answering()
    if client is None:
        with warnings.catch_warnings():  # docker leaves the socket open by which it found nobody
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()
        pytest.skip("no Docker engine answers here: test_images.py runs the same services without one")
    yield client
    client.close()


class Project:
    """compose.yaml under a name of its own, so that data of another project are not touched."""

    def __init__(self, engine: docker.DockerClient, folder: Path) -> None:
        self._engine = engine
        self.name = f"orthanc-video-test-{uuid.uuid4().hex[:8]}"
        self._variables = folder / "variables"
        self._variables.write_text("".join(f"{key}={value}\n" for key, value in PORTS.items()), encoding="ascii")

    def compose(self, *arguments: str) -> str:
        command = ["docker", "compose", "--project-name", self.name, "--file", str(COMPOSE)]
        command += ["--env-file", str(self._variables), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    def containers(self, service: str) -> list[Container]:
        labels = [f"com.docker.compose.project={self.name}", f"com.docker.compose.service={service}"]
        return self._engine.containers.list(all=True, filters={"label": labels})


@pytest.fixture(scope="module")
def project(engine: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    running = Project(engine, tmp_path_factory.mktemp("project"))
    try:
        running.compose("up", "--detach", "--build", "--wait", "--wait-timeout", "600")
        yield running
    finally:
        running.compose("down", "--volumes", "--timeout", "30")


def test_all_services_are_healthy_and_the_film_plays(project: Project, tmp_path: Path) -> None:
    for service in ("database", "orthanc", "gateway", "nginx", "prometheus", "grafana"):
        (container,) = project.containers(service)
        assert container.attrs["State"]["Health"]["Status"] == "healthy", service
        assert container.attrs["HostConfig"]["ReadonlyRootfs"] is True
        assert not [one for one in container.attrs["Config"]["Env"] if "PASSWORD=" in one]
    shown = project.compose("run", "--rm", "first-start", "show")
    user = ("admin", shown.partition("user admin, password ")[2].split()[0])
    film = Films(tmp_path).source("vp9.webm").read_bytes()
    certificate = tmp_path / "certificate.pem"
    certificate.write_text(
        project.compose("exec", "-T", "nginx", "cat", "/run/secrets/orthanc-video/certificate.pem"), encoding="ascii"
    )
    trust = str(certificate)
    answer = requests.post(f"{URL}/instances", data=film, auth=user, verify=trust, timeout=120)
    assert answer.json()["Status"] == "Success", answer.text
    stream = f"{URL}/video/instances/{answer.json()['ID']}/stream"
    part = requests.get(stream, headers={"Range": "bytes=0-99"}, auth=user, verify=trust, timeout=30)
    assert (part.status_code, len(part.content)) == (206, 100)


def test_a_worker_that_dies_comes_back(project: Project) -> None:
    victim, _ = project.containers("worker")
    began = victim.attrs["State"]["StartedAt"]
    victim.kill("SIGKILL")

    def returned() -> bool:
        victim.reload()
        return bool(victim.attrs["State"]["Running"] and victim.attrs["State"]["StartedAt"] != began)

    # `restart: unless-stopped` does not bring back what `docker kill` has ended: compose does.
    project.compose("up", "--detach", "--wait")
    wait(lambda: str(victim.attrs["State"]), returned)
