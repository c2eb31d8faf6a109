"""Metrics of the gateway and of workers: what was done is counted, and nobody's data are told."""

from __future__ import annotations

import json
import re
import subprocess
from typing import Any

import pytest
import requests
import yaml
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from e2e.films import Films
from e2e.generation import only_once
from e2e.orthanc_server import REPOSITORY, OrthancServer, free_ports
from e2e.recordings import Recordings, store, wait_until
from e2e.test_progress import SLOWLY, begun, jobs_url
from e2e.watching import listening
from e2e.workers import Workers, worker_command


def scraped(url: str, **more: Any) -> dict[str, Metric]:
    """What a gateway or a worker tells Prometheus."""
    answer = requests.get(f"{url}/metrics", timeout=10, **more)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain; version=")
    return {family.name: family for family in text_string_to_metric_families(answer.text)}


def value(families: dict[str, Metric], name: str, **labels: str) -> float:
    found = [
        sample.value
        for family in families.values()
        for sample in family.samples
        if sample.name == f"orthanc_video_{name}" and labels.items() <= sample.labels.items()
    ]
    assert found, f"there is no series {name} {labels}"
    return sum(found)


@pytest.fixture(scope="module")
def worked(tmp_path_factory: pytest.TempPathFactory, films: Films) -> Any:
    """A server that has stored, transcoded, refused, played and shown: itself, what was sent, what came of it."""
    # Compressed storage: the gateway plays from copies, so that this cache is used, too.
    with OrthancServer(tmp_path_factory.mktemp("worked"), {"StorageCompression": True}) as server:
        post = f"{server.gateway_url}/video/ingest?PatientName=Doe%5EJane&PatientID=4711"
        sources = [films.unique(), films.unique(0.5, "-c:v", "libvpx", suffix=".webm")]
        answers = [requests.post(post, data=source.read_bytes(), timeout=60).json() for source in sources]
        assert [answer["Video"]["Action"] for answer in answers] == ["wrap", "transcode"]
        assert requests.post(post, data=b"a letter, not a film " * 99, timeout=60).status_code == 415
        video = f"{server.gateway_url}/video/instances/{answers[0]['ID']}"
        for _ in range(2):
            assert requests.get(f"{video}/thumbnail?width=200", timeout=30).ok
        assert len(requests.get(f"{video}/stream", headers={"Range": "bytes=0-999"}, timeout=30).content) == 1000
        yield server, sources, answers


def test_metrics_tell_what_was_done(worked: Any) -> None:
    server, sources, answers = worked
    found = scraped(server.gateway_url)
    assert value(found, "jobs_ended_total", state="Success") == 2
    assert value(found, "jobs_ended_total", state="Failure") == 0
    assert value(found, "uploads_refused_total", status="415") == 1
    assert value(found, "stage_seconds_count", stage="store") == 2
    assert value(found, "stage_seconds_count", stage="transcode") == 1
    assert value(found, "stage_seconds_count", stage="probe") == 2
    received = sum(source.stat().st_size for source in sources) + 99 * len(b"a letter, not a film ")
    assert value(found, "received_bytes_total") == received
    stored = [
        requests.get(f"{server.url}/instances/{answer['ID']}/attachments/dicom/size", timeout=10) for answer in answers
    ]
    assert value(found, "stored_bytes_total") == sum(int(answer.text) for answer in stored)
    assert value(found, "sent_bytes_total") == 1000
    assert value(found, "cache_requests_total", cache="thumbnails", result="miss") == 1
    assert value(found, "cache_requests_total", cache="thumbnails", result="hit") == 1
    assert value(found, "cache_requests_total", cache="objects", result="miss") == 1
    assert value(found, "queue_jobs", queue="transcodes") == 0
    assert value(found, "jobs") == 0
    assert value(found, "media_processes") == 0
    assert value(found, "spool_bytes") == 0
    assert value(found, "disk_free_bytes") > value(found, "disk_free_minimum_bytes") == 512 << 20
    route = "/video/instances/{named}/thumbnail"
    assert value(found, "request_seconds_count", method="GET", route=route, status="200") == 2


def test_metrics_hold_nobodys_data(worked: Any) -> None:
    server, sources, answers = worked
    found = scraped(server.gateway_url)
    told = {text for family in found.values() for sample in family.samples for text in sample.labels.values()}
    secrets = ["Doe", "Jane", "4711", *(source.name for source in sources)]
    secrets += [answer[key] for answer in answers for key in ("ID", "ParentStudy", "ParentPatient")]
    secrets += [answer["Video"]["Job"] for answer in answers]
    assert not [text for text in told if any(secret in text for secret in secrets)]


def test_openmetrics_is_spoken_to_who_asks_for_it(worked: Any) -> None:
    server, *_ = worked
    headers = {"Accept": "application/openmetrics-text; version=1.0.0"}
    answer = requests.get(f"{server.gateway_url}/metrics", headers=headers, timeout=10)
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")


