"""A film that a clip is cut out of."""

from __future__ import annotations

import bisect
import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
from av.packet import Packet
from av.video.frame import VideoFrame

from orthanc_video.clip import Cut
from orthanc_video.errors import BadRequest
from orthanc_video.media import exact, opening
from orthanc_video.media.clip import joining, pieces
from orthanc_video.media.clip.choosing import end_of
from orthanc_video.media.clip.encoder import Coded, Encoder
from orthanc_video.media.clip.pieces import Anew, Copied, Piece
from orthanc_video.media.clip.reentry import Reentry
from orthanc_video.media.pictures import begins
from orthanc_video.media.source import coding_of
from orthanc_video.model import Rational

# As many references as there can be (H.264 A.3.1 h): longer copies have what is reordered.
_UNSETTLED = 16
# Key frames looked at before and after a range: a copy begins at one, and ends beyond what leans over another.
_BESIDE = 2

Change = Callable[[int, VideoFrame], VideoFrame]


def _unchanged(_number: int, frame: VideoFrame) -> VideoFrame:
    return frame


class Source:
    """A film, what of it is copied, and its coded frames as a clip has them."""

    def __init__(self, video: exact.Exact, change: Change = _unchanged) -> None:
        """``change`` makes of a frame that is coded anew, with its number, the one that is shown."""
        self.video, self._coded, self._change = video, video.coded, change
        codec, extradata = coding_of(video.stream)
        self._keys: list[int] = np.flatnonzero(self._coded.key & self._coded.shown).tolist()
        self.film = joining.film(codec, extradata, self._coded.head(self._keys[0]))
        self.numbers = video.numbers()
        self._fresh = begins(codec, extradata)
        self._opening = opening.Opening(codec, extradata)
        self._reentry = Reentry(self.film)
        self.tick = self._coded.tick if video.timed else 1 / (video.stream.guessed_rate or Fraction(25))

    def plan(self, first: int, last: int, *, precise: bool) -> list[Piece]:
        if not self.video.timed:  # how they are reordered is not said
            if not precise:
                raise BadRequest(
                    "The video does not say when its frames are shown, so none can be copied; ask for a clip that is "
                    "exact to the frame."
                )
            return [Anew(first, last)]
        planned = self._planned(first, last, precise=precise)
        if precise and any(map(self._is_unsettled, planned)):
            return [Anew(first, last)]
        while not all(self._fits(piece) for piece in planned):
            planned = self._planned(first, last, precise=precise)  # which begins its copy elsewhere
        if not planned:
            raise BadRequest("The video has no key frame to begin a clip with; ask for one that is exact to the frame.")
        return planned

    def _planned(self, first: int, last: int, *, precise: bool) -> list[Piece]:
        frames = self._around(first, last)
        return pieces.exact(frames, first, last) if precise else pieces.at_key_frames(frames, first, last)

    def _fits(self, piece: Piece) -> bool:
        """Whether it can be what it is planned to be."""
        if not isinstance(piece, Copied) or not self._is_renumbered(piece):
            return True
        begin = piece.coded[0]
        before = self._keys[max(0, bisect.bisect_left(self._keys, begin) - _BESIDE)]
        fits = self._reentry.fits(piece, self._coded.packets, before)
        if fits:
            self.film = replace(self.film, spare=self._reentry.spare)
        return fits

    def _is_unsettled(self, piece: Piece) -> bool:
        """Whether a decoder is not told how far frames are reordered, nor sees it in so short a copy: then it takes
        frames of what follows, which is told, for ones that come too late (FFmpeg)."""
        if not isinstance(piece, Copied) or len(piece.coded) > _UNSETTLED or not self._is_order_unsaid:
            return False
        return bool((np.diff(self.numbers[list(piece.coded)]) > 0).all())

    @functools.cached_property
    def _is_order_unsaid(self) -> bool:
        """Whether frames of H.264 are reordered, and its parameter sets do not say how far (E.2.1)."""
        if self.film.codec != "h264":
            return False
        unsaid = any(one.max_num_reorder_frames is None for one in joining.sequences(self.film))
        return unsaid and bool((np.diff(self.numbers) < 0).any())

    def _is_renumbered(self, piece: Copied) -> bool:
        """Whether it begins at a picture of H.264 that goes on counting where one before it has ended."""
        return self.film.codec == "h264" and not self._opening.is_closed(self._coded.head(piece.coded[0]))

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
        head = self._coded.head(at)
        if self.film.codec != "h264":
            return self._fresh(head)
        return self._opening.is_closed(head) or self._reentry.may_begin(at, head)

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
        """As they lie in the clip, each with the source's packet where it is copied."""
        for at, piece in enumerate(planned):
            yield from self.of(piece, encoder, opens=at == 0)

    def of(self, piece: Piece, encoder: Encoder | None, *, opens: bool) -> Iterator[tuple[Coded, bytes]]:
        """The same of one piece; ``opens``: no other is before it."""
        if isinstance(piece, Copied):
            yield from self._copied(piece, opens=opens)
            return
        if encoder is None:
            raise ValueError("an encoder is needed")
        shown = (
            (number, self._change(number, self.video.frame(number))) for number in range(piece.first, piece.last + 1)
        )
        for one in encoder.encode(shown):
            yield replace(one, data=joining.anew(self.film, one.data)), b""

    def _copied(self, piece: Copied, *, opens: bool) -> Iterator[tuple[Coded, bytes]]:
        # All of them lie in the first group.
        left_out = piece.coded[-1] - piece.coded[0] + 1 - len(piece.coded)
        in_first = True
        for at, packet, source in self._taken(piece):
            first = at == piece.coded[0]
            if first and not opens:
                source = joining.entered(self.film, source)
            data = joining.copied(self.film, source, self._sets_before(at) if first else ())
            if piece.open and self.film.codec == "mpeg2video":
                in_first = in_first and (first or not joining.is_group(data))
                data = joining.closed(data, left_out) if in_first else data
            yield Coded(data, int(self.numbers[at]), packet.is_keyframe), source

    def _sets_before(self, key: int) -> Sequence[bytes]:
        """What a decoder of H.265 knows when it comes to a key frame: of sets of one number the last ones hold.

        In a clip, for one, its encoder's are with the frames coded anew, and the film's own with the first of a copy.
        """
        of = self.film
        if of.codec != "hevc":
            return ()
        if joining.sets_among(of, self._coded.head(self._keys[0])):  # where none are there, none are anywhere
            for at in reversed(self._keys[: bisect.bisect_left(self._keys, key)]):
                if found := joining.sets_among(of, self._coded.head(at)):
                    return [*(one for one in of.sets if one not in found), *found]
        return of.sets

    def _taken(self, piece: Copied) -> Iterator[tuple[int, Packet[Any], bytes]]:
        """Those packets, each with its place and its content."""
        packets = self._coded.packets(piece.coded[0])
        if self._is_renumbered(piece):
            yield from self._reentry.frames(piece, packets)
            return
        wanted = set(piece.coded)
        for at, packet in enumerate(packets, piece.coded[0]):
            if at > piece.coded[-1]:
                return
            if at in wanted:
                yield at, packet, bytes(packet)
