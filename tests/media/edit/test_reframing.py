"""Regions of pictures: which are none, and what they grow to."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from clips import Clips
from orthanc_video.errors import BadRequest, UnsupportedMedia
from orthanc_video.media import colour
from orthanc_video.media.edit import reframing
from orthanc_video.media.plan import plan
from orthanc_video.media.probe import probe
from orthanc_video.model import Action, Region, Wishes


@pytest.mark.parametrize(
    ("region", "progressive", "grown"),
    [
        (Region(0, 0, 8, 8), True, Region(0, 0, 8, 8)),
        (Region(7, 7, 2, 2), True, Region(0, 0, 16, 16)),
        (Region(7, 17, 2, 2), False, Region(0, 16, 16, 16)),
        (Region(150, 110, 10, 10), True, Region(144, 104, 16, 16)),
        (Region(150, 119, 11, 2), True, Region(144, 112, 17, 9)),
    ],
)
def test_a_mask_covers_whole_blocks(region: Region, progressive: bool, grown: Region) -> None:
    assert reframing.grown(region, 161, 121, progressive=progressive) == grown


def test_what_is_asked_for_is_coded_anew_and_fits(clips: Clips) -> None:
    info = probe(clips.conforming())
    planned = plan(info, Wishes(crop=Region(2, 4, 100, 50), masks=(Region(0, 0, 9, 9),)))
    assert planned.action is Action.TRANSCODE
    assert planned.target is not None
    assert (planned.target.width, planned.target.height) == (100, 50)
    with pytest.raises(BadRequest, match="does not lie within"):
        plan(info, Wishes(masks=(Region(150, 0, 11, 1),)))
    with pytest.raises(BadRequest, match="even numbers"):
        plan(info, Wishes(crop=Region(0, 0, 11, 2)))


def test_pictures_that_change_their_size_have_no_places(clips: Clips) -> None:
    changing: Path = clips.changing("mp4")
    with pytest.raises(UnsupportedMedia, match="Half-way"):
        plan(probe(changing), Wishes(masks=(Region(0, 0, 8, 8),)))


def test_colours_do_not_follow_the_size_of_what_stays(clips: Clips) -> None:
    large = dataclasses.replace(probe(clips.conforming()).video, width=1920, height=1080, matrix=2)
    small = reframing.cropped(large, Region(0, 0, 320, 240))
    assert (small.width, small.height) == (320, 240)
    assert colour.said(small)["colorspace"] == colour.said(large)["colorspace"] == "bt709"
