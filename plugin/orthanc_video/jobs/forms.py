"""The forms in which stored films go to archives: each made once, and kept for who comes next in a bounded cache.

A form is a folder of one DICOM file, or of one for each still picture, and a list of what they are. It is named by the
stored object's UUID and all that makes the form; a folder in the cache is whole. The least recently used go.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydicom.dataset import Dataset

from orthanc_video.archive.objects import evict
from orthanc_video.clip import Moment
from orthanc_video.dicom import check, classes, derived, framed, syntaxes, write
from orthanc_video.dicom.moving import described
from orthanc_video.dicom.said import text, whole
from orthanc_video.edit import Edit
from orthanc_video.errors import WorkerFailed
from orthanc_video.files import Bytes, SpanSource
from orthanc_video.film import Coded, MultiFrame
from orthanc_video.form import Form, Kind
from orthanc_video.jobs import ingest_job, reading, reformed
from orthanc_video.jobs.processes import Limits, Listener, MediaProcess, job_limits
from orthanc_video.model import Located
from orthanc_video.plain import from_json, to_json
from orthanc_video.settings import Settings

_LIST = "form.json"
# JPEG pictures of a film take many times what its video does.
_LARGER = 4
# Of the cache's bound, in MiB, a quarter.
_SHARE = 18


@dataclass(frozen=True, slots=True, kw_only=True)
class FormFile:
    """A DICOM file of a form, and what a store request has to say of it. ``frames`` is 1 of a still picture."""

    path: str
    sop_class: str
    sop_instance: str
    transfer_syntax: str
    size: int
    frames: int


def make(
    settings: Settings, process: MediaProcess, source: Path, form: Form, folder: Path, listener: Listener | None
) -> list[FormFile]:
    """Makes ``form`` of the stored object that is the DICOM file ``source``, in ``folder``, which has nothing else.

    The object as it is stored is its own form: nothing is copied. Raises BadRequest where the object cannot have this
    form, TooLarge, BrokenVideo where a frame cannot be decoded, Nonconforming.
    """
    if form.kind is Kind.STORED:
        return [_stored(source)]
    if form.kind in {Kind.FRAMES, Kind.STILLS}:
        return _pictures(settings, process, source, form, folder, listener)
    video = reformed.make(settings, process, source, form, folder, listener)
    refuse_faulty(video.path)
    return [
        FormFile(
            path=str(video.path),
            sop_class=video.sop_class,
            sop_instance=video.sop_instance,
            transfer_syntax=form.transfer_syntax,
            size=video.path.stat().st_size,
            frames=video.frames,
        )
    ]


def _stored(source: Path) -> FormFile:
    with SpanSource(source) as file:
        place, _ = described(Bytes(file))
        frames = len(place.frames) if isinstance(place, MultiFrame) else 0
    return FormFile(
        path=str(source),
        sop_class=place.sop_class,
        sop_instance=place.sop_instance,
        transfer_syntax=place.transfer_syntax,
        size=source.stat().st_size,
        frames=frames,
    )


def _pictures(
    settings: Settings, process: MediaProcess, source: Path, form: Form, folder: Path, listener: Listener | None
) -> list[FormFile]:
    kind = derived.kind_of(form)
    with SpanSource(source) as file:
        place, said = described(Bytes(file))
    # What the media process makes is written once more.
    frames = len(range(form.first, (form.last or whole(said, "NumberOfFrames") or 1) + 1, max(1, form.step)))
    ingest_job.room_for(settings, 2 * guess(said, frames, form.transfer_syntax))
    target = folder / "pictures"
    coded, pictures = code(process, _limits(settings), source, place, form, target, listener)
    made = []
    for still in range(1, coded.frames + 1) if kind.single else (0,):
        size = pictures.lengths[still - 1] if still else sum(pictures.lengths)
        dataset = derived.of_pictures(said, place.transfer_syntax, form, coded, pictures.times, size, still)
        envelope = framed.envelope(dataset, pictures, still - 1 if still else None)
        path = folder / f"{still or 1:06}.dcm"
        write.write(envelope, target, path)
        made.append(
            FormFile(
                path=str(path),
                sop_class=kind.uid,
                sop_instance=text(dataset, "SOPInstanceUID"),
                transfer_syntax=form.transfer_syntax,
                size=envelope.size,
                frames=1 if still else coded.frames,
            )
        )
        if coded.frames > 1 and not still:
            refuse_faulty(path)
    target.unlink()
    Path(coded.index).unlink()
    return made


def code(
    process: MediaProcess,
    limits: Limits,
    source: Path,
    place: Located | MultiFrame,
    form: Form,
    target: Path,
    listener: Listener | None = None,
    named: Sequence[Moment] = (),
    edit: Edit | None = None,
) -> tuple[Coded, framed.Pictures]:
    """Has the pictures of a form coded into ``target``, or those of the frames that are ``named``, with an ``edit``."""
    arguments = {
        **reading.task(source, place),
        "target": str(target),
        "form": to_json(form),
        "shades": classes.WRITTEN[form.sop_class].shades,
        "moments": to_json(list(named)),
        "edit": to_json(edit),
    }
    coded = _coded(process.run("code", arguments, limits, listener), target)
    native = syntaxes.IMAGES[form.transfer_syntax].native
    return coded, framed.pictures(target, Path(coded.index), coded.frames, native=native)


def guess(said: Dataset, frames: int, transfer_syntax: str) -> int:
    """Bytes that so many pictures may take."""
    plain = frames * (whole(said, "Rows") or 0) * (whole(said, "Columns") or 0) * 3
    syntax = syntaxes.IMAGES[transfer_syntax]
    return plain if syntax.native else plain // (8 if syntax.method else 2)


def _limits(settings: Settings) -> Limits:
    limits = job_limits(settings)
    return dataclasses.replace(limits, file=_LARGER * limits.file)


def _coded(answer: object, target: Path) -> Coded:
    """What a media process says, which a hostile film may have taken over."""
    try:
        coded = from_json(Coded, answer["coded"])  # type: ignore[index]
        right = coded.path == str(target) and Path(coded.index).parent == target.parent
        right = right and 0 < coded.rows < 1 << 16 and 0 < coded.columns < 1 << 16 and coded.samples in {1, 3}
        right = right and 0 <= coded.copied < coded.frames
    except (KeyError, TypeError, ValueError, AttributeError):
        right = False
    if not right:
        raise WorkerFailed("The media process did not say what it had made: the film may be made to do so.")
    return coded


def refuse_faulty(path: Path) -> None:
    with SpanSource(path) as file:
        wrong = check.errors(check.examine(Bytes(file)).findings)
    if wrong:
        raise check.nonconforming(wrong, "form", "sent")


def folder_of(settings: Settings, stored: str, form: Form) -> Path:
    """Where the form of the object with this UUID lies, or will."""
    key = hashlib.sha256(json.dumps(to_json(form), sort_keys=True).encode()).hexdigest()[:16]
    return settings.cache / "forms" / f"{stored}-{key}"


def found(settings: Settings, stored: str, form: Form) -> list[FormFile] | None:
    """The form of the object with this UUID, if it has been made; from now on it counts as just used."""
    folder = folder_of(settings, stored, form)
    try:
        told = json.loads((folder / _LIST).read_text(encoding="utf-8"))
        os.utime(folder)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return [from_json(FormFile, {**one, "path": str(folder / one["path"])}) for one in told]


def keep(settings: Settings, stored: str, form: Form, made: Path, files: list[FormFile]) -> list[FormFile]:
    """Takes the folder ``made`` into the cache; where another has been quicker, that one stays."""
    told = [{**to_json(one), "path": Path(one.path).name} for one in files]
    (made / _LIST).write_text(json.dumps(told), encoding="utf-8")
    folder = folder_of(settings, stored, form)
    folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        made.replace(folder)
    except OSError:
        if found(settings, stored, form) is None:
            raise
        shutil.rmtree(made)
    evict(folder.parent, settings.gateway.cache_mb << _SHARE, folder)
    return found(settings, stored, form) or []


def forget(settings: Settings, stored: str) -> None:
    """Removes all forms of the object with this UUID."""
    for folder in (settings.cache / "forms").glob(f"{stored}-*"):
        shutil.rmtree(folder, ignore_errors=True)
