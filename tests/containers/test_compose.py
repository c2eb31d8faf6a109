"""compose.yaml and what it mounts: valid, complete, and as closed as the documents say. No image is needed."""

from __future__ import annotations

import json
import re
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from compose_spec import PyCompose

from containers.machine import COMPOSE, REPOSITORY, compose
from containers.neighbours import nginx_configuration
from orthanc_video.settings import read_configuration, settings_from

FOLDER = COMPOSE.parent
SERVICES: dict[str, Any] = compose()["services"]
SECRETS = ("ADMIN_PASSWORD", "GATEWAY_PASSWORD", "METRICS_PASSWORD", "DATABASE_PASSWORD", "VIDEO_DATABASE_PASSWORD",
           "GATEWAY_SECRET")  # fmt: skip


def checked(wanted: dict[str, Any]) -> None:
    """Raises where a key or value is none of the Compose specification's, or a name leads nowhere."""
    PyCompose.from_json(json.dumps({key: value for key, value in wanted.items() if key[:2] != "x-"})).validate()


def test_it_follows_the_compose_specification() -> None:
    checked(compose())


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("restart", "sometimes", "unknown variant"),
        ("mem_limt", "4g", "mem_limt"),
        ("networks", ["nowhere"], "not defined"),
    ],
)
def test_the_specification_is_really_asked(key: str, value: Any, words: str) -> None:
    wrong = compose()
    wrong["services"]["gateway"][key] = value
    with pytest.raises(ValueError, match=words):
        checked(wrong)


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_locked_down(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not service.get("privileged")
    if name == "first-start":  # hands files over to their users, without a network, and ends
        assert (service["user"], service["network_mode"]) == ("0:0", "none")
    else:
        assert not service.get("cap_add")
        assert service.get("user", "10042:10042").split(":")[0] not in {"0", "root"}


@pytest.mark.parametrize("image", ["orthanc", "gateway"])
def test_the_images_are_not_roots_and_have_a_health_check(image: str) -> None:
    text = (FOLDER / image / "Dockerfile").read_text(encoding="utf-8")
    assert re.findall(r"^USER (.*)$", text, re.MULTILINE)[-1] == "10042:10042"
    assert "HEALTHCHECK" in text
    assert set(re.findall(r"^FROM (\S+)", text, re.MULTILINE)) == {"debian:trixie-slim"}
    assert "--require-hashes" in text or image == "orthanc"


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_checked_for_health_or_says_why_not(name: str) -> None:
    service = SERVICES[name]
    own = service["image"].startswith("orthanc-video-")
    if name == "first-start":
        assert service["healthcheck"] == {"disable": True}
    else:
        assert own or "test" in service["healthcheck"]
    assert own or re.search(r":v?\d", service["image"]), "an image's version is to be named"


def test_only_nginx_and_dicom_are_reached_from_outside() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {"orthanc": ["4242:4242"], "nginx": ["443:8443", "80:8080"]}
    assert compose()["networks"]["inner"] == {"internal": True}
    assert [name for name, service in SERVICES.items() if "outer" in service.get("networks", [])] == [
        "orthanc",
        "nginx",
    ]


def test_all_that_is_mounted_is_there() -> None:
    volumes = compose()["volumes"]
    for name, service in SERVICES.items():
        for entry in service.get("volumes", []):
            source = entry.split(":")[0]
            assert source in volumes or (FOLDER / source).exists(), f"{name}: {source}"
            assert not source.startswith(".") or entry.endswith(":ro"), f"{name} may write to {source}"
            assert not source.startswith("secrets-") or entry.endswith(":ro") or name == "first-start"


def test_no_password_is_in_the_files() -> None:
    text = COMPOSE.read_text(encoding="utf-8") + (FOLDER / "orthanc.json").read_text(encoding="utf-8")
    values = re.findall(r"(?i)(?:password|secret)\w*\"?\s*:\s*\"?([^\s\",]+)", text)
    assert values
    assert all(value.startswith(("${ORTHANC_", "/run/secrets/")) for value in values), values


def test_the_configuration_works_for_all_who_read_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SECRETS:
        monkeypatch.setenv(f"ORTHANC_{name}", f"its-{name}")
    settings = settings_from(read_configuration(FOLDER / "orthanc.json"))
    assert settings.orthanc_url == "http://orthanc:8042"
    assert settings.gateway.url == f"http://gateway:{settings.gateway.port}"
    assert (settings.username, settings.password) == ("gateway", "its-GATEWAY_PASSWORD")
    assert settings.gateway.secret == "its-GATEWAY_SECRET"
    assert "its-VIDEO_DATABASE_PASSWORD@database:5432/video" in settings.gateway.database
    assert (settings.gateway.launch, settings.gateway.workers) == (False, False)
    shared = {entry.split(":")[1] for entry in SERVICES["worker"]["volumes"]}
    assert str(settings.directory) in shared
    assert shared == {entry.split(":")[1] for entry in SERVICES["gateway"]["volumes"]}
    assert "its-" not in repr(settings)


def test_every_secret_of_the_configuration_is_made() -> None:
    used = set(re.findall(r"\$\{(ORTHANC_\w+)\}", (FOLDER / "orthanc.json").read_text(encoding="utf-8")))
    made = (FOLDER / "first-start.sh").read_text(encoding="utf-8")
    assert used == {f"ORTHANC_{name}" for name in SECRETS}
    for name in SECRETS:
        assert name.removesuffix("_PASSWORD") in made


def test_nginx_takes_its_configuration(tmp_path: Path) -> None:
    certificate = tmp_path / "certificate.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost",
                    "-keyout", str(certificate), "-out", str(tmp_path / "one.pem")],
                   check=True, capture_output=True)  # fmt: skip
    with certificate.open("ab") as file:
        file.write((tmp_path / "one.pem").read_bytes())
    path = nginx_configuration(tmp_path, certificate)
    done = subprocess.run(["nginx", "-t", "-c", str(path), "-p", str(tmp_path)],
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "[warn]" not in done.stderr


def test_scripts_may_be_run() -> None:
    for path in FOLDER.rglob("*.sh"):
        assert path.stat().st_mode & stat.S_IXUSR, path


def test_a_build_sees_nothing_but_what_it_copies() -> None:
    """The context of a build holds no data, no environment and no passwords: all is left out, then named."""
    lines = (REPOSITORY / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert next(line for line in lines if line and not line.startswith("#")) == "*"
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", "".join(
        (FOLDER / image / "Dockerfile").read_text(encoding="utf-8") for image in ("orthanc", "gateway")
    ), re.MULTILINE)  # fmt: skip
    for source in " ".join(copied).split():
        assert list(REPOSITORY.glob(source.rstrip("/"))), source


