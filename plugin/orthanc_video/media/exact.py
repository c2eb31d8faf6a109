"""Frame n of a video, exactly: decoding begins at a key frame before it, and what comes out is told by its time.

A frame's number is its place among the frames that can be shown, in the order in which they are; no rate is looked at.
Where the stream's times do not name its frames, they are counted from a place that nothing leans over.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

import av
import numpy as np
import numpy.typing as npt
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream as AvStream

from orthanc_video.bitstream import mp4
from orthanc_video.bitstream.hollow import MOST, Hollow
from orthanc_video.errors import BrokenVideo
from orthanc_video.files import Bytes, SpanSource
from orthanc_video.media import opening, pictures, probe
from orthanc_video.media.formats import HEAD
from orthanc_video.media.pairing import Pairing
from orthanc_video.media.source import coding_of, opened, reason
from orthanc_video.model import Span

Spans = tuple[Span, ...]
# A decoder that has just begun may give a frame too early: so many of them may pass before one is given up.
_LATE = 16
# Of these, FFmpeg leaves out no frame that another one leans on.
_SPARING = frozenset({"h264", "mpeg2video"})
# As in the index: bytes of a sample that may well hold no picture.
_SMALL = 256


Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


class Coded(Protocol):
    """A stream's frames in decode order: when each is shown (``times``) and whether that is ``told``, whether it is a
    ``key`` frame, and whether it can be ``shown`` at all; ``tick`` in seconds."""

    times: Integers
    told: Flags
    key: Flags
    shown: Flags
    tick: Fraction

    def head(self, at: int) -> bytes: ...
    def packets(self, begin: int) -> Iterator[Packet[Any]]: ...


@contextmanager
def video(path: Path, spans: Spans, *, threads: bool = False, hurried: bool = False) -> Iterator[Exact]:
    """The stream in these spans; raises BrokenVideo where it cannot be read to its end.

    ``threads``: several frames are decoded at once, which is of use where many are taken one after the other.
    ``hurried``: as of ``source.opened``.
    """
    with SpanSource(path, spans) as source, opened(path, spans, hurried=hurried) as container:
        stream = probe.pictures(container)
        if threads:
            stream.thread_type = "AUTO"
        track = _track(source, stream)
        if track is not None and (table := mp4.samples(Bytes(source), track)):
            yield Exact(_Indexed(source, table, stream), stream)
        else:
            yield Exact(_Walked(path, spans, container, stream), stream)


def _track(source: SpanSource, stream: AvStream) -> mp4.Track | None:
    """The stream as the file's own index has it; None where there is none, or where it is in fragments."""
    layout = mp4.layout(Bytes(source)) if source.read_at(4, 4) == b"ftyp" else None
    if layout is None or layout.fragmented:
        return None
    return next((track for track in mp4.tracks(Bytes(source)) if track.id == stream.id), None)


def aspect_of(stream: AvStream) -> Fraction:
    """A pixel's width to its height: what the stream itself says goes before what its container does, unless that is
    that they are square."""
    for said in (stream.codec_context.sample_aspect_ratio, stream.sample_aspect_ratio):
        if said and said != 1 and Fraction(1, 10) <= said <= 10:
            return Fraction(said)
    return Fraction(1)


