"""What PS3.3 demands of the attributes of the IODs that hold videos, module by module, as data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto


class When(Enum):
    """Under which condition an attribute is required."""

    ALWAYS = auto()
    COLOUR = auto()  # more than one sample per pixel
    NO_SPECIMEN = auto()  # several frames, and no Specimen Description Sequence (PS3.3 C.8.12.1)
    LOSSY = auto()  # Lossy Image Compression is 01


@dataclass(frozen=True, slots=True)
class Need:
    """One attribute: ``kind`` 1 has to have a value, 2 has to be there and may be empty (PS3.5 7.4)."""

    keyword: str
    kind: int
    when: When = When.ALWAYS


@dataclass(frozen=True, slots=True)
class Module:
    """``section`` is that of PS3.3; ``needs`` are all attributes that a data set with this module must have."""

    name: str
    section: str
    needs: tuple[Need, ...]


def _module(name: str, section: str, *, one: str = "", two: str = "", more: tuple[Need, ...] = ()) -> Module:
    needs = (*(Need(keyword, 1) for keyword in one.split()), *(Need(keyword, 2) for keyword in two.split()))
    return Module(name, section, (*needs, *more))


PATIENT = _module("Patient", "C.7.1.1", two="PatientName PatientID PatientBirthDate PatientSex")
STUDY = _module(
    "General Study",
    "C.7.2.1",
    one="StudyInstanceUID",
    two="StudyDate StudyTime ReferringPhysicianName StudyID AccessionNumber",
)
SERIES = _module("General Series", "C.7.3.1", one="Modality SeriesInstanceUID", two="SeriesNumber")
# Of a Secondary Capture: where the series has no modality of its own, it has none.
_SERIES_WITHOUT_MODALITY = _module("General Series", "C.7.3.1", one="SeriesInstanceUID", two="SeriesNumber")
EQUIPMENT = _module("General Equipment", "C.7.5.1", two="Manufacturer")
IMAGE = _module("General Image", "C.7.6.1", two="InstanceNumber PatientOrientation")
PIXELS = _module(
    "Image Pixel",
    "C.7.6.3",
    one="SamplesPerPixel PhotometricInterpretation Rows Columns BitsAllocated BitsStored HighBit PixelRepresentation",
    more=(Need("PlanarConfiguration", 1, When.COLOUR),),
)
MULTI_FRAME = _module("Multi-frame", "C.7.6.6", one="NumberOfFrames FrameIncrementPointer")
SOP_COMMON = _module("SOP Common", "C.12.1", one="SOPClassUID SOPInstanceUID")

# What every film has, whatever its class.
COMMON = (SOP_COMMON, PATIENT, STUDY, SERIES, PIXELS, MULTI_FRAME)

_VL_IMAGE = _module(
    "VL Image",
    "C.8.12.1",
    one="ImageType",
    two="LossyImageCompression",
    more=(Need("AnatomicRegionSequence", 1, When.NO_SPECIMEN),),
)
_ACQUISITION_CONTEXT = _module("Acquisition Context", "C.7.6.14", two="AcquisitionContextSequence")
VISIBLE_LIGHT = (*COMMON, EQUIPMENT, IMAGE, _ACQUISITION_CONTEXT, _VL_IMAGE)

TRUE_COLOUR = (
    *(_SERIES_WITHOUT_MODALITY if module is SERIES else module for module in COMMON),
    IMAGE,
    _module("SC Equipment", "C.8.6.1", one="ConversionType"),
    _module("SC Multi-frame Image", "C.8.6.3", one="BurnedInAnnotation"),
)

GREY_BYTES = (
    *(_SERIES_WITHOUT_MODALITY if module is SERIES else module for module in COMMON),
    IMAGE,
    _module("SC Equipment", "C.8.6.1", one="ConversionType"),
    _module(
        "SC Multi-frame Image",
        "C.8.6.3",
        one="BurnedInAnnotation PresentationLUTShape RescaleIntercept RescaleSlope RescaleType",
    ),
)

# Of single pictures.
_STILL = tuple(module for module in COMMON if module is not MULTI_FRAME)
STILL_VISIBLE_LIGHT = (*_STILL, EQUIPMENT, IMAGE, _ACQUISITION_CONTEXT, _VL_IMAGE)
STILL_CAPTURE = (
    *(_SERIES_WITHOUT_MODALITY if module is SERIES else module for module in _STILL),
    IMAGE,
    _module("SC Equipment", "C.8.6.1", one="ConversionType"),
)

ULTRASOUND = (*COMMON, EQUIPMENT, IMAGE, _module("US Image", "C.8.5.6", two="ImageType"))

OPHTHALMIC = (
    *COMMON,
    EQUIPMENT,
    IMAGE,
    _module(
        "Synchronization",
        "C.7.4.2",
        one="SynchronizationFrameOfReferenceUID SynchronizationTrigger AcquisitionTimeSynchronized",
    ),
    _module(
        "Ophthalmic Photography Image",
        "C.8.17.2",
        one="ImageType InstanceNumber ContentDate ContentTime LossyImageCompression BurnedInAnnotation",
        more=(
            Need("LossyImageCompressionRatio", 1, When.LOSSY),
            Need("LossyImageCompressionMethod", 1, When.LOSSY),
        ),
    ),
    _module("Ocular Region Imaged", "C.8.17.5", one="ImageLaterality AnatomicRegionSequence"),
    _module(
        "Ophthalmic Photography Acquisition Parameters",
        "C.8.17.4",
        two="PatientEyeMovementCommanded HorizontalFieldOfView RefractiveStateSequence EmmetropicMagnification "
        "IntraOcularPressure PupilDilated",
    ),
    _module(
        "Ophthalmic Photographic Parameters",
        "C.8.17.3",
        one="AcquisitionDeviceTypeCodeSequence",
        two="IlluminationTypeCodeSequence LightPathFilterTypeStackCodeSequence ImagePathFilterTypeStackCodeSequence "
        "LensesCodeSequence DetectorType",
    ),
)

# The values that the standard enumerates, where it matters for films.
ENUMERATED: dict[str, tuple[str, ...]] = {
    "PatientSex": ("M", "F", "O"),
    "SmokingStatus": ("YES", "NO", "UNKNOWN"),
    "Laterality": ("R", "L"),
    "ImageLaterality": ("R", "L", "U", "B"),
    "BurnedInAnnotation": ("YES", "NO"),
    "RecognizableVisualFeatures": ("YES", "NO"),
    "PatientIdentityRemoved": ("YES", "NO"),
    "LossyImageCompression": ("00", "01"),
    "StereoPairsPresent": ("YES", "NO"),
    "AcquisitionTimeSynchronized": ("Y", "N"),
    "PreferredPlaybackSequencing": ("0", "1"),
}
# Image Type, value by value (PS3.3 C.7.6.1.1.2).
IMAGE_TYPE: tuple[tuple[str, ...], ...] = (("ORIGINAL", "DERIVED"), ("PRIMARY", "SECONDARY"))
