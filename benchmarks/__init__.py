"""Measurements against named rivals: ``python -m benchmarks [name …]``; they write docs/performance.md.

Every comparison is a ratio taken within one run, its sides in turn (A B A B …), medians of both.
"""

from __future__ import annotations

import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]

# The end-to-end tests' Orthanc server is used here, too.
sys.path.append(str(REPOSITORY / "tests"))
