"""Pictures unchanged into a conforming container, one video track, exact times.

H.264 and H.265 into an MP4 with its index in front; MPEG-2 into a program stream, which whoever reads .100 expects.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import av
import numpy as np
from av.bitstream import BitStreamFilterContext
from av.packet import Packet
from av.video.stream import VideoStream as AvStream

from orthanc_video.bitstream import h264, hevc
from orthanc_video.bitstream.nal import is_byte_stream, split_annexb
from orthanc_video.bitstream.userdata import UserData, clean_configuration
from orthanc_video.errors import TRIED_AGAIN, BrokenVideo, Busy, TooLarge, VideoError
from orthanc_video.media.formats import parameter_sets
from orthanc_video.media.opening import HEAD, Opening
from orthanc_video.media.pairing import Pairing, like
from orthanc_video.media.pictures import SliceHash
from orthanc_video.media.probe import pictures
from orthanc_video.media.source import coding_of, opened, reason
from orthanc_video.model import Progress, Span, VideoStream

Listener = Callable[[Progress], None]
Tell = Callable[[int], None]
Spans = tuple[Span, ...] | None
# Where in the whole these end: reading the frames' times, decoding for their order where no time says it, writing the
# MP4. Reading it again to check it is the rest.
_TIMES, _ORDER, _WRITING = 0.1, 0.4, 0.8
_EVERY = 256
# Parameter sets in the index, where every player looks for them (ISO/IEC 14496-15 5.4.2, 8.4.1).
TAGS = {"h264": "avc1", "hevc": "hvc1"}


class Hashes(NamedTuple):
    """SHA-256 over all coded slices, as they were read and as they lie in the file that was written."""

    before: str
    after: str


def remux(
    source: Path, target: Path, video: VideoStream, level: int, listener: Listener, spans: Spans = None
) -> Hashes:
    """Writes the pictures of ``source``, or of these spans of it, to ``target``; the hashes of all coded slices.

    ``level`` other than 0 corrects the level label. Frames of a constant-rate stream land exactly on that rate's grid;
    all others keep their times, counted from the first frame shown. Raises BrokenVideo for a lost or changed frame.
    """
    try:
        before, written = _write(source, spans, target, video, level, listener)
    except av.error.FFmpegError as error:
        raise failure(error) from error
    if written == 0:
        raise BrokenVideo("None of the pictures can be decoded; nothing was stored.")
    after, count = slices(target, telling("check", video, listener, _WRITING, 1.0))
    if count != written or written != video.frames:
        raise BrokenVideo(f"Of {video.frames} frames {count} arrived in the new container; nothing was stored.")
    if before != after:
        raise BrokenVideo("The coded pictures changed on the way into the new container; nothing was stored.")
    return Hashes(before, after)


def failure(error: av.error.FFmpegError) -> VideoError:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return Busy(f"The disk is full{TRIED_AGAIN}")
    if error.errno == errno.EFBIG:
        return TooLarge("The video is larger than one DICOM object can be (4 GiB).")
    return BrokenVideo(f"The pictures cannot be put into another container ({reason(error)}).")


def telling(stage: str, video: VideoStream, listener: Listener, first: float, last: float) -> Tell:
    """Takes counts of frames and tells of them, not of each one."""

    def tell(frames: int) -> None:
        if frames % _EVERY == 0:
            part = min(0.99, frames / max(1, video.frames))
            listener(Progress(stage=stage, part=part, frames=frames, total=video.frames).within(first, last))

    tell(0)
    return tell


def slices(path: Path, tell: Tell = lambda _: None) -> tuple[str, int]:
    """The hash of all coded slices and the number of packets of a file's picture stream."""
    with opened(path) as container:
        stream = pictures(container)
        digest = SliceHash(*coding_of(stream))
        count = 0
        for packet in packets(container.demux(stream), tell):
            digest.add(packet)
            count += 1
        return digest.hexdigest(), count


def _write(
    source: Path, spans: Spans, target: Path, video: VideoStream, level: int, listener: Listener
) -> tuple[str, int]:
    grid = _Grid.over(source, spans, video, listener) if video.constant_rate else None
    start = 0 if grid else _start(source, spans, telling("remux", video, listener, 0.0, _TIMES))
    tell = telling("remux", video, listener, _ORDER, _WRITING)
    kind, options = output_format(video.codec)
    with opened(source, spans) as container, av.open(str(target), "w", format=kind, options=options) as output:
        stream = pictures(container)
        codec, extradata = coding_of(stream)
        digest, private = SliceHash(codec, extradata), UserData(codec, extradata)
        made = output.add_stream_from_template(stream)
        assert isinstance(made, AvStream)  # noqa: S101
        made.metadata.clear()
        made.codec_context.extradata = clean_configuration(codec, extradata) or None
        made.time_base = grid.tick if grid else stream.time_base
        if video.codec in TAGS:
            made.codec_context.codec_tag = TAGS[video.codec]
        unindexed = _unindexed(video.codec, bytes(stream.codec_context.extradata or b""))
        filtered = _filtered(video.codec, level, unindexed, stream, made)
        count = 0
        for packet in showable(container.demux(stream), stream, tell):
            digest.add(packet)
            packet = _without(private, packet)
            if grid is not None:
                grid.place(packet, count)
            else:
                put_earlier(packet, start)
            for out in filtered.filter(packet) if filtered else (packet,):
                if unindexed and count == 0:
                    made.codec_context.extradata = parameter_sets(video.codec, split_annexb(bytes(out)))
                out.stream = made
                output.mux_one(out)
            count += 1
        return digest.hexdigest(), count


