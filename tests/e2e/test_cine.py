"""The viewer's engine in Chromium: the number in a frame's bars is the number that was asked for, whatever is done."""

from __future__ import annotations

import gzip
import random
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from playwright.sync_api import Browser, Route, expect
from pydicom.uid import generate_uid

from cines import LOSSLESS, LOSSY, coded, film
from e2e.browser import Visit, visiting
from e2e.films import BAR, BITS, Films, bars, ffmpeg
from e2e.generation import only_once
from e2e.orthanc_server import REPOSITORY, OrthancServer
from e2e.recordings import store
from e2e.seeing import Look, Opening, Shown, post

pytestmark = only_once

FRAMES = 300
CT = "1.2.840.10008.5.1.4.1.1.2"
X264 = ["-c:v", "libx264", "-preset", "veryfast"]
# Times in milliseconds that are 40 apart in the mean, 10 at least and 70 at most.
UNEVEN = "settb=1/1000,setpts='40*N+10*mod(N*N\\,5)'"
# Frame rate and encoding of each film; what is not H.264 plays by its rendition.
FILMS: dict[str, tuple[str, list[str]]] = {
    "23.976": ("24000/1001", [*X264, "-bf", "3", "-g", "60"]),
    "25 without B-frames": ("25", [*X264, "-bf", "0", "-g", "250"]),
    "29.97": ("30000/1001", [*X264, "-bf", "3", "-g", "60"]),
    "50": ("50", [*X264, "-bf", "2", "-g", "30"]),
    "59.94 with a pyramid": (
        "60000/1001",
        [*X264, "-bf", "8", "-g", "250", "-x264-params", "b-pyramid=normal:b-adapt=0"],
    ),
    "variable": (
        "25",
        ["-vf", UNEVEN, "-fps_mode", "passthrough", "-enc_time_base", "1:1000", *X264, "-bf", "3", "-g", "30"],
    ),
    "open groups": ("25", [*X264, "-bf", "3", "-g", "30", "-x264-params", "open-gop=1"]),
    "groups of 1": ("30000/1001", [*X264, "-g", "1"]),
    "groups of 30": ("25", [*X264, "-bf", "3", "-g", "30", "-keyint_min", "30"]),
    "groups of 250": ("30000/1001", [*X264, "-bf", "3", "-g", "250", "-keyint_min", "250", "-sc_threshold", "0"]),
    "MPEG-2": ("25", ["-c:v", "mpeg2video", "-bf", "2", "-g", "12", "-q:v", "3", "-f", "mpegts"]),
}
LEAST_LOOKS = 190  # of each film: more than 2000 in all


@pytest.fixture
def visit(browser: Browser, server: OrthancServer) -> Iterator[Visit]:
    # While a rendition is made, the page is told to wait; some tests break the line on purpose.
    with visiting(browser, server.gateway_url, "status of 503", "ERR_FAILED") as one:
        yield one


def made(films: Films, name: str, frames: int = FRAMES, scale: int = 1) -> Path:
    """A film of bars as ``FILMS`` says, each pixel of it ``scale`` wide and high."""
    path = films.folder / f"cine-{name.replace(' ', '-')}-{scale}.{'ts' if name == 'MPEG-2' else 'mp4'}"
    if not path.exists():
        rate, encoding = FILMS[name]
        raw = b"".join(bars(number).tobytes() for number in range(frames))
        size = ["-f", "rawvideo", "-pix_fmt", "gray", "-s", f"{BITS * BAR}x96", "-r", rate]
        larger = ["-s", f"{BITS * BAR * scale}x{96 * scale}"] if scale > 1 else []
        index = [] if name == "MPEG-2" else ["-movflags", "+faststart"]
        ffmpeg(*size, "-i", "-", *larger, *encoding, "-pix_fmt", "yuv420p", *index, str(path), stdin=raw)
    return path


