"""What a file's first bytes say it is. Pure; decides only which sentence a refusal gets and where bytes go."""

from __future__ import annotations

import struct

from orthanc_video.bitstream import ts

HEAD = 4096

_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"%PDF", "a PDF document"),
    (0, b"\xff\xd8\xff", "a JPEG image"),
    (0, b"\x89PNG", "a PNG image"),
    (0, b"GIF8", "a GIF image"),
    (0, b"BM", "a BMP image"),
    (0, b"II*\x00", "a TIFF image"),
    (0, b"MM\x00*", "a TIFF image"),
    (0, b"ID3", "an MP3 sound"),
    (0, b"fLaC", "a FLAC sound"),
    (8, b"WAVE", "a WAV sound"),
    (8, b"WEBP", "a WebP image"),
    (0, b"Rar!", "a RAR archive"),
    (0, b"7z\xbc\xaf", "a 7z archive"),
    (0, b"\x1f\x8b", "a gzip archive"),
    (0, b"MZ", "a program"),
    (0, b"\x7fELF", "a program"),
    (0, b"<", "a text (XML or HTML)"),
    (0, b"{", "a text (JSON)"),
    (0, b"#EXTM3U", "a playlist"),
    (0, b"ffconcat", "a playlist"),
)


def is_dicom(head: bytes) -> bool:
    """DICOM Part 10 (PS3.10 7.1), or a bare data set that begins with group 0002 or 0008."""
    if head[128:132] == b"DICM":
        return True
    if len(head) < 8:
        return False
    explicit = head[4:6].isalpha() and head[4:6].isupper()
    if head[0:2] in (b"\x00\x02", b"\x00\x08") and head[2] == 0:  # big endian
        return explicit
    little = head[0:2] in (b"\x02\x00", b"\x08\x00") and head[3] == 0
    return little and (explicit or int.from_bytes(head[4:8], "little") <= 1024)


def is_zip(head: bytes) -> bool:
    return head.startswith((b"PK\x03\x04", b"PK\x05\x06"))


def container(head: bytes) -> str:
    """A video container by its first bytes (ffmpeg's demuxer name), or an empty string."""
    if head[4:8] in {b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"moof", b"styp"}:
        return "mov,mp4,m4a,3gp,3g2,mj2"
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return "matroska,webm"
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return "avi"
    if head[:4] == b"\x00\x00\x01\xba":
        return "mpeg"
    if head[:4] == b"\x00\x00\x01\xb3":
        return "mpegvideo"
    return "mpegts" if ts.packet_layout(head) else ""


def what_else(head: bytes) -> str:
    """In words, what a file that is no video seems to be, or an empty string."""
    for offset, magic, words in _MAGIC:
        if head[offset : offset + len(magic)] == magic:
            return words
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        text = head[: error.start].decode("utf-8") if error.start > len(head) - 4 else ""
    if text and all(character.isprintable() or character in "\r\n\t\f" for character in text):
        return "a text"
    return ""


def claimed_size(head: bytes) -> tuple[int, int]:
    """The largest picture size that an AVI file's headers announce (avih, strf); 0 × 0 where none does."""
    sizes = [(0, 0)]
    if container(head) == "avi":
        for name, offset in ((b"avih", 40), (b"strf", 12)):
            at = head.find(name)
            if 0 <= at <= len(head) - offset - 8:
                width, height = struct.unpack_from("<ii", head, at + offset)
                sizes.append((abs(width), abs(height)))
    return max(sizes)


def missing_bytes(head: bytes, size: int) -> int:
    """How many bytes short of its own declaration a Matroska or AVI file is (0: complete, or it does not say)."""
    kind = container(head)
    if kind == "avi":
        declared = 8 + struct.unpack("<I", head[4:8])[0]
        return max(0, declared - size) if declared < 0xFFFFFFF0 else 0
    if kind == "matroska,webm":
        return _matroska_missing(head, size)
    return 0


def _matroska_missing(head: bytes, size: int) -> int:
    at = 0
    for _ in range(8):
        if at + 4 > len(head):
            return 0
        identifier = head[at : at + 4]
        length, width = _vint(head, at + 4)
        if length is None:
            return 0
        at += 4 + width
        if identifier == b"\x18\x53\x80\x67":
            return max(0, at + length - size)
        at += length
    return 0


def _vint(head: bytes, at: int) -> tuple[int | None, int]:
    """An EBML variable-size integer (RFC 8794 section 4) and its width; None for "unknown size" or a broken one."""
    if at >= len(head) or head[at] == 0:
        return None, 1
    width = 9 - head[at].bit_length()
    raw = int.from_bytes(head[at : at + width], "big") & ((1 << (7 * width)) - 1)
    return (None if raw == (1 << (7 * width)) - 1 else raw), width
