"""What the configuration says of destinations: read, and what is wrong in it is named."""

from __future__ import annotations

from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orthanc_video.errors import ConfigurationError
from orthanc_video.routing.limits import Hours, Limits, Policy, policies_from, unused
from orthanc_video.settings import Gateway


def _policy(**given: Any) -> Policy:
    return policies_from(Gateway(destinations={"PACS": given}))["PACS"]


def test_everything_is_read() -> None:
    policy = _policy(
        MaxMB=100, MaxFrames=500, MaxRows=1080, MaxRate=29.97, MaxPdu=65536, TimeoutSeconds=30, Concurrency=2,
        Never=["hevc", "sampled"], Always="frames", Keep=True, Hours="20:00-06:00", Verify="find",
    )  # fmt: skip
    assert policy == Policy(
        limits=Limits(bytes=100 << 20, frames=500, rows=1080, rate=Fraction("29.97")),
        never=frozenset({"hevc", "sampled"}),
        always="frames",
        keep=True,
        concurrency=2,
        hours=Hours(20 * 60, 6 * 60),
        pdu=65536,
        timeout=30.0,
        verify="find",
    )


def test_what_is_not_said_limits_nothing() -> None:
    assert _policy() == Policy()


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ({"MaxMb": 1}, "Destinations.PACS"),
        ({"MaxMB": -1}, "Destinations.PACS.MaxMB"),
        ({"MaxMB": "1"}, "Destinations.PACS.MaxMB"),
        ({"MaxMB": True}, "Destinations.PACS.MaxMB"),
        ({"MaxRate": float("nan")}, "Destinations.PACS.MaxRate"),
        ({"MaxFrames": 1.5}, "Destinations.PACS.MaxFrames"),
        ({"MaxPdu": 100}, "Destinations.PACS.MaxPdu"),
        ({"Concurrency": 0}, "Destinations.PACS.Concurrency"),
        ({"TimeoutSeconds": 0}, "Destinations.PACS.TimeoutSeconds"),
        ({"Never": "hevc"}, "Destinations.PACS.Never"),
        ({"Never": ["h265"]}, "Destinations.PACS.Never"),
        ({"Never": [[]]}, "Destinations.PACS.Never"),
        ({"Always": "film"}, "Destinations.PACS.Always"),
        ({"Always": "sampled"}, "Destinations.PACS.Always"),
        ({"Never": ["rle", "jpeg"], "Always": "jpeg"}, "Destinations.PACS.Always"),
        ({"Keep": 1}, "Destinations.PACS.Keep"),
        ({"Hours": "20-6"}, "Destinations.PACS.Hours"),
        ({"Hours": "06:00-06:00"}, "Destinations.PACS.Hours"),
        ({"Hours": 20}, "Destinations.PACS.Hours"),
        ({"Verify": "yes"}, "Destinations.PACS.Verify"),
    ],
)
def test_what_is_wrong_is_named(given: dict[str, Any], place: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        _policy(**given)
    assert f"VideoGateway.{place}" in raised.value.sentence


def test_a_section_that_is_no_object_is_named() -> None:
    with pytest.raises(ConfigurationError) as raised:
        policies_from(Gateway(destinations={"PACS": 5}))
    assert '"VideoGateway.Destinations.PACS" must be an object' in raised.value.sentence


def test_a_mistyped_name_is_told() -> None:
    policies = policies_from(Gateway(destinations={"PACS": {}, "PASC": {}}))
    assert [sentence for sentence in unused(policies, {"PACS": None}) if "PASC" in sentence]
    assert len(unused(policies, {"PACS": None})) == 1


@pytest.mark.parametrize(
    ("now", "waits"),
    [
        (datetime(2026, 1, 1, 20, 0), timedelta(0)),
        (datetime(2026, 1, 1, 23, 59, 59), timedelta(0)),
        (datetime(2026, 1, 1, 5, 59, 59), timedelta(0)),
        (datetime(2026, 1, 1, 6, 0), timedelta(hours=14)),
        (datetime(2026, 1, 1, 19, 59, 30), timedelta(seconds=30)),
    ],
)
def test_a_night_spans_midnight(now: datetime, waits: timedelta) -> None:
    assert Hours(20 * 60, 6 * 60).wait(now) == waits


@given(st.integers(0, 1439), st.integers(0, 1439), st.datetimes(datetime(2026, 1, 1), datetime(2026, 2, 1)))
def test_after_the_wait_it_is_time(first: int, last: int, now: datetime) -> None:
    hours = Hours(first, last if last != first else (last + 1) % 1440)
    wait = hours.wait(now)
    assert timedelta(0) <= wait < timedelta(days=1)
    assert hours.wait(now + wait) == timedelta(0)
