"""What the fuzzer begins with: headers of generated clips, each behind the number of the target that it is for."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import av

import fields
import views
from clips import Clips, picture_source
from fuzz import targets
from orthanc_video.bitstream.nal import split_annexb

LONGEST = 8192

_TINY = picture_source(seconds=0.2, rate="25", size="64x64")
_STREAMS = {
    "tiny.h264": "-x264-params frame-packing=3:nal-hrd=vbr:vbv-maxrate=800:vbv-bufsize=800",
    "tiny-fields.h264": "-flags +ildct+ilme -x264-params tff=1:open-gop=1:keyint=2",
    "tiny-444.h264": "-pix_fmt yuv444p10le -vf setsar=97/89 -color_range pc -colorspace bt709",
    "tiny.hevc": "-x265-params log-level=none:scaling-list=default:vui-timing-info=1",
    "tiny-layers.hevc": "-x265-params log-level=none:temporal-layers=1:bframes=2",
    "tiny.m2v": "-g 3 -bf 1",
    "tiny-4.mp4": "-movflags +faststart",
    "tiny-fragments.mp4": "-movflags frag_keyframe+empty_moov",
    "tiny-5.mp4": "-tag:v hvc1",
    "tiny.ts": "",
    "tiny-2.ts": "",
    "tiny-2.vob": "",
}


def fill(folder: Path, clips: Path) -> None:
    """Writes the corpus to ``folder``, its clips to another one."""
    for data in _inputs(Clips(clips)):
        (folder / hashlib.sha256(data).hexdigest()[:20]).write_bytes(data)


def _inputs(clips: Clips) -> Iterator[bytes]:
    for name, arguments in _STREAMS.items():
        codec = "hevc" if "hevc" in name or "5" in name else "mpeg2" if "m2v" in name or "-2." in name else "h264"
        path = clips.encoded(name, arguments, codec=codec, source=_TINY)
        yield from _of_file(path, codec)
    for unit in split_annexb(views.multiview(clips).with_name("multiview.h264").read_bytes()[:LONGEST]):
        yield _for(targets.h264_unit, unit[:400])
    yield _for(targets.boxes, views.in_band(clips, emptied=True).read_bytes()[:LONGEST])
    paired = fields.written(clips.video("h264", "ts").with_name("fields.h264"), fields.film(["pair"] * 2), apart=True)
    yield _for(targets.byte_stream, paired.read_bytes()[:LONGEST])
    # A sequence with buffers and pic_struct, and picture timing with two clocks (bitstream/test_clocks.py has them).
    sequence = bytes.fromhex("674d000ada10850500108210921405")
    yield _for(targets.timed_messages, bytes([len(sequence)]) + sequence + bytes.fromhex("ae676480ef1ea80007bd3d"))
    yield _for(targets.jpeg_header, clips.jpeg().read_bytes()[:700])


def _of_file(path: Path, codec: str) -> Iterator[bytes]:
    data = path.read_bytes()[: LONGEST - 1]
    if path.suffix == ".mp4":
        yield _for(targets.boxes, data)
    elif path.suffix == ".ts":
        yield _for(targets.transport_stream, data)
        yield _for(targets.tables, data[188 + 4 : 376])  # of the first packets, FFmpeg's muxer puts the tables second
        yield _for(targets.tables, data[376 + 4 : 564])
    elif path.suffix == ".vob":
        yield _for(targets.program_stream, data)
    elif codec == "mpeg2":
        yield _for(targets.mpeg2_stream, data[:1000])
    else:
        yield _for(targets.byte_stream, data[:2000])
        for unit in split_annexb(data):
            yield _for(targets.hevc_unit if codec == "hevc" else targets.h264_unit, unit[:400])
    with av.open(path) as container:
        yield _for(targets.configuration, bytes(container.streams.video[0].codec_context.extradata or b""))


def _for(target: object, data: bytes) -> bytes:
    return bytes([[*targets.TARGETS].index(target)]) + data  # type: ignore[arg-type]
