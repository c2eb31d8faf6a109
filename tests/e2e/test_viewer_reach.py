"""The viewer for whoever uses it: names for screen readers, all of it by keys, by touch, from a phone to a wall."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, Locator, Page, expect

from e2e.browser import Visit, visiting
from e2e.films import Films
from e2e.generation import only_once
from e2e.orthanc_server import OrthancServer

pytestmark = only_once

LONG = 60_000
SIZES = {"phone": (360, 740), "desk": (1280, 800), "wall": (3840, 2160)}
# Nobody's: found wherever they are left.
NAME, NUMBER, SAID = "Whistlewood^Nora", "WX-1", "sagebrush"
_PRIVATE = ("whistle", "wx-1", "sagebrush")

# What is wrong with the page as it stands: controls without a name, names without a control, IDs that are there twice,
# pictures without a text in their stead, lists of what is no list's.
FAULTS = """() => {
  const seen = element => element.checkVisibility({visibilityProperty: true}) && !element.closest("[aria-hidden=true]");
  const text = id => document.getElementById(id)?.textContent.trim() ?? "";
  const named = element => (element.getAttribute("aria-label") ?? "").trim()
    || (element.getAttribute("aria-labelledby") ?? "").split(" ").map(text).join("")
    || [...(element.labels ?? [])].map(label => label.textContent.trim()).join("")
    || (["INPUT", "SELECT", "TEXTAREA"].includes(element.tagName) ? "" : element.textContent.trim());
  const modal = [...document.querySelectorAll("dialog:modal")].at(-1) ?? document;
  const all = selector => [...modal.querySelectorAll(selector)].filter(seen);
  const shown = element => element.outerHTML.slice(0, 120);
  const ids = [...document.querySelectorAll("[id]")].map(element => element.id);
  return [
    ...all("a[href], button, input, select, textarea, summary, [tabindex='0'], dialog, section, nav, [role=group]")
      .filter(element => !named(element)).map(element => "no name: " + shown(element)),
    ...all("img:not([alt]), [role=img]:not([aria-label])").map(element => "no text: " + shown(element)),
    ...all("[tabindex]").filter(element => element.tabIndex > 0).map(element => "order of its own: " + shown(element)),
    ...all("ul > :not(li), ol > :not(li)").map(element => "no item of a list: " + shown(element)),
    ...ids.filter((id, at) => ids.indexOf(id) !== at).map(id => "twice: #" + id),
    ...(document.documentElement.lang ? [] : ["no language"]),
    ...(document.title ? [] : ["no title"]),
  ];
}"""
# What of the page is wider than the window, or a control that a finger cannot hit.
TOO_LARGE = """() => {
  const wide = innerWidth + 1;
  const modal = [...document.querySelectorAll("dialog:modal")].at(-1) ?? document.body;
  const controls = [...modal.querySelectorAll("a.button, button, select, input:not([hidden])")]
    .filter(element => element.checkVisibility() && !element.closest("label") || element.tagName === "BUTTON")
    .filter(element => element.checkVisibility());
  return [
    ...(document.documentElement.scrollWidth > wide ? ["the page is wider than the window"] : []),
    ...controls.filter(element => element.getBoundingClientRect().right > wide)
      .map(element => "beyond the edge: " + element.outerHTML.slice(0, 120)),
    ...controls.filter(element => element.matches("button, select, .button"))
      .filter(element => element.getBoundingClientRect().height < 24)
      .map(element => "too small for a finger: " + element.outerHTML.slice(0, 120)),
  ];
}"""
# Controls that Tab has to reach, but for those of a group of which arrows reach the others.
REACHABLE = """() => {
  const modal = [...document.querySelectorAll("dialog:modal")].at(-1) ?? document;
  const all = [...modal.querySelectorAll("a[href], button, input, select, summary, video, [tabindex='0']")];
  const own = all.filter(one => one.checkVisibility() && !one.disabled && one.tabIndex >= 0 && one.type !== "radio");
  own.forEach((one, at) => one.setAttribute("data-reach", at));
  return own.length;
}"""
REACHED = """() => {
  const one = document.activeElement?.closest("[data-reach]");
  return one ? Number(one.getAttribute("data-reach")) : -1;
}"""


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OrthancServer]:
    modality = {"PACS": {"AET": "PACS", "Host": "127.0.0.1", "Port": 9}}
    with OrthancServer(tmp_path_factory.mktemp("reach"), {"DicomModalities": modality}) as running:
        yield running


@pytest.fixture(scope="module")
def instance(ours: OrthancServer, films: Films) -> str:
    url, told = f"{ours.gateway_url}/video/ingest", {"PatientName": NAME, "PatientID": NUMBER}
    told |= {
        "SOPClass": "endoscopic",
        "StudyDescription": "A study whose description is so long that it needs its room",
    }
    return str(requests.post(url, params=told, data=films.unique(4.0).read_bytes(), timeout=60).json()["ID"])


@pytest.fixture
def visit(ours: OrthancServer, browser: Browser) -> Iterator[Visit]:
    with visiting(browser, ours.gateway_url, has_touch=True) as one:
        yield one


def part(page: Page, name: str) -> Locator:
    return page.locator(f"[data-test={name}]")


def pages(page: Page, server: OrthancServer, instance: str, film: Any) -> Iterator[str]:
    """Each of the viewer's pages in turn, with all that can be opened on it open."""
    page.goto(f"{server.gateway_url}/")
    expect(part(page, "card")).to_be_visible()
    yield "list"
    part(page, "upload-input").set_input_files(film)
    part(page, "whose-search").fill(NUMBER)
    part(page, "whose-go").click()
    part(page, "whose-study").click()
    part(page, "whose-new").check()
    yield "whose"
    part(page, "whose-cancel").click()
    part(page, "upload-input").set_input_files(film)
    part(page, "whose").locator("summary").click()
    yield "whose, by hand"
    part(page, "whose-cancel").click()
    page.goto(f"{server.gateway_url}/#/v/{instance}")
    expect(part(page, "frame")).to_have_text("1")
    expect(part(page, "destination")).to_be_visible()
    part(page, "player").locator("details").evaluate_all("all => all.forEach(one => { one.open = true; })")
    yield "player"
    part(page, "mask").click()
    part(page, "mask-add").click()
    yield "mask"
    part(page, "mask-cancel").click()


