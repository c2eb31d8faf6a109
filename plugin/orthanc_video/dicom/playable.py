"""Whether browsers show what is stored as it is: H.264 of profiles that all of them know, in an MP4; plain JPEG."""

from __future__ import annotations

from orthanc_video.bitstream import jpeg
from orthanc_video.bitstream.glance import picture_coding
from orthanc_video.dicom import syntaxes
from orthanc_video.dicom.locate import Stream
from orthanc_video.dicom.stored import Object
from orthanc_video.errors import BrokenVideo
from orthanc_video.film import MultiFrame, Pixels, Window
from orthanc_video.model import Located

# Baseline, Main, High: 8-bit, and 4:2:0 or grey, all of them (H.264 A.2).
_PROFILES = frozenset({66, 77, 100})
_MP4 = b"ftyp"


def plays(stored: Object, located: Located) -> bool:
    """Reads the stream's first bytes and the headers of its index, whatever its length."""
    if syntaxes.BY_UID[located.transfer_syntax].codec != "h264":
        return False
    stream = Stream(stored, located.spans, located.length)
    if stream.read(4, 4) != _MP4:
        return False
    try:
        codec, configuration = picture_coding(stream)
    except BrokenVideo:
        return False
    # avcC (ISO/IEC 14496-15 5.3.3.1): version 1, then AVCProfileIndication.
    known = len(configuration) > 1 and configuration[0] == 1 and configuration[1] in _PROFILES
    return codec in {"avc1", "avc3"} and known


# The windows of eight bits that change nothing (PS3.3 C.11.2.1.2).
_ALL = frozenset({None, Window(center=128.0, width=256.0)})


def is_shown_as_coded(film: MultiFrame, coded: bytes) -> bool:
    """Whether a film's pictures are to be seen as any JPEG decoder gives them, the first being ``coded``: eight bits,
    no window or table between, square pixels, and colours that a decoder without DICOM's words for them takes right."""
    pixels = film.pixels
    if syntaxes.IMAGES[film.transfer_syntax].codec != "jpeg" or pixels.bits_stored != 8 or pixels.aspect.fraction != 1:
        return False
    try:
        head = jpeg.header(coded)
    except BrokenVideo:
        return False
    if head.precision != 8:
        return False
    if pixels.samples == 1:
        return _is_plain_grey(pixels)
    return (head.colours or pixels.photometric) in {"YBR_FULL", "YBR_FULL_422"}


def _is_plain_grey(pixels: Pixels) -> bool:
    changed = pixels.modality or pixels.voi or pixels.palette or (pixels.slope, pixels.intercept) != (1.0, 0.0)
    return pixels.photometric == "MONOCHROME2" and not changed and not pixels.signed and pixels.window in _ALL
