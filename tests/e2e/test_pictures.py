"""Pictures over DICOMweb: frames exact to the frame, renderings, thumbnails; of videos, films and ordinary images."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from dicomweb_client import DICOMwebClient
from PIL import Image, ImageCms
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.pixels.processing import apply_modality_lut, apply_voi_lut

from cines import LOSSY, coded, colours, film, grey
from e2e.films import BAR, BITS, Films
from e2e.orthanc_server import OrthancServer
from e2e.recordings import Recordings, store
from oracles import decoded, psnr

_H264, _HEVC, _MPEG2 = (f"1.2.840.10008.1.2.4.{number}" for number in (102, 107, 100))
_JPEG = 'multipart/related; type="image/jpeg"'
_OCTETS = 'multipart/related; type="application/octet-stream"'
_PATIENT = "Zwölfseer^Änne"


@dataclass(frozen=True)
class Held:
    """A stored instance: its Orthanc ID, and the DICOMweb paths of it, its series and its study."""

    id: str
    instance: str
    series: str
    study: str
    uids: tuple[str, str, str]


class Room:
    def __init__(self, server: OrthancServer) -> None:
        self.server = server

    def hold(self, data: bytes) -> Held:
        said = dcmread(io.BytesIO(data), stop_before_pixels=True)
        uids = str(said.StudyInstanceUID), str(said.SeriesInstanceUID), str(said.SOPInstanceUID)
        study = f"{self.server.gateway_url}/dicom-web/studies/{uids[0]}"
        series = f"{study}/series/{uids[1]}"
        return Held(store(self.server, data), f"{series}/instances/{uids[2]}", series, study, uids)

    @property
    def client(self) -> DICOMwebClient:
        return DICOMwebClient(f"{self.server.gateway_url}/dicom-web")

    @property
    def kept(self) -> set[str]:
        folder = self.server.storage / "video-gateway" / "cache" / "thumbnails"
        return {path.name for path in folder.glob("*.picture")}


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    with OrthancServer(tmp_path_factory.mktemp("pictures")) as server:
        yield Room(server)


@pytest.fixture(scope="module")
def numbered(room: Room, recordings: Recordings, films: Films) -> Held:
    """300 frames that show their numbers, from 0, with B-frames."""
    return room.hold(recordings.holding(films.numbered().read_bytes(), _H264))


@pytest.fixture(scope="module")
def cine(room: Room, tmp_path_factory: pytest.TempPathFactory) -> Held:
    path = tmp_path_factory.mktemp("cine") / "film.dcm"
    return room.hold(coded(film(path, colours(6), PatientName=_PATIENT), LOSSY["50"]).read_bytes())


@pytest.fixture(scope="module")
def ct(room: Room) -> Held:
    return room.hold(Path(str(get_testdata_file("CT_small.dcm"))).read_bytes())


def get(url: str, accept: str | None = "*/*", **more: Any) -> requests.Response:
    return requests.get(url, headers={"Accept": accept}, timeout=60, **more)


def shown(answer: requests.Response) -> Image.Image:
    assert answer.status_code == 200, answer.text
    return Image.open(io.BytesIO(answer.content))


def parts(answer: requests.Response) -> list[tuple[str, bytes]]:
    """Each part's Content-Type and body."""
    assert answer.status_code == 200, answer.text
    head = f"Content-Type: {answer.headers['Content-Type']}\r\n\r\n".encode()
    inner = [part for part in message_from_bytes(head + answer.content).walk() if not part.is_multipart()]
    found = [(part["Content-Type"], part.get_payload(decode=True)) for part in inner]
    return [(kind, body) for kind, body in found if isinstance(body, bytes)]


