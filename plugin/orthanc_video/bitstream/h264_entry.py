"""A stream of H.264 that begins at an I picture of another one, from which on a decoder needs nothing of before it.

That picture becomes an IDR picture (ITU-T H.264 7.4.1.2.4). What is coded behind it and shown before it leans on what
is no longer there, and is left out. All others up to the next IDR picture count from it: frame_num (7.4.3) as pictures
are left out, pic_order_cnt_lsb (8.2.1) from 0. Each slice names the same pictures in the same order as it did, and the
same ones stay references as far as they are there. Where a slice may name one that is not, another one stands in for it
(``Entry.doubtful``): that no macroblock leans on it the stream says itself, or it has to be found out by decoding.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from orthanc_video.bitstream import h264, h264_slice, nal, sei
from orthanc_video.bitstream.h264_references import Kept, References
from orthanc_video.bitstream.h264_slice import Coding, Slice
from orthanc_video.bitstream.userdata import escape
from orthanc_video.errors import BrokenVideo, UnsupportedMedia

_SLICES = frozenset({1, nal.IDR})
# What may lie beside slices: messages, parameter sets, delimiters, ends, fillers (Table 7-1).
_BESIDE = frozenset({nal.SEI, nal.SPS, nal.PPS, 9, 10, 11, 12})
# Messages that repeat or name other pictures' numbers (D.2.9, D.2.10).
_OF_NUMBERS = frozenset({7, 8})


@dataclass(frozen=True, slots=True)
class _Order:
    """Where counting the order of pictures has come to (8.2.1.1): of the last reference."""

    high: int
    low: int

    def next(self, low: int, bits: int) -> int:
        """PicOrderCntMsb with the next picture's pic_order_cnt_lsb."""
        most = 1 << bits
        if low < self.low and self.low - low >= most // 2:
            return self.high + most
        return self.high - most if low > self.low and low - self.low > most // 2 else self.high


class Sets:
    """The parameter sets of a stream, and those of them that fill up slices' headers (h264_slice.py)."""

    def __init__(self, units: Iterable[bytes]) -> None:
        """Raises BrokenVideo or UnsupportedMedia as ``h264_slice.coding``."""
        self._units = dict.fromkeys(unit for unit in units if nal.nal_type(unit) in {nal.SPS, nal.PPS})
        sequences = [h264.parse_sps(unit) for unit in self._units if nal.nal_type(unit) == nal.SPS]
        by_number = {one.sps_id: one for one in sequences}
        pictures = [unit for unit in self._units if nal.nal_type(unit) == nal.PPS]
        self.codings = {one.pps_id: one for one in (h264_slice.coding(unit, by_number) for unit in pictures)}
        if len(by_number) + len(self.codings) < len(self._units):
            raise UnsupportedMedia("Parameter sets change.")
        self.spare: dict[int, list[Coding]] = {}
        taken = set(self.codings)
        for of in list(self.codings.values()):
            if not of.cabac:
                self.spare[of.pps_id] = h264_slice.spares(of, taken)
                taken |= {one.pps_id for one in self.spare[of.pps_id]}

    def refuse_others(self, unit: bytes) -> None:
        """Raises UnsupportedMedia for a parameter set that is none of these."""
        if unit not in self._units:
            raise UnsupportedMedia("Parameter sets change.")

    def added(self) -> list[bytes]:
        """NAL units that are to be told beside those of the stream."""
        return [one.unit for some in self.spare.values() for one in some]


