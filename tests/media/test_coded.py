"""Which frames a form takes, and their coding: read back by other decoders."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.encaps import encapsulate
from pydicom.pixels.decoders.base import RLELosslessDecoder

from orthanc_video.errors import BadRequest
from orthanc_video.form import Form, Kind
from orthanc_video.media.coded import MOST_FRAMES, chosen, scaled, step_between
from orthanc_video.media.coders import CODERS
from orthanc_video.model import Rational


def form(**more: Any) -> Form:
    return Form(kind=Kind.FRAMES, sop_class="1", transfer_syntax="2", **more)


@given(st.integers(1, 500), st.integers(-3, 600), st.integers(0, 600), st.integers(0, 40))
def test_chosen_frames_are_those_from_first_to_last(count: int, first: int, last: int, step: int) -> None:
    wanted = [
        number
        for number in range(1, count + 1)
        if max(1, first) <= number <= (last or count) and (number - max(1, first)) % max(1, step) == 0
    ]
    if wanted:
        assert [one + 1 for one in chosen(count, form(first=first, last=last, step=step))] == wanted
    else:
        with pytest.raises(BadRequest):
            chosen(count, form(first=first, last=last, step=step))


def test_too_many_frames_are_refused() -> None:
    with pytest.raises(BadRequest, match="more than"):
        chosen(MOST_FRAMES + 1, form())
    assert len(chosen(MOST_FRAMES + 1, form(step=2))) == MOST_FRAMES // 2 + 1


@given(st.integers(2, 4000), st.integers(2, 4000), st.integers(0, 4000))
def test_scaled_pictures_keep_their_shape(rows: int, columns: int, most: int) -> None:
    made = scaled(rows, columns, most)
    if not most or rows <= most:
        assert made == (rows, columns)
        return
    assert made[0] <= max(2, most)
    assert made[0] % 2 == made[1] % 2 == 0
    assert abs(made[1] - columns * made[0] / rows) <= 1 or made[1] == 2


@given(
    st.integers(2, 300), st.sampled_from([Fraction(25), Fraction(30000, 1001), Fraction(24000, 1001)]),
    st.integers(0, 20), st.integers(1, 50), st.sampled_from([90000, 1000, 12800]),
)  # fmt: skip
def test_the_step_is_exact_whatever_a_container_rounds(
    count: int, rate: Fraction, first: int, step: int, ticks: int
) -> None:
    starts = [Fraction(round(number / rate * ticks), ticks) for number in range(count)]
    numbers = range(min(first, count - 1), count, step)
    found = step_between(starts, numbers)
    assert found is not None
    if len(numbers) < 2:
        assert found == Rational(0)
    elif count > 40:
        assert found.fraction == step / rate
    else:
        assert abs(found.fraction - step / rate) <= Fraction(step, ticks)


@given(st.lists(st.integers(1, 900), min_size=2, max_size=60), st.integers(1, 7))
def test_times_that_differ_have_no_step_unless_those_taken_are_alike(lengths: list[int], step: int) -> None:
    starts = [Fraction(sum(lengths[:at]), 1000) for at in range(len(lengths) + 1)]
    numbers = range(0, len(starts), step)
    found = step_between(starts, numbers)
    if len(numbers) > 1 and found is not None:
        taken = [starts[number] for number in numbers]
        assert all(abs(taken[0] + at * found.fraction - time) <= Fraction(step, 1000) for at, time in enumerate(taken))


@pytest.mark.parametrize("shape", [(7, 5), (7, 5, 3), (64, 200, 3), (1, 1)])
def test_run_lengths_are_read_by_pydicom(shape: tuple[int, ...]) -> None:
    random = np.random.default_rng(4)
    picture = (random.integers(0, 3, shape) * 90).astype(np.uint8)
    samples = 3 if len(shape) == 3 else 1
    coded = CODERS["1.2.840.10008.1.2.5"].encode(picture, 0)
    data, _ = RLELosslessDecoder.as_buffer(
        encapsulate([coded], has_bot=False), index=0, rows=shape[0], columns=shape[1], samples_per_pixel=samples,
        bits_allocated=8, bits_stored=8, photometric_interpretation="RGB" if samples == 3 else "MONOCHROME2",
        planar_configuration=1, pixel_representation=0, number_of_frames=1, pixel_keyword="PixelData",
    )  # fmt: skip
    found = np.frombuffer(data, np.uint8)
    assert np.array_equal(
        found.reshape(3, *shape[:2]).transpose(1, 2, 0) if samples == 3 else found.reshape(shape), picture
    )
