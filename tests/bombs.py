"""Small files that claim, or unfold to, far more than they are: made by hand from real clips."""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Iterator

from hostile import Hostile, nested

_GIB = 1 << 30


def bombs(clips: dict[str, bytes]) -> Iterator[Hostile]:
    """Each of them once; ``clips`` are those of hostile.clips."""
    for made in (_depths, _counts, _dimensions, _unfolding, _loops):
        yield from made(clips)


def box(kind: bytes, content: bytes, size: int | None = None) -> bytes:
    return struct.pack(">I4s", 8 + len(content) if size is None else size, kind) + content


def _full(kind: bytes, layout: str, *fields: int) -> bytes:
    """A full box of version 0."""
    return box(kind, bytes(4) + struct.pack(">" + layout, *fields))


_FTYP = box(b"ftyp", b"isom\x00\x00\x02\x00isomiso2avc1mp41")


def _depths(clips: dict[str, bytes]) -> Iterator[Hostile]:
    for depth in (100, 10_000, 200_000):
        for kind in (b"moov", b"trak", b"udta", b"meta", b"moof"):
            data = nested(kind, b"", depth)
            yield Hostile(
                f"{depth} {kind.decode()} boxes deep", _FTYP + (data if kind != b"trak" else box(b"moov", data))
            )
    head = clips["h264.mkv"]
    segment = head.index(b"\x18\x53\x80\x67")
    for name, identifier in (("tags", b"\x12\x54\xc3\x67"), ("simple tags", b"\x67\xc8"), ("chapters", b"\xb6")):
        for depth in (50, 20_000):
            inner = b"".join(identifier + ((1 << 56) | 10 * (depth - level)).to_bytes(8) for level in range(depth))
            outer = b"\x18\x53\x80\x67" + ((1 << 56) | len(inner)).to_bytes(8)
            yield Hostile(f"{name} {depth} deep", head[:segment] + outer + inner)


def _counts(clips: dict[str, bytes]) -> Iterator[Hostile]:
    """Tables of billions of rows, and rows that stand for billions of frames."""
    most = 0xFFFFFFFF
    tables: list[tuple[str, list[bytes]]] = [
        ("4 billion frames of 1 byte", [_full(b"stsz", "II", 1, most), _full(b"stts", "III", 1, most, 1)]),
        ("4 billion frames of no bytes", [_full(b"stsz", "II", 0, most), _full(b"stts", "III", 1, most, 1)]),
        ("8 million empty frames", [_full(b"stsz", "II", 0, 1 << 23), _full(b"stts", "III", 1, 1 << 23, 1)]),
        ("runs that sum up beyond 64 bits", [_full(b"stts", "I" + "II" * 1000, 1000, *((most, most) * 1000))]),
        ("4 billion runs of offsets", [_full(b"ctts", "III", most, most, most)]),
        ("4 billion frames in a chunk", [_full(b"stsc", "IIII", 1, 1, most, 1)]),
        ("4 billion chunks", [_full(b"stco", "II", most, 40)]),
        ("chunks beyond 64 bits", [box(b"co64", struct.pack(">IIQ", 0, 1, (1 << 64) - 1))]),
        ("4 billion sample entries", [box(b"stsd", struct.pack(">II", 0, most))]),
    ]
    for name, boxes in tables:
        yield Hostile(name, _with_tables(clips["plain.mp4"], boxes))
    for name, content in (("edits", b"elst"), ("fragments' samples", b"trun"), ("segments", b"sidx")):
        source = clips["fragmented.mp4" if content != b"elst" else "plain.mp4"]
        at = source.find(content)
        if at >= 0:
            yield Hostile(f"4 billion {name}", source[: at + 8] + b"\xff" * 4 + source[at + 12 :])
    yield Hostile("100,000 empty boxes", _FTYP + box(b"free", b"") * 100_000)
    yield Hostile("a million empty boxes", _FTYP + box(b"free", b"") * 1_000_000)
    yield Hostile("20,000 tracks", _FTYP + box(b"moov", box(b"trak", b"") * 20_000))
    avi = clips["mjpeg.avi"]
    for offset in (16, 32, 36):  # frames, rate, scale of avih
        at = avi.index(b"avih") + 8 + offset
        yield Hostile(f"AVI header field {offset} at its most", avi[:at] + b"\xff" * 4 + avi[at + 4 :])
    at = avi.index(b"strh") + 8
    for offset, value in ((20, 0), (24, 0), (24, most), (20, most), (32, most), (44, most)):
        yield Hostile(
            f"AVI stream field {offset} is {value}",
            avi[: at + offset] + struct.pack("<I", value) + avi[at + offset + 4 :],
        )


