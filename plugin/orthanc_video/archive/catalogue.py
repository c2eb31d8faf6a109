"""What Orthanc knows of its videos, as a caller may read it."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from orthanc_video.archive import provenance, search
from orthanc_video.archive.access import Access
from orthanc_video.archive.callers import Caller
from orthanc_video.archive.objects import Objects, StoredFilm, StoredVideo
from orthanc_video.archive.search import Sought
from orthanc_video.dicom import classes, syntaxes
from orthanc_video.dicom.history import History, read
from orthanc_video.errors import BrokenVideo, Forbidden, NotFound, NotVideo
from orthanc_video.film import MultiFrame

# Videos that are looked up together: a long list must not take all of Orthanc's threads (HttpThreadsCount, 50).
_AT_ONCE = 4
_LONGEST = 12  # of an integer string (PS3.5 6.2)
_MODALITIES = ("ES", "GM", "XC")
_TOLD = ("PatientName", "PatientID", "StudyDate", "Modality", "SeriesNumber", "SeriesDescription", "ContentTime")


async def videos(
    access: Access,
    objects: Objects,
    caller: Caller,
    films: list[tuple[str, str]],
    since: int,
    limit: int,
    sought: Sought | None = None,
) -> tuple[list[dict[str, Any]], int]:
    """The facts of the videos of one page, newest first, and how many instances there are to page through.

    ``films`` are those of single pictures that are known, wherever they are: when each was received, and its instance.
    """
    if sought is None:
        series = await _series(access, caller)
    else:
        found = await search.series(access, caller, sought)
        inside = {instance for item in found for instance in item["Instances"]}
        films = [film for film in films if film[1] in inside]
        series = [item for item in found if item["MainDicomTags"].get("Modality") in _MODALITIES]
    came = {instance: (received, 0, "") for received, instance in films}
    came |= {instance: _came(item) for item in series for instance in item["Instances"]}
    candidates = sorted(came, key=lambda instance: came[instance], reverse=True)
    page = candidates[since : since + limit]
    turns = asyncio.Semaphore(_AT_ONCE)

    async def in_turn(instance: str) -> dict[str, Any]:
        async with turns:
            return await facts(access, objects, caller, instance)

    told = await asyncio.gather(*map(in_turn, page), return_exceptions=True)
    for item in told:
        if isinstance(item, BaseException) and not isinstance(item, NotVideo | NotFound | BrokenVideo | Forbidden):
            raise item
    return [item for item in told if isinstance(item, dict)], len(candidates)


def _came(series: dict[str, Any]) -> tuple[str, int, str]:
    """What series are in order by: Orthanc tells the second, and within one the higher number comes later."""
    number = str(series["MainDicomTags"].get("SeriesNumber", "")).strip()
    told = number.isdecimal() and len(number) <= _LONGEST
    return series.get("LastUpdate", ""), int(number) if told else 0, series["ID"]


async def _series(access: Access, caller: Caller) -> list[dict[str, Any]]:
    """Orthanc's records of the series whose modality is one of videos."""
    asked = {"Level": "Series", "Query": {"Modality": "\\".join(_MODALITIES)}, "Expand": True}
    try:
        found: list[dict[str, Any]] = await access.json(caller, "POST", "/tools/find", json=asked)
    except Forbidden as refused:
        return [
            one for name in _MODALITIES for one in await access.searched(caller, "Series", {"Modality": name}, refused)
        ]
    return found


async def uids(access: Access, caller: Caller, instance: str) -> tuple[str, str, str]:
    """The UIDs of an instance's study, of its series, and its own."""
    resource = await access.remembered(caller, f"/instances/{instance}")
    series = await access.remembered(caller, f"/series/{resource['ParentSeries']}")
    study = await access.remembered(caller, f"/studies/{series['ParentStudy']}")
    return (
        study["MainDicomTags"]["StudyInstanceUID"],
        series["MainDicomTags"]["SeriesInstanceUID"],
        resource["MainDicomTags"]["SOPInstanceUID"],
    )


