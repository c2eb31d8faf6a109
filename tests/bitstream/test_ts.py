"""Transport streams, against what ffprobe and ffmpeg's muxer say."""

from __future__ import annotations

import struct
import time
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitstream.helpers import BytesSource, ffmpeg, ffprobe
from clips import Clips
from orthanc_video.bitstream import psi, ts
from orthanc_video.bitstream.opening import Opening
from orthanc_video.errors import BrokenVideo

_CODECS = ("h264", "hevc", "mpeg2", "mpeg4")


def _with_sound(clips: Clips, codec: str) -> Path:
    return clips.encoded(f"sound-{codec}.ts", "-c:a mp2", codec=codec, sound="sine=r=48000:d=1")


@pytest.mark.parametrize("codec", _CODECS)
def test_programs_and_streams_are_those_of_ffprobe(clips: Clips, codec: str) -> None:
    clip = _with_sound(clips, codec)
    found = ts.describe(BytesSource(clip.read_bytes()))
    said = ffprobe(clip, "-show_programs")["programs"]
    assert [(p.number, p.map_pid) for p in found.programs] == [(p["program_num"], p["pmt_pid"]) for p in said]
    streams = said[0]["streams"]
    assert [(each.pid, each.codec, each.first_pts) for each in found.programs[0].streams] == [
        (int(one["id"], 16), one["codec_name"], one["start_pts"]) for one in streams
    ]
    assert [each.pictures for each in found.programs[0].streams] == [True, False]
    assert (found.packet_size, found.packets) == (188, clip.stat().st_size // 188)
    assert (found.continuity_errors, found.gaps, found.damaged, found.scrambled) == (0, 0, 0, 0)
    # What else there is of pictures has no headers that are known here.
    assert found.programs[0].streams[0].opening == (None if codec == "mpeg4" else Opening(key=True, closed=True))


@pytest.mark.parametrize("codec", ["h264", "mpeg2"])
def test_a_stream_that_was_cut_does_not_begin_with_a_key_frame(clips: Clips, codec: str) -> None:
    """From the second picture on: the tables, then its packets."""
    clip = clips.encoded(f"cut-{codec}.ts", "-bf 0 -g 100", codec=codec)
    packets = _packets(clip.read_bytes())
    tables = [packet for packet in packets if _pid(packet) in {0, 0x1000}][:2]
    starts = [at for at, packet in enumerate(packets) if _pid(packet) == 0x100 and packet[1] & 0x40]
    found = ts.describe(BytesSource(b"".join(tables + packets[starts[1] :])))
    assert found.programs[0].streams[0].opening == Opening(key=False, closed=False)


def _packets(data: bytes) -> list[bytes]:
    return [data[at : at + 188] for at in range(0, len(data), 188)]


def _pid(packet: bytes | bytearray) -> int:
    return int.from_bytes(packet[1:3]) & 0x1FFF


@pytest.mark.parametrize("size", [192, 204])
def test_packets_of_other_sizes_are_the_same_stream(clips: Clips, size: int) -> None:
    """192: a time of arrival before each, as ffmpeg itself writes; 204: a check sum after each."""
    plain = clips.video("h264", "ts")
    other = plain.with_name(f"packets-{size}.ts")
    if size == 192:
        ffmpeg("-i", plain, "-c", "copy", "-mpegts_m2ts_mode", "1", other)
    else:
        other.write_bytes(b"".join(packet + bytes(16) for packet in _packets(plain.read_bytes())))
    found = ts.describe(BytesSource(other.read_bytes()))
    assert (found.packet_size, found.packets) == (size, other.stat().st_size // size)
    assert (found.continuity_errors, found.gaps) == (0, 0)
    said = ffprobe(other, "-show_programs")["programs"][0]
    assert [(each.pid, each.codec) for each in found.programs[0].streams] == [
        (int(one["id"], 16), one["codec_name"]) for one in said["streams"]
    ]


@pytest.mark.parametrize("lost", [1, 2, 15])
def test_lost_packets_are_counted(clips: Clips, lost: int) -> None:
    packets = _packets(_with_sound(clips, "h264").read_bytes())
    pictures = [at for at, packet in enumerate(packets) if _pid(packet) == 0x100]
    gone = set(pictures[40 : 40 + lost]) | set(pictures[100 : 100 + lost])
    kept = b"".join(packet for at, packet in enumerate(packets) if at not in gone)
    found = ts.describe(BytesSource(kept))
    assert (found.continuity_errors, found.gaps, found.packets) == (2, 0, len(packets) - 2 * lost)


def test_counters_run_on_from_block_to_block(clips: Clips, monkeypatch: pytest.MonkeyPatch) -> None:
    packets = _packets(_with_sound(clips, "h264").read_bytes())
    del packets[77]
    whole = ts.describe(BytesSource(b"".join(packets)))
    monkeypatch.setattr(ts, "_BLOCK", 7)
    assert ts.describe(BytesSource(b"".join(packets))) == whole
    assert whole.continuity_errors == 1


def test_a_packet_sent_twice_and_an_announced_jump_are_no_errors(clips: Clips) -> None:
    packets = _packets(clips.video("h264", "ts").read_bytes())
    at = next(at for at, packet in enumerate(packets) if at > 20 and _pid(packet) == 0x100)
    assert ts.describe(BytesSource(b"".join([*packets[:at], packets[at], *packets[at:]]))).continuity_errors == 0
    jump = next(at for at, packet in enumerate(packets) if at > 20 and packet[3] & 0x20 and packet[4])
    told = bytearray(packets[jump])
    told[3] = told[3] & 0xF0 | told[3] + 5 & 0x0F
    untold = bytes(told)
    told[5] |= 0x80
    after = [
        bytes([*p[:3], p[3] & 0xF0 | p[3] + 5 & 0x0F, *p[4:]]) if _pid(p) == _pid(told) else p
        for p in packets[jump + 1 :]
    ]
    assert ts.describe(BytesSource(b"".join([*packets[:jump], bytes(told), *after]))).continuity_errors == 0
    assert ts.describe(BytesSource(b"".join([*packets[:jump], untold, *after]))).continuity_errors == 1


def test_missing_bytes_are_a_gap(clips: Clips) -> None:
    data = clips.video("h264", "ts").read_bytes()
    cut = 30 * 188 + 50
    found = ts.describe(BytesSource(data[:cut] + data[cut + 100 :]))
    assert found.gaps == 1
    assert found.packets in range(len(data) // 188 - 4, len(data) // 188)
    with pytest.raises(BrokenVideo, match="breaks off more than 1000 times: it is damaged throughout"):
        ts.describe(BytesSource((data[: 188 * 8] + b"\x00" * 7) * 1200))


def test_scrambled_and_damaged_packets_are_counted(clips: Clips) -> None:
    packets = [bytearray(packet) for packet in _packets(clips.video("h264", "ts").read_bytes())]
    pictures = [packet for packet in packets if _pid(packet) == 0x100]
    for packet in pictures:
        packet[3] |= 0x80
    packets[3][1] |= 0x80
    found = ts.describe(BytesSource(b"".join(packets)))
    assert (found.scrambled, found.damaged) == (len(pictures), 1)
    assert found.programs[0].streams[0].opening is None


def test_only_the_beginning_is_read_where_that_is_enough(clips: Clips) -> None:
    data = clips.video("h264", "ts").read_bytes()
    assert ts.describe(BytesSource(data), 188 * 20).packets == 20


def test_tables_over_several_packets_and_with_wrong_check_sums() -> None:
    streams = [(0x100 + number, 0x06) for number in range(180)]
    section = _map(1, streams)
    assert len(section) > 4 * 184
    found = ts.describe(BytesSource(_stream(_association({1: 0x50}), section)))
    assert [(each.pid, each.stream_type) for each in found.programs[0].streams] == streams
    damaged = bytearray(section)
    damaged[40] ^= 1
    assert ts.describe(BytesSource(_stream(_association({1: 0x50}), bytes(damaged)))).programs[0].streams == ()


def _section(table: int, number: int, body: bytes) -> bytes:
    head = bytes([table]) + (0xB000 | len(body) + 9).to_bytes(2) + number.to_bytes(2) + b"\xc1\x00\x00"
    return head + body + _crc(head + body)


def _crc(data: bytes) -> bytes:
    """CRC_32 of 13818-1 Annex A, bit by bit."""
    value = 0xFFFFFFFF
    for byte in data:
        for bit in range(7, -1, -1):
            feedback = (value >> 31) ^ (byte >> bit & 1)
            value = (value << 1 & 0xFFFFFFFF) ^ (0x04C11DB7 * feedback)
    return value.to_bytes(4)


def _association(programs: dict[int, int]) -> bytes:
    return _section(0, 1, b"".join(struct.pack(">HH", number, 0xE000 | pid) for number, pid in programs.items()))


def _map(number: int, streams: list[tuple[int, int]]) -> bytes:
    listed = b"".join(struct.pack(">BHH", kind, 0xE000 | pid, 0xF000) for pid, kind in streams)
    return _section(2, number, b"\xe1\x00\xf0\x00" + listed)


def _stream(association: bytes, program_map: bytes) -> bytes:
    packets = [*_carried(0, association), *_carried(0x50, program_map)]
    return b"".join(packets + [b"\x47\x1f\xff\x10" + b"\xff" * 184] * 8)


def _carried(pid: int, section: bytes) -> list[bytes]:
    """The packets of a section, the pointer_field before it and stuffing after it."""
    data = b"\x00" + section
    parts = [data[at : at + 184].ljust(184, b"\xff") for at in range(0, len(data), 184)]
    return [struct.pack(">BHB", 0x47, pid | (0x4000 if not n else 0), 0x10 | n & 15) + p for n, p in enumerate(parts)]


def test_the_first_table_of_programs_counts() -> None:
    data = b"".join(_stream(_association(table), _map(1, [(0x100, 0x1B)])) for table in ({1: 0x50, 2: 0}, {3: 0x50}))
    found = ts.describe(BytesSource(data))
    assert [(each.number, len(each.streams)) for each in found.programs] == [(1, 1), (2, 0)]


@pytest.mark.parametrize("data", [b"", b"\x47" * 3, b"\x00" * 5000, b"\x47" + bytes(187) + b"\x47" + bytes(187)])
def test_what_is_none_is_refused(data: bytes) -> None:
    assert ts.packet_layout(data) is None
    with pytest.raises(BrokenVideo, match="does not begin with its packets"):
        ts.describe(BytesSource(data))


class _Endless:
    """The same packets again and again, so many bytes of them; their counters run on."""

    def __init__(self, packets: list[bytes], size: int) -> None:
        self._block = b"".join(packets)
        self.size = size

    def read(self, offset: int, length: int) -> bytes:
        at = offset % len(self._block)
        times = -(-(at + length) // len(self._block))
        return (self._block * times)[at : at + length]


def test_a_long_stream_takes_little_time_and_no_memory() -> None:
    packets = [b"\x47\x01\x00" + bytes([0x10 | number]) + bytes(184) for number in range(16)]
    size = 188 * 16 * 60_000
    tracemalloc.start()
    began = time.process_time()
    try:
        found = ts.describe(_Endless(packets, size))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (found.packets, found.continuity_errors) == (size // 188, 0)
    assert peak < 40 << 20
    assert time.process_time() - began < 10


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 60_000), st.integers(0, 255)), max_size=30), st.integers(0, 400))
def test_changed_streams_are_answered_or_refused(clips: Clips, changes: list[tuple[int, int]], cut: int) -> None:
    data = bytearray(_with_sound(clips, "h264").read_bytes()[: 60_000 - cut])
    for at, value in changes:
        data[at % len(data)] = value
    try:
        found = ts.describe(BytesSource(bytes(data)))
    except BrokenVideo as broken:
        assert broken.sentence  # noqa: PT017
    else:
        assert found.packets * 188 <= len(data)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.binary(max_size=184), st.booleans()), max_size=8), st.binary(max_size=60))
def test_random_tables_are_answered_or_refused(payloads: list[tuple[bytes, bool]], section: bytes) -> None:
    sections = psi.Sections()
    for payload, begins in payloads:
        sections.add(payload, begins=begins)
    for parse in (psi.programs, psi.program_map):
        for start in (b"", b"\x00\xb0\x0d", b"\x02\xb0\x12"):
            try:
                parse(start + section)
            except BrokenVideo as broken:
                assert "transport stream" in broken.sentence  # noqa: PT017
