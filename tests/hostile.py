"""Hostile files by the thousand, the same every time: real clips damaged where it hurts, bombs, and files that point at
others. Clips are small, so that one that is still a video after all is converted in a moment.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from clips import ffmpeg

_SIZES = (0, 1, 7, 8, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)
_WIDE = (0, 1, 2**31, 2**32 - 1, 2**32, 2**62, 2**63 - 1, 2**63, 2**64 - 1)

_SOURCES: dict[str, str] = {
    "plain.mp4": "-c:v libx264 -movflags +faststart",
    "fragmented.mp4": "-c:v libx264 -g 4 -movflags frag_keyframe+empty_moov",
    "hevc.mp4": "-c:v libx265 -x265-params log-level=none -tag:v hvc1",
    "qt.mov": "-c:v mjpeg -pix_fmt yuvj420p",
    "h264.mkv": "-c:v libx264",
    "vp8.webm": "-c:v libvpx -deadline realtime -cpu-used 8",
    "vp9.webm": "-c:v libvpx-vp9 -deadline realtime -cpu-used 8",
    "av1.mkv": "-c:v libsvtav1 -preset 12",
    "asp.avi": "-c:v mpeg4",
    "h264.avi": "-c:v libx264 -bf 0",
    "mjpeg.avi": "-c:v mjpeg -pix_fmt yuvj420p",
    "mpeg2.mpg": "-c:v mpeg2video",
    "h264.ts": "-c:v libx264",
    "mpeg2.ts": "-c:v mpeg2video",
    "raw.h264": "-c:v libx264",
    "sorenson.flv": "-c:v flv",
    "wmv2.asf": "-c:v wmv2",
    "theora.ogv": "-c:v libtheora",
    "mpeg2.mxf": "-c:v mpeg2video",
    "vp8.ivf": "-c:v libvpx -deadline realtime -cpu-used 8",
}


_OF_BOXES = (".mp4", ".mov", ".mkv", ".webm")


@dataclass(frozen=True)
class Hostile:
    """One upload: ``name`` says how it was made."""

    name: str
    data: bytes
    headers: dict[str, str] = field(default_factory=dict)


def clips(folder: Path) -> dict[str, bytes]:
    """The clips that are damaged: eight frames each, 96 × 80."""
    made = {}
    for name, encoder in _SOURCES.items():
        path = folder / name
        if not path.exists():
            picture = ("-f", "lavfi", "-i", "testsrc2=s=96x80:r=25", "-frames:v", "8", "-threads", "1")
            ffmpeg(*picture, *("-pix_fmt", "yuv420p"), *encoder.split(), path)
        made[name] = path.read_bytes()
    return made


def mutations(folder: Path, count: int, seed: int = 1) -> Iterator[Hostile]:
    """``count`` damaged clips, every container and every kind of damage in turn."""
    made = clips(folder)
    # Formats made of marked packets are read on after any damage; those made of boxes are where the traps are.
    whole = [*made.items(), *((name, data) for name, data in made.items() if name.endswith(_OF_BOXES))]
    for number in range(count):
        chance = random.Random(f"{seed}/{number}")  # noqa: S311
        name, data = whole[number % len(whole)]
        damages = _damages(name)
        first = damages[number // len(whole) % len(damages)]
        kinds = [first, *(chance.choice(damages) for _ in range(chance.choice((0, 2, 8, 20))))]
        for damage in kinds:
            # What is damaged beyond its structure has none left to damage.
            with suppress(IndexError, ValueError, struct.error, RecursionError):
                data = damage(data, chance) or data
        yield Hostile(f"{number} {first.__name__.strip('_')} + {len(kinds) - 1} {name}", data)


_Damage = Callable[[bytes, random.Random], bytes]


def _damages(name: str) -> list[_Damage]:
    """What can be done to a clip: to any, and to the structure of its container."""
    structure: dict[str, list[_Damage]] = {
        ".mp4": [_box_size, _box_wide_size, _box_count, _box_twice, _box_gone, _box_inside_itself, _box_renamed],
        ".mov": [_box_size, _box_wide_size, _box_count, _box_twice, _box_gone, _box_inside_itself, _box_renamed],
        ".mkv": [_element_size, _element_value, _element_twice, _element_gone, _element_inside_itself],
        ".webm": [_element_size, _element_value, _element_twice, _element_gone, _element_inside_itself],
        ".avi": [_chunk_size, _chunk_field, _chunk_twice],
        ".mpg": [_pes_length, _start_code],
        ".ts": [_packet_header, _packet_gone],
        ".h264": [_start_code, _parameter_set],
    }
    anywhere: list[_Damage] = [_bytes, _number, _truncated, _zeroed, _doubled, _spliced]
    return [*structure.get(Path(name).suffix, []), *anywhere]


# Damage to any file.


def _bytes(data: bytes, chance: random.Random) -> bytes:
    damaged = bytearray(data)
    for _ in range(chance.choice((1, 4, 32, len(data) // 20))):
        damaged[chance.randrange(len(data))] = chance.randrange(256)
    return bytes(damaged)


def _number(data: bytes, chance: random.Random) -> bytes:
    """A number of four bytes, near the beginning more often than not, becomes one at the edge of its type."""
    at = chance.randrange(min(len(data), chance.choice((64, 512, 1 << 20))) - 4)
    return _replaced(data, at, struct.pack(chance.choice("<>") + "I", chance.choice(_SIZES)))


def _truncated(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(1, len(data))]


def _zeroed(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data))
    return _replaced(data, at, bytes(min(chance.choice((8, 64, 1024)), len(data) - at)))


def _doubled(data: bytes, chance: random.Random) -> bytes:
    at, length = chance.randrange(len(data)), chance.choice((4, 40, 400))
    return data[: at + length] + data[at:]


def _spliced(data: bytes, chance: random.Random) -> bytes:
    """Its end, or its middle, is noise."""
    at = chance.randrange(len(data))
    return data[:at] + chance.randbytes(chance.choice((16, 500))) + data[at + chance.choice((16, 500, 1 << 20)) :]


def _replaced(data: bytes, at: int, piece: bytes) -> bytes:
    return data[:at] + piece + data[at + len(piece) :]


# Damage to ISO files (MP4, MOV): boxes of size, name, content.

_PARENTS = {b"moov", b"trak", b"edts", b"mdia", b"minf", b"dinf", b"stbl", b"mvex", b"moof", b"traf", b"udta"}
_WITH_COUNT = {b"stts", b"ctts", b"stsc", b"stco", b"stss", b"stsd", b"elst", b"dref", b"stsz", b"trun", b"sidx"}


def _boxes(data: bytes, begin: int = 0, end: int | None = None) -> Iterator[tuple[int, int, bytes]]:
    """Where every box begins and ends, and its name."""
    end = len(data) if end is None else end
    while begin + 8 <= end:
        size, kind = struct.unpack_from(">I4s", data, begin)
        if size < 8:
            return
        yield begin, begin + size, kind
        if kind in _PARENTS:
            yield from _boxes(data, begin + 8, begin + size)
        begin += size


def _box_size(data: bytes, chance: random.Random) -> bytes:
    begin, _, _ = chance.choice(list(_boxes(data)))
    return _replaced(data, begin, struct.pack(">I", chance.choice(_SIZES)))


def _box_wide_size(data: bytes, chance: random.Random) -> bytes:
    begin, _, kind = chance.choice(list(_boxes(data)))
    return data[:begin] + struct.pack(">I4sQ", 1, kind, chance.choice(_WIDE)) + data[begin + 8 :]


def _box_count(data: bytes, chance: random.Random) -> bytes:
    """Tables that announce billions of rows, and rows that stand for billions of frames."""
    begin, end, _ = chance.choice([box for box in _boxes(data) if box[2] in _WITH_COUNT])
    places = range(begin + 12, max(begin + 13, min(end - 3, begin + 40)), 4)
    return _replaced(data, chance.choice(places), struct.pack(">I", chance.choice(_SIZES)))


def _box_twice(data: bytes, chance: random.Random) -> bytes:
    begin, end, _ = chance.choice(list(_boxes(data)))
    return data[:end] + data[begin:end] + data[end:]


def _box_gone(data: bytes, chance: random.Random) -> bytes:
    """Without mending the sizes of what it lay in, or renamed to what nobody reads."""
    begin, end, _ = chance.choice(list(_boxes(data)))
    return data[:begin] + data[end:] if chance.random() < 0.5 else _replaced(data, begin + 4, b"free")


def _box_inside_itself(data: bytes, chance: random.Random) -> bytes:
    """A box that contains another like it, and so on, many times over."""
    begin, end, kind = chance.choice([box for box in _boxes(data) if box[2] in _PARENTS])
    return data[:begin] + nested(kind, data[begin:end], chance.choice((2, 50, 5000))) + data[end:]


def _box_renamed(data: bytes, chance: random.Random) -> bytes:
    boxes = list(_boxes(data))
    return _replaced(data, chance.choice(boxes)[0] + 4, chance.choice(boxes)[2])


def nested(kind: bytes, content: bytes, depth: int) -> bytes:
    """A box in a box in a box."""
    heads = b"".join(struct.pack(">I4s", 8 * (depth - level) + len(content), kind) for level in range(depth))
    return heads + content


# Damage to Matroska and WebM (EBML, RFC 8794): elements of ID, size, content.

_MASTERS = {0x18538067, 0x1549A966, 0x1654AE6B, 0xAE, 0xE0, 0x1F43B675, 0x1C53BB6B, 0xA0, 0x114D9B74, 0xBB, 0xB7}


def _vint(data: bytes, at: int, keep_marker: bool) -> tuple[int, int]:
    width = 9 - data[at].bit_length()
    value = int.from_bytes(data[at : at + width])
    return (value if keep_marker else value & ((1 << 7 * width) - 1)), width


def _elements(data: bytes, begin: int = 0, end: int | None = None) -> Iterator[tuple[int, int, int, int]]:
    """Where every element begins, its size begins, its content begins, and it ends."""
    end = len(data) if end is None else end
    while begin + 2 < end and data[begin]:
        identifier, width = _vint(data, begin, keep_marker=True)
        if begin + width >= end or not data[begin + width]:
            return
        size, more = _vint(data, begin + width, keep_marker=False)
        content = begin + width + more
        yield begin, begin + width, content, min(end, content + size)
        if identifier in _MASTERS:
            yield from _elements(data, content, min(end, content + size))
        begin = content + size


def _element_size(data: bytes, chance: random.Random) -> bytes:
    """Zero, unknown, or beyond all bounds; as wide as before, or eight bytes wide."""
    _, at, content, _ = chance.choice(list(_elements(data)))
    sizes = (0, 1, 2**31, 2**32, 2**55, 2**56 - 2, 2**56 - 1)
    wide = ((1 << 56) | chance.choice(sizes)).to_bytes(8)
    narrow = ((1 << 7 * (content - at)) | chance.choice((0, (1 << 7 * (content - at)) - 1))).to_bytes(content - at)
    return data[:at] + chance.choice((wide, narrow)) + data[content:]


def _element_value(data: bytes, chance: random.Random) -> bytes:
    """A number in the headers (a size in pixels, a time scale, a duration) becomes 0 or as large as can be."""
    small = [one for one in _elements(data) if 1 <= one[3] - one[2] <= 8]
    _, _, content, end = chance.choice(small)
    return _replaced(data, content, bytes([chance.choice((0, 0x7F, 0x80, 0xFF))]) * (end - content))


def _element_twice(data: bytes, chance: random.Random) -> bytes:
    begin, _, _, end = chance.choice(list(_elements(data)))
    return data[:end] + data[begin:end] * chance.choice((1, 100)) + data[end:]


def _element_gone(data: bytes, chance: random.Random) -> bytes:
    """As if it had never been there: padding (Void) of the same length."""
    begin, _, _, end = chance.choice([one for one in _elements(data) if one[3] - one[0] >= 9])
    return data[:begin] + b"\xec" + ((1 << 56) | (end - begin - 9)).to_bytes(8) + bytes(end - begin - 9) + data[end:]


def _element_inside_itself(data: bytes, chance: random.Random) -> bytes:
    begin, at, _, end = chance.choice(list(_elements(data)))
    inner, depth = data[begin:end], chance.choice((2, 20, 2000))
    heads = [
        data[begin:at] + ((1 << 56) | (len(inner) + (at - begin + 8) * level)).to_bytes(8) for level in range(depth)
    ]
    return data[:begin] + b"".join(reversed(heads)) + inner + data[end:]


# Damage to RIFF (AVI), MPEG program and transport streams, raw H.264.


def _chunks(data: bytes) -> list[int]:
    names = (b"RIFF", b"LIST", b"avih", b"strh", b"strf", b"movi", b"idx1", b"00dc", b"JUNK", b"hdrl", b"strl")
    return [at for name in names if (at := data.find(name)) >= 0]


def _chunk_size(data: bytes, chance: random.Random) -> bytes:
    return _replaced(data, chance.choice(_chunks(data)) + 4, struct.pack("<I", chance.choice(_SIZES)))


def _chunk_field(data: bytes, chance: random.Random) -> bytes:
    """Numbers of frames, rates, scales, widths, heights, offsets of the index."""
    at = data.find(chance.choice((b"avih", b"strh", b"strf", b"idx1"))) + 8 + 4 * chance.randrange(12)
    return _replaced(data, at, struct.pack("<I", chance.choice(_SIZES)))


def _chunk_twice(data: bytes, chance: random.Random) -> bytes:
    at = chance.choice(_chunks(data))
    size = 8 + struct.unpack_from("<I", data, at + 4)[0]
    return data[: at + size] + data[at : at + size] * chance.choice((1, 50)) + data[at + size :]


def _starts(data: bytes) -> list[int]:
    return [at for at in range(len(data) - 8) if data[at : at + 3] == b"\x00\x00\x01"]


def _pes_length(data: bytes, chance: random.Random) -> bytes:
    """Lengths and time stamps of a program stream's packets."""
    packets = [at for at in _starts(data) if data[at + 3] >= 0xBA]
    at = chance.choice(packets) + chance.randrange(4, 14)
    return _replaced(data, at, chance.choice((b"\x00\x00", b"\xff\xff", b"\x7f\xff")))


def _start_code(data: bytes, chance: random.Random) -> bytes:
    return _replaced(data, chance.choice(_starts(data)) + 3, bytes([chance.randrange(256)]))


def _parameter_set(data: bytes, chance: random.Random) -> bytes:
    """Bits of a sequence or picture parameter set: sizes, reference frames, reorder depths."""
    sets = [at for at in _starts(data) if data[at + 3] & 31 in {7, 8}]
    return _replaced(data, chance.choice(sets) + chance.randrange(4, 16), chance.randbytes(chance.choice((1, 3))))


def _packet_header(data: bytes, chance: random.Random) -> bytes:
    """Packet IDs, adaptation fields, the tables' lengths."""
    at = 188 * chance.randrange(len(data) // 188) + chance.randrange(20)
    return _replaced(data, at, bytes([chance.choice((0, 1, 0x1F, 0x40, 0x47, 0xB7, 0xFF))]))


def _packet_gone(data: bytes, chance: random.Random) -> bytes:
    at = 188 * chance.randrange(len(data) // 188)
    return data[:at] + data[at + chance.choice((1, 187, 188)) :]
