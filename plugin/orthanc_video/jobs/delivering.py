"""The workflow that delivers a stored object to a destination: in the best form that it takes, until it is there.

Unfinished ones outlive an upgrade, as others do. What was tried is part of the outcome: a person can read it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import UTC, datetime

from dbos import DBOS, SetEnqueueOptions, SetWorkflowID

from orthanc_video import metrics
from orthanc_video.archive.commitment import State
from orthanc_video.errors import (
    BadRequest,
    BrokenVideo,
    Declined,
    Nonconforming,
    NotFound,
    PoorQuality,
    TooLarge,
    UnsupportedMedia,
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
_LOSSES = 3
_LOST_FORMS = 3
# Some destinations need a while until they find what they have stored: after so many seconds the second look, then
# each after twice as long, as long as the destination may take for an answer.
_FIRST_PAUSE = 1.0
# What is wrong with a form, not with the object or the destination.
_UNMADE = (BadRequest, BrokenVideo, Nonconforming, PoorQuality, TooLarge, UnsupportedMedia, WorkerFailed)


def enqueue(workflow: str, task: Outcome) -> None:
    """Records a delivery; it begins when its turn comes. The same workflow once more is nothing."""
    with SetWorkflowID(workflow), SetEnqueueOptions(queue_partition_key=task["destination"]):
        DBOS.enqueue_workflow(QUEUE, deliver, task)


@DBOS.workflow(name=views.DELIVERY)
def deliver(task: Outcome) -> Outcome:
    """One object to one destination. A failure is an outcome that names what was tried; a person may try it again."""
    delivery = from_json(Delivery, task)
    workflow = DBOS.workflow_id or delivery.id
    with here().job(delivery.id, workflow, f"{delivery.uuid} {delivery.destination}") as active:
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
        self._tried: list[Outcome] = []
        # Of these, those that the destination refused with a word.
        self._refused: list[Outcome] = []

    def gone(self) -> Outcome:
        with here().way(self._delivery.destination).taken(self._delivery.id, short=False):
            sent = self._down_the_ladder()
        if sent["State"] == "Success":
            if here().peers.policy(self._delivery.destination).keep and sent["Form"]["kind"] != Kind.STORED:
                until_it_passes(lambda: _keep(self._task, sent["Form"]))
            sent = self._proven(sent)
        return sent | {"Attempts": self._attempts}

    def _down_the_ladder(self) -> Outcome:
        """By what is remembered of the destination; where that leads nowhere it may have changed, and is asked anew."""
        chosen = self._chosen()
        if chosen["State"] != "Success":
            return chosen
        outcome = self._down(chosen)
        if outcome["State"] == "Refused":
            anew = _choose(self._task, True)
            if anew["State"] == "Success":
                outcome = self._down(anew, outcome["Sentence"] if self._tried else "")
        return _declined(outcome["Sentence"]) if outcome["State"] == "Refused" else outcome

    def _down(self, chosen: Outcome, sentence: str = "") -> Outcome:
        """The first rung that is taken; Refused where none is that has not been tried, for the reason of the last."""
        lost = 0
        for rung in chosen["Rungs"]:
            if rung["Form"] in self._tried:
                continue
            self._tried.append(rung["Form"])
            outcome = self._made_and_sent(rung["Form"])
            if outcome["State"] != "Refused":
                return outcome | {"Form": rung["Form"], "Reasons": rung["Reasons"]}
            sentence, lost = outcome["Sentence"], lost + bool(outcome.get("Lost"))
            if lost == _LOST_FORMS:
                return _declined(sentence)
        return {"State": "Refused", "Sentence": sentence or " ".join(chosen["LeftOut"])}

    def _chosen(self) -> Outcome:
        """The ladder, as soon as the destination can be asked what it takes."""

        def choose() -> Outcome:
            self._active.stage = "choose"
            return _choose(self._task)

        def waits(outcome: Outcome) -> None:
            self._note(None, outcome)
            self._active.stage = "wait"

        return until_it_passes(choose, _ATTEMPTS, _LONGEST_PAUSE, waits)

    def _made_and_sent(self, form: Outcome) -> Outcome:
        made = until_it_passes(lambda: _make(self._task, form))
        if made["State"] != "Success":
            self._note(form, made)
            return made
        losses = 0
        outcome: Outcome = {}
        for attempt in range(_ATTEMPTS):
            self._active.stage = "send"
            outcome = _send(self._task, form, self._refused)
            self._note(form, outcome)
            losses = losses + 1 if outcome.get("Lost") else 0
            if losses == _LOSSES:
                return outcome | {"State": "Refused"}
            if not outcome.get("Passing"):
                break
            self._active.stage, self._active.progress = "wait", 0.0
            DBOS.sleep(min(_LONGEST_PAUSE, 0.5 * 2.0 ** min(attempt, 12)))
        if outcome["State"] == "Refused":
            self._refused.append(form)
        return outcome

    def _note(self, form: Outcome | None, outcome: Outcome) -> None:
        """For a person: when which form was tried, and what came of it; no form while the destination is asked."""
        told = {"At": outcome["At"], "Form": views.form(form) if form else None, "Result": outcome["State"]}
        self._attempts.append(told | {"Sentence": outcome["Sentence"]})
        self._active.attempts = self._attempts

    def _proven(self, sent: Outcome) -> Outcome:
        """That it is there, by the best proof that there is; what the destination said alone where there is none."""
        self._active.stage = "verify"
        waited, pause, patience = 0.0, _FIRST_PAUSE, here().peers.policy(self._delivery.destination).timeout
        asked = self._asked_for_proof(sent)
        while asked["State"] == "Success" and asked["Proof"] != Proof.NONE:
            seen = self._looked_for_proof(sent, asked)
            if seen.get("Kind") == NotFound.__name__:  # it was deleted here: that it is there nobody doubts
                asked = seen
                break
            if seen["State"] != "Success":
                return seen
            if seen["There"]:
                return sent | {"Proof": asked["Proof"], "Sentence": _said(sent, asked)}
            if waited >= patience:
                return sent | failure(Declined(_UNPROVEN[asked["Proof"]]))
            if seen.get("Lost"):
                asked = self._asked_for_proof(sent)
            DBOS.sleep(pause)
            waited, pause = waited + pause, 2 * pause
        return sent | {"Proof": str(Proof.NONE), "Sentence": _said(sent, asked)}

    def _asked_for_proof(self, sent: Outcome) -> Outcome:
        return until_it_passes(lambda: _ask_for_proof(self._task, sent["Form"]))

    def _looked_for_proof(self, sent: Outcome, asked: Outcome) -> Outcome:
        return until_it_passes(lambda: _look_for_proof(self._task, sent["Form"], asked))


def _said(sent: Outcome, asked: Outcome) -> str:
    return f"{sent['Sentence']} {asked['Sentence']}".strip()


def _declined(sentence: str) -> Outcome:
    return {"State": "Failure", "Kind": Declined.__name__, "Sentence": sentence, "Passing": False}


_UNPROVEN = {
    str(Proof.FIND): "The destination said that it had stored it, but it does not find it: nothing is there.",
    str(Proof.COMMITMENT): "The destination said that it had stored it, but it has not committed to it in time.",
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


@DBOS.step(name="choose_form")
def _choose(task: Outcome, anew: bool = False) -> Outcome:
    """``anew``: by what the destination says now, whatever is remembered of it."""

    def step() -> Outcome:
        delivery = from_json(Delivery, task)
        running = here()
        process = running.active[delivery.id].process
        ladder = delivery_job.choose(running.settings, running.archive, running.peers, process, delivery, anew=anew)
        rungs = [{"Form": to_json(rung.form), "Reasons": list(rung.reasons)} for rung in ladder.rungs]
        return {"Rungs": rungs, "LeftOut": list(ladder.left_out)}

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
def _send(task: Outcome, form: Outcome, refused: list[Outcome]) -> Outcome:
    """``refused`` are the forms of the same object that the destination did not take before."""

    def step() -> Outcome:
        delivery, wanted = from_json(Delivery, task), from_json(Form, form)
        running = here()
        active = running.active[delivery.id]
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
            pairs = {(str(one["sop_class"]), str(one["transfer_syntax"])) for one in refused}
            running.peers.refused(destination, pairs - {(wanted.sop_class, wanted.transfer_syntax)})
        lost = outcome.result is Result.LATER and not outcome.status and moved > 0
        return {
            "State": _STATES[outcome.result],
            "Sentence": outcome.sentence,
            "Passing": outcome.result is Result.LATER,
            "Warning": outcome.status if outcome.delivered else 0,
            "Lost": lost,
        }

    return _told(step)


_STATES = {
    Result.DELIVERED: "Success",
    Result.WARNED: "Success",
    Result.LATER: "Failure",
    Result.REFUSED: "Refused",
    Result.STOPPED: "Failure",
}


@DBOS.step(name="ask_for_proof")
def _ask_for_proof(task: Outcome, form: Outcome) -> Outcome:
    """Which proof there will be; where that is storage commitment, the transaction."""

    def step() -> Outcome:
        delivery, running = from_json(Delivery, task), here()
        destination = delivery_job.destination_of(running.peers, delivery)
        sentence = ""
        for proof in delivery_job.proofs(running.peers, destination):
            if proof is not Proof.COMMITMENT:
                return {"Proof": str(proof), "Sentence": sentence}
            try:
                with _files(task, form) as files:
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
                state = delivery_job.committed(running.archive, files, asked["Transaction"])
                return {"There": state is State.COMMITTED, "Lost": state is State.LOST}
            destination = delivery_job.destination_of(running.peers, delivery)
            return {"There": delivery_job.is_found(destination, files)}

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
