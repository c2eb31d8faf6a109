"""SEI messages that say how to decode or show pictures, by the exact form of their payload: nothing else hides in it.

Annex D of H.264 and of H.265. All other messages (user data, reserved types, times of day, hashes) are not known here.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from contextlib import suppress

from orthanc_video.bitstream.bits import BitReader
from orthanc_video.bitstream.clocks import Clocks
from orthanc_video.errors import BrokenVideo

_Form = Callable[[bytes], bool]
_Reading = Callable[[BitReader], object]
# Mastering display colour volume: the largest coordinate (0.00002 each) and luminance (10,000 cd/m² by 0.0001).
_FARTHEST, _BRIGHTEST = 50_000, 100_000_000
_HIGHEST_LIGHT, _LAST_TRANSFER = 10_000, 18
_PERIOD, _TIMING = 0, 1  # buffering_period, pic_timing


class Technical:
    """The messages of one stream, whose units come in their order; ``codec`` is FFmpeg's name."""

    def __init__(self, codec: str) -> None:
        self.codec = codec
        self._clocks = Clocks()
        self._forms = _FORMS.get(codec, {})

    def learn(self, unit: bytes) -> None:
        """A sequence parameter set: what it says of messages that come after it."""
        if self.codec == "h264":
            self._clocks.learn(unit)

    def kept(self, kind: int, payload: bytes) -> bytes | None:
        """What stays of a message of this payloadType; None where it has not the form that the standard gives it."""
        form = self._forms.get(kind)
        try:
            if self.codec == "h264" and kind in {_PERIOD, _TIMING}:
                return self._clocks.period(payload) if kind == _PERIOD else self._clocks.timing(payload)
            return payload if form is not None and form(payload) else None
        except BrokenVideo:
            return None


def _read(reading: _Reading) -> _Form:
    """A payload that ends where this has read all, but for the bits that fill its last byte (7.3.2.3.1, 7.3.5)."""

    def form(payload: bytes) -> bool:
        reader = BitReader(payload, "SEI message")
        reading(reader)
        return reader.is_filled_up()

    return form


def _at_most(size: int) -> _Form:
    """Of numbers whose lengths a sequence parameter set says: what they take at most where there is one of each."""
    return lambda payload: len(payload) <= size


def _filler(payload: bytes) -> bool:
    return not payload.strip(b"\xff")


def _pan_scan(reader: BitReader, *, h264: bool) -> None:
    reader.ue("pan_scan_rect_id")
    if reader.flag():
        return
    for _ in range(4 * (reader.ue("pan_scan_cnt_minus1", 2) + 1)):
        reader.se("pan_scan_rect_offset")
    _lasting(reader, h264=h264)


def _lasting(reader: BitReader, *, h264: bool) -> None:
    """For how long a message holds."""
    if h264:
        reader.ue("repetition_period", 16_384)
    else:
        reader.flag()  # persistence_flag


def _recovery(reader: BitReader, *, h264: bool) -> None:
    if h264:
        reader.ue("recovery_frame_cnt", 65_535)
        reader.bits(4)  # exact_match_flag, broken_link_flag, changing_slice_group_idc
    else:
        reader.se("recovery_poc_cnt")
        reader.bits(2)  # exact_match_flag, broken_link_flag


def _repeated(payload: bytes) -> bool:
    """Which frames are references (dec_ref_pic_marking_repetition), where fields may be coded or may not."""
    for fields in (False, True):
        reader = BitReader(payload, "SEI message")
        with suppress(BrokenVideo):
            _marking(reader, fields=fields)
            if reader.is_filled_up():
                return True
    return False


def _marking(reader: BitReader, *, fields: bool) -> None:
    idr = reader.flag()
    reader.ue("original_frame_num", 65_535)
    if fields and reader.flag():
        reader.flag()  # original_bottom_field_flag
    if idr:
        reader.bits(2)
    elif reader.flag():
        # How many numbers follow each memory_management_control_operation (7.3.3.3); 0 is the last.
        numbers = (0, 1, 1, 2, 1, 0, 1)
        while operation := reader.ue("memory_management_control_operation", 6):
            for _ in range(numbers[operation]):
                reader.ue("picture number", 65_535)


