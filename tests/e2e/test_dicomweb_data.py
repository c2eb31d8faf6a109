"""Bulk data and files of stored videos by DICOMweb (PS3.18 10.4): what is stored, exactly, as it is asked for."""

from __future__ import annotations

import secrets
import subprocess
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
import requests
from dicomweb_client.api import DICOMwebClient
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import UID, JPEGBaseline8Bit, generate_uid

from e2e.conftest import Start
from e2e.dicomweb import FILES, Held, alone, get, hold, parts
from e2e.films import Films, ffprobe
from e2e.orthanc_server import OrthancServer
from e2e.recordings import Recordings

_TS = "1.2.840.10008.1.2.4"
STREAMS = {
    "h264.mp4": (f"{_TS}.102", "video/mp4"),
    "h264.ts": (f"{_TS}.104", "video/mp4"),
    "mpeg2.mpg": (f"{_TS}.101", "video/mpeg"),
    "mpeg2.ts": (f"{_TS}.100", "video/mpeg"),
    "hevc.mp4": (f"{_TS}.107", "video/H265"),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OrthancServer]:
    with OrthancServer(tmp_path_factory.mktemp("data"), {"VideoGateway": {"Renditions": "none"}}) as running:
        yield running


def video(server: OrthancServer, recordings: Recordings, stream: bytes, syntax: str, fragments: int = 1) -> Held:
    """A video of another writer's, in a study of its own, whose stream lies in so many fragments."""

    def change(dataset: object) -> None:
        size = -(-len(stream) // fragments // 2) * 2
        pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
        dataset.file_meta.TransferSyntaxUID = UID(syntax)  # type: ignore[attr-defined]
        dataset.PixelData = encapsulate(pieces, has_bot=False)  # type: ignore[attr-defined]
        dataset["PixelData"].is_undefined_length = True  # type: ignore[index]

    return hold(server, recordings.changed(alone(change)))


@pytest.fixture(scope="module")
def odd(server: OrthancServer, recordings: Recordings, films: Films) -> Held:
    """An MP4 of odd length, of which the object holds one byte more."""
    return video(server, recordings, odd_stream(films), f"{_TS}.102")


def odd_stream(films: Films) -> bytes:
    stream = films.source("h264.mp4").read_bytes()
    return stream + b"\0\0\0\x09free\0" if len(stream) % 2 == 0 else stream


@pytest.fixture(scope="module")
def fragmented(server: OrthancServer, recordings: Recordings, films: Films) -> Held:
    return video(server, recordings, films.source("h264.mp4").read_bytes(), f"{_TS}.102.1", fragments=5)


@pytest.fixture(scope="module")
def film(server: OrthancServer, recordings: Recordings) -> Held:
    """Ten pictures in JPEG, as an endoscope's loop."""
    frame = next(
        generate_frames(dcmread(str(get_testdata_file("SC_rgb_jpeg_dcmtk.dcm"))).PixelData, number_of_frames=1)
    )
    seen = dcmread(str(get_testdata_file("SC_rgb_jpeg_dcmtk.dcm")))

    def change(dataset: object) -> None:
        dataset.file_meta.TransferSyntaxUID = JPEGBaseline8Bit  # type: ignore[attr-defined]
        dataset.Rows, dataset.Columns, dataset.NumberOfFrames = seen.Rows, seen.Columns, 10  # type: ignore[attr-defined]
        dataset.PhotometricInterpretation = "YBR_FULL"  # type: ignore[attr-defined]
        dataset.PixelData = encapsulate([frame] * 10)  # type: ignore[attr-defined]
        dataset["PixelData"].is_undefined_length = True  # type: ignore[index]

    return hold(server, recordings.changed(alone(change)))


@pytest.mark.parametrize("resource", ["bulkdata", "pixeldata"])
@pytest.mark.parametrize("name", STREAMS)
def test_the_whole_stream_is_sent_by_its_codecs_name(
    server: OrthancServer, recordings: Recordings, films: Films, name: str, resource: str
) -> None:
    stream, (syntax, kind) = films.source(name).read_bytes(), STREAMS[name]
    held = video(server, recordings, stream, syntax)
    for accept in (kind, "*/*", "video/*", f"{kind}; transfer-syntax={syntax}", f"{kind}; transfer-syntax=*"):
        answer = get(f"{held.url}/{resource}", accept)
        assert (answer.status_code, answer.headers["Content-Type"].partition(";")[0]) == (200, kind), accept
        assert answer.content.removesuffix(b"\0") == stream.removesuffix(b"\0")
    octets = get(f"{held.url}/{resource}", "application/octet-stream")
    assert octets.headers["Content-Type"] == f"application/octet-stream; transfer-syntax={syntax}"
    assert octets.content == answer.content
    ((named, content),) = parts(get(f"{held.url}/{resource}", f'multipart/related; type="{kind}"'))
    assert (named.partition(";")[0], content) == (kind, answer.content)


def test_the_older_name_of_mpeg_is_known(server: OrthancServer, recordings: Recordings, films: Films) -> None:
    held = video(server, recordings, films.source("mpeg2.mpg").read_bytes(), f"{_TS}.101")
    answer = get(f"{held.url}/bulkdata", "video/mpeg2")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "video/mpeg")
    together = get(f"{held.url}/bulkdata", 'multipart/related; type="video/mpeg2"')
    assert parts(together) == [("video/mpeg", answer.content)]


