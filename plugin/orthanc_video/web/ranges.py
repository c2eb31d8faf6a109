"""Range requests of RFC 9110 section 14, and the conditions around them (section 13). Pure."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass

from orthanc_video.model import Span

_SPEC = re.compile(r"\s*(\d*)\s*-\s*(\d*)\s*", re.ASCII)
_MOST_RANGES = 64
_DIGITS = 18
_FAR = 10**_DIGITS


@dataclass(frozen=True, slots=True)
class Answer:
    """``status`` 200, 206, 304, 412 or 416, and for 200 and 206 the ``spans`` of the representation to send."""

    status: int
    spans: tuple[Span, ...] = ()


def answer(method: str, headers: Mapping[str, str], size: int, etag: str) -> Answer:
    """What a GET or HEAD with these headers gets of a representation of ``size`` bytes with a strong ``etag``."""
    refused = condition(headers, etag)
    if refused:
        return Answer(refused)
    whole = Answer(200, (Span(0, size),))
    wanted = headers.get("range") if method == "GET" else None  # defined for GET alone (14.2)
    if wanted is None or headers.get("if-range", etag).strip() != etag:
        return whole
    spans = parse(wanted, size)
    if spans is None:
        return whole
    return Answer(206, spans) if spans else Answer(416)


def condition(headers: Mapping[str, str], etag: str) -> int | None:
    """The status that the conditions of a GET or HEAD lead to, where it is not that of its answer: 412 or 304."""
    if "if-match" in headers and not _matches(headers["if-match"], etag, weak=False):
        return 412
    if "if-none-match" in headers and _matches(headers["if-none-match"], etag, weak=True):
        return 304
    return None


def parse(header: str, size: int) -> tuple[Span, ...] | None:
    """The satisfiable ranges, in the order asked; None when the header is to be ignored (another unit, malformed).

    An end beyond the size is clamped, a suffix longer than the whole means the whole, a start beyond the end
    is unsatisfiable. Ranges that overlap, or too many of them, are answered with the whole (RFC 9110 14.2, 17.15).
    """
    unit, equals, specs = header.partition("=")
    asked = [spec for spec in specs.split(",") if spec.strip()]
    if unit.strip().lower() != "bytes" or not equals or not asked:
        return None
    found: list[Span] = []
    for spec in asked:
        parts = _SPEC.fullmatch(spec)
        if parts is None or not (parts[1] or parts[2]):
            return None
        begin, end = _position(parts[1]), _position(parts[2])
        if begin is not None and end is not None and end < begin:
            return None
        first, last = _bounds(begin, end, size)
        if first <= last:
            found.append(Span(first, last - first + 1))
    if len(found) > _MOST_RANGES or _overlap(found):
        return None
    return tuple(found)


def _position(digits: str) -> int | None:
    """None for no digits. Beyond every size more of them say no more, and Python reads no number of thousands."""
    if not digits:
        return None
    return int(digits[-_DIGITS:]) if len(digits.lstrip("0")) <= _DIGITS else _FAR


def _bounds(first: int | None, last: int | None, size: int) -> tuple[int, int]:
    if first is None:
        return max(0, size - (last or 0)), (size - 1 if last else -1)
    return first, min(size - 1, size - 1 if last is None else last)


def _overlap(spans: list[Span]) -> bool:
    ordered = sorted(spans, key=lambda span: span.offset)
    return any(a.offset + a.length > b.offset for a, b in itertools.pairwise(ordered))


def _matches(header: str, etag: str, *, weak: bool) -> bool:
    """Whether an If-Match (strong) or If-None-Match (weak comparison) header names ``etag``."""
    if header.strip() == "*":
        return True
    tags = [tag.strip() for tag in header.split(",")]
    return etag in ([tag.removeprefix("W/") for tag in tags] if weak else tags)
