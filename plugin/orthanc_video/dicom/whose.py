"""Whose video is it: which source says what of it, where several do. Pure.

In this order: the request; the study or patient that it names; the rules of the configuration, with their profile; the
file's name. What nobody says is the builder's: the file's own time, and a patient who is not assigned yet.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from orthanc_video.dicom import attributes, identity
from orthanc_video.dicom.classes import class_for
from orthanc_video.dicom.rules import Site
from orthanc_video.errors import BadRequest

# The names by which a request names what the video joins.
STUDY, PATIENT, ACCESSION = "ParentStudy", "ParentPatient", "AccessionNumber"
# Which patient and study an object belongs to.
IDENTITY = ("PatientID", "StudyInstanceUID")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parent:
    """What is inherited: ``attributes`` of the Patient module, and of a study those of the study modules as well.

    ``key`` is the name by which the request named it. ``series`` has the number of each series of a study by its UID, 0
    where it has none.
    """

    key: str
    attributes: identity.Attributes
    series: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_study(self) -> bool:
        return self.key != PATIENT

    def series_number(self, series: str) -> int:
        """That of the series with this UID: its own, or the next one of the study."""
        return self.series.get(series) or max((0, *self.series.values())) + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Whose:
    """The answer: the fields of the same names of an Upload."""

    attributes: dict[str, str]
    sop_class: str
    inherited: identity.Attributes
    region: tuple[str, ...]


def resolved(
    site: Site, given: Mapping[str, str], filename: str, content_type: str, parent: Parent | None = None
) -> Whose:
    """``given`` is the request: DICOM attributes by keyword, SOPClass and Profile. Raises BadRequest."""
    wanted = dict(given)
    for key in (STUDY, PATIENT):
        if key in wanted:
            raise BadRequest(f"{key} names what is in an Orthanc: send the video to its gateway (POST /video/ingest).")
    said = site.said(filename, content_type)
    profile = site.profile(str(wanted.pop("Profile", "")) or said.profile)
    kind = class_for(str(wanted.pop("SOPClass", "")) or profile.sop_class or site.sop_class).choice
    request = attributes.checked(wanted)
    found = settled(request, parent, said.attributes, profile.attributes, said.by_name)
    inherited = parent.attributes if parent is not None else {}
    if parent is not None and parent.is_study:
        found.setdefault("SeriesNumber", str(parent.series_number(found.get("SeriesInstanceUID", ""))))
    ids = {keyword: inherited[keyword] for keyword in IDENTITY if keyword in inherited}
    return Whose(attributes=found | ids, sop_class=kind, inherited=inherited, region=profile.region)


def settled(request: Mapping[str, str], parent: Parent | None, *lower: Mapping[str, str]) -> dict[str, str]:
    """The attributes beside the inherited ones; ``lower`` are the sources after the parent, the first before the next.

    A source that means another patient or another study than one above it says nothing of patient or study. Raises
    BadRequest where the request contradicts what it names.
    """
    if parent is not None:
        refuse_contradiction(request, parent)
    found = dict(request)
    for source in lower:
        silent = _silent(found, parent, source)
        found |= {keyword: value for keyword, value in source.items() if keyword not in {*found, *silent}}
    return found


def refuse_contradiction(request: Mapping[str, str], parent: Parent) -> None:
    """As Orthanc's own /tools/create-dicom: what is inherited is not overridden. No value is quoted."""
    for keyword, value in request.items():
        inherited = parent.attributes.get(keyword, value)
        if not attributes.same(keyword, str(inherited), value):
            what = "study" if parent.is_study else "patient"
            raise BadRequest(f'"{keyword}" contradicts the {what} named by {parent.key}. Leave one of them out.')


def _silent(found: Mapping[str, str], parent: Parent | None, source: Mapping[str, str]) -> frozenset[str]:
    """What a source may not say."""
    if parent is not None and parent.is_study:
        return identity.PATIENT | identity.STUDY | {identity.TIMEZONE}
    inherited = parent.attributes if parent is not None else {}
    if _another({**found, **inherited}, source, "PatientID"):
        return identity.PATIENT | identity.STUDY
    silent = identity.PATIENT if parent is not None else frozenset()
    return silent | identity.STUDY if _another(found, source, "StudyInstanceUID") else silent


def _another(found: Mapping[str, str], source: Mapping[str, str], keyword: str) -> bool:
    return keyword in found and found[keyword] != source.get(keyword, found[keyword])
