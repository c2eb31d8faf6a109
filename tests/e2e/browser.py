"""Chromium for the end-to-end tests: visits that remember what a page said and asked, and files dropped for real."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import (
    Browser,
    CDPSession,
    ConsoleMessage,
    Locator,
    Request,
    Response,
    ViewportSize,
    WebError,
    expect,
    sync_playwright,
)

EXECUTABLE = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# Milliseconds until something that should show up on a page counts as missing: generous, since machines are busy.
PATIENCE = 20_000
VIEWPORT_WIDTH, VIEWPORT_HEIGHT = 1280, 800

_STORAGE = """async () => [
  localStorage.length, sessionStorage.length, document.cookie.length,
  (await indexedDB.databases()).length, (await caches.keys()).length,
]"""


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's Chromium without a window. While it runs, this thread can run no event loop of its own."""
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=EXECUTABLE, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def visiting(browser: Browser, origin: str, *expected: str, **context: Any) -> Iterator[Visit]:
    """A visit at whose end the page must have behaved (``Visit.assert_well_behaved``)."""
    visit = Visit(browser, **context)
    try:
        yield visit
        visit.assert_well_behaved(origin, *expected)
    finally:
        visit.close()


class Visit:
    """One page in a profile of its own, with all that it and the pages it opens have done."""

    def __init__(self, browser: Browser, **context: Any) -> None:
        size: ViewportSize = {"width": VIEWPORT_WIDTH, "height": VIEWPORT_HEIGHT}
        self.context = browser.new_context(viewport=size, **context)
        self.errors: list[str] = []
        self.requests: list[str] = []
        self.sent: list[tuple[str, dict[str, str]]] = []
        self.responses: list[tuple[int, str]] = []
        self.context.on("console", self._on_console)
        self.context.on("weberror", self._on_error)
        self.context.on("request", self._on_request)
        self.context.on("response", self._on_response)
        self.page = self.context.new_page()

    def close(self) -> None:
        self.context.close()

    def forget(self) -> None:
        """Nothing that was done before counts."""
        for done in (self.errors, self.requests, self.sent, self.responses):
            done.clear()

    def developer(self) -> CDPSession:
        """What the browser's developer tools can do."""
        return self.context.new_cdp_session(self.page)

    def drop(self, target: Locator, *paths: Path) -> None:
        """Files dragged over ``target`` and dropped there, as trusted events from the browser itself."""
        place = self._middle(target)
        data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
        session = self.developer()
        for kind in ("dragEnter", "dragOver", "drop"):
            session.send("Input.dispatchDragEvent", {"type": kind, **place, "data": data})
        session.detach()

    def _middle(self, target: Locator) -> dict[str, float]:
        """The middle of what can be seen of ``target``, which may be longer than the window."""
        target.scroll_into_view_if_needed()
        box = target.bounding_box()
        assert box is not None, "the target of the drop is not on the page"
        left, right = max(box["x"], 0), min(box["x"] + box["width"], VIEWPORT_WIDTH)
        top, bottom = max(box["y"], 0), min(box["y"] + box["height"], VIEWPORT_HEIGHT)
        return {"x": (left + right) / 2, "y": (top + bottom) / 2}

    def assert_well_behaved(self, origin: str, *expected: str) -> None:
        """No error but those that contain one of ``expected``, nothing asked elsewhere, nothing kept in the browser."""
        surprises = [error for error in self.errors if not any(part in error for part in expected)]
        assert not surprises, f"errors and warnings in the browser: {surprises}"
        own = (origin + "/", f"blob:{origin}/", "data:")
        elsewhere = [url for url in self.requests if not url.startswith(own)]
        assert not elsewhere, f"asked of others: {elsewhere}"
        kept = self.page.evaluate(_STORAGE)
        assert not any(kept), f"kept in localStorage, sessionStorage, cookies, IndexedDB, caches: {kept}"

    def _on_console(self, message: ConsoleMessage) -> None:
        # What a content security policy refuses is an error on the console, too.
        if message.type in {"error", "warning"}:
            self.errors.append(f"{message.text} ({message.location['url']})")

    def _on_error(self, error: WebError) -> None:
        self.errors.append(str(error.error))

    def _on_request(self, request: Request) -> None:
        self.requests.append(request.url)
        self.sent.append((request.method, request.headers))

    def _on_response(self, response: Response) -> None:
        self.responses.append((response.status, response.url))
