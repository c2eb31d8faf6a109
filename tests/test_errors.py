"""Failures as people read them."""

from __future__ import annotations

from orthanc_video.errors import TRIED_AGAIN, BadRequest, BrokenVideo, Busy, about, by_hand, whole
from orthanc_video.jobs.workflows import failure


def test_what_was_part_of_a_sentence_becomes_one() -> None:
    assert whole("the file has no index") == "The file has no index."
    assert whole("The file is empty.") == "The file is empty."
    assert failure(BrokenVideo("the file has no index"))["Sentence"] == "The file has no index."


def test_the_sender_is_told_which_file_and_what_to_do() -> None:
    told = about(BrokenVideo("the file has no index"), "film.mp4").sentence
    assert told.startswith("film.mp4: The file has no index. Copy it again")
    assert about(BadRequest("film.mp4 is not a file."), "film.mp4").sentence == "film.mp4 is not a file."


def test_who_runs_a_command_is_told_to_run_it_again() -> None:
    told = by_hand(Busy(f"The disk is full{TRIED_AGAIN}"))
    assert (type(told), told.sentence) == (Busy, "The disk is full: see to that, and run the command again.")
    assert by_hand(Busy("Try again.")).sentence == "Try again."
