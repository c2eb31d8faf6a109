"""Frames coded anew so that they stand beside copied ones in one stream: same codec, profile, level, size and colours.

They are coded at a fine, constant quantizer: what a clip shows is what its source shows, and they are few.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
from av.codec.context import Flags
from av.packet import Packet
from av.video.frame import PictureType
from av.video.stream import VideoStream as AvStream

from orthanc_video.bitstream import h264, hevc, mpeg2
from orthanc_video.dicom import syntaxes
from orthanc_video.errors import BrokenVideo, UnsupportedMedia

PRESET = "veryfast"
# Of H.264 and H.265: values lie some 3 of 255 apart, which is 47 dB and more whatever is shown.
_QUANTIZER = 14
# Of 4:4:4, where x264 and x265 code chroma coarser than luma, by six steps.
_QUANTIZER_444 = 8
# ISO/IEC 13818-2 6.3.17.4: the finest. FFmpeg counts its qualities in 118ths.
_FINEST = 118
# What of an MPEG-2 decoder's buffer the frames coded anew may fill at once, as FFmpeg has it: copies need some, too.
_FILLED = 0.75
# ITU-T H.264 A.2; x264's names.
_PROFILES = {66: "baseline", 77: "main", 100: "high", 110: "high10", 122: "high422", 244: "high444"}
# From here on a stream's profile is told by other tools than CABAC, which takes a third of the time at such a fine
# quantizer and saves one byte in ten.
_HIGH = 100
_LARGEST_ID = 31  # of a sequence parameter set (H.264 7.4.2.1.1)
_Options = dict[str, str]


@dataclass(frozen=True, slots=True)
class Coded:
    """A frame in Annex B, or from MPEG-2's headers to its last slice; ``number`` is the frame's as shown."""

    data: bytes
    number: int
    key: bool


class Encoder:
    """Codes runs of frames of one stream, of which each run can be decoded by itself, in the order shown.

    ``configuration``: what it says of H.264 beside the pictures.
    """

    def __init__(self, stream: AvStream, codec: str, sets: Iterable[bytes]) -> None:
        """``sets`` are the stream's parameter sets (NAL units), of MPEG-2 its sequence header with what follows.

        Raises UnsupportedMedia for a codec or format that is not written, BrokenVideo where it does not say what it is.
        """
        self._stream = stream
        if codec not in _LIKE:
            raise UnsupportedMedia(f"Clips of {codec} can begin at key frames only: its frames are not coded anew.")
        self._name, self._options = _LIKE[codec](list(sets))
        self._rate = stream.guessed_rate or Fraction(25)
        self._room = self._most_room = round(_FILLED * int(self._options.get("bufsize", "0")))
        # Opened to be asked for its configuration, and the first run's.
        self._next: av.VideoCodecContext | None = self._opened()
        self.configuration = bytes(self._next.extradata or b"")

    def encode(self, frames: Iterable[tuple[int, av.VideoFrame]]) -> Iterator[Coded]:
        """The frames with their numbers."""
        context, numbers = self._next or self._opened(), list[int]()
        self._next = None
        bits = 0
        for coded in self._run(context, frames, numbers):
            bits += 8 * len(coded.data)
            yield coded
        self._spend(bits, len(numbers))

    def _run(
        self, context: av.VideoCodecContext, frames: Iterable[tuple[int, av.VideoFrame]], numbers: list[int]
    ) -> Iterator[Coded]:
        for at, (number, frame) in enumerate(frames):
            if (frame.width, frame.height) != (context.width, context.height):
                raise UnsupportedMedia(
                    "Clips of this video can begin at key frames only: it is cropped at its left, which decoders do in "
                    "part."
                )
            frame.pts, frame.time_base = at, context.time_base
            frame.pict_type = PictureType.NONE
            numbers.append(number)
            yield from _coded(context.encode(frame), numbers)
        yield from _coded(context.encode(None), numbers)

    def _spend(self, bits: int, frames: int) -> None:
        """What is left of the decoder's buffer for the next run, at least one frame's share of the rate."""
        share = round(int(self._options.get("maxrate", "0")) / self._rate)
        self._room = max(share, min(self._most_room, self._room + frames * share - bits))

    def _opened(self) -> av.VideoCodecContext:
        like = self._stream.codec_context
        context = av.CodecContext.create(self._name, "w")
        assert isinstance(context, av.VideoCodecContext)  # noqa: S101
        context.width, context.height, context.pix_fmt = like.width, like.height, like.pix_fmt
        context.time_base, context.framerate = 1 / self._rate, self._rate
        if like.sample_aspect_ratio:
            context.sample_aspect_ratio = like.sample_aspect_ratio
        context.color_range, context.colorspace = like.color_range, like.colorspace
        context.color_primaries, context.color_trc = like.color_primaries, like.color_trc
        if self._name == "libx264":
            context.flags |= Flags.global_header
        context.options = self._options | ({"rc_init_occupancy": str(self._room)} if self._room else {})
        try:
            context.open()
        except (av.error.FFmpegError, ValueError) as error:
            raise UnsupportedMedia(
                f"Clips of this video can begin at key frames only: {self._name} does not code {like.pix_fmt}."
            ) from error
        return context


def _coded(packets: Iterable[Packet[Any]], numbers: list[int]) -> Iterator[Coded]:
    for packet in packets:
        if packet.pts is None:
            raise BrokenVideo("The encoder has lost a frame's time; nothing was cut.")
        yield Coded(bytes(packet), numbers[packet.pts], packet.is_keyframe)


def _like_h264(sets: list[bytes]) -> tuple[str, _Options]:
    """Under a number of its own, so that both can be told at once; no frame is shown in another order."""
    taken, like = set(), None
    for unit in sets:
        if h264.nal_type(unit) == h264.SPS:
            like = h264.parse_sps(unit)
            taken.add(like.sps_id)
        elif h264.nal_type(unit) == 8:
            pps = h264.parse_pps(unit)
            taken |= {pps.pps_id, pps.sps_id}
    if like is None:
        raise BrokenVideo("The stream has no sequence parameter set, so no frame of it can be coded anew.")
    free = next((number for number in range(_LARGEST_ID, -1, -1) if number not in taken), None)
    if free is None or like.profile_idc not in _PROFILES:
        raise UnsupportedMedia(f"H.264 of profile {like.profile_idc} is not coded anew; clips can begin at key frames.")
    interlaced = {} if like.frame_mbs_only else {"flags": "+ildct+ilme+global_header"}
    params = f"sps-id={free}:bframes=0:keyint=infinite:scenecut=0"
    if like.profile_idc >= _HIGH:
        params += ":cabac=0:weightp=0"
    return "libx264", {
        "preset": PRESET,
        "profile": _PROFILES[like.profile_idc],
        "level": f"{like.level_idc // 10}.{like.level_idc % 10}",
        # Behind frames that are coded with loss FFmpeg decodes others without it wrongly.
        "qp": "0" if like.transform_bypass else str(_quantizer(like.chroma_format_idc)),
        "x264-params": params,
        **interlaced,
    }


def _quantizer(chroma_format_idc: int) -> int:
    return _QUANTIZER_444 if chroma_format_idc == 3 else _QUANTIZER


def _like_hevc(sets: list[bytes]) -> tuple[str, _Options]:
    like = next((hevc.parse_sps(unit) for unit in sets if hevc.nal_type(unit) == hevc.SPS), None)
    if like is None:
        raise BrokenVideo("The stream has no sequence parameter set, so no frame of it can be coded anew.")
    if like.field_sequence:
        raise UnsupportedMedia("H.265 coded by fields is not coded anew; clips can begin at key frames.")
    params = (
        f"qp={_quantizer(like.chroma_format_idc)}:bframes=0:keyint=-1:scenecut=0:repeat-headers=1:info=0:log-level=none"
    )
    return "libx265", {"preset": PRESET, "x265-params": params}


def _like_mpeg2(sets: list[bytes]) -> tuple[str, _Options]:
    """As fine as the level lets it be: FFmpeg codes a frame coarser that the decoder's buffer has no room for."""
    header = b"".join(sets)
    like = mpeg2.parse_sequence(header)
    flags = "+qscale+cgop" + ("" if mpeg2.is_progressive(header) else "+ildct+ilme")
    flags += "+low_delay" if like.low_delay else ""
    of_level = (one for one in syntaxes.PREFERRED["mpeg2video"] if like.profile and like.level in one.levels)
    within = next(({"maxrate": str(one.bit_rate), "bufsize": str(one.buffer)} for one in of_level), {})
    return "mpeg2video", within | {
        "flags": flags,
        "global_quality": str(_FINEST),
        "qmin": "1",
        "bf": "0",
        "g": "600",
        "sc_threshold": "1000000000",  # else FFmpeg refuses closed groups
        "profile": str(like.profile),
        "level": str(like.level),
    }


_LIKE = {"h264": _like_h264, "hevc": _like_hevc, "mpeg2video": _like_mpeg2}
