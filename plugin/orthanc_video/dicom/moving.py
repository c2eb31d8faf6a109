"""What moves in a stored object: a video's stream, or single pictures one after the other."""

from __future__ import annotations

from pydicom.dataset import FileDataset

from orthanc_video.dicom import locate, multiframe, stored, syntaxes
from orthanc_video.dicom.stored import Object
from orthanc_video.film import MultiFrame
from orthanc_video.model import Located


def described(source: Object) -> tuple[Located | MultiFrame, FileDataset]:
    """Where it lies, and the object's attributes before Pixel Data; raises NotVideo where nothing moves."""
    header = stored.header(source)
    if header.syntax in syntaxes.BY_UID:
        return locate.in_object(source, header), header.said
    return multiframe.in_object(source, header), header.said
