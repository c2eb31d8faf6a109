"""Saved views of stored videos: what the presentation state says to others, and that the view comes back whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from cines import colours, film, grey, overlay
from clips import Clips
from jobs.forms import ENDOSCOPIC, stored
from jobs.test_forms import complaints
from orthanc_video.dicom import presented
from orthanc_video.errors import BadRequest
from orthanc_video.jobs import viewing
from orthanc_video.jobs.processes import MediaProcess
from orthanc_video.plain import to_json
from orthanc_video.settings import settings_from
from orthanc_video.view import CIRCLE, RECTANGLE, SIGMOID, Shutter, View, Window

_EVERYTHING: dict[str, Any] = {
    "name": "Größe",
    "frame": 3,
    "window": Window(center=100, width=50.5, function=SIGMOID),
    "gamma": 1.2,
    "invert": True,
    "zoom": 2.0,
    "x": 0.25,
    "y": 0.75,
    "rotation": 90,
    "flip": True,
    "shutter": Shutter(kind=RECTANGLE, x=0.25, y=0.25, right=0.5, bottom=0.75),
    "subtract": 2,
    "overlays": True,
    "texts": False,
}


@pytest.fixture(scope="module")
def video(clips: Clips, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return stored(clips.conforming(), tmp_path_factory.mktemp("video"), "endoscopic")


def _grey_film(folder: Path, **more: Any) -> Path:
    return film(folder / "film.dcm", grey(5), FrameTime="40", PatientSex="F", **more)


def _made(source: Path, folder: Path, **view: Any) -> Dataset:
    asked, settings = to_json(View(**view)), settings_from({"StorageDirectory": str(folder)})
    (item,) = viewing.make(settings, MediaProcess(), [source], asked, folder, None)
    return dcmread(folder / item.object)


def _errors(said: Dataset) -> list[str]:
    return [one for one in complaints(Path(str(said.filename))) if "Error" in one]


@pytest.mark.parametrize("view", [{}, _EVERYTHING], ids=["as it is", "everything"])
@pytest.mark.parametrize("kind", ["video", "grey", "colour"])
def test_a_view_comes_back_whole_and_others_can_read_it(
    view: dict[str, Any], kind: str, video: Path, tmp_path: Path
) -> None:
    source = video
    if kind == "grey":
        source = _grey_film(tmp_path)
    if kind == "colour":
        source = film(tmp_path / "film.dcm", colours(5), FrameTime="40", PatientSex="F")
    said, about = _made(source, tmp_path, **view), dcmread(source, stop_before_pixels=True)
    assert presented.view_of(said, about.SOPInstanceUID) == View(**view)
    assert presented.view_of(said, "1.2.3") is None
    assert presented.view_of(about, about.SOPInstanceUID) is None
    assert _errors(said) == []
    assert said.SOPClassUID == (presented.GRAYSCALE if kind == "grey" else presented.COLOR)
    assert (said.StudyInstanceUID, said.PatientID) == (about.StudyInstanceUID, about.PatientID)
    assert (said.SeriesInstanceUID, said.Modality) == (presented.series_of(about), "PR")
    assert said.SeriesInstanceUID != about.SeriesInstanceUID
    (group,) = said.ReferencedSeriesSequence
    (image,) = group.ReferencedImageSequence
    assert group.SeriesInstanceUID == about.SeriesInstanceUID
    assert image.ReferencedSOPInstanceUID == about.SOPInstanceUID
    assert image.ReferencedSOPClassUID == (ENDOSCOPIC if kind == "video" else about.SOPClassUID)
    # A whole film: no frame is named, so a view stays on in motion.
    assert "ReferencedFrameNumber" not in image


def test_the_same_view_is_one_object(video: Path, tmp_path: Path) -> None:
    views: list[dict[str, Any]] = [{}, {"zoom": 2.0}, {"name": "a"}, {"frame": 2}, {}]
    uids = [_made(video, tmp_path, **view).SOPInstanceUID for view in views]
    assert uids[0] == uids[-1]
    assert len(set(uids)) == 4


def test_what_a_view_does_not_say_is_not_kept(video: Path, tmp_path: Path) -> None:
    """What was saved before there were these two is the same object when it is saved again."""
    (kept,) = (
        one.value
        for one in _made(video, tmp_path).private_block(0x0073, "ORTHANC-VIDEO VIEW").dataset
        if one.VR == "UT"
    )
    assert not {"overlays", "texts"} & set(json.loads(kept))


def test_overlays_are_drawn_where_the_view_says_so(tmp_path: Path) -> None:
    """C.11.7: by a layer for each plane; without one others draw none."""
    source = _grey_film(tmp_path)
    about = dcmread(source)
    for group in (0x6000, 0x6004):
        about.update(overlay(np.ones((4, 8), np.uint8), group, [1, 1]))
    about.save_as(source)
    said = _made(source, tmp_path, overlays=True)
    assert [said[group, 0x1001].value for group in (0x6000, 0x6004)] == ["OVERLAYS", "OVERLAYS"]
    assert (0x6002, 0x1001) not in said
    assert [layer.GraphicLayer for layer in said.GraphicLayerSequence] == ["OVERLAYS"]
    assert _errors(said) == []
    for view in ({}, {"overlays": False}):
        assert "GraphicLayerSequence" not in _made(source, tmp_path, **view)


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_the_corners_are_the_pixels_seen_there(rotation: int, flip: bool, tmp_path: Path) -> None:
    """C.10.4: by the pixel that turning (first) and flipping bring to the upper left, and to the lower right."""
    picture = np.stack(np.meshgrid(np.arange(1, 65), np.arange(1, 49)), axis=-1)
    source = _grey_film(tmp_path)
    for zoom, seen in ((1.0, picture), (2.0, picture[24:, 16:48])):
        shown = np.rot90(seen, -rotation // 90)
        shown = shown[:, ::-1] if flip else shown
        said = _made(source, tmp_path, rotation=rotation, flip=flip, zoom=zoom, y=0.5 if zoom == 1 else 0.75)
        (area,) = said.DisplayedAreaSelectionSequence
        assert list(area.DisplayedAreaTopLeftHandCorner) == shown[0, 0].tolist()
        assert list(area.DisplayedAreaBottomRightHandCorner) == shown[-1, -1].tolist()
        assert (said.ImageRotation, said.ImageHorizontalFlip) == (rotation, "Y" if flip else "N")


def test_shutters_by_pixels(tmp_path: Path) -> None:
    """C.7.6.11: edges are outside of what is seen. 64 × 48 pixels."""
    source = _grey_film(tmp_path)
    said = _made(source, tmp_path, shutter=Shutter(kind=RECTANGLE, x=0.25, y=0.25, right=0.5, bottom=0.75))
    edges = (said.ShutterLeftVerticalEdge, said.ShutterRightVerticalEdge)
    assert edges == (16, 33)
    assert (said.ShutterUpperHorizontalEdge, said.ShutterLowerHorizontalEdge) == (12, 37)
    said = _made(source, tmp_path, shutter=Shutter(kind=CIRCLE, x=0.5, y=0.25, radius=0.25))
    assert (said.ShutterShape, list(said.CenterOfCircularShutter)) == ("CIRCULAR", [13, 33])
    assert (said.RadiusOfCircularShutter, said.ShutterPresentationValue) == (12, 0)
    assert _errors(said) == []


def test_tones_of_grey_pictures(tmp_path: Path) -> None:
    source = _grey_film(tmp_path)
    said = _made(source, tmp_path, window=Window(center=100, width=50), invert=True, subtract=2)
    (window,) = said.SoftcopyVOILUTSequence
    assert (window.WindowCenter, window.WindowWidth, said.PresentationLUTShape) == (100, 50, "INVERSE")
    (mask,) = said.MaskSubtractionSequence
    assert (mask.MaskOperation, mask.MaskFrameNumbers) == ("AVG_SUB", 2)
    (table,) = _made(source, tmp_path, gamma=2.0).PresentationLUTSequence
    levels = np.frombuffer(table.LUTData, dtype="<u2")
    expected = 65535 * np.sqrt(np.arange(256) / 255)
    assert np.abs(levels - expected).max() <= 1


def test_what_is_brighter_where_the_value_is_lower(tmp_path: Path) -> None:
    """Of MONOCHROME1 values are shown inverted; a window is one of what is stored."""
    source = _grey_film(tmp_path, PhotometricInterpretation="MONOCHROME1")
    said = _made(source, tmp_path, window=Window(center=100, width=50))
    assert (said.SoftcopyVOILUTSequence[0].WindowCenter, said.PresentationLUTShape) == (156, "INVERSE")
    assert _made(source, tmp_path, invert=True).PresentationLUTShape == "IDENTITY"


def test_a_window_of_values_that_are_not_stored_is_kept_private(tmp_path: Path) -> None:
    source = _grey_film(tmp_path, WindowCenter="60", WindowWidth="80")
    said = _made(source, tmp_path, window=Window(center=100, width=50))
    assert "SoftcopyVOILUTSequence" not in said
    view = presented.view_of(said, dcmread(source).SOPInstanceUID)
    assert view is not None
    assert view.window == Window(center=100, width=50)


def test_frames_that_there_are_not(tmp_path: Path) -> None:
    for view in ({"frame": 6}, {"subtract": 6}):
        with pytest.raises(BadRequest, match="5 frames"):
            _made(_grey_film(tmp_path), tmp_path, **view)


def _table(first: int, *entries: int) -> Dataset:
    table = Dataset()
    table.add_new("LUTDescriptor", "SS" if first < 0 else "US", [len(entries), first, 16])
    table.LUTExplanation = f"from {first}"
    table.add_new("LUTData", "OW", np.array(entries, "<u2").tobytes())
    return table


def _deep(folder: Path, **more: Any) -> Path:
    return film(folder / "film.dcm", grey(5, 12), bits=12, FrameTime="40", PatientSex="F", **more)


def test_a_window_of_values_is_said_with_how_they_come_about(tmp_path: Path) -> None:
    """PS3.4 N.2.1.1: what a state does not say of the modality's values is taken for none."""
    source = _deep(tmp_path, RescaleSlope="2", RescaleIntercept="-1024", RescaleType="HU")
    said = _made(source, tmp_path, window=Window(center=-600, width=1500), subtract=2)
    (window,) = said.SoftcopyVOILUTSequence
    assert (window.WindowCenter, window.WindowWidth) == (-600, 1500)
    assert (said.RescaleSlope, said.RescaleIntercept, said.RescaleType) == (2, -1024, "HU")
    assert _errors(said) == []
    # The lowest value is the brightest, and a window is still one of the values.
    dark = _made(
        _deep(tmp_path, PhotometricInterpretation="MONOCHROME1"), tmp_path, window=Window(center=100, width=50)
    )
    assert (dark.SoftcopyVOILUTSequence[0].WindowCenter, dark.PresentationLUTShape) == (100, "INVERSE")


