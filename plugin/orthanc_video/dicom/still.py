"""The data set of a still image that is a frame of a video: a derived object that says of which frame. All but Pixel
Data.

It is in the study of its source, in a series with the other stills of its class of the source's series. UIDs follow
from the source's, the frame and the coding: the same still made twice is one object.
"""

from __future__ import annotations

from fractions import Fraction

from pydicom.dataset import Dataset, FileDataset

from orthanc_video.dicom import build, classes, derived, moments, series
from orthanc_video.dicom.said import text
from orthanc_video.film import Coded
from orthanc_video.form import Form

_EXTRACTED = build.code("109105", "DCM", "Frame Extracting Equipment")
# Of a film that was cut itself: a still has no such module.
_OF_FILMS = ("FrameExtractionSequence",)


def of_frame(
    said: FileDataset, source_syntax: str, form: Form, coded: Coded, number: int, start: Fraction, size: int
) -> Dataset:
    """``said`` are the source's attributes, ``coded`` the pictures, ``number`` is the frame's (from 1) and ``start``
    when it is shown, in seconds after the film begins; ``size`` the bytes that the picture takes."""
    kind = classes.WRITTEN[form.sop_class]
    dataset = derived.taken(said, kind)
    derived.remove(dataset, _OF_FILMS)
    derived.pixels(dataset, coded)
    moments.shift(dataset, start)
    done = derived.Done(
        sentence=f"frame {number} of the video, taken out by orthanc-video",
        steps=(derived.LOSSY,) if derived.is_lossy(form.transfer_syntax) else (),
        by=_EXTRACTED,
    )
    derived.remember(dataset, said, kind, source_syntax, done)
    derived.lossy(dataset, source_syntax, form.transfer_syntax, coded, size, 1)
    dataset.SourceImageSequence[0].ReferencedFrameNumber = number
    how = (form.transfer_syntax, str(form.quality))
    series.join(dataset, said, "stills", kind.uid)
    dataset.SOPInstanceUID = build.derived_uid("still", text(said, "SOPInstanceUID"), kind.uid, *how, str(number))
    dataset.InstanceNumber = number
    build.fill(dataset, kind)
    dataset.file_meta = derived.meta(dataset, form.transfer_syntax)
    return dataset
