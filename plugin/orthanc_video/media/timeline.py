"""When each frame of a file is shown, and what else its packets tell: out of its index, or packet by packet."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator
from fractions import Fraction

import av
import numpy as np
import numpy.typing as npt
from av.container import InputContainer
from av.video.stream import VideoStream as AvStream

from orthanc_video.bitstream import mp4
from orthanc_video.bitstream.hollow import Hollow
from orthanc_video.bitstream.userdata import UserData
from orthanc_video.errors import BrokenVideo
from orthanc_video.files import SpanSource
from orthanc_video.media import cuts, opening, pictures, timing
from orthanc_video.media.formats import HEAD, Formats
from orthanc_video.media.pairing import Pairing
from orthanc_video.media.source import coding_of, reason
from orthanc_video.model import Stretch

# Frames whose places are taken out of the index at once: all of it as Python's numbers would take too much memory.
_AT_ONCE = 1 << 16
# Bytes of a sample that may well hold no picture.
_SMALL = 256


@dataclasses.dataclass(frozen=True, slots=True)
class Frames:
    """Presentation times (ascending) in ``tick`` seconds, and what else the packets told.

    ``joined`` and ``half`` are what Pairing says of them.
    """

    times: timing.Ticks
    tick: Fraction
    last_duration: int
    bytes: int
    starts_with_key: bool
    timed: bool = True
    leading: int = 0
    hollow: int = 0
    disordered: bool = False
    user_data: bool = False
    uncut: Stretch | None = None
    joined: bool = False
    half: bool = False


def of_table(source: SpanSource, table: mp4.SampleTable, stream: AvStream, formats: Formats) -> Frames:
    if len(table.time) == 0:
        raise BrokenVideo("The video track holds no frames (zero samples).")
    begins, tells, hollow = _looked_through(source, table, stream, formats)
    if hollow.all():
        raise BrokenVideo("The video track holds no frames: none of its samples has a picture.")
    size, pairing = int(table.size.sum()), Pairing(*coding_of(stream))
    if hollow.any():
        table, begins = table.rows(np.flatnonzero(~hollow)), begins[~hollow]
    formats.begin(source.read_at(int(table.offset[0]), min(int(table.size[0]), HEAD)))
    table, first = pairing.samples(source, table)
    begins = begins[first]
    shown = _shown(source, table, stream)
    times = np.sort(table.time[shown])
    tick = Fraction(1, table.timescale)
    opening.refuse_keyless(len(times))
    return Frames(
        times=times,
        tick=tick,
        # A sample's own duration says when the next is decoded, not how long it is shown; only their sum means both.
        last_duration=max(0, int(table.duration[shown].sum()) - int(times[-1] - times[0])),
        bytes=size,
        starts_with_key=bool(table.key[0]),
        leading=len(shown) - len(times),
        hollow=int(hollow.sum()),
        user_data=tells,
        uncut=_uncut(table.size[shown], table.time[shown], begins[shown], tick),
        joined=pairing.joined,
        half=pairing.half,
    )


def _uncut(size: cuts.Numbers, time: cuts.Numbers, begins: npt.NDArray[np.bool_], tick: Fraction) -> Stretch:
    return cuts.longest(cuts.Timeline(size=size, time=time, begins=begins, tick=tick))


def _shown(source: SpanSource, table: mp4.SampleTable, stream: AvStream) -> npt.NDArray[np.bool_]:
    """Which samples can be shown: all but some at the beginning."""
    shown = np.ones(len(table), dtype=np.bool_)
    begins = opening.Opening(*coding_of(stream))
    for at, (offset, size) in enumerate(zip(table.offset, table.size, strict=True)):
        if begins.over:
            break
        head = source.read_at(int(offset), min(int(size), opening.HEAD))
        shown[at] = begins.shows(bool(table.key[at]), int(table.time[at]), head)
    return shown


def _looked_through(
    source: SpanSource, table: mp4.SampleTable, stream: AvStream, formats: Formats
) -> tuple[npt.NDArray[np.bool_], bool, npt.NDArray[np.bool_]]:
    """Which samples a decoder may begin at, whether there is user data in any, and which hold no picture.

    What is no picture, and large, is so by user data: only with that is more than the small ones read for it.
    ``formats`` is shown the heads of key frames, and of others until they have told what they can.
    """
    begins, is_fresh = np.zeros(len(table.time), dtype=np.bool_), pictures.begins(*coding_of(stream))
    data = UserData(*coding_of(stream))
    tells = data.configured or any(data.found_at(source.read_at, *place) for place in _places(table))
    hollow, tell = table.size == 0, Hollow(*coding_of(stream))
    looked = ~hollow if tells else (table.key | (table.size <= _SMALL)) & ~hollow
    for at in np.flatnonzero(looked).tolist():
        offset, size = int(table.offset[at]), int(table.size[at])
        head = source.read_at(offset, min(size, HEAD))
        hollow[at] = tell.is_hollow(head, size, functools.partial(source.read_at, offset, size))
        if table.key[at] and not hollow[at]:
            formats.add(head)
            begins[at] = is_fresh(head)
    for offset, size in _places(table):
        if not formats.by_picture:
            break
        formats.picture(source.read_at(offset, min(size, HEAD)))
    return begins, tells, hollow


def _places(table: mp4.SampleTable) -> Iterator[tuple[int, int]]:
    """Offset and size of each sample."""
    for at in range(0, len(table), _AT_ONCE):
        part = slice(at, at + _AT_ONCE)
        yield from zip(table.offset[part].tolist(), table.size[part].tolist(), strict=True)


def of_packets(container: InputContainer, stream: AvStream, formats: Formats) -> Frames:
    times: list[int | None] = []
    sizes: list[int] = []
    anew: list[bool] = []
    is_fresh = pictures.begins(*coding_of(stream))
    leading = last_duration = 0
    first_key: bool | None = None
    begins, data = opening.Opening(*coding_of(stream)), UserData(*coding_of(stream))
    tells, pairing = data.configured, Pairing(*coding_of(stream))
    try:
        for packet in pairing.frames(container.demux(stream)):
            head = bytes(memoryview(packet)[:HEAD])
            if first_key is None:
                formats.begin(head)
            time = packet.pts if packet.pts is not None else packet.dts
            first_key = packet.is_keyframe if first_key is None else first_key
            tells = tells or data.found(memoryview(packet))
            formats.picture(head)
            if packet.is_keyframe:
                formats.add(head)
            if not begins.shows(packet.is_keyframe, time, head):
                leading += 1
                continue
            times.append(time)
            sizes.append(packet.size)
            anew.append(packet.is_keyframe and is_fresh(head))
            last_duration = int(packet.duration or 0)
    except av.error.FFmpegError as error:
        raise BrokenVideo(f"The file breaks off after {len(times)} frames ({reason(error)}).") from error
    if not times and not leading:
        raise BrokenVideo("The video stream holds no frames.")
    opening.refuse_keyless(len(times))
    tick = Fraction(stream.time_base) if stream.time_base else Fraction(1, 90000)
    given = [time for time in times if time is not None]
    timed = len(given) == len(times) and len(set(given)) == len(given)
    ordered = np.sort(np.array(given, dtype=np.int64)) if timed else _nominal(len(times), tick, stream)
    uncut = _uncut(np.array(sizes), np.array(given), np.array(anew), tick) if timed else None
    return Frames(
        times=ordered,
        tick=tick,
        last_duration=last_duration,
        bytes=pairing.bytes,
        starts_with_key=bool(first_key),
        timed=timed,
        leading=leading,
        hollow=pairing.hollow,
        user_data=tells,
        uncut=uncut,
        joined=pairing.joined,
        half=pairing.half,
    )


def evenly(frames: Frames, stream: AvStream) -> Frames:
    """Those of a container that has them shown in another order than their codec has: they follow one another."""
    times, tick = frames.times, frames.tick
    if not timing.measure(times, tick, frames.last_duration, hints(stream)).constant:
        times = times[0] + _nominal(len(times), tick, stream)
    return dataclasses.replace(frames, times=times, timed=False, disordered=True, uncut=None)


def _nominal(count: int, tick: Fraction, stream: AvStream) -> timing.Ticks:
    """The times of frames that their container does not tell, or tells of several at once: the nominal rate's grid."""
    # Of a raw H.264 stream FFmpeg's base rate counts fields; its guess is of frames.
    rate = Fraction(stream.guessed_rate) if stream.guessed_rate else next(iter(hints(stream)), Fraction(25))
    return np.round(np.arange(count) * float(1 / (rate * tick))).astype(np.int64)


def hints(stream: AvStream) -> list[Fraction]:
    rates = (stream.base_rate, stream.guessed_rate, stream.average_rate)
    return [Fraction(rate).limit_denominator(1001) for rate in rates if rate]
