"""What MPEG-2 streams hold beside pictures and the headers that decoders need (ISO/IEC 13818-2 6.2).

user_data, reserved start codes and extensions, copyright identifiers, whatever follows a header's last field, and time
codes that are the time of day.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

_START = b"\0\0\x01"
# Start codes but those of slices (Table 6-1), of which nobody can say where they end.
_HEADER = re.compile(rb"\0\0\x01[\0\xb0-\xb8]")
_PICTURE, _USER_DATA, _SEQUENCE, _EXTENSION, _END, _GROUP = 0x00, 0xB2, 0xB3, 0xB5, 0xB7, 0xB8
_CODING, _FRAME = 8, 3  # the picture coding extension, and its picture_structure of a whole frame
# Pictures a second, by frame_rate_code (Table 6-4), as time codes count them.
_RATES = {1: 24, 2: 24, 3: 25, 4: 30, 5: 30, 6: 50, 7: 60, 8: 60}
# An active format description (ETSI TS 101 154 B.3): four bits about where on the screen the picture is.
_ACTIVE_FORMAT = re.compile(rb"DTG1(\x01|\x41[\xf0-\xff])\0*")


class TimeCodes:
    """Tells groups' time codes that count from the stream's first picture on, as most encoders have them, from others.

    Those are of a recorder's clock: where they do not begin at 0, or jump, they may be the time of day (6.3.8). The
    headers of the stream come in their order. A second more or less is no matter: some count in the order of coding.
    """

    def __init__(self) -> None:
        self._fields = 0
        self._rate = 0

    def see(self, code: int, content: bytes) -> None:
        """The next header."""
        if code == _SEQUENCE and len(content) > 3:
            self._rate = _RATES.get(content[3] & 15, 0)
        elif code == _PICTURE:
            self._fields += 2
        elif code == _EXTENSION and len(content) > 2 and content[0] >> 4 == _CODING and content[2] & 3 != _FRAME:
            self._fields -= 1

    def counts(self, content: bytes) -> bool:
        """Whether the code of this group's header does, or says nothing: 0."""
        code = int.from_bytes(content[:4]) >> 7
        minutes, seconds, pictures = (code >> 19 & 31) * 60 + (code >> 13 & 63), code >> 6 & 63, code & 63
        if not (minutes or seconds or pictures):
            return True
        dropped = 2 * (minutes - minutes // 10) if code >> 24 else 0
        counted = (60 * minutes + seconds) * self._rate + pictures - dropped
        return abs(counted - self._fields // 2) <= self._rate


def found(data: bytes, codes: TimeCodes) -> bool:
    """Whether the stream's next packet holds any."""
    return next(_changed(data, codes), None) is not None


def removed(data: bytes, codes: TimeCodes) -> bytes:
    """The stream's next packet without it; ``data`` itself where it holds none."""
    pieces, at = [], 0
    for start, end, instead in _changed(data, codes):
        pieces += [data[at:start], instead]
        at = end
    return b"".join((*pieces, data[at:])) if pieces else data


def untimed(data: bytes) -> bytes:
    """A packet whose groups have the time code 0, whatever it was."""
    made = bytearray(data)
    for match in _HEADER.finditer(data):
        begin = match.end()
        if data[begin - 1] == _GROUP and begin + 4 <= len(data):
            made[begin : begin + 4] = _timeless(data[begin : begin + 4])
    return bytes(made)


def _timeless(content: bytes) -> bytes:
    """A group's header at midnight: marker_bit, closed_gop and broken_link are what is left (6.2.2.6)."""
    return b"\x00\x08\x00" + bytes([content[3] & 0x60])


def _changed(data: bytes, codes: TimeCodes) -> Iterator[tuple[int, int, bytes]]:
    """From where to where something else is to stand, and what."""
    for match in _HEADER.finditer(data):
        start, begin = match.span()
        end = data.find(_START, begin)
        end = len(data) if end < 0 else end
        code, content = data[begin - 1], data[begin:end]
        codes.see(code, content)
        kept = _group(content, codes) if code == _GROUP else _kept(code, content)
        if kept is None:
            yield start, end, b""
        elif content.rstrip(b"\0") != kept.rstrip(b"\0"):
            yield start, end, data[start:begin] + kept


def _group(content: bytes, codes: TimeCodes) -> bytes | None:
    """A group's header without a time of day, and with nothing behind its last bit; None where it is cut short."""
    if len(content) < 4:
        return None
    return content[:3] + bytes([content[3] & 0xE0]) if codes.counts(content) else _timeless(content)


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
_LENGTHS: dict[int, Callable[[bytes], int]] = {_SEQUENCE: _sequence, _END: _fixed(0)}
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
