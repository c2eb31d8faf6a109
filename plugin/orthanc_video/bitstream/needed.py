"""The level that pictures need, whatever their stream says."""

from __future__ import annotations

from orthanc_video.bitstream import hevc_levels, levels
from orthanc_video.model import VideoStream

# Seconds of the highest bit rate that a decoder's buffer holds (H.264 Table A-1, MaxCPB): so short a film is no stream.
_BUFFERED = 1.0


def needed_level(video: VideoStream) -> int | None:
    """The lowest level that the pictures fit, None when they fit none. MPEG-2's is what it says."""
    if video.codec == "mpeg2video":
        return video.level
    lowest = hevc_levels.lowest_level if video.codec == "hevc" else levels.lowest_level
    bit_rate = round(video.bit_rate * video.seconds / (video.seconds + _BUFFERED))
    return lowest(video.coded_width, video.coded_height, video.rate.fraction, video.reference_frames, bit_rate)
