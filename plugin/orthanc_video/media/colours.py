"""Y, Cb and Cr as red, green and blue (PS3.3 C.7.6.3.1.2; ITU-R BT.601). Pure."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]
_Table = npt.NDArray[np.int32]

_BITS = 16  # of a fixed-point number's fraction
# Red's part of Cr, green's of Cb and Cr, blue's of Cb, for samples of full range.
_RED_CR, _GREEN_CB, _GREEN_CR, _BLUE_CB = 1.402, -0.344136, -0.714136, 1.772


def _table(scale: float, offset: int, rounding: float = 0.0) -> _Table:
    values = (np.arange(256) - offset) * scale + rounding
    made: _Table = np.rint(values * (1 << _BITS)).astype(np.int32)
    return made


def _tables(*, studio: bool) -> tuple[_Table, ...]:
    """``studio``: Y from 16 to 235, Cb and Cr from 16 to 240."""
    luma = _table(255 / 219, 16, 0.5) if studio else _table(1.0, 0, 0.5)
    stretch = 255 / 224 if studio else 1.0
    return luma, *(_table(part * stretch, 128) for part in (_RED_CR, _GREEN_CB, _GREEN_CR, _BLUE_CB))


_FULL, _STUDIO = _tables(studio=False), _tables(studio=True)


def rgb(ybr: Picture, *, studio: bool = False) -> Picture:
    """Rows × columns × 3 of the one as the other."""
    luma, red_cr, green_cb, green_cr, blue_cb = _STUDIO if studio else _FULL
    y, cb, cr = luma[ybr[..., 0]], ybr[..., 1], ybr[..., 2]
    found = np.empty(ybr.shape, dtype=np.uint8)
    for at, value in enumerate((y + red_cr[cr], y + green_cb[cb] + green_cr[cr], y + blue_cb[cb])):
        np.clip(value >> _BITS, 0, 255, out=value)
        found[..., at] = value
    return found
