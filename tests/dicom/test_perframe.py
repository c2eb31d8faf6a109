"""What is said of single frames, when some of them are taken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items

from dicom.films import attributes
from orthanc_video.dicom import cadence, perframe, pixels
from orthanc_video.errors import BadRequest
from orthanc_video.film import MultiFrame
from orthanc_video.model import Span

_VECTOR = 0x00181065
_COUNT = 6


def taken(which: Sequence[int], said: Dataset | None = None, **more: Any) -> Dataset:
    """``which`` frames, from 0, of six."""
    dataset = said or attributes(_COUNT)
    for keyword, value in more.items():
        setattr(dataset, keyword, value)
    film = MultiFrame(
        transfer_syntax="1.2.840.10008.1.2.1",
        sop_class=dataset.SOPClassUID,
        sop_instance="2.25.1",
        pixels=pixels.of(dataset),
        cadence=cadence.of(dataset, _COUNT),
        frames=tuple((Span(8 * at, 8),) for at in range(_COUNT)),
    )
    perframe.take(dataset, film, which)
    return dataset


def test_steps_are_those_between_the_frames_that_stay() -> None:
    more: dict[str, Any] = {"FrameTimeVector": ["0", "10", "20.5", "30", "40", "50"], "FrameIncrementPointer": _VECTOR}
    assert [str(one) for one in taken([2, 3, 4], **more).FrameTimeVector] == ["0", "30", "40"]
    assert str(taken([2], **more).FrameTimeVector) == "0"
    # After frame 4 of the first range comes frame 0 of the second, when it is over.
    assert [str(one) for one in taken([3, 4, 0, 1], **more).FrameTimeVector] == ["0", "40", "50", "10"]
    # How long the very last one lasts nobody says: as long as they do in the mean.
    assert [str(one) for one in taken([5, 0], **more).FrameTimeVector] == ["0", "30.1"]


def test_a_vector_that_does_not_name_the_frames() -> None:
    with pytest.raises(BadRequest, match="2 values for 6 frames"):
        taken([1], FrameTimeVector=["0", "10"], FrameIncrementPointer=_VECTOR)
    assert "FrameTimeVector" not in taken([1], FrameTimeVector=["0", "10"])


def test_values_for_each_frame() -> None:
    made = taken([4, 1], SliceLocationVector=[f"{at}.5" for at in range(_COUNT)], FrameLabelVector=list("ABCDEF"))
    assert list(made.SliceLocationVector) == [4.5, 1.5]
    assert list(made.FrameLabelVector) == ["E", "B"]
    with pytest.raises(BadRequest, match="FrameLabelVector has 3 values"):
        taken([4], FrameLabelVector=list("ABC"))


def test_functional_groups_go_with_their_frames() -> None:
    groups = []
    for at in range(_COUNT):
        groups.append(Dataset())
        groups[-1].FrameComments = str(at)
    made = taken(
        [3, 4], PerFrameFunctionalGroupsSequence=Items(groups), SharedFunctionalGroupsSequence=Items([Dataset()])
    )
    assert [one.FrameComments for one in made.PerFrameFunctionalGroupsSequence] == ["3", "4"]
    assert len(made.SharedFunctionalGroupsSequence) == 1
    with pytest.raises(BadRequest, match="5 items for 6 frames"):
        taken([3], PerFrameFunctionalGroupsSequence=Items(groups[:5]))


def test_frames_that_are_named_have_new_numbers() -> None:
    named: dict[str, Any] = {
        "FrameNumbersOfInterest": [1, 4, 5],
        "FrameOfInterestDescription": ["one", "four", "five"],
        "FrameOfInterestType": ["A", "B", "C"],
        "RepresentativeFrameNumber": 5,
    }
    made = taken([3, 4, 5], **named)
    assert list(made.FrameNumbersOfInterest) == [1, 2]
    assert list(made.FrameOfInterestDescription) == ["four", "five"]
    assert list(made.FrameOfInterestType) == ["B", "C"]
    assert made.RepresentativeFrameNumber == 2
    made = taken([1, 2], **named)
    assert [keyword for keyword in named if keyword in made] == []
    assert taken([4, 0, 4], **named).RepresentativeFrameNumber == 1


@pytest.mark.parametrize("keyword", ["PositionerPrimaryAngleIncrement", "TableVerticalIncrement"])
def test_what_cannot_be_cut_along_is_refused(keyword: str) -> None:
    said = attributes(_COUNT)
    setattr(said, keyword, ["1"] * _COUNT)
    with pytest.raises(BadRequest, match=keyword):
        taken([1, 2], said)


def test_a_mask_is_refused() -> None:
    with pytest.raises(BadRequest, match="MaskSubtractionSequence"):
        taken([1, 2], MaskSubtractionSequence=Items([Dataset()]))


def test_what_is_of_the_whole_film_alone_goes() -> None:
    gone: dict[str, Any] = {"StartTrim": 2, "StopTrim": 5, "LargestImagePixelValue": 9, "RWaveTimeVector": [0.5, 1.5]}
    made = taken([1, 2], **gone)
    assert [keyword for keyword in gone if keyword in made] == []


def overlaid(bits: Sequence[int], frames: int | None = None, origin: Any = None, rows: int = 2) -> Dataset:
    """An overlay whose frames are numbers of ``rows`` × 3 bits."""
    dataset, size = attributes(_COUNT), rows * 3
    packed = sum(value << (at * size) for at, value in enumerate(bits))
    dataset.add_new(0x60000010, "US", rows)
    dataset.add_new(0x60000011, "US", 3)
    if frames is not None:
        dataset.add_new(0x60000015, "IS", frames)
    if origin is not None:
        dataset.add_new(0x60000051, "US", origin)
    dataset.add_new(0x60003000, "OW", packed.to_bytes((len(bits) * size + 15) // 16 * 2, "little"))
    return dataset


def _bits(made: Dataset, size: int = 6) -> list[int]:
    count = int(made[0x60000015].value)
    packed = int.from_bytes(made[0x60003000].value, "little")
    assert packed >> (count * size) == 0
    return [packed >> (at * size) & ((1 << size) - 1) for at in range(count)]


def test_an_overlay_over_all_frames_stays() -> None:
    source = overlaid([0b101010])
    before = source[0x60003000].value
    assert taken([1, 2], source)[0x60003000].value == before


def test_an_overlay_with_frames_is_cut_along() -> None:
    made = taken([2, 3, 4], overlaid([1, 2, 3, 62, 5, 33], frames=6, origin=1))
    assert (_bits(made), made[0x60000051].value) == ([3, 62, 5], 1)
    assert len(made[0x60003000].value) % 2 == 0
    # It begins with the third of the image.
    made = taken([1, 2, 3], overlaid([7, 8], frames=2, origin=3))
    assert (_bits(made), made[0x60000051].value) == ([7, 8], 2)
    made = taken([3, 4], overlaid([7, 8], frames=2, origin=3))
    assert (_bits(made), made[0x60000051].value) == ([8], 1)


def test_an_overlay_over_other_frames_goes() -> None:
    made = taken([0, 1], overlaid([7, 8], frames=2, origin=3))
    assert [element for element in made if element.tag.group == 0x6000] == []


def test_an_overlay_cannot_have_gaps() -> None:
    with pytest.raises(BadRequest, match="single range"):
        taken([0, 1, 3, 4], overlaid([1, 2, 3, 4, 5, 6], frames=6))
    made = taken([4, 0], overlaid([9], frames=1, origin=5))
    assert (_bits(made), made[0x60000051].value) == ([9], 1)


def test_an_overlay_that_is_too_short() -> None:
    with pytest.raises(BadRequest, match="fewer bits"):
        taken([0, 1], overlaid([1, 2], frames=6, rows=200))


def test_an_overlay_whose_numbers_are_several() -> None:
    with pytest.raises(BadRequest, match=r"\(6000,0051\) is no whole number"):
        taken([0, 1], overlaid([1, 2], frames=2, origin=[1, 2]))


def test_functional_groups_that_are_no_sequence() -> None:
    source = attributes(_COUNT)
    source.add_new("PerFrameFunctionalGroupsSequence", "US", 6)
    with pytest.raises(BadRequest, match="has 0 items for 6 frames"):
        taken([0, 1], source)


def test_curves_along_the_whole_film_go() -> None:
    source = attributes(_COUNT)
    source.add_new(0x50000010, "US", 600)
    assert 0x50000010 not in taken([1, 2], source)
