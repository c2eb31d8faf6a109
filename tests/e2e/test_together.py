"""Several series together, in Chromium: the bars of all pictures at each tick say whether they are in step."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, Locator, Page, Route, expect

from e2e.browser import Visit, chromium
from e2e.films import BAR, BITS, Films
from e2e.orthanc_server import OrthancServer

FOUR = 4
FRAMES = 300
# Plays until the first series is at frame `until`, reads the bars of all pictures at each tick, and what each says of
# being behind. Every 25 frames nothing runs for 100 ms.
WATCH = """([bits, bar, until]) => new Promise(done => {
  const cells = [...document.querySelectorAll("[data-test=cell]")];
  const canvases = cells.map(cell => cell.querySelector("canvas"));
  const pen = new OffscreenCanvas(bits * bar, 1).getContext("2d", {willReadFrequently: true});
  const read = canvas => {
    pen.drawImage(canvas, 0, canvas.height / 2, canvas.width, 1, 0, 0, bits * bar, 1);
    const {data} = pen.getImageData(0, 0, bits * bar, 1);
    const lit = bit => data[4 * (bit * bar + bar / 2)] > 127;
    return [...Array(bits).keys()].reduce((sum, bit) => sum + (lit(bit) ? 2 ** bit : 0), 0);
  };
  const behind = cell => {
    const told = cell.querySelector("[data-test=behind]");
    return told.hidden ? "" : told.textContent;
  };
  const press = key => canvases[0].dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true}));
  const block = () => { for (const end = performance.now() + 100; performance.now() < end;); };
  const seen = [];
  let blocked = 0;
  const look = () => {
    const numbers = canvases.map(read);
    seen.push([numbers, cells.map(behind)]);
    if (numbers[0] >= blocked + 25) setTimeout(block), blocked = numbers[0];
    if (numbers[0] < until) return requestAnimationFrame(look);
    press("k");
    done(seen);
  };
  press("l");
  requestAnimationFrame(look);
})"""

Look = tuple[list[int], list[str]]


class Together:
    """Series in the page's grid."""

    def __init__(self, page: Page, origin: str) -> None:
        self.page, self.origin = page, origin

    def open(self, *ids: str) -> None:
        self.page.goto(f"{self.origin}/#/g/{','.join(ids)}")
        for number in range(len(ids)):
            expect(self.part("frame", number)).to_have_text("1")

    def cell(self, number: int) -> Locator:
        return self.page.locator("[data-test=cell]").nth(number)

    def part(self, name: str, cell: int | None = None) -> Locator:
        return (self.page if cell is None else self.cell(cell)).locator(f"[data-test={name}]")

    def assert_frames(self, *numbers: int) -> None:
        for cell, number in enumerate(numbers):
            expect(self.part("frame", cell)).to_have_text(str(number))

    def press(self, key: str) -> None:
        self.page.locator("[data-test=cell] canvas").first.press(key)

    def watch(self, until: int) -> list[Look]:
        seen: list[Look] = self.page.evaluate(WATCH, [BITS, BAR, until])
        return seen


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def visit(browser: Browser, server: OrthancServer) -> Iterator[Visit]:
    one = Visit(browser)
    try:
        yield one
        # One test holds back what one of the series needs.
        one.assert_well_behaved(server.gateway_url, "ERR_FAILED")
    finally:
        one.close()


@pytest.fixture
def together(visit: Visit, server: OrthancServer) -> Together:
    return Together(visit.page, server.gateway_url)


@pytest.fixture(scope="module")
def study(server: OrthancServer, films: Films) -> list[str]:
    """Four videos of a study at the same rate, each a frame longer than the one before."""
    first = stored(server, films.numbered(FRAMES))
    others = [stored(server, films.numbered(FRAMES + more), ParentStudy=first["ParentStudy"]) for more in (1, 2, 3)]
    return [one["ID"] for one in (first, *others)]


def stored(server: OrthancServer, path: Path, **attributes: str) -> dict[str, Any]:
    address = f"{server.gateway_url}/video/ingest"
    answer = requests.post(address, params=attributes, data=path.read_bytes(), timeout=120)
    assert answer.status_code == 200, answer.text
    facts: dict[str, Any] = requests.get(
        f"{server.gateway_url}/video/instances/{answer.json()['ID']}", timeout=10
    ).json()
    return facts


