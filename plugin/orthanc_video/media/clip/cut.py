"""A clip of a video's stream, exact to the frame: planned, written, and read again as proof."""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.container import OutputContainer
from av.packet import Packet
from av.video.stream import VideoStream as AvStream

from orthanc_video.clip import Cut, Range
from orthanc_video.errors import BadRequest, BrokenVideo
from orthanc_video.media import exact, opening, remux
from orthanc_video.media.clip import joining, pieces
from orthanc_video.media.clip.encoder import Coded, Encoder
from orthanc_video.media.clip.pieces import Anew, Copied, Piece
from orthanc_video.media.pictures import SliceHash, begins
from orthanc_video.media.probe import pictures
from orthanc_video.media.source import coding_of, opened
from orthanc_video.model import Rational, Span

Spans = tuple[Span, ...]
# Key frames looked at before and after a range: a copy begins at one, and ends beyond what leans over another.
_BESIDE = 2
# In front of the pictures' parameter sets or among them, too (ISO/IEC 14496-15 8.4.1).
_AMONG = {"h264": "avc1", "hevc": "hev1"}


def cut(path: Path, spans: Spans, ranges: Sequence[Range], target: Path, *, precise: bool = True) -> list[Cut]:
    """Writes the frames of these ranges after one another, as one film; one Cut for each.

    Not ``precise``: from the key frame before a range's first frame on, and no frame is coded anew. Raises BadRequest
    for frames that there are none of, BrokenVideo where a frame is damaged, UnsupportedMedia for a codec that no clips
    are cut of.
    """
    with exact.video(path, spans, threads=True) as video:
        clip = _Clip(video)
        planned = [clip.plan(*chosen(video, one), precise=precise) for one in ranges]
        _write(clip, [piece for some in planned for piece in some], target)
        return [clip.told(some) for some in planned]


def chosen(video: exact.Exact, wanted: Range) -> tuple[int, int]:
    """The first and last frame, from 0, of a range; raises BadRequest where there are none."""
    first = wanted.start.frame - 1 if wanted.start.frame else _at(video, wanted.start.seconds.fraction)
    last = wanted.end.frame - 1 if wanted.end.frame else _before(video, wanted.end.seconds.fraction)
    if max(first, last) >= len(video):
        raise BadRequest(f"The video has {len(video)} frames; there is no frame {max(first, last) + 1}.")
    if last < first:
        raise BadRequest("The range holds no frame: its end comes before its start.")
    return first, last


def _at(video: exact.Exact, seconds: Fraction) -> int:
    """The frame that is on the screen then; beyond the end of all, the number of frames."""
    if seconds >= end_of(video, len(video) - 1):
        return len(video)
    return bisect.bisect_right(range(len(video)), seconds, key=video.start) - 1


def _before(video: exact.Exact, seconds: Fraction) -> int:
    return bisect.bisect_left(range(len(video)), seconds, key=video.start) - 1


def end_of(video: exact.Exact, number: int) -> Fraction:
    """When a frame ends: when the next one is shown, and the last of all after as long as the one before it."""
    if number + 1 < len(video):
        return video.start(number + 1)
    if number == 0:
        return 1 / (video.stream.guessed_rate or Fraction(25))
    return 2 * video.start(number) - video.start(number - 1)


