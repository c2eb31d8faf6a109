"""A delivery's way down the ladder: what it says of the forms that it leaves behind."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from orthanc_video.form import Form, Kind
from orthanc_video.jobs import delivering, delivery_steps
from orthanc_video.plain import to_json
from orthanc_video.routing.delivery import Delivery

_BETTER, _WORSE = (to_json(Form(kind=kind, sop_class="1.2", transfer_syntax="1.3")) for kind in list(Kind)[:2])
_CHOSEN = {"Rungs": [{"Form": form, "Reasons": [], "Size": 1} for form in (_BETTER, _WORSE)], "Patience": 1.0}


def _answer(state: str, sentence: str = "") -> dict[str, Any]:
    return {"State": state, "Sentence": sentence, "At": "now"}


@pytest.mark.parametrize(
    ("refusing", "sentence"),
    [
        ("make", "A better form could not be made: It is damaged."),
        ("send", "A better form was sent, and was refused: It is damaged."),
    ],
)
def test_what_could_not_be_made_was_not_sent(refusing: str, sentence: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def step(name: str) -> Any:
        def answer(_: Any, form: Any, *_refused: Any) -> dict[str, Any]:
            return _answer("Refused", "It is damaged.") if (name, form) == (refusing, _BETTER) else _answer("Success")

        return answer

    for name in ("make", "send"):
        monkeypatch.setattr(delivery_steps, name, step(name))
    active: Any = SimpleNamespace(stage="", progress=0.0, attempts=[])
    outcome = delivering._Way(active, Delivery(id="1", instance="1", uuid="1", destination="PACS"), {})._down(_CHOSEN)
    assert (outcome["State"], outcome["Form"], outcome["Reasons"]) == ("Success", _WORSE, [sentence])
