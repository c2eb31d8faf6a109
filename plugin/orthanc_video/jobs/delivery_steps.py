"""The steps of a delivery: what the workflow records, each with its outcome, and does not do again after a restart."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import UTC, datetime

from dbos import DBOS

from orthanc_video.archive.commitment import State
from orthanc_video.errors import (
    BadRequest,
    BrokenVideo,
    Declined,
    Nonconforming,
    PoorQuality,
    TooLarge,
    Unreachable,
    UnsupportedMedia,
    VideoError,
    WorkerFailed,
)
from orthanc_video.form import Form, Kind
from orthanc_video.jobs import attempts, delivery_job
from orthanc_video.jobs.forms import FormFile
from orthanc_video.jobs.running import Outcome, here
from orthanc_video.jobs.workflows import failure
from orthanc_video.plain import from_json, to_json
from orthanc_video.routing.delivery import Delivery, Proof
from orthanc_video.routing.limits import COMMITMENT
from orthanc_video.routing.outcomes import Result

# What is wrong with a form, not with the object or the destination.
_UNMADE = (BadRequest, BrokenVideo, Nonconforming, PoorQuality, TooLarge, UnsupportedMedia, WorkerFailed)
_CLOSED = {
    "State": "Failure",
    "Kind": Unreachable.__name__,
    "Sentence": "It is outside the hours of this destination: it goes on when they begin.",
    "Passing": True,
}
_ROOM = 'Make room there, or set "MaxMB" of it in "VideoGateway.Destinations" where it takes no objects so large.'
_UNCOMMITTED = 'Storage commitment, which "Verify" of this destination asks for, is not to be had there.'
_STATES = {
    Result.DELIVERED: "Success",
    Result.WARNED: "Success",
    Result.LATER: "Failure",
    Result.REFUSED: "Refused",
    Result.STOPPED: "Failure",
}


def _told(step: Callable[[], Outcome], unmade: tuple[type[VideoError], ...] = ()) -> Outcome:
    """What a step came to, and when. What only this form cannot be is Refused."""
    try:
        outcome = {"State": "Success", "Sentence": ""} | step()
    except VideoError as error:
        outcome = failure(error)
        if isinstance(error, unmade) and not error.passing:
            outcome |= {"State": "Refused"}
    return outcome | {"At": datetime.now(UTC).isoformat(timespec="seconds")}


@DBOS.step(name=attempts.CHOOSE)
def choose(task: Outcome, anew: bool = False) -> Outcome:
    """The ladder of forms; ``anew``: by what the destination says now, whatever is remembered of it."""

    def step() -> Outcome:
        delivery = from_json(Delivery, task)
        running = here()
        process = running.active[delivery.id].process
        ladder = delivery_job.choose(running.settings, running.archive, running.peers, process, delivery, anew=anew)
        rungs = [
            {"Form": to_json(rung.form), "Reasons": list(rung.reasons), "Size": rung.size} for rung in ladder.rungs
        ]
        patience = running.peers.policy(delivery.destination).timeout
        return {"Rungs": rungs, "LeftOut": list(ladder.left_out), "Patience": patience}

    return _told(step)


@DBOS.step(name=attempts.MAKE)
def make(task: Outcome, form: Outcome) -> Outcome:
    """A form, if it is not there yet; Refused where the object or the destination's limits do not allow it."""

    def step() -> Outcome:
        delivery, wanted = from_json(Delivery, task), from_json(Form, form)
        running = here()
        active = running.active[delivery.id]
        active.stage = "make"
        costly = wanted.kind not in {Kind.STORED, Kind.REWRAPPED}
        turn = running.transcodes.taken(delivery.id, short=False) if costly else contextlib.nullcontext()
        destination = delivery_job.destination_of(running.peers, delivery)
        with turn, _files(task, form) as files:
            delivery_job.refuse_too_large(files, destination)
            return {"Files": len(files), "Bytes": sum(one.size for one in files)}

    return _told(step, _UNMADE) | {"Form": form}


