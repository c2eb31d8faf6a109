"""What a program stream holds beside the packets of its pictures and sounds (ISO/IEC 13818-1 2.5).

One pass over the packets' headers, in constant memory.
"""

from __future__ import annotations

from collections.abc import Iterator

from orthanc_video.bitstream import pes
from orthanc_video.bitstream.boxes import Source

_START = b"\x00\x00\x01"
# Start codes of the stream itself, and the stream_ids that are looked into (2.5.3.1, Table 2-22).
_END, _PACK, _SYSTEM_HEADER = 0xB9, 0xBA, 0xBB
_MAP, _PRIVATE, _PADDING, _PRIVATE_2 = 0xBC, 0xBD, 0xBE, 0xBF
_BLOCK = 1 << 20
# Packets that are this small on the whole are none of a recording's.
_LEAST_MEAN, _FEW = 32, 1_000


def extras(source: Source, streams: frozenset[int]) -> tuple[str, ...]:
    """Names of the extras, in the file's order: ``private streams``, ``padding``, ``unused bytes``, …

    ``streams`` are those of the film, as FFmpeg numbers them: the start code's last nine bits, or in private stream 1
    the number of the stream in it.
    """
    return tuple(dict.fromkeys(_found(_Window(source), streams)))


class _Window:
    """Reads a file in blocks, and small pieces out of those."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.size = source.size
        self._at, self._data = 0, b""

    def read(self, at: int, length: int) -> bytes:
        """Fewer bytes only where the file ends."""
        length = min(length, self.size - at)
        if not self._at <= at <= at + length <= self._at + len(self._data):
            self._at, self._data = at, self._source.read(at, min(_BLOCK, self.size - at))
        return self._data[at - self._at : at - self._at + length]


def _found(window: _Window, streams: frozenset[int]) -> Iterator[str]:
    at = count = 0
    while at < window.size and count <= _FEW + window.size // _LEAST_MEAN:
        head = window.read(at, 14)
        if len(head) < 4 or head[:3] != _START or head[3] < _END:
            at, empty = _next(window, at)
            if not empty:
                yield "unused bytes"
            continue
        length = _length(head)
        kind = _kind(window.read(at, length), streams)
        if kind:
            yield kind
        at += length
        count += 1
    if at < window.size:
        yield "tiny packets"


def _length(head: bytes) -> int:
    """2.5.3.3, 2.4.3.6; a pack's header in MPEG-1 has another form."""
    if head[3] == _END:
        return 4
    if head[3] == _PACK:
        return 14 + (head[13] & 7) if len(head) == 14 and head[4] >> 6 == 0b01 else 12
    return 6 + int.from_bytes(head[4:6])


def _kind(packet: bytes, streams: frozenset[int]) -> str:
    """What a packet is called where it tells more than the film; empty where it does not."""
    code = packet[3]
    if code == _END:
        return ""
    if code == _PACK:
        return "packet headers" if packet[14:].strip(b"\xff") else ""
    if code == _SYSTEM_HEADER:
        return "" if _is_plain(packet[12:]) else "packet headers"
    if code == _PADDING:
        # FFmpeg's in MPEG-1 begin with the byte that says there are no times (ISO/IEC 11172-1 2.4.3.3).
        return "padding" if packet[6:].removeprefix(b"\x0f").strip(b"\xff") else ""
    known = code | 0x100 in streams
    if code == _PRIVATE:
        header = 9 + packet[8] if len(packet) > 8 else len(packet)
        known = known or not streams.isdisjoint(packet[header : header + 1])
    if not known:
        named = {_MAP: "program stream map", _PRIVATE: "private streams", _PRIVATE_2: "private streams"}
        return named.get(code, "other streams")
    return "packet headers" if pes.tells(packet[: pes.LONGEST]) else ""


def _is_plain(listed: bytes) -> bool:
    """Whether a system header lists the streams' buffers and nothing else (2.5.3.5)."""
    entries = [listed[at : at + 3] for at in range(0, len(listed), 3)]
    return all(len(entry) == 3 and entry[0] & 0x80 and entry[1] & 0xC0 == 0xC0 for entry in entries)


def _next(window: _Window, at: int) -> tuple[int, bool]:
    """Where a pack begins after what is no packet, or the file ends; and whether all until there is zero."""
    empty = True
    while at < window.size:
        data = window.read(at, _BLOCK)
        found = data.find(_START + bytes([_PACK]))
        last = at + len(data) >= window.size
        until = found if found >= 0 else len(data) if last else len(data) - 3
        empty = empty and not data[:until].strip(b"\0")
        at += until
        if found >= 0:
            break
    return at, empty
