"""The letters that are written on pictures."""

from __future__ import annotations

from pathlib import Path

from orthanc_video.errors import Busy

# Latin, Greek and Cyrillic.
FONT = Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")


def missing() -> Busy:
    """What is said where there is no such font."""
    return Busy(
        f"What is to be written on pictures needs the font {FONT.name}: install it (apt-get install fonts-dejavu-core)."
    )
