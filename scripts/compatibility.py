"""Writes docs/pacs-compatibility.md out of the profiles of PACS: ``python scripts/compatibility.py``.

With ``--print`` it only shows the page.
"""

from __future__ import annotations

import sys
from pathlib import Path

from orthanc_video.routing.profiles import page

PAGE = Path(__file__).resolve().parents[1] / "docs" / "pacs-compatibility.md"

if __name__ == "__main__":
    if sys.argv[1:] == ["--print"]:
        sys.stdout.write(page())
    else:
        PAGE.write_text(page(), encoding="utf-8")
