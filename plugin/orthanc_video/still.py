"""Which frames of a video somebody wants as still images of their own, or marks. Frozen."""

from __future__ import annotations

from dataclasses import dataclass

from orthanc_video.clip import Moment

# So many frames of one video may be named in one request.
MOST_FRAMES = 1000
LOSSLESS, JPEG = "lossless", "jpeg"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stills:
    """``choice`` is the short name of their class, empty for the one that goes with the video's own. ``quality``
    (1 to 100) is that of JPEG; 0: nothing of the pictures is lost."""

    frames: tuple[Moment, ...]
    choice: str = ""
    quality: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """``title`` says why they are marked, by a name of PS3.16 CID 7010; ``text`` in words."""

    moments: tuple[Moment, ...]
    title: str = ""
    text: str = ""
