"""What the viewer does to a picture, in Chromium: its pixels, at rest and in motion, are what the formulas say."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import requests
from playwright.sync_api import Browser, Locator, Route, expect
from pydicom import dcmread

from cines import film as cine
from cines import grey, overlay
from e2e.browser import Visit, visiting
from e2e.films import BAR, BITS, Films, ffmpeg
from e2e.generation import only_once
from e2e.orthanc_server import OrthancServer
from e2e.recordings import Recordings, store
from e2e.seeing import Opening, Shown, Together, post, post_together
from e2e.test_cine import made

pytestmark = only_once

Pixels = npt.NDArray[np.int64]
X264 = ["-c:v", "libx264", "-preset", "veryfast", "-qp", "4", "-pix_fmt", "yuv420p", "-movflags", "+faststart"]
PIXELS = """shown => {
  const [width, height] = [shown.videoWidth ?? shown.width, shown.videoHeight ?? shown.height];
  const copy = new OffscreenCanvas(width, height), pen = copy.getContext("2d");
  pen.drawImage(shown, 0, 0);
  const {data} = pen.getImageData(0, 0, width, height);
  let text = "";
  for (let at = 0; at < data.length; at += 8192) text += String.fromCharCode(...data.subarray(at, at + 8192));
  return [width, height, btoa(text)];
}"""
# What is drawn over pictures.
AMBER = (255, 196, 0)
# Drops what WebGL 2 there is.
NO_WEBGL = """for (const kind of [HTMLCanvasElement, OffscreenCanvas]) {
  const {getContext} = kind.prototype;
  kind.prototype.getContext = function (name, ...more) {
    return name === "webgl2" ? null : getContext.call(this, name, ...more);
  };
}"""


@pytest.fixture
def visit(browser: Browser, server: OrthancServer) -> Iterator[Visit]:
    # What Chromium says of WebGL where there is no graphics card.
    with visiting(browser, server.gateway_url, "GPU stall due to ReadPixels", has_touch=True) as one:
        yield one


def colours(films: Films, *more: str) -> Path:
    """Two seconds of a moving test card."""
    path = films.folder / f"image-colours{''.join(more).replace(':', '-').replace('/', '-')}.mp4"
    if not path.exists():
        ffmpeg("-f", "lavfi", "-i", "testsrc2=s=320x240:r=25", "-frames:v", "50", *more, *X264, str(path))
    return path


def pixels(film: Shown) -> Pixels:
    return pixels_of(film.page.locator("[data-test=player] canvas"))


def pixels_of(screen: Locator) -> Pixels:
    """Rows of pixels of red, green and blue, of a canvas or a video."""
    width, height, data = screen.evaluate(PIXELS)
    shown = np.frombuffer(base64.b64decode(data), dtype=np.uint8).reshape(height, width, 4)
    return shown[:, :, :3].astype(np.int64)


def loaded(film: Shown) -> Locator:
    """The browser's own player, once it shows a frame."""
    video = film.page.locator("[data-test=player] video")
    video.evaluate("video => video.readyState > 1 || new Promise(done => { video.onloadeddata = () => done(); })")
    return video


def press(film: Shown, *keys: str) -> Pixels:
    canvas = film.page.locator("[data-test=player] canvas")
    for key in keys:
        canvas.press(key)
    return pixels(film)


def windowed(values: Pixels, center: float, width: float) -> Pixels:
    """PS3.3 C.11.2.1.2.1, from 0 to 255."""
    between = ((values - (center - 0.5)) / (width - 1) + 0.5) * 255
    low, high = center - 0.5 - (width - 1) / 2, center - 0.5 + (width - 1) / 2
    return np.where(values <= low, 0, np.where(values > high, 255, np.floor(between + 0.5))).astype(np.int64)


def same(one: Pixels, other: Pixels, within: int = 1) -> bool:
    return one.shape == other.shape and int(np.abs(one - other).max()) <= within


