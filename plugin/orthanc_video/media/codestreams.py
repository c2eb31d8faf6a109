"""Single coded frames back to their samples, as they were stored: each family of codecs has one decoder.

FFmpeg (PyAV) reads lossy JPEG, JPEG 2000 and HTJ2K. Of lossless JPEG with 16 bits and of JPEG-LS with interleaved
samples it makes wrong pictures without a word, so those families are libjpeg's (pylibjpeg).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import av
import numpy as np
import numpy.typing as npt
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from libjpeg.utils import decode as decode_libjpeg
from pydicom.encaps import encapsulate
from pydicom.pixels.decoders.base import RLELosslessDecoder

from orthanc_video.bitstream import jpeg as bitstream
from orthanc_video.errors import BrokenVideo
from orthanc_video.film import Pixels
from orthanc_video.media.probe import LARGEST_AREA

# Rows × columns of unsigned words, or rows × columns × 3.
Samples = npt.NDArray[Any]


class Decoded(NamedTuple):
    """``colours`` is the Photometric Interpretation that the coded frame itself tells, empty where it is silent."""

    samples: Samples
    colours: str = ""


def raw(coded: bytes, about: Pixels) -> Decoded:
    """Samples that are not compressed (PS3.5 8.1, 8.2; PS3.3 C.7.6.3.1.2 on YBR_FULL_422)."""
    words = np.frombuffer(coded, dtype="<u2" if about.bits_allocated == 16 else "u1")
    if about.photometric in {"YBR_FULL_422", "YBR_PARTIAL_422"}:
        if about.columns % 2:
            raise BrokenVideo(f"{about.photometric} needs an even number of columns, but Columns is {about.columns}.")
        pairs = words.reshape(about.rows, about.columns // 2, 4)  # two of Y, and the Cb and Cr that they share
        colours = np.repeat(pairs[:, :, 2:], 2, axis=1)
        luma = pairs[:, :, :2].reshape(about.rows, about.columns, 1)
        return Decoded(np.concatenate((luma, colours.reshape(about.rows, about.columns, 2)), axis=2))
    return Decoded(_shaped(words, about, planar=about.planar))


def rle(coded: bytes, about: Pixels) -> Decoded:
    """PS3.5 Annex G."""
    told: dict[str, Any] = {
        "rows": about.rows,
        "columns": about.columns,
        "samples_per_pixel": about.samples,
        "bits_allocated": about.bits_allocated,
        "bits_stored": about.bits_stored,
        "photometric_interpretation": about.photometric,
        "planar_configuration": 1,
        "pixel_representation": 0,
        "number_of_frames": 1,
        "pixel_keyword": "PixelData",
    }
    data, _ = RLELosslessDecoder.as_buffer(encapsulate([coded], has_bot=False), index=0, **told)
    words = np.frombuffer(data, dtype="<u2" if about.bits_allocated == 16 else "u1")
    return Decoded(_shaped(words, about, planar=True))


def _shaped(words: Samples, about: Pixels, *, planar: bool) -> Samples:
    if about.samples == 1:
        return words.reshape(about.rows, about.columns)
    if planar:
        return words.reshape(3, about.rows, about.columns).transpose(1, 2, 0)
    return words.reshape(about.rows, about.columns, 3)


def lossless_jpeg(coded: bytes, _about: Pixels) -> Decoded:
    """Lossless JPEG and JPEG-LS. Neither transforms colours."""
    found: Samples = decode_libjpeg(coded)
    return Decoded(found)


def jpeg(coded: bytes, _about: Pixels) -> Decoded:
    """Lossy JPEG. Chroma is brought to full size, its colours stay what they are."""
    told = bitstream.header(coded)
    frame = _decoded("mjpeg", coded)
    if frame.format.name.startswith("yuv"):
        whole = frame.reformat(format="yuvj444p", interpolation="BILINEAR", src_color_range="JPEG")
        return Decoded(whole.to_ndarray().transpose(1, 2, 0), told.colours)
    words: Samples = frame.to_ndarray()
    if words.dtype != np.uint8:
        words = words >> (16 - told.precision)  # FFmpeg fills the words from the top
    return Decoded(words, "RGB" if frame.format.name.startswith("gbr") else "")


def jpeg2000(coded: bytes, _about: Pixels) -> Decoded:
    """JPEG 2000 and HTJ2K, after the inverse of the component transform."""
    if not coded.startswith(b"\xff\x4f\xff\x51") or len(coded) < 43:
        raise BrokenVideo("The picture is no JPEG 2000 codestream.")
    depth = coded[42]  # Ssiz of the first component (ISO/IEC 15444-1 A.5.1): precision less one, sign in the top bit
    bits = (depth & 127) + 1
    frame = _decoded("jpeg2000", coded)
    words: Samples = frame.to_ndarray()
    words = words >> max(0, frame.format.components[0].bits - bits)  # as above
    if depth & 128:
        words = words ^ (1 << (bits - 1))  # signed values come lifted by half their range
    return Decoded(words)


DECODERS: dict[str, Callable[[bytes, Pixels], Decoded]] = {
    "raw": raw,
    "rle": rle,
    "jpeg": jpeg,
    "ljpeg": lossless_jpeg,
    "jpegls": lossless_jpeg,
    "jpeg2000": jpeg2000,
}


def _decoded(codec: str, coded: bytes) -> VideoFrame:
    context = VideoCodecContext.create(codec, "r")
    assert isinstance(context, VideoCodecContext)  # noqa: S101
    context.options = {"max_pixels": str(LARGEST_AREA)}
    context.thread_count = 1
    frames = [*context.decode(av.Packet(coded)), *context.decode(None)]
    if not frames or not isinstance(frames[0], VideoFrame):
        raise BrokenVideo("It holds no picture.")
    return frames[0]
