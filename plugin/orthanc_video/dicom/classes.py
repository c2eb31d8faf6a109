"""The tables of SOP classes: those that a video is stored as (PS3.3 A.32.5 to A.32.7), and those that hold films."""

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

# Classes whose frames are pictures of one scene in the order of time, by the last parts of their UIDs (PS3.4 B.5).
# Those for single pictures are among them, since devices exist that put films into them; volumes, slides and dose
# maps, whose frames are something else, are not.
_STORAGE = "1.2.840.10008.5.1.4.1.1."
CINE: dict[str, str] = {_STORAGE + suffix: f"{name} Image Storage" for suffix, name in {
    "3": "Ultrasound Multi-frame (retired)",
    "3.1": "Ultrasound Multi-frame",
    "6": "Ultrasound (retired)",
    "6.1": "Ultrasound",
    "7": "Secondary Capture",
    "7.2": "Multi-frame Grayscale Byte Secondary Capture",
    "7.3": "Multi-frame Grayscale Word Secondary Capture",
    "7.4": "Multi-frame True Color Secondary Capture",
    "12.1": "X-Ray Angiographic",
    "12.1.1": "Enhanced XA",
    "12.2": "X-Ray Radiofluoroscopic",
    "12.2.1": "Enhanced XRF",
    "12.3": "X-Ray Angiographic Bi-plane (retired)",
    "14.1": "Intravascular Optical Coherence Tomography for Presentation",
    "77.1.1": "VL Endoscopic",
    "77.1.1.1": "Video Endoscopic",
    "77.1.2": "VL Microscopic",
    "77.1.2.1": "Video Microscopic",
    "77.1.4": "VL Photographic",
    "77.1.4.1": "Video Photographic",
    "77.1.5.1": "Ophthalmic Photography 8 Bit",
    "77.1.5.2": "Ophthalmic Photography 16 Bit",
    "77.1.7": "Dermoscopic Photography",
}.items()}  # fmt: skip


def class_for(choice: str) -> VideoClass:
    """The class named in a request, by short name or UID; raises BadRequest with the choices."""
    kind = BY_CHOICE.get(choice.strip().lower()) or BY_UID.get(choice.strip())
    if kind is None:
        names = ", ".join(sorted(BY_CHOICE))
        raise BadRequest(f'SOPClass "{choice}" is none of: {names}.')
    return kind
