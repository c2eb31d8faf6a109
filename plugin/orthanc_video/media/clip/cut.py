"""A clip of a video's stream, exact to the frame: planned, written, and read again as proof."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.video.stream import VideoStream as AvStream

from orthanc_video.bitstream.needed import needed_level
from orthanc_video.clip import Clip, Range
from orthanc_video.errors import BadRequest, BrokenVideo
from orthanc_video.media import exact, remux
from orthanc_video.media.clip import joining, sound
from orthanc_video.media.clip.choosing import chosen, end_of
from orthanc_video.media.clip.encoder import Coded, Encoder
from orthanc_video.media.clip.pieces import Anew, Copied, Piece
from orthanc_video.media.clip.source import Source
from orthanc_video.media.pictures import SliceHash
from orthanc_video.media.probe import pictures, probe
from orthanc_video.media.source import coding_of, opened
from orthanc_video.model import Span

Spans = tuple[Span, ...]
# In front of the pictures' parameter sets or among them, too (ISO/IEC 14496-15 8.4.1).
_AMONG = {"h264": "avc1", "hevc": "hev1"}


def cut(path: Path, spans: Spans, ranges: Sequence[Range], target: Path, *, precise: bool = True) -> Clip:
    """Writes the frames of these ranges after one another, as one film, with what is heard meanwhile.

    An MP4 where ``target`` is called so, a program stream where it is called .mpg, which MPEG-2 alone is written to,
    else in the container in which its codec is stored. Not ``precise``: from the
    key frame before a range's first frame on, and no frame is coded anew. Raises BadRequest for frames that there are
    none of, BrokenVideo where a frame is damaged, UnsupportedMedia for a codec that no clips are cut of.
    """
    with exact.video(path, spans, threads=True) as video:
        clip = Source(video)
        if target.suffix == ".mpg" and clip.film.codec != "mpeg2video":
            raise BadRequest("The video is no MPEG-2, which a program stream (.mpg) is for: name an MP4.")
        planned = [clip.plan(*chosen(video, one), precise=precise) for one in ranges]
        heard, silenced = write(clip, [piece for some in planned for piece in some], target, path, spans)
        return Clip(cuts=tuple(clip.told(some) for some in planned), sound=heard, silenced=silenced)


def write(clip: Source, planned: Sequence[Piece], target: Path, path: Path, spans: Spans) -> tuple[str, str]:
    """Writes these pieces as one film, with what is heard meanwhile; FFmpeg's name of the sound, or why it is left out.

    What is coded anew is finer than its source, and may need a higher level, which all of the film then says. Raises
    BrokenVideo where what is read again is not what was written.
    """
    told = _write(clip, planned, target, path, spans)
    made = probe(target).video
    needed = needed_level(made)
    if needed is None or needed <= made.level:
        return told
    clip.film = joining.relabelled(clip.film, needed)
    return _write(clip, planned, target, path, spans)


def _write(clip: Source, planned: Sequence[Piece], target: Path, path: Path, spans: Spans) -> tuple[str, str]:
    """As ``write``, of the level that the film says."""
    video = clip.video
    needs_encoder = any(isinstance(piece, Anew) for piece in planned)
    encoder = Encoder(video.stream, clip.film.codec, clip.film.sets) if needs_encoder else None
    digest = SliceHash(*coding_of(video.stream))
    try:
        kind, options = remux.output_format(clip.film.codec, mp4=target.suffix.lower() == ".mp4")
        with av.open(str(target), "w", format=kind, options=options) as output:
            made = stream_of(output, clip, encoder, clip.tick)
            frames = hashed(clip.frames(planned, encoder), digest)
            seen = placed(frames, times(clip, planned), places(clip, planned), made)
            heard, name, silenced = _heard(output, clip, planned, path, spans)
            for _, packet in heapq.merge(seen, heard, key=lambda pair: pair[0]):
                output.mux_one(packet)
    except av.error.FFmpegError as error:
        raise remux.failure(error) from error
    prove(target, [(are_copied(planned), digest.hexdigest())])
    return name, silenced


def _heard(
    output: OutputContainer, clip: Source, planned: Sequence[Piece], path: Path, spans: Spans
) -> tuple[Iterable[tuple[Fraction, Packet[Any]]], str, str]:
    """The sound's packets with their times, and its name; none where there is none, or why it is left out."""
    container = clip.video.stream.container
    assert isinstance(container, InputContainer)  # noqa: S101
    of = sound.stream_of(container)
    silenced = sound.left_out(sound.name_of(of), output) if of is not None else ""
    if of is None or silenced:
        return (), "", silenced
    made = output.add_stream_from_template(of)
    made.metadata.clear()
    made.time_base = of.time_base

    def packets() -> Iterator[tuple[Fraction, Packet[Any]]]:
        for time, packet in sound.heard(path, spans, clip.video.zero, stretches(clip, planned)):
            packet.stream = made
            yield time, packet

    return packets(), sound.name_of(of), ""


