"""What is done to a coded frame so that a copy can begin with it behind others."""

from __future__ import annotations

import pytest

from orthanc_video.bitstream import hevc
from orthanc_video.bitstream.framing import joined, units_of
from orthanc_video.media.clip import joining

_AUD = bytes([35 << 1, 1, 0x50])
_BODY = bytes.fromhex("2f00000301ff")


def _slice(kind: int, flags: int, body: bytes = _BODY) -> bytes:
    return bytes([kind << 1, 1, flags]) + body


@pytest.mark.parametrize("size", [0, 4])
@pytest.mark.parametrize(("kind", "becomes"), [(21, 18), (16, 18), (17, 18), (18, 18), (19, 19), (20, 20), (1, 1)])
def test_a_picture_that_others_lean_over_begins_anew(kind: int, becomes: int, size: int) -> None:
    """Both slices of it; nothing else changes (ITU-T H.265 Table 7-1)."""
    film = joining.Film("hevc", (), size)
    made = list(units_of(joining.entered(film, joined([_AUD, _slice(kind, 0xA0), _slice(kind, 0x20)], size)), size))
    assert [hevc.nal_type(unit) for unit in made] == [35, becomes, becomes]
    assert made == [_AUD, _slice(becomes, 0xA0), _slice(becomes, 0x20)]


@pytest.mark.parametrize("kind", [18, 19, 20, 21])
def test_pictures_not_yet_shown_are_not_dropped(kind: int) -> None:
    """no_output_of_prior_pics_flag, the second bit of a slice's header (7.3.6.1)."""
    film = joining.Film("hevc", (), 0)
    data = joined([_slice(kind, 0xE0), _slice(kind, 0x40, b"\x01\x7f")], 0)
    first, second = units_of(joining.entered(film, data), 0)
    assert first[2:] == bytes([0xA0]) + _BODY
    assert second[2:] == b"\x00\x01\x7f"  # after one byte of the header that is not 0


def test_other_codecs_stay() -> None:
    data = joined([b"\x65\x88\x84"], 0)
    assert joining.entered(joining.Film("h264", (), 0), data) == data


def test_time_codes_of_mpeg2_do_not_jump() -> None:
    """10:15:30:07 in a closed group (ISO/IEC 13818-2 6.2.2.6): of a clip all are 0."""
    film = joining.Film("mpeg2video", (), 0)
    code = int("0" + f"{10:05b}{15:06b}1{30:06b}{7:06b}", 2) << 7 | 0x40
    picture = b"\0\0\1\0\0\x08\0\0\0\0\1\1" + _BODY
    data = b"\0\0\1\xb8" + code.to_bytes(4) + picture
    for made in (joining.copied(film, data), joining.anew(film, data)):
        assert made == b"\0\0\1\xb8\x00\x08\x00\x40" + picture
