"""An H.264 slice's header, read and written anew in front of the same coded macroblocks (ITU-T H.264 7.3.3, 7.4.3).

Of a header that is written anew change what numbers its picture and names others: frame_num, pic_order_cnt_lsb, how the
lists of references are ordered (7.3.3.1), which pictures stay references (7.3.3.3), and whether it is an IDR picture.
Behind it slice_data (7.3.4) stays as it is. It is taken over in whole bytes: CABAC begins at one, and in CAVLC the
samples of I_PCM do (pcm_alignment_zero_bit), wherever they come. There a picture parameter set that says the same, with
a longer number, fills the header up (``Coding.like``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from orthanc_video.bitstream import h264, nal
from orthanc_video.bitstream.bits import BitReader, se, ue, unescape
from orthanc_video.bitstream.userdata import escape
from orthanc_video.errors import BrokenVideo, UnsupportedMedia

P, B, I = 0, 1, 2  # noqa: E741  slice_type modulo 5 (Table 7-6)
_WHAT = "H.264 slice header"
# Bytes of a NAL unit that hold any header: two lists of 32 references with their weights take no more.
_ENOUGH = 2048
# memory_management_control_operation that makes a short-term reference none (Table 7-9).
REMOVE = 1
_END_OF_LIST = 3  # modification_of_pic_nums_idc (Table 7-7)
# How many numbers follow each of those operations.
_OPERANDS = {1: 1, 2: 1, 3: 2, 4: 1, 5: 0, 6: 1}
_SLICES = frozenset({1, nal.IDR})

# Of each list the operations that order it and what they name, None where it stays as it is at first.
Modifications = tuple[tuple[tuple[int, int], ...] | None, ...]
# Operations that say what stays a reference, with their numbers; None where the oldest goes when there are too many.
Marking = tuple[tuple[int, ...], ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Coding:
    """What a picture parameter set, and the sequence parameter set that it names, say of slices' headers.

    ``unit`` is the former, and ``rest`` its bits behind the numbers of both, up to its end; ``bottom_order`` is
    bottom_field_pic_order_in_frame_present_flag, the second of them.
    """

    pps_id: int
    sps: h264.Sps
    unit: bytes
    rest: str
    cabac: bool
    bottom_order: bool
    active: tuple[int, int]
    weighted: bool
    weighted_both: int
    deblocks: bool

    def like(self, pps_id: int, *, bottom_order: bool) -> Coding:
        """The same under another number; ``bottom_order``: slices say by how much their bottom field is later."""
        rest = f"{self.rest[0]}{bottom_order:d}{self.rest[2:]}"
        bits = ue(pps_id) + ue(self.sps.sps_id) + rest
        unit = self.unit[:1] + escape(_bytes(bits))
        return replace(self, pps_id=pps_id, unit=unit, rest=rest, bottom_order=bottom_order)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """A slice's header. ``reference`` is nal_ref_idc; ``order`` is pic_order_cnt_lsb, and ``later`` says by how much
    the bottom field is (delta_pic_order_cnt_bottom); ``active`` are the lengths of both lists.

    In digits 0 and 1 the parts that stay: ``said`` before the parameter set's number, ``middle`` before what orders the
    lists, ``weights`` behind that, and ``last``. ``size`` is how many bits it has with its NAL unit's header.
    """

    coding: Coding
    kind: int
    idr: bool
    reference: int
    first_mb: int
    frame_num: int
    field: bool
    bottom: bool
    idr_id: int
    order: int
    later: int
    active: tuple[int, int]
    modifications: Modifications
    marking: Marking
    said: str
    middle: str
    weights: str
    last: str
    size: int


def coding(unit: bytes, sequences: dict[int, h264.Sps]) -> Coding:
    """Of a picture parameter set's NAL unit (7.3.2.2).

    Raises BrokenVideo where it is damaged, UnsupportedMedia where slices' headers have more in them than is known here.
    """
    if nal.nal_type(unit) != nal.PPS:
        raise BrokenVideo("an H.264 picture parameter set is expected")
    plain = unescape(unit).rstrip(b"\0")
    reader = BitReader(plain, "H.264 picture parameter set")
    reader.bits(8)
    pps_id, sps_id = reader.ue("pic_parameter_set_id", 255), reader.ue("seq_parameter_set_id", 31)
    sps = sequences.get(sps_id)
    if sps is None:
        raise BrokenVideo("an H.264 picture parameter set names a sequence parameter set that is missing")
    begin = reader.at
    cabac, bottom_order = reader.flag(), reader.flag()
    groups = reader.ue("num_slice_groups_minus1", 7)
    if groups or sps.order_type or sps.separate_planes:
        raise UnsupportedMedia("Slice groups, separate planes and another order of pictures than the usual are left.")
    active = _active(reader)
    weighted, weighted_both = reader.flag(), reader.bits(2)
    for name in ("pic_init_qp_minus26", "pic_init_qs_minus26", "chroma_qp_index_offset"):
        reader.se(name)
    deblocks = reader.flag()
    reader.flag()  # constrained_intra_pred_flag
    if reader.flag():
        raise UnsupportedMedia("Redundant pictures are left.")
    return Coding(
        pps_id=pps_id,
        sps=sps,
        unit=unit,
        rest=_digits(plain)[begin:].rstrip("0")[:-1],
        cabac=cabac,
        bottom_order=bottom_order,
        active=active,
        weighted=weighted,
        weighted_both=weighted_both,
        deblocks=deblocks,
    )


def _active(reader: BitReader) -> tuple[int, int]:
    return reader.ue("num_ref_idx_l0_active_minus1", 31) + 1, reader.ue("num_ref_idx_l1_active_minus1", 31) + 1


def read(unit: bytes, codings: dict[int, Coding]) -> Slice:
    """The header of a slice's NAL unit, of type 1 or 5 (7.3.3), by the picture parameter sets under their numbers.

    Raises BrokenVideo where it is damaged, UnsupportedMedia for slices that switch between streams.
    """
    kind = nal.nal_type(unit)
    if kind not in _SLICES:
        raise UnsupportedMedia(f"NAL units of type {kind} are left.")
    plain = unescape(unit[:_ENOUGH])
    digits, reader = _Digits(plain), BitReader(plain, _WHAT)
    reference, idr = reader.bits(8) >> 5 & 3, kind == nal.IDR
    first_mb, said = reader.ue("first_mb_in_slice"), reader.ue("slice_type", 9)
    if said % 5 not in {P, B, I}:
        raise UnsupportedMedia("Slices that switch between streams are left.")
    after_kind = reader.at
    of = codings.get(reader.ue("pic_parameter_set_id", 255))
    if of is None:
        raise BrokenVideo(f"the {_WHAT} names a picture parameter set that is missing")
    frame_num = reader.bits(of.sps.frame_num_bits)
    field = not of.sps.frame_mbs_only and reader.flag()
    bottom = field and reader.flag()
    idr_id = reader.ue("idr_pic_id", 65_535) if idr else 0
    order = reader.bits(of.sps.order_bits)
    later = reader.se("delta_pic_order_cnt_bottom") if of.bottom_order and not field else 0
    middle = reader.at
    active = _lengths(reader, of, said % 5)
    before = reader.at
    modifications = tuple(_modification(reader) for _ in range(_lists(said % 5)))
    weights = reader.at
    _skip_weights(reader, of, said % 5, active)
    marked = reader.at
    marking = _marking(reader, idr=idr) if reference else None
    last = reader.at
    _skip_last(reader, of, said % 5)
    if reader.at >= 8 * len(plain):
        raise BrokenVideo(f"there is nothing behind the {_WHAT}")
    return Slice(
        coding=of,
        kind=said % 5,
        idr=idr,
        reference=reference,
        first_mb=first_mb,
        frame_num=frame_num,
        field=field,
        bottom=bottom,
        idr_id=idr_id,
        order=order,
        later=later,
        active=active,
        modifications=modifications,
        marking=marking,
        said=digits.between(8, after_kind),
        middle=digits.between(middle, before),
        weights=digits.between(weights, marked),
        last=digits.between(last, reader.at),
        size=reader.at,
    )


def fitted(was: Slice, becomes: Slice, spare: Sequence[Coding]) -> Slice:
    """``becomes``, with another picture parameter set where the macroblocks behind would not move by whole bytes else.

    Raises UnsupportedMedia where none of ``spare`` does.
    """
    if was.coding.cabac:
        return becomes
    for one in _exchanged(becomes, spare):
        if (8 + len(_header(one)) - was.size) % 8 == 0:
            return one
    raise UnsupportedMedia("A slice's header does not become whole bytes longer.")


def written(unit: bytes, was: Slice, becomes: Slice) -> bytes:
    """The NAL unit with ``becomes`` as its header, which ``was`` another one, and the same macroblocks behind it."""
    plain = unescape(unit)
    digits = _header(becomes)
    whole, part = divmod(was.size, 8)
    if was.coding.cabac:
        digits += "1" * (-len(digits) % 8)  # cabac_alignment_one_bit
        whole += part > 0
    elif part:
        digits += f"{plain[whole]:08b}"[part:]
        whole += 1
    head = bytes([becomes.reference << 5 | (nal.IDR if becomes.idr else 1)])
    made = escape(head + int(digits, 2).to_bytes(len(digits) // 8) + plain[whole:])
    return made + b"\3" if made.endswith(b"\0") else made  # after words of zeros (7.4.1.1)


def same_macroblocks(unit: bytes, header: Slice, other: bytes, its: Slice) -> bool:
    """Whether slice_data behind both headers is the same, and begins as far into a byte."""
    return _macroblocks(unit, header) == _macroblocks(other, its)


def _macroblocks(unit: bytes, header: Slice) -> tuple[int, bytes]:
    plain = unescape(unit)
    whole, part = divmod(header.size, 8)
    if header.coding.cabac:
        return 0, plain[whole + (part > 0) :]
    return part, bytes([plain[whole] & 0xFF >> part]) + plain[whole + 1 :]


def spares(of: Coding, taken: set[int]) -> list[Coding]:
    """Picture parameter sets that say the same as this one, with which a slice's header has any length modulo 8.

    Their numbers, none of which is ``taken``, are two of each of four lengths that differ modulo 8, and one of each two
    has its slices say by how much their bottom field is later, which is one bit more where it is not (7.4.3).
    """
    found: list[Coding] = []
    for low in (15, 31, 63, 7):  # numbers of 9, 11, 13 and 7 bits (9.1)
        free = [number for number in range(low + 1, 2 * low + 1) if number not in taken][:2]
        found += [of.like(number, bottom_order=bool(at)) for at, number in enumerate(free)]
    return found


def _exchanged(header: Slice, spare: Sequence[Coding]) -> Iterator[Slice]:
    yield header
    for one in spare:
        if one.bottom_order or header.field or not header.later:
            yield replace(header, coding=one)


def _header(of: Slice) -> str:
    """In digits, without the NAL unit's own header."""
    sps = of.coding.sps
    parts = [of.said, ue(of.coding.pps_id), f"{of.frame_num:0{sps.frame_num_bits}b}"]
    if not sps.frame_mbs_only:
        parts.append(f"1{of.bottom:d}" if of.field else "0")
    if of.idr:
        parts.append(ue(of.idr_id))
    parts.append(f"{of.order:0{sps.order_bits}b}")
    if of.coding.bottom_order and not of.field:
        parts.append(se(of.later))
    parts.append(of.middle)
    parts += [_modified(one) for one in of.modifications]
    parts.append(of.weights)
    if of.reference:
        parts.append("00" if of.idr else _marked(of.marking))
    return "".join([*parts, of.last])


