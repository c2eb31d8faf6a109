"""Moving pictures as a request wants them shown: its viewport, and what is written into them (PS3.18 8.3.5.1)."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import ffmpeg

from orthanc_video.errors import BadRequest
from orthanc_video.media import colour, lettering, plan, transcode, viewport
from orthanc_video.model import Rational, Target, VideoStream
from orthanc_video.picture import Rendering

# Of the picture's height: some forty lines; and the fewest pixels in which letters can be read.
_LETTER, _LEAST_LETTER = 40, 10


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """How a rendition is made: x264's preset and rate factor, what a request wants, the ``lines`` to be written."""

    preset: str
    crf: int
    rendering: Rendering = Rendering()  # noqa: RUF009
    lines: tuple[str, ...] = ()

    @property
    def reshapes(self) -> bool:
        """Whether its pictures are others than those that are stored."""
        return self.rendering.viewport is not None or bool(self.lines)


def target_of(video: VideoStream, how: How) -> Target:
    """The size of the pictures that are made, and the level that holds them.

    Raises BadRequest for a viewport that shows nothing, or where no level holds what fills it (PS3.18 8.3.5.1.3).
    """
    if how.rendering.viewport is None:
        return plan.target_of(video, plan.BROWSERS_LEVEL)
    wide, high = _upright(video)
    part = viewport.cut(how.rendering.viewport, wide, high)
    width, height = viewport.fitted(how.rendering.viewport, part.width, part.height, _aspect(video))
    plain = dataclasses.replace(video, width=width, height=height, pixel_aspect=Rational(1), rotation=0)
    aim = plan.target_of(plain, plan.BROWSERS_LEVEL)
    if (aim.width, aim.height) != (width, height):
        raise _too_large(plain, aim)
    return aim


def _too_large(wanted: VideoStream, fits: Target) -> BadRequest:
    """``fits`` is a size that a level holds; what is named is the largest, to one in a hundred."""
    for percent in range(99, 0, -1):
        width, height = (2 * (side * percent // 200) for side in (wanted.width, wanted.height))
        aim = plan.target_of(dataclasses.replace(wanted, width=width, height=height), plan.BROWSERS_LEVEL)
        if (aim.width, aim.height) == (width, height):
            fits = aim
            break
    level = f"{plan.BROWSERS_LEVEL / 10:g}"
    return BadRequest(
        f"A video in this viewport would have {wanted.width} × {wanted.height} pixels at {float(wanted.rate):.4g} "
        f"frames/s, more than level {level} of H.264 holds: ask for {fits.width} × {fits.height} or less."
    )


def sized(
    picture: ffmpeg.nodes.FilterableStream, video: VideoStream, aim: Target, how: How
) -> ffmpeg.nodes.FilterableStream:
    """As ``transcode.sized``, but for what the viewport shows."""
    if how.rendering.viewport is None:
        return transcode.sized(picture, video, aim)
    columns, rows = _upright(video)
    part = viewport.cut(how.rendering.viewport, columns, rows)
    if video.change:  # of pictures of another size half-way the same part is shown
        picture = picture.filter("scale", columns, rows, flags="bicubic")
    picture = picture.filter("crop", part.width, part.height, part.left, part.top, exact=1)
    for wanted, name in ((part.mirrored, "hflip"), (part.upturned, "vflip")):
        picture = picture.filter(name) if wanted else picture
    for name, options in colour.before(video):
        picture = picture.filter(name, **options)
    picture = picture.filter("scale", aim.width, aim.height, flags="bicubic", **colour.scaling(video))
    return picture.filter("format", "yuv420p").filter("setparams", **colour.said(video))


def written(
    picture: ffmpeg.nodes.FilterableStream, aim: Target, how: How, folder: Path
) -> ffmpeg.nodes.FilterableStream:
    """``picture`` with the lines in its upper left corner.

    Their text is read from a file in ``folder``: no word of it is in a command, where other users could read it.
    """
    if not how.lines:
        return picture
    if not lettering.FONT.exists():
        raise lettering.missing()
    text = folder / "lines.txt"
    text.write_text("\n".join(how.lines), encoding="utf-8")
    letter = max(_LEAST_LETTER, aim.height // _LETTER)
    return picture.filter(
        "drawtext",
        textfile=str(text),
        expansion="none",
        fontfile=str(lettering.FONT),
        fontsize=letter,
        fontcolor="white",
        borderw=max(1, letter // 10),
        bordercolor="black",
        x=letter // 2,
        y=letter // 2,
        line_spacing=letter // 4,
    )


def _upright(video: VideoStream) -> tuple[int, int]:
    """Columns and rows as they are decoded: ffmpeg turns them as the container says."""
    return (video.height, video.width) if video.rotation in {90, 270} else (video.width, video.height)


def _aspect(video: VideoStream) -> Fraction:
    aspect = video.pixel_aspect.fraction
    return 1 / aspect if video.rotation in {90, 270} else aspect
