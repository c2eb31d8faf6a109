"""Films whose streams say at what time of day they were taken, and what of that ffprobe reads."""

from __future__ import annotations

import re
from pathlib import Path

from bitstream.helpers import nal_of, shown_pictures, traced
from clips import Clips
from orthanc_video.bitstream.bits import unescape
from orthanc_video.bitstream.nal import split_annexb
from orthanc_video.bitstream.userdata import messages

_START = b"\0\0\0\1"
_TIMING = 1
_TIME = re.compile(r"\d\d:\d\d:\d\d[:;]\d\d")
# How many timestamps a whole frame has that has two fields (H.264 Table D-1).
_TIMESTAMPS = {"0011": 2, "0100": 2}


def mpeg2(clips: Clips, kind: str, begin: str = "10:15:30:00") -> Path:
    """As recorders write it: each group has a time code."""
    options = f"-bf 2 -g 12 -gop_timecode {begin}" if begin else "-bf 2 -g 12"
    return clips.encoded(f"clock-{begin.replace(':', '')}.{kind}", options, codec="mpeg2")


def timed(clips: Clips, more: str = "") -> bytes:
    """A stream of x264's whose pictures have clock timestamps: 10:15:30, and the picture's number."""
    options = f"-bf 0 -b:v 1M -maxrate 1M -bufsize 1M -x264-params nal-hrd=vbr:pic-struct=1{more} -bsf:v null"
    path = clips.encoded(f"untimed{len(more)}.h264", options)
    said, pieces, number = traced(path), [], 0
    delays = sum(said[f"{name}_length_minus1"] + 1 for name in ("cpb_removal_delay", "dpb_output_delay"))
    for unit in split_annexb(path.read_bytes()):
        found = messages(unescape(unit[1:])) if unit[0] == 6 else None
        if found and found[0][0] == _TIMING:
            bits = f"{int.from_bytes(found[0][1]):0{8 * len(found[0][1])}b}"[: delays + 4]
            clock = "1" + "000" + "00000" + "100" + f"{number % 25:08b}{30:06b}{15:06b}{10:05b}"
            payload = payload_of(bits + clock * _TIMESTAMPS.get(bits[-4:], 1))
            pieces.append(nal_of(b"\x06", "".join(f"{byte:08b}" for byte in bytes([_TIMING, len(payload)]) + payload)))
            number += 1
        else:
            pieces.append(unit)
    return b"".join(_START + unit for unit in pieces)


def payload_of(bits: str) -> bytes:
    """That of an SEI message, whose last byte is filled up."""
    filled = bits + ("1" + "0" * (-(len(bits) + 1) % 8) if len(bits) % 8 else "")
    return int("1" + filled, 2).to_bytes(len(filled) // 8 + 1)[1:]


def told(path: Path) -> set[str]:
    """The times of day that decoded pictures carry."""
    sides = [str(picture.get("side_data_list")) for picture in shown_pictures(path)]
    return {time for side in sides for time in _TIME.findall(side)}
