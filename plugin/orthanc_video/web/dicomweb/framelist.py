"""The list of frames in a path (PS3.18 10.1.4). Pure."""

from __future__ import annotations

import re
from itertools import pairwise

from orthanc_video.errors import BadRequest, NotFound, TooLarge
from orthanc_video.picture import MOST_FRAMES

_NUMBER = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)


def frames(text: str) -> tuple[int, ...]:
    """Numbers from 1, ascending, each once; raises BadRequest for anything else, TooLarge for too many."""
    names = text.split(",")
    if not all(_NUMBER.fullmatch(name) for name in names):
        raise BadRequest("The list of frames must hold numbers from 1 on, separated by commas.")
    numbers = tuple(int(name) for name in names)
    if any(later <= earlier for earlier, later in pairwise(numbers)):
        raise BadRequest("The list of frames must be in ascending order, each of them once.")
    refuse_many(len(numbers))
    return numbers


def refuse_many(count: int) -> None:
    if count > MOST_FRAMES:
        raise TooLarge(
            f"One request may have {MOST_FRAMES} frames, but this one asks for {count}. Ask for some of them."
        )


def refuse_beyond(numbers: tuple[int, ...], count: int) -> None:
    """Raises NotFound where the object has fewer."""
    if numbers[-1] > count:
        raise NotFound(f"There is no frame {numbers[-1]}: the object has {count}.")
