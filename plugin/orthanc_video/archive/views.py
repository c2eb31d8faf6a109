"""The views of a video that Orthanc holds, as a caller may read them."""

from __future__ import annotations

import asyncio
from typing import Any

from orthanc_video.archive.access import Access
from orthanc_video.archive.callers import Caller
from orthanc_video.archive.identifiers import orthanc_ids
from orthanc_video.archive.objects import Objects
from orthanc_video.dicom import presented
from orthanc_video.dicom.said import text
from orthanc_video.errors import BrokenVideo, Forbidden, NotFound, NotVideo
from orthanc_video.view import View

# Objects that are read together: a long list must not take all of Orthanc's threads.
_AT_ONCE = 4


async def views(access: Access, objects: Objects, caller: Caller, video: str) -> list[tuple[str, View]]:
    """The Orthanc ID of each view of the video with this one, and what it says; by frame, then by name."""
    said = await objects.attributes(caller, video)
    identity = {
        "PatientID": text(said, "PatientID"),
        "StudyInstanceUID": text(said, "StudyInstanceUID"),
        "SeriesInstanceUID": presented.series_of(said),
        "SOPInstanceUID": text(said, "SOPInstanceUID"),
    }
    try:
        held: dict[str, Any] = await access.json(caller, "GET", f"/series/{orthanc_ids(identity)['ParentSeries']}")
    except NotFound:
        return []
    turns = asyncio.Semaphore(_AT_ONCE)

    async def kept(instance: str) -> View | None:
        async with turns:
            try:
                return presented.view_of(await objects.attributes(caller, instance), identity["SOPInstanceUID"])
            except (NotFound, Forbidden, NotVideo, BrokenVideo):
                return None  # deleted meanwhile, not this caller's, or damaged

    instances = list(held["Instances"])
    found = await asyncio.gather(*map(kept, instances))
    told = [(instance, view) for instance, view in zip(instances, found, strict=True) if view is not None]
    return sorted(told, key=lambda one: (one[1].frame, one[1].name, one[0]))


async def delete(access: Access, caller: Caller, view: str) -> None:
    """Deletes the object that keeps a view, by its Orthanc ID. Raises as Orthanc refuses it."""
    await access.json(caller, "DELETE", f"/instances/{view}")
