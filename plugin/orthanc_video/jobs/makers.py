"""What makes which kind of object out of stored ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from orthanc_video.derivation import Item, Making
from orthanc_video.jobs import clipping, editing, marking, stilling, viewing
from orthanc_video.jobs.processes import Listener, MediaProcess
from orthanc_video.settings import Settings

# Of the files of the origins, in the order asked for, what is made in a folder; as ``asked`` says.
Maker = Callable[[Settings, MediaProcess, Sequence[Path], Mapping[str, Any], Path, Listener | None], Sequence[Item]]

MAKERS: dict[Making, Maker] = {
    Making.CLIP: clipping.make,
    Making.STILLS: stilling.make,
    Making.MARKS: marking.make,
    Making.EDIT: editing.make,
    Making.VIEW: viewing.make,
}
