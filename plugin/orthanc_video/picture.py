"""How a picture is to be shown: the rendering parameters of PS3.18 8.3.5.1 as frozen values, and what is to be made."""

from __future__ import annotations

from dataclasses import dataclass

from orthanc_video.film import Window

# What a video in a viewport may measure: H.264 codes macroblocks of 16, and its level 5.2 holds 4096 × 2304.
LEAST_SIDE, LARGEST_SIDE = 16, 4096
# What of an object can be burnt in (PS3.18 8.3.5.1.1).
ANNOTATIONS = ("patient", "technique")
JPEG, PNG, GIF = "image/jpeg", "image/png", "image/gif"
# The samples themselves, as they would lie in an object in Explicit VR Little Endian.
SAMPLES = "application/octet-stream"
# So many frames are made for one request.
MOST_FRAMES = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """A part of the source image in its pixels, from its upper left corner; ``None``: up to the image's edge.

    A negative ``width`` mirrors it left to right, a negative ``height`` upside down.
    """

    left: float = 0.0
    top: float = 0.0
    width: float | None = None
    height: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewport:
    """The most columns and rows that the answer may have, which keeps the source's proportions."""

    width: int
    height: int
    region: Region = Region()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendering:
    """What a request wants of its pictures; the defaults are what it gets that wants nothing.

    ``quality`` is from 1 to 100. ``annotations`` are burnt in last: ``patient``, ``technique``.
    ``profile`` is the ICC profile: empty, ``no``, ``yes``, ``srgb``, ``adobergb`` or ``rommrgb``.
    """

    viewport: Viewport | None = None
    window: Window | None = None
    quality: int | None = None
    annotations: tuple[str, ...] = ()
    profile: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """Pictures that are to be made of one object's frames, as ``kind``.

    ``frames`` count from 1, as DICOM does; empty: all of them, or where ``representative`` one that shows something.
    ``spread`` takes so many frames, evenly spaced, in place of all. ``moving``: they are one animation (GIF).
    ``columns``: they are one picture, in rows of so many.
    """

    kind: str
    frames: tuple[int, ...] = ()
    spread: int = 0
    representative: bool = False
    moving: bool = False
    columns: int = 0
    rendering: Rendering = Rendering()


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What an object says that pictures of it may show: lines about the ``patient`` and the ``technique``, which are
    burnt in where they are asked for, and its own ICC profile (base64)."""

    patient: tuple[str, ...] = ()
    technique: tuple[str, ...] = ()
    profile: str = ""
