"""What a request's Accept prefers (RFC 9110 12.5.1), of single parts and of multipart/related (PS3.18 8.7.3). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

# A comma or semicolon within quotes separates nothing.
_PIECE = re.compile(r'(?:[^,;"]|"(?:[^"\\]|\\.)*"?)+|[,;]')
_WEIGHT = re.compile(r"[01](?:\.\d{0,3})?", re.ASCII)
_ANY = "*/*"


@dataclass(frozen=True, slots=True)
class Offer:
    """What could be sent: a media type, alone or as ``parts`` of multipart/related; coded in ``syntax``, if in any."""

    kind: str
    parts: bool = False
    syntax: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of Accept. ``name`` may be a wildcard; of multipart/related it is what its type parameter names.

    ``parts`` is None where either will do. ``syntax`` is empty or ``*`` where any will do (PS3.18 8.7.3.5.2).
    """

    name: str
    parts: bool | None
    syntax: str
    weight: float

    def covers(self, offer: Offer) -> int:
        """How exactly it names the offer; 0: not at all."""
        if self.parts not in {None, offer.parts}:
            return 0
        if offer.syntax and self.syntax not in {"", "*", offer.syntax}:
            return 0
        kind = offer.kind.lower()
        known = {_ANY: 1, f"{kind.partition('/')[0]}/*": 2, kind: 3}.get(self.name, 0)
        return known and 4 * known + 2 * (self.parts is not None) + (self.syntax == offer.syntax != "")


def entries(accept: str) -> tuple[Entry, ...]:
    """All of them that can be read; what is malformed is as if it were not there (PS3.18 8.7.7)."""
    return tuple(_entry(name, parameters) for name, parameters in _split(accept) if name)


def chosen(wanted: Sequence[Entry], offers: Iterable[Offer]) -> Offer | None:
    """The offer that is wanted most, if any is; of equals the one that is named more exactly, then the first."""
    best, found = (0.0, 0), None
    for offer in offers:
        value = _value(wanted, offer)
        if value[0] > 0 and value > best:
            best, found = value, offer
    return found


def weight(accept: str, kind: str, *, by_name: bool = False) -> float:
    """How much a media type is wanted, 0 to 1: by the entry that names it most exactly; ``by_name``: by no wildcard."""
    wanted = [entry for entry in entries(accept) if not by_name or entry.name == kind.lower()]
    return _value(wanted, Offer(kind))[0]


def named(accept: str, kinds: Iterable[str]) -> str:
    """The type among ``kinds`` that is named, and wanted most; empty when none is."""
    weights = {kind: weight(accept, kind, by_name=True) for kind in kinds}
    best = max(weights, key=lambda kind: weights[kind], default="")
    return best if weights.get(best) else ""


def _value(wanted: Iterable[Entry], offer: Offer) -> tuple[float, int]:
    """The weight that the most exact of the entries gives it, and how exact that one is."""
    exact, given = max(((entry.covers(offer), entry.weight) for entry in wanted), default=(0, 0.0))
    return (given, exact) if exact else (0.0, 0)


def _entry(name: str, parameters: dict[str, str]) -> Entry:
    parts: bool | None = None if name == _ANY else False
    if name in {"multipart/related", "multipart/*"}:
        name, parts = parameters.get("type", "").lower() or _ANY, True
    given = parameters.get("q", "1")
    return Entry(
        name, parts, parameters.get("transfer-syntax", ""), min(1.0, float(given)) if _WEIGHT.fullmatch(given) else 1.0
    )


def _split(accept: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Each entry's name, and its parameters by their names in lower case."""
    pieces = [piece.strip() for piece in _PIECE.findall(accept)]
    while pieces:
        end = pieces.index(",") if "," in pieces else len(pieces)
        name, *rest = [piece for piece in pieces[:end] if piece != ";"] or [""]
        pairs = (piece.partition("=") for piece in rest)
        yield name.lower(), {key.strip().lower(): _unquoted(value.strip()) for key, _, value in pairs}
        pieces = pieces[end + 1 :]


def _unquoted(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if len(value) > 1 and value[0] == value[-1] == '"' else value
