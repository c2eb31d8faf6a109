"""A film of single pictures as an MP4 that browsers play: H.264, 8-bit 4:2:0, each frame at its own time."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import IO

import av
import ffmpeg
from av.video.stream import VideoStream as AvStream

from orthanc_video.errors import BrokenVideo
from orthanc_video.film import MultiFrame, Window
from orthanc_video.media import cine, growing, shaping, transcode
from orthanc_video.media.shaping import How
from orthanc_video.model import Progress, Rational, VideoStream

Listener = Callable[[Progress], None]
# What a browser takes a video for that does not say what its colours are depends on its size.
_COLOURS = {"colorspace": "bt709", "color_primaries": "bt709", "color_trc": "bt709", "range": "tv"}


def render(path: Path, film: MultiFrame, target: Path, how: How, listener: Listener) -> tuple[int, int]:
    """Writes the MP4 of the film in the object at ``path``; how many frames it has, and how many could be shown.

    Damaged frames are left out: the one before stays, or the first one begins at once. Works in ``target``'s folder.
    Grey values are shown through the window that is wanted, else through the object's own. Raises BrokenVideo when no
    frame can be shown, BadRequest for a viewport that shows nothing or is too large.
    """
    film = windowed(film, how.rendering.window)
    with cine.opened(path, film) as pictures:
        first = _first(pictures, len(film.frames))
        video = _described(film)
        shown = 0

        def feed(pipe: IO[bytes]) -> None:
            nonlocal shown
            shown = _pipe(pictures, first, film, video, pipe)

        command = _command(target, video, how)
        written = transcode.run(command, video, lambda told: listener(told.within(0, transcode.ENCODED)), feed)
    if shown != written:
        raise BrokenVideo(f"{shown} frames were given to ffmpeg, but {written} are in its file; it is not kept.")
    growing.finish(target, written, lambda told: listener(told.within(transcode.ENCODED, 1)))
    return len(film.frames), shown


def windowed(film: MultiFrame, window: Window | None) -> MultiFrame:
    """The film with its grey values shown through ``window``; that of a film in colour has no meaning (PS3.4 N.2)."""
    if window is None or not film.pixels.photometric.startswith("MONOCHROME"):
        return film
    return dataclasses.replace(film, pixels=dataclasses.replace(film.pixels, window=window, voi=None))


def _first(pictures: cine.Cine, count: int) -> int:
    """The first frame that can be shown; raises what is wrong with the very first when there is none."""
    for number in range(count):
        if pictures.attempt(number) is not None:
            return number
    pictures.picture(0)
    raise BrokenVideo("No frame of the film can be shown.")


def _described(film: MultiFrame) -> VideoStream:
    """The film as if it were a video of uncompressed pictures."""
    pixels = film.pixels
    return VideoStream(
        codec="rawvideo",
        width=pixels.columns,
        height=pixels.rows,
        coded_width=pixels.columns,
        coded_height=pixels.rows,
        pixel_format="rgb24",
        bit_depth=8,
        frames=len(film.frames),
        rate=Rational.of(1 / film.cadence.step.fraction),
        constant_rate=not film.cadence.starts,
        seconds=film.seconds,
        pixel_aspect=pixels.aspect,
    )


def _command(target: Path, video: VideoStream, how: How) -> list[str]:
    """ffmpeg reads the pictures from its standard input in NUT, which keeps any time."""
    pictures = ffmpeg.input("pipe:0", format="nut", protocol_whitelist="pipe", copytb=1).video
    aim = shaping.target_of(video, how)
    picture = shaping.sized(pictures, video, aim, how)
    picture = picture.filter("scale", out_color_matrix="bt709", out_range="tv", flags="bicubic+accurate_rnd")
    picture = picture.filter("format", "yuv420p").filter("setparams", **_COLOURS)
    picture = shaping.written(picture, aim, how, target.parent)
    return transcode.encoded(picture, growing.beside(target), video, aim, how.preset, how.crf, growing=True)


class _Pipe:
    """Where FFmpeg's muxer writes; when the reader has ended, its own words say why, and nothing more is written."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe
        self.broken = False

    def write(self, data: bytes) -> int:
        try:
            self._pipe.write(data)
        except BrokenPipeError:
            self.broken = True
        return len(data)


def _pipe(pictures: cine.Cine, first: int, film: MultiFrame, video: VideoStream, pipe: IO[bytes]) -> int:
    """One frame at a time; how many."""
    tick = transcode.tick(video)
    shown = 0
    into = _Pipe(pipe)
    with av.open(into, "w", format="nut") as output:
        stream = output.add_stream("rawvideo", rate=1 / tick)
        assert isinstance(stream, AvStream)  # noqa: S101
        for number in range(first, len(film.frames)):
            picture = pictures.attempt(number)
            if into.broken:
                break
            if picture is None:
                continue
            frame = cine.as_frame(picture)
            if not shown:
                stream.width, stream.height, stream.pix_fmt = frame.width, frame.height, frame.format.name
                stream.time_base = stream.codec_context.time_base = tick
            frame.time_base = tick
            frame.pts = round(film.cadence.start(number) / tick) if shown else 0
            output.mux(stream.encode(frame))
            shown += 1
        output.mux(stream.encode())
    return shown
