"""What is known of a stored object that is to be sent somewhere. Frozen and pure."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from orthanc_video.dicom import syntaxes
from orthanc_video.film import MultiFrame
from orthanc_video.model import Located, MediaInfo, VideoStream

_GREY = frozenset({"MONOCHROME1", "MONOCHROME2"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A video, or a film of pictures that are coded each by itself. ``size`` is that of its DICOM file, in bytes.

    ``rate`` in frames per second, 0 where nothing says it; ``bits`` of each of a pixel's values. ``lossy``: something
    of the pictures was lost before. ``stream`` is a video's as it was probed, None where it was not, and of a film;
    ``container`` ffmpeg's name of its container, empty likewise.
    """

    sop_class: str
    transfer_syntax: str
    modality: str
    size: int
    rows: int
    columns: int
    frames: int
    rate: Fraction = Fraction(0)
    grey: bool = False
    bits: int = 8
    lossy: bool = True
    stream: VideoStream | None = None
    container: str = ""

    @property
    def video(self) -> bool:
        """Whether it is one stream."""
        return self.transfer_syntax in syntaxes.BY_UID


def of_video(located: Located, info: MediaInfo, modality: str, size: int) -> Held:
    """Of a stored video and what was found in its stream."""
    stream = info.video
    return Held(
        sop_class=located.sop_class,
        transfer_syntax=located.transfer_syntax,
        modality=modality,
        size=size,
        rows=stream.height,
        columns=stream.width,
        frames=stream.frames,
        rate=stream.rate.fraction,
        bits=stream.bit_depth,
        stream=stream,
        container=info.container,
    )


def of_film(film: MultiFrame, modality: str, size: int, *, lossy: bool = False) -> Held:
    """``lossy``: the object says that it was compressed with loss before (Lossy Image Compression is 01)."""
    pixels, step = film.pixels, film.cadence.step.fraction
    return Held(
        sop_class=film.sop_class,
        transfer_syntax=film.transfer_syntax,
        modality=modality,
        size=size,
        rows=pixels.rows,
        columns=pixels.columns,
        frames=len(film.frames),
        rate=1 / step if film.cadence.source and step > 0 else Fraction(0),
        grey=pixels.photometric in _GREY,
        bits=pixels.bits_stored,
        lossy=lossy or syntaxes.IMAGES[film.transfer_syntax].lossy,
    )
