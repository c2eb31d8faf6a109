"""Prometheus' own judgement of what docker/ gives it, and the form of what Grafana is given."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import Any

import requests
import yaml

from e2e.orthanc_server import free_ports

REPOSITORY = Path(__file__).resolve().parents[2]
PROMETHEUS = REPOSITORY / "docker" / "prometheus"
GRAFANA = REPOSITORY / "docker" / "grafana" / "provisioning"


def promtool(*arguments: str | Path) -> str:
    done = subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_prometheus_takes_the_configuration() -> None:
    assert "10 rules found" in promtool("check", "config", "--syntax-only", PROMETHEUS / "prometheus.yml") + promtool(
        "check", "rules", PROMETHEUS / "rules.yml"
    )


def test_every_worker_is_told_from_the_gateway(tmp_path: Path) -> None:
    """Asked of Prometheus itself, with the workers at an address instead of behind a name that only Docker knows."""
    wanted = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text(encoding="utf-8"))
    (scrape,) = wanted["scrape_configs"]
    scrape["static_configs"].append({"targets": [f"127.0.0.1:{scrape.pop('dns_sd_configs')[0]['port']}"]})
    wanted["rule_files"] = []
    configuration, (port,) = tmp_path / "prometheus.yml", free_ports(1)
    configuration.write_text(yaml.safe_dump(wanted), encoding="utf-8")
    address = f"127.0.0.1:{port}"
    command = ["prometheus", f"--config.file={configuration}", f"--storage.tsdb.path={tmp_path / 'data'}"]
    with subprocess.Popen([*command, f"--web.listen-address={address}", "--log.level=error"]) as prometheus:
        try:
            found = _targets(f"http://{address}/api/v1/targets")
        finally:
            prometheus.terminate()
    roles = {target["labels"]["instance"]: (target["labels"]["job"], target["labels"]["role"]) for target in found}
    assert roles == {
        "gateway:8043": ("orthanc-video", "gateway"),
        "127.0.0.1:8044": ("orthanc-video", "worker"),
    }


def _targets(url: str) -> list[dict[str, Any]]:
    """What Prometheus has found to ask, once it has started."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            found: list[dict[str, Any]] = requests.get(url, timeout=5).json()["data"]["activeTargets"]
        except (requests.ConnectionError, requests.JSONDecodeError):
            found = []
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("Prometheus has found nothing to ask")


def test_the_alerts_come_when_they_should_and_only_then() -> None:
    promtool("test", "rules", REPOSITORY / "tests" / "docker" / "rules_test.yml")


def test_every_alert_says_what_and_what_to_do() -> None:
    (group,) = yaml.safe_load((PROMETHEUS / "rules.yml").read_text(encoding="utf-8"))["groups"]
    tested = (REPOSITORY / "tests" / "docker" / "rules_test.yml").read_text(encoding="utf-8")
    for rule in group["rules"]:
        assert rule["labels"]["severity"] in {"warning", "critical"}
        assert all(rule["annotations"][part].rstrip().endswith(".") for part in ("summary", "description"))
        assert rule["alert"] in tested or rule["alert"].startswith(("VideoDisk", "VideoUploads")), rule["alert"]


def test_grafana_finds_its_dashboard_and_the_dashboard_its_data() -> None:
    (source,) = yaml.safe_load((GRAFANA / "datasources" / "prometheus.yml").read_text(encoding="utf-8"))["datasources"]
    (provider,) = yaml.safe_load((GRAFANA / "dashboards" / "orthanc-video.yml").read_text(encoding="utf-8"))[
        "providers"
    ]
    assert provider["options"]["path"] == "/etc/grafana/provisioning/dashboards"
    dashboard: dict[str, Any] = json.loads((GRAFANA / "dashboards" / "orthanc-video.json").read_text(encoding="utf-8"))
    panels = dashboard["panels"]
    assert {panel["datasource"]["uid"] for panel in panels} == {source["uid"]}
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert all(panel["title"] and panel["targets"] for panel in panels)


def test_no_panel_lies_on_another() -> None:
    dashboard = json.loads((GRAFANA / "dashboards" / "orthanc-video.json").read_text(encoding="utf-8"))
    taken: set[tuple[int, int]] = set()
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells
