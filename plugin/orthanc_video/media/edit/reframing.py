"""What stays of each picture and what of it becomes black, where all of a film is coded anew. Pure.

Coordinates are those of the pictures as they are shown, before anything is scaled.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import ffmpeg

from orthanc_video.errors import BadRequest, UnsupportedMedia
from orthanc_video.media import colour
from orthanc_video.model import Region, VideoStream, Wishes

# Pixels that one transform of H.264 and MPEG-2 takes together; as many share the smallest one of chroma in 4:2:0.
_BLOCK = 8


def refuse_misfits(video: VideoStream, wishes: Wishes) -> None:
    """Raises BadRequest for regions that these pictures do not have."""
    if wishes.crop is None and not wishes.masks:
        return
    if video.change:
        raise UnsupportedMedia(
            f"Half-way the pictures change to {video.change}: what is cropped or masked would not be the same place "
            "throughout."
        )
    width, height = shown_size(video)
    for one in (*wishes.masks, *([wishes.crop] if wishes.crop else [])):
        refuse_outside(one, width, height)
    if wishes.crop and any(value % 2 for value in dataclasses.astuple(wishes.crop)):
        raise BadRequest(
            f"The crop ({named(wishes.crop)}) needs even numbers: two pixels beside and above one another share "
            "their colour."
        )


def refuse_outside(one: Region, width: int, height: int) -> None:
    if one.x + one.width > width or one.y + one.height > height:
        raise BadRequest(f"The region {named(one)} does not lie within the picture of {width} × {height} pixels.")


def named(one: Region) -> str:
    return f"{one.width} × {one.height} at {one.x}, {one.y}"


def shown_size(video: VideoStream) -> tuple[int, int]:
    """Width and height as the container has them turned."""
    turned = video.rotation in {90, 270}
    return (video.height, video.width) if turned else (video.width, video.height)


def cropped(video: VideoStream, crop: Region | None) -> VideoStream:
    """The stream as if its pictures had always been what stays of them; their colours do not follow the new size."""
    if crop is None:
        return video
    turned = video.rotation in {90, 270}
    width, height = (crop.height, crop.width) if turned else (crop.width, crop.height)
    return dataclasses.replace(video, width=width, height=height, matrix=colour.matrix_of(video))


def grown(one: Region, width: int, height: int, *, progressive: bool) -> Region:
    """The region with all the pixels that are coded in one block with its own, in each field where pictures are
    interlaced: what is beside it then adds next to nothing to its black."""
    tall = _BLOCK if progressive else 2 * _BLOCK
    left, top = one.x - one.x % _BLOCK, one.y - one.y % tall
    right = min(width, -(-(one.x + one.width) // _BLOCK) * _BLOCK)
    bottom = min(height, -(-(one.y + one.height) // tall) * tall)
    return Region(left, top, right - left, bottom - top)


def masked(
    picture: ffmpeg.nodes.FilterableStream, video: VideoStream, masks: Sequence[Region]
) -> ffmpeg.nodes.FilterableStream:
    """``picture`` with black regions, in studio range."""
    if masks and video.full_range:
        picture = picture.filter("scale", out_range="tv")  # of which alone drawbox knows the black
    for one in masks:
        place = grown(one, *shown_size(video), progressive=video.progressive)
        picture = picture.filter("drawbox", place.x, place.y, place.width, place.height, "black", "fill")
    return picture


def reframed(
    picture: ffmpeg.nodes.FilterableStream, video: VideoStream, masks: Sequence[Region], crop: Region | None
) -> tuple[VideoStream, ffmpeg.nodes.FilterableStream]:
    """What stays of ``picture``, which is masked already, and the stream as it is now.

    Fields that became frames have brought what was beside a mask into it.
    """
    if masks:
        video = dataclasses.replace(video, full_range=False)
    if not video.progressive:
        picture = masked(picture, video, masks)
    if crop is not None:
        picture = picture.filter("crop", crop.width, crop.height, crop.x, crop.y)
    return cropped(video, crop), picture
