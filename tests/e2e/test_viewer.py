"""The viewer in Chromium: upload, list, play and seek, under the policy that is sent with it."""

from __future__ import annotations

import os
import random
import re
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

import pytest
import requests
from playwright.sync_api import Browser, Locator, expect
from playwright.sync_api import Error as PlaywrightError

from cines import LOSSY, coded, colours, film
from e2e.browser import Visit
from e2e.films import BAR, BITS, Films, ffmpeg
from e2e.lines import Relay, breaking
from e2e.orthanc_server import OrthancServer
from e2e.recordings import looked_at, store

LONG = 60_000
SEEKS = 24
PLAYED = """video => new Promise(done => {
  const start = video.currentTime;
  video.addEventListener("timeupdate", () => video.currentTime > start + 0.4 && done());
})"""
# Seeks, waits for the picture, and reads the number in its bars and the one that the page shows beside it.
SEEK = """async (video, [seconds, bits, bar]) => {
  const seeked = new Promise(done => video.addEventListener("seeked", done, {once: true}));
  const shown = new Promise(done => video.requestVideoFrameCallback(done));
  video.currentTime = seconds;
  await Promise.all([seeked, shown]);
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  const pen = canvas.getContext("2d", {willReadFrequently: true});
  pen.drawImage(video, 0, 0);
  const lit = bit => pen.getImageData(bit * bar + bar / 2, canvas.height / 2, 1, 1).data[0] > 127;
  const number = [...Array(bits).keys()].reduce((sum, bit) => sum + (lit(bit) ? 2 ** bit : 0), 0);
  return [number, Number(document.querySelector("[data-test=frame]").textContent)];
}"""
# What a person's own browser records of a canvas: a WebM without duration or index, straight into the page's input.
RECORD = """async (input) => {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [320, 240];
  const pen = canvas.getContext("2d");
  const recorder = new MediaRecorder(canvas.captureStream(), {mimeType: "video/webm"});
  const parts = [];
  recorder.addEventListener("dataavailable", event => parts.push(event.data));
  const stopped = new Promise(done => recorder.addEventListener("stop", done));
  recorder.start(250);
  const begin = performance.now();
  for (let now = begin; now - begin < 1500; now = await new Promise(requestAnimationFrame)) {
    pen.fillStyle = `hsl(${(now - begin) / 5} 80% 50%)`;
    pen.fillRect(0, 0, 320, 240);
    pen.fillStyle = "white";
    pen.fillRect((now - begin) / 6, 100, 40, 40);
  }
  recorder.stop();
  await stopped;
  const files = new DataTransfer();
  files.items.add(new File(parts, "recorded.webm", {type: recorder.mimeType}));
  const size = files.files[0].size;
  input.files = files.files;
  input.dispatchEvent(new Event("change"));
  return size;
}"""


@dataclass
class Viewer:
    """The viewer's page of ``server`` at ``url``, and its parts. ``expected`` are the errors that a test provokes."""

    visit: Visit
    server: OrthancServer
    url: str
    expected: list[str]

    def part(self, name: str) -> Locator:
        return self.visit.page.locator(f"[data-test={name}]")

    @property
    def input(self) -> Locator:
        return self.part("upload-input")

    @property
    def message(self) -> Locator:
        return self.part("upload-message")

    def send(self, film: Path) -> None:
        """A film chosen with the button, of which nothing is said."""
        self.input.set_input_files(film)
        self.part("whose-unsaid").click()

    def row(self, state: str) -> Locator:
        return self.visit.page.locator(f"[data-test=upload-row][data-state={state}]")

    def card(self, instance: str) -> Locator:
        return self.visit.page.locator(f"[data-test=card][data-id='{instance}']")

    def open(self, instance: str) -> Locator:
        """The video in the player, played by the browser alone, which plays sound."""
        self.card(instance).click()
        self.part("plain").click(timeout=LONG)
        video = self.part("player").locator("video")
        expect(video).to_be_visible()
        return video

    def stored(self, state: str = "stored") -> str:
        """The ID behind the one upload's link once it has ended well."""
        expect(self.row(state)).to_be_visible(timeout=LONG)
        link = self.part("upload-play").get_attribute("href")
        assert link is not None
        return link.removeprefix("#/v/")

    def assert_has_thumbnail(self, instance: str) -> None:
        image = self.card(instance).locator("img")
        expect(image).to_be_visible()
        image.scroll_into_view_if_needed()
        assert image.evaluate("async image => { await image.decode(); return image.naturalWidth; }") == 320


