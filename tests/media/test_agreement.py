"""Parsers and probe say of a clip what ffprobe says: every codec that passes through, profile, scan and container."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import av
import pytest

import views
from bitstream.helpers import BytesSource, ffprobe
from clips import MATRIX, Clips, picture_source
from orthanc_video.bitstream import h264, hevc, mpeg2, opening
from orthanc_video.bitstream.mp4 import layout, samples, tracks
from orthanc_video.bitstream.nal import is_byte_stream, split_annexb, split_lengths
from orthanc_video.media.probe import probe

_FAST = "-movflags +faststart"


class _Clip(NamedTuple):
    """``suffix`` is the container's."""

    suffix: str
    make: Callable[[Clips], Path]


def _clip(name: str, arguments: str = "", codec: str = "h264", **source: Any) -> _Clip:
    graph = picture_source(**source) if source else ""
    return _Clip(Path(name).suffix, lambda clips: clips.encoded(f"agreed-{name}", arguments, codec=codec, source=graph))


def _carried(codec: str, kind: str) -> _Clip:
    return _Clip(f".{kind}", lambda clips: clips.video(codec, kind))


def _interlaced(name: str, codec: str, then: str, arguments: str) -> _Clip:
    return _clip(name, f"-flags +ildct+ilme {arguments}", codec, rate="25", size="320x240", then=f"setfield={then}")


_CLIPS: dict[str, _Clip] = {
    **{f"{codec} in {kind}": _carried(codec, kind) for codec, kind in MATRIX if codec in {"h264", "hevc", "mpeg2"}},
    # H.264: profiles, levels, sizes, scan, pixels, rates, groups.
    "constrained baseline": _clip("cb.mp4", "-profile:v baseline"),
    "main": _clip("main.mp4", "-profile:v main"),
    "high 10": _clip("high10.mp4", "-pix_fmt yuv420p10le"),
    "high 4:2:2": _clip("high422.mp4", "-pix_fmt yuv422p"),
    "high 4:4:4": _clip("high444.mp4", "-pix_fmt yuv444p"),
    "grey": _clip("grey.mp4", "-pix_fmt gray"),
    "level 4.1": _clip("41.mp4", "-level 4.1"),
    "level 5.2": _clip("52.ts", "-level 5.2"),
    "level 1b": _clip("1b.mp4", "-profile:v baseline -level 1b -refs 1 -b:v 90k -maxrate 90k -bufsize 300k",
                      size="128x96", rate="10"),
    "cropped": _clip("cropped.mp4", "", size="158x118"),
    "odd, 4:4:4": _clip("odd.mkv", "-pix_fmt yuv444p", size="101x67"),
    "Full HD": _clip("hd.mp4", _FAST, size="1920x1080", seconds=0.2),
    "upright": _clip("upright.mp4", "", size="120x160"),
    "top field first": _interlaced("tff.mp4", "h264", "tff", "-x264-params tff=1"),
    "bottom field first": _interlaced("bff.ts", "h264", "bff", "-x264-params bff=1"),
    "wide pixels": _clip("sar.mp4", "", then="setsar=16/11"),
    "pixels of their own": _clip("sar2.mp4", "", then="setsar=97/89"),
    "full range, BT.709": _clip("pc.mp4", "-color_range pc -colorspace bt709 -color_trc bt709 -color_primaries bt709"),
    "24/1.001": _clip("cinema.mp4", "", rate="24000/1001"),
    "50": _clip("50.ts", "", rate="50"),
    "12.5": _clip("12.mp4", "", rate="25/2"),
    "no B frames": _clip("nob.mp4", "-bf 0 -refs 1"),
    "five B frames, pyramid": _clip("b5.mp4", "-bf 5 -x264-params b-adapt=0:b-pyramid=normal:ref=6"),
    "five B frames in TS": _clip("b5.ts", "-bf 5 -x264-params b-adapt=0:b-pyramid=normal:ref=6"),
    "open groups": _clip("open.mp4", "-g 8 -x264-params open-gop=1"),
    "all key frames": _clip("intra.mp4", "-g 1"),
    "gradual refresh": _clip("refresh.mp4", "-x264-params intra-refresh=1:keyint=15"),
    "several slices": _clip("slices.mp4", "-slices 4"),
    "fragments": _Clip("", Clips.fragmented),
    "variable rate": _Clip(".mp4", Clips.variable_rate),
    "cut by its edits": _Clip("", Clips.cut_by_edits),
    "side by side": _Clip(".mp4", views.packed),
    "two views": _Clip(".mp4", lambda clips: views.multiview(clips, "mp4")),
    "avc3": _Clip(".mp4", lambda clips: views.in_band(clips, emptied=False)),
    # H.265.
    "H.265, main 10": _clip("main10.mp4", "-pix_fmt yuv420p10le -tag:v hvc1", "hevc"),
    "H.265, 4:2:2": _clip("422.mkv", "-pix_fmt yuv422p10le", "hevc"),
    "H.265, cropped": _clip("cropped.hevc.mp4", "", "hevc", size="158x118"),
    "H.265, wide pixels": _clip("sar.hevc.mp4", "", "hevc", then="setsar=4/3"),
    "H.265, level 5.1": _clip("51.hevc.ts", "-bsf:v hevc_metadata=level=153", "hevc"),
    "H.265, no B frames": _clip("nob.hevc.mp4", "-x265-params log-level=none:bframes=0", "hevc"),
    "H.265, deep pyramid": _clip("b4.hevc.mp4", "-x265-params log-level=none:bframes=4:b-pyramid=1:b-adapt=0", "hevc"),
    "H.265, open groups": _clip("open.hevc.ts", "-x265-params log-level=none:open-gop=1:keyint=8:min-keyint=8", "hevc"),
    "H.265, hev1": _clip("hev1.mp4", "-tag:v hev1", "hevc"),
    "H.265, upright 50": _clip("50.hevc.mp4", "", "hevc", size="120x160", rate="50"),
    # MPEG-2.
    "MPEG-2, top field first": _interlaced("tff.ts", "mpeg2", "tff", ""),
    "MPEG-2, 4:2:2": _clip("422.ts", "-pix_fmt yuv422p", "mpeg2"),
    "MPEG-2, DVD": _clip("dvd.mpg", "-aspect 16:9 -f vob", "mpeg2", size="720x576", rate="25", seconds=0.4),
    "MPEG-2, HD": _clip("hd.ts", "", "mpeg2", size="1920x1080", rate="25", seconds=0.2),
    "MPEG-2, no B frames": _clip("nob.ts", "-bf 0", "mpeg2"),
    "MPEG-2, B frames": _clip("b2.ts", "-bf 2 -g 12", "mpeg2"),
    "MPEG-2, closed groups": _clip("closed.mpg", "-bf 2 -g 6 -flags +cgop -sc_threshold 1000000000", "mpeg2"),
    "MPEG-2, stream of its own": _clip("own.m2v", "-bf 2", "mpeg2"),
}  # fmt: skip

