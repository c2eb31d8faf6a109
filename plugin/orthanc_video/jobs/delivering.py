"""The workflow that delivers a stored object to a destination: in the best form that it takes, until it is there.

Unfinished ones outlive an upgrade, as others do. What was tried is part of the outcome: a person can read it.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from dbos import DBOS, SetEnqueueOptions, SetWorkflowID

from orthanc_video import metrics
from orthanc_video.archive.commitment import State
from orthanc_video.errors import (
    BadRequest,
    BrokenVideo,
    Declined,
    Nonconforming,
    TooLarge,
    Unreachable,
    VideoError,
    WorkerFailed,
)
from orthanc_video.form import Form, Kind
from orthanc_video.jobs import delivery_job, ingest_job, views
from orthanc_video.jobs.forms import FormFile
from orthanc_video.jobs.running import Active, Outcome, here
from orthanc_video.jobs.workflows import failure, until_it_passes
from orthanc_video.plain import from_json, to_json
from orthanc_video.routing.delivery import Delivery, Proof
from orthanc_video.routing.outcomes import Result

# What goes to destinations waits here, for each by itself. The engine alone looks into it: destinations have hours.
QUEUE = "deliveries"
# As often as it takes three days at the longest pause.
_ATTEMPTS = 450
_LONGEST_PAUSE = 600.0
# A peer that loses the line so often in the middle of a form is taken not to stand it; of so many forms, any of them.
# Orthanc that forgets so often what commitment was asked for is not asked again.
_LOSSES = 3
_LOST_FORMS = 3
# Some destinations need a while until they find what they have stored: after so many seconds the second look, then
# each after twice as long, as long as the destination may take for an answer.
_FIRST_PAUSE = 1.0
# What is wrong with a form, not with the object or the destination.
_UNMADE = (BadRequest, BrokenVideo, Nonconforming, TooLarge, WorkerFailed)


def enqueue(workflow: str, task: Outcome) -> None:
    """Records a delivery; it begins when its turn comes. The same workflow once more is nothing."""
    with SetWorkflowID(workflow), SetEnqueueOptions(queue_partition_key=task["destination"]):
        DBOS.enqueue_workflow(QUEUE, deliver, task)


@DBOS.workflow(name=views.DELIVERY)
def deliver(task: Outcome) -> Outcome:
    """One object to one destination. A failure is an outcome that names what was tried; a person may try it again."""
    delivery = from_json(Delivery, task)
    workflow = DBOS.workflow_id or delivery.id
    # The same object may be on its way there twice: one that waits for the other's end would keep the place that the
    # other has given up for a while.
    with here().job(delivery.id, workflow, delivery.id) as active:
        outcome = _Way(active, delivery, task).gone()
        ingest_job.tidy(here().settings, delivery.id)
    metrics.job_ended(outcome)
    here().settle(workflow, outcome)
    return outcome


class _Way:
    """One delivery on its way; what it did is the same again when it is replayed, since steps did it."""

    def __init__(self, active: Active, delivery: Delivery, task: Outcome) -> None:
        self._active = active
        self._delivery = delivery
        self._task = task
        self._attempts: list[Outcome] = []

    def gone(self) -> Outcome:
        with here().way(self._delivery.destination).taken(self._delivery.id, short=False):
            sent = self._down_the_ladder()
        if sent["State"] == "Success":
            if here().peers.policy(self._delivery.destination).keep and sent["Form"]["kind"] != Kind.STORED:
                until_it_passes(lambda: _keep(self._task, sent["Form"]))
            sent = self._proven(sent)
        return sent | {"Attempts": self._attempts}

    def _down_the_ladder(self) -> Outcome:
        self._active.stage = "choose"
        chosen = until_it_passes(lambda: _choose(self._task))
        if chosen["State"] != "Success":
            return chosen
        sentence, lost = " ".join(chosen["LeftOut"]), 0
        for at, rung in enumerate(chosen["Rungs"]):
            outcome = self._made_and_sent(rung, chosen["Patience"])
            if outcome.get("Full"):
                smaller = self._smaller(rung, chosen["Rungs"][at + 1 :], chosen["Patience"])
                outcome = smaller or self._made_and_sent(rung)
            if outcome["State"] != "Refused":
                return {"Form": rung["Form"], "Reasons": rung["Reasons"]} | outcome
            sentence, lost = outcome["Sentence"], lost + bool(outcome.get("Lost"))
            if lost == _LOST_FORMS:
                break
        return {"State": "Failure", "Kind": Declined.__name__, "Sentence": sentence, "Passing": False}

    def _smaller(self, full: Outcome, rest: list[Outcome], patience: float) -> Outcome:
        """Where there is no room for an object: the first form that there is room for, each at most half as large as
        the last. Nothing where there is none: then it is not the size."""
        most = full["Size"] // 2
        for rung in rest:
            if rung["Size"] > most:
                continue
            outcome = self._made_and_sent(rung, 0.0)
            if outcome["State"] == "Success":
                why = f"Of larger ones the destination said for {patience:.4g} s that it is out of resources."
                return outcome | {"Form": rung["Form"], "Reasons": [*rung["Reasons"], why]}
            most = rung["Size"] // 2 if outcome.get("Full") else most
        return {}

    def _made_and_sent(self, rung: Outcome, patience: float = math.inf) -> Outcome:
        """``patience`` in seconds is for a destination that is out of resources."""
        form = rung["Form"]
        made = until_it_passes(lambda: _make(self._task, form))
        if made["State"] != "Success":
            self._note(form, made)
            return made
        losses, waited = 0, 0.0
        outcome: Outcome = {}
        for attempt in range(_ATTEMPTS):
            self._active.stage = "send"
            outcome = _send(self._task, form)
            self._note(form, outcome)
            losses = losses + 1 if outcome.get("Lost") else 0
            if losses == _LOSSES:
                return outcome | {"State": "Refused"}
            if outcome.get("Closed"):
                self._active.stage = "wait"
                DBOS.sleep(outcome["Closed"])
                continue
            if not outcome.get("Passing") or (outcome.get("Full") and waited >= patience):
                break
            self._active.stage, self._active.progress = "wait", 0.0
            pause = min(_LONGEST_PAUSE, 0.5 * 2.0 ** min(attempt, 12))
            DBOS.sleep(pause)
            waited = waited + pause if outcome.get("Full") else 0.0
        return outcome

    def _note(self, form: Outcome, outcome: Outcome) -> None:
        """For a person: when which form was tried, and what came of it."""
        told = {"At": outcome["At"], "Form": views.form(form), "Result": outcome["State"]}
        self._attempts.append(told | {"Sentence": outcome["Sentence"]})
        self._active.attempts = self._attempts

    def _proven(self, sent: Outcome) -> Outcome:
        """That it is there, by the best proof that there is; what the destination said alone where there is none."""
        self._active.stage = "verify"
        said, missed, lost = [sent["Sentence"]], list[str](), 0
        while True:
            asked = until_it_passes(lambda: _ask_for_proof(self._task, sent["Form"], missed))
            said.append(asked["Sentence"])
            if asked["State"] != "Success" or asked["Proof"] == Proof.NONE:
                if missed:
                    return sent | failure(Declined(_UNPROVEN[missed[-1]]))
                return sent | {"Proof": str(Proof.NONE), "Sentence": _joined(said)}
            seen = self._awaited(sent["Form"], asked)
            if seen["State"] != "Success":
                return seen
            if seen["There"]:
                return sent | {"Proof": asked["Proof"], "Sentence": _joined(said)}
            lost += seen["Lost"]
            if not seen["Lost"] or lost == _LOSSES:
                missed.append(asked["Proof"])
                said.append(_UNPROVEN[asked["Proof"]])

    def _awaited(self, form: Outcome, asked: Outcome) -> Outcome:
        """The last look for a proof: when it is there, will never be, or has been waited for long enough."""
        waited, pause, patience = 0.0, _FIRST_PAUSE, here().peers.policy(self._delivery.destination).timeout
        while True:
            seen = until_it_passes(lambda: _look_for_proof(self._task, form, asked))
            if seen["State"] != "Success" or seen["There"] or seen["Lost"] or waited >= patience:
                return seen
            DBOS.sleep(pause)
            waited, pause = waited + pause, 2 * pause


_UNPROVEN = {
    str(Proof.FIND): "The destination said that it had stored it, but it does not find it: nothing is there.",
    str(Proof.COMMITMENT): "The destination has not reported in time whether it commits to what it has stored: "
    "it has to know the address of Orthanc's AE title.",
}


def _joined(sentences: Iterable[str]) -> str:
    return " ".join(filter(None, sentences))


def _told(step: Callable[[], Outcome], unmade: tuple[type[VideoError], ...] = ()) -> Outcome:
    """What a step came to, and when. What only this form cannot be is Refused."""
    try:
        outcome = {"State": "Success", "Sentence": ""} | step()
    except VideoError as error:
        outcome = failure(error)
        if isinstance(error, unmade) and not error.passing:
            outcome |= {"State": "Refused"}
    return outcome | {"At": datetime.now(UTC).isoformat(timespec="seconds")}


@DBOS.step(name="choose_form")
def _choose(task: Outcome) -> Outcome:
    def step() -> Outcome:
        delivery = from_json(Delivery, task)
        running = here()
        process = running.active[delivery.id].process
        ladder = delivery_job.choose(running.settings, running.archive, running.peers, process, delivery)
        rungs = [
            {"Form": to_json(rung.form), "Reasons": list(rung.reasons), "Size": rung.size} for rung in ladder.rungs
        ]
        patience = running.peers.policy(delivery.destination).timeout
        return {"Rungs": rungs, "LeftOut": list(ladder.left_out), "Patience": patience}

    return _told(step)


@DBOS.step(name="make_form")
def _make(task: Outcome, form: Outcome) -> Outcome:
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

    return _told(step, _UNMADE)


@DBOS.step(name="send_form")
def _send(task: Outcome, form: Outcome) -> Outcome:
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
        if outcome.result is Result.REFUSED and destination.dimse is not None:
            running.peers.refused(destination, wanted)
        return {
            "State": _STATES[outcome.result],
            "Kind": (Unreachable if outcome.result is Result.LATER else Declined).__name__,
            "Sentence": f"{outcome.sentence} {_ROOM}" if outcome.full else outcome.sentence,
            "Passing": outcome.result is Result.LATER,
            "Warning": outcome.status if outcome.delivered else 0,
            "Lost": not outcome.answered and moved > 0,
            "Full": outcome.full,
        }

    return _told(step)


_CLOSED = {
    "State": "Failure",
    "Kind": Unreachable.__name__,
    "Sentence": "It is outside the hours of this destination: it goes on when they begin.",
    "Passing": True,
}
_ROOM = 'Make room there, or set "MaxMB" of it in "VideoGateway.Destinations" where it takes no objects so large.'
_STATES = {
    Result.DELIVERED: "Success",
    Result.WARNED: "Success",
    Result.LATER: "Failure",
    Result.REFUSED: "Refused",
    Result.STOPPED: "Failure",
}


@DBOS.step(name="ask_for_proof")
def _ask_for_proof(task: Outcome, form: Outcome, missed: list[str]) -> Outcome:
    """Which proof there will be, but for those that did not come; where that is storage commitment, the transaction."""

    def step() -> Outcome:
        delivery, running = from_json(Delivery, task), here()
        destination = delivery_job.destination_of(running.peers, delivery)
        sentence = ""
        for proof in delivery_job.proofs(running.peers, destination):
            if proof in missed:
                continue
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
def _look_for_proof(task: Outcome, form: Outcome, asked: Outcome) -> Outcome:
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
def _keep(task: Outcome, form: Outcome) -> Outcome:
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