def test_no_pad_byte_and_no_item_headers(odd: Held, fragmented: Held, films: Films) -> None:
    assert get(f"{odd.url}/pixeldata").content == odd_stream(films)
    answer = get(f"{fragmented.url}/pixeldata", f"video/mp4; transfer-syntax={_TS}.102")
    assert answer.content == films.source("h264.mp4").read_bytes()
    assert answer.headers["Content-Type"] == "video/mp4"


@pytest.mark.parametrize(
    "accept",
    [
        f"video/mp4; transfer-syntax={_TS}.104",
        "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1",
        "video/mpeg",
        "video/H265",
        "image/jpeg",
        "application/dicom",
        "video/mp4;q=0",
        "",
    ],
)
def test_what_it_is_not_is_not_acceptable(odd: Held, accept: str) -> None:
    answer = get(f"{odd.url}/bulkdata", accept)
    assert (answer.status_code, answer.headers["Content-Type"]) == (406, "application/problem+json")
    assert "video/mp4" in answer.json()["detail"]


def test_no_accept_header_is_not_acceptable(odd: Held) -> None:
    for part in ("/bulkdata", "/pixeldata", "/metadata", ""):
        for url in (f"{odd.url}{part}", f"{odd.url}{part}?accept=video/mp4"):
            told = subprocess.run(
                ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-H", "Accept:", url],
                capture_output=True, text=True, check=True,
            )  # fmt: skip
            assert told.stdout == "406", url


def test_the_parameter_has_priority_over_the_header(odd: Held) -> None:
    answer = get(f"{odd.url}/pixeldata?accept=application/octet-stream")
    assert answer.headers["Content-Type"].startswith("application/octet-stream")
    assert get(f"{odd.url}/pixeldata?accept=video/mp4", "image/png").status_code == 406
    assert get(f"{odd.url}/pixeldata?accept=video/*").status_code == 400


def test_what_is_stored_plays_from_its_address(odd: Held, films: Films, tmp_path: Path) -> None:
    """As OHIF plays a BulkDataURI: with accept=video/mp4, from wherever it is sought."""
    assert ffprobe(f"{odd.url}/pixeldata?accept=video/mp4")["nb_read_frames"] == "60"  # type: ignore[arg-type]
    path = tmp_path / "stream.mp4"
    subprocess.run(["curl", "-s", "-o", path, "-H", "Accept: video/mp4", f"{odd.url}/pixeldata"], check=True)
    assert path.read_bytes() == odd_stream(films)


@pytest.mark.parametrize("accept", ["video/mp4", 'multipart/related; type="video/mp4"', FILES, "application/dicom"])
def test_ranges_conditions_and_head(odd: Held, accept: str) -> None:
    url = odd.url if "dicom" in accept else f"{odd.url}/bulkdata"
    whole = get(url, accept)
    data, etag = whole.content, whole.headers["ETag"]
    assert get(url, accept).content == data, "order and boundary are the same each time (8.6.1.2)"
    for asked, expected in (("0-0", data[:1]), ("100-4999", data[100:5000]), ("-7", data[-7:])):
        part = get(url, accept, Range=f"bytes={asked}")
        assert (part.status_code, part.content) == (206, expected)
    assert get(url, accept, Range=f"bytes={len(data)}-").headers["Content-Range"] == f"bytes */{len(data)}"
    assert get(url, accept, If_None_Match=etag).status_code == 304
    assert get(url, accept, Range="bytes=0-9", If_Range='"another"').status_code == 200
    assert get(url, accept, Range="bytes=0-9,20-29").headers["Content-Type"].startswith("multipart/byteranges")
    head = requests.head(url, headers={"Accept": accept}, timeout=10)
    assert (head.status_code, head.headers["Content-Length"], head.headers["ETag"]) == (200, str(len(data)), etag)


