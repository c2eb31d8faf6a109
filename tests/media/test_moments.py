"""Which frames numbers and times name, of videos and of films of single pictures."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from cines import film, grey
from clips import Clips
from oracles import frame_times
from orthanc_video.clip import Moment
from orthanc_video.dicom import multiframe
from orthanc_video.errors import BadRequest
from orthanc_video.files import Bytes, SpanSource
from orthanc_video.media.moments import named
from orthanc_video.model import Rational, Span


def _at(seconds: Fraction) -> Moment:
    return Moment(seconds=Rational.of(seconds))


def test_the_frame_on_the_screen_where_rates_vary(clips: Clips) -> None:
    path = clips.variable_rate()
    times = [time - frame_times(path)[0] for time in frame_times(path)]
    tiny = Fraction(1, 10**6)
    asked = [moment for time in times for moment in (_at(time), _at(time + tiny))]
    found = named(path, (Span(0, path.stat().st_size),), asked)
    assert found.frames == [number for number in range(1, 27) for _ in range(2)]
    assert found.starts == [time for time in times for _ in range(2)]


def test_a_film_of_single_pictures(tmp_path: Path) -> None:
    path = film(tmp_path / "film.dcm", grey(5), FrameTime="40")
    with SpanSource(path) as file:
        place = multiframe.locate(Bytes(file))
    found = named(
        path, place, [Moment(frame=5), _at(Fraction("0.0399")), _at(Fraction("0.04")), _at(Fraction("0.199"))]
    )
    assert found.frames == [5, 1, 2, 5]
    with pytest.raises(BadRequest, match=r"ends at 0\.2 s"):
        named(path, place, [_at(Fraction("0.2"))])


def test_beyond_the_end(clips: Clips) -> None:
    path = clips.conforming()
    stored = (Span(0, path.stat().st_size),)
    assert named(path, stored, [Moment(frame=30), _at(Fraction(1))]).frames == [30, 30]  # 30 frames of 1001/30000 s
    with pytest.raises(BadRequest, match="30 frames; there is no frame 31"):
        named(path, stored, [Moment(frame=1), Moment(frame=31)])
    with pytest.raises(BadRequest, match=r"ends at 1\.001 s; no frame is shown at 1\.001 s"):
        named(path, stored, [_at(Fraction(1001, 1000))])
