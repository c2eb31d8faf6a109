"""What program and transport streams hold beside their pictures, by planting it."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitstream.helpers import BytesSource, ffmpeg
from clips import Clips
from orthanc_video.bitstream import extras_ps, extras_ts
from orthanc_video.bitstream.psi import _crc

_WORDS = b"PLANTED Jane Doe"
_PICTURES, _PID = 0x1E0, 0x100


def _of_program(data: bytes, *streams: int) -> tuple[str, ...]:
    return extras_ps.extras(BytesSource(data), frozenset(streams or (_PICTURES,)))


def _of_transport(data: bytes, *streams: int) -> tuple[str, ...]:
    return extras_ts.extras(BytesSource(data), frozenset(streams or (_PID,)))


@pytest.fixture(scope="module")
def program(clips: Clips) -> bytes:
    return clips.encoded("beside.vob", codec="mpeg2").read_bytes()


@pytest.fixture(scope="module")
def transport(clips: Clips) -> bytes:
    return clips.video("mpeg2", "ts").read_bytes()


def _pes(code: int, content: bytes) -> bytes:
    return b"\0\0\1" + bytes([code]) + struct.pack(">H", len(content)) + content


def _second_pack(data: bytes) -> int:
    return data.index(b"\0\0\1\xba", 4)


def _inserted(packet: bytes) -> Callable[[bytes], bytes]:
    return lambda data: data[: _second_pack(data)] + packet + data[_second_pack(data) :]


def _in_the_header(data: bytes) -> bytes:
    """PES_private_data of the second pack's picture packet."""
    at = data.index(b"\0\0\1\xe0", _second_pack(data))
    length, header = struct.unpack_from(">H", data, at + 4)[0], 9 + data[at + 8]
    told = b"\x80\x01" + bytes([17]) + b"\x80" + _WORDS
    grown = _pes(0xE0, told + data[at + header : at + 6 + length])
    return data[:at] + grown + data[at + 6 + length :]


_PROGRAM: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "private stream 1": (_inserted(_pes(0xBD, b"\x80\0\0" + _WORDS)), "private streams"),
    "private stream 2": (_inserted(_pes(0xBF, _WORDS)), "private streams"),
    "padding": (_inserted(_pes(0xBE, b"\xff" * 9 + _WORDS)), "padding"),
    "map": (_inserted(_pes(0xBC, _WORDS)), "program stream map"),
    "another stream": (_inserted(_pes(0xE1, b"\x80\0\0" + _WORDS)), "other streams"),
    "system header": (_inserted(_pes(0xBB, bytes(6) + b"PLANTED!!")), "packet headers"),
    "pack's stuffing": (lambda data: data.replace(data[:14], data[:13] + b"\xff" + b"PLANTED", 1), "packet headers"),
    "packet's header": (_in_the_header, "packet headers"),
    "between packs": (_inserted(_WORDS), "unused bytes"),
    "before the first": (lambda data: _WORDS + data, "unused bytes"),
    "after the last": (lambda data: data + _WORDS, "unused bytes"),
    "after the end": (lambda data: data + b"\0\0\1\xb9" + _WORDS, "unused bytes"),
    "empty packets": (lambda data: data + _pes(0xE0, b"") * 20_000, "tiny packets"),
}


@pytest.mark.parametrize("place", _PROGRAM)
def test_what_a_program_stream_tells_more_is_named(program: bytes, place: str) -> None:
    plant, named = _PROGRAM[place]
    assert _of_program(plant(program)) == (named,)


def test_what_ffmpeg_writes_around_mpeg2_is_nothing_more(clips: Clips, program: bytes, transport: bytes) -> None:
    assert b"\0\0\1\xbe" in program  # padding packets
    assert _of_program(program) == ()
    assert _of_program(program + bytes(5)) == ()
    assert _of_program(clips.video("mpeg2", "mpg").read_bytes()) == ()  # of MPEG-1's form
    assert _of_transport(transport) == ()
    assert _of_transport(transport + b"\0") == ()
    constant = clips.encoded("constant.ts", "-muxrate 12M", codec="mpeg2").read_bytes()
    assert any(constant[at + 1] & 0x1F == 0x1F for at in range(0, len(constant), 188))  # null packets
    assert _of_transport(constant) == ()


@pytest.mark.parametrize(
    ("kind", "codec", "sound"), [("vob", "mp2", 0x1C0), ("vob", "ac3", 0x80), ("ts", "mp2", 0x101)]
)
def test_a_sound_that_is_known_is_nothing_more(clips: Clips, kind: str, codec: str, sound: int) -> None:
    name = f"beside-{codec}.{kind}"
    data = clips.encoded(name, f"-c:a {codec}", codec="mpeg2", sound="sine=r=48000:d=1").read_bytes()
    found, pictures = (_of_transport, _PID) if kind == "ts" else (_of_program, _PICTURES)
    assert found(data, pictures, sound) == ()
    assert found(data) == ("private streams" if sound == 0x80 else "other streams",)


