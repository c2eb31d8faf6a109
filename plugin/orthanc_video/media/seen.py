"""A decoded frame of video as what can be seen: red, green and blue, or a JPEG picture of it."""

from __future__ import annotations

import threading

import av
import numpy as np
import numpy.typing as npt
import simplejpeg
from av.video.reformatter import Colorspace

from orthanc_video.media.planes import BT709, UNSAID, Planes, matrix_of

# Rows × columns of grey, or rows × columns × (red, green, blue).
Picture = npt.NDArray[np.uint8]
QUALITY = 90  # of JPEG, unless another is asked for
_own = threading.local()


def rgb(frame: av.VideoFrame) -> Picture:
    """By the matrix that the stream names, else that of television of its size, as browsers have it."""
    matrix = None
    if frame.colorspace == UNSAID:
        matrix = Colorspace.ITU709 if matrix_of(frame) == BT709 else Colorspace.ITU601
    found = frame.reformat(format="rgb24", src_colorspace=matrix, interpolation="BICUBIC")
    return np.asarray(found.to_ndarray(), dtype=np.uint8)


def jpeg(frame: av.VideoFrame, quality: int) -> bytes:
    """Straight from its Y, Cb and Cr (``planes.can_be_direct``), in a third of the time; ``quality`` 0: the default."""
    if not hasattr(_own, "planes"):
        _own.planes = Planes()
    planes = map(np.ascontiguousarray, _own.planes.of(frame))  # of widths that no decoder likes, rows lie apart
    made: bytes = simplejpeg.encode_jpeg_yuv_planes(*planes, quality=quality or QUALITY)
    return made
