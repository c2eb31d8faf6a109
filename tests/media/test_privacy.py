"""Nothing that a file tells beside its pictures gets into an object: every place where cameras and editors write."""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import clocks
from clips import Clips, picture_source
from conversions import converted
from oracles import frame_md5s, slice_hash
from orthanc_video.bitstream.boxes import Source
from orthanc_video.bitstream.extras import extras
from orthanc_video.bitstream.nal import split_annexb
from orthanc_video.files import Bytes, SpanSource
from orthanc_video.model import Action, Wishes

_WORDS = b"PLANTED Jane Doe"
_UUID = "086f3693b7b34f2c965321492feee5b8"
_PLACE = b"+48.1351+011.5820/"


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


def _grown(data: bytes, kind: bytes, added: bytes) -> bytes:
    """An MP4 whose index (before its pictures) has ``added`` at the end of its first box of a kind."""
    moov = data.index(b"moov") - 4
    place = moov if kind == b"moov" else data.index(kind, moov) - 4
    (length,) = struct.unpack_from(">I", data, place)
    grown = bytearray(data[: place + length] + added + data[place + length :])
    for name in (b"moov", b"trak"):
        at = data.index(name) - 4
        (old,) = struct.unpack_from(">I", data, at)
        if at <= place < at + old:
            struct.pack_into(">I", grown, at, old + len(added))
    at = grown.index(b"stco") + 4
    (count,) = struct.unpack_from(">I", grown, at + 4)
    for number in range(count):
        (offset,) = struct.unpack_from(">I", grown, at + 8 + 4 * number)
        struct.pack_into(">I", grown, at + 8 + 4 * number, offset + len(added))
    return bytes(grown)


def _udta(*boxes: bytes) -> Callable[[bytes], bytes]:
    return lambda data: _grown(data.replace(b"udta", b"free", 1), b"moov", _box(b"udta", b"".join(boxes)))


def _noted(kind: bytes, at: int, value: bytes) -> Callable[[bytes], bytes]:
    def patched(data: bytes) -> bytes:
        begin = data.index(kind) + at
        return data[:begin] + value + data[begin + len(value) :]

    return patched


_APPLE = _box(b"meta", bytes(4) + _box(b"keys", b"com.apple.quicktime.location.ISO6709" + _WORDS))
# Where it is planted → what becomes of a conforming MP4.
_PLACES: dict[str, Callable[[bytes], bytes]] = {
    "©xyz": _udta(_box(b"\xa9xyz", b"\0\x12\x15\xc7" + _PLACE + _WORDS)),
    "©nam": _udta(_box(b"\xa9nam", b"\0\x10\x15\xc7" + _WORDS)),
    "©day": _udta(_box(b"\xa9day", b"\0\x10\x15\xc7" + _WORDS)),
    "loci": _udta(_box(b"loci", bytes(6) + _WORDS + bytes(16))),
    "vendor's own": _udta(_box(b"CNTH", _WORDS)),
    "Apple's keys": lambda data: _grown(data, b"moov", _APPLE),
    "XMP, uuid box at the end": lambda data: data + _box(b"uuid", bytes(16) + _WORDS),
    "uuid in the index": lambda data: _grown(data, b"moov", _box(b"uuid", bytes(16) + _WORDS)),
    "udta of the track": lambda data: _grown(data, b"trak", _box(b"udta", _box(b"name", _WORDS))),
    "meta at the end": lambda data: data + _box(b"meta", bytes(4) + _WORDS),
    "ID3": lambda data: data + _box(b"meta", bytes(4) + _box(b"ID32", _WORDS)),
    "free box": lambda data: data + _box(b"free", _WORDS),
    "among the pictures": lambda data: data + _box(b"mdat", _WORDS),
    "handler": _noted(b"hdlr", 28, b"PLANTED"),
    "compressor": _noted(b"avc1\0", 46, b"\x07PLANTED"),
    "movie's time": _noted(b"mvhd", 8, b"PLNT"),
    "track's time": _noted(b"tkhd", 8, b"PLNT"),
    "media's time": _noted(b"mdhd", 8, b"PLNT"),
}  # fmt: skip


