"""Pictures of stored objects: made by a media process; single ones are kept beside the posters, named by the object's
UUID and all that was asked for. What bears a patient's name is not kept."""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from orthanc_video import __version__, metrics
from orthanc_video.archive.objects import Stored, held
from orthanc_video.clip import Moment
from orthanc_video.errors import WorkerFailed
from orthanc_video.jobs import naming, reading, thumbnails
from orthanc_video.jobs.processes import run_drawing
from orthanc_video.model import Span
from orthanc_video.picture import Drawing, Said
from orthanc_video.plain import to_json
from orthanc_video.settings import Settings


@dataclass(frozen=True, slots=True)
class Drawn:
    """An open file of pictures, and where each of them lies in it; whoever takes it closes it."""

    file: BinaryIO
    spans: tuple[Span, ...]


def name_of(stored: Stored, drawing: Drawing) -> str:
    """What names the bytes of these pictures, and tells nothing of what they show; another version may draw others."""
    asked = json.dumps([__version__, to_json(drawing)], sort_keys=True).encode()
    return f"{stored.uuid}-{hashlib.sha256(asked).hexdigest()[:24]}"


def drawn(settings: Settings, stored: Stored, drawing: Drawing, said: Said) -> Drawn:
    """Raises what the media process does (media/drawing.py), and NotFound when the object was deleted meanwhile."""
    path = thumbnails.path_of(settings, stored.uuid).with_name(f"{name_of(stored, drawing)}.picture")
    single = drawing.representative or drawing.moving or drawing.columns or len(drawing.frames) == 1
    if not single or "patient" in drawing.rendering.annotations:
        return _passing(settings, stored, drawing, said, path)
    try:
        file = path.open("rb")
    except FileNotFoundError:
        file = None
    metrics.looked_up("thumbnails", hit=file is not None)
    if file is None:
        thumbnails.make(settings, path, lambda target: _make(settings, stored, drawing, said, target))
        file = path.open("rb")
    return Drawn(file, (Span(0, os.fstat(file.fileno()).st_size),))


def _passing(settings: Settings, stored: Stored, drawing: Drawing, said: Said, path: Path) -> Drawn:
    """In a file without a name, which is gone once it is closed."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    target = path.with_suffix(f".{uuid.uuid4().hex}.partial")
    try:
        lengths = _make(settings, stored, drawing, said, target)
        file = target.open("rb")
    finally:
        target.unlink(missing_ok=True)
    ends = [sum(lengths[:at]) for at in range(len(lengths))]
    return Drawn(file, tuple(Span(*one) for one in zip(ends, lengths, strict=True)))


def number_at(settings: Settings, stored: Stored, moment: Moment) -> int:
    """The number of the frame, from 1; raises BadRequest where there is none, and NotFound as ``drawn``."""
    with held(stored.path):
        asked = naming.arguments(reading.task(stored.path, stored.place), [moment])
        (number,) = naming.told(run_drawing(naming.TASK, asked, stored.path.stat().st_size, settings))
        return number


def _make(settings: Settings, stored: Stored, drawing: Drawing, said: Said, target: Path) -> list[int]:
    task = reading.task(stored.path, stored.place) | {
        "drawing": to_json(drawing),
        "said": to_json(said),
        "target": str(target),
    }
    with held(stored.path):
        answer = run_drawing("draw", task, stored.path.stat().st_size, settings)
    try:
        lengths = [int(length) for length in answer["lengths"]]
    except (KeyError, TypeError, ValueError) as error:
        raise WorkerFailed("The media process did not say what it had drawn: the file may be made to do so.") from error
    if not lengths or min(lengths) < 0 or sum(lengths) != target.stat().st_size:
        raise WorkerFailed("The media process drew something else than it said: the file may be made to do so.")
    return lengths
