"""What an uploaded file holds, from its own bits: runs in a media process, never in the gateway."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import struct
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream as AvStream

from orthanc_video.bitstream import mp4
from orthanc_video.errors import BrokenVideo, NotVideo
from orthanc_video.files import Bytes, SpanSource
from orthanc_video.media import coding, sniff, timing
from orthanc_video.media.formats import HEAD, Formats
from orthanc_video.media.source import opened, reason
from orthanc_video.model import MediaInfo, Rational, Span, VideoStream

# 16K × 16K is beyond every camera; a header that claims more is an attack or damage.
LARGEST_SIDE = 16384
LARGEST_AREA = 8192 * 8192
_DECODE_PACKETS = 300
_REORDER_FRAMES = 16.5


@dataclasses.dataclass(frozen=True, slots=True)
class Frames:
    """Presentation times (ascending) in ``tick`` seconds, and what else the packets told."""

    times: timing.Ticks
    tick: Fraction
    last_duration: int
    bytes: int
    starts_with_key: bool
    timed: bool = True
    change: str = ""


Spans = tuple[Span, ...] | None


def probe(path: Path, spans: Spans = None) -> MediaInfo:
    """Describes the file at ``path``, or these spans of it; raises NotVideo or BrokenVideo with a sentence."""
    with SpanSource(path, spans) as source:
        if source.size == 0:
            raise NotVideo("The file is empty.")
        head = source.read_at(0, sniff.HEAD)
        missing = sniff.missing_bytes(head, source.size)
        if missing:
            raise BrokenVideo(f"The file is truncated: {missing} bytes of what its header announces are missing.")
        refuse_absurd(*sniff.claimed_size(head))
        is_mp4 = sniff.container(head).startswith("mov")
        layout = mp4.layout(Bytes(source)) if is_mp4 else None
        if layout is not None and layout.encrypted:
            raise BrokenVideo("The video is encrypted (DRM). Send it without encryption.")
        for each in mp4.tracks(Bytes(source)) if layout is not None else ():
            refuse_absurd(each.width, each.height)
        with opened(path, spans) as container:
            stream = pictures(container)
            formats = Formats(stream.codec_context.codec.canonical_name, bytes(stream.codec_context.extradata or b""))
            track = _track(source, stream, layout)
            with _here(track):
                if track is not None and layout is not None and not layout.fragmented:
                    frames = _from_table(source, mp4.samples(Bytes(source), track), formats)
                    first = _first_frame(container, stream.index)
                else:
                    frames = _from_packets(container, stream, formats)
                    with opened(path, spans) as again:  # the packets of the other are read
                        first = _first_frame(again, stream.index)
            if track is not None and track.descriptions > 1:
                frames = dataclasses.replace(frames, change=frames.change or "what another description of the MP4 says")
            return _info(source, container, stream, _describe(stream, frames, first), layout)


def pictures(container: InputContainer) -> AvStream:
    """The one picture stream to keep: not a cover image, the largest; raises NotVideo when there is none."""
    candidates = [s for s in container.streams.video if not _is_cover(s)]
    if not candidates and not container.streams:
        raise BrokenVideo("The file holds no frames: its container is empty.")
    if not candidates:
        what = "sound only" if container.streams.audio else "no pictures"
        raise NotVideo(f"The file holds {what}; a video stream is needed.")
    known = [s for s in candidates if s.codec_context is not None]
    if not known:
        raise BrokenVideo("The file's video codec is unknown to this installation's FFmpeg.")
    chosen = max(known, key=lambda s: ((s.width or 0) * (s.height or 0), -s.index))
    width, height = chosen.codec_context.width, chosen.codec_context.height
    if width <= 0 or height <= 0:
        raise BrokenVideo("The video stream has no picture size: its header is damaged or its codec unsupported.")
    refuse_absurd(width, height)
    return chosen


def _is_cover(stream: AvStream) -> bool:
    return bool(stream.disposition & av.stream.Disposition.attached_pic)


def refuse_absurd(width: int, height: int) -> None:
    """A size that a header claims, whatever the pictures turn out to be: who trusts it makes room for it."""
    if max(width, height) > LARGEST_SIDE or width * height > LARGEST_AREA:
        raise BrokenVideo(
            f"The header claims pictures of {width} × {height} pixels; at most {LARGEST_SIDE} a side are taken."
        )


def _track(source: SpanSource, stream: AvStream, layout: mp4.Layout | None) -> mp4.Track | None:
    """The stream as the file's own index describes it, where it has one."""
    if layout is None:
        return None
    return next((track for track in mp4.tracks(Bytes(source)) if track.id == stream.id), None)


