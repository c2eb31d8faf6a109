"""What a video is to be stored as: attributes of the request, checked and completed from the study that it names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orthanc_video import wishes
from orthanc_video.archive.access import Access, Caller
from orthanc_video.dicom import attributes
from orthanc_video.dicom.classes import class_for
from orthanc_video.ingest import multipart
from orthanc_video.ingest.parent import inherited
from orthanc_video.ingest.receive import Description
from orthanc_video.settings import Gateway

_WISHES = ("Audio", "ConstantRate")


async def describe(
    access: Access, caller: Caller, gateway: Gateway, given: Mapping[str, Any], filename: str, content_type: str
) -> Description:
    """``given`` holds DICOM keywords, and SOPClass, ParentStudy, Filename, Audio, ConstantRate.

    Raises BadRequest, NotFound.
    """
    wanted = dict(given)
    kind = class_for(str(wanted.pop("SOPClass", gateway.sop_class))).choice
    parent = str(wanted.pop("ParentStudy", ""))
    asked = wishes.of({name: str(wanted.pop(name)) for name in _WISHES if name in wanted}, gateway)
    filename = multipart.base_name(str(wanted.pop("Filename", ""))) or filename
    checked = attributes.checked(wanted)
    if parent:
        checked = await inherited(access, caller, parent, checked)
    return Description(filename=filename, content_type=content_type, attributes=checked, sop_class=kind, wishes=asked)
