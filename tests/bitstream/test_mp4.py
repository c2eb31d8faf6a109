"""MP4 layouts, tracks and sample tables, against what PyAV demuxes."""

from __future__ import annotations

import struct
import time
from contextlib import suppress
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitstream.conftest import MP4_CLIPS
from bitstream.helpers import BytesSource, box, ffmpeg, numbers
from orthanc_video.bitstream.mp4 import Box, SampleTable, Track, layout, samples, top_level, tracks
from orthanc_video.errors import BrokenVideo

_INDEXED = [name for name in MP4_CLIPS if name not in {"fragmented.mp4", "encrypted.mp4"}]
_TURNS = {
    (1, 0, 0, 1): 0,
    (0, 1, -1, 0): 90,
    (-1, 0, 0, -1): 180,
    (0, -1, 1, 0): 270,
    (-1, 0, 0, 1): None,
    (2, 0, 0, 2): None,
    (0, 0, 0, 0): None,
}


def _pictures(data: bytes) -> Track:
    return next(track for track in tracks(BytesSource(data)) if track.handler == "vide")


def _indexed(data: bytes) -> SampleTable:
    return samples(BytesSource(data), _pictures(data))


def _rows(table: SampleTable) -> list[tuple[int, int, int, int, bool]]:
    columns = (table.offset, table.size, table.time, table.duration, table.key)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def _demuxed(path: Path) -> list[tuple[int, int, int, int, bool]]:
    with av.open(path) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    return [(p.pos or 0, p.size, p.pts or 0, p.duration or 0, p.is_keyframe) for p in packets]


@pytest.mark.parametrize("name", _INDEXED)
def test_sample_tables_are_what_pyav_demuxes(mp4_clips: dict[str, Path], name: str) -> None:
    data = mp4_clips[name].read_bytes()
    table = _indexed(data)
    demuxed = _demuxed(mp4_clips[name])
    assert _rows(table) == demuxed
    assert len(table) == len(demuxed)
    with av.open(mp4_clips[name]) as container:
        stream = container.streams.video[0]
        assert table.timescale == (stream.time_base or 0) ** -1
        decode_times = [packet.dts for packet in container.demux(stream) if packet.size]
    if name not in {"no_edits.mp4", "negative_offsets.mp4"}:  # there FFmpeg moves dts before pts, and we do not
        assert table.decode_time.tolist() == decode_times


def test_clips_reach_the_rarer_boxes(mp4_clips: dict[str, Path]) -> None:
    """Guards the test above: these clips say what they are made for."""
    tables = {name: _pictures(mp4_clips[name].read_bytes()).tables for name in _INDEXED}
    assert tables["negative_offsets.mp4"]["ctts"].content[0] == 1
    assert "stss" not in tables["all_keys.mp4"]
    assert len(tables["sound.mp4"]["stco"].content) > 12
    assert _indexed(mp4_clips["plain.mp4"].read_bytes()).decode_time[0] < 0
    assert len(set(_indexed(mp4_clips["variable_rate.mp4"].read_bytes()).duration.tolist())) > 1


@pytest.mark.parametrize("media_time", [0, 1, 1000, 1024, 1100, 1536, 4000])
def test_edit_lists_move_the_times_as_in_ffmpeg(mp4_clips: dict[str, Path], tmp_path: Path, media_time: int) -> None:
    data = bytearray(mp4_clips["plain.mp4"].read_bytes())
    data[data.index(b"elst") + 16 : data.index(b"elst") + 20] = numbers(media_time)
    path = tmp_path / "edited.mp4"
    path.write_bytes(data)
    ours = {row[0]: row for row in _rows(_indexed(bytes(data)))}
    theirs = _demuxed(path)  # without the frames that nothing shown needs
    assert theirs
    assert [row[2] for row in theirs] == [ours[row[0]][2] for row in theirs]


def test_an_empty_edit_delays_the_pictures(mp4_clips: dict[str, Path]) -> None:
    data = mp4_clips["late.mp4"].read_bytes()
    track = _pictures(data)
    assert [edit.media_time < 0 for edit in track.edits] == [True, False]
    assert track.edits[1].rate == 1.0
    assert _indexed(data).time.min() > 0


