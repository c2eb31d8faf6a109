"""Stored videos that browsers cannot play: an MP4 is made of each, once, kept, served with ranges, and forgotten."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, Locator, expect

from e2e.browser import Visit, visiting
from e2e.films import BAR, BITS, Films, ffmpeg, ffprobe
from e2e.orthanc_server import OrthancServer
from e2e.recordings import Recordings, store, wait_until
from e2e.test_durability import wait_for_job
from e2e.test_viewer import PLAYED, SEEK

MPEG2, HEVC, H264 = (f"1.2.840.10008.1.2.4.{number}" for number in (100, 107, 102))
FILMS = {"mpeg2.mpg": MPEG2, "mpeg2.ts": MPEG2, "hevc.mp4": HEVC, "h264.ts": H264}


class Renditions:
    """One Orthanc, and what there is of renditions in it."""

    def __init__(self, server: OrthancServer) -> None:
        self.server = server

    def url(self, instance: str, part: str = "/stream") -> str:
        return f"{self.server.gateway_url}/video/instances/{instance}{part}"

    def facts(self, instance: str) -> dict[str, Any]:
        found: dict[str, Any] = requests.get(self.url(instance, ""), timeout=10).json()
        return found

    def jobs(self) -> list[dict[str, Any]]:
        """Those of renditions."""
        found = requests.get(f"{self.server.gateway_url}/video/jobs?limit=1000", timeout=10).json()["Jobs"]
        return [job for job in found if job["Action"] == "render"]

    def files(self) -> set[str]:
        folder = self.server.storage / "video-gateway" / "cache" / "renditions"
        return {path.name for path in folder.glob("*")}

    def file_of(self, instance: str) -> Path:
        info = requests.get(f"{self.server.url}/instances/{instance}/attachments/dicom/info", timeout=10).json()
        return self.server.storage / "video-gateway" / "cache" / "renditions" / f"{info['Uuid']}.mp4"


@pytest.fixture(scope="module")
def on_request(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Renditions]:
    """Makes them when they are asked for."""
    with OrthancServer(tmp_path_factory.mktemp("renditions"), {"VideoGateway": {"Renditions": "none"}}) as running:
        yield Renditions(running)


@pytest.fixture(scope="module")
def on_arrival(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Renditions]:
    with OrthancServer(tmp_path_factory.mktemp("in-advance")) as running:
        yield Renditions(running)


def frame_count(path: Path) -> int:
    return int(ffprobe(path)["nb_read_frames"])


def get(url: str, **headers: str) -> requests.Response:
    """All of it, with its index; what grows is asked for in test_rendered.py."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return requests.get(url, headers={"Prefer": "wait=30"} | named, timeout=60)


@pytest.mark.parametrize("name", FILMS)
def test_the_first_who_asks_gets_it(
    on_request: Renditions, recordings: Recordings, films: Films, tmp_path: Path, name: str
) -> None:
    film = films.source(name)
    instance = store(on_request.server, recordings.holding(film.read_bytes(), FILMS[name]))
    before = on_request.facts(instance)
    assert (before["Playable"], before["Rendition"]) == (False, None)
    answer = get(on_request.url(instance))
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "video/mp4")
    path = tmp_path / "rendition.mp4"
    path.write_bytes(answer.content)
    seen, source = ffprobe(path), ffprobe(film)
    assert (seen["codec_name"], seen["profile"], seen["pix_fmt"]) == ("h264", "High", "yuv420p")
    assert (seen["nb_read_frames"], seen["r_frame_rate"]) == ("60", "30000/1001")
    assert (seen["width"], seen["height"]) == (source["width"], source["height"])
    after = on_request.facts(instance)
    assert after["Rendition"] == {
        "State": "Success",
        "Job": next(job["ID"] for job in on_request.jobs() if job["Instance"] == instance),
        "Size": len(answer.content),
        "Sentence": "",
    }
    assert get(on_request.url(instance)).content == answer.content
    assert len([job for job in on_request.jobs() if job["Instance"] == instance]) == 1


