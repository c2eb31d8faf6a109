"""Objects of other writers, and what has become of them: for the tests of what is noticed."""

from __future__ import annotations

import secrets
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests
import sqlalchemy as sa
from pydicom import dcmread
from pydicom.encaps import encapsulate
from pydicom.uid import UID, generate_uid

from e2e.films import Films
from e2e.orthanc_server import OrthancServer

MARK = "1.2.826.0.1.3680043.8.498.12345678901234567890123456789012345678"


class Recordings:
    """DICOM videos of another writer's, each its own object: 10 frames of 64 × 64."""

    def __init__(self, films: Films) -> None:
        film, self._path = films.unique(0.4, size="64x64"), films.folder / "recording.dcm"
        convert = [sys.executable, "-m", "orthanc_video", "convert", str(film), str(self._path)]
        subprocess.run(convert, check=True, capture_output=True)
        self._template = self.changed(lambda _: None, uid=MARK)

    def one(self) -> bytes:
        uid = f"{MARK[:26]}{secrets.randbelow(9 * 10**37) + 10**37}"
        return self._template.replace(MARK.encode(), uid.encode())

    def holding(self, stream: bytes, syntax: str, *, uid: str = "") -> bytes:
        """An object with this stream, in this transfer syntax; its attributes say what the template's do."""

        def change(dataset: Any) -> None:
            dataset.file_meta.TransferSyntaxUID = UID(syntax)
            dataset.PixelData = encapsulate([stream], has_bot=False)
            dataset["PixelData"].is_undefined_length = True

        return self.changed(change, uid)

    def changed(self, change: Callable[[Any], None], uid: str = "") -> bytes:
        dataset = dcmread(self._path)
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = UID(uid or generate_uid())
        change(dataset)
        dataset.save_as(self._path.with_name("changed.dcm"))
        return self._path.with_name("changed.dcm").read_bytes()


def store(server: OrthancServer, data: bytes) -> str:
    answer = requests.post(f"{server.url}/instances", data=data, headers=server.headers(), timeout=30)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["ID"])


def poster(server: OrthancServer, instance: str) -> Path:
    info = requests.get(f"{server.url}/instances/{instance}/attachments/dicom/info", timeout=10).json()
    return server.storage / "video-gateway" / "cache" / "thumbnails" / f"{info['Uuid']}-320.jpg"


def wait_until(done: Callable[[], Any], within: float = 30) -> Any:
    deadline = time.monotonic() + within
    while not (result := done()):
        assert time.monotonic() < deadline, f"has not happened within {within:g} s"
        time.sleep(0.05)
    return result


def findings(server: OrthancServer, instance: str) -> list[str] | None:
    """The sentences of what was found; None while nobody has looked."""
    answer = requests.get(f"{server.gateway_url}/video/instances/{instance}", timeout=10)
    found: list[dict[str, str]] | None = answer.json()["Findings"]
    return None if found is None else [one["Sentence"] for one in found]


def looked_at(server: OrthancServer, instance: str) -> list[str]:
    """The findings once there are some; the gateway may be away meanwhile."""

    def found() -> list[list[str]]:
        try:
            there = findings(server, instance)
        except requests.ConnectionError:
            return []
        return [] if there is None else [there]

    (result,) = wait_until(found, within=60)
    return list(result)


def noticed(server: OrthancServer) -> int:
    """How many objects there is a look at, done or to be done."""
    named = server.configuration["VideoGateway"].get("Database", "")
    url = named.replace("postgresql:", "postgresql+psycopg:") or f"sqlite:///{server.storage}/video-gateway/jobs.sqlite"
    table = sa.table("workflow_status", sa.column("name"), schema="dbos" if named else None)
    engine = sa.create_engine(url)
    try:
        with engine.connect() as connection:
            query = sa.select(sa.func.count()).select_from(table).where(table.c.name == "notice_video")
            return int(connection.execute(query).scalar_one())
    finally:
        engine.dispose()
