"""The numbers that studies order their series by, and series their instances."""

from __future__ import annotations

from typing import Any

_LONGEST = 12  # of an integer string (PS3.5 6.2)
_LAST = 1 << 40


def number_of(record: dict[str, Any], keyword: str) -> tuple[int, str]:
    """That of Orthanc's record, which need not be there or a number; equals always come in the same order."""
    said = str(record["MainDicomTags"].get(keyword, "")).strip()
    digits = said.removeprefix("-")
    return (int(said) if digits.isascii() and digits.isdigit() and len(digits) <= _LONGEST else _LAST, record["ID"])
