"""What a joined video says of all the videos that it was joined of: which they are, and what was done to them before.

All else it has from the first.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence as Several

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from orthanc_video.dicom import derived
from orthanc_video.dicom.said import items, text, whole

_DESCRIPTION, _CODES, _EXTRACTION = "DerivationDescription", "DerivationCodeSequence", "FrameExtractionSequence"
# Characters for what was done before: of the 1024 of VR ST some are for the joining itself.
_ROOM = 800


def derivation(sources: Several[Dataset]) -> Dataset:
    """What the first says, with the derivations of all; of a single one what it says."""
    if len(sources) == 1:
        return sources[0]
    said = copy.deepcopy(sources[0])
    told = [(at, text(one, _DESCRIPTION)) for at, one in enumerate(sources, 1) if text(one, _DESCRIPTION)]
    share = _ROOM // max(1, len(told))
    said.DerivationDescription = " ".join(f"Video {at}: {words[-share:]}" for at, words in told)
    codes = _items(said, _CODES)
    for item in [item for one in sources[1:] for item in _items(one, _CODES)]:
        if _meaning(item) not in map(_meaning, codes):
            codes.append(item)
    said.DerivationCodeSequence = Sequence(codes)
    return said


def name(dataset: Dataset, sources: Several[Dataset]) -> None:
    """The further sources after the first; and where one was cut out of another video, of which frames each is."""
    for one in sources[1:]:
        item = copy.deepcopy(dataset.SourceImageSequence[0])
        item.ReferencedSOPClassUID = text(one, "SOPClassUID")
        item.ReferencedSOPInstanceUID = text(one, "SOPInstanceUID")
        dataset.SourceImageSequence.append(item)
    if len(sources) > 1 and any(_items(one, _EXTRACTION) for one in sources):
        extracted = [item for one in sources for item in _items(one, _EXTRACTION) or [_whole(one)]]
        dataset.FrameExtractionSequence = Sequence(extracted)


def _whole(said: Dataset) -> Dataset:
    """Beside videos that were cut out of others: one that is all of itself (PS3.3 C.12.3)."""
    return derived.extraction(said, [(1, whole(said, "NumberOfFrames") or 1)])


def _items(said: Dataset, keyword: str) -> list[Dataset]:
    return [copy.deepcopy(one) for one in items(said, keyword)]


def _meaning(item: Dataset) -> tuple[str, str]:
    return text(item, "CodeValue"), text(item, "CodingSchemeDesignator")