def number(picture: Image.Image) -> int:
    """Which frame of ``numbered`` it is, from 0."""
    row = np.asarray(picture.convert("L"))[48]
    return sum(int(row[bit * BAR + BAR // 2] > 128) << bit for bit in range(BITS))


def test_frames_of_a_video_are_exact(numbered: Held) -> None:
    for wanted in (1, 2, 60, 61, 62, 150, 299, 300):
        answer = get(f"{numbered.instance}/frames/{wanted}/rendered", "image/png")
        assert answer.headers["Content-Type"] == "image/png"
        assert number(shown(answer)) == wanted - 1


def test_several_frames_come_in_parts(numbered: Held) -> None:
    answer = get(f"{numbered.instance}/frames/3,59,60,61,250/rendered", _JPEG)
    found = parts(answer)
    assert [number(Image.open(io.BytesIO(body))) for _, body in found] == [2, 58, 59, 60, 249]
    assert {kind for kind, _ in found} == {"image/jpeg"}
    assert answer.headers["Content-Type"].startswith('multipart/related; type="image/jpeg"; boundary=')


@pytest.mark.parametrize(
    ("name", "syntax"), [("mpeg2.mpg", _MPEG2), ("mpeg2.ts", _MPEG2), ("hevc.mp4", _HEVC), ("h264.ts", _H264)]
)
def test_every_codec_and_container(room: Room, recordings: Recordings, films: Films, name: str, syntax: str) -> None:
    source = films.source(name)
    held = room.hold(recordings.holding(source.read_bytes(), syntax))
    expected = decoded(source, 320, 240)
    for wanted in (1, 30, 31, 60):
        found = np.asarray(shown(get(f"{held.instance}/frames/{wanted}/rendered", "image/png")))
        assert psnr(found, expected[wanted - 1]) > 40
        others = [at for at, one in enumerate(expected) if psnr(found, one) > 40]
        assert others == [wanted - 1]


@pytest.mark.parametrize(
    ("frames", "accept", "status"),
    [
        ("301", "image/jpeg", 404),
        ("1,301", _JPEG, 404),
        ("0", "image/jpeg", 400),
        ("2,1", _JPEG, 400),
        ("1,1", _JPEG, 400),
        ("x", "image/jpeg", 400),
        ("1,2", "image/jpeg", 406),
        ("1", "application/dicom", 406),
        ("1", None, 406),
        (",".join(map(str, range(1, 1002))), _JPEG, 413),
    ],
)
def test_what_frames_are_refused(numbered: Held, frames: str, accept: str | None, status: int) -> None:
    answer = get(f"{numbered.instance}/frames/{frames}/rendered", accept)
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_samples_of_a_video(room: Room, numbered: Held) -> None:
    answer = get(f"{numbered.instance}/frames/77", "application/octet-stream")
    assert answer.headers["Content-Type"] == "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1"
    assert number(Image.frombytes("RGB", (BITS * BAR, 96), answer.content)) == 76
    both = room.client.retrieve_instance_frames(
        *numbered.uids, frame_numbers=[5, 6], media_types=("application/octet-stream",)
    )
    assert [number(Image.frombytes("RGB", (BITS * BAR, 96), one)) for one in both] == [4, 5]
    jpeg = get(f"{numbered.instance}/frames/300", "image/jpeg")
    assert jpeg.headers["Content-Type"] == "image/jpeg; transfer-syntax=1.2.840.10008.1.2.4.50"
    assert number(shown(jpeg)) == 299


def test_frames_of_a_film_as_stored_and_decoded(cine: Held, room: Room) -> None:
    stored = parts(get(f"{cine.instance}/frames/2,5", "multipart/related; type=image/jpeg"))
    assert {kind for kind, _ in stored} == {"image/jpeg; transfer-syntax=1.2.840.10008.1.2.4.50"}
    octets = parts(get(f"{cine.instance}/frames/2,5", _OCTETS))
    for (_, jpeg), (kind, samples), wanted in zip(stored, octets, (1, 4), strict=True):
        assert kind == "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1"
        picture = np.frombuffer(samples, np.uint8).reshape(48, 64, 3)
        assert psnr(np.asarray(Image.open(io.BytesIO(jpeg)).convert("RGB")), picture) > 40
        assert psnr(picture, colours(6)[wanted]) > 30
    # As OHIF asks, and Orthanc answers.
    (one,) = parts(get(f"{cine.instance}/frames/2", f"{_OCTETS}; transfer-syntax=*"))
    assert one == stored[0]
    (same,) = room.client.retrieve_instance_frames(
        *cine.uids, frame_numbers=[2], media_types=(("image/jpeg", "1.2.840.10008.1.2.4.50"),)
    )
    assert same == stored[0][1]
    assert get(f"{cine.instance}/frames/7", _OCTETS).status_code == 404


def test_a_thumbnail_of_a_video_asked_as_ohif_does(numbered: Held) -> None:
    for query, accept in (("?viewport=256,256", "image/jpeg"), ("?accept=image/jpeg", "*/*")):
        answer = get(f"{numbered.instance}/rendered{query}", accept)
        picture = shown(answer)
        assert answer.headers["Content-Type"] == "image/jpeg"
        assert picture.size == ((256, 128) if "viewport" in query else (192, 96))


def test_a_video_stays_a_video(numbered: Held) -> None:
    for accept in ("*/*", "video/mp4", "image/jpeg;q=0.5, video/mp4"):
        assert get(f"{numbered.instance}/rendered", accept).headers["Content-Type"] == "video/mp4"
    assert get(f"{numbered.instance}/rendered", "application/dicom").status_code == 406
    assert get(f"{numbered.instance}/rendered", None).status_code == 406


def test_a_film_moves_as_gif(cine: Held) -> None:
    answer = get(f"{cine.instance}/rendered", "image/gif")
    assert answer.headers["Content-Type"] == "image/gif"
    animation = shown(answer)
    assert (animation.n_frames, animation.size) == (6, (64, 48))  # type: ignore[attr-defined]
    assert len(parts(get(f"{cine.instance}/rendered", _JPEG))) == 6


@pytest.mark.parametrize("level", ["instance", "series", "study"])
def test_thumbnails_at_every_level(numbered: Held, cine: Held, ct: Held, level: str) -> None:
    for held in (numbered, cine, ct):
        url = f"{getattr(held, level)}/thumbnail"
        answer = get(url, "image/jpeg")
        picture = shown(answer)
        assert max(picture.size) == 320
        assert float(np.std(np.asarray(picture.convert("L")))) > 10
        assert max(shown(get(f"{url}?viewport=99,99")).size) == 99
        again = requests.get(url, headers={"Accept": "*/*", "If-None-Match": answer.headers["ETag"]}, timeout=10)
        assert again.status_code == 304
        assert get(url, "image/png").status_code == 406
        assert get(url, None).status_code == 406
        assert get(f"{url}?viewport=x").status_code == 400


def test_a_series_of_images(room: Room, ct: Held, numbered: Held, cine: Held) -> None:
    of_videos = len(get(f"{numbered.series}/instances", "application/dicom+json").json())
    for held, count in ((ct, 1), (cine, 6), (numbered, of_videos)):
        for url in (held.series, held.study):
            assert len(parts(get(f"{url}/rendered", _JPEG))) == count
            assert get(f"{url}/rendered", "image/jpeg").status_code == 406
    answer = get(f"{cine.study}/rendered", 'multipart/related; type="image/png"')
    assert answer.content.count(b"Content-Location: /dicom-web/studies/") == 6
    assert get(f"{room.server.gateway_url}/dicom-web/studies/1.2.3/rendered", _JPEG).status_code == 404


def test_an_ordinary_image_is_drawn_as_all_are(room: Room, ct: Held) -> None:
    for part in ("/rendered", "/frames/1/rendered"):
        assert shown(get(ct.instance + part, "image/jpeg")).size == (128, 128)
        assert shown(get(f"{ct.instance}{part}?viewport=64%2C64", "image/png")).size == (64, 64)
        for query in ("viewport=100000,100000", "viewport=0,0", "viewport=64,64,320,0,10,10", "window=40,0,linear"):
            assert get(f"{ct.instance}{part}?{query}", "image/jpeg").status_code == 400, query
    assert get(f"{ct.instance}/rendered", "video/mp4").status_code == 406
    smaller = room.client.retrieve_instance_rendered(*ct.uids, media_types=("image/png",), params={"viewport": "64,64"})
    assert Image.open(io.BytesIO(smaller)).size == (64, 64)
    frame = parts(get(f"{ct.instance}/frames/1", _OCTETS))[0][1]
    assert frame == dcmread(str(get_testdata_file("CT_small.dcm"))).PixelData
    assert get(f"{ct.instance}/frames/1", "application/octet-stream").content == frame
    assert get(f"{ct.instance}/frames/2", _OCTETS).status_code == 404
    assert get(f"{ct.instance}/rendered", "image/gif").headers["Content-Type"] == "image/gif"
    assert len(parts(get(f"{ct.instance}/rendered", _JPEG))) == 1


@pytest.mark.parametrize("name", ["JPEG2000.dcm", "MR_small_jp2klossless.dcm"])
def test_the_frame_of_an_ordinary_image_is_had_however_it_is_coded(room: Room, name: str) -> None:
    """What Orthanc cannot decode is decoded here, in parts as alone."""
    dataset = dcmread(str(get_testdata_file(name)))
    held = room.hold(Path(str(get_testdata_file(name))).read_bytes())
    alone = get(f"{held.instance}/frames/1", "application/octet-stream")
    for accept in ("*/*", _OCTETS):
        answer = get(f"{held.instance}/frames/1", accept)
        [(kind, samples)] = parts(answer)
        assert kind.startswith("application/octet-stream")
        assert samples == alone.content
    assert len(samples) == dataset.Rows * dataset.Columns * dataset.SamplesPerPixel * dataset.BitsAllocated // 8
    assert room.client.retrieve_instance_frames(*held.uids, [1]) == [samples]
    [(kind, stream)] = parts(get(f"{held.instance}/frames/1", 'multipart/related; type="image/jp2"'))
    assert kind.startswith("image/jp2")
    assert stream == get(f"{held.instance}/frames/1", "image/jp2").content


def test_grey_is_rendered_as_pydicom_does(room: Room, tmp_path: Path) -> None:
    said = {"WindowCenter": "600", "WindowWidth": "900", "RescaleSlope": "2", "RescaleIntercept": "-100"}
    path = film(tmp_path / "grey.dcm", grey(3, 12), bits=12, **said)
    held, dataset = room.hold(path.read_bytes()), dcmread(path)
    for query, center, width in (("", 600, 900), ("?window=3000,2000,linear", 3000, 2000)):
        dataset.WindowCenter, dataset.WindowWidth = center, width
        seen = apply_voi_lut(apply_modality_lut(dataset.pixel_array[1], dataset), dataset)
        low, high = -100.0, 2 * 4095 - 100.0
        found = np.asarray(shown(get(f"{held.instance}/frames/2/rendered{query}", "image/png")))
        assert np.abs(found - (seen - low) / (high - low) * 255).max() <= 1


def test_the_parameters(cine: Held) -> None:
    url = f"{cine.instance}/frames/1/rendered"
    whole = np.asarray(shown(get(url, "image/png")))
    cut = shown(get(f"{url}?viewport=16,8,10,20,-16,8", "image/png"))
    assert np.array_equal(np.asarray(cut), whole[20:28, 10:26][:, ::-1])
    small, large = (len(get(f"{url}?quality={quality}", "image/jpeg").content) for quality in (5, 95))
    assert small < large
    profiled = shown(get(f"{url}?iccprofile=srgb", "image/jpeg"))
    profile = ImageCms.ImageCmsProfile(io.BytesIO(profiled.info["icc_profile"]))
    assert "sRGB" in ImageCms.getProfileDescription(profile)
    for query, kind in (("iccprofile=srgb", "gif"), ("iccprofile=rommrgb", "png"), ("quality=0", "jpeg")):
        assert get(f"{url}?{query}", f"image/{kind}").status_code == 400
    assert get(f"{url}?viewport=10,10,64,0,1,1", "image/png").status_code == 400


def test_annotations_are_burnt_in_and_no_name_is_kept(room: Room, cine: Held) -> None:
    url = f"{cine.instance}/frames/1/rendered?viewport=640,480"
    plain = np.asarray(shown(get(url, "image/png"))).astype(int)
    before = room.kept
    answer = get(f"{url}&annotation=patient", "image/png")
    changed = np.abs(np.asarray(shown(answer)) - plain).max(axis=(1, 2)) > 50
    assert changed[:120].any()
    assert not changed[240:].any()
    assert answer.headers["Cache-Control"] == "no-store"
    assert "ETag" not in answer.headers
    assert room.kept == before
    below = get(f"{url}&annotation=technique,weather", "image/png")
    changed = np.abs(np.asarray(shown(below)) - plain).max(axis=(1, 2)) > 50
    assert changed[240:].any()
    assert not changed[:120].any()
    assert "weather" in below.headers["Warning"]
    assert below.headers["Warning"].startswith("299 ")
    assert room.kept > before
    assert _PATIENT.split("^")[0] not in room.server.log


def test_dicomweb_client_gets_what_it_asks_for(room: Room, numbered: Held, cine: Held) -> None:
    client = room.client
    for held in (numbered, cine):
        assert client.retrieve_instance_rendered(*held.uids, media_types=("image/jpeg",))[:2] == b"\xff\xd8"
        one = client.retrieve_instance_frames_rendered(*held.uids, frame_numbers=[3], media_types=("image/png",))
        assert one[:4] == b"\x89PNG"


def test_pictures_go_with_their_instance_and_its_series_must_be_right(room: Room, recordings: Recordings) -> None:
    held = room.hold(recordings.one())
    assert get(f"{held.instance}/thumbnail").status_code == 200
    wrong = held.instance.replace(held.uids[1], "1.2.3")
    for part in ("/thumbnail", "/rendered", "/frames/1", "/frames/1/rendered"):
        assert get(wrong + part, "image/jpeg").status_code == 404
    requests.delete(f"{room.server.url}/instances/{held.id}", timeout=10).raise_for_status()
    assert get(f"{held.instance}/thumbnail").status_code == 404


@pytest.mark.parametrize("part", ["/thumbnail", "/rendered", "/frames/1", "/frames/1/rendered"])
def test_orthanc_decides_who_sees_them(tmp_path: Path, recordings: Recordings, part: str) -> None:
    users = {"AuthenticationEnabled": True, "RegisteredUsers": {"anna": "right"}}
    with OrthancServer(tmp_path / "closed", users) as server:
        data = recordings.one()
        requests.post(f"{server.url}/instances", data=data, headers=server.headers(), timeout=30).raise_for_status()
        said = dcmread(io.BytesIO(data), stop_before_pixels=True)
        path = f"{said.StudyInstanceUID}/series/{said.SeriesInstanceUID}/instances/{said.SOPInstanceUID}{part}"
        url = f"{server.gateway_url}/dicom-web/studies/{path}"
        allowed = requests.get(url, headers={"Accept": "image/jpeg", **server.headers()}, timeout=30)
        assert allowed.status_code == 200
        assert get(url, "image/jpeg").status_code == 401
        assert get(url, "image/jpeg", auth=("anna", "wrong")).status_code == 401