@contextlib.contextmanager
def _here(track: mp4.Track | None) -> Iterator[None]:
    """What is wrong with pictures that are said to lie in another file is that they do not lie in this one."""
    try:
        yield
    except BrokenVideo as error:
        if track is None or not track.elsewhere:
            raise
        raise BrokenVideo("The file only names another one as that which holds its pictures; it has none.") from error


def _from_table(source: SpanSource, table: mp4.SampleTable, formats: Formats) -> Frames:
    if len(table.time) == 0:
        raise BrokenVideo("The video track holds no frames (zero samples).")
    times = np.sort(table.time)
    for offset, size in zip(table.offset[table.key].tolist(), table.size[table.key].tolist(), strict=True):
        formats.add(source.read_at(offset, min(size, HEAD)))
    return Frames(
        times=times,
        tick=Fraction(1, table.timescale),
        # A sample's own duration says when the next is decoded, not how long it is shown; only their sum means both.
        last_duration=max(0, int(table.duration.sum()) - int(times[-1] - times[0])),
        bytes=int(table.size.sum()),
        starts_with_key=bool(table.key[0]),
        change=formats.change,
    )


def _from_packets(container: InputContainer, stream: AvStream, formats: Formats) -> Frames:
    times: list[int | None] = []
    total = 0
    last_duration = 0
    first_key: bool | None = None
    try:
        for packet in container.demux(stream):
            if packet.size == 0:
                continue
            times.append(packet.pts if packet.pts is not None else packet.dts)
            total += packet.size
            if packet.is_keyframe:
                formats.add(bytes(memoryview(packet)[:HEAD]))
            last_duration = int(packet.duration or 0)
            first_key = packet.is_keyframe if first_key is None else first_key
    except av.error.FFmpegError as error:
        raise BrokenVideo(f"The file breaks off after {len(times)} frames ({reason(error)}).") from error
    if not times:
        raise BrokenVideo("The video stream holds no frames.")
    tick = Fraction(stream.time_base) if stream.time_base else Fraction(1, 90000)
    given = [time for time in times if time is not None]
    timed = len(given) == len(times) and len(set(given)) == len(given)
    ordered = np.sort(np.array(given, dtype=np.int64)) if timed else _nominal(len(times), tick, stream)
    return Frames(ordered, tick, last_duration, total, bool(first_key), timed, formats.change)


def _nominal(count: int, tick: Fraction, stream: AvStream) -> timing.Ticks:
    """The times of frames that their container does not tell, or tells of several at once: the nominal rate's grid."""
    # Of a raw H.264 stream FFmpeg's base rate counts fields; its guess is of frames.
    rate = Fraction(stream.guessed_rate) if stream.guessed_rate else next(iter(_hints(stream)), Fraction(25))
    return np.round(np.arange(count) * float(1 / (rate * tick))).astype(np.int64)


def _hints(stream: AvStream) -> list[Fraction]:
    rates = (stream.base_rate, stream.guessed_rate, stream.average_rate)
    return [Fraction(rate).limit_denominator(1001) for rate in rates if rate]


def _info(
    source: SpanSource, container: InputContainer, stream: AvStream, video: VideoStream, layout: mp4.Layout | None
) -> MediaInfo:
    videos = [s for s in container.streams.video if s.index != stream.index and not _is_cover(s)]
    told = {stream.index, *(s.index for s in videos)}
    others = [s for s in container.streams if s.index not in told and s.type != "audio"]
    simple, delayed = _edits(source, stream, video) if layout is not None else (True, False)
    return MediaInfo(
        container=container.format.name,
        size=source.size,
        video=video,
        brand=layout.major_brand.strip() if layout else "",
        streamable=bool(layout and layout.moov_before_mdat and not layout.fragmented),
        fragmented=bool(layout and layout.fragmented),
        simple_edits=simple,
        delayed=delayed,
        elsewhere=bool(layout and layout.elsewhere),
        audio_codecs=tuple(s.codec_context.name if s.codec_context else "unknown" for s in container.streams.audio),
        other_videos=tuple(f"{s.width or 0} × {s.height or 0}" for s in videos),
        other_streams=len(others),
        created=_created(container.metadata.get("creation_time", "")),
    )


