"""Judges a film, ours or another's: the object against the standard, against its stream, and against itself.

It reads an object's header, its item headers and some bytes of its stream; what the stream is, a media process says.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from pydicom.dataset import Dataset, FileDataset

from orthanc_video.dicom import locate, multiframe, stored, syntaxes
from orthanc_video.dicom.checks import attributes, container, identity, layout, stream
from orthanc_video.dicom.checks.finding import Finding, Severity, finding
from orthanc_video.dicom.stored import Header, Object
from orthanc_video.errors import BrokenVideo, Nonconforming
from orthanc_video.film import MultiFrame
from orthanc_video.model import Located, MediaInfo, VideoStream


@dataclass(frozen=True, slots=True)
class Examined:
    """An object whose pictures are unseen as yet. ``found`` is where they lie, None where that cannot be told."""

    said: FileDataset
    found: Located | MultiFrame | None
    findings: tuple[Finding, ...]


def examine(source: Object) -> Examined:
    """Everything but the pictures; raises NotVideo for what is no DICOM, or holds nothing that moves."""
    header = stored.header(source)
    found: list[Finding] = []
    try:
        place = _located(source, header, found)
    except BrokenVideo as error:
        found.append(finding("pixel-data", error.sentence))
        place = None
    return Examined(header.said, place, (*_of_header(header), *found))


def _of_header(header: Header) -> Iterable[Finding]:
    said = header.said
    yield from identity.of(said.file_meta, said)
    yield from attributes.of(said)
    if header.syntax in syntaxes.BY_UID:
        yield from attributes.of_video(said, syntaxes.BY_UID[header.syntax])


def _located(source: Object, header: Header, found: list[Finding]) -> Located | MultiFrame | None:
    """Where the pictures lie; what is wrong with their layout goes to ``found``."""
    if header.syntax in syntaxes.BY_UID:
        written = list(layout.encoding(source, header))
        found += written
        if any(one.code == "encoding" for one in written):
            return None
        if stored.native(source, header) is not None:
            found.append(finding("not-encapsulated", "Pixel Data is not encapsulated, as a video's has to be."))
            return None
        video = locate.in_object(source, header)
        found += layout.of_video(source, header, video)
        return video
    if layout.holds_stream(source, header):
        found.append(finding("transfer-syntax", f"The pixels are a video stream, but {_named(header.syntax)} is none."))
        return None
    film = multiframe.in_object(source, header)
    found += layout.of_frames(film)
    return film


def _named(syntax: str) -> str:
    known = syntaxes.IMAGES.get(syntax)
    return f"the transfer syntax {known.name}" if known else "the transfer syntax"


def of_stream(said: Dataset, located: Located, seen: VideoStream) -> list[Finding]:
    """Where the object says something else than its stream, or its transfer syntax does."""
    return list(stream.of(said, syntaxes.BY_UID[located.transfer_syntax], seen, located.length))


def of_media(said: Dataset, located: Located, info: MediaInfo) -> list[Finding]:
    """As ``of_stream``, and what is wrong with the container."""
    of_container = container.of(said, syntaxes.BY_UID[located.transfer_syntax], info)
    return [*of_stream(said, located, info.video), *of_container]


def of_pictures(found: Located | MultiFrame, sentences: Iterable[str]) -> list[Finding]:
    """What a media process could not read."""
    return [finding("picture" if isinstance(found, MultiFrame) else "stream", sentence) for sentence in sentences]


def errors(findings: Iterable[Finding]) -> list[Finding]:
    return [one for one in findings if one.severity is Severity.ERROR]


def refuse_faulty(source: Object, seen: VideoStream, info: MediaInfo | None, known: Collection[Finding] = ()) -> None:
    """Judges an object that is about to be stored; raises Nonconforming with the sentences of all errors but those that
    are ``known`` of what it was made of.

    ``info`` is the stream as it was probed when it was made; jobs of earlier versions know only what was ``seen``.
    """
    examined = examine(source)
    findings = list(examined.findings)
    if isinstance(examined.found, Located):
        place = examined.found
        findings += of_media(examined.said, place, info) if info else of_stream(examined.said, place, seen)
    wrong = [one for one in errors(findings) if one not in known]
    if wrong:
        raise nonconforming(wrong)


def nonconforming(wrong: Iterable[Finding], what: str = "object", fate: str = "stored") -> Nonconforming:
    """The refusal of what has these faults."""
    told = " ".join(f"{one.sentence} ({one.section})" for one in wrong)
    return Nonconforming(f"The {what} would not conform to the standard, so it is not {fate}: {told}")