def test_tracks_are_those_that_pyav_sees(mp4_clips: dict[str, Path]) -> None:
    for name, path in mp4_clips.items():
        ours = tracks(BytesSource(path.read_bytes()))
        with av.open(path) as container:
            assert [track.id for track in ours] == [stream.id for stream in container.streams]
            stream = container.streams.video[0]
            track = next(track for track in ours if track.handler == "vide")
            assert (track.width, track.height) == (stream.width, stream.height)
            assert track.extradata == stream.codec_context.extradata
            assert track.codec == ("encv" if name == "encrypted.mp4" else "avc1")
            assert track.creation_time == stream.metadata.get("creation_time", "").replace(".000000", "")
    assert [track.handler for track in tracks(BytesSource(mp4_clips["sound.mp4"].read_bytes()))] == ["vide", "soun"]
    assert _pictures(mp4_clips["all_keys.mp4"].read_bytes()).creation_time == "2021-02-03T04:05:06Z"


def test_layouts(mp4_clips: dict[str, Path]) -> None:
    layouts = {name: layout(BytesSource(path.read_bytes())) for name, path in mp4_clips.items()}
    assert {name for name, found in layouts.items() if found.moov_before_mdat} == {"faststart.mp4", "fragmented.mp4"}
    assert {name for name, found in layouts.items() if found.fragmented} == {"fragmented.mp4"}
    assert {name for name, found in layouts.items() if found.encrypted} == {"encrypted.mp4"}
    assert all(found.stream_size == mp4_clips[name].stat().st_size for name, found in layouts.items())
    assert layouts["plain.mp4"].major_brand == "isom"
    assert layouts["plain.mp4"].compatible_brands == ("isom", "iso2", "avc1", "mp41")
    assert layouts["quicktime.mov"].major_brand == "qt  "


def test_keys_for_decryption_mean_encrypted(mp4_clips: dict[str, Path]) -> None:
    data = mp4_clips["plain.mp4"].read_bytes()
    assert layout(BytesSource(_with_in_moov(data, box("pssh")))).encrypted


def test_announced_fragments_mean_fragmented(mp4_clips: dict[str, Path]) -> None:
    data = _with_in_moov(mp4_clips["plain.mp4"].read_bytes(), box("mvex"))
    assert layout(BytesSource(data)).fragmented
    with pytest.raises(BrokenVideo, match="fragmented"):
        _indexed(data)


@pytest.mark.parametrize(
    ("entries", "elsewhere"),
    [
        ([], False),
        ([box("url ", numbers(1))], False),
        ([box("alis", numbers(1))], False),
        ([box("url ", numbers(0) + b"http://x")], True),
        ([box("url ", numbers(1)), box("urn ", numbers(0))], True),
        ([box("url ", b"")], True),
        ([b"\0\0\0\x03url!!!!!"], True),
    ],
)
def test_a_file_says_whether_another_holds_its_media(
    mp4_clips: dict[str, Path], entries: list[bytes], elsewhere: bool
) -> None:
    data = mp4_clips["plain.mp4"].read_bytes()
    (track,) = tracks(BytesSource(data))
    assert not track.elsewhere
    at = data.index(b"dref") - 4
    own = data[at : at + int.from_bytes(data[at : at + 4])]
    changed = box("dref", numbers(0, len(entries)) + b"".join(entries))
    for parent in ("moov", "trak", "mdia", "minf", "dinf"):
        start = data.index(parent.encode()) - 4
        size = int.from_bytes(data[start : start + 4]) + len(changed) - len(own)
        data = data[:start] + numbers(size) + data[start + 4 :]
    data = data.replace(own, changed)
    assert [track.elsewhere for track in tracks(BytesSource(data))] == [elsewhere]
    assert layout(BytesSource(data)).elsewhere is elsewhere


def _with_in_moov(data: bytes, extra: bytes) -> bytes:
    """The file with one more box at the end of its index, which is the file's last box."""
    moov = top_level(BytesSource(data))[-1]
    assert moov.kind == "moov"
    return data[: moov.offset] + numbers(moov.size + len(extra)) + data[moov.offset + 4 :] + extra


