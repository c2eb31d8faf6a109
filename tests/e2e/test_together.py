"""Several series together, in Chromium: the bars of all pictures at each tick say whether they are in step."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Route, expect

from e2e.browser import Visit, visiting
from e2e.films import Films
from e2e.generation import only_once
from e2e.orthanc_server import OrthancServer
from e2e.seeing import Together, post, post_together

pytestmark = only_once

FOUR = 4
FRAMES = 300


@pytest.fixture
def visit(browser: Browser, server: OrthancServer) -> Iterator[Visit]:
    # One test holds back what one of the series needs.
    with visiting(browser, server.gateway_url, "ERR_FAILED") as one:
        yield one


@pytest.fixture
def together(visit: Visit, server: OrthancServer) -> Together:
    return Together(visit.page, server.gateway_url)


@pytest.fixture(scope="module")
def study(server: OrthancServer, films: Films) -> list[str]:
    """Four videos of a study at the same rate, each a frame longer than the one before."""
    return post_together(server, *(films.numbered(FRAMES + more) for more in range(4)))


@pytest.mark.parametrize("stall", ["goesOn", "waits"])
def test_four_series_stay_in_step(stall: str, together: Together, study: list[str]) -> None:
    """Within a frame of each other, whatever is dropped, unless one says that it is behind; and none waits in vain."""
    together.open(*study)
    together.part("stall").select_option(stall)
    seen = together.watch(200, blocked_every=25)
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
        # On a quick line some of it may have been had before its requests were held.
        if second != first:
            expect(together.part("behind", 1)).to_have_text(f"{first - second} frames behind")
        together.assert_frames(first, second, first, first)
    else:
        together.page.evaluate("new Promise(done => setTimeout(done, 500))")
        first, second = (int(together.part("frame", cell).text_content() or 0) for cell in (0, 1))
        assert (first, second) == (250, 1) or first == second
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


def test_what_was_chosen_stays_when_others_come_or_go(together: Together, study: list[str]) -> None:
    together.open(study[0], study[1])
    together.part("rate").fill("10")
    together.part("rate").dispatch_event("change")
    together.part("at-end").select_option("swing")
    together.part("step").select_option("frame")
    together.part("stall").select_option("waits")
    together.part("later", 1).click()
    together.part("offset", 1).fill("-3")
    together.part("offset", 1).press("Enter")
    together.cell(1).locator("canvas").press("+")
    for _ in range(4):
        together.press("ArrowRight")
    together.assert_frames(5, 9)
    together.page.evaluate("document.querySelector('.grid-place').dataset.same = 'yes'")
    together.part("add").select_option(study[2])
    together.assert_frames(5, 9, 5)
    together.part("remove", 0).click()
    together.assert_frames(9, 5)
    expect(together.part("look", 0)).to_contain_text("×")
    expect(together.part("correction", 0)).to_have_text("Corrected by +1")
    expect(together.part("offset", 0)).to_have_value("-3")
    for name, value in (("rate", "10"), ("at-end", "swing"), ("step", "frame"), ("stall", "waits")):
        expect(together.part(name)).to_have_value(value)
    # What fills the screen is not what comes and goes.
    expect(together.page.locator(".grid-place")).to_have_attribute("data-same", "yes")


@pytest.mark.parametrize("count", [2, FOUR])
def test_a_phone_has_room_for_the_controls(
    count: int, browser: Browser, server: OrthancServer, study: list[str]
) -> None:
    with visiting(browser, server.gateway_url, has_touch=True) as visit:
        visit.page.set_viewport_size({"width": 360, "height": 640})
        together = Together(visit.page, server.gateway_url)
        together.open(*study[:count])
        together.part("on").tap()
        expect(together.part("on")).to_have_attribute("aria-pressed", "true")
        together.part("pause").tap()
        expect(together.part("position")).to_be_in_viewport()


def test_those_that_are_held_wait_for_the_others(together: Together, server: OrthancServer, films: Films) -> None:
    long, short = post(server, films.numbered(60)), post(server, films.numbered(20))
    together.open(long, short)
    together.part("at-end").select_option("hold")
    seen = together.watch(55, blocked_every=25)
    assert all(numbers[1] == min(numbers[0], 19) for numbers, behind in seen if not any(behind))
    assert any(numbers[0] > 30 for numbers, behind in seen if not any(behind))
