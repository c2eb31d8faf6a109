"""What the plugin tells the gateway that it started: its greeting, then nudges that never wait."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

from orthanc_plugin_process import Child


class Log:
    """As much of the module ``orthanc`` as a child needs."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def LogWarning(self, line: str) -> None:  # noqa: N802
        self.lines.append(line)

    LogError = LogWarning


def child(log: Log, script: str) -> Child:
    started = Child(log, [sys.executable, "-c", script], b'{"Secret": "s"}\n')
    started.start()
    started.wait_ready()
    return started


def wait_until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_nudge_comes_after_the_greeting(tmp_path: Path) -> None:
    got = tmp_path / "got"
    script = (
        "import os, pathlib\n"
        "data = os.read(0, 4096)\n"
        "print('READY http://here', flush=True)\n"
        f"data += os.read(0, 4096); pathlib.Path({str(got)!r}).write_bytes(data)\n"
        "os.read(0, 4096)\n"
    )
    one = child(Log(), script)

    def nudged() -> bool:
        one.nudge()
        return got.exists() and got.stat().st_size > 0

    wait_until(nudged)
    assert got.read_bytes().rstrip(b"\n") == b'{"Secret": "s"}'
    assert got.read_bytes().endswith(b"\n\n")
    one.stop()


def test_nudges_never_wait_for_a_gateway_that_does_not_read() -> None:
    one = child(Log(), "import time; print('READY http://here', flush=True); time.sleep(600)")
    began = time.monotonic()
    for _ in range(200_000):  # three times what a pipe holds
        one.nudge()
    assert time.monotonic() - began < 10
    one.stop()


def test_a_nudge_before_the_start_and_after_the_end_is_nothing() -> None:
    one = Child(Log(), [sys.executable, "-c", ""], b"\n")
    one.nudge()
    one = child(Log(), "print('READY http://here', flush=True)")
    one.stop()
    one.nudge()
