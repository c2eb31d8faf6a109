"""The workflows: which steps a job has, in which order, and what is tried again. Each step may be repeated.

Unfinished jobs outlive an upgrade: a change to the order of the steps needs ``DBOS.patch`` (CONTRIBUTING.md).
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable

from dbos import DBOS

from orthanc_video import metrics
from orthanc_video.archive.identifiers import answer as answer_of
from orthanc_video.errors import VideoError, WorkerFailed, whole
from orthanc_video.jobs import ingest_job, sent_job
from orthanc_video.jobs.running import Active, Outcome, here
from orthanc_video.model import Action, Made, MediaInfo, Plan, Upload
from orthanc_video.plain import from_json, to_json

# Of a step whose failure may pass: about eight hours until the job becomes a dead letter.
_ATTEMPTS = 500
# Of one whose media process died: it may have been killed for want of memory, or by the file itself.
_LIVES = 3
_LONGEST_DELAY = 60.0


@DBOS.workflow(name="ingest_video")
def ingest_video(upload_json: Outcome, info_json: Outcome, plan_json: Outcome) -> Outcome:
    """One upload to one stored object. Failures are outcomes, not exceptions, so that they are recorded as data.

    A job that failed keeps its upload: whoever tells the sender removes it, else it is a dead letter.
    """
    upload, plan = from_json(Upload, upload_json), from_json(Plan, plan_json)
    ids = ingest_job.ids_of(upload, plan)
    with here().job(upload.id, DBOS.workflow_id or upload.id, ids["ID"]) as active:
        outcome = _steps(active, upload_json, info_json, plan_json, ids)
    if outcome["State"] == "Success":
        _tidy(upload.id)
    metrics.job_ended(outcome)
    here().settle(upload.id, outcome)
    return outcome


def _steps(active: Active, upload: Outcome, info: Outcome, plan: Outcome, ids: dict[str, str]) -> Outcome:
    if _is_stored(ids["ID"]):
        there = {"State": "Success", "Answer": answer_of(ids, "AlreadyStored")}
        return until_it_passes(lambda: _compare(upload, there)) if upload.get("described") else there
    made = until_it_passes(lambda: _make(upload, info, plan))
    if made["State"] != "Success":
        return made
    active.stage = "store"
    # Earlier versions made no parts.
    parts = made.get("Parts") or [made["Made"]]
    outcome = _publish_all(upload, info, plan, parts)
    return outcome | {"Made": parts[0]} if outcome["State"] == "Success" else outcome


def _publish_all(upload: Outcome, info: Outcome, plan: Outcome, parts: list[Outcome]) -> Outcome:
    """Stores a film's parts, the first one last: where that is stored, all are."""
    answers: list[Outcome] = []
    for part in (*parts[1:], parts[0]):
        stored = until_it_passes(functools.partial(_publish, upload, info, plan, part))
        if stored["State"] != "Success":
            return stored
        answers.append(stored["Answer"])
    first = answers.pop()
    more = {"Instances": [first["ID"], *(one["ID"] for one in answers)]} if answers else {}
    return {"State": "Success", "Answer": first, **more}


def _sleep(_outcome: Outcome, seconds: float) -> None:
    DBOS.sleep(seconds)


def pause(attempt: int, longest: float) -> float:
    """The seconds to wait after this attempt (from 0): each time twice as long."""
    return min(longest, 0.5 * 2.0 ** min(attempt, 12))


def until_it_passes(
    step: Callable[[], Outcome],
    attempts: int = _ATTEMPTS,
    longest: float = _LONGEST_DELAY,
    rest: Callable[[Outcome, float], None] = _sleep,
) -> Outcome:
    """Repeats a step while its failure may pass; every attempt and every wait is recorded, so a restart goes on.

    At most so many ``attempts``, with pauses of ``longest`` seconds at most; ``rest`` waits, and is told for what.
    """
    outcome: Outcome = {}
    for attempt in range(attempts):
        outcome = step()
        died = outcome.get("Kind") == WorkerFailed.__name__
        if not (outcome.get("Passing") or (died and attempt + 1 < _LIVES)):
            break
        rest(outcome, pause(attempt, longest))
    return outcome


@DBOS.step(name="is_stored")
def _is_stored(instance: str) -> bool:
    try:
        return here().archive.has(instance)
    except VideoError:
        return False  # not known now: the publishing step asks again


@DBOS.step(name="compare")
def _compare(upload: Outcome, there: Outcome) -> Outcome:
    """What is stored under a name that its sender chose has to be what was sent."""
    try:
        sent_job.refuse_another(here().settings, here().archive, from_json(Upload, upload), there["Answer"]["ID"])
    except VideoError as error:
        return failure(error)
    return there


@DBOS.step(name="make")
def _make(upload: Outcome, info: Outcome, plan: Outcome) -> Outcome:
    active = here().active[upload["id"]]
    planned = from_json(Plan, plan)
    short = ingest_job.priority(from_json(MediaInfo, info)) == ingest_job.SHORT
    places = here().transcodes
    turn = places.taken(upload["id"], short=short) if planned.action is Action.TRANSCODE else contextlib.nullcontext()
    try:
        with turn:
            active.stage = plan["action"]
            made = ingest_job.make(
                here().settings,
                active.process,
                from_json(Upload, upload),
                from_json(MediaInfo, info),
                planned,
                active.tell,
            )
    except VideoError as error:
        return failure(error)
    return {"State": "Success", "Parts": to_json(made)}


@DBOS.step(name="publish")
def _publish(upload: Outcome, info: Outcome, plan: Outcome, made: Outcome) -> Outcome:
    try:
        answer = ingest_job.publish(
            here().archive,
            from_json(Upload, upload),
            from_json(MediaInfo, info),
            from_json(Plan, plan),
            from_json(Made, made),
        )
        if upload.get("described") and answer["Status"] == "AlreadyStored":
            sent_job.refuse_another(here().settings, here().archive, from_json(Upload, upload), answer["ID"])
    except VideoError as error:
        return failure(error)
    return {"State": "Success", "Answer": answer}


@DBOS.step(name="tidy")
def _tidy(upload: str) -> None:
    ingest_job.tidy(here().settings, upload)


@DBOS.workflow(name="refused_upload")
def refused_upload(outcome: Outcome) -> Outcome:
    """Nothing to do: the record is all."""
    return outcome


def failure(error: VideoError) -> Outcome:
    """A failure as it is recorded."""
    kind = type(error).__name__
    return {"State": "Failure", "Kind": kind, "Sentence": whole(error.sentence), "Passing": error.passing}
