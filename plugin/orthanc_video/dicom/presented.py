"""The data set of a Softcopy Presentation State that keeps a view of a video (PS3.3 A.33.1, A.33.2).

Of grey pictures it is a Grayscale one, of others a Color one. Other programs read from it what the standard has words
for; the whole of the view is in a private element, by which it is had again exactly. It is in the study of the video.
UIDs follow from the video's and from the view: the same saved twice is one object.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from PIL import ImageCms
from pydicom.dataset import Dataset, FileDataset
from pydicom.sequence import Sequence
from pydicom.valuerep import DSfloat

from orthanc_video import __version__
from orthanc_video.dicom import build, derived, identity, overlays, pixels, series, values
from orthanc_video.dicom.said import items, missing, numbers, text, value, whole
from orthanc_video.errors import BadRequest
from orthanc_video.film import Lookup
from orthanc_video.plain import from_json, to_json
from orthanc_video.view import CIRCLE, LINEAR, View, Window

GRAYSCALE, COLOR = "1.2.840.10008.5.1.4.1.1.11.1", "1.2.840.10008.5.1.4.1.1.11.2"
_EXPLICIT = "1.2.840.10008.1.2.1"
_GROUP, _CREATOR, _ELEMENT = 0x0073, "ORTHANC-VIDEO VIEW", 0x01
_BLACK = [0, 0x8080, 0x8080]  # CIELab (C.10.7.1.1)
_INPUT_DEVICE = slice(12, 16), b"scnr"  # of an ICC profile's header (C.11.15.1.1)
_VALUES = 256
_SAID_SINCE = {"overlays", "texts", "table"}
_LAYER, _ACTIVATION = "OVERLAYS", 0x1001
_MOST_ENTRIES = 1 << 16


def series_of(said: Dataset) -> str:
    """The UID of the series that views of the objects of this object's series are in."""
    there = Dataset()
    series.join(there, said, "views")
    return str(there.SeriesInstanceUID)


def of_view(said: FileDataset, view: View) -> Dataset:
    """``said`` are the video's attributes; raises BadRequest for frames that it does not have."""
    frames = whole(said, "NumberOfFrames") or 1
    if max(view.frame, view.subtract) > frames:
        raise BadRequest(f"The video has {frames} frames.")
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    for element in identity.elements(identity.taken(said, identity.PATIENT | identity.STUDY | {identity.TIMEZONE})):
        dataset.add(element)
    grey = _grey(said)
    found = _values(said) if grey else None
    if view.table is not None and view.table > (0 if found is None else len(found.tables)):
        raise BadRequest(f"The object has no VOI LUT {view.table} by which its values are shown.")
    dataset.SOPClassUID, dataset.Modality = (GRAYSCALE if grey else COLOR), "PR"
    series.join(dataset, said, "views")
    kept = _kept(view)
    dataset.SOPInstanceUID = build.derived_uid("view", text(said, "SOPInstanceUID"), kept)
    dataset.Manufacturer = dataset.ManufacturerModelName = "orthanc-video"
    dataset.DeviceSerialNumber, dataset.SoftwareVersions = "none", __version__
    dataset.Laterality = ""  # of a paired part of the body, which is not known
    _identify(dataset, view)
    _refer(dataset, said)
    _area(dataset, said, view)
    _shutter(dataset, said, view, grey=grey)
    if view.overlays:
        _overlays(dataset, said)
    if grey:
        _mask(dataset, view)
        _tones(dataset, said, view, found)
    else:
        dataset.ICCProfile = value(said, "ICCProfile") or _srgb()
    block = dataset.private_block(_GROUP, _CREATOR, create=True)
    block.add_new(_ELEMENT, "UT", kept)
    identity.required(dataset)
    dataset.file_meta = derived.meta(dataset, _EXPLICIT)
    return dataset


def _kept(view: View) -> str:
    """Without what the view does not say, which older versions did not know: what they have kept is the same object."""
    told = {key: one for key, one in to_json(view).items() if one is not None or key not in _SAID_SINCE}
    return json.dumps(told, sort_keys=True)


def view_of(said: Dataset, video: str) -> View | None:
    """What an object keeps of the video with this SOP Instance UID; None where it is no view, or one of another."""
    if text(said, "SOPClassUID") not in {GRAYSCALE, COLOR} or video not in _referred(said):
        return None
    try:
        kept: Any = json.loads(said.private_block(_GROUP, _CREATOR)[_ELEMENT].value)
        return from_json(View, kept)
    except (KeyError, ValueError, TypeError, AttributeError):
        return None  # another program's, or that of a version that knows more