class _Clip:
    """A source, and what is needed of it to cut it."""

    def __init__(self, video: exact.Exact) -> None:
        self.video, self._coded = video, video.coded
        codec, extradata = coding_of(video.stream)
        self._keys = [at for at, key in enumerate(self._coded.key) if key and self._coded.shown[at]]
        self.film = joining.film(codec, extradata, self._coded.head(self._keys[0]))
        self.numbers = video.numbers()
        self._fresh = begins(codec, extradata)
        self._opening = opening.Opening(codec, extradata)
        self.tick = self._coded.tick if video.timed else 1 / (video.stream.guessed_rate or Fraction(25))

    def plan(self, first: int, last: int, *, precise: bool) -> list[Piece]:
        if not self.video.timed and precise:  # how they are reordered is not said
            return [Anew(first, last)]
        frames = self._around(first, last)
        planned = pieces.exact(frames, first, last) if precise else pieces.at_key_frames(frames, first, last)
        if not planned:
            raise BadRequest("The video has no key frame to begin a clip with; ask for one that is exact to the frame.")
        return planned

    def _around(self, first: int, last: int) -> pieces.Frames:
        """These frames with the key frames next to them, so that the length of the whole does not matter."""
        coded = [self.video.place(first), self.video.place(last)]
        before = self._keys[: bisect.bisect_right(self._keys, min(coded))]
        while len(before) > _BESIDE and not any(map(self._is_entry, before[-_BESIDE:])):
            before.pop()
        before = before[-_BESIDE:]
        after = self._keys[bisect.bisect_right(self._keys, max(coded)) :][:_BESIDE]
        begin = before[0] if before else 0
        end = after[-1] if len(after) == _BESIDE else len(self.numbers)
        keys = {at for at in self._keys[bisect.bisect_left(self._keys, begin) :] if at < end}
        entry = [at in keys and self._is_entry(at) for at in range(begin, end)]
        return pieces.Frames(self.numbers[begin:end].tolist(), entry, begin)

    def _is_entry(self, at: int) -> bool:
        """A picture of H.264 that is no IDR picture goes on counting where one before it has ended."""
        head = self._coded.head(at)
        return self._opening.is_closed(head) if self.film.codec == "h264" else self._fresh(head)

    def told(self, planned: list[Piece]) -> Cut:
        first, last = planned[0].first, planned[-1].last
        return Cut(
            first=first + 1,
            last=last + 1,
            anew=sum(one.last - one.first + 1 for one in planned if isinstance(one, Anew)),
            start=Rational.of(self.video.start(first)),
            end=Rational.of(end_of(self.video, last)),
        )

    def frames(self, planned: Sequence[Piece], encoder: Encoder | None) -> Iterator[tuple[Coded, bytes]]:
        """As they lie in the clip, each with the source's packet where it is copied; one behind, since a copy may say
        how what is before it has to end."""
        before: tuple[Coded, bytes] | None = None
        for piece in planned:
            for at, (frame, source) in enumerate(self._of(piece, encoder)):
                if before is not None:
                    if at == 0 and isinstance(piece, Copied) and joining.needs_end(self.film, frame.data):
                        before = (replace(before[0], data=joining.ended(before[0].data)), before[1])
                    yield before
                before = (frame, source)
        if before is not None:
            yield before

    def _of(self, piece: Piece, encoder: Encoder | None) -> Iterator[tuple[Coded, bytes]]:
        if isinstance(piece, Copied):
            yield from self._copied(piece)
            return
        if encoder is None:
            raise ValueError("an encoder is needed")
        shown = ((number, self.video.frame(number)) for number in range(piece.first, piece.last + 1))
        for one in encoder.encode(shown):
            yield replace(one, data=joining.anew(self.film, one.data)), b""

    def _copied(self, piece: Copied) -> Iterator[tuple[Coded, bytes]]:
        wanted = set(piece.coded)
        in_first = True
        for at, packet in enumerate(self._coded.packets(piece.coded[0]), piece.coded[0]):
            if at > piece.coded[-1]:
                return
            if at not in wanted:
                continue
            source = bytes(packet)
            data = joining.copied(self.film, source, first=at == piece.coded[0])
            if piece.open and self.film.codec == "mpeg2video":
                in_first = in_first and (at == piece.coded[0] or not joining.is_group(data))
                data = joining.closed(data, self._left_out(piece)) if in_first else data
            yield Coded(data, int(self.numbers[at]), packet.is_keyframe), source

    def _left_out(self, piece: Copied) -> int:
        """How many pictures were left out of the first group of a copy."""
        taken, found = set(piece.coded), 0
        for at in range(piece.coded[0], piece.coded[-1]):
            found += at not in taken
        return found


