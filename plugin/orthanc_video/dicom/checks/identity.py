"""Who an object says that it is: its File Meta Information, its identifiers, its class. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from re import fullmatch

from pydicom.dataset import Dataset
from pydicom.uid import RE_VALID_UID

from orthanc_video.dicom import classes, syntaxes
from orthanc_video.dicom.checks.finding import Finding, finding
from orthanc_video.dicom.said import missing, text

_META = (
    *("FileMetaInformationGroupLength", "FileMetaInformationVersion", "MediaStorageSOPClassUID"),
    *("MediaStorageSOPInstanceUID", "TransferSyntaxUID", "ImplementationClassUID"),
)
_UIDS = (
    *("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"),
    *("FrameOfReferenceUID", "SynchronizationFrameOfReferenceUID"),
)
_LONGEST = 64


def of(meta: Dataset, said: Dataset) -> Iterator[Finding]:
    """Findings on both, each against the other."""
    yield from _meta(meta, said)
    yield from _identifiers(said)
    yield from _class(text(meta, "TransferSyntaxUID"), said)


def _meta(meta: Dataset, said: Dataset) -> Iterator[Finding]:
    for keyword in _META:
        if missing(meta, keyword):
            yield finding("meta-missing", f"The File Meta Information has no {keyword}.")
    for code, keyword in (("meta-class", "SOPClassUID"), ("meta-instance", "SOPInstanceUID")):
        outside = text(meta, f"MediaStorage{keyword}")
        if outside and text(said, keyword) and outside != text(said, keyword):
            yield finding(code, f"The File Meta Information names another {keyword} than the data set.")


def _identifiers(said: Dataset) -> Iterator[Finding]:
    for keyword in _UIDS:
        found = text(said, keyword)
        if found and not (len(found) <= _LONGEST and fullmatch(RE_VALID_UID, found)):
            yield finding("uid-illegal", f"{keyword} is no legal UID.")
    given = [found for keyword in _UIDS[1:4] if (found := text(said, keyword))]
    if len(set(given)) < len(given):
        yield finding("uid-shared", "Study, series and instance share a UID.")


def _class(syntax: str, said: Dataset) -> Iterator[Finding]:
    uid = text(said, "SOPClassUID")
    kind = classes.BY_UID.get(uid)
    if uid in classes.SINGLE:
        yield finding("class-single", f"{classes.CINE[uid]} is for single pictures.")
    elif kind is None and uid and syntax in syntaxes.BY_UID:
        yield finding("class-unknown", "The SOP class is none that a video transfer syntax goes with.")
    if kind is None:
        return
    known = syntaxes.BY_UID.get(syntax) or syntaxes.IMAGES.get(syntax)
    if known and syntax not in kind.videos | kind.images:
        yield finding("class-syntax", f"{known.name} is none of the transfer syntaxes that go with {kind.name}.")
    modality = text(said, "Modality")
    if kind.modalities and modality and modality not in kind.modalities:
        demanded = " or ".join(kind.modalities)
        yield finding("modality", f"{kind.name} demands the modality {demanded}.", f"PS3.3 {kind.section}")
