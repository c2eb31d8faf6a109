"""Playing the stored object: RFC 9110 ranges, index, poster, on both ports."""

from __future__ import annotations

import base64
import io
import json
import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from PIL import Image

from e2e.films import Films
from e2e.orthanc_server import OrthancServer


@pytest.fixture(scope="module")
def film(films: Films) -> Path:
    return films.numbered()


@pytest.fixture(scope="module")
def stored(server: OrthancServer, film: Path) -> dict[str, Any]:
    answer = requests.post(f"{server.gateway_url}/instances", data=film.read_bytes(), timeout=60).json()
    tags = requests.get(f"{server.url}/instances/{answer['ID']}/simplified-tags", timeout=10).json()
    result: dict[str, Any] = answer | tags
    return result


@pytest.fixture(params=["stream", "rendered"])
def url(request: pytest.FixtureRequest, server: OrthancServer, stored: dict[str, Any]) -> str:
    if request.param == "stream":
        return f"{server.gateway_url}/video/instances/{stored['ID']}/stream"
    parts = [stored[f"{level}InstanceUID"] for level in ("Study", "Series", "SOP")]
    return f"{server.gateway_url}/dicom-web/studies/{parts[0]}/series/{parts[1]}/instances/{parts[2]}/rendered"


def get(url: str, **headers: str) -> requests.Response:
    return requests.get(url, headers={name.replace("_", "-"): value for name, value in headers.items()}, timeout=30)


@pytest.fixture
def whole(url: str, film: Path) -> bytes:
    """What is sent: the stored stream, or for players that go to single frames the same with an index of its own."""
    return film.read_bytes() if url.endswith("stream") else get(url).content


def test_whole(url: str, whole: bytes) -> None:
    answer = get(url)
    assert answer.status_code == 200
    assert answer.content == whole
    assert answer.headers["Content-Type"] == "video/mp4"
    assert answer.headers["Accept-Ranges"] == "bytes"


def test_head_is_get_without_the_body(url: str) -> None:
    head, full = requests.head(url, timeout=10), get(url)
    assert head.status_code == 200
    assert head.content == b""
    for name in ("Content-Length", "Content-Type", "ETag", "Accept-Ranges"):
        assert head.headers[name] == full.headers[name]


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("0-", 0, None),
        ("0-1", 0, 1),
        ("0-0", 0, 0),
        ("100-199", 100, 199),
        ("-500", -500, None),
        ("-999999999999", 0, None),
        ("1000-999999999999", 1000, None),
    ],
)
def test_one_range(url: str, whole: bytes, asked: str, first: int, last: int | None) -> None:
    answer = get(url, Range=f"bytes={asked}")
    expected = whole[first:] if last is None else whole[first : last + 1]
    start = first if first >= 0 else len(whole) + first
    assert answer.status_code == 206
    assert answer.content == expected
    assert answer.headers["Content-Range"] == f"bytes {start}-{start + len(expected) - 1}/{len(whole)}"
    assert answer.headers["Content-Length"] == str(len(expected))


@pytest.mark.parametrize("asked", ["999999999999-", "-0"])
def test_beyond_the_end(url: str, whole: bytes, asked: str) -> None:
    answer = get(url, Range=f"bytes={asked}")
    assert answer.status_code == 416
    assert answer.headers["Content-Range"] == f"bytes */{len(whole)}"


@pytest.mark.parametrize("asked", ["bytes=9-5", "bytes=x-", "bytes", "frames=1-2", "bytes=--5", "bytes=0-10,5-20"])
def test_what_is_no_range_gets_the_whole(url: str, whole: bytes, asked: str) -> None:
    answer = get(url, Range=asked)
    assert (answer.status_code, len(answer.content)) == (200, len(whole))


def test_several_ranges(url: str, whole: bytes) -> None:
    answer = get(url, Range="bytes=0-9,100-119,-5")
    assert answer.status_code == 206
    kind, _, boundary = answer.headers["Content-Type"].partition("; boundary=")
    assert kind == "multipart/byteranges"
    parts = answer.content.split(f"--{boundary}".encode())
    bodies = [part.split(b"\r\n\r\n", 1)[1].removesuffix(b"\r\n") for part in parts[1:-1]]
    assert bodies == [whole[0:10], whole[100:120], whole[-5:]]
    assert len(answer.content) == int(answer.headers["Content-Length"])


