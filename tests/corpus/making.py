"""The corpus's objects, each made once for all that test them, by ``orthanc-video convert``'s own code."""

from __future__ import annotations

import fcntl
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from pydicom import dcmread
from pydicom.encaps import get_frame

from clips import Clips
from corpus.case import Case
from orthanc_video import command_convert
from orthanc_video.jobs import processes
from orthanc_video.model import MediaInfo, Most, Plan
from orthanc_video.plain import from_json

_MOST = Most(bytes=1 << 31)


@dataclass(frozen=True)
class Object:
    """``stream`` is what a player gets out of ``path``, the DICOM file made of ``source``."""

    source: Path
    info: MediaInfo
    plan: Plan
    path: Path
    stream: Path


class Corpus:
    """Objects by their cases, in a folder that test processes share: each is made when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._clips = Clips(folder / "clips")
        for each in ("clips", "objects"):
            (folder / each).mkdir(parents=True, exist_ok=True)

    def clip(self, case: Case) -> Path:
        with self._alone():
            return case.make(self._clips)

    def made(self, case: Case) -> Object:
        source = self.clip(case)
        path = self._folder / "objects" / f"{re.sub('[^a-zA-Z0-9.]+', '-', case.name)}.dcm"
        told = path.with_suffix(".json")
        with self._alone():
            if not told.exists():
                self._make(source, case, path, told)
        seen = json.loads(told.read_text())
        info, plan = from_json(MediaInfo, seen["info"]), from_json(Plan, seen["plan"])
        return Object(source, info, plan, path, path.with_suffix(".stream"))

    def convert(self, source: Path, case: Case, path: Path) -> dict[str, object]:
        """What ``probe`` tells of the clip. Media processes of all cases are forked by one template."""
        with mock.patch.object(command_convert, "close"):
            seen = command_convert.probe(source, case.wishes)
            command_convert.convert(source, path, "photographic", [], _MOST, case.wishes)
        return seen

    def _make(self, source: Path, case: Case, path: Path, told: Path) -> None:
        seen = self.convert(source, case, path)
        path.with_suffix(".stream").write_bytes(get_frame(dcmread(path).PixelData, 0, number_of_frames=1))
        told.write_text(json.dumps(seen))

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with (self._folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def close(self) -> None:
        processes.close()