class Exact:
    """The pictures of one stream by their numbers, which count from 0.

    ``is_grey``: the stream has no chroma. ``timed``: its times name its frames. ``stream`` is FFmpeg's.
    """

    def __init__(self, coded: Coded, stream: AvStream) -> None:
        self.coded = coded
        self.stream = stream
        self._begins = pictures.begins(*coding_of(stream))
        self._opening = opening.Opening(*coding_of(stream))
        seen = np.flatnonzero(coded.shown)
        opening.refuse_keyless(len(seen))
        times = coded.times[seen]
        order = np.argsort(times, kind="stable")  # which is quick where most are in order
        self.timed = bool(coded.told[seen].all() and (np.diff(times[order]) > 0).all())
        self._order = seen[order] if self.timed else seen
        self._run: _Run | None = None
        self._rate = stream.guessed_rate or Fraction(25)
        self._sparing = stream.codec_context.codec.canonical_name in _SPARING
        self.is_grey = stream.format is not None and stream.format.name.startswith("gray")

    def __len__(self) -> int:
        return len(self._order)

    @property
    def aspect(self) -> Fraction:
        """A pixel's width to its height; of a stream that was opened in a hurry, once a frame was decoded."""
        return aspect_of(self.stream)

    def numbers(self) -> npt.NDArray[np.int64]:
        """Of the frames in decode order, what each one's number is; -1 where it cannot be shown."""
        found = np.full(len(self.coded.shown), -1, dtype=np.int64)
        found[self._order] = np.arange(len(self._order))
        return found

    def place(self, number: int) -> int:
        """Where a frame lies in decode order."""
        return int(self._order[number])

    @property
    def zero(self) -> Fraction:
        """When the first frame is shown, in seconds of the container's time."""
        return self._time(0) * self.coded.tick if self.timed else Fraction(0)

    def start(self, number: int) -> Fraction:
        """When it is shown, in seconds after the first one is."""
        if not self.timed:
            return Fraction(number) / self._rate
        first, time = self._time(0), self._time(number)
        return (time - first) * self.coded.tick

    def frame(self, number: int) -> av.VideoFrame:
        """Raises BrokenVideo with a sentence that names it, as DICOM counts, where it cannot be decoded."""
        try:
            for begin in self._starts(number):
                found = self._found(number, begin)
                if found is not None:
                    return found
        except av.error.FFmpegError as error:
            raise BrokenVideo(f"Frame {number + 1} cannot be decoded ({reason(error)}).") from error
        raise BrokenVideo(f"Frame {number + 1} cannot be decoded.")

    def alone(self, number: int) -> av.VideoFrame:
        """As ``frame``, for frames that are far apart: what no other frame leans on is left out on the way there."""
        if self.timed and self._sparing:
            self._run = None
            begin = next(self._starts(number))
            with suppress(av.error.FFmpegError):  # what comes before the damage may do
                found = _alone(self.coded, self.stream.codec_context, begin, self.place(number), self._time(number))
                if found is not None:
                    return found
        return self.frame(number)

    def _time(self, number: int) -> int:
        return int(self.coded.times[self._order[number]])

    def _starts(self, number: int) -> Iterator[int]:
        """Where to begin to decode, in decode order: the nearest place, one farther back should that not do, the first.

        A frame that is shown before the key frame may lean on what comes before that.
        """
        tried = 0
        for at in range(int(self._order[number]), 0, -1):
            if tried == 2:
                break
            if self.coded.key[at] and self._does(at, number):
                tried += 1
                yield at
        yield 0

    def _does(self, at: int, number: int) -> bool:
        head = self.coded.head(at)
        if not self.timed:
            return self._opening.is_closed(head)
        return bool(self.coded.told[at] and self.coded.times[at] <= self._time(number)) and self._begins(head)

    def _found(self, number: int, begin: int) -> av.VideoFrame | None:
        run = self._run
        if run is None or not run.leads_to(number, begin):
            run = self._run = _Run(self.coded, self.stream.codec_context, begin)
        run.asked = number
        if self.timed:
            return run.at(self._time(number))
        return run.counted(number - int(np.count_nonzero(self.coded.shown[: run.begin])))


def _alone(coded: Coded, context: Any, begin: int, place: int, time: int) -> av.VideoFrame | None:
    """The frame at that place, shown at that time, if a decoder that begins there gives it out."""
    context.flush_buffers()
    context.skip_frame = "NONREF"
    try:
        packets = itertools.islice(coded.packets(begin), place + 1 - begin)
        frames: list[av.VideoFrame] = []
        for at, packet in enumerate(packets, begin):
            if at == place:
                context.skip_frame = "DEFAULT"
            if coded.shown[at]:
                frames = context.decode(packet)
        frames += context.decode(None)
    finally:
        context.skip_frame = "DEFAULT"
    return next((frame for frame in frames if frame.pts == time), None)


class _Run:
    """Decoding from one place on; ``asked`` is the number of the frame that was wanted last."""

    def __init__(self, coded: Coded, context: Any, begin: int) -> None:
        self.begin = begin
        self.asked = -1
        self._fed = begin  # the last frame that went in
        self._count = -1
        self._last: av.VideoFrame | None = None
        self._shown = 0  # the time of that one
        self._ahead: dict[int, av.VideoFrame] = {}
        self._frames = self._decoded(coded, context)

    def leads_to(self, number: int, begin: int) -> bool:
        """Whether going on comes to a frame that a decoder gives out which begins there."""
        return self.asked <= number and self.begin <= begin <= self._fed

    def _decoded(self, coded: Coded, context: Any) -> Iterator[av.VideoFrame]:
        context.flush_buffers()
        for at, packet in enumerate(coded.packets(self.begin), self.begin):
            self._fed = at
            if coded.shown[at]:
                yield from context.decode(packet)
        yield from context.decode(None)

    def at(self, time: int) -> av.VideoFrame | None:
        """The frame of that time; those of later ones that come before it are kept for a moment."""
        # What was given out says no more when it is: an encoder that it was handed to has put its own time there.
        if self._last is not None and self._shown == time:
            return self._last
        self._last, self._shown = self._next(time), time
        return self._last

    def _next(self, time: int) -> av.VideoFrame | None:
        self._ahead = {pts: frame for pts, frame in self._ahead.items() if pts >= time}
        if time in self._ahead:
            return self._ahead.pop(time)
        while len(self._ahead) < _LATE:
            frame = next(self._frames, None)
            if frame is None:
                break
            if frame.pts == time:
                return frame
            if frame.pts is not None and frame.pts > time:
                self._ahead[frame.pts] = frame
        return None

    def counted(self, place: int) -> av.VideoFrame | None:
        """The frame that comes out after ``place`` others."""
        while self._count < place:
            frame = next(self._frames, None)
            if frame is None:
                return None
            self._last = frame
            self._count += 1
        return self._last