def moves(seed: str, frames: int = FRAMES) -> list[tuple[str, Any]]:
    """Steps, jumps, a range and both its ends, and playing in it, forwards and backwards."""
    chance = random.Random(seed)  # noqa: S311
    last = frames - 1
    tasks: list[tuple[str, Any]] = [("ArrowRight", place) for place in range(1, 41)]
    tasks += [("jump", place) for place in chance.sample(range(frames), 40)]
    tasks += [("jump", last), *(("ArrowLeft", place) for place in range(last - 1, last - 36, -1))]
    tasks += [("Home", 0), ("End", last)]
    first = chance.randrange(20, 90)
    tasks += [("jump", first), ("i", first), ("jump", first + 24), ("o", first + 24)]
    tasks += [("Home", first), ("play", {"key": "l", "looks": 35}), ("End", first + 24), ("Home", first)]
    tasks += [("End", first + 24), ("play", {"key": "j", "looks": 35}), ("Home", first), ("End", first + 24)]
    return tasks


def rounds(looks: list[Look]) -> list[int]:
    """By how many frames each frame played is after the one before."""
    places = [told for _, _, told, *_ in looks]
    return [after - before for before, after in pairwise(places)]


@pytest.mark.parametrize("name", FILMS)
def test_the_frame_shown_is_the_frame_asked_for(
    name: str, server: OrthancServer, films: Films, opened: Opening
) -> None:
    instance = post(server, made(films, name))
    facts = requests.get(f"{server.gateway_url}/video/instances/{instance}", timeout=10).json()
    assert facts["NumberOfFrames"] == FRAMES
    assert_right(opened(instance).looks(*moves(name)))


def assert_right(looks: list[Look]) -> None:
    """That ``moves`` were followed."""
    wrong = [look for look in looks if not look[1] == look[2] == look[3]]
    assert wrong == []
    assert len(looks) >= LEAST_LOOKS
    for key, direction in (("l", 1), ("j", -1)):
        played = [look for look in looks if look[0] == f"play {key}"]
        first, last = min(look[2] for look in looks if look[0] == "i"), max(look[2] for look in looks if look[0] == "o")
        assert all(first <= place <= last for _, _, place, *_ in played)
        # Within the range it goes on in its direction, and begins anew at its end.
        turns = [step for step in rounds(played) if step * direction < 0]
        assert turns
        assert all(-step * direction > (last - first) / 2 for step in turns)


PICTURES = 120
# Of each kind of single pictures, the program that makes it, and where the viewer has its frames from.
STILLS = {
    "JPEG": (LOSSY["50 4:2:0"], "/stream?"),
    "JPEG-LS": (LOSSLESS["80"], "/frames/"),
    "RLE": (LOSSLESS["5"], "/frames/"),
}


def slowly(shown: Shown) -> Shown:
    """At a rate at which a busy machine draws each frame in time: what comes late may be passed over."""
    shown.part("rate").fill("8")
    shown.part("rate").dispatch_event("change")
    return shown


@pytest.mark.parametrize("kind", STILLS)
def test_single_pictures(kind: str, server: OrthancServer, tmp_path: Path, opened: Opening, visit: Visit) -> None:
    """JPEG by ranges of the stored object's bytes, what no browser decodes as the gateway draws it; no rendition."""
    program, source = STILLS[kind]
    colours = np.stack([bars(number) for number in range(PICTURES)])[..., None].repeat(3, axis=-1)
    instance = store(server, coded(film(tmp_path / "film.dcm", colours, FrameTime="40"), program).read_bytes())
    shown = slowly(opened(instance))
    assert_right(shown.looks(*moves(kind, PICTURES)))
    assert any(source in url for _, url in visit.responses)
    assert not [url for url in visit.requests if url.endswith(("/stream", "/index"))]


