"""Pictures re-encoded as H.264 High profile, 8-bit 4:2:0, by ffmpeg: every frame, at its own time."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
import signal
import subprocess
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path
from typing import IO, Any

import ffmpeg

from orthanc_video.bitstream import levels, sei
from orthanc_video.errors import TRIED_AGAIN, BrokenVideo, Busy, TooLarge, WorkerFailed
from orthanc_video.media import colour, sandbox
from orthanc_video.media.edit import reframing
from orthanc_video.media.plan import plan
from orthanc_video.media.probe import LARGEST_AREA, probe
from orthanc_video.media.quality import EncoderLog
from orthanc_video.media.remux import remux
from orthanc_video.media.source import DEMUXERS
from orthanc_video.model import Action, MediaInfo, Progress, Rational, Region, Span, Target, VideoStream

Listener = Callable[[Progress], None]
Feed = Callable[[IO[bytes]], None]
_BLOCK = 1 << 20
# Of small pictures the words of this time fit into a pipe (64 KiB): some 4,000 frames a second.
_PIPE, _GATHER_SECONDS = 1 << 16, 0.05
# Where in the whole the encoding ends; as a rule what it has made is right, and that is all.
ENCODED = 0.99
_WHOLE: dict[str, Any] = {"movflags": "+faststart"}
# Fragments of at most a quarter of a second, written at once; the head waits for the first, which says when it begins.
_GROWING: dict[str, Any] = {
    "movflags": "+frag_keyframe+delay_moov+default_base_moof",
    "frag_duration": 250_000,
    "flush_packets": 1,
}
_PACKINGS = {words: number for number, words in sei.ARRANGEMENTS.items()}


def streamable(
    source: Path,
    target: Path,
    video: VideoStream,
    aim: Target,
    preset: str,
    crf: int,
    listener: Listener,
    span: Span | None = None,
    log: EncoderLog | None = None,
) -> MediaInfo:
    """Re-encodes ``source``, or this span of it, into an MP4 with its index in front; what came out, counted.

    ``log`` is told what ffmpeg says of each frame on the way.
    """
    command = command_line(source, target, video, aim, preset, crf, span)
    if log is not None:
        command = log.asked_of(command)
    written = run(command, video, lambda told: listener(told.within(0, ENCODED)), log=log)
    if aim.frames and written != aim.frames:
        raise BrokenVideo(f"Of {aim.frames} frames at the constant rate {written} came out; nothing was stored.")
    return conforming(target, written, lambda told: listener(told.within(ENCODED, 1)))


def conforming(made: Path, written: int, listener: Listener) -> MediaInfo:
    """What ffmpeg has made, counted; written once more where its container is not yet what the plan would let be."""
    info = probe(made)
    if info.video.frames != written:
        raise BrokenVideo(
            f"ffmpeg wrote {written} frames, but {info.video.frames} are in its file; nothing was stored."
        )
    if plan(info).action is Action.WRAP:
        return info
    again = made.with_suffix(".again.mp4")
    remux(made, again, info.video, 0, listener)
    with again.open("rb") as file, made.open("wb") as target:
        shutil.copyfileobj(file, target, _BLOCK)
    again.unlink()
    return probe(made)


def transcode(
    source: Path,
    target: Path,
    video: VideoStream,
    aim: Target,
    preset: str,
    crf: int,
    listener: Listener,
    span: Span | None = None,
) -> int:
    """Re-encodes into the MP4 ``target``; the number of frames written. Raises with ffmpeg's own words."""
    return run(command_line(source, target, video, aim, preset, crf, span), video, listener)


def run(
    command: list[str],
    video: VideoStream,
    listener: Listener,
    feed: Feed | None = None,
    log: EncoderLog | None = None,
) -> int:
    """Runs ffmpeg to its end; the number of frames written. ``feed`` writes its standard input, in a thread."""
    frames = 0
    with (
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE if feed else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            preexec_fn=sandbox.before_program,
            pass_fds=log.descriptors if log else (),
        ) as process,
        ThreadPoolExecutor(2) as threads,
    ):
        sandbox.alone(process.pid)
        # A damaged video makes ffmpeg complain of every frame: unread, its words would fill the pipe and stop it.
        words = threads.submit(_last_words, process, log)
        fed = threads.submit(_feed, process, feed) if feed else None
        try:
            frames = _follow(process, video, listener)
        except BaseException:
            process.kill()
            raise
    if fed is not None:
        fed.result()
    if process.returncode != 0:
        raise _failure(process.returncode, words.result())
    if frames == 0:
        raise BrokenVideo("No frame of the video could be decoded.")
    return frames


