"""Sound beside pictures that are done: as it came, or re-encoded, in step with them. The pictures stay as they are."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.filter import Graph
from av.packet import Packet

from orthanc_video.errors import BrokenVideo
from orthanc_video.media import remux
from orthanc_video.media.probe import pictures, probe
from orthanc_video.media.source import opened, reason
from orthanc_video.model import Sound

_ENCODERS = {"aac": "aac", "mp3": "libmp3lame"}
_BEGINNING = Fraction(0)
_LAYOUTS = {2: "stereo", 6: "5.1"}


def add(silent: Path, source: Path, target: Path, sound: Sound, copied: bool, start: Fraction = _BEGINNING) -> None:
    """Writes to ``target`` the pictures of ``silent`` with the first sound of ``source`` beside them.

    The sound begins and ends with them; they are those from ``start`` seconds of the source on. ``copied``: its packets
    pass through unchanged, else they become what ``sound`` says. Raises BrokenVideo where the pictures would change.
    """
    begins = _begins(source) + start
    recoded = target.with_suffix(".sound.mka")
    made = probe(silent).video
    try:
        if not copied:
            _recode(source, recoded, sound, begins, made.seconds)
        shift = begins if copied else Fraction(0)
        _join(silent, source if copied else recoded, target, shift, Fraction(made.seconds), made.codec)
        if remux.slices(target) != remux.slices(silent):
            raise BrokenVideo("The pictures changed when the sound was put beside them; nothing was stored.")
    finally:
        recoded.unlink(missing_ok=True)


def _begins(source: Path) -> Fraction:
    """When the first picture is shown, in seconds of the container's time."""
    with opened(source) as container:
        stream = pictures(container)
        times = [packet.pts for packet in remux.showable(container.demux(stream), stream) if packet.pts is not None]
        # What an edit list leaves out lies before 0.
        shown = [time for time in times if time >= 0] or times
        return min(shown, default=0) * Fraction(stream.time_base or 1)


def _recode(source: Path, target: Path, sound: Sound, begins: Fraction, seconds: float) -> None:
    """Here and not by ffmpeg: the sandbox lets a media process start one program, which pictures may have needed."""
    try:
        with opened(source) as container, av.open(str(target), "w", format="matroska") as output:
            stream = container.streams.audio[0]
            encoder = output.add_stream(_ENCODERS[sound.codec], rate=sound.rate, layout=_LAYOUTS[sound.channels])
            assert isinstance(encoder, AudioStream)  # noqa: S101
            encoder.bit_rate = sound.bit_rate
            for frame in _resampled(container, stream, encoder, begins, seconds):
                output.mux(encoder.encode(frame))
            output.mux(encoder.encode(None))
    except (av.error.FFmpegError, ValueError) as error:
        raise BrokenVideo(
            f'The sound cannot be re-encoded ({reason(error)}). Leave it out with "Audio=drop".'
        ) from error


def _resampled(
    container: InputContainer, stream: AudioStream, encoder: AudioStream, begins: Fraction, seconds: float
) -> Iterator[AudioFrame]:
    """What is heard while pictures are shown, silence where nothing is, in the encoder's form; times count from 0."""
    wanted = encoder.codec_context
    chain = (
        ("atrim", f"start={float(begins)}:end={float(begins) + seconds}"),
        ("asetpts", f"PTS-{float(begins)}/TB"),
        ("aresample", f"{wanted.sample_rate}:async=1:first_pts=0"),
        ("aformat", f"sample_fmts={wanted.format.name}:channel_layouts={wanted.layout.name}"),
        ("asetnsamples", f"n={wanted.frame_size or 1024}:p=0"),
    )
    graph: Graph | None = None
    for frame in container.decode(stream):
        if graph is None:
            graph = _graph(frame, stream, chain)
        graph.push(frame)
        yield from _ready(graph)
    if graph is not None:
        graph.push(None)
        yield from _ready(graph)


def _graph(frame: AudioFrame, stream: AudioStream, chain: tuple[tuple[str, str], ...]) -> Graph:
    graph = Graph()
    nodes = [
        graph.add_abuffer(
            sample_rate=frame.sample_rate,
            format=frame.format.name,
            layout=frame.layout.name,
            time_base=stream.time_base,
        )
    ]
    nodes += [graph.add(name, options) for name, options in chain]
    nodes.append(graph.add("abuffersink"))
    graph.link_nodes(*nodes).configure()
    return graph


def _ready(graph: Graph) -> Iterator[AudioFrame]:
    with suppress(BlockingIOError, EOFError):
        while True:
            frame = graph.pull()
            assert isinstance(frame, AudioFrame)  # noqa: S101
            yield frame


def _join(silent: Path, heard: Path, target: Path, shift: Fraction, seconds: Fraction, codec: str) -> None:
    begins = _begins(silent)
    kind, options = remux.output_format(codec)
    with (
        opened(silent) as seen,
        opened(heard) as sounding,
        av.open(str(target), "w", format=kind, options=options) as out,
    ):
        picture = seen.streams.video[0]
        stream = sounding.streams.audio[0]
        video, audio = (out.add_stream_from_template(one) for one in (picture, stream))
        for made, one in ((video, picture), (audio, stream)):
            made.metadata.clear()
            made.time_base = one.time_base
        if codec in remux.TAGS:
            video.codec_context.codec_tag = remux.TAGS[codec]
        packets = heapq.merge(
            timed(seen, picture, video, lambda _: True, begins),  # a program stream does not begin at 0
            timed(sounding, stream, audio, lambda packet: _heard(packet, stream, shift, seconds), shift),
            key=lambda pair: pair[0],
        )
        for _, packet in packets:
            out.mux_one(packet)


def timed(
    container: InputContainer,
    stream: Any,
    made: Any,
    kept: Callable[[Packet[Any]], bool],
    shift: Fraction = Fraction(0),
) -> Iterator[tuple[Fraction, Packet[Any]]]:
    """The packets of a stream with when they are decoded, in seconds, put earlier by ``shift``."""
    earlier = round(shift / Fraction(stream.time_base))
    for packet in container.demux(stream):
        if not packet.size or not kept(packet):
            continue
        remux.put_earlier(packet, earlier)
        decoded = packet.dts if packet.dts is not None else packet.pts
        packet.stream = made
        yield (decoded or 0) * Fraction(stream.time_base), packet


def _heard(packet: Packet[Any], stream: AudioStream, shift: Fraction, seconds: Fraction) -> bool:
    """Whether some of a packet is heard while pictures are shown; the one before is kept, which decoders begin with."""
    if packet.pts is None:
        return False
    begin = packet.pts * Fraction(stream.time_base or 1) - shift
    return begin + 2 * (packet.duration or 0) * Fraction(stream.time_base or 1) > 0 and begin < seconds
