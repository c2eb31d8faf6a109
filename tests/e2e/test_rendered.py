"""Retrieve Rendered of videos (PS3.18 8.7.4, 10.4): by what is accepted, as asked for, and while it is being made."""

from __future__ import annotations

import email
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import requests
from dicomweb_client.api import DICOMwebClient
from playwright.sync_api import Browser
from pydicom import dcmread

from cines import film
from e2e.films import Films, ffprobe
from e2e.orthanc_server import OrthancServer
from e2e.recordings import Recordings, store, wait_until
from e2e.test_renditions import H264, HEVC, MPEG2, slow
from media.test_cine import located
from oracles import decoded, frame_times
from orthanc_video.film import Window, WindowFunction
from orthanc_video.media import shades

PATIENT, NUMBER = "Doe^Jane'; drop=%{pts}:\\", "ID-4711"


class Study(NamedTuple):
    """One Orthanc, and a place in its DICOMweb."""

    server: OrthancServer
    study: str
    series: str
    instances: dict[str, str]

    def url(self, instance: str = "", level: str = "instance") -> str:
        parts = {"study": "", "series": f"/series/{self.series}"}
        below = parts.get(level, f"/series/{self.series}/instances/{self.instances.get(instance, instance)}")
        return f"{self.server.gateway_url}/dicom-web/studies/{self.study}{below}/rendered"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OrthancServer]:
    with OrthancServer(tmp_path_factory.mktemp("rendered"), {"VideoGateway": {"Renditions": "none"}}) as running:
        yield running


@pytest.fixture(scope="module")
def study(server: OrthancServer, recordings: Recordings, films: Films) -> Study:
    """A study of three videos, of which browsers play one."""
    uids = [f"1.2.826.0.1.3680043.8.498.77{number}" for number in range(5)]
    kinds = {"h264.mp4": H264, "mpeg2.mpg": MPEG2, "hevc.mp4": HEVC}
    for number, (name, syntax) in enumerate(kinds.items()):

        def change(dataset: Any, at: int = number) -> None:
            dataset.StudyInstanceUID, dataset.SeriesInstanceUID = uids[3], uids[4]
            dataset.InstanceNumber, dataset.PatientName, dataset.PatientID = at + 1, PATIENT, NUMBER

        path = films.folder / "placed.dcm"
        path.write_bytes(recordings.holding(films.source(name).read_bytes(), syntax, uid=uids[number]))
        dataset = dcmread(path)
        change(dataset)
        dataset.save_as(path)
        store(server, path.read_bytes())
    return Study(server, uids[3], uids[4], dict(zip(kinds, uids, strict=False)))


def get(url: str, accept: str | None = "video/mp4", **more: Any) -> requests.Response:
    headers = {"Accept": accept} | more.pop("headers", {})
    return requests.get(url, headers=headers, timeout=60, **more)


def made(answer: requests.Response, folder: Path) -> Path:
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "video/mp4"), answer.text[:500]
    path = folder / "answer.mp4"
    path.write_bytes(answer.content)
    return path


# ---- what is accepted -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "accept", "expected"),
    [
        ("h264.mp4", "video/mp4", "video/mp4"),
        ("h264.mp4", "*/*", "video/mp4"),
        ("h264.mp4", "video/*;q=0.1", "video/mp4"),
        ("h264.mp4", "video/webm, video/mp4;q=0.2", "video/mp4"),
        ("h264.mp4", "video/mpeg", "406"),
        ("h264.mp4", "video/H265", "406"),
        ("h264.mp4", "video/mp4;q=0", "406"),
        ("h264.mp4", 'multipart/related; type="video/mp4"', "406"),
        ("h264.mp4", "application/dicom", "406"),
        ("h264.mp4", "application/dicom, video/mp4", "400"),
        ("h264.mp4", None, "406"),
        ("mpeg2.mpg", "video/mpeg", "video/mpeg"),
        ("mpeg2.mpg", "video/mp4;q=0.5, video/mpeg", "video/mpeg"),
        ("mpeg2.mpg", "video/mp4, video/mpeg;q=0.9", "video/mp4"),
        ("mpeg2.mpg", "video/*", "video/mp4"),
        ("mpeg2.mpg", "application/octet-stream", "406"),
        ("mpeg2.mpg", "video/H265", "406"),
        ("hevc.mp4", "video/H265", "video/H265"),
        ("hevc.mp4", "video/h265;q=0.9, video/mp4;q=0.8", "video/H265"),
    ],
)
def test_what_is_accepted_is_sent(study: Study, films: Films, name: str, accept: str | None, expected: str) -> None:
    answer = get(study.url(name), accept)
    if expected.isdigit():
        assert answer.status_code == int(expected)
        assert answer.json()["detail"].endswith("."), "a sentence says why"
        return
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, expected)
    stored = films.source(name).read_bytes()
    if name == "h264.mp4":  # behind an index of its own (test_exact)
        assert pictures_of(answer.content) == pictures_of(stored)
    else:
        assert (answer.content.rstrip(b"\0") == stored.rstrip(b"\0")) == (expected != "video/mp4")


