"""What is counted while the gateway runs, for Prometheus.

No label holds a name, an identifier or a path that somebody sent: every value comes from a list in the code. Series of
known values exist from the start, so that a first failure is an increase.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from prometheus_client import Counter, Gauge, Histogram

from orthanc_video.errors import BY_NAME

_STAGES = ("probe", "transcode", "remux", "check", "store", "thumbnail")
_STAGE_BUCKETS = (0.1, 0.3, 1, 3, 10, 30, 60, 180, 600, 1800, 3600, 7200)
_REQUEST_BUCKETS = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60)

jobs_ended = Counter("orthanc_video_jobs_ended", "Jobs that ended, by state", ["state"])
failures = Counter("orthanc_video_failures", "Failed jobs by type of failure", ["type"])
stage_seconds = Histogram(
    "orthanc_video_stage_seconds", "How long each stage of work took", ["stage"], buckets=_STAGE_BUCKETS
)
media_processes = Gauge("orthanc_video_media_processes", "Media processes at work")

received_bytes = Counter("orthanc_video_received_bytes", "Bytes of uploads taken")
stored_bytes = Counter("orthanc_video_stored_bytes", "Bytes of DICOM objects stored in Orthanc")
sent_bytes = Counter("orthanc_video_sent_bytes", "Bytes of stored streams sent to players")
uploads_refused = Counter("orthanc_video_uploads_refused", "Uploads refused, by HTTP status", ["status"])
cache_requests = Counter(
    "orthanc_video_cache_requests",
    "Look-ups in the caches of objects, thumbnails, renditions",
    ["cache", "result"],
)
request_seconds = Histogram(
    "orthanc_video_request_seconds",
    "Time until an answer begins, by route",
    ["method", "route", "status"],
    buckets=_REQUEST_BUCKETS,
)

for _state in ("Success", "Failure", "Cancelled"):
    jobs_ended.labels(_state)
for _kind in BY_NAME:
    failures.labels(_kind)
for _stage in _STAGES:
    stage_seconds.labels(_stage)
for _status in sorted({kind.status for kind in BY_NAME.values()}):
    uploads_refused.labels(_status)
for _cache in ("objects", "thumbnails", "renditions"):
    for _result in ("hit", "miss"):
        cache_requests.labels(_cache, _result)


def job_ended(outcome: Mapping[str, Any]) -> None:
    """Counts a job's outcome as it is recorded."""
    jobs_ended.labels(outcome["State"]).inc()
    if outcome["State"] == "Failure":
        failures.labels(outcome["Kind"]).inc()


def looked_up(cache: str, *, hit: bool) -> None:
    cache_requests.labels(cache, "hit" if hit else "miss").inc()


class Stages:
    """Times the stages of one piece of work, one after the other. What never ends is not counted."""

    def __init__(self, first: str) -> None:
        self._stage, self._began = first, time.monotonic()

    def at(self, stage: str) -> None:
        """The work has come to this stage. The first that is told of takes the place of a task's mere name."""
        if stage != self._stage:
            if self._stage in _STAGES:
                self.end()
                self._began = time.monotonic()
            self._stage = stage

    def end(self) -> None:
        stage_seconds.labels(self._stage).observe(time.monotonic() - self._began)
