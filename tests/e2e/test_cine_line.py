"""The viewer's engine on lines that are slow or break, and within its memory: each frame shows its number."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from e2e.browser import Visit
from e2e.films import BAR, BITS, Films, bars, ffmpeg
from e2e.generation import only_once
from e2e.lines import throttled
from e2e.orthanc_server import OrthancServer
from e2e.seeing import Shown, post

pytestmark = only_once

WIDTH, HEIGHT, FRAMES = 1920, 1080, 500
# What a film that plays may add to a page's memory.
BUDGET = 512 << 20
# Plays until so many different frames were seen, or in vain for so long; the numbers that it names and shows.
PLAY = """async ([bits, looks, patience]) => {
  const canvas = document.querySelector("[data-test=player] canvas");
  const frame = document.querySelector("[data-test=player] [data-test=frame]");
  const copy = new OffscreenCanvas(canvas.width, canvas.height);
  const pen = copy.getContext("2d", {willReadFrequently: true});
  const seen = [];
  for (let last = -1, since = performance.now(); seen.length < looks && performance.now() - since < patience;) {
    await new Promise(requestAnimationFrame);
    const told = Number(frame.textContent) - 1;
    if (told === last) continue;
    [last, since] = [told, performance.now()];
    pen.drawImage(canvas, 0, 0);
    const row = pen.getImageData(0, canvas.height / 2, canvas.width, 1).data;
    const bright = bit => row[4 * Math.floor((bit + 0.5) * canvas.width / bits)] > 127;
    seen.push([told, [...Array(bits).keys()].reduce((sum, bit) => sum + (bright(bit) ? 2 ** bit : 0), 0)]);
  }
  return seen;
}"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OrthancServer]:
    """One of its own: smaller renditions of long films, which nobody waits for any more, end with it."""
    with OrthancServer(tmp_path_factory.mktemp("line")) as running:
        yield running


@pytest.fixture(scope="module")
def stored(server: OrthancServer, films: Films) -> str:
    """A film of 1080p in noise, of about 9 Mbit/s."""
    path = films.folder / "noisy-1080p.mp4"
    raw = b"".join(bars(number).tobytes() for number in range(FRAMES))
    size = ["-f", "rawvideo", "-pix_fmt", "gray", "-s", f"{BITS * BAR}x96", "-r", "25"]
    noise = ["-vf", f"scale={WIDTH}:{HEIGHT}:flags=neighbor,noise=alls=16:allf=t", "-pix_fmt", "yuv420p"]
    rate = ["-b:v", "9M", "-maxrate", "9M", "-bufsize", "9M", "-g", "50"]
    x264 = ["-c:v", "libx264", "-preset", "ultrafast", *rate, "-movflags", "+faststart"]
    ffmpeg(*size, "-i", "-", *noise, *x264, str(path), stdin=raw)
    assert path.stat().st_size * 8 / (FRAMES / 25) > 6e6
    return post(server, path)


def played(page: Page, looks: int, patience: float = 60) -> list[Any]:
    seen: list[Any] = page.evaluate(PLAY, [BITS, looks, patience * 1000])
    assert all(told == shown for told, shown in seen)
    return [told for told, _ in seen]


def test_a_line_of_4_megabits(server: OrthancServer, stored: str, visit: Visit) -> None:
    """Not half of what the film has: time waits, and then it goes on with fewer pixels at the same size."""
    with throttled(server.gateway_url, 4) as origin:
        Shown.at(visit.page, origin, stored).press("l")
        assert len(played(visit.page, 20)) == 20
        with visit.context.expect_event("request", lambda one: "/stream?viewport=" in one.url, timeout=180_000):
            pass
        numbers = played(visit.page, 200)
        assert len(numbers) == 200
        assert visit.page.evaluate("document.querySelector('canvas.screen').width") == WIDTH
        # Frames come as they are due: most are followed by the very next one.
        later = numbers[100:]
        steps = [(after - before) % FRAMES for before, after in pairwise(later)]
        assert sorted(steps)[len(steps) // 2] == 1


def test_a_server_that_drops_every_tenth_request(server: OrthancServer, stored: str, visit: Visit) -> None:
    """From the first question about the film on: nobody notices."""
    numbers, dropped = count(1), []

    def lose(route: Route) -> None:
        if next(numbers) % 10 == 0:
            dropped.append(route.request.url)
            route.abort()
        else:
            route.continue_()

    visit.context.route("**/video/instances/**", lose)
    shown = Shown.at(visit.page, server.gateway_url, stored)
    for key in ("l", "j", "l"):
        shown.press(key)
        assert len(played(visit.page, 60)) == 60
    shown.press("k")
    shown.press("End")
    expect(shown.part("frame")).to_have_text(str(FRAMES))
    expect(shown.part("trouble")).to_be_hidden()
    assert dropped


def test_an_hour_at_speed_within_the_budget(server: OrthancServer, films: Films, visit: Visit) -> None:
    """The hour repeats a minute, so that each number comes sixty times."""
    minute, hour = films.folder / "minute.mp4", films.folder / "hour.mp4"
    raw = b"".join(bars(number).tobytes() for number in range(1500))
    size = ["-f", "rawvideo", "-pix_fmt", "gray", "-s", f"{BITS * BAR}x96", "-r", "25"]
    x264 = ["-s", f"{WIDTH}x{HEIGHT}", "-c:v", "libx264", "-preset", "ultrafast", "-g", "50", "-pix_fmt", "yuv420p"]
    ffmpeg(*size, "-i", "-", *x264, str(minute), stdin=raw)
    ffmpeg("-stream_loop", "59", "-i", str(minute), "-c", "copy", "-movflags", "+faststart", str(hour))
    instance = post(server, hour)
    page = visit.page
    shown = Shown.at(page, server.gateway_url, instance)
    before = memory(visit)
    shown.choose_rate(300)
    most = 0
    for key in "ljljlj":
        page.locator("[data-test=position]").evaluate(
            "(slider, at) => { slider.value = at; slider.dispatchEvent(new Event('change')); }", 1 + most % 90_000
        )
        shown.press(key)
        page.evaluate("seconds => new Promise(done => setTimeout(done, seconds * 1000))", 4)
        most = max(most, memory(visit))
    assert most - before < BUDGET
    # It is used, too: frames that were shown are there for the way back.
    assert most - before > BUDGET / 4


def memory(visit: Visit) -> int:
    """What the page's process holds, in bytes: what it shares with others in its share.

    Without what Chromium gives back when memory is short: drawing without a graphics card, it keeps each picture that
    was drawn in up to 512 MB of discardable memory.
    """
    session = visit.context.browser.new_browser_cdp_session()  # type: ignore[union-attr]
    session.send("Memory.simulatePressureNotification", {"level": "critical"})
    processes = session.send("SystemInfo.getProcessInfo")["processInfo"]
    session.detach()
    visit.page.evaluate("() => new Promise(done => setTimeout(done, 1000))")  # it does so in a moment
    return sum(_held(one["id"]) for one in processes if one["type"] == "renderer")


def _held(process: int) -> int:
    rollup = Path(f"/proc/{process}/smaps_rollup").read_text()
    (line,) = [one for one in rollup.splitlines() if one.startswith("Pss:")]
    return int(line.split()[1]) << 10