@pytest.mark.parametrize("webgl", [True, False], ids=["WebGL 2", "without"])
def test_tones(webgl: bool, server: OrthancServer, films: Films, opened: Opening, visit: Visit) -> None:
    if not webgl:
        visit.context.add_init_script(NO_WEBGL)
    film = opened(post(server, colours(films)))
    plain = pixels(film)
    assert len(np.unique(plain)) > 200
    expect(film.part("slow")).to_be_hidden()
    assert same(press(film, "n"), 255 - plain)
    expect(film.part("slow")).to_be_visible(visible=not webgl)
    assert same(press(film, "n"), plain, 0)
    assert same(press(film, "b", "b", "b", "c", "c", "c", "c"), windowed(plain, 104, 224))
    assert same(press(film, "Shift+B", "Shift+C"), windowed(plain, 112, 232))
    film.part("shape").select_option("SIGMOID")
    assert same(pixels(film), np.floor(255 / (1 + np.exp(-4 * (plain - 112) / 232)) + 0.5).astype(np.int64))
    assert same(press(film, "0"), plain, 0)
    film.part("gamma").fill("2.2")
    film.part("gamma").dispatch_event("change")
    assert same(pixels(film), np.floor(255 * (plain / 255) ** (1 / 2.2) + 0.5).astype(np.int64))


def test_each_of_several_has_a_look_of_its_own(server: OrthancServer, films: Films, visit: Visit) -> None:
    """In the grid: by keys, buttons and hands, at rest and in motion; a saved view comes back in it, too."""
    study = post_together(server, colours(films), films.numbered(50))
    grid = Together(visit.page, server.gateway_url)
    grid.open(*study)
    canvases = [grid.cell(cell).locator("canvas") for cell in (0, 1)]
    expect(canvases[0]).to_be_focused()
    # What is in step is told by its time: each has frames of its own.
    expect(grid.part("range-of")).to_have_text(re.compile(r"Range 00:00:00\.000–00:00:0[12]\.\d{3}"))
    plain = [pixels_of(canvas) for canvas in canvases]
    canvases[0].press("n")
    assert same(pixels_of(canvases[0]), 255 - plain[0])
    assert same(pixels_of(canvases[1]), plain[1], 0)
    grid.cell(1).locator("[data-test=image-tools] summary").click()
    grid.part("image-turnRight", 1).click()
    assert same(pixels_of(canvases[1]), np.rot90(plain[1], -1), 0)
    canvases[0].press("ArrowRight")
    grid.assert_frames(2, 2)
    moved = pixels_of(canvases[0])
    canvases[0].press("n")
    assert same(moved, 255 - pixels_of(canvases[0]))
    # What one frame is less another, which is fetched for it again with a view.
    canvases[0].press("s")
    canvases[0].press("ArrowRight")
    grid.assert_frames(3, 3)
    expect(grid.part("look", 0)).to_contain_text("frame 2")
    less = pixels_of(canvases[0])
    grid.cell(0).locator("[data-test=image-tools] summary").click()
    grid.part("view-name", 0).fill("difference")
    grid.part("view-save", 0).click()
    expect(grid.part("views", 0)).to_be_enabled()
    visit.page.reload()
    grid.assert_frames(1, 1)
    grid.cell(0).locator("[data-test=image-tools] summary").click()
    grid.part("views", 0).select_option(index=1)
    grid.assert_frames(3, 3)
    expect(grid.part("look", 0)).to_contain_text("frame 2")
    assert same(pixels_of(canvases[0]), less, 0)
    # A click plays, a wheel enlarges.
    canvases[1].click()
    expect(grid.part("on")).to_have_attribute("aria-pressed", "true")
    canvases[1].click()
    expect(grid.part("on")).to_have_attribute("aria-pressed", "false")
    canvases[1].hover()
    visit.page.mouse.wheel(0, -300)
    expect(grid.part("look", 1)).to_contain_text("×")


