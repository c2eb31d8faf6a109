"""Clips that ffmpeg makes once per session."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bitstream.helpers import ffmpeg

SPS_CLIPS = {
    "cropped": "-i testsrc2=s=854x480:r=30000/1001 -vf setsar=4/3",
    "full_hd": "-i testsrc2=s=1920x1080:r=30 -x264-params ref=4:nal-hrd=vbr:vbv-maxrate=8000:vbv-bufsize=8000",
    "interlaced": "-i testsrc2=s=640x360:r=25 -vf setfield=tff,setsar=16/11 -flags +ildct+ilme -x264-params tff=1",
    "baseline": "-i testsrc2=s=176x144:r=10 -profile:v baseline -level 1.1",
    "extended_aspect": "-i testsrc2=s=320x240:r=25 -vf setsar=97/89 -color_range pc -colorspace bt709 -level 3.2",
    "ten_bit_422": "-i testsrc2=s=320x240:r=60 -pix_fmt yuv422p10le -level 5.1",
    "odd_444": "-i testsrc2=s=101x67:r=25 -pix_fmt yuv444p",
    "odd_gray": "-i testsrc2=s=101x67:r=25 -pix_fmt gray",
    "constant_rate": "-i testsrc2=s=320x240:r=25 -x264-params force-cfr=1",
    "lossless": "-i testsrc2=s=320x240:r=25 -qp 0",
}

HEVC_CLIPS = {
    "cropped": "-i testsrc2=s=854x480:r=30000/1001 -vf setsar=4/3 -x265-params vui-timing-info=1",
    "full_hd": "-i testsrc2=s=1920x1080:r=30 -frames:v 4 -x265-params bframes=4:b-pyramid=1:ref=4",
    "fields": "-i testsrc2=s=640x360:r=50 -x265-params interlace=tff",
    "layers": "-i testsrc2=s=320x240:r=25 -x265-params temporal-layers=1:bframes=3",
    "ten_bit": "-i testsrc2=s=320x240:r=60 -pix_fmt yuv420p10le -vf setsar=97/89"
    " -x265-params colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc:range=full",
    "ten_bit_422": "-i testsrc2=s=320x240:r=25 -pix_fmt yuv422p10le",
    "odd_444": "-i testsrc2=s=101x67:r=25 -pix_fmt yuv444p",
    "gray": "-i testsrc2=s=320x240:r=25 -pix_fmt gray",
    "scaling": "-i testsrc2=s=320x240:r=25 -x265-params scaling-list=default:hrd=1:vbv-maxrate=900:vbv-bufsize=900",
    "high_tier": "-i testsrc2=s=320x240:r=25 -x265-params high-tier=1:level-idc=51:vbv-maxrate=90000:vbv-bufsize=90000",
    "all_keys": "-i testsrc2=s=320x240:r=25 -x265-params keyint=1",
}

# ffmpeg's MPEG-2 encoder takes no colours of its input: it is told them.
MPEG2_CLIPS = {
    "dvd": "-i testsrc2=s=720x576:r=25 -vf setdar=16/9 -b:v 6M -maxrate 6M -bufsize 1835k -frames:v 6",
    "closed": "-i testsrc2=s=160x120:r=25 -g 6 -bf 2 -flags +cgop -sc_threshold 1000000000",
    "open": "-i testsrc2=s=160x120:r=30000/1001 -g 6 -bf 2",
    "drop": "-i testsrc2=s=160x120:r=30000/1001 -timecode 00:01:00;02",
    "timecode": "-i testsrc2=s=160x120:r=25 -timecode 10:20:30:12",
    "interlaced": "-i testsrc2=s=320x240:r=25 -vf setfield=tff -flags +ildct+ilme",
    "low_delay": "-i testsrc2=s=160x120:r=50 -bf 0 -flags +low_delay",
    "simple": "-i testsrc2=s=160x120:r=24 -profile:v simple",
    "4_2_2": "-i testsrc2=s=160x120:r=60000/1001 -pix_fmt yuv422p",
    "colours": "-i testsrc2=s=176x144:r=24000/1001 -color_primaries bt709 -color_trc bt709 -colorspace bt709",
    "high": "-i testsrc2=s=1920x1088:r=25 -frames:v 3",
    "mpeg1": "-i testsrc2=s=160x120:r=25 -c:v mpeg1video",
}

_ENCODED = {
    "plain.mp4": "-i testsrc2=s=160x120:r=25",
    "faststart.mp4": "-i testsrc2=s=160x120:r=25 -g 10 -movflags faststart",
    "quicktime.mov": "-i testsrc2=s=160x120:r=30000/1001",
    "sound.mp4": "-i testsrc2=s=160x120:r=25 -f lavfi -i sine=r=48000 -c:a aac",
    "no_edits.mp4": "-i testsrc2=s=160x120:r=25 -use_editlist 0",
    "negative_offsets.mp4": "-i testsrc2=s=160x120:r=25 -movflags negative_cts_offsets",
    "variable_rate.mp4": "-i testsrc2=s=160x120:r=25 -vf select='not(eq(mod(n,7),3))' -vsync vfr",
    "all_keys.mp4": "-i testsrc2=s=160x120:r=25 -g 1 -metadata creation_time=2021-02-03T04:05:06Z",
    "fragmented.mp4": "-i testsrc2=s=160x120:r=25 -movflags frag_keyframe+empty_moov",
    "encrypted.mp4": "-i testsrc2=s=160x120:r=25 -encryption_scheme cenc-aes-ctr"
    f" -encryption_key {'ab' * 16} -encryption_kid {'cd' * 16}",
}

_REMUXED = {
    "late.mp4": "-itsoffset 0.5 -i plain.mp4 -i sound.mp4 -map 0:v -map 1:a",
    "turned.mp4": "-i plain.mp4 -metadata:s:v:0 rotate=90",
}
MP4_CLIPS = (*_ENCODED, *_REMUXED)


def _make(path: Path, arguments: str) -> Path:
    """A second of pictures; the arguments begin with the input."""
    encoder = {".hevc": "libx265", ".m2v": "mpeg2video"}.get(path.suffix, "libx264")
    common = "-t 1 -threads 1"
    if "-c:v" not in arguments:
        common += f" -c:v {encoder}"
    if path.suffix != ".m2v":
        common += " -preset veryfast"
    if "pix_fmt" not in arguments:
        common += " -pix_fmt yuv420p"
    ffmpeg("-f", "lavfi", *arguments.split(), *common.split(), path)
    return path


def _make_all(folder: Path, clips: dict[str, str]) -> dict[str, Path]:
    with ThreadPoolExecutor(2) as pool:
        made = pool.map(lambda name: _make(folder / name, clips[name]), clips)
        return dict(zip(clips, made, strict=True))


@pytest.fixture(scope="session")
def sps_clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Byte streams whose sequence parameter sets differ, by name."""
    made = _make_all(tmp_path_factory.mktemp("sps"), {f"{name}.h264": args for name, args in SPS_CLIPS.items()})
    return {path.stem: path for path in made.values()}


@pytest.fixture(scope="session")
def hevc_clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """H.265 byte streams whose sequence parameter sets differ, by name."""
    made = _make_all(tmp_path_factory.mktemp("hevc"), {f"{name}.hevc": args for name, args in HEVC_CLIPS.items()})
    return {path.stem: path for path in made.values()}


@pytest.fixture(scope="session")
def mpeg2_clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """MPEG-2 and MPEG-1 elementary streams whose headers differ, by name."""
    made = _make_all(tmp_path_factory.mktemp("mpeg2"), {f"{name}.m2v": args for name, args in MPEG2_CLIPS.items()})
    return {path.stem: path for path in made.values()}


@pytest.fixture(scope="session")
def mp4_clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """MP4 and MOV files whose layouts and tables differ, by file name."""
    folder = tmp_path_factory.mktemp("mp4")
    clips = _make_all(folder, _ENCODED)
    for name, arguments in _REMUXED.items():
        ffmpeg(*arguments.split(), "-c", "copy", name, folder=folder)
        clips[name] = folder / name
    return clips
