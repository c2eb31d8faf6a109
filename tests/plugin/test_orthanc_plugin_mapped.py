"""A file and what goes around it as one buffer, for every place where a page may end."""

from __future__ import annotations

import mmap
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given, strategies

from orthanc_plugin_mapped import mapped

PAGE = mmap.PAGESIZE
SIZES = strategies.integers(0, 3 * PAGE + 1)


@given(SIZES, SIZES, SIZES)
@example(0, 0, 1)
@example(1, PAGE, 0)
@example(PAGE, 2 * PAGE, PAGE)
@example(PAGE - 1, 2 * PAGE - 1, 1)
def test_it_is_what_reading_would_give(before: int, size: int, after: int) -> None:
    if not before + size + after:
        return
    parts = [os.urandom(length) for length in (before, size, after)]
    with tempfile.NamedTemporaryFile() as file:
        file.write(parts[1])
        file.flush()
        with mapped(parts[0], Path(file.name), parts[2]) as whole:
            assert whole == b"".join(parts)
        assert Path(file.name).read_bytes() == parts[1]


def test_the_file_is_not_copied_and_nothing_stays_mapped(tmp_path: Path) -> None:
    stream = tmp_path / "stream"
    stream.write_bytes(os.urandom(5 * PAGE + 7))
    with mapped(b"before", stream, b"after") as whole:
        assert str(stream) in Path("/proc/self/maps").read_text(encoding="utf-8")
        stream.unlink()  # as when a job is cancelled: what is mapped stays readable
        assert len(bytes(whole)) == 5 * PAGE + 7 + len("before") + len("after")
    assert str(stream) not in Path("/proc/self/maps").read_text(encoding="utf-8")


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), mapped(b"before", tmp_path / "none", b"after"):
        raise AssertionError("there is nothing to read")