def test_each_representation_has_a_validator_of_its_own(odd: Held) -> None:
    kinds = ("video/mp4", 'multipart/related; type="video/mp4"', 'multipart/related; type="application/octet-stream"')
    answers = [get(f"{odd.url}/bulkdata", kind) for kind in kinds] + [get(odd.url, one) for one in (FILES, "*/*")]
    assert len({(answer.headers["ETag"], answer.content) for answer in answers}) == 4
    assert len({answer.headers["ETag"] for answer in answers}) == 4


@settings(max_examples=25, deadline=None)
@given(cuts=st.lists(st.integers(1, 70_000), max_size=6))
def test_any_split_gives_the_same_bytes(odd: Held, cuts: list[int]) -> None:
    url, accept = f"{odd.url}/bulkdata", 'multipart/related; type="video/mp4"'
    whole = get(url, accept).content
    ends = sorted({cut for cut in cuts if cut < len(whole)} | {len(whole)})
    begins = [0, *ends[:-1]]
    pieces = [
        get(url, accept, Range=f"bytes={begin}-{end - 1}").content for begin, end in zip(begins, ends, strict=True)
    ]
    assert b"".join(pieces) == whole


def test_the_frames_of_a_film_are_parts(film: Held) -> None:
    stored = list(generate_frames(film.dataset.PixelData, number_of_frames=10))
    answer = get(f"{film.url}/pixeldata")
    assert answer.headers["Content-Type"].startswith('multipart/related; type="image/jpeg"; boundary=')
    assert parts(answer) == [(f"image/jpeg; transfer-syntax={JPEGBaseline8Bit}", frame) for frame in stored]
    assert get(f"{film.url}/pixeldata", "image/jpeg").status_code == 406, "ten frames are no single part"


def test_dicomweb_client_reads_bulk_data_and_files(odd: Held, film: Held, films: Films) -> None:
    client = DICOMwebClient(url=odd.root)
    found = client.retrieve_bulkdata(f"{odd.url}/pixeldata", media_types=(("video/mp4", f"{_TS}.102"),))
    assert found == [odd_stream(films)]
    (metadata,) = [client.retrieve_instance_metadata(odd.study, odd.series, odd.instance)]
    assert client.retrieve_bulkdata(metadata["7FE00010"]["BulkDataURI"], media_types=("video/mp4",)) == found
    dataset = client.retrieve_instance(odd.study, odd.series, odd.instance, media_types=(("application/dicom", "*"),))
    assert dataset.PixelData == odd.dataset.PixelData
    jpeg = client.retrieve_bulkdata(f"{film.url}/pixeldata", media_types=(("image/jpeg", str(JPEGBaseline8Bit)),))
    assert len(jpeg) == 10


@pytest.mark.parametrize(
    "accept",
    [
        "*/*",
        FILES,
        f"{FILES}; transfer-syntax=*",
        f"{FILES}; transfer-syntax={_TS}.102",
        'multipart/related; type="*/*"',
    ],
)
def test_a_video_is_retrieved_as_it_is_stored(odd: Held, accept: str) -> None:
    """Orthanc's DICOMweb answers 500 unless the transfer syntax is named, which 8.7.3.4 does not demand."""
    ((kind, content),) = parts(get(odd.url, accept))
    assert kind == f"application/dicom; transfer-syntax={_TS}.102"
    assert content == odd.data


def test_a_single_file_is_sent_alone(odd: Held) -> None:
    answer = get(odd.url, "application/dicom")
    assert (answer.content, answer.headers["Content-Type"]) == (
        odd.data,
        f"application/dicom; transfer-syntax={_TS}.102",
    )
    assert get(odd.url, f"{FILES}; transfer-syntax=1.2.840.10008.1.2.4.50").status_code == 406


def test_fragments_are_joined_for_who_asks_for_it(fragmented: Held, films: Films) -> None:
    ((kind, content),) = parts(get(fragmented.url))
    assert (kind, content) == (f"application/dicom; transfer-syntax={_TS}.102.1", fragmented.data)
    joined = get(fragmented.url, f"application/dicom; transfer-syntax={_TS}.102")
    dataset = dcmread(BytesIO(joined.content))
    assert dataset.file_meta.TransferSyntaxUID == f"{_TS}.102"
    stream = films.source("h264.mp4").read_bytes()
    assert dataset.PixelData == encapsulate([stream], has_bot=False)
    dataset.PixelData = fragmented.dataset.PixelData
    assert dataset == fragmented.dataset
    part = get(fragmented.url, f"application/dicom; transfer-syntax={_TS}.102", Range="bytes=1000-70000")
    assert part.content == joined.content[1000:70001]


