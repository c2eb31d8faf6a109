"""User data among pictures: found, taken out, and nothing else touched."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orthanc_video.bitstream.bits import unescape
from orthanc_video.bitstream.userdata import UserData, clean_configuration, cleaned, escape, messages

_X264 = bytes.fromhex("dc45e9bde6d948b7962cd820d923eeef")
_BANNER = _X264 + b"x264 - core 164 r3095 baee400 - H.264/MPEG-4 AVC codec - options: cabac=1 ref=3\0"
_STRANGER = bytes(range(16)) + b"N48.1 E11.5 Jane Doe"
_RECOVERY = bytes([6, 1, 0xC4])  # recovery_point, one byte
_SLICE = b"\x65\x88\x84\x00"
_START = b"\0\0\0\1"


def _message(kind: int, content: bytes) -> bytes:
    size = b"\xff" * (len(content) // 255) + bytes([len(content) % 255])
    return bytes([kind]) + size + content


def _sei(*parts: bytes, header: bytes = b"\x06") -> bytes:
    return header + escape(b"".join(parts) + b"\x80")


@pytest.mark.parametrize(
    ("codec", "unit", "kept"),
    [
        ("h264", _sei(_message(5, _STRANGER)), b""),
        ("h264", _sei(_message(4, b"\xb5\x00\x31GA94 text")), b""),
        ("h264", _sei(_RECOVERY, _message(5, _STRANGER)), _sei(_RECOVERY)),
        ("h264", _sei(_message(5, _STRANGER), _RECOVERY, _message(4, b"x")), _sei(_RECOVERY)),
        ("h264", _sei(_RECOVERY), _sei(_RECOVERY)),
        ("h264", _sei(_message(5, _BANNER)), _sei(_message(5, _BANNER))),
        ("h264", _sei(_message(5, _X264 + b"Jane Doe\x07")), b""),
        ("h264", _sei(_message(5, b"\0" * 300)), b""),
        ("h264", b"\x06\x05\x20short", b""),
        ("h264", b"\x7eprivate", b""),
        ("h264", _SLICE, _SLICE),
        ("hevc", _sei(_message(5, _STRANGER), header=b"\x4e\x01"), b""),
        ("hevc", _sei(_message(5, _STRANGER), header=b"\x50\x01"), b""),
        ("hevc", b"\x7c\x01dolby", b""),
        ("hevc", b"\x26\x01slice", b"\x26\x01slice"),
    ],
)
def test_units(codec: str, unit: bytes, kept: bytes) -> None:
    assert cleaned(codec, unit) == kept
    assert UserData(codec, b"").found(_START + unit) == (unit != kept)


def test_a_packet_loses_its_user_data_alone() -> None:
    planted = _sei(_message(5, _STRANGER))
    annexb = UserData("h264", b"")
    assert annexb.removed(_START + planted + _START + _SLICE.rstrip(b"\0")) == _START + _SLICE.rstrip(b"\0")
    clean = _START + _SLICE
    assert annexb.removed(clean) is clean
    lengths = UserData("h264", bytes([1, 100, 0, 30, 0xFF, 0xE0, 0]))
    sized = len(planted).to_bytes(4) + planted + len(_SLICE).to_bytes(4) + _SLICE
    assert lengths.removed(sized) == len(_SLICE).to_bytes(4) + _SLICE


def test_mpeg2_user_data() -> None:
    picture = b"\0\0\1\0abc"
    slices = b"\0\0\1\1" + bytes([9] * 20)
    data = UserData("mpeg2video", b"")
    assert data.removed(picture + b"\0\0\1\xb2Jane Doe" + slices) == picture + slices
    assert not data.found(picture + b"\0\0\1\xb2DTG1\x41\xf8" + slices)  # the picture's place on the screen


def test_the_configuration_of_h265() -> None:
    """hvcC may hold SEI (ISO/IEC 14496-15 8.3.3.1.3), as x265's own banner."""
    head = b"\1" + bytes(20) + b"\x0f"
    vps, planted = b"\x40\x01vps", _sei(_message(5, _STRANGER), header=b"\x4e\x01")

    def array(kind: int, unit: bytes) -> bytes:
        return bytes([kind, 0, 1]) + len(unit).to_bytes(2) + unit

    whole = head + b"\2" + array(0x20, vps) + array(0x27, planted)
    assert clean_configuration("hevc", whole) == head + b"\1" + array(0x20, vps)
    assert clean_configuration("h264", whole) == whole


@given(st.binary())
def test_escaping_is_undone(data: bytes) -> None:
    escaped = escape(data)
    assert unescape(escaped) == data
    assert not any(escaped[at : at + 3] in (b"\0\0\0", b"\0\0\1", b"\0\0\2") for at in range(len(escaped)))


@given(st.sampled_from(["h264", "hevc", "mpeg2video"]), st.binary(), st.sampled_from([b"", b"\1dd\x1e\xff\xe0\0"]))
def test_any_bytes_are_taken(codec: str, data: bytes, extradata: bytes) -> None:
    """What is left holds nothing more to remove."""
    private = UserData(codec, extradata if codec == "h264" else b"")
    assert not private.found(private.removed(data))


@given(st.lists(st.tuples(st.integers(0, 600), st.binary(max_size=600)), min_size=1, max_size=5))
def test_messages_are_read_as_they_were_written(given_messages: list[tuple[int, bytes]]) -> None:
    def number(value: int) -> bytes:
        return b"\xff" * (value // 255) + bytes([value % 255])

    payload = b"".join(number(kind) + number(len(content)) + content for kind, content in given_messages) + b"\x80"
    found = messages(payload)
    assert found is not None
    assert [(kind, content) for kind, content, _ in found] == given_messages
