"""Test films made of nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from oracles import frame_md5s
from orthanc_video.media import pattern, plan, probe
from orthanc_video.model import Action


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_a_test_film_goes_into_dicom_as_it_is(tmp_path: Path, codec: str) -> None:
    pattern.make(tmp_path / "film.mp4", codec)
    info = probe.probe(tmp_path / "film.mp4")
    assert (info.video.codec, info.video.frames, float(info.video.rate.fraction)) == (codec, 10, 25.0)
    assert plan.plan(info).action is Action.WRAP
    assert len(set(frame_md5s(tmp_path / "film.mp4"))) == 10
