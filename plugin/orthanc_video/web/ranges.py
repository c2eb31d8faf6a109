"""Range requests of RFC 9110 section 14, and the conditions around them (section 13). Pure."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass

from orthanc_video.model import Span

_SPEC = re.compile(r"\s*(\d*)\s*-\s*(\d*)\s*", re.ASCII)
_MOST_RANGES = 64


@dataclass(frozen=True, slots=True)
class Answer:
    """``status`` 200, 206, 304, 412 or 416, and for 200 and 206 the ``spans`` of the representation to send."""

    status: int
    spans: tuple[Span, ...] = ()


def answer(method: str, headers: Mapping[str, str], size: int, etag: str) -> Answer:
    """What a GET or HEAD with these headers gets of a representation of ``size`` bytes with a strong ``etag``."""
    if "if-match" in headers and not _matches(headers["if-match"], etag, weak=False):
        return Answer(412)
    if "if-none-match" in headers and _matches(headers["if-none-match"], etag, weak=True):
        return Answer(304)
    whole = Answer(200, (Span(0, size),))
    wanted = headers.get("range") if method == "GET" else None  # defined for GET alone (14.2)
    if wanted is None or headers.get("if-range", etag).strip() != etag:
        return whole
    spans = parse(wanted, size)
    if spans is None:
        return whole
    return Answer(206, spans) if spans else Answer(416)


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
        if parts is None or not (parts[1] or parts[2]) or max(len(parts[1]), len(parts[2])) > 18:
            return None
        first, last = _bounds(parts[1], parts[2], size)
        if parts[1] and parts[2] and int(parts[2]) < int(parts[1]):
            return None
        if first <= last:
            found.append(Span(first, last - first + 1))
    if len(found) > _MOST_RANGES or _overlap(found):
        return None
    return tuple(found)


def _bounds(first: str, last: str, size: int) -> tuple[int, int]:
    if not first:
        return max(0, size - int(last)), (size - 1 if int(last) else -1)
    return int(first), min(size - 1, int(last) if last else size - 1)


def _overlap(spans: list[Span]) -> bool:
    ordered = sorted(spans, key=lambda span: span.offset)
    return any(a.offset + a.length > b.offset for a, b in itertools.pairwise(ordered))


def _matches(header: str, etag: str, *, weak: bool) -> bool:
    """Whether an If-Match (strong) or If-None-Match (weak comparison) header names ``etag``."""
    if header.strip() == "*":
        return True
    tags = [tag.strip() for tag in header.split(",")]
    return etag in ([tag.removeprefix("W/") for tag in tags] if weak else tags)