@pytest.mark.parametrize("stall", ["goesOn", "waits"])
def test_four_series_stay_in_step(stall: str, together: Together, study: list[str]) -> None:
    """Within a frame of each other, whatever is dropped, unless one says that it is behind; and none waits in vain."""
    together.open(*study)
    together.part("stall").select_option(stall)
    seen = together.watch(200)
    assert max(numbers[0] for numbers, _ in seen) >= 200
    for numbers, behind in seen:
        right = [number for number, told in zip(numbers, behind, strict=True) if not told]
        assert max(right, default=0) - min(right, default=0) <= 1
        assert stall == "goesOn" or max(numbers) - min(numbers) <= 1
    assert sum(not any(behind) for _, behind in seen) > len(seen) / 2


@pytest.mark.parametrize("stall", ["goesOn", "waits"])
def test_one_that_stalls_does_not_make_the_others_lie(
    stall: str, together: Together, visit: Visit, study: list[str]
) -> None:
    together.open(*study)
    together.part("stall").select_option(stall)
    held: list[Route] = []
    visit.context.route(f"**/{study[1]}/stream", lambda route: held.append(route))
    # Beyond what it has decoded already.
    together.part("position").evaluate("slider => { slider.value = 250; slider.dispatchEvent(new Event('input')); }")
    expect(together.part("behind", 1)).to_be_visible()
    together.assert_frames(250)
    together.press("l")
    if stall == "goesOn":
        together.page.wait_for_function("() => document.querySelector('[data-test=frame]').textContent >= 270")
        together.press("k")
        first, second = (int(together.part("frame", cell).text_content() or 0) for cell in (0, 1))
        assert second == 1
        expect(together.part("behind", 1)).to_have_text(f"{first - second} frames behind")
        together.assert_frames(first, second, first, first)
    else:
        together.page.evaluate("new Promise(done => setTimeout(done, 500))")
        together.assert_frames(250, 1, 250, 250)
    for cell in (0, 2, 3):
        expect(together.part("behind", cell)).to_be_hidden()
    for route in held:
        route.continue_()
    visit.context.unroute(f"**/{study[1]}/stream")
    expect(together.part("behind", 1)).to_be_hidden()


def test_steps_offsets_and_corrections(together: Together, study: list[str]) -> None:
    together.open(study[0], study[1])
    together.part("at-end").select_option("stop")
    for _ in range(3):
        together.press("ArrowRight")
    together.assert_frames(4, 4)
    together.part("later", 1).click()
    together.part("later", 1).click()
    expect(together.part("correction", 1)).to_have_text("Corrected by +2")
    together.assert_frames(4, 6)
    together.part("earlier", 1).click()
    together.assert_frames(4, 5)
    together.part("step").select_option("frame")
    together.part("offset", 1).fill("-10")
    together.part("offset", 1).press("Enter")
    together.assert_frames(4, 15)
    together.part("step").select_option("position")
    together.press("End")
    together.assert_frames(300, 301)
    together.press("Home")
    together.assert_frames(1, 2)


def test_chosen_from_the_study(together: Together, study: list[str]) -> None:
    """From a video's own page; the address has their opaque IDs, and nothing else."""
    together.page.goto(f"{together.origin}/#/v/{study[0]}")
    together.page.locator("[data-test=together]").click()
    together.assert_frames(1)
    expect(together.part("add").locator("option")).to_have_count(FOUR)
    together.part("add").select_option(study[2])
    together.assert_frames(1, 1)
    assert together.page.url == f"{together.origin}/#/g/{study[0]},{study[2]}"
    together.part("remove", 0).click()
    expect(together.page.locator("[data-test=cell]")).to_have_attribute("data-id", study[2])
    together.assert_frames(1)
    together.part("grid-close").click()
    expect(together.page.locator("[data-test=grid]")).to_be_hidden()
    expect(together.page.locator("[data-test=card]").first).to_be_visible()


def test_those_that_are_held_wait_for_the_others(together: Together, server: OrthancServer, films: Films) -> None:
    long, short = stored(server, films.numbered(60)), stored(server, films.numbered(20))
    together.open(long["ID"], short["ID"])
    together.part("at-end").select_option("hold")
    seen = together.watch(55)
    assert all(numbers[1] == min(numbers[0], 19) for numbers, behind in seen if not any(behind))
    assert any(numbers[0] > 30 for numbers, behind in seen if not any(behind))
