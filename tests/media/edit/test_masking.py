"""Black regions in some of a film's frames, in every coding that frames are coded anew in."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from clips import Clips, picture_source
from oracles import frame_md5s, frame_times
from orthanc_video.clip import Moment, Range
from orthanc_video.errors import BadRequest
from orthanc_video.media.edit import masking
from orthanc_video.media.probe import probe
from orthanc_video.model import Region

_PYRAMID = "-bf 3 -x264-params b-pyramid=normal:scenecut=0"
_LEVELS, _LIKE = 8, 45.0
_PLACE = Region(11, 21, 51, 31)


def _made(clips: Clips, name: str, arguments: str, codec: str = "h264", **more: str) -> Path:
    return clips.encoded(f"mask-{name}", arguments, codec=codec, source=picture_source(seconds=2, **more))


_FILMS: dict[str, Callable[[Clips], Path]] = {
    "groups of 15, B-pyramid": lambda clips: _made(clips, "15.mp4", f"-g 15 {_PYRAMID}"),
    "one group": lambda clips: _made(clips, "250.mp4", f"-g 250 {_PYRAMID}"),
    "open groups": lambda clips: _made(clips, "open.mp4", "-x264-params open-gop=1:keyint=15:bframes=3"),
    "variable rate": lambda clips: clips.variable_rate(),
    "interlaced": lambda clips: clips.interlaced(),
    "10 bits": lambda clips: _made(clips, "10.mp4", "-g 15 -pix_fmt yuv420p10le"),
    "full range": lambda clips: _made(clips, "full.mp4", "-g 15 -color_range pc -vf scale=out_range=pc"),
    "4:2:2": lambda clips: _made(clips, "422.mp4", "-g 15 -pix_fmt yuv422p"),
    "hevc": lambda clips: _made(clips, "hevc.mp4", "-x265-params log-level=none:keyint=15:bframes=4", "hevc"),
    "hevc, open groups": lambda clips: _made(
        clips, "hevc-open.mp4", "-x265-params log-level=none:keyint=15:open-gop=1:bframes=4:b-pyramid=1", "hevc"
    ),
    "mpeg2": lambda clips: _made(clips, "mpeg2.mpg", "-g 12 -bf 2", "mpeg2"),
}


def _shown(path: Path) -> list[list[np.ndarray]]:
    """The planes of each frame as they are coded."""
    found = []
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            planes = []
            for number, plane in enumerate(frame.planes):
                deep = frame.format.components[number].bits > 8
                values = np.frombuffer(memoryview(plane), dtype="<u2" if deep else "u1")
                planes.append(values.reshape(plane.height, -1)[:, : plane.width].astype(int))
            found.append(planes)
    return found


def _strays(planes: Sequence[np.ndarray], place: Region, black: int, deep: int) -> int:
    """How far the region is from black, in levels of 8 bits."""
    farthest = 0
    for number, plane in enumerate(planes):
        across, down = planes[0].shape[1] // plane.shape[1], planes[0].shape[0] // plane.shape[0]
        part = plane[
            place.y // down : -(-(place.y + place.height) // down),
            place.x // across : -(-(place.x + place.width) // across),
        ]
        farthest = max(farthest, int(np.abs(part // deep - (128 if number else black)).max()))
    return farthest


@pytest.mark.parametrize("name", _FILMS)
def test_masked_in_a_range_alone(clips: Clips, tmp_path: Path, name: str) -> None:
    film = _FILMS[name](clips)
    target = tmp_path / f"out{film.suffix}"
    said = probe(film).video
    wanted = [Range(Moment(9), Moment(12)), Range(Moment(11), Moment(19))]
    anew = masking.mask(film, [_PLACE], wanted, target, progressive=said.progressive).anew
    before, after = _shown(film), _shown(target)
    assert len(before) == len(after) == len(frame_md5s(target)) == probe(target).video.frames
    black, deep = 0 if name == "full range" else 16, 4 if name == "10 bits" else 1
    changed = 0
    for number, (old, new) in enumerate(zip(before, after, strict=True), 1):
        if 9 <= number <= 19:
            assert _strays(new, _PLACE, black, deep) <= _LEVELS, number
        else:
            assert _strays(new, _PLACE, black, deep) > 5 * _LEVELS, number
        if all(np.array_equal(one, other) for one, other in zip(old, new, strict=True)):
            continue
        changed += 1
        # beside the mask, and all of what stands still
        error = float(np.mean((old[0][64:] - new[0][64:]) ** 2))
        assert error == 0 or 10 * np.log10((256 * deep - 1) ** 2 / error) >= _LIKE, number
    assert 11 <= changed <= anew
    _same_times(film, target)
    decode = ["ffmpeg", "-nostdin", "-v", "error", "-xerror", "-i", str(target), "-map", "0:v:0", "-f", "null", "-"]
    assert subprocess.run(decode, capture_output=True, text=True, check=True).stderr == ""


def _same_times(film: Path, target: Path) -> None:
    before, after = frame_times(film), frame_times(target)
    shift = after[0] - before[0]
    assert all(abs(two - one - shift) < Fraction(1, 1000) for one, two in zip(before, after, strict=True))


@pytest.mark.parametrize(("codec", "kind", "sound"), [("mpeg2", "mpg", "mp3"), ("h264", "mov", "")])
def test_sound_is_kept_or_a_sentence_says_why_not(
    clips: Clips, tmp_path: Path, codec: str, kind: str, sound: str
) -> None:
    arguments = "-g 12 -c:a " + ("libmp3lame" if sound else "pcm_s16le")
    source = picture_source(seconds=1, rate="25")
    film = clips.encoded(f"mask-heard.{kind}", arguments, codec=codec, source=source, sound="sine=r=48000:d=1")
    target = tmp_path / ("out.mpg" if sound else "out.mp4")
    told = masking.mask(film, [_PLACE], [Range(Moment(5), Moment(6))], target, progressive=True)
    assert [one.codec for one in probe(target).sounds] == ([sound] if sound else [])
    assert told.silenced.startswith("" if sound else "The sound (pcm_s16le) is left out")
    assert bool(told.silenced) is not bool(sound)


def test_what_is_not_masked_is_copied(clips: Clips, tmp_path: Path) -> None:
    film, target = _FILMS["groups of 15, B-pyramid"](clips), tmp_path / "out.mp4"
    anew = masking.mask(film, [_PLACE], [Range(Moment(16), Moment(30))], target, progressive=True).anew
    assert anew == 15
    before, after = frame_md5s(film), frame_md5s(target)
    assert (before[:15], before[30:]) == (after[:15], after[30:])
    assert not set(before[15:30]) & set(after[15:30])


def test_the_decoder_keeps_its_own_frame(clips: Clips) -> None:
    with av.open(str(clips.conforming())) as container:
        stream = container.streams.video[0]
        frame = next(container.decode(stream))
        before = frame.to_ndarray()
        masked = masking.Masker(stream, [_PLACE], progressive=True).masked(frame)
        assert np.array_equal(frame.to_ndarray(), before)
        assert not np.array_equal(masked.to_ndarray(), before)


def test_frames_that_there_are_none_of(clips: Clips, tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="there is no frame 999"):
        masking.mask(
            clips.conforming(), [_PLACE], [Range(Moment(1), Moment(999))], tmp_path / "out.mp4", progressive=True
        )


@pytest.mark.parametrize(
    ("ranges", "united"),
    [([(5, 9), (0, 2)], [(0, 2), (5, 9)]), ([(0, 4), (5, 9)], [(0, 9)]), ([(0, 9), (3, 4), (8, 12)], [(0, 12)])],
)
def test_ranges_are_united(ranges: list[tuple[int, int]], united: list[tuple[int, int]]) -> None:
    assert masking.united(ranges) == united
