"""Views of videos, saved: the DICOM object that keeps one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydicom import dcmwrite

from orthanc_video.derivation import Item
from orthanc_video.dicom import presented
from orthanc_video.dicom.moving import described
from orthanc_video.files import Bytes, SpanSource
from orthanc_video.jobs.processes import Listener, MediaProcess
from orthanc_video.plain import from_json
from orthanc_video.settings import Settings
from orthanc_video.view import View


def make(
    _settings: Settings,
    _process: MediaProcess,
    sources: Sequence[Path],
    asked: Mapping[str, Any],
    folder: Path,
    _listener: Listener | None,
) -> list[Item]:
    """One presentation state."""
    view, (source,), name = from_json(View, asked), sources, "view.dcm"
    with SpanSource(source) as file:
        _, said = described(Bytes(file))
    dcmwrite(folder / name, presented.of_view(said, view), enforce_file_format=True)
    return [Item(object=name)]
