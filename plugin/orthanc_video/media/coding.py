"""What a stream's own headers say of its coding, over what the demuxer believes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from fractions import Fraction

from orthanc_video.bitstream import h264, hevc, mpeg2
from orthanc_video.errors import BrokenVideo
from orthanc_video.model import Rational, VideoStream

_EXTENDED = 88
_MPEG2_PROFILES = {5: "Simple", 4: "Main", 3: "SNR Scalable", 2: "Spatially Scalable", 1: "High", 0: "4:2:2"}


def described(video: VideoStream, extradata: bytes, among: bytes = b"") -> VideoStream:
    """The stream with profile, level, sizes and buffering by its first headers; raises BrokenVideo without any.

    ``extradata`` are the headers as FFmpeg hands them over; ``among`` those among the pictures, in Annex B, where they
    have none. Codecs that DICOM does not know stay as they are.
    """
    read = _READERS.get(video.codec)
    return video if read is None else read(video, extradata, among)


def _h264(video: VideoStream, extradata: bytes, among: bytes) -> VideoStream:
    sets, picture_sets = h264.parameter_sets(extradata)
    if not sets:
        sets, picture_sets = h264.parameter_sets(among)
    if not sets:
        raise BrokenVideo("The H.264 stream has no sequence parameter set.")
    sps = h264.parse_sps(sets[0])
    groups = max((h264.parse_pps(pps).slice_groups for pps in picture_sets), default=1)
    return dataclasses.replace(
        video,
        width=sps.width,
        height=sps.height,
        coded_width=sps.coded_width,
        coded_height=sps.coded_height,
        profile_idc=sps.profile_idc if groups == 1 else _EXTENDED,
        constraint_flags=sps.constraint_flags,
        level=sps.level_idc,
        progressive=sps.frame_mbs_only,
        reference_frames=max(sps.max_num_ref_frames, sps.max_dec_frame_buffering or 0),
        full_range=sps.signal.full_range,
        pixel_aspect=_aspect(video, *sps.sample_aspect),
        pixel_format=video.pixel_format if sps.chroma_format_idc else "gray",
    )


def _hevc(video: VideoStream, extradata: bytes, among: bytes) -> VideoStream:
    sets = hevc.parameter_sets(extradata).sps or hevc.parameter_sets(among).sps
    if not sets:
        raise BrokenVideo("The H.265 stream has no sequence parameter set.")
    sps = hevc.parse_sps(sets[0])
    profile = sps.profile
    return dataclasses.replace(
        video,
        width=sps.width,
        height=sps.height,
        coded_width=sps.coded_width,
        coded_height=sps.coded_height,
        # What a decoder of a lesser profile may decode counts as that.
        profile_idc=min(profile.compatible & {1, 2}, default=profile.idc),
        level=profile.level_idc,
        high_tier=profile.high_tier,
        progressive=not sps.field_sequence,
        reference_frames=sps.max_dec_pic_buffering,
        full_range=sps.signal.full_range,
        pixel_aspect=_aspect(video, *sps.sample_aspect),
    )


def _aspect(video: VideoStream, width: int, height: int) -> Rational:
    """What the stream says of its pixels, by which decoders go; the container's where that is nothing, or square."""
    return video.pixel_aspect if width == height else Rational.of(Fraction(width, height))


def _mpeg2(video: VideoStream, extradata: bytes, _among: bytes) -> VideoStream:
    sequence = mpeg2.parse_sequence(extradata)
    if sequence.mpeg1:
        return dataclasses.replace(video, codec="mpeg1video")
    return dataclasses.replace(
        video,
        width=sequence.width,
        height=sequence.height,
        profile=_MPEG2_PROFILES.get(sequence.profile, str(sequence.profile)),
        profile_idc=sequence.profile,
        level=sequence.level,
        coded_rate=Rational.of(sequence.rate),
        pixel_aspect=Rational.of(Fraction(sequence.sample_aspect)),
        reference_frames=2,
    )


_READERS: dict[str, Callable[[VideoStream, bytes, bytes], VideoStream]] = {
    "h264": _h264,
    "hevc": _hevc,
    "mpeg2video": _mpeg2,
}
