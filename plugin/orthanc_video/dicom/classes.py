"""The one table of SOP classes that a video is stored as (PS3.3 A.32.5 to A.32.7)."""

from __future__ import annotations

from dataclasses import dataclass

from orthanc_video.errors import BadRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoClass:
    """A SOP class: ``choice`` is its short name in requests, ``modality`` what its IOD demands."""

    uid: str
    name: str
    choice: str
    modality: str


_CLASSES = (
    VideoClass(
        uid="1.2.840.10008.5.1.4.1.1.77.1.1.1",
        name="Video Endoscopic Image Storage",
        choice="endoscopic",
        modality="ES",
    ),
    VideoClass(
        uid="1.2.840.10008.5.1.4.1.1.77.1.2.1",
        name="Video Microscopic Image Storage",
        choice="microscopic",
        modality="GM",
    ),
    VideoClass(
        uid="1.2.840.10008.5.1.4.1.1.77.1.4.1",
        name="Video Photographic Image Storage",
        choice="photographic",
        modality="XC",
    ),
)

BY_UID: dict[str, VideoClass] = {kind.uid: kind for kind in _CLASSES}
BY_CHOICE: dict[str, VideoClass] = {kind.choice: kind for kind in _CLASSES}


def class_for(choice: str) -> VideoClass:
    """The class named in a request, by short name or UID; raises BadRequest with the choices."""
    kind = BY_CHOICE.get(choice.strip().lower()) or BY_UID.get(choice.strip())
    if kind is None:
        names = ", ".join(sorted(BY_CHOICE))
        raise BadRequest(f'SOPClass "{choice}" is none of: {names}.')
    return kind
