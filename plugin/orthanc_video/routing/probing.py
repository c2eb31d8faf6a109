"""Trying out what a PACS takes: which test objects it is sent, and what that shows: a table, and words for a profile.

Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydicom.dataset import Dataset
from pydicom.uid import UID

from orthanc_video.dicom.build import derived_uid
from orthanc_video.form import Form, Kind
from orthanc_video.plain import to_json
from orthanc_video.routing import steps, words
from orthanc_video.routing.capabilities import Capabilities
from orthanc_video.routing.held import Held
from orthanc_video.routing.limits import Limits
from orthanc_video.routing.outcomes import Outcome

# Whoever finds the objects has to see that they are nobody's, and who sent them.
PATIENT_ID, PATIENT_NAME = "ORTHANC-VIDEO-PROBE", "Orthanc-Video^Probe"
ATTRIBUTES = {
    "PatientID": PATIENT_ID,
    "PatientName": PATIENT_NAME,
    "PatientComments": "Nobody: test objects of orthanc-video probe-pacs, which may be deleted.",
    "StudyDescription": "Test of orthanc-video probe-pacs",
}
_LONGEST_LO = 64
_HEADINGS = ("Form", "SOP class", "Transfer syntax", "Accepted", "Stored", "Found", "Committed", "Status and comment")
_VIDEOS = frozenset({Kind.STORED, Kind.REWRAPPED, Kind.TRANSCODED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One form. ``accepted`` in the association; None where a server cannot be asked.

    ``outcome`` is None where nothing was sent, and ``unmade`` says why nothing could be. ``found`` by C-FIND and
    ``committed`` are None where it was not asked.
    """

    form: Form
    accepted: bool | None
    outcome: Outcome | None = None
    unmade: str = ""
    found: bool | None = None
    committed: bool | None = None

    @property
    def stored(self) -> bool | None:
        return None if self.outcome is None else self.outcome.delivered

    @property
    def works(self) -> bool:
        """Whether a video may go there in this form, as far as it was tried."""
        return self.accepted is not False and self.stored is not False and self.found is not False and not self.unmade


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """``echo`` is the milliseconds that C-ECHO took, None where it was not answered; ``remarks`` sentences."""

    destination: str
    capabilities: Capabilities
    echo: float | None
    tried: tuple[Tried, ...]
    sent: bool
    remarks: tuple[str, ...] = ()


def forms(held: Held) -> tuple[Form, ...]:
    """Every form of the ladder that a test video can have, one object each: of a series of stills the first image."""
    every = (form for step in steps.of(held, Limits()) for form in step.forms)
    return tuple(replace(form, last=1) if form.kind is Kind.STILLS else form for form in every)


def label(dataset: Dataset, form: Form) -> None:
    """Makes a copy of the test video an object of its own, in a series that says what it was sent as."""
    name = f"{form.kind}: {words.syntax_name(form.transfer_syntax)}"
    dataset.SeriesDescription = name[:_LONGEST_LO]
    key = (str(dataset.StudyInstanceUID), form.kind, form.sop_class, form.transfer_syntax)
    dataset.SeriesInstanceUID = derived_uid("probe series", *key)
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = UID(derived_uid("probe", *key))


def table(tried: Iterable[Tried]) -> Iterator[str]:
    """Its lines, all columns as wide as they have to be."""
    rows = [_HEADINGS, *map(_row, tried)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(_HEADINGS))]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _row(one: Tried) -> tuple[str, ...]:
    answers = (one.accepted, one.stored, one.found, one.committed)
    names = words.class_name(one.form.sop_class), words.syntax_name(one.form.transfer_syntax)
    return (str(one.form.kind), *names, *map(_yes, answers), _told(one))


def _yes(answer: bool | None) -> str:
    return "–" if answer is None else "yes" if answer else "no"


def _told(one: Tried) -> str:
    if one.unmade:
        return f"not sent: {one.unmade}"
    if one.outcome is None:
        return ""
    if one.outcome.result == "delivered":
        return "0000"
    return one.outcome.sentence


