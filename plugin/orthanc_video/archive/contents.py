"""What a study or series holds, as a caller may know of it: which of its instances may move, and which do not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from orthanc_video.archive.access import Access
from orthanc_video.archive.callers import Caller
from orthanc_video.archive.identifiers import is_uid
from orthanc_video.archive.members import series_of
from orthanc_video.errors import Forbidden, NotFound

# The modalities of video (PS3.3 A.32.5 to A.32.7): in their series, also what does not say how many frames it has.
_MODALITIES = frozenset({"ES", "GM", "XC"})
_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Series:
    """``moving`` are Orthanc IDs of instances that may be videos or films.

    ``still`` are SOP Instance UIDs of the others, left empty where nothing in the series may move.
    """

    uid: str
    moving: tuple[str, ...]
    still: tuple[str, ...] = ()


async def contents(access: Access, caller: Caller, study: str, series: str = "") -> list[Series]:
    """Of all series of a study (UIDs), or of one; empty where Orthanc holds no such thing for this caller."""
    query = {"StudyInstanceUID": study} | ({"SeriesInstanceUID": series} if series else {})
    if not all(map(is_uid, query.values())):  # Orthanc would take other texts for patterns
        return []
    asked = {"Level": "Series", "Query": query, "Expand": True}
    try:
        found = await access.json(caller, "POST", "/tools/find", json=asked)
    except Forbidden:  # to a caller that may only read
        try:
            found = await series_of(access, caller, study, series)
        except NotFound:
            return []
    return [await _series(access, caller, study, one) for one in found]


async def _series(access: Access, caller: Caller, study: str, one: dict[str, Any]) -> Series:
    tags = one["MainDicomTags"]
    uid = tags["SeriesInstanceUID"]
    if tags.get("Modality", "") in _MODALITIES:
        return Series(uid, tuple(one["Instances"]))
    moving, still = [], []
    async for instance in _instances(access, caller, study, one):
        if "NumberOfFrames" in instance["MainDicomTags"]:
            moving.append(instance["ID"])
        else:
            still.append(instance["MainDicomTags"]["SOPInstanceUID"])
    return Series(uid, tuple(moving), tuple(still) if moving else ())


async def _instances(
    access: Access, caller: Caller, study: str, series: dict[str, Any]
) -> AsyncIterator[dict[str, Any]]:
    """Page by page, so that a series of thousands takes no more memory than one of a thousand.

    To a caller that may only read, Orthanc lists a series as a whole.
    """
    query = {"StudyInstanceUID": study, "SeriesInstanceUID": series["MainDicomTags"]["SeriesInstanceUID"]}
    since, more = 0, True
    while more:
        asked = {"Level": "Instance", "Query": query, "Expand": True, "Since": since, "Limit": _PAGE}
        try:
            page = await access.json(caller, "POST", "/tools/find", json=asked)
        except Forbidden:
            for instance in await access.json(caller, "GET", f"/series/{series['ID']}/instances"):
                yield instance
            return
        for instance in page:
            yield instance
        since, more = since + _PAGE, len(page) == _PAGE


async def transfer_syntax(access: Access, caller: Caller, instance: str) -> str:
    """In which an instance of any kind is stored, by its Orthanc ID; raises NotFound."""
    answer = await access.ask(caller, "GET", f"/instances/{instance}/metadata/TransferSyntax")
    return answer.text.strip()