def _packing(reader: BitReader, *, h264: bool) -> None:
    reader.ue("frame_packing_arrangement_id")
    if not reader.flag():
        kind, quincunx = reader.bits(7), reader.flag()
        reader.bits(6 + 6)  # content_interpretation_type, six flags
        if not quincunx and kind != 5:
            reader.bits(16)  # positions in the grid
        reader.bits(8)  # frame_packing_arrangement_reserved_byte
        _lasting(reader, h264=h264)
    reader.flag()  # frame_packing_arrangement_extension_flag, upsampled_aspect_ratio_flag


def _orientation(reader: BitReader, *, h264: bool) -> None:
    if not reader.flag():
        reader.bits(2 + 16)  # hor_flip, ver_flip, anticlockwise_rotation
        _lasting(reader, h264=h264)
        if h264:
            reader.flag()  # display_orientation_extension_flag


def _grain(reader: BitReader, *, h264: bool) -> None:
    """Film grain, which decoders put on the pictures: strengths by brightness, from dark to bright."""
    if reader.flag():
        return
    reader.bits(2)  # film_grain_model_id
    if reader.flag():
        reader.bits(3 + 3 + 1 + 8 + 8 + 8)  # depth and colours
    reader.bits(2 + 4)  # blending_mode_id, log2_scale_factor
    for _ in range([reader.flag() for _ in range(3)].count(True)):
        intervals, values, before = reader.bits(8) + 1, reader.bits(3) + 1, -1
        for _ in range(intervals):
            lower, upper = reader.bits(8), reader.bits(8)
            if not before < lower <= upper:
                raise BrokenVideo("the film grain's intervals are not in order")
            before = upper
            for _ in range(values):
                reader.se("comp_model_value")
    _lasting(reader, h264=h264)


def _stereo(reader: BitReader) -> None:
    reader.bits(1 if reader.flag() else 2)  # which field, or which frame, is the left view
    reader.bits(2)


def _parameter_sets(reader: BitReader) -> None:
    reader.bits(4 + 1 + 1)
    for _ in range(reader.ue("num_sps_ids_minus1", 15) + 1):
        reader.ue("active_seq_parameter_set_id", 15)


def _mastering(payload: bytes) -> bool:
    if len(payload) != 24:
        return False
    *coordinates, most, least = struct.unpack(">8H2I", payload)
    return bool(max(coordinates) <= _FARTHEST and least <= most <= _BRIGHTEST)


def _light(payload: bytes) -> bool:
    return len(payload) == 4 and max(struct.unpack(">2H", payload)) <= _HIGHEST_LIGHT


def _transfer(payload: bytes) -> bool:
    return len(payload) == 1 and payload[0] <= _LAST_TRANSFER


_BOTH: dict[int, _Form] = {3: _filler, 137: _mastering, 144: _light, 147: _transfer}
# By payloadType (H.264 D.1.1, H.265 D.2.1). Of H.265 buffering periods and picture timing only the length is known.
_FORMS: dict[str, dict[int, _Form]] = {
    "h264": {
        2: _read(lambda reader: _pan_scan(reader, h264=True)),
        6: _read(lambda reader: _recovery(reader, h264=True)),
        7: _repeated,
        19: _read(lambda reader: _grain(reader, h264=True)),
        21: _read(_stereo),
        45: _read(lambda reader: _packing(reader, h264=True)),
        47: _read(lambda reader: _orientation(reader, h264=True)),
        **_BOTH,
    },
    "hevc": {
        _PERIOD: _at_most(46),
        _TIMING: _at_most(13),
        2: _read(lambda reader: _pan_scan(reader, h264=False)),
        6: _read(lambda reader: _recovery(reader, h264=False)),
        19: _read(lambda reader: _grain(reader, h264=False)),
        45: _read(lambda reader: _packing(reader, h264=False)),
        47: _read(lambda reader: _orientation(reader, h264=False)),
        129: _read(_parameter_sets),
        **_BOTH,
    },
}
