"""Whether browsers play a stored stream as it is: H.264 of a profile that all of them know, in an MP4."""

from __future__ import annotations

from orthanc_video.bitstream.glance import picture_coding
from orthanc_video.dicom import syntaxes
from orthanc_video.dicom.locate import Stream
from orthanc_video.dicom.stored import Object
from orthanc_video.errors import BrokenVideo
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