def test_a_view_less_a_frame_that_is_far_away(server: OrthancServer, films: Films, opened: Opening) -> None:
    """It is fetched, and what is seen then is told rightly; who goes elsewhere meanwhile stays there."""
    film = opened(post(server, films.numbered(400)))
    film.looks(("jump", 349))
    film.press("s")
    film.looks(("jump", 2))
    film.part("view-name").fill("far")
    film.part("view-save").click()
    expect(film.part("views")).to_be_enabled()
    film.page.reload()
    expect(film.part("frame")).to_have_text("1")
    film.part("views").select_option(index=1)
    expect(film.part("look")).to_have_text(re.compile("less frame 350$"))
    for name in ("frame", "position"):
        expect(film.part(name)).to_have_js_property("value", "3")
    held: list[Route] = []
    film.page.reload()
    expect(film.part("frame")).to_have_text("1")
    film.page.context.route("**/stream", lambda route: held.append(route))
    film.part("views").select_option(index=1)
    expect(film.part("look")).to_have_text(re.compile("less frame 350, once that was shown$"))
    film.press("Home")
    film.press("ArrowRight")
    expect(film.part("frame")).to_have_text("2")
    for route in held:
        route.continue_()
    film.page.context.unroute("**/stream")
    film.press("End")
    film.looks(("jump", 349))
    expect(film.part("look")).to_have_text(re.compile("less frame 350$"))
    expect(film.part("frame")).to_have_text("350")


def test_turns_and_flips(server: OrthancServer, films: Films, opened: Opening) -> None:
    film = opened(post(server, colours(films)))
    plain = pixels(film)
    assert same(press(film, "r"), np.rot90(plain, -1), 0)
    assert same(press(film, "m"), np.rot90(plain, -1)[:, ::-1], 0)
    assert same(press(film, "Shift+R"), np.rot90(np.rot90(plain, -1)[:, ::-1], 1), 0)
    assert same(press(film, "0", "Shift+M"), plain[::-1], 0)
    # Turned and inverted at once, the arithmetic before the geometry.
    assert same(press(film, "r", "n"), 255 - np.rot90(plain[::-1], -1))