class Open(Protocol):
    """Opens the viewer of a server: at its own address, or at another."""

    def __call__(self, server: OrthancServer, url: str = "") -> Viewer: ...


@pytest.fixture
def visiting(browser: Browser) -> Iterator[Open]:
    """Opens the viewer of a server. At the end of every test the page must have behaved."""
    open_now: list[Viewer] = []

    def begin(server: OrthancServer, url: str = "") -> Viewer:
        one = Viewer(Visit(browser), server, url or server.gateway_url, [])
        open_now.append(one)
        one.visit.page.goto(f"{one.url}/")
        expect(one.part("count")).not_to_be_empty()
        return one

    yield begin
    for one in open_now:
        try:
            one.visit.assert_well_behaved(one.url, *one.expected)
        finally:
            one.visit.close()


@pytest.fixture
def viewer(server: OrthancServer, visiting: Open) -> Viewer:
    return visiting(server)


def post(server: OrthancServer, film: Path) -> str:
    answer = requests.post(f"{server.gateway_url}/instances", data=film.read_bytes(), timeout=60)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["ID"])


# ---- uploading -----------------------------------------------------------------------------------------------------


def test_a_film_chosen_with_the_button(viewer: Viewer, films: Films) -> None:
    film = films.unique()
    with viewer.visit.page.expect_file_chooser() as chooser:
        viewer.visit.page.get_by_role("button", name="Upload video files").first.click()
    chooser.value.set_files(film)
    viewer.part("whose-unsaid").click()
    instance = viewer.stored()
    expect(viewer.message).to_have_text("Stored unchanged.")
    viewer.assert_has_thumbnail(instance)
    expect(viewer.visit.page.get_by_role("listitem").filter(has=viewer.card(instance))).to_contain_text("160×120")


def test_films_dropped_anywhere(viewer: Viewer, films: Films) -> None:
    page, dropped = viewer.visit.page, [films.unique(), films.unique()]
    viewer.visit.drop(page.locator("main"), *dropped)
    viewer.part("whose-unsaid").click()
    expect(viewer.part("upload-name")).to_have_text([film.name for film in dropped])
    expect(viewer.row("stored")).to_have_count(2, timeout=LONG)
    links = [link.get_attribute("href") or "" for link in viewer.part("upload-play").all()]
    for link in links:
        viewer.assert_has_thumbnail(link.removeprefix("#/v/"))
    viewer.part("uploads-clear").click()
    expect(viewer.part("uploads")).to_be_hidden()


@pytest.mark.parametrize("kind", ["v", "g"], ids=["player", "grid"])
def test_a_film_dropped_on_what_is_open(kind: str, server: OrthancServer, films: Films, visiting: Open) -> None:
    """It stays open and is where it was; whose the film is is asked over it, and a note says that it is on its way."""
    seen = post(server, films.unique(2.0))
    viewer = visiting(server)
    page, name = viewer.visit.page, {"v": "player", "g": "grid"}[kind]
    page.goto(f"{server.gateway_url}/#/{kind}/{seen}")
    expect(viewer.part("frame")).to_have_text("1")
    viewer.part(name).locator("canvas").press("End")
    expect(viewer.part("frame")).to_have_text("50")
    viewer.visit.drop(viewer.part(name).locator("canvas"), films.unique())
    expect(viewer.part("whose")).to_be_visible()
    viewer.part("whose-unsaid").click()
    expect(viewer.part(name)).to_be_visible()
    expect(viewer.part(name).get_by_role("status").filter(has_text="1 file is being uploaded")).to_be_in_viewport()
    expect(viewer.part("frame")).to_have_text("50")
    viewer.part(f"{name}-close").click()
    assert viewer.stored() != seen