@pytest.fixture(scope="module")
def mp4(clips: Clips) -> bytes:
    return clips.conforming(rate="25").read_bytes()


@pytest.mark.parametrize("place", _PLACES)
def test_an_mp4_that_tells_more_is_remuxed_without(mp4: bytes, tmp_path: Path, place: str) -> None:
    source = tmp_path / "planted.mp4"
    source.write_bytes(_PLACES[place](mp4))
    assert b"PLANTED" in source.read_bytes() or b"PLNT" in source.read_bytes()
    result = converted(source, tmp_path / "o")
    assert result.plan.action is Action.REMUX
    assert "tells more than the pictures" in result.said
    assert _planted(result.path) == []
    assert slice_hash(result.stream) == slice_hash(source)
    assert frame_md5s(result.stream) == frame_md5s(source)


def _sounding(clips: Clips) -> bytes:
    """A conforming MP4 with sound that may stay, whose pictures and sounds are its last box."""
    sound = "-ac 2 -c:a aac -ar 48000 -movflags +faststart"
    return clips.encoded("sounding-for-privacy.mp4", sound, sound="sine=r=48000:d=1").read_bytes()


def _behind_the_last(data: bytes) -> bytes:
    """The last box, that of the pictures, is longer than all that the index names."""
    at = data.rindex(b"mdat") - 4
    assert at + int.from_bytes(data[at : at + 4]) == len(data)
    return data[:at] + (len(data) - at + len(_WORDS)).to_bytes(4) + data[at + 4 :] + _WORDS


def _named_twice(data: bytes) -> bytes:
    """As before, and the index names other bytes twice, so that the sum is right."""
    grown = bytearray(_behind_the_last(data))
    at = grown.rindex(b"stsz") + 4  # the sound's: version, common size (none), count, sizes
    common, first = struct.unpack_from(">I4xI", grown, at + 4)
    assert (common, grown.rindex(b"soun") < at) == (0, True)
    struct.pack_into(">I", grown, at + 12, first + len(_WORDS))
    return bytes(grown)


_KEEP = Wishes(audio="keep")


def test_with_its_sound_a_clean_file_stays_as_it_is(clips: Clips, tmp_path: Path) -> None:
    source = tmp_path / "sounding.mp4"
    source.write_bytes(_sounding(clips))
    result = converted(source, tmp_path / "o", _KEEP)
    assert (result.plan.action, result.info.extras) == (Action.WRAP, ())


@pytest.mark.parametrize("plant", [_behind_the_last, _named_twice])
def test_bytes_that_no_index_names_go_with_the_sound_kept(
    clips: Clips, tmp_path: Path, plant: Callable[[bytes], bytes]
) -> None:
    source = tmp_path / "planted.mp4"
    source.write_bytes(plant(_sounding(clips)))
    result = converted(source, tmp_path / "o", _KEEP)
    assert result.plan.action is Action.REMUX
    assert "unused bytes" in result.said
    assert _planted(result.path) == []
    assert slice_hash(result.stream) == slice_hash(source)
    assert result.plan.sound is not None


def _planted(path: Path) -> list[bytes]:
    data = path.read_bytes()
    return [word for word in (b"PLANTED", b"PLNT", b"Jane", b"48.1351") if word in data]


def test_what_names_nobody_stays_as_it_is(mp4: bytes, tmp_path: Path) -> None:
    source = tmp_path / "plain.mp4"
    source.write_bytes(mp4 + _box(b"free", bytes(3000)))
    assert converted(source, tmp_path / "o").plan.action is Action.WRAP


def test_times_of_what_comes_out_are_none(clips: Clips, tmp_path: Path) -> None:
    source = clips.encoded("dated-for-privacy.mp4", "-movflags +faststart -metadata creation_time=2021-05-06T07:08:09Z")
    result = converted(source, tmp_path / "o")
    with SpanSource(result.stream) as stream:
        assert extras(_source(stream)) == ()
    # The object itself has it as an attribute, which de-identification knows.
    assert (result.dataset.StudyDate, result.dataset.StudyTime) == ("20210506", "070809")


