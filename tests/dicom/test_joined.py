"""What a joined video says of all that it was joined of."""

from __future__ import annotations

from typing import Any

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from orthanc_video.dicom import derived, joined
from orthanc_video.dicom.build import code

_MPEG2, _H264 = "ISO_13818_2", "ISO_14496_10"
_OTHER = code("113076", "DCM", "Segmentation")


def _said(uid: str, **more: Any) -> Dataset:
    said = Dataset()
    said.SOPClassUID, said.SOPInstanceUID, said.NumberOfFrames = "1.2", uid, 90
    for keyword, value in more.items():
        setattr(said, keyword, value)
    return said


def _named(sources: list[Dataset]) -> Dataset:
    dataset = Dataset()
    dataset.SourceImageSequence = Sequence([Dataset()])
    joined.name(dataset, sources)
    return dataset


def _clip(uid: str, first: int, last: int) -> Dataset:
    items = Sequence([derived.extraction(_said("1.2.3"), [(first, last)])])
    words = f"frames {first} to {last} of the video, cut out."
    return _said(uid, FrameExtractionSequence=items, DerivationDescription=words)


def _extracted(dataset: Dataset) -> list[tuple[str, list[int]]]:
    items = dataset.FrameExtractionSequence
    return [(one.MultiFrameSourceSOPInstanceUID, list(one.CalculatedFrameList)) for one in items]


def test_of_clips_the_frames_of_all_are_named() -> None:
    clips = [_clip("1.1", 1, 50), _clip("1.2", 60, 90)]
    assert _extracted(_named(clips)) == [("1.2.3", [1, 50, 1]), ("1.2.3", [60, 90, 1])]
    assert _extracted(_named([clips[0], _said("1.3")])) == [("1.2.3", [1, 50, 1]), ("1.3", [1, 90, 1])]
    assert "FrameExtractionSequence" not in _named([_said("1.3"), _said("1.4")])


def test_of_clips_the_derivations_of_all_are_told() -> None:
    found = joined.derivation([_clip("1.1", 1, 50), _said("1.3"), _clip("1.2", 60, 90)])
    assert found.DerivationDescription == (
        "Video 1: frames 1 to 50 of the video, cut out. Video 3: frames 60 to 90 of the video, cut out."
    )
    long = [_said(uid, DerivationDescription=uid * 500) for uid in ("1", "2")]
    found = joined.derivation(long)
    assert found.DerivationDescription.count("1" * 400) == found.DerivationDescription.count("2" * 400) == 1


def test_the_steps_of_all_are_told_once() -> None:
    sources = [
        _said("1.1", DerivationCodeSequence=Sequence([derived.LOSSY])),
        _said("1.2", DerivationCodeSequence=Sequence([_OTHER, derived.LOSSY])),
    ]
    told = joined.derivation(sources).DerivationCodeSequence
    assert [one.CodeValue for one in told] == ["113040", "113076"]
    assert len(sources[0].DerivationCodeSequence) == 1


def _lossy(*steps: tuple[str, str]) -> Dataset:
    ratios, methods = ([one[at] for one in steps] for at in (0, 1))
    return _said("1.1", LossyImageCompressionRatio=ratios, LossyImageCompressionMethod=methods)


def _accumulated(*sources: Dataset, anew: bool) -> list[tuple[str, str]]:
    dataset = _lossy(("9", _H264))
    derived.accumulate(dataset, sources, anew=anew)
    ratios, methods = dataset.LossyImageCompressionRatio, dataset.LossyImageCompressionMethod
    if isinstance(methods, str):
        return [(str(ratios), methods)]
    return list(zip(map(str, ratios), methods, strict=True))


def test_lossy_steps_of_all_add_up() -> None:
    h264, mpeg2 = _lossy(("5", _H264)), _lossy(("7", _MPEG2))
    assert _accumulated(h264, mpeg2, anew=True) == [("5", _H264), ("7", _MPEG2), ("9", _H264)]
    # Side by side, not one after the other: none of the pictures was coded twice. The ratio is that of the whole.
    assert _accumulated(h264, _lossy(("6", _H264)), anew=False) == [("9", _H264)]
    twice = _lossy(("7", _MPEG2), ("8", _H264))
    assert _accumulated(twice, h264, anew=False) == [("7", _MPEG2), ("9", _H264)]
    assert _accumulated(h264, twice, anew=False) == [("5", _H264), ("7", _MPEG2), ("9", _H264)]
    assert _accumulated(_said("1.3"), mpeg2, anew=True) == [("7", _MPEG2), ("9", _H264)]
    assert _accumulated(_said("1.3"), anew=True) == [("9", _H264)]
