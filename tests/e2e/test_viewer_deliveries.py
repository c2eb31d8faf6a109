"""A person sends a video from the viewer, and sees what becomes of it: in which form, why, after how many attempts."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, Locator, Page, expect

import peers
from e2e.browser import visiting
from e2e.orthanc_server import OrthancServer
from e2e.recordings import Recordings, store

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OrthancServer]:
    configuration = {
        "VideoGateway": {"Destinations": {"HASTY": {"TimeoutSeconds": 2}}},
        "DicomModalities": {"Source": {"AET": "SRC", "Host": "127.0.0.1", "Port": 9, "AllowStore": False}},
    }
    with OrthancServer(tmp_path_factory.mktemp("deliveries"), configuration) as running:
        yield running


@pytest.fixture
def page(server: OrthancServer, browser: Browser, recordings: Recordings) -> Iterator[Page]:
    """A video in the player. At the end the page must have behaved."""
    with visiting(browser, server.gateway_url) as visit:
        visit.page.goto(f"{server.gateway_url}/#/v/{store(server, recordings.one())}")
        yield visit.page


def known_as(server: OrthancServer, peer: peers.Peer, name: str = "") -> str:
    dimse, name = peer.dimse(), name or f"PEER-{next(_numbers)}"
    entry = {"AET": dimse.aet, "Host": dimse.host, "Port": dimse.port}
    assert requests.put(f"{server.url}/modalities/{name}", json=entry, timeout=10).status_code == 200
    return name


def part(page: Page, name: str) -> Locator:
    return page.locator(f"[data-test={name}]")


def send(page: Page, name: str) -> None:
    page.reload()  # the destination is new
    part(page, "destination").select_option(name)
    part(page, "send").click()


def picture(page: Page, name: str) -> None:
    """For whoever wants to see it."""
    if folder := os.environ.get("ORTHANC_VIDEO_SEEN"):
        page.screenshot(path=str(Path(folder) / name))


def test_a_delivery_tells_its_form_and_why(server: OrthancServer, page: Page, tmp_path: Path) -> None:
    with peers.JpegOnly(tmp_path) as peer:
        name = known_as(server, peer)
        expect(part(page, "deliveries")).to_contain_text("It has not been sent anywhere.")
        send(page, name)
        expect(part(page, "delivery-state")).to_have_text("Delivered", timeout=60_000)
        assert len(peer.received()) == 1
        expect(part(page, "delivery")).to_contain_text(re.compile(rf"^{name}On request, "))
        expect(part(page, "delivery-form")).to_have_text(
            "Each frame coded by itself, in one object: Video Photographic, JPEG Baseline"
        )
        expect(part(page, "delivery-reasons")).to_contain_text("Not as it is stored")
        expect(part(page, "delivery-proof")).to_have_text("Asked afterwards, the destination finds it (C-FIND).")
        attempts = part(page, "delivery-attempts")
        expect(attempts.locator("summary")).to_have_text("1 attempt")
        attempts.locator("summary").click()
        expect(attempts.locator("li")).to_contain_text(re.compile("Stored there.*JPEG Baseline"))
        picture(page, "delivered.png")
        page.get_by_role("button", name=f"Send again to {name}").click()
        expect(part(page, "delivery-state")).to_have_text(["Delivered", "Delivered"], timeout=60_000)
        assert peer.stores == 2


def test_what_failed_is_tried_again(server: OrthancServer, page: Page, tmp_path: Path) -> None:
    class Forgetting(peers.Peer):
        forgetting = True

        def keep(self, event: Any) -> None:
            if not self.forgetting:
                super().keep(event)

    with Forgetting(tmp_path) as peer:
        name = known_as(server, peer, "HASTY")
        send(page, name)
        expect(part(page, "delivery-state")).to_have_text("Not delivered", timeout=60_000)
        expect(part(page, "delivery-sentence")).to_contain_text("does not find it")
        expect(part(page, "delivery-proof")).to_have_count(0)
        picture(page, "failed.png")
        peer.forgetting = False
        page.get_by_role("button", name=f"Try again to send to {name}").click()
        expect(part(page, "delivery-state")).to_have_text("Delivered", timeout=60_000)
        assert len(peer.received()) == 1


def test_a_delivery_that_is_tried_for_long_can_be_cancelled(server: OrthancServer, page: Page, tmp_path: Path) -> None:
    with peers.Refusing(tmp_path, 0xA700, "disk full") as peer:
        name = known_as(server, peer)
        send(page, name)
        expect(part(page, "delivery-attempts").locator("summary")).to_have_text("2 attempts", timeout=60_000)
        expect(part(page, "delivery-state")).to_have_text("Waiting to try again")
        part(page, "delivery-attempts").locator("summary").click()
        expect(part(page, "delivery-attempts")).to_contain_text("out of resources: disk full (status A700)")
        expect(part(page, "delivery-attempts").locator("summary")).to_have_text("3 attempts", timeout=60_000)
        expect(part(page, "delivery-attempts").locator("li").first).to_be_visible()
        expect(part(page, "delivery-attempts").locator("summary")).to_be_focused()
        picture(page, "waiting.png")
        page.get_by_role("button", name=f"Cancel sending to {name}").click()
        expect(part(page, "delivery-state")).to_have_text("Cancelled")
        expect(page.get_by_role("button", name=f"Send again to {name}")).to_be_visible()


def test_where_nothing_can_be_sent_says_why(page: Page) -> None:
    option = part(page, "destination").locator("option[value=Source]")
    expect(option).to_be_disabled()
    expect(part(page, "deliveries")).to_contain_text('Orthanc is not to store on Source ("AllowStore" is false).')
