"""The proof that pictures passed through: one hash over the coded slices, whatever container carries them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

from av.packet import Packet

from orthanc_video.bitstream import h264, hevc, mpeg2
from orthanc_video.bitstream.framing import length_size, units_of
from orthanc_video.bitstream.opening import begins_anew
from orthanc_video.errors import BrokenVideo
from orthanc_video.media.formats import HEAD

Slices = Callable[[bytes], Iterator[bytes | memoryview]]


class SliceHash:
    """SHA-256 over the slices of all packets in decode order: VCL NAL units, of MPEG-2 slices without start codes.

    Start codes, length fields, parameter sets, headers and SEI stay out of it: those are what a remux may change.
    """

    def __init__(self, codec: str, extradata: bytes | None) -> None:
        self._hash = hashlib.sha256()
        self._slices = _slices_of(codec, bytes(extradata or b""))

    def add(self, packet: Packet[Any]) -> None:
        for piece in self._slices(bytes(packet)):
            self._hash.update(piece)

    def hexdigest(self) -> str:
        return self._hash.hexdigest()


def begins(codec: str, extradata: bytes | None) -> Callable[[bytes], bool]:
    """Whether a key frame's packet begins anew, so that a decoder needs nothing of what comes before it.

    The packet's first bytes (``HEAD``) are enough. What is shown before that frame may need what comes before it.
    An IDR picture or exact recovery point of H.264, a random access point of H.265, an MPEG-2 picture with a sequence
    header of its own; of other codecs every key frame.
    """
    if codec == "mpeg2video":
        return lambda data: any(mpeg2.is_sequence_header(unit) for unit in mpeg2.units(data[:HEAD]))
    if codec not in {"h264", "hevc"}:
        return lambda _: True
    size = length_size(codec, bytes(extradata or b""))
    return lambda data: begins_anew(codec, units_of(data[:HEAD], size))


def _slices_of(codec: str, extradata: bytes) -> Slices:
    """How the slices are found in a packet of this stream."""
    if codec == "mpeg2video":
        return lambda data: (unit.data for unit in mpeg2.units(data) if mpeg2.is_slice(unit))
    if codec not in {"h264", "hevc"}:
        raise BrokenVideo(f"The pictures are {codec}, which cannot pass through.")
    is_slice = h264.is_slice if codec == "h264" else hevc.is_slice
    split = _nal_units_of(codec, extradata)
    return lambda data: (unit for unit in split(data) if is_slice(unit))


def _nal_units_of(codec: str, extradata: bytes) -> Slices:
    """How the NAL units are found in a packet of this stream."""
    size = length_size(codec, extradata)
    return (lambda data: h264.split_lengths(data, size)) if size else h264.split_annexb
