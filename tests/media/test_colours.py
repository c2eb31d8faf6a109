"""Luma and chroma as red, green and blue."""

from __future__ import annotations

import numpy as np
from pydicom.pixels.processing import convert_color_space

from orthanc_video.media import colours


def test_every_colour_is_pydicoms() -> None:
    values = np.arange(0, 256, 3, dtype=np.uint8)
    ybr = np.stack(np.meshgrid(values, values, values), axis=-1).reshape(-1, len(values), 3)
    expected = convert_color_space(ybr, "YBR_FULL", "RGB")
    assert np.abs(colours.rgb(ybr).astype(int) - expected).max() <= 1


def test_studio_range() -> None:
    """Black, white, and the 75 % colour bars of ITU-R BT.471 as BT.601 codes them."""
    ybr = np.array([[[16, 128, 128], [235, 128, 128], [65, 100, 212], [112, 72, 58], [35, 212, 114]]], dtype=np.uint8)
    rgb = np.array([[[0, 0, 0], [255, 255, 255], [191, 0, 0], [0, 191, 0], [0, 0, 191]]])
    assert np.abs(colours.rgb(ybr, studio=True).astype(int) - rgb).max() <= 2
