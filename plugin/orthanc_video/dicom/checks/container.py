"""Whether a stream lies in a container that DICOM and players take, and what else lies in it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pydicom.dataset import Dataset

from orthanc_video.dicom.checks.finding import Finding, finding
from orthanc_video.dicom.said import is_there, missing
from orthanc_video.dicom.syntaxes import VideoSyntax
from orthanc_video.model import MediaInfo, Sound

_PACKET = 188  # bytes (ISO/IEC 13818-1 2.4.3.2); M2TS puts a time before each, broadcasters a checksum after it
_LAYER_3 = frozenset({"mp3", "mp3float"})
_TELEVISION = frozenset({32000, 44100, 48000})


@dataclass(frozen=True, slots=True, kw_only=True)
class Audio:
    """One row of PS3.5 Table 8.2.12-1: a codec by ffmpeg's names, and what DICOM allows of it.

    ``containers`` are ffmpeg's names; ``bit_rate`` in bit/s.
    """

    codecs: frozenset[str]
    containers: tuple[str, ...]
    rates: frozenset[int]
    channels: frozenset[int]
    bit_rate: int


_BOTH = ("mp4", "mpegts")
AUDIO = (
    Audio(
        codecs=frozenset({"pcm_bluray", "pcm_s16be", "pcm_s16le", "pcm_s24be", "pcm_s24le", "pcm_dvd", "s302m"}),
        containers=("mpegts",),
        rates=frozenset({48000, 96000}),
        channels=frozenset({2}),
        bit_rate=4_608_000,
    ),
    Audio(
        codecs=frozenset({"ac3"}),
        containers=("mpegts",),
        rates=frozenset({48000}),
        channels=frozenset({2, 6}),
        bit_rate=640_000,
    ),
    Audio(
        codecs=frozenset({"aac", "aac_latm"}),
        containers=_BOTH,
        rates=frozenset({48000}),
        channels=frozenset({2, 6}),
        bit_rate=640_000,
    ),
    Audio(
        codecs=_LAYER_3,
        containers=_BOTH,
        rates=_TELEVISION,
        channels=frozenset({1, 2}),
        bit_rate=320_000,
    ),
    Audio(
        codecs=frozenset({"mp2", "mp2float"}),
        containers=_BOTH,
        rates=_TELEVISION,
        channels=frozenset({2}),
        bit_rate=384_000,
    ),
)


def of(said: Dataset, syntax: VideoSyntax, info: MediaInfo) -> Iterator[Finding]:
    section = f"PS3.5 {syntax.section}"
    names = info.container.split(",")
    if not set(names) & set(syntax.containers):
        sentence = f"The stream's container is {info.container}; {syntax.name} takes {_named(syntax)}."
        yield finding("container", sentence, section)
    elif info.packet not in {0, _PACKET} and syntax.codec != "mpeg2video":  # whose container is left open (8.2.5)
        sentence = f"The transport stream's packets lie {info.packet} bytes apart (M2TS or the like), not {_PACKET}."
        yield finding("container", sentence, section)
    elif "mp4" in names:
        yield from _mp4(info, section)
    if info.video.rotation or info.video.mirrored:
        yield finding("mp4-turned", "The container has the pictures turned or mirrored for showing.")
    for size in info.other_videos:
        yield finding("other-videos", f"The stream holds another video of {size}.", section)
    if info.other_streams:
        yield finding("other-streams", f"The stream holds {info.other_streams} stream(s) of text or data.", section)
    if info.extras:
        yield finding("told-beside", "The container holds more than pictures and sound, which may tell whose they are.")
    if info.user_data:
        yield finding("user-data", "The stream holds user data among its pictures, which may tell whose they are.")
    yield from _sound(said, syntax, info)


def _named(syntax: VideoSyntax) -> str:
    known = {"mp4": "MP4", "mpegts": "MPEG-TS", "mpeg": "MPEG-PS", "mpegvideo": "a bare MPEG stream"}
    return " or ".join(known[name] for name in syntax.containers)


def _mp4(info: MediaInfo, section: str) -> Iterator[Finding]:
    if info.brand.startswith("qt") or not info.brand:
        yield finding("quicktime", "The container is QuickTime (MOV), which is not MP4.", section)
    if info.fragmented:
        yield finding("mp4-fragmented", "The MP4 is fragmented: browsers find no frame by its index.")
    elif not info.streamable:
        yield finding("mp4-index", "The MP4's index lies behind its pictures: players need all of it to begin.")
    if not info.simple_edits:
        yield finding("mp4-edits", "The MP4's edit list shows only a part of its frames.")


def _sound(said: Dataset, syntax: VideoSyntax, info: MediaInfo) -> Iterator[Finding]:
    keyword = "MultiplexedAudioChannelsDescriptionCodeSequence"
    if info.audio_codecs and missing(said, keyword):
        yield finding("sound-undeclared", f"The stream has sound ({', '.join(info.audio_codecs)}), but no {keyword}.")
    if not info.audio_codecs and is_there(said, keyword):
        yield finding("sound-absent", f"There is a {keyword}, but the stream has no sound.")
    for sound in info.sounds:
        if not conforms(sound, syntax, info.container):
            told = f"{sound.codec}, {sound.rate} Hz, {sound.channels} channel(s), {sound.bit_rate} bit/s"
            yield finding("sound-format", f"The sound is {told}, which DICOM does not allow in {info.container}.")


def conforms(sound: Sound, syntax: VideoSyntax, container: str) -> bool:
    """Whether DICOM allows this sound beside such a video (PS3.5 8.2.5, 8.2.12)."""
    if syntax.codec == "mpeg2video":
        return sound.codec in _LAYER_3 and sound.rate in _TELEVISION and sound.channels in {1, 2}
    names = set(container.split(","))
    return any(
        sound.codec in row.codecs
        and names & set(row.containers)
        and sound.rate in row.rates
        and sound.channels in row.channels
        and sound.bit_rate <= row.bit_rate
        for row in AUDIO
    )