def test_a_series_of_slices(server: OrthancServer, tmp_path: Path, visit: Visit) -> None:
    """As many objects as pictures, numbered from the feet up, and lying in the body the other way round."""
    series = {
        "SOPClassUID": CT,
        "Modality": "CT",
        "StudyInstanceUID": generate_uid(),
        "SeriesInstanceUID": generate_uid(),
    }
    placed: dict[str, Any] = {
        "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
        "RescaleSlope": 1,
        "RescaleIntercept": -1024,
    }
    for place in range(PICTURES):
        values = bars(place)[None].astype(np.int16) * 4
        said: dict[str, Any] = {"InstanceNumber": PICTURES - place, "ImagePositionPatient": [-96, -48, place * 2.5]}
        more: dict[str, Any] = {"NumberOfFrames": None, "FrameTime": None, "FrameIncrementPointer": None}
        window: dict[str, Any] = {"WindowCenter": "-524", "WindowWidth": "1000"}
        path = film(tmp_path / f"{place}.dcm", values, bits=12, **series, **placed, **said, **more, **window)
        stored = store(server, path.read_bytes())
    parent = requests.get(f"{server.url}/instances/{stored}/series", timeout=10).json()["ID"]
    visit.page.goto(f"{server.gateway_url}/#/s/{parent}")
    shown = Shown(visit.page)
    expect(shown.part("frame")).to_have_text("1", timeout=60_000)
    assert_right(slowly(shown).looks(*moves("slices", PICTURES)))


def test_it_plays_by_time(server: OrthancServer, films: Films, opened: Opening) -> None:
    """In real time and at a rate: how far it has come is what the page's own clock says, to a few display ticks."""
    film = opened(post(server, made(films, "50")))
    for rate, fps in (("", 50.0), ("10", 10.0), ("120", 120.0)):
        film.part("rate").fill(rate)
        film.part("rate").dispatch_event("change")
        begun, *played = film.looks(("jump", 10), ("play", {"key": "l", "looks": 12}))
        assert begun[3] == 10
        assert all(look[2] == look[3] for look in played)
        _, _, first, _, start = played[1]
        for _, _, place, _, now in played[2:]:
            assert (place - first) / fps == pytest.approx((now - start) / 1000, abs=0.05 + 1 / fps)


def test_the_ends_of_a_range(server: OrthancServer, films: Films, opened: Opening) -> None:
    film = opened(post(server, made(films, "50")))
    film.part("at-end").select_option("stop")
    film.looks(("jump", 30), ("i", 30), ("jump", 40), ("o", 40), ("Home", 30))
    expect(film.part("range-of")).to_have_text("Range 31–41")
    film.page.locator("[data-test=player] canvas").press("l")
    expect(film.part("on")).to_have_attribute("aria-pressed", "false")
    assert film.looks(("k", 40))[0][3] == 40
    film.part("at-end").select_option("swing")
    played = film.looks(("play", {"key": "l", "looks": 40}))
    steps = rounds(played)
    assert min(steps) < 0 < max(steps)
    assert max(abs(step) for step in steps) <= 5
    assert all(30 <= look[2] == look[3] <= 40 for look in played)


def test_a_line_that_drops_requests(server: OrthancServer, films: Films, opened: Opening, visit: Visit) -> None:
    """Every second request for bytes is lost: nobody notices."""
    asked: list[str] = []

    def lose(route: Route) -> None:
        asked.append(route.request.headers.get("range", ""))
        if len(asked) % 2:
            route.abort()
        else:
            route.continue_()

    visit.context.route("**/stream", lose)
    film = opened(post(server, made(films, "groups of 30")))
    looks = film.looks(*(("jump", place) for place in (299, 0, 150, 75, 220)), ("play", {"key": "l", "looks": 20}))
    assert all(look[1] == look[2] == look[3] for look in looks)
    assert len(asked) >= 8


