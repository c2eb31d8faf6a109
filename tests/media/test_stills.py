"""Pictures as files: parts, sizes, colours, what is written on them."""

from __future__ import annotations

import base64
import io
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms

from orthanc_video.errors import BadRequest, Busy, TooLarge
from orthanc_video.media import lettering, stills
from orthanc_video.media.seen import Picture
from orthanc_video.media.stills import Still, Stills
from orthanc_video.picture import GIF, JPEG, PNG, Region, Rendering, Said, Viewport

_SAID = Said(patient=("Jürgen Ångström Σωκράτης Чехов",), technique=("US  2026-01-02",))


def _picture(rows: int = 40, columns: int = 60) -> Picture:
    y, x = np.mgrid[0:rows, 0:columns]
    return np.stack((x * 4, y * 6, (x + y) * 2), axis=-1).astype(np.uint8)


def _made(picture: Picture, rendering: Rendering, kind: str = PNG, aspect: Fraction = Fraction(1)) -> Image.Image:
    data = Stills(rendering, _SAID, aspect).encoded(Still(picture, "Frame 1 of 2"), kind)
    return Image.open(io.BytesIO(data))


def _seen(picture: Picture, size: tuple[int, int], **region: float) -> Image.Image:
    viewport = Viewport(width=size[0], height=size[1], region=Region(**region))
    return _made(picture, Rendering(viewport=viewport))


def test_as_it_is() -> None:
    for picture in (_picture(), _picture()[:, :, 0]):
        assert np.array_equal(np.asarray(_made(picture, Rendering())), picture)


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 99), st.integers(1, 99))
def test_a_viewport_keeps_proportions_and_one_side_fits(columns: int, rows: int, width: int, height: int) -> None:
    found = _seen(np.zeros((rows, columns), np.uint8), (width, height)).size
    scale = min(width / columns, height / rows)
    assert found == (max(1, round(columns * scale)), max(1, round(rows * scale)))
    assert found[0] <= width
    assert found[1] <= height
    assert found[0] == width or found[1] == height


def test_a_part_and_its_mirror_images() -> None:
    picture = _picture()
    part = picture[5:15, 20:40]
    for sign_x, sign_y in ((1, 1), (-1, 1), (1, -1), (-1, -1)):
        found = np.asarray(_seen(picture, (20, 10), left=20, top=5, width=20 * sign_x, height=10 * sign_y))
        assert np.array_equal(found, part[::sign_y, ::sign_x])


def test_what_is_beyond_the_edge_is_not_there() -> None:
    found = _seen(_picture(), (10, 10), left=50, top=30, width=1e6, height=1e6)
    assert np.array_equal(np.asarray(found), _picture()[30:, 50:])
    with pytest.raises(BadRequest, match="60 × 40"):
        _seen(_picture(), (10, 10), left=60)


def test_pixels_become_square() -> None:
    assert _made(_picture(), Rendering(), aspect=Fraction(4, 3)).size == (80, 40)
    assert _made(_picture(), Rendering(), aspect=Fraction(1, 2)).size == (60, 80)


def test_too_large_a_viewport_is_refused() -> None:
    with pytest.raises(BadRequest, match="million pixels"):
        _seen(_picture(), (16384, 16384))


def test_quality_is_of_jpeg() -> None:
    sizes = [
        [
            len(Stills(Rendering(quality=quality), _SAID, Fraction(1)).encoded(Still(_picture()), kind))
            for kind in (JPEG, PNG)
        ]
        for quality in (5, 100)
    ]
    assert sizes[0][0] < sizes[1][0]
    assert sizes[0][1] == sizes[1][1]


def _profile(image: Image.Image) -> str:
    return ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))).strip()


def test_profiles() -> None:
    for wanted in ("", "no"):
        assert "icc_profile" not in _made(_picture(), Rendering(profile=wanted)).info
    for kind in (JPEG, PNG):
        for picture in (_picture(), _picture()[:, :, 0]):
            made = _made(picture, Rendering(profile="srgb"), kind)
            assert "sRGB" in _profile(made)
            assert made.mode == "RGB"