def test_prometheus_asks_the_gateway_and_every_worker_where_they_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SECRETS:
        monkeypatch.setenv(f"ORTHANC_{name}", "x")
    gateway = settings_from(read_configuration(FOLDER / "orthanc.json")).gateway
    (scrape,) = yaml.safe_load((FOLDER / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))["scrape_configs"]
    assert scrape["static_configs"] == [{"targets": [f"gateway:{gateway.port}"], "labels": {"role": "gateway"}}]
    (workers,) = scrape["dns_sd_configs"]
    assert (workers["names"], workers["port"]) == (["worker"], gateway.worker_metrics_port)
    assert set(SERVICES["prometheus"]["networks"]) & set(SERVICES["worker"]["networks"])
    assert SERVICES["worker"]["healthcheck"]["test"][-2:] == [str(gateway.worker_metrics_port), "/health"]


def test_prometheus_asks_as_the_user_that_the_configuration_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SECRETS:
        monkeypatch.setenv(f"ORTHANC_{name}", "x")
    users = read_configuration(FOLDER / "orthanc.json")["RegisteredUsers"]
    asked = (FOLDER / "prometheus" / "prometheus.yml").read_text(encoding="utf-8")
    assert re.findall(r"username: (\S+)", asked)[0] in users
    assert "password_file: /run/secrets/orthanc-video/password" in asked
    assert json.dumps(users)