def test_what_the_object_opens_with_is_said(tmp_path: Path) -> None:
    tables = Sequence([_table(3, 0, 65535), _table(-7, 1, 2, 65535)])
    both = _deep(tmp_path, WindowCenter=["40", "7"], WindowWidth=["400", "8"], VOILUTSequence=tables)
    assert _made(both, tmp_path).SoftcopyVOILUTSequence[0].WindowCenter == 40
    said = _made(both, tmp_path, table=2)
    (table,) = said.SoftcopyVOILUTSequence[0].VOILUTSequence
    assert (list(table.LUTDescriptor), table.LUTExplanation) == ([3, -7, 16], "from -7")
    assert np.frombuffer(table.LUTData, "<u2").tolist() == [1, 2, 65535]
    assert _errors(said) == []
    view = presented.view_of(said, dcmread(both).SOPInstanceUID)
    assert view is not None
    assert view.table == 2
    with pytest.raises(BadRequest, match="no VOI LUT 3"):
        _made(both, tmp_path, table=3)
    alone = _made(_deep(tmp_path, VOILUTSequence=tables), tmp_path)
    assert list(alone.SoftcopyVOILUTSequence[0].VOILUTSequence[0].LUTDescriptor) == [2, 3, 16]
    assert "SoftcopyVOILUTSequence" not in _made(_deep(tmp_path), tmp_path)
    # Of differences it says nothing.
    assert "SoftcopyVOILUTSequence" not in _made(both, tmp_path, subtract=1)


def test_a_table_of_the_modality_is_said(tmp_path: Path) -> None:
    source = _deep(tmp_path, ModalityLUTSequence=Sequence([_table(0, *range(15, 65536, 16))]))
    said = _made(source, tmp_path, window=Window(center=100, width=50))
    (table,) = said.ModalityLUTSequence
    assert (list(table.LUTDescriptor), table.ModalityLUTType) == ([4096, 0, 16], "US")
    assert "RescaleSlope" not in said
    assert _errors(said) == []


def test_no_table_for_what_has_none(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="no VOI LUT 1"):
        _made(_grey_film(tmp_path), tmp_path, table=1)
