"""A destination on the terms of one delivery. What Orthanc knows of them: tests/e2e/test_destinations.py."""

from __future__ import annotations

import pytest

from orthanc_video.routing.delivery import Terms
from orthanc_video.routing.destinations import Destination, Dimse, Mover, Web, on_terms
from orthanc_video.routing.limits import AUTOMATIC, COMMITMENT, FIND, NONE

HERE = Dimse(aet="PEER", calling="ORTHANC", host="h", port=104, timeout=10.0)


def test_without_terms_nothing_changes() -> None:
    for one in (Destination(name="A", dimse=HERE), Destination(name="A", web=Web(url="http://h/"))):
        assert on_terms(one, Terms()) == one
    web = Destination(name="A", web=Web(url="http://h/"))
    assert on_terms(web, Terms(aet="OTHER")) == web


def test_what_is_said_takes_the_place_of_what_is_known() -> None:
    terms = Terms(calling="ME", aet="OTHER", host="there", port=11112, timeout=5.0, originator="MOVER", message=3)
    found = on_terms(Destination(name="A", dimse=HERE), terms).dimse
    assert found == Dimse(aet="OTHER", calling="ME", host="there", port=11112, timeout=5.0, mover=Mover("MOVER", 3))


@pytest.mark.parametrize(("verify", "elsewhere"), [(AUTOMATIC, FIND), (FIND, FIND), (COMMITMENT, FIND), (NONE, NONE)])
def test_commitment_is_not_asked_of_somebody_else(verify: str, elsewhere: str) -> None:
    one = Destination(name="A", dimse=HERE, verify=verify)
    assert on_terms(one, Terms(port=5)).verify == elsewhere
    assert on_terms(one, Terms(calling="ME")).verify == verify
