"""The rendering parameters in a query (PS3.18 8.3.5.1). Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from orthanc_video.errors import BadRequest
from orthanc_video.film import Window, WindowFunction
from orthanc_video.picture import Region, Rendering, Viewport

PROFILES = ("no", "yes", "srgb", "adobergb", "rommrgb")
_FUNCTIONS = {
    "linear": WindowFunction.LINEAR,
    "linear-exact": WindowFunction.LINEAR_EXACT,
    "sigmoid": WindowFunction.SIGMOID,
}
_KEYWORD = re.compile(r"[A-Za-z][\w-]{0,63}", re.ASCII)
_NUMBER = re.compile(r"[+-]?(\d{1,15}(\.\d{0,15})?|\.\d{1,15})([eE][+-]?\d{1,2})?", re.ASCII)
# Browsers draw nothing larger; what is asked for beyond it is a mistake or an attack.
LARGEST = 16384


def rendering(query: Mapping[str, str]) -> Rendering:
    """Raises BadRequest with a sentence for what is malformed; annotations that are not known stay in it."""
    return Rendering(
        viewport=_viewport(query["viewport"]) if "viewport" in query else None,
        window=_window(query["window"]) if "window" in query else None,
        quality=_quality(query["quality"]) if "quality" in query else None,
        annotations=_annotations(query["annotation"]) if "annotation" in query else (),
        profile=_profile(query["iccprofile"]) if "iccprofile" in query else "",
    )


def _viewport(text: str) -> Viewport:
    """8.3.5.1.3: ``vw,vh`` or ``vw,vh,sx,sy,sw,sh``, of which the last four may be empty."""
    parts = [part.strip() for part in text.split(",")]
    if len(parts) not in {2, 6}:
        raise BadRequest("viewport must be vw,vh or vw,vh,sx,sy,sw,sh.")
    width, height = (_pixels(part) for part in parts[:2])
    left, top, wide, high = (_number("viewport", part) if part else None for part in [*parts[2:], "", "", "", ""][:4])
    if (left or 0) < 0 or (top or 0) < 0 or wide == 0 or high == 0:
        raise BadRequest("viewport's sx and sy must not be negative, and sw and sh not zero.")
    return Viewport(
        width=width, height=height, region=Region(left=left or 0.0, top=top or 0.0, width=wide, height=high)
    )


def _pixels(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 9 or not 1 <= int(text) <= LARGEST:
        raise BadRequest(f"viewport's vw and vh must be whole numbers from 1 to {LARGEST}.")
    return int(text)


def _window(text: str) -> Window:
    """8.3.5.1.4: center, width and function, all three."""
    center, width, function = [*(part.strip() for part in text.split(",")), "", ""][:3]
    if text.count(",") != 2 or function.lower() not in _FUNCTIONS:
        raise BadRequest(f"window must be center,width,function, where function is one of {', '.join(_FUNCTIONS)}.")
    window = Window(
        center=_number("window", center), width=_number("window", width), function=_FUNCTIONS[function.lower()]
    )
    # PS3.3 C.11.2.1.2, C.11.2.1.3
    if window.width < 1 and (window.function is WindowFunction.LINEAR or window.width <= 0):
        raise BadRequest("window's width must be at least 1 for linear, and more than 0 for the other functions.")
    return window


def _number(name: str, text: str) -> float:
    if not _NUMBER.fullmatch(text) or not math.isfinite(float(text)):
        raise BadRequest(f"{name} holds something that is no number.")
    return float(text)


def _quality(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 9 or not 1 <= int(text) <= 100:
        raise BadRequest("quality must be a whole number from 1 to 100.")
    return int(text)


def _annotations(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",")))
    if not all(_KEYWORD.fullmatch(name) for name in names):
        raise BadRequest("annotation must be a list of keywords, such as patient,technique.")
    return names


def _profile(text: str) -> str:
    if text.lower() not in PROFILES:
        raise BadRequest(f"iccprofile must be one of {', '.join(PROFILES)}.")
    return text.lower()
