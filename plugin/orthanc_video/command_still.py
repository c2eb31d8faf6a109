"""``orthanc-video still``: single frames of a video file, or of a DICOM video, with no server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from orthanc_video.clip import moment
from orthanc_video.command_files import DICOM, beside, ending_of, is_dicom, limits_of, refuse_missing, writable
from orthanc_video.dicom.moving import described
from orthanc_video.errors import BadRequest
from orthanc_video.files import Bytes, SpanSource
from orthanc_video.film import MultiFrame
from orthanc_video.jobs import naming, reading, stilling
from orthanc_video.jobs.processes import MediaProcess, close
from orthanc_video.model import Located, Span
from orthanc_video.picture import JPEG, PNG, Drawing, Rendering, Said
from orthanc_video.plain import to_json
from orthanc_video.saying import say
from orthanc_video.still import Stills

_LIMITS = limits_of()
_PICTURES = {".jpg": JPEG, ".jpeg": JPEG, ".png": PNG}
# In a target's name: the frame's number.
_NUMBER = "{}"


def run(source: Path, target: Path, moments: Sequence[str], choice: str, quality: int) -> None:
    """Writes the frames and prints which they are. Nothing is left behind when it fails; raises VideoError.

    ``quality`` is that of JPEG, 0 where none is asked for: then a DICOM image loses nothing.
    """
    try:
        made = stills(source, target, Stills(frames=tuple(map(moment, moments)), choice=choice, quality=quality))
    finally:
        close()
    for number, path in made.items():
        say(f"frame {number}: {path}")


def stills(source: Path, target: Path, wanted: Stills) -> dict[int, Path]:
    """As ``run``, and prints nothing; media processes are the caller's to end. The files by the frames' numbers."""
    refuse_missing(source)
    folder = writable(source, target).parent
    kind = ending_of(target, "picture", (*_PICTURES, DICOM))
    if len(wanted.frames) > 1 and _NUMBER not in target.name:
        raise BadRequest(f'{target} is one name for several frames: put "{_NUMBER}" where their numbers are to be.')
    with beside(target, folder) as scratch:
        made = _made(source, kind, wanted, scratch)
        names = {number: target.name.replace(_NUMBER, f"{number:06}") for number in made}
        finals = {number: writable(source, folder / name) for number, name in names.items()}
        for number, path in made.items():
            path.replace(finals[number])
    return finals


def _made(source: Path, kind: str, wanted: Stills, folder: Path) -> Mapping[int, Path]:
    """Files in ``folder`` by the frames' numbers."""
    if kind != DICOM:
        return _pictures(source, _PICTURES[kind], wanted, folder)
    if not is_dicom(source):
        raise BadRequest(f"{source} is no DICOM file, so a frame of it is none: name a picture, or convert it first.")
    items = stilling.of_object(MediaProcess(), _LIMITS, source, wanted, folder)
    return {int(one.told["Frame"]): folder / one.object for one in items}


def _pictures(source: Path, kind: str, wanted: Stills, folder: Path) -> Mapping[int, Path]:
    task, target = reading.task(source.resolve(), _place(source)), folder / "pictures"
    numbers = naming.named(MediaProcess(), _LIMITS, task, wanted.frames)
    drawing = Drawing(kind=kind, frames=tuple(numbers), rendering=Rendering(quality=wanted.quality or None))
    told = {"drawing": to_json(drawing), "said": to_json(Said()), "target": str(target)}
    lengths = MediaProcess().run("draw", task | told, _LIMITS)["lengths"]
    made = {}
    with target.open("rb") as file:
        for number, length in zip(numbers, lengths, strict=True):
            made[number] = folder / str(number)
            made[number].write_bytes(file.read(length))
    return made


def _place(source: Path) -> Located | MultiFrame:
    """Where the stream, or the pictures, lie in the file."""
    with SpanSource(source) as file:
        if is_dicom(source):
            return described(Bytes(file))[0]
        whole = (Span(0, file.size),)
        return Located(transfer_syntax="", sop_class="", sop_instance="", spans=whole, length=file.size)
