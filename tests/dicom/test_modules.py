"""The table of what IODs demand, against dciodvfy, which has one of its own."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from pydicom import dcmwrite
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID

from oracles import DCIODVFY
from orthanc_video.dicom import classes
from orthanc_video.dicom.checks import attributes
from orthanc_video.dicom.classes import VideoClass

# What dciodvfy demands of all, since it cannot know that the body part is not one of a pair (PS3.3 C.7.3.1).
_PAIRED = {"Laterality"}


@pytest.fixture
def bare() -> Dataset:
    """Little more than a class and pixels."""
    dataset = Dataset()
    dataset.SOPInstanceUID = "2.25.1"
    dataset.NumberOfFrames, dataset.FrameIncrementPointer, dataset.FrameTime = 3, 0x00181063, "40"
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 3, "RGB"
    dataset.Rows, dataset.Columns = 2, 4
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 8, 8, 7, 0
    dataset.LossyImageCompression = "01"
    dataset.add_new(0x7FE00010, "OB", bytes(72))
    return dataset


def _demanded(path: Path) -> set[str]:
    """What the newer of the two says is missing."""
    done = subprocess.run([DCIODVFY[1], path], capture_output=True, text=True, timeout=60)
    found = re.findall(r"Error - Missing attribute Type .*Element=<(\w+)>", done.stdout + done.stderr)
    assert found
    return set(found)


@pytest.mark.parametrize("kind", classes.BY_UID.values(), ids=lambda kind: kind.name)
def test_what_a_class_demands(bare: Dataset, tmp_path: Path, kind: VideoClass) -> None:
    bare.SOPClassUID = kind.uid
    bare.Modality = kind.modalities[0] if kind.modalities else "OT"
    bare.file_meta = FileMetaDataset()
    bare.file_meta.TransferSyntaxUID = UID("1.2.840.10008.1.2.1")
    dcmwrite(tmp_path / "bare.dcm", bare, enforce_file_format=True)
    found = [one for one in attributes.of(bare) if one.code == "attribute-missing"]
    ours = {one.sentence.removeprefix("The required attribute ").removesuffix(" is missing.") for one in found}
    assert ours == _demanded(tmp_path / "bare.dcm") - _PAIRED
