"""``orthanc-video convert`` and ``probe``: the same ladder on files, with no server and no Orthanc."""

from __future__ import annotations

import datetime
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orthanc_video.command_files import DEFAULTS, beside, limits_of, refuse_missing, writable
from orthanc_video.dicom import attributes, check, whose, write
from orthanc_video.dicom.build import build
from orthanc_video.dicom.history import history_of
from orthanc_video.dicom.rules import site_of
from orthanc_video.errors import BadRequest
from orthanc_video.files import SpanSource
from orthanc_video.jobs.making import Making, how
from orthanc_video.jobs.processes import SLOWLY_READ, Limits, MediaProcess, close, most_of
from orthanc_video.model import Action, Made, MediaInfo, Most, Plan, Upload, Wishes
from orthanc_video.plain import from_json, to_json
from orthanc_video.saying import say
from orthanc_video.settings import MIB
from orthanc_video.terminal import Bar

_NONE = Wishes()
_MOST = most_of(DEFAULTS)
_MEMORY = DEFAULTS.worker_memory_mb * MIB


def probe(source: Path, asked: Wishes = _NONE, most: Most = _MOST) -> dict[str, Any]:
    """What the file holds and the plan with its reasons, as JSON types; raises VideoError."""
    try:
        return _probed(source, asked, most)
    finally:
        close()


def _probed(source: Path, asked: Wishes, most: Most) -> dict[str, Any]:
    refuse_missing(source)
    limits = Limits(seconds=DEFAULTS.probe_seconds + source.stat().st_size / SLOWLY_READ, memory=_MEMORY)
    arguments = {"path": str(source.resolve()), "wishes": to_json(asked), "most": to_json(most)}
    result: dict[str, Any] = MediaProcess().run("probe", arguments, limits)
    return result


@dataclass(frozen=True, slots=True)
class Converted:
    """``sentences`` say why, and what was done; ``targets`` are the files that were written."""

    action: Action
    sentences: tuple[str, ...]
    targets: tuple[Path, ...]


def convert(source: Path, target: Path, sop_class: str, given: list[str], most: Most, asked: Wishes = _NONE) -> None:
    """As ``converted``, and prints what was done."""
    try:
        done = converted(source, target, sop_class, given, most, asked)
    finally:
        close()
    for sentence in done.sentences:
        say(sentence)
    for one in done.targets:
        say(f"{done.action}: {target.with_name(one.name)}")


def converted(
    source: Path, target: Path, sop_class: str, given: list[str], most: Most, asked: Wishes = _NONE
) -> Converted:
    """Writes ``target`` as one DICOM file, a long film as several with numbers in their names.

    ``given`` are KEYWORD=VALUE: DICOM attributes, and Profile, which is one of those built in. Nothing is left behind
    when it fails; media processes are the caller's to end. Raises VideoError.
    """
    wanted = attributes.gathered(_pair(text) for text in given) | ({"SOPClass": sop_class} if sop_class else {})
    known = whose.resolved(site_of(DEFAULTS), wanted, source.name, "")
    final = writable(source, target)
    probed = _probed(source, asked, most)
    info, plan = from_json(MediaInfo, probed["info"]), from_json(Plan, probed["plan"])
    upload = Upload(
        id="convert",
        path=str(source.resolve()),
        size=source.stat().st_size,
        sha256=_sha256(source),
        filename=source.name,
        attributes=known.attributes,
        sop_class=known.sop_class,
        region=known.region,
        wishes=asked,
        received=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    )
    with beside(target, final.parent) as scratch:
        parts = _made(upload, info, plan, most, scratch / "made.mp4")
        finished = [_object(upload, info, plan, made, scratch) for made in parts]
        targets = [_numbered(final, made) for made in parts]
        for partial, one in zip(finished, targets, strict=True):
            partial.replace(one)
    return Converted(plan.action, (*plan.reasons, *history_of(upload, plan, parts[0]).record), tuple(targets))


def _object(upload: Upload, info: MediaInfo, plan: Plan, made: Made, folder: Path) -> Path:
    """Raises Nonconforming where ``check`` finds a fault."""
    written = folder / f"object-{made.part}.dcm"
    around = write.envelope(build(upload, info, plan, made), made.size)
    with SpanSource(Path(made.path)) as stream:
        check.refuse_faulty(write.Written(around, stream), made.video, made.probed)
    write.write(around, Path(made.path), written)
    return written


def _numbered(target: Path, made: Made) -> Path:
    return target if made.parts == 1 else target.with_stem(f"{target.stem}-{made.part}")


def _made(upload: Upload, info: MediaInfo, plan: Plan, most: Most, target: Path) -> list[Made]:
    making = Making(upload=upload, info=info, plan=plan, target=target, how=how(DEFAULTS), most=most)
    limits = limits_of(upload.size)
    with Bar() as bar:
        return making.run(MediaProcess(), limits, bar.show)


def _pair(text: str) -> tuple[str, str]:
    keyword, equals, value = text.partition("=")
    if not equals:
        raise BadRequest(f'"{text}" is not KEYWORD=VALUE, such as PatientID=1234.')
    return keyword, value


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