def _with_tables(mp4: bytes, tables: list[bytes]) -> bytes:
    """An MP4 with these boxes in its sample table in place of its own; the index grows and the pictures stay."""
    for table in tables:
        kind = table[4:8]
        old = mp4.find(kind if kind != b"co64" else b"stco") - 4
        size = struct.unpack_from(">I", mp4, old)[0]
        growth = len(table) - size
        mp4 = mp4[:old] + table + mp4[old + size :]
        for parent in (b"moov", b"trak", b"mdia", b"minf", b"stbl"):
            at = mp4.index(parent) - 4
            mp4 = mp4[:at] + struct.pack(">I", struct.unpack_from(">I", mp4, at)[0] + growth) + mp4[at + 4 :]
    return mp4


def _dimensions(clips: dict[str, bytes]) -> Iterator[Hostile]:
    """Pictures that would take gigabytes, in every place where a size is told."""
    for width, height in ((65535, 65535), (16384, 16384), (65535, 1), (16383, 4096)):
        said = f"{width} × {height}"
        mp4 = clips["plain.mp4"]
        entry = mp4.index(b"avc1") + 28
        yield Hostile(f"MP4 of {said}", mp4[:entry] + struct.pack(">HH", width, height) + mp4[entry + 4 :])
        mov = clips["qt.mov"]
        entry = mov.index(b"jpeg") + 28
        yield Hostile(f"MOV of {said}", mov[:entry] + struct.pack(">HH", width, height) + mov[entry + 4 :])
        for name in ("qt.mov", "mjpeg.avi"):
            data, size = clips[name], struct.pack(">HH", height, width)
            at = data.index(b"\xff\xc0") + 5
            yield Hostile(f"JPEG of {said} in {name}", data[:at] + size + data[at + 4 :])
        ivf = clips["vp8.ivf"]
        header = ivf[:12] + struct.pack("<HH", width, height) + ivf[16:]
        at = header.index(b"\x9d\x01\x2a") + 3
        yield Hostile(
            f"VP8 of {said}", header[:at] + struct.pack("<HH", width & 0x3FFF, height & 0x3FFF) + header[at + 4 :]
        )
        avi = clips["asp.avi"]
        at = avi.index(b"strf") + 12
        yield Hostile(f"AVI of {said}", avi[:at] + struct.pack("<II", width, height) + avi[at + 8 :])
        flv = clips["sorenson.flv"]
        yield Hostile(f"FLV of {said}", flv.replace(struct.pack(">d", 96), struct.pack(">d", width)))
    for name in ("mpeg2.mpg", "mpeg2.ts"):
        data = clips[name]
        at = data.index(b"\x00\x00\x01\xb3") + 4
        yield Hostile(f"MPEG-2 of 4095 × 4095 in {name}", data[:at] + b"\xff\xff\xff" + data[at + 3 :])


