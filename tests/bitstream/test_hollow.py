"""Which packets hold no picture, by what their NAL units and start codes are."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orthanc_video.bitstream.hollow import Hollow

_LENGTHS = {"h264": bytes([1, 100, 0, 13, 0xFF, 0xE0, 0]), "hevc": bytes([1]) + bytes(20) + b"\x03\0"}
# NAL unit types of coded slices (H.264 Table 7-1, H.265 Table 7-1) and MPEG-2's slice start codes (Table 6-1).
_PICTURES = {"h264": {1, 2, 3, 4, 5, 20, 21}, "hevc": {*range(10), *range(16, 22)}, "mpeg2video": set(range(1, 0xB0))}
_KINDS = {"h264": range(32), "hevc": range(64), "mpeg2video": range(256)}


def _unit(codec: str, kind: int, content: bytes) -> bytes:
    if codec == "mpeg2video":
        return bytes([kind]) + content
    return (bytes([kind | 0x60]) if codec == "h264" else bytes([kind << 1, 1])) + content


def _never(*_: object) -> bytes:
    raise AssertionError("more was read than is needed")


def _reading(packet: bytes) -> Callable[[int, int], bytes]:
    def read(offset: int, length: int) -> bytes:
        assert offset + length <= len(packet), "more was read than there is"
        return packet[offset : offset + length]

    return read


def _packet(units: list[bytes], lengths: bool) -> bytes:
    return b"".join((len(unit).to_bytes(4) if lengths else b"\0\0\1") + unit for unit in units)


@given(st.data())
def test_a_packet_is_hollow_that_has_units_and_no_slice(data: st.DataObject) -> None:
    codec = data.draw(st.sampled_from(sorted(_PICTURES)))
    lengths = codec != "mpeg2video" and data.draw(st.booleans())
    plain = data.draw(st.booleans())
    pool = [kind for kind in _KINDS[codec] if not plain or kind not in _PICTURES[codec]]
    kinds = data.draw(st.lists(st.sampled_from(pool), min_size=1, max_size=6))
    units = [_unit(codec, kind, b"\x80" * data.draw(st.integers(1, 300))) for kind in kinds]
    packet = _packet(units, lengths)
    head = packet[: data.draw(st.integers(1, len(packet)))]
    hollow = Hollow(codec, _LENGTHS[codec] if lengths else b"")
    pictured = bool(set(kinds) & _PICTURES[codec])
    assert hollow.is_hollow(head, len(packet), lambda: packet) != pictured
    quick = hollow.begins_with_picture(_reading(packet), len(packet))
    assert quick == (lengths and pictured)


@given(data=st.binary(max_size=200), codec=st.sampled_from(sorted(_PICTURES)), lengths=st.booleans())
def test_any_bytes_are_judged(data: bytes, codec: str, lengths: bool) -> None:
    hollow = Hollow(codec, _LENGTHS.get(codec, b"") if lengths else b"")
    assert hollow.is_hollow(data, len(data), _never) in {True, False}
    if data and hollow.begins_with_picture(_reading(data), len(data)):
        assert not hollow.is_hollow(data, len(data), _never)
    assert len(hollow.headers(data)) <= 2 * len(data)


@pytest.mark.parametrize("codec", sorted(_PICTURES))
def test_what_is_damaged_counts_as_a_picture(codec: str) -> None:
    for extradata in (b"", _LENGTHS.get(codec, b"")):
        assert not Hollow(codec, extradata).is_hollow(bytes(5000)[:4096], 5000, lambda: bytes(5000))
        assert not Hollow(codec, extradata).is_hollow(b"\xffnoise", 6, _never)


def test_a_length_beyond_the_end_is_damage() -> None:
    assert not Hollow("h264", _LENGTHS["h264"]).is_hollow(b"\0\0\0\x09\x06\x05", 6, _never)


def test_a_head_that_shows_a_slice_is_enough_and_so_is_a_size_that_no_message_has() -> None:
    hollow = Hollow("h264", b"")
    assert not hollow.is_hollow(b"\0\0\1\x09\xf0\0\0\1\x65\x88", 90_000, _never)
    assert not hollow.is_hollow(b"\0\0\1\x06\x05", 1 << 30, _never)


def test_parameter_sets_of_a_hollow_packet_are_kept_for_the_next_one() -> None:
    sets, told = [b"\x67\x64\x01", b"\x68\xee"], b"\x06\x05\x01a\x80"
    assert Hollow("h264", b"").headers(_packet([b"\x09\xf0", *sets, told], lengths=False)) == b"".join(
        b"\0\0\0\1" + one for one in sets
    )
    assert Hollow("h264", _LENGTHS["h264"]).headers(_packet([*sets, told], lengths=True)) == _packet(sets, lengths=True)
    header = b"\0\0\1\xb3\x14\x00\xf0"
    assert Hollow("mpeg2video", b"").headers(header + b"\0\0\1\xb7") == header


def test_of_other_codecs_only_packets_without_a_byte_are_hollow() -> None:
    assert Hollow("vp8", b"").is_hollow(b"", 0, _never)
    assert not Hollow("vp8", b"").is_hollow(b"\0", 1, _never)
