"""What a transport stream holds beside the packets of its pictures and sounds (ISO/IEC 13818-1 2.4).

One pass over the packets, in constant memory.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from orthanc_video.bitstream import pes, psi, ts
from orthanc_video.bitstream.boxes import Source
from orthanc_video.errors import BrokenVideo

_Bytes = npt.NDArray[np.uint8]
_PAT, _SDT, _NULL = 0x0000, 0x0011, 0x1FFF
_BESIDE = {192: "arrival times", 204: "check bytes"}
_HEAD = 1 << 20  # bytes in which the tables say where the programs' maps are
# Descriptors in a program's map that say how to decode a stream and nothing else (Table 2-45), and the four letters of
# who defined it.
_TECHNICAL = frozenset({0x02, 0x03, 0x06, 0x0A, 0x0E, 0x10, 0x11, 0x12})
_REGISTRATION = 0x05
# The service description (ETSI EN 300 468 5.2.3) that FFmpeg writes of itself: by FFmpeg, of Service01.
_OF_THE_MUXER = re.compile(rb"\x42.{10}.{5}\x48.\x01\x06FFmpeg\x09Service\d\d.{4}", re.DOTALL)
_STUFFING = b"\xff"


def extras(source: Source, streams: frozenset[int]) -> tuple[str, ...]:
    """Names of the extras: ``tables``, ``null packets``, ``other streams``, ``packet headers``, ``unused bytes``, …

    ``streams`` are the PIDs of those that belong to the film. ``BrokenVideo`` where it is no transport stream.
    """
    return tuple(dict.fromkeys(_found(source, streams)))


def _found(source: Source, streams: frozenset[int]) -> Iterator[str]:
    layout = ts.layout_of(source)
    maps = {program.map_pid for program in ts.describe(source, _HEAD).programs}
    if layout[0] in _BESIDE:
        yield _BESIDE[layout[0]]
    gaps: list[int] = []
    packets = 0
    for rows in ts.blocks(source, source.size, *layout, gaps.append):
        if gaps:
            break
        packets += len(rows)
        yield from _block(rows, streams, maps)
    if gaps or source.read(packets * layout[0], layout[0]).strip(b"\0"):
        yield "unused bytes"


def _block(rows: _Bytes, streams: frozenset[int], maps: set[int]) -> Iterator[str]:
    pids = (rows[:, 1].astype(np.int32) & 0x1F) << 8 | rows[:, 2]
    null = pids == _NULL
    if (rows[null, 4:] != rows[null, 4:5]).any() or (np.isin(rows[null, 4], (0x00, 0xFF), invert=True)).any():
        yield "null packets"
    if _headers_tell(rows[~null]):
        yield "packet headers"
    wanted = np.zeros(_NULL + 1, dtype=np.bool_)
    wanted[[_PAT, _SDT, _NULL, *maps, *streams]] = True
    if not wanted[pids].all():
        yield "other streams"
    wanted[_NULL] = False
    begins = rows[:, 1] & 0x40 != 0
    tables = np.isin(pids, [_PAT, _SDT, *maps])
    for place in np.flatnonzero((tables | begins) & wanted[pids]).tolist():
        packet = rows[place].tobytes()
        payload = ts.payload_of(packet)
        if not tables[place]:
            if pes.tells(payload):
                yield "packet headers"
        elif payload and (not begins[place] or _table_tells(int(pids[place]), payload)):
            yield "tables"


def _headers_tell(rows: _Bytes) -> bool:
    """Whether headers and adaptation fields hold more than clocks (2.4.3.2, 2.4.3.4)."""
    control = rows[:, 3] >> 4 & 3
    if (control == 0).any():  # reserved, and no decoder reads it
        return True
    fields, alone = rows[control >= 2], control[control >= 2] == 2
    length = np.where(alone, 183, fields[:, 4].astype(np.int64))
    flags = np.where(length > 0, fields[:, 5], 0).astype(np.int64)
    if (flags & 0x03).any():  # private data, extension
        return True
    used = 6 + 6 * (flags >> 4 & 1) + 6 * (flags >> 3 & 1) + (flags >> 2 & 1)
    columns = np.arange(rows.shape[1])
    stuffing = (columns >= used[:, None]) & (columns < 5 + length[:, None])
    return bool(((fields != _STUFFING[0]) & stuffing).any())


def _table_tells(pid: int, payload: bytes) -> bool:
    """Whether this is anything but one whole table of what streams there are (2.4.4)."""
    end = 4 + (int.from_bytes(payload[2:4]) & 0xFFF)
    section = payload[1:end]
    if payload[0] or end > len(payload) or payload[end:].strip(_STUFFING):
        return True
    if pid == _SDT:
        return _OF_THE_MUXER.fullmatch(section) is None
    try:
        return section[0] != psi.PAT if pid == _PAT else not _is_technical(psi.descriptors(section))
    except BrokenVideo:
        return True


def _is_technical(descriptors: list[bytes]) -> bool:
    return all(one[0] in _TECHNICAL or (one[0] == _REGISTRATION and len(one) == 6) for one in descriptors)
