"""Pictures of stored objects by the numbers of their frames."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread
from pydicom.pixels.processing import apply_modality_lut, apply_voi_lut

from cines import colours, film, grey
from clips import Clips, picture_source
from oracles import decoded, psnr
from orthanc_video.dicom import multiframe
from orthanc_video.errors import NotFound, TooLarge
from orthanc_video.files import Bytes, SpanSource
from orthanc_video.film import MultiFrame, Window, WindowFunction
from orthanc_video.media import drawing
from orthanc_video.media.drawing import draw
from orthanc_video.model import Span
from orthanc_video.picture import GIF, JPEG, PNG, SAMPLES, Drawing, Rendering, Said, Viewport


def _drawn(path: Path, tmp_path: Path, wanted: Drawing, stored: Any = None) -> list[bytes]:
    target = tmp_path / "drawn"
    lengths = draw(path, stored or (Span(0, path.stat().st_size),), wanted, Said(), target)
    data, found = target.read_bytes(), []
    for length in lengths:
        found.append(data[:length])
        data = data[length:]
    assert data == b""
    return found


def _film(path: Path) -> MultiFrame:
    with SpanSource(path) as file:
        return multiframe.locate(Bytes(file))


def test_of_a_video(clips: Clips, tmp_path: Path) -> None:
    path = clips.conforming()
    expected = decoded(path, 160, 120)
    found = _drawn(path, tmp_path, Drawing(kind=PNG, frames=(2, 20, 30)))
    for data, number in zip(found, (2, 20, 30), strict=True):
        assert psnr(np.asarray(Image.open(io.BytesIO(data))), expected[number - 1]) > 40
    assert len(_drawn(path, tmp_path, Drawing(kind=JPEG))) == 30
    (samples,) = _drawn(path, tmp_path, Drawing(kind=SAMPLES, frames=(7,)))
    assert psnr(np.frombuffer(samples, np.uint8).reshape(120, 160, 3), expected[6]) > 40


def test_colours_are_those_of_the_streams_matrix(clips: Clips, tmp_path: Path) -> None:
    """Of the same red in BT.601 and BT.709, said by the stream."""
    for matrix in ("smpte170m", "bt709"):
        told = f"-vf scale=out_color_matrix={matrix} -colorspace {matrix} -color_primaries {matrix} -color_trc {matrix}"
        path = clips.encoded(f"red-{matrix}.mp4", told, source="color=c=red:s=64x64:r=5:d=1")
        (data,) = _drawn(path, tmp_path, Drawing(kind=PNG, frames=(1,)))
        assert tuple(np.asarray(Image.open(io.BytesIO(data)))[32, 32]) == pytest.approx((254, 0, 0), abs=4)


def test_pixels_that_are_not_square(clips: Clips, tmp_path: Path) -> None:
    (data,) = _drawn(clips.anamorphic_stream(), tmp_path, Drawing(kind=PNG, frames=(1,)))
    assert Image.open(io.BytesIO(data)).size == (213, 120)


def test_an_animation_has_the_videos_times(clips: Clips, tmp_path: Path) -> None:
    (data,) = _drawn(clips.variable_rate(), tmp_path, Drawing(kind=GIF, moving=True))
    image, shown = Image.open(io.BytesIO(data)), []
    for at in range(26):
        image.seek(at)
        shown.append(image.info["duration"])
    assert sum(shown) == pytest.approx(1000, abs=40)
    assert sorted(set(shown)) == [30, 40, 60, 70]


@pytest.mark.parametrize("function", list(WindowFunction))
@pytest.mark.parametrize(("bits", "signed", "slope"), [(8, False, "1"), (12, True, "2"), (16, False, "0.5")])
def test_the_requests_window_as_pydicom_has_it(
    tmp_path: Path, function: WindowFunction, bits: int, signed: bool, slope: str
) -> None:
    said = {"RescaleSlope": slope, "RescaleIntercept": "-7", "WindowCenter": "1", "WindowWidth": "2"}
    path = film(tmp_path / "film.dcm", grey(3, bits, signed=signed), bits=bits, **said)
    center, width = (1 << bits) // 5, (1 << bits) // 4
    window = Window(center=center, width=width, function=function)
    (data,) = _drawn(path, tmp_path, Drawing(kind=PNG, frames=(2,), rendering=Rendering(window=window)), _film(path))
    dataset = dcmread(path)
    dataset.WindowCenter, dataset.WindowWidth, dataset.VOILUTFunction = center, width, function.value
    values = apply_modality_lut(dataset.pixel_array[1], dataset)
    low, high = (
        apply_modality_lut(np.array([edge]), dataset)[0]
        for edge in ((-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1))
    )
    expected = (apply_voi_lut(values, dataset) - low) / (high - low) * 255
    assert np.abs(np.asarray(Image.open(io.BytesIO(data))) - expected).max() <= 1


def test_colours_have_no_window(tmp_path: Path) -> None:
    path = film(tmp_path / "film.dcm", colours(2))
    rendering = Rendering(window=Window(center=3, width=4))
    (data,) = _drawn(path, tmp_path, Drawing(kind=PNG, frames=(2,), rendering=rendering), _film(path))
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(data))), colours(2)[1])


def test_a_representative_frame(clips: Clips, tmp_path: Path) -> None:
    (data,) = _drawn(clips.starts_black(), tmp_path, Drawing(kind=JPEG, representative=True))
    assert np.asarray(Image.open(io.BytesIO(data))).std() > 24


def test_what_there_is_not(clips: Clips, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = clips.conforming()
    with pytest.raises(NotFound, match="no frame 31: the object has 30"):
        _drawn(path, tmp_path, Drawing(kind=PNG, frames=(1, 31)))
    monkeypatch.setattr(drawing, "MOST_FRAMES", 29)
    with pytest.raises(TooLarge, match="30 frames"):
        _drawn(path, tmp_path, Drawing(kind=JPEG))
    monkeypatch.setattr(drawing, "MOST_BYTES", 100_000)
    with pytest.raises(TooLarge, match="after 2 of them"):
        _drawn(path, tmp_path, Drawing(kind=SAMPLES, frames=(1, 2, 3)))


def test_frames_far_apart_are_those_that_are_close_by(clips: Clips, tmp_path: Path) -> None:
    """They are decoded in another way."""
    path = clips.encoded("far.mp4", "-bf 3 -g 24 -movflags +faststart", source=picture_source(seconds=3))
    whole = _drawn(path, tmp_path, Drawing(kind=SAMPLES))
    for numbers in ((1, 30, 60, 90), (2, 3, 70), (47,)):
        found = _drawn(path, tmp_path, Drawing(kind=SAMPLES, frames=numbers))
        assert found == [whole[number - 1] for number in numbers]


@pytest.mark.parametrize(
    ("count", "wanted", "found"),
    [(300, 3, [50, 150, 250]), (4, 2, [1, 3]), (5, 5, [0, 1, 2, 3, 4]), (2, 9, [0, 1]), (1, 1, [0])],
)
def test_evenly_spaced(count: int, wanted: int, found: list[int]) -> None:
    assert drawing.spread(count, wanted) == found


def test_a_sheet_of_evenly_spaced_frames(clips: Clips, tmp_path: Path) -> None:
    soft = f"{picture_source()},gblur=sigma=4"
    path = clips.encoded("sheet.mp4", "-movflags +faststart", source=soft)
    expected = decoded(path, 160, 120)
    small = Rendering(viewport=Viewport(width=80, height=320))
    (data,) = _drawn(path, tmp_path, Drawing(kind=JPEG, spread=5, columns=3, rendering=small))
    sheet = Image.open(io.BytesIO(data))
    assert sheet.size == (240, 120)
    for at, number in enumerate((3, 9, 15, 21, 27)):
        cell = sheet.crop((at % 3 * 80, at // 3 * 60, at % 3 * 80 + 80, at // 3 * 60 + 60))
        other = Image.fromarray(expected[number]).resize((80, 60), Image.Resampling.LANCZOS)
        assert psnr(np.asarray(cell), np.asarray(other)) > 28
    assert np.asarray(sheet)[70:, 170:].max() < 16  # JPEG blurs what is before


def test_a_sheet_of_a_film_shorter_than_it(tmp_path: Path) -> None:
    path = film(tmp_path / "film.dcm", grey(2))
    (data,) = _drawn(path, tmp_path, Drawing(kind=JPEG, spread=16, columns=4), _film(path))
    assert Image.open(io.BytesIO(data)).size == (128, 48)


def test_a_preview_shows_each_frame_as_long(clips: Clips, tmp_path: Path) -> None:
    (data,) = _drawn(clips.variable_rate(), tmp_path, Drawing(kind=GIF, spread=4, moving=True))
    image, shown = Image.open(io.BytesIO(data)), []
    for at in range(4):
        image.seek(at)
        shown.append(image.info["duration"])
    assert shown == [400] * 4
