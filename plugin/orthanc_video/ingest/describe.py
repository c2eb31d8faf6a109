"""What a video is to be stored as: attributes of the request, checked and completed from the study that it names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orthanc_video.archive.access import Access, Caller
from orthanc_video.dicom import attributes
from orthanc_video.dicom.classes import class_for
from orthanc_video.dicom.wanted import wanted as wanted_syntax
from orthanc_video.ingest import multipart
from orthanc_video.ingest.parent import inherited
from orthanc_video.ingest.receive import Description


async def describe(
    access: Access, caller: Caller, default_class: str, given: Mapping[str, Any], filename: str, content_type: str
) -> Description:
    """``given`` holds DICOM keywords, SOPClass, TransferSyntax, ParentStudy, Filename. Raises BadRequest, NotFound."""
    wanted = dict(given)
    kind = class_for(str(wanted.pop("SOPClass", default_class))).choice
    syntax = wanted_syntax(str(wanted.pop("TransferSyntax", "")))
    parent = str(wanted.pop("ParentStudy", ""))
    filename = multipart.base_name(str(wanted.pop("Filename", ""))) or filename
    checked = attributes.checked(wanted)
    if parent:
        checked = await inherited(access, caller, parent, checked)
    return Description(
        filename=filename, content_type=content_type, attributes=checked, sop_class=kind, transfer_syntax=syntax
    )
