"""The one table of SOP classes: those that a video is stored as, with what each demands, and those that hold films."""

from __future__ import annotations

from dataclasses import dataclass

from orthanc_video.dicom import modules, syntaxes
from orthanc_video.dicom.modules import Module
from orthanc_video.errors import BadRequest

# No IOD of those below holds Main 10: all of them are of 8 bits a sample (PS3.3 C.8.12.1, C.8.6.4, C.8.5.6, C.8.17.2).
_VIDEO = frozenset(syntaxes.BY_UID) - {syntaxes.HEVC_MAIN_10}
_IMAGES = frozenset(syntaxes.IMAGES)


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoClass:
    """A SOP class whose IOD (``section`` of PS3.3) lets a video transfer syntax hold its pixels.

    ``choice`` is its short name in requests, empty where none may name it. ``modalities`` are those that its IOD
    demands, the first by default; empty where any goes. ``videos`` and ``images`` are the transfer syntaxes that go
    with it: one stream, or pictures coded each by itself. ``shades`` says whether its pixels are ``grey``, have
    ``colours``, or ``either``; ``single`` that it is of one picture.
    """

    uid: str
    name: str
    section: str
    modalities: tuple[str, ...]
    modules: tuple[Module, ...]
    choice: str = ""
    videos: frozenset[str] = _VIDEO
    images: frozenset[str] = _IMAGES
    shades: str = "either"
    single: bool = False

    @property
    def modality(self) -> str:
        return self.modalities[0]


_STORAGE = "1.2.840.10008.5.1.4.1.1."
_CLASSES = (
    VideoClass(
        uid=f"{_STORAGE}77.1.1.1",
        name="Video Endoscopic Image Storage",
        section="A.32.5",
        choice="endoscopic",
        modalities=("ES",),
        modules=modules.VISIBLE_LIGHT,
    ),
    VideoClass(
        uid=f"{_STORAGE}77.1.2.1",
        name="Video Microscopic Image Storage",
        section="A.32.6",
        choice="microscopic",
        modalities=("GM",),
        modules=modules.VISIBLE_LIGHT,
    ),
    VideoClass(
        uid=f"{_STORAGE}77.1.4.1",
        name="Video Photographic Image Storage",
        section="A.32.7",
        choice="photographic",
        modalities=("XC",),
        modules=modules.VISIBLE_LIGHT,
    ),
    VideoClass(
        uid=f"{_STORAGE}7.4",
        name="Multi-frame True Color Secondary Capture Image Storage",
        section="A.8.5",
        modalities=(),
        modules=modules.TRUE_COLOUR,
        shades="colours",
    ),
    VideoClass(
        uid=f"{_STORAGE}3.1",
        name="Ultrasound Multi-frame Image Storage",
        section="A.7",
        modalities=("US", "IVUS"),
        modules=modules.ULTRASOUND,
    ),
    VideoClass(
        uid=f"{_STORAGE}77.1.5.1",
        name="Ophthalmic Photography 8 Bit Image Storage",
        section="A.41",
        modalities=("OP",),
        modules=modules.OPHTHALMIC,
    ),
)

BY_UID: dict[str, VideoClass] = {kind.uid: kind for kind in _CLASSES}
BY_CHOICE: dict[str, VideoClass] = {kind.choice: kind for kind in _CLASSES if kind.choice}

# Classes without a video transfer syntax, which pictures that are coded each by itself may be given.
_PICTURES = (
    VideoClass(
        uid=f"{_STORAGE}7.2",
        name="Multi-frame Grayscale Byte Secondary Capture Image Storage",
        section="A.8.3",
        modalities=(),
        modules=modules.GREY_BYTES,
        videos=frozenset(),
        shades="grey",
    ),
    *(
        VideoClass(
            uid=_STORAGE + suffix,
            name=f"VL {name} Image Storage",
            section=section,
            modalities=(modality,),
            modules=modules.STILL_VISIBLE_LIGHT,
            videos=frozenset(),
            single=True,
        )
        for suffix, name, section, modality in (
            ("77.1.1", "Endoscopic", "A.32.1", "ES"),
            ("77.1.2", "Microscopic", "A.32.2", "GM"),
            ("77.1.4", "Photographic", "A.32.4", "XC"),
        )
    ),
    VideoClass(
        uid=f"{_STORAGE}7",
        name="Secondary Capture Image Storage",
        section="A.8.1",
        modalities=(),
        modules=modules.STILL_CAPTURE,
        videos=frozenset(),
        single=True,
    ),
)
# What pictures may be written as that are taken out of a video.
WRITTEN: dict[str, VideoClass] = BY_UID | {kind.uid: kind for kind in _PICTURES}

# The class of single images that says as much of them as a film's own.
STILLS: dict[str, str] = {f"{_STORAGE}77.1.{kind}.1": f"{_STORAGE}77.1.{kind}" for kind in (1, 2, 4)}

# Classes whose frames are pictures of one scene in the order of time, by the last parts of their UIDs (PS3.4 B.5).
# Those for single pictures are among them, since devices exist that put films into them; volumes, slides and dose
# maps, whose frames are something else, are not.
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
# Of these, those whose IODs are of a single picture.
SINGLE = frozenset(_STORAGE + suffix for suffix in ("6", "6.1", "7", "77.1.1", "77.1.2", "77.1.4"))


def still_class(choice: str, film: str) -> VideoClass:
    """The class of stills that a request names as it names that of a video, without a choice that of the ``film``'s
    class; raises BadRequest."""
    if choice and choice not in BY_CHOICE:
        raise BadRequest(f'"{choice[:40]}" is none of: {", ".join(sorted(BY_CHOICE))}.')
    uid = BY_CHOICE[choice].uid if choice else film
    if uid not in STILLS:
        raise BadRequest(f'Say as what the stills are to be stored ("as"): {", ".join(sorted(BY_CHOICE))}.')
    return WRITTEN[STILLS[uid]]


def class_for(choice: str) -> VideoClass:
    """The class named in a request, by short name or UID; raises BadRequest with the choices."""
    kind = BY_CHOICE.get(choice.strip().lower()) or BY_UID.get(choice.strip())
    if kind is None or not kind.choice:
        names = ", ".join(sorted(BY_CHOICE))
        raise BadRequest(f'SOPClass "{choice}" is none of: {names}.')
    return kind
