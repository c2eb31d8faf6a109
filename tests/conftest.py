"""What all tests share."""

from __future__ import annotations

import pytest

from clips import Clips

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
