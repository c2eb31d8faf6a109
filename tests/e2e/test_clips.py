"""Clips by REST through a real Orthanc, on both ports: frame for frame those of the video that they were cut out of."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import requests
from pydicom import dcmread

from cines import film
from e2e.films import BAR, BITS, Films, ffmpeg
from e2e.orthanc_server import OrthancServer
from e2e.recordings import Recordings, store, wait_until
from judging import judge
from media.test_cine_render import numbered as bars
from media.test_cine_render import numbers
from oracles import complaints
from orthanc_video.dicom import check
from orthanc_video.files import Bytes, SpanSource

_H264 = "1.2.840.10008.1.2.4.102"
_FRAMES = 300


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OrthancServer]:
    with OrthancServer(tmp_path_factory.mktemp("clips")) as running:
        yield running


@pytest.fixture(scope="module")
def numbered(server: OrthancServer, recordings: Recordings, films: Films) -> str:
    """300 frames that show their numbers, from 0; groups of 60 with B-frames. Its Orthanc ID."""
    return store(server, recordings.holding(films.numbered(_FRAMES).read_bytes(), _H264))


def _post(server: OrthancServer, named: str, asked: Any, *, own: bool = False, **headers: str) -> requests.Response:
    """On the gateway's port, or Orthanc's ``own``."""
    url = server.url if own else server.gateway_url
    body = asked if isinstance(asked, bytes | str) else json.dumps(asked)
    return requests.post(f"{url}/video/instances/{named}/clips", data=body, headers=headers, timeout=60)


def _shown(path: Path) -> list[int]:
    """The numbers that a film's frames show."""
    with av.open(str(path)) as container:
        pictures = [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]
    lit = [picture[picture.shape[0] // 2, BAR // 2 :: BAR][:BITS] > 128 for picture in pictures]
    return [sum(int(bit) << place for place, bit in enumerate(bits)) for bits in lit]


def _saved(content: bytes, folder: Path, name: str = "clip.mp4") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def _stored(server: OrthancServer, instance: str, folder: Path) -> Path:
    answer = requests.get(f"{server.url}/instances/{instance}/file", timeout=60)
    assert answer.status_code == 200
    return _saved(answer.content, folder, f"{instance}.dcm")


def test_a_clip_of_a_film_of_single_pictures(server: OrthancServer, tmp_path: Path) -> None:
    source = film(tmp_path / "film.dcm", bars(60), FrameTime="40", PatientID="4711")
    named = store(server, source.read_bytes())
    asked = {"start": {"frame": 11}, "end": {"frame": 30}}
    told = _post(server, named, asked).json()
    assert told["Status"] == "Success", told
    assert np.array_equal(dcmread(_stored(server, told["ID"], tmp_path)).pixel_array, bars(60)[10:30])
    path = _saved(requests.get(f"{server.gateway_url}{told['Url']}", timeout=60).content, tmp_path)
    assert numbers(path) == list(range(10, 30))
    itself = _post(server, named, asked, Accept="video/mp4")
    assert numbers(_saved(itself.content, tmp_path)) == list(range(10, 30))
    alone = _post(server, named, asked | {"as": "dicom"}).json()
    assert (alone["ID"], "Url" in alone) == (told["ID"], False)


def test_a_single_picture_of_a_film_is_a_film_still(server: OrthancServer, tmp_path: Path) -> None:
    source = film(tmp_path / "film.dcm", bars(30), FrameTime="40", PatientID="4711")
    told = _post(server, store(server, source.read_bytes()), {"start": {"frame": 12}, "end": {"frame": 12}}).json()
    assert told["Status"] == "Success", told
    url = f"{server.gateway_url}/video/instances/{told['ID']}"
    facts = requests.get(url, timeout=60).json()
    assert (facts["ID"], facts["NumberOfFrames"]) == (told["ID"], 1)
    for path in ("thumbnail", "frames/1", "stream", "index"):
        assert requests.get(f"{url}/{path}", timeout=60).status_code == 200, path
    again = _post(server, told["ID"], {"start": {"frame": 1}, "end": {"frame": 1}}, Accept="video/mp4")
    assert numbers(_saved(again.content, tmp_path)) == [11]
    still = requests.post(f"{url}/stills", data='{"frames": [1], "as": "photographic"}', timeout=60)
    assert still.json()["Status"] == "Success", still.text


_CODINGS = {
    "hevc": ("1.2.840.10008.1.2.4.107", "mp4", "-c:v libx265 -x265-params log-level=none:keyint=30 -tag:v hvc1"),
    "mpeg2": ("1.2.840.10008.1.2.4.100", "mpg", "-c:v mpeg2video -q:v 3 -g 15 -bf 2 -s 352x288"),
}


@pytest.mark.parametrize("coding", _CODINGS)
def test_the_mp4_of_what_browsers_do_not_play_is_the_clip_and_no_rendition(
    server: OrthancServer, recordings: Recordings, films: Films, tmp_path: Path, coding: str
) -> None:
    syntax, suffix, arguments = _CODINGS[coding]
    path = tmp_path / f"film.{suffix}"
    ffmpeg("-i", str(films.numbered(90, "25")), *arguments.split(), str(path))
    named = store(server, recordings.holding(path.read_bytes(), syntax))
    asked = {"start": {"frame": 20}, "end": {"frame": 70}}
    told = _post(server, named, asked | {"as": "both"}).json()
    assert told["Status"] == "Success", told
    assert f"/video/instances/{named}/clips/" in told["Url"]
    anew = told["Results"][0]["Ranges"][0]["CodedAnew"]
    given = [requests.get(f"{server.gateway_url}{told['Url']}", timeout=60)]
    given += [_post(server, named, asked | {"as": kind}, Accept="video/mp4") for kind in ("both", "dicom", "mp4")]
    for answer in given:
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "video/mp4")
        judge(path, _saved(answer.content, tmp_path), range(19, 70), anew)


@pytest.mark.parametrize("own", [False, True], ids=["gateway", "orthanc"])
def test_a_clip_is_an_object_in_the_study_and_a_film(
    server: OrthancServer, numbered: str, tmp_path: Path, own: bool
) -> None:
    first, last = (71, 130) if own else (70, 130)
    answer = _post(server, numbered, {"start": {"frame": first}, "end": {"frame": last}}, own=own)
    told = answer.json()
    assert answer.status_code == 200, told
    assert told["Status"] == "Success"
    assert told["ID"] != numbered
    film = requests.get(f"{server.gateway_url}{told['Url']}", timeout=60)
    assert film.headers["Content-Type"] == "video/mp4"
    path = _saved(film.content, tmp_path)
    assert _shown(path) == list(range(first - 1, last))
    made = _stored(server, told["ID"], tmp_path)
    with SpanSource(made) as file:
        assert check.errors(check.examine(Bytes(file)).findings) == []
    assert complaints(made) == []
    said, origin = dcmread(made, stop_before_pixels=True), _origin(server, numbered)
    assert said.StudyInstanceUID == origin.StudyInstanceUID
    assert said.SeriesInstanceUID != origin.SeriesInstanceUID
    assert said.NumberOfFrames == last - first + 1
    assert said.DerivationCodeSequence[0].CodeValue == "113092"
    assert said.SourceImageSequence[0].ReferencedSOPInstanceUID == origin.SOPInstanceUID
    assert list(said.FrameExtractionSequence[0].CalculatedFrameList) == [first, last, 1]
    (result,) = told["Results"]
    assert result["Ranges"][0]["First"] == first
    assert result["Ranges"][0]["Last"] == last
    job = requests.get(f"{server.gateway_url}/video/jobs/{told['Job']}", timeout=60).json()
    assert (job["State"], job["Action"], job["Instance"]) == ("Success", "clip", told["ID"])
    assert job["Results"] == told["Results"]


def _origin(server: OrthancServer, instance: str) -> Any:
    answer = requests.get(f"{server.url}/instances/{instance}/file", timeout=60)
    return dcmread(io.BytesIO(answer.content), stop_before_pixels=True)


def test_the_same_request_twice_gives_the_same_object(server: OrthancServer, numbered: str) -> None:
    asked = {"start": "00:00:01.5", "end": 2.25}
    one, other = (_post(server, numbered, asked).json() for _ in range(2))
    assert one["ID"] == other["ID"]
    assert other["Status"] == "AlreadyStored"
    requests.delete(f"{server.url}/instances/{one['ID']}", timeout=60).raise_for_status()
    third = _post(server, numbered, asked).json()
    assert (third["ID"], third["Status"]) == (one["ID"], "Success")


@pytest.mark.parametrize("own", [False, True], ids=["gateway", "orthanc"])
def test_the_answer_is_the_clip_itself_where_that_is_accepted(
    server: OrthancServer, numbered: str, tmp_path: Path, own: bool
) -> None:
    before = requests.get(f"{server.url}/statistics", timeout=60).json()["CountInstances"]
    asked = {
        "ranges": [{"start": {"frame": 10}, "end": {"frame": 12}}, {"start": {"frame": 100}, "end": {"frame": 130}}]
    }
    answer = _post(server, numbered, asked, own=own, Accept="video/mp4")
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "video/mp4"
    assert _shown(_saved(answer.content, tmp_path)) == [9, 10, 11, *range(99, 130)]
    assert requests.get(f"{server.url}/statistics", timeout=60).json()["CountInstances"] == before


def test_a_large_clip_comes_by_orthancs_port_too(server: OrthancServer, recordings: Recordings, films: Films) -> None:
    """Where the Python plugin cannot stream, by way of the gateway's port."""
    noise = films.unique(6, "-c:v", "libx264", "-qp", "1", "-preset", "ultrafast", "-g", "25", size="960x720")
    large = store(server, recordings.holding(noise.read_bytes(), _H264))
    asked = {"start": {"frame": 2}, "end": {"frame": 140}}
    clip = [_post(server, large, asked, own=own, Accept="video/mp4") for own in (False, True)]
    assert len(clip[0].content) > 1 << 20
    assert clip[0].content == clip[1].content


def test_a_film_alone_is_kept_to_be_downloaded_by_ranges(server: OrthancServer, numbered: str, tmp_path: Path) -> None:
    asked = {"start": {"frame": 20}, "end": {"frame": 90}, "as": "mp4"}
    told = _post(server, numbered, asked).json()
    assert "ID" not in told
    url = f"{server.gateway_url}{told['Url']}"
    whole = requests.get(url, timeout=60)
    assert _shown(_saved(whole.content, tmp_path)) == list(range(19, 90))
    part = requests.get(url, headers={"Range": "bytes=100-199"}, timeout=60)
    assert (part.status_code, part.content) == (206, whole.content[100:200])
    assert requests.head(url, timeout=60).headers["Content-Length"] == str(len(whole.content))
    assert requests.get(url.replace("-1.mp4", "-2.mp4"), timeout=60).status_code == 404
    assert requests.get(f"{server.gateway_url}/video/instances/{numbered}/clips/x", timeout=60).status_code == 404


def test_several_ranges_become_several_clips(server: OrthancServer, numbered: str) -> None:
    ranges = [{"start": {"frame": 1 + at}, "end": {"frame": 5 + at}} for at in (0, 60, 90)]
    told = _post(server, numbered, {"ranges": ranges, "joined": False, "as": "dicom"}).json()
    assert [one["Frames"] for one in told["Results"]] == [5, 5, 5]
    assert len({one["ID"] for one in told["Results"]}) == 3
    assert len({one["ParentSeries"] for one in told["Results"]}) == 1


def test_from_a_key_frame_on_no_frame_is_coded_anew(server: OrthancServer, numbered: str, films: Films) -> None:
    with av.open(str(films.numbered(_FRAMES))) as container:
        keys = [at for at, frame in enumerate(container.decode(video=0), 1) if frame.key_frame]
    asked = {"start": {"frame": 70}, "end": {"frame": 130}, "precision": "keyframe", "as": "dicom"}
    (result,) = _post(server, numbered, asked).json()["Results"]
    assert result["Ranges"][0]["First"] == max(key for key in keys if key <= 70)
    assert 130 <= result["Ranges"][0]["Last"] < min(key for key in keys if key > 130)
    assert result["Ranges"][0]["CodedAnew"] == 0


_RANGE = {"start": {"frame": 2}, "end": {"frame": 3}}
_BAD: dict[str, Any] = {
    "reversed": {"start": {"frame": 9}, "end": {"frame": 3}},
    "reversed times": {"start": 2, "end": 1.5},
    "reversed in both ways": {"start": {"frame": 290}, "end": 0.5},
    "beyond the end": {"start": {"frame": 1}, "end": {"frame": _FRAMES + 1}},
    "begins beyond the end": {"start": 1000, "end": 2000},
    "ends beyond the end": {"start": 1, "end": 99999},
    "empty": {"start": 1, "end": 1},
    "no range": {},
    "no end": {"start": 1},
    "no ranges": {"ranges": []},
    "a million ranges": {"ranges": [_RANGE] * 1_000_000},
    "too many ranges": {"ranges": [_RANGE] * 101},
    "both ways": {"ranges": [_RANGE], **_RANGE},
    "NaN": '{"start": NaN, "end": 2}',
    "infinite": '{"start": 1, "end": Infinity}',
    "beyond all numbers": '{"start": 0, "end": 1e999999}',
    "next to nothing": '{"start": 1e-999999, "end": 1}',
    "very many digits": '{"start": 0, "end": ' + "9" * 10_000 + "}",
    "negative": {"start": -1, "end": 2},
    "frame 0": {"start": {"frame": 0}, "end": {"frame": 3}},
    "negative frame": {"start": {"frame": -4}, "end": {"frame": 3}},
    "half a frame": {"start": {"frame": 1.5}, "end": {"frame": 3}},
    "no number": {"start": {"frame": "1"}, "end": {"frame": 3}},
    "true": {"start": True, "end": {"frame": 3}},
    "null": {"start": None, "end": {"frame": 3}},
    "a list": {"start": [1], "end": {"frame": 3}},
    "words": {"start": "soon", "end": {"frame": 3}},
    "unknown key": {**_RANGE, "fps": 3},
    "unknown kind": {**_RANGE, "as": "avi"},
    "unknown precision": {**_RANGE, "precision": "roughly"},
    "not joined, says a word": {**_RANGE, "joined": "no"},
    "unhashable": {**_RANGE, "as": [1]},
    "a list of all": "[]",
    "no JSON": "start=1",
    "nothing": "",
}


@pytest.mark.parametrize("own", [False, True], ids=["gateway", "orthanc"])
@pytest.mark.parametrize("asked", _BAD.values(), ids=_BAD)
def test_a_bad_range_gets_a_sentence(server: OrthancServer, numbered: str, asked: Any, own: bool) -> None:
    answer = _post(server, numbered, asked, own=own)
    assert answer.status_code == 400, answer.text
    assert answer.json()["detail"].endswith(".")


def test_what_is_no_number_is_no_moment(server: OrthancServer, numbered: str) -> None:
    answer = _post(server, numbered, '{"start": NaN, "end": 2}')
    assert '"start" of the range is no moment of a video' in answer.json()["detail"]
    answer = _post(server, numbered, {"start": "soon", "end": 2})
    assert 'say {"frame": 46} (from 1)' in answer.json()["detail"]


def test_a_start_beyond_the_end_is_told_first(server: OrthancServer, numbered: str) -> None:
    answer = _post(server, numbered, {"start": 13, "end": 12})
    assert (answer.status_code, "no frame is shown at 13 s" in answer.json()["detail"]) == (400, True)


def test_times_that_were_given_out_name_the_same_frames(
    server: OrthancServer, recordings: Recordings, films: Films
) -> None:
    named = store(server, recordings.holding(films.numbered(48, "24000/1001").read_bytes(), _H264))
    (told,) = _post(server, named, {"start": {"frame": 27}, "end": {"frame": 30}, "as": "mp4"}).json()["Results"]
    (given,) = told["Ranges"]
    (again,) = _post(server, named, {"start": given["Start"], "end": given["End"], "as": "mp4"}).json()["Results"]
    assert again["Ranges"] == [given]
    url = f"{server.gateway_url}/video/instances/{named}/frames"
    answer = requests.get(url, params={"time": str(given["Start"])}, timeout=60)
    assert answer.headers["Content-Location"].endswith("/frames/27")


def test_what_is_no_video_has_no_clips(server: OrthancServer, films: Films) -> None:
    image = store(server, films.image().read_bytes())
    assert _post(server, image, _RANGE).status_code == 415
    assert _post(server, "0" * 8 + "-00000000" * 4, _RANGE).status_code == 404


def test_what_takes_longer_than_an_answer_is_told_by_its_job(
    start: Any, recordings: Recordings, films: Films, tmp_path: Path
) -> None:
    """Nobody waits here: each answer names the job, and who wants the clip itself asks again."""
    server: OrthancServer = start({"VideoGateway": {"AnswerSeconds": 0.001}})
    video = store(server, recordings.holding(films.numbered(_FRAMES).read_bytes(), _H264))
    asked = {"start": {"frame": 70}, "end": {"frame": 130}}
    told = _post(server, video, asked)
    assert (told.status_code, told.json()["Status"]) == (202, "Processing")
    assert told.headers["Location"] == f"/video/jobs/{told.json()['Job']}"
    job = _ended(server, told.json()["Job"])
    assert (job["State"], job["Stage"], job["Progress"]) == ("Success", "done", 100)
    assert job["Results"][0]["Url"] == f"/video/instances/{job['Instance']}/stream"

    refused = _post(server, video, asked, Accept="video/mp4")
    assert refused.status_code == 503
    assert int(refused.headers["Retry-After"]) > 0
    assert _ended(server, refused.json()["Job"])["State"] == "Success"
    (result,) = _ended(server, refused.json()["Job"])["Results"]
    film = requests.get(server.gateway_url + result["Url"], timeout=60)
    assert _shown(_saved(film.content, tmp_path)) == list(range(69, 130))


def _ended(server: OrthancServer, job: str) -> dict[str, Any]:
    url = f"{server.gateway_url}/video/jobs/{job}"
    wait_until(lambda: requests.get(url, timeout=10).json()["State"] not in {"Pending", "Running"})
    found: dict[str, Any] = requests.get(url, timeout=10).json()
    return found


def test_a_clip_that_failed_is_tried_again(server: OrthancServer, numbered: str) -> None:
    """Only because somebody asks for it: a range beyond the end stays one."""
    refused = _post(server, numbered, {"start": {"frame": 1}, "end": {"frame": 5000}})
    assert refused.status_code == 400
    jobs = requests.get(f"{server.gateway_url}/video/jobs", timeout=10).json()["Jobs"]
    (failed,) = [one for one in jobs if one["Sentence"] and "5000" in one["Sentence"]]
    assert failed["State"] == "Failure"
    requests.post(f"{server.gateway_url}/video/jobs/{failed['ID']}/retry", timeout=10).raise_for_status()
    again = _ended(server, failed["ID"])
    assert (again["State"], again["Sentence"]) == ("Failure", failed["Sentence"])
