"""Marked moments of videos: which frames they are is found in a media process; the DICOM object that says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydicom import dcmwrite

from orthanc_video.clip import Moment
from orthanc_video.derivation import Item
from orthanc_video.dicom import marked
from orthanc_video.dicom.moving import described
from orthanc_video.errors import WorkerFailed
from orthanc_video.files import Bytes, SpanSource
from orthanc_video.film import MultiFrame
from orthanc_video.jobs import reading
from orthanc_video.jobs.processes import Listener, MediaProcess, job_limits
from orthanc_video.model import Located, Rational
from orthanc_video.plain import from_json, to_json
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
    found = _named(process, settings, source, place, wanted.moments)
    dataset = marked.of_frames(said, list(found), marked.title_of(wanted.title), wanted.text)
    dcmwrite(folder / name, dataset, enforce_file_format=True)
    moments = [{"Frame": number, "Time": seconds} for number, seconds in found.items()]
    return [Item(object=name, told={"Title": marked.title_of(wanted.title), "Moments": moments})]


def _named(
    process: MediaProcess, settings: Settings, source: Path, place: Located | MultiFrame, moments: Sequence[Moment]
) -> dict[int, float]:
    """The frames' numbers (from 1), and when each is shown, in seconds."""
    arguments = reading.task(source, place) | {"moments": to_json(list(moments))}
    answer = process.run("moments", arguments, job_limits(settings))
    try:
        starts = [float(from_json(Rational, one)) for one in answer["starts"]]
        found = dict(sorted(zip(map(int, answer["frames"]), starts, strict=True)))
    except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
        raise WorkerFailed("The media process did not say which frames they are: the film may do so.") from error
    return found