def _unfolding(clips: dict[str, bytes]) -> Iterator[Hostile]:
    """What is small until it is unpacked."""
    encoded = {"Content-Encoding": "gzip"}
    start = clips["plain.mp4"]
    yield Hostile("gzip of zeros after a film", gzip.compress(start + bytes(100 << 20), 9), encoded)
    yield Hostile("gzip in gzip", gzip.compress(gzip.compress(bytes(10 << 20), 9) * 3), encoded)
    yield Hostile("gzip cut off", gzip.compress(start)[:-500], encoded)
    yield Hostile("gzip damaged", gzip.compress(start)[:40] + bytes(200), encoded)
    yield Hostile("no gzip at all", start, encoded)
    yield Hostile("gzip without saying so", gzip.compress(start))
    index = zlib.compress(nested(b"moov", b"", 10) + bytes(64 << 20), 9)
    for claimed in (0, 1000, _GIB, 0xFFFFFFFF):
        packed = box(b"cmov", box(b"dcom", b"zlib") + box(b"cmvd", struct.pack(">I", claimed) + index))
        yield Hostile(f"compressed index that claims {claimed} bytes", _FTYP + box(b"moov", packed))
    flash = struct.pack("<I", 0xFFFFFFFF) + zlib.compress(bytes(64 << 20), 9)
    yield Hostile("compressed Flash", b"CWS\x06" + flash)
    yield from _compressed_blocks(clips["vp8.webm"])


def _compressed_blocks(webm: bytes) -> Iterator[Hostile]:
    """Matroska's own zlib (ContentEncodings, RFC 9559 5.1.4.1.31): the pictures' bytes are bombs."""
    track = webm.index(b"\xae", webm.index(b"\x16\x54\xae\x6b"))
    encodings = bytes.fromhex("6d80 8e 6240 8b 5031 81 00 5034 84 4254 81 00".replace(" ", ""))
    size = (
        webm[track + 1] & 0x7F if webm[track + 1] & 0x80 else int.from_bytes(webm[track + 1 : track + 9]) & (2**56 - 1)
    )
    width = 9 - webm[track + 1].bit_length()
    content = webm[track + 1 + width : track + 1 + width + size] + encodings
    tracks = b"\xae" + ((1 << 56) | len(content)).to_bytes(8) + content
    bomb = b"\x81\x00\x00\x80" + zlib.compress(bytes(200 << 20), 9)
    block = b"\xa3" + ((1 << 56) | len(bomb)).to_bytes(8) + bomb
    cluster = b"\xe7\x81\x00" + block * 3
    body = (
        b"\x16\x54\xae\x6b" + ((1 << 56) | len(tracks)).to_bytes(8) + tracks
        + b"\x1f\x43\xb6\x75" + ((1 << 56) | len(cluster)).to_bytes(8) + cluster
    )  # fmt: skip
    head = webm[: webm.index(b"\x18\x53\x80\x67")]
    yield Hostile("compressed blocks", head + b"\x18\x53\x80\x67" + ((1 << 56) | len(body)).to_bytes(8) + body)


def _loops(clips: dict[str, bytes]) -> Iterator[Hostile]:
    """What sends its reader back to where it was."""
    mkv = clips["h264.mkv"]
    for target in (0, 1, 2**31, 2**63 - 1):
        at = mkv.index(b"\x53\xac")  # SeekPosition
        width = mkv[at + 2] & 0x7F
        position = (target & ((1 << 8 * width) - 1)).to_bytes(width)
        yield Hostile(f"seek head that leads to {target}", mkv[: at + 3] + position + mkv[at + 3 + width :])
    mp4 = clips["plain.mp4"]
    for offset in (0, 8, 0x7FFFFFFF):
        at = mp4.index(b"stco") + 12
        yield Hostile(f"chunk at {offset}", mp4[:at] + struct.pack(">I", offset) + mp4[at + 4 :])
    ts = clips["h264.ts"]
    yield Hostile("the same packet 5,000 times", ts[:564] + ts[564:752] * 5000)
    yield Hostile("nothing but start codes", b"\x00\x00\x01\xba" + b"\x00\x00\x01" * 300_000)
    yield Hostile("nothing but sync bytes", b"\x47" * 1_000_000)
    yield Hostile("nothing but zeros", bytes(1_000_000))
    fragments = clips["fragmented.mp4"]
    at = fragments.index(b"moof") - 4
    yield Hostile("the same fragments 500 times", fragments[:at] + fragments[at:] * 200)
