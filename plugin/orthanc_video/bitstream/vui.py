"""What H.264 and H.265 say of a picture's look in the same syntax (H.264 E.1.1, H.265 E.2.1: the start of the VUI)."""

from __future__ import annotations

from dataclasses import dataclass

from orthanc_video.bitstream.bits import BitReader

# H.264 Table E-1 and H.265 Table E.1, aspect_ratio_idc 0 to 16.
_ASPECTS = (
    *((1, 1), (1, 1), (12, 11), (10, 11), (16, 11), (40, 33), (24, 11), (20, 11), (32, 11), (80, 33), (18, 11)),
    *((15, 11), (64, 33), (160, 99), (4, 3), (3, 2), (2, 1)),
)
_EXTENDED_ASPECT = 255
UNSPECIFIED = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """Colour as the codes of ITU-T H.273; ``UNSPECIFIED`` (2) where the stream does not say."""

    full_range: bool = False
    primaries: int = UNSPECIFIED
    transfer: int = UNSPECIFIED
    matrix: int = UNSPECIFIED


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """``sample_aspect`` is the width of a pixel to its height, (1, 1) where the stream does not say."""

    sample_aspect: tuple[int, int]
    signal: Signal


UNSAID = Look(sample_aspect=(1, 1), signal=Signal())


def read_look(reader: BitReader) -> Look:
    """Sample aspect, overscan, video signal type and chroma locations, which begin the VUI of both."""
    sample_aspect = _sample_aspect(reader) if reader.flag() else (1, 1)
    if reader.flag():
        reader.flag()  # overscan_appropriate_flag
    signal = _signal(reader) if reader.flag() else Signal()
    if reader.flag():
        reader.ue("chroma_sample_loc_type_top_field", 5)
        reader.ue("chroma_sample_loc_type_bottom_field", 5)
    return Look(sample_aspect=sample_aspect, signal=signal)


def _sample_aspect(reader: BitReader) -> tuple[int, int]:
    code = reader.bits(8)
    if code == _EXTENDED_ASPECT:
        wide, high = reader.bits(16), reader.bits(16)
        return (wide, high) if wide and high else (1, 1)
    return _ASPECTS[code] if code < len(_ASPECTS) else (1, 1)


def _signal(reader: BitReader) -> Signal:
    reader.bits(3)  # video_format
    full_range = reader.flag()
    if not reader.flag():
        return Signal(full_range=full_range)
    return Signal(full_range=full_range, primaries=reader.bits(8), transfer=reader.bits(8), matrix=reader.bits(8))