def test_series_and_studies_hold_videos_and_others(server: OrthancServer, odd: Held, films: Films) -> None:
    """Another series of the study has ordinary images, which Orthanc sends as ever."""
    images = []
    for _ in range(2):
        dataset = dcmread(films.image())
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID = odd.study, f"{odd.series[:50]}.7"
        dataset.PatientID = odd.dataset.PatientID
        target = BytesIO()
        dataset.save_as(target)
        images.append(hold(server, target.getvalue()))
    study = parts(get(odd.of_study))
    assert sorted(dcmread(BytesIO(content)).SOPInstanceUID for _, content in study) == sorted(
        [odd.instance, *(image.instance for image in images)]
    )
    assert odd.data in [content for _, content in study]
    assert [content for _, content in parts(get(odd.of_series))] == [odd.data]
    plain = requests.get(f"{images[0].of_series}", headers={"Accept": FILES}, timeout=30)
    assert len(parts(plain)) == 2
    named = parts(get(odd.of_study, f"{FILES}; transfer-syntax={_TS}.102"))
    assert [content for _, content in named] == [odd.data]
    assert get(odd.of_series, "application/dicom").status_code == 406, "a series is no single item"
    assert get(odd.of_series, f"{FILES}; transfer-syntax={_TS}.50").status_code == 406


def test_whose_path_is_wrong_finds_nothing(odd: Held, fragmented: Held) -> None:
    for part in ("", "/bulkdata", "/pixeldata", "/metadata"):
        url = f"{odd.root}/studies/{odd.study}/series/{fragmented.series}/instances/{odd.instance}{part}"
        assert get(url).status_code == 404
    for part in ("", "/metadata"):
        assert get(f"{odd.root}/studies/1.2.3{part}").status_code == 404
        assert get(f"{odd.root}/studies/{odd.study}/series/1.2.3{part}").status_code == 404
    assert get(f"{odd.root}/studies/*/series/*/metadata").status_code in {400, 404}


def test_ordinary_objects_are_orthancs(server: OrthancServer, films: Films) -> None:
    image = hold(server, films.image().read_bytes())
    assert get(f"{image.url}/bulkdata").status_code == 404
    assert [kind.partition(";")[0] for kind, _ in parts(get(image.url))] == ["application/dicom"]


def test_a_video_in_place_of_another_is_there_at_once(start: Start, recordings: Recordings, films: Films) -> None:
    """What is remembered of the other one for a moment stands in nobody's way."""
    server, instance = start({"OverwriteInstances": True}), generate_uid()
    streams = [films.source("h264.mp4").read_bytes(), films.unique().read_bytes()]
    for stream in (*streams, *streams):
        held = hold(server, recordings.holding(stream, f"{_TS}.102", uid=instance))
        answers = [get(f"{held.url}/{part}") for part in ("bulkdata", "rendered", "metadata", "thumbnail")]
        assert [answer.status_code for answer in answers] == [200] * 4, [answer.text[:200] for answer in answers]
        assert answers[0].content == stream
        asked = requests.delete(f"{server.url}/instances/{held.orthanc}", timeout=30)
        assert asked.status_code == 200
        again = hold(server, recordings.holding(streams[1], f"{_TS}.102", uid=instance))
        assert get(f"{again.url}/bulkdata", Range="bytes=8-99").content == streams[1][8:100]


def test_a_large_video_takes_no_more_memory(server: OrthancServer, recordings: Recordings, films: Films) -> None:
    head = films.source("h264.mp4").read_bytes()
    size = 96 << 20
    stream = head + (size - len(head)).to_bytes(4, "big") + b"free" + secrets.token_bytes(size - len(head) - 8)
    held = video(server, recordings, stream, f"{_TS}.102")
    get(f"{held.url}/pixeldata", Range="bytes=0-0")
    gateway, before = server.gateway_pid(), {}
    for pid in (gateway, server.pid):
        before[pid] = _peak(pid)
    for url, accept, expected in (
        (held.url, FILES, len(held.data)),
        (held.of_series, FILES, len(held.data)),
        (f"{held.url}/bulkdata", 'multipart/related; type="video/mp4"', size),
        (f"{held.of_series}/metadata", "*/*", 0),
    ):
        received = 0
        with requests.get(url, headers={"Accept": accept}, stream=True, timeout=60) as answer:
            for block in answer.iter_content(1 << 20):
                received += len(block)
        assert expected <= received <= expected + 10_000
    for pid, peak in before.items():
        assert _peak(pid) - peak < 48 << 20, "Orthanc" if pid == server.pid else "the gateway"


def _peak(pid: int) -> int:
    """The most resident memory that a process ever had, in bytes."""
    return int(Path(f"/proc/{pid}/status").read_text(encoding="utf-8").partition("VmHWM:")[2].split()[0]) << 10