def test_pictures_turned_by_ffmpeg(mp4_clips: dict[str, Path], tmp_path: Path) -> None:
    """ffmpeg turns what it decodes by the matrix; the turn must be the one we name."""
    rotation = _pictures(mp4_clips["turned.mp4"].read_bytes()).rotation
    assert rotation in {90, 270}
    first = ["-frames:v", "1", "-pix_fmt", "gray", "-f", "rawvideo"]
    ffmpeg("-i", mp4_clips["plain.mp4"], *first, tmp_path / "upright")
    ffmpeg("-i", mp4_clips["turned.mp4"], *first, tmp_path / "turned")
    upright = np.fromfile(tmp_path / "upright", np.uint8).reshape(120, 160)
    turned = np.fromfile(tmp_path / "turned", np.uint8).reshape(160, 120)
    assert np.array_equal(turned, np.rot90(upright, -rotation // 90))


@pytest.mark.parametrize(("turn", "degrees"), _TURNS.items())
@pytest.mark.parametrize(("kind", "at"), [("tkhd", 44), ("mvhd", 40)])
def test_rotation(
    mp4_clips: dict[str, Path], turn: tuple[int, int, int, int], degrees: int | None, kind: str, at: int
) -> None:
    data = bytearray(mp4_clips["plain.mp4"].read_bytes())
    a, b, c, d = (n * 0x10000 for n in turn)
    start = data.index(kind.encode()) + at
    data[start : start + 20] = numbers(a, b, 0, c, d)
    assert _pictures(bytes(data)).rotation == degrees


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, ""),
        (1_600_000_000, ""),
        (2_082_844_799, ""),
        (2_082_844_800, "1970-01-01T00:00:00Z"),
        (3_786_912_000, "2024-01-01T00:00:00Z"),
    ],
)
def test_creation_time_of_the_movie_stands_in(mp4_clips: dict[str, Path], seconds: int, text: str) -> None:
    data = bytearray(mp4_clips["plain.mp4"].read_bytes())
    start = data.index(b"mvhd") + 8
    data[start : start + 4] = numbers(seconds)
    assert _pictures(bytes(data)).creation_time == text


def test_top_level_boxes_of_every_form() -> None:
    large = struct.pack(">I4sQ", 1, b"mdat", 20) + b"data"
    data = box("ftyp", b"isom") + large + struct.pack(">I4s", 0, b"free") + b"rest"
    assert top_level(BytesSource(data)) == (
        Box("ftyp", 0, 8, 12),
        Box("mdat", 12, 16, 20),
        Box("free", 32, 8, 12),
    )


def test_the_byte_that_dicom_pads_with_is_no_part_of_the_stream(mp4_clips: dict[str, Path]) -> None:
    data = mp4_clips["faststart.mp4"].read_bytes()
    assert layout(BytesSource(data + b"\x00")).stream_size == len(data)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (
            box("ftyp", b"isom") + struct.pack(">I4s", 100, b"mdat") + b"cut",
            "the file is truncated: box 'mdat' at byte 12 needs 100 bytes, but the file ends after 23",
        ),
        (
            box("ftyp", b"isom") + b"\x00\x00\x00\x10md",
            "the file is truncated: it ends after 18 bytes, inside a box header at byte 12",
        ),
        (
            struct.pack(">I4s", 7, b"mdat"),
            "box 'mdat' at byte 0 says that it has 7 bytes, less than its own header",
        ),
        (struct.pack(">I4sI", 1, b"mdat", 0), "box 'mdat' at byte 0 is cut short inside its header"),
        (
            struct.pack(">I4sQ", 1, b"mdat", 2**63),
            "the file is truncated: box 'mdat' at byte 0 needs 9223372036854775808 bytes, but the file ends after 16",
        ),
        (box("free") * 100_001, "the file has more than 100000 boxes"),
    ],
)
def test_broken_top_level_is_refused_in_a_sentence(data: bytes, sentence: str) -> None:
    with pytest.raises(BrokenVideo) as caught:
        top_level(BytesSource(data))
    assert caught.value.sentence == sentence


def test_an_index_is_needed_and_bounded() -> None:
    with pytest.raises(BrokenVideo, match="no 'moov' box"):
        tracks(BytesSource(box("ftyp", b"isom") + box("mdat")))
    with pytest.raises(BrokenVideo, match="has no 'mvhd' box"):
        tracks(BytesSource(box("moov")))
    huge = BytesSource(struct.pack(">I4sQ", 1, b"moov", 2**40))
    huge.size = 2**40
    with pytest.raises(BrokenVideo, match="at most 536870912 are read"):
        tracks(huge)


_TABLES = {
    "stts": box("stts", numbers(0, 2, 2, 10, 1, 20)),
    "stsc": box("stsc", numbers(0, 1, 1, 3, 1)),
    "stco": box("stco", numbers(0, 1, 8)),
}
_REPLACED = {"co64": "stco", "stz2": "stsz"}
_IDENTITY = numbers(0x10000, 0, 0, 0, 0x10000) + bytes(16)


