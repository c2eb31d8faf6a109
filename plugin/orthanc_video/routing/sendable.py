"""A DICOM file that is to be sent, as far as its sending needs to know it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from orthanc_video.dicom import stored
from orthanc_video.errors import Busy, VideoError
from orthanc_video.files import Bytes, SpanSource


@dataclass(frozen=True, slots=True)
class Sendable:
    """``size`` of the whole file in bytes; its data set begins at ``about.at``."""

    path: Path
    about: stored.Meta
    size: int

    @property
    def form(self) -> tuple[str, str]:
        """SOP class and transfer syntax."""
        return self.about.sop_class, self.about.syntax


def sendable(path: Path) -> Sendable:
    """Raises Busy when the file cannot be read, NotVideo when it is no DICOM file."""
    try:
        with SpanSource(path) as file:
            return Sendable(path, stored.meta(Bytes(file)), file.size)
    except OSError as error:
        raise unreadable() from error


def unreadable() -> VideoError:
    return Busy("The file that is to be sent cannot be read to its end.")
