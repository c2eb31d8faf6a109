"""The documentation's pictures of the viewer's pages, taken when asked to (ORTHANC_VIDEO_SCREENSHOTS)."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from e2e.browser import Visit
from e2e.films import ffmpeg
from e2e.orthanc_server import REPOSITORY, OrthancServer

pytestmark = pytest.mark.skipif("ORTHANC_VIDEO_SCREENSHOTS" not in os.environ, reason="takes pictures when asked to")

# A fan of grey noise with two rings that beat.
PHANTOM = (
    "color=c=0x707070:s=640x480:r=25,noise=alls=100:allf=t,gblur=sigma=1.6,tmix=frames=3,geq=cb=128:cr=128:lum='if("
    "lt(abs(atan2(X-W/2,Y+40)),0.62)*between(hypot(X-W/2,Y+40),90,500),clip((lum(X,Y)-64)*3.4*(0.35+0.65*exp(-pow(("
    "hypot(X-W/2-30*sin(T*3),Y-230-12*sin(T*3))-95-18*sin(T*6))/16,2))+0.3*exp(-pow((hypot(X-W/2+90,Y-330)-40)/10,2))),"
    "0,235),16)'"
)
CELLS = (
    "life=s=64x48:r=6:mold=30:ratio=0.25:seed=8:life_color=#7a2f8f:death_color=#f3d9ea:mold_color=#dba6d6,"
    "fps=25,scale=960:720:flags=bicubic,gblur=sigma=7,tmix=frames=8"
)
GLOW = (
    "gradients=s=1280x720:r=30000/1001:n=4:seed=11:c0=#5a1020:c1=#c0563e:c2=#f0b090:c3=#8a2a3c:speed=0.02,"
    "format=yuv444p,vignette=angle=PI/3.2"
)
FRACTAL = "mandelbrot=s=1280x720:r=25:start_scale=0.02:end_scale=0.002:end_pts=300:inner=black,hue=s=0.7"
VALLEY = (
    "mandelbrot=s=640x480:r=25:start_x=-1.25066:start_y=0.02012:start_scale=0.01:end_scale=0.0005:end_pts=200:"
    "inner=black,hue=s=0,negate"
)
# Oldest first: what it shows, seconds, patient, study, kind. None of these people exist, nor do their films.
SHOWN = [
    ("smptehdbars=s=1920x1080:r=25", 5, "Bloggs^Joe", "Test card", "Photographic"),
    (VALLEY, 6, "Roe^Richard", "Seahorse valley", "Photographic"),
    ("colorspectrum=s=1280x720:r=25,hue=h=t*40", 12, "Public^John Q", "Northern lights", "Endoscopic"),
    ("testsrc2=s=1280x720:r=60", 10, "Mustermann^Max", "Timing pattern", "Photographic"),
    (FRACTAL, 7, "Bloggs^Fred", "Tour of the Mandelbrot set", "Endoscopic"),
    (GLOW, 9, "Mustermann^Erika", "Gradients in motion", "Endoscopic"),
    (CELLS, 14, "Nightingale^Florence", "Culture of Life", "Microscopic"),
    (PHANTOM, 7, "Doe^Jane", "Beating phantom", "Photographic"),
]
PICTURES = REPOSITORY / "docs" / "images"
LARGEST_PICTURE = 300_000


def save_picture(page: Page, name: str) -> None:
    """What the page looks like now; in 256 colours where it would grow heavy."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    dithered = shot.quantize(palette=shot.quantize(256), dither=Image.Dither.FLOYDSTEINBERG)
    for picture in (shot, dithered, shot.quantize(256)):
        picture.save(PICTURES / name, optimize=True)
        if (PICTURES / name).stat().st_size < LARGEST_PICTURE:
            return
    pytest.fail(f"{name} is too large for a page of documentation")


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[OrthancServer, str]]:
    """A server with all of these films, and the last one's ID."""
    folder = tmp_path_factory.mktemp("shown")
    webm = ["-c:v", "libvpx", "-b:v", "4M", "-deadline", "realtime", "-cpu-used", "8"]
    with OrthancServer(folder / "orthanc") as server:
        answer: dict[str, Any] = {}
        for number, (pattern, seconds, patient, study, kind) in enumerate(SHOWN, 1):
            film = folder / f"film-{number}.{'webm' if pattern == PHANTOM else 'mp4'}"
            codec = webm if pattern == PHANTOM else ["-c:v", "libx264"]
            ffmpeg("-f", "lavfi", "-i", pattern, "-t", str(seconds), "-pix_fmt", "yuv420p", *codec, str(film))
            attributes = {"PatientName": patient, "PatientID": f"EXAMPLE-{number:03}", "StudyDescription": study}
            attributes |= {"StudyDate": f"202611{number + 10}", "SOPClass": kind, "Filename": film.name}
            url = f"{server.gateway_url}/video/ingest"
            answer = requests.post(url, params=attributes, data=film.read_bytes(), timeout=120).json()
            assert answer["Status"] == "Success", answer
        instance = answer["ID"]
        for start, end in ((26, 75), (101, 150)):
            cut = {"start": {"frame": start}, "end": {"frame": end}, "as": "dicom"}
            requests.post(f"{server.gateway_url}/video/instances/{instance}/clips", json=cut, timeout=120)
        yield server, str(instance)