def _film(
    *given: bytes,
    stsz: bytes = numbers(0, 0, 3, 4, 5, 6),
    edits: bytes = b"",
    movie_scale: int = 1000,
    track_scale: int = 1000,
) -> bytes:
    """A hand-made file: 16 bytes of pictures at byte 8, then an index whose sample table has the given boxes."""
    tables = _TABLES | {"stsz": box("stsz", stsz)}
    for table in given:
        kind = table[4:8].decode()
        tables.pop(_REPLACED.get(kind, ""), None)
        tables[kind] = table
    minf = box("minf", box("stbl", *tables.values()))
    mdia = box("mdia", box("mdhd", numbers(0, 0, 0, track_scale)), box("hdlr", numbers(0, 0), b"vide"), minf)
    tkhd = box("tkhd", numbers(0, 0, 0, 1), bytes(24), _IDENTITY)
    mvhd = box("mvhd", numbers(0, 0, 0, movie_scale), bytes(20), _IDENTITY)
    edts = box("edts", box("elst", edits)) if edits else b""
    return box("mdat", bytes(16)) + box("moov", mvhd, box("trak", tkhd, mdia, edts))


def test_hand_made_tables() -> None:
    table = _indexed(_film())
    assert table.offset.tolist() == [8, 12, 17]
    assert table.size.tolist() == [4, 5, 6]
    assert table.time.tolist() == table.decode_time.tolist() == [0, 10, 20]
    assert table.duration.tolist() == [10, 10, 20]
    assert table.key.tolist() == [True, True, True]
    assert {column.dtype for column in (table.offset, table.size, table.time, table.duration)} == {np.dtype("int64")}


def test_chunks_of_different_lengths() -> None:
    table = _indexed(
        _film(box("stco", numbers(0, 3, 20, 8, 30)), box("stsc", numbers(0, 3, 1, 1, 1, 2, 2, 1, 3, 0, 1)))
    )
    assert table.offset.tolist() == [20, 8, 13]


def test_wide_chunk_offsets() -> None:
    table = _indexed(_film(box("co64", numbers(0, 1), numbers(9, width=8))))
    assert table.offset.tolist() == [9, 13, 18]


@pytest.mark.parametrize(
    ("field", "packed"), [(4, b"\x45\x60"), (8, b"\x04\x05\x06"), (16, b"\x00\x04\x00\x05\x00\x06")]
)
def test_compact_sizes(field: int, packed: bytes) -> None:
    assert _indexed(_film(box("stz2", numbers(0, field, 3), packed))).size.tolist() == [4, 5, 6]


def test_equal_sizes() -> None:
    assert _indexed(_film(stsz=numbers(0, 5, 3))).offset.tolist() == [8, 13, 18]


@pytest.mark.parametrize("version", [0, 1])
def test_composition_offsets_are_signed(version: int) -> None:
    ctts = box("ctts", numbers(version << 24, 2, 1, 20, 2, -5))
    assert _indexed(_film(ctts)).time.tolist() == [20, 5, 15]


def test_wide_edit_lists() -> None:
    edits = numbers(1 << 24, 2) + struct.pack(">Qqhh", 500, -1, 1, 0) + struct.pack(">Qqhh", 500, 10, 0, 0x4000)
    data = _film(edits=edits)
    assert _pictures(data).edits == ((500, -1, 1.0), (500, 10, 0.25))
    assert _indexed(data).time.tolist() == [490, 500, 510]


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (_film(stsz=numbers(0, 0, 3, 4, 5, 2**31)), "frame 3's data lie beyond the end of the file"),
        (_film(box("stco", numbers(0, 1, 2**32 - 1))), "frame 1's data lie beyond the end of the file"),
        (_film(box("co64", numbers(0, 1), b"\xff" * 8)), "frame 1's data lie beyond the end of the file"),
        (_film(stsz=numbers(0, 1, 2**31)), "announces 2147483648 frames; at most 8388608 are read"),
        (_film(stsz=numbers(0, 1, 2**20)), "announces 1048576 frames of 1 bytes, more than the file has"),
        (_film(stsz=numbers(0, 0, 4, 1, 1, 1)), "announces 4 entries, but has room for 3"),
        (_film(box("stts", numbers(0, 1, 2**32 - 1, 1))), "has 3 frames, but its 'stts' box describes 4294967295"),
        (_film(box("stts", numbers(0, 2**32 - 1))), "announces 4294967295 entries"),
        (_film(box("ctts", numbers(0, 1, 2, 1))), "has 3 frames, but its 'ctts' box describes 2"),
        (_film(box("stsc", numbers(0, 1, 1, 2, 1))), "has 3 frames, but its 'stsc' box describes 2"),
        (_film(box("stsc", numbers(0, 1, 2, 3, 1))), "does not describe the 1 chunks in order"),
        (_film(box("stsc", numbers(0, 0))), "does not describe the 1 chunks in order"),
        (_film(box("stss", numbers(0, 1, 4))), "names a key frame outside the 3 frames"),
        (_film(box("stss", numbers(0, 1, 0))), "names a key frame outside the 3 frames"),
        (_film(box("stz2", numbers(0, 12, 3), bytes(8))), "sizes of 12 bits"),
        (_film(edits=numbers(0, 20_000)), "at most 10000"),
        (_film(edits=numbers(0, 2, 1, 0, 0x10000)), "too short"),
        (_film(edits=numbers(0, 1, 1, -1, 0x10000), movie_scale=0), "the movie has timescale 0"),
        (_film(edits=numbers(1 << 24, 1) + struct.pack(">QqI", 1, 2**63 - 1, 0x10000)), "absurd time"),
        (_film(track_scale=0), "track 1 has timescale 0"),
    ],
)
def test_contradicting_tables_are_refused(data: bytes, problem: str) -> None:
    with pytest.raises(BrokenVideo, match=problem):
        _indexed(data)


