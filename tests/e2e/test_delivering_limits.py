"""Destinations with bounds: of size, of room, of how many at once. A video gets there all the same."""

from __future__ import annotations

import contextlib
import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

import peers
from e2e.deliveries import FRAMES, assert_same_film, begun, ended, held_by, job_of, known_as, sent, shown
from e2e.films import Films
from e2e.generation import only_once
from e2e.orthanc_server import OrthancServer
from e2e.recordings import Recordings, store, wait_until
from orthanc_video.dicom import syntaxes

pytestmark = only_once

MIB = 1 << 20


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OrthancServer]:
    destinations = {
        "HUNDRED": {"MaxMB": 100},
        "FEW-ROWS": {"MaxRows": 40},
        "HASTY": {"TimeoutSeconds": 3},
        "PAIR": {"Concurrency": 2},
    }
    with OrthancServer(tmp_path_factory.mktemp("limits"), {"VideoGateway": {"Destinations": destinations}}) as running:
        yield running


@pytest.fixture
def video(server: OrthancServer, recordings: Recordings) -> str:
    return store(server, recordings.one())


def _large(server: OrthancServer, recordings: Recordings, films: Films, length: int) -> str:
    """A small film in an object of so many bytes: the MP4 has a box of nothing at its end."""
    film = films.unique(0.4, size="64x64").read_bytes()
    padded = film + struct.pack(">I4s", length, b"free") + bytes(length - 8)
    return store(server, recordings.holding(padded, syntaxes.H264_HIGH_41))


def test_who_takes_at_most_100_mb_gets_it_smaller(
    server: OrthancServer, recordings: Recordings, films: Films, tmp_path: Path
) -> None:
    video = _large(server, recordings, films, 101 * MIB)
    with peers.AtMost(tmp_path / "peer", 100 * MIB) as peer:
        job = sent(server, video, known_as(server, peer, "HUNDRED"))
        assert (job["State"], job["Form"]["Kind"]) == ("Success", "transcoded"), job
        assert any("more than the 100 MB" in reason for reason in job["Reasons"])
        assert peer.stores == 1
        assert_same_film(peer.received(), held_by(server, video, tmp_path))


def test_who_takes_few_rows_gets_a_video_of_few_rows(server: OrthancServer, video: str, tmp_path: Path) -> None:
    with peers.Peer(tmp_path / "peer") as peer:
        job = sent(server, video, known_as(server, peer, "FEW-ROWS"))
        assert (job["State"], job["Form"]["Kind"]) == ("Success", "transcoded"), job
        (path,) = peer.received()
        said = dcmread(path)
        assert (said.Rows, said.Columns) == (40, 40)
        assert len(shown([path])) == said.NumberOfFrames == FRAMES


def test_who_has_no_room_for_a_large_one_gets_a_smaller_one(
    server: OrthancServer, recordings: Recordings, films: Films, tmp_path: Path
) -> None:
    video = _large(server, recordings, films, MIB)
    with peers.AtMost(tmp_path / "peer", MIB // 2) as peer:
        job = sent(server, video, known_as(server, peer, "HASTY"))
        assert (job["State"], job["Form"]["Kind"]) == ("Success", "transcoded"), job
        assert "out of resources" in job["Reasons"][-1]
        tried = [one["Form"]["Kind"] for one in job["Attempts"]]
        assert tried == ["stored"] * (len(tried) - 1) + ["transcoded"]
        assert 'set "MaxMB"' in job["Attempts"][0]["Sentence"]
        assert_same_film(peer.received(), held_by(server, video, tmp_path))


def test_who_has_no_room_for_anything_gets_the_best_once_there_is(
    server: OrthancServer, recordings: Recordings, films: Films, tmp_path: Path
) -> None:
    class Full(peers.Peer):
        emptied = False

        def judged(self, _data: bytes) -> int:
            return 0 if self.emptied else 0xA700

    video = _large(server, recordings, films, MIB)
    with Full(tmp_path / "peer") as peer:
        job = begun(server, video, known_as(server, peer, "HASTY"))

        def kinds() -> list[str]:
            return [one["Form"]["Kind"] for one in job_of(server, job).get("Attempts", [])]

        # The best for a while, smaller ones once each, then the best again.
        wait_until(lambda: len(set(kinds())) > 1 and kinds()[-1] == "stored", 60)
        peer.emptied = True
        done = ended(server, job)
        assert (done["State"], done["Form"]["Kind"]) == ("Success", "stored"), done
        assert_same_film(peer.received(), held_by(server, video, tmp_path))


def test_no_more_go_at_once_than_it_takes(server: OrthancServer, recordings: Recordings, tmp_path: Path) -> None:
    class Counting(peers.Peer):
        """How many of its answers are awaited at once; each object waits for one too many."""

        def __init__(self, folder: Path) -> None:
            super().__init__(folder)
            self.now = self.most = 0
            self._changed = threading.Condition()

        @contextlib.contextmanager
        def counted(self, patience: float) -> Iterator[None]:
            with self._changed:
                self.now += 1
                self.most = max(self.most, self.now)
                self._changed.notify_all()
                self._changed.wait_for(lambda: self.now > 2, patience)
            yield
            with self._changed:
                self.now -= 1

        def judged(self, _data: bytes) -> int:
            with self.counted(1.0):
                return 0

        def found(self, event: Any) -> Iterator[tuple[int, Dataset | None]]:
            with self.counted(0.2):
                yield from super().found(event)

    videos = [store(server, recordings.one()) for _ in range(6)]
    with Counting(tmp_path / "peer") as peer:
        name = known_as(server, peer, "PAIR")
        jobs = [begun(server, video, name) for video in videos]
        assert {ended(server, job)["State"] for job in jobs} == {"Success"}
        assert peer.most == 2
        assert len(peer.received()) == len(videos)