_PROFILES: dict[str, dict[str, int]] = {
    "h264": {"Constrained Baseline": 66, "Main": 77, "High": 100, "High 10": 110, "High 4:2:2": 122,
             "High 4:4:4 Predictive": 244},
    "hevc": {"Main": 1, "Main 10": 2, "Rext": 4},
    "mpeg2video": {"Main": 4, "4:2:2": 0},
}  # fmt: skip


@pytest.mark.parametrize("name", _CLIPS)
def test_the_probe_says_what_ffprobe_says(clips: Clips, name: str) -> None:
    clip = _CLIPS[name].make(clips)
    video, said = (
        probe(clip).video,
        ffprobe(clip, "-select_streams", "v:0", "-show_streams", "-count_packets")["streams"][0],
    )
    assert video.codec == said["codec_name"]
    assert video.profile_idc == _PROFILES[video.codec][said["profile"]]
    assert video.level == said["level"]
    assert (video.width, video.height) == (said["width"], said["height"])
    # Of 4:0:0 FFmpeg tells what its decoder makes of it.
    assert video.pixel_format == ("gray" if name == "grey" else said["pix_fmt"])
    assert video.full_range == (said.get("color_range") == "pc")
    assert video.frames == int(said["nb_read_packets"])
    # ffprobe knows no aspect where the stream says none.
    assert video.pixel_aspect.fraction == Fraction(*map(int, said.get("sample_aspect_ratio", "1:1").split(":")))
    if said.get("field_order", "unknown") != "unknown":
        assert video.progressive == (said["field_order"] == "progressive")
    if video.constant_rate and video.timed and "cut" not in name:
        assert video.rate.fraction == Fraction(said["r_frame_rate"])
    if "refs" in said and video.codec == "h264":
        assert max(1, video.reference_frames) >= said["refs"]


