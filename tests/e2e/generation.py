"""Which Orthanc the tests run: this machine's, or that of another generation's root file system (ORTHANC_ROOT)."""

from __future__ import annotations

import os

import pytest

OTHER = bool(os.environ.get("ORTHANC_ROOT"))
# Of what the gateway, a worker or the page does by itself, while Orthanc keeps objects.
only_once = pytest.mark.skipif(OTHER, reason="does not depend on Orthanc's generation")
