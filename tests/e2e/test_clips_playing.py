"""Clips in Chromium and OHIF: gone to any frame, across each join between what was copied and what was coded anew, each
shows that frame of its source; and they play to their end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser

from e2e.films import Films, ffmpeg
from e2e.generation import only_once
from e2e.ohif import Ohif, Studies, package
from e2e.orthanc_server import OrthancServer
from e2e.test_exact import sent_to

pytestmark = only_once

_RATE = Fraction(30000, 1001)
# Of films of 300 frames, in groups of up to 60: cut in the middle of groups, and joined.
_RANGES = ((21, 90), (150, 200))
_EXPECTED = [number - 1 for first, last in _RANGES for number in range(first, last + 1)]
_PLAYED = """async url => {
  const video = document.createElement("video");
  video.muted = true;
  video.playbackRate = 4;
  const ended = new Promise((done, failed) => {
    video.addEventListener("ended", done, {once: true});
    video.addEventListener("error", () => failed(new Error(video.error.message)), {once: true});
  });
  video.src = url;
  await video.play();
  await ended;
  return video.duration;
}"""


@pytest.fixture(scope="module")
def studies(tmp_path_factory: pytest.TempPathFactory, films: Films) -> Iterator[Studies]:
    with OrthancServer(tmp_path_factory.mktemp("clips"), {"VideoGateway": {"OHIF": str(package())}}) as server:
        yield Studies(server, films)


def _open_groups(films: Films) -> Path:
    path = films.folder / "numbered-open-groups.mp4"
    if not path.exists():
        coding = ("-c:v", "libx264", "-g", "40", "-bf", "3", "-x264-params", "open-gop=1:scenecut=0")
        ffmpeg("-i", str(films.numbered()), *coding, "-pix_fmt", "yuv420p", "-movflags", "+faststart", str(path))
    return path


def _clip(studies: Studies, film: Path) -> tuple[str, str, str]:
    """The clip's study, in which its source is no longer, its MP4, and that for players that go to frames."""
    server = studies.server
    upload = requests.post(f"{server.gateway_url}/instances", data=film.read_bytes(), timeout=60).json()
    ranges = [{"start": {"frame": first}, "end": {"frame": last}} for first, last in _RANGES]
    url = f"{server.gateway_url}/video/instances/{upload['ID']}/clips"
    made = requests.post(url, data=json.dumps({"ranges": ranges}), timeout=60).json()
    assert 0 < sum(one["CodedAnew"] for one in made["Results"][0]["Ranges"]) < len(_EXPECTED)
    requests.delete(f"{server.url}/instances/{upload['ID']}", timeout=60).raise_for_status()
    tags = requests.get(f"{server.url}/instances/{made['ID']}/simplified-tags", timeout=10).json()
    study, series, instance = (tags[f"{level}InstanceUID"] for level in ("Study", "Series", "SOP"))
    rendered = f"{server.gateway_url}/dicom-web/studies/{study}/series/{series}/instances/{instance}/rendered"
    return study, server.gateway_url + made["Url"], rendered


@pytest.mark.parametrize("groups", ["closed", "open"])
def test_a_clip_plays_across_its_joins(studies: Studies, browser: Browser, films: Films, groups: str) -> None:
    study, url, rendered = _clip(studies, films.numbered() if groups == "closed" else _open_groups(films))
    page = browser.new_page()
    shown = sent_to(page, rendered, _RATE, list(range(len(_EXPECTED))))
    assert [shown[number] for number in range(len(_EXPECTED))] == _EXPECTED
    assert page.evaluate(_PLAYED, url) == pytest.approx(len(_EXPECTED) / float(_RATE), abs=0.05)
    page.close()
    ohif = Ohif(browser, studies.server.gateway_url)
    ohif.open_video(study)
    assert ohif.seek(list(range(len(_EXPECTED)))) == _EXPECTED
    ohif.assert_well_behaved()
    ohif.close()
