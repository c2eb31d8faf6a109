"""Which of the sandbox's measures hold on this machine, in words: for the log at start, and for whoever examines it."""

from __future__ import annotations

import logging

from orthanc_video.errors import VideoError
from orthanc_video.jobs.processes import run_short
from orthanc_video.model import Isolation
from orthanc_video.plain import from_json
from orthanc_video.settings import Settings

_log = logging.getLogger(__name__)
_TRUNCATES = 3


def in_force(settings: Settings) -> Isolation:
    """Asked of a media process, which asks the kernel. Raises VideoError when none can be started."""
    return from_json(Isolation, run_short("isolation", {}, settings))


def missing(isolation: Isolation) -> tuple[str, ...]:
    """What does not hold, and what to do about it; nothing where all is well."""
    sentences = []
    if not isolation.system_calls:
        sentences.append(
            "System calls are not filtered: install libseccomp2 (apt-get install libseccomp2), on a kernel that takes "
            "seccomp filters."
        )
    if isolation.landlock == 0:
        sentences.append(
            "Other files are not closed to media processes: the kernel has no Landlock (Linux 5.13 or newer; "
            "/sys/kernel/security/lsm must list it)."
        )
    elif isolation.landlock < _TRUNCATES:
        sentences.append(
            f"Landlock {isolation.landlock} of this kernel does not keep a media process from emptying files that its "
            "user may write: Linux 6.2 or newer does."
        )
    if not isolation.no_new_privileges:
        sentences.append("Media processes may gain privileges: the kernel refused PR_SET_NO_NEW_PRIVS.")
    return tuple(sentences)


def log(settings: Settings) -> None:
    """One line at start, and one for each measure that is missing."""
    try:
        found = in_force(settings)
    except VideoError as error:
        _log.error("No media process can be started: %s", error.sentence)
        return
    held = [
        "no new privileges" if found.no_new_privileges else "",
        f"files by Landlock {found.landlock}" if found.landlock else "",
        "system calls by seccomp" if found.system_calls else "",
    ]
    _log.info("Media processes are held by: memory, time and file limits, %s.", ", ".join(filter(None, held)))
    for sentence in missing(found):
        _log.warning("%s", sentence)
