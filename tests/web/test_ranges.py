"""Range requests as RFC 9110 has them, with the bugs of others as the matrix."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orthanc_video.model import Span
from orthanc_video.web.ranges import Answer, answer, parse

_SIZE = 1000
_ETAG = '"uuid"'
_WHOLE = Answer(200, (Span(0, _SIZE),))
_UNSATISFIABLE = Answer(416)


def _part(*spans: tuple[int, int]) -> Answer:
    """206 with the bytes from … to (inclusive), as the header names them."""
    return Answer(206, tuple(Span(first, last - first + 1) for first, last in spans))


# Range header → answer, for 1000 bytes.
_RANGES: dict[str, Answer] = {
    # one range
    "bytes=0-0": _part((0, 0)),
    "bytes=0-1": _part((0, 1)),
    "bytes=0-": _part((0, 999)),
    "bytes=0-999": _part((0, 999)),
    "bytes=500-": _part((500, 999)),
    "bytes=999-": _part((999, 999)),
    "bytes=999-999": _part((999, 999)),
    "bytes=-1": _part((999, 999)),
    "bytes=-1000": _part((0, 999)),
    # a suffix longer than the whole is the whole
    "bytes=-1001": _part((0, 999)),
    "bytes=-99999999999": _part((0, 999)),
    # an end beyond the size is clamped
    "bytes=900-1000": _part((900, 999)),
    "bytes=0-99999999999": _part((0, 999)),
    "bytes=999-1000": _part((999, 999)),
    # a start beyond the size, and an empty suffix, cannot be satisfied
    "bytes=1000-": _UNSATISFIABLE,
    "bytes=1000-1000": _UNSATISFIABLE,
    "bytes=99999999999-": _UNSATISFIABLE,
    "bytes=-0": _UNSATISFIABLE,
    "bytes=1000-,2000-3000,-0": _UNSATISFIABLE,
    # however many digits
    "bytes=0-" + "9" * 30: _part((0, 999)),
    "bytes=-" + "9" * 5000: _part((0, 999)),
    "bytes=" + "0" * 5000 + "1-2": _part((1, 2)),
    "bytes=" + "9" * 5000 + "-": _UNSATISFIABLE,
    "bytes=" + "9" * 19 + "-" + "9" * 20: _UNSATISFIABLE,
    # several, in the order asked; what cannot be satisfied is left out
    "bytes=0-9,20-29": _part((0, 9), (20, 29)),
    "bytes=20-29,0-9": _part((20, 29), (0, 9)),
    "bytes=0-9,10-19": _part((0, 9), (10, 19)),
    "bytes=0-9,-10": _part((0, 9), (990, 999)),
    "bytes=0-9,1000-": _part((0, 9)),
    "bytes=0-9 , 20-29": _part((0, 9), (20, 29)),
    "bytes=,0-9,,20-29,": _part((0, 9), (20, 29)),
    # the unit's name has no case
    "Bytes=0-9": _part((0, 9)),
    "BYTES=0-9": _part((0, 9)),
    # overlapping ones are not worth their overhead
    "bytes=0-99,50-149": _WHOLE,
    "bytes=0-,0-,0-,0-": _WHOLE,
    "bytes=0-9,0-9": _WHOLE,
}

_MALFORMED = (
    "", "bytes", "bytes=", "bytes=,", "bytes= , ,", "bytes=-", "bytes=a-b", "bytes=0-9,a-b", "bytes=0-9;20-29",
    "bytes=9-0", "bytes=0-9,9-0", "bytes=0--9", "bytes=--9", "bytes=+0-9", "bytes=0x0-0x9", "bytes=1.5-9", "bytes=0",
    "bytes=0-9-", "bytes 0-9", "bytes:0-9", "items=0-9", "frames=1-2", "=0-9", "bytes=0-9/1000", "bytes=0-1 2",
    "bytes=\u0660-\u0669", "none", "bytes=0-9,items=0-9",
)  # fmt: skip


def test_a_range_means_something_for_get_alone() -> None:
    assert answer("HEAD", {"range": "bytes=0-9"}, _SIZE, _ETAG) == _WHOLE
    assert answer("HEAD", {"range": "bytes=9999999-"}, _SIZE, _ETAG) == _WHOLE


@pytest.mark.parametrize("header", _RANGES)
def test_ranges(header: str) -> None:
    assert answer("GET", {"range": header}, _SIZE, _ETAG) == _RANGES[header]


@pytest.mark.parametrize("header", _MALFORMED)
def test_what_is_malformed_or_of_another_unit_is_ignored(header: str) -> None:
    assert parse(header, _SIZE) is None
    assert answer("GET", {"range": header}, _SIZE, _ETAG) == _WHOLE


def test_no_range_is_the_whole() -> None:
    assert answer("GET", {}, _SIZE, _ETAG) == _WHOLE


def test_too_many_ranges_are_the_whole() -> None:
    def header(count: int) -> dict[str, str]:
        return {"range": "bytes=" + ",".join(f"{2 * at}-{2 * at}" for at in range(count))}

    assert answer("GET", header(16), _SIZE, _ETAG).status == 206
    assert answer("GET", header(500), _SIZE, _ETAG) == _WHOLE


@pytest.mark.parametrize("header", ["bytes=0-", "bytes=0-0", "bytes=-1", "bytes=-0"])
def test_an_empty_representation_has_no_ranges(header: str) -> None:
    assert answer("GET", {"range": header}, 0, _ETAG) == _UNSATISFIABLE


# Conditions → status, for a request of the first ten bytes (RFC 9110 13.2.2: their order).
_CONDITIONS: list[tuple[dict[str, str], int]] = [
    ({"if-range": _ETAG}, 206),
    ({"if-range": '"stale"'}, 200),
    ({"if-range": 'W/"uuid"'}, 200),
    ({"if-range": "uuid"}, 200),
    ({"if-range": "*"}, 200),
    ({"if-range": ""}, 200),
    ({"if-range": "Sat, 21 Nov 2026 10:00:00 GMT"}, 200),
    ({"if-none-match": _ETAG}, 304),
    ({"if-none-match": 'W/"uuid"'}, 304),
    ({"if-none-match": "*"}, 304),
    ({"if-none-match": '"a", "uuid" ,"b"'}, 304),
    ({"if-none-match": '"stale"'}, 206),
    ({"if-none-match": '"uuid2", "uui"'}, 206),
    ({"if-match": _ETAG}, 206),
    ({"if-match": "*"}, 206),
    ({"if-match": '"a", "uuid"'}, 206),
    ({"if-match": '"stale"'}, 412),
    ({"if-match": 'W/"uuid"'}, 412),
    ({"if-match": '"stale"', "if-none-match": _ETAG}, 412),
    ({"if-match": _ETAG, "if-none-match": _ETAG}, 304),
    ({"if-none-match": _ETAG, "if-range": '"stale"'}, 304),
]


@pytest.mark.parametrize(("conditions", "status"), _CONDITIONS)
def test_conditions(conditions: dict[str, str], status: int) -> None:
    found = answer("GET", {"range": "bytes=0-9", **conditions}, _SIZE, _ETAG)
    assert found.status == status
    assert found.spans == {206: (Span(0, 10),), 200: (Span(0, _SIZE),)}.get(status, ())


def test_a_stale_if_range_saves_an_unsatisfiable_range() -> None:
    """The client means another, longer representation: it gets this one whole."""
    assert answer("GET", {"range": "bytes=5000-", "if-range": '"stale"'}, _SIZE, _ETAG) == _WHOLE
    assert answer("GET", {"range": "bytes=5000-", "if-range": _ETAG}, _SIZE, _ETAG) == _UNSATISFIABLE


def _cut(data: bytes, cuts: list[int]) -> list[tuple[int, int]]:
    edges = sorted({0, len(data), *(cut % len(data) for cut in cuts)})
    return [(first, end - 1) for first, end in pairwise(edges)]


@given(
    data=st.binary(min_size=1, max_size=500), cuts=st.lists(st.integers(0, 10_000), max_size=12), last=st.integers(0, 2)
)
def test_any_split_of_ranges_gives_the_same_bytes(data: bytes, cuts: list[int], last: int) -> None:
    pieces = _cut(data, cuts)
    headers = [f"bytes={first}-{end}" for first, end in pieces]
    # The last piece asked as players do: to an end unknown, or from it.
    headers[-1] = (headers[-1], f"bytes={pieces[-1][0]}-", f"bytes=-{len(data) - pieces[-1][0]}")[last]
    answers = [answer("GET", {"range": header}, len(data), _ETAG) for header in headers]
    assert {found.status for found in answers} == {206}
    assert all(len(found.spans) == 1 for found in answers)
    spans = [span for found in answers for span in found.spans]
    assert b"".join(data[span.offset : span.offset + span.length] for span in spans) == data
    together = answer(
        "GET", {"range": "bytes=" + ",".join(h.removeprefix("bytes=") for h in headers)}, len(data), _ETAG
    )
    assert together == Answer(206, tuple(spans))


@given(header=st.text(max_size=30), size=st.integers(0, 10_000), unit=st.sampled_from(["", "bytes=", "bytes=0-9,"]))
def test_no_header_leads_out_of_the_representation(header: str, size: int, unit: str) -> None:
    found = answer("GET", {"range": unit + header}, size, _ETAG)
    assert found.status in {200, 206, 416}
    assert all(span.offset >= 0 and span.offset + span.length <= size for span in found.spans)
    if found.status == 206:
        assert found.spans
        assert all(span.length > 0 for span in found.spans)


@pytest.mark.parametrize("digits", [18, 19, 20, 100, 5000])
def test_numbers_of_any_length_are_answered(digits: int) -> None:
    assert answer("GET", {"range": f"bytes=0-{'9' * digits}"}, _SIZE, _ETAG).status in {200, 206}
    assert answer("GET", {"range": f"bytes={'9' * digits}-"}, _SIZE, _ETAG).status in {200, 416}
