"""Going to a frame: the viewer against OHIF's video viewport and a plain ``<video>``."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import requests
from playwright.sync_api import Browser, Page, expect

from benchmarks.measure import Bench, Of, Row, Target, number
from e2e.browser import Visit
from e2e.films import BAR, bars, ffmpeg
from e2e.ohif import Ohif
from e2e.orthanc_server import OrthancServer
from e2e.seeing import Shown, post

BITS = 16
_FPS, _FRAMES, _WIDTH = 25, 1000, 1280
_TURNS = 5
_LIMIT_SECONDS = 3
_HOW = (
    "{seeks} random frames of one clip (H.264, 1280 × 720, 25/s, 40 s, groups of 60 with B-frames), the same for all, "
    "in the same Chromium, from the same gateway, in turns: this viewer (its slider), OHIF 3.13.2 (its viewport's "
    "setFrameNumber), a plain `<video>` (currentTime set to number / rate). The bars of what is on its canvas, or of "
    "the `<video>`, are read in each animation frame: the time is until they show the frame asked for; wrong is what "
    f"has not shown it after {_LIMIT_SECONDS} s. Reverse: ten numbers that fall. Rates: what is taken without "
    "an error."
)
# A side is an object `sought` of its page: go to a frame; read the number that is on screen.
_READ = """(picture, bits, bar, height) => {
  const pen = window.pen ??= new OffscreenCanvas(bits * bar, 1).getContext("2d", {willReadFrequently: true});
  pen.drawImage(picture, 0, height / 2, bits * bar, 1, 0, 0, bits * bar, 1);
  const {data} = pen.getImageData(0, 0, bits * bar, 1);
  const lit = bit => data[4 * Math.floor((bit + 0.5) * bar)] > 127;
  return [...Array(bits).keys()].reduce((sum, bit) => sum + (lit(bit) ? 2 ** bit : 0), 0);
}"""
_OURS = f"""([bits, bar]) => {{
  const canvas = document.querySelector("[data-test=player] canvas");
  const slider = document.querySelector("[data-test=player] [data-test=position]");
  const read = {_READ};
  window.sought = {{
    go: place => {{
      slider.value = place + 1;
      for (const event of ["input", "change"]) slider.dispatchEvent(new Event(event));
    }},
    read: () => read(canvas, bits, bar, canvas.height),
  }};
}}"""
_PLAIN = f"""async ([bits, bar, url, fps]) => {{
  const video = document.createElement("video");
  const read = {_READ};
  video.muted = true;
  const ready = new Promise(done => video.addEventListener("canplay", done, {{once: true}}));
  video.src = url;
  document.body.append(video);
  await ready;
  window.sought = {{
    go: place => {{ video.currentTime = place / fps; }},
    read: () => read(video, bits, bar, video.videoHeight),
    rate: factor => {{ video.playbackRate = factor; }},
    play: () => video.play(),
    pause: () => video.pause(),
  }};
}}"""
_OHIF = """([bits, bar]) => {
  const viewport = window.viewport();
  viewport.pause();
  window.sought = {
    go: place => { viewport.setFrameNumber(place + 1); },
    read: () => window.shown(bits, bar),
    rate: factor => {
      viewport.setPlaybackRate(factor);
      // It takes every number, and keeps to the nearest that the browser has, or pauses.
      if (viewport.videoElement.playbackRate !== factor) throw new RangeError();
    },
    play: () => viewport.play(),
    pause: () => viewport.pause(),
  };
}"""
_SEEK = """async ([wanted, limit]) => {
  const found = [];
  for (const place of wanted) {
    const begun = performance.now();
    sought.go(place);
    let right = false;
    do {
      await new Promise(requestAnimationFrame);
      right = sought.read() === place;
    } while (!right && performance.now() - begun < limit);
    found.push(right ? performance.now() - begun : null);
  }
  return found;
}"""
_FALLS = """async () => {
  const seen = [];
  for (const end = performance.now() + 5000; seen.length < 10 && performance.now() < end;) {
    await new Promise(requestAnimationFrame);
    const number = sought.read();
    if (number !== seen.at(-1)) seen.push(number);
  }
  return seen.length === 10 && seen.every((one, at) => at === 0 || one < seen[at - 1]);
}"""
_BACK = f"""async () => {{
  try {{
    sought.rate(-1);
    await sought.play();
  }} catch (error) {{
    return `none: ${{error.name}}`;
  }}
  const falls = await ({_FALLS})();
  sought.pause();
  return falls ? "yes" : "none";
}}"""
_FACTORS = """() => [1 / 100, 1 / 50, 1 / 16, 1 / 10, 1, 10, 12, 16, 20, 50].filter(factor => {
  try {
    sought.rate(factor);
    return true;
  } catch {
    return false;
  }
})"""


@dataclass(slots=True)
class _Side:
    name: str
    page: Page
    found: list[float | None] = field(default_factory=list)
    reverse: str = ""
    rates: str = ""

    @property
    def wrong(self) -> int:
        return self.found.count(None)

    def quantile(self, share: float) -> float:
        ordered = sorted(one for one in self.found if one is not None)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")

    def seek(self, wanted: list[int]) -> None:
        self.page.bring_to_front()
        self.found += self.page.evaluate(_SEEK, [wanted, 1000 * _LIMIT_SECONDS])


def measure(bench: Bench, server: OrthancServer, browser: Browser) -> Iterator[Row]:
    instance = post(server, film(bench.folder / "clip.mp4", (_WIDTH, 720), _FPS, _FRAMES))
    wanted = random.Random(8).sample(range(_FRAMES), bench.scale.seeks)  # noqa: S311
    with ExitStack() as opened:
        visits = [Visit(browser), Visit(browser)]
        for visit in visits:
            opened.callback(visit.close)
        ohif = Ohif(browser, server.gateway_url)
        opened.callback(ohif.close)
        ours = _ours(visits[0].page, server, instance)
        rivals = [_ohif(ohif, server, instance), _plain(visits[1].page, server, instance)]
        for turn in range(_TURNS):
            for side in (ours, *rivals):
                side.seek(wanted[turn::_TURNS])
        _move_ours(ours)
        for rival in rivals:
            rival.page.bring_to_front()
            rival.reverse = rival.page.evaluate(_BACK)
            factors: list[float] = rival.page.evaluate(_FACTORS)
            rival.rates = f"{number(min(factors))} to {number(max(factors))} × its own"
    for rival in rivals:
        yield from _compared(ours, rival, _HOW.format(seeks=len(wanted)))


def _ours(page: Page, server: OrthancServer, instance: str) -> _Side:
    Shown.at(page, server.gateway_url, instance)
    page.evaluate(_OURS, [BITS, _WIDTH // BITS])
    return _Side("this viewer", page)


def _ohif(ohif: Ohif, server: OrthancServer, instance: str) -> _Side:
    tags = requests.get(f"{server.url}/instances/{instance}/simplified-tags", timeout=10).json()
    ohif.open_video(tags["StudyInstanceUID"])
    ohif.page.evaluate(_OHIF, [BITS, _WIDTH // BITS])
    return _Side("OHIF's video viewport", ohif.page)


def _plain(page: Page, server: OrthancServer, instance: str) -> _Side:
    page.goto(f"{server.gateway_url}/health")
    url = f"{server.gateway_url}/video/instances/{instance}/stream"
    page.evaluate(_PLAIN, [BITS, _WIDTH // BITS, url, _FPS])
    return _Side("plain `<video>`", page)


def _move_ours(side: _Side) -> None:
    """By its keys, and what its field takes."""
    side.page.bring_to_front()
    shown = Shown(side.page)
    side.page.evaluate("sought.go(200)")
    expect(shown.part("frame")).to_have_text("201")
    canvas = side.page.locator("[data-test=player] canvas")
    canvas.press("j")
    falls = side.page.evaluate(_FALLS)
    canvas.press("k")
    rate = shown.part("rate")
    side.reverse = "yes" if falls else "none"
    side.rates = f"{rate.get_attribute('min')} to {rate.get_attribute('max')} frames/s"


def _compared(ours: _Side, rival: _Side, how: str) -> Iterator[Row]:
    yield Row(
        measure=f"wrong frames out of {len(ours.found)} seeks : {rival.name}",
        ours=str(ours.wrong),
        rival=str(rival.wrong),
        target=Target(0, at_most=True, of=Of.OURS),
        met=ours.wrong == 0,
        how=how,
    )
    for label, share in (("p50", 0.5), ("p95", 0.95)):
        mine, theirs = ours.quantile(share), rival.quantile(share)
        yield Row(
            measure=f"from seek to the right frame, {label} : {rival.name}",
            ours=f"{number(mine)} ms",
            rival=f"{number(theirs)} ms",
            ratio=mine / theirs,
            ratio_spread="one run",
            how=how,
        )
    yield Row(measure=f"reverse play : {rival.name}", ours=ours.reverse, rival=rival.reverse, how=how)
    yield Row(measure=f"rates : {rival.name}", ours=ours.rates, rival=rival.rates, how=how)


def film(path: Path, size: tuple[int, int], fps: int, frames: int, hue: int = 0) -> Path:
    """A moving picture with each frame's number in bars across its middle."""
    (width, height), bar = size, size[0] // BITS
    raw = b"".join(bars(place, BITS, 1).tobytes() for place in range(frames))
    numbers = ["-f", "rawvideo", "-pix_fmt", "gray", "-s", f"{BITS * BAR}x1", "-r", str(fps), "-i", "-"]
    picture = ["-f", "lavfi", "-i", f"testsrc2=s={width}x{height}:r={fps},hue=h={hue}"]
    mixed = f"[0]scale={bar * BITS}:48:flags=neighbor[n];[1][n]overlay=0:(H-h)/2:shortest=1,format=yuv420p"
    coded = ["-c:v", "libx264", "-preset", "veryfast", "-profile:v", "high", "-g", "60", "-bf", "3"]
    ending = ["-frames:v", str(frames), "-movflags", "+faststart", str(path)]
    ffmpeg(*numbers, *picture, "-filter_complex", mixed, *coded, *ending, stdin=raw)
    return path
