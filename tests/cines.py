"""Films of single pictures for the tests: made of arrays, compressed by other programs, and shown by DCMTK."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from dicom.films import NATIVE, attributes, native

Frames = npt.NDArray[Any]
Picture = npt.NDArray[np.uint8]

# Each transfer syntax by the last part of its UID, and the program that makes it of uncompressed pictures.
LOSSLESS: dict[str, list[str]] = {
    "5": ["dcmcrle"],
    "57": ["dcmcjpeg", "+el"],
    "70": ["dcmcjpeg", "+e1"],
    "80": ["dcmcjpls", "+el"],
    "80 by samples": ["dcmcjpls", "+el", "+is"],
    "80 by planes": ["dcmcjpls", "+el", "+in"],
    "90": ["gdcmconv", "--j2k"],
}
LOSSY: dict[str, list[str]] = {
    "50": ["dcmcjpeg", "+eb"],
    "50 RGB": ["dcmcjpeg", "+eb", "+cr"],
    "50 4:4:4": ["dcmcjpeg", "+eb", "+s4"],
    "50 4:2:0": ["dcmcjpeg", "+eb", "+n1"],
    "51": ["dcmcjpeg", "+ee"],
    "81": ["dcmcjpls", "+en"],
    "91": ["gdcmconv", "--j2k", "--lossy", "-q", "40"],
}


def grey(count: int = 4, bits: int = 8, *, signed: bool = False, rows: int = 48, columns: int = 64) -> Frames:
    """A slope with a square that moves over it; the corners hold the lowest and highest value."""
    y, x = np.mgrid[0:rows, 0:columns]
    top = (1 << bits) - 1
    frames = np.stack([(x * 5 + y * 3 + at * 7) * top // 700 % (top + 1) for at in range(count)])
    for at, frame in enumerate(frames):
        frame[8 + at : 20 + at, 10 + 3 * at : 25 + 3 * at] = top
        frame[0, 0], frame[-1, -1] = 0, top
    if signed:
        frames = frames - (1 << (bits - 1))
    kind = np.int16 if signed else np.uint8 if bits == 8 else np.uint16
    return np.asarray(frames.astype(kind))


def colours(count: int = 4, rows: int = 48, columns: int = 64) -> Frames:
    """Smooth enough for half the chroma."""
    y, x = np.mgrid[0:rows, 0:columns]
    shifts = range(0, 12 * count, 12)
    frames = [np.stack((x * 4 + at, y * 5, (x + y) * 2), axis=-1) for at in shifts]
    return np.asarray(255 - np.abs(np.stack(frames) % 510 - 255), dtype=np.uint8)


def overlay(points: Frames, group: int, origin: list[int], **more: tuple[str, Any] | None) -> Dataset:
    """A plane (PS3.3 C.9.2), or frames of one. ``more`` are other elements by number (``x0051``), None for none."""
    packed = np.packbits(points.reshape(-1), bitorder="little").tobytes()
    elements: dict[int, tuple[str, Any] | None] = {
        0x0010: ("US", points.shape[-2]), 0x0011: ("US", points.shape[-1]), 0x0040: ("CS", "G"), 0x0050: ("SS", origin),
        0x0100: ("US", 1), 0x0102: ("US", 0), 0x3000: ("OW", packed + bytes(len(packed) % 2)),
    }  # fmt: skip
    plane = Dataset()
    for element, said in (elements | {int(name[1:], 16): one for name, one in more.items()}).items():
        if said is not None:
            plane.add_new((group, element), *said)
    return plane


def film(path: Path, frames: Frames, syntax: str = NATIVE, **more: Any) -> Path:
    """The frames end to end. ``more`` are attributes by keyword."""
    bits = more.pop("bits", frames.dtype.itemsize * 8)
    colour = frames.ndim == 4
    data = frames.transpose(0, 3, 1, 2) if colour and more.get("PlanarConfiguration") else frames
    said = {
        "SOPInstanceUID": generate_uid(),
        "StudyInstanceUID": generate_uid(),
        "SeriesInstanceUID": generate_uid(),
        "Rows": frames.shape[1],
        "Columns": frames.shape[2],
        "SamplesPerPixel": 3 if colour else 1,
        "PhotometricInterpretation": "RGB" if colour else "MONOCHROME2",
        "PlanarConfiguration": 0 if colour else None,
        "BitsAllocated": frames.dtype.itemsize * 8,
        "BitsStored": bits,
        "HighBit": bits - 1,
        "PixelRepresentation": int(np.issubdtype(frames.dtype, np.signedinteger)),
    }
    path.write_bytes(native(np.ascontiguousarray(data).tobytes(), attributes(len(frames), **(said | more)), syntax))
    return path


def coded(source: Path, command: list[str]) -> Path:
    """The same film, compressed."""
    target = source.with_name(f"{source.stem}-{'-'.join(command[:3]).replace('+', '')}.dcm")
    done = subprocess.run([*command, str(source), str(target)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert target.exists(), done.stderr
    return target


def shown(path: Path, number: int, *options: str) -> Picture:
    """Frame ``number`` (from 0) as DCMTK shows it."""
    for program in ("dcmj2pnm", "dcml2pnm"):
        command = [program, "+op", "+F", str(number + 1), *options, str(path)]
        done = subprocess.run(command, capture_output=True)
        if done.returncode == 0 and done.stdout[:2] in {b"P5", b"P6"}:
            return np.array(Image.open(io.BytesIO(done.stdout)))
    raise AssertionError(done.stderr.decode())
