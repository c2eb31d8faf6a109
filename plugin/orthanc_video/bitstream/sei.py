"""Supplemental enhancement information: messages beside the pictures (Annex D of H.264 and of H.265)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from orthanc_video.bitstream.bits import BitReader, unescape
from orthanc_video.errors import BrokenVideo

# payloadType (H.264 D.1, H.265 D.2).
REGISTERED_USER_DATA, UNREGISTERED_USER_DATA, RECOVERY_POINT, FRAME_PACKING = 4, 5, 6, 45

_SEI = "supplemental enhancement information (SEI)"
# frame_packing_arrangement_type (Table D-8); 6 says that the picture is a plain one.
ARRANGEMENTS = {
    0: "checkerboard",
    1: "column by column",
    2: "row by row",
    3: "side by side",
    4: "top and bottom",
    5: "one after the other",
    7: "tiles",
}


@dataclass(frozen=True, slots=True)
class Message:
    """One message: its payloadType, and its payload without emulation prevention bytes."""

    kind: int
    payload: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class FramePacking:
    """How two views lie in one picture (H.264 D.2.26, H.265 D.3.16).

    ``arrangement`` is a key of ``ARRANGEMENTS``, or 6; ``left_first`` says that frame 0 is the left eye's, None where
    the stream does not say. ``cancelled`` ends what an earlier message said; the others then say nothing.
    """

    cancelled: bool
    arrangement: int = 6
    left_first: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryPoint:
    """Where decoding may begin without a key frame (H.264 D.2.8).

    After so many ``frames`` the pictures are right, and the same to the bit where that is ``exact``. ``broken_link``:
    pictures before it in output order are not, since the stream was cut there.
    """

    frames: int
    exact: bool
    broken_link: bool


def messages(nal: bytes, header: int) -> Iterator[Message]:
    """The messages of a SEI NAL unit, whose header has ``header`` bytes (1 in H.264, 2 in H.265); else BrokenVideo."""
    data = unescape(nal).rstrip(b"\x00")
    at = header
    while at < len(data) and data[at:] != b"\x80":  # rbsp_trailing_bits
        kind, at = _number(data, at)
        size, at = _number(data, at)
        if at + size > len(data):
            raise BrokenVideo(f"the {_SEI} is cut short: a message of {size} bytes has only {len(data) - at}")
        yield Message(kind, data[at : at + size])
        at += size


def frame_packing(payload: bytes) -> FramePacking:
    """The payload of a ``FRAME_PACKING`` message, of either standard."""
    reader = BitReader(payload, "frame packing arrangement")
    reader.ue("frame_packing_arrangement_id")
    if reader.flag():
        return FramePacking(cancelled=True)
    arrangement = reader.bits(7)
    reader.flag()  # quincunx_sampling_flag
    interpretation = reader.bits(6)
    return FramePacking(cancelled=False, arrangement=arrangement, left_first={1: True, 2: False}.get(interpretation))


def recovery_point(payload: bytes) -> RecoveryPoint:
    """The payload of a ``RECOVERY_POINT`` message of H.264."""
    reader = BitReader(payload, "recovery point")
    frames = reader.ue("recovery_frame_cnt", 65_535)
    return RecoveryPoint(frames=frames, exact=reader.flag(), broken_link=reader.flag())


def _number(data: bytes, at: int) -> tuple[int, int]:
    """A type or size as bytes of 255 and a last one (7.3.2.3.1), and where it ends."""
    end = at
    while end < len(data) and data[end] == 0xFF:
        end += 1
    if end == len(data):
        raise BrokenVideo(f"the {_SEI} is cut short: it ends after {len(data)} bytes")
    return 255 * (end - at) + data[end], end + 1
