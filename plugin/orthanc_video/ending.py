"""How a command ends that somebody ends: by an exception, so that all it began is tidied up."""

from __future__ import annotations

import signal
from types import FrameType
from typing import NoReturn

# Ctrl-C; kill, timeout(1) and a machine that shuts down; a terminal that is closed.
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_KILLED = 128  # and the signal's number: how shells tell it


class Ended(KeyboardInterrupt):
    """A signal arrived. It is raised wherever the main thread is, and no failure of what is done there."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def heed() -> None:
    """Has each of these signals end the process by Ended. One that is ignored stays so (nohup(1))."""
    for one in _SIGNALS:
        if signal.getsignal(one) is not signal.SIG_IGN:
            signal.signal(one, _end)


def _end(number: int, _frame: FrameType | None) -> NoReturn:
    for one in _SIGNALS:
        signal.signal(one, signal.SIG_IGN)  # timeout(1) and shells send more than one: the first is being obeyed
    raise Ended(number)


def sentence_of(error: KeyboardInterrupt) -> str:
    return f"Interrupted ({_signal(error).name}): nothing unfinished is left."


def status_of(error: KeyboardInterrupt) -> int:
    return _KILLED + _signal(error)


def _signal(error: KeyboardInterrupt) -> signal.Signals:
    return signal.Signals(error.number) if isinstance(error, Ended) else signal.SIGINT
