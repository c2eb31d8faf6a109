"""The viewer where frames do not come: servers away, silent, or refusing; films that browsers cannot decode."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, Locator, Page, Route, expect

from e2e.browser import VIEWPORT_HEIGHT, Visit, visiting
from e2e.conftest import Start
from e2e.films import BAR, BITS, Films, bars, ffmpeg
from e2e.generation import only_once
from e2e.orthanc_server import OrthancServer
from e2e.recordings import store
from e2e.seeing import Opening, Shown, post
from e2e.test_cine import made

pytestmark = only_once

# The names of frames and what their bars show, of those that come on screen in so many milliseconds.
WATCH = """async ([bits, bar, within]) => {
  const canvas = document.querySelector("[data-test=player] canvas");
  const frame = document.querySelector("[data-test=player] [data-test=frame]");
  const trouble = document.querySelector("[data-test=player] [data-test=trouble]");
  const pen = new OffscreenCanvas(bits * bar, 1).getContext("2d", {willReadFrequently: true});
  const seen = [], said = new Set();
  for (const end = performance.now() + within; performance.now() < end;) {
    await new Promise(requestAnimationFrame);
    if (!trouble.hidden) said.add(trouble.textContent);
    const told = Number(frame.textContent) - 1;
    if (seen.length && told === seen.at(-1)[0]) continue;
    pen.drawImage(canvas, 0, canvas.height / 2, bits * bar, 1, 0, 0, bits * bar, 1);
    const {data} = pen.getImageData(0, 0, bits * bar, 1);
    const lit = bit => data[4 * (bit * bar + bar / 2)] > 127;
    seen.push([told, [...Array(bits).keys()].reduce((sum, bit) => sum + (lit(bit) ? 2 ** bit : 0), 0)]);
  }
  return [seen, [...said]];
}"""
UNREACHABLE = "The video cannot be loaded at the moment. It is being tried again."
UNDECODABLE = "This frame cannot be decoded. The others may be."


@pytest.fixture
def visit(browser: Browser, server: OrthancServer) -> Iterator[Visit]:
    with visiting(browser, server.gateway_url, "status of 4", "status of 503", "ERR_FAILED", "ERR_INTERNET") as one:
        yield one


def watched(page: Page, seconds: float) -> tuple[list[list[int]], list[str]]:
    seen, said = page.evaluate(WATCH, [BITS, BAR, seconds * 1000])
    return seen, said


def assert_on_the_picture(shown: Shown, sentence: str, timeout: float = 20_000) -> None:
    """In sight without scrolling."""
    expect(shown.part("trouble")).to_have_text(sentence, timeout=timeout)
    inside(shown.part("trouble"), shown.page.locator("[data-test=player] canvas"))


def inside(one: Locator, other: Locator) -> None:
    inner, outer = one.bounding_box(), other.bounding_box()
    assert inner
    assert outer
    assert outer["y"] <= inner["y"]
    assert inner["y"] + inner["height"] <= min(outer["y"] + outer["height"], VIEWPORT_HEIGHT)


def pressed(shown: Shown, name: str = "on") -> str | None:
    return shown.part(name).get_attribute("aria-pressed")


@pytest.mark.parametrize("how", ["refuses connections", "is not ready"])
def test_a_server_that_is_away_for_a_while(
    how: str, server: OrthancServer, films: Films, opened: Opening, visit: Visit
) -> None:
    """While it plays: the page says so on the picture, and goes on by itself."""
    shown = opened(post(server, made(films, "groups of 30")))
    shown.press("l")
    expect(shown.part("frame")).not_to_have_text("1")
    asked = count()

    def away(route: Route) -> None:
        next(asked)
        if how == "is not ready":
            route.fulfill(status=503, json={"detail": "The server is not ready."})
        else:
            route.abort()

    visit.context.route("**/stream", away)
    assert_on_the_picture(shown, UNREACHABLE)
    # Longer than it once tried.
    visit.page.wait_for_timeout(9000)
    before = next(asked)
    # Whatever one does tries at once, and what played goes on doing so.
    with visit.context.expect_event("request", lambda one: one.url.endswith("/stream"), timeout=1000):
        shown.press("l")
    assert before < 20
    visit.context.unroute("**/stream")
    expect(shown.part("trouble")).to_be_hidden()
    assert pressed(shown) == "true"
    seen, said = watched(visit.page, 2)
    assert len(seen) > 20
    assert said == []
    assert all(told == bars_show for told, bars_show in seen)


def test_a_server_that_is_killed_and_comes_back(start: Start, films: Films, browser: Browser) -> None:
    server = start()
    instance = post(server, made(films, "groups of 30"))
    with visiting(browser, server.gateway_url, "ERR_CONNECTION", "status of 50", "net::ERR") as visit:
        shown = Shown.at(visit.page, server.gateway_url, instance)
        shown.press("End")
        expect(shown.part("frame")).to_have_text("300")
        server.kill()
        for _ in range(4):
            shown.press("Home")
            shown.press("ArrowRight")
        shown.part("position").evaluate("(one) => { one.value = 150; one.dispatchEvent(new Event('change')); }")
        assert_on_the_picture(shown, UNREACHABLE)
        shown.press("l")
        visit.page.wait_for_timeout(6000)
        server.start()
        expect(shown.part("trouble")).to_be_hidden()
        assert pressed(shown) == "true"
        seen, _ = watched(visit.page, 1)
        assert len(seen) > 10


@pytest.mark.parametrize(
    ("status", "sentence"), [(403, "You may not read this video."), (404, "Orthanc has no such instance.")]
)
def test_what_the_server_refuses_is_final(
    status: int, sentence: str, server: OrthancServer, films: Films, opened: Opening, visit: Visit
) -> None:
    shown = opened(post(server, made(films, "groups of 30")))
    shown.press("l")
    expect(shown.part("frame")).not_to_have_text("1")
    asked: list[str] = []

    def refuse(route: Route) -> None:
        asked.append(route.request.url)
        route.fulfill(status=status, content_type="application/problem+json", json={"detail": sentence})

    visit.context.route("**/stream", refuse)
    assert_on_the_picture(shown, sentence)
    assert shown.part("trouble").get_attribute("lang") == "en"
    expect(shown.part("on")).to_have_attribute("aria-pressed", "false")
    before = len(asked)
    visit.page.wait_for_timeout(5000)
    assert len(asked) == before
    visit.context.unroute("**/stream")
    shown.press("l")
    seen, _ = watched(visit.page, 2)
    assert len(seen) > 20


def test_a_video_that_is_deleted(server: OrthancServer, films: Films, opened: Opening, visit: Visit) -> None:
    instance = post(server, films.unique(12))
    shown = opened(instance)
    requests.delete(f"{server.url}/instances/{instance}", timeout=10)
    shown.press("End")
    expect(shown.part("trouble")).to_be_visible()
    expect(shown.part("trouble")).not_to_have_text(UNREACHABLE)
    visit.page.wait_for_timeout(4000)
    assert sum(status == 404 and url.endswith("/stream") for status, url in visit.responses) <= 2


def test_a_request_that_is_never_answered(server: OrthancServer, films: Films, opened: Opening, visit: Visit) -> None:
    shown = opened(post(server, made(films, "groups of 30")))
    held: list[Route] = []

    def hold(route: Route) -> None:
        if held:
            route.continue_()
        else:
            held.append(route)

    visit.context.route("**/stream", hold)
    shown.press("End")
    expect(shown.part("frame")).to_have_text("300", timeout=15_000)
    assert held
    shown.press("Home")
    shown.press("l")
    seen, _ = watched(visit.page, 2)
    assert len(seen) > 20


def test_a_network_that_is_there_again(server: OrthancServer, films: Films, opened: Opening, visit: Visit) -> None:
    """Nobody waits for the next try, which would be three seconds later."""
    shown = opened(post(server, made(films, "groups of 30")))
    visit.context.set_offline(True)
    shown.press("End")
    assert_on_the_picture(shown, UNREACHABLE)
    failed: list[str] = []
    visit.context.on("requestfailed", lambda one: failed.append(one.url))
    while not failed:
        visit.page.wait_for_timeout(20)
    visit.page.wait_for_timeout(200)
    visit.context.set_offline(False)
    expect(shown.part("frame")).to_have_text("300", timeout=1000)


def test_playing_is_let_go_of_by_the_button_that_began_it(server: OrthancServer, films: Films, opened: Opening) -> None:
    shown = opened(post(server, made(films, "groups of 30")))
    for name, key in (("on", "l"), ("back", "j")):
        shown.part(name).click()
        assert pressed(shown, name) == "true"
        shown.part(name).click()
        assert pressed(shown, name) == "false"
        # The keys play, whatever was before.
        for _ in range(2):
            shown.press(key)
            assert pressed(shown, name) == "true"
        shown.press("k")


Damage = Callable[[bytearray, int, int], None]


def noise(data: bytearray, begin: int, end: int) -> None:
    data[begin + 12 : end] = secrets.token_bytes(end - begin - 12)


def zeroes(data: bytearray, begin: int, end: int) -> None:
    data[begin:end] = bytes(end - begin)


def ones(data: bytearray, begin: int, end: int) -> None:
    data[begin:end] = b"\xff" * (end - begin)


def other_kinds(data: bytearray, begin: int, _end: int) -> None:
    data[begin + 4] = data[begin + 4] & 0xE0 | 31


DAMAGES: dict[str, Damage] = {one.__name__: one for one in (zeroes, ones, other_kinds)}


def damaged(server: OrthancServer, instance: str, samples: range, damage: Damage) -> str:
    """The same object under another UID with these samples of it damaged."""
    index = requests.get(f"{server.gateway_url}/video/instances/{instance}/index", timeout=10).json()
    stream = requests.get(f"{server.gateway_url}/video/instances/{instance}/stream", timeout=10).content
    data = bytearray(requests.get(f"{server.url}/instances/{instance}/file", timeout=10).content)
    begin = data.index(stream)
    for sample in samples:
        at = begin + index["Offset"][sample]
        damage(data, at, at + index["Size"][sample])
    uid = requests.get(f"{server.url}/instances/{instance}/tags?simplify", timeout=10).json()["SOPInstanceUID"]
    other = uid[:-9] + str(secrets.randbelow(9 * 10**8) + 10**8)
    return store(server, bytes(data).replace(uid.encode(), other.encode()))


def halved(server: OrthancServer, films: Films, damage: Damage) -> tuple[str, list[int], int]:
    """A film with damage in the midst of its third group, the places it reaches, and where the next group begins."""
    sound = post(server, made(films, "groups of 30"))
    index = requests.get(f"{server.gateway_url}/video/instances/{sound}/index", timeout=10).json()
    broken = index["Key"].index(True, 31) + 10
    times = sorted(index["Time"])
    end = times.index(index["Time"][index["Key"].index(True, broken)])
    lost = [place for place in range(end) if index["Time"].index(times[place]) >= broken]
    assert lost
    return damaged(server, sound, range(broken, broken + 3), damage), lost, end


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_group_that_cannot_be_decoded(damage: str, server: OrthancServer, films: Films, opened: Opening) -> None:
    """Of its frames those are shown that can be; playing passes on to the next group, and counts the others."""
    instance, lost, end = halved(server, films, DAMAGES[damage])
    shown = opened(instance)
    shown.press("l")
    seen, said = watched(shown.page, 6)
    assert said == [UNDECODABLE]
    assert all(told == bars_show for told, bars_show in seen)
    places = {told for told, _ in seen}
    assert not places & set(lost)
    assert max(places) > end + 10
    assert re.match(r"\d+ frames left out", shown.part("dropped").text_content() or "")
    shown.press("k")
    good = [place for place in range(end) if place not in lost]
    looks = shown.looks(*(("jump", place) for place in (*good[-8:], end, end + 1)))
    assert all(look[1] == look[2] == look[3] for look in looks)
    expect(shown.part("trouble")).to_be_hidden()
    for place in (lost[0], lost[-1]):
        jump = "(one, at) => { one.value = at; one.dispatchEvent(new Event('change')); }"
        shown.part("position").evaluate(jump, place + 1)
        assert_on_the_picture(shown, UNDECODABLE)
    shown.looks(("ArrowRight", lost[-1] + 1))
    expect(shown.part("trouble")).to_be_hidden()


def test_a_group_that_decodes_to_something_else(server: OrthancServer, films: Films, opened: Opening) -> None:
    """What a decoder takes for sound nobody can tell from it; but it is only as far as the damage goes."""
    instance, lost, end = halved(server, films, noise)
    shown = opened(instance)
    shown.press("l")
    seen, _ = watched(shown.page, 6)
    assert all(told == bars_show for told, bars_show in seen if told not in lost)
    assert max(told for told, _ in seen) > end + 10


def test_a_film_cut_out_of_open_groups(server: OrthancServer, films: Films, opened: Opening, visit: Visit) -> None:
    """Its first group lacks pictures that it lets go of: Chromium takes that for damage, and FFmpeg shows it right."""
    raw = b"".join(bars(number).tobytes() for number in range(300))
    size = ["-f", "rawvideo", "-pix_fmt", "gray", "-s", f"{BITS * BAR}x96", "-r", "25"]
    x264 = ["-c:v", "libx264", "-preset", "veryfast", "-bf", "3", "-g", "30", "-x264-params", "open-gop=1"]
    whole, cut = films.folder / "open.ts", films.folder / "cut-open.ts"
    ffmpeg(*size, "-i", "-", *x264, "-pix_fmt", "yuv420p", "-f", "mpegts", str(whole), stdin=raw)
    ffmpeg("-ss", "1.5", "-i", str(whole), "-c", "copy", "-f", "mpegts", str(cut))
    instance = post(server, cut)
    shown = opened(instance)
    frames = requests.get(f"{server.gateway_url}/video/instances/{instance}", timeout=10).json()["NumberOfFrames"]
    first = 300 - frames
    tasks: list[tuple[str, Any]] = [("ArrowRight", place) for place in range(1, 34)]
    tasks += [("Home", 0), ("End", frames - 1), ("jump", 12), ("jump", 100), ("ArrowLeft", 99), ("jump", 29)]
    looks = shown.looks(*tasks)
    assert all(look[1] == look[2] == look[3] - first for look in looks)
    expect(shown.part("trouble")).to_be_hidden()
    shown.press("Home")
    shown.press("l")
    seen, _ = watched(visit.page, 4)
    assert all(told == bars_show - first for told, bars_show in seen)
    assert max(told for told, _ in seen) > 40
    # Only those that the browser does not decode are drawn by the server.
    drawn = {int(number) for _, url in visit.responses for number in re.findall(r"/frames/(\d+)", url)}
    assert drawn
    assert max(drawn) <= 30
