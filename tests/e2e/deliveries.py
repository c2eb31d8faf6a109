"""Deliveries end to end: who is known by which name, how one ended, and what others decode of what has arrived."""

from __future__ import annotations

import itertools
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import requests
from pydicom import dcmread

import oracles
import peers
from e2e.orthanc_server import OrthancServer
from e2e.recordings import wait_until
from jobs.forms import frames_of
from orthanc_video.dicom import syntaxes
from orthanc_video.routing.destinations import Dimse

ENDED = {"Success", "Failure", "Cancelled"}
PHOTOGRAPHIC, TRUE_COLOUR = "1.2.840.10008.5.1.4.1.1.77.1.4.1", "1.2.840.10008.5.1.4.1.1.7.4"
# Of ``Recordings``.
FRAMES = 10
# dB of hard edges with half the chroma; another frame of the film has less than 21.
_ALIKE = 22.0
_names = (f"PEER-{number}" for number in itertools.count(1))


def known_as(server: OrthancServer, peer: peers.Peer | peers.Dcmtk, name: str = "", **more: Any) -> str:
    """The name by which Orthanc now knows a peer."""
    return named(server, peer.dimse(), name, **more)


def named(server: OrthancServer, peer: Dimse, name: str = "", **more: Any) -> str:
    """As ``known_as``, of an address; ``more`` of Orthanc's own keys."""
    name = name or next(_names)
    entry = {"AET": peer.aet, "Host": peer.host, "Port": peer.port, **more}
    assert requests.put(f"{server.url}/modalities/{name}", json=entry, timeout=10).status_code == 200
    return name


def begun(server: OrthancServer, video: str, name: str) -> str:
    """The job of a delivery that has been asked for."""
    url = f"{server.gateway_url}/video/instances/{video}/send"
    answer = requests.post(url, json={"Destination": name}, timeout=10)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["ID"])


def sent(server: OrthancServer, video: str, name: str, within: float = 120) -> dict[str, Any]:
    """The job of a delivery, ended."""
    return ended(server, begun(server, video, name), within)


def ended(server: OrthancServer, job: str, within: float = 120) -> dict[str, Any]:
    def look() -> dict[str, Any]:
        found = job_of(server, job)
        return found if found["State"] in ENDED else {}

    found: dict[str, Any] = wait_until(look, within)
    return found


def job_of(server: OrthancServer, job: str) -> dict[str, Any]:
    found: dict[str, Any] = requests.get(f"{server.gateway_url}/video/jobs/{job}", timeout=10).json()
    return found


def shown(files: Sequence[Path]) -> oracles.Picture:
    """All frames as RGB: of a video as DCMTK finds its stream, of pictures as DCMTK or GDCM decode them."""
    if len(files) > 1:  # a series of single images
        order = sorted(files, key=lambda path: int(dcmread(path, stop_before_pixels=True).InstanceNumber))
        return np.concatenate([frames_of(path) for path in order])
    (path,) = files
    said = dcmread(path, stop_before_pixels=True)
    if said.file_meta.TransferSyntaxUID not in syntaxes.BY_UID:
        assert oracles.gdcm(path)[:2] == (said.Columns, said.Rows)
        return frames_of(path)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        subprocess.run(["dcmdump", "-q", "+W", folder, path], check=True, capture_output=True)
        items = sorted(Path(folder).iterdir(), key=lambda item: int(item.suffixes[-2][1:]))
        stream = Path(folder) / "stream"
        stream.write_bytes(b"".join(item.read_bytes() for item in items))
        return oracles.decoded(stream, said.Columns, said.Rows)


def held_by(server: OrthancServer, instance: str, folder: Path) -> Path:
    """The file of an instance, as Orthanc gives it out."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "held.dcm"
    path.write_bytes(requests.get(f"{server.url}/instances/{instance}/file", timeout=30).content)
    return path


def assert_same_film(received: Sequence[Path], original: Path, *, alike: float = _ALIKE) -> None:
    """Every frame of a stored object is there once, in order, and looks like it."""
    truth = shown([original])
    pictures = _fitted(shown(received), truth.shape[1], truth.shape[2])
    assert len(pictures) == dcmread(original, stop_before_pixels=True).NumberOfFrames
    likeness = [[oracles.psnr(one, other) for other in truth] for one in pictures]
    assert [int(np.argmax(row)) for row in likeness] == list(range(len(truth)))
    worst = min(max(row) for row in likeness)
    assert worst > alike


def _fitted(pictures: oracles.Picture, rows: int, columns: int) -> oracles.Picture:
    """MPEG-2 at High level knows few sizes: the film is in the middle, as high as they are."""
    high, wide = pictures.shape[1:3]
    film = wide if (high, wide) == (rows, columns) else high * columns // rows
    left = (wide - film) // 2
    across = left + ((np.arange(columns) + 0.5) * film / columns).astype(int)
    down = ((np.arange(rows) + 0.5) * high / rows).astype(int)
    return pictures[:, down][:, :, across]
