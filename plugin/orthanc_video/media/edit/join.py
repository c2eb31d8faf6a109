"""Several films as one, after one another: copied packet for packet where they are coded alike.

What is coded in another way than the first film is coded anew to match it.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.container import OutputContainer
from av.packet import Packet
from av.video.frame import VideoFrame

from orthanc_video.bitstream import mpeg2
from orthanc_video.errors import BadRequest
from orthanc_video.media import exact, remux
from orthanc_video.media.clip import cut, sound
from orthanc_video.media.clip.encoder import Coded, Encoder
from orthanc_video.media.clip.pieces import Anew, Piece
from orthanc_video.media.clip.source import Source
from orthanc_video.media.pictures import SliceHash
from orthanc_video.media.source import coding_of, opened
from orthanc_video.model import Span

# Beyond, an MP4's times would not fit its fields for long.
_FINEST = Fraction(1, 1_000_000)
_USUAL = Fraction(1, 90_000)


@dataclass(frozen=True, slots=True)
class _Part:
    """A film, how its frames get into the whole, and when it begins there."""

    path: Path
    spans: tuple[Span, ...]
    source: Source
    planned: list[Piece]
    begin: Fraction


@dataclass(frozen=True, slots=True)
class Joined:
    """``frames`` of the whole, of which some were coded ``anew``; ``sound`` is FFmpeg's name of its coding, and
    ``silenced`` says why the whole has none, where some film has one."""

    frames: int
    anew: int
    sound: str
    silenced: str


def join(films: Sequence[Path], target: Path) -> Joined:
    """Writes all frames of ``films``, in this order.

    Raises BadRequest where their pictures differ in size, BrokenVideo where a frame is damaged or lost,
    UnsupportedMedia for a coding that cannot be joined.
    """
    with ExitStack() as opened_films:
        parts = _parts(films, opened_films)
        first = parts[0].source
        needs_encoder = any(isinstance(piece, Anew) for part in parts for piece in part.planned)
        encoder = Encoder(first.video.stream, first.film.codec, first.film.sets) if needs_encoder else None
        heard, unlike = _sound(parts)
        digests = [SliceHash(*coding_of(part.source.video.stream)) for part in parts]
        try:
            kind, options = remux.output_format(first.film.codec)
            with av.open(str(target), "w", format=kind, options=options) as output:
                silenced = sound.left_out(heard, output) if heard else unlike
                heard = "" if silenced else heard
                _write(output, parts, encoder, digests, heard=bool(heard))
        except av.error.FFmpegError as error:
            raise remux.failure(error) from error
        proofs = [(cut.are_copied(part.planned), one.hexdigest()) for part, one in zip(parts, digests, strict=True)]
        cut.prove(target, proofs)
        copied = [one for flags, _ in proofs for one in flags]
        return Joined(len(copied), copied.count(False), heard, silenced)


def _parts(films: Sequence[Path], stack: ExitStack) -> list[_Part]:
    parts: list[_Part] = []
    begin = Fraction(0)
    for path in films:
        spans = (Span(0, path.stat().st_size),)
        video = stack.enter_context(exact.video(path, spans, threads=True))
        source = Source(video, _fitted(parts[0].source if parts else None))
        _refuse_other_size(parts[0].source if parts else source, source, len(parts) + 1)
        last = len(video) - 1
        planned: list[Piece] = [Anew(0, last)]
        if not parts or _are_alike(parts[0].source, source):
            planned = source.plan(0, last, precise=True)
        else:
            source.film = parts[0].source.film
        parts.append(_Part(path, spans, source, planned, begin))
        begin += cut.times(source, planned)[-1]
    first = parts[0].source
    spare = dict.fromkeys(unit for part in parts for unit in part.source.film.spare)
    first.film = replace(first.film, spare=tuple(spare))
    return parts


def _fitted(first: Source | None) -> Any:
    """What makes of a film's frame one that the first film's encoder takes."""

    def change(_number: int, frame: VideoFrame) -> VideoFrame:
        wanted = first.video.stream.codec_context.pix_fmt if first else frame.format.name
        return frame if frame.format.name == wanted else frame.reformat(format=wanted)

    return change


def _size(source: Source) -> tuple[int, int]:
    context = source.video.stream.codec_context
    return context.width, context.height


def _refuse_other_size(first: Source, other: Source, number: int) -> None:
    if _size(first) != _size(other):
        (wide, high), (width, height) = _size(first), _size(other)
        raise BadRequest(
            f"Video {number} has pictures of {width} × {height}, the first one of {wide} × {high}: videos of one size "
            "alone can be joined."
        )


def _are_alike(first: Source, other: Source) -> bool:
    """Whether the coded pictures of both can stand in one stream: all that tells how to decode them is equal."""
    if first.film.codec != other.film.codec:
        return False
    if first.film.codec == "mpeg2video":
        (head,), (others,) = first.film.sets, other.film.sets
        same = mpeg2.parse_sequence(head) == mpeg2.parse_sequence(others)
        return same and mpeg2.is_progressive(head) == mpeg2.is_progressive(others)
    return first.film.sets == other.film.sets


def _heard_in(part: _Part) -> tuple[Any, ...] | None:
    """What tells how the sound is coded; None where there is none."""
    with opened(part.path, part.spans) as container:
        stream = sound.stream_of(container)
        if stream is None:
            return None
        context = stream.codec_context
        return sound.name_of(stream), context.sample_rate, context.layout.name, bytes(context.extradata or b"")


def _sound(parts: Sequence[_Part]) -> tuple[str, str]:
    """FFmpeg's name of the coding that all have; else why there is no sound, empty where none of them has one."""
    kinds = {_heard_in(part) for part in parts}
    if len(kinds) > 1:
        return "", "The sound is left out: not all of the videos have one, coded in the same way."
    (kind,) = kinds
    return (str(kind[0]) if kind else ""), ""


