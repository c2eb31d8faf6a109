"""The frames of a multi-frame object as pictures that can be seen: decoded one at a time, in constant memory."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from orthanc_video.dicom import syntaxes
from orthanc_video.errors import BrokenVideo, VideoError
from orthanc_video.files import SpanSource
from orthanc_video.film import MultiFrame
from orthanc_video.media import codestreams, colours, frames, shades
from orthanc_video.media.codestreams import Decoded, Samples
from orthanc_video.media.probe import refuse_absurd
from orthanc_video.media.source import reason

# Rows × columns of grey, or rows × columns × (red, green, blue).
Picture = npt.NDArray[np.uint8]

_RGB = frozenset({"RGB", "YBR_ICT", "YBR_RCT"})
_YBR = frozenset({"YBR_FULL", "YBR_FULL_422", "YBR_PARTIAL_422"})
# Where in a film its range of values is looked for, if the object does not say what is shown.
_SAMPLED = (0.0, 0.5, 0.9)


@contextmanager
def opened(path: Path, about: MultiFrame) -> Iterator[Cine]:
    """The object at ``path``; raises BrokenVideo when its pictures are larger than any camera's."""
    refuse_absurd(about.pixels.columns, about.pixels.rows)
    with SpanSource(path) as source:
        yield Cine(source, about)


class Cine:
    """The pictures of a stored object; ``number`` counts from 0."""

    def __init__(self, source: SpanSource, about: MultiFrame) -> None:
        self._source = source
        self._about = about
        self._decode = codestreams.DECODERS[syntaxes.IMAGES[about.transfer_syntax].codec]

    def picture(self, number: int) -> Picture:
        """Raises BrokenVideo with a sentence that names the frame (from 1, as DICOM counts)."""
        try:
            return self._shown(self._decoded(number))
        except VideoError as error:
            raise type(error)(f"Frame {number + 1} cannot be shown. {error.sentence}") from error

    def attempt(self, number: int) -> Picture | None:
        """None where the picture is damaged: another one is looked at."""
        try:
            return self.picture(number)
        except BrokenVideo:
            return None

    def samples(self, number: int) -> bytes:
        """The frame's samples as they would lie in Explicit VR Little Endian; as ``picture`` where it is damaged.

        Colours that a codec has transformed come as red, green and blue by pixel; others as the object says.
        """
        try:
            return self._plain(number)
        except VideoError as error:
            raise type(error)(f"Frame {number + 1} cannot be decoded. {error.sentence}") from error

    def _plain(self, number: int) -> bytes:
        about, codec = self._about.pixels, syntaxes.IMAGES[self._about.transfer_syntax].codec
        if codec == "raw":
            return self.coded(number)
        found = self._decoded(number)
        if found.samples.ndim == 2:
            return shades.words(about)[found.samples].tobytes()
        if codec == "rle":
            return (found.samples.transpose(2, 0, 1) if about.planar else found.samples).tobytes()
        return self._shown(found).tobytes() if about.bits_allocated == 8 else found.samples.tobytes()

    def coded(self, number: int) -> bytes:
        """The frame as it lies in the object."""
        return b"".join(self._source.read_at(span.offset, span.length) for span in self._about.frames[number])

    def _decoded(self, number: int) -> Decoded:
        pixels = self._about.pixels
        try:
            found = self._decode(self.coded(number), pixels)
        except (VideoError, MemoryError):
            raise
        except Exception as error:  # four decoders, each with errors of its own for damaged frames
            raise BrokenVideo(f"Its picture is damaged{_why(error)}.") from error
        rows, columns, *depth = found.samples.shape
        if (rows, columns) != (pixels.rows, pixels.columns):
            raise BrokenVideo(
                f"Its picture has {columns} × {rows} pixels, but the object says {pixels.columns} × {pixels.rows}."
            )
        if depth not in ([], [3]) or found.samples.dtype.itemsize * 8 > pixels.bits_allocated:
            raise BrokenVideo("Its picture's samples are others than the object says.")
        return found

    def _shown(self, found: Decoded) -> Picture:
        if found.samples.ndim == 2:
            return (self._palette if self._about.pixels.palette else self._grey)[found.samples]
        samples = self._eight_bits(found.samples)
        meant = found.colours or self._about.pixels.photometric
        if meant in _RGB:
            return samples
        if meant in _YBR:
            return colours.rgb(samples, studio=meant == "YBR_PARTIAL_422")
        raise BrokenVideo("Its Photometric Interpretation is none that has three samples and is shown here.")

    def _eight_bits(self, samples: Samples) -> Picture:
        pixels = self._about.pixels
        shifted = samples >> (pixels.high_bit - 7) if pixels.high_bit > 7 else samples
        return np.ascontiguousarray(shifted.astype(np.uint8))

    @functools.cached_property
    def _palette(self) -> shades.Table:
        return shades.palette(self._about.pixels)

    @functools.cached_property
    def _grey(self) -> shades.Table:
        pixels = self._about.pixels
        return shades.grey(pixels, None if shades.says_its_range(pixels) else self._range())

    def _range(self) -> shades.Range:
        """The lowest and highest of the values in some frames: one range for all, since brightness must not flicker."""
        values = shades.stored_values(self._about.pixels)
        found: list[float] = []
        for place in _SAMPLED:
            with suppress(BrokenVideo):  # a damaged one is another's matter
                seen = values[self._decoded(int(len(self._about.frames) * place)).samples]
                found += [seen.min(), seen.max()]
        return (int(min(found)), int(max(found))) if found else shades.value_range(self._about.pixels)


def _why(error: Exception) -> str:
    return f" ({reason(error)})" if isinstance(error, av.error.FFmpegError) else ""


def damaged(path: Path, about: MultiFrame) -> list[str]:
    """Sentences on the first and the last frame, where they cannot be shown."""
    sentences = []
    with opened(path, about) as cine:
        for number in (0, len(about.frames) - 1):
            try:
                cine.picture(number)
            except BrokenVideo as error:
                sentences.append(error.sentence)
    return sentences


def thumbnail(path: Path, about: MultiFrame, target: Path, width: int) -> None:
    """Writes a representative frame as JPEG, ``width`` pixels wide, chosen as a video's is."""
    with opened(path, about) as cine:
        frames.write(representative(cine, len(about.frames)), target, width, about.pixels.aspect.fraction)


def representative(cine: Cine, count: int) -> av.VideoFrame:
    """A frame that shows something, chosen as a video's is."""

    def at(places: Iterable[float]) -> Iterator[av.VideoFrame]:
        found = (cine.attempt(int(count * place)) for place in places)
        return (as_frame(picture) for picture in found if picture is not None)

    return frames.liveliest(at(frames.LOOKS), at(number / frames.BETWEEN for number in range(frames.BETWEEN)))


def as_frame(picture: Picture) -> av.VideoFrame:
    """FFmpeg's kind of picture."""
    return av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="gray" if picture.ndim == 2 else "rgb24")
