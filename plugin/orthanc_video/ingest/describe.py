"""What a video is to be stored as: what the request, and all else that is known of it, say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orthanc_video.archive import parents
from orthanc_video.archive.callers import Caller
from orthanc_video.archive.objects import Objects
from orthanc_video.dicom import whose, wishes
from orthanc_video.dicom.rules import Site
from orthanc_video.ingest import multipart
from orthanc_video.ingest.receive import Description
from orthanc_video.settings import Gateway

_WISHES = ("Audio", "ConstantRate")


async def describe(
    objects: Objects,
    caller: Caller,
    site: Site,
    gateway: Gateway,
    given: Mapping[str, Any],
    filename: str,
    content_type: str,
) -> Description:
    """``given`` holds DICOM keywords, Filename, and what ``whose`` and ``wishes`` know.

    Raises BadRequest, NotFound, Conflict, and what Orthanc refuses the caller.
    """
    request = {key: value for key, value in given.items() if key not in {whose.STUDY, whose.PATIENT}}
    filename = multipart.base_name(str(request.pop("Filename", ""))) or filename
    asked = wishes.of({name: str(request.pop(name)) for name in wishes.NAMES if name in request}, gateway)
    known = whose.resolved(site, request, filename, content_type)  # what no Orthanc could make right is refused first
    parent = await parents.named(objects, caller, given)
    if parent is not None:
        known = whose.resolved(site, request, filename, content_type, parent)
    return Description(
        filename=filename,
        content_type=content_type,
        attributes=known.attributes,
        sop_class=known.sop_class,
        inherited=known.inherited,
        region=known.region,
        wishes=asked,
    )
