"""A player that is sent to the very start of a frame shows that frame: every frame shows its own number as bars."""

from __future__ import annotations

import json
import random
import subprocess
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Page

from e2e.browser import chromium
from e2e.films import BITS, Films, ffmpeg
from e2e.orthanc_server import OrthancServer

_FRAMES = 600
_SEEKS = 60
_PLAYER = """async ([url, bits]) => {
  const video = document.createElement("video");
  video.muted = true;
  const ready = new Promise(done => video.addEventListener("canplay", done, {once: true}));
  video.src = url;
  await ready;
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  const pen = canvas.getContext("2d", {willReadFrequently: true});
  const lit = bit => pen.getImageData(canvas.width * (bit + 0.5) / bits, canvas.height / 2, 1, 1).data[0] > 127;
  window.shownAt = async seconds => {
    const seeked = new Promise(done => video.addEventListener("seeked", done, {once: true}));
    const painted = new Promise(done => video.requestVideoFrameCallback(done));
    video.currentTime = seconds;
    await seeked;
    // A frame that is on screen already is not always presented anew.
    await Promise.race([painted, new Promise(done => setTimeout(done, 1000))]);
    pen.drawImage(video, 0, 0);
    return [...Array(bits).keys()].reduce((sum, bit) => sum + (lit(bit) ? 2 ** bit : 0), 0);
  };
}"""


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with chromium() as browser:
        yield browser.new_page()


def sent_to(page: Page, url: str, rate: Fraction, wanted: list[int]) -> dict[int, int]:
    """Which frame is shown when the player is sent to the start of each, reckoned as viewers do: number / rate."""
    page.goto(url.partition("/dicom-web")[0] + "/health")
    page.evaluate(_PLAYER, [url, BITS])
    return {number: page.evaluate("seconds => window.shownAt(seconds)", number / float(rate)) for number in wanted}


@pytest.mark.parametrize("rate", ["30000/1001", "24000/1001", "60000/1001", "25", "50"])
def test_sent_to_a_frames_start(server: OrthancServer, films: Films, page: Page, rate: str) -> None:
    url, film = rendered(server, films.numbered(_FRAMES, rate)), films.numbered(_FRAMES, rate)
    wanted = random.Random(rate).sample(range(1, _FRAMES), _SEEKS)  # noqa: S311
    assert sent_to(page, url, Fraction(rate), wanted) == {number: number for number in wanted}
    assert rates(url) == rates(str(film))


def test_a_rendition_is_as_exact(server: OrthancServer, films: Films, page: Page, tmp_path: Path) -> None:
    film, rate = films.numbered(), Fraction(30000, 1001)
    coded = tmp_path / "numbered.mpg"
    ffmpeg("-i", str(film), "-c:v", "mpeg2video", "-q:v", "3", "-s", "720x480", "-f", "mpegts", str(coded))
    url = rendered(server, coded)
    wanted = [1, 2, 77, 150, 298, 299]
    # While it grows there is no seeking: a part is asked for, and that waits for the whole.
    assert requests.get(url, headers={"Range": "bytes=1-1"}, timeout=60).status_code == 206
    assert sent_to(page, url, rate, wanted) == {number: number for number in wanted}


def rendered(server: OrthancServer, film: Path) -> str:
    answer = requests.post(f"{server.gateway_url}/instances", data=film.read_bytes(), timeout=60).json()
    tags = requests.get(f"{server.url}/instances/{answer['ID']}/simplified-tags", timeout=10).json()
    study, series, instance = (tags[f"{level}InstanceUID"] for level in ("Study", "Series", "SOP"))
    return f"{server.gateway_url}/dicom-web/studies/{study}/series/{series}/instances/{instance}/rendered"


def rates(place: str) -> tuple[str, ...]:
    """As ffprobe tells them."""
    command = ["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_streams", "-of", "json", place]
    stream = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["streams"][0]
    return tuple(stream[name] for name in ("r_frame_rate", "avg_frame_rate", "nb_frames", "duration"))
