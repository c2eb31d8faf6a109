"""Which sound a video object may have (PS3.5 8.2.5, 8.2.12), and how it is announced (PS3.3 C.7.6.5). Pure."""

from __future__ import annotations

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from orthanc_video.model import Sound

_STEREO, _SURROUND = 2, 6
_MP3_RATES = frozenset({32000, 44100, 48000})
_MP3_MOST = 320_000


def conforms(video_codec: str, sound: Sound) -> bool:
    """Whether the sound may stay as it is beside pictures of that codec, in the container that they get.

    Beside H.264 and H.265, in MP4 (PS3.5 8.2.12): AAC at 48 kHz in 2 or 5.1 channels, MP3 of constant bit rate, MPEG-1
    Layer II in 2 channels. Beside MPEG-2 (8.2.5): MP3 of constant bit rate.
    """
    mp3 = (
        sound.codec == "mp3"
        and sound.constant
        and sound.rate in _MP3_RATES
        and sound.channels in {1, _STEREO}
        and sound.bit_rate <= _MP3_MOST
    )
    if video_codec == "mpeg2video":
        return mp3
    aac = sound.codec == "aac" and sound.rate == 48000 and sound.channels in {_STEREO, _SURROUND}
    layer_2 = sound.codec == "mp2" and sound.rate in _MP3_RATES and sound.channels == _STEREO
    return mp3 or (aac and sound.bit_rate <= 640_000) or (layer_2 and sound.bit_rate <= 384_000)


def wanted(video_codec: str, sound: Sound) -> Sound:
    """What it becomes: itself where it conforms; else AAC at 48 kHz, in 5.1 channels where it has them, else in 2.

    Beside MPEG-2, MP3 of 192 kbit/s.
    """
    if conforms(video_codec, sound):
        return sound
    if video_codec == "mpeg2video":
        return Sound(codec="mp3", rate=48000, channels=_STEREO, bit_rate=192_000, constant=True)
    channels = _SURROUND if sound.channels >= _SURROUND else _STEREO
    return Sound(codec="aac", rate=48000, channels=channels, bit_rate=96_000 * channels)


def described(sound: Sound) -> Sequence:
    """Multiplexed Audio Channels Description Code Sequence: the main channel, with the sound of the room.

    Channel Mode knows no more than two channels: of 5.1 it says STEREO.
    """
    source = Dataset()
    source.CodeValue = "109112"
    source.CodingSchemeDesignator = "DCM"
    source.CodeMeaning = "Ambient room environment"
    item = Dataset()
    item.ChannelIdentificationCode = 1
    item.ChannelMode = "MONO" if sound.channels == 1 else "STEREO"
    item.ChannelSourceSequence = Sequence([source])
    return Sequence([item])
