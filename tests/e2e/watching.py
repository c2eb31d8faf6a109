"""Listening to a job's server-sent events, as a browser's EventSource does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import requests


@dataclass(frozen=True)
class Event:
    kind: str
    job: dict[str, Any]
    id: str = ""


@contextmanager
def listening(url: str, **more: Any) -> Iterator[Iterator[Event]]:
    """The events as they come; they end when the server ends the answer."""
    with requests.get(url, stream=True, timeout=30, **more) as answer:
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield _events(answer)


def _events(answer: requests.Response) -> Iterator[Event]:
    fields: dict[str, str] = {}
    for line in answer.iter_lines(chunk_size=1, decode_unicode=True):
        if line and not line.startswith(":"):
            name, _, value = line.partition(": ")
            fields[name] = value
        elif fields and not line:
            yield Event(fields["event"], json.loads(fields["data"]), fields.get("id", ""))
            fields = {}
