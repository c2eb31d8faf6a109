"""Stored objects whose attributes are damaged are read, or refused in a sentence, wherever the damage is."""

from __future__ import annotations

import errno

import pytest

from clips import Clips
from dicom.objects import Counting
from dicom.test_check import whole_object
from orthanc_video.dicom import stored
from orthanc_video.errors import VideoError

_PREAMBLE = 132


@pytest.mark.parametrize("bytes_lost", [1, 4])
def test_damage_anywhere_is_a_sentence_or_nothing(clips: Clips, bytes_lost: int) -> None:
    whole = whole_object(clips)
    for at in [*range(_PREAMBLE, stored.header(Counting(whole)).at, 3), 1497]:
        damaged = Counting(whole[:at] + whole[at + bytes_lost :])
        try:
            stored.header(damaged)
        except VideoError as error:
            sentence = error.sentence
        else:
            continue
        assert sentence.endswith(".")


def test_a_disk_that_fails_is_no_damaged_object(clips: Clips) -> None:
    class Failing(Counting):
        def read(self, offset: int, length: int) -> bytes:  # noqa: ARG002
            raise OSError(errno.EIO, "Input/output error")

    with pytest.raises(OSError, match="Input/output"):
        stored.header(Failing(whole_object(clips)))
