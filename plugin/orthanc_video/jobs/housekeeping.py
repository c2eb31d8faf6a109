"""Keeps a gateway's spool and job table clear of what has ended: at the start, every so often, and once a day."""

from __future__ import annotations

import datetime
import logging
import os
import threading
import time
from collections.abc import Iterator

from dbos import DBOS, WorkflowStatus

from orthanc_video.errors import VideoError
from orthanc_video.jobs import background, ingest_job, views
from orthanc_video.jobs.database import TROUBLES, answering
from orthanc_video.settings import Settings

log = logging.getLogger(__name__)

_KEPT_DAYS = 90
_LOOK_SECONDS = 15.0
_PRUNE_SECONDS = 24 * 3600.0
# SQLite takes no condition of more than a thousand parts.
_ASKED_AT_ONCE = 200


class Housekeeping:
    """One thread of a gateway's."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        # Jobs that had ended at the last look, and whose folder was still there.
        self._ended: set[str] = set()

    def begin(self) -> None:
        """Clears the spool, then goes on doing so in a thread; to be called once DBOS is launched. Raises Busy."""
        with answering():
            self._sweep()
        threading.Thread(target=self._run, name="housekeeping", daemon=True).start()

    def dead_letters(self) -> int:
        """How many acknowledged uploads wait for a person's decision."""
        found = {views.job_of(one.workflow_id) for one in self._in_spool() if views.is_dead_letter(self._settings, one)}
        return len(found)

    def _sweep(self) -> None:
        """Clears the spool of what was never acknowledged, and of what has ended."""
        kept = {views.job_of(status.workflow_id) for status in self._in_spool() if views.keeps_upload(status)}
        # Resumable uploads wait for their rest until they expire.
        kept |= {record.stem for record in self._settings.uploads.glob("*.json")}
        for name in self._folders():
            if name not in kept:
                self._tidy(name)

    def _run(self) -> None:
        next_prune = time.monotonic()
        while True:
            try:
                if time.monotonic() >= next_prune:
                    next_prune = time.monotonic() + _PRUNE_SECONDS
                    self._prune()
                self._clear()
            except TROUBLES as error:
                log.warning("What has ended is cleared up later: the jobs' database (%s).", type(error).__name__)
            time.sleep(_LOOK_SECONDS)

    def _clear(self) -> None:
        """Removes what jobs have left that ended some time ago: who worked on a cancelled one may have died with it."""
        attempts = list(self._in_spool())
        kept = {views.job_of(one.workflow_id) for one in attempts if views.keeps_upload(one)}
        ended = {views.job_of(one.workflow_id) for one in attempts} - kept
        for job in ended & self._ended:
            self._tidy(job)
        self._ended = ended

    def _prune(self) -> None:
        """Removes the records of what ended long ago, dead letters apart, and all that is kept of deleted objects."""
        before = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=_KEPT_DAYS)
        names = [*views.SHOWN, views.ORDER, views.REST]
        past = DBOS.list_workflows(
            completed_before=before.isoformat(), name=names, status=views.ENDED, load_input=False
        )
        DBOS.delete_workflows([one.workflow_id for one in past if not views.is_dead_letter(self._settings, one)])
        try:
            background.forget_deleted()
        except VideoError as error:
            log.warning("What is kept of deleted objects is looked for again tomorrow: %s", error.sentence)

    def _tidy(self, job: str) -> None:
        try:
            ingest_job.tidy(self._settings, job)
        except OSError as error:
            log.warning("A folder in the spool cannot be removed (%s).", os.strerror(error.errno or 0))

    def _folders(self) -> list[str]:
        """The names of the folders in the spool. What else lies there is somebody else's, and is left alone."""
        with os.scandir(self._settings.spool) as entries:
            return [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]

    def _in_spool(self) -> Iterator[WorkflowStatus]:
        """The attempts at all jobs that have a folder in the spool: few, however many jobs there have been."""
        names = self._folders()
        for at in range(0, len(names), _ASKED_AT_ONCE):
            some = names[at : at + _ASKED_AT_ONCE]
            yield from DBOS.list_workflows(workflow_id_prefix=some, name=views.SHOWN, load_input=False)
