"""Which packets begin a frame, by hand-made slice headers (ITU-T H.264 7.3.3, 7.4.1.2.4)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitstream.helpers import nal_of, ue
from orthanc_video.bitstream.fields import Fields

_SPS = nal_of(
    b"\x67", f"{77:08b}{0:08b}{30:08b}" + ue(0) + ue(0) + ue(2) + ue(1) + "0" + ue(0) + ue(0) + "0" + "0" + "1" + "00"
)
_PROGRESSIVE = nal_of(
    b"\x67", f"{77:08b}{0:08b}{30:08b}" + ue(0) + ue(0) + ue(2) + ue(1) + "0" + ue(0) + ue(0) + "1" + "1" + "00"
)
_PPS = nal_of(b"\x68", ue(0) + ue(0) + "00" + ue(0) + "1")
_DELIMITER = b"\x09\xf0"


def _slice(kind: str, frame_num: int = 0, *, idr: bool = False, first: int = 0) -> bytes:
    """``kind``: T and B are fields, F is a frame."""
    structure = {"F": "0", "T": "10", "B": "11"}[kind]
    return nal_of(b"\x65" if idr else b"\x61", ue(first) + ue(7) + ue(0) + f"{frame_num:04b}" + structure + "1010")


_ONE, _TWO = [_slice("T", idr=True)], [_slice("B")]


@pytest.mark.parametrize(
    ("packets", "begins", "half"),
    [
        ([_ONE, _TWO, [_slice("T", 1)], [_slice("B", 1)]], [1, 0, 1, 0], False),
        ([_ONE, _TWO, [_slice("B", 1)], [_slice("T", 1)]], [1, 0, 1, 0], False),
        ([[*_ONE, *_TWO], [_slice("T", 1), _slice("B", 1)]], [1, 1], False),
        ([[_DELIMITER, *_ONE], [_DELIMITER, *_TWO]], [1, 0], False),
        # Two fields of one parity, or of different frames, are no pair; nor is what an IDR picture begins.
        ([_ONE, [_slice("T")], [_slice("T", 1)]], [1, 1, 1], True),
        ([_ONE, [_slice("B", 1)], [_slice("T", 1)]], [1, 1, 0], False),
        ([_ONE, [_slice("B", idr=True)]], [1, 1], True),
        # A frame that is whole takes no third field, although frames that nothing refers to share a number.
        ([_ONE, _TWO, [_slice("T")]], [1, 0, 1], True),
        ([[*_ONE, *_TWO], [_slice("B"), _slice("T")]], [1, 1], False),
        ([_ONE, [_slice("F")], [_slice("B")]], [1, 1, 1], True),
        # Several slices are one picture.
        ([[_slice("T", 3), _slice("T", 3, first=2)], [_slice("B", 3), _slice("B", 3, first=2)]], [1, 0], False),
        ([[_slice("F", 3), _slice("F", 3, first=2)], [_slice("F", 3)]], [1, 1], False),
        # What holds no picture ends no frame's wait for its other field but by being in between.
        ([_ONE, [_DELIMITER], _TWO], [1, 1, 1], True),
        ([[]], [1], False),
    ],
)
def test_two_fields_are_a_frame(packets: list[list[bytes]], begins: list[int], half: bool) -> None:
    fields = Fields([_SPS, _PPS])
    assert fields.possible
    assert [fields.begins(units) for units in packets] == [bool(one) for one in begins]
    assert fields.half is half


def test_without_parameter_sets_each_packet_is_a_frame() -> None:
    fields = Fields()
    assert [fields.begins(units) for units in (_ONE, _TWO)] == [True, True]
    assert not fields.possible
    fields.note([_SPS, _PPS])
    assert [fields.begins(units) for units in (_ONE, _TWO)] == [True, False]


def test_a_progressive_stream_has_no_fields() -> None:
    fields = Fields([_PROGRESSIVE, _PPS])
    assert not fields.possible
    assert [fields.begins(units) for units in (_ONE, _TWO)] == [True, True]


@given(st.lists(st.lists(st.binary(max_size=40), max_size=4), max_size=6))
def test_any_bytes_are_taken(packets: list[list[bytes]]) -> None:
    fields = Fields([_SPS, _PPS])
    for units in packets:
        fields.note(units)
        fields.begins(units)
