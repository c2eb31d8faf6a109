"""What is heard while a clip's pictures are shown: the sound's packets as they are, at their times."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet

from orthanc_video.media.source import opened
from orthanc_video.model import Span

# Containers without an index find a time about where it is.
_EARLIER = Fraction(2)
# What FFmpeg writes to a program stream beside what it says of itself; MP3 is the sound that DICOM knows beside MPEG-2.
_ALSO = {"vob": frozenset({"mp3", "ac3"})}


@dataclass(frozen=True, slots=True)
class Stretch:
    """A range of a film: ``start`` and ``end`` in seconds after its first frame is shown, and when it begins in the
    clip."""

    start: Fraction
    end: Fraction
    at: Fraction


def stream_of(container: InputContainer) -> AudioStream | None:
    """The first sound; None where there is none, or none that FFmpeg knows."""
    found = container.streams.audio[0] if container.streams.audio else None
    return found if found is not None and found.codec_context else None


def name_of(stream: AudioStream) -> str:
    """FFmpeg's name of its coding."""
    return stream.codec_context.codec.canonical_name


def left_out(name: str, output: OutputContainer) -> str:
    """A sentence that says why this container has no such sound; empty where it holds it.

    One that is not coded hardly a player knows in an MP4.
    """
    known = name in output.supported_codecs or name in _ALSO.get(output.format.name, ())
    if known and not name.startswith("pcm_"):
        return ""
    kind = "a program stream" if output.format.name == "vob" else "an MP4"
    return f"The sound ({name}) is left out: {kind} does not hold it so that players know it."


def heard(
    path: Path, spans: tuple[Span, ...], zero: Fraction, stretches: Sequence[Stretch]
) -> Iterator[tuple[Fraction, Packet[Any]]]:
    """The packets that begin within the stretches, with their times in the clip, in seconds.

    ``zero`` is when the film's first frame is shown, in the container's time.
    """
    for one in stretches:
        with opened(path, spans) as container:
            stream = stream_of(container)
            if stream is None:
                return
            yield from _within(container, stream, zero, one)


def _within(
    container: InputContainer, stream: AudioStream, zero: Fraction, one: Stretch
) -> Iterator[tuple[Fraction, Packet[Any]]]:
    tick = Fraction(stream.time_base or 1)
    # Where nothing can be looked up the sound is read from its beginning.
    with suppress(av.error.FFmpegError):
        container.seek(max(0, int((zero + one.start - _EARLIER) * av.time_base)))
    for packet in container.demux(stream):
        if packet.pts is None or not packet.size:
            continue
        begin = packet.pts * tick - zero
        if begin >= one.end:
            return
        if begin >= one.start:
            time = begin - one.start + one.at
            packet.pts = packet.dts = round(time / tick)
            yield time, packet
