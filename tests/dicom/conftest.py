"""Uploads taken through the ladder once per session, for the tests of what is written."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from clips import Clips
from orthanc_video.dicom import write
from orthanc_video.dicom.build import build
from orthanc_video.media.plan import plan
from orthanc_video.media.probe import probe
from orthanc_video.media.remux import remux
from orthanc_video.media.transcode import transcode
from orthanc_video.model import Action, Made, MediaInfo, Plan, Upload, Wishes


@dataclass(frozen=True)
class Prepared:
    """An upload and what was made of it: all that an object is built of."""

    upload: Upload
    info: MediaInfo
    plan: Plan
    made: Made

    def write(self, target: Path, upload: Upload | None = None) -> Path:
        dataset = build(upload or self.upload, self.info, self.plan, self.made)
        write.write(write.envelope(dataset, self.made.size), Path(self.made.path), target)
        return target


def prepare(source: Path, folder: Path, wanted: str = "") -> Prepared:
    info = probe(source)
    planned = plan(info, Wishes(transfer_syntax=wanted))
    data = source.read_bytes()
    upload = Upload(
        id="1",
        path=str(source),
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        filename=source.name,
        received="2026-03-04T05:06:07+00:00",
    )
    return Prepared(upload, info, planned, _made(source, folder / "made.mp4", info, planned))


def _made(source: Path, target: Path, info: MediaInfo, planned: Plan) -> Made:
    if planned.action is Action.WRAP:
        return Made(path=str(source), size=source.stat().st_size, video=info.video, probed=info)
    if planned.action is Action.REMUX:
        remux(source, target, info.video, planned.target.level if planned.target else 0, lambda _: None)
    else:
        assert planned.target is not None
        raw = target.with_name("raw.mp4")
        transcode(source, raw, info.video, planned.target, "veryfast", 20, lambda _: None)
        remux(raw, target, probe(raw).video, 0, lambda _: None)
    probed = probe(target)
    return Made(path=str(target), size=target.stat().st_size, video=probed.video, probed=probed)


@pytest.fixture(scope="session")
def prepared(clips: Clips, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Action], Prepared]:
    """One upload for each rung of the ladder."""
    sources: dict[Action, Callable[[], Path]] = {
        Action.WRAP: clips.conforming,
        Action.REMUX: lambda: clips.video("h264", "mkv"),
        Action.TRANSCODE: lambda: clips.video("vp9", "webm"),
    }
    done: dict[Action, Prepared] = {}

    def get(action: Action) -> Prepared:
        if action not in done:
            done[action] = prepare(sources[action](), tmp_path_factory.mktemp(str(action)))
            assert done[action].plan.action is action
        return done[action]

    return get
