"""What re-encoded pictures' colours become: those of BT.709, or of BT.601 where they are. Pure.

A DICOM video has studio range and 8 bits (YBR_PARTIAL_420, PS3.3 C.7.6.3.1.2) and no attribute for its matrix: the
stream says it (PS3.5 8.2.7 leaves decoding to the stream). So what is made always says it, and never says what few
displays show: high dynamic range, or the wide gamut of BT.2020.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from orthanc_video.model import VideoStream

# Codes of ITU-T H.273: transfer characteristics, colour primaries, matrix coefficients.
PQ, HLG = 16, 18
_BT2020_PRIMARIES = 9
_WIDE_MATRICES = frozenset({9, 10})
_RGB_MATRIX, _UNSAID = 0, 2

_BT709, _BT601 = "bt709", "smpte170m"
# FFmpeg's names of the matrices that pictures keep: of them swscale and players know the coefficients.
_MATRICES = {1: _BT709, 4: "fcc", 5: "bt470bg", 6: _BT601, 7: "smpte240m"}
_PRIMARIES = {1: _BT709, 4: "bt470m", 5: "bt470bg", 6: _BT601, 7: "smpte240m"}
_TRANSFERS = {1: _BT709, 4: "gamma22", 5: "gamma28", 6: _BT601, 7: "smpte240m", 13: "iec61966-2-1"}
# The light of diffuse white in HDR, in cd/m2, that becomes white: ITU-R BT.2408 has 203.
_WHITE = 203


class Step(NamedTuple):
    """One filter of ffmpeg's."""

    name: str
    options: dict[str, Any]


def is_hdr(video: VideoStream) -> bool:
    """Whether the stream's brightness is that of HDR displays (SMPTE ST 2084, or ARIB STD-B67)."""
    return video.transfer in {PQ, HLG}


def is_wide(video: VideoStream) -> bool:
    """Whether its colours are those of BT.2020."""
    return video.primaries == _BT2020_PRIMARIES or video.matrix in _WIDE_MATRICES


def reasons(video: VideoStream) -> Iterator[str]:
    """What is done to colours, of pictures that are re-encoded."""
    if is_hdr(video):
        return  # said as the reason for it
    if is_wide(video):
        yield "The colours of BT.2020 become those of BT.709, which displays show."
    elif _is_rgb(video):
        yield f"Red, green and blue become YCbCr by {'BT.709' if _matrix(video) == _BT709 else 'BT.601'}."
    if video.full_range and not _is_rgb(video):
        yield "Full-range brightness becomes studio range (16 to 235), as YBR_PARTIAL_420 has it."
    if video.bit_depth > 8:
        yield f"{video.bit_depth} bits a sample become 8."


def before(video: VideoStream) -> Iterator[Step]:
    """The filters that bring HDR and wide colours into BT.709; none for all others."""
    if not (is_hdr(video) or is_wide(video)):
        return
    transfer = {PQ: "smpte2084", HLG: "arib-std-b67"}.get(video.transfer, "709")
    came = {
        "transferin": transfer,
        "primariesin": "2020" if video.primaries in {_BT2020_PRIMARIES, _UNSAID} else "709",
        "rangein": "full" if video.full_range else "limited",
    }
    if not _is_rgb(video):
        came["matrixin"] = "2020_ncl" if video.matrix in {*_WIDE_MATRICES, _UNSAID} else "709"
    yield Step("zscale", {**came, "transfer": "linear", "npl": _WHITE})
    yield Step("format", {"pix_fmts": "gbrpf32le"})
    yield Step("zscale", {"primaries": "709"})
    if is_hdr(video):
        yield Step("tonemap", {"tonemap": "hable", "desat": 0})
    yield Step("zscale", {"transfer": "709", "matrix": "709", "range": "limited", "dither": "error_diffusion"})
    yield Step("format", {"pix_fmts": "yuv420p"})


def matrix_of(video: VideoStream) -> int:
    """The code of the matrix that pictures have, or are taken to have by their size."""
    return video.matrix if video.matrix != _UNSAID else {name: code for code, name in _MATRICES.items()}[_matrix(video)]


def scaling(video: VideoStream) -> dict[str, str]:
    """Options of ffmpeg's ``scale`` that come to studio range, and from RGB to the right matrix."""
    if is_hdr(video) or is_wide(video):
        return {}
    ranged = {"out_range": "tv"}
    if _is_rgb(video):
        ranged["out_color_matrix"] = _matrix(video)
    return ranged


def said(video: VideoStream) -> dict[str, str]:
    """What the made stream says of its colours: options of ffmpeg's ``setparams``."""
    matrix = _matrix(video)
    if is_hdr(video) or is_wide(video):
        return _signal(_BT709, _BT709, _BT709)
    primaries = _PRIMARIES.get(video.primaries, matrix)
    return _signal(matrix, primaries, _TRANSFERS.get(video.transfer, _BT709 if matrix == _BT709 else _BT601))


def _signal(matrix: str, primaries: str, transfer: str) -> dict[str, str]:
    return {"range": "tv", "colorspace": matrix, "color_primaries": primaries, "color_trc": transfer}


def _matrix(video: VideoStream) -> str:
    """The matrix of the made pictures: theirs, or that of television of their size, which players take, too."""
    if video.matrix in _MATRICES and not _is_rgb(video):
        return _MATRICES[video.matrix]
    return _BT709 if max(video.width, video.height) >= 1280 or min(video.width, video.height) > 576 else _BT601


def _is_rgb(video: VideoStream) -> bool:
    """By FFmpeg's names of pixel formats: packed, planar, and by a palette."""
    name = video.pixel_format
    return video.matrix == _RGB_MATRIX or name.startswith(("rgb", "bgr", "gbr", "argb", "abgr", "0rgb", "0bgr", "pal8"))
