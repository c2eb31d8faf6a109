"""C-STORE of files in their final transfer syntax: as they are, in constant memory, as fast as the peer takes them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from pydicom.uid import UID

from orthanc_video.dicom import syntaxes
from orthanc_video.errors import Declined, Unreachable
from orthanc_video.routing.association import IMPLICIT, Association, Manner, Offer, fragment_header, status_of
from orthanc_video.routing.destinations import Dimse, Mover
from orthanc_video.routing.outcomes import Outcome, Result, of_status
from orthanc_video.routing.sendable import Sendable, sendable, unreadable

_STORE = 0x0001
_LAST, _HEADER = 0x02, 12
# Read and written in one go: as many bytes, in no more pieces than preadv(2) takes.
_BATCH, _PIECES = 1 << 20, 1024


class _Early(Exception):
    """The answer came before all was sent: the message stays unfinished, so the association has to be aborted."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__()
        self.outcome = outcome


def send(
    peer: Dimse,
    files: Sequence[Path],
    manner: Manner = Manner(),  # noqa: B008 -- frozen
    progress: Callable[[int], None] = lambda _: None,
) -> Iterator[Outcome]:
    """One outcome for each file, in order, all over one association; ends after the first that was not delivered.

    ``progress`` is told the bytes sent of the current file's data set, and may raise to end it all. Raises Busy when a
    file cannot be read, NotVideo for what is no DICOM file, ConfigurationError when no association can be asked for.
    """
    known = [sendable(path) for path in files]
    try:
        with Association(peer, _offers(known), manner) as association:
            for file in known:
                outcome = _store(association, file, manner, progress, peer.mover)
                yield outcome
                if not outcome.delivered:
                    return
    except _Early as early:
        yield early.outcome
    except (Unreachable, Declined) as error:
        yield Outcome(Result.LATER if error.passing else Result.STOPPED, error.sentence, answered=not error.passing)


def _offers(files: Sequence[Sendable]) -> list[Offer]:
    """Each form of the files in a context of its own, so that a peer that takes it cannot pick another one.

    What is stored without loss needs Implicit VR Little Endian in one context of its class, too (PS3.5 10.1); it is not
    used unless the file is in it.
    """
    forms = dict.fromkeys(file.form for file in files)
    for sop_class, syntax in tuple(forms):
        image = syntaxes.IMAGES.get(syntax)
        if syntax not in syntaxes.BY_UID and not (image and image.lossy):
            forms[sop_class, IMPLICIT] = None
    return [Offer(sop_class, (syntax,)) for sop_class, syntax in forms]


def _store(
    association: Association, file: Sendable, manner: Manner, progress: Callable[[int], None], mover: Mover | None
) -> Outcome:
    context = association.context(*file.form)
    if not context:
        return _not_taken(association, file)
    elements: dict[str, str | int] = {}
    if mover is not None:
        elements = {"MoveOriginatorApplicationEntityTitle": mover.aet, "MoveOriginatorMessageID": mover.message}
    association.command(
        context,
        b"",
        AffectedSOPClassUID=file.about.sop_class,
        CommandField=_STORE,
        Priority=0,
        AffectedSOPInstanceUID=file.about.sop_instance,
        **elements,
    )
    early = not _sent(association, context, file, manner.idle, progress)
    answer, _ = association.answer(manner.answer if early else manner.stored)
    outcome = of_status(*status_of(answer))
    if early and outcome.delivered:  # only a failure may be told so soon
        words = f"{association.name} says that it has stored the object before it had got all of it."
        outcome = Outcome(Result.REFUSED, words, outcome.status, outcome.comment)
    if early:
        raise _Early(outcome)
    return outcome


def _not_taken(association: Association, file: Sendable) -> Outcome:
    syntax, sop_class = UID(file.about.syntax).name, UID(file.about.sop_class).name
    sentence = f"{association.name} does not take {sop_class} as {syntax}."
    if association.context(file.about.sop_class):
        sentence = f"{association.name} takes {sop_class} only as {UID(IMPLICIT).name}."
    return Outcome(Result.REFUSED, sentence, untaken=True)


def _sent(
    association: Association, context: int, file: Sendable, patience: float, progress: Callable[[int], None]
) -> bool:
    """Whether the peer took the whole data set without a word."""
    try:
        descriptor = os.open(file.path, os.O_RDONLY)
    except OSError as error:
        raise unreadable() from error
    try:
        for batch, until in _batches(descriptor, file.about.at, file.size, context, association.fragment()):
            if not association.wire.write(batch, patience, listening=True):
                return False
            progress(until - file.about.at)
    finally:
        os.close(descriptor)
    return True


def _batches(descriptor: int, begin: int, end: int, context: int, step: int) -> Iterator[tuple[memoryview, int]]:
    """P-DATA-TF PDUs with what lies in a file from ``begin`` to ``end``, and where in the file each batch of them ends.

    One buffer for all: the headers in it are written once, and the file is read straight into the gaps between them.
    """
    count = max(1, min(_PIECES, _BATCH // step))
    buffer = memoryview(bytearray(count * (_HEADER + step)))
    gaps = [buffer[at + _HEADER : at + _HEADER + step] for at in range(0, len(buffer), _HEADER + step)]
    for at in range(0, len(buffer), _HEADER + step):
        buffer[at : at + _HEADER] = fragment_header(step, context, 0)
    while end - begin > count * step:
        _read(descriptor, gaps, begin)
        begin += count * step
        yield buffer, begin
    full, rest = divmod(end - begin - 1, step)  # the last PDU is never empty
    last = full * (_HEADER + step)
    buffer[last : last + _HEADER] = fragment_header(rest + 1, context, _LAST)
    _read(descriptor, [*gaps[:full], gaps[full][: rest + 1]], begin)
    yield buffer[: last + _HEADER + rest + 1], end


def _read(descriptor: int, gaps: Sequence[memoryview], at: int) -> None:
    try:
        found = os.preadv(descriptor, gaps, at)
    except OSError as error:
        raise unreadable() from error
    if found != sum(map(len, gaps)):
        raise unreadable()