def _feed(process: subprocess.Popen[bytes], feed: Feed) -> None:
    """What fails here ends ffmpeg; if ffmpeg has ended by itself, its own words say why."""
    assert process.stdin is not None  # noqa: S101
    try:
        with contextlib.suppress(BrokenPipeError), process.stdin:
            feed(process.stdin)
    except BaseException:
        process.kill()
        raise


def _follow(process: subprocess.Popen[bytes], video: VideoStream, listener: Listener) -> int:
    """Reads ffmpeg's progress to its end; the number of frames written."""
    assert process.stdout is not None  # noqa: S101
    frames = 0
    listener(_progress(frames, video))
    for line in process.stdout:
        key, _, value = line.decode("ascii", "replace").strip().partition("=")
        if key == "frame" and value.isdigit():
            frames = int(value)
            listener(_progress(frames, video))
    return frames


def _progress(frames: int, video: VideoStream) -> Progress:
    part = min(0.99, frames / max(1, video.frames))
    return Progress(stage="transcode", part=part, frames=frames, total=video.frames)


def _last_words(process: subprocess.Popen[bytes], log: EncoderLog | None) -> str:
    """Reads all that ffmpeg has to say, and keeps the last of it."""
    assert process.stderr is not None  # noqa: S101
    said = log.complaints(_gathered(process.stderr)) if log else process.stderr
    return b"".join(deque(said, maxlen=20)).decode("utf-8", "replace")


def _gathered(pipe: IO[bytes]) -> Iterator[bytes]:
    """Its lines, some at a time: of each frame something is said, and to be woken for each would cost the encoder."""
    rest = b""
    while block := os.read(pipe.fileno(), _PIPE):
        *lines, rest = (rest + block).splitlines(keepends=True)
        if rest.endswith(b"\n") or len(rest) > _BLOCK:
            lines, rest = [*lines, rest], b""
        yield from lines
        if len(block) < _PIPE:
            time.sleep(_GATHER_SECONDS)
    yield rest


def command_line(
    source: Path, target: Path, video: VideoStream, aim: Target, preset: str, crf: int, span: Span | None = None
) -> list[str]:
    """The ffmpeg command: also what the benchmark runs as the rival."""
    picture = shown(source, video, aim, span)
    if aim.rate:
        video = dataclasses.replace(video, rate=aim.rate, constant_rate=True)
    return encoded(picture, target, video, aim, preset, crf)


def shown(source: Path, video: VideoStream, aim: Target, span: Span | None = None) -> ffmpeg.nodes.FilterableStream:
    """The pictures as the encoder is given them, but for their format."""
    video, picture = reframing.reframed(decoded(source, video, span, aim.masks), video, aim.masks, aim.crop)
    picture = sized(picture, video, aim)
    return evened(picture, aim, aim.rate) if aim.rate else picture


def decoded(
    source: Path, video: VideoStream, span: Span | None = None, masks: Sequence[Region] = ()
) -> ffmpeg.nodes.FilterableStream:
    """The pictures of ``source``, or of this span of it: whole ones, upright, each at its time; ``masks`` are black."""
    # ffmpeg's subfile protocol: the span is all that it sees of the file.
    part = f"subfile,,start,{span.offset},end,{span.offset + span.length},,:" if span else ""
    protocols = "file,subfile" if span else "file"
    # Pictures may change their size half-way: the bound is that of the probe.
    only = {"protocol_whitelist": protocols, "format_whitelist": DEMUXERS, "max_pixels": LARGEST_AREA}
    picture = ffmpeg.input(f"{part}file:{source}", copytb=1, **only).video
    picture = reframing.masked(picture, video, masks)
    if not video.progressive:
        picture = picture.filter("bwdif", mode="send_frame", deint="interlaced")
    if not video.timed:  # what FFmpeg makes of the few times that it is told is not always in order
        rate = video.rate
        picture = picture.filter("setpts", f"round(N*{rate.denominator}/({rate.numerator}*TB))")
    return picture


