"""What a cancelled delivery had tried is told by its recorded steps."""

from __future__ import annotations

from typing import Any

from orthanc_video.jobs import attempts

VIDEO = {"kind": "stored", "sop_class": "1.2.840.10008.5.1.4.1.1.77.1.4.1", "step": 1}
STORED, MPEG2 = ({**VIDEO, "transfer_syntax": f"1.2.840.10008.1.2.4.{end}"} for end in (102, 100))
PAUSE = {"function_name": "DBOS.sleep", "output": 1.5}


def step(name: str, state: str, form: dict[str, Any] | None = None) -> dict[str, Any]:
    outcome = {"State": state, "Sentence": f"{state}.", "At": "2026-01-01T00:00:00+00:00"}
    return {"function_name": name, "output": outcome | ({"Form": form} if form else {})}


def tried(*steps: dict[str, Any]) -> list[tuple[str, str]]:
    """The transfer syntax and the result of each attempt."""
    told = attempts.recorded(steps)["Attempts"]
    return [((one["Form"] or {}).get("TransferSyntaxUID", ""), one["Result"]) for one in told]


def test_each_sending_is_told_and_what_kept_it_from_beginning() -> None:
    found = tried(
        step(attempts.CHOOSE, "Failure"),
        PAUSE,
        step(attempts.CHOOSE, "Success"),
        step(attempts.MAKE, "Success", STORED),
        step(attempts.SEND, "Failure", STORED),
        PAUSE,
        step(attempts.SEND, "Refused", STORED),
        step(attempts.MAKE, "Refused", MPEG2),
        step(attempts.MAKE, "Success", MPEG2),
    )
    stored, mpeg2 = STORED["transfer_syntax"], MPEG2["transfer_syntax"]
    assert found == [("", "Failure"), (stored, "Failure"), (stored, "Refused"), (mpeg2, "Refused")]


def test_what_was_still_being_made_is_not() -> None:
    assert tried(step(attempts.MAKE, "Failure", STORED), PAUSE, step(attempts.MAKE, "Refused", STORED)) == []


def test_the_form_is_the_one_that_has_arrived() -> None:
    arrived = step(attempts.SEND, "Success", MPEG2)
    assert attempts.recorded([step(attempts.SEND, "Refused", STORED), arrived])["Form"] == MPEG2
    assert "Form" not in attempts.recorded([step(attempts.SEND, "Refused", STORED)])


def test_steps_of_earlier_versions_name_no_form() -> None:
    assert tried(step(attempts.SEND, "Success")) == [("", "Success")]


def test_a_step_that_came_to_nothing_is_passed_over() -> None:
    assert tried({"function_name": attempts.SEND, "output": None}) == []
