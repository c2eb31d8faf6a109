"""Which representation of a DICOMweb resource is sent (PS3.18 8.7.7, 8.7.8). Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from orthanc_video.errors import BadRequest, NotAcceptable
from orthanc_video.web import accepting
from orthanc_video.web.accepting import Entry, Offer

_RENDERED = ("image/", "video/")
# Implicit VR Little Endian and Explicit VR Big Endian: never used on the web (8.7.3).
_NEVER = frozenset({"1.2.840.10008.1.2", "1.2.840.10008.1.2.2"})


def wanted(headers: Mapping[str, str], query: Mapping[str, str]) -> tuple[Entry, ...]:
    """What the request accepts: its Accept header, or the accept parameter, which has priority (8.7.8.1).

    Raises NotAcceptable where there is no header (8.7.7) or it contradicts the parameter, BadRequest for a wildcard in
    the parameter.
    """
    if "accept" not in headers:
        raise NotAcceptable("The request has no Accept header, which DICOMweb demands. Send Accept: */* for anything.")
    accepted = _possible(headers["accept"])
    if "accept" not in query:
        return accepted
    asked = _possible(query["accept"])
    if not asked or any("*" in one.name for one in asked):
        raise BadRequest("The accept parameter must name media types, without wildcards.")
    both = tuple(one for one in asked if accepting.chosen(accepted, [Offer(one.name, bool(one.parts), one.syntax)]))
    if not both:
        raise NotAcceptable("What the accept parameter asks for is not among what the Accept header accepts.")
    return both


def refuse_impossible(headers: Mapping[str, str]) -> None:
    """Raises NotAcceptable where nothing is accepted but what is never sent on the web: Orthanc would send it."""
    if accepting.entries(headers.get("accept", "")) and not _possible(headers["accept"]):
        raise NotAcceptable("Transfer syntaxes with implicit VR or in big endian order are not sent by DICOMweb.")


def _possible(accept: str) -> tuple[Entry, ...]:
    """The entries without those that no server can satisfy, which are as if they were not there (8.7.7)."""
    return tuple(one for one in accepting.entries(accept) if one.syntax not in _NEVER)


def chosen(accepted: Sequence[Entry], offers: Sequence[Offer]) -> Offer:
    """The offer to send; raises NotAcceptable, which names all of them, where none is accepted."""
    found = accepting.chosen(accepted, offers)
    if found is None:
        names = dict.fromkeys(f"multipart/related; type={one.kind}" if one.parts else one.kind for one in offers)
        raise NotAcceptable(f"This resource can be had as {', '.join(names)}.")
    return found


def refuse_mixture(accepted: Sequence[Entry]) -> None:
    """Raises BadRequest where a request names DICOM and rendered media types at once (PS3.18 8.7.2)."""
    dicom = any(one.name.startswith("application/dicom") for one in accepted)
    if dicom and any(one.name.startswith(_RENDERED) for one in accepted):
        raise BadRequest("A request may name DICOM media types or rendered ones (image, video), not both.")
