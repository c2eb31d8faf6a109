"""The transfer syntax that a request asks for."""

from __future__ import annotations

from orthanc_video.dicom import syntaxes
from orthanc_video.errors import BadRequest


def wanted(name: str) -> str:
    """Its UID, by UID or keyword (PS3.6 A) in any case; empty for an empty name. Raises BadRequest with the choices."""
    if not name.strip():
        return ""
    syntax = syntaxes.BY_NAME.get(name.strip().upper())
    if syntax is None:
        made = (one for one in syntaxes.BY_NAME.values() if one.uid not in syntaxes.UNMADE)
        choices = ", ".join(dict.fromkeys(one.keyword for one in made))
        raise BadRequest(f'TransferSyntax "{name}" is none of: {choices}, or their UIDs.')
    if syntax.uid in syntaxes.UNMADE:
        raise BadRequest(f"{syntax.name} cannot be made: {syntaxes.UNMADE[syntax.uid]}.")
    return syntax.uid
