"""MPEG-2 video as its own headers describe it (ISO/IEC 13818-2 = ITU-T H.262, section 6.2 and 6.3)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from orthanc_video.bitstream.bits import BitReader
from orthanc_video.bitstream.vui import Signal
from orthanc_video.errors import BrokenVideo

# Start codes (Table 6-1).
PICTURE, SEQUENCE, EXTENSION, GROUP = 0x00, 0xB3, 0xB5, 0xB8
_SLICES = range(0x01, 0xB0)
_START = b"\x00\x00\x01"
# extension_start_code_identifier (Table 6-2).
_SEQUENCE_EXTENSION, _DISPLAY_EXTENSION, _CODING_EXTENSION = 1, 2, 8

_SEQUENCE = "MPEG-2 sequence header"
_KINDS = {1: "I", 2: "P", 3: "B", 4: "D"}  # Table 6-12
# Table 6-4, frame_rate_code 1 to 8.
_RATES = tuple(
    Fraction(*rate)
    for rate in ((24000, 1001), (24, 1), (25, 1), (30000, 1001), (30, 1), (50, 1), (60000, 1001), (60, 1))
)
# Table 6-3: the display's aspect ratio, 0 where pixels are square.
_DISPLAYS = {1: Fraction(0), 2: Fraction(4, 3), 3: Fraction(16, 9), 4: Fraction(221, 100)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequence:
    """A sequence header and its extensions (6.3.3, 6.3.5, 6.3.6).

    ``profile`` is 4 for Main, 1 for High; ``level`` 8 for Main, 6 for High 1440, 4 for High (Tables 8-2 and 8-3); both
    are 0 in MPEG-1 video, which has no extension. ``rate`` in frames per second; ``bit_rate`` in bit/s, 0 where it is
    variable (MPEG-1) or not said. ``sample_aspect`` is the width of a pixel to its height. ``chroma_format`` is 1 for
    4:2:0.
    """

    width: int
    height: int
    rate: Fraction
    bit_rate: int
    sample_aspect: Fraction
    mpeg1: bool
    profile: int
    level: int
    progressive: bool
    chroma_format: int
    low_delay: bool
    signal: Signal


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A group of pictures header (6.3.8). ``time`` is its time code in hours, minutes, seconds and pictures.

    ``closed``: no picture of it needs one before it. ``broken_link``: the pictures shown before its first I picture
    cannot be decoded right, since the stream was cut there.
    """

    time: tuple[int, int, int, int]
    drop_frame: bool
    closed: bool
    broken_link: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture header (6.3.9): ``kind`` is "I", "P", "B" or "D"; ``place`` counts in display order from its group's
    first picture on."""

    kind: str
    place: int


@dataclass(frozen=True, slots=True)
class Unit:
    """One start code's unit: ``code`` is its last byte, ``data`` what follows it."""

    code: int
    data: memoryview


def units(data: bytes) -> Iterator[Unit]:
    """The units of an elementary stream, those before the first start code left out; nothing is copied."""
    view = memoryview(data)
    start = data.find(_START)
    while 0 <= start < len(data) - len(_START):
        begin = start + len(_START)
        start = data.find(_START, begin)
        yield Unit(data[begin], view[begin + 1 : start if start >= 0 else len(data)])


def is_slice(unit: Unit) -> bool:
    """Whether a unit carries coded pictures: slices (Table 6-1)."""
    return unit.code in _SLICES


def is_sequence_header(unit: Unit) -> bool:
    """Whether a unit says what all pictures after it are (6.2.2.1)."""
    return unit.code == SEQUENCE


def parse_sequence(data: bytes) -> Sequence:
    """The first sequence header of an elementary stream with the extensions that follow it.

    ``BrokenVideo`` where there is none before the first picture, or it is cut short or says what is forbidden.
    """
    header: Unit | None = None
    extensions: dict[int, Unit] = {}
    for unit in units(data):
        if unit.code == SEQUENCE and header is None:
            header = unit
        elif unit.code == EXTENSION and header is not None and unit.data:
            extensions.setdefault(unit.data[0] >> 4, unit)
        elif unit.code in {PICTURE, GROUP} and header is not None:
            break
    if header is None:
        raise BrokenVideo(f"the stream has no {_SEQUENCE}")
    return _sequence(header, extensions)