def pictures_of(film: bytes) -> bytes:
    """An MP4's media data, and what follows them."""
    return film[film.index(b"mdat") :].rstrip(b"\0")


@pytest.mark.parametrize(
    ("accept", "parameter", "status"),
    [
        ("*/*", "video/mp4", 200),
        ("video/*", "video/mpeg", 200),
        ("video/mp4", "video/mpeg", 406),
        ("*/*", "video/*", 400),
        (None, "video/mp4", 406),
    ],
)
def test_the_accept_parameter(study: Study, accept: str | None, parameter: str, status: int) -> None:
    answer = get(study.url("mpeg2.mpg"), accept, params={"accept": parameter})
    assert answer.status_code == status
    assert status != 200 or answer.headers["Content-Type"] == parameter


def test_dicomweb_client_gets_a_video(study: Study, tmp_path: Path) -> None:
    client = DICOMwebClient(f"{study.server.gateway_url}/dicom-web")
    name = study.instances["mpeg2.mpg"]
    data = client.retrieve_instance_rendered(study.study, study.series, name, media_types=("video/mp4",))
    (tmp_path / "film.mp4").write_bytes(data)
    assert ffprobe(tmp_path / "film.mp4")["nb_read_frames"] == "60"


# ---- studies and series ---------------------------------------------------------------------------------------------


def parts_of(answer: requests.Response) -> list[tuple[str, str, bytes]]:
    """Type, location and bytes of each part, by a parser of MIME that is none of ours."""
    head = f"Content-Type: {answer.headers['Content-Type']}\r\n\r\n".encode()
    message = email.message_from_bytes(head + answer.content)
    boundary = message.get_boundary()
    assert boundary is not None
    pieces = answer.content.split(f"\r\n--{boundary}".encode())[1:-1]
    bodies = [piece.partition(b"\r\n\r\n")[2] for piece in pieces]
    parts = [part for part in message.walk() if not part.is_multipart()]
    return [
        (part.get_content_type(), str(part["Content-Location"]), body) for part, body in zip(parts, bodies, strict=True)
    ]


@pytest.mark.parametrize("level", ["study", "series"])
def test_videos_together(study: Study, films: Films, tmp_path: Path, level: str) -> None:
    accept = 'multipart/related; type="video/mpeg", multipart/related; type="video/mp4"; q=0.5'
    answer = get(study.url(level=level), accept)
    assert answer.status_code == 200, answer.text[:500]
    assert answer.headers["Content-Type"].startswith('multipart/related; type="video/mp4"; boundary=')
    parts = parts_of(answer)
    assert [kind for kind, _, _ in parts] == ["video/mp4", "video/mpeg", "video/mp4"]
    assert [f"{study.server.gateway_url}{place}" for _, place, _ in parts] == [
        study.url(name) for name in study.instances
    ]
    assert pictures_of(parts[0][2]) == pictures_of(films.source("h264.mp4").read_bytes())
    assert parts[1][2].rstrip(b"\0") == films.source("mpeg2.mpg").read_bytes().rstrip(b"\0")
    (tmp_path / "hevc.mp4").write_bytes(parts[2][2])
    assert ffprobe(tmp_path / "hevc.mp4")["nb_read_frames"] == "60"
    again = get(study.url(level=level), accept)
    assert again.headers["Content-Type"] == answer.headers["Content-Type"], "the boundary is another"