def _write(clip: _Clip, planned: Sequence[Piece], target: Path) -> None:
    video = clip.video
    needs_encoder = any(isinstance(piece, Anew) for piece in planned)
    encoder = Encoder(video.stream, clip.film.codec, clip.film.sets) if needs_encoder else None
    copied = [isinstance(piece, Copied) for piece in planned for _ in range(piece.last - piece.first + 1)]
    times = _times(clip, planned)
    digest = SliceHash(*coding_of(video.stream))
    try:
        kind, options = remux.output_format(clip.film.codec)
        with av.open(str(target), "w", format=kind, options=options) as output:
            made = _stream(output, clip, encoder)
            for packet, source in _placed(clip, planned, encoder, times):
                if source:
                    digest.add(Packet(source))
                packet.stream = made
                output.mux_one(packet)
    except av.error.FFmpegError as error:
        raise remux.failure(error) from error
    _prove(target, copied, digest.hexdigest())


def _stream(output: OutputContainer, clip: _Clip, encoder: Encoder | None) -> AvStream:
    made = output.add_stream_from_template(clip.video.stream)
    assert isinstance(made, AvStream)  # noqa: S101
    made.metadata.clear()
    made.time_base = clip.tick
    sets = joining.configuration(clip.film, encoder.configuration if encoder else b"")
    made.codec_context.extradata = sets or None
    if clip.film.codec in _AMONG:
        made.codec_context.codec_tag = _AMONG[clip.film.codec]
    return made


def _times(clip: _Clip, planned: Sequence[Piece]) -> list[int]:
    """When each frame of the clip is shown, in its ticks, in the order shown; then when the last one ends."""
    times, passed = [], Fraction(0)
    for piece in planned:
        start = clip.video.start(piece.first)
        times += [passed + clip.video.start(number) - start for number in range(piece.first, piece.last + 1)]
        passed += end_of(clip.video, piece.last) - start
    return [round(time / clip.tick) for time in (*times, passed)]


def _placed(
    clip: _Clip, planned: Sequence[Piece], encoder: Encoder | None, times: Sequence[int]
) -> Iterator[tuple[Packet[Any], bytes]]:
    """The packets with their times: decoded in order, and never after they are shown."""
    places = _places(clip, planned)
    delay = max(at - place for at, place in enumerate(places))
    step = max(1, (times[-1] - times[0]) // (len(times) - 1))
    for at, (place, (frame, source)) in enumerate(zip(places, clip.frames(planned, encoder), strict=True)):
        packet: Packet[Any] = Packet(frame.data)
        packet.time_base, packet.is_keyframe = clip.tick, frame.key
        packet.pts, packet.duration = times[place], times[place + 1] - times[place]
        packet.dts = times[at - delay] if at >= delay else times[0] - (delay - at) * step
        yield packet, source


def _places(clip: _Clip, planned: Sequence[Piece]) -> list[int]:
    """Of the clip's frames as they are coded, the place of each among those shown."""
    places: list[int] = []
    passed = 0
    for piece in planned:
        if isinstance(piece, Copied):
            places += [passed + int(clip.numbers[at]) - piece.first for at in piece.coded]
        else:
            places += range(passed, passed + piece.last - piece.first + 1)
        passed += piece.last - piece.first + 1
    return places


def _prove(target: Path, copied: Sequence[bool], before: str) -> None:
    """Reads the clip again; raises BrokenVideo where a frame is lost, or a copied one has changed."""
    count = 0
    with opened(target) as container:
        stream = pictures(container)
        digest = SliceHash(*coding_of(stream))
        for packet in remux.showable(container.demux(stream), stream):
            if count < len(copied) and copied[count]:
                digest.add(packet)
            count += 1
    if count != len(copied):
        raise BrokenVideo(f"Of {len(copied)} frames of the clip {count} arrived in its file; nothing was cut.")
    if digest.hexdigest() != before:
        raise BrokenVideo("Coded pictures changed on their way into the clip; nothing was cut.")
