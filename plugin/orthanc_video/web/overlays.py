"""The drawings that lie over an object's frames, for viewers to show or not."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from orthanc_video.dicom import overlays
from orthanc_video.web.context import CallerNow, GatewayParts

router = APIRouter(prefix="/video/instances", tags=["videos"])


@router.get("/{named}/overlays")
async def list_overlays(named: str, gateway: GatewayParts, caller: CallerNow) -> Response:
    """The overlay planes of a video, film or image (PS3.3 C.9.2, C.9.3), and why others are not shown."""
    stored = await gateway.objects.image(caller, named)
    said = await gateway.objects.attributes(caller, stored.instance)
    found, refused = await asyncio.to_thread(overlays.planes, said)
    return JSONResponse({"Overlays": [_told(plane) for plane in found], "NotShown": list(refused)})


def _told(plane: overlays.Plane) -> dict[str, Any]:
    return {
        "Group": plane.group,
        "Type": plane.kind,
        "Label": plane.label,
        "Rows": plane.rows,
        "Columns": plane.columns,
        "Origin": list(plane.origin),
        "Frame": plane.first if plane.frames else None,
        "NumberOfFrames": plane.frames or None,
        "Data": base64.b64encode(plane.bits).decode(),
    }