def stretches(clip: Source, planned: Sequence[Piece]) -> list[sound.Stretch]:
    """What is shown without a gap, as it lies in the film and in the clip."""
    found: list[sound.Stretch] = []
    passed = Fraction(0)
    for piece in planned:
        start, end = clip.video.start(piece.first), end_of(clip.video, piece.last)
        if found and found[-1].end == start:
            found[-1] = replace(found[-1], end=end)
        else:
            found.append(sound.Stretch(start, end, passed))
        passed += end - start
    return found


def are_copied(planned: Sequence[Piece]) -> list[bool]:
    """Of each frame."""
    return [isinstance(piece, Copied) for piece in planned for _ in range(piece.last - piece.first + 1)]


def hashed(frames: Iterable[tuple[Coded, bytes]], digest: SliceHash) -> Iterator[Coded]:
    """The frames; of those that are copied ``digest`` is told what the source has."""
    for frame, source in frames:
        if source:
            digest.add(Packet(source))
        yield frame


def stream_of(output: OutputContainer, clip: Source, encoder: Encoder | None, tick: Fraction) -> AvStream:
    """The stream that frames of this clip, and like ones, are written to."""
    made = output.add_stream_from_template(clip.video.stream)
    assert isinstance(made, AvStream)  # noqa: S101
    made.metadata.clear()
    made.time_base = tick
    if clip.video.stream.sample_aspect_ratio:  # which the container may say, and the pictures not
        made.sample_aspect_ratio = clip.video.stream.sample_aspect_ratio
    sets = joining.configuration(clip.film, encoder.configuration if encoder else b"")
    made.codec_context.extradata = sets or None
    if clip.film.codec in _AMONG:
        made.codec_context.codec_tag = _AMONG[clip.film.codec]
    return made


def times(clip: Source, planned: Sequence[Piece]) -> list[Fraction]:
    """When each frame of the clip is shown, in seconds, in the order shown; then when the last one ends."""
    found, passed = [], Fraction(0)
    for piece in planned:
        start = clip.video.start(piece.first)
        found += [passed + clip.video.start(number) - start for number in range(piece.first, piece.last + 1)]
        passed += end_of(clip.video, piece.last) - start
    return [*found, passed]


def placed(
    frames: Iterable[Coded], shown: Sequence[Fraction], places: Sequence[int], made: AvStream
) -> Iterator[tuple[Fraction, Packet[Any]]]:
    """The packets with when they are decoded: in order, and never after they are shown.

    ``shown`` is when each is, and ``places`` the place there of each one as they are coded.
    """
    tick = Fraction(made.time_base or 1)
    times = [round(time / tick) for time in shown]
    delay = max(at - place for at, place in enumerate(places))
    step = max(1, (times[-1] - times[0]) // (len(times) - 1))
    for at, (place, frame) in enumerate(zip(places, frames, strict=True)):
        packet: Packet[Any] = Packet(frame.data)
        packet.stream, packet.time_base, packet.is_keyframe = made, tick, frame.key
        packet.pts, packet.duration = times[place], times[place + 1] - times[place]
        packet.dts = times[at - delay] if at >= delay else times[0] - (delay - at) * step
        yield packet.dts * tick, packet


def places(clip: Source, planned: Sequence[Piece]) -> list[int]:
    """Of the clip's frames as they are coded, the place of each among those shown."""
    found: list[int] = []
    passed = 0
    for piece in planned:
        if isinstance(piece, Copied):
            found += [passed + int(clip.numbers[at]) - piece.first for at in piece.coded]
        else:
            found += range(passed, passed + piece.last - piece.first + 1)
        passed += piece.last - piece.first + 1
    return found


def prove(target: Path, parts: Sequence[tuple[Sequence[bool], str]]) -> None:
    """Reads the clip again; raises BrokenVideo where a frame is lost, or a copied one has changed.

    Of each part: which of its frames are copied, and the hash over those in their source.
    """
    expected = [(number, copied) for number, (flags, _) in enumerate(parts) for copied in flags]
    count = 0
    with opened(target) as container:
        stream = pictures(container)
        digests = [SliceHash(*coding_of(stream)) for _ in parts]
        for packet in remux.showable(container.demux(stream), stream):
            if count < len(expected) and expected[count][1]:
                digests[expected[count][0]].add(packet)
            count += 1
    if count != len(expected):
        raise BrokenVideo(f"Of {len(expected)} frames of the clip {count} arrived in its file; nothing was cut.")
    if [digest.hexdigest() for digest in digests] != [before for _, before in parts]:
        raise BrokenVideo("Coded pictures changed on their way into the clip; nothing was cut.")
