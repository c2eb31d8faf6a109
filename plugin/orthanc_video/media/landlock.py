"""Landlock: the kernel lets this process, and all it starts, touch the named files and no others (landlock(7)).

Standard library only: three system calls, whose numbers are the same on every architecture but Alpha.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_ASK_VERSION = 1
_PATH_BENEATH = 1

# Rights on files and folders, landlock(7) "Filesystem actions".
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_REMOVE_FILE, _MAKE_REG = 1 << 5, 1 << 8
_TRUNCATE = 1 << 14  # since version 3
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE
_READ = _READ_FILE | _READ_DIR
_RUN = _READ | _EXECUTE
_CHANGE = _READ | _WRITE_FILE | _TRUNCATE | _MAKE_REG | _REMOVE_FILE
_ALL_BY_VERSION = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}  # how many rights each version can forbid
_TCP = 0b11  # bind, connect; since version 4
_OUTSIDE = 0b11  # abstract Unix sockets and signals to processes outside; since version 6


class _Ruleset(ctypes.Structure):
    """landlock_ruleset_attr: what is forbidden unless a rule allows it. Older kernels take it as long as it is 0."""

    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _Beneath(ctypes.Structure):
    """landlock_path_beneath_attr."""

    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("folder", ctypes.c_int32))


_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


def version() -> int:
    """What this kernel offers (its Landlock ABI); 0 where it has none, or has it turned off."""
    return max(0, int(_libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_ASK_VERSION))))


def confine(*, read: Iterable[Path], run: Iterable[Path], change: Iterable[Path]) -> int:
    """From now on only these files and folders (with all below them) can be opened; the version in force, or 0.

    It holds for the calling thread and what it starts, for good. ``run`` is read and executed. A folder in ``change``
    may be read, and get and lose files. What does not exist is left out. No TCP from version 4, no signals to others
    from version 6 on. The process must have given up new privileges before (PR_SET_NO_NEW_PRIVS).
    """
    offered = version()
    if offered == 0:
        return 0
    files = (1 << _ALL_BY_VERSION.get(offered, 16)) - 1
    wanted = _Ruleset(files, _TCP if offered >= 4 else 0, _OUTSIDE if offered >= 6 else 0)
    ruleset = _call(_CREATE_RULESET, ctypes.byref(wanted), ctypes.c_size_t(ctypes.sizeof(wanted)), ctypes.c_uint32(0))
    try:
        for paths, rights in ((read, _READ), (run, _RUN), (change, _CHANGE)):
            for path in paths:
                with suppress(FileNotFoundError, NotADirectoryError):
                    _allow(ruleset, path, rights & files)
        _call(_RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint32(0))
    finally:
        os.close(ruleset)
    return offered


def _allow(ruleset: int, path: Path, rights: int) -> None:
    descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        rule = _Beneath(rights if path.is_dir() else rights & _OF_FILES, descriptor)
        _call(_ADD_RULE, ctypes.c_int(ruleset), ctypes.c_int(_PATH_BENEATH), ctypes.byref(rule), ctypes.c_uint32(0))
    finally:
        os.close(descriptor)


def _call(number: int, *arguments: object) -> int:
    result = int(_libc.syscall(number, *arguments))
    if result < 0:
        raise OSError(ctypes.get_errno(), "Landlock")
    return result