def _lists(kind: int) -> int:
    return {P: 1, B: 2}.get(kind, 0)


def _lengths(reader: BitReader, of: Coding, kind: int) -> tuple[int, int]:
    """How many of each list's references slices name."""
    if kind == I:
        return 0, 0
    if kind == B:
        reader.flag()  # direct_spatial_mv_pred_flag
    active = of.active
    if reader.flag():
        first = reader.ue("num_ref_idx_l0_active_minus1", 31) + 1
        active = first, reader.ue("num_ref_idx_l1_active_minus1", 31) + 1 if kind == B else 0
    return active if kind == B else (active[0], 0)


def _modification(reader: BitReader) -> tuple[tuple[int, int], ...] | None:
    """7.3.3.1."""
    if not reader.flag():
        return None
    found = []
    while (operation := reader.ue("modification_of_pic_nums_idc", _END_OF_LIST)) != _END_OF_LIST:
        found.append((operation, reader.ue("abs_diff_pic_num_minus1 or long_term_pic_num")))
    return tuple(found)


def _modified(operations: tuple[tuple[int, int], ...] | None) -> str:
    if operations is None:
        return "0"
    return "1" + "".join(ue(operation) + ue(value) for operation, value in operations) + ue(_END_OF_LIST)


def _skip_weights(reader: BitReader, of: Coding, kind: int, active: tuple[int, int]) -> None:
    """7.3.3.2."""
    if not (of.weighted if kind == P else of.weighted_both == 1 and kind == B):
        return
    reader.ue("luma_log2_weight_denom", 7)
    colour = of.sps.chroma_format_idc != 0
    if colour:
        reader.ue("chroma_log2_weight_denom", 7)
    for _ in range(sum(active)):
        for numbers in (2, 4) if colour else (2,):
            if reader.flag():
                for _ in range(numbers):
                    reader.se("weight or offset")


