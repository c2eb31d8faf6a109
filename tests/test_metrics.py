"""What is counted: each thing once, under labels from a known list."""

from __future__ import annotations

import pytest
from prometheus_client import REGISTRY

from orthanc_video import metrics
from orthanc_video.errors import BY_NAME


def value(name: str, **labels: str) -> float:
    found = REGISTRY.get_sample_value(f"orthanc_video_{name}", labels)
    assert found is not None, f"there is no series {name} {labels}"
    return found


def test_a_failed_job_is_counted_with_its_type() -> None:
    before = value("jobs_ended_total", state="Failure"), value("failures_total", type="BrokenVideo")
    metrics.job_ended({"State": "Failure", "Kind": "BrokenVideo", "Sentence": "Cut off.", "Passing": False})
    assert (value("jobs_ended_total", state="Failure"), value("failures_total", type="BrokenVideo")) == (
        before[0] + 1,
        before[1] + 1,
    )


@pytest.mark.parametrize("kind", BY_NAME)
def test_every_failure_has_a_series_from_the_start(kind: str) -> None:
    assert value("failures_total", type=kind) >= 0
    assert value("uploads_refused_total", status=str(BY_NAME[kind].status)) >= 0


def test_stages_are_timed_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("transcode", "remux", "check")
    before = {stage: value("stage_seconds_sum", stage=stage) for stage in names}
    now = [0.0]
    monkeypatch.setattr("orthanc_video.metrics.time.monotonic", lambda: now[0])
    stages = metrics.Stages("make")
    for stage, at in (("transcode", 2.0), ("transcode", 50.0), ("remux", 60.0), ("check", 64.0)):
        now[0] = at
        stages.at(stage)
    now[0] = 65.0
    stages.end()
    after = {stage: value("stage_seconds_sum", stage=stage) for stage in names}
    # What comes before the first stage is told of belongs to it.
    assert [after[stage] - before[stage] for stage in names] == pytest.approx([60, 4, 1])


def test_what_never_ends_is_not_timed() -> None:
    before = value("stage_seconds_count", stage="transcode")
    metrics.Stages("make").at("transcode")
    assert value("stage_seconds_count", stage="transcode") == before
