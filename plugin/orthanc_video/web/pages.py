"""The viewer, health and capabilities."""

from __future__ import annotations

import shutil
from pathlib import Path

from fastapi import APIRouter, Depends
from starlette.responses import FileResponse, JSONResponse, Response

from orthanc_video import __version__
from orthanc_video.dicom import classes, syntaxes
from orthanc_video.errors import NotFound
from orthanc_video.web.context import GatewayParts, entered

VIEWER = Path(__file__).resolve().parents[3] / "viewer" / "dist"
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'; "
)
_POLICY_VIEWER = _POLICY + (
    "img-src 'self'; media-src 'self'; worker-src 'self'; require-trusted-types-for 'script'; trusted-types cine-worker"
)
# Swagger UI sets HTML, has its icons in data: URLs, and shows a picture that was asked for as a blob: URL.
_POLICY_DOCUMENTATION = _POLICY + "img-src 'self' data: blob:"

public = APIRouter(tags=["gateway"])
router = APIRouter(tags=["gateway"], dependencies=[Depends(entered)])


@public.get("/health")
async def health() -> Response:
    """That the gateway answers; nothing else, since nobody is asked who they are."""
    return JSONResponse({"Status": "ok"})


@router.get("/video/capabilities")
async def capabilities(gateway: GatewayParts) -> Response:
    """What this installation can make."""
    return JSONResponse(
        {
            "Version": __version__,
            "SOPClasses": sorted(classes.BY_CHOICE),
            "TransferSyntaxes": [syntax.uid for known in syntaxes.PREFERRED.values() for syntax in known],
            "Transcoding": shutil.which("ffmpeg") is not None,
            "MaximumUpload": gateway.settings.maximum_upload,
        }
    )


@router.get("/", include_in_schema=False)
async def viewer() -> Response:
    return _file("index.html")


@router.get("/docs", include_in_schema=False)
async def documentation() -> Response:
    return _file("docs.html", _POLICY_DOCUMENTATION)


@router.get("/favicon.svg", include_in_schema=False)
async def icon() -> Response:
    return _file("favicon.svg")


@router.get("/assets/{name}", include_in_schema=False)
async def asset(name: str) -> Response:
    return _file(f"assets/{name}")


def _file(name: str, policy: str = _POLICY_VIEWER) -> Response:
    path = (VIEWER / name).resolve()
    if VIEWER not in path.parents or not path.is_file():
        raise NotFound("The viewer is not built: run make run, or npm run build in viewer/.")
    return FileResponse(path, headers={"Content-Security-Policy": policy, "Cache-Control": "no-cache"})
