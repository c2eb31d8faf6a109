"""The list by study, searched; and whose a video is, said before it is uploaded. Nothing of it is left behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, Locator, Page, expect

from e2e.browser import visiting
from e2e.films import Films
from e2e.orthanc_server import OrthancServer

LONG = 60_000
# Nobody's: no other test says these words, so that they are found wherever they are left.
_HELD = [
    ("Quillfeather^Anna", "QX-1", "20261101", "Gastroscopy"),
    ("Quillfeather^Anna", "QX-1", "20261101", "Gastroscopy"),
    ("Thistledown^Berta", "TX-2", "20261115", "Colonoscopy"),
]
_PRIVATE = ("quill", "thistle", "qx-1", "tx-2", "newcomer", "nx-3")


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory, films: Films) -> Iterator[OrthancServer]:
    with OrthancServer(tmp_path_factory.mktemp("whose")) as running:
        study = ""
        for name, number, date, description in _HELD:
            told = {"PatientName": name, "PatientID": number, "StudyDate": date, "StudyDescription": description}
            told = {"ParentStudy": study} if study and number == "QX-1" else told
            answer = requests.post(
                f"{running.gateway_url}/video/ingest", params=told, data=films.unique().read_bytes(), timeout=60
            ).json()
            study = answer["ParentStudy"]
        yield running


@pytest.fixture
def page(ours: OrthancServer, browser: Browser) -> Iterator[Page]:
    """At the end nothing that was typed or shown may be in an address, or kept."""
    with visiting(browser, ours.gateway_url) as visit:
        visit.page.goto(f"{ours.gateway_url}/")
        expect(part(visit.page, "count")).not_to_be_empty()
        yield visit.page
        left = [url for url in (*visit.requests, visit.page.url) if any(one in url.lower() for one in _PRIVATE)]
        assert not left, f"of a patient, in addresses: {left}"


def part(page: Page, name: str) -> Locator:
    return page.locator(f"[data-test={name}]")


def described(server: OrthancServer, page: Page) -> dict[str, Any]:
    """What the one upload's row has come to."""
    expect(part(page, "upload-play")).to_be_visible(timeout=LONG)
    instance = (part(page, "upload-play").get_attribute("href") or "").removeprefix("#/v/")
    found: dict[str, Any] = requests.get(f"{server.url}/instances/{instance}/simplified-tags", timeout=10).json()
    return found


def test_the_list_is_by_study(page: Page) -> None:
    study = page.get_by_role("region", name="Quillfeather, Anna")
    expect(study).to_contain_text("2026-11-01")
    expect(study).to_contain_text("Gastroscopy")
    expect(study.get_by_role("link")).to_have_count(2)


def test_the_list_is_searched(page: Page) -> None:
    groups = part(page, "study-group")
    part(page, "search-patient").fill("thistle")
    part(page, "search-patient").press("Enter")
    expect(groups).to_have_count(1)
    expect(groups).to_contain_text("Thistledown, Berta")
    expect(part(page, "count")).to_have_text("1 video")
    part(page, "search-from").fill("2026-11-16")
    part(page, "search-go").click()
    expect(part(page, "nothing-found")).to_be_visible()
    expect(groups).to_have_count(0)
    part(page, "search-all").click()
    expect(page.get_by_role("region", name="Quillfeather, Anna")).to_be_visible()
    part(page, "search-description").fill("gastro")
    part(page, "search-go").click()
    expect(groups).to_have_count(1)
    expect(groups).to_contain_text("Quillfeather, Anna")


def test_a_video_joins_a_study_that_was_found(ours: OrthancServer, page: Page, films: Films) -> None:
    part(page, "upload-input").set_input_files(films.unique())
    expect(part(page, "whose-said")).to_be_disabled()
    part(page, "whose-search").fill("quillfeather")
    part(page, "whose-search").press("Enter")
    part(page, "whose-study").filter(has_text="Gastroscopy").first.click()
    page.get_by_role("button", name="Upload for Quillfeather, Anna").click()
    expect(part(page, "whose")).to_be_hidden()
    found = described(ours, page)
    assert (found["PatientID"], found["StudyDate"], found["StudyDescription"]) == ("QX-1", "20261101", "Gastroscopy")


def test_a_new_study_of_a_patient_who_was_found(ours: OrthancServer, page: Page, films: Films) -> None:
    part(page, "upload-input").set_input_files(films.unique())
    part(page, "whose-search").fill("TX-2")
    part(page, "whose-go").click()
    part(page, "whose-study").first.get_by_role("radio").check()
    part(page, "whose-new").check()
    part(page, "whose-description").fill("Follow-up")
    part(page, "whose-said").click()
    found = described(ours, page)
    assert (found["PatientName"], found["PatientID"]) == ("Thistledown^Berta", "TX-2")
    assert found["StudyDescription"] == "Follow-up"


def test_a_patient_whom_orthanc_does_not_know(ours: OrthancServer, page: Page, films: Films) -> None:
    part(page, "upload-input").set_input_files(films.unique())
    part(page, "whose-search").fill("newcomer")
    part(page, "whose-go").click()
    expect(part(page, "whose")).to_contain_text("No study fits this search.")
    page.get_by_text("Not in Orthanc yet").click()
    part(page, "whose-PatientName").fill("Newcomer^Nora")
    part(page, "whose-PatientID").fill("NX-3")
    part(page, "whose-PatientBirthDate").fill("1970-01-31")
    part(page, "whose-said").click()
    found = described(ours, page)
    told = [found[key] for key in ("PatientName", "PatientID", "PatientBirthDate")]
    assert told == ["Newcomer^Nora", "NX-3", "19700131"]
    # What was typed is not there when it asks again.
    part(page, "upload-input").set_input_files(films.unique())
    expect(part(page, "whose-PatientName")).to_have_value("")
    expect(part(page, "whose-search")).to_have_value("")
    part(page, "whose-cancel").click()
    expect(part(page, "upload-row")).to_have_count(1)


def test_escape_uploads_nothing(page: Page, films: Films) -> None:
    part(page, "upload-input").set_input_files(films.unique())
    expect(part(page, "whose-files")).to_contain_text("1 file: unique-")
    page.keyboard.press("Escape")
    expect(part(page, "whose")).to_be_hidden()
    expect(part(page, "uploads")).to_be_hidden()


def test_dicom_says_itself_whose_it_is(page: Page, films: Films) -> None:
    part(page, "upload-input").set_input_files(films.image())
    expect(part(page, "upload-message")).to_have_text("Stored.", timeout=LONG)


def test_files_dropped_while_it_asks_are_asked_about_together(page: Page, films: Films, tmp_path: Path) -> None:
    first, second = films.unique(), films.unique().rename(tmp_path / "second.mp4")
    part(page, "upload-input").set_input_files(first)
    expect(part(page, "whose-files")).to_contain_text("1 file")
    part(page, "upload-input").set_input_files(second)
    expect(part(page, "whose-files")).to_have_text(f"2 files: {first.name}, second.mp4")
    part(page, "whose-unsaid").click()
    expect(part(page, "upload-name")).to_have_text([first.name, "second.mp4"])
    expect(part(page, "upload-play")).to_have_count(2, timeout=LONG)