@DBOS.step(name=attempts.SEND)
def send(task: Outcome, form: Outcome, refused: list[Outcome]) -> Outcome:
    """``refused`` are the forms of the same object that the destination did not take before."""

    def step() -> Outcome:
        delivery, wanted = from_json(Delivery, task), from_json(Form, form)
        running = here()
        active = running.active[delivery.id]
        if closed := running.peers.closed_for(delivery.destination):
            return _CLOSED | {"Closed": closed}
        destination = delivery_job.destination_of(running.peers, delivery)
        with _files(task, form) as files:
            whole, moved = max(1, sum(one.size for one in files)), 0

            def progress(sent: int) -> None:
                nonlocal moved
                moved = sent
                active.progress = sent / whole
                if active.cancelled:
                    raise WorkerFailed("The delivery was cancelled.")

            outcome = delivery_job.send(destination, files, progress)
        if outcome.delivered and destination.dimse is not None:
            # It was the forms that were refused, not what the object says: other objects need not try them.
            running.peers.refused(destination, [from_json(Form, one) for one in refused], wanted)
        return {
            "State": _STATES[outcome.result],
            "Kind": (Unreachable if outcome.result is Result.LATER else Declined).__name__,
            "Sentence": f"{outcome.sentence} {_ROOM}" if outcome.full else outcome.sentence,
            "Passing": outcome.result is Result.LATER,
            "Warning": outcome.status if outcome.delivered else 0,
            "Lost": not outcome.answered and moved > 0,
            "Full": outcome.full,
            "Untaken": outcome.untaken,
        }

    return _told(step) | {"Form": form}


@DBOS.step(name="ask_for_proof")
def ask_for_proof(task: Outcome, form: Outcome, missed: list[str]) -> Outcome:
    """Which proof there will be, but for those that did not come; where that is storage commitment, the transaction."""

    def step() -> Outcome:
        delivery, running = from_json(Delivery, task), here()
        destination = delivery_job.destination_of(running.peers, delivery)
        proofs = delivery_job.proofs(running.peers, destination, missed)
        strict = running.peers.policy(delivery.destination).verify == COMMITMENT
        sentence = _UNCOMMITTED if strict and Proof.COMMITMENT not in {*proofs, *missed} else ""
        for proof in proofs:
            if proof is not Proof.COMMITMENT:
                return {"Proof": str(proof), "Sentence": sentence}
            try:
                with running.way(delivery.destination).taken(delivery.id, short=False), _files(task, form) as files:
                    return {
                        "Proof": str(proof),
                        "Transaction": delivery_job.ask_commitment(running.archive, destination, files),
                    }
            except Declined as declined:
                sentence = declined.sentence
        return {"Proof": str(Proof.NONE), "Sentence": sentence}

    return _told(step)


@DBOS.step(name="look_for_proof")
def look_for_proof(task: Outcome, form: Outcome, asked: Outcome) -> Outcome:
    """Whether all is ``There``; ``Lost``: Orthanc has forgotten that commitment was asked for."""

    def step() -> Outcome:
        delivery, running = from_json(Delivery, task), here()
        with _files(task, form) as files:
            if asked["Proof"] == Proof.COMMITMENT:
                state = delivery_job.commitment_of(running.archive, files, asked["Transaction"])
                return {"There": state is State.COMMITTED, "Lost": state is State.LOST}
            destination = delivery_job.destination_of(running.peers, delivery)
            with running.way(delivery.destination).taken(delivery.id, short=False):
                return {"There": delivery_job.is_found(destination, files), "Lost": False}

    return _told(step)


@DBOS.step(name="keep_form")
def keep(task: Outcome, form: Outcome) -> Outcome:
    """In Orthanc, where the destination's entry says so."""

    def step() -> Outcome:
        running = here()
        with _files(task, form) as files:
            delivery_job.keep(running.archive, files)
        return {}

    return _told(step)


def _files(task: Outcome, form: Outcome) -> contextlib.AbstractContextManager[list[FormFile]]:
    """Those of a form, which is made if it is not there any more."""
    delivery, running = from_json(Delivery, task), here()
    active = running.active[delivery.id]
    return delivery_job.made(
        running.settings, running.archive, active.process, delivery, from_json(Form, form), active.tell
    )