def test_frames_are_thrown_away_and_had_again(server: OrthancServer, films: Films, opened: Opening) -> None:
    """More than half a gigabyte of them: 300 frames of 1920 × 960."""
    film = opened(post(server, made(films, "groups of 250", scale=10)))
    tasks = [(way, place) for start in (299, 120) for way, place in [("jump", start), ("ArrowLeft", start - 1)]]
    tasks += [("jump", place) for place in (0, 299, 1, 298, 150)]
    looks = film.looks(*tasks, ("play", {"key": "l", "looks": 60}), ("play", {"key": "j", "looks": 30}), bar=10 * BAR)
    assert all(look[1] == look[2] == look[3] for look in looks)


def test_closing_ends_it(server: OrthancServer, films: Films, opened: Opening) -> None:
    """Nothing goes on decoding, and no frame is left to the browser to clean up, of which it would complain."""
    film = opened(post(server, made(films, "50")))
    film.looks(("play", {"key": "l", "looks": 3}))
    canvas = film.page.locator("[data-test=player] canvas")
    canvas.press("l")
    (worker,) = film.page.workers
    with worker.expect_event("close"):
        canvas.press("Escape")
    expect(film.part("frame")).to_have_count(0)
    film.page.context.new_cdp_session(film.page).send("HeapProfiler.collectGarbage")


def test_a_stream_that_cannot_be_had(server: OrthancServer, films: Films, opened: Opening, visit: Visit) -> None:
    """The page says so, and shows it as soon as it can be had."""
    film = opened(post(server, made(films, "groups of 30")))
    visit.context.route("**/stream", lambda route: route.abort())
    film.page.locator("[data-test=player] canvas").press("End")
    expect(film.part("trouble")).to_contain_text("cannot be loaded at the moment")
    visit.context.unroute("**/stream")
    expect(film.part("frame")).to_have_text("300")
    expect(film.part("trouble")).to_be_hidden()
    film.looks(("ArrowLeft", 298))


@pytest.mark.parametrize("missing", ["VideoDecoder", "isSecureContext"])
def test_without_webcodecs_it_plays_all_the_same(
    missing: str, server: OrthancServer, films: Films, visit: Visit
) -> None:
    """By the browser alone, and says what is lost. A page that came over an unprotected line has no VideoDecoder."""
    hide = "delete globalThis.VideoDecoder;"
    if missing == "isSecureContext":
        hide += "Object.defineProperty(globalThis, 'isSecureContext', {value: false});"
    visit.context.add_init_script(hide)
    visit.page.goto(f"{server.gateway_url}/#/v/{post(server, made(films, '50'))}")
    sentence = "With HTTPS" if missing == "isSecureContext" else "it cannot decode this video frame by frame"
    expect(visit.page.locator("[data-test=plain-note]")).to_contain_text(sentence)
    video = visit.page.locator("[data-test=player] video")
    assert video.evaluate("video => new Promise(done => { video.onplaying = () => done(true); video.play(); })")


_READ = """([video, bits, bar]) => {
  const pen = new OffscreenCanvas(bits * bar, 1).getContext("2d", {willReadFrequently: true});
  pen.drawImage(video, 0, video.videoHeight / 2, bits * bar, 1, 0, 0, bits * bar, 1);
  const {data} = pen.getImageData(0, 0, bits * bar, 1);
  return [...Array(bits).keys()].reduce((sum, bit) => sum + (data[4 * (bit * bar + bar / 2)] > 127 ? 2 ** bit : 0), 0);
}"""


