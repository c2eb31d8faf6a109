"""The coverage-guided fuzzer of bitstream/, a process of its own: libFuzzer, by atheris, takes the whole process.

    .venv/bin/python tests/fuzz/parsers.py FOLDER [libFuzzer's options, such as -max_total_time=36000 or -fork=2]
    .venv/bin/python tests/fuzz/parsers.py FOLDER/crash-…       # that input again, and where it fails

``FOLDER`` keeps the corpus, which is begun with the headers of generated clips, and what was found: crash-…, timeout-…
(more than five seconds) and oom-… (more than 1 GiB).
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).parents[1]))
with atheris.instrument_imports(include=["orthanc_video.bitstream", "orthanc_video.media.formats"]):
    from fuzz import targets
from fuzz import corpus


def main() -> None:
    place, *options = sys.argv[1:]
    where = Path(place)
    if where.is_file():
        targets.one(where.read_bytes())
        return
    inputs = where / "corpus"
    if not inputs.is_dir():
        inputs.mkdir(parents=True)
        corpus.fill(inputs, where)
    limits = [f"-max_len={corpus.LONGEST}", "-timeout=5", "-rss_limit_mb=2048", f"-artifact_prefix={where}/"]
    atheris.Setup([sys.argv[0], *limits, *options, str(inputs)], targets.one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