def _edits(source: SpanSource, stream: AvStream, video: VideoStream) -> tuple[bool, bool]:
    """Whether the edit list shows every frame once, and whether it lets time pass before the first one.

    Simple is no list, or one edit that only removes the reorder delay; empty edits before it are a delay.
    """
    track = next((t for t in mp4.tracks(Bytes(source)) if t.id == stream.id), None)
    edits = [edit for edit in track.edits if edit.media_time >= 0] if track else []
    delayed = track is not None and len(edits) < len(track.edits)
    if track is None or not edits:
        return True, delayed
    if len(edits) > 1 or edits[0].rate != 1:
        return False, delayed
    frame = 1 / float(video.rate)
    lead = edits[0].media_time / track.timescale
    length = edits[0].segment_duration / track.movie_timescale
    # A fragmented file's edit does not know the length yet (0).
    whole = length == 0 or length >= video.seconds - 1.5 * frame
    return lead <= _REORDER_FRAMES * frame and whole, delayed


def _created(value: str) -> str:
    """The container's creation time as ISO 8601 in UTC; empty when missing or before digital cameras."""
    try:
        moment = datetime.datetime.fromisoformat(value)
    except ValueError:
        return ""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    if not 1990 <= moment.year <= datetime.datetime.now(datetime.UTC).year:
        return ""
    return moment.astimezone(datetime.UTC).isoformat()


def _describe(stream: AvStream, frames: Frames, first: av.VideoFrame) -> VideoStream:
    context = stream.codec_context
    measured = timing.measure(frames.times, frames.tick, frames.last_duration, _hints(stream))
    aspect = stream.sample_aspect_ratio
    described = VideoStream(
        codec=context.codec.canonical_name,
        width=context.width,
        height=context.height,
        coded_width=context.coded_width or context.width,
        coded_height=context.coded_height or context.height,
        pixel_format=context.pix_fmt or "",
        bit_depth=first.format.components[0].bits,
        frames=len(frames.times),
        rate=_rate(measured),
        constant_rate=measured.constant,
        seconds=float(measured.seconds),
        profile=str(context.profile or ""),
        progressive=not first.interlaced_frame,
        pixel_aspect=Rational.of(Fraction(aspect)) if aspect else Rational(1),
        rotation=-round(first.rotation or 0) % 360,  # FFmpeg counts against the clock
        mirrored=_mirrored(first),
        full_range="j4" in (context.pix_fmt or "") or int(first.color_range) == 2,
        starts_with_key=frames.starts_with_key,
        timed=frames.timed,
        change=frames.change,
        bit_rate=round(frames.bytes * 8 / max(float(measured.seconds), 1e-6)),
    )
    return coding.described(described, bytes(context.extradata or b""))


def _mirrored(frame: av.VideoFrame) -> bool:
    """Whether the matrix by which the frame is to be shown turns it over: its determinant is negative."""
    matrix: Any = frame.side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return False
    a, b, _, c, d = struct.unpack_from("=5i", memoryview(matrix))
    return bool(a * d < b * c)


def _rate(measured: timing.Timing) -> Rational:
    rate = measured.rate.limit_denominator(1_000_000)
    if rate == 0:
        raise BrokenVideo(f"The frames lie {float(1 / measured.rate):.3g} seconds apart: the file's times are damaged.")
    return Rational.of(rate)


def _first_frame(container: InputContainer, index: int) -> av.VideoFrame:
    """The first decodable frame: proof that the stream is what its header says."""
    try:
        for count, packet in enumerate(container.demux(container.streams[index])):
            for frame in packet.decode():
                return frame  # type: ignore[return-value]
            if count > _DECODE_PACKETS:
                break
    except av.error.FFmpegError as error:
        raise BrokenVideo(
            f"No picture can be decoded ({reason(error)}): the file is not what its header claims."
        ) from error
    raise BrokenVideo("No picture can be decoded: the file is not what its header claims, or it is encrypted.")
