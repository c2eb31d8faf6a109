"""What all tests share."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from clips import Clips
from corpus.making import Corpus

# Tests are never timed: a busy machine is no fault of the code.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

# Each of these keeps a process busy for minutes.
_LONGEST = ("test_crashes.py", "test_hostile.py", "test_durability.py", "test_viewer.py", "test_installation.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long begins first: scripts/test.sh gives files to processes in this order.

    So none is left for the end. After the longest come the others that run a real Orthanc.
    """
    items.sort(key=lambda item: (item.path.name not in _LONGEST, item.path.parent.name not in {"e2e", "installation"}))


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Clips:
    """Clips made once per session, on first use."""
    return Clips(tmp_path_factory.mktemp("clips"))


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Corpus]:
    """The corpus's objects, made once for all test processes of a run."""
    base = tmp_path_factory.getbasetemp()
    made = Corpus((base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "corpus")
    yield made
    made.close()
