"""What a request's Accept prefers (RFC 9110 12.5.1). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

_WEIGHT = re.compile(r"q\s*=\s*([01](?:\.\d{0,3})?)", re.IGNORECASE)


def weight(accept: str, kind: str, *, by_name: bool = False) -> float:
    """How much a media type is wanted, 0 to 1: by the entry that names it most exactly; ``by_name``: by no wildcard."""
    kind = kind.lower()
    for names in (kind,) if by_name else (kind, f"{kind.partition('/')[0]}/*", "*/*"):
        found = [given for name, given in _entries(accept) if name == names]
        if found:
            return max(found)
    return 0.0


def named(accept: str, kinds: Iterable[str]) -> str:
    """The type among ``kinds`` that is named, and wanted most; empty when none is."""
    weights = {kind: weight(accept, kind, by_name=True) for kind in kinds}
    best = max(weights, key=lambda kind: weights[kind], default="")
    return best if weights.get(best) else ""


def _entries(accept: str) -> Iterable[tuple[str, float]]:
    for entry in accept.split(","):
        name, *parameters = entry.split(";")
        given = next((found[1] for text in parameters if (found := _WEIGHT.fullmatch(text.strip()))), "1")
        yield name.strip().lower(), min(1.0, float(given))
