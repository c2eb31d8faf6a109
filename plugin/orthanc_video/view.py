"""How somebody has looked at a video: saved, and to be had again. Frozen.

Points are in parts of the picture's width and height, before it is turned, from its upper left corner.
"""

from __future__ import annotations

from dataclasses import dataclass

LINEAR, LINEAR_EXACT, SIGMOID = "LINEAR", "LINEAR_EXACT", "SIGMOID"
RECTANGLE, CIRCLE = "rectangle", "circle"


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """In the modality's values where there are more than 8 bits of grey, else in values of 8 bits, as they are shown
    without one; ``function`` as PS3.3 C.11.2.1.3 names it."""

    center: float
    width: float
    function: str = LINEAR


@dataclass(frozen=True, slots=True, kw_only=True)
class Shutter:
    """What is seen: a rectangle from ``x``, ``y`` to ``right``, ``bottom``, or a circle about ``x``, ``y`` with a
    ``radius`` in parts of the picture's height."""

    kind: str
    x: float
    y: float
    right: float = 0.0
    bottom: float = 0.0
    radius: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """``frame`` (from 1) is the one that was looked at, ``subtract`` the one that is subtracted, 0 where none is; a
    window is then one of differences. ``table`` is the number (from 1) of the object's VOI LUT that is in a window's
    place; where there is neither, it is shown as it says itself. ``x``, ``y`` are the point in the middle. Pictures are
    turned by ``rotation`` degrees clockwise, then flipped (PS3.3 C.10.6). ``overlays`` are drawn or not, ``texts`` in
    the corners are shown or not; None where the view does not say."""

    name: str = ""
    frame: int = 1
    window: Window | None = None
    table: int | None = None
    gamma: float = 1.0
    invert: bool = False
    zoom: float = 1.0
    x: float = 0.5
    y: float = 0.5
    rotation: int = 0
    flip: bool = False
    shutter: Shutter | None = None
    subtract: int = 0
    overlays: bool | None = None
    texts: bool | None = None

    @property
    def corners(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Which points are seen at the upper left and the lower right."""
        return self._at(0.0, 0.0), self._at(1.0, 1.0)

    def _at(self, across: float, down: float) -> tuple[float, float]:
        x, y = (1 - across if self.flip else across), down
        for _ in range(self.rotation // 90):
            x, y = y, 1 - x
        return (x - 0.5) / self.zoom + self.x, (y - 0.5) / self.zoom + self.y