def as_json(report: Report) -> dict[str, Any]:
    """The same as JSON types. ``Profile`` has the subjects of a profile (routing/profiles/), without the test."""
    return {
        "Destination": report.destination,
        "EchoMilliseconds": report.echo,
        "Capabilities": report.capabilities.to_json(),
        "Forms": [_one(one) for one in report.tried],
        "PatientID": PATIENT_ID if report.sent else None,
        "Remarks": list(report.remarks),
        "Profile": {subject: {"says": said} for subject, said in says(report).items()},
    }


def _one(one: Tried) -> dict[str, Any]:
    form = to_json(one.form)
    return {
        "Kind": form["kind"],
        "SOPClassUID": form["sop_class"],
        "Class": words.class_name(form["sop_class"]),
        "TransferSyntaxUID": form["transfer_syntax"],
        "Syntax": words.syntax_name(form["transfer_syntax"]),
        "Accepted": one.accepted,
        "Stored": one.stored,
        "Found": one.found,
        "Committed": one.committed,
        "Status": one.outcome.status if one.outcome else None,
        "Comment": one.outcome.comment if one.outcome else "",
        "Sentence": one.unmade or (one.outcome.sentence if one.outcome else ""),
    }


def says(report: Report) -> dict[str, str]:
    """What it shows of each subject of a profile; of limits it shows nothing."""
    videos = [one for one in report.tried if one.form.kind in _VIDEOS]
    frames = [one for one in report.tried if one.form.kind not in _VIDEOS]
    return {
        "doors": _doors(report),
        "video": _works(videos),
        "frames": _works(frames),
        "verification": _verification(report),
    }


def _doors(report: Report) -> str:
    if any(one.accepted is None for one in report.tried):
        return "STOW-RS." if any(one.stored for one in report.tried) else "Nothing."
    stores = bool(report.capabilities.accepted)
    doors = [name for name, there in (("C-ECHO", report.echo is not None), ("C-STORE", stores)) if there]
    return f"{' and '.join(doors) or 'Nothing'}."


def _works(tried: list[Tried]) -> str:
    """Which transfer syntaxes of each class get there; classes of the same are told together."""
    by_answer: defaultdict[tuple[tuple[str, ...], tuple[str, ...]], list[str]] = defaultdict(list)
    for sop_class, several in _by_class(tried).items():
        good = _names(one for one in several if one.works)
        bad = tuple(name for name in _names(one for one in several if not one.works) if name not in good)
        by_answer[good, bad].append(words.class_name(sop_class))
    return " ".join(_sentence(_and(classes), good, bad, _how(tried)) for (good, bad), classes in by_answer.items())


def _by_class(tried: Iterable[Tried]) -> Mapping[str, list[Tried]]:
    found: defaultdict[str, list[Tried]] = defaultdict(list)
    for one in tried:
        found[one.form.sop_class].append(one)
    return found


def _names(tried: Iterable[Tried]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(words.syntax_name(one.form.transfer_syntax) for one in tried))


def _how(tried: list[Tried]) -> str:
    """As far as those that work were tried."""
    good = [one for one in tried if one.works]
    if any(one.stored is None for one in good):
        return "accepted"
    return "accepted and stored" if any(one.found is None for one in good) else "accepted, stored and found again"


def _sentence(classes: str, good: tuple[str, ...], bad: tuple[str, ...], how: str) -> str:
    if not good:
        return f"{classes}: none of {_and(bad)}."
    left = f"; not in {_and(bad)}" if bad else ""
    return f"{classes} in {_and(good)}: {how}{left}."


def _and(names: Iterable[str]) -> str:
    several = list(names)
    return several[0] if len(several) == 1 else f"{', '.join(several[:-1])} and {several[-1]}"


def _verification(report: Report) -> str:
    """C-FIND, then storage commitment; of a DICOMweb server, which knows neither, nothing."""
    if any(one.accepted is None for one in report.tried):
        return "The answer to STOW-RS alone was looked at."
    known, sent = report.capabilities, [one for one in report.tried if one.stored]
    told = [f"{'' if known.find else 'No '}Study Root C-FIND"]
    if known.find and sent and all(one.found is not None for one in sent):
        told[0] += ", which finds what was sent" if all(one.found for one in sent) else ", which does not find it all"
    committing = "Storage Commitment" if known.commitment else "no Storage Commitment"
    if known.commitment and sent and all(one.committed is not None for one in sent):
        committing += " to all that was sent" if all(one.committed for one in sent) else ", but not to all"
    return f"{told[0]}; {committing}."
