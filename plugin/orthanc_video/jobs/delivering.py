"""The workflow that delivers a stored object to a destination: in the best form that it takes, until it is there.

Unfinished ones outlive an upgrade, as others do. What was tried is part of the outcome: a person can read it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from dbos import DBOS, SetEnqueueOptions, SetWorkflowID

from orthanc_video import metrics
from orthanc_video.errors import Declined, NotFound
from orthanc_video.form import Kind
from orthanc_video.jobs import attempts, ingest_job, views
from orthanc_video.jobs import delivery_steps as steps
from orthanc_video.jobs.running import Active, Outcome, here
from orthanc_video.jobs.workflows import failure, pause, until_it_passes
from orthanc_video.plain import from_json
from orthanc_video.routing.delivery import Delivery, Proof

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
        self._tried: list[Outcome] = []
        # Of these, those that the destination refused although its newest answer was that it takes them.
        self._refused: list[Outcome] = []
        self._asked_anew = False

    def gone(self) -> Outcome:
        with here().way(self._delivery.destination).taken(self._delivery.id, short=False):
            sent = self._down_the_ladder()
        if sent["State"] == "Success":
            if here().peers.policy(self._delivery.destination).keep and sent["Form"]["kind"] != Kind.STORED:
                until_it_passes(lambda: steps.keep(self._task, sent["Form"]))
            sent = self._proven(sent)
        return sent | {"Attempts": self._attempts}

    def _down_the_ladder(self) -> Outcome:
        """By what is remembered of the destination; where that is wrong or leads nowhere, it is asked anew, once."""
        chosen = self._chosen()
        if chosen["State"] != "Success":
            return chosen
        outcome = self._down(chosen)
        if outcome["State"] == "Refused":
            self._asked_anew = True
            anew = self._chosen()
            # Where it says nothing now, what was remembered of it is all there is to go by.
            newest = anew if anew["State"] == "Success" else chosen
            outcome = self._down(newest, outcome if chosen["Rungs"] and outcome["Sentence"] else None)
        return _declined(outcome["Sentence"]) if outcome["State"] == "Refused" else outcome

    def _chosen(self) -> Outcome:
        """The ladder, as soon as the destination can be asked what it takes."""

        def choose() -> Outcome:
            self._active.stage = "choose"
            return steps.choose(self._task, self._asked_anew)

        def rest(outcome: Outcome, seconds: float) -> None:
            self._note(None, outcome)
            self._rest(seconds)

        return until_it_passes(choose, _ATTEMPTS, _LONGEST_PAUSE, rest)

    def _down(self, chosen: Outcome, last: Outcome | None = None) -> Outcome:
        """The first rung that is taken; Refused where none is that has not been tried, for the reason of the last.

        Refused with the first context, too, that the destination refuses although it is remembered to take it: the
        other rungs are not to be made in vain. ``last`` is how the form before was refused, if one was.
        """
        lost, refused = 0, last or {}
        for at, rung in enumerate(chosen["Rungs"]):
            if rung["Form"] in self._tried:
                continue
            outcome = self._made_and_sent(rung, chosen["Patience"])
            if self._contradicts(outcome):
                return {"State": "Refused", "Sentence": ""} | refused
            self._tried.append(rung["Form"])
            if outcome.get("Full"):
                smaller = self._smaller(rung, chosen["Rungs"][at + 1 :], chosen["Patience"])
                outcome = smaller or self._made_and_sent(rung)
            if outcome["State"] != "Refused":
                return {"Form": rung["Form"], "Reasons": [*rung["Reasons"], *_passed_over(refused)]} | outcome
            refused, lost = outcome, lost + bool(outcome.get("Lost"))
            if lost == _LOST_FORMS:
                return _declined(outcome["Sentence"])
        none = {"State": "Refused", "Sentence": " ".join(chosen["LeftOut"])}
        return none | (refused if chosen["Rungs"] else {})

    def _contradicts(self, outcome: Outcome) -> bool:
        """Whether the destination has to be asked anew: what is remembered is wrong, and it was not asked yet."""
        return bool(outcome.get("Untaken")) and not self._asked_anew

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
        made = until_it_passes(lambda: steps.make(self._task, form))
        if made["State"] != "Success":
            self._note(form, made)
            return made | {"Unmade": True}
        losses, waited = 0, 0.0
        outcome: Outcome = {}
        for attempt in range(_ATTEMPTS):
            self._active.stage = "send"
            outcome = steps.send(self._task, form, self._refused)
            self._note(form, outcome)
            losses = losses + 1 if outcome.get("Lost") else 0
            if losses == _LOSSES:
                return outcome | {"State": "Refused"}
            if outcome.get("Closed"):
                self._rest(outcome["Closed"])
                continue
            if not outcome.get("Passing") or (outcome.get("Full") and waited >= patience):
                break
            seconds = pause(attempt, _LONGEST_PAUSE)
            self._rest(seconds)
            waited = waited + seconds if outcome.get("Full") else 0.0
        if outcome["State"] == "Refused" and not self._contradicts(outcome):
            self._refused.append(form)
        return outcome

    def _rest(self, seconds: float) -> None:
        """Others may go to the destination meanwhile."""
        self._active.stage, self._active.progress = "wait", 0.0
        with here().aside(self._delivery.destination):
            DBOS.sleep(seconds)

    def _note(self, form: Outcome | None, outcome: Outcome) -> None:
        """For a person; where it is cancelled, what its steps have recorded tells the same."""
        self._attempts.append(attempts.attempt(form, outcome))
        self._active.attempts = self._attempts

    def _proven(self, sent: Outcome) -> Outcome:
        """That it is there, by the best proof that there is; what the destination said alone where there is none."""
        self._active.stage = "verify"
        said, missed, lost = [sent["Sentence"]], list[str](), 0
        while True:
            asked = until_it_passes(lambda: steps.ask_for_proof(self._task, sent["Form"], missed))
            said.append(asked["Sentence"])
            if asked["State"] != "Success" or asked["Proof"] == Proof.NONE:
                if missed:
                    return sent | failure(Declined(_UNPROVEN[missed[-1]]))
                return sent | {"Proof": str(Proof.NONE), "Sentence": _joined(said)}
            seen = self._awaited(sent["Form"], asked)
            if seen.get("Kind") == NotFound.__name__:  # it was deleted here: that it is there nobody doubts
                return sent | {"Proof": str(Proof.NONE), "Sentence": _joined([*said, seen["Sentence"]])}
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
        waited, seconds, patience = 0.0, _FIRST_PAUSE, here().peers.policy(self._delivery.destination).timeout
        while True:
            seen = until_it_passes(lambda: steps.look_for_proof(self._task, form, asked))
            if seen["State"] != "Success" or seen["There"] or seen["Lost"] or waited >= patience:
                return seen
            DBOS.sleep(seconds)
            waited, seconds = waited + seconds, 2 * seconds


_UNPROVEN = {
    str(Proof.FIND): "The destination said that it had stored it, but it does not find it: nothing is there.",
    str(Proof.COMMITMENT): "The destination has not reported in time whether it commits to what it has stored: "
    "it has to know the address of Orthanc's AE title.",
}


def _passed_over(refused: Outcome) -> Iterator[str]:
    """Why the form before was not the one, in the words of the destination, or of who was to make it."""
    if refused.get("Unmade"):
        yield f"A better form could not be made: {refused['Sentence']}"
    elif refused:
        yield f"A better form was sent, and was refused: {refused['Sentence']}"


def _declined(sentence: str) -> Outcome:
    return {"State": "Failure", "Kind": Declined.__name__, "Sentence": sentence, "Passing": False}


def _joined(sentences: Iterable[str]) -> str:
    return " ".join(filter(None, sentences))
