"""What a media process gives up before it reads its first untrusted byte; ffmpeg, which it starts, inherits it all.

Where the kernel or a library lacks one measure the others hold all the same; ``Isolation`` tells which are in force.
"""

from __future__ import annotations

import ctypes
import errno
import os
import resource
import sys
import sysconfig
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from orthanc_video.lifetime import die_with_parent
from orthanc_video.media import landlock, seccomp
from orthanc_video.model import Isolation

_PR_SET_NO_NEW_PRIVS, _PR_GET_NO_NEW_PRIVS = 38, 39  # prctl(2)
_CAPABILITIES_VERSION = 0x20080522  # capget(2)
_DAC_READ_SEARCH = 1 << 2  # capabilities(7)
_OPEN_FILES = 64
_PATIENCE = 10  # long work lets short work go first: nice(2), and autogroups of sched(7)
_LIBRARIES = ("/lib", "/lib32", "/lib64", "/libx32", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/local/lib")
# Where this Python's modules and the system's shared libraries lie.
_MODULES = frozenset(
    Path(entry) for entry in (*_LIBRARIES, "/etc/ld.so.cache", sysconfig.get_path("stdlib"), *sys.path) if entry
)

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What a task needs of the world. ``change`` are files to write and folders to work in; ``program`` one to start.

    ``patient`` work takes long, and gives way to what somebody waits for.
    """

    read: tuple[Path, ...] = ()
    change: tuple[Path, ...] = ()
    program: Path | None = None
    patient: bool = False


class _Capabilities(ctypes.Structure):
    """__user_cap_data_struct, twice: capget(2)."""

    _fields_ = tuple(
        (f"{half}_{name}", ctypes.c_uint32)
        for half in ("low", "high")
        for name in ("effective", "permitted", "inherited")
    )


_entered = False


def enter(needs: Needs, limits: dict[str, int]) -> Isolation:
    """Gives up, for good, all that the task does not need; what of it is in force.

    ``limits``: ``memory`` and ``file_size`` in bytes, ``cpu_seconds``. Raises RuntimeError when this process has
    more than one thread, since the others would keep what this one gives up.
    """
    global _entered
    threads = len(os.listdir("/proc/self/task"))  # noqa: PTH208
    if threads > 1:
        raise RuntimeError(f"a media process has {threads} threads before its work begins")
    if needs.patient:
        _be_patient()
    _limit(limits)
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    confined = landlock.confine(
        read=(*needs.read, *_MODULES, Path("/dev/urandom")),
        run=(needs.program, *map(Path, _LIBRARIES)) if needs.program else (),
        change=(*needs.change, Path(os.devnull)),
    )
    # root reads other users' files by this one; with Landlock those are the task's own only.
    _keep_capabilities(_DAC_READ_SEARCH if confined else 0)
    filtered = seccomp.available() and _load(seccomp.media())
    _entered = True
    if needs.program is None:
        alone()
    return Isolation(
        no_new_privileges=_libc.prctl(_PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1,
        landlock=confined,
        system_calls=filtered,
        capabilities=_capabilities().low_effective | _capabilities().high_effective << 32,
    )


def alone(child: int = 0) -> None:
    """Inside the sandbox: from now on starts nothing more, signals nobody but ``child``, ends with its parent."""
    _narrow(child, may_execute=False)


def before_program() -> None:
    """What a started program does between fork and exec: it ends with us and, inside the sandbox, starts nothing."""
    die_with_parent()
    _narrow(0, may_execute=True)


def _narrow(child: int, *, may_execute: bool) -> None:
    if _entered and seccomp.available():
        _load(seccomp.alone(child, may_execute=may_execute))


def _load(rules: seccomp.Filter) -> bool:
    """Whether the kernel took them: some containers' kernels know no filters."""
    try:
        rules.load()
    except OSError:
        return False
    finally:
        rules.release()
    return True


def _be_patient() -> None:
    os.nice(_PATIENCE)
    # Where the kernel groups sessions, nice counts within a session only, and this process has one of its own.
    with suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(_PATIENCE), encoding="ascii")


def _limit(limits: dict[str, int]) -> None:
    for name, kind in (
        ("memory", resource.RLIMIT_AS),
        ("cpu_seconds", resource.RLIMIT_CPU),
        ("file_size", resource.RLIMIT_FSIZE),
    ):
        if limits.get(name):
            resource.setrlimit(kind, (limits[name], limits[name]))
    resource.setrlimit(resource.RLIMIT_NOFILE, (_OPEN_FILES, _OPEN_FILES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _prctl(option: int, value: int) -> None:
    if _libc.prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def _capabilities() -> _Capabilities:
    found = _Capabilities()
    if _libc.capget(_header(), ctypes.byref(found)) != 0:
        raise OSError(ctypes.get_errno(), "capget")
    return found


def _keep_capabilities(kept: int) -> None:
    left = _capabilities().low_permitted & kept
    if _libc.capset(_header(), ctypes.byref(_Capabilities(low_effective=left, low_permitted=left))) != 0:
        raise OSError(ctypes.get_errno() or errno.EPERM, "capset")


def _header() -> ctypes.Array[ctypes.c_uint32]:
    return (ctypes.c_uint32 * 2)(_CAPABILITIES_VERSION, 0)
