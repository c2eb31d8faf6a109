"""The same pictures, a few microseconds early: held against ffprobe and ffmpeg."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitstream.helpers import BytesSource, ffmpeg, ffprobe
from clips import NTSC, Clips
from orthanc_video.bitstream import mp4
from orthanc_video.bitstream.retimed import retimed
from orthanc_video.errors import BrokenVideo

# A player's microsecond, and what none would take for another frame.
_LEAST, _MOST = Fraction(2, 1_000_000), Fraction(10, 1_000_000)


def written(data: bytes) -> bytes:
    source = BytesSource(data)
    found = retimed(source)
    assert found is not None
    return found.head + b"".join(source.read(span.offset, span.length) for span in found.rest)


def times(clip: Path) -> list[Fraction]:
    """When each frame is shown, in seconds, exactly, in the order of showing."""
    found = ffprobe(clip, "-select_streams", "v:0", "-show_packets", "-show_streams")
    base = Fraction(found["streams"][0]["time_base"])
    return sorted(packet["pts"] * base for packet in found["packets"])


def described(clip: Path) -> list[tuple[Any, ...]]:
    names = ("codec_name", "r_frame_rate", "avg_frame_rate", "duration", "nb_frames", "start_time", "width")
    return [tuple(stream.get(name) for name in names) for stream in ffprobe(clip, "-show_streams")["streams"]]


def pictures(clip: Path) -> list[str]:
    """The hashes of all that is decoded, of every stream."""
    hashes = clip.with_suffix(".hashes")
    ffmpeg("-i", clip, "-map", "0", "-f", "framehash", "-hash", "md5", hashes)
    return [line.rpartition(",")[2].strip() for line in hashes.read_text().splitlines() if line[:1] != "#"]


@pytest.fixture(
    params=["conforming", "odd_length", "index_at_end", "with_sound", "variable_rate", "25", "long_timescale"]
)
def clip(request: pytest.FixtureRequest, clips: Clips, tmp_path: Path) -> Path:
    if request.param == "25":
        return clips.conforming(rate="25")
    if request.param == "long_timescale":
        fine = tmp_path / "fine.mp4"
        ffmpeg("-i", clips.conforming(), "-c", "copy", "-video_track_timescale", "3000000", fine)
        return fine
    found: Path = getattr(clips, request.param)()
    return found


def test_every_frame_but_the_first_is_early(clip: Path, tmp_path: Path) -> None:
    made = tmp_path / "made.mp4"
    made.write_bytes(written(clip.read_bytes()))
    before, after = times(clip), times(made)
    assert (after[0], len(after)) == (before[0], len(before))
    assert all(_LEAST < old - new < _MOST for old, new in zip(before[1:], after[1:], strict=True))
    assert described(made) == described(clip)
    assert pictures(made) == pictures(clip)


def test_the_index_is_in_front(clips: Clips) -> None:
    assert mp4.layout(BytesSource(written(clips.index_at_end().read_bytes()))).moov_before_mdat


def test_what_leads_the_first_frame_stays_shown(clips: Clips, tmp_path: Path) -> None:
    """A film that is cut before frames which refer to what is gone: its first packet is not what is shown first."""
    opened, cut, made = (tmp_path / name for name in ("opened.mp4", "cut.mp4", "made.mp4"))
    x264 = ["-c:v", "libx264", "-x264-params", "open-gop=1:keyint=10:min-keyint=10:bframes=3:b-adapt=0:scenecut=0"]
    ffmpeg("-i", clips.conforming(seconds=2), *x264, opened)
    ffmpeg("-ss", "0.6", "-i", opened, "-c", "copy", cut)
    made.write_bytes(written(cut.read_bytes()))
    before, after = times(cut), times(made)
    assert ffprobe(cut, "-show_packets")["packets"][0]["pts"] != min(before)
    assert pictures(made) == pictures(cut)
    assert all(Fraction(0) <= old - new < _MOST for old, new in zip(before, after, strict=True))
    assert next(new for new in after if new >= 0) == next(old for old in before if old >= 0)


def test_written_twice_it_is_early_twice_and_no_more(clips: Clips) -> None:
    once = written(clips.conforming().read_bytes())
    twice = written(once)
    assert len(once) == len(twice)


class Sparse:
    """Parts one after the other: bytes, or a number of zeros that take no memory."""

    def __init__(self, *parts: bytes | int) -> None:
        self._parts = [(part, part if isinstance(part, int) else len(part)) for part in parts]
        self.size = sum(size for _, size in self._parts)

    def read(self, offset: int, length: int) -> bytes:
        found = b""
        for part, size in self._parts:
            first, last = max(0, offset), min(size, offset + length)
            if first < last:
                found += bytes(last - first) if isinstance(part, int) else part[first:last]
            offset -= size
        return found


def test_places_beyond_four_gigabytes(clips: Clips) -> None:
    """Where the file is so long, they are written in 64 bits, and name the same bytes."""
    data = clips.index_at_end().read_bytes()
    source = Sparse(data, struct.pack(">I4sQ", 1, b"free", (1 << 32) + 16), 1 << 32)
    found = retimed(source)
    assert found is not None
    assert b"co64" in found.head
    first = found.rest[0]
    made = Sparse(found.head, source.read(first.offset, first.length), struct.pack(">I4s", 0, b"free"), 1 << 32)
    assert frames(made) == frames(source)


def frames(source: Sparse) -> list[bytes]:
    table = mp4.samples(source, mp4.tracks(source)[0])
    return [source.read(*place) for place in zip(table.offset.tolist(), table.size.tolist(), strict=True)]


@pytest.mark.parametrize("name", ["fragmented", "recorder_mp4"])
def test_what_is_in_fragments_stays_as_it_is(clips: Clips, name: str) -> None:
    assert retimed(BytesSource(getattr(clips, name)().read_bytes())) is None


def test_one_frame_stays_as_it_is(clips: Clips, tmp_path: Path) -> None:
    one = tmp_path / "one.mp4"
    ffmpeg("-i", clips.conforming(), "-frames:v", "1", "-c", "copy", one)
    assert retimed(BytesSource(one.read_bytes())) is None


@given(st.data())
def test_damage_is_refused_or_changes_no_length(clips: Clips, data: st.DataObject) -> None:
    """Whatever the index says: an answer in bounded time, in which the pictures' bytes are whole."""
    film = bytearray(clips.conforming(rate=NTSC).read_bytes())
    begin = film.index(b"moov")
    for _ in range(data.draw(st.integers(1, 4))):
        film[data.draw(st.integers(begin, film.index(b"mdat") - 1))] = data.draw(st.integers(0, 255))
    source = BytesSource(bytes(film))
    try:
        found = retimed(source)
    except BrokenVideo:
        return
    if found is not None:
        assert sum(span.length for span in found.rest) <= source.size
        assert len(found.head) < 2 * source.size
