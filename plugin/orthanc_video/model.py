"""The values that travel between rooms: frozen, with units in their names or their docstrings.

They cross process borders as JSON, so each is made of numbers, strings, tuples and one another.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Any


class Action(StrEnum):
    """The ladder, cheapest first."""

    WRAP = "wrap"
    REMUX = "remux"
    TRANSCODE = "transcode"


@dataclass(frozen=True, slots=True)
class Rational:
    """An exact ratio, such as a frame rate in frames per second (30000/1001)."""

    numerator: int
    denominator: int = 1

    @property
    def fraction(self) -> Fraction:
        return Fraction(self.numerator, self.denominator)

    @classmethod
    def of(cls, value: Fraction) -> Rational:
        return cls(value.numerator, value.denominator)

    def __float__(self) -> float:
        return self.numerator / self.denominator


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoStream:
    """The chosen picture stream, as its own bits describe it (not as the container claims).

    ``codec`` is ffmpeg's name (``h264``, ``vp9`` …); ``width`` × ``height`` are what is shown, in pixels;
    ``coded_width`` × ``coded_height`` what is coded. ``profile_idc`` and ``level`` are those of H.264 (41 is 4.1) and
    H.265 (153 is 5.1), and MPEG-2's codes; ``reference_frames`` those that a decoder has to hold.
    ``rate`` is the mean rate over all frames, ``constant_rate`` whether every frame lasts equally long. ``coded_rate``
    is MPEG-2's by its sequence header, which counts what pictures repeat (pulldown); None for the others.
    ``timed``: the container tells when each frame is shown; else they follow one another at the stream's nominal rate.
    ``disordered``: it tells so wrongly, in the order in which they are coded.
    ``seconds`` runs from the first frame's start to the last frame's end. ``change`` says in words to what the pictures
    change half-way; empty when they stay as they begin. ``rotation`` (degrees clockwise) and ``mirrored``: how the
    container has them shown. ``packing``: how the views of two eyes lie in one picture ("side by side"), empty for
    plain pictures; ``views``: how many views are coded beside one another.
    ``primaries``, ``transfer`` and ``matrix`` are codes of ITU-T H.273, 2 where nothing says.
    ``leading`` frames at the beginning cannot be decoded, since what they lean on is missing, and ``hollow`` packets
    hold no picture; ``frames`` are without either.
    """

    codec: str
    width: int
    height: int
    coded_width: int
    coded_height: int
    pixel_format: str
    bit_depth: int
    frames: int
    rate: Rational
    constant_rate: bool
    seconds: float
    coded_rate: Rational | None = None
    profile: str = ""
    profile_idc: int = 0
    constraint_flags: int = 0
    level: int = 0
    high_tier: bool = False
    progressive: bool = True
    pixel_aspect: Rational = Rational(1)
    rotation: int = 0
    mirrored: bool = False
    full_range: bool = False
    reference_frames: int = 0
    starts_with_key: bool = True
    bit_rate: int = 0
    timed: bool = True
    change: str = ""
    packing: str = ""
    views: int = 1
    primaries: int = 2
    transfer: int = 2
    matrix: int = 2
    leading: int = 0
    hollow: int = 0
    disordered: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """A stream of sound. ``codec`` is ffmpeg's name, ``rate`` in Hz, ``bit_rate`` in bit/s (0 where nothing says).

    ``constant``: each packet has as many bits as the next.
    """

    codec: str
    rate: int
    channels: int
    bit_rate: int = 0
    constant: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Evened:
    """Frames put on a grid of ``rate`` per second: how many come out, how many are shown twice or left out for it."""

    rate: Rational
    frames: int
    doubled: int
    dropped: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A part of a film."""

    bytes: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Region:
    """A part of a picture, in pixels from its upper left corner."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What a request asks of the conversion: ``audio`` is ``drop`` or ``keep``; ``constant_rate`` in frames per second
    where every frame has to last equally long; ``transfer_syntax`` the UID of the one that the object has to have.
    ``rows`` other than 0: the pictures are to be re-encoded whatever they are, with no more rows than that. So they are
    where ``crop`` is what is to stay of each of them, or ``masks`` are to be black."""

    audio: str = "drop"
    constant_rate: Rational | None = None
    transfer_syntax: str = ""
    rows: int = 0
    crop: Region | None = None
    masks: tuple[Region, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaInfo:
    """One uploaded file, probed. ``container`` is ffmpeg's demuxer name; ``brand`` MP4's major brand, ``entry`` the
    code of its pictures' description (``avc1``).

    ``packet``: bytes from one packet of a transport stream to the next, 188 by the standard and 192 in M2TS, else 0.
    ``delayed``: the pictures begin after an empty stretch of the container's time.
    ``streamable``: the index (moov) lies before the pictures and the file is not fragmented.
    ``elsewhere``: the container names another file as one that holds its media.
    ``other_videos`` are the sizes of those that are not taken, such as "160 × 120".
    ``created`` is the container's creation time as ISO 8601, when it has a believable one.
    ``extras`` are the kinds of what the container tells beside the pictures, ``user_data`` says that the stream does.
    ``steps``: where frames last differently long, the microseconds from each frame's predecessor (the first 0), unless
    they are too many for an attribute. ``evened`` is what a constant rate that was asked for does to them.
    ``sounds`` are the streams of sound, in the file's order.
    ``uncut`` is the most of the film that has no place to cut it at; None where the file does not tell.
    ``joined_fields``: the container holds the fields of a frame one by one, ``half_frame``: only one of the last frame.
    """

    container: str
    size: int
    video: VideoStream
    brand: str = ""
    entry: str = ""
    packet: int = 0
    streamable: bool = False
    fragmented: bool = False
    simple_edits: bool = True
    delayed: bool = False
    elsewhere: bool = False
    audio_codecs: tuple[str, ...] = ()
    sounds: tuple[Sound, ...] = ()
    other_videos: tuple[str, ...] = ()
    other_streams: int = 0
    created: str = ""
    extras: tuple[str, ...] = ()
    user_data: bool = False
    steps: tuple[int, ...] = ()
    evened: Evened | None = None
    uncut: Stretch | None = None
    joined_fields: bool = False
    half_frame: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a transcode aims at: even ``width`` × ``height``, level_idc.

    ``packing``: how the views of two eyes lie in one picture, which the stream is to say; empty for plain pictures.
    ``rate`` where frames have to be put on a grid of so many per second: ``frames`` come out. ``masks`` of each picture
    become black, and of it ``crop`` stays: both in pixels of the source as it is shown.
    """

    width: int
    height: int
    level: int
    packing: str = ""
    rate: Rational | None = None
    frames: int = 0
    crop: Region | None = None
    masks: tuple[Region, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What will be done to a file, and why. ``reasons`` are sentences for a person.

    ``sound`` is the sound that the object will have; none where it is left out. ``sound_copied``: as it came.
    """

    action: Action
    transfer_syntax: str
    reasons: tuple[str, ...]
    target: Target | None = None
    sound: Sound | None = None
    sound_copied: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Demands:
    """What a re-encoded film has to be like on the whole: ``psnr`` in dB, ``ssim`` up to 1."""

    psnr: float = 35.0
    ssim: float = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measure over all frames: on the whole, the best of the worst hundredth of frames, and the worst frame."""

    whole: float
    percentile: float
    lowest: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """How near a re-encoded film is to what the encoder was given, each frame measured against its own.

    ``psnr`` is in dB, of luma and chroma together, on the whole that of the mean squared error over all frames; 100
    stands for equal pictures. ``ssim`` is of luma, on the whole the mean. ``lowest_frame`` (from 1) has the lowest
    PSNR. ``crf`` is what it was encoded with at last, at the ``attempts``-th time. ``vmaf``: None where ffmpeg has
    none.
    """

    psnr: Figure
    ssim: Figure
    frames: int
    lowest_frame: int
    crf: int
    attempts: int = 1
    demands: Demands = Demands()
    vmaf: Figure | None = None

    @property
    def meets(self) -> bool:
        return self.psnr.whole >= self.demands.psnr and self.ssim.whole >= self.demands.ssim


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Frames on their way through a transcode: ``coded`` in the file, ``decoded`` of them, ``damaged`` among those,
    ``written`` in the end. ``failed`` is how often the decoder gave up, ``hidden`` that the file holds frames which are
    not for showing, so that fewer are decoded than coded."""

    coded: int
    decoded: int
    written: int
    damaged: int = 0
    failed: int = 0
    hidden: bool = False

    @property
    def lossless(self) -> bool:
        """Whether everything in the file that is for showing could be decoded whole."""
        return not self.damaged and not self.failed and (self.hidden or self.decoded == self.coded)


@dataclass(frozen=True, slots=True, kw_only=True)
class Most:
    """How much of a film one object may hold; ``seconds`` 0 is any length."""

    bytes: int
    seconds: float = 0.0

    def is_exceeded(self, size: int, seconds: float) -> bool:
        return size > self.bytes or 0 < self.seconds < seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """The stream that a job will wrap: a conforming MP4 on disk, described from its own bits.

    ``video`` describes the made stream, ``probed`` all of it; earlier versions did not record that.
    ``pictures`` is the SHA-256 over all its coded slices where the pictures were passed through, but for a file that
    is taken as it is, and ``source_pictures`` that over those of the source. ``quality`` and ``counts`` are those of a
    transcode.
    A long film becomes several ``parts``: this is number ``part`` (from 1), before which come ``first`` frames of the
    film, in decode order, and ``start`` seconds. Hashes, quality and counts are of the whole film.
    """

    path: str
    size: int
    video: VideoStream
    pictures: str = ""
    part: int = 1
    parts: int = 1
    first: int = 0
    start: Rational = Rational(0)
    probed: MediaInfo | None = None
    source_pictures: str = ""
    quality: Quality | None = None
    counts: Counts | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a media process is: ``part`` (0 to 1) of its whole task, ``frames`` of ``total`` in this ``stage``.

    ``stage`` is ``transcode``, ``remux`` or ``check``.
    """

    stage: str
    part: float
    frames: int
    total: int

    def within(self, first: float, last: float) -> Progress:
        """The same, where this task is only a part of a longer one, from ``first`` to ``last``."""
        return dataclasses.replace(self, part=round(first + self.part * (last - first), 4))


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes ``offset`` … ``offset + length`` (exclusive) of some file or object."""

    offset: int
    length: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """Where the stream lies inside a stored DICOM object: one span per fragment, item headers left out.

    ``length`` is the exact stream without the pad byte that DICOM adds to an odd length (PS3.5 A.4).
    """

    transfer_syntax: str
    sop_class: str
    sop_instance: str
    spans: tuple[Span, ...]
    length: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """One received file in the spool, with what came along. ``attributes`` are DICOM keywords → values.

    ``inherited`` is what is taken over from the study or patient that it joins, sequences as lists of the same;
    ``region`` the anatomic region's code: value, scheme, meaning.
    Where the sender has described the object itself, ``described`` is the file with its data set, and ``identity`` its
    PatientID and UIDs.
    """

    id: str
    path: str
    size: int
    sha256: str
    filename: str = ""
    content_type: str = ""
    attributes: dict[str, str] = dataclasses.field(default_factory=dict)
    sop_class: str = "photographic"
    received: str = ""
    inherited: dict[str, Any] = dataclasses.field(default_factory=dict)
    region: tuple[str, ...] = ()
    wishes: Wishes = Wishes()
    described: str = ""
    identity: dict[str, str] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """A stored object that is to belong to another study or patient: ``id`` is the job's.

    ``stored`` is the UUID of ``instance``'s file; ``identity`` has the new object's PatientID and UIDs; ``attributes``
    and ``inherited`` are as an Upload's. ``keep`` the old object; ``requested`` is when, as ISO 8601.
    """

    id: str
    instance: str
    stored: str
    identity: dict[str, str]
    attributes: dict[str, str]
    inherited: dict[str, Any]
    keep: bool
    requested: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Isolation:
    """What holds a media process beside its limits on memory, time, files' size and number, which always do.

    ``landlock`` is the version in force, 0 for none; ``system_calls`` whether they are filtered (seccomp);
    ``capabilities`` the bits that are left (capabilities(7)).
    """

    no_new_privileges: bool
    landlock: int
    system_calls: bool
    capabilities: int
