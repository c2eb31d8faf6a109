"""``orthanc-video probe-pacs``: tries out what a PACS takes, by asking it and by sending it test objects."""

from __future__ import annotations

import json
import re
import sys
import tempfile
import time
import uuid
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from pydicom import dcmread
from tqdm import tqdm

from orthanc_video.archive import commitment
from orthanc_video.archive.commitment import State
from orthanc_video.archive.service import Archive
from orthanc_video.command_convert import converted
from orthanc_video.errors import BadRequest, Conflict, Declined, Unreachable, VideoError
from orthanc_video.jobs import delivery_job, forms
from orthanc_video.jobs.forms import FormFile
from orthanc_video.jobs.processes import Limits, MediaProcess, close
from orthanc_video.model import Most
from orthanc_video.routing import asking, capabilities, destinations, limits, probing, steps
from orthanc_video.routing.capabilities import Capabilities
from orthanc_video.routing.destinations import Destination, Dimse
from orthanc_video.routing.outcomes import Result
from orthanc_video.routing.probing import Report, Tried
from orthanc_video.saying import say, warn
from orthanc_video.settings import MIB, Settings, settings_from, settings_of

_ADDRESS = re.compile(r"(?P<aet>[\x20-\x7e]{1,16})@(?P<host>[^@\s]+):(?P<port>\d{1,5})")
_LAST_PORT = 65535
_CODECS = ("h264", "hevc")
_FILM = Limits(seconds=60, memory=2048 * MIB)
# Seconds between looks for what was sent: an archive may need a while to find it, or to commit itself.
_PAUSES = (0.0, 1.0, 2.0, 4.0, 8.0)
# A peer that is lost so often one after the other is gone.
_LOSSES = 3
_WHOSE = f'Patient ID "{probing.PATIENT_ID}", name "{probing.PATIENT_NAME}"'
_BEFORE = f"Test objects are being sent. They stay in the PACS: {_WHOSE}."
_AFTER = f"The test objects stay in the PACS until they are deleted there: {_WHOSE}."


@dataclass(frozen=True, slots=True)
class _Pacs:
    """``archive`` is the Orthanc that knows it by its name, None where it is named by its address."""

    destination: Destination
    archive: Archive | None


@dataclass(slots=True)
class _Way:
    """One form of the test video ``source``; ``files`` are there once it has been made."""

    source: Path
    tried: Tried
    files: list[FormFile]


def run(pacs: str, configuration: Path, calling: str, *, sends: bool, as_json: bool) -> None:
    """Prints what it found. Raises VideoError when the PACS cannot be reached, or is none that Orthanc knows."""
    warnings.filterwarnings("ignore", module="pydicom")
    found = _pacs(pacs, configuration, calling)
    try:
        report = _report(found, sends=sends)
    except KeyboardInterrupt:
        if sends:
            warn(_AFTER)
        raise
    finally:
        close()
    if as_json:
        say(json.dumps(probing.as_json(report), indent=2))
    else:
        _print(report)


def _pacs(named: str, configuration: Path, calling: str) -> _Pacs:
    """By AET@HOST:PORT, else by the name that the configured Orthanc knows at this moment."""
    address = _ADDRESS.fullmatch(named)
    if address is not None and 0 < int(address["port"]) <= _LAST_PORT:
        host, port = address["host"].strip("[]"), int(address["port"])
        dimse = Dimse(aet=address["aet"], calling=calling, host=host, port=port)
        return _Pacs(Destination(name=named, dimse=dimse), None)
    if "@" in named:
        raise BadRequest(f'"{named}" is no AET@HOST:PORT, such as PACS@10.0.0.5:104.')
    settings = settings_of(configuration)
    archive = Archive(settings)
    destination = destinations.one(archive, settings, limits.policies_from(settings.gateway), named)
    if destination.fault:
        raise Conflict(destination.fault)
    return _Pacs(destination, archive)


def _report(pacs: _Pacs, *, sends: bool) -> Report:
    destination, remarks = pacs.destination, list[str]()
    echo = _echo(destination, remarks)
    known = _capabilities(destination)
    with tempfile.TemporaryDirectory(prefix="orthanc-video-probe-") as scratch:
        folder = Path(scratch)
        settings = settings_from({"StorageDirectory": str(folder / "orthanc")})
        settings.spool.mkdir(parents=True)  # where it is seen whether there is room for a form
        ways = list(_ways(settings, destination, known, folder))
        if sends:
            warn(_BEFORE)
            _send(settings, destination, folder, ways, remarks)
            _find(destination, known, ways, remarks)
            _commit(pacs, known, ways, remarks)
    tried = tuple(way.tried for way in ways)
    return Report(
        destination=destination.name,
        capabilities=known,
        echo=echo,
        tried=tried,
        sent=any(one.outcome is not None for one in tried),
        remarks=tuple(remarks),
    )


def _echo(destination: Destination, remarks: list[str]) -> float | None:
    """Milliseconds. Raises Unreachable."""
    if destination.dimse is None:
        remarks.append("A DICOMweb server knows no C-ECHO, and cannot be asked what it takes.")
        return None
    try:
        return round(asking.echo(destination.dimse) * 1e3, 1)
    except Declined as error:
        remarks.append(error.sentence)
        return None


