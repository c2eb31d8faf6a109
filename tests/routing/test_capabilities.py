"""What is known of a peer outlives a restart, ages, and takes in what the peer refuses."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from orthanc_video.dicom import classes, syntaxes
from orthanc_video.routing import capabilities
from orthanc_video.routing.capabilities import Capabilities, untold

_ENDOSCOPIC = "1.2.840.10008.5.1.4.1.1.77.1.1.1"
_CLASSES = st.sampled_from(sorted(classes.BY_UID))
_SYNTAXES = st.sampled_from(sorted({*syntaxes.BY_UID, *syntaxes.IMAGES}))
_KNOWN = st.builds(
    Capabilities,
    asked=st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat),
    accepted=st.dictionaries(_CLASSES, st.frozensets(_SYNTAXES)),
    refused=st.frozensets(st.tuples(_CLASSES, _SYNTAXES)),
)


@given(_KNOWN)
def test_json_keeps_it_whole(known: Capabilities) -> None:
    back = capabilities.from_json(json.loads(json.dumps(known.to_json())))
    assert back == known
    assert all(isinstance(taken, frozenset) for taken in back.accepted.values())
    assert all(isinstance(pair, tuple) for pair in back.refused)


@given(_KNOWN, _CLASSES, _SYNTAXES)
def test_what_was_refused_is_not_taken_any_more_and_nothing_else_changes(known: Capabilities, a: str, b: str) -> None:
    after = known.refusing(a, b)
    assert not after.takes(a, b)
    pairs = [(kind, syntax) for kind, taken in known.accepted.items() for syntax in taken if (kind, syntax) != (a, b)]
    assert all(after.takes(*pair) == known.takes(*pair) for pair in pairs)


def test_it_is_taken_as_the_peer_accepted_it() -> None:
    known = Capabilities(asked="2026-11-22T10:00:00+00:00", accepted={_ENDOSCOPIC: frozenset({syntaxes.H264_HIGH_41})})
    assert known.takes(_ENDOSCOPIC, syntaxes.H264_HIGH_41)
    assert not known.takes(_ENDOSCOPIC, syntaxes.H264_HIGH_42)
    assert not known.takes("1.2.840.10008.5.1.4.1.1.7.4", syntaxes.H264_HIGH_41)


def test_it_ages() -> None:
    known = Capabilities(asked="2026-11-22T10:00:00+00:00", accepted={})
    assert known.age(datetime(2026, 11, 22, 10, 1, 30, tzinfo=UTC)) == 90


def test_of_a_peer_that_cannot_be_asked_all_is_worth_a_try_until_it_is_refused() -> None:
    known = untold("2026-11-22T10:00:00+00:00")
    assert known.takes(_ENDOSCOPIC, syntaxes.HEVC_MAIN)
    assert not known.refusing(_ENDOSCOPIC, syntaxes.HEVC_MAIN).takes(_ENDOSCOPIC, syntaxes.HEVC_MAIN)