def test_the_keys_of_the_browsers_own_player(server: OrthancServer, films: Films, visit: Visit) -> None:
    """Steps by the video's rate, ranges, help; J steps back, since it plays in no other direction."""
    visit.context.add_init_script("delete globalThis.VideoDecoder;")
    page = visit.page
    page.goto(f"{server.gateway_url}/#/v/{post(server, made(films, '29.97'))}")
    video = page.locator("[data-test=player] video")
    video.evaluate("video => video.readyState > 1 || new Promise(done => { video.onloadeddata = () => done(); })")
    part = page.locator("[data-test=player]").locator

    def press(*keys: str) -> None:
        for key in keys:
            video.press(key)

    def assert_at(number: int) -> None:
        """The frame that is told and seen, from 0."""
        expect(part("[data-test=frame]")).to_have_text(str(number + 1))
        assert video.evaluate(f"video => ({_READ})([video, {BITS}, {BAR}])") == number

    press(*["ArrowRight"] * 5)
    assert_at(5)
    press(",", ",", ".", "j")
    assert_at(3)
    press("End")
    assert_at(299)
    press("ArrowLeft", "ArrowLeft", "o")
    assert_at(297)
    press("ArrowLeft", "ArrowLeft", "ArrowLeft", "i")
    expect(part("[data-test=range-of]")).to_have_text("Range 295–298")
    press("l")
    assert not video.evaluate("video => video.paused")
    page.wait_for_timeout(1000)  # longer than the range takes, and the film from there
    assert not video.evaluate("video => video.paused || video.ended")
    press("k")
    assert video.evaluate("video => video.paused")
    assert 293 <= int(part("[data-test=frame]").text_content() or 0) - 1 <= 299
    press("x", "Home")
    assert_at(0)
    part("[data-test=stepOn]").click()
    assert_at(1)
    press(" ")
    assert not video.evaluate("video => video.paused")
    press(" ", "?")
    expect(part("[data-test=keys]")).to_be_visible()
    expect(part("[data-test=keys]")).not_to_contain_text("Play backwards")
    expect(page.locator("[data-test=plain-note]")).to_contain_text("no reverse (J steps back)")


@pytest.mark.parametrize("plain", [False, True], ids=["exact", "plain"])
def test_full_screen(plain: bool, server: OrthancServer, films: Films, opened: Opening) -> None:
    film = opened(post(server, made(films, "50")))
    if plain:
        film.part("plain").click()
    filled = "() => document.fullscreenElement?.className ?? ''"
    for key in ("", "f"):
        expect(film.part("full-screen")).to_have_attribute("aria-pressed", "false")
        if key:
            film.page.keyboard.press(key)
        else:
            film.part("full-screen").click()
        expect(film.part("full-screen")).to_have_attribute("aria-pressed", "true")
        assert film.page.evaluate(filled) == "stage"
        film.page.keyboard.press("F")
    expect(film.part("full-screen")).to_have_attribute("aria-pressed", "false")
    expect(film.page.get_by_role("button", name="Full screen (F)")).to_be_visible()


def test_no_button_for_full_screen_where_there_is_none(
    server: OrthancServer, films: Films, opened: Opening, visit: Visit
) -> None:
    visit.context.add_init_script("Object.defineProperty(Document.prototype, 'fullscreenEnabled', {value: false});")
    film = opened(post(server, made(films, "50")))
    expect(film.part("on")).to_be_visible()
    expect(film.part("full-screen")).to_have_count(0)


def test_the_page_is_light(server: OrthancServer, films: Films, opened: Opening, visit: Visit) -> None:
    """All that it loads to play, the worker included: 300 KB at most, compressed."""
    opened(post(server, made(films, "50")))
    names = {url.rsplit("/", 1)[1] for _, url in visit.responses if "/assets/" in url}
    assert {name.split("-")[0] for name in names} >= {"index", "worker"}
    assets = REPOSITORY / "viewer" / "dist" / "assets"
    assert sum(len(gzip.compress((assets / name).read_bytes())) for name in names) < 300_000


def test_the_browsers_own_player_and_back(server: OrthancServer, films: Films, opened: Opening) -> None:
    film = opened(post(server, made(films, "50")))
    film.part("plain").click()
    expect(film.part("plain-note")).to_contain_text("with sound if there is any")
    film.part("exact").click()
    expect(film.part("frame")).to_have_text("1")
    assert film.looks(("End", 299))[0][3] == 299