def _sequence(clip: Path) -> tuple[str, Any, bytes]:
    """The codec, its first sequence header as parsed here, and the configuration as FFmpeg has it."""
    with av.open(clip) as container:
        context = container.streams.video[0].codec_context
        extradata, codec = bytes(context.extradata or b""), context.codec.canonical_name
    if codec == "h264":
        return codec, h264.parse_sps(h264.parameter_sets(extradata)[0][0]), extradata
    if codec == "hevc":
        return codec, hevc.parse_sps(hevc.parameter_sets(extradata).sps[0]), extradata
    return codec, mpeg2.parse_sequence(extradata), extradata


@pytest.mark.parametrize("name", _CLIPS)
def test_sequence_headers_say_what_ffprobe_says(clips: Clips, name: str) -> None:
    clip = _CLIPS[name].make(clips)
    codec, sequence, _ = _sequence(clip)
    said = ffprobe(clip, "-select_streams", "v:0", "-show_streams")["streams"][0]
    assert (sequence.width, sequence.height) == (said["width"], said["height"])
    if codec == "mpeg2video":
        assert sequence.rate == Fraction(said["r_frame_rate"])
        assert sequence.low_delay == (said["has_b_frames"] == 0)
        return
    reorder = sequence.max_num_reorder_frames if codec == "h264" else sequence.max_num_reorder
    assert reorder == said["has_b_frames"] or (reorder, said["has_b_frames"]) == (None, 0)
    coded = (sequence.coded_width, sequence.coded_height)
    if codec == "hevc":
        assert coded == (said["coded_width"], said["coded_height"])
    else:  # of H.264, ffprobe tells what is left after cropping
        assert all(
            0 <= coded[at] - (sequence.width, sequence.height)[at] < 16 * (2 - sequence.frame_mbs_only) for at in (0, 1)
        )
        assert all(side % 16 == 0 for side in coded)
    if sequence.num_units_in_tick:
        fields = 2 if codec == "h264" else 1
        rate = Fraction(sequence.time_scale, fields * sequence.num_units_in_tick)
        assert rate == Fraction(said["r_frame_rate"]) or not probe(clip).video.constant_rate
    colours = sequence.signal
    assert (colours.matrix == 1) == (said.get("color_space") == "bt709")


@pytest.mark.parametrize("name", [name for name in _CLIPS if "two views" not in name])
def test_key_frames_are_those_of_ffprobe(clips: Clips, name: str) -> None:
    """Each packet's first picture by its own bits, against what FFmpeg's demuxer and parser say of the packet."""
    clip = _CLIPS[name].make(clips)
    codec, _, extradata = _sequence(clip)
    size = 0
    if extradata and not is_byte_stream(extradata) and codec != "mpeg2video":
        size = (h264.split_avcc if codec == "h264" else hevc.split_hvcc)(extradata).nal_length_size
    with av.open(clip) as container:
        packets = [packet for packet in container.demux(container.streams.video[0]) if packet.size]
        for packet in packets:
            data = bytes(packet)
            if codec == "mpeg2video":
                found = opening.of_mpeg2(data)
            else:
                units = (bytes(unit) for unit in split_lengths(data, size)) if size else split_annexb(data)
                found = opening.of_units(codec, units)
            assert found is not None
            if "gradual" not in name:  # where FFmpeg calls a picture a key frame from which others become right
                assert found.key == packet.is_keyframe
        assert bool(packets[0].is_keyframe)


@pytest.mark.parametrize("name", [name for name, clip in _CLIPS.items() if clip.suffix in {".mp4", ".mov"}])
def test_the_index_says_what_ffprobe_says(clips: Clips, name: str) -> None:
    """Of MP4 and MOV: each frame's place, size, times and key flag."""
    clip = _CLIPS[name].make(clips)
    source = BytesSource(clip.read_bytes())
    track = next(track for track in tracks(source) if track.handler == "vide")
    assert not layout(source).fragmented
    table = samples(source, track)
    said = ffprobe(clip, "-select_streams", "v:0", "-show_packets")["packets"]
    found = zip(table.offset, table.size, table.time, table.decode_time, table.key, strict=True)
    assert [(int(o), int(s), int(t), int(d), bool(k)) for o, s, t, d, k in found] == [
        (int(p["pos"]), int(p["size"]), p["pts"], p["dts"], "K" in p["flags"]) for p in said
    ]
