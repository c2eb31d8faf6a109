"""The one table of transfer syntaxes, with what each of them allows.

Of those that hold a video (PS3.5 8.2.5 to 8.2.11, A.4), and of pictures that are coded each by itself (8.2.1 to 8.2.4,
8.2.14, A.1 to A.4).
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

MPEG2_MAIN = "1.2.840.10008.1.2.4.100"
MPEG2_HIGH = "1.2.840.10008.1.2.4.101"
H264_HIGH_41 = "1.2.840.10008.1.2.4.102"
H264_BD = "1.2.840.10008.1.2.4.103"
H264_HIGH_42 = "1.2.840.10008.1.2.4.104"
H264_3D = "1.2.840.10008.1.2.4.105"
H264_STEREO = "1.2.840.10008.1.2.4.106"
HEVC_MAIN = "1.2.840.10008.1.2.4.107"
HEVC_MAIN_10 = "1.2.840.10008.1.2.4.108"

IMPLICIT = "1.2.840.10008.1.2"

# One fragment's length is a number of 32 bits, the largest of which means "undefined" (PS3.5 A.4).
LARGEST_FRAGMENT = 2**32 - 2

_NTSC, _CINEMA = Fraction(30000, 1001), Fraction(24000, 1001)


@dataclass(frozen=True, slots=True)
class Format:
    """A picture size (columns, rows) and the frame rates that go with it; ``progressive`` None: either scan.

    ``at_most``: smaller pictures are allowed, too.
    """

    width: int
    height: int
    rates: tuple[Fraction, ...]
    progressive: bool | None = None
    at_most: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoSyntax:
    """One video transfer syntax. ``keyword`` is its UID's (PS3.6 A), ``codec`` ffmpeg's name.

    ``profiles`` are those that each of its decoders must decode: profile_idc of H.264 and H.265, of MPEG-2 the profile
    of Table 8-2. ``levels`` likewise: level_idc (41 is H.264's 4.1, 153 H.265's 5.1), of MPEG-2 the codes of Table 8-3.
    ``formats`` are the only pictures that it takes, all within the level where there are none. ``bit_rate`` in bit/s,
    0 where the level says it all; a decoder's ``buffer`` in bits lets a moment have more. ``containers`` are ffmpeg's
    names. ``packed``: two views lie in one picture, and the
    stream says how (Table 8-8), None where the section does not speak of it; ``views`` are coded beside one another.
    ``method`` is the defined term of Lossy Image
    Compression Method (PS3.3 C.7.6.1.1.5).
    """

    uid: str
    keyword: str
    name: str
    section: str
    codec: str
    profiles: frozenset[int]
    levels: frozenset[int]
    containers: tuple[str, ...]
    media_type: str
    method: str
    bit_depth: int = 8
    formats: tuple[Format, ...] = ()
    bit_rate: int = 0
    buffer: int = 0
    square: bool = True
    packed: bool | None = None
    views: int = 1
    fragmentable: bool = False

    @property
    def stereo(self) -> bool:
        """Whether Stereo Pairs Present (0022,0028) has to be YES (PS3.5 8.2.8, 8.2.9)."""
        return bool(self.packed) or self.views > 1


_H264_41 = frozenset({9, 10, 11, 12, 13, 20, 21, 22, 30, 31, 32, 40, 41})
_HEVC_51 = frozenset({30, 60, 63, 90, 93, 120, 123, 150, 153})

_H264: dict[str, Any] = {
    "codec": "h264",
    "profiles": frozenset({66, 77, 100}),
    "containers": ("mp4", "mpegts"),
    "media_type": "video/mp4",
    "method": "ISO_14496_10",
}
# H.265 lies in as many fragments as its writer likes.
_HEVC: dict[str, Any] = {
    "codec": "hevc",
    "levels": _HEVC_51,
    "containers": ("mp4", "mpegts"),
    "media_type": "video/H265",
    "method": "ISO_23008_2",
    "fragmentable": True,
}
_MPEG2: dict[str, Any] = {
    "codec": "mpeg2video",
    "profiles": frozenset({4, 5}),
    "containers": ("mpeg", "mpegts", "mpegvideo", "mp4"),
    "media_type": "video/mpeg",
    "method": "ISO_13818_2",
}

_TELEVISION = (_NTSC, Fraction(30), Fraction(25))
_BASE = (
    VideoSyntax(
        uid=MPEG2_MAIN,
        keyword="MPEG2MPML",
        name="MPEG2 Main Profile / Main Level",
        section="8.2.5",
        levels=frozenset({10, 8}),
        bit_rate=15_000_000,
        buffer=1_835_008,
        square=False,
        formats=(
            Format(720, 480, (_NTSC, Fraction(30)), at_most=True),
            Format(720, 576, (Fraction(25),), at_most=True),
        ),
        **_MPEG2,
    ),
    VideoSyntax(
        uid=MPEG2_HIGH,
        keyword="MPEG2MPHL",
        name="MPEG2 Main Profile / High Level",
        section="8.2.6",
        levels=frozenset({10, 8, 6, 4}),
        bit_rate=80_000_000,
        buffer=9_781_248,
        formats=(
            Format(1280, 720, (*_TELEVISION, Fraction(60000, 1001), Fraction(60), Fraction(50)), progressive=True),
            Format(1920, 1080, _TELEVISION),
        ),
        **_MPEG2,
    ),
    VideoSyntax(
        uid=H264_HIGH_41,
        keyword="MPEG4HP41",
        name="MPEG-4 AVC/H.264 High Profile / Level 4.1",
        section="8.2.7",
        levels=_H264_41,
        **_H264,
    ),
    VideoSyntax(
        uid=H264_BD,
        keyword="MPEG4HP41BD",
        name="MPEG-4 AVC/H.264 BD-compatible High Profile / Level 4.1",
        section="8.2.7",
        levels=_H264_41,
        formats=(
            Format(1920, 1080, (Fraction(25), _NTSC), progressive=False),
            Format(1920, 1080, (Fraction(24), _CINEMA), progressive=True),
            Format(1280, 720, (Fraction(50), Fraction(60000, 1001), Fraction(24), _CINEMA), progressive=True),
        ),
        **_H264,
    ),
    VideoSyntax(
        uid=H264_HIGH_42,
        keyword="MPEG4HP422D",
        name="MPEG-4 AVC/H.264 High Profile / Level 4.2 For 2D Video",
        section="8.2.8",
        levels=_H264_41 | {42},
        packed=False,
        **_H264,
    ),
    VideoSyntax(
        uid=H264_3D,
        keyword="MPEG4HP423D",
        name="MPEG-4 AVC/H.264 High Profile / Level 4.2 For 3D Video",
        section="8.2.8",
        levels=_H264_41 | {42},
        packed=True,
        **_H264,
    ),
    VideoSyntax(
        uid=H264_STEREO,
        keyword="MPEG4HP42STEREO",
        name="MPEG-4 AVC/H.264 Stereo High Profile / Level 4.2",
        section="8.2.9",
        levels=_H264_41 | {42},
        views=2,
        **{**_H264, "profiles": frozenset({66, 77, 100, 128})},
    ),
    VideoSyntax(
        uid=HEVC_MAIN,
        keyword="HEVCMP51",
        name="HEVC/H.265 Main Profile / Level 5.1",
        section="8.2.10",
        profiles=frozenset({1}),
        **_HEVC,
    ),
    VideoSyntax(
        uid=HEVC_MAIN_10,
        keyword="HEVCM10P51",
        name="HEVC/H.265 Main 10 Profile / Level 5.1",
        section="8.2.11",
        profiles=frozenset({1, 2}),
        bit_depth=10,
        **_HEVC,
    ),
)

# The fragmentable twins (2022d, Supplement 225) exist for MPEG-2 and H.264 only: read, never written by default.
_TWINS = tuple(
    dataclasses.replace(
        base,
        uid=f"{base.uid}.1",
        keyword=f"{base.keyword}F",
        name=f"Fragmentable {base.name}",
        fragmentable=True,
    )
    for base in _BASE
    if base.codec != "hevc"
)

BY_UID: dict[str, VideoSyntax] = {syntax.uid: syntax for syntax in (*_BASE, *_TWINS)}

_JOINED = {twin.uid: base.uid for base in _BASE for twin in _TWINS if twin.uid == f"{base.uid}.1"}


def joined(uid: str) -> str:
    """The transfer syntax of the same stream in one fragment, for one that may lie in several."""
    return _JOINED.get(uid, uid)


# What a conforming stream is stored as, the least demanding first. Unasked, nothing is called BD-compatible; and no IOD
# holds Main 10, whose pixels are not of 8 bits (PS3.3 C.8.12.1).
PREFERRED: dict[str, tuple[VideoSyntax, ...]] = {
    "mpeg2video": (BY_UID[MPEG2_MAIN], BY_UID[MPEG2_HIGH]),
    "h264": (BY_UID[H264_HIGH_41], BY_UID[H264_HIGH_42]),
    "hevc": (BY_UID[HEVC_MAIN],),
}
# The same of H.264 with two views in one picture, and with two views side by side in the stream.
PACKED = (BY_UID[H264_3D],)
MULTIVIEW = (BY_UID[H264_STEREO],)

# What a request may name by UID or keyword. Fragmentable twins are read, not written.
BY_NAME: dict[str, VideoSyntax] = {name: base for base in _BASE for name in (base.uid, base.keyword.upper())}
# Why one of them is never made.
UNMADE: dict[str, str] = {
    HEVC_MAIN_10: (
        "its pixels have 10 bits, and no SOP class for video holds other than 8 (PS3.3 C.8.12.1); "
        "without TransferSyntax such a video becomes H.264"
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSyntax:
    """One transfer syntax of pictures that are coded each by itself, and shown here.

    ``media_type`` is what a frame is called on the web (PS3.18 Table 8.7.3-5).
    ``codec``: ``raw``, ``rle``, ``jpeg`` (lossy), ``ljpeg`` (lossless JPEG), ``jpegls`` or ``jpeg2000``, whose block
    coder may be that of HTJ2K. ``native`` says that the pictures are stored end to end. ``method`` is the defined term
    of Lossy Image Compression Method where pictures of it always lose something, or are written so here.
    """

    uid: str
    name: str
    codec: str
    native: bool = False
    method: str = ""

    @property
    def media_type(self) -> str:
        return "image/jphc" if self.name.startswith("High-Throughput") else _MEDIA_TYPES[self.codec]

    @property
    def lossy(self) -> bool:
        """Whether something of the pictures is lost in it, or may be (PS3.5 10.2 to 10.4, 10.18)."""
        return self.codec == "jpeg" or self.uid.removeprefix(_JPEG) in {"81", "91", "203"}


_MEDIA_TYPES = {
    "raw": "application/octet-stream",
    "rle": "image/dicom-rle",
    "jpeg": "image/jpeg",
    "ljpeg": "image/jpeg",
    "jpegls": "image/jls",
    "jpeg2000": "image/jp2",
}
_JPEG = "1.2.840.10008.1.2.4."
_IMAGES = (
    ImageSyntax(uid=IMPLICIT, name="Implicit VR Little Endian", codec="raw", native=True),
    ImageSyntax(uid="1.2.840.10008.1.2.1", name="Explicit VR Little Endian", codec="raw", native=True),
    ImageSyntax(uid="1.2.840.10008.1.2.1.98", name="Encapsulated Uncompressed Explicit VR Little Endian", codec="raw"),
    ImageSyntax(uid="1.2.840.10008.1.2.5", name="RLE Lossless", codec="rle"),
    ImageSyntax(uid=f"{_JPEG}50", name="JPEG Baseline", codec="jpeg", method="ISO_10918_1"),
    ImageSyntax(uid=f"{_JPEG}51", name="JPEG Extended", codec="jpeg", method="ISO_10918_1"),
    ImageSyntax(uid=f"{_JPEG}57", name="JPEG Lossless", codec="ljpeg"),
    ImageSyntax(uid=f"{_JPEG}70", name="JPEG Lossless, First-Order Prediction", codec="ljpeg"),
    ImageSyntax(uid=f"{_JPEG}80", name="JPEG-LS Lossless", codec="jpegls"),
    ImageSyntax(uid=f"{_JPEG}81", name="JPEG-LS Near-Lossless", codec="jpegls", method="ISO_14495_1"),
    ImageSyntax(uid=f"{_JPEG}90", name="JPEG 2000 Lossless", codec="jpeg2000"),
    ImageSyntax(uid=f"{_JPEG}91", name="JPEG 2000", codec="jpeg2000", method="ISO_15444_1"),
    ImageSyntax(uid=f"{_JPEG}201", name="High-Throughput JPEG 2000 Lossless", codec="jpeg2000"),
    ImageSyntax(uid=f"{_JPEG}202", name="High-Throughput JPEG 2000 Lossless with RPCL", codec="jpeg2000"),
    ImageSyntax(uid=f"{_JPEG}203", name="High-Throughput JPEG 2000", codec="jpeg2000"),
)
IMAGES: dict[str, ImageSyntax] = {syntax.uid: syntax for syntax in _IMAGES}
