"""What an uploaded file holds, from its own bits: runs in a media process, never in the gateway."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import functools
import struct
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer
from av.video.stream import VideoStream as AvStream

from orthanc_video.bitstream import extras_ps, extras_ts, mp4, ts
from orthanc_video.bitstream.extras import extras
from orthanc_video.bitstream.hollow import Hollow
from orthanc_video.errors import BrokenVideo, NotVideo
from orthanc_video.files import Bytes, SpanSource
from orthanc_video.media import coding, sniff, timeline, timing
from orthanc_video.media.formats import Formats
from orthanc_video.media.sounds import sounds
from orthanc_video.media.source import coding_of, opened, reason
from orthanc_video.model import Evened, MediaInfo, Rational, Span, VideoStream, Wishes

# 16K × 16K is beyond every camera; a header that claims more is an attack or damage.
LARGEST_SIDE = 16384
LARGEST_AREA = 8192 * 8192
_DECODE_PACKETS = 300
_ORDER_PACKETS = 20  # more than any codec reorders
_REORDER_FRAMES = 16.5
_PACKINGS = {1: "side by side", 2: "top and bottom"}  # AVStereo3DType
# What containers that may stay (dicom/syntaxes.py: MPEG-2) hold beside their streams.
_BESIDE = {"mpeg": extras_ps.extras, "mpegts": extras_ts.extras}
_SCRAMBLING_SHOWS = 1 << 20  # bytes of a transport stream


Spans = tuple[Span, ...] | None
_NONE = Wishes()
# Keys of a container's tags that name nobody.
_TECHNICAL = frozenset(
    {
        "encoder",
        "major_brand",
        "minor_version",
        "compatible_brands",
        "language",
        "duration",
        "vendor_id",
        "handler_name",
    }
    | {
        "bps",
        "number_of_frames",
        "number_of_bytes",
        "variant_bitrate",
        "software",
        "isvbr",
        "metadatacreator",
        "audiodelay",
    }
)


def probe(path: Path, spans: Spans = None, wishes: Wishes = _NONE) -> MediaInfo:
    """Describes the file at ``path``, or these spans of it; raises NotVideo or BrokenVideo with a sentence.

    Of ``wishes`` only what a constant rate would do to the frames is told.
    """
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
        packets = _packets(source) if sniff.container(head) == "mpegts" else None
        # A few may be damaged so that they look it.
        if packets is not None and 2 * packets.scrambled > packets.packets:
            raise BrokenVideo("The video is encrypted: its transport stream is scrambled. Send it without encryption.")
        with opened(path, spans) as container:
            stream = pictures(container)
            formats = Formats(*coding_of(stream))
            track = _track(source, stream, layout)
            with _here(track):
                if track is not None and layout is not None and not layout.fragmented:
                    frames = timeline.of_table(source, mp4.samples(Bytes(source), track), stream, formats)
                    first, disordered = _beginning(container, stream.index)
                else:
                    frames = timeline.of_packets(container, stream, formats)
                    with opened(path, spans) as again:  # the packets of the other are read
                        first, disordered = _beginning(again, stream.index)
            if disordered:
                frames = timeline.evenly(frames, stream)
            if track is not None and track.descriptions > 1:
                formats.change = formats.change or "what another description of the MP4 says"
            info = _info(source, container, stream, _describe(stream, frames, first, formats), frames, layout)
            entry = track.codec if track is not None else ""
            evened = _evened(info.video, frames, wishes.constant_rate)
            packet = packets.packet_size if packets is not None else 0
            return dataclasses.replace(info, entry=entry, evened=evened, packet=packet)


def _packets(source: SpanSource) -> ts.Description | None:
    """How a transport stream begins; None where its tables are damaged, which FFmpeg may get over."""
    with contextlib.suppress(BrokenVideo):
        return ts.describe(Bytes(source), _SCRAMBLING_SHOWS)
    return None


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


def _info(
    source: SpanSource,
    container: InputContainer,
    stream: AvStream,
    video: VideoStream,
    frames: timeline.Frames,
    layout: mp4.Layout | None,
) -> MediaInfo:
    videos = [s for s in container.streams.video if s.index != stream.index and not _is_cover(s)]
    told = {stream.index, *(s.index for s in videos)}
    others = [s for s in container.streams if s.index not in told and s.type != "audio"]
    simple, delayed = _edits(source, stream, video, frames) if layout is not None else (True, False)
    return MediaInfo(
        container=container.format.name,
        size=source.size,
        video=video,
        brand=layout.major_brand.strip() if layout else "",
        streamable=bool(layout and layout.moov_before_mdat and not layout.fragmented),
        fragmented=bool(layout and layout.fragmented),
        simple_edits=simple,
        delayed=delayed,
        sounds=sounds(source, container, layout),
        elsewhere=bool(layout and layout.elsewhere),
        audio_codecs=tuple(s.codec_context.name if s.codec_context else "unknown" for s in container.streams.audio),
        other_videos=tuple(f"{s.width or 0} × {s.height or 0}" for s in videos),
        other_streams=len(others),
        created=_created(container.metadata.get("creation_time", "")),
        extras=_extras(source, container, stream, layout),
        user_data=frames.user_data,
        uncut=frames.uncut,
        joined_fields=frames.joined,
        half_frame=frames.half,
        steps=() if video.constant_rate or not video.timed else timing.steps(frames.times, frames.tick),
    )


def _evened(video: VideoStream, frames: timeline.Frames, rate: Rational | None) -> Evened | None:
    """What a constant rate makes of the frames; None where none is asked for, or they have it."""
    if rate is None or (video.constant_rate and video.rate == rate):
        return None
    count, doubled, dropped = timing.evened(frames.times, frames.tick, rate.fraction)
    return Evened(rate=rate, frames=count, doubled=doubled, dropped=dropped)


def _extras(
    source: SpanSource, container: InputContainer, stream: AvStream, layout: mp4.Layout | None
) -> tuple[str, ...]:
    """Kinds of what the container tells beside pictures and sound; never what it tells."""
    if layout is not None:
        told = {each.id for each in container.streams}
        return extras(Bytes(source), None if layout.fragmented else _described(source, told))
    told = {key.lower() for each in (container, *container.streams) for key in each.metadata}
    tags = ("tags",) if told - _TECHNICAL or container.chapters() else ()
    beside = _BESIDE.get(container.format.name)
    if beside is None or stream.codec_context.codec.canonical_name != "mpeg2video":
        return tags  # another container is made of it
    return tags + beside(Bytes(source), frozenset(each.id for each in container.streams))


def _described(source: SpanSource, tracks: set[int]) -> list[mp4.SampleTable]:
    """The samples of these tracks; none of one that cannot be read, so that its bytes are described by nobody."""
    tables = []
    for track in mp4.tracks(Bytes(source)):
        with contextlib.suppress(BrokenVideo):
            tables += [mp4.samples(Bytes(source), track)] if track.id in tracks else []
    return tables


def _edits(source: SpanSource, stream: AvStream, video: VideoStream, frames: timeline.Frames) -> tuple[bool, bool]:
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
    # How long the last frame stays is told by neither; a fragmented file's edit does not know the length yet (0).
    last = float(int(frames.times[-1] - frames.times[0]) * frames.tick)
    whole = length == 0 or length >= last - 0.5 * frame
    hides = float(frames.times[0] * frames.tick) < -0.5 * frame
    return lead <= _REORDER_FRAMES * frame and whole and not hides, delayed


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


def _describe(stream: AvStream, frames: timeline.Frames, first: av.VideoFrame, formats: Formats) -> VideoStream:
    context = stream.codec_context
    measured = timing.measure(frames.times, frames.tick, frames.last_duration, timeline.hints(stream))
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
        progressive=not first.interlaced_frame and formats.progressive,
        pixel_aspect=Rational.of(Fraction(aspect)) if aspect else Rational(1),
        rotation=-round(first.rotation or 0) % 360,  # FFmpeg counts against the clock
        mirrored=_mirrored(first),
        full_range="j4" in (context.pix_fmt or "") or int(first.color_range) == 2,
        # What the container claims is believed only as far as the picture's own header agrees.
        starts_with_key=frames.starts_with_key and (formats.opening is None or formats.opening.key),
        leading=frames.leading,
        hollow=frames.hollow,
        disordered=frames.disordered,
        primaries=int(first.color_primaries),
        transfer=int(first.color_trc),
        matrix=int(first.colorspace),
        timed=frames.timed,
        change=formats.change,
        packing=formats.stereo.packing or _packing(first, context.codec.canonical_name),
        views=formats.stereo.views,
        bit_rate=round(frames.bytes * 8 / max(float(measured.seconds), 1e-6)),
    )
    return coding.described(described, bytes(context.extradata or b""), formats.sets)


def _packing(frame: av.VideoFrame, codec: str) -> str:
    """How two views lie in one picture, as the container says it (Matroska's StereoMode); H.264 and H.265 say it."""
    stereo: Any = frame.side_data.get("STEREO3D")
    if stereo is None or codec in {"h264", "hevc"}:
        return ""
    return _PACKINGS.get(struct.unpack_from("=i", memoryview(stereo))[0], "")


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


def _beginning(container: InputContainer, index: int) -> tuple[av.VideoFrame, bool]:
    """The first decodable frame: proof that the stream is what its header says. And whether the times are disordered:
    they rise from packet to packet, although frames are shown in another order than they are coded in."""
    stream = container.streams[index]
    assert isinstance(stream, AvStream)  # noqa: S101
    hollow = Hollow(*coding_of(stream))
    first: av.VideoFrame | None = None
    given: list[int | None] = []
    shown: list[int | None] = []
    try:
        for count, packet in enumerate(container.demux(stream)):
            if packet.size and hollow.is_hollow(b"", packet.size, functools.partial(bytes, packet)):
                continue  # a decoder calls it an error
            given += [packet.pts] if packet.size else []
            for frame in packet.decode():
                first = frame if first is None else first
                shown.append(frame.pts)
            if first is None and count <= _DECODE_PACKETS:
                continue
            if count > _ORDER_PACKETS or not stream.codec_context.has_b_frames or not _rise(given):
                break
    except av.error.FFmpegError as error:
        if first is None:
            raise BrokenVideo(
                f"No picture can be decoded ({reason(error)}): the file is not what its header claims."
            ) from error
    if first is None:
        raise BrokenVideo("No picture can be decoded: the file is not what its header claims, or it is encrypted.")
    return first, _rise(given) and None not in shown and not _rise(shown)


def _rise(times: list[int | None]) -> bool:
    """Whether each is known, and later than the one before."""
    known = [time for time in times if time is not None]
    return len(known) == len(times) and all(one < next_one for one, next_one in pairwise(known))
