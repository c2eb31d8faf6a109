"""Windows on the modality's own values, in Chromium: what is on screen is what PS3.3 C.11.2.1.2 says, at rest and in
motion."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import requests
from PIL import Image
from playwright.sync_api import Browser, expect
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.sequence import Sequence
from pydicom.uid import generate_uid

from cines import LOSSLESS, coded, grey
from cines import film as cine
from e2e.browser import Visit, visiting
from e2e.generation import only_once
from e2e.orthanc_server import OrthancServer
from e2e.recordings import store
from e2e.seeing import Opening, Shown
from e2e.test_image import NO_WEBGL, drag, pixels, press, same, windowed

pytestmark = only_once

Values = npt.NDArray[Any]
CT = "1.2.840.10008.5.1.4.1.1.2"
FRAMES, SLICES = 12, 8
# The frames that are seen while it plays: the number that is told, and what is red of the canvas.
MOTION = """looks => new Promise(done => {
  const canvas = document.querySelector("[data-test=player] canvas");
  const frame = document.querySelector("[data-test=player] [data-test=frame]");
  const pen = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", {willReadFrequently: true});
  const press = key => canvas.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true}));
  const seen = [];
  let last = 0;
  const look = () => {
    const number = Number(frame.textContent);
    if (number !== last) {
      pen.drawImage(canvas, 0, 0);
      const {data} = pen.getImageData(0, 0, canvas.width, canvas.height);
      seen.push([number, btoa(String.fromCharCode(...data.filter((_, at) => at % 4 === 0)))]);
    }
    last = number;
    if (seen.length < looks) return requestAnimationFrame(look);
    press("k");
    done(seen);
  };
  press("l");
  requestAnimationFrame(look);
})"""


# Does not tell that WebGL 2 is computed, and notes whether it draws.
ANY_WEBGL = """{
  const {getExtension, drawArrays} = WebGL2RenderingContext.prototype;
  WebGL2RenderingContext.prototype.getExtension = function (name) {
    return name === "WEBGL_debug_renderer_info" ? null : getExtension.call(this, name);
  };
  WebGL2RenderingContext.prototype.drawArrays = function (...asked) {
    globalThis.byWebGl = true;
    return drawArrays.apply(this, asked);
  };
}"""


@pytest.fixture
def visit(browser: Browser, server: OrthancServer) -> Iterator[Visit]:
    with visiting(browser, server.gateway_url, "GPU stall due to ReadPixels") as one:
        yield one


def lut(entries: Values, first: int, bits: int, name: str) -> Dataset:
    table = Dataset()
    table.add_new("LUTDescriptor", "US", [len(entries), first, bits])
    table.LUTExplanation = name
    table.add_new("LUTData", "OW", entries.astype("<u2").tobytes())
    return table


def colourless(shown: Values) -> Values:
    return np.repeat(np.asarray(shown)[..., None], 3, axis=-1)


def is_shown(film: Shown, values: Values, center: float, width: float) -> bool:
    return same(pixels(film), colourless(windowed(values.astype(np.float64), center, width)))


def assert_in_motion(film: Shown, values: Values, center: float, width: float, looks: int = 20) -> None:
    film.choose_rate(10)
    seen = film.page.evaluate(MOTION, looks)
    assert len({number for number, _ in seen}) > 5
    for number, data in seen:
        shown = np.frombuffer(base64.b64decode(data), np.uint8).reshape(values.shape[1:]).astype(np.int64)
        assert same(shown, windowed(values[number - 1].astype(np.float64), center, width)), number


def windows(film: Shown) -> list[str]:
    return film.part("windows").locator("option").all_text_contents()


# An angiogram's way to say it: two windows and a table, by their names.
SAID: dict[str, Any] = {
    "WindowCenter": ["2048", "600"],
    "WindowWidth": ["4096", "300"],
    "WindowCenterWidthExplanation": ["Full", "Narrow"],
}
CURVE = np.sqrt(np.arange(4096) / 4095) * 1023


def angiogram(folder: Path, syntax: str, **more: Any) -> bytes:
    table = Sequence([lut(CURVE.round(), 0, 10, "Bones")])
    path = cine(
        folder / "film.dcm", grey(FRAMES, 12), bits=12, FrameTime="100", **(SAID | {"VOILUTSequence": table} | more)
    )
    return (coded(path, LOSSLESS[syntax]) if syntax else path).read_bytes()


@pytest.mark.parametrize("syntax", ["", "80"], ids=["native", "JPEG-LS"])
@pytest.mark.parametrize("webgl", [True, False], ids=["WebGL 2", "without"])
def test_a_film_of_twelve_bits(
    webgl: bool, syntax: str, server: OrthancServer, opened: Opening, visit: Visit, tmp_path: Path
) -> None:
    visit.context.add_init_script(ANY_WEBGL if webgl else NO_WEBGL)
    values = grey(FRAMES, 12)
    film = opened(store(server, angiogram(tmp_path, syntax)))
    assert is_shown(film, values[0], 2048, 4096)
    expect(film.part("look")).to_have_text("C 2048 W 4096")
    assert visit.page.evaluate("globalThis.byWebGl === true") is webgl
    assert windows(film)[1:] == ["Full: C 2048 W 4096", "Narrow: C 600 W 300", "Bones", "all values"]
    film.part("windows").select_option(label="Narrow: C 600 W 300")
    assert is_shown(film, values[0], 600, 300)
    assert_in_motion(film, values, 600, 300)
    film.looks(("Home", 0))
    # A step of the keys is a 32nd of what it opened with: what was clipped is there again.
    press(film, "Shift+C", "Shift+C", "b", "b")
    expect(film.part("look")).to_have_text("C 344 W 556")
    assert is_shown(film, values[0], 344, 556)
    film.part("windows").select_option(label="Bones")
    expect(film.part("look")).to_have_text("Bones")
    assert same(pixels(film), colourless(np.rint(CURVE.round()[values[0]] / 1023 * 255).astype(np.int64)))
    press(film, "0")
    assert is_shown(film, values[0], 2048, 4096)
    if webgl and not syntax:
        assert not [url for url in visit.requests if "/frames/" in url]


@pytest.mark.parametrize("webgl", [True, False], ids=["WebGL 2", "without"])
def test_differences_are_those_of_values(
    webgl: bool, server: OrthancServer, opened: Opening, visit: Visit, tmp_path: Path
) -> None:
    """Of a window that no eight bits would tell apart, inverted as everywhere."""
    visit.context.add_init_script(ANY_WEBGL if webgl else NO_WEBGL)
    values = grey(FRAMES, 12).astype(np.int64)
    film = opened(store(server, angiogram(tmp_path, "", RescaleSlope="2", RescaleIntercept="-50")))
    assert is_shown(film, values[0] * 2 - 50, 2048, 4096)
    press(film, "s")
    assert same(pixels(film), np.full((48, 64, 3), 128))
    film.looks(("jump", 5))
    assert same(pixels(film), colourless(windowed(2 * (values[5] - values[0]), 0, 4096)))
    press(film, *["c"] * 30)
    expect(film.part("look")).to_contain_text("C 0 W 256")
    shown = windowed(2 * (values[5] - values[0]), 0, 256)
    assert same(pixels(film), colourless(shown))
    assert same(press(film, "n"), 255 - colourless(shown))
    press(film, "s", "n")
    assert is_shown(film, values[5] * 2 - 50, 2048, 4096)


def series(server: OrthancServer, folder: Path, **more: Any) -> tuple[str, Values, Values]:
    """Its Orthanc ID, its stored values, and those in Hounsfield units: each slice has a slope of its own."""
    shared = {
        "StudyInstanceUID": generate_uid(),
        "SeriesInstanceUID": generate_uid(),
        "Modality": "CT",
        "SOPClassUID": CT,
    }
    still: dict[str, Any] = {"NumberOfFrames": None, "FrameTime": None, "FrameIncrementPointer": None}
    stored = np.stack([(grey(SLICES, 12, signed=True)[at] + 8 * at) for at in range(SLICES)]).clip(-2048, 2047)
    stored = stored.astype(np.int16)
    slopes = 1 + np.arange(SLICES) / 4
    for at in range(SLICES):
        said = {"InstanceNumber": at + 1, "RescaleSlope": f"{slopes[at]}", "RescaleIntercept": "24"}
        path = cine(folder / f"{at}.dcm", stored[at : at + 1], bits=12, **(shared | still | said | more))
        instance = store(server, path.read_bytes())
    parent = requests.get(f"{server.url}/instances/{instance}/series", timeout=10).json()["ID"]
    return parent, stored, stored * slopes[:, None, None] + 24


def opened_series(visit: Visit, server: OrthancServer, parent: str) -> Shown:
    visit.page.goto(f"{server.gateway_url}/#/s/{parent}")
    film = Shown(visit.page)
    expect(film.part("frame")).to_have_text("1", timeout=60_000)
    return film


@pytest.mark.parametrize("webgl", [True, False], ids=["WebGL 2", "without"])
def test_a_series_of_slices(webgl: bool, server: OrthancServer, visit: Visit, tmp_path: Path) -> None:
    visit.context.add_init_script(ANY_WEBGL if webgl else NO_WEBGL)
    parent, _, values = series(server, tmp_path, WindowCenter="40", WindowWidth="400")
    film = opened_series(visit, server, parent)
    expect(film.part("look")).to_have_text("C 40 W 400")
    assert is_shown(film, values[0], 40, 400)
    assert len(np.unique(pixels(film))) > 30
    # A lung window: beyond all that the first one showed.
    press(film, *["b"] * 52, *["Shift+C"] * 88)
    expect(film.part("look")).to_have_text("C -610 W 1500")
    for number in (0, 3, 7):
        film.looks(("jump", number))
        assert is_shown(film, values[number], -610, 1500)
    film.looks(("Home", 0))
    assert_in_motion(film, values, -610, 1500)
    press(film, "0")
    drag(film, (0.5, 0.5), (0.75, 0.5))
    expect(film.part("look")).to_have_text("C 40 W 600")


def test_each_slice_opens_with_its_own(server: OrthancServer, visit: Visit, tmp_path: Path) -> None:
    """Without a window all of its values are shown, but for padding; the lowest is the brightest of MONOCHROME1."""
    parent, stored, values = series(
        server, tmp_path, PixelPaddingValue=-2048, PixelPaddingRangeLimit=-1500, PhotometricInterpretation="MONOCHROME1"
    )
    film = opened_series(visit, server, parent)
    expect(film.part("windows")).to_have_value("whole")
    for number in (0, 5):
        film.looks(("jump", number))
        measured = values[number][stored[number] > -1500]
        least, most = measured.min(), measured.max()
        assert (stored[number] <= -1500).any()
        shown = np.clip((values[number] - least) / (most - least), 0, 1)
        assert same(pixels(film), colourless(np.rint(255 * (1 - shown)).astype(np.int64)))


def test_it_opens_as_the_gateway_draws_it(server: OrthancServer, opened: Opening, tmp_path: Path) -> None:
    for more in ({}, {"WindowCenter": None, "WindowWidth": None}, {"PixelAspectRatio": [2, 1]}):
        instance = store(server, angiogram(tmp_path, "", **more, SOPInstanceUID=generate_uid()))
        film = opened(instance)
        drawn = requests.get(f"{server.gateway_url}/video/instances/{instance}/frames/1?accept=image/png", timeout=20)
        picture = np.asarray(Image.open(io.BytesIO(drawn.content))).astype(np.int64)
        shown = pixels(film)
        assert shown.shape[:2] == picture.shape
        if "PixelAspectRatio" not in more:
            assert same(shown, colourless(picture))


def test_views_are_saved_and_restored(server: OrthancServer, opened: Opening, tmp_path: Path) -> None:
    """And others read from them the window in the modality's values, with how to come by these; or the table."""
    values = grey(FRAMES, 12).astype(np.int64) * 2 - 50
    instance = store(server, angiogram(tmp_path, "", RescaleSlope="2", RescaleIntercept="-50", RescaleType="US"))
    film = opened(instance)
    film.part("windows").select_option(label="Narrow: C 600 W 300")
    film.looks(("jump", 4))
    narrow = press(film, "b")
    for name in ("narrow", "bones"):
        film.part("view-name").fill(name)
        film.part("view-save").click()
        expect(film.part("views").locator("option", has_text=name)).to_have_count(1)
        film.part("windows").select_option(label="Bones")
    bones = pixels(film)
    film.page.reload()
    expect(film.part("frame")).to_have_text("1")
    film.part("views").select_option(label="narrow (frame 5)")
    expect(film.part("frame")).to_have_text("5")
    expect(film.part("look")).to_have_text("C 472 W 300")
    assert same(pixels(film), narrow, 0)
    assert is_shown(film, values[4], 472, 300)
    film.part("views").select_option(label="bones (frame 5)")
    expect(film.part("look")).to_have_text("Bones")
    assert same(pixels(film), bones, 0)
    listed = requests.get(f"{server.gateway_url}/video/instances/{instance}/views", timeout=20).json()["Views"]
    states = {}
    for view in listed:
        file = requests.get(f"{server.url}/instances/{view['ID']}/file", timeout=20).content
        states[view["name"]] = dcmread(DicomBytesIO(file))
    window, table = (states[name].SoftcopyVOILUTSequence[0] for name in ("narrow", "bones"))
    assert (window.WindowCenter, window.WindowWidth) == (472, 300)
    assert table.VOILUTSequence[0].LUTExplanation == "Bones"
    for state in states.values():
        assert (state.RescaleSlope, state.RescaleIntercept, state.RescaleType) == (2, -50, "US")