def test_a_dropped_folder(viewer: Viewer, films: Films, tmp_path: Path) -> None:
    folder = tmp_path / "Films" / "of today"
    folder.mkdir(parents=True)
    films.unique().rename(folder / "one.mp4")
    films.unique().rename(folder.parent / "two.mp4")
    viewer.visit.drop(viewer.visit.page.locator("main"), folder.parent)
    viewer.part("whose-unsaid").click()
    expect(viewer.row("stored")).to_have_count(2, timeout=LONG)
    assert sorted(viewer.part("upload-name").all_text_contents()) == ["one.mp4", "two.mp4"]


def test_the_way_of_a_film_over_a_slow_line(viewer: Viewer, films: Films) -> None:
    film = films.unique(2.0, "-c:v", "libx264", "-qp", "4", "-movflags", "+faststart", size="640x480")
    line = viewer.visit.developer()
    line.send("Network.enable")
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1}
    line.send("Network.emulateNetworkConditions", {**slow, "uploadThroughput": film.stat().st_size / 4})
    viewer.send(film)
    expect(viewer.message).to_have_text(re.compile(r"^Uploading: [1-9]\d? % of \d+ .B$|MB$"))
    expect(viewer.row("sending").get_by_role("progressbar", name=f"Progress of {film.name}")).to_be_visible()
    line.send("Network.emulateNetworkConditions", {**slow, "uploadThroughput": -1})
    viewer.assert_has_thumbnail(viewer.stored())
    expect(viewer.row("stored").get_by_role("progressbar")).to_be_hidden()


def test_an_upload_that_is_cancelled(viewer: Viewer, films: Films) -> None:
    film = films.unique()
    before = requests.get(f"{viewer.server.url}/statistics", timeout=10).json()
    line = viewer.visit.developer()
    line.send("Network.enable")
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 1000}
    line.send("Network.emulateNetworkConditions", slow)
    viewer.send(film)
    expect(viewer.message).to_have_text(re.compile("^Uploading: "))
    viewer.visit.page.get_by_role("button", name=f"Cancel {film.name}").click()
    expect(viewer.message).to_have_text("Cancelled.")
    assert requests.get(f"{viewer.server.url}/statistics", timeout=10).json() == before


def assert_cancelled(viewer: Viewer, before: Any) -> None:
    """The job of the one upload is, and nothing of it was stored."""
    expect(viewer.row("cancelled")).to_be_visible()
    expect(viewer.message).to_have_text("Cancelled.")
    newest = requests.get(f"{viewer.server.gateway_url}/video/jobs?limit=1", timeout=10).json()["Jobs"][0]
    assert newest["State"] == "Cancelled"
    time.sleep(1)
    assert requests.get(f"{viewer.server.url}/statistics", timeout=10).json() == before


def test_a_conversion_is_shown_from_its_beginning_and_cancelled(viewer: Viewer, films: Films) -> None:
    """Long before AnswerSeconds, which are 30."""
    before = requests.get(f"{viewer.server.url}/statistics", timeout=10).json()
    viewer.send(films.slow(30.0))
    expect(viewer.message).to_have_text(re.compile(r"^Being converted: \d+ % \("), timeout=15_000)
    expect(viewer.row("processing").get_by_role("progressbar")).to_have_attribute("value", re.compile("[0-9]"))
    viewer.part("upload-cancel").click()
    assert_cancelled(viewer, before)


def test_a_film_that_has_just_arrived_is_cancelled(viewer: Viewer, films: Films) -> None:
    """Before the page knows its job."""
    before = requests.get(f"{viewer.server.url}/statistics", timeout=10).json()
    viewer.send(films.slow(30.0))
    expect(viewer.message).to_have_text("Received; being looked at")
    viewer.part("upload-cancel").click()
    expect(viewer.message).to_have_text("Cancelling…")
    assert_cancelled(viewer, before)


