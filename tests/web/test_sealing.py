"""What is sealed opens to the same, in time, for its purpose, by its own secret; and in no other way."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orthanc_video.errors import Unauthorized
from orthanc_video.web.sealing import LINK, SESSION, Seal, Sealed

_SECRET = "0f" * 24
_SEAL = Seal(_SECRET)
_LATER = int(time.time()) + 24 * 3600
_ALICE = Sealed(credentials=(("authorization", "Basic YWxpY2U6d29uZGVybGFuZA=="),), until=_LATER, path="/video/x")

_HEADERS = st.lists(st.tuples(st.text(max_size=20), st.text(max_size=200)), max_size=4).map(tuple)


@settings(deadline=None)
@given(credentials=_HEADERS, path=st.text(max_size=100), purpose=st.sampled_from([SESSION, LINK]))
def test_what_is_sealed_opens_to_the_same(credentials: tuple[tuple[str, str], ...], path: str, purpose: str) -> None:
    content = Sealed(credentials=credentials, until=_LATER, path=path)
    sealed = _SEAL.close(purpose, content)
    assert re.fullmatch(r"[\w-]+", sealed, re.ASCII), "fits into a cookie and a query as it is"
    assert Seal(_SECRET).open(purpose, sealed) == content


def test_nothing_of_it_can_be_read() -> None:
    sealed = _SEAL.close(LINK, _ALICE)
    for word in ("alice", "wonderland", "YWxpY2U6", "authorization", "Basic", "/video"):
        assert word not in sealed
    assert sealed != _SEAL.close(LINK, _ALICE)


@settings(deadline=None)
@given(at=st.integers(0, 10_000), bit=st.integers(0, 5))
def test_one_altered_bit_is_enough(at: int, bit: int) -> None:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    sealed = _SEAL.close(SESSION, _ALICE)
    whole = sealed[: len(sealed) // 4 * 4]  # of the last characters not every bit means something
    at %= len(whole)
    other = alphabet[alphabet.index(sealed[at]) ^ (1 << bit)]
    with pytest.raises(Unauthorized, match="altered"):
        _SEAL.open(SESSION, sealed[:at] + other + sealed[at + 1 :])


@settings(deadline=None)
@given(text=st.text(max_size=200))
def test_nothing_else_opens(text: str) -> None:
    with pytest.raises(Unauthorized, match="This link was altered, or is not of this gateway"):
        _SEAL.open(LINK, text)


@pytest.mark.parametrize("secret", ["", "1f" * 24])
def test_another_gateways_secret_does_not_open_it(secret: str) -> None:
    with pytest.raises(Unauthorized, match="not of this gateway"):
        Seal(secret).open(SESSION, _SEAL.close(SESSION, _ALICE))


def test_without_a_secret_each_process_has_its_own() -> None:
    one = Seal("")
    assert one.open(SESSION, one.close(SESSION, _ALICE)) == _ALICE
    with pytest.raises(Unauthorized):
        Seal("").open(SESSION, one.close(SESSION, _ALICE))


def test_one_purpose_is_not_another() -> None:
    with pytest.raises(Unauthorized):
        _SEAL.open(LINK, _SEAL.close(SESSION, _ALICE))


def test_its_time_ends() -> None:
    past = Sealed(credentials=_ALICE.credentials, until=int(time.time()))
    with pytest.raises(Unauthorized, match="This session has expired"):
        _SEAL.open(SESSION, _SEAL.close(SESSION, past))