def test_conditions(url: str) -> None:
    etag = get(url, Range="bytes=0-0").headers["ETag"]
    assert etag.startswith('"'), "a strong validator"
    assert get(url, If_None_Match=etag).status_code == 304
    assert get(url, If_None_Match='"other"').status_code == 200
    assert get(url, Range="bytes=0-9", If_Range=etag).status_code == 206
    assert get(url, Range="bytes=0-9", If_Range='"stale"').status_code == 200
    assert get(url, If_Match='"stale"').status_code == 412


def test_rendered_of_a_wrong_study_is_not_found(server: OrthancServer, stored: dict[str, Any]) -> None:
    wrong = f"{server.gateway_url}/dicom-web/studies/1.2.3/series/{stored['SeriesInstanceUID']}"
    assert get(f"{wrong}/instances/{stored['SOPInstanceUID']}/rendered").status_code == 404


def packets_of(film: Path) -> list[dict[str, Any]]:
    command = ["ffprobe", "-v", "error", "-show_packets", "-select_streams", "v", "-of", "json", str(film)]
    found: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return list(found["packets"])


def test_the_index_agrees_with_ffprobe(server: OrthancServer, stored: dict[str, Any], film: Path) -> None:
    index = get(f"{server.gateway_url}/video/instances/{stored['ID']}/index").json()
    packets = packets_of(film)
    assert index["Time"] == [packet["pts"] for packet in packets]
    assert index["Offset"] == [int(packet["pos"]) for packet in packets]
    assert index["Size"] == [int(packet["size"]) for packet in packets]
    assert index["Key"] == ["K" in packet["flags"] for packet in packets]
    assert index["NumberOfFrames"] == 300


def test_the_index_of_hevc_as_it_is_stored(server: OrthancServer, films: Films, tmp_path: Path) -> None:
    """For browsers that decode it: of the stored bytes, not of the rendition that all others get."""
    instance = requests.post(
        f"{server.gateway_url}/instances", data=films.source("hevc.mp4").read_bytes(), timeout=60
    ).json()["ID"]
    base, query = f"{server.gateway_url}/video/instances/{instance}", "?accept=application/octet-stream"
    stored = tmp_path / "stored.mp4"
    stored.write_bytes(get(f"{base}/stream{query}").content)
    index, packets = get(f"{base}/index{query}").json(), packets_of(stored)
    assert index["Codec"] == "hvc1"
    assert base64.b64decode(index["Description"])[0] == 1  # hvcC's version
    assert index["Offset"] == [int(packet["pos"]) for packet in packets]
    assert index["Size"] == [int(packet["size"]) for packet in packets]


def test_a_smaller_rendition_and_its_index(server: OrthancServer, stored: dict[str, Any], tmp_path: Path) -> None:
    """Of what browsers play as it is: the same frames at the same times, of fewer pixels."""
    base, query = f"{server.gateway_url}/video/instances/{stored['ID']}", "?viewport=96,48"
    small = tmp_path / "small.mp4"
    small.write_bytes(get(f"{base}/stream{query}", Range="bytes=0-99999999").content)
    index, packets = get(f"{base}/index{query}").json(), packets_of(small)
    assert index["Offset"] == [int(packet["pos"]) for packet in packets]
    whole = get(f"{base}/index").json()
    times = [[Fraction(time, one["Timescale"]) for time in sorted(one["Time"])] for one in (index, whole)]
    assert times[0] == times[1]
    assert get(f"{base}/index?viewport=wide").status_code == 400


def test_the_index_works_through_orthancs_port(server: OrthancServer, stored: dict[str, Any]) -> None:
    through = get(f"{server.url}/video/instances/{stored['ID']}/index")
    assert through.status_code == 200
    assert through.json()["NumberOfFrames"] == 300


