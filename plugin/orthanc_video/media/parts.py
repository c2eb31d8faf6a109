"""A long film into several files, each of which plays by itself: cut at key frames, no picture changed."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import OutputContainer
from av.video.stream import VideoStream as AvStream

from orthanc_video.errors import BrokenVideo
from orthanc_video.media import cuts
from orthanc_video.media.pictures import SliceHash, begins
from orthanc_video.media.probe import pictures, probe
from orthanc_video.media.remux import failure, output_format, packets, telling
from orthanc_video.media.source import coding_of, opened
from orthanc_video.model import Made, Most, Progress, Rational, VideoStream

Listener = Callable[[Progress], None]
_READING, _WRITING = 0.3, 0.8


def cut(whole: Made, target: Path, most: Most, listener: Listener) -> list[Made]:
    """Writes a film as files beside ``target``, of at most that many bytes and seconds each.

    Only ``whole`` itself where it has no place to cut at. Raises BrokenVideo where a frame was lost or changed.
    """
    source, video = Path(whole.path), whole.video
    try:
        film, before = _timeline(source, video, listener)
        firsts = cuts.starts(film, most.bytes, most.seconds)
        if len(firsts) == 1:
            return [whole]
        paths = _write(source, target, video, film, firsts, listener)
    except av.error.FFmpegError as error:
        raise failure(error) from error
    made = [
        _described(path, film, first, number, len(paths))
        for number, (path, first) in enumerate(zip(paths, firsts, strict=True), 1)
    ]
    _prove(made, video, before, listener)
    if whole.quality is not None:
        return [dataclasses.replace(one, quality=whole.quality, counts=whole.counts) for one in made]
    return [dataclasses.replace(one, source_pictures=before, pictures=before) for one in made]


def _timeline(source: Path, video: VideoStream, listener: Listener) -> tuple[cuts.Timeline, str]:
    """When each frame is shown and which ones a part may begin with; the hash of all coded slices."""
    size, time, fresh = [], [], []
    tell = telling("remux", video, listener, 0.0, _READING)
    with opened(source) as container:
        stream = pictures(container)
        digest, is_fresh = SliceHash(*coding_of(stream)), begins(*coding_of(stream))
        for packet in packets(container.demux(stream), tell):
            if packet.pts is None:
                raise BrokenVideo("The film is too long for one object, and cannot be cut: its frames have no times.")
            digest.add(packet)
            size.append(packet.size)
            time.append(packet.pts)
            fresh.append(packet.is_keyframe and is_fresh(bytes(packet)))
        tick = Fraction(stream.time_base or 1)
    numbers = np.array(size, np.int64), np.array(time, np.int64)
    return cuts.Timeline(
        size=numbers[0], time=numbers[1], begins=np.array(fresh, np.bool_), tick=tick
    ), digest.hexdigest()


def _write(
    source: Path, target: Path, video: VideoStream, film: cuts.Timeline, firsts: list[int], listener: Listener
) -> list[Path]:
    paths = [target.with_name(f"{target.stem}-{number}{target.suffix}") for number in range(1, len(firsts) + 1)]
    beginnings = dict(zip(firsts, paths, strict=True))
    tell = telling("remux", video, listener, _READING, _WRITING)
    with opened(source) as container, contextlib.ExitStack() as closing:
        stream = pictures(container)
        for number, packet in enumerate(packets(container.demux(stream), tell)):
            if number in beginnings:
                closing.close()
                output, made = _output(closing, beginnings[number], stream, video.codec)
                start = int(film.time[number])
            assert packet.pts is not None  # noqa: S101
            packet.pts -= start
            packet.dts = None if packet.dts is None else packet.dts - start
            packet.stream = made
            output.mux_one(packet)
    return paths


def _output(
    closing: contextlib.ExitStack, path: Path, stream: AvStream, codec: str
) -> tuple[OutputContainer, AvStream]:
    kind, options = output_format(codec)
    output = closing.enter_context(av.open(str(path), "w", format=kind, options=options))
    made = output.add_stream_from_template(stream)
    assert isinstance(made, AvStream)  # noqa: S101
    made.metadata.clear()
    made.time_base = stream.time_base
    return output, made


def _described(path: Path, film: cuts.Timeline, first: int, number: int, count: int) -> Made:
    probed = probe(path)
    return Made(
        path=str(path),
        size=path.stat().st_size,
        video=probed.video,
        probed=probed,
        part=number,
        parts=count,
        first=first,
        start=Rational.of(film.second(first)),
    )


def _prove(made: list[Made], video: VideoStream, before: str, listener: Listener) -> None:
    """Reads all parts again, as one film. Raises BrokenVideo where it is not the one that was cut."""
    frames = sum(one.video.frames for one in made)
    if frames != video.frames:
        raise BrokenVideo(f"Of {video.frames} frames {frames} arrived in the parts of the film; nothing was stored.")
    digest: SliceHash | None = None
    tell = telling("check", video, listener, _WRITING, 1.0)
    for one in made:
        with opened(Path(one.path)) as container:
            stream = pictures(container)
            digest = digest or SliceHash(*coding_of(stream))
            for packet in packets(container.demux(stream), tell):
                digest.add(packet)
    if digest is None or digest.hexdigest() != before:
        raise BrokenVideo("The coded pictures changed when the film was cut; nothing was stored.")
