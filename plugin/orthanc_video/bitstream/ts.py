"""MPEG transport streams: what is in them, and what got lost on the way (ISO/IEC 13818-1 2.4).

``describe`` goes through a stream of any length once, in constant memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from orthanc_video.bitstream import opening, psi
from orthanc_video.bitstream.boxes import Source
from orthanc_video.bitstream.nal import split_annexb
from orthanc_video.errors import BrokenVideo

SYNC = 0x47
# Bytes from one packet to the next, and of those before its own first one: plain, with a time of arrival before it
# (Blu-ray, AVCHD), with a check sum after it (DVB).
_LAYOUTS = ((188, 0), (192, 4), (204, 0))
_PACKET = 188
_HEADER = 6  # what is looked at of every packet: its header, and its adaptation field's length and flags
_TAIL = 94  # where a packet's second half begins, which a new clock reference (PCR) does not reach
_PROBED = 8  # packets by which the distance is told
_LEAST = 4
_BLOCK = 20_000  # packets that are read at once
_MOST_GAPS = 1_000
_SEARCHED = 64 << 10  # bytes in which packets have to begin again
_NULL = 0x1FFF
_PATIENCE = 64 << 10  # bytes of a stream's pictures in which the first one is looked for

_Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Elementary:
    """One stream of a program. ``codec`` is FFmpeg's name, empty for types that are not known here.

    ``second_view``: it holds what H.264 codes beside a base view that lies in another stream (MVC).
    ``first_pts`` is its first PTS in 1/90,000 s, None where none was found. ``opening`` tells of its first picture,
    None where it is no H.264, H.265 or MPEG-2, or none was found.
    """

    pid: int
    stream_type: int
    codec: str
    pictures: bool
    second_view: bool
    first_pts: int | None
    opening: opening.Opening | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    number: int
    map_pid: int
    streams: tuple[Elementary, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """A whole transport stream.

    ``packets`` lie ``packet_size`` (188, 192 or 204) bytes apart. ``continuity_errors`` counts the places where
    continuity counters say that packets are missing; ``gaps`` those where packets are not where they should be;
    ``damaged`` the packets that a receiver has marked so. ``scrambled`` counts those that only a key makes readable.
    """

    packet_size: int
    packets: int
    programs: tuple[Program, ...]
    continuity_errors: int
    gaps: int
    damaged: int
    scrambled: int


def packet_layout(head: bytes) -> tuple[int, int] | None:
    """How far apart packets lie, and how many bytes before each sync byte; None for what is no transport stream.

    Eight packets are enough, and four are needed.
    """
    for size, lead in _LAYOUTS:
        syncs = head[lead : size * _PROBED : size]
        if len(syncs) >= _LEAST and all(byte == SYNC for byte in syncs):
            return size, lead
    return None


def describe(source: Source, most: int | None = None) -> Description:
    """What a transport stream holds, by all of its packets or those in its first ``most`` bytes.

    ``BrokenVideo`` where it does not begin as one, or breaks off again and again.
    """
    end = source.size if most is None else min(most, source.size)
    layout = layout_of(source)
    counts, tables = _Counts(), _Tables()
    for rows in blocks(source, end, *layout, counts.gap):
        counts.add(rows)
        tables.add(rows)
    return Description(
        packet_size=layout[0],
        packets=counts.packets,
        programs=tables.programs(),
        continuity_errors=counts.continuity_errors,
        gaps=counts.gaps,
        damaged=counts.damaged,
        scrambled=counts.scrambled,
    )


def layout_of(source: Source) -> tuple[int, int]:
    """``packet_layout``; ``BrokenVideo`` where the file does not begin as a transport stream."""
    layout = packet_layout(source.read(0, max(size for size, _ in _LAYOUTS) * _PROBED))
    if layout is None:
        raise BrokenVideo("the file is no MPEG transport stream: it does not begin with its packets")
    return layout


def blocks(source: Source, end: int, size: int, lead: int, gap: Callable[[int], None]) -> Iterator[_Bytes]:
    """The packets up to ``end``, 188 bytes each, many at once, for a ``packet_layout``.

    Where they are not in their places, ``gap`` is told so, and they go on from the next place.
    """
    at = lead
    while at + _PACKET <= end:
        count = min(_BLOCK, (end - at - _PACKET) // size + 1)
        data = source.read(at, (count - 1) * size + _PACKET)
        whole = (len(data) - _PACKET) // size + 1
        if whole < 1:
            return
        # The last packet need not have all that lies between it and the next.
        padded = np.frombuffer(data[: (whole - 1) * size + _PACKET] + bytes(size - _PACKET), dtype=np.uint8)
        rows: _Bytes = padded.reshape(whole, size)[:, :_PACKET]
        wrong = np.flatnonzero(rows[:, 0] != SYNC)
        good = int(wrong[0]) if len(wrong) else whole
        yield rows[:good]
        at += good * size
        if good < whole:
            gap(at)
            at = _next(source, at + 1, end, size)


def _next(source: Source, at: int, end: int, size: int) -> int:
    """Where packets begin again; ``end`` where they do not soon."""
    data = source.read(at, min(end - at, _SEARCHED))
    found = data.find(SYNC)
    while found >= 0 and found + _LEAST * size <= len(data):
        if all(data[found + size * number] == SYNC for number in range(_LEAST)):
            return at + found
        found = data.find(SYNC, found + 1)
    return end


@dataclass(slots=True)
class _Counts:
    """What is counted over all packets."""

    packets: int = 0
    continuity_errors: int = 0
    gaps: int = 0
    damaged: int = 0
    scrambled: int = 0
    _last: npt.NDArray[np.int16] = field(default_factory=lambda: np.full(_NULL + 1, -1, dtype=np.int16))

    def gap(self, _at: int) -> None:
        self.gaps += 1
        if self.gaps > _MOST_GAPS:
            raise BrokenVideo(f"the transport stream breaks off more than {_MOST_GAPS} times: it is damaged throughout")

    def add(self, rows: _Bytes) -> None:
        head = rows[:, :_HEADER].astype(np.int16)
        pids = (head[:, 1] & 0x1F) << 8 | head[:, 2]
        self.packets += len(rows)
        self.damaged += int((head[:, 1] & 0x80 != 0).sum())
        used = pids != _NULL
        self.scrambled += int((used & (head[:, 3] & 0xC0 != 0)).sum())
        order = np.flatnonzero(used)[np.argsort(pids[used], kind="stable")]
        self._continuity(head[order], pids[order], rows, order)

    def _continuity(
        self, head: npt.NDArray[np.int16], pids: npt.NDArray[np.int16], rows: _Bytes, order: npt.NDArray[np.int64]
    ) -> None:
        """2.4.3.3: one more in each packet with a payload, the same in one without and in a packet sent twice.

        ``head`` and ``pids`` are sorted by PID, ``order`` says from where among the ``rows``.
        """
        counter = head[:, 3] & 0x0F
        first = np.ones(len(pids), dtype=np.bool_)
        first[1:] = pids[1:] != pids[:-1]
        before = np.empty_like(counter)
        before[1:] = counter[:-1]
        before[first] = self._last[pids[first]]
        step = (counter - before) & 0x0F
        payload = head[:, 3] & 0x10 != 0
        told = (head[:, 3] & 0x20 != 0) & (head[:, 4] > 0) & (head[:, 5] & 0x80 != 0)  # discontinuity_indicator
        wrong = (step != 0) & ~(payload & (step == 1))
        same = np.flatnonzero(payload & (step == 0) & ~first)
        # Sixteen packets that are missing look like one that was sent twice, but for what is in it.
        wrong[same] = (rows[order[same], _TAIL:] != rows[order[same - 1], _TAIL:]).any(axis=1)
        wrong &= ~told & (before >= 0)
        self.continuity_errors += int(wrong.sum())
        self._last[pids] = counter  # of a PID's packets, the last one's stays


class _Tables:
    """Follows the tables to the streams, and each stream to its first picture."""

    def __init__(self) -> None:
        self._maps: dict[int, int] = {}  # program → PID of its map
        self._found: dict[int, psi.Map] = {}
        self._sections: dict[int, psi.Sections] = {0: psi.Sections()}
        self._starts: dict[int, _Start] = {}

    def add(self, rows: _Bytes) -> None:
        """Only packets of PIDs that something is still wanted of are looked at one by one."""
        pids = (rows[:, 1].astype(np.int32) & 0x1F) << 8 | rows[:, 2]
        at = 0
        while at < len(rows):
            wanted = np.zeros(_NULL + 1, dtype=np.bool_)
            wanted[self._wanted()] = True
            places = at + np.flatnonzero(wanted[pids[at:]])
            at = len(rows)
            for place in places.tolist():
                if self._packet(int(pids[place]), rows[place].tobytes()):
                    at = place + 1
                    break

    def _wanted(self) -> list[int]:
        unread = [0] if not self._maps else [pid for number, pid in self._maps.items() if number not in self._found]
        return unread + [pid for pid, start in self._starts.items() if not start.done]

    def _packet(self, pid: int, packet: bytes) -> bool:
        """Whether it names others that are wanted now."""
        payload, begins = payload_of(packet), bool(packet[1] & 0x40)
        if packet[1] & 0x80 or packet[3] & 0xC0 or not payload:  # damaged, or scrambled
            return False
        if pid in self._starts:
            self._starts[pid].add(payload, begins=begins)
        known = len(self._maps), len(self._starts)
        if pid in self._sections:
            for section in self._sections[pid].add(payload, begins=begins):
                self._section(pid, section)
        return known != (len(self._maps), len(self._starts))

    def _section(self, pid: int, section: bytes) -> None:
        if section[0] == psi.PAT and not self._maps:
            self._maps = psi.programs(section)
            for map_pid in self._maps.values():
                self._sections.setdefault(map_pid, psi.Sections())
        elif section[0] == psi.PMT:
            found = psi.program_map(section)
            if self._maps.get(found.program) == pid:
                self._found.setdefault(found.program, found)
                for each in found.streams:
                    self._starts.setdefault(each.pid, _Start(each.stream_type))

    def programs(self) -> tuple[Program, ...]:
        return tuple(
            Program(
                number=number,
                map_pid=pid,
                streams=tuple(map(self._elementary, self._found[number].streams)) if number in self._found else (),
            )
            for number, pid in sorted(self._maps.items())
        )

    def _elementary(self, listed: psi.Listed) -> Elementary:
        start = self._starts[listed.pid]
        return Elementary(
            pid=listed.pid,
            stream_type=listed.stream_type,
            codec=psi.CODECS.get(listed.stream_type, ""),
            pictures=listed.stream_type in psi.PICTURES,
            second_view=listed.stream_type == psi.SECOND_VIEW,
            first_pts=start.pts,
            opening=start.opening(),
        )


class _Start:
    """The beginning of a stream: its first PTS, and of pictures what comes in the first PES packets (2.4.3.6)."""

    def __init__(self, stream_type: int) -> None:
        self.pts: int | None = None
        self._codec = psi.CODECS.get(stream_type, "")
        self._keeps = self._codec in {"h264", "hevc", "mpeg2video"} and stream_type != psi.SECOND_VIEW
        self._data = bytearray()
        self._packets = 0
        self._bytes = 0

    @property
    def done(self) -> bool:
        """Pictures have two PES packets for it: an encoder may send parameter sets by themselves."""
        enough = self._packets > 2 or self._bytes > _PATIENCE
        return enough if self._keeps else self.pts is not None or enough

    def add(self, payload: bytes, *, begins: bool) -> None:
        self._bytes += len(payload)
        if begins:
            self._packets += 1
            payload = self._unpacked(payload)
        if self._keeps and 0 < self._packets <= 2:
            self._data += payload

    def _unpacked(self, payload: bytes) -> bytes:
        """What follows a PES packet's header, whose PTS is noted; it may be cut off by the transport packet's end."""
        if len(payload) < 9 or payload[:3] != b"\x00\x00\x01":
            return payload
        if payload[7] & 0x80 and self.pts is None and len(payload) >= 14:
            high, middle, low = payload[9] >> 1 & 7, int.from_bytes(payload[10:12]), int.from_bytes(payload[12:14])
            self.pts = high << 30 | middle >> 1 << 15 | low >> 1
        return payload[9 + payload[8] :]

    def opening(self) -> opening.Opening | None:
        if not self._keeps:
            return None
        data = bytes(self._data)
        return (
            opening.of_mpeg2(data) if self._codec == "mpeg2video" else opening.of_units(self._codec, split_annexb(data))
        )


def payload_of(packet: bytes) -> bytes:
    """2.4.3.2: behind the header and the adaptation field, where there is one."""
    if not packet[3] & 0x10:
        return b""
    return packet[5 + packet[4] :] if packet[3] & 0x20 else packet[4:]