def test_the_stream_on_orthancs_port(server: OrthancServer, stored: dict[str, Any], film: Path) -> None:
    """Ranges as 206 where the Python plugin can (5.0), else a 307 to the gateway."""
    url = f"{server.url}/video/instances/{stored['ID']}/stream"
    bare = requests.get(url, headers={"Range": "bytes=5-99"}, timeout=10, allow_redirects=False)
    if server.version >= (1, 12, 7):
        assert bare.status_code == 206
        assert bare.headers["Content-Range"] == f"bytes 5-99/{film.stat().st_size}"
    else:
        assert bare.status_code == 307
        assert bare.headers["Location"].startswith(server.gateway_url)
    followed = get(url, Range="bytes=5-99")
    assert (followed.status_code, followed.content) == (206, film.read_bytes()[5:100])
    assert get(url).content == film.read_bytes()


@pytest.mark.parametrize("port", ["gateway", "orthanc"])
def test_the_thumbnail_is_a_real_picture(server: OrthancServer, films: Films, port: str) -> None:
    """A film that begins black: its poster is not."""
    film = films.unique(3.0, "-vf", "fade=in:0:40", "-c:v", "libx264", "-g", "10", "-movflags", "+faststart")
    base = server.gateway_url if port == "gateway" else server.url
    instance = requests.post(f"{base}/instances", data=film.read_bytes(), timeout=60).json()["ID"]
    answer = get(f"{base}/video/instances/{instance}/thumbnail")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/jpeg")
    picture = np.asarray(Image.open(io.BytesIO(answer.content)).convert("L"))
    assert picture.shape == (240, 320)
    assert picture.std() > 20


def test_facts(server: OrthancServer, stored: dict[str, Any]) -> None:
    facts = get(f"{server.gateway_url}/video/instances/{stored['SOPInstanceUID']}").json()
    assert facts["ID"] == stored["ID"]
    assert (facts["Rate"], facts["NumberOfFrames"], facts["Codec"]) == ("30000/1001", 300, "h264")
    assert facts["Plan"]["Action"] == "wrap"
    del facts["Findings"], facts["Rendition"]  # told of one video alone
    listed = get(f"{server.gateway_url}/video/instances?limit=200").json()
    assert facts in listed["Instances"]


def test_an_image_is_not_a_video(server: OrthancServer) -> None:
    from pydicom.data import get_testdata_file

    data = Path(str(get_testdata_file("CT_small.dcm"))).read_bytes()
    image = requests.post(f"{server.url}/instances", data=data, timeout=10).json()["ID"]
    assert get(f"{server.gateway_url}/video/instances/{image}/stream").status_code == 415
    assert get(f"{server.gateway_url}/video/instances/{image.replace(image[0], 'f')}/stream").status_code in {404, 415}


@pytest.mark.parametrize("part", ["/stream", "/index", "/thumbnail", "/thumbnail?width=200"])
def test_a_deleted_video_is_gone(server: OrthancServer, films: Films, part: str) -> None:
    """Even while Orthanc's yes is remembered, and whatever the media process makes of a file that is not there."""
    instance = requests.post(f"{server.url}/instances", data=films.unique().read_bytes(), timeout=60).json()["ID"]
    url = f"{server.gateway_url}/video/instances/{instance}{part}"
    assert get(f"{server.gateway_url}/video/instances/{instance}/stream").status_code == 200
    assert requests.delete(f"{server.url}/instances/{instance}", timeout=10).status_code == 200
    assert get(url).status_code == 404


def test_pages_of_another_origin_are_sent_to_the_gateway(server: OrthancServer, stored: dict[str, Any]) -> None:
    """On Orthanc's own port a 206 carries the core's Content-Type, too, and does not play in them."""
    path = f"/video/instances/{stored['ID']}/stream"
    asked = {"Range": "bytes=0-9", "Sec-Fetch-Site": "cross-site"}
    answer = requests.get(server.url + path, headers=asked, timeout=10, allow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (307, server.gateway_url + path)


def test_other_methods_are_told_which_there_are(server: OrthancServer, stored: dict[str, Any]) -> None:
    answer = requests.delete(f"{server.gateway_url}/video/instances/{stored['ID']}/stream", timeout=10)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD")
