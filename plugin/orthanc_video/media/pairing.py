"""Frames out of packets: the two fields of a frame of H.264 may come in a packet each, as AVCHD cameras' do.

FFmpeg parts a transport stream into access units, which fields are, too (H.264 3.1); MP4 and Matroska hold what their
writer put into a sample, a field or both.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import numpy as np
from av.packet import Packet

from orthanc_video.bitstream import h264, mp4
from orthanc_video.bitstream.fields import ENOUGH, Fields
from orthanc_video.bitstream.framing import length_size, units_of
from orthanc_video.bitstream.hollow import Hollow
from orthanc_video.files import SpanSource
from orthanc_video.media import cuts
from orthanc_video.media.formats import HEAD

# NAL units of a packet that are looked at: pictures have fewer, and zeros could pretend to be any number.
_MOST_UNITS = 1000


class Pairing:
    """Takes the packets of one stream in decode order, leaves out those without a picture, joins the fields of a frame.

    ``hollow`` are the packets left out, ``bytes`` those of all packets. Fields are joined of H.264 alone:
    ``joined`` says that there were such; ``half`` that the last frame had one field only, which players do not show: it
    is left out. One amid the others may be what later frames are predicted from, and stays.
    """

    def __init__(self, codec: str, extradata: bytes) -> None:
        """``codec`` is FFmpeg's name, ``extradata`` the configuration as FFmpeg hands it over."""
        self.joined = self.half = False
        self.hollow = self.bytes = 0
        self._tell = Hollow(codec, extradata)
        self._length_size = length_size(codec, extradata)
        self._codec = codec
        sets = h264.parameter_sets(extradata) if codec == "h264" else ((), ())
        self._fields = Fields((*sets[0], *sets[1]))
        self._told = codec != "h264" or bool(sets[0])  # else the parameter sets lie among the pictures

    def frames(self, packets: Iterable[Packet[Any]]) -> Iterator[Packet[Any]]:
        """The packets that hold a picture, each of them a frame."""
        begun: Packet[Any] | None = None
        for packet in self._pictured(packets):
            if self._begins(packet):
                if begun is not None:
                    yield begun
                begun = packet
            elif begun is not None:
                self.joined = True
                begun = _both(begun, packet)
        self.half = self._fields.half
        if begun is not None and not self.half:
            yield begun

    def _pictured(self, packets: Iterable[Packet[Any]]) -> Iterator[Packet[Any]]:
        """Those that hold a picture; headers from between them go to the next one."""
        headers = b""
        for packet in packets:
            if packet.size == 0:
                continue
            self.bytes += packet.size
            head = bytes(memoryview(packet)[:HEAD])
            if self._tell.is_hollow(head, packet.size, functools.partial(bytes, packet)):
                self.hollow += 1
                headers += self._tell.headers(bytes(packet))
                continue
            yield like(packet, headers + bytes(packet)) if headers else packet
            headers = b""

    def samples(self, source: SpanSource, table: mp4.SampleTable) -> tuple[mp4.SampleTable, cuts.Numbers]:
        """The table with a row for each frame, and where in ``table`` each of them begins."""
        begins = np.ones(len(table), dtype=np.bool_)
        if self._fields.possible or not self._told:
            for at, (offset, size) in enumerate(zip(table.offset.tolist(), table.size.tolist(), strict=True)):
                if table.key[at] and not self._told:
                    self._fields.note(units_of(source.read_at(offset, min(size, HEAD)), self._length_size))
                begins[at] = self._fields.begins(islice(self._units_at(source, offset, size), _MOST_UNITS))
        first = np.flatnonzero(begins)
        self.joined, self.half = len(first) < len(table), self._fields.half
        size, duration = (np.add.reduceat(column, first) for column in (table.size, table.duration))
        kept = slice(len(first) - self.half)
        first = first[kept]
        return dataclasses.replace(table.rows(first), size=size[kept], duration=duration[kept]), first

    def _begins(self, packet: Packet[Any]) -> bool:
        if packet.is_keyframe and self._codec == "h264":
            self._fields.note(units_of(bytes(memoryview(packet)[:HEAD]), self._length_size))
        if not self._fields.possible:
            return True
        return self._fields.begins(islice(units_of(bytes(packet), self._length_size), _MOST_UNITS))

    def _units_at(self, source: SpanSource, offset: int, size: int) -> Iterator[bytes]:
        """The first bytes of each NAL unit of a sample, which are read alone where lengths tell where the next is."""
        if not self._length_size:
            yield from units_of(source.read_at(offset, size), 0)
            return
        end = offset + size
        while offset < end:
            piece = source.read_at(offset, min(self._length_size + ENOUGH, end - offset))
            length = int.from_bytes(piece[: self._length_size])
            yield piece[self._length_size :][:length]
            offset += self._length_size + length


def _both(first: Packet[Any], second: Packet[Any]) -> Packet[Any]:
    """One packet of two, shown when the first of them is."""
    both = like(first, bytes(first) + bytes(second))
    both.duration = (first.duration or 0) + (second.duration or 0)
    return both


def like(packet: Packet[Any], data: bytes) -> Packet[Any]:
    """A packet of other content at the same time."""
    made = Packet(data)
    made.pts, made.dts, made.time_base = packet.pts, packet.dts, packet.time_base
    made.duration, made.is_keyframe = packet.duration, packet.is_keyframe
    return made
