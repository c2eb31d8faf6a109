"""A short run of the fuzzer, from a fixed seed; and that it finds what there is to be found."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from fuzz import corpus, targets
from orthanc_video.errors import BrokenVideo

_SECONDS = 20
_SCRIPT = Path(__file__).with_name("parsers.py")


def _fuzz(folder: Path, *options: str, script: Path = _SCRIPT) -> subprocess.CompletedProcess[str]:
    # By way of a small process: the peak of memory, which libFuzzer bounds, is inherited from whoever starts a program.
    command = ["/bin/sh", "-c", '"$@"; exit $?', "sh", sys.executable, str(script), str(folder), *options]
    return subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=_SECONDS + 100)


def test_the_parsers_answer_or_refuse(tmp_path: Path) -> None:
    done = _fuzz(tmp_path, "-seed=1", f"-max_total_time={_SECONDS}")
    found = [path.name for path in tmp_path.glob("*-*") if path.name.startswith(("crash", "timeout", "oom", "leak"))]
    assert (done.returncode, found) == (0, []), done.stderr[-4000:]
    runs = re.search(r"Done (\d+) runs", done.stderr)
    assert runs is not None, done.stderr[-4000:]
    assert int(runs[1]) > 500
    # It is guided: what it saw of the parsers grew.
    covered = [int(number) for number in re.findall(r"cov: (\d+)", done.stderr)]
    assert covered[-1] > covered[0] > 100


def test_every_target_has_a_beginning(tmp_path: Path) -> None:
    corpus.fill(tmp_path, tmp_path.parent)
    inputs = [path.read_bytes() for path in tmp_path.iterdir()]
    assert {data[0] for data in inputs} == set(range(len(targets.TARGETS)))
    for data in inputs:
        targets.one(data)


def test_a_parser_that_fails_is_found(tmp_path: Path) -> None:
    """With one that trips over broken_link, which no input of the corpus has; and the find shows it again."""
    script = tmp_path / "broken.py"
    script.write_text(
        "import sys\n"
        f"sys.path.insert(0, {str(_SCRIPT.parent)!r})\n"
        "import parsers\n"
        "from orthanc_video.bitstream import mpeg2\n"
        "right = mpeg2.parse_group\n"
        "mpeg2.parse_group = lambda unit: right(unit) if 1 // (1 - right(unit).broken_link) else None\n"
        "parsers.main()\n"
    )
    done = _fuzz(tmp_path / "work", "-seed=1", f"-max_total_time={4 * _SECONDS}", script=script)
    assert done.returncode != 0
    assert "ZeroDivisionError" in done.stderr + done.stdout
    crash = next((tmp_path / "work").glob("crash-*"))
    assert "ZeroDivisionError" in _fuzz(crash, script=script).stderr


def test_a_refusal_without_a_sentence_is_a_find() -> None:
    with pytest.raises(AssertionError), targets.refusing():
        raise BrokenVideo("no")
