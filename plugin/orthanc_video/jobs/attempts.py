"""What a delivery has tried, as a person sees it. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from orthanc_video.jobs.running import Outcome
from orthanc_video.routing import words

# The steps of a delivery that are attempts, as DBOS records them.
CHOOSE, MAKE, SEND = "choose_form", "make_form", "send_form"
_TRIED = frozenset({CHOOSE, MAKE, SEND})


def form(made: dict[str, Any]) -> dict[str, Any]:
    """A form as the API shows it."""
    named = {"Class": words.class_name(made["sop_class"]), "Syntax": words.syntax_name(made["transfer_syntax"])}
    uids = {"SOPClassUID": made["sop_class"], "TransferSyntaxUID": made["transfer_syntax"]}
    return {"Kind": made["kind"], **named, **uids, "Step": made["step"]}


def attempt(tried: Outcome | None, outcome: Outcome) -> Outcome:
    """When which form was tried, and what came of it; no form while the destination is asked."""
    told = {"At": outcome["At"], "Form": form(tried) if tried else None, "Result": outcome["State"]}
    return told | {"Sentence": outcome["Sentence"]}


def recorded(steps: Sequence[Mapping[str, Any]]) -> Outcome:
    """``Attempts`` at a delivery that has ended without an outcome of its own, since it was cancelled, and the ``Form``
    in which the object has arrived; ``steps`` are as DBOS has recorded them, which outlives whoever worked on it."""
    attempts, arrived = list[Outcome](), dict[str, Outcome]()
    for name, outcome in _told(steps):
        attempts.append(attempt(outcome.get("Form"), outcome))
        if name == SEND and outcome["State"] == "Success" and "Form" in outcome:
            arrived = {"Form": outcome["Form"]}
    return arrived | {"Attempts": attempts}


def _told(steps: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, Outcome]]:
    """The steps that a delivery tells of: each sending, and what else did not succeed."""
    for step, following in itertools.zip_longest(steps, steps[1:]):
        name, outcome = step["function_name"], step["output"]
        if name not in _TRIED or not isinstance(outcome, dict):
            continue
        # What was cancelled while it was made, or was made once more after a pause, has not come to anything.
        unmade = name == MAKE and (following is None or following["function_name"] not in _TRIED)
        if name == SEND or not (outcome["State"] == "Success" or unmade):
            yield name, outcome