def evened(picture: ffmpeg.nodes.FilterableStream, aim: Target, rate: Rational) -> ffmpeg.nodes.FilterableStream:
    """``picture`` with each frame at the place of a constant rate that is nearest to its time (timing.evened)."""
    grid = {"fps": f"{rate.numerator}/{rate.denominator}", "round": "near"}
    from_0 = picture.filter("setpts", "PTS-STARTPTS").filter("fps", **grid)
    last = from_0.filter("tpad", stop=aim.frames, stop_mode="clone")
    counted = f"round(N*{rate.denominator}/({rate.numerator}*TB))"
    return last.filter("trim", end_frame=aim.frames).filter("setpts", counted)


def encoded(
    picture: ffmpeg.nodes.FilterableStream,
    target: Path,
    video: VideoStream,
    aim: Target,
    preset: str,
    crf: int,
    *,
    growing: bool = False,
) -> list[str]:
    """The command that makes an MP4 of ``picture``: one place for how things are encoded.

    ``growing``: it can be played while it is being made (``media/growing.py``).
    """
    limit = levels.maximum_bit_rate(aim.level) // 1000
    said = {"x264-params": f"frame-packing={_PACKINGS[aim.packing]}"} if aim.packing else {}
    # Of itself FFmpeg would say of two views in each picture what the source said, true or not after turning.
    plain = picture.filter("setsar", 1).filter("sidedata", mode="delete", type="STEREO3D")
    output = plain.output(
        f"file:{target}",
        format="mp4",
        an=None,
        sn=None,
        dn=None,
        map_metadata=-1,
        map_chapters=-1,
        vcodec="libx264",
        preset=preset,
        crf=crf,
        maxrate=f"{limit}k",
        bufsize=f"{limit}k",
        pix_fmt="yuv420p",
        fps_mode="passthrough",
        enc_time_base=f"{tick(video).numerator}:{tick(video).denominator}",
        g=max(1, round((1 if growing else 2) * float(video.rate))),
        a53cc=0,
        bitexact=None,
        **{"profile:v": "high", "level:v": f"{aim.level // 10}.{aim.level % 10}", "refs:v": 4},
        **said,
        **(_GROWING if growing else _WHOLE),
    )
    arguments: list[str] = ffmpeg.compile(
        output.global_args("-nostdin", "-hide_banner", "-loglevel", "error", "-nostats", "-progress", "pipe:1"),
        overwrite_output=True,
    )
    return arguments


def tick(video: VideoStream) -> Fraction:
    """The encoder's time base: a frame of a constant rate, else a fine one that holds every time."""
    return 1 / video.rate.fraction if video.constant_rate else Fraction(1, 90000)


def sized(picture: ffmpeg.nodes.FilterableStream, video: VideoStream, aim: Target) -> ffmpeg.nodes.FilterableStream:
    """``picture`` upright, with square pixels and even sides; where its shape changes half-way, black borders.

    Its colours are those of television (media/colour.py), in studio range, and say so.
    """
    turned = video.rotation in {90, 270}
    width, height = (video.height, video.width) if turned else (video.width, video.height)
    padded = (width + width % 2, height + height % 2)
    square = video.pixel_aspect.fraction == 1
    ranged = colour.scaling(video)
    for name, options in colour.before(video):
        picture = picture.filter(name, **options)
    if video.change or (square and (width, height) == (aim.width, aim.height)):
        # Nothing happens to a frame that fits; of VP8, VP9 and AV1 only the decoder knows whether all do.
        fitted = picture.filter(
            "scale", aim.width, aim.height, flags="bicubic", force_original_aspect_ratio="decrease", **ranged
        )
        picture = fitted.filter("pad", aim.width, aim.height, "(ow-iw)/2", "(oh-ih)/2")
    elif square and padded == (aim.width, aim.height):
        picture = picture.filter("pad", aim.width, aim.height).filter("scale", **ranged)
    else:
        picture = picture.filter("scale", aim.width, aim.height, flags="bicubic", **ranged)
    return picture.filter("format", "yuv420p").filter("setparams", **colour.said(video))


def _failure(code: int, words: str) -> Exception:
    last = words.strip().splitlines()[-1] if words.strip() else f"exit code {code}"
    if "No space left" in words:
        return Busy(f"The disk is full{TRIED_AGAIN}")
    if code == -signal.SIGXFSZ:
        return TooLarge("The re-encoded video is larger than one DICOM object can be (4 GiB).")
    if code < 0:
        return WorkerFailed(f"ffmpeg was ended by signal {signal.Signals(-code).name}.")
    return BrokenVideo(f"The video cannot be decoded or encoded: {last.rsplit(': ', 1)[-1]}.")
