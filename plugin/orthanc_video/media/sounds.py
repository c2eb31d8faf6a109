"""The streams of sound that a file holds, from its own index and headers."""

from __future__ import annotations

import av
import numpy as np
import numpy.typing as npt
from av.audio.stream import AudioStream
from av.container import InputContainer

from orthanc_video.bitstream import mp4
from orthanc_video.files import Bytes, SpanSource
from orthanc_video.model import Sound

# Of program and transport streams FFmpeg finds each frame of the sound, wherever its packets are cut.
_UNINDEXED = frozenset({"mpeg", "mpegts"})


def sounds(source: SpanSource, container: InputContainer, layout: mp4.Layout | None) -> tuple[Sound, ...]:
    """In the file's order; of which bit rates it is not known that they are constant, they are not. May read on in
    ``container``."""
    indexed = {track.id: track for track in mp4.tracks(Bytes(source))} if layout and not layout.fragmented else {}
    found = []
    for stream in container.streams.audio:
        context, track = stream.codec_context, indexed.get(stream.id)
        if not context:  # FFmpeg has no decoder for it
            found.append(Sound(codec="unknown", rate=0, channels=0))
            continue
        codec = {"mp3float": "mp3", "mp2float": "mp2"}.get(context.name, context.name)
        if track:
            sizes = mp4.samples(Bytes(source), track).size
        else:
            sizes = _sizes(container, stream if codec == "mp3" else None)
        low = codec != "aac" or context.profile in {"LC", None}
        found.append(
            Sound(
                codec=codec if low else f"{codec} {context.profile}",
                rate=context.sample_rate or 0,
                channels=context.layout.nb_channels,
                bit_rate=stream.bit_rate or context.bit_rate or 0,
                constant=len(sizes) > 0 and int(sizes.max() - sizes.min()) <= 1,  # padding is one byte
            )
        )
    return tuple(found)


def _sizes(container: InputContainer, stream: AudioStream | None) -> npt.NDArray[np.int64]:
    """How large the frames are, where they alone tell it; none of another container, or without a stream."""
    found: list[int] = []
    if stream is not None and container.format.name in _UNINDEXED:
        try:
            container.seek(0)
            found = [packet.size for packet in container.demux(stream) if packet.size]
        except av.error.FFmpegError:
            found = []  # whoever reads the pictures tells of the damage
    return np.array(found, dtype=np.int64)
