"""A video in Orthanc gets to DCMTK's servers, each told to accept other transfer syntaxes, and to a second Orthanc."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from pydicom import dcmread

import peers
from e2e.deliveries import PHOTOGRAPHIC, assert_same_film, held_by, known_as, named, sent
from e2e.generation import only_once
from e2e.orthanc_server import OrthancServer
from e2e.recordings import Recordings, store
from orthanc_video.dicom import syntaxes
from orthanc_video.routing.destinations import Dimse

pytestmark = only_once

_JPEG = "1.2.840.10008.1.2.4."
_RLE = "1.2.840.10008.1.2.5"
# Of storescp's options for transfer syntaxes, each with uncompressed pictures beside what it names (storescp --help):
# the form that a small video of H.264 High, level 1.0, goes in. What it cannot be goes uncompressed.
_OPTIONS = {
    "+x=": ("frames", peers.EXPLICIT),
    "+xe": ("frames", peers.EXPLICIT),
    "+xb": ("frames", peers.EXPLICIT),
    "+xs": ("frames", f"{_JPEG}70"),
    "+xy": ("frames", peers.JPEG),
    "+xx": ("frames", peers.EXPLICIT),  # JPEG of 12 bits
    "+xv": ("frames", f"{_JPEG}90"),
    "+xw": ("frames", peers.EXPLICIT),  # JPEG 2000 with loss: nothing is made that
    "+xt": ("frames", f"{_JPEG}80"),
    "+xu": ("frames", peers.EXPLICIT),  # JPEG-LS with loss
    "+xm": ("transcoded", syntaxes.MPEG2_MAIN),
    "+xh": ("transcoded", syntaxes.MPEG2_HIGH),
    "+xn": ("stored", syntaxes.H264_HIGH_41),
    "+xl": ("frames", peers.EXPLICIT),  # BD-compatible: of a few sizes
    "+x2": ("rewrapped", syntaxes.H264_HIGH_42),
    "+x3": ("frames", peers.EXPLICIT),  # two views
    "+xo": ("frames", peers.EXPLICIT),  # two views
    "+x4": ("frames", peers.EXPLICIT),  # H.265, which nothing is made
    "+x5": ("frames", peers.EXPLICIT),
    "+xr": ("frames", _RLE),
    "+xd": ("frames", peers.EXPLICIT),
    "+xi": ("frames", peers.IMPLICIT),
    "+xa": ("stored", syntaxes.H264_HIGH_41),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OrthancServer]:
    with OrthancServer(tmp_path_factory.mktemp("delivering")) as running:
        yield running


@pytest.fixture
def video(server: OrthancServer, recordings: Recordings) -> str:
    return store(server, recordings.one())


def _delivered(job: dict[str, Any], files: list[Path], kind: str, syntax: str) -> None:
    (path,) = files
    assert (job["State"], job["Form"]["Kind"], job["Form"]["SOPClassUID"]) == ("Success", kind, PHOTOGRAPHIC), job
    assert dcmread(path, stop_before_pixels=True).file_meta.TransferSyntaxUID == syntax


@pytest.mark.parametrize("option", _OPTIONS)
def test_storescp_gets_the_best_that_it_accepts(server: OrthancServer, video: str, tmp_path: Path, option: str) -> None:
    with peers.Dcmtk(tmp_path / "peer", option) as peer:
        job = sent(server, video, known_as(server, peer))
    _delivered(job, peer.received(), *_OPTIONS[option])
    assert_same_film(peer.received(), held_by(server, video, tmp_path))


@pytest.mark.parametrize(
    ("options", "kind", "syntax"),
    [((), "frames", peers.EXPLICIT), (("+xn",), "stored", syntaxes.H264_HIGH_41), (("+xy",), "frames", peers.JPEG)],
)
def test_dcmqrscp_gets_it_and_finds_it(
    server: OrthancServer, video: str, tmp_path: Path, options: tuple[str, ...], kind: str, syntax: str
) -> None:
    with peers.dcmqrscp(tmp_path / "peer", *options) as peer:
        job = sent(server, video, known_as(server, peer))
    _delivered(job, peer.received(), kind, syntax)
    assert job["Proof"] == "C-FIND"
    assert_same_film(peer.received(), held_by(server, video, tmp_path))


@pytest.mark.parametrize(
    ("accepted", "kind", "syntax"),
    [
        ((peers.IMPLICIT, syntaxes.H264_HIGH_41), "stored", syntaxes.H264_HIGH_41),
        ((peers.IMPLICIT, syntaxes.MPEG2_MAIN), "transcoded", syntaxes.MPEG2_MAIN),
        ((peers.IMPLICIT, peers.JPEG), "frames", peers.JPEG),
        ((peers.IMPLICIT,), "frames", peers.IMPLICIT),
    ],
)
def test_a_second_orthanc_gets_what_it_accepts_and_commits_to_it(
    server: OrthancServer, video: str, tmp_path: Path, accepted: tuple[str, ...], kind: str, syntax: str
) -> None:
    configuration = {
        "DicomAet": "THERE",
        "AcceptedTransferSyntaxes": list(accepted),
        "DicomModalities": {"here": ["ORTHANC", "127.0.0.1", server.dicom_port]},
        "Plugins": [],
        "VideoGateway": {"Launch": False},
    }
    with OrthancServer(tmp_path / "there", configuration) as there:
        peer = Dimse(aet="THERE", calling="ORTHANC", host="127.0.0.1", port=there.dicom_port)
        job = sent(server, video, named(server, peer))
        (instance,) = requests.get(f"{there.url}/instances", timeout=10).json()
        received = held_by(there, instance, tmp_path / "received")
    _delivered(job, [received], kind, syntax)
    assert job["Proof"] == "storage commitment"
    assert_same_film([received], held_by(server, video, tmp_path))
