"""What is done to a coded frame so that it stands right where a clip has put it: parameter sets, ends, headers.

Frames of H.264 and H.265 are in Annex B here. Of slices no more is touched
here than what says where a copy of H.265 begins.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from orthanc_video.bitstream import h264, hevc, mpeg2, nal, userdata_mpeg2
from orthanc_video.bitstream.bits import ue, unescape
from orthanc_video.bitstream.framing import joined, length_size, units_of
from orthanc_video.bitstream.h264 import parameter_sets as sets_of_h264
from orthanc_video.bitstream.userdata import escape
from orthanc_video.errors import UnsupportedMedia
from orthanc_video.media.formats import HEAD

# H.265 Table 7-1: pictures that a decoder may begin at; those of them that others may lean over, and what says that
# none does.
_ENTRIES, _LEANT_OVER, _BLA_N_LP = frozenset(range(16, 22)), frozenset({16, 17, 21}), 18
_NO_OUTPUT = 0x40  # no_output_of_prior_pics_flag, in the byte after a slice's header (7.3.6.1)
# Access unit delimiters and supplemental enhancement: the encoder's own words (Tables 7-1).
_WORDS = {"h264": {nal.SEI, 9}, "hevc": {35, 39, 40}}
_SETS = {"h264": {nal.SPS, nal.PPS}, "hevc": {hevc.VPS, hevc.SPS, hevc.PPS}}
_KINDS = {"h264": nal.nal_type, "hevc": hevc.nal_type}
_START = b"\0\0\1"
# Where profile_tier_level begins in a VPS and an SPS, and its bit for the tier (H.265 7.3.2.1, 7.3.2.2).
_PROFILES, _HIGH_TIER = {hevc.VPS: 6, hevc.SPS: 3}, 0x20
_CLOSED = 0x40  # closed_gop, in the byte that has the time code's end (ISO/IEC 13818-2 6.2.2.6)


@dataclass(frozen=True, slots=True)
class Film:
    """A stream's coding: FFmpeg's name, its parameter sets (NAL units; of MPEG-2 a key frame's headers), and the size
    of the lengths in its packets. ``level`` is what all parameter sets are to say, 0 where they stay; ``spare`` are
    those that copies need beside them (reentry.py)."""

    codec: str
    sets: tuple[bytes, ...]
    length_size: int
    level: int = 0
    spare: tuple[bytes, ...] = ()


def film(codec: str, extradata: bytes, head: bytes) -> Film:
    """``head`` are the first bytes of the stream's first key frame; raises UnsupportedMedia for other codecs."""
    if codec == "mpeg2video":
        return Film(codec, (head,), 0)
    if codec not in _KINDS:
        raise UnsupportedMedia(f"The stream is {codec}, of which no clips are cut.")
    size = length_size(codec, extradata)
    among = sets_among(Film(codec, (), size), head)
    if codec == "h264":
        sets = sets_of_h264(extradata)
        return Film(codec, tuple(dict.fromkeys([*sets[0], *sets[1], *among])), size)
    known = hevc.parameter_sets(extradata)
    own = [*known.vps, *known.sps, *known.pps]
    # Those among the frames may have the numbers of these: they hold from there on (Source, _sets_before).
    kinds = set(map(hevc.nal_type, own))
    return Film(codec, (*own, *(unit for unit in among if hevc.nal_type(unit) not in kinds)), size)


def relabelled(of: Film, level: int) -> Film:
    """The same, of another level: level_idc of H.264, general_level_idc of H.265."""
    return replace(of, sets=tuple(_labelled(unit, of.codec, level) for unit in of.sets), level=level)


def _labelled(unit: bytes, codec: str, level: int) -> bytes:
    """A parameter set that says this level; any other unit as it is."""
    kind = _KINDS[codec](unit)
    if codec == "h264":  # after the header, profile_idc and constraints (H.264 7.3.2.1.1)
        return unit[:3] + bytes([level]) + unit[4:] if kind == nal.SPS else unit
    if kind not in _PROFILES:
        return unit
    plain = bytearray(unescape(unit))
    plain[_PROFILES[kind] + 11] = level
    return escape(bytes(plain))


def configuration(of: Film, encoder: bytes) -> bytes:
    """What a container says of a whole clip, in Annex B; ``encoder`` is what the encoder of some of it says of its own.

    Of H.265 those stand among the pictures: they have the numbers of the others.
    """
    if of.codec == "mpeg2video":
        return b""
    others = sets_of_h264(encoder) if of.codec == "h264" else ((), ())
    own = [_delayed(unit, of) for unit in others[0]]
    return joined(dict.fromkeys([*of.sets, *of.spare, *own, *others[1]]), 0)


def _delayed(unit: bytes, of: Film) -> bytes:
    """The encoder's sequence parameter set, saying that frames are reordered as far as the source's are (H.264 E.2.1).

    A decoder that did not expect it gives out its pictures without delay, and then takes the key frame of a copy for
    one that comes too late (seen with FFmpeg 5.1 to 8.1 where frames are interlaced).
    """
    own = h264.parse_sps(unit)
    like = sequences(of)
    if own.max_num_reorder_frames is None or own.max_dec_frame_buffering is None:
        return unit
    depth = max(_first(one.max_num_reorder_frames, one.max_num_ref_frames) for one in like)
    held = max(_first(one.max_dec_frame_buffering, one.max_num_ref_frames) for one in like)
    # Both stand at its end, before the bit that ends it.
    bits = "".join(f"{byte:08b}" for byte in unescape(unit)).rstrip("0")[:-1]
    before = bits.removesuffix(ue(own.max_num_reorder_frames) + ue(own.max_dec_frame_buffering))
    made = before + ue(depth) + ue(max(held, depth, own.max_dec_frame_buffering)) + "1"
    made += "0" * (-len(made) % 8)
    return escape(int(made, 2).to_bytes(len(made) // 8))


def _first(said: int | None, otherwise: int) -> int:
    return otherwise if said is None else said


def anew(of: Film, data: bytes) -> bytes:
    """A frame coded anew, without the encoder's own words, and as if its film began with it."""
    if of.codec == "mpeg2video":
        return userdata_mpeg2.untimed(data)
    kept = [unit for unit in units_of(data, 0) if _KINDS[of.codec](unit) not in _WORDS[of.codec]]
    return joined((_levelled(unit, of) if of.codec == "hevc" else unit for unit in kept), 0)


def _levelled(unit: bytes, of: Film) -> bytes:
    """A parameter set of the encoder's that says the tier and level of the whole stream (H.265 7.3.3).

    x265 takes none with a constant quantizer, and says the lowest that its own few frames need.
    """
    at = _PROFILES.get(hevc.nal_type(unit))
    if at is None:
        return unit
    like = next(hevc.parse_sps(one) for one in of.sets if hevc.nal_type(one) == hevc.SPS).profile
    plain = bytearray(unescape(unit))
    plain[at] = (plain[at] & ~_HIGH_TIER) | (_HIGH_TIER * like.high_tier)
    plain[at + 11] = like.level_idc
    return escape(bytes(plain))


def copied(of: Film, data: bytes, sets: Iterable[bytes] = ()) -> bytes:
    """A frame of the source; with the first of a copy of H.265 go its ``sets``, since others may be before it.

    Time codes of MPEG-2, which would jump, become 0.
    """
    if of.codec == "mpeg2video":
        return userdata_mpeg2.untimed(data)
    units = list(units_of(data, of.length_size))
    if not any(_is_set(of.codec, unit) for unit in units):
        units = [*sets, *units]
    return joined((_labelled(unit, of.codec, of.level) for unit in units) if of.level else units, 0)


def sequences(of: Film) -> list[h264.Sps]:
    """The sequence parameter sets of H.264."""
    return [h264.parse_sps(unit) for unit in of.sets if h264.nal_type(unit) == h264.SPS]


def sets_among(of: Film, head: bytes) -> list[bytes]:
    """The parameter sets in the first bytes of a frame of the source."""
    return [unit for unit in units_of(head[:HEAD], of.length_size) if _is_set(of.codec, unit)]


def entered(of: Film, data: bytes) -> bytes:
    """The first frame of a copy that others are before, as the source has it but for where it begins (H.265 7.4.2.2).

    A clean random access picture would go on from what is before it; as one after a broken link it begins anew, and
    nothing leans over it, since that is left out. It says that what was decoded before is still to be shown, which
    after an end of sequence could not be said (C.5.2.2).
    """
    if of.codec != "hevc":
        return data
    return joined((_entry(unit) for unit in units_of(data, of.length_size)), of.length_size)


def _entry(unit: bytes) -> bytes:
    kind = hevc.nal_type(unit)
    if kind not in _ENTRIES:
        return unit
    if kind in _LEANT_OVER:
        unit = bytes([unit[0] & 0x81 | _BLA_N_LP << 1]) + unit[1:]
    if len(unit) > 2 and unit[2] & _NO_OUTPUT:
        plain = bytearray(unescape(unit))
        plain[2] &= ~_NO_OUTPUT
        unit = escape(bytes(plain))
    return unit


def is_group(data: bytes) -> bool:
    """Whether a group of pictures begins with this frame of MPEG-2."""
    return any(unit.code == mpeg2.GROUP for unit in mpeg2.units(data[:HEAD]))


def closed(data: bytes, left_out: int) -> bytes:
    """A frame of an MPEG-2 group whose first ``left_out`` pictures, as shown, are left out: nothing leans back now."""
    made = bytearray(data)
    at = data.find(_START)
    while 0 <= at < len(data) - 7:
        if data[at + 3] == mpeg2.GROUP:
            made[at + 7] |= _CLOSED
        if data[at + 3] == mpeg2.PICTURE:  # temporal_reference are its first ten bits
            told = int.from_bytes(data[at + 4 : at + 6])
            made[at + 4 : at + 6] = (max(0, told - (left_out << 6))).to_bytes(2)
            break
        at = data.find(_START, at + 3)
    return bytes(made)


def _is_set(codec: str, unit: bytes) -> bool:
    return _KINDS[codec](unit) in _SETS[codec]