async def facts(access: Access, objects: Objects, caller: Caller, instance: str) -> dict[str, Any]:
    """One video or film: codec, size, rate, frames, duration, transfer syntax, whose it is, plan with reasons."""
    stored = await objects.moving(caller, instance)
    tags, resource, metadata = await asyncio.gather(
        access.remembered(caller, f"/instances/{instance}/simplified-tags?ignore-length=ContributionDescription"),
        access.remembered(caller, f"/instances/{instance}"),
        access.remembered(caller, f"/instances/{instance}/metadata?expand"),
    )
    told = _history(tags)
    series = await access.remembered(caller, f"/series/{resource['ParentSeries']}")
    study = await access.remembered(caller, f"/studies/{series['ParentStudy']}")
    return {
        "ID": instance,
        "ParentSeries": resource["ParentSeries"],
        "ParentStudy": series["ParentStudy"],
        "ParentPatient": study["ParentPatient"],
        **{key: tags.get(key, "") for key in _TOLD},
        "StudyDescription": study["MainDicomTags"].get("StudyDescription", tags.get("StudyDescription", "")),
        **(_film(stored.film) if isinstance(stored, StoredFilm) else _video(stored, tags)),
        "Received": metadata.get("ReceptionDate", ""),
        "Plan": _plan(told),
        **provenance.shown(told),
    }


def _video(stored: StoredVideo, tags: dict[str, Any]) -> dict[str, Any]:
    located = stored.located
    syntax = syntaxes.BY_UID[located.transfer_syntax]
    kind = classes.BY_UID.get(located.sop_class)
    frames = int(tags.get("NumberOfFrames") or 0)
    mean = 1000 * float(tags.get("EffectiveDuration") or 0) / frames if frames else 0.0
    frame_time = float(tags.get("FrameTime") or mean)  # with Frame Time Vector there is no Frame Time
    return {
        "SOPInstanceUID": located.sop_instance,
        "SOPClassUID": located.sop_class,
        "SOPClass": kind.name if kind else "",
        "TransferSyntaxUID": syntax.uid,
        "TransferSyntax": syntax.name,
        "Rows": int(tags.get("Rows") or 0),
        "Columns": int(tags.get("Columns") or 0),
        "NumberOfFrames": frames,
        "FrameTime": frame_time,
        "Seconds": float(tags.get("EffectiveDuration") or frames * frame_time / 1000),
        "Rate": _rate(frame_time),
        "Codec": syntax.codec,
        "Size": located.length,
        "Stream": True,
        "Playable": stored.playable,
    }


def _film(film: MultiFrame) -> dict[str, Any]:
    syntax = syntaxes.IMAGES[film.transfer_syntax]
    frame_time = float(film.cadence.step.fraction * 1000)
    return {
        "SOPInstanceUID": film.sop_instance,
        "SOPClassUID": film.sop_class,
        "SOPClass": classes.CINE[film.sop_class],
        "TransferSyntaxUID": syntax.uid,
        "TransferSyntax": syntax.name,
        "Rows": film.pixels.rows,
        "Columns": film.pixels.columns,
        "NumberOfFrames": len(film.frames),
        "FrameTime": frame_time,
        "Seconds": film.seconds,
        "Rate": _rate(frame_time),
        "Codec": syntax.codec,
        "Size": sum(span.length for frame in film.frames for span in frame),
        "Stream": False,
        "Playable": False,
    }


def _rate(frame_time: float) -> str:
    """Frames per second as a ratio, such as 30000/1001, out of milliseconds per frame."""
    if frame_time <= 0:
        return ""
    for denominator in (1, 1001):
        numerator = 1000 * denominator / frame_time
        if abs(numerator - round(numerator)) < 1e-6 * numerator:
            return f"{round(numerator)}/{denominator}"
    return f"{round(1_000_000 / frame_time)}/1000"


def _history(tags: dict[str, Any]) -> History | None:
    """What this project recorded of the conversion in Contributing Equipment, None for other writers' objects."""
    items = tags.get("ContributingEquipmentSequence") or []
    found = (read(str(item.get("ContributionDescription", ""))) for item in items)
    return next((one for one in found if one is not None), None)


def _plan(told: History | None) -> dict[str, Any] | None:
    if told is None:
        return None
    reasons = re.split(r"(?<=[.])\s+(?=[A-Z0-9])", told.reasons)
    return {"Action": told.action, "SourceSHA256": told.sha256, "Reasons": [reason for reason in reasons if reason]}
