"""The words by which configuration and API name forms, and the names of what they are made of."""

from __future__ import annotations

from orthanc_video.dicom import classes, syntaxes
from orthanc_video.form import Form, Kind

SAMPLED = "sampled"
_VIDEO = {"h264": "h264", "hevc": "hevc", "mpeg2video": "mpeg2"}
_IMAGE = {
    "raw": "uncompressed",
    "rle": "rle",
    "jpeg": "jpeg",
    "ljpeg": "jpeg-lossless",
    "jpegls": "jpeg-ls",
    "jpeg2000": "jpeg-2000",
}
_HTJ2K = "htj2k"


def coding(transfer_syntax: str) -> str:
    """How pictures are coded in it, as one word; empty for what is not known here."""
    if transfer_syntax in syntaxes.BY_UID:
        return _VIDEO[syntaxes.BY_UID[transfer_syntax].codec]
    image = syntaxes.IMAGES.get(transfer_syntax)
    if image is None:
        return ""
    return _HTJ2K if image.name.startswith("High-Throughput") else _IMAGE[image.codec]


# All of them, in the order of the ladder.
ALL = (*(str(kind) for kind in Kind), SAMPLED, *_VIDEO.values(), *_IMAGE.values(), _HTJ2K)


def of(form: Form) -> frozenset[str]:
    """Every word that names the form: its kind, how it is coded, ``sampled`` where frames are left out."""
    sampled = (SAMPLED,) if form.step > 1 else ()
    return frozenset({str(form.kind), coding(form.transfer_syntax), *sampled} - {""})


def class_name(uid: str) -> str:
    """A SOP class as people call it, without "Image Storage"; its UID where it is not known here."""
    kind = classes.BY_UID.get(uid)
    name = kind.name if kind else classes.CINE.get(uid) or f"SOP class {uid}"
    return name.removesuffix(" Storage").removesuffix(" Image")


def syntax_name(uid: str) -> str:
    """A transfer syntax as people call it; its UID where it is not known here."""
    known = syntaxes.BY_UID.get(uid) or syntaxes.IMAGES.get(uid)
    return known.name if known else f"transfer syntax {uid}"