def _capabilities(destination: Destination) -> Capabilities:
    if destination.dimse is None:
        return capabilities.untold(datetime.now(UTC).isoformat(timespec="seconds"))
    return asking.ask(destination.dimse, steps.CLASSES)


def _ways(settings: Settings, destination: Destination, known: Capabilities, folder: Path) -> Iterator[_Way]:
    """A test video for each codec, and its forms: of HEVC the video alone, since the others are the same."""
    study = f"2.25.{uuid.uuid4().int}"
    for codec in _CODECS:
        source = _video(codec, study, folder)
        held = delivery_job.held_of(settings, MediaProcess(), source)
        every = probing.forms(held)
        for form in every if codec == _CODECS[0] else every[:1]:
            accepted = known.takes(form.sop_class, form.transfer_syntax) if destination.dimse else None
            yield _Way(source, Tried(form=form, accepted=accepted), [])


def _video(codec: str, study: str, folder: Path) -> Path:
    film, target = folder / f"{codec}.mp4", folder / f"{codec}.dcm"
    MediaProcess().run("pattern", {"target": str(film), "codec": codec}, _FILM)
    given = [f"{keyword}={value}" for keyword, value in probing.ATTRIBUTES.items()]
    most = Most(bytes=1024 * MIB, seconds=3600)
    converted(film, target, "photographic", [*given, f"StudyInstanceUID={study}"], most)
    return target


def _send(settings: Settings, destination: Destination, folder: Path, ways: list[_Way], remarks: list[str]) -> None:
    """Each form over an association of its own, so that one that is not stood harms no other."""
    losses = 0
    accepted = [way for way in ways if way.tried.accepted is not False]
    for number, way in enumerate(tqdm(accepted, "sending", disable=None, leave=False, file=sys.stderr)):
        try:
            way.files = _made(settings, way, folder / str(number))
            outcome = delivery_job.send(destination, way.files, lambda _: None)
        except VideoError as error:
            way.tried = replace(way.tried, unmade=error.sentence)
            continue
        way.tried = replace(way.tried, outcome=outcome)
        losses = losses + 1 if outcome.result is Result.LATER and not outcome.status else 0
        if losses == _LOSSES:
            remarks.append(f"After {_LOSSES} failures in a row nothing more was sent.")
            return


def _made(settings: Settings, way: _Way, folder: Path) -> list[FormFile]:
    source, target = folder / "source.dcm", folder / "form"
    target.mkdir(parents=True)
    with dcmread(way.source) as dataset:
        probing.label(dataset, way.tried.form)
        dataset.save_as(source)
    return forms.make(settings, MediaProcess(), source, way.tried.form, target, None)


def _find(destination: Destination, known: Capabilities, ways: list[_Way], remarks: list[str]) -> None:
    """Looks for all that was stored until it is found, or has been looked for long enough."""
    missing = [way for way in ways if way.tried.stored] if known.find else []
    for pause in _PAUSES:
        if not missing:
            return
        time.sleep(pause)
        try:
            for way in missing:
                way.tried = replace(way.tried, found=delivery_job.is_found(destination, way.files))
        except (Unreachable, Declined) as error:
            remarks.append(error.sentence)
            return
        missing = [way for way in missing if not way.tried.found]


def _commit(pacs: _Pacs, known: Capabilities, ways: list[_Way], remarks: list[str]) -> None:
    """Through Orthanc, to whose DICOM port the PACS reports."""
    stored = [way for way in ways if way.tried.stored]
    if not known.commitment or not stored:
        return
    if pacs.archive is None:
        remarks.append("Its storage commitment is tried only where Orthanc knows it by a name, since it reports there.")
        return
    pairs = [(way.files[0].sop_class, way.files[0].sop_instance) for way in stored]
    try:
        transaction = commitment.ask(pacs.archive, pacs.destination.name, pairs, int(sum(_PAUSES)))
    except VideoError as error:
        remarks.append(error.sentence)
        return
    uids = [uid for _, uid in pairs]
    for pause in _PAUSES:
        time.sleep(pause)
        told = commitment.report(pacs.archive, transaction, uids)
        if told.state is not State.PENDING:
            break
    else:
        remarks.append(f"It has not reported on storage commitment within {sum(_PAUSES):g} seconds.")
        return
    for way in stored:
        way.tried = replace(
            way.tried, committed=told.state is not State.LOST and way.files[0].sop_instance not in told.reasons
        )


def _print(report: Report) -> None:
    known = report.capabilities
    echo = "–" if report.echo is None else f"{report.echo:g} ms"
    say(f"{report.destination}: C-ECHO {echo}, C-FIND {_yes(known.find)}, storage commitment {_yes(known.commitment)},")
    say(f"longest PDU {known.pdu or 'any'}, implementation {known.implementation or 'not told'}.\n")
    for line in probing.table(report.tried):
        say(line)
    after = [*report.remarks, *([_AFTER] if report.sent else [])]
    if after:
        say()
    for sentence in after:
        say(sentence)


def _yes(answer: bool) -> str:
    return "yes" if answer else "no"
