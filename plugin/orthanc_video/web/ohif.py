"""OHIF at /ohif/: the files of its package as scripts/ohif.sh made them ready, and a configuration for this Orthanc."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import re
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Depends
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.staticfiles import StaticFiles

from orthanc_video.errors import NotFound
from orthanc_video.settings import SECTION, Settings
from orthanc_video.web.context import entered

PATH = "/ohif"
_PAGE = "index.html"
# Its styles are set by scripts, some of its workers begin as blobs, and its decoders are WebAssembly. That of JPEG 2000
# and JPEG-LS makes functions of strings. It is a worker: what a script's own response allows counts for workers alone.
_POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'{more}; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self'; font-src 'self'; connect-src 'self' data: blob:; "
    "worker-src 'self' blob:; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
_HEADERS = {
    "Cache-Control": "no-cache",
    # Volumes are shared with workers, which browsers grant to pages that are isolated from others' only.
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "X-Content-Type-Options": "nosniff",
}
_INLINE = re.compile(rb"<script>(.*?)</script>", re.DOTALL)


def router(settings: Settings) -> APIRouter:
    """The viewer's files, any other address below it as its page, and its configuration."""
    routes = APIRouter(prefix=PATH, include_in_schema=False, dependencies=[Depends(entered)])
    folder = Path(settings.gateway.ohif)
    files = StaticFiles(directory=folder, check_dir=False)

    @routes.api_route("", methods=["GET", "HEAD"])
    async def without_slash(request: Request) -> Response:
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(f"{PATH}/{query}", status_code=308)

    @routes.api_route("/app-config.js", methods=["GET", "HEAD"])
    async def configured() -> Response:
        script = f"window.config = {json.dumps(configuration(settings.dicom_web_root), indent=2)};\n"
        return Response(script, media_type="text/javascript", headers=_HEADERS | _policy())

    @routes.api_route("/{path:path}", methods=["GET", "HEAD"])
    async def file(path: str, request: Request) -> Response:
        # What OHIF's own router knows (viewer, segmentation, …) has no suffix; its files have.
        name = path if "." in path.rpartition("/")[2] else _PAGE
        try:
            answer = await files.get_response(name, request.scope)
            policy = _policy(await _allowed(folder, name))
        except (HTTPException, OSError) as error:
            raise NotFound(_missing(folder, name)) from error
        answer.headers.update(_HEADERS | policy)
        return answer

    return routes


def configuration(dicom_web_root: str) -> dict[str, Any]:
    """OHIF's ``window.config`` for a DICOMweb root of the origin that OHIF itself comes from."""
    root = dicom_web_root.rstrip("/")
    source = {
        "friendlyName": "Orthanc",
        "name": "orthanc",
        "qidoRoot": root,
        "wadoRoot": root,
        "wadoUriRoot": root,
        "qidoSupportsIncludeField": True,
        "supportsFuzzyMatching": False,
        "supportsWildcard": True,
        "imageRendering": "wadors",
        "thumbnailRendering": "thumbnail",
        # The one of OHIF's ways that shows pictures of videos.
        "thumbnailRequestStrategy": "fetch",
        "enableStudyLazyLoad": True,
        # Without "video" it downloads a whole film before it shows anything.
        "singlepart": "bulkdata,video",
        "bulkDataURI": {"enabled": True},
        "omitQuotationForMultipartRequest": True,
    }
    return {
        "name": "orthanc-video",
        "routerBasename": PATH,
        "extensions": [],
        "modes": [],
        "customizationService": {},
        "showStudyList": True,
        "maxNumberOfWebWorkers": 3,
        "showWarningMessageForCrossOrigin": True,
        "showCPUFallbackMessage": True,
        "showLoadingIndicator": True,
        "strictZSpacingForVolumeViewport": True,
        "groupEnabledModesFirst": True,
        "maxNumRequests": {"interaction": 100, "thumbnail": 5, "prefetch": 25},
        "defaultDataSourceName": "dicomweb",
        "dataSources": [
            {
                "namespace": "@ohif/extension-default.dataSourcesModule.dicomweb",
                "sourceName": "dicomweb",
                "configuration": source,
            }
        ],
    }


async def _allowed(folder: Path, name: str) -> str:
    """What a file may run beside the package's scripts."""
    if name == _PAGE:
        return await asyncio.to_thread(_inline, folder)
    return " 'unsafe-eval'" if name.endswith(".js") else ""


def _policy(more: str = "") -> dict[str, str]:
    return {"Content-Security-Policy": _POLICY.format(more=more)}


def _inline(folder: Path) -> str:
    """The scripts that stand in the page itself, by their hashes: no other may run."""
    scripts = _INLINE.findall((folder / _PAGE).read_bytes())
    hashes = [base64.b64encode(hashlib.sha256(script).digest()).decode() for script in scripts]
    return "".join(f" 'sha256-{one}'" for one in hashes)


def _missing(folder: Path, name: str) -> str:
    if name == _PAGE or not (folder / _PAGE).is_file():
        return f'OHIF is not in the folder that "{SECTION}.OHIF" names: fetch it by scripts/ohif.sh.'
    return "OHIF has no such file."