@pytest.mark.parametrize("level", ["study", "series"])
@pytest.mark.parametrize(("accept", "status"), [("video/mp4", 406), ("video/*", 406), (None, 406),
                                                ("application/dicom, video/mp4", 400)])  # fmt: skip
def test_no_single_part_for_more_than_one(study: Study, level: str, accept: str | None, status: int) -> None:
    answer = get(study.url(level=level), accept)
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")


def test_a_study_that_is_not_there(study: Study) -> None:
    wrong = study._replace(study="1.2.3")
    assert get(wrong.url(level="study"), 'multipart/related; type="video/mp4"').status_code == 404
    assert get(study._replace(series="1.2.3").url(level="series"), "multipart/related").status_code == 404


def test_a_video_that_cannot_be_rendered_is_left_out(server: OrthancServer, recordings: Recordings) -> None:
    data = recordings.holding(b"\x00\x00\x01\xba" + os.urandom(50_000), MPEG2)
    tags = requests.get(f"{server.url}/instances/{store(server, data)}/simplified-tags", timeout=10).json()
    place = Study(server, tags["StudyInstanceUID"], tags["SeriesInstanceUID"], {"": tags["SOPInstanceUID"]})
    assert get(place.url()).status_code in {415, 422}
    found = get(place.url(level="series"), 'multipart/related; type="video/mp4"')
    assert found.status_code in {200, 415, 422}
    if found.status_code == 200:  # other tests' videos are of the same series
        assert "left out" in found.headers["Warning"]


# ---- parameters -----------------------------------------------------------------------------------------------------


def size_of(path: Path) -> tuple[int, int]:
    seen = ffprobe(path)
    return seen["width"], seen["height"]


@pytest.mark.parametrize("name", ["h264.mp4", "mpeg2.mpg", "hevc.mp4"])
def test_a_viewport(study: Study, films: Films, tmp_path: Path, name: str) -> None:
    path = made(get(study.url(name), params={"viewport": "100,100,160,0,-160,120"}), tmp_path)
    assert size_of(path) == (100, 76)
    assert len(frame_times(path)) == 60
    whole = decoded(films.source(name), 320, 240).astype(float)
    expected = np.flip(whole[:, :120, 160:], axis=2)
    shown = decoded(path, 160, 120, "scale=160:120").astype(float)
    assert np.abs(shown - expected).mean() < 14
    assert np.abs(shown - whole[:, :120, :160]).mean() > 25, "any part would do"


@pytest.mark.parametrize(("viewport", "size"), [("640,640", (640, 480)), ("160,300", (160, 120)), ("64,32", (42, 32))])
def test_a_viewport_keeps_the_proportions(study: Study, tmp_path: Path, viewport: str, size: tuple[int, int]) -> None:
    assert size_of(made(get(study.url("h264.mp4"), params={"viewport": viewport}), tmp_path)) == size


@pytest.mark.parametrize(
    "parameter",
    ["viewport=0,100", "viewport=8,8", "viewport=9000,100", "viewport=a,b", "viewport=100,100,4000,0,10,10",
     "quality=0", "quality=101", "quality=high", "window=1,2", "window=40,0,linear", "window=1,2,cubic",
     "iccprofile=srgb", "iccprofile=yes", "iccprofile=other", "annotation=patient;"],
)  # fmt: skip
def test_what_no_video_can_have(study: Study, parameter: str) -> None:
    answer = get(f"{study.url('mpeg2.mpg')}?{parameter}")
    assert answer.status_code == 400, answer.text[:300]
    assert answer.json()["detail"].endswith(".")


def test_quality_decides_how_much_is_lost(study: Study) -> None:
    sizes = [len(get(study.url("mpeg2.mpg"), params={"quality": quality}).content) for quality in (1, 50, 100)]
    assert sizes[0] < sizes[1] / 2 < sizes[2] / 2
    stored = get(study.url("h264.mp4"))
    assert get(study.url("h264.mp4"), params={"quality": 1}).headers["ETag"] == stored.headers["ETag"]
    plain = get(study.url("h264.mp4"), params={"iccprofile": "no"})
    assert plain.headers["ETag"] == stored.headers["ETag"]


