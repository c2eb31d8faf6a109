"""What a person makes of a video beside its picture: clips, stills, marks, masked copies; and the timeline."""

from __future__ import annotations

import io
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from e2e.browser import Visit, visiting
from e2e.films import BAR, BITS, Films
from e2e.generation import only_once
from e2e.orthanc_server import OrthancServer
from e2e.recordings import wait_until
from e2e.seeing import Shown

pytestmark = only_once

LONG = 60_000
FRAMES = 300


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OrthancServer]:
    with OrthancServer(tmp_path_factory.mktemp("bench")) as running:
        yield running


@pytest.fixture(scope="module")
def instance(ours: OrthancServer, films: Films) -> str:
    """Its frames tell their numbers by bars."""
    url, told = f"{ours.gateway_url}/video/ingest", {"PatientID": "BENCH", "SOPClass": "endoscopic"}
    answer = requests.post(url, params=told, data=films.numbered(FRAMES).read_bytes(), timeout=60).json()
    return str(answer["ID"])


@pytest.fixture
def page(ours: OrthancServer, browser: Browser, instance: str) -> Iterator[Page]:
    with visiting(browser, ours.gateway_url) as visit:
        Shown.at(visit.page, ours.gateway_url, instance)
        yield visit.page


def part(page: Page, name: str) -> Locator:
    return page.locator(f"[data-test={name}]")


def go(page: Page, frame: int) -> None:
    part(page, "position").fill(str(frame))
    expect(part(page, "frame")).to_have_text(str(frame))


def marked(page: Page, first: int, last: int) -> None:
    """The range, by its keys."""
    for frame, key in ((first, "i"), (last, "o")):
        go(page, frame)
        page.locator("canvas.screen").press(key)


def tools(page: Page) -> None:
    page.get_by_text("Clip, still, mark, mask").click()


