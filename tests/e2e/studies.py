"""Studies of a video and a still image, and peers that take both or, of the video, pictures alone."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, NamedTuple

import requests
from pydicom import dcmread
from pydicom.uid import generate_uid

import peers
from e2e.films import Films
from e2e.orthanc_server import OrthancServer
from e2e.recordings import Recordings, store

MR = "1.2.840.10008.5.1.4.1.1.4"
JPEG, HIGH_41 = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.102"


class Archive(peers.Peer):
    """Takes videos and images as they are; remembers who asked for each by C-MOVE."""

    classes = (*peers.EVERY_CLASS, MR)

    def __init__(self, folder: Path, **other: Any) -> None:
        super().__init__(folder, **other)
        self.movers: list[tuple[str, int] | None] = []
        self.callers: list[str] = []

    def keep(self, event: Any) -> None:
        super().keep(event)
        asked = event.request
        mover = asked.MoveOriginatorApplicationEntityTitle
        self.movers.append((str(mover), int(asked.MoveOriginatorMessageID)) if mover else None)
        self.callers.append(event.assoc.requestor.ae_title)


class Weak(Archive):
    """Of a video it takes JPEG pictures."""

    syntaxes = peers.JpegOnly.syntaxes


class Study(NamedTuple):
    """Orthanc's IDs, and the UIDs."""

    patient: str
    study: str
    series: str
    video: str
    image: str
    study_uid: str
    video_uid: str
    image_uid: str


def mixed(server: OrthancServer, recordings: Recordings, films: Films) -> Study:
    """A new study of a new patient, with a video in one series and an MR image in another."""
    patient, uid = f"P-{generate_uid()[-12:]}", generate_uid()

    def change(dataset: Any) -> None:
        dataset.StudyInstanceUID, dataset.PatientID, dataset.SeriesInstanceUID = uid, patient, f"{uid[:50]}.1"

    data = recordings.changed(change)
    video = store(server, data)
    image = dcmread(films.image())
    change(image)
    image.SeriesInstanceUID = f"{uid[:50]}.2"
    written = io.BytesIO()
    image.save_as(written)
    still = store(server, written.getvalue())
    at = requests.get(f"{server.url}/instances/{video}", headers=server.headers(), timeout=10).json()
    of = requests.get(f"{server.url}/series/{at['ParentSeries']}", headers=server.headers(), timeout=10).json()
    above = requests.get(f"{server.url}/studies/{of['ParentStudy']}", headers=server.headers(), timeout=10).json()
    return Study(
        patient=above["ParentPatient"],
        study=above["ID"],
        series=of["ID"],
        video=video,
        image=still,
        study_uid=uid,
        video_uid=str(dcmread(io.BytesIO(data), stop_before_pixels=True).SOPInstanceUID),
        image_uid=str(image.SOPInstanceUID),
    )


def received(peer: peers.Peer | peers.Dcmtk) -> dict[str, Any]:
    """What a peer got, by SOP class."""
    return {str(one.SOPClassUID): one for one in map(dcmread, peer.received())}