def _source(stream: SpanSource) -> Source:
    return Bytes(stream)


def _with_sei(clips: Clips, codec: str, kind: str, folder: Path) -> Path:
    """Text in an SEI message before a picture, as MISB, DJI and others have it."""
    source = clips.encoded(f"in-order-{codec}.{kind}", "-bf 0", codec=codec)
    target = folder / f"sei.{kind}"
    if codec == "h264":
        words = f"h264_metadata=sei_user_data={_UUID}+{_WORDS.decode()}"
        _ffmpeg("-i", source, "-c", "copy", "-bsf:v", words, "-movflags", "+faststart", target)
        return target
    raw = folder / "raw.hevc"
    _ffmpeg("-i", source, "-c", "copy", "-f", "hevc", raw)
    payload = bytes.fromhex(_UUID) + _WORDS
    sei = b"\0\0\0\1\x4e\x01\x05" + bytes([len(payload)]) + payload + b"\x80"
    first = raw.read_bytes()
    at = first.index(b"\0\0\1\x26\x01") if b"\0\0\1\x26\x01" in first else first.index(b"\0\0\1\x28\x01")
    raw.write_bytes(first[:at] + sei[1:] + first[at:])
    _ffmpeg("-r", "30000/1001", "-i", raw, "-c", "copy", "-tag:v", "hvc1", "-movflags", "+faststart", target)
    return target


def _ffmpeg(*arguments: str | Path) -> None:
    subprocess.run(["ffmpeg", "-v", "error", "-y", *map(str, arguments)], check=True, timeout=60)


@pytest.mark.parametrize(("codec", "kind"), [("h264", "mp4"), ("h264", "mkv"), ("h264", "ts"), ("hevc", "mp4")])
def test_user_data_goes_and_slices_stay(clips: Clips, tmp_path: Path, codec: str, kind: str) -> None:
    source = _with_sei(clips, codec, kind, tmp_path)
    assert b"PLANTED" in source.read_bytes()
    result = converted(source, tmp_path / "o")
    assert result.plan.action is Action.REMUX
    assert "user data among its pictures" in result.said
    assert _planted(result.path) == []
    assert slice_hash(result.stream, codec) == slice_hash(source, codec)
    assert frame_md5s(result.stream) == frame_md5s(source)


def _sei(kind: int, content: bytes, header: bytes = b"\x06") -> bytes:
    return header + bytes([kind, len(content)]) + content + b"\x80"


_X264 = bytes.fromhex("dc45e9bde6d948b7962cd820d923eeef")
# Units planted among the pictures.
_AMONG: dict[str, tuple[str, bytes]] = {
    "HEVC's suffix SEI": ("hevc", _sei(5, bytes.fromhex(_UUID) + _WORDS, b"\x50\x01")),
    "filler of H.265": ("hevc", b"\x4c\x01" + _WORDS + b"\x80"),
    "reserved pictures of H.265": ("hevc", b"\x2c\x01" + _WORDS),
    "filler of H.264": ("h264", b"\x0c" + _WORDS + b"\x80"),
    "filler payload": ("h264", _sei(3, _WORDS)),
    "reserved message": ("h264", _sei(200, _WORDS)),
    "x264's name": ("h264", _sei(5, _X264 + b"x264 - core 164 " + _WORDS)),
    "auxiliary picture": ("h264", b"\x13" + _WORDS),
    "reserved unit": ("h264", b"\x12" + _WORDS),
}


