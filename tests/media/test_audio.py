"""Sound that is kept: allowed by DICOM, in step with the pictures, which stay as they are."""

from __future__ import annotations

import subprocess
from pathlib import Path

import av
import numpy as np
import pytest

from clips import Clips, picture_source
from conversions import Converted, converted
from oracles import complaints, slice_hash
from orthanc_video.dicom.audio import conforms
from orthanc_video.media.probe import probe
from orthanc_video.model import Action, Wishes

_KEEP = Wishes(audio="keep")
# A flash every second, from 0.5 s on, with a beep.
_FLASHES = picture_source(seconds=4, rate="25", then="drawbox=t=fill:c=white:enable='lt(mod(t-0.5,1),0.1)*gte(t,0.5)'")
_BEEPS = "aevalsrc='if(lt(mod(t-0.5,1),0.1)*gte(t,0.5),0.8*sin(6283*t),0)':s={rate}:d=4"


def _clip(clips: Clips, name: str, codec: str, sound: str, rate: int) -> Path:
    arguments = f"{sound} -g 25 -movflags +faststart" if name.endswith("mp4") else f"{sound} -g 25"
    return clips.encoded(f"beeps-{name}", arguments, codec=codec, source=_FLASHES, sound=_BEEPS.format(rate=rate))


# Name → codec of the pictures, how the sound is coded, its rate, what becomes of the file.
_CASES = {
    "aac-48-stereo.mp4": ("h264", "-c:a aac -ac 2", 48000, Action.WRAP),
    "aac-51.mp4": ("h264", "-c:a aac -ac 6", 48000, Action.WRAP),
    "mp3.mp4": ("h264", "-c:a libmp3lame -ac 2 -b:a 192k", 44100, Action.WRAP),
    "aac-44-mono.mp4": ("h264", "-c:a aac -ac 1", 44100, Action.REMUX),
    "opus.mkv": ("h264", "-c:a libopus", 48000, Action.REMUX),
    "aac.ts": ("h264", "-c:a aac -ac 2", 48000, Action.REMUX),
    "ac3.ts": ("h264", "-c:a ac3 -ac 2", 48000, Action.REMUX),
    "hevc.mp4": ("hevc", "-c:a aac -ac 1 -tag:v hvc1", 48000, Action.REMUX),
    "mp2.mpg": ("mpeg2", "-c:a mp2 -ac 2", 48000, Action.REMUX),
    "mp3.mpg": ("mpeg2", "-c:a libmp3lame -ac 2 -b:a 192k", 48000, Action.WRAP),
    "variable-mp3.mpg": ("mpeg2", "-c:a libmp3lame -ac 2 -q:a 4", 48000, Action.REMUX),
    "opus.webm": ("vp8", "-c:a libopus", 48000, Action.TRANSCODE),
    "pcm.avi": ("mjpeg", "-c:a pcm_s16le", 22050, Action.TRANSCODE),
}


@pytest.mark.parametrize("name", _CASES)
def test_sound_is_kept_as_dicom_allows_it(clips: Clips, tmp_path: Path, name: str) -> None:
    codec, coded, rate, action = _CASES[name]
    source = _clip(clips, name, codec, coded, rate)
    result = converted(source, tmp_path / "o", _KEEP)
    assert result.plan.action is action
    made = probe(result.stream)
    assert len(made.sounds) == 1
    assert conforms(made.video.codec, made.sounds[0])
    assert made.video.frames == 100
    if action is not Action.TRANSCODE:
        name_of = {"mpeg2": "mpeg2video"}.get(codec, codec)
        assert slice_hash(result.stream, name_of) == slice_hash(source, name_of)
    _announced(result)
    assert _lag(result.stream) == pytest.approx(0, abs=0.03)


def _announced(result: Converted) -> None:
    (item,) = result.dataset.MultiplexedAudioChannelsDescriptionCodeSequence
    assert item.ChannelMode == "STEREO"
    if result.info.video.codec != "hevc":  # of whose syntax the programs know nothing
        assert complaints(result.path) == []


def _lag(path: Path) -> float:
    """How much later the beeps are heard than the flashes are seen, in seconds."""
    with av.open(path) as container:
        lights = [(float(f.time or 0), f.to_ndarray(format="gray").mean()) for f in container.decode(video=0)]
    seen = [at for (at, light), (_, before) in zip(lights[1:], lights, strict=False) if light > 230 > before]
    command = ["ffmpeg", "-v", "error", "-copyts", "-i", str(path), "-map", "0:a", "-ac", "1", "-ar", "48000",
               "-af", "aresample=async=1:first_pts=0", "-f", "f32le", "-"]  # fmt: skip
    wave = np.abs(np.frombuffer(subprocess.run(command, capture_output=True, check=True).stdout, dtype=np.float32))
    loud = np.flatnonzero(wave > 0.2 * wave.max()) / 48000
    heard = [loud[0], *(late for late, early in zip(loud[1:], loud, strict=False) if late - early > 0.5)]
    begins = lights[0][0]
    assert len(seen) == len(heard) > 1
    return float(np.mean(np.array(heard) - np.array(seen))) if begins == 0 else float(np.mean(np.array(heard) - seen))


@pytest.mark.parametrize("arguments", ["-ss 1.2", "-ss 0.44", "-itsoffset 3"])
def test_sound_stays_in_step_across_edit_lists(clips: Clips, tmp_path: Path, arguments: str) -> None:
    whole = _clip(clips, "aac-48-stereo.mp4", "h264", "-c:a aac -ac 2", 48000)
    source = tmp_path / "edited.mp4"
    command = ["ffmpeg", "-v", "error", *arguments.split(), "-i", str(whole), "-c", "copy", str(source)]
    subprocess.run(command, check=True, timeout=60)
    result = converted(source, tmp_path / "o", _KEEP)
    assert _lag(result.stream) == pytest.approx(0, abs=0.03)


def test_sound_is_dropped_unless_it_is_asked_for(clips: Clips, tmp_path: Path) -> None:
    source = _clip(clips, "aac-48-stereo.mp4", "h264", "-c:a aac -ac 2", 48000)
    result = converted(source, tmp_path / "o")
    assert probe(result.stream).sounds == ()
    assert "MultiplexedAudioChannelsDescriptionCodeSequence" not in result.dataset
    assert "left out" in result.said
    kept = converted(source, tmp_path / "kept", _KEEP)
    assert kept.dataset.SOPInstanceUID != result.dataset.SOPInstanceUID
