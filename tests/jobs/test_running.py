"""Who has a place to work at: so many at once, and a short one beside long ones."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from orthanc_video.jobs.running import Places

Begin = Callable[..., bool]


@pytest.fixture
def places() -> Places:
    return Places(1, threading.Event())


@pytest.fixture
def begin(places: Places) -> Begin:
    """Whether a job has got a place."""

    def try_to(job: str, *, short: bool) -> bool:
        with places.room(short=short) as room:
            if room is not None:
                room.keep_for(job)
            return room is not None

    return try_to


def test_a_short_one_goes_beside_a_long_one(begin: Begin) -> None:
    assert begin("long", short=False)
    assert not begin("another long one", short=False)
    assert begin("short", short=True)
    assert not begin("another short one", short=True)


def test_short_ones_alone_have_no_place_more(begin: Begin) -> None:
    assert begin("short", short=True)
    assert not begin("another short one", short=True)
    assert not begin("long", short=False)


@pytest.mark.parametrize(("ends", "short", "next_one"), [("long", False, False), ("short", True, True)])
def test_a_place_that_is_given_back_is_free(
    begin: Begin, places: Places, ends: str, short: bool, next_one: bool
) -> None:
    assert begin("long", short=False)
    assert begin("short", short=True)
    with places.taken(ends, short=short):
        assert not begin("early", short=short)
    # The place beside is not for what a long one has left: the short one that is there still counts.
    assert begin("next", short=next_one) is (ends == "short")


def test_what_ends_without_its_place_gives_it_back(begin: Begin, places: Places) -> None:
    assert begin("long", short=False)
    places.give_back("long")
    assert begin("another", short=False)


def test_room_that_is_not_kept_is_free_again(begin: Begin, places: Places) -> None:
    with places.room(short=False) as room:
        assert room is not None
    assert begin("long", short=False)


def test_who_has_no_place_waits_for_one(places: Places) -> None:
    done: list[str] = []

    def work(job: str) -> None:
        with places.taken(job, short=False):
            done.append(job)

    with places.taken("first", short=False):
        waiting = threading.Thread(target=work, args=("second",))
        waiting.start()
        waiting.join(0.2)
        assert done == []
    waiting.join(10)
    assert done == ["second"]