def output_format(codec: str, *, mp4: bool = False) -> tuple[str, dict[str, str]]:
    """FFmpeg's name of the container that pictures of this codec are stored in, and its muxer's options.

    ``mp4``: an MP4 whatever the codec, for who is to play it rather than store it.
    """
    kind, options = ("vob", {}) if codec == "mpeg2video" and not mp4 else ("mp4", {"movflags": "+faststart"})
    return kind, options | {"fflags": "+bitexact"}


def _without(private: UserData, packet: Packet[Any]) -> Packet[Any]:
    """The packet, or one like it that lacks the user data."""
    data = bytes(packet)
    kept = private.removed(data)
    if kept is data:
        return packet
    if not kept:
        raise BrokenVideo("A frame holds no picture; nothing was stored.")
    return like(packet, kept)


def showable(demuxed: Iterator[Packet[Any]], stream: AvStream, tell: Tell = lambda _: None) -> Iterator[Packet[Any]]:
    """Those that can be shown (media/opening.py), each of them a frame (media/pairing.py)."""
    coding = coding_of(stream)
    begins = Opening(*coding)
    for packet in packets(Pairing(*coding).frames(demuxed), tell):
        time = packet.pts if packet.pts is not None else packet.dts
        head = b"" if begins.over else bytes(memoryview(packet)[:HEAD])
        if begins.shows(packet.is_keyframe, time, head):
            yield packet


def packets(demuxed: Iterator[Packet[Any]], tell: Tell) -> Iterator[Packet[Any]]:
    """Those that hold something; tells how many have been dealt with."""
    for count, packet in enumerate((packet for packet in demuxed if packet.size), 1):
        yield packet
        tell(count)


def _start(source: Path, spans: Spans, tell: Tell) -> int:
    """When the first frame is shown, in the stream's ticks: a camera's clock need not begin at 0."""
    with opened(source, spans) as container:
        stream = pictures(container)
        times = (packet.pts for packet in showable(container.demux(stream), stream, tell))
        return min((time for time in times if time is not None), default=0)


def put_earlier(packet: Packet[Any], start: int) -> None:
    """Moves a packet's times by ``start`` of its ticks."""
    if packet.pts is not None:
        packet.pts -= start
    if packet.dts is not None:
        packet.dts -= start


def _unindexed(codec: str, extradata: bytes) -> bool:
    """Whether an MP4's index has no parameter sets: they lie among the pictures alone (avc3, hev1)."""
    if not extradata or is_byte_stream(extradata):
        return False
    sets = {"h264": lambda: h264.split_avcc(extradata).sps, "hevc": lambda: hevc.split_hvcc(extradata).sps}
    return codec in sets and not sets[codec]()


def _filtered(
    codec: str, level: int, unindexed: bool, stream: AvStream, made: AvStream
) -> BitStreamFilterContext | None:
    """Also tells ``made`` what comes out: a byte stream (Annex B), which the MP4 muxer makes MP4 samples of again."""
    filters = [f"{codec}_mp4toannexb"] * unindexed
    # By number: of FFmpeg's names "4" is level 4.0, and "4.0" no name but the number 4.
    filters += [f"{codec}_metadata=level={level}"] * bool(level)
    if not filters:
        return None
    context = BitStreamFilterContext(",".join(filters), stream, made)
    made.codec_context.codec_tag = TAGS[codec]
    return context


def _decoded_order(source: Path, spans: Spans, count: int, tell: Tell) -> list[int]:
    """When each packet's frame is shown, for containers that do not say (AVI, MPEG-PS): the decoder knows the order."""
    shown: list[int] = []
    with opened(source, spans) as container:
        stream = pictures(container)
        for number, packet in enumerate(showable(container.demux(stream), stream, tell)):
            packet.pts = packet.dts = number
            shown += [frame.pts for frame in stream.decode(packet) if frame.pts is not None]
        shown += [frame.pts for frame in stream.decode(None) if frame.pts is not None]
    if sorted(shown) != list(range(count)):
        raise BrokenVideo("The order of the frames cannot be found: the file does not say it, and some are damaged.")
    places = [0] * count
    for place, number in enumerate(shown):
        places[number] = place
    return places


class _Grid:
    """Exact times for a constant rate: frame k is shown at k / rate, decoded in order and never after it is shown."""

    def __init__(self, places: list[int], rate: Fraction) -> None:
        # Ticks fine enough for any reader, and one frame is a whole number of them.
        factor = -(-12000 // rate.numerator)
        self.tick = Fraction(1, rate.numerator * factor)
        self._step = rate.denominator * factor
        self._places = places
        self._delay = max(at - place for at, place in enumerate(places)) if places else 0

    @classmethod
    def over(cls, source: Path, spans: Spans, video: VideoStream, listener: Listener) -> _Grid:
        tell = telling("remux", video, listener, 0.0, _TIMES)
        with opened(source, spans) as container:
            stream = pictures(container)
            given = [packet.pts for packet in showable(container.demux(stream), stream, tell)]
            # AVI has one clock, and FFmpeg takes it for both.
            tells = container.format.name != "avi" and not video.disordered
        times = [time for time in given if time is not None]
        if not tells or len(times) < len(given):
            times = _decoded_order(source, spans, len(given), telling("remux", video, listener, _TIMES, _ORDER))
        places = np.empty(len(times), dtype=np.int64)
        places[np.argsort(np.array(times), kind="stable")] = np.arange(len(times))
        return cls(places.tolist(), video.rate.fraction)

    def place(self, packet: Packet[Any], count: int) -> None:
        packet.time_base = self.tick
        packet.pts = self._places[count] * self._step
        packet.dts = (count - self._delay) * self._step
        packet.duration = self._step
