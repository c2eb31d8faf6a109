"""What a command says, and what becomes of that where nobody reads it."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from typing import TextIO

from orthanc_video.errors import Busy

# Of a command that ended since nobody reads on: that of one whom SIGPIPE ends.
UNHEARD = 128 + signal.SIGPIPE


def begin() -> None:
    """Opens those of standard input, output and error that are closed (``>&-``), onto nothing.

    The next files that are opened would be them otherwise, here and in all processes that are started.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest number that is free: this one
    sys.stdin = sys.stdin or os.fdopen(0)
    sys.stdout = sys.stdout or os.fdopen(1, "w")
    sys.stderr = sys.stderr or os.fdopen(2, "w")


def say(text: str = "") -> bool:
    """Writes lines to standard output at once. False when nobody reads on: that is no failure of what was done.

    Raises Busy where they cannot be written. What is said after either goes nowhere.
    """
    try:
        print(text, flush=True)
    except BrokenPipeError:
        _discard(sys.stdout)
        return False
    except OSError as error:
        _discard(sys.stdout)
        reason = os.strerror(error.errno or 0)
        raise Busy(f"What was done cannot be told: standard output cannot be written ({reason}).") from error
    return True


def warn(sentence: str) -> None:
    """Writes it to standard error. Who cannot be told there has the exit code."""
    try:
        print(sentence, file=sys.stderr, flush=True)
    except OSError:
        _discard(sys.stderr)


def finish() -> None:
    """Writes what is still to be written (argparse's help): the interpreter would complain where nobody reads it."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            _discard(stream)


def _discard(stream: TextIO) -> None:
    """What of it could not be written is still held, and would be tried again with the next line and at the end."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, stream.fileno())
    os.close(nothing)
    with contextlib.suppress(OSError):
        stream.flush()
