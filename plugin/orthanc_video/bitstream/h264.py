"""H.264 parameter sets as their own bits describe them (ITU-T H.264 sections 7.3.2 and Annex E)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from orthanc_video.bitstream.bits import BitReader, unescape
from orthanc_video.bitstream.levels import LEVELS, Level, lowest_level
from orthanc_video.bitstream.nal import (
    PPS,
    SPS,
    SUBSET_SPS,
    Avcc,
    is_slice,
    nal_type,
    parameter_sets,
    split_annexb,
    split_avcc,
    split_lengths,
)
from orthanc_video.bitstream.vui import UNSAID, Look, Signal, read_look
from orthanc_video.errors import BrokenVideo

__all__ = [
    "LEVELS",
    "SPS",
    "SUBSET_SPS",
    "Avcc",
    "Buffering",
    "Level",
    "Pps",
    "Sps",
    "SubsetSps",
    "is_slice",
    "lowest_level",
    "nal_type",
    "parameter_sets",
    "parse_pps",
    "parse_sps",
    "parse_subset_sps",
    "split_annexb",
    "split_avcc",
    "split_lengths",
]

_SPS = "H.264 sequence parameter set"
_PPS = "H.264 picture parameter set"
_SUBSET = "H.264 subset sequence parameter set"

# Multiview High, Stereo High, and MVC with depth: their subset SPS goes on with what it says of views (7.3.2.1.3).
_MULTIVIEW = frozenset({118, 128, 134})

# The profiles whose SPS says chroma format, bit depth and scaling lists (7.3.2.1.1).
_HIGH_PROFILES = frozenset({44, 83, 86, 100, 110, 118, 122, 128, 134, 135, 138, 139, 244})

# Level 6.2, the highest there is: at most 139,264 macroblocks a frame, and at most sqrt(8 × that) a side (A.3.1).
_MOST_MACROBLOCKS = 139_264
_LONGEST_SIDE = 1_055

# How many luma samples one chroma sample spans, by ChromaArrayType (Table 6-1; 0 has no chroma to keep in step).
_CHROMA_SPAN = ((1, 1), (2, 2), (2, 1), (1, 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Buffering:
    """By what SEI messages of buffering and timing are written (H.264 E.2.1, E.2.2).

    ``nal_buffers`` and ``vcl_buffers`` are how many hypothetical buffers there are, 0 where there are no parameters of
    such; the lengths are those of initial_cpb_removal_delay, cpb_removal_delay, dpb_output_delay and time_offset.
    """

    nal_buffers: int = 0
    vcl_buffers: int = 0
    initial_bits: int = 24
    removal_bits: int = 24
    output_bits: int = 24
    offset_bits: int = 24
    pic_struct: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sps:
    """A sequence parameter set (H.264 7.4.2.1.1 and E.2.1).

    ``constraint_flags`` is the whole byte after profile_idc; ``level_idc`` 41 is level 4.1.
    ``coded_width`` × ``coded_height`` are what is coded, in pixels: multiples of 16, of a frame even where fields are
    coded. ``width`` × ``height`` are what remains after cropping. ``time_scale`` / ``num_units_in_tick`` are fields per
    second; both are 0 where the stream does not say. The last two are None where the stream does not say.
    ``frame_num_bits`` is frame_num's length in a slice's header; ``separate_planes``: that says its colour, too.
    ``transform_bypass``: what is coded at quantizer 0 is coded without loss (qpprime_y_zero_transform_bypass_flag).
    ``order_type`` is pic_order_cnt_type, ``order_bits`` the length of pic_order_cnt_lsb, 0 of other types than 0.
    """

    sps_id: int
    profile_idc: int
    constraint_flags: int
    level_idc: int
    chroma_format_idc: int
    bit_depth_luma: int
    bit_depth_chroma: int
    coded_width: int
    coded_height: int
    width: int
    height: int
    frame_mbs_only: bool
    frame_num_bits: int
    separate_planes: bool
    transform_bypass: bool
    order_type: int
    order_bits: int
    max_num_ref_frames: int
    sample_aspect: tuple[int, int]
    signal: Signal
    num_units_in_tick: int
    time_scale: int
    fixed_frame_rate: bool
    max_num_reorder_frames: int | None
    max_dec_frame_buffering: int | None
    buffering: Buffering = Buffering()


@dataclass(frozen=True, slots=True, kw_only=True)
class SubsetSps:
    """A subset sequence parameter set: what views and layers beside the base one are coded by (H.264 7.4.2.1.3).

    ``views`` counts all views, the base one among them; 1 where the profile (118, 128: Stereo High, 134) is of none.
    """

    sps: Sps
    views: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pps:
    """The start of a picture parameter set (H.264 7.4.2.2). More than one in ``slice_groups`` means FMO is used."""

    pps_id: int
    sps_id: int
    cabac: bool
    slice_groups: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Colour:
    chroma_format_idc: int = 1
    chroma_array_type: int = 1
    bit_depth_luma: int = 8
    bit_depth_chroma: int = 8
    transform_bypass: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Size:
    coded_width: int
    coded_height: int
    width: int
    height: int
    frame_mbs_only: bool


@dataclass(slots=True, kw_only=True)
class _Vui:
    look: Look = UNSAID
    num_units_in_tick: int = 0
    time_scale: int = 0
    fixed_frame_rate: bool = False
    max_num_reorder_frames: int | None = None
    max_dec_frame_buffering: int | None = None
    buffering: Buffering = field(default_factory=Buffering)


def parse_sps(nal: bytes) -> Sps:
    """A sequence parameter set out of its NAL unit, header included (H.264 7.3.2.1.1).

    ``BrokenVideo`` when it is something else, cut short, or beyond what the standard allows.
    """
    return _sps(_reader(nal, SPS, _SPS))


def parse_subset_sps(nal: bytes) -> SubsetSps:
    """A subset sequence parameter set out of its NAL unit, header included, up to the number of views (7.3.2.1.3).

    ``BrokenVideo`` when it is something else, cut short, or beyond what the standard allows.
    """
    reader = _reader(nal, SUBSET_SPS, _SUBSET)
    sps = _sps(reader)
    if sps.profile_idc not in _MULTIVIEW:
        return SubsetSps(sps=sps, views=1)
    reader.flag()  # bit_equal_to_one
    return SubsetSps(sps=sps, views=reader.ue("num_views_minus1", 1023) + 1)


def _sps(reader: BitReader) -> Sps:
    """seq_parameter_set_data (7.3.2.1.1)."""
    profile_idc, constraint_flags, level_idc = reader.bits(8), reader.bits(8), reader.bits(8)
    sps_id = reader.ue("seq_parameter_set_id", 31)
    colour = _colour(reader) if profile_idc in _HIGH_PROFILES else _Colour()
    frame_num_bits = reader.ue("log2_max_frame_num_minus4", 12) + 4
    order_type, order_bits = _order(reader)
    max_num_ref_frames = reader.ue("max_num_ref_frames", 16)
    reader.flag()  # gaps_in_frame_num_value_allowed_flag
    size = _size(reader, colour.chroma_array_type)
    vui = _vui(reader) if reader.flag() else _Vui()
    return Sps(
        sps_id=sps_id,
        profile_idc=profile_idc,
        constraint_flags=constraint_flags,
        level_idc=level_idc,
        chroma_format_idc=colour.chroma_format_idc,
        bit_depth_luma=colour.bit_depth_luma,
        bit_depth_chroma=colour.bit_depth_chroma,
        coded_width=size.coded_width,
        coded_height=size.coded_height,
        width=size.width,
        height=size.height,
        frame_mbs_only=size.frame_mbs_only,
        frame_num_bits=frame_num_bits,
        separate_planes=colour.chroma_format_idc != colour.chroma_array_type,
        transform_bypass=colour.transform_bypass,
        order_type=order_type,
        order_bits=order_bits,
        max_num_ref_frames=max_num_ref_frames,
        sample_aspect=vui.look.sample_aspect,
        signal=vui.look.signal,
        num_units_in_tick=vui.num_units_in_tick,
        time_scale=vui.time_scale,
        fixed_frame_rate=vui.fixed_frame_rate,
        max_num_reorder_frames=vui.max_num_reorder_frames,
        max_dec_frame_buffering=vui.max_dec_frame_buffering,
        buffering=vui.buffering,
    )


def parse_pps(nal: bytes) -> Pps:
    """The start of a picture parameter set out of its NAL unit, header included (H.264 7.3.2.2).

    ``BrokenVideo`` when it is something else, cut short, or beyond what the standard allows.
    """
    reader = _reader(nal, PPS, _PPS)
    pps_id = reader.ue("pic_parameter_set_id", 255)
    sps_id = reader.ue("seq_parameter_set_id", 31)
    cabac = reader.flag()
    reader.flag()  # bottom_field_pic_order_in_frame_present_flag
    return Pps(pps_id=pps_id, sps_id=sps_id, cabac=cabac, slice_groups=reader.ue("num_slice_groups_minus1", 7) + 1)


def _reader(nal: bytes, kind: int, what: str) -> BitReader:
    if nal_type(nal) != kind:
        raise BrokenVideo(f"an {what} is expected, but the NAL unit has type {nal_type(nal)}, not {kind}")
    reader = BitReader(unescape(nal), what)
    reader.bits(8)
    return reader


def _colour(reader: BitReader) -> _Colour:
    chroma_format_idc = reader.ue("chroma_format_idc", 3)
    separate_planes = chroma_format_idc == 3 and reader.flag()
    colour = _Colour(
        chroma_format_idc=chroma_format_idc,
        chroma_array_type=0 if separate_planes else chroma_format_idc,
        bit_depth_luma=8 + reader.ue("bit_depth_luma_minus8", 6),
        bit_depth_chroma=8 + reader.ue("bit_depth_chroma_minus8", 6),
        transform_bypass=reader.flag(),
    )
    if reader.flag():
        for number in range(12 if chroma_format_idc == 3 else 8):
            if reader.flag():
                _skip_scaling_list(reader, 16 if number < 6 else 64)
    return colour


def _skip_scaling_list(reader: BitReader, size: int) -> None:
    """7.3.2.1.1.1: once the next scale is 0, the list codes no more numbers."""
    scale = 8
    for _ in range(size):
        scale = (scale + reader.se("delta_scale")) % 256
        if scale == 0:
            return


def _order(reader: BitReader) -> tuple[int, int]:
    """How the order of frames is told, and the length of what tells it of type 0."""
    order_type = reader.ue("pic_order_cnt_type", 2)
    if order_type == 0:
        return 0, reader.ue("log2_max_pic_order_cnt_lsb_minus4", 12) + 4
    if order_type == 1:
        reader.flag()  # delta_pic_order_always_zero_flag
        reader.se("offset_for_non_ref_pic")
        reader.se("offset_for_top_to_bottom_field")
        for _ in range(reader.ue("num_ref_frames_in_pic_order_cnt_cycle", 255)):
            reader.se("offset_for_ref_frame")
    return order_type, 0


def _size(reader: BitReader, chroma_array_type: int) -> _Size:
    columns = reader.ue("pic_width_in_mbs_minus1") + 1
    rows = reader.ue("pic_height_in_map_units_minus1") + 1
    frame_mbs_only = reader.flag()
    fields = 1 if frame_mbs_only else 2
    rows *= fields
    coded_width, coded_height = 16 * columns, 16 * rows
    if max(columns, rows) > _LONGEST_SIDE or columns * rows > _MOST_MACROBLOCKS:
        raise BrokenVideo(
            f"the {_SPS} describes pictures of {coded_width}×{coded_height}, larger than any H.264 level allows"
        )
    if not frame_mbs_only:
        reader.flag()  # mb_adaptive_frame_field_flag
    reader.flag()  # direct_8x8_inference_flag
    left, right, top, bottom = _crop(reader) if reader.flag() else (0, 0, 0, 0)
    across, down = _CHROMA_SPAN[chroma_array_type]
    width = coded_width - across * (left + right)
    height = coded_height - down * fields * (top + bottom)
    if width < 1 or height < 1:
        raise BrokenVideo(f"the {_SPS} crops its pictures of {coded_width}×{coded_height} to nothing")
    return _Size(
        coded_width=coded_width, coded_height=coded_height, width=width, height=height, frame_mbs_only=frame_mbs_only
    )


def _crop(reader: BitReader) -> tuple[int, int, int, int]:
    return (
        reader.ue("frame_crop_left_offset"),
        reader.ue("frame_crop_right_offset"),
        reader.ue("frame_crop_top_offset"),
        reader.ue("frame_crop_bottom_offset"),
    )


def _vui(reader: BitReader) -> _Vui:
    """Video usability information (E.1.1)."""
    vui = _Vui(look=read_look(reader))
    if reader.flag():
        vui.num_units_in_tick = reader.bits(32)
        vui.time_scale = reader.bits(32)
        vui.fixed_frame_rate = reader.flag()
    buffering = _buffering(reader)
    vui.buffering = replace(buffering, pic_struct=reader.flag())
    if reader.flag():
        _restrictions(reader, vui)
    return vui


def _buffering(reader: BitReader) -> Buffering:
    """The two sets of hypothetical reference decoder parameters (E.1.2) and what follows where there is any.

    Both say the same lengths (E.2.2).
    """
    for_nal = _hrd(reader) if reader.flag() else None
    for_vcl = _hrd(reader) if reader.flag() else None
    if for_nal or for_vcl:
        reader.flag()  # low_delay_hrd_flag
    count, lengths = for_nal or for_vcl or (0, (24, 24, 24, 24))
    initial, removal, output, offset = lengths
    return Buffering(
        nal_buffers=count if for_nal else 0,
        vcl_buffers=for_vcl[0] if for_vcl else 0,
        initial_bits=initial,
        removal_bits=removal,
        output_bits=output,
        offset_bits=offset,
    )


def _hrd(reader: BitReader) -> tuple[int, tuple[int, int, int, int]]:
    """The number of buffers, and the four lengths in bits."""
    count = reader.ue("cpb_cnt_minus1", 31) + 1
    reader.bits(8)  # bit_rate_scale, cpb_size_scale
    for _ in range(count):
        reader.ue("bit_rate_value_minus1")
        reader.ue("cpb_size_value_minus1")
        reader.flag()  # cbr_flag
    return count, (reader.bits(5) + 1, reader.bits(5) + 1, reader.bits(5) + 1, reader.bits(5))


def _restrictions(reader: BitReader, vui: _Vui) -> None:
    reader.flag()  # motion_vectors_over_pic_boundaries_flag
    reader.ue("max_bytes_per_pic_denom", 16)
    reader.ue("max_bits_per_mb_denom", 16)
    reader.ue("log2_max_mv_length_horizontal", 16)
    reader.ue("log2_max_mv_length_vertical", 16)
    vui.max_num_reorder_frames = reader.ue("max_num_reorder_frames", 16)
    vui.max_dec_frame_buffering = reader.ue("max_dec_frame_buffering", 16)
