"""When a recording was made: dates and times of a data set that move together (PS3.5 6.2, VR DA, TM and DT)."""

from __future__ import annotations

import datetime
import re
from fractions import Fraction

from pydicom.dataset import Dataset

_PAIRS = (("AcquisitionDate", "AcquisitionTime"), ("ContentDate", "ContentTime"))
_MOMENT = re.compile(r"(\d{14})(?:\.(\d{1,6}))?([+-]\d{4})?")


def shift(dataset: Dataset, seconds: Fraction) -> None:
    """Moves when the recording was made, to the microsecond. What is not given to the second stays as it is."""
    moved = _later(str(dataset.get("AcquisitionDateTime") or ""), seconds)
    if moved:
        dataset.AcquisitionDateTime = moved
    for date, time in _PAIRS:
        moved = _later(f"{dataset.get(date) or ''}{dataset.get(time) or ''}", seconds)
        if moved:
            setattr(dataset, date, moved[:8])
            setattr(dataset, time, moved[8:])


def _later(moment: str, seconds: Fraction) -> str:
    """``YYYYMMDDHHMMSS.FFFFFF&ZZXX`` that much later; empty where it is not given to the second."""
    given = _MOMENT.fullmatch(moment)
    if given is None:
        return ""
    whole, fraction, zone = given.groups()
    # A leap second's 60 is the next minute's 0 in datetime, and nowhere else.
    at = datetime.datetime.strptime(whole[:12], "%Y%m%d%H%M") + datetime.timedelta(seconds=int(whole[12:]))
    micros = int((fraction or "").ljust(6, "0")) + round(seconds * 10**6)
    return f"{at + datetime.timedelta(microseconds=micros):%Y%m%d%H%M%S.%f}{zone or ''}"
