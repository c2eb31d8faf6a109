"""Deeds done inside the sandbox of media processes, and outside it, each time in a process of their own."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from orthanc_video.jobs.template import environment
from orthanc_video.model import Isolation
from orthanc_video.plain import from_json

# Runs deeds (Python expressions) in a process of its own and prints, for each, "done" or the error's name.
_SCRIPT = """
import ctypes, errno, json, os, resource, signal, socket, subprocess, sys
from pathlib import Path
from orthanc_video.media import landlock, sandbox, seccomp
from orthanc_video.plain import to_json
libc = ctypes.CDLL(None, use_errno=True)

def call(name, *arguments):
    if getattr(libc, name)(*arguments) < 0:
        raise OSError(ctypes.get_errno(), name)

def forked():
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)

task = json.loads(sys.argv[1])
exec(task["before"])
if task["needs"] is not None:
    needs = {key: tuple(map(Path, value)) if isinstance(value, list) else value for key, value in task["needs"].items()}
    if needs.get("program"):
        needs["program"] = Path(needs["program"])
    isolation = to_json(sandbox.enter(sandbox.Needs(**needs), task["limits"]))
else:
    isolation = None
outcomes = []
for deed in task["deeds"]:
    try:
        eval(deed)
        outcomes.append("done")
    except OSError as error:
        outcomes.append(errno.errorcode[error.errno])
    except (MemoryError, subprocess.TimeoutExpired) as error:
        outcomes.append(type(error).__name__)
print(json.dumps([isolation, outcomes]))
"""


def in_process(
    deeds: list[str], needs: dict[str, Any] | None, limits: dict[str, int] | None = None, before: str = ""
) -> tuple[Isolation | None, list[str]]:
    """What holds the process and what came of each deed; without ``needs`` it enters no sandbox.

    ``needs`` are the fields of sandbox.Needs as JSON; ``before`` are statements that it begins with.
    """
    task = json.dumps({"deeds": deeds, "needs": needs, "limits": limits or {}, "before": before})
    done = subprocess.run(
        [sys.executable, "-P", "-c", _SCRIPT, task], env=environment(), capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    isolation, outcomes = json.loads(done.stdout.splitlines()[-1])
    return from_json(Isolation, isolation) if isolation else None, outcomes
