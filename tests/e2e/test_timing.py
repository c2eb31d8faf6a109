"""Times in the viewer, in Chromium: its own report says what one sees who reads the bars off the canvas."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from e2e.browser import Visit, visiting
from e2e.films import Films
from e2e.generation import only_once
from e2e.orthanc_server import OrthancServer
from e2e.seeing import Opening, late, left_out, off, post, post_together, stood

pytestmark = only_once

FPS = 10
LATE = 20.0
# Half a tick of the display on either side, and the time that drawing takes.
TOLERANCE = 15.0


@pytest.fixture
def visit(browser: Browser, server: OrthancServer) -> Iterator[Visit]:
    with visiting(browser, server.gateway_url) as one:
        yield one


def test_the_report_is_what_one_sees(server: OrthancServer, films: Films, opened: Opening, tmp_path: Path) -> None:
    """Two frames are made late by a page that is busy at their time; they are marked, and so in the report."""
    shown = opened(post(server, films.numbered()))
    shown.part("exact-timing").click()
    shown.choose_rate(FPS)
    blocked = (20, 40)
    begun, seen = shown.watch(60, *blocked)
    report = shown.report(tmp_path)
    sums = re.search(
        r"^(\d+) shown · (\d+) left out · (\d+) more than 20 ms off their time · 95 % within", report, re.MULTILINE
    )
    assert sums
    assert int(sums[1]) == len(seen)
    numbers = [number for number, _, _ in seen]
    gaps = {after: after - before - 1 for before, after in pairwise([0, *numbers]) if after - before > 1}
    assert left_out(report) == gaps
    assert int(sums[2]) == sum(gaps.values())
    told = late(report)
    assert int(sums[3]) == len(told)
    by_bars = off(begun, seen, FPS, stood(report))
    assert {number: by for number, by in told.items() if abs(by - by_bars[number]) > TOLERANCE} == {}
    assert {number for number, by in by_bars.items() if abs(by) > LATE + TOLERANCE} <= set(told)
    marks = {number: mark for number, _, mark in seen}
    for number in blocked:
        at = next(place for place in numbers if place >= number)
        after = next(place for place in numbers if place > at)
        assert after in told or after in gaps
    assert all(f"Frame {number + 1}: {by:.1f} ms late" in marks[number] for number, by in told.items() if by > 0)
    assert all(f"Frame {number + 1}: " in marks[number] for number in gaps)
    expect(shown.part("timing")).to_have_text(report.splitlines()[2])


def test_frames_that_are_left_out_are_marked(
    server: OrthancServer, films: Films, opened: Opening, tmp_path: Path
) -> None:
    """At ten times the rate at which the display ticks less often than frames are due."""
    shown = opened(post(server, films.numbered()))
    shown.part("exact-timing").click()
    shown.choose_rate(200)
    _, seen = shown.watch(250)
    report = shown.report(tmp_path)
    numbers = [number for number, _, _ in seen]
    gaps = {after: after - before - 1 for before, after in pairwise([0, *numbers]) if after - before > 1}
    assert gaps
    assert left_out(report) == gaps
    assert f" {sum(gaps.values())} left out ·" in report.splitlines()[2]
    assert all("left out before it" in mark for number, _, mark in seen if number in gaps)


def test_no_mark_where_none_is_wanted(server: OrthancServer, films: Films, opened: Opening) -> None:
    shown = opened(post(server, films.numbered()))
    shown.choose_rate(FPS)
    _, seen = shown.watch(15, 5)
    assert not any(mark for _, _, mark in seen)
    expect(shown.part("timing")).to_be_hidden()


def test_it_goes_on_with_the_next_series(server: OrthancServer, films: Films, opened: Opening) -> None:
    """In the order in which they were received, at the rate that was chosen; at the last one's end it stands."""
    first, second, third = post_together(server, *(films.unique() for _ in range(3)))
    shown = opened(first)
    shown.part("at-end").select_option("next")
    shown.choose_rate(20)
    shown.part("on").click()
    shown.page.wait_for_url(re.compile(second), timeout=120_000)
    expect(shown.part("at-end")).to_have_value("next")
    expect(shown.part("rate")).to_have_value("20")
    shown.page.wait_for_url(re.compile(third))
    expect(shown.part("frame")).to_have_text("25")
    expect(shown.part("on")).to_have_attribute("aria-pressed", "false")
