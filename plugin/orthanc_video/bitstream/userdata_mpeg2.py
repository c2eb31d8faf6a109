"""What MPEG-2 streams hold beside pictures and the headers that decoders need (ISO/IEC 13818-2 6.2).

user_data, reserved start codes and extensions, copyright identifiers, and whatever follows a header's last field.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

_START = b"\0\0\x01"
# Start codes but those of slices (Table 6-1), of which nobody can say where they end.
_HEADER = re.compile(rb"\0\0\x01[\0\xb0-\xb8]")
_PICTURE, _USER_DATA, _SEQUENCE, _EXTENSION, _END, _GROUP = 0x00, 0xB2, 0xB3, 0xB5, 0xB7, 0xB8
# An active format description (ETSI TS 101 154 B.3): four bits about where on the screen the picture is.
_ACTIVE_FORMAT = re.compile(rb"DTG1(\x01|\x41[\xf0-\xff])\0*")


def found(data: bytes) -> bool:
    """Whether a packet holds any."""
    return next(_changed(data), None) is not None


def removed(data: bytes) -> bytes:
    """A packet without it; ``data`` itself where it holds none."""
    pieces, at = [], 0
    for start, end, instead in _changed(data):
        pieces += [data[at:start], instead]
        at = end
    return b"".join((*pieces, data[at:])) if pieces else data


def _changed(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """From where to where something else is to stand, and what."""
    for match in _HEADER.finditer(data):
        start, begin = match.span()
        end = data.find(_START, begin)
        end = len(data) if end < 0 else end
        code, content = data[begin - 1], data[begin:end]
        kept = _kept(code, content)
        if kept is None:
            yield start, end, b""
        elif content.rstrip(b"\0") != kept.rstrip(b"\0"):
            yield start, end, data[start:begin] + kept


def _kept(code: int, content: bytes) -> bytes | None:
    """What a start code's content may be; None where all of it goes."""
    if code == _USER_DATA:
        return content if _ACTIVE_FORMAT.fullmatch(content) else None
    if code == _EXTENSION:
        length = _EXTENSIONS.get(content[0] >> 4) if content else None
        return content[: length(content)] if length else None
    if code == _PICTURE:
        return _picture(content)
    length = _LENGTHS.get(code)
    return content[: length(content)] if length else None


def _picture(content: bytes) -> bytes:
    """A picture header without extra_information_picture, which is reserved (6.2.3)."""
    if len(content) < 4:
        return content
    last, mask = {2: (4, 0x80), 3: (4, 0xF8)}.get(content[1] >> 3 & 7, (3, 0xF8))  # P, B; I and D
    return content[:last] + bytes(byte & mask for byte in content[last : last + 1])


def _sequence(content: bytes) -> int:
    """Bytes of a sequence header with its matrices (6.2.2.1): the first's bits lie across bytes."""
    length = 8
    if content[7:8] and content[7] & 2:
        length += 64
    if content[length - 1 : length] and content[length - 1] & 1:
        length += 64
    return length


def _matrices(content: bytes) -> int:
    """Bytes of a quant matrix extension (6.2.3.2): four matrices, each after the bit that says whether it is there."""
    bits, at = int.from_bytes(content[:258]) << 8 * max(0, 258 - len(content)), 4
    for _ in range(4):
        at += 1 + 512 * (bits >> (258 * 8 - 1 - at) & 1)
    return (at + 7) // 8


def _flagged(byte: int, mask: int, without: int, having: int) -> Callable[[bytes], int]:
    return lambda content: having if content[byte : byte + 1] and content[byte] & mask else without


def _fixed(length: int) -> Callable[[bytes], int]:
    return lambda _: length


# Bytes that headers take.
_LENGTHS: dict[int, Callable[[bytes], int]] = {_SEQUENCE: _sequence, _GROUP: _fixed(4), _END: _fixed(0)}
# By extension_start_code_identifier (Table 6-2): sequence, display, matrices, scalable, picture's place, coding,
# and those of scalable pictures. The copyright extension is none of them.
_EXTENSIONS: dict[int, Callable[[bytes], int]] = {
    1: _fixed(6),
    2: _flagged(0, 0x01, 5, 8),
    3: _matrices,
    5: _fixed(8),
    7: _fixed(14),
    8: _flagged(4, 0x40, 5, 7),
    9: _fixed(7),
    10: _fixed(4),
}
