"""What came of a conversion, as the API tells it: of a job, and of the object that it has made."""

from __future__ import annotations

from typing import Any

from orthanc_video.dicom.history import History
from orthanc_video.model import Counts, Figure, Quality

NOTHING: dict[str, Any] = {"Quality": None, "Frames": None, "Pictures": None}


def shown(history: History | None) -> dict[str, Any]:
    """``Quality`` and ``Frames`` of a transcode, ``Pictures`` of what passed through; null where there is none."""
    if history is None:
        return NOTHING
    return {
        "Quality": _quality(history.quality) if history.quality else None,
        "Frames": _frames(history.counts) if history.counts else None,
        "Pictures": _pictures(history),
    }


def _quality(quality: Quality) -> dict[str, Any]:
    return {
        "PSNR": _figure(quality.psnr),
        "SSIM": _figure(quality.ssim),
        "VMAF": _figure(quality.vmaf) if quality.vmaf else None,
        "NumberOfFrames": quality.frames,
        "LowestFrame": quality.lowest_frame,
        "CRF": quality.crf,
        "Attempts": quality.attempts,
        "Demanded": {"PSNR": quality.demands.psnr, "SSIM": quality.demands.ssim},
        "Met": quality.meets,
    }


def _figure(figure: Figure) -> dict[str, float]:
    return {"Whole": figure.whole, "Percentile1": figure.percentile, "Lowest": figure.lowest}


def _frames(counts: Counts) -> dict[str, Any]:
    return {
        "Coded": counts.coded,
        "Decoded": counts.decoded,
        "Damaged": counts.damaged,
        "DecodingErrors": counts.failed,
        "Written": counts.written,
        "Complete": counts.lossless,
    }


def _pictures(history: History) -> dict[str, Any] | None:
    if history.is_file:
        return _proof("SHA-256 of the file", history.sha256, history.sha256)
    together = " of all parts of the film" if history.part else ""
    return _proof(f"SHA-256 of all coded slices{together}", *history.pictures) if history.pictures else None


def _proof(algorithm: str, source: str, result: str) -> dict[str, Any]:
    return {"Algorithm": algorithm, "Source": source, "Result": result, "Equal": source == result}
