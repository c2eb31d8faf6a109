"""Marked moments of videos: which frames they are is found in a media process; the DICOM object that says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydicom import dcmwrite

from orthanc_video.derivation import Item
from orthanc_video.dicom import marked
from orthanc_video.dicom.moving import described
from orthanc_video.files import Bytes, SpanSource
from orthanc_video.jobs import naming, reading
from orthanc_video.jobs.processes import Listener, MediaProcess, job_limits
from orthanc_video.plain import from_json
from orthanc_video.settings import Settings
from orthanc_video.still import Marks


def make(
    settings: Settings,
    process: MediaProcess,
    sources: Sequence[Path],
    asked: Mapping[str, Any],
    folder: Path,
    _listener: Listener | None,
) -> list[Item]:
    """One document of all moments, each frame once, in their order."""
    wanted, (source,), name = from_json(Marks, asked), sources, "marks.dcm"
    with SpanSource(source) as file:
        place, said = described(Bytes(file))
    found = naming.named(process, job_limits(settings), reading.task(source, place), wanted.moments)
    dataset = marked.of_frames(said, list(found), marked.title_of(wanted.title), wanted.text)
    dcmwrite(folder / name, dataset, enforce_file_format=True)
    moments = [{"Frame": number, "Time": seconds} for number, seconds in found.items()]
    return [Item(object=name, told={"Title": marked.title_of(wanted.title), "Moments": moments})]