def number_in(picture: Image.Image) -> int:
    """What the bars say, from 0."""
    row = np.asarray(picture.convert("L"))[picture.height // 2]
    return sum(1 << bit for bit in range(BITS) if row[bit * BAR + BAR // 2] > 127)


def tags(server: OrthancServer, named: str) -> dict[str, Any]:
    found: dict[str, Any] = requests.get(f"{server.url}/instances/{named}/simplified-tags", timeout=10).json()
    return found


def newest(server: OrthancServer, before: set[str]) -> str:
    (one,) = set(requests.get(f"{server.url}/instances", timeout=10).json()) - before
    return str(one)


def held(server: OrthancServer) -> set[str]:
    return set(requests.get(f"{server.url}/instances", timeout=10).json())


def test_a_clip_to_download(page: Page, tmp_path: Path) -> None:
    marked(page, 46, 100)
    tools(page)
    page.get_by_role("button", name="Cut clip of frames 46 to 100").click()
    expect(part(page, "made-message")).to_have_text("Ready to be downloaded.", timeout=LONG)
    with page.expect_download() as coming:
        part(page, "made-download").click()
    coming.value.save_as(tmp_path / "clip.mp4")
    command = ["ffmpeg", "-v", "error", "-i", str(tmp_path / "clip.mp4"), "-fps_mode", "passthrough"]
    subprocess.run([*command, str(tmp_path / "%d.png")], check=True)
    shown = [number_in(Image.open(tmp_path / f"{n}.png")) for n in range(1, len(list(tmp_path.glob("*.png"))) + 1)]
    assert shown == list(range(45, 100))


def test_a_clip_that_is_stored(ours: OrthancServer, page: Page) -> None:
    marked(page, 10, 40)
    tools(page)
    part(page, "clip-as").select_option("both")
    part(page, "clip").click()
    expect(part(page, "made-message")).to_have_text("Clip stored in the study.", timeout=LONG)
    made = (part(page, "made-play").get_attribute("href") or "").removeprefix("#/v/")
    assert tags(ours, made)["NumberOfFrames"] == "31"
    part(page, "made-play").click()
    expect(page.locator(".read-out")).to_contain_text("of 31")
    part(page, "player-close").click()
    expect(page.locator(f"[data-test=card][data-id='{made}']")).to_be_visible()


def test_stills(ours: OrthancServer, page: Page) -> None:
    go(page, 137)
    tools(page)
    for kind in ("png", "jpeg"):
        with page.expect_download() as coming:
            part(page, f"still-{kind}").click()
        assert coming.value.suggested_filename.endswith(f"-137.{kind}")
        assert number_in(Image.open(io.BytesIO(Path(coming.value.path()).read_bytes()))) == 136
    before = held(ours)
    part(page, "still").click()
    expect(part(page, "made-message")).to_have_text("Still stored in the study.", timeout=LONG)
    expect(part(page, "made-study")).to_be_visible()
    assert tags(ours, newest(ours, before))["SourceImageSequence"][0]["ReferencedFrameNumber"] == "137"


def test_a_marked_moment(ours: OrthancServer, page: Page) -> None:
    go(page, 21)
    tools(page)
    part(page, "mark-title").select_option("For Teaching")
    # Letters are text here, and no commands.
    part(page, "mark-text").press_sequentially("jolly look")
    expect(part(page, "frame")).to_have_text("21")
    before = held(ours)
    part(page, "mark").click()
    expect(part(page, "made-message")).to_have_text("Mark stored in the study.", timeout=LONG)
    told = json.dumps(tags(ours, newest(ours, before)))
    assert "For Teaching" in told
    assert "jolly look" in told


def test_a_region_that_is_drawn_is_masked(ours: OrthancServer, page: Page, instance: str) -> None:
    marked(page, 31, 60)
    go(page, 40)
    tools(page)
    part(page, "mask").click()
    expect(part(page, "mask-it")).to_be_disabled()
    picture = part(page, "mask-picture")
    box = picture.bounding_box()
    assert box is not None
    # The picture lies in the middle of it: its pixels, two bars wide from the left edge.
    wide = BITS * BAR
    scale = min(box["width"] / wide, box["height"] / 96)
    left, top = box["x"] + (box["width"] - wide * scale) / 2, box["y"] + (box["height"] - 96 * scale) / 2
    page.mouse.move(left + 1, top + 1)
    page.mouse.down()
    page.mouse.move(left + 2 * BAR * scale - 1, top + 96 * scale - 1, steps=3)
    page.mouse.up()
    sides = [part(page, f"mask-{side}").input_value() for side in ("x", "y", "width", "height")]
    assert sides == ["0", "0", str(2 * BAR), "96"]
    part(page, "mask-clean").check()
    part(page, "mask-it").click()
    expect(part(page, "made-message")).to_have_text("Copy stored in the study.", timeout=LONG)
    made = (part(page, "made-play").get_attribute("href") or "").removeprefix("#/v/")
    assert made != instance
    assert tags(ours, made)["BurnedInAnnotation"] == "NO"
    for frame in (30, 31, 60, 61):
        url = f"{ours.gateway_url}/video/instances/{made}/frames/{frame}"
        shown = number_in(Image.open(io.BytesIO(requests.get(url, timeout=30).content)))
        assert shown == ((frame - 1) & ~3 if 31 <= frame <= 60 else frame - 1)


def test_a_region_by_keys_alone(page: Page) -> None:
    tools(page)
    part(page, "mask").focus()
    page.keyboard.press("Enter")
    part(page, "mask-add").focus()
    page.keyboard.press("Enter")
    expect(part(page, "mask-x")).to_be_focused()
    part(page, "mask-width").fill("64")
    part(page, "mask-width").press("Tab")
    expect(part(page, "mask-picture").locator("rect")).to_have_attribute("width", "64")
    page.get_by_role("button", name="Remove region 1").press("Enter")
    expect(part(page, "mask-add")).to_be_focused()
    expect(part(page, "mask-it")).to_be_disabled()
    page.keyboard.press("Escape")
    expect(part(page, "masking")).to_be_hidden()
    expect(part(page, "player")).to_be_visible()


def test_the_timeline(page: Page) -> None:
    strip = part(page, "timeline")
    loaded = "async image => { await image.decode(); return image.naturalWidth; }"
    assert part(page, "timeline-pictures").evaluate(loaded) > 400
    box = strip.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] * 0.5, box["y"] + box["height"] / 2)
    expect(part(page, "frame")).to_have_text("151")
    marked(page, 76, 225)
    outside = strip.locator(".outside")
    assert [outside.nth(n).get_attribute("width") for n in (0, 1)] == ["75", "75"]


def test_what_the_server_refuses_is_told(ours: OrthancServer, browser: Browser, films: Films) -> None:
    """The video was deleted meanwhile."""
    visit = Visit(browser)
    answer = requests.post(f"{ours.gateway_url}/instances", data=films.unique(2.0).read_bytes(), timeout=60).json()
    try:
        visit.page.goto(f"{ours.gateway_url}/#/v/{answer['ID']}")
        expect(part(visit.page, "frame")).to_have_text("1")
        tools(visit.page)
        requests.delete(f"{ours.url}/instances/{answer['ID']}", timeout=10)
        part(visit.page, "mark").click()
        expect(part(visit.page, "made-message")).to_have_attribute("lang", "en")
        expect(part(visit.page, "made-row")).to_have_attribute("data-state", "failed")
        visit.assert_well_behaved(ours.gateway_url, "status of 404")
    finally:
        visit.close()


def test_a_copy_in_the_making_is_cancelled(
    browser: Browser, films: Films, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """It takes longer than the answer waits: its row follows the job."""
    with OrthancServer(tmp_path_factory.mktemp("slow"), {"VideoGateway": {"AnswerSeconds": 0.2}}) as server:
        long = films.unique(60.0, "-c:v", "libx264", "-preset", "ultrafast", size="1280x720")
        url = f"{server.gateway_url}/instances"
        answer = requests.post(url, data=long.read_bytes(), timeout=60).json()
        wait_until(lambda: requests.get(f"{server.url}/instances/{answer['ID']}", timeout=10).ok)
        visit = Visit(browser)
        try:
            visit.page.goto(f"{server.gateway_url}/#/v/{answer['ID']}")
            expect(part(visit.page, "frame")).to_have_text("1", timeout=LONG)
            tools(visit.page)
            part(visit.page, "mask").click()
            part(visit.page, "mask-add").click()
            part(visit.page, "mask-it").click()
            expect(part(visit.page, "made-row").get_by_role("progressbar")).to_be_visible()
            expect(part(visit.page, "made-message")).to_contain_text("Being edited", timeout=LONG)
            before = held(server)
            visit.page.get_by_role("button", name="Cancel Copy with 1 masked region").click()
            expect(part(visit.page, "made-message")).to_have_text("Cancelled.", timeout=LONG)
            assert held(server) == before
        finally:
            visit.close()
