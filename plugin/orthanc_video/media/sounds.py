"""The streams of sound that a file holds, from its own index and headers."""

from __future__ import annotations

import numpy as np
from av.container import InputContainer

from orthanc_video.bitstream import mp4
from orthanc_video.files import Bytes, SpanSource
from orthanc_video.model import Sound


def sounds(source: SpanSource, container: InputContainer, layout: mp4.Layout | None) -> tuple[Sound, ...]:
    """In the file's order; whether the bit rate is constant only an index tells."""
    indexed = {track.id: track for track in mp4.tracks(Bytes(source))} if layout and not layout.fragmented else {}
    found = []
    for stream in container.streams.audio:
        context, track = stream.codec_context, indexed.get(stream.id)
        if not context:  # FFmpeg has no decoder for it
            found.append(Sound(codec="unknown", rate=0, channels=0))
            continue
        sizes = mp4.samples(Bytes(source), track).size if track else np.zeros(0, dtype=np.int64)
        codec = {"mp3float": "mp3", "mp2float": "mp2"}.get(context.name, context.name)
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
