"""The table of transfer syntaxes against pydicom's dictionary, and that it is whole."""

from __future__ import annotations

import itertools

from pydicom.uid import UID

from orthanc_video.dicom import syntaxes
from orthanc_video.dicom.fit import named_level


def test_every_video_syntax_of_the_dictionary_is_there_by_its_name() -> None:
    known = {f"1.2.840.10008.1.2.4.{number}" for number in range(100, 109)}
    twins = {f"{uid}.1" for uid in known if uid[-3:] not in {"107", "108"}}
    assert set(syntaxes.BY_UID) == known | twins
    for uid, syntax in syntaxes.BY_UID.items():
        assert syntax.uid == uid
        assert syntax.name == UID(uid).name
        assert syntax.fragmentable == (uid in twins or syntax.codec == "hevc")


def test_the_least_demanding_syntax_comes_first() -> None:
    for codec, preferred in syntaxes.PREFERRED.items():
        assert all(one.codec == codec and not one.stereo and one.bit_depth == 8 for one in preferred)
        assert all(less.levels < more.levels for less, more in itertools.pairwise(preferred))


def test_levels_have_their_names() -> None:
    assert [named_level("h264", level) for level in (9, 31, 42)] == ["1b", "3.1", "4.2"]
    assert [named_level("hevc", level) for level in (30, 93, 153)] == ["1.0", "3.1", "5.1"]
    assert [named_level("mpeg2video", level) for level in (8, 4, 3)] == ["Main", "High", "3"]