def parse_group(unit: Unit) -> Group:
    """A unit whose code is ``GROUP``; ``BrokenVideo`` where it is cut short or names a time that does not exist."""
    reader = BitReader(bytes(unit.data[:4]), "MPEG-2 group of pictures header")
    drop_frame, hours, minutes = reader.flag(), reader.bits(5), reader.bits(6)
    reader.flag()  # marker_bit
    seconds, pictures = reader.bits(6), reader.bits(6)
    if hours > 23 or max(minutes, seconds, pictures) > 59:
        raise BrokenVideo(
            f"the MPEG-2 group of pictures header has the time code {hours}:{minutes}:{seconds}:{pictures}"
        )
    return Group(
        time=(hours, minutes, seconds, pictures),
        drop_frame=drop_frame,
        closed=reader.flag(),
        broken_link=reader.flag(),
    )


def parse_picture(unit: Unit) -> Picture:
    """A unit whose code is ``PICTURE``; ``BrokenVideo`` where it is cut short or of a forbidden type."""
    reader = BitReader(bytes(unit.data[:2]), "MPEG-2 picture header")
    place, kind = reader.bits(10), reader.bits(3)
    if kind not in _KINDS:
        raise BrokenVideo(f"the MPEG-2 picture header's picture_coding_type is {kind}; 1 to 4 are allowed")
    return Picture(kind=_KINDS[kind], place=place)


def is_progressive(data: bytes) -> bool:
    """Whether the first picture of ``data`` says that its two fields are of one moment (progressive_frame, 6.3.10).

    True where nothing says, as in MPEG-1 video.
    """
    pictured = False
    for unit in units(data):
        if pictured and unit.code == EXTENSION and len(unit.data) > 4 and unit.data[0] >> 4 == _CODING_EXTENSION:
            return bool(unit.data[4] & 0x80)
        if pictured and is_slice(unit):
            break
        pictured = pictured or unit.code == PICTURE
    return True


def _sequence(header: Unit, extensions: dict[int, Unit]) -> Sequence:
    reader = BitReader(bytes(header.data[:8]), _SEQUENCE)
    width, height, aspect, rate_code, bit_rate = (reader.bits(count) for count in (12, 12, 4, 4, 18))
    if not 1 <= rate_code <= len(_RATES):
        raise BrokenVideo(f"the {_SEQUENCE}'s frame_rate_code is {rate_code}; 1 to {len(_RATES)} are allowed")
    rate = _RATES[rate_code - 1]
    profile = level = 0
    progressive, chroma, low_delay = True, 1, False
    extension = extensions.get(_SEQUENCE_EXTENSION)
    if extension is not None:
        reader = BitReader(bytes(extension.data[:6]), "MPEG-2 sequence extension")
        reader.bits(4)
        escaped, profile, level = reader.flag(), reader.bits(3), reader.bits(4)
        profile = 0 if escaped else profile  # Multi-view and 4:2:2 (8.1.1, Table 8-5): their level says which
        progressive, chroma = reader.flag(), reader.bits(2)
        width, height = width | reader.bits(2) << 12, height | reader.bits(2) << 12
        bit_rate |= reader.bits(12) << 18
        reader.bits(1 + 8)  # marker_bit, vbv_buffer_size_extension
        low_delay = reader.flag()
        rate *= Fraction(reader.bits(2) + 1, reader.bits(5) + 1)
    if not width or not height:
        raise BrokenVideo(f"the {_SEQUENCE} describes pictures of {width}×{height}")
    shown, signal = _display(extensions.get(_DISPLAY_EXTENSION), (width, height))
    return Sequence(
        width=width,
        height=height,
        rate=rate,
        bit_rate=400 * bit_rate,
        sample_aspect=_sample_aspect(aspect, *shown),
        mpeg1=extension is None,
        profile=profile,
        level=level,
        progressive=progressive,
        chroma_format=chroma,
        low_delay=low_delay,
        signal=signal,
    )


def _display(extension: Unit | None, whole: tuple[int, int]) -> tuple[tuple[int, int], Signal]:
    """What of the picture the display's aspect ratio is that of (6.3.6), all unless this says; its colours."""
    if extension is None:
        return whole, Signal()
    reader = BitReader(bytes(extension.data[:12]), "MPEG-2 sequence display extension")
    reader.bits(4 + 3)
    told = reader.flag()
    signal = Signal(primaries=reader.bits(8), transfer=reader.bits(8), matrix=reader.bits(8)) if told else Signal()
    width = reader.bits(14)
    reader.flag()  # marker_bit
    height = reader.bits(14)
    return ((width, height) if width and height else whole), signal


def _sample_aspect(code: int, width: int, height: int) -> Fraction:
    display = _DISPLAYS.get(code, Fraction(0))
    return display * height / width if display else Fraction(1)