def _referred(said: Dataset) -> set[str]:
    return {
        text(image, "ReferencedSOPInstanceUID")
        for group in items(said, "ReferencedSeriesSequence")
        for image in items(group, "ReferencedImageSequence")
    }


def _grey(said: Dataset) -> bool:
    return text(said, "PhotometricInterpretation") in {"MONOCHROME1", "MONOCHROME2"}


def _identify(dataset: Dataset, view: View) -> None:
    """PS3.3 C.11.10."""
    now = derived.now(dataset)
    dataset.PresentationCreationDate, dataset.PresentationCreationTime = f"{now:%Y%m%d}", f"{now:%H%M%S}"
    dataset.InstanceNumber = view.frame
    dataset.ContentLabel, dataset.ContentDescription, dataset.ContentCreatorName = "VIEW", view.name, ""


def _refer(dataset: Dataset, said: Dataset) -> None:
    """PS3.3 C.11.11: to all frames, since a view stays on in motion."""
    group = Dataset()
    group.SeriesInstanceUID = text(said, "SeriesInstanceUID")
    group.ReferencedImageSequence = Sequence([derived.referenced(said)])
    dataset.ReferencedSeriesSequence = Sequence([group])


def _size(said: Dataset) -> tuple[int, int]:
    return whole(said, "Columns") or 1, whole(said, "Rows") or 1


def _area(dataset: Dataset, said: Dataset, view: View) -> None:
    """PS3.3 C.10.4 and C.10.6: the pixels at the upper left and lower right of what is seen, from 1."""
    size = _size(said)
    first, last = view.corners
    left, right = [], []
    for start, end, many in zip(first, last, size, strict=True):
        low, high = round(min(start, end) * many) + 1, round(max(start, end) * many)
        left.append(low if start < end else high)
        right.append(high if start < end else low)
    item = Dataset()
    item.DisplayedAreaTopLeftHandCorner, item.DisplayedAreaBottomRightHandCorner = left, right
    item.PresentationSizeMode = "SCALE TO FIT"
    aspect = numbers(said, "PixelAspectRatio")
    item.PresentationPixelAspectRatio = [int(one) for one in aspect] if len(aspect) == 2 else [1, 1]
    dataset.DisplayedAreaSelectionSequence = Sequence([item])
    dataset.ImageRotation, dataset.ImageHorizontalFlip = view.rotation, "Y" if view.flip else "N"


def _shutter(dataset: Dataset, said: Dataset, view: View, *, grey: bool) -> None:
    """PS3.3 C.7.6.11 and C.11.12. Edges are the first pixels that are not seen."""
    if view.shutter is None:
        return
    shutter, (columns, rows) = view.shutter, _size(said)
    if shutter.kind == CIRCLE:
        dataset.ShutterShape = "CIRCULAR"
        dataset.CenterOfCircularShutter = [round(shutter.y * rows) + 1, round(shutter.x * columns) + 1]
        dataset.RadiusOfCircularShutter = max(1, round(shutter.radius * rows))
    else:
        dataset.ShutterShape = "RECTANGULAR"
        dataset.ShutterLeftVerticalEdge = round(shutter.x * columns)
        dataset.ShutterRightVerticalEdge = round(shutter.right * columns) + 1
        dataset.ShutterUpperHorizontalEdge = round(shutter.y * rows)
        dataset.ShutterLowerHorizontalEdge = round(shutter.bottom * rows) + 1
    dataset.ShutterPresentationValue = 0
    if not grey:
        dataset.ShutterPresentationColorCIELabValue = _BLACK


def _overlays(dataset: Dataset, said: Dataset) -> None:
    """PS3.3 C.11.7: those that no layer is said for are not drawn. C.10.7 has the layer."""
    groups = overlays.groups(said)
    for group in groups:
        dataset.add_new((group, _ACTIVATION), "CS", _LAYER)
    if groups:
        layer = Dataset()
        layer.GraphicLayer, layer.GraphicLayerOrder = _LAYER, 1
        dataset.GraphicLayerSequence = Sequence([layer])


def _mask(dataset: Dataset, view: View) -> None:
    """PS3.3 C.7.6.10 and C.11.13."""
    if not view.subtract:
        return
    item = Dataset()
    item.MaskOperation, item.MaskFrameNumbers = "AVG_SUB", view.subtract
    item.ContrastFrameAveraging = 1
    dataset.MaskSubtractionSequence = Sequence([item])
    dataset.RecommendedViewingMode = "SUB"


