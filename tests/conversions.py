"""A file taken the whole way by ``orthanc-video convert``'s own code: real media processes, a DICOM file at the end."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydicom import Dataset, dcmread
from pydicom.encaps import get_frame

from orthanc_video import command_convert
from orthanc_video.model import MediaInfo, Most, Plan, Wishes
from orthanc_video.plain import from_json
from reasons import untold


@dataclass(frozen=True)
class Converted:
    """``stream`` is what a player gets out of ``path``, the DICOM file."""

    info: MediaInfo
    plan: Plan
    path: Path
    stream: Path

    @property
    def said(self) -> str:
        return " ".join(self.plan.reasons)

    @property
    def dataset(self) -> Dataset:
        return dcmread(self.path, stop_before_pixels=True)


def converted(source: Path, folder: Path, wishes: Wishes = Wishes()) -> Converted:  # noqa: B008
    folder.mkdir(exist_ok=True)
    path, stream = folder / f"{source.name}.dcm", folder / f"{source.name}.stream"
    probed = command_convert.probe(source, wishes)
    command_convert.convert(source, path, "photographic", [], Most(bytes=1 << 31), wishes)
    stream.write_bytes(get_frame(dcmread(path).PixelData, 0, number_of_frames=1))
    plan = from_json(Plan, probed["plan"])
    assert untold(plan.reasons) == []
    return Converted(from_json(MediaInfo, probed["info"]), plan, path, stream)
