"""Clips whose times rise in the order in which frames are coded, though frames between others are coded after them.

So FFmpeg's muxers write a bare stream that is copied at a forced rate (``-r 25 -i film.hevc -c copy film.mp4``).
"""

from __future__ import annotations

from pathlib import Path

import av

from clips import Clips, picture_source


def disordered(clips: Clips, codec: str = "h264", kind: str = "mp4", hiding: int = 0) -> Path:
    """50 frames at 25/s, B pictures among them, of which the edit list hides the first ``hiding``."""
    options = "-bf 3" if codec == "h264" else "-x265-params log-level=none:bframes=3:b-adapt=0"
    whole = clips.encoded(f"ordered-{codec}.mp4", options, codec=codec, source=picture_source(seconds=2, rate="25"))
    path = whole.with_name(f"disordered-{codec}-{hiding}.{kind}")
    with av.open(whole) as source, av.open(str(path), "w", options={"movflags": "+faststart"}) as output:
        stream = source.streams.video[0]
        made = output.add_stream_from_template(stream)
        tick = stream.time_base
        assert tick is not None
        for number, packet in enumerate(packet for packet in source.demux(stream) if packet.size):
            packet.pts = packet.dts = round((number - hiding) / (25 * tick))
            packet.stream = made
            output.mux_one(packet)
    return path