def _values(said: Dataset) -> values.Values | None:
    """None where there are none beyond eight bits."""
    if (whole(said, "BitsStored") or 0) <= 8:
        return None
    return values.of(said, pixels.of(said), whole(said, "NumberOfFrames") or 1)


def _tones(dataset: Dataset, said: Dataset, view: View, found: values.Values | None) -> None:
    """PS3.3 C.11.8 and C.11.6; the window where it can be said of the stored values, or of what becomes of them."""
    dark = text(said, "PhotometricInterpretation") == "MONOCHROME1"
    if found is not None:
        _of_values(dataset, said, view, found)
    elif view.window is not None and _shown_as_stored(said):
        center = _VALUES - view.window.center if dark and not view.subtract else view.window.center
        _show_by(dataset, _windowed(replace(view.window, center=center)))
    inverse = view.invert != dark
    if view.gamma == 1:
        dataset.PresentationLUTShape = "INVERSE" if inverse else "IDENTITY"
        return
    shown = [(one / (_VALUES - 1)) ** (1 / view.gamma) for one in range(_VALUES)]
    if dark:
        shown.reverse()
    table = Dataset()
    table.LUTDescriptor = [_VALUES, 0, 16]
    levels = (round((1 - one if view.invert else one) * 0xFFFF) for one in shown)
    table.add_new(0x00283006, "OW", b"".join(level.to_bytes(2, "little") for level in levels))
    dataset.PresentationLUTSequence = Sequence([table])


def _of_values(dataset: Dataset, said: Dataset, view: View, found: values.Values) -> None:
    """By the modality's values, which a state has to say itself how to come by (PS3.4 N.2.1.1); of frames that come by
    them each in another way it cannot."""
    ways = {(frame.slope, frame.intercept) for frame in found.frames}
    if len(ways) > 1:
        return
    if found.modality is not None:
        table = _table(found.modality, "")
        table.ModalityLUTType = "US"  # unspecified (C.11.1.1.2)
        dataset.ModalityLUTSequence = Sequence([table])
    else:
        ((slope, intercept),) = ways
        dataset.RescaleSlope, dataset.RescaleIntercept = _decimal(slope), _decimal(intercept)
        dataset.RescaleType = text(said, "RescaleType") or "US"
    shown = _windowed(view.window) if view.window is not None else None if view.subtract else _opening(found, view)
    if shown is not None:
        _show_by(dataset, shown)


def _opening(found: values.Values, view: View) -> Dataset | None:
    """What the object proposes itself for all of its frames: its first window, else its first VOI LUT."""
    windows = {frame.windows[:1] for frame in found.frames}
    if view.table or (found.tables and windows == {()}):
        item = Dataset()
        item.VOILUTSequence = Sequence([_table(*found.tables[(view.table or 1) - 1])])
        return item
    first = [window for ((window, _),) in windows - {()}]
    if len(windows) != 1 or not first:
        return None
    return _windowed(Window(center=first[0].center, width=first[0].width, function=first[0].function))


def _show_by(dataset: Dataset, item: Dataset) -> None:
    dataset.SoftcopyVOILUTSequence = Sequence([item])


def _windowed(window: Window) -> Dataset:
    item = Dataset()
    item.WindowCenter, item.WindowWidth = _decimal(window.center), _decimal(window.width)
    if window.function != LINEAR:
        item.VOILUTFunction = str(window.function)
    return item


def _decimal(number: float) -> DSfloat:
    return DSfloat(number, auto_format=True)


def _table(table: Lookup, name: str) -> Dataset:
    """C.11.1.1.1: of 65,536 entries the number is 0, and numbers are signed where the first value is."""
    item, signed = Dataset(), table.first < 0
    count = len(table.entries) % _MOST_ENTRIES
    first = [count - _MOST_ENTRIES if signed and count >= _MOST_ENTRIES // 2 else count, table.first, table.bits]
    item.add_new(0x00283002, "SS" if signed else "US", first)
    if name:
        item.LUTExplanation = name
    item.add_new(0x00283006, "OW", b"".join(entry.to_bytes(2, "little") for entry in table.entries))
    return item


def _shown_as_stored(said: Dataset) -> bool:
    """Whether values are shown as they are stored: 8 bits, through nothing."""
    through = (
        "WindowCenter",
        "VOILUTSequence",
        "RescaleSlope",
        "ModalityLUTSequence",
        "SharedFunctionalGroupsSequence",
    )
    plain = whole(said, "BitsStored") == 8 and not whole(said, "PixelRepresentation")
    return plain and all(missing(said, keyword) for keyword in through)


def _srgb() -> bytes:
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    place, kind = _INPUT_DEVICE
    profile[place] = kind
    return bytes(profile)