@pytest.mark.parametrize("place", _AMONG)
def test_what_hides_among_large_pictures_goes(clips: Clips, tmp_path: Path, place: str) -> None:
    codec, unit = _AMONG[place]
    noise = picture_source(seconds=0.4, rate="25") + ",noise=alls=80:allf=t"
    quality = "-g 5 -bf 0 -crf 5" if codec == "h264" else "-g 5 -bf 0 -x265-params log-level=none:bframes=0:crf=5"
    raw = clips.encoded(f"large-frames.{codec}", quality, codec=codec, source=noise).read_bytes()
    stem = tmp_path / f"planted.{codec}"
    pieces = []
    for one in split_annexb(raw):
        is_slice = one[0] & 31 in {1, 5} if codec == "h264" else one[0] >> 1 & 63 < 32
        # SEI of H.264 begins the next access unit (7.4.1.2.3).
        pieces += ([unit, one] if unit[0] == 6 else [one, unit]) if is_slice else [one]
        assert len(one) > 4096 or not is_slice
    stem.write_bytes(b"".join(b"\0\0\0\1" + piece for piece in pieces))
    for kind, options in (("mp4", ["-movflags", "+faststart", *["-tag:v", "hvc1"] * (codec == "hevc")]), ("mkv", [])):
        source = tmp_path / f"planted.{kind}"
        _ffmpeg("-r", "25", "-i", stem, "-c", "copy", *options, source)
        assert source.read_bytes().count(b"PLANTED") == 10
        result = converted(source, tmp_path / "o")
        assert result.plan.action is Action.REMUX
        assert "user data among its pictures" in result.said
        assert _planted(result.path) == []
        assert frame_md5s(result.stream) == frame_md5s(source)


@pytest.mark.parametrize("kind", ["mpg", "ts"])
def test_mpeg2_user_data_goes(clips: Clips, tmp_path: Path, kind: str) -> None:
    plain = clips.encoded("plain.m2v", "-f mpeg2video -bf 2", codec="mpeg2").read_bytes()
    raw = tmp_path / "raw.m2v"
    raw.write_bytes(plain.replace(b"\0\0\1\1", b"\0\0\1\xb2" + _WORDS + b"\0\0\1\1", 3))
    source = tmp_path / f"planted.{kind}"
    _ffmpeg("-fflags", "+genpts", "-r", "30000/1001", "-i", raw, "-c", "copy", source)
    result = converted(source, tmp_path / "o")
    assert result.plan.action is Action.REMUX
    assert _planted(result.path) == []
    assert slice_hash(result.stream, "mpeg2video") == slice_hash(source, "mpeg2video")


@pytest.mark.parametrize("kind", ["mpg", "ts"])
def test_the_time_of_day_of_mpeg2s_groups_goes(clips: Clips, tmp_path: Path, kind: str) -> None:
    source = clocks.mpeg2(clips, kind)
    assert min(clocks.told(source)) == "10:15:30:00"
    result = converted(source, tmp_path / "o")
    assert result.plan.action is Action.REMUX
    assert "names, places or times" in result.said
    assert clocks.told(result.stream) == {"00:00:00:00"}
    assert slice_hash(result.stream, "mpeg2video") == slice_hash(source, "mpeg2video")
    assert frame_md5s(result.stream) == frame_md5s(source)
    again = converted(result.stream.rename(tmp_path / "again.mpg"), tmp_path / "p")
    assert again.plan.action is Action.WRAP, again.said


def test_time_codes_that_tell_no_time_of_day_stay_as_they_are(clips: Clips, tmp_path: Path) -> None:
    source = converted(clocks.mpeg2(clips, "mpg", ""), tmp_path / "o").stream
    codes = clocks.told(source)
    assert len(codes) == 3
    result = converted(source.rename(tmp_path / "again.mpg"), tmp_path / "p")
    assert result.plan.action is Action.WRAP, result.said
    assert clocks.told(result.stream) == codes


