"""Where the metadata of a video or film say that its Pixel Data can be had."""

from __future__ import annotations

from pydicom.dataset import Dataset
from starlette.requests import Request

from orthanc_video.dicom.said import text
from orthanc_video.web import session
from orthanc_video.web.context import caller_of, gateway_of
from orthanc_video.web.dicomweb import paths


def address(request: Request, said: Dataset) -> str:
    """Its BulkDataURI (PS3.18 10.4.1.1.5), absolute; where the caller has credentials, a link that needs none.

    OHIF plays it as video/mp4, by an element that sends no header; where it has no query, /rendered instead.
    """
    gateway = gateway_of(request)
    study, series, sop = (
        text(said, keyword) for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
    )
    path = gateway.settings.dicom_web_root + paths.resource(study, series, sop, "pixeldata")
    return session.address(request, gateway, caller_of(request), path)
