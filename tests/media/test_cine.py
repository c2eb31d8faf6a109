"""Each frame as the picture that it is: against the arrays that films were made of, DCMTK and pydicom."""

from __future__ import annotations

import contextlib
import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydicom.data import get_testdata_file
from pydicom.pixels.processing import convert_color_space

from cines import LOSSLESS, LOSSY, Picture, coded, colours, film, grey, shown
from dicom.films import IMPLICIT, attributes, fragmented
from media import htj2k
from oracles import psnr
from orthanc_video.dicom import multiframe
from orthanc_video.errors import BrokenVideo
from orthanc_video.files import Bytes, SpanSource
from orthanc_video.film import MultiFrame
from orthanc_video.media import cine
from orthanc_video.model import Span


def located(path: Path) -> MultiFrame:
    with SpanSource(path) as file:
        return multiframe.locate(Bytes(file))


def pictures(path: Path) -> list[Picture]:
    about = located(path)
    with cine.opened(path, about) as opened:
        return [opened.picture(number) for number in range(len(about.frames))]


def differ(one: Picture, other: Picture) -> int:
    """The largest difference of a sample."""
    assert one.shape == other.shape
    return int(np.abs(one.astype(int) - other).max())


@pytest.mark.parametrize("syntax", LOSSLESS)
def test_grey_without_loss(tmp_path: Path, syntax: str) -> None:
    frames = grey()
    found = pictures(coded(film(tmp_path / "film.dcm", frames), LOSSLESS[syntax]))
    assert all(np.array_equal(*pair) for pair in zip(found, frames, strict=True))


@pytest.mark.parametrize("syntax", LOSSLESS)
def test_colours_without_loss(tmp_path: Path, syntax: str) -> None:
    frames = colours()
    found = pictures(coded(film(tmp_path / "film.dcm", frames), LOSSLESS[syntax]))
    assert all(np.array_equal(*pair) for pair in zip(found, frames, strict=True))


@pytest.mark.parametrize("syntax", ["native", *LOSSLESS])
@pytest.mark.parametrize(("bits", "signed"), [(10, False), (12, False), (12, True), (16, False), (16, True)])
def test_deep_grey_without_loss(tmp_path: Path, syntax: str, bits: int, signed: bool) -> None:
    """No window: the lowest value is black, the highest white."""
    frames = grey(2, bits, signed=signed)
    path = film(tmp_path / "film.dcm", frames, bits=bits)
    found = pictures(path if syntax == "native" else coded(path, LOSSLESS[syntax]))
    low, high = int(frames.min()), int(frames.max())
    for picture, frame in zip(found, frames, strict=True):
        assert np.array_equal(picture, np.rint((frame.astype(float) - low) * 255 / (high - low)).astype(np.uint8))


@pytest.mark.parametrize("more", [{"syntax": IMPLICIT}, {"PlanarConfiguration": 1}])
def test_colours_as_they_lie(tmp_path: Path, more: dict[str, Any]) -> None:
    frames = colours()
    found = pictures(film(tmp_path / "film.dcm", frames, **more))
    assert all(np.array_equal(*pair) for pair in zip(found, frames, strict=True))


@pytest.mark.parametrize("syntax", LOSSY)
def test_lossy_colours_are_near_what_they_were(tmp_path: Path, syntax: str) -> None:
    frames = colours()
    found = pictures(coded(film(tmp_path / "film.dcm", frames), LOSSY[syntax]))
    assert min(psnr(*pair) for pair in zip(found, frames, strict=True)) > 30


@pytest.mark.parametrize("syntax", ["50", "50 RGB", "50 4:4:4", "51", "81"])
def test_lossy_colours_are_those_that_dcmtk_shows(tmp_path: Path, syntax: str) -> None:
    path = coded(film(tmp_path / "film.dcm", colours()), LOSSY[syntax])
    for number, picture in enumerate(pictures(path)):
        assert psnr(picture, shown(path, number)) > 40


@pytest.mark.parametrize("syntax", ["51", "81"])
def test_lossy_deep_grey(tmp_path: Path, syntax: str) -> None:
    frames = grey(2, 12)
    path = coded(film(tmp_path / "film.dcm", frames, bits=12, WindowCenter="2048", WindowWidth="4096"), LOSSY[syntax])
    for number, picture in enumerate(pictures(path)):
        assert differ(picture, shown(path, number, "+Wi", "1")) <= 1