def _packet(pid: int, content: bytes, begins: bool = False) -> bytes:
    head = bytes([0x47, pid >> 8 | begins << 6, pid & 0xFF, 0x10])
    return head + content + b"\xff" * (184 - len(content))


def _adapted(field: bytes) -> bytes:
    """A packet of the pictures that has an adaptation field alone."""
    return bytes([0x47, _PID >> 8, _PID & 0xFF, 0x20, 183]) + field + b"\xff" * (183 - len(field))


def _section(body: bytes) -> bytes:
    body = body[:1] + struct.pack(">H", 0xB000 | len(body) + 1) + body[3:]
    return b"\0" + body + struct.pack(">I", _crc(body))


def _described(data: bytes) -> bytes:
    """The program's map with another descriptor."""
    at = next(at for at in range(0, len(data), 188) if data[at + 1 : at + 3] == b"\x50\x00")
    section = data[at + 5 : at + 8 + (struct.unpack_from(">H", data, at + 6)[0] & 0xFFF) - 4]
    told = b"\x40" + bytes([len(_WORDS)]) + _WORDS
    new = section[:10] + struct.pack(">H", 0xF000 | len(told)) + told + section[12:]
    return data[:at] + _packet(0x1000, _section(new), begins=True) + data[at + 188 :]


def _after(packet: bytes) -> Callable[[bytes], bytes]:
    return lambda data: data + packet


def _behind_a_table(data: bytes) -> bytes:
    at = next(at for at in range(0, len(data), 188) if data[at + 1 : at + 3] == b"\x40\x00")
    return data[: at + 188 - len(_WORDS)] + _WORDS + data[at + 188 :]


_TRANSPORT: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "service": (lambda data: data.replace(b"Service01", b"Jane Doe!"), "tables"),
    "provider": (lambda data: data.replace(b"FFmpeg", b"Hosp.A"), "tables"),
    "event": (_after(_packet(0x12, b"\0\x4e" + _WORDS, begins=True)), "other streams"),
    "descriptor": (_described, "tables"),
    "behind a table": (_behind_a_table, "tables"),
    "null packet": (_after(_packet(0x1FFF, _WORDS)), "null packets"),
    "undeclared stream": (_after(_packet(0x1234, _WORDS)), "other streams"),
    "private data of an adaptation field": (_after(_adapted(b"\x02\x10" + _WORDS)), "packet headers"),
    "stuffing of an adaptation field": (_after(_adapted(b"\0" + _WORDS)), "packet headers"),
    "private data of a header": (
        _after(_packet(_PID, b"\0\0\1\xe0\0\0\x80\x01\x11\x80" + _WORDS, begins=True)), "packet headers"),
    "after the last": (_after(_WORDS), "unused bytes"),
    "between packets": (lambda data: data[: 188 * 20] + _WORDS + data[188 * 20 :], "unused bytes"),
}  # fmt: skip


@pytest.mark.parametrize("place", _TRANSPORT)
def test_what_a_transport_stream_tells_more_is_named(transport: bytes, place: str) -> None:
    plant, named = _TRANSPORT[place]
    planted = plant(transport)
    assert planted != transport
    assert _of_transport(planted) == (named,)


def test_what_lies_around_packets_is_named(clips: Clips, tmp_path: Path, transport: bytes) -> None:
    other = tmp_path / "arrivals.m2ts"
    ffmpeg(
        "-i", clips.video("mpeg2", "ts"), "-c", "copy", "-mpegts_m2ts_mode", "1", "-mpegts_start_pid", "0x100", other
    )
    assert "arrival times" in _of_transport(other.read_bytes())
    checked = b"".join(transport[at : at + 188] + bytes(16) for at in range(0, len(transport), 188))
    assert _of_transport(checked) == ("check bytes",)


@given(st.binary(max_size=600), st.integers(0, 600))
def test_any_bytes_have_an_answer(program: bytes, junk: bytes, at: int) -> None:
    found = _of_program(program[:at] + junk + program[at : at + 8192])
    assert len(found) <= 7
    _of_program(junk)


def test_long_streams_take_seconds(program: bytes, transport: bytes) -> None:
    begun = time.monotonic()
    assert _of_program(program * (64_000_000 // len(program))) == ()
    assert _of_transport(transport * (64_000_000 // len(transport))) == ()
    assert time.monotonic() - begun < 20
