"""The one table of transfer syntaxes: of those that hold a video (PS3.5 8.2.5 to 8.2.11, A.4), and of pictures that are
coded each by itself (PS3.5 8.2.1 to 8.2.4, 8.2.14, A.1 to A.4)."""

from __future__ import annotations

from dataclasses import dataclass

H264_HIGH_41 = "1.2.840.10008.1.2.4.102"
H264_HIGH_42 = "1.2.840.10008.1.2.4.104"


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoSyntax:
    """One video transfer syntax: ``codec`` is ffmpeg's name, ``level`` the highest level_idc that it allows.

    ``method`` is the defined term of Lossy Image Compression Method (PS3.3 C.7.6.1.1.5).
    """

    uid: str
    name: str
    codec: str
    level: int
    media_type: str
    method: str


_H264 = {"codec": "h264", "media_type": "video/mp4", "method": "ISO_14496_10"}
_HEVC = {"codec": "hevc", "media_type": "video/H265", "method": "ISO_23008_2"}
_MPEG2 = {"codec": "mpeg2video", "media_type": "video/mpeg", "method": "ISO_13818_2"}

_BASE = (
    VideoSyntax(uid="1.2.840.10008.1.2.4.100", name="MPEG2 Main Profile / Main Level", level=8, **_MPEG2),
    VideoSyntax(uid="1.2.840.10008.1.2.4.101", name="MPEG2 Main Profile / High Level", level=4, **_MPEG2),
    VideoSyntax(uid=H264_HIGH_41, name="MPEG-4 AVC/H.264 High Profile / Level 4.1", level=41, **_H264),
    VideoSyntax(
        uid="1.2.840.10008.1.2.4.103",
        name="MPEG-4 AVC/H.264 BD-compatible High Profile / Level 4.1",
        level=41,
        **_H264,
    ),
    VideoSyntax(uid=H264_HIGH_42, name="MPEG-4 AVC/H.264 High Profile / Level 4.2 For 2D Video", level=42, **_H264),
    VideoSyntax(
        uid="1.2.840.10008.1.2.4.105",
        name="MPEG-4 AVC/H.264 High Profile / Level 4.2 For 3D Video",
        level=42,
        **_H264,
    ),
    VideoSyntax(
        uid="1.2.840.10008.1.2.4.106", name="MPEG-4 AVC/H.264 Stereo High Profile / Level 4.2", level=42, **_H264
    ),
    VideoSyntax(uid="1.2.840.10008.1.2.4.107", name="HEVC/H.265 Main Profile / Level 5.1", level=153, **_HEVC),
    VideoSyntax(uid="1.2.840.10008.1.2.4.108", name="HEVC/H.265 Main 10 Profile / Level 5.1", level=153, **_HEVC),
)

# The fragmentable twins (2022d, Supplement 225) exist for MPEG-2 and H.264 only: read, never written by default.
_TWINS = tuple(
    VideoSyntax(
        uid=f"{base.uid}.1",
        name=f"Fragmentable {base.name}",
        codec=base.codec,
        level=base.level,
        media_type=base.media_type,
        method=base.method,
    )
    for base in _BASE
    if base.codec != "hevc"
)

BY_UID: dict[str, VideoSyntax] = {syntax.uid: syntax for syntax in (*_BASE, *_TWINS)}


def h264_for_level(level: int) -> VideoSyntax | None:
    """The least demanding syntax whose decoders must take an H.264 stream of this level_idc; None above 4.2."""
    for uid in (H264_HIGH_41, H264_HIGH_42):
        if level <= BY_UID[uid].level:
            return BY_UID[uid]
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSyntax:
    """One transfer syntax of pictures that are coded each by itself, and shown here.

    ``codec``: ``raw``, ``rle``, ``jpeg`` (lossy), ``ljpeg`` (lossless JPEG), ``jpegls`` or ``jpeg2000``, whose block
    coder may be that of HTJ2K. ``native`` says that the pictures are stored end to end.
    """

    uid: str
    name: str
    codec: str
    native: bool = False


_JPEG = "1.2.840.10008.1.2.4."
_IMAGES = (
    ImageSyntax(uid="1.2.840.10008.1.2", name="Implicit VR Little Endian", codec="raw", native=True),
    ImageSyntax(uid="1.2.840.10008.1.2.1", name="Explicit VR Little Endian", codec="raw", native=True),
    ImageSyntax(uid="1.2.840.10008.1.2.1.98", name="Encapsulated Uncompressed Explicit VR Little Endian", codec="raw"),
    ImageSyntax(uid="1.2.840.10008.1.2.5", name="RLE Lossless", codec="rle"),
    ImageSyntax(uid=f"{_JPEG}50", name="JPEG Baseline", codec="jpeg"),
    ImageSyntax(uid=f"{_JPEG}51", name="JPEG Extended", codec="jpeg"),
    ImageSyntax(uid=f"{_JPEG}57", name="JPEG Lossless", codec="ljpeg"),
    ImageSyntax(uid=f"{_JPEG}70", name="JPEG Lossless, First-Order Prediction", codec="ljpeg"),
    ImageSyntax(uid=f"{_JPEG}80", name="JPEG-LS Lossless", codec="jpegls"),
    ImageSyntax(uid=f"{_JPEG}81", name="JPEG-LS Near-Lossless", codec="jpegls"),
    ImageSyntax(uid=f"{_JPEG}90", name="JPEG 2000 Lossless", codec="jpeg2000"),
    ImageSyntax(uid=f"{_JPEG}91", name="JPEG 2000", codec="jpeg2000"),
    ImageSyntax(uid=f"{_JPEG}201", name="High-Throughput JPEG 2000 Lossless", codec="jpeg2000"),
    ImageSyntax(uid=f"{_JPEG}202", name="High-Throughput JPEG 2000 Lossless with RPCL", codec="jpeg2000"),
    ImageSyntax(uid=f"{_JPEG}203", name="High-Throughput JPEG 2000", codec="jpeg2000"),
)
IMAGES: dict[str, ImageSyntax] = {syntax.uid: syntax for syntax in _IMAGES}
