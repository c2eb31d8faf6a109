"""H.265 video parameter sets: what holds of a whole stream, its layers among it (ITU-T H.265 7.3.2.1, 7.4.3.1)."""

from __future__ import annotations

from dataclasses import dataclass

from orthanc_video.bitstream.bits import BitReader, unescape
from orthanc_video.bitstream.hevc import VPS, Profile, nal_type, read_profile
from orthanc_video.errors import BrokenVideo

_VPS = "H.265 video parameter set"
_MOST_LAYER_SETS = 1023


@dataclass(frozen=True, slots=True, kw_only=True)
class Vps:
    """A video parameter set up to its timing.

    ``layers`` counts the stream's layers: the second of two is the other eye's view (MV-HEVC), or a finer picture.
    ``profile`` is the base layer's. ``time_scale`` / ``num_units_in_tick`` are pictures per second; both are 0 where
    the set does not say.
    """

    layers: int
    sub_layers: int
    profile: Profile
    num_units_in_tick: int
    time_scale: int


def parse_vps(nal: bytes) -> Vps:
    """A video parameter set out of its NAL unit, header included.

    ``BrokenVideo`` when it is something else, cut short, or beyond what the standard allows.
    """
    if nal_type(nal) != VPS:
        raise BrokenVideo(f"an {_VPS} is expected, but the NAL unit has type {nal_type(nal)}, not {VPS}")
    reader = BitReader(unescape(nal), _VPS)
    reader.bits(16 + 4 + 2)  # the NAL unit's header, vps_video_parameter_set_id, base layer flags
    layers = reader.bits(6) + 1
    sub_layers = reader.bits(3)
    if sub_layers > 6:
        raise BrokenVideo(f"the {_VPS} has {sub_layers + 1} sub-layers; at most 7 are allowed")
    reader.bits(1 + 16)  # vps_temporal_id_nesting_flag, vps_reserved_0xffff_16bits
    profile = read_profile(reader, sub_layers)
    for _ in range(sub_layers + 1 if reader.flag() else 1):
        reader.ue("vps_max_dec_pic_buffering_minus1", 15)
        reader.ue("vps_max_num_reorder_pics", 15)
        reader.ue("vps_max_latency_increase_plus1")
    highest = reader.bits(6)
    for _ in range(reader.ue("vps_num_layer_sets_minus1", _MOST_LAYER_SETS)):
        reader.bits(highest + 1)
    units, scale = (reader.bits(32), reader.bits(32)) if reader.flag() else (0, 0)
    return Vps(layers=layers, sub_layers=sub_layers + 1, profile=profile, num_units_in_tick=units, time_scale=scale)
