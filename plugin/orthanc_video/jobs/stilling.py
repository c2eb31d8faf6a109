"""Stills of videos: chosen frames decoded exactly and coded in a media process, and the DICOM objects of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

from orthanc_video.derivation import Item
from orthanc_video.dicom import classes, framed, still, stored, write
from orthanc_video.dicom.moving import described
from orthanc_video.errors import WorkerFailed
from orthanc_video.files import Bytes, SpanSource
from orthanc_video.film import Coded
from orthanc_video.form import Form, Kind
from orthanc_video.jobs import forms, ingest_job
from orthanc_video.jobs.processes import Limits, Listener, MediaProcess, job_limits
from orthanc_video.plain import from_json
from orthanc_video.settings import Settings
from orthanc_video.still import Stills

# Lossless JPEG is what most archives and viewers can show (PS3.5 10.2 has it as the default).
_LOSSLESS, _JPEG = "1.2.840.10008.1.2.4.70", "1.2.840.10008.1.2.4.50"
_MICROSECONDS = 10**6


def make(
    settings: Settings,
    process: MediaProcess,
    sources: Sequence[Path],
    asked: Mapping[str, Any],
    folder: Path,
    listener: Listener | None,
) -> list[Item]:
    """An object of each frame, each once, in their order."""
    (source,), wanted = sources, from_json(Stills, asked)
    with SpanSource(source) as file:
        said = stored.header(Bytes(file)).said
    # What the media process makes is written once more.
    ingest_job.room_for(settings, 2 * forms.guess(said, len(wanted.frames), _syntax(wanted)))
    return of_object(process, job_limits(settings), source, wanted, folder, listener)


def _syntax(wanted: Stills) -> str:
    return _JPEG if wanted.quality else _LOSSLESS


def of_object(
    process: MediaProcess, limits: Limits, source: Path, wanted: Stills, folder: Path, listener: Listener | None = None
) -> list[Item]:
    """Writes the stills of the DICOM video ``source`` into ``folder``; raises BadRequest for a frame beyond its end."""
    with SpanSource(source) as file:
        place, said = described(Bytes(file))
    kind = classes.still_class(wanted.choice, place.sop_class)
    form = Form(kind=Kind.STILLS, sop_class=kind.uid, transfer_syntax=_syntax(wanted), quality=wanted.quality)
    target = folder / "pictures"
    coded, pictures = forms.code(process, limits, source, place, form, target, listener, wanted.frames)
    refuse_unnamed(coded)
    made = []
    for at, number in enumerate(coded.numbers):
        start = coded.start.fraction + Fraction(pictures.times[at], _MICROSECONDS)
        dataset = still.of_frame(said, place.transfer_syntax, form, coded, number, start, pictures.lengths[at])
        name = f"still-{number}.dcm"
        write.write(framed.envelope(dataset, pictures, at), target, folder / name)
        made.append(Item(object=name, told={"Frame": number, "Time": float(start)}))
    target.unlink()
    Path(coded.index).unlink()
    return made


def refuse_unnamed(coded: Coded) -> None:
    """Each frame has a number of its own, in their order: a hostile film may say what it likes."""
    ascending = all(earlier < later for earlier, later in pairwise((0, *coded.numbers)))
    if len(coded.numbers) != coded.frames or not ascending:
        raise WorkerFailed("The media process did not say which frames it had coded: the film may be made to do so.")
