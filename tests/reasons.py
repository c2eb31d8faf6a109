"""The viewer's table of reasons, viewer/src/words/reasons.json: which of our sentences it has in German."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

_TABLE = json.loads((Path(__file__).parents[1] / "viewer/src/words/reasons.json").read_text(encoding="utf-8"))
_HOLE = re.compile(r"(\{\w+[,:]?\})")
_NUMBER = r"-?[\d.]+(?:e[+-]?\d+)?"

# What holes for words may also have: names of boxes, a level, a SOP class in its transfer syntaxes.
_ALSO_NAMES = {"kinds", "needed", "what"}


def _pattern(english: str) -> re.Pattern[str]:
    pieces = []
    for piece in _HOLE.split(english):
        if not _HOLE.fullmatch(piece):
            pieces.append(re.escape(piece))
        elif piece.endswith(",}"):
            pieces.append(_NUMBER)
        else:
            pieces.append(f"(?P<{piece[1:-2]}>.+?)" if piece.endswith(":}") else ".+?")
    return re.compile("".join(pieces))


SENTENCES: list[tuple[str, str]] = [tuple(pair) for pair in _TABLE["sentences"]]
PARTS: list[tuple[str, str]] = [tuple(pair) for pair in _TABLE["parts"]]
_SENTENCES = [_pattern(english) for english, _ in SENTENCES]
_PARTS = [_pattern(english) for english, _ in PARTS]


def split(reasons: str) -> list[str]:
    """As the catalogue tells sentences apart that an object holds as one text."""
    return re.split(r"(?<=[.])\s+(?=[A-Z0-9])", reasons)


def untold(reasons: Iterable[str]) -> list[str]:
    """What of these the table does not know, and words in them that it does not know."""
    whole = " ".join(reasons)
    return [*untold_sentences(whole), *(told for reason in split(whole) for told in _untold_words(reason))]


def untold_sentences(reasons: str) -> list[str]:
    """Sentences that are not in the table, or that it has more than once."""
    return [one for one in split(reasons) if sum(bool(pattern.fullmatch(one)) for pattern in _SENTENCES) != 1]


def _untold_words(reason: str) -> Iterator[str]:
    for match in filter(None, (pattern.fullmatch(reason) for pattern in _SENTENCES)):
        for hole, value in match.groupdict().items():
            if hole not in _ALSO_NAMES:
                yield from unknown(value)


def unknown(words: str) -> Iterator[str]:
    """What of these words the table does not know."""
    found = next((match for pattern in _PARTS if (match := pattern.fullmatch(words))), None)
    if found is None:
        yield words
    else:
        for value in found.groupdict().values():
            yield from unknown(value)