def _write(
    output: OutputContainer,
    parts: Sequence[_Part],
    encoder: Encoder | None,
    digests: Sequence[SliceHash],
    *,
    heard: bool,
) -> None:
    first = parts[0].source
    made = cut.stream_of(output, first, encoder, _tick(parts))
    shown = [part.begin + time for part in parts for time in cut.times(part.source, part.planned)[:-1]]
    shown.append(parts[-1].begin + cut.times(parts[-1].source, parts[-1].planned)[-1])
    places, passed = list[int](), 0
    for part in parts:
        places += [passed + place for place in cut.places(part.source, part.planned)]
        passed = len(places)
    seen = cut.placed(_frames(parts, encoder, digests), shown, places, made)
    for _, packet in heapq.merge(seen, _all_heard(output, parts) if heard else (), key=lambda pair: pair[0]):
        output.mux_one(packet)


def _frames(parts: Sequence[_Part], encoder: Encoder | None, digests: Sequence[SliceHash]) -> Iterator[Coded]:
    for part, digest in zip(parts, digests, strict=True):
        for at, piece in enumerate(part.planned):
            opens = part is parts[0] and at == 0
            yield from cut.hashed(part.source.of(piece, encoder, opens=opens), digest)


def _tick(parts: Sequence[_Part]) -> Fraction:
    """One that the times of all films are whole numbers of, where there is one."""
    ticks = [part.source.tick for part in parts]
    common = Fraction(math.gcd(*(tick.numerator for tick in ticks)), math.lcm(*(tick.denominator for tick in ticks)))
    return common if common >= _FINEST else _USUAL


def _all_heard(output: OutputContainer, parts: Sequence[_Part]) -> Iterator[tuple[Fraction, Packet[Any]]]:
    """The sound's packets of all films with their times in the whole."""
    with opened(parts[0].path, parts[0].spans) as container:
        of = sound.stream_of(container)
        assert of is not None  # noqa: S101
        made = output.add_stream_from_template(of)
        made.metadata.clear()
        made.time_base = of.time_base
    for part in parts:
        begins = [
            sound.Stretch(one.start, one.end, part.begin + one.at) for one in cut.stretches(part.source, part.planned)
        ]
        for time, packet in sound.heard(part.path, part.spans, part.source.video.zero, begins):
            packet.stream = made
            yield time, packet
