"""Where one stands in Orthanc's record of changes: nothing is missed, whatever is added, deleted or put back."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orthanc_video.archive import changes


class Record:
    """Orthanc's record as it was seen to behave on 1.10.1 and 1.12.7 (docs/decisions.md)."""

    def __init__(self, began: int = 0) -> None:
        self.began = began
        self.last = 0
        self.rows: list[dict[str, Any]] = []

    def add(self, kind: str, name: str) -> None:
        self.last += 1
        date = f"20261121T{self.began + self.last:06}"
        self.rows.append({"Seq": self.last, "ChangeType": kind, "ID": name, "Date": date})

    def delete(self, name: str) -> None:
        self.rows = [row for row in self.rows if row["ID"] != name]

    def after(self, since: int, limit: int) -> dict[str, Any]:
        rows = [row for row in self.rows if row["Seq"] > since]
        page = rows[:limit]
        return {"Changes": page, "Last": page[-1]["Seq"] if page else self.last, "Done": len(rows) <= limit}

    def get(self, path: str) -> dict[str, Any]:
        """As ``Archive`` asks."""
        query = urlsplit(path).query
        if query == "last":
            return {"Changes": self.rows[-1:], "Last": self.last, "Done": True}
        asked = parse_qs(query)
        return self.after(int(asked["since"][0]), int(asked["limit"][0]))


def follow(record: Record, position: int, limit: int) -> tuple[list[str], int]:
    """Page by page until nothing more waits."""
    found: list[str] = []
    for _ in range(1000):
        page = changes.page_of(record.after(position, limit), position)
        found += page.instances
        position = page.position
        if not page.more:
            return found, position
    raise AssertionError("it never ends")


happenings = st.lists(
    st.one_of(
        st.tuples(st.just("NewInstance"), st.integers(0, 30).map(str)),
        st.tuples(st.sampled_from(["NewSeries", "StableStudy"]), st.just("other")),
        st.tuples(st.just("delete"), st.integers(0, 30).map(str)),
        st.tuples(st.just("clear"), st.just("")),
        st.tuples(st.just("look"), st.just("")),
    ),
    max_size=80,
)


@given(happenings, st.integers(1, 7))
def test_what_is_there_at_a_look_has_been_seen_exactly_once(happened: list[tuple[str, str]], limit: int) -> None:
    record, position = Record(), 0
    seen: list[str] = []
    waiting: list[str] = []
    for serial, (what, name) in enumerate(happened):
        if what == "look":
            found, position = follow(record, position, limit)
            assert found == waiting
            seen += found
            waiting = []
        elif what == "delete":
            gone = {one for one in waiting if one.startswith(f"{name}-")}
            for one in gone | {one for one in seen if one.startswith(f"{name}-")}:
                record.delete(one)
            waiting = [one for one in waiting if one not in gone]
        elif what == "clear":
            record.rows, waiting = [], []
        else:
            record.add(what, f"{name}-{serial}")
            waiting += [f"{name}-{serial}"] if what == "NewInstance" else []


@given(st.integers(1, 40), st.integers(0, 40), st.integers(1, 7))
def test_another_orthanc_or_an_older_copy_is_read_from_its_beginning(count: int, beyond: int, limit: int) -> None:
    record = Record()
    for number in range(count):
        record.add("NewInstance", str(number))
    found, position = follow(record, record.last + 1 + beyond, limit)
    assert found == [str(number) for number in range(count)]
    assert position == record.last


def test_an_empty_orthanc_after_a_full_one_is_no_endless_work() -> None:
    assert changes.page_of(Record().after(500, 10), 500) == changes.Page((), 0, False)


def filled(count: int, began: int = 0) -> Record:
    record = Record(began)
    for number in range(count):
        record.add("NewInstance", f"{began}-{number}")
    return record


def goes_on(record: Record, end: changes.Page) -> bool:
    assert end.last is not None
    return changes.goes_on(record, end.position, end.last)  # type: ignore[arg-type]


@given(st.integers(1, 40), st.sets(st.integers(0, 40)), st.integers(0, 40), st.booleans())
def test_a_record_is_known_again_whatever_was_deleted(count: int, gone: set[int], more: int, cleared: bool) -> None:
    record = filled(count)
    end = changes.latest(record)  # type: ignore[arg-type]
    assert end.position == count
    assert end.instances == ()
    for number in gone:
        record.delete(f"0-{number}")
    if cleared:
        record.rows.clear()
    for number in range(more):
        record.add("NewInstance", f"later-{number}")
    assert goes_on(record, end)


@given(st.integers(1, 40), st.integers(0, 40), st.sets(st.integers(0, 80), max_size=30))
def test_another_record_is_known_though_it_is_longer(count: int, more: int, gone: set[int]) -> None:
    end = changes.after(filled(count), 0)  # type: ignore[arg-type]
    other = filled(count + more, began=1000)
    for number in gone:
        other.delete(f"1000-{number}")
    if any(row["Seq"] <= count for row in other.rows):
        assert not goes_on(other, end)


@pytest.mark.parametrize("kept", [0, 1, 20, 39])
def test_an_older_copy_that_has_grown_is_another_record(kept: int) -> None:
    end = changes.after(filled(40), 0)  # type: ignore[arg-type]
    copy = filled(kept)
    copy.began = 1000
    for number in range(60):
        copy.add("NewInstance", f"new-{number}")
    assert not goes_on(copy, end)
    copy.delete(f"new-{39 - kept}")  # the one that has the marked one's number
    assert goes_on(copy, end) is (kept == 39)  # nothing tells them apart then
