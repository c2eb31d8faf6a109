"""What the tests of forms share: a stored video, forms of it, and other programs' decoders."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from pydicom import dcmread
from pydicom.encaps import generate_frames

from dicom.conftest import prepare
from orthanc_video.form import Form, Kind
from orthanc_video.jobs import forms
from orthanc_video.jobs.forms import FormFile
from orthanc_video.jobs.processes import MediaProcess
from orthanc_video.settings import Settings

Frames = npt.NDArray[np.uint8]
STORAGE, JPEG = "1.2.840.10008.5.1.4.1.1.", "1.2.840.10008.1.2.4."
ENDOSCOPIC, PHOTOGRAPHIC = f"{STORAGE}77.1.1.1", f"{STORAGE}77.1.4.1"
TRUE_COLOUR, GREY_BYTES, ULTRASOUND = f"{STORAGE}7.4", f"{STORAGE}7.2", f"{STORAGE}3.1"
IMPLICIT, EXPLICIT, RLE = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.5"
# The program that undoes each: none for what is not compressed, or for HTJ2K, which FFmpeg knows.
UNDO: dict[str, list[str]] = {
    f"{JPEG}50": ["dcmdjpeg"],
    f"{JPEG}70": ["dcmdjpeg"],
    RLE: ["dcmdrle"],
    f"{JPEG}80": ["dcmdjpls"],
    f"{JPEG}90": ["gdcmconv", "--raw"],
    f"{JPEG}91": ["gdcmconv", "--raw"],
}


@dataclass(frozen=True)
class Made:
    """The files of a form, and the first of them as others read it."""

    files: list[FormFile]

    @property
    def path(self) -> Path:
        return Path(self.files[0].path)

    @property
    def said(self) -> Any:
        return dcmread(self.path)

    def frames(self, at: int = 0) -> Frames:
        return frames_of(Path(self.files[at].path))


def frames_of(path: Path) -> Frames:
    """Frames × rows × columns (× 3) by DCMTK or GDCM, of HTJ2K by FFmpeg."""
    said = dcmread(path)
    if said.file_meta.TransferSyntaxUID == f"{JPEG}201":
        return np.stack([_htj2k(one) for one in generate_frames(said.PixelData, number_of_frames=_count(said))])
    if said.file_meta.TransferSyntaxUID in UNDO:
        plain = path.with_suffix(".plain")
        subprocess.run([*UNDO[said.file_meta.TransferSyntaxUID], path, plain], check=True, capture_output=True)
        said = dcmread(plain)
    return pixels(said)


def _count(said: Any) -> int:
    return int(said.get("NumberOfFrames", 1))


def pixels(said: Any) -> Frames:
    """Uncompressed ones, as they lie there."""
    shape = [_count(said), said.Rows, said.Columns, *([3] if said.SamplesPerPixel == 3 else [])]
    data = np.frombuffer(said.PixelData, np.uint8)[: int(np.prod(shape))]
    if said.get("PlanarConfiguration") == 1:
        return data.reshape(shape[0], 3, *shape[1:3]).transpose(0, 2, 3, 1)
    return data.reshape(shape)


def _htj2k(coded: bytes) -> Frames:
    context = av.CodecContext.create("jpeg2000", "r")
    (frame,) = [*context.decode(av.Packet(coded)), *context.decode(None)]
    return np.asarray(frame.to_ndarray(), dtype=np.uint8)


def form(syntax: str, sop_class: str = PHOTOGRAPHIC, kind: Kind = Kind.FRAMES, **more: Any) -> Form:
    return Form(kind=kind, sop_class=sop_class, transfer_syntax=syntax, **more)


def maker(settings: Settings, folder: Path) -> Callable[[Path, Form], Made]:
    """Makes forms in folders of their own, in real media processes."""
    count = 0

    def make(source: Path, wanted: Form) -> Made:
        nonlocal count
        count += 1
        target = folder / f"form-{count}"
        target.mkdir()
        return Made(forms.make(settings, MediaProcess(), source, wanted, target, None))

    return make


def stored(clip: Path, folder: Path, sop_class: str = "photographic") -> Path:
    """The DICOM file that a clip becomes."""
    folder.mkdir(parents=True, exist_ok=True)
    prepared = prepare(clip, folder)
    return prepared.write(folder / "stored.dcm", replace(prepared.upload, sop_class=sop_class))