def test_each_way_is_made_once(study: Study) -> None:
    def jobs() -> int:
        every = requests.get(f"{study.server.gateway_url}/video/jobs?limit=1000", timeout=10).json()["Jobs"]
        return len([job for job in every if job["Action"] == "render"])

    url, whole = study.url("h264.mp4"), {"Prefer": "wait=30"}
    first = get(f"{url}?viewport=80,60", headers=whole)
    before = jobs()
    again = get(f"{url}?viewport=80,60&quality=84&window=1,2,linear&iccprofile=no", headers=whole)
    assert (jobs(), again.content, again.headers["ETag"]) == (before, first.content, first.headers["ETag"])
    part = get(f"{url}?viewport=80,60", headers={"Range": "bytes=5-9"})
    assert (part.status_code, part.content) == (206, first.content[5:10])
    assert get(f"{url}?viewport=82,60", headers=whole).headers["ETag"] != first.headers["ETag"]
    assert jobs() == before + 1


def test_annotations_are_burnt_in_and_told_to_nobody(study: Study, films: Films, tmp_path: Path) -> None:
    answer = get(study.url("h264.mp4"), params={"annotation": "patient,technique,nonsense"})
    path = made(answer, tmp_path)
    assert re.fullmatch(r'299 \S+ "The following annotation values are not supported: nonsense\."',
                        answer.headers["Warning"])  # fmt: skip
    shown, plain = (decoded(one, 320, 240).astype(float) for one in (path, films.source("h264.mp4")))
    differs = np.abs(shown - plain).mean(axis=(0, 3))
    assert differs[:60, :100].mean() > 4 * differs[120:].mean(), "nothing is written in the upper left corner"
    own = study.server.storage / "video-gateway"
    assert not any((own / "spool").iterdir()) or wait_until(lambda: not any((own / "spool").iterdir()))
    assert "Jane" not in study.server.log
    assert NUMBER not in study.server.log
    records = b"".join(file.read_bytes() for file in own.glob("jobs.sqlite*"))
    assert b"Jane" not in records


def test_a_film_of_grey_values_is_seen_through_the_window_that_is_asked_for(
    server: OrthancServer, tmp_path: Path
) -> None:
    values = np.tile(np.linspace(0, 4095, 128, dtype=np.uint16), (8, 64, 1))
    path = film(tmp_path / "film.dcm", values, bits=12, WindowCenter="2048", WindowWidth="4096",
                RescaleSlope="2", RescaleIntercept="-1000")  # fmt: skip
    store(server, path.read_bytes())
    dataset = dcmread(path, stop_before_pixels=True)
    place = Study(server, dataset.StudyInstanceUID, dataset.SeriesInstanceUID, {"": dataset.SOPInstanceUID})
    pixels = located(path).pixels
    for asked, window in (
        ({}, pixels.window),
        ({"window": "1000,500,linear"}, Window(center=1000, width=500)),
        ({"window": "3000,900,sigmoid"}, Window(center=3000, width=900, function=WindowFunction.SIGMOID)),
    ):
        made(get(place.url(), params=asked), tmp_path)
        shown = decoded(tmp_path / "answer.mp4", 128, 64)[4, 32, :, 0].astype(int)
        expected = shades.grey(pixels.__class__(**{**_fields(pixels), "window": window}))[values[0, 0]].astype(int)
        assert np.abs(shown - expected).mean() < 4, asked


def _fields(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__dataclass_fields__}


# ---- while it is being made -----------------------------------------------------------------------------------------


@pytest.fixture
def long(server: OrthancServer, recordings: Recordings, films: Films) -> Iterator[tuple[str, str]]:
    """A stored video whose rendition takes some seconds, and where it is asked for; its job is ended in the end."""
    instance = store(server, recordings.holding(slow(films), MPEG2))
    url = f"{server.gateway_url}/video/instances/{instance}"
    yield url, f"{url}/stream"
    rendition = requests.get(url, timeout=10).json()["Rendition"]
    if rendition is not None and rendition["State"] in {"Pending", "Running"}:
        requests.delete(f"{server.gateway_url}/video/jobs/{rendition['Job']}", timeout=10)


