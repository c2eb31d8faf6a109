"""Progress as people watch it: events of a job, the rows of the viewer."""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import signal
import time
from pathlib import Path
from typing import Any

import requests
from playwright.sync_api import expect

from e2e.browser import Visit, chromium
from e2e.films import Films
from e2e.orthanc_server import OrthancServer
from e2e.watching import listening

SOON: dict[str, Any] = {"VideoGateway": {"AnswerSeconds": 0.2}}
# So slow that a speed can be told, on a fast machine, too.
SLOWLY: dict[str, Any] = {"VideoGateway": {"AnswerSeconds": 0.2, "TranscodePreset": "medium"}}
UNKNOWN = "00000000-0000-0000-0000-000000000000"
USERS = {"AuthenticationEnabled": True, "RegisteredUsers": {"prometheus": "secret"}}


def jobs_url(server: OrthancServer, job: str, what: str = "/events") -> str:
    return f"{server.gateway_url}/video/jobs/{job}{what}"


def begun(server: OrthancServer, film: Path) -> str:
    """The job of a film that is still being transcoded."""
    answer = requests.post(f"{server.gateway_url}/instances", data=film.read_bytes(), timeout=60)
    assert answer.status_code == 200, answer.text
    assert answer.json()["Status"] == "Processing"
    return str(answer.json()["Video"]["Job"])


# ---- events --------------------------------------------------------------------------------------------------------


def test_a_transcode_from_its_beginning_to_its_end(start: Any, films: Films) -> None:
    server = start(SLOWLY)
    job = begun(server, films.slow(10))
    began = time.monotonic()
    with listening(jobs_url(server, job)) as events:
        seen = list(events)
    seconds = time.monotonic() - began
    assert [event.kind for event in seen] == ["progress"] * (len(seen) - 1) + ["end"]
    assert seen[-1].job["State"] == "Success"
    assert seen[-1].job == requests.get(jobs_url(server, job, ""), timeout=10).json()
    assert (seen[-1].job["Progress"], seen[-1].job["FramesPerSecond"], seen[-1].job["SecondsLeft"]) == (100, None, None)
    shown = [event.job["Progress"] for event in seen]
    assert shown == sorted(shown)
    assert len(set(shown)) > 4
    assert len(seen) <= seconds / 0.5 + 3, "more often than twice a second"
    assert all(before.job != after.job for before, after in itertools.pairwise(seen[:-1]))
    speeds = [event.job["FramesPerSecond"] for event in seen if event.job["FramesPerSecond"] is not None]
    # 250 frames in this many seconds, storing included.
    assert max(speeds) > 0.5 * 250 / seconds
    assert all(0 < speed < 10 * 250 / seconds for speed in speeds)
    told = [(event.job["FramesPerSecond"] is None, event.job["SecondsLeft"] is None) for event in seen]
    assert all(fps == left for fps, left in told)
    left = [event.job["SecondsLeft"] for event in seen if event.job["SecondsLeft"] is not None]
    assert all(0 <= one <= 3 * seconds for one in left)
    assert "transcode" in {event.job["Stage"] for event in seen}


def test_who_comes_back_is_told_the_present_state_and_after_the_end_to_stay_away(
    server: OrthancServer, films: Films
) -> None:
    film = films.unique()
    job = requests.post(f"{server.gateway_url}/instances", data=film.read_bytes(), timeout=60).json()["Video"]["Job"]
    for headers in ({}, {"Last-Event-ID": "something else"}):
        with listening(jobs_url(server, job), headers=headers) as events:
            seen = list(events)
        assert [(event.kind, event.job["State"]) for event in seen] == [("progress", "Success"), ("end", "Success")]
    again = requests.get(jobs_url(server, job), headers={"Last-Event-ID": seen[-1].id}, timeout=10)
    assert (again.status_code, again.content) == (204, b"")


def test_a_cancelled_job_ends_its_events(start: Any, films: Films) -> None:
    server = start(SOON)
    job = begun(server, films.slow(10))
    with listening(jobs_url(server, job)) as events:
        assert next(events).job["State"] in {"Pending", "Running"}
        requests.delete(jobs_url(server, job, ""), timeout=10).raise_for_status()
        *_, last = events
    assert (last.kind, last.job["State"]) == ("end", "Cancelled")


def test_a_gateway_that_stops_ends_its_streams_and_who_comes_back_hears_the_rest(start: Any, films: Films) -> None:
    server = start(SOON)
    job = begun(server, films.slow(10))
    with listening(jobs_url(server, job)) as events, listening(jobs_url(server, job)) as others:
        assert next(events).job["State"] in {"Pending", "Running"}
        began = time.monotonic()
        os.kill(server.gateway_pid(), signal.SIGTERM)
        assert "end" not in [event.kind for one in (events, others) for event in one]
        assert time.monotonic() - began < 2, "uvicorn's own patience is three seconds"
    server._wait("the gateway does not answer again", lambda: _is_up(server))
    with listening(jobs_url(server, job)) as events:
        *_, last = events
    assert (last.kind, last.job["State"]) == ("end", "Success")


