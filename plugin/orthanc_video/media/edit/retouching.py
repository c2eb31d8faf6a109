"""Films of pictures that are coded each by itself, cropped, and with black regions in all or some of them."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from orthanc_video.clip import chosen
from orthanc_video.edit import Edit
from orthanc_video.errors import UnsupportedMedia
from orthanc_video.film import MultiFrame
from orthanc_video.media import cine, moments
from orthanc_video.media.edit import reframing


class Retouched:
    """The pictures with an edit's crop and masks; grey ones have the values that are stored, whatever is shown of them.

    Raises BadRequest for regions and ranges that there are none of, UnsupportedMedia for pictures whose values cannot
    be written again as they are.
    """

    def __init__(self, pictures: cine.Cine, film: MultiFrame, edit: Edit) -> None:
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

    def __len__(self) -> int:
        return len(self._film.frames)

    def frame(self, number: int) -> npt.NDArray[np.uint8]:
        picture = self._stored(number)
        if not self._ranges or any(first <= number <= last for first, last in self._ranges):
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
