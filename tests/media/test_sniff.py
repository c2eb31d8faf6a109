"""What the first bytes say."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clips import Clips
from orthanc_video.media import sniff

_DEMUXERS = {
    "mp4": "mov,mp4,m4a,3gp,3g2,mj2",
    "mov": "mov,mp4,m4a,3gp,3g2,mj2",
    "mkv": "matroska,webm",
    "avi": "avi",
    "mpg": "mpeg",
    "ts": "mpegts",
}


@pytest.mark.parametrize("kind", _DEMUXERS)
def test_containers_are_known_by_their_content(clips: Clips, kind: str) -> None:
    head = clips.video("mpeg4", kind).read_bytes()[: sniff.HEAD]
    assert sniff.container(head) == _DEMUXERS[kind]
    assert sniff.what_else(head) == ""
    assert not sniff.is_dicom(head)
    assert not sniff.is_zip(head)


def test_a_blu_ray_transport_stream_has_packets_of_192_bytes(clips: Clips) -> None:
    data = clips.video("mpeg2", "ts").read_bytes()
    m2ts = b"".join(bytes(4) + data[at : at + 188] for at in range(0, 188 * 12, 188))
    assert sniff.container(m2ts) == "mpegts"


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (b"%PDF-1.7\n", "PDF"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "JPEG"),
        (b"\x89PNG\r\n\x1a\n", "PNG"),
        (b"RIFF\x10\x00\x00\x00WAVEfmt ", "WAV"),
        (b"RIFF\x10\x00\x00\x00WEBPVP8 ", "WebP"),
        (b"ID3\x04\x00", "MP3"),
        (b"#EXTM3U\n#EXTINF:10,\nhttp://127.0.0.1/x", "playlist"),
        (b"ffconcat version 1.0\nfile /etc/passwd", "playlist"),
        (b"<!DOCTYPE html>", "text"),
        (b'{"a": 1}', "text"),
        ("Größe: 5 µm\r\n".encode(), "text"),
        (("ä" * 3000).encode()[: sniff.HEAD - 1], "text"),
        (b"", ""),
        (b"\x00\x01\x02\x03", ""),
        (b"abc\x00def", ""),
    ],
)
def test_what_is_no_video_is_named(head: bytes, words: str) -> None:
    assert words in sniff.what_else(head)
    assert bool(words) == bool(sniff.what_else(head))
    assert sniff.container(head) == ""


def test_dicom_and_zip() -> None:
    assert sniff.is_dicom(bytes(128) + b"DICM" + b"\x02\x00\x00\x00")
    assert sniff.is_dicom(b"\x08\x00\x05\x00CS\x0a\x00ISO_IR 100")
    assert not sniff.is_dicom(bytes(128) + b"DIC")
    assert sniff.is_zip(b"PK\x03\x04\x14\x00")


@pytest.mark.parametrize(("codec", "kind"), [("h264", "mkv"), ("vp9", "webm"), ("mpeg4", "avi")])
def test_missing_bytes_are_counted(clips: Clips, codec: str, kind: str) -> None:
    data = clips.video(codec, kind).read_bytes()
    assert sniff.missing_bytes(data[: sniff.HEAD], len(data)) == 0
    assert sniff.missing_bytes(data[: sniff.HEAD], len(data) - 1) == 1
    assert sniff.missing_bytes(data[: sniff.HEAD], 5000) == len(data) - 5000


def test_a_live_webm_announces_no_size(clips: Clips) -> None:
    head = clips.recorder_webm().read_bytes()[: sniff.HEAD]
    assert sniff.missing_bytes(head, 100) == 0


@given(head=st.binary(max_size=300), prefix=st.sampled_from([b"", b"\x1a\x45\xdf\xa3", b"RIFF\xff\xff\xff\x00AVI "]))
def test_no_bytes_make_it_fail(head: bytes, prefix: bytes) -> None:
    data = prefix + head
    assert sniff.missing_bytes(data, len(data)) >= 0
    sniff.what_else(data)
    sniff.is_dicom(data)


def test_an_avi_that_announces_no_length_is_not_truncated() -> None:
    assert sniff.missing_bytes(b"RIFF" + struct.pack("<I", 0xFFFFFFFF) + b"AVI LIST", 20) == 0
