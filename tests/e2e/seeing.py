"""What one sees in the viewer, told independently of what it says: the bars of its pictures, read at each tick."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests
from playwright.sync_api import Locator, Page, expect

from e2e.films import BAR, BITS
from e2e.orthanc_server import OrthancServer

# Presses keys and moves the slider, waits until the page names the frame, and reads the bars.
_LOOKS = """async ([bits, bar, tasks]) => {
  const part = name => document.querySelector(`[data-test=player] [data-test=${name}]`);
  const canvas = document.querySelector("[data-test=player] canvas"), frame = part("frame");
  const copy = new OffscreenCanvas(canvas.width, canvas.height);
  const pen = copy.getContext("2d", {willReadFrequently: true});
  const told = () => Number(frame.textContent) - 1;
  const read = () => {
    pen.drawImage(canvas, 0, 0);
    const row = pen.getImageData(0, canvas.height / 2, bits * bar, 1).data;
    return [...Array(bits).keys()].reduce((sum, bit) => sum + (row[4 * (bit * bar + bar / 2)] > 127 ? 2 ** bit : 0), 0);
  };
  const press = key => canvas.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true}));
  const jump = place => {
    part("position").value = place + 1;
    part("position").dispatchEvent(new Event("input"));
  };
  const until = place => new Promise((done, fail) => {
    if (told() === place) return done();
    const watch = new MutationObserver(() => told() === place && (watch.disconnect(), clearTimeout(timer), done()));
    const late = `frame ${place} did not come; the page tells of ${told()}`;
    const timer = setTimeout(() => (watch.disconnect(), fail(new Error(late))), 15000);
    watch.observe(frame, {childList: true, characterData: true, subtree: true});
  });
  const tick = () => new Promise(requestAnimationFrame);
  const looks = [];
  for (const [act, place] of tasks) {
    if (act === "jump") jump(place);
    else if (act !== "play") press(act);
    if (act !== "play") {
      await until(place);
      looks.push([act, place, told(), read()]);
      continue;
    }
    // Playing: so many different frames, each of which has to be the one that the page names.
    press(place.key);
    for (let seen = 0, last = -1; seen < place.looks;) {
      await tick();
      if (told() === last) continue;
      last = told();
      seen += 1;
      looks.push([`play ${place.key}`, told(), told(), read(), performance.now()]);
    }
    press("k");
  }
  return looks;
}"""
# Plays for so many frames, and reads at each tick, after the page has drawn, which number is in the bars and whether
# there is a mark. Its time is when the browser came to the tick, before anything was drawn: what follows to the display
# takes each frame as long. Where the first frame from each of `blocked` on is seen nothing runs for 150 ms.
_WATCH = """([bits, bar, frames, blocked]) => new Promise(done => {
  const part = name => document.querySelector(`[data-test=player] [data-test=${name}]`);
  const canvas = document.querySelector("[data-test=player] canvas"), mark = part("off-time");
  const pen = new OffscreenCanvas(bits * bar, 1).getContext("2d", {willReadFrequently: true});
  const read = () => {
    pen.drawImage(canvas, 0, canvas.height / 2, bits * bar, 1, 0, 0, bits * bar, 1);
    const {data} = pen.getImageData(0, 0, bits * bar, 1);
    const lit = bit => data[4 * (bit * bar + bar / 2)] > 127;
    return [...Array(bits).keys()].reduce((sum, bit) => sum + (lit(bit) ? 2 ** bit : 0), 0);
  };
  const press = key => canvas.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true}));
  const block = () => { for (const end = performance.now() + 150; performance.now() < end;); };
  const seen = [];
  let last = read(), begun = 0, now = 0, watching = true;
  const come = () => {
    now = performance.now();
    begun ||= now;
    if (watching) requestAnimationFrame(come);
  };
  const look = () => {
    const number = read();
    if (number !== last) {
      seen.push([number, now, mark.hidden ? "" : mark.textContent]);
      if (number >= blocked[0]) blocked.shift(), block();
    }
    last = number;
    if (number < frames) return requestAnimationFrame(look);
    press("k");
    watching = false;
    done([begun, seen]);
  };
  requestAnimationFrame(come);
  press("l");
  requestAnimationFrame(look);
})"""
# Plays until the first series is at frame `until`, reads the bars of all pictures at each tick, and what each says of
# being behind. Every so many frames (0: never) nothing runs for 100 ms.
_WATCH_ALL = """([bits, bar, until, every]) => new Promise(done => {
  const cells = [...document.querySelectorAll("[data-test=cell]")];
  const canvases = cells.map(cell => cell.querySelector("canvas"));
  const pen = new OffscreenCanvas(bits * bar, 1).getContext("2d", {willReadFrequently: true});
  const read = canvas => {
    pen.drawImage(canvas, 0, canvas.height / 2, bits * bar, 1, 0, 0, bits * bar, 1);
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
    if (every && numbers[0] >= blocked + every) setTimeout(block), blocked = numbers[0];
    if (numbers[0] < until) return requestAnimationFrame(look);
    press("k");
    done(seen);
  };
  press("l");
  requestAnimationFrame(look);
})"""

# What was done, the place it should lead to, the one that is told, and the one that is seen; of playing the time, too.
Look = list[Any]
# Number, time in milliseconds and mark of a frame.
Seen = tuple[int, float, str]
# At one tick, of each series: the number, and what it says of being behind.
Glance = tuple[list[int], list[str]]


class Shown:
    """A video in the page's player."""

    def __init__(self, page: Page) -> None:
        self.page = page

    @classmethod
    def at(cls, page: Page, origin: str, instance: str) -> Shown:
        """Opens the video, which may need a rendition first, at its first frame."""
        page.goto(f"{origin}/#/v/{instance}")
        shown = cls(page)
        expect(shown.part("frame")).to_have_text("1", timeout=60_000)
        return shown

    def part(self, name: str) -> Locator:
        return self.page.locator(f"[data-test=player] [data-test={name}]")

    def choose_rate(self, rate: int) -> None:
        self.part("rate").fill(str(rate))
        self.part("rate").dispatch_event("change")

    def press(self, key: str) -> None:
        self.page.locator("[data-test=player] canvas").press(key)

    def looks(self, *tasks: tuple[str, Any], bar: int = BAR) -> list[Look]:
        """Of each task, a key or ``jump`` and the place it leads to, or ``play`` and for how many looks."""
        found: list[Look] = self.page.evaluate(_LOOKS, [BITS, bar, tasks])
        return found

    def watch(self, frames: int, *blocked: int, bits: int = BITS, bar: int = BAR) -> tuple[float, list[Seen]]:
        """And when the first animation frame after pressing play was: the frame that is there is due then."""
        begun, seen = self.page.evaluate(_WATCH, [bits, bar, frames, blocked])
        return begun, seen

    def report(self, folder: Path) -> str:
        with self.page.expect_download() as download:
            self.part("timing-download").click()
        download.value.save_as(folder / "timing.txt")
        return (folder / "timing.txt").read_text(encoding="utf-8")


