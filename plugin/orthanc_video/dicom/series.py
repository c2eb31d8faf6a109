"""The series that derived objects are in: of each kind one for each series of their sources."""

from __future__ import annotations

from pydicom.dataset import Dataset

from orthanc_video.dicom import build
from orthanc_video.dicom.said import text, whole

# What is added to the source's Series Number: what else is in the study is not looked up, since the same object has to
# come out whenever it is made. No two of these add up to another one, as in a clip of an edit they would.
_FURTHER = {"clips": 1000, "edits": 3000, "marks": 5000, "views": 7000, "stills": 20_000}
_LARGEST = 10**9  # of 32 bits (VR IS)


def join(dataset: Dataset, said: Dataset, kind: str, *parts: str) -> None:
    """Puts ``dataset`` into the series of its ``kind`` and ``parts`` beside that of the source ``said``."""
    dataset.SeriesInstanceUID = build.derived_uid(kind, text(said, "SeriesInstanceUID"), *parts)
    number = whole(said, "SeriesNumber") or 0
    dataset.SeriesNumber = _FURTHER[kind] + (number if 0 < number < _LARGEST else 0)
