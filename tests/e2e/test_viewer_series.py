"""Series of single pictures in the viewer: in the list, by themselves, among others of their study, after a video."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from playwright.sync_api import Browser, Page, expect
from pydicom.uid import generate_uid

from cines import film
from e2e.browser import visiting
from e2e.films import Films, bars
from e2e.generation import only_once
from e2e.orthanc_server import OrthancServer
from e2e.recordings import store
from e2e.seeing import Shown, Together

pytestmark = only_once

_SLICES = 5
_SERIES = [("CT", 4, "Lung", _SLICES), ("SR", 5, "Report", 1), ("US", 6, "Single", 1)]


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory, films: Films) -> Iterator[OrthancServer]:
    """A study of a video, a CT, an ultrasound picture and a report; and one with a CT alone."""
    folder = tmp_path_factory.mktemp("series")
    with OrthancServer(folder / "orthanc") as running:
        whose = {"PatientName": "Sliced^Otto", "PatientID": "SLICED-1", "StudyDescription": "Thorax"}
        url = f"{running.gateway_url}/video/ingest"
        video = requests.post(url, params=whose, data=films.numbered(20).read_bytes(), timeout=60).json()["ID"]
        tags = requests.get(f"{running.url}/instances/{video}/simplified-tags", timeout=10).json()
        for modality, number, description, count in _SERIES:
            said = {**whose, "StudyInstanceUID": tags["StudyInstanceUID"], "SeriesInstanceUID": generate_uid()}
            said |= {"Modality": modality, "SeriesNumber": number, "SeriesDescription": description}
            _slices(running, folder, count, **said)
        alone = {"PatientName": "Alone^Ida", "PatientID": "ALONE-2", "SeriesDescription": "Head", "Modality": "CT"}
        alone |= {"StudyInstanceUID": generate_uid(), "SeriesInstanceUID": generate_uid()}
        _slices(running, folder, _SLICES, **alone)
        yield running


def _slices(server: OrthancServer, folder: Path, count: int, **said: Any) -> None:
    for place in range(count):
        more: dict[str, Any] = {
            "InstanceNumber": place + 1,
            "NumberOfFrames": None,
            "FrameTime": None,
            "FrameIncrementPointer": None,
        }
        pixels = bars(place)[None].astype(np.uint8)
        store(server, film(folder / "one.dcm", pixels, **said, **more).read_bytes())


@pytest.fixture
def page(ours: OrthancServer, browser: Browser) -> Iterator[Page]:
    with visiting(browser, ours.gateway_url) as visit:
        visit.page.goto(f"{ours.gateway_url}/")
        yield visit.page


def test_the_list_has_them_beside_the_videos_of_their_study(page: Page) -> None:
    study = page.locator("[data-test=study-group]")
    expect(study).to_have_count(1)
    expect(study.locator("[data-test=series-card]")).to_have_count(2)
    expect(study.locator("[data-test=card-title]")).to_have_text([re.compile("Series"), "Lung", "Single"])
    expect(study.locator("[data-test=series-card]").first).to_contain_text("5 images")
    expect(study.locator("[data-test=series-card] img").first).to_have_js_property("complete", True)
    study.locator("[data-test=series-card]").first.click()
    player = page.locator("[data-test=player]")
    expect(player.locator("[data-test=frame]")).to_have_text("1")
    expect(player.get_by_role("heading", level=2)).to_have_text("Sliced, Otto")
    about = player.get_by_role("complementary", name="About this series")
    for told in ("SLICED-1", "Thorax", "4 · Lung", "CT", "5"):
        expect(about.get_by_role("definition").filter(has_text=re.compile(f"^{re.escape(told)}$"))).to_be_visible()


def test_a_search_finds_studies_without_a_video(page: Page) -> None:
    page.locator("[data-test=search-patient]").fill("Ida Alone")
    page.locator("[data-test=search-go]").click()
    # As texts, of which the list from before had others: one study and one text are waited for.
    expect(page.locator("[data-test=study-group] [data-test=card-title]")).to_have_text(["Head"])
    expect(page.locator("[data-test=study-group]")).to_have_count(1)
    expect(page.locator("[data-test=nothing-found]")).to_be_hidden()


def test_they_are_shown_together_with_a_video(page: Page, ours: OrthancServer) -> None:
    page.locator("[data-test=card]").click()
    page.locator("[data-test=together]").click()
    expect(page.locator("[data-test=add] option")).to_have_count(3)
    lung = page.locator("[data-test=add] option").filter(has_text="Lung").get_attribute("value")
    page.locator("[data-test=add]").select_option(lung)
    together = Together(page, ours.gateway_url)
    together.assert_frames(1, 1)
    together.part("step").select_option("frame")
    together.press("ArrowRight")
    together.assert_frames(2, 2)
    expect(together.cell(1)).to_contain_text("Lung")
    page.reload()
    together.assert_frames(1, 1)


def test_playing_goes_on_from_the_video_to_the_slices(page: Page) -> None:
    page.locator("[data-test=card]").click()
    shown = Shown(page)
    expect(shown.part("frame")).to_have_text("1")
    shown.part("at-end").select_option("next")
    shown.part("on").click()
    page.wait_for_url(re.compile("#/s/"), timeout=60_000)
    expect(shown.part("frame")).to_have_text(str(_SLICES))
    expect(shown.part("on")).to_have_attribute("aria-pressed", "false")