class Entry:
    """Takes the frames of a stream in decode order, from the I picture on.

    ``over``: an IDR picture has come, and from it on all stay as they are. ``doubtful``: the last frame may name
    pictures that are not there. ``oldest``: of those that it names in so many words, to refer to them or to have them
    forgotten, the first in decode order, from 0; a decoder that begins behind that one may take it for damage.
    """

    def __init__(self, sets: Sets, idr_id: int) -> None:
        """``idr_id`` is idr_pic_id of the first, which differs from those of IDR pictures next to it."""
        self._sets, self._idr_id = sets, idr_id
        self._counting: _Counting | None = None
        self.over = self.doubtful = False
        self.oldest = 0

    def frame(self, units: Sequence[bytes], *, taken: bool, write: bool = True) -> list[bytes]:
        """The next frame's NAL units as they are to be; of one that is not ``taken`` nothing is.

        Without ``write`` it is only found out whether that can be done. Raises BrokenVideo or UnsupportedMedia, in
        which case the frame, and what leans on it, has to be coded anew.
        """
        found = [self._slice(unit) for unit in units]
        slices = [header for header in found if header]
        if not slices:
            raise BrokenVideo("A frame holds no picture.")
        if self._counting is None:
            self._counting = _Counting(slices)
            becomes = [_opening(one, self._idr_id) for one in slices]
        elif slices[0].idr:
            self.over = True
            return list(units)
        else:
            becomes = self._counting.next(slices, taken=taken)
            self.doubtful, self.oldest = self._counting.doubtful, self._counting.oldest
        return self._made(units, found, iter(becomes), write=write) if taken else []

    def _slice(self, unit: bytes) -> Slice | None:
        """Its header, if the unit is a slice."""
        kind = nal.nal_type(unit)
        if kind in _SLICES:
            return h264_slice.read(unit, self._sets.codings)
        if kind not in _BESIDE:
            raise UnsupportedMedia(f"NAL units of type {kind} are left.")
        if kind in {nal.SPS, nal.PPS}:
            self._sets.refuse_others(unit)
        return None

    def _made(
        self, units: Sequence[bytes], slices: Sequence[Slice | None], becomes: Iterator[Slice], *, write: bool
    ) -> list[bytes]:
        made = []
        for unit, was in zip(units, slices, strict=True):
            if was is not None:
                header = h264_slice.fitted(was, next(becomes), self._sets.spare.get(was.coding.pps_id, ()))
                made.append(_proven(unit, was, header, self._sets) if write else unit)
            elif nal.nal_type(unit) == nal.SEI:
                made += _kept(unit)
            else:
                made.append(unit)
        return made


def _opening(one: Slice, idr_id: int) -> Slice:
    """The first picture's slice as one of an IDR picture."""
    return replace(one, idr=True, idr_id=idr_id, frame_num=0, order=one.order - _begin(one), marking=None)


def _begin(one: Slice) -> int:
    """Where counting the order of pictures begins: PicOrderCnt of an IDR picture is 0 (8.2.1)."""
    return min(one.order, one.order + one.later)


