"""Films of pictures that are coded each by itself, cropped, and with black regions in all or some of them."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from orthanc_video.clip import chosen
from orthanc_video.edit import Edit
from orthanc_video.errors import BrokenVideo, UnsupportedMedia
from orthanc_video.film import MultiFrame
from orthanc_video.media import cine, moments
from orthanc_video.media.edit import reframing


class Retouched:
    """The pictures with an edit's crop and masks; grey ones have the values that are stored, whatever is shown of them.
    ``photometric`` is what the colours mean that are coded anew.

    Raises BadRequest for regions and ranges that there are none of, UnsupportedMedia for pictures whose values cannot
    be written again as they are.
    """

    def __init__(self, pictures: cine.Cine, film: MultiFrame, edit: Edit, photometric: str) -> None:
        self._pictures, self._film, self._edit = pictures, film, edit
        self.start = film.cadence.start
        self.aspect: Fraction = film.pixels.aspect.fraction
        self.is_grey = film.pixels.samples == 1
        self.timed = moments.of_film(film)
        _refuse_deeper(film)
        about, regions = film.pixels, (*edit.masks, *([edit.crop] if edit.crop else []))
        for one in regions:
            reframing.refuse_outside(one, about.columns, about.rows)
        self._masks = [reframing.grown(one, about.columns, about.rows, progressive=True) for one in edit.masks]
        self._ranges = [chosen(len(self), self.start, one) for one in edit.ranges]
        self._copies = _can_copy(film, edit, photometric)

    def __len__(self) -> int:
        return len(self._film.frames)

    def unchanged(self, number: int) -> bytes | None:
        """A frame that stays as it is coded; None of those that are coded anew."""
        if not self._copies or self._is_masked(number):
            return None
        data = self._pictures.coded(number)
        if len(data) < sum(span.length for span in self._film.frames[number]):
            raise BrokenVideo(f"Frame {number + 1} is cut short: the object ends within it.")
        return data

    def _is_masked(self, number: int) -> bool:
        return not self._ranges or any(first <= number <= last for first, last in self._ranges)

    def frame(self, number: int) -> npt.NDArray[np.uint8]:
        picture = self._stored(number)
        if self._is_masked(number):
            for one in self._masks:
                picture[one.y : one.y + one.height, one.x : one.x + one.width] = 0
        crop = self._edit.crop
        return picture if crop is None else picture[crop.y : crop.y + crop.height, crop.x : crop.x + crop.width]

    def _stored(self, number: int) -> npt.NDArray[np.uint8]:
        if not self.is_grey:
            return self._pictures.picture(number).copy()
        values: npt.NDArray[Any] = np.frombuffer(self._pictures.samples(number), dtype=np.uint8)
        about = self._film.pixels
        return values[: about.rows * about.columns].reshape(about.rows, about.columns).copy()


def _can_copy(film: MultiFrame, edit: Edit, photometric: str) -> bool:
    """Whether frames beside the ranges can stay: those that are coded anew are described by the same attributes.

    What a coded frame may tell beside its picture, as in segments of JPEG, goes with whatever is to be left out.
    """
    if not edit.ranges or edit.crop or edit.strip or edit.deidentify:
        return False
    about = film.pixels
    return about.samples == 1 or (about.photometric == photometric and not about.planar)


def _refuse_deeper(film: MultiFrame) -> None:
    about = film.pixels
    shown = about.window or about.voi or about.modality or (about.slope, about.intercept) != (1, 0)
    is_grey = about.samples == 1
    if about.bits_allocated != 8 or about.bits_stored != 8 or about.signed or (is_grey and shown):
        raise UnsupportedMedia(
            "Pictures of other than 8 bits, or that are shown through a window or a table, are not edited: their "
            "values would not stay what they are."
        )
    if is_grey and (about.photometric != "MONOCHROME2" or about.palette):
        raise UnsupportedMedia(f"Pictures that are {about.photometric} are not edited.")
