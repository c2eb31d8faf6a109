"""Splitting H.264 streams and decoder configurations into NAL units (ITU-T H.264 Annex B, ISO/IEC 14496-15 5.3)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from orthanc_video.errors import BrokenVideo

IDR = 5
SEI = 6
SPS = 7
PPS = 8
SUBSET_SPS = 15

_SLICES = frozenset({1, 2, 3, 4, 5, 20, 21})
_START = b"\x00\x00\x01"
_AVCC = "the H.264 decoder configuration (avcC)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Avcc:
    """An AVCDecoderConfigurationRecord (ISO/IEC 14496-15 5.3.3.1).

    ``nal_length_size`` is the number of bytes (1, 2 or 4) before each NAL unit of a sample;
    ``sps`` and ``pps`` are whole NAL units, header included.
    """

    nal_length_size: int
    sps: tuple[bytes, ...]
    pps: tuple[bytes, ...]


def nal_type(nal: bytes | memoryview) -> int:
    """nal_unit_type of a NAL unit without start code (H.264 Table 7-1). An empty one is ``BrokenVideo``."""
    if not nal:
        raise BrokenVideo("an H.264 NAL unit is empty")
    return nal[0] & 31


def is_slice(nal: bytes | memoryview) -> bool:
    """Whether a NAL unit carries coded pictures: types 1 to 5, and 20 and 21 of other views (H.264 Table 7-1)."""
    return nal_type(nal) in _SLICES


def is_byte_stream(data: bytes) -> bool:
    """Whether these are NAL units between start codes (Annex B of H.264 and H.265), not with lengths before them."""
    return data.startswith((_START, b"\x00" + _START))


def split_annexb(data: bytes) -> Iterator[bytes]:
    """The NAL units of a byte stream (H.264 Annex B), without start codes and trailing zeros.

    What lies before the first start code belongs to no NAL unit and is left out, and so are empty units.
    """
    start = data.find(_START)
    while start >= 0:
        start += len(_START)
        end = data.find(_START, start)
        nal = (data[start:] if end < 0 else data[start:end]).rstrip(b"\x00")
        if nal:
            yield nal
        start = end


def split_lengths(data: bytes | memoryview, nal_length_size: int) -> Iterator[memoryview]:
    """The NAL units of an MP4 sample, each preceded by its length in ``nal_length_size`` bytes; nothing is copied.

    Empty units are left out. A length that runs past the end of the sample is ``BrokenVideo``.
    """
    view = memoryview(data)
    at = 0
    while at < len(view):
        start = at + nal_length_size
        length = int.from_bytes(view[at:start])
        if start + length > len(view):
            raise BrokenVideo(
                f"an H.264 NAL unit at byte {at} of a frame needs {nal_length_size + length} bytes, "
                f"but the frame ends after {len(view)}"
            )
        at = start + length
        if length:
            yield view[start:at]


def split_avcc(extradata: bytes) -> Avcc:
    """The contents of an avcC box (ISO/IEC 14496-15 5.3.3.1), or ``BrokenVideo``."""
    if len(extradata) < 6:
        raise BrokenVideo(f"{_AVCC} is cut short: it has {len(extradata)} bytes")
    if extradata[0] != 1:
        raise BrokenVideo(f"{_AVCC} has version {extradata[0]}; only version 1 exists")
    nal_length_size = (extradata[4] & 3) + 1
    if nal_length_size == 3:
        raise BrokenVideo(f"{_AVCC} announces NAL lengths of 3 bytes; only 1, 2 and 4 exist")
    sps, end = _counted(extradata, 6, extradata[5] & 31)
    if end >= len(extradata):
        raise BrokenVideo(f"{_AVCC} is cut short: it ends before its picture parameter sets")
    pps, _ = _counted(extradata, end + 1, extradata[end])
    return Avcc(nal_length_size=nal_length_size, sps=sps, pps=pps)


def parameter_sets(extradata: bytes) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
    """The sequence and picture parameter sets (whole NAL units) of a decoder configuration, avcC or Annex B.

    Both are empty for an empty configuration: then the parameter sets lie among the pictures.
    """
    if not extradata:
        return (), ()
    if not is_byte_stream(extradata):
        avcc = split_avcc(extradata)
        return avcc.sps, avcc.pps
    nals = tuple(split_annexb(extradata))
    return tuple(n for n in nals if nal_type(n) == SPS), tuple(n for n in nals if nal_type(n) == PPS)


def _counted(data: bytes, at: int, count: int) -> tuple[tuple[bytes, ...], int]:
    """``count`` NAL units from ``at`` on, each after its 16-bit length, and where they end."""
    nals = []
    for _ in range(count):
        start = at + 2
        at = start + int.from_bytes(data[at:start])
        if at > len(data) or start > len(data):
            raise BrokenVideo(f"{_AVCC} is cut short: a parameter set needs {at} bytes, it has {len(data)}")
        nals.append(data[start:at])
    return tuple(nals), at