def test_ranges_conditions_and_head(on_request: Renditions, recordings: Recordings, films: Films) -> None:
    instance = store(on_request.server, recordings.holding(films.source("mpeg2.mpg").read_bytes(), MPEG2))
    url = on_request.url(instance)
    whole = get(url)
    data, etag = whole.content, whole.headers["ETag"]
    for asked, expected in (
        ("0-0", data[:1]),
        ("100-4999", data[100:5000]),
        ("-7", data[-7:]),
        (f"{len(data) - 3}-", data[-3:]),
    ):
        part = get(url, Range=f"bytes={asked}")
        assert (part.status_code, part.content) == (206, expected)
    assert get(url, Range=f"bytes={len(data)}-").status_code == 416
    assert get(url, If_None_Match=etag).status_code == 304
    assert get(url, Range="bytes=0-9", If_Range=etag).status_code == 206
    head = requests.head(url, timeout=10)
    assert (head.status_code, head.headers["Content-Length"], head.headers["ETag"]) == (200, str(len(data)), etag)
    stored = get(url, Accept="video/mpeg")
    assert stored.headers["ETag"] != etag
    assert "Accept" in stored.headers["Vary"]


def test_what_is_made_anew_has_another_name(on_request: Renditions, recordings: Recordings, films: Films) -> None:
    instance = store(on_request.server, recordings.holding(films.source("mpeg2.mpg").read_bytes(), MPEG2))
    first = get(on_request.url(instance))
    on_request.file_of(instance).unlink()  # as when the cache has no room for it
    assert on_request.facts(instance)["Rendition"] is None
    second = get(on_request.url(instance), If_Range=first.headers["ETag"], Range="bytes=0-9")
    assert second.status_code == 200, "the range is of what was there before"
    assert second.headers["ETag"] != first.headers["ETag"]
    assert on_request.file_of(instance).read_bytes() == second.content
    assert len([job for job in on_request.jobs() if job["Instance"] == instance]) == 1


@pytest.mark.parametrize(
    ("name", "accept", "kind"),
    [
        ("mpeg2.mpg", "video/mpeg", "video/mpeg"),
        ("mpeg2.mpg", "video/mp4;q=0.5, video/mpeg", "video/mpeg"),
        ("mpeg2.mpg", "*/*", "video/mp4"),
        ("mpeg2.mpg", "video/*", "video/mp4"),
        ("mpeg2.mpg", "video/mp4, video/mpeg;q=0.9", "video/mp4"),
        ("mpeg2.mpg", "application/octet-stream", "application/octet-stream"),
        ("hevc.mp4", "video/H265", "video/H265"),
        ("hevc.mp4", "video/mp4", "video/mp4"),
    ],
)
@pytest.mark.parametrize("by", ["stream", "rendered", "accept parameter"])
def test_who_names_the_stored_type_gets_what_is_stored(
    on_request: Renditions, recordings: Recordings, films: Films, name: str, accept: str, kind: str, by: str
) -> None:
    film = films.source(name).read_bytes()
    uid = f"1.2.826.0.1.3680043.8.498.{len(name)}"
    if by == "rendered" and accept == "application/octet-stream":
        return  # no rendered media type: test_rendered.py
    instance = store(on_request.server, recordings.holding(film, FILMS[name], uid=uid))
    tags = requests.get(f"{on_request.server.url}/instances/{instance}/simplified-tags", timeout=10).json()
    study, series = tags["StudyInstanceUID"], tags["SeriesInstanceUID"]
    rendered = f"{on_request.server.gateway_url}/dicom-web/studies/{study}/series/{series}/instances/{uid}/rendered"
    if by == "accept parameter":
        answer = requests.get(on_request.url(instance), params={"accept": accept}, timeout=60)
    else:
        answer = get(rendered if by == "rendered" else on_request.url(instance), Accept=accept)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, kind)
    assert (answer.content.rstrip(b"\0") == film.rstrip(b"\0")) == (kind != "video/mp4")


def test_the_index_is_of_what_is_sent(on_request: Renditions, recordings: Recordings, films: Films) -> None:
    instance = store(on_request.server, recordings.holding(films.source("hevc.mp4").read_bytes(), HEVC))
    index = get(on_request.url(instance, "/index")).json()
    assert (index["NumberOfFrames"], index["Codec"]) == (60, "avc1")
    stream = get(on_request.url(instance)).content
    assert index["Offset"][-1] + index["Size"][-1] <= len(stream)
    first = stream[index["Offset"][0] : index["Offset"][0] + 4]
    assert 0 < int.from_bytes(first, "big") < index["Size"][0]