class _Indexed:
    """An MP4's own index: each frame is read by its place."""

    def __init__(self, source: SpanSource, table: mp4.SampleTable, stream: AvStream) -> None:
        self._source, self._table = source, table
        coding = coding_of(stream)
        self._hollow = _hollow(source, table, Hollow(*coding))
        kept = np.flatnonzero(~self._hollow)
        if not len(kept):
            raise BrokenVideo("The video track holds no frames: none of its samples has a picture.")
        joined, first = Pairing(*coding).samples(source, table.rows(kept))
        self._rows = kept[first]
        self.tick = Fraction(1, table.timescale)
        self.times, self.key = joined.time, joined.key
        self.told = self.shown = np.ones(len(joined), dtype=np.bool_)
        begins = opening.Opening(*coding)
        begun: list[bool] = []
        while not begins.over and (at := len(begun)) < len(joined):
            begun.append(begins.shows(bool(self.key[at]), int(self.times[at]), self.head(at)))
        self.shown = np.concatenate((np.array(begun, dtype=np.bool_), self.shown[len(begun) :]))

    def head(self, at: int) -> bytes:
        row = int(self._rows[at])
        return self._source.read_at(int(self._table.offset[row]), min(int(self._table.size[row]), HEAD))

    def packets(self, begin: int) -> Iterator[Packet[Any]]:
        """One for each frame: its samples are two where each has a field."""
        edges = [*self._rows[begin:].tolist(), len(self._table)]
        for row, following in pairwise(edges):
            yield self._packet(row, [at for at in range(row, following) if not self._hollow[at]])

    def _packet(self, row: int, samples: list[int]) -> Packet[Any]:
        table = self._table
        data = b"".join(self._source.read_at(int(table.offset[at]), int(table.size[at])) for at in samples)
        packet = Packet(data)
        packet.pts, packet.dts = int(table.time[row]), int(table.decode_time[row])
        packet.time_base, packet.is_keyframe = self.tick, bool(table.key[row])
        return packet


def _hollow(source: SpanSource, table: mp4.SampleTable, tell: Hollow) -> npt.NDArray[np.bool_]:
    hollow: npt.NDArray[np.bool_] = table.size == 0
    doubtful = (table.key & (table.size <= MOST)) | (table.size <= _SMALL)
    for at in np.flatnonzero(doubtful & ~hollow).tolist():
        offset, size = int(table.offset[at]), int(table.size[at])
        if tell.begins_with_picture(functools.partial(_read, source, offset), size):
            continue
        head = source.read_at(offset, min(size, HEAD))
        hollow[at] = tell.is_hollow(head, size, functools.partial(source.read_at, offset, size))
    return hollow


def _read(source: SpanSource, place: int, offset: int, length: int) -> bytes:
    """From ``offset`` bytes behind ``place`` on."""
    return source.read_at(place + offset, length)


class _Walked:
    """A stream without an index, such as a transport stream: all its packets are looked at once, and are read again
    from the beginning up to those that are decoded."""

    def __init__(self, path: Path, spans: Spans, container: InputContainer, stream: AvStream) -> None:
        self._path, self._spans = path, spans
        self.tick = Fraction(stream.time_base) if stream.time_base else Fraction(1, 90000)
        self._heads: dict[int, bytes] = {}
        found = self._looked(container, stream)
        self.times = np.array([time or 0 for time, _, _ in found], dtype=np.int64)
        self.told = np.array([time is not None for time, _, _ in found], dtype=np.bool_)
        self.key = np.array([key for _, key, _ in found], dtype=np.bool_)
        self.shown = np.array([shown for _, _, shown in found], dtype=np.bool_)

    def _looked(self, container: InputContainer, stream: AvStream) -> list[tuple[int | None, bool, bool]]:
        """Of all frames time, whether they are key frames, and whether they can be shown."""
        found: list[tuple[int | None, bool, bool]] = []
        begins = opening.Opening(*coding_of(stream))
        # AVI says in which order frames are decoded; of when they are shown FFmpeg makes up something.
        guessed = container.format.name == "avi" and bool(stream.codec_context.has_b_frames)
        try:
            for at, packet in enumerate(_frames(container, stream)):
                head = bytes(memoryview(packet)[:HEAD])
                if packet.is_keyframe:
                    self._heads[at] = head[: opening.HEAD]
                time = None if guessed else packet.dts if packet.pts is None else packet.pts
                found.append((time, packet.is_keyframe, begins.shows(packet.is_keyframe, time, head)))
        except av.error.FFmpegError as error:
            if not found:
                raise BrokenVideo(f"The stream cannot be read ({reason(error)}).") from error
        return found

    def head(self, at: int) -> bytes:
        return self._heads.get(at, b"")

    def packets(self, begin: int) -> Iterator[Packet[Any]]:
        with opened(self._path, self._spans) as container:
            for at, packet in enumerate(_frames(container, probe.pictures(container))):
                if at >= len(self.times):
                    return
                if at >= begin:
                    yield packet


def _frames(container: InputContainer, stream: AvStream) -> Iterable[Packet[Any]]:
    return Pairing(*coding_of(stream)).frames(container.demux(stream))