def _marking(reader: BitReader, *, idr: bool) -> Marking:
    """7.3.3.3."""
    if idr:
        reader.flag()  # no_output_of_prior_pics_flag
        return ((6,),) if reader.flag() else None  # long_term_reference_flag
    if not reader.flag():
        return None
    found = []
    while operation := reader.ue("memory_management_control_operation", max(_OPERANDS)):
        found.append((operation, *(reader.ue("a picture's number") for _ in range(_OPERANDS[operation]))))
    return tuple(found)


def _marked(operations: Marking) -> str:
    if operations is None:
        return "0"
    return "1" + "".join(ue(number) for operation in operations for number in operation) + ue(0)


def _skip_last(reader: BitReader, of: Coding, kind: int) -> None:
    if of.cabac and kind != I:
        reader.ue("cabac_init_idc", 2)
    reader.se("slice_qp_delta")
    if of.deblocks and reader.ue("disable_deblocking_filter_idc", 2) != 1:
        reader.se("slice_alpha_c0_offset_div2")
        reader.se("slice_beta_offset_div2")


class _Digits:
    """Bits as digits 0 and 1."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def between(self, begin: int, end: int) -> str:
        return _digits(self._data[begin // 8 : (end + 7) // 8])[begin % 8 :][: end - begin]


def _digits(data: bytes) -> str:
    return f"{int.from_bytes(data):0{8 * len(data)}b}" if data else ""


def _bytes(digits: str) -> bytes:
    """With the bit that ends them, and zeros up to a whole byte (7.3.2.11)."""
    digits += "1" + "0" * (-(len(digits) + 1) % 8)
    return int(digits, 2).to_bytes(len(digits) // 8)