class _Counting:
    """Both streams' numbers and references, that of the source and that which is made, after the same pictures.

    ``doubtful``: the last one's lists have pictures in them that stand in for others. ``oldest``: as of ``Entry``.
    """

    def __init__(self, slices: Sequence[Slice]) -> None:
        """``slices`` are those of the first picture; raises UnsupportedMedia where it leans on others."""
        _refuse_mixed(slices)
        first = slices[0]
        if first.idr or not first.reference or any(one.kind != h264_slice.I for one in slices):
            raise UnsupportedMedia("The picture leans on others, or is none that others lean on.")
        if any(operation[0] != h264_slice.REMOVE for operation in first.marking or ()):
            raise UnsupportedMedia("Long-term references are left.")
        sps = first.coding.sps
        self._bits, self._numbers = sps.order_bits, 1 << sps.frame_num_bits
        self._zero = _begin(first)
        self._source = References(sps.max_num_ref_frames, self._numbers, hidden=True)
        self._made = References(sps.max_num_ref_frames, self._numbers, hidden=False)
        self._source.add(Kept(0, first.frame_num, self._zero), None)
        self._made.add(Kept(0, 0, 0), None)
        self._source_order, self._made_order = _Order(0, first.order), _Order(0, first.order - self._zero)
        self.doubtful = self._doubted = False
        self.oldest = 0
        # The next frame_num of each, and how many pictures there were.
        self._source_number, self._made_number, self._count = (first.frame_num + 1) % self._numbers, 1, 1

    def next(self, slices: Sequence[Slice], *, taken: bool) -> list[Slice]:
        """What becomes of the next picture's slices; nothing if it is not ``taken``."""
        _refuse_mixed(slices)
        first = slices[0]
        if first.frame_num != self._source_number:
            raise UnsupportedMedia("Frames are missing.")
        top = self._source_order.next(first.order, self._bits) + first.order
        was = Kept(self._count, first.frame_num, min(top, top + first.later))
        now = Kept(self._count, self._made_number, was.order - self._zero)
        self.doubtful, self.oldest = False, self._count
        made = [self._renamed(one, was, now, top - self._zero) for one in slices] if taken else []
        if first.reference:
            self._source.add(was, first.marking)
            self._source_order = _Order(top - first.order, first.order)
            self._source_number = (first.frame_num + 1) % self._numbers
            made = self._marked(made, now, top - self._zero) if taken else []
        self._count += 1
        return made

    def _renamed(self, one: Slice, was: Kept, now: Kept, top: int) -> Slice:
        """The slice with this picture's and its references' new numbers."""
        order = top % (1 << self._bits)
        if now.order <= 0 or self._made_order.next(order, self._bits) + order != top:
            raise UnsupportedMedia("The order of frames leaps.")
        lists = self._source.lists(one.kind, was, one.active, one.modifications)
        there = self._made.names()
        if self._doubted and one.temporal:
            raise UnsupportedMedia("Motion may be taken from a picture that names others than it did.")
        if any(name not in there for names in lists for name in names):
            if not there:
                raise UnsupportedMedia("All that a slice leans on is shown before the key frame.")
            self.doubtful = self._doubted = True
            lists = [[name if name in there else max(there) for name in names] for names in lists]
        said = self._made.said(one.kind, now, lists, [said is not None for said in one.modifications])
        if self._made.lists(one.kind, now, one.active, said) != lists:
            raise UnsupportedMedia("The references' order cannot be said.")
        self.oldest = min(
            [self.oldest, *(name for names, words in zip(lists, said, strict=True) if words for name in names)]
        )
        return replace(one, frame_num=now.frame_num, order=order, modifications=said)

    def _marked(self, slices: Sequence[Slice], now: Kept, top: int) -> list[Slice]:
        """The same of a reference, with what stays one beside it."""
        marking = self._made.marked(now, self._source.names(), explicit=slices[0].marking is not None)
        if marking:
            self.oldest = min(self.oldest, *(self._made.names() - self._source.names()))
        self._made.add(now, marking)
        low = top % (1 << self._bits)
        self._made_order = _Order(top - low, low)
        self._made_number = (now.frame_num + 1) % self._numbers
        return [replace(one, marking=marking) for one in slices]


def _refuse_mixed(slices: Sequence[Slice]) -> None:
    """Raises where they are not all of one frame (7.4.1.2.4)."""
    alike = {
        (one.frame_num, one.order, one.later, one.marking, one.idr, one.reference > 0, one.coding.sps.sps_id)
        for one in slices
    }
    if len(alike) > 1 or slices[0].field:
        raise UnsupportedMedia("A frame is not coded as one picture.")


def _proven(unit: bytes, was: Slice, becomes: Slice, sets: Sets) -> bytes:
    """The NAL unit written anew; raises BrokenVideo where it does not hold the same macroblocks, read again."""
    made = h264_slice.written(unit, was, becomes)
    read = h264_slice.read(made, sets.codings | {becomes.coding.pps_id: becomes.coding})
    if replace(read, size=becomes.size) != becomes or not h264_slice.same_macroblocks(unit, was, made, read):
        raise BrokenVideo("A slice changed as its header was written anew; nothing was cut.")
    return made


def _kept(unit: bytes) -> list[bytes]:
    """A unit of messages without those that tell other pictures' numbers; none where no others are in it."""
    messages = list(sei.messages(unit, 1))
    if not any(one.kind in _OF_NUMBERS for one in messages):
        return [unit]
    kept = [one for one in messages if one.kind not in _OF_NUMBERS]
    body = b"".join(_sized(one.kind) + _sized(len(one.payload)) + one.payload for one in kept)
    return [unit[:1] + escape(body + b"\x80")] if kept else []


def _sized(number: int) -> bytes:
    """A type or size (7.3.2.3.1)."""
    return b"\xff" * (number // 255) + bytes([number % 255])
