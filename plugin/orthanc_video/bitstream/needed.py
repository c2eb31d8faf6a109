"""The level that a stream needs by its size, rate, buffering and bit rate, whatever it says. Pure."""

from __future__ import annotations

from orthanc_video.bitstream import hevc_levels, levels
from orthanc_video.model import VideoStream

# H.264's level 1b, which differs from level 1 in bit rate only: 128 kbit/s, in High profile 1.25 times that (A.3.2).
_LEVEL_1, _LEVEL_1B, _BIT_RATE_1B = 10, 9, 160_000
# Seconds of the highest bit rate that a decoder's buffer holds (H.264 Table A-1, MaxCPB): so short a film is no stream.
_BUFFERED = 1.0


def needed_level(video: VideoStream) -> int | None:
    """The lowest level that the pictures fit, None when they fit none. MPEG-2's is what it says."""
    if video.codec == "mpeg2video":
        return video.level
    lowest = hevc_levels.lowest_level if video.codec == "hevc" else levels.lowest_level
    bit_rate = round(video.bit_rate * video.seconds / (video.seconds + _BUFFERED))
    pictures = video.coded_width, video.coded_height, video.rate.fraction, video.reference_frames
    if video.level == _LEVEL_1B and lowest(*pictures) == _LEVEL_1 and bit_rate <= _BIT_RATE_1B:
        return _LEVEL_1B
    return lowest(*pictures, bit_rate)