@pytest.mark.parametrize("name", ["examples_ybr_color.dcm", "color3d_jpeg_baseline.dcm"])
def test_recordings_of_scanners(name: str) -> None:
    found = get_testdata_file(name)
    assert isinstance(found, str)
    path = Path(found)
    about = located(path)
    with cine.opened(path, about) as opened:
        for number in (0, len(about.frames) // 2, len(about.frames) - 1):
            assert psnr(opened.picture(number), shown(path, number)) > 38


@pytest.mark.parametrize("syntax", ["201", "202", "203"])
def test_high_throughput_jpeg_2000(tmp_path: Path, syntax: str) -> None:
    uid, size = f"1.2.840.10008.1.2.4.{syntax}", {"Rows": 16, "Columns": 24}
    deep = size | {"BitsAllocated": 16, "BitsStored": 12, "HighBit": 11, "WindowCenter": "2048", "WindowWidth": "4096"}
    (tmp_path / "grey.dcm").write_bytes(fragmented(htj2k.GREY, attributes(2, **deep), syntax=uid))
    for picture, frame in zip(pictures(tmp_path / "grey.dcm"), grey(2, 12, rows=16, columns=24), strict=True):
        assert np.array_equal(picture, np.rint(frame.astype(float) * 255 / 4095).astype(np.uint8))
    signed = size | {"BitsAllocated": 16, "BitsStored": 16, "HighBit": 15, "PixelRepresentation": 1}
    (tmp_path / "signed.dcm").write_bytes(fragmented(htj2k.SIGNED, attributes(2, **signed), syntax=uid))
    for picture, frame in zip(
        pictures(tmp_path / "signed.dcm"), grey(2, 16, signed=True, rows=16, columns=24), strict=True
    ):
        assert np.array_equal(picture, np.rint((frame.astype(float) + 32768) * 255 / 65535).astype(np.uint8))
    colour = size | {"SamplesPerPixel": 3, "PhotometricInterpretation": "YBR_RCT", "PlanarConfiguration": 0}
    (tmp_path / "colours.dcm").write_bytes(fragmented(htj2k.COLOURS, attributes(2, **colour), syntax=uid))
    for picture, frame in zip(pictures(tmp_path / "colours.dcm"), colours(2, 16, 24), strict=True):
        assert np.array_equal(picture, frame)


@pytest.mark.parametrize("stored_as", ["YBR_FULL", "YBR_FULL_422"])
def test_colours_as_luma_and_chroma(tmp_path: Path, stored_as: str) -> None:
    frames = np.repeat(colours(), 2, axis=2)  # pairs of equal pixels share their chroma
    ybr = convert_color_space(frames, "RGB", "YBR_FULL")
    if stored_as == "YBR_FULL_422":
        pairs = np.stack((ybr[:, :, 0::2, 0], ybr[:, :, 1::2, 0], ybr[:, :, 0::2, 1], ybr[:, :, 0::2, 2]), axis=-1)
        path = film(tmp_path / "film.dcm", frames, PhotometricInterpretation=stored_as)
        path.write_bytes(path.read_bytes()[: -frames.nbytes - 4] + pairs.nbytes.to_bytes(4, "little") + pairs.tobytes())
    else:
        path = film(tmp_path / "film.dcm", ybr, PhotometricInterpretation=stored_as)
    expected = convert_color_space(ybr, "YBR_FULL", "RGB")
    for picture, frame in zip(pictures(path), expected, strict=True):
        assert differ(picture, frame) <= 1


@pytest.mark.parametrize("name", ["OBXXXX1A_2frame.dcm", "OBXXXX1A_rle_2frame.dcm"])
def test_palettes(name: str) -> None:
    path = Path(str(get_testdata_file(name)))
    for number, picture in enumerate(pictures(path)):
        assert differ(picture, shown(path, number)) <= 1


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize(
    "more",
    [
        {"WindowCenter": "600", "WindowWidth": "900"},
        {"WindowCenter": "-300.5", "WindowWidth": "700", "RescaleSlope": "2.5", "RescaleIntercept": "-1024"},
    ],
)
def test_windows_as_dcmtk_has_them(tmp_path: Path, photometric: str, more: dict[str, Any]) -> None:
    path = film(tmp_path / "film.dcm", grey(2, 12), bits=12, PhotometricInterpretation=photometric, **more)
    for number, picture in enumerate(pictures(path)):
        assert differ(picture, shown(path, number, "+Wi", "1")) <= 1


def test_without_a_window_brightness_does_not_flicker(tmp_path: Path) -> None:
    frames = np.full((5, 8, 8), 100, dtype=np.uint16)
    frames[:, 0, 0] = [0, 0, 1000, 0, 0]
    found = pictures(film(tmp_path / "film.dcm", frames, bits=12))
    assert len({int(picture[4, 4]) for picture in found}) == 1


def test_eight_bits_are_shown_as_they_are(tmp_path: Path) -> None:
    frames = np.full((3, 8, 8), 100, dtype=np.uint8)
    assert all((picture == 100).all() for picture in pictures(film(tmp_path / "film.dcm", frames)))


def test_the_stream_tells_that_its_colours_are_rgb(tmp_path: Path) -> None:
    """Whatever the object says: DCMTK writes Adobe's marker, and no other program looks elsewhere."""
    path = coded(film(tmp_path / "film.dcm", colours()), LOSSY["50 RGB"])
    wrong = tmp_path / "wrong.dcm"
    wrong.write_bytes(
        path.read_bytes().replace(b"\x28\x00\x04\x00CS\x04\x00RGB ", b"\x28\x00\x04\x00CS\x08\x00YBR_FULL")
    )
    assert located(wrong).pixels.photometric == "YBR_FULL"
    assert all(np.array_equal(*pair) for pair in zip(pictures(wrong), pictures(path), strict=True))


def test_the_poster_is_a_frame_that_shows_something(tmp_path: Path) -> None:
    frames = np.zeros((10, 60, 80), dtype=np.uint8)
    frames[5] = grey(1, rows=60, columns=80)[0]
    path = film(tmp_path / "film.dcm", frames, PixelAspectRatio=[2, 1])
    cine.thumbnail(path, located(path), tmp_path / "poster.jpg", 160)
    poster = np.array(Image.open(tmp_path / "poster.jpg").convert("L"))
    assert poster.shape == (240, 160)
    assert poster.std() > 40


def test_the_poster_of_a_film_that_is_dark_for_long(tmp_path: Path) -> None:
    frames = np.zeros((100, 60, 80), dtype=np.uint8)
    frames[60:66] = grey(1, rows=60, columns=80)[0]
    path = film(tmp_path / "film.dcm", frames)
    cine.thumbnail(path, located(path), tmp_path / "poster.jpg", 160)
    assert np.array(Image.open(tmp_path / "poster.jpg").convert("L")).std() > 40


def test_pictures_of_another_size_are_refused(tmp_path: Path) -> None:
    path = coded(film(tmp_path / "film.dcm", grey()), LOSSY["50"])
    about = dataclasses.replace(located(path), pixels=dataclasses.replace(located(path).pixels, rows=47))
    with cine.opened(path, about) as opened, pytest.raises(BrokenVideo) as caught:
        opened.picture(1)
    assert caught.value.sentence == (
        "Frame 2 cannot be shown. Its picture has 64 × 48 pixels, but the object says 64 × 47."
    )


def test_pictures_larger_than_any_cameras_are_refused(tmp_path: Path) -> None:
    about = located(film(tmp_path / "film.dcm", grey()))
    wide = dataclasses.replace(about, pixels=dataclasses.replace(about.pixels, rows=65535, columns=65535))
    with pytest.raises(BrokenVideo, match="at most 16384"), cine.opened(tmp_path / "film.dcm", wide):
        pass


@pytest.mark.parametrize("syntax", ["5", "50", "70", "80", "90"])
@pytest.mark.parametrize("damage", ["cut", "noise", "empty"])
def test_damaged_frames_are_refused_or_shown(tmp_path: Path, syntax: str, damage: str) -> None:
    path = coded(film(tmp_path / "film.dcm", grey()), (LOSSLESS | LOSSY)[syntax])
    about = located(path)
    (span,) = about.frames[1]
    data = bytearray(path.read_bytes())
    if damage == "noise":
        data[span.offset : span.offset + span.length] = np.random.default_rng(1).bytes(span.length)
        path.write_bytes(data)
    cut = Span(span.offset, {"cut": span.length // 3, "noise": span.length, "empty": 0}[damage])
    with cine.opened(path, dataclasses.replace(about, frames=((cut,), *about.frames))) as opened:
        if damage == "cut" and syntax in {"50", "70", "80", "90"}:
            with contextlib.suppress(BrokenVideo):
                opened.picture(0)
        else:
            with pytest.raises(BrokenVideo, match=r"Frame 1 cannot be shown\. (Its picture is damaged|The)"):
                opened.picture(0)
        assert opened.picture(1).shape == (48, 64)


def test_a_damaged_frame_does_not_darken_the_others(tmp_path: Path) -> None:
    """Deep grey without a window: some frames are looked at for the range that is shown."""
    path = coded(film(tmp_path / "film.dcm", grey(4, 12), bits=12), LOSSLESS["70"])
    whole, about = pictures(path), located(path)
    with cine.opened(path, dataclasses.replace(about, frames=((Span(0, 64),), *about.frames[1:]))) as opened:
        assert np.array_equal(opened.picture(1), whole[1])


@pytest.mark.parametrize("syntax", ["native", *LOSSLESS])
@pytest.mark.parametrize(("bits", "signed"), [(8, False), (12, False), (12, True), (16, True)])
def test_samples_are_those_that_were_stored_without_compression(
    tmp_path: Path, syntax: str, bits: int, signed: bool
) -> None:
    frames = grey(bits=bits, signed=signed)
    path = film(tmp_path / "film.dcm", frames, bits=bits)
    if syntax != "native":
        path = coded(path, LOSSLESS[syntax])
    about = located(path)
    with cine.opened(path, about) as opened:
        assert [opened.samples(number) for number in range(len(frames))] == [frame.tobytes() for frame in frames]


@pytest.mark.parametrize("syntax", ["native", *LOSSLESS])
def test_samples_of_colours_are_by_pixel(tmp_path: Path, syntax: str) -> None:
    frames = colours()
    path = film(tmp_path / "film.dcm", frames)
    if syntax != "native":
        path = coded(path, LOSSLESS[syntax])
    about = located(path)
    with cine.opened(path, about) as opened:
        found = opened.samples(2)
    planar = frames[2].transpose(2, 0, 1) if about.pixels.planar and syntax == "5" else frames[2]
    assert found == planar.tobytes()
