"""Stops a process of ours at a named place, for the crash tests: Python loads this by itself from PYTHONPATH.

The file named by ORTHANC_VIDEO_TEST_BREAK says where, as ``package.module:Class.function before 1`` (or ``after``, and
the number of the call). The process that comes there first takes the file, writes its id into one beside it, and waits
to be killed, or for that one to go. Constants of modules are set, too: ORTHANC_VIDEO_TEST_CONSTANTS has them as JSON,
``package.module:NAME`` and number. The file that ORTHANC_VIDEO_TEST_CLOCK names has the local time.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import itertools
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any

_file = Path(os.environ["ORTHANC_VIDEO_TEST_BREAK"])


def _stop() -> None:
    taken = _file.with_suffix(".taken")
    try:
        _file.rename(taken)
    except FileNotFoundError:
        return
    hit = _file.with_suffix(".writing")
    hit.write_text(str(os.getpid()), encoding="utf-8")
    hit.rename(_file.with_suffix(".hit"))
    while _file.with_suffix(".hit").exists():
        time.sleep(0.05)


def _stopping(function: Any, when: str, at: int) -> Any:
    calls = itertools.count(1)

    def call(*arguments: Any, **named: Any) -> Any:
        now = next(calls) == at
        if now and when == "before":
            _stop()
        try:
            return function(*arguments, **named)
        finally:
            if now and when == "after":
                _stop()
            if _file.with_suffix(".taken").exists():
                _file.with_suffix(".left").touch()

    return call


class _Finder(importlib.abc.MetaPathFinder):
    """Lets a module be found as ever, and changes it when it has been executed."""

    def __init__(self, module: str, change: Callable[[ModuleType], None]) -> None:
        self._module, self._change = module, change

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != self._module:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        assert spec is not None
        loader = spec.loader
        assert loader is not None
        execute = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            execute(module)
            self._change(module)

        loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def _break_at(place: str, when: str, call: str) -> None:
    name, _, function = place.partition(":")

    def change(module: ModuleType) -> None:
        *owner, last = function.split(".")
        holder: Any = getattr(module, owner[0]) if owner else module
        setattr(holder, last, _stopping(getattr(holder, last), when, int(call)))

    sys.meta_path.insert(0, _Finder(name, change))


def _clock() -> datetime:
    return datetime.fromisoformat(Path(os.environ["ORTHANC_VIDEO_TEST_CLOCK"]).read_text(encoding="utf-8"))


def _set(place: str, value: float) -> None:
    name, _, constant = place.partition(":")
    sys.meta_path.insert(0, _Finder(name, lambda module: setattr(module, constant, value)))


if _file.exists():
    _break_at(*_file.read_text(encoding="utf-8").split())
for _place, _value in json.loads(os.environ["ORTHANC_VIDEO_TEST_CONSTANTS"]).items():
    _set(_place, _value)
if "ORTHANC_VIDEO_TEST_CLOCK" in os.environ:
    sys.meta_path.insert(0, _Finder("orthanc_video.jobs.peers", lambda module: setattr(module, "local_time", _clock)))
