"""User data among pictures: found, taken out, and nothing else touched."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clips import Clips
from orthanc_video.bitstream.banners import is_banner
from orthanc_video.bitstream.bits import unescape
from orthanc_video.bitstream.framing import length_size
from orthanc_video.bitstream.nal import split_annexb
from orthanc_video.bitstream.technical import Technical
from orthanc_video.bitstream.userdata import UserData, clean_configuration, cleaned, escape, messages
from orthanc_video.bitstream.userdata_mpeg2 import TimeCodes
from orthanc_video.media.source import opened

_X264 = bytes.fromhex("dc45e9bde6d948b7962cd820d923eeef")
_X265 = bytes.fromhex("2ca2de09b51747dbbb55a4fe7fc2fc4e")
_NAMED = b"x264 - core 164 r3095 baee400 - H.264/MPEG-4 AVC codec - Copyleft 2003-2022"
_OPTIONS = b" - http://www.videolan.org/x264.html - options: cabac=1 ref=3"
_BANNER = _X264 + _NAMED + _OPTIONS + b" deblock=1:0:0 me=hex rc=crf\0"
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
        ("h264", _sei(_message(3, b"\xff" * 300)), _sei(_message(3, b"\xff" * 300))),
        ("h264", _sei(_message(3, b"\xff Jane Doe")), b""),
        ("h264", _sei(_message(200, b"Jane Doe")), b""),
        ("h264", _sei(_message(5, _BANNER + b" Jane Doe")), b""),
        ("h264", _sei(_message(6, b"Jane Doe"), _RECOVERY), _sei(_RECOVERY)),
        ("h264", _sei(_message(137, b"SECRET GPS 52.1N JaneDoe")), b""),
        ("h264", _sei(_message(144, b"Jane")), b""),
        ("h264", _sei(_message(0, b"Jane Doe"), _message(1, b"Jane Doe"), _RECOVERY), _sei(_RECOVERY)),
        ("h264", _sei(_RECOVERY)[:-1] + b"J", b""),  # no end
        ("h264", b"\x09\xf0", b"\x09\xf0"),
        ("h264", b"\x09\xf0Jane Doe", b""),
        ("h264", b"\x0c\xff\xff\xff\x80", b"\x0c\xff\xff\xff\x80"),
        ("h264", b"\x0c\xff Jane Doe\x80", b""),
        ("h264", b"\x0bJane Doe", b"\x0b"),  # the end of the stream
        ("h264", b"\x6e\x00\x00\x07", b"\x6e\x00\x00\x07"),  # before a picture of the base view
        ("h264", b"\x6e\x00\x00\x07Jane Doe", b""),
        ("h264", b"\x6e\x80Jane Doe", b""),
        *(("h264", bytes([0x60 | kind]) + b"Jane Doe", b"") for kind in (0, 13, 16, 17, 18, 19, 22, 23, 24, 31)),
        ("h264", b"\x7eprivate", b""),
        ("h264", _SLICE, _SLICE),
        ("hevc", _sei(_message(5, _STRANGER), header=b"\x4e\x01"), b""),
        ("hevc", _sei(_message(5, _STRANGER), header=b"\x50\x01"), b""),
        ("hevc", _sei(_message(136, b"\x12\x34"), header=b"\x4e\x01"), b""),  # a time of day
        ("hevc", _sei(_message(132, b"\0" + bytes(16)), header=b"\x50\x01"), b""),
        ("hevc", _sei(_message(129, b"\x0f"), header=b"\x4e\x01"), _sei(_message(129, b"\x0f"), header=b"\x4e\x01")),
        ("hevc", _sei(_message(129, b"\x0fJane"), header=b"\x4e\x01"), b""),
        ("hevc", b"\x46\x01\x50", b"\x46\x01\x50"),
        ("hevc", b"\x46\x01\x50Jane Doe", b""),
        ("hevc", b"\x4c\x01\xff\xff\x80", b"\x4c\x01\xff\xff\x80"),
        ("hevc", b"\x4c\x01Jane Doe\x80", b""),
        ("hevc", b"\x48\x01Jane Doe", b"\x48\x01"),
        *(("hevc", bytes([kind << 1, 1]) + b"Jane Doe", b"") for kind in (10, 15, 22, 31, 41, 47, 48, 63)),
        ("hevc", b"\x7c\x01dolby", b""),
        ("hevc", b"\x26\x01slice", b"\x26\x01slice"),
    ],
)
def test_units(codec: str, unit: bytes, kept: bytes) -> None:
    assert cleaned(unit, Technical(codec)) == kept
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


@pytest.mark.parametrize(
    ("planted", "kept"),
    [
        (b"\xb2DTG1\x41\xf8Jane Doe", b""),
        (b"\xb0Jane Doe", b""),  # reserved
        (b"\xb5\x4aJane Doe", b""),  # copyright
        (b"\xb5\xf0Jane Doe", b""),
        (b"\xb8\x00\x08\x00\x40Jane Doe", b"\0\0\1\xb8\x00\x08\x00\x40"),
        (b"\x00\x00\x0f\xff\xfcJane Doe", b"\0\0\1\x00\x00\x0f\xff\xf8"),  # an I picture's header
        (b"\xb5\x8f\xff\xf3\x41\x80Jane Doe", b"\0\0\1\xb5\x8f\xff\xf3\x41\x80"),  # its extension
        (b"\xb7Jane Doe", b"\0\0\1\xb7"),
    ],
)
def test_what_mpeg2_headers_do_not_need(planted: bytes, kept: bytes) -> None:
    slices = b"\0\0\1\1" + bytes([9] * 20)
    data = UserData("mpeg2video", b"")
    assert data.found(slices + b"\0\0\1" + planted + slices)
    assert data.removed(slices + b"\0\0\1" + planted + slices) == slices + kept + slices
    assert not data.found(slices + kept + slices)


_SEQUENCE = bytes.fromhex("000001b31400f0c3ffffe018")  # 25 pictures a second


def _group(hours: int, minutes: int, seconds: int, pictures: int, flags: int = 0x40, drop: int = 0) -> bytes:
    """A group of pictures header (ISO/IEC 13818-2 6.2.2.6)."""
    code = f"{drop}{hours:05b}{minutes:06b}1{seconds:06b}{pictures:06b}"
    return b"\0\0\1\xb8" + (int(code, 2) << 7 | flags).to_bytes(4)


def _film(begin: int, *, rate: int = 25, half: bool = False) -> list[bytes]:
    """Packets of groups of 30 pictures, whose time codes count from so many pictures on."""
    packets = []
    for number in range(150):
        at, head = begin + number, b""
        if number % 30 == 0:
            head = _SEQUENCE + _group(at // rate // 3600, at // rate // 60 % 60, at // rate % 60, at % rate)
        fields = [b"\1", b"\2"] if half else [b"\3"]
        halves = [b"\0\0\1\0\0\x08\0\0" + b"\0\0\1\xb5\x80\0" + one + b"\0\0\0\0\1\1\x09" for one in fields]
        packets.append(head + b"".join(halves))
    return packets


@pytest.mark.parametrize("half", [False, True])
def test_time_codes_that_count_from_the_first_picture_stay(*, half: bool) -> None:
    film = _film(0, half=half)
    data = UserData("mpeg2video", b"")
    assert not any(data.found(packet) for packet in film)
    data = UserData("mpeg2video", b"")
    assert [data.removed(packet) for packet in film] == film


def test_time_codes_of_a_clock_become_midnight() -> None:
    for begin in (30, 25 * 36_930, 25 * 86_399):
        film = _film(begin)
        assert UserData("mpeg2video", b"").found(film[0])
        data = UserData("mpeg2video", b"")
        left = b"".join(data.removed(packet) for packet in film)
        assert left.count(_group(0, 0, 0, 0)) == left.count(b"\0\0\1\xb8") == 5
        assert len(left) == len(b"".join(film))
    # From the second group on, of another rate, or twice as fast: nobody counts so.
    for film in (_film(0)[:30] + _film(25 * 36_930)[30:], _film(0, rate=20), _film(0)[:90:3] + _film(0)[90:]):
        data = UserData("mpeg2video", b"")
        assert [data.found(packet) for packet in film].index(True) > 0


def test_what_a_groups_header_says_beside_its_time_stays() -> None:
    for flags in (0, 0x20, 0x40, 0x60):
        told = _group(10, 15, 30, 7, flags, drop=1)
        assert UserData("mpeg2video", b"").removed(told) == _group(0, 0, 0, 0, flags)
    assert UserData("mpeg2video", b"").removed(_group(0, 0, 0, 0, 0x5F)) == _group(0, 0, 0, 0)
    assert UserData("mpeg2video", b"").removed(_group(10, 15, 30, 7)[:7]) == b""


def test_dropped_numbers_count_no_pictures() -> None:
    """29.97/s: of each minute but the tenth the first two numbers are left out (6.3.8)."""
    codes = TimeCodes()
    codes.see(0xB3, bytes.fromhex("1400f0c4"))
    for _ in range(17_982 - 30):  # ten minutes
        codes.see(0, b"")
    assert codes.counts(_group(0, 10, 0, 0, drop=1)[4:])
    assert not codes.counts(_group(0, 10, 1, 0, drop=0)[4:])


@pytest.mark.parametrize("options", ["-bf 2", "-flags +ilme+ildct -alternate_scan 1", "-qmin 2 -intra_vlc 1 -g 4"])
def test_what_an_mpeg2_encoder_writes_stays(clips: Clips, options: str) -> None:
    own = "-intra_matrix " + ",".join(["8"] + ["17"] * 63)
    for matrix in ("", own):
        name = f"as-written-{abs(hash(options + matrix))}.m2v"
        data = clips.encoded(name, f"-f mpeg2video {options} {matrix}", codec="mpeg2").read_bytes()
        assert UserData("mpeg2video", b"").removed(data) == data


class _File:
    """Bytes that count how many of them are read."""

    def __init__(self, data: bytes) -> None:
        self.data, self.read_bytes = data, 0

    def read(self, at: int, length: int) -> bytes:
        self.read_bytes += length
        return self.data[at : at + length]


@pytest.mark.parametrize(("codec", "slices", "planted"), [
    ("h264", b"\x65", _sei(_message(5, _STRANGER))),
    ("hevc", b"\x26\x01", _sei(_message(5, _STRANGER), header=b"\x50\x01")),
])  # fmt: skip
def test_every_unit_of_a_packet_is_looked_at_and_no_picture_is_read(codec: str, slices: bytes, planted: bytes) -> None:
    extradata = bytes([1, 100, 0, 30, 0xFF, 0xE0, 0]) if codec == "h264" else b"\1" + bytes(20) + b"\x0f\0"
    pictures = [slices + bytes([9]) * 100_000] * 5

    def packet(*units: bytes) -> _File:
        return _File(b"before" + b"".join(len(unit).to_bytes(4) + unit for unit in units))

    data = UserData(codec, extradata)
    for place in range(6):
        file = packet(*pictures[:place], planted, *pictures[place:])
        assert data.found_at(file.read, 6, len(file.data) - 6)
        assert file.read_bytes < 2_000
    clean = packet(*pictures)
    assert not data.found_at(clean.read, 6, len(clean.data) - 6)
    assert clean.read_bytes < 2_000
    assert not data.found_at(clean.read, 6, 100_004)  # the first only
    assert data.found_at(packet(*[slices] * 20_000).read, 6, 20_000 * (4 + len(slices)))  # no camera's


def test_what_x264_and_x265_say_of_themselves() -> None:
    assert is_banner(_BANNER)
    for words in (
        b"x264 - core 164 SECRET Jane Doe born 1970-01-01 MRN 12345",
        _NAMED + _OPTIONS + b" name=Jane",
        _NAMED + _OPTIONS + b" ref=Jane",
        _NAMED + _OPTIONS + b" zones=0,10,Jane",
        _NAMED + b" Jane Doe" + _OPTIONS,
        _NAMED + _OPTIONS + b"\0Jane",
    ):
        assert not is_banner(_X264 + words)
        assert not is_banner(_X265 + words)


@pytest.mark.parametrize(
    ("codec", "options"),
    [
        ("h264", ""),
        ("h264", "-b:v 1M -maxrate 1M -bufsize 1M -x264-params nal-hrd=cbr:filler=1:slices=4:interlaced=1:aud=1"),
        ("h264", "-preset veryslow -tune film -g 9999 -x264-params keyint=infinite:frame-packing=3:direct=auto"),
        ("h264", "-qp 20 -x264-params bluray-compat=1:aq-mode=0:stitchable=1:slice-max-size=1400:open-gop=1"),
        ("hevc", ""),
        ("hevc", "-preset slow -x265-params log-level=none:hrd=1:vbv-maxrate=1000:vbv-bufsize=1000:aud=1:slices=2"),
        ("hevc", "-x265-params log-level=none:lossless=1:repeat-headers=1:open-gop=0:wpp=0:sao=0:crop-rect=0,0,0,8"),
    ],
)
def test_what_encoders_write_stays(clips: Clips, codec: str, options: str) -> None:
    """Of any message and unit that x264 and x265 write, nothing is taken for user data."""
    name = f"encoder-{codec}-{abs(hash(options))}"
    raw = clips.encoded(f"{name}.{codec}", f"{options} -bsf:v null", codec=codec).read_bytes()
    known = Technical(codec)
    for unit in split_annexb(raw):
        assert cleaned(unit, known) == unit
    boxed = clips.encoded(f"{name}.mp4", options, codec=codec)
    with opened(boxed) as container:
        extradata = bytes(container.streams.video[0].codec_context.extradata or b"")
        data = UserData(codec, extradata)
        assert not data.configured
        assert length_size(codec, extradata) == 4
        for packet in container.demux(video=0):
            assert not data.found(bytes(packet))


def test_the_configuration_of_h264(clips: Clips) -> None:
    """avcC holds parameter sets, then of High profiles the form of the colours (ISO/IEC 14496-15 5.3.3.1)."""
    with opened(clips.conforming()) as container:
        whole = bytes(container.streams.video[0].codec_context.extradata or b"")
    assert clean_configuration("h264", whole) == whole
    assert clean_configuration("h264", whole + b"Jane Doe") == whole
    note = _sei(_message(5, _STRANGER))
    sets = whole[:5] + bytes([whole[5] + 1]) + len(note).to_bytes(2) + note + whole[6:]
    assert clean_configuration("h264", sets) == whole
    assert UserData("h264", sets).configured
    assert not UserData("h264", whole).configured


def test_the_configuration_of_h265() -> None:
    """hvcC may hold SEI (ISO/IEC 14496-15 8.3.3.1.3), as x265's own banner."""
    head = b"\1" + bytes(20) + b"\x0f"
    vps, planted = b"\x40\x01vps", _sei(_message(5, _STRANGER), header=b"\x4e\x01")

    def array(kind: int, unit: bytes) -> bytes:
        return bytes([kind, 0, 1]) + len(unit).to_bytes(2) + unit

    whole = head + b"\2" + array(0x20, vps) + array(0x27, planted)
    assert clean_configuration("hevc", whole) == head + b"\1" + array(0x20, vps)
    assert UserData("hevc", whole).configured
    assert not UserData("hevc", clean_configuration("hevc", whole)).configured


