"""Prometheus' own judgement of what docker/ gives it, and the form of what Grafana is given."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
PROMETHEUS = REPOSITORY / "docker" / "prometheus"
GRAFANA = REPOSITORY / "docker" / "grafana" / "provisioning"


def promtool(*arguments: str | Path) -> str:
    done = subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_prometheus_takes_the_configuration() -> None:
    assert "6 rules found" in promtool("check", "config", "--syntax-only", PROMETHEUS / "prometheus.yml") + promtool(
        "check", "rules", PROMETHEUS / "rules.yml"
    )


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
