"""What is to be done to a video: the value that the command line and requests make, and editing reads. Frozen."""

from __future__ import annotations

from dataclasses import dataclass

from orthanc_video.clip import Range
from orthanc_video.errors import BadRequest
from orthanc_video.model import Region

KEEP, DROP = "keep", "drop"
_LARGEST = 65_535  # Rows and Columns are numbers of 16 bits


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """``crop`` is what stays of each picture. ``masks`` become black in the frames of ``ranges``, in all of them where
    there are no ranges. ``audio`` is ``keep`` or ``drop``; ``strip`` leaves out all that the container and the stream
    tell beside pictures and sound. ``burned_in`` is what the object says of names in its pictures (YES, NO; empty: what
    it said before), which only a person can know. With ``deidentify`` nothing that is told is kept, nor sound.
    """

    crop: Region | None = None
    masks: tuple[Region, ...] = ()
    ranges: tuple[Range, ...] = ()
    audio: str = KEEP
    strip: bool = False
    deidentify: bool = False
    burned_in: str = ""

    def __post_init__(self) -> None:
        if self.ranges and not self.masks:
            raise BadRequest("A range is where regions become black, and no region is named.")
        if self.deidentify and self.audio == KEEP:
            raise BadRequest(
                "A de-identified video keeps no sound, since a voice tells who speaks: drop it, or say nothing of it."
            )

    @property
    def reframes(self) -> bool:
        """Whether every picture changes."""
        return self.crop is not None or (bool(self.masks) and not self.ranges)

    @property
    def is_bare(self) -> bool:
        """Whether something beside the pictures is left out."""
        return self.strip or self.audio == DROP


def sound(asked: str, *, deidentify: bool) -> str:
    """What becomes of it where nothing is ``asked``, which is empty then."""
    return asked or (DROP if deidentify else KEEP)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """An edit of one video, or of several that it joins, ``in_time`` where the order in which they were recorded counts
    and not that of their naming. ``film`` and ``object`` say as what it is made."""

    edit: Edit
    in_time: bool = False
    film: bool = False
    object: bool = False


def region(values: dict[str, object], name: str) -> Region:
    """A part of the picture by its x, y, width and height; raises BadRequest for what is none."""
    x, y = (_whole(values, key, name, 0) for key in ("x", "y"))
    width, height = (_whole(values, key, name, 1) for key in ("width", "height"))
    return Region(x, y, width, height)


def _whole(values: dict[str, object], key: str, name: str, least: int) -> int:
    value = values.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= _LARGEST:
        raise BadRequest(f'{name} needs "{key}" as a whole number of pixels, from {least} to {_LARGEST}.')
    return value
