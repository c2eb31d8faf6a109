"""Buffering periods and picture timing of H.264 (D.1.2, D.1.3), whose form a sequence parameter set says.

Picture timing may tell the time of day at which a picture was taken: clock timestamps, which no decoder needs.
"""

from __future__ import annotations

import functools
from contextlib import suppress

from orthanc_video.bitstream.bits import BitReader
from orthanc_video.bitstream.h264 import Buffering, parse_sps
from orthanc_video.errors import BrokenVideo

# How many clock timestamps a picture may have, by pic_struct (Table D-1).
_TIMESTAMPS = (1, 1, 1, 2, 2, 3, 3, 2, 3)
_LAST_COUNTING = 6  # counting_type (Table D-3)
# Sets that cameras repeat with each key frame are read once.
_REPEATED = 16


class Clocks:
    """Reads the messages of one stream by the sets that came before them."""

    def __init__(self) -> None:
        self._known: dict[int, Buffering] = {}

    def learn(self, unit: bytes) -> None:
        """A sequence parameter set, as a NAL unit; one that is damaged says nothing."""
        with suppress(BrokenVideo):
            number, buffering = _read(unit)
            self._known[number] = buffering

    def period(self, payload: bytes) -> bytes | None:
        """A buffering period as it is; None where it is none."""
        reader = BitReader(payload, "buffering period")
        form = self._known.get(reader.ue("seq_parameter_set_id", 31))
        if form is None:
            return None
        reader.bits(2 * form.initial_bits * (form.nal_buffers + form.vcl_buffers))
        return payload if reader.is_filled_up() else None

    def timing(self, payload: bytes) -> bytes | None:
        """Picture timing whose clocks say nothing; None where that cannot be said, or it is none.

        Which set is active, the message does not say. Where there are several that differ, one that tells nothing by
        any of them stays, and none is written anew.
        """
        forms = set(self._known.values())
        found = {_without_time(payload, form) for form in forms} - {None}
        return found.pop() if len(found) == 1 and (len(forms) == 1 or payload in found) else None


@functools.lru_cache(_REPEATED)
def _read(unit: bytes) -> tuple[int, Buffering]:
    sps = parse_sps(unit)
    return sps.sps_id, sps.buffering


def _without_time(payload: bytes, form: Buffering) -> bytes | None:
    reader = BitReader(payload, "picture timing")
    clocks = []
    try:
        if form.nal_buffers or form.vcl_buffers:
            reader.bits(form.removal_bits + form.output_bits)
        for _ in range(_timestamps(reader) if form.pic_struct else 0):
            begin = reader.at
            instead = _clock(reader, form.offset_bits)
            clocks.append((begin, reader.at, instead))
    except BrokenVideo:
        return None
    if not reader.is_filled_up():
        return None
    if not any(instead for _, _, instead in clocks):
        return payload
    digits = f"{int.from_bytes(payload):0{8 * len(payload)}b}"
    made = digits[: clocks[0][0]] + "".join(instead or digits[begin:end] for begin, end, instead in clocks)
    made += "1" * bool(len(made) % 8)
    made += "0" * (-len(made) % 8)
    return int(made, 2).to_bytes(len(made) // 8)


def _timestamps(reader: BitReader) -> int:
    pic_struct = reader.bits(4)
    if pic_struct >= len(_TIMESTAMPS):
        raise BrokenVideo(f"the picture timing's pic_struct is {pic_struct}; at most {len(_TIMESTAMPS) - 1} is allowed")
    return _TIMESTAMPS[pic_struct]


def _clock(reader: BitReader, offset_bits: int) -> str:
    """What is to stand instead of a clock timestamp, in digits 0 and 1; empty where it tells no time.

    It stays, at midnight, since it also says whether the picture is interlaced, by which players go; and that nothing
    follows from its distance to others (discontinuity_flag).
    """
    if not reader.flag():
        return ""
    scan = reader.bits(3)  # ct_type, nuit_field_based_flag
    counting, full = reader.bits(5), reader.flag()
    if counting > _LAST_COUNTING:
        raise BrokenVideo(f"the picture timing's counting_type is {counting}; at most {_LAST_COUNTING} is allowed")
    reader.bits(2)  # discontinuity_flag, cnt_dropped_flag
    told = reader.bits(8) + (reader.bits(6 + 6 + 5) if full else _parts(reader))
    if not told + reader.bits(offset_bits):
        return ""
    return f"1{scan:03b}{0:05b}110{0:08b}{0:017b}" + "0" * offset_bits


def _parts(reader: BitReader) -> int:
    """Seconds, minutes and hours as far as they are said; 0 where all of them are."""
    told = 0
    for length in (6, 6, 5):
        if not reader.flag():
            break
        told += reader.bits(length)
    return told