Opening = Callable[[str], Shown]


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

    def watch(self, until: int, *, blocked_every: int = 0, bits: int = BITS, bar: int = BAR) -> list[Glance]:
        seen: list[Glance] = self.page.evaluate(_WATCH_ALL, [bits, bar, until, blocked_every])
        return seen


def post(server: OrthancServer, path: Path, **attributes: str) -> str:
    """The ID of what it is stored as."""
    address = f"{server.gateway_url}/video/ingest"
    answer = requests.post(address, params=attributes, data=path.read_bytes(), timeout=300)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["ID"])


def post_together(server: OrthancServer, *paths: Path) -> list[str]:
    """Likewise, each as a series of one study: of the first's."""
    first = post(server, paths[0])
    study = requests.get(f"{server.gateway_url}/video/instances/{first}", timeout=10).json()["ParentStudy"]
    return [first, *(post(server, path, ParentStudy=study) for path in paths[1:])]


def late(report: str) -> dict[int, float]:
    """By how many milliseconds each frame (from 0) was late, as the report lists them."""
    found = re.findall(r"^Frame (\d+): ([\d.]+) ms (late|early)", report, re.MULTILINE)
    return {int(frame) - 1: float(by) * (1 if way == "late" else -1) for frame, by, way in found}


def left_out(report: str) -> dict[int, int]:
    """How many frames were left out before each, likewise."""
    found = re.findall(r"^Frame (\d+): (?:.*; Frame \d+: )?(\d+) frames? left out", report, re.MULTILINE)
    return {int(frame) - 1: int(count) for frame, count in found}


def stood(report: str) -> set[int]:
    """Before which frames time stood still, likewise."""
    return {int(frame) - 1 for frame in re.findall(r"Frame (\d+): time stood still", report)}


def off(begun: float, seen: list[Seen], fps: float, anew: set[int]) -> dict[int, float]:
    """How many milliseconds after its time each frame came; time begins anew with some, where it stood still."""
    zero, found = begun, {}
    for place, now, _ in seen:
        if place in anew:
            zero = now - 1000 * place / fps
        found[place] = now - zero - 1000 * place / fps
    return found
