"""Orthanc ends as it does without the plugin: by itself, and in good order."""

from __future__ import annotations

from typing import Any

import pytest

from e2e.conftest import Start


@pytest.mark.parametrize("gateway", [{}, {"Launch": False, "Secret": "shared"}], ids=["launched", "elsewhere"])
def test_orthanc_ends_without_a_crash(start: Start, gateway: dict[str, Any]) -> None:
    server = start({"VideoGateway": gateway})
    server.stop()
    assert server.exit_status == 0, server.log[-2000:]