@pytest.mark.parametrize("kind", ["mp4", "ts", "mkv"])
def test_the_time_of_day_of_h264s_pictures_goes(clips: Clips, tmp_path: Path, kind: str) -> None:
    raw, source = tmp_path / "raw.h264", tmp_path / f"timed.{kind}"
    raw.write_bytes(clocks.timed(clips))
    _ffmpeg("-fflags", "+genpts", "-r", "30000/1001", "-i", raw, "-c", "copy", "-movflags", "+faststart", source)
    assert any(time.startswith("10:15:30") for time in clocks.told(source))
    result = converted(source, tmp_path / "o")
    assert result.plan.action is Action.REMUX
    assert "names, places or times" in result.said
    assert clocks.told(result.stream) == {"00:00:00:00"}
    assert slice_hash(result.stream) == slice_hash(source)
    assert frame_md5s(result.stream) == frame_md5s(source)


_BESIDE_MPEG2: dict[str, tuple[str, Callable[[bytes], bytes], str]] = {
    "private stream": ("vob", lambda data: data + b"\0\0\1\xbf\0\x10" + _WORDS, "private streams"),
    "padding": ("vob", lambda data: data + b"\0\0\1\xbe\0\x10" + _WORDS, "padding"),
    "trailing bytes": ("mpg", lambda data: data + _WORDS, "unused bytes"),
    "null packet": ("ts", lambda data: data + b"\x47\x1f\xff\x10" + _WORDS + bytes(168), "null packets"),
    "undeclared stream": ("ts", lambda data: data + b"\x47\x12\x34\x10" + _WORDS + bytes(168), "other streams"),
}


@pytest.mark.parametrize("place", _BESIDE_MPEG2)
def test_mpeg2_is_remuxed_without_what_lies_beside_it(clips: Clips, tmp_path: Path, place: str) -> None:
    kind, plant, named = _BESIDE_MPEG2[place]
    source = tmp_path / f"beside.{kind}"
    source.write_bytes(plant(clips.encoded(f"beside.{kind}", codec="mpeg2").read_bytes()))
    result = converted(source, tmp_path / "o")
    assert result.plan.action is Action.REMUX
    assert f"tells more than the pictures ({named})" in result.said
    assert _planted(result.path) == []
    assert slice_hash(result.stream, "mpeg2video") == slice_hash(source, "mpeg2video")
    assert frame_md5s(result.stream) == frame_md5s(source)


def test_the_names_of_a_service_go(clips: Clips, tmp_path: Path) -> None:
    source, told = tmp_path / "service.ts", ["-metadata", "service_name=PLANTED", "-metadata", "service_provider=Jane"]
    _ffmpeg("-i", clips.video("mpeg2", "ts"), "-c", "copy", *told, source)
    assert len(_planted(source)) == 2
    result = converted(source, tmp_path / "o")
    assert "tells more than the pictures (tables)" in result.said
    assert _planted(result.path) == []


def test_what_was_made_of_mpeg2_is_taken_as_it_is(clips: Clips, tmp_path: Path) -> None:
    made = converted(clips.video("mpeg2", "mkv"), tmp_path / "o")
    assert made.plan.action is Action.REMUX
    again = converted(made.stream.rename(tmp_path / "again.mpg"), tmp_path / "p")
    assert again.plan.action is Action.WRAP, again.said


def test_tags_of_other_containers_go(clips: Clips, tmp_path: Path) -> None:
    source = tmp_path / "tags.mkv"
    told = ["-metadata", f"title={_WORDS.decode()}", "-metadata:s:v", f"comment={_WORDS.decode()}"]
    _ffmpeg("-i", clips.conforming(), "-c", "copy", *told, source)
    result = converted(source, tmp_path / "o")
    assert "tells more than the pictures (tags)" in result.said
    assert _planted(result.path) == []


def test_nothing_is_left_of_it_by_a_transcode(clips: Clips, tmp_path: Path) -> None:
    source = tmp_path / "tags.webm"
    chapters = tmp_path / "chapters.txt"
    head = ";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=500\n"
    chapters.write_text(f"{head}title={_WORDS.decode()}\n", encoding="utf-8")
    _ffmpeg("-i", clips.video("vp9", "webm"), "-i", chapters, "-map_metadata", "1", "-c", "copy",
            "-metadata", f"title={_WORDS.decode()}", source)  # fmt: skip
    assert _planted(converted(source, tmp_path / "o").path) == []
