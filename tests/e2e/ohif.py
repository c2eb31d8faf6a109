"""OHIF in Chromium: studies for it, opened as a person does, and what its viewport shows, read from the canvas."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import requests
from playwright.sync_api import Browser, expect
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.encaps import encapsulate
from pydicom.uid import UID, generate_uid

from cines import LOSSY, coded, film
from e2e.browser import PATIENCE, Visit
from e2e.films import BAR, BITS, Films, bars
from e2e.orthanc_server import REPOSITORY, OrthancServer
from e2e.recordings import store

FRAMES = 300
CINE_FRAMES = 60
LONG_CINE_FRAMES = 120
CT_COLUMNS = 128
_MULTI_FRAME_COLOUR = "1.2.840.10008.5.1.4.1.1.7.4"

# OHIF fetches and compiles 30 MB of scripts for each page.
LOADING = 3 * PATIENCE
OK, BAD = 200, 400

# Its video element is never in the document, so it is caught when it is made. Its notices of the first visit are known.
_PREPARED = """(() => {
  const create = document.createElement;
  window.videos = [];
  document.createElement = function (name, ...more) {
    const element = create.call(this, name, ...more);
    if (String(name).toLowerCase() === "video") window.videos.push(element);
    return element;
  };
  try {
    localStorage.setItem("shownTours", JSON.stringify(["basicViewerTour"]));
    sessionStorage.setItem("investigationalUseDialog", "hidden");
  } catch {}  // a page without storage, such as the empty one
  window.viewport = () => window.cornerstone?.getEnabledElements()[0]?.viewport;
  // The number in the bars, read from what the viewport has painted; null while it has painted nothing.
  window.shown = (bits, bar) => {
    const viewport = window.viewport();
    const image = viewport?.getImageData?.()?.imageData;
    if (!image) return null;
    const canvas = viewport.getCanvas();
    const pen = canvas.getContext("2d", {willReadFrequently: true});
    const [width, height] = image.getDimensions();
    if (width !== bits * bar) return null;
    let number = 0;
    for (let bit = 0; bit < bits; bit++) {
      const [x, y] = viewport.worldToCanvas(image.indexToWorld([bit * bar + bar / 2, height / 2, 0]));
      const [red, , , alpha] = pen.getImageData(Math.round(x), Math.round(y), 1, 1).data;
      if (!alpha) return null;
      if (red > 127) number += 2 ** bit;
    }
    return number;
  };
})()"""
# OHIF goes to the first frame twice while it opens a video: true when three looks in a row find it done with that.
_LOADED = """() => {
  const viewport = window.viewport?.();
  const video = viewport?.videoElement;
  const calm = video?.readyState >= 2 && viewport.initialRender === null && !video.seeking && video.paused;
  window.calm = calm ? (window.calm ?? 0) + 1 : 0;
  return window.calm > 2;
}"""
# OHIF goes to a frame by its own time for it, and paints as soon as the video says that it has sought. In some seeks of
# a thousand Chromium hands out the picture only after that, and OHIF's canvas keeps the one before, whatever the stream
# is like; so it is made to paint once more when the picture is there, as any movement over it does.
_SEEK = """async ([frames, bits, bar]) => {
  const viewport = window.viewport();
  const video = viewport.videoElement;
  const sought = () => new Promise(done => video.addEventListener("seeked", done, {once: true}));
  viewport.pause();
  if (video.seeking) await sought();
  const seen = [];
  for (const frame of frames) {
    const handedOut = new Promise(done => video.requestVideoFrameCallback(done));
    viewport.setFrameNumber(frame + 1);
    await sought();
    await handedOut;
    viewport.renderFrame();
    seen.push(window.shown(bits, bar));
  }
  return seen;
}"""
# That there is a picture in the middle of the canvas, not one colour.
_MANY_SHADES = """() => {
  const canvas = viewport().getCanvas();
  const pen = canvas.getContext("2d", {willReadFrequently: true});
  const {data} = pen.getImageData(canvas.width / 4, canvas.height / 2, canvas.width / 2, 1);
  return new Set(data.filter((_, at) => at % 4 === 0)).size > 20;
}"""


@cache
def package() -> Path:
    """OHIF as it is served; fetched by scripts/setup.sh test, or now."""
    folder = REPOSITORY / "build" / "ohif"
    subprocess.run([REPOSITORY / "scripts" / "ohif.sh", folder], check=True)
    return folder


class Ohif:
    """One profile with OHIF at ``origin``."""

    BARS = (BITS, BAR)

    def __init__(self, browser: Browser, origin: str, **context: Any) -> None:
        self.origin = origin
        self.visit = Visit(browser, **context)
        self.page = self.visit.page
        self.page.add_init_script(_PREPARED)

    def close(self) -> None:
        self.visit.close()

    def _goto(self, path: str) -> None:
        self.visit.forget()
        self.page.goto(f"{self.origin}/ohif/{path}")

    def open_list(self) -> None:
        self._goto("")
        expect(self.page.get_by_text("Study List")).to_be_visible(timeout=LOADING)

    def open(self, study: str) -> None:
        """The study in the viewer, its first picture about to come."""
        self._goto(f"viewer?StudyInstanceUIDs={study}")
        self.page.wait_for_function("() => window.viewport?.()", timeout=LOADING)

    def open_video(self, study: str) -> None:
        """Likewise; returns when its video has a picture."""
        self.open(study)
        self.page.wait_for_function(_LOADED, timeout=LOADING, polling=50)

    def assert_has_thumbnail(self) -> None:
        """Of a stack, beside the viewport."""
        self._assert_picture("[data-cy=study-browser-thumbnail] img")

    def assert_was_given_a_thumbnail(self) -> None:
        """OHIF asks for the thumbnail of a video as well, but this version never shows it beside the viewport."""
        asked = [(status, url) for status, url in self.visit.responses if "/thumbnail?viewport=" in url]
        assert asked
        assert {status for status, _ in asked} == {OK}

    def _assert_picture(self, where: str) -> None:
        picture = self.page.locator(where).first
        expect(picture).to_be_visible()
        assert picture.evaluate("async image => { await image.decode(); return image.naturalWidth; }") > 0

    def assert_has_preview(self) -> None:
        """The study that is chosen in the list has a picture of its series beside it."""
        self._assert_picture("img[src^='blob:']")

    def play(self) -> None:
        """By the player over the viewport: ultrasound has it from the start, for others it is one of "More tools"."""
        button = self.page.locator("[data-cy=cine-player-play-pause]")
        if not button.is_visible():
            self.page.locator("[data-cy=MoreTools-split-button-secondary]").click()
            self.page.locator("[data-cy=Cine]").click()
        button.click()

    def time(self) -> float:
        """Seconds into the video."""
        return float(self.page.evaluate("viewport().videoElement.currentTime"))

    def duration(self) -> float:
        return float(self.page.evaluate("viewport().videoElement.duration"))

    def assert_video_works(self, study: str, frames: int) -> None:
        """It shows its first frame, is sought to 80 %, and plays on from there."""
        self.open_video(study)
        assert self.shown() == 0
        far = frames * 8 // 10
        (shown,) = self.seek([far])
        assert shown == far
        self.play()
        # Both at one moment: at its end it begins anew.
        beyond = [*self.BARS, far + 5, far / frames * self.duration()]
        playing = "shown(bits, bar) > after && viewport().videoElement.currentTime > seconds"
        self.page.wait_for_function(f"([bits, bar, after, seconds]) => {playing}", arg=beyond)

    def assert_cine_works(self, study: str, frames: int) -> None:
        """A stack shows its first frame, and plays."""
        self.open(study)
        self.page.wait_for_function("([bits, bar]) => shown(bits, bar) === 0", arg=self.BARS)
        self.play()
        for number in (5, frames - 5):
            self.page.wait_for_function("([bits, bar, after]) => shown(bits, bar) >= after", arg=[*self.BARS, number])

    def assert_still_shows(self, study: str, columns: int) -> None:
        self.open(study)
        self.page.wait_for_function("columns => viewport().getImageData()?.dimensions[0] === columns", arg=columns)
        self.page.wait_for_function(_MANY_SHADES)

    def assert_lists(self, patient: str) -> None:
        """The study is in the list, and has a picture when it is chosen."""
        self.open_list()
        self.page.get_by_role("row").filter(has_text=patient).click()
        self.assert_has_preview()

    def assert_well_behaved(self, *others: str) -> None:
        """Nothing broke the policy that it is sent with, nothing was refused, and nobody but ``others`` was asked."""
        refused = [error for error in self.visit.errors if "Content Security Policy" in error]
        assert not refused, refused
        failed = [(status, url) for status, url in self.visit.responses if status >= BAD]
        assert not failed, failed
        own = (self.origin + "/", f"blob:{self.origin}/", "data:", *others)
        assert not [url for url in self.visit.requests if not url.startswith(own)]

    def shown(self, bits: int = BITS) -> int | None:
        """The number in the bars on the canvas."""
        number: int | None = self.page.evaluate(f"window.shown({bits}, {BAR})")
        return number

    def seek(self, frames: list[int], bits: int = BITS) -> list[int | None]:
        """What is shown after going to each of these frames (from 0)."""
        seen: list[int | None] = self.page.evaluate(_SEEK, [frames, bits, BAR])
        return seen


@dataclass
class Studies:
    """One Orthanc with OHIF, and the study of each kind of object in it, stored when it is first asked for."""

    server: OrthancServer
    films: Films
    known: dict[str, str] = field(default_factory=dict)

    def __getitem__(self, kind: str) -> str:
        if kind not in self.known:
            self.known[kind] = getattr(self, f"_{kind}", lambda: self._video(kind))()
        return self.known[kind]

    def stored_video(self, path: Path, **attributes: str) -> str:
        """The study of a video that has been ingested."""
        address, headers = f"{self.server.gateway_url}/video/ingest", self.server.headers()
        answer = requests.post(address, params=attributes, data=path.read_bytes(), headers=headers, timeout=60)
        return self._study(answer.json()["ID"])

    def _study(self, instance: str) -> str:
        address = f"{self.server.url}/instances/{instance}/simplified-tags"
        return str(requests.get(address, headers=self.server.headers(), timeout=10).json()["StudyInstanceUID"])

    def _video(self, sop_class: str) -> str:
        named = {"PatientID": sop_class, "PatientName": sop_class}
        return self.stored_video(self.films.numbered(FRAMES), SOPClass=sop_class, **named)

    def _long_capture(self) -> str:
        """JPEG, so many frames that OHIF asks for an MP4 of it."""
        given: dict[str, Any] = {"SOPClassUID": _MULTI_FRAME_COLOUR, "Modality": "OT", "FrameTime": "40"}
        path = coded(film(self.films.folder / "capture.dcm", _numbered(LONG_CINE_FRAMES), **given), LOSSY["50"])
        instance = store(self.server, path.read_bytes())
        # While its rendition grows there is no seeking; a part is sent once it is whole.
        stream = f"{self.server.gateway_url}/video/instances/{instance}/stream"
        headers = {"Range": "bytes=0-0"} | self.server.headers()
        assert requests.get(stream, headers=headers, timeout=60).status_code == 206
        return self._study(instance)

    def _ultrasound(self) -> str:
        return self._stored(film(self.films.folder / "ultrasound.dcm", _numbered(CINE_FRAMES), FrameTime="40"))

    def _ultrasound_jpeg(self) -> str:
        path = film(self.films.folder / "ultrasound-jpeg.dcm", _numbered(CINE_FRAMES), FrameTime="40")
        return self._stored(coded(path, LOSSY["50"]))

    def _ct(self) -> str:
        return self._stored(Path(str(get_testdata_file("CT_small.dcm"))))

    def _ct_jpeg2000(self) -> str:
        return self._compressed("90", imagecodecs.jpeg2k_encode, codecformat="j2k", reversible=True, level=0)

    def _ct_jpegls(self) -> str:
        return self._compressed("80", imagecodecs.jpegls_encode)

    def _compressed(self, syntax: str, encode: Callable[..., bytes | bytearray], **how: Any) -> str:
        """A CT as other archives keep it."""
        image = dcmread(str(get_testdata_file("CT_small.dcm")))
        values = image.pixel_array.astype(np.uint16)  # it has no values below zero
        image.PixelRepresentation = 0
        image.StudyInstanceUID, image.SeriesInstanceUID = generate_uid(), generate_uid()
        image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        image.file_meta.TransferSyntaxUID = UID(f"1.2.840.10008.1.2.4.{syntax}")
        image.PixelData = encapsulate([bytes(encode(values, **how))])
        path = self.films.folder / f"ct-{syntax}.dcm"
        image.save_as(path)
        return self._stored(path)

    def _stored(self, path: Path) -> str:
        return self._study(store(self.server, path.read_bytes()))


def _numbered(frames: int) -> Any:
    return np.stack([np.stack([bars(number, height=64)] * 3, axis=-1) for number in range(frames)])
