"""Clips for two eyes, and MP4s whose parameter sets lie among their pictures: what FFmpeg's encoders do not make."""

from __future__ import annotations

import re
from pathlib import Path

from bitstream.helpers import ue
from clips import Clips, ffmpeg, picture_source
from orthanc_video.bitstream.nal import split_annexb

_START = b"\x00\x00\x00\x01"
_KEYS = "-g 10 -bf 0 -x264-params repeat-headers=1:scenecut=0"


def packed(clips: Clips, arrangement: int = 3, container: str = "mp4", arguments: str = "") -> Path:
    """H.264 that says of two views in each picture: 3 is side by side, 4 top and bottom."""
    streamable = "-movflags +faststart" if container == "mp4" else ""
    return clips.encoded(
        f"packed-{arrangement}{re.sub('[^a-z0-9]+', '-', arguments)}.{container}",
        f"-x264-params frame-packing={arrangement} {arguments} {streamable}",
    )


def multiview(clips: Clips, container: str = "ts") -> Path:
    """H.264 of two views (Annex H, Stereo High): the second eye's pictures are coded without regard to the first's.

    Two streams that x264 made with the same settings, picture by picture one after the other; the second's slices in
    NAL units of type 20, its parameter set in a subset one (7.3.1.1, 7.3.2.1.3).
    """
    base = clips.encoded("left.h264", _KEYS)
    path = base.with_name(f"multiview.{container}")
    if not path.exists():
        other = clips.encoded("right.h264", _KEYS, source=picture_source(then="negate"))
        raw = base.with_name("multiview.h264")
        raw.write_bytes(b"".join(_START + unit for unit in _interleaved(base.read_bytes(), other.read_bytes())))
        faststart = ["-movflags", "+faststart"] if container == "mp4" else []
        ffmpeg("-fflags", "+genpts", "-r", "30000/1001", "-i", raw, "-c", "copy", *faststart, path)
    return path


def _interleaved(base: bytes, other: bytes) -> list[bytes]:
    """Each picture of the base view with all that stands before it, then the other's."""
    second = [unit for unit in split_annexb(other) if unit[0] & 31 in {1, 5}]
    found = []
    for unit in split_annexb(base):
        found.append(unit)
        if unit[0] & 31 == 7:
            found.append(subset_of(unit))
        if unit[0] & 31 in {1, 5}:
            found.append(_of_second_view(second.pop(0)))
    assert not second
    return found


def subset_of(sps: bytes, views: int = 2) -> bytes:
    """The subset sequence parameter set, profile Stereo High, of views that are coded as this SPS says."""
    raw = sps[4:].replace(b"\x00\x00\x03", b"\x00\x00")  # behind the header, profile, constraints and level
    bits = "".join(f"{byte:08b}" for byte in raw).rstrip("0")[:-1]  # without rbsp_stop_one_bit
    bits += "1" + ue(views - 1)
    bits += "".join(ue(number) for number in range(views))  # view_id
    bits += (ue(0) + ue(0)) * (views - 1) * 2  # no pictures of other views are referred to, in anchors or others
    bits += (
        ue(0) + f"{sps[3]:08b}" + ue(0) + f"{0:03b}" + ue(0) + ue(0) + ue(views - 1)
    )  # one level, one operation point
    bits += "0" + "0"  # mvc_vui_parameters_present_flag, additional_extension2_flag
    bits += "1"
    packed_bits = int(bits + "0" * (-len(bits) % 8), 2).to_bytes(-(-len(bits) // 8))
    body = bytes([128, sps[2], sps[3]]) + packed_bits
    return bytes([sps[0] & 0x60 | 15]) + re.sub(rb"\x00\x00(?=[\x00-\x03])", b"\x00\x00\x03", body)


def _of_second_view(unit: bytes) -> bytes:
    """A slice as one of the view whose view_id is 1 (7.3.1.1, nal_unit_header_mvc_extension)."""
    other_than_idr = unit[0] & 31 != 5
    bits = f"0{other_than_idr:01b}{0:06b}{1:010b}{0:03b}{not other_than_idr:01b}01"
    return bytes([unit[0] & 0x60 | 20]) + int(bits, 2).to_bytes(3) + unit[1:]


def in_band(clips: Clips, *, emptied: bool) -> Path:
    """An ``avc3`` MP4 with parameter sets before each key frame; ``emptied``: in its index there are none."""
    raw = clips.encoded("in-band.h264", _KEYS)
    path = raw.with_name("avc3-emptied.mp4" if emptied else "avc3.mp4")
    if not path.exists():
        ffmpeg("-fflags", "+genpts", "-r", "30000/1001", "-i", raw, "-c", "copy", "-tag:v", "avc3",
               "-movflags", "+faststart", path)  # fmt: skip
        if emptied:
            path.write_bytes(_without_sets(path.read_bytes()))
    return path


def _without_sets(film: bytes) -> bytes:
    """With an avcC of no parameter sets, and a box of free room where they were."""
    data = bytearray(film)
    at = data.index(b"avcC") - 4
    size = int.from_bytes(data[at : at + 4])
    short = 8 + 7
    data[at : at + 4] = short.to_bytes(4)
    data[at + 13] &= 0xE0
    data[at + 14] = 0
    data[at + short : at + size] = (size - short).to_bytes(4) + b"free" + bytes(size - short - 8)
    return bytes(data)
