"""Colours after a transcode: measured on patches, as a player shows them by what the stream says."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from media.samples import media
from oracles import decoded
from orthanc_video.media import colour
from orthanc_video.media.plan import plan, target_of
from orthanc_video.media.probe import probe
from orthanc_video.media.transcode import transcode
from orthanc_video.model import Action, VideoStream

# What is seen: eight patches of 160 × 240.
_PATCHES = {
    "black": (0, 0, 0), "white": (255, 255, 255), "grey": (128, 128, 128), "red": (200, 30, 40),
    "green": (20, 180, 60), "blue": (30, 40, 190), "skin": (224, 172, 140), "yellow": (220, 210, 20),
}  # fmt: skip
_SIZES = {"sd": 60, "hd": 160}


def _bars(width: int) -> str:
    pads = "".join(
        f"color=c=0x{r:02x}{g:02x}{b:02x}:s={width}x240:r=5:d=1,format=rgb24[p{number}];"
        for number, (r, g, b) in enumerate(_PATCHES.values())
    )
    return pads + "".join(f"[p{number}]" for number in range(len(_PATCHES))) + f"hstack=inputs={len(_PATCHES)}"


# What the source is: the filter that makes it of RGB, how it is coded, the container, how far a channel may be off.
_SAYS = "-colorspace {0} -color_primaries {0} -color_trc {0}"
_709, _601 = _SAYS.format("bt709"), _SAYS.format("smpte170m")
_SOURCES = {
    "RGB": ("format=rgb24", "-c:v png", "mov"),
    "GBR in FFV1": ("format=gbrp", "-c:v ffv1", "mkv"),
    "BT.709": ("scale=out_color_matrix=bt709,format=yuv444p", f"-c:v ffv1 {_709}", "mkv"),
    "BT.601": ("scale=out_color_matrix=bt601,format=yuv444p", f"-c:v ffv1 {_601}", "mkv"),
    "BT.709, full range": ("scale=out_color_matrix=bt709:out_range=pc,format=yuvj444p",
                           f"-c:v libx264 -qp 1 {_709}", "mkv"),
    "BT.601, 10 bits 4:2:2": ("scale=out_color_matrix=bt601,format=yuv422p10le", f"-c:v ffv1 {_601}", "mkv"),
    "Motion JPEG": ("scale=out_color_matrix=bt601:out_range=pc,format=yuvj444p", "-c:v mjpeg -q:v 1", "avi"),
}  # fmt: skip


@pytest.mark.parametrize("size", _SIZES)
@pytest.mark.parametrize("name", _SOURCES)
def test_patches_keep_their_colours(tmp_path: Path, name: str, size: str) -> None:
    graph, coded, kind = _SOURCES[name]
    source = tmp_path / f"source.{kind}"
    _ffmpeg("-f", "lavfi", "-i", f"{_bars(_SIZES[size])},{graph}", *coded.split(), source)
    made = _transcoded(source, tmp_path)
    shown = _middles(made, _SIZES[size])
    off = {patch: np.abs(shown[at] - np.array(rgb)).max() for at, (patch, rgb) in enumerate(_PATCHES.items())}
    assert max(off.values()) <= 4, off  # two roundings to 8 bits, and x264
    said = _said(made)
    assert said["color_range"] == "tv"
    assert {said["color_space"], said["color_primaries"], said["color_transfer"]}.isdisjoint({"", "unknown"})


def _transcoded(source: Path, folder: Path) -> Path:
    video = probe(source).video
    transcode(source, folder / "made.mp4", video, target_of(video), "veryfast", 4, lambda _: None)
    return folder / "made.mp4"


def _middles(path: Path, width: int) -> np.ndarray:
    """The colour of each patch as ffmpeg shows it, which goes by what the stream says."""
    picture = decoded(path, width * len(_PATCHES), 240)[2]
    return np.array([picture[60:180, width * at + 20 : width * (at + 1) - 20].mean(axis=(0, 1)) for at in range(8)])


def _said(path: Path) -> dict[str, str]:
    shown = subprocess.run(
        ["ffprobe", "-v", "error", "-show_entries", "stream=color_range,color_space,color_primaries,color_transfer",
         "-of", "json", str(path)], capture_output=True, check=True,
    )  # fmt: skip
    told: dict[str, str] = json.loads(shown.stdout)["streams"][0]
    return told


def _ffmpeg(*arguments: str | Path) -> None:
    subprocess.run(["ffmpeg", "-v", "error", "-y", *map(str, arguments)], check=True, timeout=60)


def test_full_range_lands_within_a_level(tmp_path: Path) -> None:
    """Y of 0 … 255 becomes 16 … 235."""
    source = tmp_path / "ramp.mp4"
    ramp = "color=s=512x64:r=5:d=1,format=yuv420p,geq=lum='X/2':cb=128:cr=128"
    flagged = "h264_metadata=video_full_range_flag=1"
    _ffmpeg("-f", "lavfi", "-i", ramp, "-c:v", "libx264", "-qp", "0", "-bsf:v", flagged, source)
    assert probe(source).video.full_range
    made = _transcoded(source, tmp_path)
    raw = subprocess.run(["ffmpeg", "-v", "error", "-i", str(made), "-frames:v", "1", "-f", "rawvideo", "-pix_fmt",
                          "yuv420p", "-"], capture_output=True, check=True).stdout  # fmt: skip
    luma = np.frombuffer(raw[: 512 * 64], dtype=np.uint8).reshape(64, 512)[32].astype(float)
    ideal = 16 + np.arange(512) // 2 * 219 / 255
    assert np.abs(luma - ideal).max() <= 1


_HDR = {"PQ": ("smpte2084", 16), "HLG": ("arib-std-b67", 18)}


@pytest.mark.parametrize("depth", [8, 10])
@pytest.mark.parametrize("kind", _HDR)
def test_high_dynamic_range_is_tone_mapped(tmp_path: Path, kind: str, depth: int) -> None:
    name, code = _HDR[kind]
    grey = "color=c=black:s=256x64:r=5:d=1,format=yuv420p10le,geq=lum='64+X*876/255':cb=512:cr=512"
    said = f"colorprim=bt2020:transfer={name}:colormatrix=bt2020nc"
    source = tmp_path / "hdr.mp4"
    _ffmpeg("-f", "lavfi", "-i", grey, "-c:v", "libx265", "-preset", "ultrafast", "-x265-params",
            f"log-level=none:{said}:crf=5", "-pix_fmt", "yuv420p10le" if depth == 10 else "yuv420p", "-tag:v", "hvc1",
            "-movflags", "+faststart", source)  # fmt: skip
    info = probe(source)
    assert info.video.transfer == code
    planned = plan(info)
    assert planned.action is Action.TRANSCODE
    assert f"high dynamic range ({kind})" in " ".join(planned.reasons)
    made = _transcoded(source, tmp_path)
    told = _said(made)
    assert [told[f"color_{each}"] for each in ("space", "primaries", "transfer", "range")] == ["bt709"] * 3 + ["tv"]
    shown = decoded(made, 256, 64)[2][32].astype(int)
    assert np.abs(shown.max(axis=1) - shown.min(axis=1)).max() <= 4  # grey stays grey
    line = shown.mean(axis=1)
    assert np.all(np.diff(line[::16]) >= -1)  # brighter stays brighter
    assert line[0] < 12
    # Diffuse white (BT.2408: 203 cd/m2, 58 % of PQ's range, 75 % of HLG's) is bright, and highlights are above it.
    white = line[round(255 * (0.58 if kind == "PQ" else 0.75))]
    assert 140 < white < 250
    assert line[-1] > white


def _of(**video: object) -> VideoStream:
    return media(**video).video  # type: ignore[arg-type]


def test_what_is_done_to_colours_is_said() -> None:
    def said(**video: object) -> str:
        return " ".join(colour.reasons(_of(**video)))

    assert said() == ""
    assert "BT.2020 become those of BT.709" in said(primaries=9, transfer=14, matrix=9)
    assert "by BT.709" in said(pixel_format="bgr24")
    assert "by BT.601" in said(pixel_format="gbrp", width=640, height=480)
    assert "Full-range" in said(full_range=True)
    assert "10 bits a sample become 8" in said(bit_depth=10)


def test_what_nobody_says_is_that_of_television() -> None:
    assert colour.said(_of())["colorspace"] == "bt709"
    assert colour.said(_of(width=720, height=576))["colorspace"] == "smpte170m"
    assert colour.said(_of(matrix=5))["colorspace"] == "bt470bg"
    assert colour.said(_of(primaries=9, transfer=16, matrix=9))["color_trc"] == "bt709"