def test_its_first_pictures_come_while_the_rest_is_made(long: tuple[str, str], tmp_path: Path) -> None:
    facts, url = long
    with requests.get(url, headers={"Range": "bytes=0-"}, stream=True, timeout=60) as answer:
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "video/mp4")
        assert {"Content-Length", "ETag", "Content-Range"}.isdisjoint(answer.headers)
        assert (answer.headers["Accept-Ranges"], answer.headers["Cache-Control"]) == ("none", "no-store")
        begin = answer.raw.read(1)
        assert requests.get(facts, timeout=10).json()["Rendition"]["State"] == "Running", "it was whole already"
        head = requests.head(url, timeout=60)
        assert (head.status_code, head.headers["Accept-Ranges"]) == (200, "none")
        late = requests.get(url, headers={"Prefer": "wait=0"}, timeout=60)
        assert late.status_code == 503
        assert late.json()["Job"].startswith("rendition-")
        assert requests.get(url, headers={"Range": "bytes=9-", "Prefer": "wait=0"}, timeout=60).status_code == 503
        grown = begin + answer.raw.read(decode_content=False)
    path = tmp_path / "grown.mp4"
    path.write_bytes(grown)
    seen = ffprobe(path)
    assert (seen["nb_read_frames"], seen["codec_name"], float(seen["start_time"])) == ("500", "h264", 0.0)
    whole = requests.get(url, timeout=60)
    assert "ETag" in whole.headers, "the finished one is another"
    (tmp_path / "whole.mp4").write_bytes(whole.content)
    assert frame_times(tmp_path / "whole.mp4") == frame_times(path)
    assert np.array_equal(decoded(tmp_path / "whole.mp4", 64, 36, "scale=64:36")[::50],
                          decoded(path, 64, 36, "scale=64:36")[::50])  # fmt: skip
    assert requests.get(url, headers={"Range": "bytes=0-9"}, timeout=60).status_code == 206


def test_ffprobe_plays_it_as_it_grows(long: tuple[str, str]) -> None:
    command = ["ffprobe", "-v", "error", "-read_intervals", "%+#3", "-select_streams", "v",
               "-show_entries", "frame=pts_time", "-of", "csv=p=0", long[1]]  # fmt: skip
    seen = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout.split()
    assert [float(one.strip(",")) for one in seen][:3] == [0.0, 0.04, 0.08]
    assert requests.get(long[0], timeout=10).json()["Rendition"]["State"] == "Running"


def test_who_follows_one_that_is_cancelled_sees_that_it_is_not_whole(
    server: OrthancServer, long: tuple[str, str]
) -> None:
    facts, url = long
    with requests.get(url, stream=True, timeout=60) as answer:
        blocks = answer.iter_content(1 << 16)
        assert next(blocks)
        job = requests.get(facts, timeout=10).json()["Rendition"]["Job"]
        requests.delete(f"{server.gateway_url}/video/jobs/{job}", timeout=10)
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            list(blocks)
    wait_until(lambda: "its job's outcome is Cancelled" in server.log)
    assert "Traceback" not in server.log


def test_a_client_that_leaves_ends_nothing(long: tuple[str, str]) -> None:
    facts, url = long
    requests.get(url, stream=True, timeout=60).close()
    assert requests.get(facts, timeout=10).json()["Rendition"]["State"] == "Running"
    assert requests.get(url, stream=True, timeout=60).status_code == 200


_PLAYS = """async ([url, seconds]) => {
  const video = document.createElement("video");
  video.muted = true;
  video.src = url;
  document.body.replaceChildren(video);
  await video.play();
  await new Promise((resolve, reject) => {
    video.ontimeupdate = () => video.currentTime > seconds && resolve();
    video.onerror = () => reject(new Error(video.error.message));
  });
  return [video.videoWidth, video.videoHeight, video.currentTime];
}"""


def test_chromium_plays_it_as_it_grows(browser: Browser, server: OrthancServer, long: tuple[str, str]) -> None:
    facts, url = long
    page = browser.new_page()
    try:
        page.goto(f"{server.gateway_url}/health")
        width, height, _ = page.evaluate(_PLAYS, [url, 0.5])
        assert requests.get(facts, timeout=10).json()["Rendition"]["State"] == "Running", "it was whole already"
        assert (width, height) == (1280, 720)
    finally:
        page.close()