def test_everything_has_a_name(visit: Visit, ours: OrthancServer, instance: str, films: Films) -> None:
    found = {name: visit.page.evaluate(FAULTS) for name in pages(visit.page, ours, instance, films.unique())}
    assert not any(found.values()), found


@pytest.mark.parametrize(
    ("size", "locale"), [("phone", "en-GB"), ("phone", "de-DE"), ("desk", "de-DE"), ("wall", "en-GB")]
)
def test_it_fits(ours: OrthancServer, browser: Browser, instance: str, films: Films, size: str, locale: str) -> None:
    width, height = SIZES[size]
    visit = Visit(browser, has_touch=True, locale=locale)
    try:
        visit.page.set_viewport_size({"width": width, "height": height})
        found = {name: visit.page.evaluate(TOO_LARGE) for name in pages(visit.page, ours, instance, films.unique())}
        assert not any(found.values()), found
    finally:
        visit.close()


# The smallest letters that are seen, in pixels.
LETTERS = """() => {
  const modal = [...document.querySelectorAll("dialog:modal")].at(-1) ?? document.body;
  const text = node => node.nodeType === Node.TEXT_NODE && node.data.trim() !== "";
  const has = one => one.matches("input, select") || [...one.childNodes].some(text);
  const lettered = [...modal.querySelectorAll("*")].filter(one => one.checkVisibility() && has(one));
  const size = one => parseFloat(getComputedStyle(one).fontSize);
  return Math.min(...lettered.map(size));
}"""


@pytest.mark.parametrize(("size", "least", "most"), [("phone", 11, 16), ("desk", 11, 16), ("wall", 25, 40)])
def test_letters_are_as_large_as_the_screen_wants(
    visit: Visit, ours: OrthancServer, instance: str, films: Films, size: str, least: int, most: int
) -> None:
    """A wall is looked at from afar."""
    width, height = SIZES[size]
    visit.page.set_viewport_size({"width": width, "height": height})
    found = {name: visit.page.evaluate(LETTERS) for name in pages(visit.page, ours, instance, films.unique())}
    assert all(least <= letters <= most for letters in found.values()), found


def test_tab_reaches_every_control(visit: Visit, ours: OrthancServer, instance: str, films: Films) -> None:
    page = visit.page
    for name in pages(page, ours, instance, films.unique()):
        count, reached = page.evaluate(REACHABLE), set()
        for _ in range(3 * count + 10):
            page.keyboard.press("Tab")
            reached.add(page.evaluate(REACHED))
            if reached >= set(range(count)):
                break
        missed = [
            page.locator(f"[data-reach='{n}']").evaluate("one => one.outerHTML") for n in {*range(count)} - reached
        ]
        assert not missed, (name, missed)
        page.evaluate("document.querySelectorAll('[data-reach]').forEach(one => one.removeAttribute('data-reach'))")


@pytest.mark.usefixtures("instance")
def test_a_whole_round_by_touch_leaves_nothing_behind(visit: Visit, ours: OrthancServer, films: Films) -> None:
    """Search, upload for a patient, play, mark, cut, send: nothing of it is in an address, or kept in the browser."""
    page = visit.page
    page.goto(f"{ours.gateway_url}/")
    part(page, "upload-input").set_input_files(films.unique(3.0))
    part(page, "whose-search").fill("whistlewood")
    part(page, "whose-go").tap()
    part(page, "whose-study").tap()
    part(page, "whose-said").tap()
    expect(part(page, "upload-play")).to_be_visible(timeout=LONG)
    part(page, "search-patient").fill("wx-1")
    part(page, "search-go").tap()
    expect(part(page, "study-group")).to_have_count(1)
    part(page, "card").first.tap()
    expect(part(page, "frame")).to_have_text("1")
    box = part(page, "timeline").bounding_box()
    assert box is not None
    page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(part(page, "frame")).not_to_have_text("1")
    page.get_by_text("Clip, still, mark, mask").tap()
    part(page, "mark-text").fill(SAID)
    part(page, "mark").tap()
    expect(part(page, "made-row").and_(page.locator("[data-state=stored]"))).to_have_count(1, timeout=LONG)
    part(page, "clip").tap()
    expect(part(page, "made-row").and_(page.locator("[data-state=stored]"))).to_have_count(2, timeout=LONG)
    part(page, "player-close").tap()
    left = [url for url in (*visit.requests, page.url) if any(one in url.lower() for one in _PRIVATE)]
    assert not left, f"of a patient, in addresses: {left}"
    kept = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, history.state, document.cookie])")
    assert not any(one in kept.lower() for one in _PRIVATE), kept
