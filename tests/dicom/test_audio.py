"""Which sound may stay (PS3.5 8.2.5, 8.2.12), what it else becomes, and how it is announced."""

from __future__ import annotations

import pytest

from orthanc_video.dicom.audio import conforms, described, wanted
from orthanc_video.model import Sound

_STEREO = Sound(codec="aac", rate=48000, channels=2, bit_rate=192_000)
_MP3 = Sound(codec="mp3", rate=44100, channels=2, bit_rate=192_000, constant=True)


@pytest.mark.parametrize(
    ("beside", "sound", "stays"),
    [
        ("h264", Sound(codec="aac", rate=48000, channels=2, bit_rate=128_000), True),
        ("hevc", Sound(codec="aac", rate=48000, channels=6, bit_rate=384_000), True),
        ("h264", Sound(codec="aac", rate=44100, channels=2), False),
        ("h264", Sound(codec="aac", rate=48000, channels=1), False),
        ("h264", Sound(codec="aac", rate=48000, channels=2, bit_rate=700_000), False),
        ("h264", Sound(codec="aac HE-AAC", rate=48000, channels=2), False),
        ("h264", _MP3, True),
        ("h264", Sound(codec="mp3", rate=44100, channels=2, bit_rate=192_000), False),  # of variable bit rate
        ("h264", Sound(codec="mp2", rate=48000, channels=2, bit_rate=384_000), True),
        ("h264", Sound(codec="mp2", rate=48000, channels=1), False),
        ("h264", Sound(codec="ac3", rate=48000, channels=6), False),  # in a transport stream only
        ("h264", Sound(codec="pcm_s16le", rate=48000, channels=2), False),  # likewise
        ("h264", Sound(codec="opus", rate=48000, channels=2), False),
        ("mpeg2video", _MP3, True),
        ("mpeg2video", Sound(codec="aac", rate=48000, channels=2), False),
    ],
)
def test_what_may_stay(beside: str, sound: Sound, stays: bool) -> None:
    assert conforms(beside, sound) == stays
    becomes = wanted(beside, sound)
    assert (becomes == sound) == stays
    assert conforms(beside, becomes)


def test_what_it_becomes() -> None:
    assert wanted("h264", Sound(codec="opus", rate=48000, channels=1)) == _STEREO
    assert wanted("h264", Sound(codec="dts", rate=48000, channels=8)).channels == 6
    assert wanted("mpeg2video", Sound(codec="pcm_s16le", rate=48000, channels=2)).codec == "mp3"


def test_the_announcement_is_never_empty() -> None:
    """dciodvfy takes an empty sequence for an error; PS3.3 C.7.6.5 has three attributes of type 1 in each item."""
    (item,) = described(_STEREO)
    assert (item.ChannelIdentificationCode, item.ChannelMode) == (1, "STEREO")
    assert item.ChannelSourceSequence[0].CodeValue == "109112"
    assert described(Sound(codec="mp3", rate=48000, channels=1))[0].ChannelMode == "MONO"
