"""Which instances a study or series holds, as a caller may know of them."""

from __future__ import annotations

from typing import Any, NamedTuple

from orthanc_video.archive.access import Access
from orthanc_video.archive.callers import Caller
from orthanc_video.archive.identifiers import is_uid
from orthanc_video.archive.numbers import number_of
from orthanc_video.dicom.slices import Slice, ordered
from orthanc_video.errors import NotFound


class Member(NamedTuple):
    """An instance: its Orthanc ID, its SOP Instance UID, its series' UID, whether it says a Number of Frames."""

    instance: str
    uid: str
    series: str
    frames: bool


async def members(access: Access, caller: Caller, study: str, series: str = "") -> list[Member]:
    """Those of a study, or of one of its series, in the order of the series' and their own numbers; raises NotFound."""
    held = await series_of(access, caller, study, series)
    found: list[Member] = []
    for one in sorted(held, key=lambda one: number_of(one, "SeriesNumber")):
        uid = one["MainDicomTags"]["SeriesInstanceUID"]
        listed = await access.remembered(caller, f"/series/{one['ID']}/instances")
        ordered = sorted(listed, key=lambda item: number_of(item, "InstanceNumber"))
        found += [_member(item, uid) for item in ordered]
    if not found:
        raise NotFound("The study named in the path holds no such series." if series else "The study holds nothing.")
    return found


async def series_of(access: Access, caller: Caller, study: str, series: str = "") -> list[dict[str, Any]]:
    """Orthanc's records of a study's series (UIDs), or of one of them; raises NotFound where there is no such study."""
    if not is_uid(study):
        raise NotFound("What the path names is no Study Instance UID.")
    named = await access.looked_up(caller, "Study", study)
    parent = await access.remembered(caller, f"/studies/{named}")
    held = [await access.remembered(caller, f"/series/{name}") for name in parent["Series"]]
    return [one for one in held if series in {"", one["MainDicomTags"]["SeriesInstanceUID"]}]


async def frames_of(access: Access, caller: Caller, series: str) -> list[tuple[str, int]]:
    """The frames of a series (an Orthanc ID), in order: each instance's Orthanc ID, and the number of its frame."""
    listed = await access.remembered(caller, f"/series/{series}/instances")
    return ordered([Slice.of(one["ID"], one["MainDicomTags"]) for one in listed])


def _member(item: dict[str, Any], series: str) -> Member:
    tags = item["MainDicomTags"]
    return Member(item["ID"], str(tags["SOPInstanceUID"]), series, bool(tags.get("NumberOfFrames")))
