"""Values survive the way through JSON, whole."""

from __future__ import annotations

import dataclasses
import json
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orthanc_video import errors
from orthanc_video.model import Action, Located, Made, MediaInfo, Plan, Rational, Span, Target, Upload, VideoStream
from orthanc_video.plain import from_json, to_json

_VALUES = st.one_of(*(st.builds(kind) for kind in (Rational, Span, Target, Located, Made, MediaInfo, Plan, Upload)))


def _through_json(value: Any) -> Any:
    return from_json(type(value), json.loads(json.dumps(to_json(value))))


def _same(one: Any, other: Any) -> bool:
    """Equal, and of the same types all the way down: a str is no Action and a list no tuple."""
    if type(one) is not type(other):
        return False
    if dataclasses.is_dataclass(one) and not isinstance(one, type):
        return all(_same(getattr(one, f.name), getattr(other, f.name)) for f in dataclasses.fields(one))
    if isinstance(one, tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other) or one != one


@given(_VALUES)
def test_json_keeps_values_and_their_types(value: Any) -> None:
    assert _same(_through_json(value), value)


def test_plans_with_and_without_a_target() -> None:
    for target in (None, Target(width=2, height=4, level=31)):
        plan = Plan(action=Action.REMUX, transfer_syntax="1.2", reasons=("A.", "B."), target=target)
        assert _same(_through_json(plan), plan)


@pytest.mark.parametrize("kind", [Rational, VideoStream, MediaInfo, Target, Plan, Made, Span, Located, Upload])
def test_values_are_frozen(kind: type) -> None:
    assert dataclasses.is_dataclass(kind)
    assert kind.__dataclass_params__.frozen  # type: ignore[attr-defined]


@given(st.fractions())
def test_ratios_are_exact(value: Fraction) -> None:
    assert Rational.of(value).fraction == value
    assert float(Rational.of(value)) == float(value)


def test_actions_are_words() -> None:
    assert [str(action) for action in Action] == ["wrap", "remux", "transcode"]
    assert to_json(Action.WRAP) == "wrap"
    assert type(to_json(Action.WRAP)) is str


def test_unknown_fields_are_not_taken_silently() -> None:
    with pytest.raises((TypeError, KeyError)):
        from_json(Span, {"offset": 1, "length": 2, "colour": 3})


def _kinds(kind: type[errors.VideoError]) -> set[type[errors.VideoError]]:
    return {kind}.union(*(_kinds(below) for below in kind.__subclasses__()))


def test_every_error_comes_back_by_its_name() -> None:
    for kind in _kinds(errors.VideoError):
        error = errors.revive(kind.__name__, "What was wrong.")
        assert type(error) is kind
        assert error.sentence == str(error) == "What was wrong."
    assert type(errors.revive("SomethingElse", "x")) is errors.VideoError


def test_every_error_has_a_status_and_a_title() -> None:
    for kind in _kinds(errors.VideoError):
        assert 400 <= kind.status < 600
        assert kind.title
        assert kind.passing == (kind.retry_after is not None)