@given(st.binary())
def test_escaping_is_undone(data: bytes) -> None:
    escaped = escape(data)
    assert unescape(escaped) == data
    assert not any(escaped[at : at + 3] in (b"\0\0\0", b"\0\0\1", b"\0\0\2") for at in range(len(escaped)))


@given(st.sampled_from(["h264", "hevc", "mpeg2video"]), st.binary(), st.sampled_from([b"", b"\1dd\x1e\xff\xe0\0"]))
def test_any_bytes_are_taken(codec: str, data: bytes, extradata: bytes) -> None:
    """What is left holds nothing more to remove."""
    extradata = extradata if codec == "h264" else b""
    assert not UserData(codec, extradata).found(UserData(codec, extradata).removed(data))


@given(st.lists(st.tuples(st.integers(0, 600), st.binary(max_size=600)), min_size=1, max_size=5))
def test_messages_are_read_as_they_were_written(given_messages: list[tuple[int, bytes]]) -> None:
    def number(value: int) -> bytes:
        return b"\xff" * (value // 255) + bytes([value % 255])

    payload = b"".join(number(kind) + number(len(content)) + content for kind, content in given_messages) + b"\x80"
    found = messages(payload)
    assert found is not None
    assert [(kind, content) for kind, content, _ in found] == given_messages