def _is_up(server: OrthancServer) -> bool:
    try:
        return requests.get(f"{server.gateway_url}/health", timeout=5).ok
    except requests.ConnectionError:
        return False


def test_many_watch_and_leave(start: Any, films: Films) -> None:
    """Each with a connection of its own; when they have gone, none of these is left."""
    server = start(SLOWLY)
    job = begun(server, films.slow(10))
    gateway = server.gateway_pid()
    before = _sockets(gateway)
    answers = [requests.get(jobs_url(server, job), stream=True, timeout=30) for _ in range(50)]
    assert all(answer.status_code == 200 for answer in answers)
    assert _sockets(gateway) > before + 45  # it has some others, too, that come and go
    for answer in answers:
        answer.close()
    limit = time.monotonic() + 10
    while _sockets(gateway) > before + 5:
        assert time.monotonic() < limit, "connections are still open"
        time.sleep(0.05)
    assert requests.get(jobs_url(server, job, ""), timeout=10).json()["State"] in {"Pending", "Running"}


def _sockets(pid: int) -> int:
    """How many sockets a process has open."""
    count = 0
    for file in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            count += str(file.readlink()).startswith("socket:")
    return count


def test_an_unknown_job_and_one_that_is_not_for_this_caller(server: OrthancServer, start: Any) -> None:
    answer = requests.get(jobs_url(server, UNKNOWN), timeout=10)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    guarded = start(USERS)
    for url in (jobs_url(guarded, UNKNOWN), f"{guarded.gateway_url}/metrics"):
        assert requests.get(url, timeout=10).status_code == 401
        assert requests.get(url, auth=("prometheus", "wrong"), timeout=10).status_code == 401
    assert requests.get(jobs_url(guarded, UNKNOWN), auth=("prometheus", "secret"), timeout=10).status_code == 404
    assert requests.get(f"{guarded.gateway_url}/metrics", auth=("prometheus", "secret"), timeout=10).ok


def test_orthancs_own_port_says_where_the_events_are(server: OrthancServer) -> None:
    """It would hold one of Orthanc's threads for as long as the job runs."""
    path = f"/video/jobs/{UNKNOWN}/events"
    answer = requests.get(server.url + path, timeout=10, allow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (307, server.gateway_url + path)


# ---- the viewer ----------------------------------------------------------------------------------------------------


def test_the_viewer_shows_the_work_that_goes_on(start: Any, films: Films) -> None:
    """What was sent from elsewhere: one that runs, one that waits and is cancelled, one that failed."""
    server = start(SLOWLY)
    garbage = requests.post(f"{server.url}/instances", data=b"a letter, not a film " * 99, timeout=60)
    assert garbage.status_code == 415
    running, waiting = (begun(server, film) for film in (films.slow(10), films.slow(8.0)))
    with chromium() as browser:
        visit = Visit(browser)
        page = visit.page
        page.goto(f"{server.gateway_url}/")
        rows = page.locator("[data-test=job-row]")
        expect(rows).to_have_count(3)
        failed = page.locator("[data-test=job-row][data-state=failed]")
        expect(failed).to_contain_text("The file is a text, not a video.")
        expect(failed.get_by_role("button")).to_have_count(0)
        moving = rows.filter(has_text=re.compile(r"\d+ % \(converting the pictures\) · [\d.]+ fps · \d+:\d\d left"))
        expect(moving).to_have_count(1)
        assert float(moving.get_by_role("progressbar").evaluate("bar => bar.value")) > 0
        other = rows.filter(has_text="waiting for its turn")
        expect(other).to_have_count(1)
        other.get_by_role("button", name=re.compile("^Cancel Received")).click()
        expect(page.locator("[data-test=job-row][data-state=cancelled]")).to_have_count(1)
        done = page.locator("[data-test=job-row][data-state=stored]")
        expect(done).to_contain_text("Converted.", timeout=240_000)
        expect(page.locator("[data-test=count]")).to_have_text("1 video")
        page.locator("[data-test=jobs-clear]").click()
        expect(page.locator("[data-test=jobs]")).to_be_hidden()
        page.locator("[data-test=refresh]").click()
        expect(page.locator("[data-test=card]")).to_have_count(1)
        expect(page.locator("[data-test=jobs]")).to_be_hidden()
        watched = [url for url in visit.requests if url.endswith("/events")]
        assert watched == [jobs_url(server, running)]
        visit.assert_well_behaved(server.gateway_url)
        visit.close()
    assert requests.get(jobs_url(server, waiting, ""), timeout=10).json()["State"] == "Cancelled"