@pytest.mark.parametrize("broken", [Relay.cut, Relay.hang], ids=["broken off", "hanging"])
def test_a_line_that_is_down_is_said_to_be(
    broken: Callable[[Relay], None], server: OrthancServer, films: Films, visiting: Open
) -> None:
    """The upload goes on as soon as it is up again. Of one that hangs no error tells."""
    # More than a kernel takes from a browser that believes it sent.
    film = films.unique(9.0, "-c:v", "libx264", "-qp", "1", "-movflags", "+faststart", size="1280x720")
    with breaking(server.gateway_url, film.stat().st_size * 8e-6 / 6) as line:
        viewer = visiting(server, line.url)
        viewer.send(film)
        wait_for_bytes(server, film.stat().st_size // 4)
        viewer.expected += ["ERR_"]
        broken(line)
        said = re.compile(r"^Nothing gets through at \d+ % of .*: .* It goes on by itself$")
        expect(viewer.message).to_have_text(said)
        line.mend()
        viewer.stored()


def slow_line(viewer: Viewer, bytes_per_second: float) -> Callable[[float], None]:
    """Makes the browser's line slow; the answer changes how slow (-1: not at all)."""
    line = viewer.visit.developer()
    line.send("Network.enable")
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1}

    def pace(uploaded: float) -> None:
        line.send("Network.emulateNetworkConditions", {**slow, "uploadThroughput": uploaded})

    pace(bytes_per_second)
    return pace


def wait_for_bytes(server: OrthancServer, least: int) -> Path:
    """Until so much of the one upload under way is on the gateway's disk."""
    deadline = time.monotonic() + 30
    spool = server.storage / "video-gateway" / "spool"
    while not (found := [path for path in spool.glob("*/source") if path.stat().st_size >= least]):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found[0]


def large(films: Films) -> Path:
    return films.unique(3.0, "-c:v", "libx264", "-qp", "1", "-movflags", "+faststart", size="640x480")


