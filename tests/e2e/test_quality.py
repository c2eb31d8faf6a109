"""What came of a conversion is told by its job and by its object, also when nobody remembers the job."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from clips import Clips
from e2e.films import Films
from e2e.orthanc_server import OrthancServer
from oracles import slice_hash

Start = Callable[..., OrthancServer]


def _sent(server: OrthancServer, film: Path, status: int = 200) -> dict[str, Any]:
    # A study of its own: other tests may have sent the same film to this server.
    study = {"StudyID": "quality"}
    answer = requests.post(f"{server.gateway_url}/video/ingest", params=study, data=film.read_bytes(), timeout=120)
    assert answer.status_code == status, answer.text
    result: dict[str, Any] = answer.json()
    return result


def _told(server: OrthancServer, path: str) -> dict[str, Any]:
    answer = requests.get(f"{server.gateway_url}/video/{path}", timeout=30)
    assert answer.status_code == 200, answer.text
    result: dict[str, Any] = answer.json()
    return {key: result[key] for key in ("Quality", "Frames", "Pictures")}


def test_a_transcode_is_measured(server: OrthancServer, films: Films) -> None:
    stored = _sent(server, films.source("vp8.webm"))
    told = _told(server, f"instances/{stored['ID']}")
    assert _told(server, f"jobs/{stored['Video']['Job']}") == told
    quality = told["Quality"]
    assert 100 >= quality["PSNR"]["Whole"] >= quality["PSNR"]["Percentile1"] >= quality["PSNR"]["Lowest"] > 20
    assert 1 >= quality["SSIM"]["Whole"] >= quality["SSIM"]["Percentile1"] >= quality["SSIM"]["Lowest"] > 0.5
    assert quality["Demanded"] == {"PSNR": 35.0, "SSIM": 0.95}
    assert (quality["Met"], quality["NumberOfFrames"]) == (True, 60)
    assert told["Frames"] == {
        "Coded": 60, "Decoded": 60, "Damaged": 0, "DecodingErrors": 0, "Written": 60, "Complete": True,
    }  # fmt: skip
    assert told["Pictures"] is None


@pytest.mark.parametrize(("name", "codec"), [("h264.mkv", "h264"), ("hevc.mp4", "hevc"), ("mpeg2.ts", "mpeg2video")])
def test_passing_through_is_proven(server: OrthancServer, films: Films, name: str, codec: str) -> None:
    source = films.source(name)
    stored = _sent(server, source)
    told = _told(server, f"instances/{stored['ID']}")
    assert _told(server, f"jobs/{stored['Video']['Job']}") == told
    assert (told["Quality"], told["Frames"]) == (None, None)
    proof = told["Pictures"]
    assert proof["Equal"] is True
    assert proof["Source"] == proof["Result"]
    if stored["Video"]["Action"] == "wrap":
        assert proof["Algorithm"] == "SHA-256 of the file"
    else:
        assert (proof["Algorithm"], proof["Source"]) == ("SHA-256 of all coded slices", slice_hash(source, codec))


def test_it_is_told_when_the_jobs_are_forgotten(start: Start, films: Films) -> None:
    server = start()
    stored = _sent(server, films.source("vp8.webm"))
    before = _told(server, f"instances/{stored['ID']}")
    server.stop()
    for file in (server.storage / "video-gateway").glob("jobs.sqlite*"):
        file.unlink()
    server.start()
    assert requests.get(f"{server.gateway_url}/video/jobs/{stored['Video']['Job']}", timeout=10).status_code == 404
    assert _told(server, f"instances/{stored['ID']}") == before
    assert before["Quality"]["Met"] is True


def test_what_falls_short_is_refused_by_policy(start: Start, clips: Clips) -> None:
    server = start({"VideoGateway": {"QualityPolicy": "refuse", "MinimumPSNR": 70.0}})
    refused = _sent(server, clips.video("vp9", "webm"), status=422)
    assert refused["title"] == "Quality too low"
    assert "at attempt 2; at least 70 dB and 0.95 are demanded: not met." in refused["detail"]
    assert requests.get(f"{server.url}/instances", timeout=10).json() == []
