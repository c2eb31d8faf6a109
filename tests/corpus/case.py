"""One case of the corpus: a file, and what has to become of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clips import Clips, picture_source
from orthanc_video.dicom import syntaxes
from orthanc_video.model import Action, Wishes

Make = Callable[[Clips], Path]

WRAP, REMUX, TRANSCODE = Action.WRAP, Action.REMUX, Action.TRANSCODE
# How the table's cases name transfer syntaxes: by the end of their UID.
_VIDEO = "1.2.840.10008.1.2.4."
assert all(uid.startswith(_VIDEO) for uid in syntaxes.BY_UID)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """``word`` stands in the plan's reasons. ``refused`` are words of the sentence that refuses the file, if it is.

    ``leading``: the first frames of the file cannot be shown, and are left out. ``complaint`` is a
    pattern of all that the decoder may say of a stream: what passes through is not better than it was.
    """

    name: str
    make: Make
    action: Action | None = None
    syntax: str = ""
    word: str = ""
    refused: str = ""
    wishes: Wishes = field(default_factory=Wishes)
    leading: bool = False
    complaint: str = ""


def taken(name: str, action: Action, syntax: int, make: Make, word: str = "", **more: Any) -> Case:
    """``syntax`` is the last number of the UID."""
    return Case(name=name, action=action, syntax=f"{_VIDEO}{syntax}", make=make, word=word, **more)


def refused(name: str, words: str, make: Make, **more: Any) -> Case:
    return Case(name=name, refused=words, make=make, **more)


def encoded(file: str, arguments: str = "", codec: str = "h264", **source: Any) -> Make:
    """A clip as ``Clips.encoded`` makes it; ``source`` says what its pictures are, as ``picture_source`` takes it."""
    sound, gaps = source.pop("sound", ""), source.pop("gaps", False)
    graph = picture_source(**source) if source else ""
    return lambda clips: clips.encoded(f"corpus-{file}", arguments, codec=codec, source=graph, sound=sound, gaps=gaps)