def test_the_objects_own_profile_goes_along_or_becomes_srgb() -> None:
    own = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    # Red and blue swapped: what becomes of the colours shows whether it was used.
    at, other = own.index(b"rXYZ"), own.index(b"bXYZ")
    own[at : at + 4], own[other : other + 4] = b"bXYZ", b"rXYZ"
    said = Said(profile=base64.b64encode(own).decode())
    red = np.zeros((4, 4, 3), np.uint8) + np.array([255, 0, 0], np.uint8)

    def made(wanted: str) -> Image.Image:
        data = Stills(Rendering(profile=wanted), said, Fraction(1)).encoded(Still(red), PNG)
        return Image.open(io.BytesIO(data))

    assert made("yes").info["icc_profile"] == own
    assert np.array_equal(np.asarray(made("yes")), red)
    assert tuple(np.asarray(made("srgb"))[0, 0]) == pytest.approx((0, 0, 255), abs=2)


@pytest.mark.parametrize("damaged", [b"x", bytes(128), b"\0" * 4096])
def test_a_damaged_profile_counts_as_none(damaged: bytes) -> None:
    said = Said(profile=base64.b64encode(damaged).decode())
    data = Stills(Rendering(profile="yes"), said, Fraction(1)).encoded(Still(_picture()), PNG)
    assert "sRGB" in _profile(Image.open(io.BytesIO(data)))


def _ink(annotations: tuple[str, ...], picture: Picture) -> list[bool]:
    """In which thirds of the picture something is written."""
    plain, written = (np.asarray(_made(picture, Rendering(annotations=one))).astype(int) for one in ((), annotations))
    changed = np.abs(written - plain).reshape(3, -1).max(axis=1) > 60
    return [bool(one) for one in changed]


@pytest.mark.parametrize("picture", [np.full((300, 600, 3), 90, np.uint8), np.full((300, 600), 90, np.uint8)])
def test_what_is_written(picture: Picture) -> None:
    assert _ink(("patient",), picture) == [True, False, False]
    assert _ink(("technique",), picture) == [False, False, True]
    assert _ink(("patient", "technique"), picture) == [True, False, True]
    assert _ink(("weather",), picture) == [False, False, False]


def test_a_long_name_stays_within_the_picture() -> None:
    said = Said(patient=("Karl Theodor Maria Nikolaus Johann Jacob Philipp Franz Joseph",))
    image = Image.open(
        io.BytesIO(
            Stills(Rendering(annotations=("patient",)), said, Fraction(1)).encoded(
                Still(np.zeros((600, 640), np.uint8)), PNG
            )
        )
    )
    assert np.asarray(image)[:, -4:].max() == 0
    assert np.asarray(image).max() == 255


def test_every_letter_of_a_name_is_another() -> None:
    """None of them is the box that stands for what a font does not have."""
    drawn = []
    for letter in "ÄßÅŁŞşñΣψЖщ":
        said = Said(patient=(letter,))
        picture = Still(np.zeros((400, 400), np.uint8))
        drawn.append(Stills(Rendering(annotations=("patient",)), said, Fraction(1)).encoded(picture, PNG))
    assert len(set(drawn)) == len(drawn)


def test_an_animation_keeps_time() -> None:
    pictures = [Still(np.full((8, 8, 3), 30 * at, np.uint8)) for at in range(5)]
    data = Stills(Rendering(), _SAID, Fraction(1)).moving(zip(pictures, (3, 4, 3, 50, 4), strict=True))
    image = Image.open(io.BytesIO(data))
    assert image.info["loop"] == 0
    seen = []
    for at in range(5):
        image.seek(at)
        seen.append((image.info["duration"], np.asarray(image.convert("RGB"))[0, 0, 0]))
    assert seen == [(30, 0), (40, 30), (30, 60), (500, 90), (40, 120)]


def test_an_animation_has_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stills, "MOST_MOVING_PIXELS", 3 * 64)
    pictures = [(Still(np.zeros((8, 8), np.uint8)), 4)] * 4
    with pytest.raises(TooLarge, match=r"more than 3 pictures of 8 × 8.*smaller viewport"):
        Stills(Rendering(), _SAID, Fraction(1)).moving(pictures)


def test_a_gif_of_one() -> None:
    assert _made(_picture(), Rendering(), GIF).size == (60, 40)


def test_a_font_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lettering, "FONT", Path("/nowhere/none-such.ttf"))
    with pytest.raises(Busy, match="install fonts-dejavu-core"):
        _made(_picture(), Rendering(annotations=("patient",)))