def test_zoom(server: OrthancServer, films: Films, opened: Opening) -> None:
    """Twice as large: each bar is twice as wide, and where one looks is where the arrows went."""
    film = opened(post(server, made(films, "50")))
    film.looks(("jump", 0b10011010))
    plain = pixels(film)[48, BAR // 2 :: BAR, 0] > 127
    assert [bool(0b10011010 >> bit & 1) for bit in range(BITS)] == plain.tolist()
    for _ in range(4):
        press(film, "+")
    times = 1.25**4
    for keys, left in (
        ((), 0.5 - 0.5 / times),
        (("Shift+ArrowLeft",) * 9, 0.0),
        (("Shift+ArrowRight",) * 20, 1 - 1 / times),
    ):
        row = press(film, *keys)[48, :, 0] > 127
        columns = np.array([((bit + 0.5) / BITS - left) * times * BITS * BAR for bit in range(BITS)])
        seen = (columns > 0) & (columns < BITS * BAR)
        assert seen.sum() >= 4
        assert row[columns[seen].astype(int)].tolist() == plain[seen].tolist()
    expect(film.part("look")).to_contain_text("2.4×")


def test_subtraction(server: OrthancServer, films: Films, opened: Opening) -> None:
    film = opened(post(server, colours(films)))
    first = pixels(film)
    film.looks(("jump", 30))
    later = pixels(film)
    assert not same(first, later, 40)
    film.looks(("Home", 0))
    assert same(press(film, "s"), np.full_like(first, 128))
    film.looks(("jump", 30))
    assert same(pixels(film), windowed(later - first, 0, 256))
    expect(film.part("look")).to_contain_text("less frame 1")
    assert same(press(film, "s"), later, 0)


def test_in_motion(server: OrthancServer, films: Films, opened: Opening) -> None:
    """Inverted, each frame's bars are those of all other bits; turned twice on top of it, they are in reverse."""
    film = opened(post(server, made(films, "50")))
    everything = 2**BITS - 1
    press(film, "n")
    looks = film.looks(*(("ArrowRight", place) for place in range(1, 30)), ("play", {"key": "l", "looks": 40}))
    assert len(looks) == 69
    assert [look[3] for look in looks] == [everything - look[2] for look in looks]
    press(film, "r", "r")
    looks = film.looks(("jump", 77), ("play", {"key": "j", "looks": 30}))
    assert [f"{everything - look[3]:0{BITS}b}" for look in looks] == [f"{look[2]:0{BITS}b}"[::-1] for look in looks]


def drag(film: Shown, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Over the picture, from and to parts of its width and height; it fills its canvas's box but for one direction."""
    left, top, width, height = film.page.locator("[data-test=player] canvas").evaluate(
        """canvas => {
          const box = canvas.getBoundingClientRect();
          const scale = Math.min(box.width / canvas.width, box.height / canvas.height);
          const [width, height] = [canvas.width * scale, canvas.height * scale];
          return [box.x + (box.width - width) / 2, box.y + (box.height - height) / 2, width, height];
        }"""
    )
    mouse = film.page.mouse
    mouse.move(left + start[0] * width, top + start[1] * height)
    mouse.down()
    mouse.move(left + end[0] * width, top + end[1] * height, steps=4)
    mouse.up()


def test_hands(server: OrthancServer, films: Films, opened: Opening) -> None:
    film = opened(post(server, colours(films)))
    plain = pixels(film)
    film.part("image-rectangle").click()
    drag(film, (0.25, 0.25), (0.75, 0.5))
    shown = pixels(film)
    assert same(shown[64:116, 84:236], plain[64:116, 84:236], 0)
    for outside in (shown[:56], shown[124:], shown[:, :76], shown[:, 244:]):
        assert not outside.any()
    film.part("image-noShutter").click()
    assert same(pixels(film), plain, 0)
    film.part("image-circle").click()
    drag(film, (0.5, 0.5), (0.5, 0.75))
    shown, (down, right) = pixels(film), np.mgrid[0:240, 0:320]
    away = np.hypot(down - 119.5, right - 159.5)
    assert same(shown[away < 56], plain[away < 56], 0)
    assert not shown[away > 64].any()
    film.part("image-asItIs").click()
    film.part("image-window").click()
    drag(film, (0.5, 0.5), (0.75, 0.5))
    expect(film.part("look")).to_have_text("C 128 W 384")
    # None of this was a click, which plays.
    expect(film.part("on")).to_have_attribute("aria-pressed", "false")
    film.page.locator("[data-test=player] canvas").click()
    expect(film.part("on")).to_have_attribute("aria-pressed", "true")


def test_a_shutter_without_a_pointer(server: OrthancServer, films: Films, opened: Opening) -> None:
    """Placed by Enter, moved by arrows, sized by letters; where its tool is not chosen none of these makes one."""
    film = opened(post(server, colours(films)))
    plain = pixels(film)

    def assert_seen(top: float, bottom: float, left: float, right: float) -> None:
        shown = pixels(film).any(axis=-1)
        rows, columns = np.nonzero(shown)
        found = [rows.min(), rows.max() + 1, columns.min(), columns.max() + 1]
        assert found == pytest.approx([top * 240, bottom * 240, left * 320, right * 320], abs=2)

    assert same(press(film, "Enter", "w"), plain, 0)
    press(film, "4", "Enter")
    assert_seen(0.25, 0.75, 0.25, 0.75)
    press(film, *["Shift+ArrowRight"] * 5, "Shift+ArrowUp")
    assert_seen(0.23, 0.73, 0.35, 0.85)
    press(film, *["Shift+H"] * 4, *["w"] * 2)
    assert_seen(0.31, 0.65, 0.31, 0.89)
    press(film, "5", "Enter", "h")
    assert_seen(0.23, 0.77, 0.5 - 0.27 * 0.75, 0.5 + 0.27 * 0.75)
    assert same(press(film, "u"), plain, 0)
    # Enter on a button presses that.
    film.part("image-invert").press("Enter")
    assert same(pixels(film), 255 - plain)


def test_fingers_and_wheel(server: OrthancServer, films: Films, opened: Opening, visit: Visit) -> None:
    film = opened(post(server, colours(films)))
    box: Any = film.page.locator("[data-test=player] canvas").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    session = visit.developer()

    def touch(kind: str, *apart: float) -> None:
        points = [{"x": x + side * far, "y": y, "id": side + 1} for far in apart for side in (-1, 1)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", 50)
    for far in (60, 80, 100):
        touch("touchMove", far)
    touch("touchEnd")
    session.detach()
    expect(film.part("look")).to_contain_text("2.0×")
    film.page.mouse.move(x, y)
    film.page.mouse.wheel(0, -400)
    expect(film.part("look")).to_contain_text("4.5×")
    expect(film.part("on")).to_have_attribute("aria-pressed", "false")


def test_keys_and_names(server: OrthancServer, films: Films, opened: Opening) -> None:
    """Help tells of the keys; every button and field has a name; Escape closes the help, and not the film."""
    film = opened(post(server, colours(films)))
    for name in (
        "Turn right",
        "Invert",
        "Drag: window (wider to the right, brighter upwards)",
        "Subtract this frame, or no longer",
    ):
        expect(film.page.get_by_role("button", name=name, exact=True)).to_be_visible()
    expect(film.page.get_by_role("group", name="Picture")).to_be_visible()
    expect(film.page.get_by_role("application", name="Video")).to_be_focused()
    expect(film.part("dropped")).to_have_attribute("aria-live", "off")
    press(film, "ArrowRight")
    expect(film.part("position")).to_have_attribute("aria-valuetext", "Frame 2 of 50, 00:00:00.040")
    press(film, "Home")
    press(film, "?")
    expect(film.part("keys")).to_be_visible()
    expect(film.part("keys")).to_contain_text("Subtract this frame")
    expect(film.part("keys")).to_contain_text("Play backwards")
    expect(film.part("keys").locator("kbd").filter(has_text="Home")).to_have_count(1)
    film.page.keyboard.press("Escape")
    expect(film.part("keys")).to_be_hidden()
    expect(film.part("frame")).to_have_text("1")
    press(film, "t")
    expect(film.part("corners")).to_contain_text("C 128 W 256")


def test_views_are_saved_and_restored(server: OrthancServer, films: Films, opened: Opening) -> None:
    """By another visit to the page as well, to the pixel, the frame that is subtracted included."""
    instance = post(server, colours(films))
    film = opened(instance)
    film.looks(("jump", 12))
    press(film, "s")
    film.looks(("jump", 30))
    kept = press(film, "r", "m", "+", "+", "Shift+ArrowLeft", "c", "Shift+B", "g", "n")
    film.part("view-name").fill("Größe")
    film.part("view-save").click()
    expect(film.part("view-said")).to_have_text("Saved.")
    film.part("view-name").fill("Größe")
    film.part("view-name").press("Enter")
    expect(film.part("view-said")).to_have_text("It was saved before.")
    said = film.part("look").text_content()
    film.page.reload()
    expect(film.part("frame")).to_have_text("1")
    plain = pixels(film)
    film.part("views").select_option(label="Größe (frame 31)")
    expect(film.part("frame")).to_have_text("31")
    expect(film.part("look")).to_have_text(said or "")
    assert same(pixels(film), kept, 0)
    assert not same(kept, plain, 99) or kept.shape != plain.shape
    press(film, "0")
    film.looks(("Home", 0))
    assert same(pixels(film), plain, 0)


def test_pixels_that_are_not_square(server: OrthancServer, films: Films, opened: Opening) -> None:
    """The canvas is as wide for its height as the browser's own player shows the film, arithmetic or not."""
    film = opened(post(server, colours(films, "-vf", "setsar=4/3")))
    plain = pixels(film)
    film.part("plain").click()
    width, height = film.page.locator("[data-test=player] video").evaluate(
        """video => new Promise(done => {
          const tell = () => video.videoWidth && done([video.videoWidth, video.videoHeight]);
          video.onloadedmetadata = tell;
          tell();
        })"""
    )
    assert width / height == pytest.approx(16 / 9, abs=0.01)
    assert plain.shape[1] / plain.shape[0] == pytest.approx(width / height, abs=0.01)
    film.part("exact").click()
    expect(film.part("frame")).to_have_text("1")
    assert same(press(film, "n"), 255 - plain, 3)


def test_a_film_that_its_container_turns(
    server: OrthancServer, films: Films, opened: Opening, recordings: Recordings
) -> None:
    """Stored by another writer as it is: upright, as the browser's own player shows it."""
    path = films.folder / "image-turned.mp4"
    ffmpeg("-i", str(colours(films)), "-metadata:s:v", "rotate=90", "-c", "copy", "-movflags", "+faststart", str(path))
    straight = pixels(opened(post(server, colours(films))))
    film = opened(store(server, recordings.holding(path.read_bytes(), "1.2.840.10008.1.2.4.102")))
    turned = pixels(film)
    # FFmpeg counts against the clock, as NumPy does.
    assert same(turned, np.rot90(straight), 0)
    assert same(press(film, "r", "0"), turned, 0)
    film.part("plain").click()
    assert same(pixels_of(loaded(film)), turned, 1)


@pytest.mark.parametrize("said", ["", "bt709", "smpte170m"])
def test_colours_are_those_of_the_browsers_own_player(
    said: str, server: OrthancServer, films: Films, opened: Opening
) -> None:
    """Whether the stream says which they are or not."""
    names = [f"-{name}" for name in ("colorspace", "color_primaries", "color_trc")] if said else []
    film = opened(post(server, colours(films, *(word for name in names for word in (name, said)))))
    exact = pixels(film)
    film.part("plain").click()
    assert same(pixels_of(loaded(film)), exact, 1)


def test_what_lies_over_the_picture_stays_on_in_motion(server: OrthancServer, opened: Opening, tmp_path: Path) -> None:
    """One plane over all frames, one over the second alone; by choice, and turned with the picture."""
    path = cine(tmp_path / "film.dcm", grey(6), FrameTime="40")
    said = dcmread(path)
    said.update(overlay(np.ones((4, 8), np.uint8), 0x6000, [11, 21]))
    said.update(overlay(np.ones((2, 2), np.uint8), 0x6002, [31, 41], x0015=("IS", 1), x0051=("US", 2)))
    said.save_as(path)
    film = opened(store(server, path.read_bytes()))
    expect(film.part("image-overlays")).to_have_attribute("aria-pressed", "true")
    plain = np.repeat(grey(6)[..., None], 3, axis=-1).astype(np.int64)
    for number in (0, 1, 2):
        drawn = plain[number].copy()
        drawn[10:14, 20:28] = AMBER
        if number == 1:
            drawn[30:32, 40:42] = AMBER
        expect(film.part("frame")).to_have_text(str(number + 1))
        assert same(pixels(film), drawn), number
        assert same(press(film, "d"), plain[number]), number
        assert same(press(film, "d", "r"), np.rot90(drawn, -1)), number
        press(film, "0", "ArrowRight")


def test_a_view_has_its_overlays_and_corner_texts(server: OrthancServer, opened: Opening, tmp_path: Path) -> None:
    """One saved by an older version has neither, and leaves both as they are. Views are deleted from the page."""
    path = cine(tmp_path / "film.dcm", grey(3), FrameTime="40")
    said = dcmread(path)
    said.update(overlay(np.ones((4, 8), np.uint8), 0x6000, [11, 21]))
    said.save_as(path)
    film = opened(instance := store(server, path.read_bytes()))
    old = requests.post(
        f"{server.gateway_url}/video/instances/{instance}/views", data='{"name": "old", "zoom": 2}', timeout=60
    )
    assert old.status_code == 200
    expect(film.part("image-overlays")).to_have_attribute("aria-pressed", "true")

    def shown() -> list[str | None]:
        return [film.part(f"image-{one}").get_attribute("aria-pressed") for one in ("overlays", "texts")]

    press(film, "d", "t")
    film.part("view-name").fill("bare")
    film.part("view-save").click()
    expect(film.part("view-said")).to_have_text("Saved.")
    press(film, "d", "t")
    assert shown() == ["true", "false"]
    film.part("views").select_option(label="bare (frame 1)")
    assert shown() == ["false", "true"]
    expect(film.part("corners")).to_be_visible()
    assert not (pixels(film) == AMBER).all(axis=-1).any()
    press(film, "d", "t")
    film.part("views").select_option(label="old (frame 1)")
    assert shown() == ["true", "false"]
    film.page.on("dialog", lambda dialog: dialog.accept())
    film.part("view-delete").click()
    expect(film.part("view-said")).to_have_text("Deleted.")
    assert film.part("views").locator("option").all_text_contents() == ["Choose a view", "bare (frame 1)"]


def test_most_have_nothing_that_lies_over_them(server: OrthancServer, opened: Opening, tmp_path: Path) -> None:
    film = opened(store(server, cine(tmp_path / "film.dcm", grey(3), FrameTime="40").read_bytes()))
    expect(film.part("image-texts")).to_be_visible()
    expect(film.part("image-overlays")).to_be_hidden()
