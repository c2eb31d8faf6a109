"""The viewer in Chromium: whether frames keep to their times; and going to a frame against OHIF and ``<video>``."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from playwright.sync_api import Browser, expect

from benchmarks import seeking
from benchmarks.measure import Bench, Of, Row, Samples, Target, alone
from benchmarks.seeking import BITS, film
from e2e.browser import Visit, chromium
from e2e.ohif import package
from e2e.orthanc_server import OrthancServer
from e2e.seeing import Shown, Together, late, left_out, off, post, post_together, stood

_ALLOWED = 20.0
_RATES = (10, 30, 60)
_FOUR_FPS = 30
_TIMING = (
    "H.264, 1280 × 720, {seconds} s from the first frame on, in real time. Seen: which number is in the bars of the "
    "canvas, read in each animation frame after the page has drawn, with the time when the browser came to that one; "
    "due: its number by the rate, from the first animation frame after the key was pressed. What was never seen was "
    "not shown in time. The page had been loaded, with the timeline's pictures. "
)
_STEP = (
    "H.264, 640 × 480, {fps}/s, {seconds} s by one clock; the numbers in the bars of all four canvases, read in each "
    "animation frame. In step: they differ by one at most. {told}"
)


def measure(bench: Bench) -> Iterator[Row]:
    with (
        OrthancServer(bench.folder / "server", {"VideoGateway": {"OHIF": str(package())}}) as server,
        chromium() as browser,
    ):
        for fps in _RATES:
            yield from _timing(bench, server, browser, fps)
        yield from _in_step(bench, server, browser)
        yield from seeking.measure(bench, server, browser)


def _timing(bench: Bench, server: OrthancServer, browser: Browser, fps: int) -> Iterator[Row]:
    frames = fps * bench.scale.cine_seconds
    made = film(bench.folder / f"{fps}.mp4", (1280, 720), fps, frames + 1)
    visit = Visit(browser)
    try:
        shown = Shown.at(visit.page, server.gateway_url, post(server, made))
        expect(shown.part("frame")).to_have_text("1")
        shown.part("exact-timing").click()
        visit.page.wait_for_load_state("networkidle")
        begun, seen = shown.watch(frames, bits=BITS, bar=1280 // BITS)
        report = shown.report(bench.folder)
    finally:
        visit.close()
    anew = stood(report)
    independent = _share_in_time(off(begun, seen, fps, anew), anew, frames)
    missed = set(late(report)) | {
        place - back for place, gone in left_out(report).items() for back in range(1, gone + 1)
    }
    own = 100 * (1 - len(missed) / frames)
    line = report.splitlines()[2]
    measure = f"720p H.264 at {fps}/s for {bench.scale.cine_seconds} s, frames shown within 20 ms of their time"
    how = _TIMING.format(seconds=bench.scale.cine_seconds)
    target = Target(99, at_most=False, of=Of.OURS, unit="%")
    yield alone(measure, Samples((independent,)), "%", target=target, how=f"{how}The viewer's own report: {line}.")
    yield alone(
        f"720p H.264 at {fps}/s, the viewer's own report less what is seen, in hundredths of all frames",
        Samples((abs(own - independent),)),
        "",
        target=Target(1, at_most=True, of=Of.OURS),
        how=how,
    )


def _share_in_time(by: dict[int, float], anew: set[int], frames: int) -> float:
    """In percent; the first one is on screen before playing begins, and one that time stood still for is late."""
    in_time = [place for place, one in by.items() if abs(one) <= _ALLOWED and place not in anew]
    return 100 * len(in_time) / frames


def _in_step(bench: Bench, server: OrthancServer, browser: Browser) -> Iterator[Row]:
    frames = _FOUR_FPS * bench.scale.cine_seconds
    films = [film(bench.folder / f"step-{at}.mp4", (640, 480), _FOUR_FPS, frames + 1, 40 * at + 7) for at in range(4)]
    visit = Visit(browser)
    try:
        together = Together(visit.page, server.gateway_url)
        together.open(*post_together(server, *films))
        looks = together.watch(frames, bits=BITS, bar=640 // BITS)
    finally:
        visit.close()
    in_step = [max(numbers) - min(numbers) <= 1 for numbers, _ in looks]
    unsaid = sum(not step and not any(behind) for step, (_, behind) in zip(in_step, looks, strict=True))
    places = sorted({numbers[0] for numbers, _ in looks})
    skipped = sum(after - before - 1 for before, after in pairwise(places))
    told = f"Not in step, and none said so: {unsaid} of {len(looks)} looks. Frames of the first left out: {skipped}."
    yield alone(
        f"four 480p series together for {bench.scale.cine_seconds} s, looks in which they are in step",
        Samples((100 * sum(in_step) / len(looks),)),
        "%",
        target=Target(100, at_most=False, of=Of.OURS, unit="%"),
        how=_STEP.format(fps=_FOUR_FPS, seconds=bench.scale.cine_seconds, told=told),
    )
