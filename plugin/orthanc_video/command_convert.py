"""``orthanc-video convert`` and ``probe``: the same ladder on files, with no server and no Orthanc."""

from __future__ import annotations

import datetime
import hashlib
import os
import tempfile
from pathlib import Path
from typing import Any

from orthanc_video.dicom import attributes, write
from orthanc_video.dicom.build import build
from orthanc_video.errors import BadRequest
from orthanc_video.jobs.processes import Limits, MediaProcess, close
from orthanc_video.model import Action, Made, MediaInfo, Plan, Upload, Wishes, from_json, to_json
from orthanc_video.settings import MIB, Gateway
from orthanc_video.terminal import Bar

_DEFAULTS = Gateway()
_NONE = Wishes()
_MEMORY = _DEFAULTS.worker_memory_mb * MIB


def probe(source: Path, asked: Wishes = _NONE) -> dict[str, Any]:
    """What the file holds and the plan with its reasons, as JSON types; raises VideoError."""
    _refuse_missing(source)
    limits = Limits(seconds=_DEFAULTS.probe_seconds, memory=_MEMORY)
    try:
        result: dict[str, Any] = MediaProcess().run(
            "probe", {"path": str(source.resolve()), "wishes": to_json(asked)}, limits
        )
    finally:
        close()
    return result


def convert(source: Path, target: Path, sop_class: str, given: list[str], asked: Wishes = _NONE) -> None:
    """Writes ``target`` as one DICOM file; nothing is left behind when it fails. Raises VideoError."""
    wanted = attributes.checked(attributes.gathered(_pair(text) for text in given))
    final = _writable(source, target)
    probed = probe(source, asked)
    info, plan = from_json(MediaInfo, probed["info"]), from_json(Plan, probed["plan"])
    upload = Upload(
        id="convert",
        path=str(source.resolve()),
        size=source.stat().st_size,
        sha256=_sha256(source),
        filename=source.name,
        attributes=wanted,
        sop_class=sop_class,
        wishes=asked,
        received=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    )
    try:
        with tempfile.TemporaryDirectory(dir=final.parent, prefix=".orthanc-video-") as scratch:
            made = _made(upload, info, plan, Path(scratch) / "made.mp4")
            partial = Path(scratch) / "object.dcm"
            write.write(write.envelope(build(upload, info, plan, made), made.size), Path(made.path), partial)
            partial.replace(final)
    except OSError as error:
        raise BadRequest(f"{target} cannot be written: {os.strerror(error.errno or 0)}.") from error
    for reason in plan.reasons:
        print(reason)
    print(f"{plan.action}: {target}")


def _made(upload: Upload, info: MediaInfo, plan: Plan, target: Path) -> Made:
    if plan.action is Action.WRAP:
        return Made(path=upload.path, size=upload.size, video=info.video, steps=info.steps)
    arguments: dict[str, Any] = {
        "source": upload.path,
        "target": str(target),
        "video": to_json(info.video),
        "plan": to_json(plan),
        "preset": _DEFAULTS.transcode_preset,
        "crf": _DEFAULTS.transcode_crf,
    }
    limits = Limits(seconds=_DEFAULTS.job_seconds, memory=_MEMORY)
    try:
        with Bar() as bar:
            return from_json(Made, MediaProcess().run("make", arguments, limits, bar.show))
    finally:
        close()


def _pair(text: str) -> tuple[str, str]:
    keyword, equals, value = text.partition("=")
    if not equals:
        raise BadRequest(f'"{text}" is not KEYWORD=VALUE, such as PatientID=1234.')
    return keyword, value


def _writable(source: Path, target: Path) -> Path:
    """Where the object is going to be, links followed. A device, a folder or the source itself is never replaced."""
    final = target.resolve()
    if not final.parent.is_dir() or (final.exists() and not final.is_file()):
        raise BadRequest(f"{target} cannot be written: name a file in a folder that exists.")
    if source.exists() and final.exists() and final.samefile(source):
        raise BadRequest(f"{target} is the video itself: name another file for the DICOM object.")
    return final


def _refuse_missing(source: Path) -> None:
    if not source.is_file():
        raise BadRequest(f"{source} is not a file.")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
