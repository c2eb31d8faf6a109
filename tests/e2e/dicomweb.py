"""Stored objects by their DICOMweb addresses, for the tests of what DICOMweb answers."""

from __future__ import annotations

import email
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import requests
from pydicom import dcmread
from pydicom.dataset import FileDataset
from pydicom.uid import generate_uid

from e2e.orthanc_server import OrthancServer

FILES = 'multipart/related; type="application/dicom"'
XML = 'multipart/related; type="application/dicom+xml"'


@dataclass(frozen=True)
class Held:
    """An object in an Orthanc, and its DICOM file as it was sent."""

    server: OrthancServer
    data: bytes
    study: str
    series: str
    instance: str
    orthanc: str

    @property
    def root(self) -> str:
        return f"{self.server.gateway_url}/dicom-web"

    @property
    def of_study(self) -> str:
        return f"{self.root}/studies/{self.study}"

    @property
    def of_series(self) -> str:
        return f"{self.of_study}/series/{self.series}"

    @property
    def url(self) -> str:
        return f"{self.of_series}/instances/{self.instance}"

    @property
    def dataset(self) -> FileDataset:
        return dcmread(BytesIO(self.data))


def hold(server: OrthancServer, data: bytes) -> Held:
    """Stores a DICOM file in Orthanc itself."""
    answer = requests.post(f"{server.url}/instances", data=data, timeout=30, headers=server.headers())
    assert answer.status_code == 200, answer.text
    said = dcmread(BytesIO(data), stop_before_pixels=True)
    study, series, instance = (str(uid) for uid in (said.StudyInstanceUID, said.SeriesInstanceUID, said.SOPInstanceUID))
    return Held(server, data, study, series, instance, str(answer.json()["ID"]))


def alone(change: Callable[[Any], None] = lambda _: None) -> Callable[[Any], None]:
    """Puts an object into a study and series of its own, then changes it."""

    def changed(dataset: Any) -> None:
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID = generate_uid(), generate_uid()
        change(dataset)

    return changed


def get(url: str, accept: str = "*/*", **headers: str) -> requests.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return requests.get(url, headers={"Accept": accept} | named, timeout=60)


def parts(answer: requests.Response) -> list[tuple[str, bytes]]:
    """The Content-Type and content of each part of multipart/related."""
    head = f"Content-Type: {answer.headers['Content-Type']}\r\nMIME-Version: 1.0\r\n\r\n".encode()
    boundary = str(email.message_from_bytes(head).get_boundary()).encode()
    # Python's parser of mails would take line ends within binary content for line ends.
    raw = (b"\r\n" + answer.content).split(b"\r\n--" + boundary)
    assert raw[-1].strip() == b"--", "the last boundary is missing"
    found = []
    for piece in raw[1:-1]:
        headers, _, content = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        fields = email.message_from_bytes(headers)
        assert fields.get("Content-Length") in {None, str(len(content))}
        found.append((str(fields["Content-Type"]), content))
    return found
