"""What a JPEG's headers tell."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from orthanc_video.bitstream import jpeg
from orthanc_video.errors import BrokenVideo

_SOF = b"\xff\xc1\x00\x11\x0c\x00\x10\x00\x10\x03\x01\x11\x00\x02\x11\x00\x03\x11\x00"
_NAMED = _SOF.replace(b"\x03\x01\x11\x00\x02\x11\x00\x03", b"\x03R\x11\x00G\x11\x00B")
_ADOBE = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00"
_SCAN = b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00"


def _pillow(mode: str) -> bytes:
    file = io.BytesIO()
    Image.new(mode, (8, 8)).save(file, "JPEG")
    return file.getvalue()


@pytest.mark.parametrize(
    ("coded", "precision", "colours"),
    [
        (_pillow("RGB"), 8, "YBR_FULL"),
        (b"\xff\xd8" + _SOF + _SCAN, 12, ""),
        (b"\xff\xd8\xff\xff" + _SOF[1:] + _SCAN, 12, ""),
        (b"\xff\xd8" + _NAMED + _SCAN, 12, "RGB"),
        (b"\xff\xd8" + _ADOBE + b"\x00" + _SOF + _SCAN, 12, "RGB"),
        (b"\xff\xd8" + _ADOBE + b"\x01" + _SOF + _SCAN, 12, "YBR_FULL"),
        (b"\xff\xd8" + _SOF + _SCAN + _ADOBE + b"\x00", 12, ""),
    ],
)
def test_headers(coded: bytes, precision: int, colours: str) -> None:
    assert jpeg.header(coded) == (precision, colours)


@pytest.mark.parametrize("coded", [b"", b"\xff\xd8", b"\xff\xd8" + _SCAN, b"\xff\xd8" + _SOF[:6], b"no JPEG at all"])
def test_without_a_frame_header_it_is_none(coded: bytes) -> None:
    with pytest.raises(BrokenVideo, match="no frame header"):
        jpeg.header(coded)


@given(st.binary(max_size=200))
def test_any_bytes_are_answered(data: bytes) -> None:
    for coded in (data, b"\xff\xd8" + data, b"\xff\xd8" + _SOF + data):
        try:
            assert jpeg.header(coded).precision >= 0
        except BrokenVideo:
            continue
