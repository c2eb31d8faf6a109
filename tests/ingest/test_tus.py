"""The headers of tus: what they say, and that nothing in them does harm."""

from __future__ import annotations

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orthanc_video.errors import BadRequest, TooLarge
from orthanc_video.ingest import tus

_KEYS = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=20)


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@given(st.dictionaries(_KEYS.filter(lambda key: key not in {"name", "type", "relativePath"}), st.text(max_size=80)))
def test_metadata_comes_back(pairs: dict[str, str]) -> None:
    assert tus.metadata(",".join(f"{key} {_encoded(value)}".rstrip() for key, value in pairs.items())) == pairs


@given(st.text(max_size=200))
def test_any_other_metadata_is_refused_or_harmless(header: str) -> None:
    try:
        found = tus.metadata(header)
    except BadRequest:
        return
    assert all(key and key.isascii() for key in found)


def test_metadata_of_others() -> None:
    assert tus.metadata("") == {}
    assert tus.metadata("is_confidential, filename eC5tcDQ=") == {"is_confidential": "", "filename": "x.mp4"}
    assert tus.metadata(f"name {_encoded('x')},type {_encoded('y')},relativePath bnVsbA==") == {}


@pytest.mark.parametrize("header", ["a eA==,a eA==", "ä eA==", "a %", "a /w==", ",", "a eA== b", "a \x80"])
def test_metadata_that_is_malformed(header: str) -> None:
    with pytest.raises(BadRequest):
        tus.metadata(header)


def test_metadata_that_is_too_long() -> None:
    with pytest.raises(TooLarge):
        tus.metadata("a " + "A" * (40 << 10))


@pytest.mark.parametrize("value", ["", "-1", "1.5", "0x1", "٣", " 1", "9" * 30])
def test_numbers(value: str) -> None:
    assert tus.number("Upload-Length", "0042") == 42
    with pytest.raises(BadRequest, match="Upload-Length"):
        tus.number("Upload-Length", value)


@given(st.sampled_from(["sha1", "sha256", "md5"]), st.binary(max_size=99), st.binary(max_size=99))
def test_checksums(algorithm: str, sent: bytes, arrived: bytes) -> None:
    promised = base64.b64encode(hashlib.new(algorithm, sent).digest()).decode()
    checksum = tus.checksum(f"{algorithm} {promised}")
    assert checksum is not None
    checksum.hash.update(arrived)
    assert checksum.matches is (sent == arrived)


@pytest.mark.parametrize("header", ["", "sha1", "sha512 eA==", "SHA1 eA==", "sha1 %", "sha1 ä"])
def test_checksums_that_cannot_be_kept(header: str) -> None:
    assert tus.checksum(None) is None
    if header == "sha1":  # a promise that nothing keeps
        assert not tus.checksum(header).matches  # type: ignore[union-attr]
        return
    with pytest.raises(BadRequest):
        tus.checksum(header)