_SELECTOR = re.compile(r"\b((?:orthanc_video|process)_\w+)(?:\{([^}]*)\})?")
_MATCHER = re.compile(r'(\w+)="([^"]*)"')


def expressions() -> list[str]:
    """All that the dashboard and the alert rules ask Prometheus."""
    folder = REPOSITORY / "docker"
    dashboard = json.loads((folder / "grafana/provisioning/dashboards/orthanc-video.json").read_text(encoding="utf-8"))
    rules = yaml.safe_load((folder / "prometheus/rules.yml").read_text(encoding="utf-8"))["groups"]
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    return asked + [rule["expr"] for group in rules for rule in group["rules"]]


@pytest.mark.parametrize("expression", expressions())
def test_dashboard_and_alerts_ask_for_what_there_is(worked: Any, expression: str) -> None:
    server, *_ = worked
    series = [sample for family in scraped(server.gateway_url).values() for sample in family.samples]
    asked = _SELECTOR.findall(expression)
    assert asked or "up{" in expression  # Prometheus' own
    for name, matchers in asked:
        labels = dict(_MATCHER.findall(matchers))
        labels.pop("job", None)  # Prometheus' own
        assert any(one.name == name and labels.items() <= one.labels.items() for one in series), (name, labels)


def test_what_waits_and_runs_is_counted(start: Any, films: Films) -> None:
    server = start(SLOWLY)
    running, waiting = (begun(server, film) for film in (films.slow(10), films.slow(8.0)))
    with listening(jobs_url(server, running)) as events:
        assert any(event.job["Progress"] > 0 for event in events)
    found = scraped(server.gateway_url)
    assert value(found, "jobs", state="Running") == 1
    assert value(found, "jobs", state="Pending") == 1
    assert value(found, "queue_jobs", queue="transcodes") == 1
    assert value(found, "media_processes") == 1
    assert value(found, "spool_bytes") >= sum(films.slow(seconds).stat().st_size for seconds in (10, 8.0))
    for job in (waiting, running):
        requests.delete(jobs_url(server, job, ""), timeout=10).raise_for_status()
    found = scraped(server.gateway_url)
    assert value(found, "jobs") == 0
    assert value(found, "jobs_ended_total", state="Cancelled") == 2
    assert value(found, "jobs_ended_total", state="Failure") == 0


def test_what_arrived_and_waits_is_counted(start: Any, recordings: Recordings) -> None:
    """There may be very many of them, so they are no jobs that somebody looks at; their queue shows them."""
    server = start({"VideoGateway": {"Workers": False}})
    for _ in range(3):
        store(server, recordings.one())
    wait_until(lambda: value(scraped(server.gateway_url), "queue_jobs", queue="background") == 3)
    found = scraped(server.gateway_url)
    assert value(found, "queue_jobs") == 3
    assert value(found, "jobs") == 0


@only_once
def test_a_worker_tells_what_it_does(start: Any, films: Films) -> None:
    """Nobody else would: the gateway beside it runs no jobs. Who may ask, Orthanc says."""
    (port,) = free_ports(1)
    users = {"AuthenticationEnabled": True, "RegisteredUsers": {"prometheus": "secret"}}
    server = start(users | {"VideoGateway": {"Workers": False, "AnswerSeconds": 60, "WorkerMetricsPort": port}})
    url = f"http://127.0.0.1:{port}"
    known: dict[str, Any] = {"auth": ("prometheus", "secret")}
    with Workers(server) as workers:
        workers.start()
        assert requests.get(f"{url}/health", timeout=10).json() == {"Status": "ok"}
        assert requests.get(f"{url}/metrics", timeout=10).status_code == 401
        assert requests.get(f"{url}/video/jobs", timeout=10, **known).status_code == 404
        film = films.source("vp9.webm").read_bytes()
        stored = requests.post(f"{server.gateway_url}/instances", data=film, timeout=60, **known).json()
        assert stored["Status"] == "Success"
        told, gateways = scraped(url, **known), scraped(server.gateway_url, **known)
        for stage in ("transcode", "store"):
            assert value(told, "stage_seconds_count", stage=stage) == 1
            assert value(gateways, "stage_seconds_count", stage=stage) == 0
        assert value(told, "jobs_ended_total", state="Success") == 1
        assert value(gateways, "jobs_ended_total", state="Success") == 0
        assert value(told, "stored_bytes_total") > 0
        second = subprocess.run(worker_command(server), capture_output=True, text=True, timeout=60)
        assert second.returncode == 78
        assert f"Port {port} on 127.0.0.1 cannot be used" in second.stderr
        assert "VideoGateway.WorkerMetricsPort" in second.stderr