def part(page: Page, name: str) -> Locator:
    return page.locator(f"[data-test={name}]")


def open_list(page: Page, server: OrthancServer) -> None:
    page.goto(f"{server.gateway_url}/")
    expect(part(page, "card")).to_have_count(len(SHOWN) + 2)
    for image in part(page, "card").locator("img").all():
        image.evaluate("image => image.decode()")


def open_player(page: Page, server: OrthancServer, instance: str, frame: int = 131) -> None:
    page.goto(f"{server.gateway_url}/#/v/{instance}")
    expect(part(page, "frame")).to_have_text("1")
    part(page, "timeline-pictures").evaluate("image => image.decode()")
    part(page, "position").fill(str(frame))
    expect(part(page, "frame")).to_have_text(str(frame))


def test_the_list(shown: tuple[OrthancServer, str], visit: Visit) -> None:
    open_list(visit.page, shown[0])
    save_picture(visit.page, "viewer-list.png")


def test_the_player(shown: tuple[OrthancServer, str], visit: Visit) -> None:
    open_player(visit.page, *shown)
    save_picture(visit.page, "viewer-player.png")


def test_whose(shown: tuple[OrthancServer, str], visit: Visit, tmp_path: Path) -> None:
    open_list(visit.page, shown[0])
    film = tmp_path / "film.mp4"
    film.write_bytes(b"film")
    part(visit.page, "upload-input").set_input_files(film)
    part(visit.page, "whose-search").fill("mustermann")
    part(visit.page, "whose-go").click()
    part(visit.page, "whose-study").first.click()
    save_picture(visit.page, "viewer-whose.png")


def test_what_is_made_of_a_video(shown: tuple[OrthancServer, str], visit: Visit) -> None:
    page = visit.page
    open_player(page, *shown, frame=51)
    page.locator("canvas.screen").press("i")
    part(page, "position").fill("120")
    expect(part(page, "frame")).to_have_text("120")
    page.locator("canvas.screen").press("o")
    page.get_by_text("Clip, still, mark, mask").click()
    part(page, "clip").click()
    expect(part(page, "made-download")).to_be_visible(timeout=60_000)
    save_picture(page, "viewer-making.png")


def test_masking(shown: tuple[OrthancServer, str], visit: Visit) -> None:
    page = visit.page
    open_player(page, *shown)
    page.get_by_text("Clip, still, mark, mask").click()
    part(page, "mask").click()
    part(page, "mask-add").click()
    page.wait_for_load_state("networkidle")
    save_picture(page, "viewer-mask.png")


def test_several_together(shown: tuple[OrthancServer, str], visit: Visit) -> None:
    server, instance = shown
    url = f"{server.gateway_url}/video/instances"
    study = requests.get(f"{url}/{instance}", timeout=10).json()["ParentStudy"]
    listed = requests.post(f"{url}/find", json={"ParentStudy": study}, timeout=10).json()["Instances"]
    visit.page.goto(f"{server.gateway_url}/#/g/{','.join(one['ID'] for one in listed)}")
    cells = part(visit.page, "cell")
    for cell in cells.all():
        expect(cell.locator("[data-test=frame]")).to_have_text("1")
    for _ in range(20):
        cells.first.locator("canvas").press("ArrowRight")
    expect(cells.first.locator("[data-test=frame]")).to_have_text("21")
    visit.page.wait_for_load_state("networkidle")
    save_picture(visit.page, "viewer-together.png")


def test_a_phone(shown: tuple[OrthancServer, str], browser: Browser) -> None:
    visit = Visit(browser, locale="de-DE", has_touch=True, is_mobile=True)
    try:
        visit.page.set_viewport_size({"width": 360, "height": 740})
        open_player(visit.page, *shown)
        save_picture(visit.page, "viewer-phone.png")
    finally:
        visit.close()
