"""What cameras and encoders write among the pictures that is no picture: user data, which may name people and places.

SEI messages of H.264 and H.265 (D.1.6 and D.1.7, D.2.6 and D.2.7), NAL units of private types, MPEG-2's user_data.
"""

from __future__ import annotations

import re

from orthanc_video.bitstream import h264, hevc
from orthanc_video.bitstream.bits import unescape
from orthanc_video.bitstream.framing import length_size, units_of
from orthanc_video.bitstream.nal import is_byte_stream

_USER_DATA = frozenset({4, 5})  # user_data_registered_itu_t_t35, user_data_unregistered
# What x264 and x265 say of themselves and their options, after the UUID that each of them has.
_BANNERS = (
    re.compile(rb"\xdcE\xe9\xbd\xe6\xd9H\xb7\x96,\xd8 \xd9#\xee\xefx264 - core [\w .:,=+\-/()]*\0?"),
    re.compile(rb",\xa2\xde\x09\xb5\x17G\xdb\xbbU\xa4\xfe\x7f\xc2\xfcNx265 \(build \d+\) - [\w .:,=+\-/()\[\]|]*\0?"),
)
# MPEG-2: user_data_start_code (Table 6-1) up to the next start code; active format descriptions are four bits.
_MPEG2 = re.compile(rb"\0\0\x01\xb2(?!DTG1).*?(?=\0\0\x01|\Z)", re.DOTALL)
_START = b"\0\0\0\1"


class UserData:
    """Finds and removes it in the packets of one stream, whose ``extradata`` is as FFmpeg hands it over.

    What an encoder says of itself (x264, x265) stays, and so does every message that decoders need. Of codecs not known
    here nothing is found.
    """

    def __init__(self, codec: str, extradata: bytes) -> None:
        self._codec = codec
        self._length_size = length_size(codec, extradata)

    def found(self, data: bytes) -> bool:
        """Whether a packet, or its first bytes, holds any."""
        if self._codec == "mpeg2video":
            return _MPEG2.search(data) is not None
        if self._codec not in {"h264", "hevc"}:
            return False
        return any(cleaned(self._codec, unit) != unit for unit in units_of(data, self._length_size))

    def removed(self, data: bytes) -> bytes:
        """A whole packet without it; ``data`` itself where it holds none."""
        if not self.found(data):
            return data
        if self._codec == "mpeg2video":
            return _MPEG2.sub(b"", data)
        kept = [unit for unit in (cleaned(self._codec, unit) for unit in units_of(data, self._length_size)) if unit]
        size = self._length_size
        return b"".join((len(unit).to_bytes(size) if size else _START) + unit for unit in kept)


def cleaned(codec: str, unit: bytes) -> bytes:
    """A NAL unit without user data: itself where there is none, empty where nothing else is left."""
    header, is_sei, is_private = _kind(codec, unit)
    if is_private:
        return b""
    if not is_sei:
        return unit
    found = messages(unescape(unit[header:]))
    if found is None:
        return b""  # damaged: no decoder can read it either
    kept = [message for kind, payload, message in found if kind not in _USER_DATA or _is_banner(payload)]
    if len(kept) == len(found):
        return unit
    return unit[:header] + escape(b"".join(kept) + b"\x80") if kept else b""


def _kind(codec: str, unit: bytes) -> tuple[int, bool, bool]:
    """The bytes of its header, whether it is SEI, whether its type is left to private use (Tables 7-1)."""
    if codec == "h264":
        kind = h264.nal_type(unit)
        return 1, kind == 6, kind == 0 or kind >= 24
    kind = hevc.nal_type(unit)
    return 2, kind in {39, 40}, kind >= 48


def messages(payload: bytes) -> list[tuple[int, bytes, bytes]] | None:
    """The SEI messages of a payload (H.264 and H.265 7.3.2.3, 7.3.5): type, content, and both with their header.

    None when one runs past the end.
    """
    found = []
    at = 0
    end = len(payload.rstrip(b"\0")) - 1  # where rbsp_trailing_bits begin: one bit, and zeros
    while at < end:
        start = at
        numbers = []
        for _ in range(2):
            value = 0
            while at < end and payload[at] == 0xFF:
                value, at = value + 255, at + 1
            if at >= end:
                return None
            numbers.append(value + payload[at])
            at += 1
        kind, size = numbers
        if at + size > end:
            return None
        found.append((kind, payload[at : at + size], payload[start : at + size]))
        at += size
    return found


def escape(rbsp: bytes) -> bytes:
    """Bytes with emulation prevention (H.264 7.4.1.1, H.265 7.4.2.2): the inverse of ``unescape``."""
    return re.sub(rb"\0\0(?=[\x00-\x03])", b"\0\0\3", rbsp)


def _is_banner(payload: bytes) -> bool:
    return any(banner.fullmatch(payload) for banner in _BANNERS)


def clean_configuration(codec: str, extradata: bytes) -> bytes:
    """A decoder configuration without user data. Only H.265's (hvcC, ISO/IEC 14496-15 8.3.3) can hold any."""
    if codec != "hevc" or not extradata or is_byte_stream(extradata):
        return extradata
    arrays = []
    at = 23
    for _ in range(extradata[22] if len(extradata) > 22 else 0):
        kind, count = extradata[at : at + 1], int.from_bytes(extradata[at + 1 : at + 3])
        at += 3
        units = []
        for _ in range(count):
            start = at + 2
            at = start + int.from_bytes(extradata[at:start])
            units.append(cleaned(codec, extradata[start:at]))
        units = [unit for unit in units if unit]
        if units:
            lengths = b"".join(len(unit).to_bytes(2) + unit for unit in units)
            arrays.append(kind + len(units).to_bytes(2) + lengths)
    return extradata[:22] + bytes([len(arrays)]) + b"".join(arrays)
