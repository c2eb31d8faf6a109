"""H.265 sequence parameter sets and decoder configurations (ITU-T H.265 7.3.2.2, Annex E; ISO/IEC 14496-15 8.3.3)."""

from __future__ import annotations

from dataclasses import dataclass

from orthanc_video.bitstream.bits import BitReader, unescape
from orthanc_video.bitstream.nal import is_byte_stream, split_annexb
from orthanc_video.bitstream.vui import UNSAID, Look, Signal, read_look
from orthanc_video.errors import BrokenVideo

VPS, SPS, PPS = 32, 33, 34
# H.265 Table 7-1.
_SLICES = frozenset({*range(10), *range(16, 22)})

_SPS = "H.265 sequence parameter set"
_HVCC = "the H.265 decoder configuration (hvcC)"

# Level 6.2, the highest there is: at most 35,651,584 samples a picture, and at most sqrt(8 × that) a side (A.4.1).
_MOST_SAMPLES = 35_651_584
_LONGEST_SIDE = 16_888

# How many luma samples one chroma sample spans, by chroma_format_idc (Table 6-1).
_CHROMA_SPAN = ((1, 1), (2, 2), (2, 1), (1, 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Profile, tier and level (H.265 7.4.4). ``compatible`` holds the profiles that a decoder of which may decode it.

    ``level_idc`` is 30 times the level: 153 is level 5.1. ``frames`` says that no picture is a field.
    """

    space: int
    high_tier: bool
    idc: int
    compatible: frozenset[int]
    progressive_source: bool
    interlaced_source: bool
    frames: bool
    level_idc: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sps:
    """A sequence parameter set (H.265 7.4.3.2.1 and E.3.1).

    ``coded_width`` × ``coded_height`` are what is coded, in pixels; ``width`` × ``height`` what remains in the
    conformance window. ``max_dec_pic_buffering`` and ``max_num_reorder`` are those of the whole stream, in pictures.
    ``time_scale`` / ``num_units_in_tick`` are pictures per second; both are 0 where the stream does not say.
    ``field_sequence`` says that every picture is a field.
    """

    profile: Profile
    chroma_format_idc: int
    bit_depth_luma: int
    bit_depth_chroma: int
    coded_width: int
    coded_height: int
    width: int
    height: int
    max_dec_pic_buffering: int
    max_num_reorder: int
    sample_aspect: tuple[int, int]
    signal: Signal
    field_sequence: bool
    num_units_in_tick: int
    time_scale: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Hvcc:
    """An HEVCDecoderConfigurationRecord (ISO/IEC 14496-15 8.3.3.1): whole NAL units, headers included."""

    nal_length_size: int
    vps: tuple[bytes, ...]
    sps: tuple[bytes, ...]
    pps: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Vui:
    look: Look = UNSAID
    field_sequence: bool = False
    num_units_in_tick: int = 0
    time_scale: int = 0


def nal_type(nal: bytes | memoryview) -> int:
    """nal_unit_type of a NAL unit without start code (H.265 Table 7-1); one without a whole header is BrokenVideo."""
    if len(nal) < 2:
        raise BrokenVideo("an H.265 NAL unit is shorter than its header")
    return nal[0] >> 1 & 63


def is_slice(nal: bytes | memoryview) -> bool:
    """Whether a NAL unit carries coded pictures: types 0 to 9 and 16 to 21; up to 31 more are reserved."""
    return nal_type(nal) in _SLICES


def parse_sps(nal: bytes) -> Sps:
    """A sequence parameter set out of its NAL unit, header included (H.265 7.3.2.2).

    ``BrokenVideo`` when it is something else, cut short, or beyond what the standard allows.
    """
    if nal_type(nal) != SPS:
        raise BrokenVideo(f"an {_SPS} is expected, but the NAL unit has type {nal_type(nal)}, not {SPS}")
    reader = BitReader(unescape(nal), _SPS)
    reader.bits(16 + 4)  # the NAL unit's header, sps_video_parameter_set_id
    sub_layers = reader.bits(3)
    if sub_layers > 6:
        raise BrokenVideo(f"the {_SPS} has {sub_layers + 1} sub-layers; at most 7 are allowed")
    reader.flag()  # sps_temporal_id_nesting_flag
    profile = read_profile(reader, sub_layers)
    reader.ue("sps_seq_parameter_set_id", 15)
    chroma = reader.ue("chroma_format_idc", 3)
    span = _CHROMA_SPAN[chroma]
    if chroma == 3 and reader.flag():
        span = (1, 1)  # separate_colour_plane_flag
    coded = reader.ue("pic_width_in_luma_samples"), reader.ue("pic_height_in_luma_samples")
    shown = _shown(reader, coded, span)
    bit_depth_luma = 8 + reader.ue("bit_depth_luma_minus8", 8)
    bit_depth_chroma = 8 + reader.ue("bit_depth_chroma_minus8", 8)
    order_bits = 4 + reader.ue("log2_max_pic_order_cnt_lsb_minus4", 12)
    buffering, reorder = _buffering(reader, sub_layers)
    _skip_tools(reader)
    _skip_references(reader, order_bits)
    reader.bits(2)  # sps_temporal_mvp_enabled_flag, strong_intra_smoothing_enabled_flag
    vui = _vui(reader) if reader.flag() else _Vui()
    return Sps(
        profile=profile,
        chroma_format_idc=chroma,
        bit_depth_luma=bit_depth_luma,
        bit_depth_chroma=bit_depth_chroma,
        coded_width=coded[0],
        coded_height=coded[1],
        width=shown[0],
        height=shown[1],
        max_dec_pic_buffering=buffering,
        max_num_reorder=reorder,
        sample_aspect=vui.look.sample_aspect,
        signal=vui.look.signal,
        field_sequence=vui.field_sequence,
        num_units_in_tick=vui.num_units_in_tick,
        time_scale=vui.time_scale,
    )


def read_profile(reader: BitReader, sub_layers: int) -> Profile:
    """profile_tier_level (7.3.3), the sub-layers' own passed over."""
    space, high_tier, idc = reader.bits(2), reader.flag(), reader.bits(5)
    compatible = frozenset(number for number in range(32) if reader.flag())
    progressive, interlaced = reader.flag(), reader.flag()
    reader.flag()  # general_non_packed_constraint_flag
    frames = reader.flag()
    reader.bits(43 + 1)
    level = reader.bits(8)
    present = [(reader.flag(), reader.flag()) for _ in range(sub_layers)]
    if sub_layers:
        reader.bits(2 * (8 - sub_layers))
    for has_profile, has_level in present:
        reader.bits(88 * has_profile + 8 * has_level)
    return Profile(
        space=space,
        high_tier=high_tier,
        idc=idc,
        compatible=compatible,
        progressive_source=progressive,
        interlaced_source=interlaced,
        frames=frames,
        level_idc=level,
    )


def _shown(reader: BitReader, coded: tuple[int, int], span: tuple[int, int]) -> tuple[int, int]:
    """Width and height in the conformance window."""
    if max(coded) > _LONGEST_SIDE or coded[0] * coded[1] > _MOST_SAMPLES:
        raise BrokenVideo(f"the {_SPS} describes pictures of {coded[0]}×{coded[1]}, larger than any H.265 level allows")
    left = right = top = bottom = 0
    if reader.flag():
        left, right = reader.ue("conf_win_left_offset"), reader.ue("conf_win_right_offset")
        top, bottom = reader.ue("conf_win_top_offset"), reader.ue("conf_win_bottom_offset")
    shown = coded[0] - span[0] * (left + right), coded[1] - span[1] * (top + bottom)
    if min(shown) < 1:
        raise BrokenVideo(f"the {_SPS} crops its pictures of {coded[0]}×{coded[1]} to nothing")
    return shown


def _buffering(reader: BitReader, sub_layers: int) -> tuple[int, int]:
    """Pictures to be held, and pictures that may come before an earlier one: of the highest sub-layer."""
    buffering = reorder = 0
    for _ in range(sub_layers + 1 if reader.flag() else 1):
        buffering = reader.ue("sps_max_dec_pic_buffering_minus1", 15) + 1
        reorder = reader.ue("sps_max_num_reorder_pics", 15)
        reader.ue("sps_max_latency_increase_plus1")
    return buffering, reorder


def _skip_tools(reader: BitReader) -> None:
    """Block sizes, scaling lists, and how samples are coded without prediction."""
    for name in ("log2_min_luma_coding_block_size_minus3", "log2_diff_max_min_luma_coding_block_size"):
        reader.ue(name, 3)
    for name in ("log2_min_luma_transform_block_size_minus2", "log2_diff_max_min_luma_transform_block_size"):
        reader.ue(name, 3)
    for name in ("max_transform_hierarchy_depth_inter", "max_transform_hierarchy_depth_intra"):
        reader.ue(name, 4)
    if reader.flag() and reader.flag():  # scaling_list_enabled_flag, sps_scaling_list_data_present_flag
        _skip_scaling_lists(reader)
    reader.bits(2)  # amp_enabled_flag, sample_adaptive_offset_enabled_flag
    if reader.flag():  # pcm_enabled_flag
        reader.bits(8)
        reader.ue("log2_min_pcm_luma_coding_block_size_minus3", 2)
        reader.ue("log2_diff_max_min_pcm_luma_coding_block_size", 2)
        reader.flag()  # pcm_loop_filter_disabled_flag


def _skip_scaling_lists(reader: BitReader) -> None:
    """scaling_list_data (7.3.4): six matrices of each size, of the largest two."""
    for size in range(4):
        for _ in range(0, 6, 3 if size == 3 else 1):
            if not reader.flag():
                reader.ue("scaling_list_pred_matrix_id_delta", 5)
                continue
            if size > 1:
                reader.se("scaling_list_dc_coef_minus8")
            for _ in range(min(64, 1 << (4 + 2 * size))):
                reader.se("scaling_list_delta_coef")


def _skip_references(reader: BitReader, order_bits: int) -> None:
    """The short-term reference picture sets, whose lengths depend on one another, and the long-term ones."""
    earlier: list[int] = []
    for number in range(reader.ue("num_short_term_ref_pic_sets", 64)):
        inter = number > 0 and reader.flag()
        earlier = _predicted_set(reader, earlier) if inter else _coded_set(reader)
    if reader.flag():  # long_term_ref_pics_present_flag
        for _ in range(reader.ue("num_long_term_ref_pics_sps", 32)):
            reader.bits(order_bits + 1)


def _coded_set(reader: BitReader) -> list[int]:
    """A set's pictures by their distance in output order, as 7.4.8 numbers them: those before, those after."""
    before, after = reader.ue("num_negative_pics", 16), reader.ue("num_positive_pics", 16)
    found = []
    for count, sign in ((before, -1), (after, 1)):
        at = 0
        for _ in range(count):
            at += sign * (reader.ue("delta_poc_minus1", 2**15 - 1) + 1)
            reader.flag()  # used_by_curr_pic_flag
            found.append(at)
    return found


def _predicted_set(reader: BitReader, source: list[int]) -> list[int]:
    """The same, told by what differs from the set before (7.4.8, equations 7-61 and 7-62)."""
    negative = reader.flag()
    moved = (reader.ue("abs_delta_rps_minus1", 2**15 - 1) + 1) * (-1 if negative else 1)
    kept = []
    for distance in (*source, 0):  # the last is the picture of that set itself
        used = reader.flag()
        if (used or reader.flag()) and distance + moved:
            kept.append(distance + moved)
    if len(kept) > 16:
        raise BrokenVideo(f"the {_SPS} has a set of {len(kept)} reference pictures; at most 16 are allowed")
    return sorted((at for at in kept if at < 0), reverse=True) + sorted(at for at in kept if at > 0)


def _vui(reader: BitReader) -> _Vui:
    """Video usability information (E.2.1) up to its timing."""
    look = read_look(reader)
    reader.flag()  # neutral_chroma_indication_flag
    field_sequence = reader.flag()
    reader.flag()  # frame_field_info_present_flag
    if reader.flag():
        for side in ("left", "right", "top", "bottom"):
            reader.ue(f"def_disp_win_{side}_offset")
    units, scale = (reader.bits(32), reader.bits(32)) if reader.flag() else (0, 0)
    return _Vui(look=look, field_sequence=field_sequence, num_units_in_tick=units, time_scale=scale)


def split_hvcc(extradata: bytes) -> Hvcc:
    """The contents of an hvcC box (ISO/IEC 14496-15 8.3.3.1), or ``BrokenVideo``."""
    if len(extradata) < 23:
        raise BrokenVideo(f"{_HVCC} is cut short: it has {len(extradata)} bytes")
    if extradata[0] != 1:
        raise BrokenVideo(f"{_HVCC} has version {extradata[0]}; only version 1 exists")
    nal_length_size = (extradata[21] & 3) + 1
    if nal_length_size == 3:
        raise BrokenVideo(f"{_HVCC} announces NAL lengths of 3 bytes; only 1, 2 and 4 exist")
    at = 23
    found: list[bytes] = []
    for _ in range(extradata[22]):
        count, at = int.from_bytes(extradata[at + 1 : at + 3]), at + 3
        for _ in range(count):
            start = at + 2
            at = start + int.from_bytes(extradata[at:start])
            found.append(extradata[start:at])
        if at > len(extradata):
            raise BrokenVideo(f"{_HVCC} is cut short: it needs {at} bytes, it has {len(extradata)}")
    return _sorted(found, nal_length_size)


def parameter_sets(extradata: bytes) -> Hvcc:
    """The parameter sets of a decoder configuration, hvcC or Annex B (whose ``nal_length_size`` is 0).

    All are empty for an empty configuration: then the parameter sets lie among the pictures.
    """
    if extradata and not is_byte_stream(extradata):
        return split_hvcc(extradata)
    return _sorted(list(split_annexb(extradata)), 0)


def _sorted(nals: list[bytes], nal_length_size: int) -> Hvcc:
    vps, sps, pps = (tuple(nal for nal in nals if nal_type(nal) == kind) for kind in (VPS, SPS, PPS))
    return Hvcc(nal_length_size=nal_length_size, vps=vps, sps=sps, pps=pps)
