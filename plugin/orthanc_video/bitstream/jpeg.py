"""What the headers of a JPEG tell (ISO/IEC 10918-1 Annex B), as far as a decoder does not tell it. Pure."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from orthanc_video.errors import BrokenVideo

_SCAN, _JFIF, _ADOBE = 0xDA, 0xE0, 0xEE
# SOF0 to SOF15 but DHT, JPG and DAC, which lie among them.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})


class Header(NamedTuple):
    """``precision`` is bits of a sample; ``colours`` is ``RGB`` or ``YBR_FULL``, empty where the stream is silent."""

    precision: int
    colours: str


def header(coded: bytes) -> Header:
    """Raises BrokenVideo where there is no frame header."""
    precision, colours = 0, ""
    for marker, payload in _segments(coded):
        if marker in _FRAMES and len(payload) >= 6:
            precision = payload[0]
            identifiers = payload[6::3][: payload[5]]
            if identifiers.upper() == b"RGB":
                colours = "RGB"
        elif marker == _JFIF and payload.startswith(b"JFIF\x00"):
            colours = colours or "YBR_FULL"
        elif marker == _ADOBE and payload.startswith(b"Adobe") and len(payload) >= 12:
            colours = "RGB" if payload[11] == 0 else "YBR_FULL"
    if not precision:
        raise BrokenVideo("The JPEG has no frame header.")
    return Header(precision, colours)


def _segments(coded: bytes) -> Iterator[tuple[int, bytes]]:
    """Marker and payload of each segment before the first scan."""
    at = 0
    while at + 4 <= len(coded) and coded[at] == 0xFF and coded[at + 1] != _SCAN:
        marker = coded[at + 1]
        if marker == 0xFF:  # fill
            at += 1
        elif marker in _ALONE:
            at += 2
        else:
            length: int = struct.unpack_from(">H", coded, at + 2)[0]
            yield marker, coded[at + 4 : at + 2 + length]
            at += 2 + max(2, length)
