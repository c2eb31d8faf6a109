"""The Store Instances Response module (PS3.18 I.2), in the DICOM JSON Model, and the status that goes with it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from orthanc_video.dicom.jsonmodel import Model
from orthanc_video.errors import (
    BadRequest,
    BrokenVideo,
    Busy,
    Duplicate,
    Forbidden,
    Nonconforming,
    NotVideo,
    TooLarge,
    Unauthorized,
    UnsupportedClass,
    UnsupportedMedia,
    VideoError,
    whole,
)

# Failure Reason (PS3.18 Table I.2-2, and for the last two PS3.7 C) of what can go wrong with one instance.
_PROCESSING = 0x0110
REASONS: dict[type[VideoError], int] = {
    TooLarge: 0xA700,
    Busy: 0xA700,
    Nonconforming: 0xA900,
    BadRequest: 0xC000,
    NotVideo: 0xC000,
    BrokenVideo: 0xC000,
    UnsupportedMedia: 0xC122,
    UnsupportedClass: 0x0122,
    Duplicate: 0x0111,
    Unauthorized: 0x0124,
    Forbidden: 0x0124,
}
COERCED, DISCARDED, MISMATCHED = 0xB000, 0xB006, 0xB007
# Where nothing was stored, and always for the same reason, the status says that (PS3.18 8.5); else 409.
_TELLING = frozenset({400, 401, 403, 413, 501, 503})
_CONFLICT = 409


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """What an instance calls itself; empty where it does not say."""

    sop_class: str = ""
    sop_instance: str = ""
    study: str = ""
    series: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """An instance in Orthanc, and the keywords of what its sender had said otherwise, left out, or cannot keep."""

    name: Named
    coerced: tuple[str, ...] = ()
    filled: tuple[str, ...] = ()
    discarded: tuple[str, ...] = ()

    @property
    def warning(self) -> int:
        """The gravest of those that apply, since there is room for one; 0 for none."""
        if self.discarded:
            return DISCARDED
        return COERCED if self.coerced else MISMATCHED if self.filled else 0

    @property
    def words(self) -> str:
        told = (
            (self.discarded, "Discarded, since it cannot be stored"),
            (self.coerced, "Replaced by what the stream says"),
            (self.filled, "Added without a value, since the SOP class demands it"),
        )
        return " ".join(f"{what}: {', '.join(names)}." for names, what in told if names)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """An instance, or a part that is none, and why it was not stored."""

    name: Named = Named()
    error: VideoError

    @property
    def reason(self) -> int:
        return REASONS.get(type(self.error), _PROCESSING)


Result = Stored | Failed


def status_of(results: Sequence[Result]) -> int:
    """200, 202 where something failed or was warned of, else what all failed for (PS3.18 10.5.3.1)."""
    failed = [one for one in results if isinstance(one, Failed)]
    if len(failed) == len(results):
        kinds = {one.error.status for one in failed}
        return kinds.pop() if len(kinds) == 1 and kinds <= _TELLING else _CONFLICT
    return 202 if failed or any(isinstance(one, Stored) and one.warning for one in results) else 200


def study_of(results: Sequence[Result]) -> str:
    """The study that all stored instances are in; empty where they are in several, or none is stored."""
    studies = {one.name.study for one in results if isinstance(one, Stored)}
    return studies.pop() if len(studies) == 1 else ""


def study_url(root: str, study: str) -> str:
    """``root`` is the URL of the DICOMweb service."""
    return "/".join((root, "studies", study))


def module(results: Sequence[Result], root: str) -> Model:
    """The response; ``root`` is the URL of the DICOMweb service. Words on each instance are in Text Value."""
    study = study_of(results)
    model: Model = {"00081190": _element("UR", study_url(root, study) if study else None)}
    for tag, items in (
        ("00081198", [_failure(one) for one in results if isinstance(one, Failed) and one.name.sop_instance]),
        ("00081199", [_reference(one, root) for one in results if isinstance(one, Stored)]),
        ("0008119A", [_failure(one) for one in results if isinstance(one, Failed) and not one.name.sop_instance]),
    ):
        if items:
            model[tag] = {"vr": "SQ", "Value": items}
    return model


def _reference(stored: Stored, root: str) -> Model:
    name = stored.name
    url = "/".join((study_url(root, name.study), "series", name.series, "instances", name.sop_instance))
    item = _sop(name) | {"00081190": _element("UR", url)}
    if stored.warning:
        item |= {"00081196": _element("US", stored.warning), "0040A160": _element("UT", stored.words)}
    return item


def _failure(failed: Failed) -> Model:
    item = _sop(failed.name) if failed.name.sop_instance else {}
    return item | {
        "00081197": _element("US", failed.reason),
        "0040A160": _element("UT", whole(failed.error.sentence)),
    }


def _sop(name: Named) -> Model:
    return {"00081150": _element("UI", name.sop_class or None), "00081155": _element("UI", name.sop_instance)}


def _element(vr: str, value: Any) -> Model:
    return {"vr": vr} if value is None else {"vr": vr, "Value": [value]}
