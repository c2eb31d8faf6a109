"""What cameras and encoders write among the pictures that is no picture: user data, which may name people and places.

SEI messages of H.264 and H.265, NAL units of private and reserved types, fillers; MPEG-2's user_data (userdata_mpeg2).
Kept is what has the exact form that the standard gives it; all else goes, and so do times of day.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from orthanc_video.bitstream import h264, hevc, userdata_mpeg2
from orthanc_video.bitstream.banners import is_banner
from orthanc_video.bitstream.bits import unescape
from orthanc_video.bitstream.framing import joined, length_size, units_of
from orthanc_video.bitstream.nal import is_byte_stream, split_annexb
from orthanc_video.bitstream.technical import Technical
from orthanc_video.errors import BrokenVideo

_UNREGISTERED = 5  # user_data_unregistered
# Tables 7-1: coded pictures and parameter sets, which are taken as they are; those of H.264 sequences are read, too.
_H264_AS_IS = frozenset({1, 2, 3, 4, 5, 8, 15, 20, 21})
_HEVC_AS_IS = frozenset({*range(10), *range(16, 22), 32, 33, 34})
# Access unit delimiter: 3 bits that say what pictures there are, then the end.
_DELIMITER = re.compile(rb"[\x10\x30\x50\x70\x90\xb0\xd0\xf0]\0*")
_FILLER = re.compile(rb"\xff*\x80?\0*")

# How much of a packet is read at once where only headers are wanted; of a unit that is no picture at most, and of a
# packet that does not say where its units begin.
_HEAD, _LONGEST, _LARGEST = 128, 1 << 20, 1 << 26
# More NAL units than this in one packet are no camera's (H.265 A.4.2 allows 600 slices).
_MOST_UNITS = 10_000

Read = Callable[[int, int], bytes]


class UserData:
    """Finds and removes it in the packets of one stream, whose ``extradata`` is as FFmpeg hands it over.

    Packets come in their order, once each: what a message or a time code means depends on what came before it.

    What an encoder says of itself (x264, x265) stays, and so does every message that decoders need. Of codecs not known
    here nothing is found. ``configured``: the extradata hold some.
    """

    def __init__(self, codec: str, extradata: bytes) -> None:
        self._codec = codec
        self._length_size = length_size(codec, extradata)
        self.configured = clean_configuration(codec, extradata) != extradata
        self._technical, self._codes = Technical(codec), userdata_mpeg2.TimeCodes()
        for unit in h264.parameter_sets(extradata)[0] if codec == "h264" else ():
            self._technical.learn(unit)
        self._is_as_is = bytes(_is_as_is(codec, first) for first in range(256))

    def found(self, data: bytes | memoryview) -> bool:
        """Whether a whole packet holds any."""
        if self._codec == "mpeg2video":
            return userdata_mpeg2.found(bytes(data), self._codes)
        if self._codec not in _CLEANED:
            return False
        if self._length_size:
            return self.found_at(lambda at, length: bytes(data[at : at + length]), 0, len(data))
        return any(not self._is_as_is[unit[0]] and self._tells(unit) for unit in split_annexb(bytes(data)))

    def found_at(self, read: Read, offset: int, size: int) -> bool:
        """Whether a packet of so many bytes at ``offset`` of a file holds any.

        Of coded pictures, whose NAL units say how long they are, only the headers are read.
        """
        if self._codec not in _CLEANED and self._codec != "mpeg2video":
            return False
        if not self._length_size:
            return size > _LARGEST or self.found(read(offset, size))
        end, head, begin = offset + size, read(offset, min(_HEAD, size)), offset
        at, header, units = offset, self._length_size + 1, 0
        while end - at >= header:
            place = at - begin
            if place + header > len(head):
                head, begin, place = read(at, min(_HEAD, end - at)), at, 0
                if len(head) < header:
                    break  # the file ends
            first = place + header - 1
            length = int.from_bytes(head[place:first])
            if length and not self._is_as_is[head[first]]:
                unit = at + header - 1
                length = min(length, end - unit)
                if length > _LONGEST or self._tells(read(unit, length)):
                    return True
            at += header - 1 + length
            units += 1
            if units > _MOST_UNITS:
                return True
        return False

    def _tells(self, unit: bytes) -> bool:
        return cleaned(unit, self._technical) != unit

    def removed(self, data: bytes) -> bytes:
        """A whole packet without it; ``data`` itself where it holds none."""
        if self._codec == "mpeg2video":
            return userdata_mpeg2.removed(data, self._codes)
        if self._codec not in _CLEANED:
            return data
        units = list(units_of(data, self._length_size))
        kept = _cleaned(units, self._technical)
        return data if kept == units else joined(kept, self._length_size)


def cleaned(unit: bytes, technical: Technical) -> bytes:
    """A NAL unit without user data: itself where there is none, empty where nothing else is left."""
    return _CLEANED[technical.codec](unit, technical)


def _cleaned(units: Iterable[bytes], technical: Technical) -> list[bytes]:
    return [unit for unit in (cleaned(unit, technical) for unit in units) if unit]


def _cleaned_h264(unit: bytes, technical: Technical) -> bytes:
    kind = h264.nal_type(unit)
    if kind == h264.SPS:
        technical.learn(unit)
        return unit
    if kind == 6:
        return _cleaned_sei(unit, 1, technical)
    if kind == 9:
        return unit if _DELIMITER.fullmatch(unit, 1) else b""
    if kind in {10, 11}:  # end of sequence, end of stream: a header alone
        return unit[:1]
    if kind == 12:
        return unit if _FILLER.fullmatch(unit, 1) else b""
    if kind == 14:  # before pictures of the base view: a header of three more bytes; in scalable streams, more
        return unit if len(unit) <= 4 and unit[1:2] < b"\x80" else b""
    return unit if kind in _H264_AS_IS else b""


def _cleaned_hevc(unit: bytes, technical: Technical) -> bytes:
    kind = hevc.nal_type(unit) if len(unit) > 1 else -1
    if kind in {39, 40}:
        return _cleaned_sei(unit, 2, technical)
    if kind == 35:
        return unit if _DELIMITER.fullmatch(unit, 2) else b""
    if kind in {36, 37}:
        return unit[:2]
    if kind == 38:
        return unit if _FILLER.fullmatch(unit, 2) else b""
    return unit if kind in _HEVC_AS_IS else b""


_CLEANED = {"h264": _cleaned_h264, "hevc": _cleaned_hevc}


def _is_as_is(codec: str, first: int) -> bool:
    """By the first byte of a NAL unit."""
    if codec == "h264":
        return first & 31 in _H264_AS_IS
    return codec == "hevc" and first >> 1 & 63 in _HEVC_AS_IS


def _cleaned_sei(unit: bytes, header: int, technical: Technical) -> bytes:
    found = messages(unescape(unit[header:]))
    if found is None:
        return b""  # damaged: no decoder can read it either
    kept = [_kept(*message, technical) for message in found]
    if kept == [message for _, _, message in found]:
        return unit
    left = b"".join(kept)
    return unit[:header] + escape(left + b"\x80") if left else b""


def _kept(kind: int, payload: bytes, message: bytes, technical: Technical) -> bytes:
    """What stays of a message with its header; empty where nothing does."""
    if kind == _UNREGISTERED:
        return message if is_banner(payload) else b""
    kept = technical.kept(kind, payload)
    if kept is None or kept == payload:
        return b"" if kept is None else message
    return _number(kind) + _number(len(kept)) + kept


def _number(value: int) -> bytes:
    """A type or size as bytes of 255 and a last one (7.3.2.3.1)."""
    return b"\xff" * (value // 255) + bytes([value % 255])


def messages(payload: bytes) -> list[tuple[int, bytes, bytes]] | None:
    """The SEI messages of a payload (H.264 and H.265 7.3.2.3, 7.3.5): type, content, and both with their header.

    None when one runs past the end, or the payload does not end as it must: with one bit, and zeros.
    """
    found = []
    at = 0
    payload = payload.rstrip(b"\0")
    end = len(payload) - 1  # where rbsp_trailing_bits begin
    if payload[end:] != b"\x80":
        return None
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


def clean_configuration(codec: str, extradata: bytes) -> bytes:
    """A decoder configuration without user data (ISO/IEC 14496-15 5.3.3, 8.3.3); itself where it holds none."""
    if codec == "mpeg2video":
        return userdata_mpeg2.removed(extradata, userdata_mpeg2.TimeCodes())
    if codec not in _CLEANED or not extradata:
        return extradata
    if is_byte_stream(extradata):
        units = list(split_annexb(extradata))
        kept = _cleaned(units, Technical(codec))
        return extradata if kept == units else joined(kept, 0)
    return _clean_avcc(extradata) if codec == "h264" else _clean_hvcc(extradata)


def _clean_avcc(extradata: bytes) -> bytes:
    """Parameter sets, and in High profiles what they say of colours: so much of avcC is of use."""
    at, arrays = 5, b""
    for mask in (31, 255):
        count, at = extradata[at] & mask if at < len(extradata) else 0, at + 1
        units, at = _counted(extradata, at, count)
        kept = [unit for unit in units if unit and unit[0] & 31 in {7, 8, 15}]
        arrays += bytes([extradata[5] & ~31 | len(kept) if mask == 31 else len(kept)]) + _sized(kept)
    colours = extradata[at : at + 3]
    reserved = bytes(byte & mask for byte, mask in zip(colours, (0xFC, 0xF8, 0xF8), strict=False))
    return extradata[:5] + arrays + (colours + b"\0" if reserved == b"\xfc\xf8\xf8" else b"")


def _clean_hvcc(extradata: bytes) -> bytes:
    arrays = []
    at = 23
    for _ in range(extradata[22] if len(extradata) > 22 else 0):
        kind, count = extradata[at : at + 1], int.from_bytes(extradata[at + 1 : at + 3])
        units, at = _counted(extradata, at + 3, count)
        kept = _cleaned(units, Technical("hevc"))
        if kept or not units:
            arrays.append(kind + len(kept).to_bytes(2) + _sized(kept))
    return extradata[:22] + bytes([len(arrays)]) + b"".join(arrays)


def _counted(data: bytes, at: int, count: int) -> tuple[list[bytes], int]:
    """So many NAL units, each after its length of two bytes, as far as there are any; and where they end."""
    units = []
    for _ in range(count):
        start = at + 2
        if start > len(data):
            raise BrokenVideo("the decoder configuration is cut short")
        at = start + int.from_bytes(data[at:start])
        units.append(data[start:at])
    return units, at


def _sized(units: list[bytes]) -> bytes:
    return joined(units, 2)
