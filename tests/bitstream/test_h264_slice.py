"""Slices' headers of H.264, read, written anew, and read again."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitstream.helpers import ffmpeg, nal_of, ue
from orthanc_video.bitstream import h264, h264_slice, nal
from orthanc_video.bitstream.bits import BitReader, se, unescape
from orthanc_video.bitstream.h264_slice import B, Coding, I, P, Slice
from orthanc_video.errors import BrokenVideo, UnsupportedMedia

_FILMS = {
    "cabac": "bframes=3:open-gop=1:keyint=8:b-pyramid=normal:ref=4:weightp=2:slices=3",
    "cavlc": "bframes=3:open-gop=1:keyint=8:b-pyramid=normal:ref=4:weightp=2:slices=3:cabac=0",
    "interlaced": "bframes=3:open-gop=1:keyint=8:ref=4:tff=1:cabac=0",
}


def _sps(*, frames_alone: bool = True, order: str = ue(0) + ue(2), groups: str = "") -> h264.Sps:
    size = ue(3) + ue(3) + ("1" if frames_alone else "00") + "1"
    return h264.parse_sps(
        nal_of(b"\x67", f"{77:08b}{0:08b}{30:08b}" + ue(0) + ue(1) + order + ue(4) + "0" + size + "00" + groups)
    )


def _pps(*, cabac: bool, bottom: bool = False, more: str = "", redundant: bool = False, groups: int = 0) -> bytes:
    """Two references in each list, weights of both kinds, and what sets the loop filter."""
    bits = ue(3) + ue(0) + f"{cabac:d}{bottom:d}" + ue(groups) + ue(1) + ue(1) + "1" + "01"
    return nal_of(b"\x68", bits + se(0) + se(0) + se(0) + "1" + "0" + f"{redundant:d}" + more)


def _coding(*, cabac: bool, frames_alone: bool = True, bottom: bool = False) -> Coding:
    return h264_slice.coding(_pps(cabac=cabac, bottom=bottom), {0: _sps(frames_alone=frames_alone)})


_LIST = st.none() | st.lists(st.tuples(st.integers(0, 1), st.integers(0, 31)), max_size=3).map(tuple)
_MARKING = st.none() | st.lists(st.tuples(st.just(1), st.integers(0, 31)), max_size=3).map(tuple)


@st.composite
def _headers(draw: st.DrawFn) -> tuple[Slice, str]:
    """A header, and what it would be written as with the macroblocks behind it, in digits."""
    alone = draw(st.booleans())
    of = _coding(cabac=draw(st.booleans()), frames_alone=alone, bottom=draw(st.booleans()))
    kind, reference = draw(st.sampled_from([P, B, I])), draw(st.integers(0, 3))
    field = not alone and draw(st.booleans())
    active = (draw(st.integers(1, 3)), draw(st.integers(1, 3)) if kind == B else 0) if kind != I else (0, 0)
    own = ("1" + ue(active[0] - 1) + (ue(active[1] - 1) if kind == B else "")) if kind != I else ""
    weights = ""
    if kind != I:
        weights = ue(2) + ue(1) + "".join("1" + se(-3) + se(draw(st.integers(-9, 9))) + "0" for _ in range(sum(active)))
    last = (ue(draw(st.integers(0, 2))) if of.cabac and kind != I else "") + se(draw(st.integers(-20, 20)))
    made = Slice(
        coding=of,
        kind=kind,
        idr=kind == I and reference > 0 and draw(st.booleans()),
        reference=reference,
        first_mb=0,
        frame_num=draw(st.integers(0, 31)),
        field=field,
        bottom=field and draw(st.booleans()),
        idr_id=0,
        order=draw(st.integers(0, 63)),
        later=draw(st.integers(-2, 2)) if of.bottom_order and not field else 0,
        active=active,
        modifications=tuple(draw(_LIST) for _ in range({P: 1, B: 2, I: 0}[kind])),
        marking=draw(_MARKING) if reference else None,
        said=ue(0) + ue(kind + 5 * draw(st.booleans())),
        middle=("1" if kind == B else "") + own,
        weights=weights,
        last=last + ue(0) + se(1) + se(-1),
        size=0,
    )
    if made.idr:
        made = replace(made, idr_id=draw(st.integers(0, 300)), marking=None)
    return made, draw(st.text("01", max_size=60)) + draw(st.sampled_from(["0" * 40, "1"]))


def _unit(header: Slice, behind: str) -> tuple[Slice, bytes]:
    """The slice's NAL unit, by way of one that has nothing but a header that can be read; and its header."""
    blank = nal_of(b"\x01", "")
    nothing = replace(header, coding=replace(header.coding, cabac=True), size=8)
    unit = h264_slice.written(blank, nothing, header)
    # What was written is a header and the end of the blank one; the macroblocks go between.
    bits = "".join(f"{byte:08b}" for byte in unescape(unit))
    read = h264_slice.read(unit, {3: header.coding})
    end = -(-read.size // 8) * 8 if header.coding.cabac else read.size
    return read, nal_of(unit[:1], bits[8:end] + behind)


@given(_headers(), _headers())
def test_what_is_written_is_read_again(one: tuple[Slice, str], other: tuple[Slice, str]) -> None:
    header, unit = _unit(*one)
    assert replace(header, size=0) == one[0]
    behind = one[1]
    numbers = {name: getattr(other[0], name) for name in ("frame_num", "order", "idr_id")}
    wanted = replace(header, **numbers if header.idr else {**numbers, "idr_id": 0})
    if header.kind == other[0].kind:
        wanted = replace(wanted, modifications=other[0].modifications)
        if header.reference and not header.idr:
            wanted = replace(wanted, marking=other[0].marking if other[0].reference else None)
    spare = [] if header.coding.cabac else h264_slice.spares(header.coding, {3})
    known = {of.pps_id: of for of in (header.coding, *spare)}
    try:
        fitted = h264_slice.fitted(header, wanted, spare)
    except UnsupportedMedia:
        assert header.later != 0  # which takes the one way to write one bit more or less
        return
    made = h264_slice.written(unit, header, fitted)
    read = h264_slice.read(made, known)
    assert replace(read, size=0, coding=header.coding) == replace(wanted, size=0)
    assert h264_slice.same_macroblocks(unit, header, made, read)
    bits = "".join(f"{byte:08b}" for byte in unescape(made))
    begin = -(-read.size // 8) * 8 if header.coding.cabac else read.size
    assert bits[begin:].startswith(behind + "1")
    if not header.coding.cabac:
        assert read.size % 8 == header.size % 8


@given(st.booleans(), st.sets(st.integers(0, 255), max_size=40))
def test_spare_parameter_sets_say_the_same_under_numbers_of_all_lengths(bottom: bool, taken: set[int]) -> None:
    of = _coding(cabac=False, bottom=bottom)
    spare = h264_slice.spares(of, taken)
    assert not {one.pps_id for one in spare} & taken
    for one in spare:
        read = h264_slice.coding(one.unit, {0: of.sps})
        assert read == one
        assert read.rest[2:] == of.rest[2:]
        assert replace(read, pps_id=3, unit=of.unit, rest=of.rest, bottom_order=bottom) == of
    if len(taken & set(range(8, 127))) == 0:
        lengths = {(len(ue(one.pps_id)) + one.bottom_order) % 8 for one in spare}
        assert lengths == set(range(8))


@pytest.mark.parametrize("name", _FILMS)
def test_headers_are_what_ffmpeg_reads(tmp_path: Path, name: str) -> None:
    film = tmp_path / "film.264"
    source = "testsrc2=size=128x96:rate=25:duration=1,fade=t=in:d=1"
    flags = ("-flags", "+ildct+ilme") if name == "interlaced" else ()
    ffmpeg("-f", "lavfi", "-i", source, "-c:v", "libx264", *flags, "-x264-params", _FILMS[name], film)
    told = ffmpeg("-i", film, "-c", "copy", "-bsf:v", "trace_headers", "-f", "null", "-")
    expected = [
        tuple(int(re.findall(rf"\b{field}\s+[01]+ = (-?\d+)", one)[0]) for field in ("frame_num", "pic_order_cnt_lsb"))
        for one in told.split("] Slice Header\n")[1:]
    ]
    units = list(nal.split_annexb(film.read_bytes()))
    sequences = {0: h264.parse_sps(next(unit for unit in units if nal.nal_type(unit) == nal.SPS))}
    codings = {0: h264_slice.coding(next(unit for unit in units if nal.nal_type(unit) == nal.PPS), sequences)}
    slices = [(unit, h264_slice.read(unit, codings)) for unit in units if nal.is_slice(unit)]
    assert [(one.frame_num, one.order) for _, one in slices] == expected
    assert {one.kind for _, one in slices} == {P, B, I}
    assert any(one.modifications and one.modifications[0] for _, one in slices)
    assert any(one.marking for _, one in slices)
    for unit, one in slices:
        assert h264_slice.written(unit, one, one) == unit
    qp = [BitReader(_whole(one.last), "header").ue("cabac_init_idc") for _, one in slices if one.kind == P]
    assert name != "cabac" or set(qp) <= {0, 1, 2}


def _whole(digits: str) -> bytes:
    digits += "0" * (-len(digits) % 8)
    return int(digits, 2).to_bytes(len(digits) // 8)


def test_what_is_not_known_here_is_refused() -> None:
    sps = _sps()
    with pytest.raises(UnsupportedMedia, match="Redundant"):
        h264_slice.coding(_pps(cabac=True, redundant=True), {0: sps})
    with pytest.raises(UnsupportedMedia, match="Slice groups"):
        h264_slice.coding(_pps(cabac=True, groups=1), {0: sps})
    with pytest.raises(UnsupportedMedia, match="order"):
        h264_slice.coding(_pps(cabac=True), {0: _sps(order=ue(2))})
    with pytest.raises(BrokenVideo, match="missing"):
        h264_slice.coding(_pps(cabac=True), {})
    with pytest.raises(BrokenVideo, match="missing"):
        h264_slice.read(nal_of(b"\x41", ue(0) + ue(5) + ue(9)), {})
    with pytest.raises(UnsupportedMedia, match="switch"):
        h264_slice.read(nal_of(b"\x41", ue(0) + ue(3) + ue(3)), {3: _coding(cabac=True)})
    with pytest.raises(UnsupportedMedia, match="type 2"):
        h264_slice.read(nal_of(b"\x42", ue(0)), {})
