"""What all tests share."""

from __future__ import annotations

import pytest

from clips import Clips


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Clips:
    """Clips made once per session, on first use."""
    return Clips(tmp_path_factory.mktemp("clips"))
