"""The data set of a stored video whose stream is another one: in other packaging, or coded anew. All but Pixel Data.

Packaging changes no pixel: the object stays what it is, and keeps its UIDs (docs/decisions.md). What is coded anew, or
is of another class, is a derived object.
"""

from __future__ import annotations

import copy

from pydicom.dataset import Dataset, FileDataset

from orthanc_video.dicom import build, derived
from orthanc_video.form import Form
from orthanc_video.model import Made, Plan

# By the old stream, or what no stream is asked for.
_OF_STREAM = ("EncapsulatedPixelDataValueTotalLength", "ExtendedOffsetTable", "ExtendedOffsetTableLengths")


def of_packaging(said: FileDataset, form: Form) -> Dataset:
    """The same pictures, of the same class: all attributes stay."""
    dataset = Dataset()
    dataset.update(copy.deepcopy(said))
    derived.remove(dataset, _OF_STREAM)
    dataset.file_meta = derived.meta(dataset, form.transfer_syntax)
    return dataset


def of_stream(said: FileDataset, source_syntax: str, form: Form, plan: Plan, made: Made, *, anew: bool) -> Dataset:
    """``anew``: the pictures were re-encoded; else they are the same in an object of another class."""
    kind = derived.kind_of(form)
    dataset = derived.taken(said, kind)
    dataset.update(build.of_stream(plan, made))
    derived.accumulate(dataset, [said], anew=anew)
    scaled = (made.video.height, made.video.width) != (said.get("Rows"), said.get("Columns"))
    if scaled:
        derived.remove(dataset, derived.PLACES)
    derived.remember_form(dataset, said, kind, source_syntax, form, lossy=anew, scaled=scaled)
    dataset.SeriesInstanceUID, dataset.SOPInstanceUID = derived.uids(said, form)
    build.fill(dataset, kind)
    dataset.file_meta = derived.meta(dataset, form.transfer_syntax)
    return dataset