def test_a_child_beyond_its_parent_is_refused() -> None:
    with pytest.raises(BrokenVideo) as caught:
        tracks(BytesSource(box("moov", struct.pack(">I4s", 50, b"mvhd"))))
    assert caught.value.sentence == "box 'mvhd' at byte 8 needs 50 bytes, but its parent 'moov' ends before that"
    with pytest.raises(BrokenVideo, match="more than 1000 children"):
        tracks(BytesSource(box("moov", box("free") * 1001)))


def test_a_long_film_is_indexed_in_milliseconds() -> None:
    count = 36_000
    sizes = numbers(0, 0, count) + numbers(1) * count
    chunks = box("stco", numbers(0, count), numbers(8) * count)
    ctts = box("ctts", numbers(0, count), numbers(1, 5) * count)
    data = _film(chunks, box("stsc", numbers(0, 1, 1, 1, 1)), ctts, box("stts", numbers(0, 1, count, 10)), stsz=sizes)
    source, track = BytesSource(data), _pictures(data)
    started = time.perf_counter()
    table = samples(source, track)
    assert time.perf_counter() - started < 0.1  # a loop over frames in Python takes longer
    assert len(table) == count
    assert table.time[-1] == 10 * (count - 1) + 5


def test_a_cut_file_is_refused(mp4_clips: dict[str, Path], tmp_path: Path) -> None:
    path = tmp_path / "cut.mp4"
    ffmpeg("-i", mp4_clips["sound.mp4"], "-c", "copy", "-movflags", "faststart", path)
    data = path.read_bytes()
    with pytest.raises(BrokenVideo, match=f"the file is truncated: box 'mdat' .* ends after {len(data) - 100}"):
        tracks(BytesSource(data[:-100]))


def _answers(data: bytes) -> None:
    """Everything that takes a file answers, or says what is broken."""
    source = BytesSource(data)
    for attempt in (lambda: layout(source), lambda: [samples(source, track) for track in tracks(source)]):
        with suppress(BrokenVideo):
            attempt()


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["ftyp", "moov", "mdat", "trak", "moof"]), st.binary(max_size=60))), st.binary()
)
def test_random_boxes_are_answered_or_refused(boxes: list[tuple[str, bytes]], tail: bytes) -> None:
    _answers(b"".join(box(kind, content) for kind, content in boxes) + tail)


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(["plain.mp4", "late.mp4", "quicktime.mov", "negative_offsets.mp4", "encrypted.mp4"]),
    st.lists(st.tuples(st.integers(0), st.sampled_from([0, 1, 2, 0x7F, 0x80, 0xFF])), min_size=1, max_size=4),
)
def test_changed_indexes_are_answered_or_refused(
    mp4_clips: dict[str, Path], name: str, changes: list[tuple[int, int]]
) -> None:
    data = bytearray(mp4_clips[name].read_bytes())
    index = data.index(b"moov")
    for at, value in changes:
        data[index + at % (len(data) - index)] = value
    _answers(bytes(data))


@settings(max_examples=200, deadline=None)
@given(st.integers(0), st.binary(min_size=4, max_size=4))
def test_changed_tables_are_answered_or_refused(at: int, number: bytes) -> None:
    data = bytearray(_film(box("ctts", numbers(0, 1, 3, 4)), box("stss", numbers(0, 1, 1))))
    start = 24 + at % (len(data) - 28)
    data[start : start + 4] = number
    _answers(bytes(data))
