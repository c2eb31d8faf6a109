"""Packets of an elementary stream in MPEG-2 systems: what their headers may tell (ISO/IEC 13818-1 2.4.3.6)."""

from __future__ import annotations

LONGEST = 9 + 255  # bytes of a header

_PTS_DTS = {0: 0, 1: 0, 2: 5, 3: 10}
_PRIVATE, _PACK_HEADER, _SECOND_EXTENSION = 0x80, 0x40, 0x01
_COPY_INFORMATION = 0x04
_STUFFING = b"\xff"


def tells(packet: bytes) -> bool:
    """Whether a header, of which ``packet`` begins with all, holds more than times, sizes and checksums.

    Those of MPEG-1 hold nothing else.
    """
    if len(packet) < 9 or packet[6] >> 6 != 0b10:
        return False
    flags, end = packet[7], 9 + packet[8]
    at = 9 + _PTS_DTS[flags >> 6] + 6 * _bit(flags, 5) + 3 * _bit(flags, 4) + _bit(flags, 3) + 2 * _bit(flags, 1)
    if flags & _COPY_INFORMATION or max(at, end) > len(packet):
        return True
    if flags & 1:
        extension = packet[at] if at < end else 0xFF
        if extension & (_PRIVATE | _PACK_HEADER | _SECOND_EXTENSION):
            return True
        at += 1 + 2 * _bit(extension, 5) + 2 * _bit(extension, 4)
    return at > end or bool(packet[at:end].strip(_STUFFING))


def _bit(value: int, place: int) -> int:
    return value >> place & 1
