"""Writes docs/conformance.md out of the tables that the program itself goes by: ``python scripts/conformance.py``.

With ``--print`` it only shows the page.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from pydicom.datadict import dictionary_description, dictionary_VR, tag_for_keyword
from pydicom.dataset import Dataset

from orthanc_video import __version__
from orthanc_video.dicom import syntaxes
from orthanc_video.dicom.attributes import ALLOWED
from orthanc_video.dicom.build import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME, build
from orthanc_video.dicom.classes import BY_CHOICE, BY_UID, CINE, STILLS, WRITTEN, VideoClass
from orthanc_video.dicom.fit import named_level
from orthanc_video.dicom.marked import KEY_OBJECTS, KEY_OBJECTS_NAME
from orthanc_video.dicom.modules import When
from orthanc_video.dicom.syntaxes import Format, VideoSyntax
from orthanc_video.model import Action, Made, MediaInfo, Plan, Rational, Upload, VideoStream
from orthanc_video.routing.association import COMMITMENT, FIND, VERIFICATION

PAGE = Path(__file__).resolve().parents[1] / "docs" / "conformance.md"
_CONDITIONS = {
    When.ALWAYS: "",
    When.COLOUR: "more than one sample per pixel",
    When.NO_SPECIMEN: "no Specimen Description Sequence",
    When.LOSSY: "Lossy Image Compression is 01",
}


def statement() -> str:
    """The whole page."""
    return "\n".join([*_overview(), *_networking(), *_media(), *_security(), *_annexes()]) + "\n"


def _table(heads: str, rows: Iterable[Iterable[str]]) -> Iterator[str]:
    names = heads.split(" | ")
    yield f"| {heads} |"
    yield "|" + "---|" * len(names)
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""


def _overview() -> Iterator[str]:
    yield "# DICOM Conformance Statement"
    yield ""
    yield (
        "<!-- Written by `python scripts/conformance.py` out of the program's own tables: "
        "change those, not this file. -->"
    )
    yield ""
    yield f"orthanc-video {__version__}. The layout is that of PS3.2 2020a, Annex A; sections without content say so."
    yield ""
    yield "## 1 Conformance Statement Overview"
    yield ""
    yield (
        "orthanc-video makes DICOM objects of videos, stores them in the Orthanc beside which it runs, and serves what "
        "is stored there to browsers. All DIMSE services are Orthanc's, whose own conformance statement describes them."
    )
    yield ""
    yield from _table(
        "SOP class | UID | Created | Read and judged",
        (
            *([kind.name, f"`{kind.uid}`", "yes" if kind.choice else "no", "yes"] for kind in BY_UID.values()),
            *([WRITTEN[uid].name, f"`{uid}`", "of frames of stored videos", "shown"] for uid in STILLS.values()),
            [KEY_OBJECTS_NAME, f"`{KEY_OBJECTS}`", "for marked moments of stored videos", "no"],
        ),
    )
    yield "## 3 Introduction"
    yield ""
    yield (
        "For those who connect archives, modalities and viewers to it. Attributes are named as in PS3.6. What a site "
        "sees when it connects real products may differ from what statements promise: it has to be tried there."
    )
    yield ""


def _networking() -> Iterator[str]:
    yield "## 4 Networking"
    yield ""
    yield "### 4.1 DIMSE services"
    yield ""
    yield (
        "As user (SCU) alone, under Orthanc's AE title; it accepts no associations. Objects reach Orthanc by its REST "
        "interface."
    )
    yield ""
    yield from _table(
        "Service | SOP class | Presentation contexts | Section",
        [
            ["Verification", f"`{VERIFICATION}`", "one, Implicit VR Little Endian first", "PS3.4 A"],
            [
                "Storage",
                "that of the object",
                "one of the object's own transfer syntax; for what is stored without loss another one of Implicit VR "
                "Little Endian; to learn what a peer takes, one for each SOP class and transfer syntax",
                "PS3.4 B",
            ],
            ["Study Root Query (C-FIND), IMAGE level", f"`{FIND}`", "one, Explicit VR Little Endian first", "PS3.4 C"],
            ["Storage Commitment Push Model, by Orthanc", f"`{COMMITMENT}`", "Orthanc's", "PS3.4 J"],
        ],
    )
    yield ""
    yield (
        "A failure response that comes before the whole data set was sent (PS3.7 9.3.1) ends the sending: the "
        "association is left. A PDU has at most 131072 bytes, or as few as the peer asks for; those received may have "
        "65536 bytes. TLS is that of Orthanc's `DicomTls…` settings, host names are not compared."
    )
    yield ""
    yield "### 4.2 DICOMweb services"
    yield ""
    yield from _table(
        "Service | Resource | Media types | Section",
        [
            [
                "Retrieve Rendered (WADO-RS), origin server",
                "study, series, instance and frames",
                ", ".join(f"`{one}`" for one in (*_media_types(), "image/jpeg", "image/png", "image/gif")),
                "PS3.18 10.4",
            ],
            [
                "Retrieve Thumbnail (WADO-RS), origin server",
                "study, series and instance",
                "`image/jpeg`",
                "PS3.18 10.4",
            ],
            [
                "Retrieve Frames (WADO-RS), origin server",
                "frames of a video or film",
                "`application/octet-stream`, and of films what they are stored in",
                "PS3.18 10.4",
            ],
            [
                "Store (STOW-RS), origin server",
                "studies, study",
                "`application/dicom`; `application/dicom+json` and `application/dicom+xml` with "
                + ", ".join(f"`{one}`" for one in _media_types()),
                "PS3.18 10.5",
            ],
            [
                "Retrieve (WADO-RS), origin server",
                "study, series and instance that hold videos",
                "`application/dicom`",
                "PS3.18 10.4",
            ],
            [
                "Retrieve Metadata (WADO-RS), origin server",
                "study, series and instance that hold videos or films",
                "`application/dicom+json`, `application/dicom+xml`",
                "PS3.18 10.4",
            ],
            [
                "Retrieve Bulk Data (WADO-RS), origin server",
                "`/bulkdata` and `/pixeldata` of an instance that is a video or film",
                ", ".join(f"`{one}`" for one in (*_media_types(), "application/octet-stream"))
                + ", of films the frames'",
                "PS3.18 10.4",
            ],
            [
                "WADO-URI, origin server",
                "instance that is a video or film",
                "`application/dicom`, and those of Retrieve Rendered",
                "PS3.18 9",
            ],
            ["Store (STOW-RS), user agent", "studies", "`application/dicom`", "PS3.18 10.5"],
        ],
    )
    yield (
        "With byte ranges, `ETag` and conditional requests (RFC 9110). All other resources below the DICOMweb root are "
        "those of Orthanc's DICOMweb plugin, passed through. [dicomweb.md](dicomweb.md) has the details."
    )
    yield ""


def _media_types() -> list[str]:
    return sorted({one.media_type for one in syntaxes.BY_UID.values()})


def _media() -> Iterator[str]:
    yield "## 5 Media interchange"
    yield ""
    yield (
        "`orthanc-video convert` writes DICOM files (PS3.10 7) and `orthanc-video check` reads them; neither reads or "
        "writes a DICOMDIR, and no media application profile (PS3.11) is claimed."
    )
    yield ""
    yield from _table(
        "File Meta Information | Value",
        [
            ["Implementation Class UID", f"`{IMPLEMENTATION_CLASS_UID}`"],
            ["Implementation Version Name", f"`{IMPLEMENTATION_VERSION_NAME}`"],
        ],
    )
    yield "## 6 Support of character sets"
    yield ""
    yield (
        "Objects are written in ISO_IR 192 (UTF-8). Objects of others are read in what their Specific Character Set "
        "says."
    )
    yield ""


def _security() -> Iterator[str]:
    yield "## 7 Security"
    yield ""
    yield (
        "No profile of PS3.15 is claimed. Orthanc decides who may read and store what; neither port speaks TLS by "
        "itself. [README.md](../README.md#security) says how to put it behind a proxy that does."
    )
    yield ""


def _annexes() -> Iterator[str]:
    yield "## 8 Annexes"
    yield ""
    yield "### 8.1 IOD contents of created objects"
    yield ""
    yield (
        "Presence: ALWAYS with a value, EMPTY unless a request gives a value, ANAP (attribute not always present) only "
        "where a request or the stream brings it. Source: AUTO made here, STREAM from the bit stream, REQUEST by "
        "whoever uploads."
    )
    yield ""
    for kind in BY_CHOICE.values():
        yield f"#### {kind.name} (PS3.3 {kind.section})"
        yield ""
        yield from _table("Attribute | Tag | VR | Presence | Source", _contents(kind))
    yield "### 8.2 Data dictionary of private attributes"
    yield ""
    yield "None."
    yield ""
    yield "### 8.3 What is demanded of objects by `check`"
    yield ""
    yield (
        "By module; 1: with a value, 2: present, perhaps without one (PS3.5 7.4). [docs/check.md](check.md) lists all "
        "findings."
    )
    yield ""
    for kind in BY_UID.values():
        yield f"#### {kind.name}, modality {' or '.join(kind.modalities) or 'any'}"
        yield ""
        yield from _table("Module | PS3.3 | Attribute | Type | Where", _demands(kind))
    yield from _transfer_syntaxes()


def _contents(kind: VideoClass) -> Iterator[list[str]]:
    built = _sample(kind)
    present = {element.keyword: element for element in built}
    for keyword in sorted({*present, *ALLOWED, "PixelData"}, key=lambda keyword: tag_for_keyword(keyword) or 0):
        tag = tag_for_keyword(keyword) or 0
        if keyword not in present:
            presence = "ALWAYS" if keyword == "PixelData" else "ANAP"
        else:
            presence = "EMPTY" if present[keyword].is_empty else "ALWAYS"
        yield [
            dictionary_description(tag),
            f"({tag >> 16:04X},{tag & 0xFFFF:04X})",
            dictionary_VR(tag),
            presence,
            _source(keyword, present=keyword in present),
        ]


def _source(keyword: str, *, present: bool) -> str:
    if keyword in _STREAM:
        return "STREAM"
    if keyword not in ALLOWED:
        return "AUTO"
    return "REQUEST, else AUTO" if present and keyword in _DEFAULTED else "REQUEST"


_STREAM = frozenset({
    "Rows", "Columns", "NumberOfFrames", "FrameTime", "CineRate", "RecommendedDisplayFrameRate", "EffectiveDuration",
    "LossyImageCompressionRatio", "LossyImageCompressionMethod", "PixelData",
})  # fmt: skip
_DEFAULTED = frozenset({
    "PatientName", "PatientID", "StudyInstanceUID", "SeriesInstanceUID", "StudyDate", "StudyTime", "StudyID",
    "SeriesNumber", "InstanceNumber", "ContentDate", "ContentTime", "TimezoneOffsetFromUTC",
})  # fmt: skip


def _sample(kind: VideoClass) -> Dataset:
    """What an upload without any attributes becomes."""
    video = VideoStream(
        codec="h264", width=1920, height=1080, coded_width=1920, coded_height=1088, pixel_format="yuv420p",
        bit_depth=8, frames=60, rate=Rational(30), constant_rate=True, seconds=2.0, profile_idc=100, level=41,
    )  # fmt: skip
    upload = Upload(
        id="1", path="", size=1, sha256="0" * 64, sop_class=kind.choice, received="2026-01-01T00:00:00+00:00"
    )
    plan = Plan(action=Action.WRAP, transfer_syntax=syntaxes.H264_HIGH_41, reasons=())
    return build(upload, MediaInfo(container="mp4", size=1, video=video), plan, Made(path="", size=1, video=video))


def _demands(kind: VideoClass) -> Iterator[list[str]]:
    for module in kind.modules:
        for need in module.needs:
            tag = tag_for_keyword(need.keyword) or 0
            yield [module.name, module.section, dictionary_description(tag), str(need.kind), _CONDITIONS[need.when]]


def _transfer_syntaxes() -> Iterator[str]:
    yield "### 8.4 Transfer syntaxes of video"
    yield ""
    yield (
        "Written: unasked, where a stream is of it; by request (`TransferSyntax`); or never, since no IOD holds it or "
        "fragments bring nothing. All are read, in one fragment or many."
    )
    yield ""
    unasked = {one.uid for kind in syntaxes.PREFERRED.values() for one in kind}
    yield from _table(
        "Transfer syntax | UID | PS3.5 | Highest level | Formats | Bit rate | Pixels | Fragments | Written",
        (
            [
                one.name,
                f"`{one.uid}`",
                one.section,
                named_level(one.codec, min(one.levels) if one.codec == "mpeg2video" else max(one.levels)),
                "; ".join(map(_format, one.formats)) or "all of the level",
                f"{one.bit_rate / 1e6:g} Mbit/s" if one.bit_rate else "of the level",
                f"{one.bit_depth} bits, {'square' if one.square else 'any aspect'}",
                "any number" if one.fragmentable else "one",
                _written(one, unasked),
            ]
            for one in syntaxes.BY_UID.values()
        ),
    )
    yield "### 8.5 Films of single pictures"
    yield ""
    yield "Read and shown, never written, in these transfer syntaxes:"
    yield ""
    yield from _table("Transfer syntax | UID", ([one.name, f"`{one.uid}`"] for one in syntaxes.IMAGES.values()))
    yield "and of these SOP classes:"
    yield ""
    yield from _table("SOP class | UID", ([name, f"`{uid}`"] for uid, name in CINE.items()))


def _format(one: Format) -> str:
    scan = {None: "", True: " progressive", False: " interlaced"}[one.progressive]
    rates = ", ".join(f"{float(rate):.5g}" for rate in one.rates)
    return f"{'up to ' if one.at_most else ''}{one.width} × {one.height}{scan} at {rates}/s"


def _written(one: VideoSyntax, unasked: set[str]) -> str:
    if one.uid in unasked:
        return "unasked"
    return "by request" if one.uid in {uid.uid for uid in syntaxes.BY_NAME.values()} - set(syntaxes.UNMADE) else "never"


if __name__ == "__main__":
    if sys.argv[1:] == ["--print"]:
        sys.stdout.write(statement())
    else:
        PAGE.write_text(statement(), encoding="utf-8")