def slow(films: Films, seconds: float = 20.0) -> bytes:
    """MPEG-2 that takes some seconds to re-encode."""
    path = films.folder / f"slow-{seconds}.mpg"
    if not path.exists():
        picture = ["-f", "lavfi", "-i", "testsrc2=s=1280x720:r=25", "-t", str(seconds), "-pix_fmt", "yuv420p"]
        subprocess.run(["ffmpeg", "-v", "error", *picture, "-c:v", "mpeg2video", "-b:v", "8M", str(path)], check=True)
    return path.read_bytes()


def test_who_does_not_want_to_wait_is_told_the_job(
    on_request: Renditions, recordings: Recordings, films: Films
) -> None:
    instance = store(on_request.server, recordings.holding(slow(films), MPEG2))
    told = [get(on_request.url(instance), Prefer="wait=0") for _ in range(3)]
    assert {answer.status_code for answer in told} == {503}
    assert {answer.headers["Content-Type"] for answer in told} == {"application/problem+json"}
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in told)
    (job,) = {answer.json()["Job"] for answer in told}
    assert on_request.facts(instance)["Rendition"]["State"] in {"Pending", "Running"}
    seen = wait_until(lambda: (now := job_of(on_request, job))["Progress"] > 0 and now)
    assert (seen["Stage"], seen["Action"], seen["Instance"]) == ("transcode", "render", instance)
    assert wait_for_job(on_request.server, job)["State"] == "Success"
    assert get(on_request.url(instance), Prefer="wait=0", Range="bytes=0-9").status_code == 206


def job_of(renditions: Renditions, job: str) -> dict[str, Any]:
    found: dict[str, Any] = requests.get(f"{renditions.server.gateway_url}/video/jobs/{job}", timeout=10).json()
    return found


def test_many_who_ask_at_once_get_one(on_request: Renditions, recordings: Recordings, films: Films) -> None:
    instance = store(on_request.server, recordings.holding(slow(films, 4.0), MPEG2))
    answers: list[requests.Response] = []
    asking = [threading.Thread(target=lambda: answers.append(get(on_request.url(instance)))) for _ in range(8)]
    for one in asking:
        one.start()
    for one in asking:
        one.join()
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.headers["ETag"] for answer in answers}) == 1
    assert len([job for job in on_request.jobs() if job["Instance"] == instance]) == 1


def test_one_that_is_cancelled_can_be_asked_for_again(
    on_request: Renditions, recordings: Recordings, films: Films
) -> None:
    instance = store(on_request.server, recordings.holding(slow(films), MPEG2))
    waiting: list[requests.Response] = []
    thread = threading.Thread(target=lambda: waiting.append(get(on_request.url(instance))))
    thread.start()
    begun = wait_until(lambda: on_request.facts(instance)["Rendition"])
    job = begun["Job"]
    wait_until(lambda: job_of(on_request, job)["Progress"] > 0)
    assert requests.delete(f"{on_request.server.gateway_url}/video/jobs/{job}", timeout=10).status_code == 200
    thread.join(timeout=20)
    assert job_of(on_request, job)["State"] == "Cancelled"
    assert on_request.facts(instance)["Rendition"] is None
    spool = on_request.server.storage / "video-gateway" / "spool"
    wait_until(lambda: not any(spool.iterdir()))
    assert get(on_request.url(instance), Prefer="wait=0").json()["Job"] == job
    assert wait_for_job(on_request.server, job)["State"] == "Success"


def test_a_failure_is_remembered_and_said(on_request: Renditions, recordings: Recordings) -> None:
    broken = b"\x00\x00\x01\xba" + os.urandom(50_000)
    instance = store(on_request.server, recordings.holding(broken, MPEG2))
    first = get(on_request.url(instance))
    assert first.status_code in {415, 422}
    rendition = on_request.facts(instance)["Rendition"]
    assert (rendition["State"], rendition["Sentence"]) == ("Failure", first.json()["detail"])
    failures = 'jobs_ended_total{state="Failure"}'
    tried = metric(on_request, failures)
    again = get(on_request.url(instance))
    assert (again.status_code, again.json()["detail"]) == (first.status_code, first.json()["detail"])
    assert metric(on_request, failures) == tried, "it was tried again"
    assert job_of(on_request, rendition["Job"])["State"] == "Failure", "nothing is lost: no dead letter"
    assert requests.post(f"{on_request.server.gateway_url}/video/jobs/{rendition['Job']}/retry", timeout=10).ok
    wait_until(lambda: metric(on_request, failures) == tried + 1)
    assert get(on_request.url(instance), Accept="video/mpeg").content.startswith(b"\x00\x00\x01\xba")
    assert not any((on_request.server.storage / "video-gateway" / "spool").iterdir())


