"""Orthanc keeps every object of the corpus as it is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from corpus.cases import CONVERTED
from corpus.making import Corpus
from e2e.orthanc_server import OrthancServer


@pytest.fixture(scope="module", autouse=True)
def _ended(corpus: Corpus) -> Iterator[None]:
    """Other tests count the media processes that run."""
    yield
    corpus.close()


def test_orthanc_returns_every_object_byte_identical(corpus: Corpus, plain: OrthancServer) -> None:
    changed = []
    for name, case in CONVERTED.items():
        data = corpus.made(case).path.read_bytes()
        answer = requests.post(f"{plain.url}/instances", data=data, timeout=30)
        assert answer.ok, f"{name}: {answer.text}"
        back = requests.get(f"{plain.url}/instances/{answer.json()['ID']}/file", timeout=30)
        if back.content != data:
            changed.append(name)
    assert changed == []
    assert len(CONVERTED) > 100
