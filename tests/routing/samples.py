"""What is held and what is taken, for tests of what goes where."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

from orthanc_video.dicom import syntaxes
from orthanc_video.model import Rational, VideoStream
from orthanc_video.routing.capabilities import Capabilities
from orthanc_video.routing.held import Held

ASKED = "2026-11-22T10:00:00+00:00"
_STORAGE = "1.2.840.10008.5.1.4.1.1."
ENDOSCOPIC, COLOUR, GREY, ULTRASOUND = (_STORAGE + end for end in ("77.1.1.1", "7.4", "7.2", "3.1"))
VL, PHOTOGRAPHIC, SECONDARY, ANGIO = (_STORAGE + end for end in ("77.1.1", "77.1.4.1", "7", "12.1"))
H41, H42, TWIN = syntaxes.H264_HIGH_41, syntaxes.H264_HIGH_42, f"{syntaxes.H264_HIGH_41}.1"
JPEG, EXPLICIT, IMPLICIT = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2"
J2K, JPEG_LS, RLE = "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.5"
CODECS = {"h264": (100, 40), "hevc": (1, 120), "mpeg2video": (4, 4)}


def stream(codec: str = "h264", **changes: Any) -> VideoStream:
    profile, level = CODECS[codec]
    made = VideoStream(
        codec=codec, width=1920, height=1080, coded_width=1920, coded_height=1088, pixel_format="yuv420p", bit_depth=8,
        frames=750, rate=Rational(25), constant_rate=True, seconds=30.0, profile_idc=profile, level=level,
    )  # fmt: skip
    return replace(made, **changes)


def video(syntax: str = H41, **changes: Any) -> Held:
    """Thirty seconds of Full HD from an endoscope, 30 MB."""
    codec = syntaxes.BY_UID[syntax].codec
    found = changes.pop("stream", stream(codec))
    made = Held(
        sop_class=ENDOSCOPIC, transfer_syntax=syntax, modality="ES", size=30 << 20, rows=1080, columns=1920, frames=750,
        rate=Fraction(25), stream=found, container="mov,mp4,m4a,3gp,3g2,mj2",
    )  # fmt: skip
    return replace(made, **changes)


def film(**changes: Any) -> Held:
    """A heart in ultrasound: a hundred grey pictures as JPEG-LS."""
    made = Held(
        sop_class=ULTRASOUND, transfer_syntax=JPEG_LS, modality="US", size=20 << 20, rows=600, columns=800, frames=100,
        rate=Fraction(30), grey=True, lossy=False,
    )  # fmt: skip
    return replace(made, **changes)


def taking(*pairs: tuple[str, str]) -> Capabilities:
    accepted = {kind: frozenset(syntax for one, syntax in pairs if one == kind) for kind, _ in pairs}
    return Capabilities(asked=ASKED, accepted=accepted)
