"""What a transport stream holds, by its tables: programs and their streams (ISO/IEC 13818-1 2.4.4)."""

from __future__ import annotations

from dataclasses import dataclass

from orthanc_video.errors import BrokenVideo

PAT, PMT = 0x00, 0x02
_MOST_SECTION = 1021  # section_length (2.4.4.5, 2.4.4.9)
_CRC_LENGTH = 4

# stream_type (Table 2-34, and those that ATSC and others have added) → FFmpeg's name of the codec.
CODECS = {
    0x01: "mpeg1video",
    0x02: "mpeg2video",
    0x03: "mp2",
    0x04: "mp2",
    0x0F: "aac",
    0x10: "mpeg4",
    0x11: "aac_latm",
    0x1B: "h264",
    0x20: "h264",  # the second view of H.264 Annex H (MVC), in a stream of its own
    0x24: "hevc",
    0x33: "vvc",
    0x81: "ac3",
    0x87: "eac3",
    0xEA: "vc1",
}
PICTURES = frozenset({0x01, 0x02, 0x10, 0x1B, 0x20, 0x24, 0x33, 0xEA})
SECOND_VIEW = 0x20


@dataclass(frozen=True, slots=True)
class Listed:
    """A program's stream as the program map table lists it."""

    pid: int
    stream_type: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Map:
    """A program map table (2.4.4.8)."""

    program: int
    streams: tuple[Listed, ...]


class Sections:
    """Puts one PID's sections together out of packets' payloads; at most one section is kept."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._open = False

    def add(self, payload: bytes, *, begins: bool) -> list[bytes]:
        """The sections that are complete with this payload, each with a right checksum; ``begins`` is
        payload_unit_start_indicator: a pointer_field says where the next section begins (2.4.4.1)."""
        done: list[bytes] = []
        if begins:
            pointer = payload[0] if payload else 0
            if self._open:
                self._data += payload[1 : 1 + pointer]
                done += self._complete()
            self._data, self._open = bytearray(payload[1 + pointer :]), True
        elif self._open:
            self._data += payload
        return done + self._complete()

    def _complete(self) -> list[bytes]:
        """Takes whole sections off the beginning, up to stuffing bytes (2.4.4)."""
        done = []
        while self._open and len(self._data) >= 3:
            length = int.from_bytes(self._data[1:3]) & 0xFFF
            if self._data[0] == 0xFF or length > _MOST_SECTION:
                self._data, self._open = bytearray(), False
                break
            if len(self._data) < 3 + length:
                break
            section, self._data = bytes(self._data[: 3 + length]), self._data[3 + length :]
            if _crc(section) == 0:
                done.append(section)
        return done


def programs(section: bytes) -> dict[int, int]:
    """A program association section: program_number → PID of its map (2.4.4.3); the network's own PID left out."""
    body = _body(section, PAT, 8)
    entries = [(int.from_bytes(body[at : at + 2]), int.from_bytes(body[at + 2 : at + 4]) & 0x1FFF)
               for at in range(0, len(body) - 3, 4)]  # fmt: skip
    return {number: pid for number, pid in entries if number}


def program_map(section: bytes) -> Map:
    """A program map section (2.4.4.8); ``BrokenVideo`` where its lengths contradict one another."""
    body = _body(section, PMT, 12)
    at = int.from_bytes(section[10:12]) & 0xFFF
    found: list[Listed] = []
    while at < len(body):
        if at + 5 > len(body):
            raise BrokenVideo("a program map of the transport stream is cut short")
        found.append(Listed(int.from_bytes(body[at + 1 : at + 3]) & 0x1FFF, body[at]))
        at += 5 + (int.from_bytes(body[at + 3 : at + 5]) & 0xFFF)
    return Map(program=int.from_bytes(section[3:5]), streams=tuple(found))


def descriptors(section: bytes) -> list[bytes]:
    """All descriptors of a program map section, of the program and of its streams: tag, length, content (2.6.1)."""
    body = _body(section, PMT, 12)
    at, left = 0, int.from_bytes(section[10:12]) & 0xFFF
    found: list[bytes] = []
    while at < len(body):
        if not left:
            left = int.from_bytes(body[at + 3 : at + 5]) & 0xFFF
            at += 5
            continue
        length = 2 + int.from_bytes(body[at + 1 : at + 2])
        found.append(body[at : at + length])
        at, left = at + length, left - length
    if at > len(body) or left:
        raise BrokenVideo("a program map of the transport stream is cut short")
    return found


def _body(section: bytes, table: int, header: int) -> bytes:
    if len(section) < header + _CRC_LENGTH or section[0] != table:
        raise BrokenVideo(f"a table of the transport stream is none of type {table}, or cut short")
    return section[header:-_CRC_LENGTH]


def _crc(data: bytes) -> int:
    """CRC_32 (Annex A), 0 over a whole section that is undamaged."""
    value = 0xFFFFFFFF
    for byte in data:
        value = (value << 8 & 0xFFFFFFFF) ^ _TABLE[value >> 24 ^ byte]
    return value


def _row(byte: int) -> int:
    value = byte << 24
    for _ in range(8):
        value = (value << 1 ^ (0x04C11DB7 if value & 0x80000000 else 0)) & 0xFFFFFFFF
    return value


_TABLE = tuple(_row(byte) for byte in range(256))
