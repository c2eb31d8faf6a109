"""What the grey values of an object mean, for viewers that make them visible themselves."""

from __future__ import annotations

import asyncio
import base64
import struct
from typing import Any

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from orthanc_video.archive.objects import StoredVideo
from orthanc_video.dicom import values
from orthanc_video.film import Lookup, MultiFrame
from orthanc_video.web.context import CallerNow, GatewayParts

router = APIRouter(prefix="/video/instances", tags=["videos"])


@router.get("/{named}/values")
async def values_of(named: str, gateway: GatewayParts, caller: CallerNow) -> Response:
    """How the samples of a film or image become the modality's values, and which of these are to be seen; null where
    the eight bits that are drawn are all there is."""
    stored = await gateway.objects.image(caller, named)
    if isinstance(stored, StoredVideo) or not values.is_there(stored.film.pixels):
        return JSONResponse({"Values": None})
    said = await gateway.objects.attributes(caller, stored.instance)
    found = await asyncio.to_thread(values.of, said, stored.film.pixels, len(stored.film.frames))
    return JSONResponse({"Values": _told(stored.film, found)})


def _told(film: MultiFrame, found: values.Values) -> dict[str, Any]:
    pixels = film.pixels
    return {
        "Rows": pixels.rows,
        "Columns": pixels.columns,
        "PixelAspect": float(pixels.aspect.fraction),
        "BitsStored": pixels.bits_stored,
        "HighBit": pixels.high_bit,
        "Signed": pixels.signed,
        "Inverse": pixels.photometric == "MONOCHROME1",
        "Padding": found.padding,
        "ModalityLUT": None if found.modality is None else _table(found.modality, ""),
        "VOILUTs": [_table(table, name) for table, name in found.tables],
        "Frames": [_frame(one) for one in found.frames],
    }


def _frame(frame: values.Frame) -> dict[str, Any]:
    windows = [
        {"Center": window.center, "Width": window.width, "Function": window.function, "Explanation": name}
        for window, name in frame.windows
    ]
    return {"Slope": frame.slope, "Intercept": frame.intercept, "Windows": windows}


def _table(table: Lookup, name: str) -> dict[str, Any]:
    """Entries are words in little endian."""
    data = struct.pack(f"<{len(table.entries)}H", *table.entries)
    return {"First": table.first, "Bits": table.bits, "Explanation": name, "Data": base64.b64encode(data).decode()}
