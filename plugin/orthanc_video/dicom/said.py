"""What an object says of itself, attribute by attribute. It is other programs' work: what cannot be read is missing."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from pydicom.dataset import Dataset
from pydicom.valuerep import PersonName

_LONGEST = 32  # characters: a decimal string has sixteen (PS3.5 6.2), a float written out up to 24
_LARGEST = 1e18


def value(said: Dataset, keyword: str) -> Any:
    """None where the attribute is missing or its bytes are no value of its kind."""
    try:
        return said.get(keyword, None)
    except Exception:  # pydicom converts on access, and has no end of errors for damaged values
        return None


def is_there(said: Dataset, keyword: str) -> bool:
    """Whether the attribute is there at all, with a value or without."""
    return keyword in said


def missing(said: Dataset, keyword: str) -> bool:
    """Whether the attribute is not there, or empty, or unreadable."""
    found = value(said, keyword)
    return found is None or (hasattr(found, "__len__") and len(found) == 0)


def text(said: Dataset, keyword: str) -> str:
    """The (first) value as text; empty where there is none."""
    found = value(said, keyword)
    if _several(found):
        found = found[0] if len(found) else None
    return "" if found is None else str(found).strip()


def values(said: Dataset, keyword: str) -> tuple[str, ...]:
    """All values as text."""
    found = value(said, keyword)
    if found is None or (not _several(found) and not str(found)):
        return ()
    return tuple(str(one).strip() for one in (found if _several(found) else [found]))


def tags(said: Dataset, keyword: str) -> tuple[int, ...]:
    """The tags that an attribute of VR AT names."""
    found = value(said, keyword)
    return tuple(one for one in (found if _several(found) else [found]) if isinstance(one, int))


def written(said: Dataset, keyword: str) -> tuple[str, ...]:
    """All values of a number as they are written."""
    found = value(said, keyword)
    each = (found if _several(found) else [found]) if found is not None and not isinstance(found, bytes) else []
    return tuple(str(getattr(one, "original_string", None) or one).strip() for one in each)


def numbers(said: Dataset, keyword: str) -> tuple[Fraction, ...]:
    """All values, exactly as they are written; none where one of them is no finite number."""
    found = value(said, keyword)
    if found is None or isinstance(found, bytes):
        return ()
    try:
        # A decimal string keeps its digits: as a float, 33.367 is not what was written.
        return tuple(_exact(one) for one in (found if _several(found) else [found]))
    except (TypeError, ValueError, OverflowError, ZeroDivisionError):
        return ()


def number(said: Dataset, keyword: str) -> float | None:
    """A single finite number; None when the attribute is missing, empty, several or no number."""
    found = numbers(said, keyword)
    return float(found[0]) if len(found) == 1 else None


def whole(said: Dataset, keyword: str) -> int | None:
    """A single whole number."""
    found = numbers(said, keyword)
    return found[0].numerator if len(found) == 1 and found[0].denominator == 1 else None


def items(said: Dataset, keyword: str) -> tuple[Dataset, ...]:
    """Those of a sequence; none where the file says that it is no sequence, but a number or a text."""
    found = value(said, keyword)
    return tuple(one for one in found if isinstance(one, Dataset)) if _several(found) else ()


def item(said: Dataset, keyword: str) -> Dataset | None:
    """The first item of a sequence."""
    return next(iter(items(said, keyword)), None)


def _several(found: Any) -> bool:
    return hasattr(found, "__len__") and not isinstance(found, str | bytes | PersonName)


def _exact(one: Any) -> Fraction:
    written = str(getattr(one, "original_string", None) or one).strip()
    # 1e9999999 is a decimal string like another, and as a fraction a number of ten million digits.
    if len(written) > _LONGEST or not (float(written) == 0 or 1 / _LARGEST < abs(float(written)) < _LARGEST):
        raise OverflowError
    return Fraction(written)
