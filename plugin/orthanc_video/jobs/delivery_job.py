"""What a delivery's job does, step by step: choose the forms, make one, send it, prove that it is there.

Plain functions, no engine; each may be repeated after a crash.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from orthanc_video.archive import commitment
from orthanc_video.archive.changes import Arrival
from orthanc_video.archive.commitment import State
from orthanc_video.archive.service import Archive
from orthanc_video.dicom import stored
from orthanc_video.dicom.moving import described
from orthanc_video.dicom.said import text
from orthanc_video.dicom.write import Envelope
from orthanc_video.errors import BrokenVideo, Conflict, Declined, TooLarge
from orthanc_video.files import Bytes, SpanSource
from orthanc_video.film import MultiFrame
from orthanc_video.form import Form, Kind
from orthanc_video.jobs import forms, ingest_job, reading
from orthanc_video.jobs.forms import FormFile
from orthanc_video.jobs.peers import Peers
from orthanc_video.jobs.processes import Listener, MediaProcess, job_limits
from orthanc_video.model import MediaInfo
from orthanc_video.plain import from_json
from orthanc_video.routing import held, ladder, sending, stow, verifying
from orthanc_video.routing.association import manner_of
from orthanc_video.routing.delivery import Delivery, Proof
from orthanc_video.routing.destinations import Destination, on_terms
from orthanc_video.routing.held import Held
from orthanc_video.routing.ladder import Ladder
from orthanc_video.routing.limits import COMMITMENT, FIND, NONE
from orthanc_video.routing.outcomes import Outcome, Result
from orthanc_video.settings import MIB, Settings


def destination_of(peers: Peers, delivery: Delivery) -> Destination:
    """On the delivery's terms. Raises NotFound for one that Orthanc no longer knows, Conflict for one that nothing can
    be sent to."""
    found = on_terms(peers.destination(delivery.destination), delivery.terms)
    if found.fault:
        raise Conflict(found.fault)
    return found


def choose(
    settings: Settings, archive: Archive, peers: Peers, process: MediaProcess, delivery: Delivery, *, anew: bool = False
) -> Ladder:
    """The forms in which the object may go there, the best first; ``anew``: the destination is asked now.

    Raises NotFound when the object or the destination is gone, Conflict, Unreachable, Declined, Busy, BrokenVideo.
    """
    destination = destination_of(peers, delivery)
    known = peers.asked(destination) if anew else peers.capabilities(destination)
    with reading.file_of(settings, archive, Arrival(delivery.instance, delivery.uuid)) as path:
        subject = held_of(settings, process, path)
    return ladder.of(subject, known, destination)


def held_of(settings: Settings, process: MediaProcess, path: Path) -> Held:
    """What is known of the object in a file. Raises BrokenVideo where its stream cannot be read."""
    with SpanSource(path) as file:
        found, said = described(Bytes(file))
    size, modality = path.stat().st_size, text(said, "Modality")
    if isinstance(found, MultiFrame):
        return held.of_film(found, modality, size, lossy=text(said, "LossyImageCompression") == "01")
    checked = process.run("check", reading.task(path, found), job_limits(settings))
    if checked["info"] is None:
        raise BrokenVideo(" ".join(checked["sentences"]) or "The stored video cannot be read.")
    return held.of_video(found, from_json(MediaInfo, checked["info"]), modality, size)


@contextmanager
def made(
    settings: Settings,
    archive: Archive,
    process: MediaProcess,
    delivery: Delivery,
    form: Form,
    listener: Listener | None,
) -> Iterator[list[FormFile]]:
    """The files of a form for as long as they are needed: the stored one, or those that are made once and kept.

    Raises NotFound, Busy, and what ``forms.make`` does.
    """
    known = forms.found(settings, delivery.uuid, form)
    if known is not None:
        yield known
        return
    with reading.file_of(settings, archive, Arrival(delivery.instance, delivery.uuid)) as path:
        if form.kind is Kind.STORED:
            yield forms.make(settings, process, path, form, path.parent, listener)
            return
        ingest_job.room_for(settings, path.stat().st_size)
        folder = ingest_job.folder_of(settings, delivery.id) / "form"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, mode=0o700)
        files = forms.make(settings, process, path, form, folder, listener)
        files = forms.keep(settings, delivery.uuid, form, folder, files)
    yield files


def refuse_too_large(files: list[FormFile], destination: Destination) -> None:
    """Raises TooLarge where an estimate was wrong."""
    most, largest = destination.limits.bytes, max(one.size for one in files)
    if 0 < most < largest:
        raise TooLarge(f"It has {largest / MIB:.4g} MB, and this destination takes {most / MIB:.4g}.")


def send(destination: Destination, files: list[FormFile], progress: Callable[[int], None]) -> Outcome:
    """All files; the outcome of the first that was not delivered, else of the last that came with a warning.

    ``progress`` is told the bytes of all of them that have been sent.
    """
    before, last = 0, Outcome(Result.STOPPED, "There was nothing to send.")

    def more(sent: int) -> None:
        progress(before + sent)

    for file, outcome in zip(files, _sent(destination, files, more), strict=False):
        if not outcome.delivered:
            return outcome
        last = last if last.delivered and last.status else outcome
        before += file.size if destination.dimse else 0  # a request counts through all that is in it
    return last


def _sent(destination: Destination, files: list[FormFile], progress: Callable[[int], None]) -> Iterator[Outcome]:
    paths, how = [Path(one.path) for one in files], manner_of(destination)
    if destination.dimse is not None:
        return sending.send(destination.dimse, paths, how, progress)
    if destination.web is None:
        raise Declined(f"{destination.name} has no address.")
    return stow.store(destination.web, paths, destination.limits.bytes, how, progress)


def keep(archive: Archive, files: list[FormFile]) -> None:
    """Stores what was made for a destination in Orthanc, too. Raises Busy, Forbidden, WorkerFailed."""
    for one in files:
        archive.store(Envelope(b"", b"", one.size), Path(one.path))


def proofs(peers: Peers, destination: Destination, missed: Collection[str]) -> list[Proof]:
    """How what is sent to a destination can be proven to be there, the best first, but for those that did not come.

    Where the configuration asks for storage commitment, C-FIND takes its place where it is not to be had; not where
    the destination took the request and never reported.
    """
    if destination.dimse is None or destination.verify == NONE:
        return []
    known, strict = peers.capabilities(destination), destination.verify == COMMITMENT
    found = [Proof.COMMITMENT] if known.commitment and destination.verify != FIND else []
    if known.find and not (strict and Proof.COMMITMENT in missed):
        found.append(Proof.FIND)
    return [one for one in found if one not in missed]


def is_found(destination: Destination, files: list[FormFile]) -> bool:
    """Whether it finds all that it was sent. Raises Unreachable, and Declined where it cannot say."""
    if destination.dimse is None:
        raise Declined(f"{destination.name} is a DICOMweb server: it knows no C-FIND.")
    with SpanSource(Path(files[-1].path)) as file:
        said = stored.header(Bytes(file)).said
    wanted = verifying.Instances(
        study=text(said, "StudyInstanceUID"),
        series=text(said, "SeriesInstanceUID"),
        instances=tuple(one.sop_instance for one in files),
    )
    return verifying.has(destination.dimse, wanted, manner_of(destination))


def ask_commitment(archive: Archive, destination: Destination, files: list[FormFile]) -> str:
    """The transaction; raises Unreachable, Declined, Busy."""
    pairs = [(one.sop_class, one.sop_instance) for one in files]
    return commitment.ask(archive, destination.name, pairs, int(manner_of(destination).answer))


def commitment_of(archive: Archive, files: list[FormFile], transaction: str) -> State:
    """What became of it by now. Raises Declined where the destination does not commit to all."""
    told = commitment.report(archive, transaction, [one.sop_instance for one in files])
    if told.state is State.REFUSED:
        reasons = ", ".join(sorted(set(told.reasons.values()))).rstrip(".")
        raise Declined(f"The destination does not commit to what it was sent: {reasons}.")
    return told.state
