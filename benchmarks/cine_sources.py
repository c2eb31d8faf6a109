"""The viewer in Chromium, and a large video: how soon its first frame is seen."""

from __future__ import annotations

import time
from collections.abc import Iterator

from benchmarks import material, servers, wire
from benchmarks.measure import MB, Bench, Of, Row, Target, alone, interleaved
from e2e.browser import Visit, chromium

_HOW = (
    "H.264, 1920 × 1080, 30/s, about 40 Mbit/s, as it is stored. From the address of the video in a browser that knows "
    "nothing of it until the canvas has the first frame: the page, the description, the index of {frames} frames, and "
    "the bytes of the first of them. Each time in a profile of its own. Browser, gateway and Orthanc share the machine."
)

# Looks in each animation frame: Playwright's own waiting does so more and more seldom.
_SHOWN = """() => new Promise(done => {
  const look = () => {
    const frame = document.querySelector("[data-test=player] [data-test=frame]");
    return frame?.textContent === "1" ? done() : requestAnimationFrame(look);
  };
  look();
})"""


def measure(bench: Bench) -> Iterator[Row]:
    film = material.Films(bench.folder).film(bench.scale.rendered)
    with servers.with_plugin(bench.folder / "server") as server, chromium() as browser:
        port = servers.port_of(server.gateway_url)
        answer = wire.post_file(port, "/instances", film.path, "video/mp4")
        if answer.document["Status"] != "Success":
            raise RuntimeError(f"the film was not stored: {answer.document}")
        instance = str(answer.document["ID"])
        frames = wire.ask(port, "GET", f"/video/instances/{instance}/index")["NumberOfFrames"]

        def first() -> float:
            visit = Visit(browser)
            try:
                began = time.perf_counter()
                visit.page.goto(f"{server.gateway_url}/#/v/{instance}", wait_until="commit")
                visit.page.evaluate(_SHOWN)
                return time.perf_counter() - began
            finally:
                visit.close()

        found = interleaved({"ours": first}, bench.scale.repetitions)
    yield alone(
        f"first frame of a video of {film.size // MB} MB in the viewer",
        found["ours"],
        "s",
        target=Target(1.0, at_most=True, of=Of.OURS, unit="s"),
        how=_HOW.format(frames=frames),
    )
