"""What videos there are, and one video's facts, stream, index and poster."""

from __future__ import annotations

import asyncio
import base64
import re
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response

from orthanc_video.archive.access import Caller
from orthanc_video.archive.objects import StoredVideo, evict
from orthanc_video.bitstream import mp4
from orthanc_video.dicom import classes, syntaxes
from orthanc_video.dicom.locate import Stream
from orthanc_video.errors import BadRequest, BrokenVideo, NotFound, NotVideo
from orthanc_video.jobs.processes import run_short
from orthanc_video.media.source import SpanSource
from orthanc_video.model import to_json
from orthanc_video.web import streaming
from orthanc_video.web.context import CallerNow, Gateway, GatewayParts

router = APIRouter(prefix="/video/instances", tags=["videos"])

_HISTORY = re.compile(r"(wrap|remux|transcode): source file.*?SHA-256 ([0-9a-f]{64})\.\s*(.*)", re.DOTALL)
_MODALITIES = "ES\\GM\\XC"
_THUMBNAIL_WIDTHS = range(32, 1921)


@router.get("")
async def list_videos(
    gateway: GatewayParts,
    caller: CallerNow,
    since: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Response:
    """The videos that this caller may see, newest first."""
    query = {"Level": "Series", "Query": {"Modality": _MODALITIES}, "Expand": True}
    series = await gateway.access.json(caller, "POST", "/tools/find", json=query)
    series.sort(key=lambda item: (item.get("LastUpdate", ""), item["ID"]), reverse=True)
    candidates = [instance for item in series for instance in item["Instances"]]
    page = candidates[since : since + limit]
    found = await asyncio.gather(*(_facts(gateway, caller, instance) for instance in page), return_exceptions=True)
    for item in found:
        if isinstance(item, BaseException) and not isinstance(item, NotVideo | NotFound | BrokenVideo):
            raise item
    videos = [item for item in found if isinstance(item, dict)]
    return JSONResponse({"Instances": videos, "Total": len(candidates), "Since": since})


@router.get("/{named}")
async def one_video(named: str, gateway: GatewayParts, caller: CallerNow) -> Response:
    """What it is: codec, size, rate, frames, duration, transfer syntax, plan with reasons."""
    instance = await gateway.access.instance(caller, named)
    return JSONResponse(await _facts(gateway, caller, instance))


async def _facts(gateway: Gateway, caller: Caller, instance: str) -> dict[str, Any]:
    stored = await gateway.objects.video(caller, instance)
    tags, resource, metadata = await asyncio.gather(
        gateway.access.remembered(
            caller, f"/instances/{instance}/simplified-tags?ignore-length=ContributionDescription"
        ),
        gateway.access.remembered(caller, f"/instances/{instance}"),
        gateway.access.remembered(caller, f"/instances/{instance}/metadata?expand"),
    )
    series = await gateway.access.remembered(caller, f"/series/{resource['ParentSeries']}")
    study = await gateway.access.remembered(caller, f"/studies/{series['ParentStudy']}")
    syntax = syntaxes.BY_UID[stored.located.transfer_syntax]
    kind = classes.BY_UID.get(stored.located.sop_class)
    frame_time = float(tags.get("FrameTime") or 0)
    frames = int(tags.get("NumberOfFrames") or 0)
    return {
        "ID": instance,
        "SOPInstanceUID": stored.located.sop_instance,
        "SOPClassUID": stored.located.sop_class,
        "SOPClass": kind.name if kind else "",
        "TransferSyntaxUID": syntax.uid,
        "TransferSyntax": syntax.name,
        "ParentSeries": resource["ParentSeries"],
        "ParentStudy": series["ParentStudy"],
        "ParentPatient": study["ParentPatient"],
        **{key: tags.get(key, "") for key in ("PatientName", "PatientID", "StudyDate", "StudyDescription")},
        "Rows": int(tags.get("Rows") or 0),
        "Columns": int(tags.get("Columns") or 0),
        "NumberOfFrames": frames,
        "FrameTime": frame_time,
        "Seconds": float(tags.get("EffectiveDuration") or frames * frame_time / 1000),
        "Rate": _rate(frame_time),
        "Codec": syntax.codec,
        "Size": stored.located.length,
        "Playable": syntax.codec == "h264",
        "Received": metadata.get("ReceptionDate", ""),
        "Plan": _plan(tags),
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


def _plan(tags: dict[str, Any]) -> dict[str, Any] | None:
    """What this project recorded of the conversion in Contributing Equipment, None for other writers' objects."""
    for item in tags.get("ContributingEquipmentSequence") or []:
        found = _HISTORY.match(str(item.get("ContributionDescription", "")))
        if found:
            reasons = re.split(r"(?<=[.])\s+(?=[A-Z0-9])", found[3].strip())
            return {"Action": found[1], "SourceSHA256": found[2], "Reasons": [reason for reason in reasons if reason]}
    return None


@router.get("/{named}/stream")
@router.head("/{named}/stream", operation_id="head_stream")
async def stream(named: str, request: Request, gateway: GatewayParts, caller: CallerNow) -> Response:
    """The stored stream itself, with ranges (RFC 9110 14)."""
    return await streaming.respond(request, await gateway.objects.video(caller, named))


@router.get("/{named}/index")
async def index(named: str, gateway: GatewayParts, caller: CallerNow) -> Response:
    """Every frame in decode order: presentation time (in 1/Timescale s), offset and size in the stream, key flag."""
    stored = await gateway.objects.video(caller, named)
    return JSONResponse(await asyncio.to_thread(_index, stored))


def _index(stored: StoredVideo) -> dict[str, Any]:
    with SpanSource(stored.path) as file:
        video = Stream(_Whole(file), stored.located.spans, stored.located.length)
        track = next((track for track in mp4.tracks(video) if track.handler == "vide"), None)
        if track is None:
            raise BrokenVideo("The stored stream's MP4 has no video track.")
        table = mp4.samples(video, track)
    return {
        "Timescale": table.timescale,
        "NumberOfFrames": len(table.time),
        "Codec": track.codec,
        "Description": base64.b64encode(track.extradata).decode(),
        "Time": table.time.tolist(),
        "Duration": table.duration.tolist(),
        "Offset": table.offset.tolist(),
        "Size": table.size.tolist(),
        "Key": table.key.tolist(),
    }


class _Whole:
    """A file as an Object."""

    def __init__(self, file: SpanSource) -> None:
        self.size = file.size
        self.read = file.read_at


@router.get("/{named}/thumbnail")
async def thumbnail(named: str, gateway: GatewayParts, caller: CallerNow, width: int = 320) -> Response:
    """A representative frame as JPEG: neither black nor blank where the film has one."""
    if width not in _THUMBNAIL_WIDTHS:
        raise BadRequest(f"width must be from {_THUMBNAIL_WIDTHS.start} to {_THUMBNAIL_WIDTHS.stop - 1} pixels.")
    stored = await gateway.objects.video(caller, named)
    path = gateway.settings.cache / "thumbnails" / f"{stored.uuid}-{width}.jpg"
    if not path.exists():
        await asyncio.to_thread(_make_thumbnail, gateway, stored, path, width)
    return FileResponse(path, media_type="image/jpeg", headers={"Cache-Control": "private, no-cache"})


def _make_thumbnail(gateway: Gateway, stored: StoredVideo, path: Any, width: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    partial = path.with_suffix(f".{id(stored)}.partial.jpg")
    arguments = {
        "path": str(stored.path),
        "spans": to_json(stored.located.spans),
        "target": str(partial),
        "width": width,
    }
    try:
        run_short("thumbnail", arguments, gateway.settings)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    evict(path.parent, gateway.settings.gateway.cache_mb << 17, path)  # an eighth of the cache's bound
