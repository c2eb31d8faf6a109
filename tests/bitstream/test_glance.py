"""An MP4's coding at a glance is what reading the whole index says."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clips import Clips
from dicom.objects import Counting
from orthanc_video.bitstream import mp4
from orthanc_video.bitstream.glance import picture_coding
from orthanc_video.errors import BrokenVideo
from orthanc_video.files import Bytes, SpanSource


def _whole(path: Path) -> tuple[str, bytes]:
    with SpanSource(path) as source:
        track = next(track for track in mp4.tracks(Bytes(source)) if track.handler == "vide")
    return track.codec, track.extradata


@pytest.mark.parametrize("name", ["conforming", "index_at_end", "fragmented", "with_sound", "ten_bit", "recorder_mp4"])
def test_it_agrees_with_the_whole_index(clips: Clips, name: str) -> None:
    path = getattr(clips, name)()
    codec, configuration = _whole(path)
    assert codec == "avc1"
    assert picture_coding(Counting(path.read_bytes())) == (codec, configuration)


def test_other_codecs_have_their_own_code(clips: Clips) -> None:
    assert picture_coding(Counting(clips.video("mpeg4", "mp4").read_bytes())) == ("mp4v", b"")


def test_hevc_has_its_own_configuration(clips: Clips) -> None:
    """hvcC: version 1, profile 1 (Main), as ffprobe says (ISO/IEC 14496-15 8.3.3.1)."""
    codec, configuration = picture_coding(Counting(clips.video("hevc", "mp4").read_bytes()))
    assert (codec, configuration[:2]) == ("hev1", b"\x01\x01")


def test_sound_alone_has_no_pictures(clips: Clips) -> None:
    assert picture_coding(Counting(clips.sound_only().read_bytes())) == ("", b"")


def test_a_long_index_is_not_read(clips: Clips) -> None:
    """20,000 frames: hundreds of kilobytes of tables."""
    film = clips.encoded("many.mp4", "-movflags +faststart", source="color=s=32x32:r=1000:d=20")
    source = Counting(film.read_bytes())
    assert picture_coding(source)[0] == "avc1"
    assert source.bytes_read < 2000


@settings(deadline=None)
@given(data=st.data())
def test_damage_is_broken_or_harmless(clips: Clips, data: st.DataObject) -> None:
    film = bytearray(clips.conforming().read_bytes()[:3000])
    for _ in range(data.draw(st.integers(1, 5))):
        film[data.draw(st.integers(0, len(film) - 1))] = data.draw(st.integers(0, 255))
    try:
        codec, configuration = picture_coding(Counting(bytes(film)))
    except BrokenVideo:
        return
    assert isinstance(codec, str)
    assert isinstance(configuration, bytes)