def test_what_arrives_has_its_rendition_before_anybody_asks(
    on_arrival: Renditions, recordings: Recordings, films: Films
) -> None:
    playable = store(on_arrival.server, recordings.one())
    instances = [
        store(on_arrival.server, recordings.holding(films.source(name).read_bytes(), FILMS[name])) for name in FILMS
    ]
    wait_until(lambda: all(is_ready(on_arrival, instance) for instance in instances), within=60)
    assert {job["Instance"] for job in on_arrival.jobs()} == set(instances)
    facts = on_arrival.facts(playable)
    assert (facts["Playable"], facts["Rendition"]) == (True, None)
    hits = metric(on_arrival, 'cache_requests_total{cache="renditions",result="hit"}')
    assert get(on_arrival.url(instances[0])).status_code == 200
    assert metric(on_arrival, 'cache_requests_total{cache="renditions",result="hit"}') == hits + 1


def is_ready(renditions: Renditions, instance: str) -> bool:
    rendition = renditions.facts(instance)["Rendition"]
    return rendition is not None and rendition["State"] == "Success"


def metric(renditions: Renditions, name: str) -> float:
    lines = requests.get(f"{renditions.server.gateway_url}/metrics", timeout=10).text.splitlines()
    return next(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(f"orthanc_video_{name}"))


def test_nobody_waits_behind_what_nobody_waits_for(start: Any, recordings: Recordings, films: Films) -> None:
    """A film that is uploaded, and a rendition that somebody asks for, do not wait for those of what arrived."""
    renditions = Renditions(start({"VideoGateway": {"Transcodes": 1}}))
    server, depth = renditions.server, 'queue_jobs{queue="renditions-in-advance"}'
    for _ in range(8):
        store(server, recordings.holding(slow(films), MPEG2))
    wait_until(lambda: len(renditions.jobs()) == 8, within=60)
    waiting = next(job for job in renditions.jobs() if job["State"] == "Pending")
    assert get(renditions.url(waiting["Instance"]), Range="bytes=0-9").status_code == 206
    uploaded = requests.post(f"{server.url}/instances", data=films.slow(4.0).read_bytes(), timeout=60).json()
    assert uploaded["Status"] == "Success"
    assert metric(renditions, depth) >= 3, "they were done before"
    for job in renditions.jobs():
        requests.delete(f"{server.gateway_url}/video/jobs/{job['ID']}", timeout=10)


def test_killed_half_way_it_is_made_once(start: Any, recordings: Recordings, films: Films, tmp_path: Path) -> None:
    renditions = Renditions(start({"VideoGateway": {"Renditions": "none"}}))
    server = renditions.server
    instance = store(server, recordings.holding(slow(films), MPEG2))
    job = get(renditions.url(instance), Prefer="wait=0").json()["Job"]
    wait_until(lambda: job_of(renditions, job)["Progress"] > 5)
    os.kill(server.gateway_pid(), signal.SIGKILL)
    wait_until(lambda: _answers(server))
    assert renditions.files() == set(), "nothing half-written"
    assert wait_for_job(server, job)["State"] == "Success"
    path = tmp_path / "rendition.mp4"
    path.write_bytes(get(renditions.url(instance)).content)
    assert frame_count(path) == 500
    assert len(renditions.jobs()) == 1
    assert renditions.files() == {renditions.file_of(instance).name}
    assert not any((server.storage / "video-gateway" / "spool").iterdir())


def _answers(server: OrthancServer) -> bool:
    try:
        return requests.get(f"{server.gateway_url}/health", timeout=10).ok
    except requests.ConnectionError:
        return False