def test_the_gateway_is_killed_in_mid_upload(start: Any, films: Films, visiting: Open) -> None:
    """It is started again, and the page goes on with what is missing, by itself."""
    viewer, film = visiting(start({})), large(films)
    server, size = viewer.server, film.stat().st_size
    pace = slow_line(viewer, size / 6)
    viewer.visit.sent.clear()
    viewer.send(film)
    wait_for_bytes(server, size // 3)
    viewer.expected += ["ERR_", "status of 5"]
    os.kill(server.gateway_pid(), signal.SIGKILL)
    pace(-1)
    instance = viewer.stored()
    stream = requests.get(f"{server.gateway_url}/video/instances/{instance}/stream", timeout=30)
    assert stream.content == film.read_bytes()
    patches = [headers for method, headers in viewer.visit.sent if method == "PATCH"]
    assert int(patches[0]["upload-offset"]) == 0
    assert int(patches[-1]["upload-offset"]) >= size // 3
    assert [method for method, _ in viewer.visit.sent].count("POST") == 1


def test_the_page_is_loaded_again_in_mid_upload(viewer: Viewer, films: Films) -> None:
    """The same file chosen again goes on where it was; until then the browser remembers an address without a name."""
    film, page = large(films), viewer.visit.page
    pace = slow_line(viewer, film.stat().st_size / 6)
    viewer.send(film)
    source = wait_for_bytes(viewer.server, film.stat().st_size // 3)
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    assert source.parent.name in page.evaluate("JSON.stringify(localStorage)")
    assert film.stem not in page.evaluate("JSON.stringify(localStorage)")
    pace(-1)
    viewer.visit.sent.clear()
    viewer.send(film)
    instance = viewer.stored()
    stream = requests.get(f"{viewer.server.gateway_url}/video/instances/{instance}/stream", timeout=30)
    assert stream.content == film.read_bytes()
    methods = [method for method, _ in viewer.visit.sent if method in {"POST", "HEAD", "PATCH"}]
    assert methods == ["HEAD", "PATCH"]


def test_the_first_film_of_a_server(start: Any, films: Films, visiting: Open) -> None:
    """From the empty list over a conversion that takes longer than the answer to the card."""
    viewer = visiting(start({"VideoGateway": {"AnswerSeconds": 0.2}}))
    expect(viewer.part("empty")).to_contain_text("Nothing here yet: drop a film")
    expect(viewer.part("count")).to_have_text("0 videos")
    viewer.send(films.slow(8.0))
    expect(viewer.row("processing")).to_contain_text("Being converted", timeout=LONG)
    expect(viewer.row("processing").get_by_role("progressbar")).to_be_visible()
    instance = viewer.stored()
    expect(viewer.message).to_have_text("Converted.")
    expect(viewer.part("empty")).to_be_hidden()
    expect(viewer.part("count")).to_have_text("1 video")
    viewer.assert_has_thumbnail(instance)


def test_a_refused_file_shows_its_sentence(viewer: Viewer, tmp_path: Path) -> None:
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear patient, here is your letter.\n" * 50, encoding="utf-8")
    viewer.expected.append("status of 415")
    viewer.send(letter)
    expect(viewer.row("failed")).to_contain_text(letter.name)
    with letter.open("rb") as file:
        sentence = requests.post(f"{viewer.server.gateway_url}/instances", data=file, timeout=30).json()["detail"]
    assert "text" in sentence
    expect(viewer.message).to_contain_text("text")
    expect(viewer.message).not_to_contain_text(letter.name)  # the row has it
    # The same sentence but for the name, which only the page has sent.
    expect(viewer.message).to_have_text(re.compile(re.escape(sentence[-20:]) + "$"))


def test_the_same_film_twice(viewer: Viewer, films: Films) -> None:
    film = films.unique()
    instance = post(viewer.server, film)
    viewer.send(film)
    assert viewer.stored() == instance
    expect(viewer.message).to_have_text("Already stored.")
    expect(viewer.card(instance)).to_have_count(1)


def test_a_recording_of_the_browsers_own(viewer: Viewer) -> None:
    assert viewer.input.evaluate(RECORD) > 1000
    viewer.part("whose-unsaid").click()
    instance = viewer.stored()
    viewer.assert_has_thumbnail(instance)
    facts = requests.get(f"{viewer.server.gateway_url}/video/instances/{instance}", timeout=10).json()
    assert facts["Plan"]["Action"] == "transcode"
    assert 1.2 < facts["Seconds"] < 3
    assert facts["NumberOfFrames"] > 15
    video = viewer.open(instance)
    video.press("Space")
    ended = "video => video.ended || new Promise(done => video.addEventListener('ended', () => done(true)))"
    assert video.evaluate(ended)
    assert abs(video.evaluate("video => video.duration") - facts["Seconds"]) < 0.05


# ---- playing -------------------------------------------------------------------------------------------------------


def test_playing_and_closing(viewer: Viewer, films: Films) -> None:
    instance = post(viewer.server, films.unique(6.0))
    viewer.part("refresh").click()
    video = viewer.open(instance)
    expect(viewer.part("frame")).to_have_text("–")
    video.press("Space")
    video.evaluate(PLAYED)
    assert video.evaluate("video => [video.paused, video.error]") == [False, None]
    expect(viewer.part("frame")).to_have_text(re.compile(r"^\d+$"))
    video.press("Space")
    assert video.evaluate("video => video.paused")
    assert (206, f"{viewer.server.gateway_url}/video/instances/{instance}/stream") in viewer.visit.responses
    viewer.visit.page.keyboard.press("Escape")
    expect(viewer.part("player")).to_be_hidden()
    expect(viewer.visit.page).to_have_url(f"{viewer.server.gateway_url}/")
    viewer.visit.page.go_forward()
    expect(viewer.part("player")).to_be_visible()


def numbered(films: Films, kind: str) -> tuple[Path, Fraction, int]:
    """A film that shows its frame numbers, its rate and length: as such, or in another container or codec."""
    film, rate, frames = films.numbered(), Fraction(30000, 1001), 300
    if kind == "wrap":
        return film, rate, frames
    path = films.folder / f"viewer-{kind}{'.ts' if kind == 'remux' else '.webm'}"
    vp9 = ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "1M"]
    ffmpeg("-i", str(film), *(["-c", "copy"] if kind == "remux" else vp9), str(path))
    return path, rate, frames


@pytest.mark.parametrize("kind", ["wrap", "remux", "transcode"])
def test_seeking_shows_the_right_frame(viewer: Viewer, films: Films, kind: str) -> None:
    film, rate, frames = numbered(films, kind)
    instance = post(viewer.server, film)
    facts = requests.get(f"{viewer.server.gateway_url}/video/instances/{instance}", timeout=10).json()
    assert (facts["Plan"]["Action"], facts["NumberOfFrames"], facts["Rate"]) == (kind, frames, str(rate))
    viewer.part("refresh").click()
    video = viewer.open(instance)
    video.press("Space")
    video.evaluate(PLAYED)
    video.press("Space")
    duration = video.evaluate("video => video.duration")
    assert duration == pytest.approx(float(frames / rate), abs=0.002)
    wanted = [int(0.8 * duration * rate), 0, frames - 1]
    wanted += random.Random(kind).sample(sorted(set(range(1, frames - 1)) - set(wanted)), SEEKS)  # noqa: S311
    shown = {number: video.evaluate(SEEK, [float((number + Fraction(1, 2)) / rate), BITS, BAR]) for number in wanted}
    # The picture by its bars, and what the page says beside it, counting from one.
    assert shown == {number: [number, number + 1] for number in wanted}


def test_a_link_to_one_video(server: OrthancServer, films: Films, visiting: Open) -> None:
    """What somebody was sent opens the video; of one that is gone it says so."""
    instance = post(server, films.unique())
    viewer = visiting(server)
    viewer.visit.page.goto(f"{server.gateway_url}/#/v/{instance}")
    expect(viewer.part("frame")).to_have_text("1")
    requests.delete(f"{server.url}/instances/{instance}", timeout=10)
    viewer.expected.append("status of 404")
    viewer.visit.page.reload()
    expect(viewer.part("player-problem")).not_to_be_empty()


def test_a_film_of_single_pictures(server: OrthancServer, tmp_path: Path, visiting: Open) -> None:
    """It plays by what is made of it; there is no stream to be had as it is stored."""
    instance = store(server, coded(film(tmp_path / "film.dcm", colours(5)), LOSSY["50"]).read_bytes())
    looked_at(server, instance)
    viewer = visiting(server)
    viewer.expected.append("status of 503")  # while it is being made
    viewer.assert_has_thumbnail(instance)
    viewer.card(instance).click()
    expect(viewer.part("frame")).to_have_text("1", timeout=LONG)
    expect(viewer.part("study")).to_be_visible()
    expect(viewer.part("download")).to_be_visible()
    expect(viewer.part("stored")).to_have_count(0)


def test_text_from_dicom_is_text(server: OrthancServer, films: Films, visiting: Open) -> None:
    name = "<b onclick>Doe</b>^&amp;"
    answer = requests.post(
        f"{server.gateway_url}/video/ingest",
        params={"PatientName": name, "PatientID": "MARKUP"},
        data=films.unique().read_bytes(),
        timeout=60,
    )
    assert answer.status_code == 200, answer.text
    viewer = visiting(server)
    expect(viewer.card(answer.json()["ID"])).to_contain_text("<b onclick>Doe</b>, &amp;")


# ---- the pages' policy ---------------------------------------------------------------------------------------------


def test_the_policy_is_in_force(viewer: Viewer) -> None:
    """Also shows that the watch over every other test sees what it should."""
    attempts = {
        "set HTML": "() => { document.body.innerHTML = '<b></b>'; }",
        "add a script": "() => { document.body.append(Object.assign(document.createElement('script'), {text: '1'})); }",
        "ask elsewhere": "url => fetch(url)",
    }
    for attempt in attempts.values():
        with pytest.raises(PlaywrightError):
            viewer.visit.page.evaluate(attempt, viewer.server.url + "/system")
    viewer.expected += ["Content Security Policy", "This document requires 'Trusted"]
    assert len(viewer.visit.errors) >= len(attempts)
    viewer.visit.requests.clear()


def test_the_documentation(server: OrthancServer, visiting: Open) -> None:
    viewer = visiting(server)
    page = viewer.visit.page
    page.goto(f"{server.gateway_url}/docs")
    expect(page.get_by_role("heading", name="orthanc-video")).to_be_visible()
    operation = page.locator(".opblock").filter(has_text="/video/instances/{named}/stream").first
    operation.locator(".opblock-summary-control").click()
    expect(operation).to_contain_text("ranges (RFC 9110 14)")
    assert page.locator(".opblock").count() >= 10
