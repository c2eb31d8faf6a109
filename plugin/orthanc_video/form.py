"""In which form a video goes to a destination: the value that the ladder chooses and the writers make. Frozen."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

# ffmpeg's name of the MPEG transport stream.
TRANSPORT = "mpegts"


class Kind(StrEnum):
    """The rungs of the ladder, the best first."""

    STORED = "stored"
    REWRAPPED = "rewrapped"
    TRANSCODED = "transcoded"
    FRAMES = "frames"
    STILLS = "stills"


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """``REWRAPPED`` has the same coded pictures in another transfer syntax or container, ``TRANSCODED`` is a video
    coded anew, ``FRAMES`` one object of pictures coded each by itself, ``STILLS`` an object for each picture.

    ``REWRAPPED`` in the transfer syntax that it has already is in the other container of the two, MP4 and MPEG-TS:
    ``container`` is TRANSPORT where H.264 or H.265 lies in the latter, empty where it lies in the former, as usual.
    ``rows`` is the most rows that the pictures of the last three may have (0: as many as they have; their shape stays).
    Of the last two: ``first`` and ``last`` are the frames taken (from 1, both included; 0: to the end), ``step`` n
    takes every n-th of them, and ``quality`` is that of lossy pictures (1 to 100, as of JPEG; 0: the default).
    """

    kind: Kind
    sop_class: str
    transfer_syntax: str
    container: str = ""
    first: int = 1
    last: int = 0
    step: int = 1
    rows: int = 0
    quality: int = 0
