"""The proof that pictures passed through: one hash over the coded slices, whatever container carries them."""

from __future__ import annotations

import hashlib
from typing import Any

from av.packet import Packet

from orthanc_video.bitstream import h264


class SliceHash:
    """SHA-256 over the VCL NAL units (H.264 types 1 to 5) of all packets, in decode order.

    Start codes, length fields, parameter sets and SEI stay out of it: those are what a remux may change.
    """

    def __init__(self, extradata: bytes | None) -> None:
        self._hash = hashlib.sha256()
        is_avcc = bool(extradata) and extradata[:1] == b"\x01"  # type: ignore[index]
        self._length_size = h264.split_avcc(bytes(extradata)).nal_length_size if is_avcc and extradata else 0

    def add(self, packet: Packet[Any]) -> None:
        data = bytes(packet)
        units = h264.split_lengths(data, self._length_size) if self._length_size else h264.split_annexb(data)
        for unit in units:
            if h264.is_slice(unit):
                self._hash.update(unit)

    def hexdigest(self) -> str:
        return self._hash.hexdigest()
