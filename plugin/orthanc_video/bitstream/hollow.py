"""Packets that hold no coded picture: a delimiter, parameter sets or messages by themselves. They are no frames."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from orthanc_video.bitstream import h264, hevc, mpeg2, nal
from orthanc_video.bitstream.framing import joined, length_size, units_of
from orthanc_video.bitstream.nal import is_byte_stream
from orthanc_video.errors import BrokenVideo

# More bytes than this hold a picture, whatever their beginning says: messages are some hundred bytes long, and key
# frames of high definition are mostly larger than this, so that an index is known without a look at each of them.
MOST = 1 << 15
# What comes before a slice: a delimiter, parameter sets, some messages.
_FEW = 8
_START = b"\0\0\1"
_SETS = {"h264": frozenset({nal.SPS, nal.PPS, 13, nal.SUBSET_SPS}), "hevc": frozenset({hevc.VPS, hevc.SPS, hevc.PPS})}
_SEQUENCE_END = 0xB7  # MPEG-2 Table 6-1


class Hollow:
    """Tells such packets of one stream of H.264, H.265 or MPEG-2. Of other codecs only those without a byte are."""

    def __init__(self, codec: str, extradata: bytes) -> None:
        """``codec`` is FFmpeg's name, ``extradata`` the configuration as FFmpeg hands it over."""
        self._codec = codec
        self._length_size = length_size(codec, extradata)
        self._is_slice = hevc.is_slice if codec == "hevc" else h264.is_slice

    def is_hollow(self, head: bytes, size: int, whole: Callable[[], bytes]) -> bool:
        """Whether a packet of ``size`` bytes that begins with ``head`` is one.

        ``whole`` reads all of it; it is called where the head shows neither a slice nor the packet's end. What is
        damaged, so that it cannot be told what it is, counts as a picture.
        """
        if size == 0:
            return True
        if self._codec not in {"h264", "hevc", "mpeg2video"} or size > MOST or self._has_slice(head):
            return False
        data = head[:size] if len(head) >= size else whole()
        return self._is_intact(data) and not self._has_slice(data)

    def begins_with_picture(self, read: Callable[[int, int], bytes], size: int) -> bool:
        """Whether one of a packet's first units is a slice, so that it is not hollow; ``read`` takes offset and length.

        A few bytes are read of each unit, where lengths tell where the next is; of other streams this is not known.
        """
        at = 0
        for _ in range(_FEW if self._length_size else 0):
            piece = read(at, min(self._length_size + 2, size - at))
            length = int.from_bytes(piece[: self._length_size])
            unit = piece[self._length_size :][:length]
            if len(unit) > 1 and self._is_slice(unit):
                return True
            at += self._length_size + length
            if at >= size:
                break
        return False

    def headers(self, data: bytes) -> bytes:
        """What of a hollow packet the pictures after it may need: parameter sets, and MPEG-2's headers."""
        if self._codec == "mpeg2video":
            units = [unit for unit in mpeg2.units(data) if unit.code != _SEQUENCE_END]
            if any(unit.code == mpeg2.PICTURE for unit in units):
                return b""
            return b"".join(_START + bytes([unit.code]) + unit.data for unit in units)
        if self._codec not in _SETS:
            return b""
        kind = h264.nal_type if self._codec == "h264" else hevc.nal_type
        return joined((unit for unit in self._units(data) if kind(unit) in _SETS[self._codec]), self._length_size)

    def _units(self, data: bytes) -> Iterator[bytes]:
        return (unit for unit in units_of(data, self._length_size) if len(unit) > 1)

    def _has_slice(self, data: bytes) -> bool:
        if self._codec == "mpeg2video":
            return any(mpeg2.is_slice(unit) for unit in mpeg2.units(data))
        return any(self._is_slice(unit) for unit in self._units(data))

    def _is_intact(self, data: bytes) -> bool:
        """Whether the packet is made of units from its beginning to its end."""
        if self._codec == "mpeg2video":
            return data.lstrip(b"\0").startswith(b"\1") and any(True for _ in mpeg2.units(data))
        if not self._length_size:
            return is_byte_stream(data) and any(True for _ in self._units(data))
        try:
            return any(len(unit) > 1 for unit in nal.split_lengths(data, self._length_size))
        except BrokenVideo:
            return False
