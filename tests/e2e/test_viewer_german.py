"""The viewer in a browser that asks for German: its own sentences are German, the server's are marked as English."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser, Locator, Page, expect

from e2e.browser import visiting
from e2e.films import Films
from e2e.generation import only_once
from e2e.orthanc_server import OrthancServer

pytestmark = only_once

LONG = 60_000
REFUSED = "status of 415"


@pytest.fixture
def page(server: OrthancServer, browser: Browser) -> Iterator[Page]:
    with visiting(browser, server.gateway_url, REFUSED, locale="de-DE") as visit:
        visit.page.goto(f"{server.gateway_url}/")
        yield visit.page


def part(page: Page, name: str) -> Locator:
    return page.locator(f"[data-test={name}]")


def test_the_list_and_an_upload(page: Page, films: Films) -> None:
    expect(page.locator("html")).to_have_attribute("lang", "de")
    expect(part(page, "refresh")).to_have_text("Aktualisieren")
    part(page, "upload-input").set_input_files(films.unique())
    expect(page.get_by_role("dialog", name="Von wem ist das Video?")).to_be_visible()
    page.get_by_role("button", name="Ohne Angabe hochladen").click()
    expect(part(page, "upload-message")).to_have_text("Unverändert gespeichert.", timeout=LONG)
    assert part(page, "upload-message").get_attribute("lang") is None
    expect(part(page, "upload-play")).to_have_text("Abspielen")


def test_what_the_server_says_is_marked_as_english(page: Page, tmp_path: Path) -> None:
    letter = tmp_path / "brief.txt"
    letter.write_text("Sehr geehrte Damen und Herren,\n" * 50, encoding="utf-8")
    part(page, "upload-input").set_input_files(letter)
    part(page, "whose-unsaid").click()
    expect(part(page, "upload-message")).to_have_attribute("lang", "en")
    expect(part(page, "upload-message")).to_contain_text("text")


def test_the_player(server: OrthancServer, page: Page, films: Films) -> None:
    url, film = f"{server.gateway_url}/video/ingest", films.unique(size="320x240")
    told = {"PatientName": "Mustermann^Max", "PatientID": "DEUTSCH", "StudyDate": "20261121"}
    answer = requests.post(url, params=told, data=film.read_bytes(), timeout=60).json()
    page.goto(f"{server.gateway_url}/#/v/{answer['ID']}")
    about = page.get_by_role("complementary", name="Über dieses Video")
    expect(about).to_contain_text("Untersuchungsdatum21.11.2026")
    expect(about).to_contain_text(re.compile("Dateigröße[0-9]+(,[0-9])? [kM]B"))
    expect(part(page, "plan")).to_contain_text("Verpackt: der Datenstrom ist unverändert")
    expect(part(page, "plan").locator("li").first).to_have_text(
        "Die Bilder sind H.264 im Profil High und bleiben unverändert."
    )
    expect(part(page, "plan").locator("[lang]")).to_have_count(0)
    expect(part(page, "frame")).to_have_text("1")
    expect(part(page, "time")).to_have_text("00:00:00,000")
    expect(page.get_by_role("button", name="Rückwärts abspielen (J)")).to_be_visible()