def test_nothing_is_kept_of_what_was_deleted(start: Any, recordings: Recordings, films: Films) -> None:
    renditions = Renditions(start({"VideoGateway": {"Renditions": "none"}}))
    film = films.source("mpeg2.mpg").read_bytes()
    deleted, kept = (store(renditions.server, recordings.holding(film, MPEG2)) for _ in range(2))
    for instance in (deleted, kept):
        assert get(renditions.url(instance)).status_code == 200
    left = {renditions.file_of(kept).name}
    assert len(renditions.files()) == 2
    assert requests.delete(f"{renditions.server.url}/instances/{deleted}", timeout=10).status_code == 200
    assert get(renditions.url(deleted)).status_code == 404
    renditions.server.restart()
    wait_until(lambda: renditions.files() == left)
    assert [job["Instance"] for job in renditions.jobs()] == [kept]


def test_on_orthancs_own_port(on_request: Renditions, recordings: Recordings, films: Films) -> None:
    film = films.source("mpeg2.mpg").read_bytes()
    instance = store(on_request.server, recordings.holding(film, MPEG2))
    answer = get(f"{on_request.server.url}/video/instances/{instance}/stream")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "video/mp4")
    assert answer.content == on_request.file_of(instance).read_bytes()


# ---- the page ------------------------------------------------------------------------------------------------------


class Page:
    """The viewer's page, and its parts."""

    def __init__(self, visit: Visit, renditions: Renditions) -> None:
        self.visit, self._url = visit, renditions.server.gateway_url

    def part(self, name: str) -> Locator:
        return self.visit.page.locator(f"[data-test={name}]")

    def open(self, instance: str) -> None:
        self.visit.page.goto(f"{self._url}/")
        self.visit.page.locator(f"[data-test=card][data-id='{instance}']").click()
        expect(self.part("player")).to_be_visible()

    @property
    def video(self) -> Locator:
        """Played by the browser alone."""
        return self.part("player").locator("video")

    def play_plainly(self) -> None:
        """As soon as there is something to play."""
        self.part("plain").click(timeout=60_000)
        expect(self.video).to_be_visible()


@pytest.fixture
def page(browser: Browser, on_request: Renditions) -> Iterator[Page]:
    with visiting(browser, on_request.server.gateway_url, "status of 503", "status of 4") as visit:
        yield Page(visit, on_request)


def test_the_page_shows_how_far_it_is_and_plays(
    page: Page, on_request: Renditions, recordings: Recordings, films: Films
) -> None:
    instance = store(on_request.server, recordings.holding(slow(films), MPEG2))
    page.open(instance)
    expect(page.part("preparing")).to_contain_text("a version that they play is being made")
    expect(page.part("preparing")).to_contain_text("% (converting the pictures)")
    expect(page.part("player").get_by_role("progressbar")).to_be_visible()
    page.play_plainly()
    page.video.press("Space")
    page.video.evaluate(PLAYED)
    assert page.video.evaluate("video => [video.error, video.videoWidth, video.duration]") == [None, 1280, 20]
    with page.visit.page.expect_download() as download:
        page.part("stored").click()
    assert download.value.path().read_bytes() == slow(films)


@pytest.mark.parametrize(("kind", "syntax"), [("mpg", MPEG2), ("mp4", HEVC)])
def test_seeking_shows_the_right_frame(
    page: Page, on_request: Renditions, recordings: Recordings, films: Films, kind: str, syntax: str
) -> None:
    path, rate = films.folder / f"bars.{kind}", 30000 / 1001
    codec = ["mpeg2video", "-bf", "2", "-q:v", "3"] if kind == "mpg" else ["libx265", "-x265-params", "log-level=error"]
    ffmpeg("-i", str(films.numbered()), "-c:v", *codec, str(path))
    page.open(store(on_request.server, recordings.holding(path.read_bytes(), syntax)))
    page.play_plainly()
    page.video.press("Space")
    page.video.evaluate(PLAYED)
    page.video.press("Space")
    shown = {number: page.video.evaluate(SEEK, [(number + 0.5) / rate, BITS, BAR])[0] for number in (240, 0, 299, 17)}
    assert shown == {number: number for number in shown}


def test_the_page_says_why_it_cannot_be_played(page: Page, on_request: Renditions, recordings: Recordings) -> None:
    page.open(store(on_request.server, recordings.holding(b"\x00\x00\x01\xba" + os.urandom(50_000), MPEG2)))
    expect(page.part("player-problem")).to_contain_text("damaged")
    expect(page.part("stored")).to_be_visible()
