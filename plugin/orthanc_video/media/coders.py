"""Single pictures into coded frames: one encoder for each transfer syntax of pictures that is written.

They are libjpeg-turbo, CharLS, OpenJPEG and OpenJPH, which work without the interpreter's lock, so several at a time.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import av
import imagecodecs
import numpy as np
import simplejpeg

from orthanc_video.media.planes import Plane, can_be_direct, grey
from orthanc_video.media.seen import QUALITY, Picture, jpeg, rgb

_JPEG = "1.2.840.10008.1.2.4."


@dataclass(frozen=True, slots=True)
class Coder:
    """``photometric`` is that of colours; ``encode`` takes a picture and the quality; ``native``: not encapsulated.

    ``lossy`` loses something.
    """

    photometric: str
    encode: Callable[[Picture, int], bytes]
    native: bool = False
    lossy: bool = False


def encoded(coder: Coder, picture: av.VideoFrame | Picture, quality: int, *, as_grey: bool) -> bytes:
    """A decoded frame of video, or a picture, as a frame of that transfer syntax."""
    if isinstance(picture, av.VideoFrame):
        if as_grey:
            return coder.encode(grey(picture), quality)
        if coder.lossy and coder.photometric == "YBR_FULL_422" and can_be_direct(picture):
            return jpeg(picture, quality)
        return coder.encode(rgb(picture), quality)
    if not as_grey and picture.ndim == 2:
        picture = np.repeat(picture[..., None], 3, axis=2)
    return coder.encode(np.ascontiguousarray(picture), quality)


def _jpeg(picture: Picture, quality: int, *, chroma: str = "422") -> bytes:
    """JPEG Baseline, chroma halved across unless said otherwise (PS3.3 C.7.6.3.1.2)."""
    if picture.ndim == 2:
        made: bytes = simplejpeg.encode_jpeg(picture[..., None], quality or QUALITY, "GRAY", "Gray")
    else:
        made = simplejpeg.encode_jpeg(picture, quality or QUALITY, "RGB", chroma)
    return made


def _lossless_jpeg(picture: Picture, _quality: int) -> bytes:
    """Process 14, selection value 1; red, green and blue as they are."""
    return bytes(imagecodecs.jpeg8_encode(picture, lossless=True, predictor=1))


def _jpegls(picture: Picture, _quality: int) -> bytes:
    return bytes(imagecodecs.jpegls_encode(picture))


def _jpeg2000(picture: Picture, quality: int, *, reversible: bool) -> bytes:
    """``quality`` is told as JPEG's: OpenJPEG wants dB."""
    level = 0 if reversible else 30 + (quality or QUALITY) // 6
    options: dict[str, Any] = {"codecformat": "j2k", "reversible": reversible, "mct": picture.ndim == 3}
    return bytes(imagecodecs.jpeg2k_encode(picture, level=level, numthreads=1, **options))


def _htj2k(picture: Picture, _quality: int) -> bytes:
    return bytes(imagecodecs.htj2k_encode(picture, reversible=True, rgb=picture.ndim == 3))


def _rle(picture: Picture, _quality: int) -> bytes:
    """PS3.5 Annex G: a header of 64 bytes, then each sample's plane, coded row by row, of an even length."""
    planes: list[Plane] = [picture] if picture.ndim == 2 else [picture[..., number] for number in range(3)]
    segments = [bytes(imagecodecs.packbits_encode(np.ascontiguousarray(plane))) for plane in planes]
    segments = [segment + b"\x00" * (len(segment) % 2) for segment in segments]
    offsets = [64 + sum(map(len, segments[:at])) for at in range(len(segments))]
    return struct.pack("<16L", len(segments), *offsets, *[0] * (15 - len(segments))) + b"".join(segments)


def _raw(picture: Picture, _quality: int) -> bytes:
    return picture.tobytes()


CODERS: dict[str, Coder] = {
    "1.2.840.10008.1.2": Coder("RGB", _raw, native=True),
    "1.2.840.10008.1.2.1": Coder("RGB", _raw, native=True),
    "1.2.840.10008.1.2.5": Coder("RGB", _rle),
    f"{_JPEG}50": Coder("YBR_FULL_422", _jpeg, lossy=True),
    f"{_JPEG}70": Coder("RGB", _lossless_jpeg),
    f"{_JPEG}80": Coder("RGB", _jpegls),
    f"{_JPEG}90": Coder("YBR_RCT", functools.partial(_jpeg2000, reversible=True)),
    f"{_JPEG}91": Coder("YBR_ICT", functools.partial(_jpeg2000, reversible=False), lossy=True),
    f"{_JPEG}201": Coder("YBR_RCT", _htj2k),
}
# By the Photometric Interpretation, too, where there is another one than above.
_LIKE = {(f"{_JPEG}50", "YBR_FULL"): Coder("YBR_FULL", functools.partial(_jpeg, chroma="444"), lossy=True)}


def coder_like(transfer_syntax: str, photometric: str) -> Coder | None:
    """One of this transfer syntax, of colours with this Photometric Interpretation if any is; None where there is none
    of the syntax."""
    return _LIKE.get((transfer_syntax, photometric)) or CODERS.get(transfer_syntax)
