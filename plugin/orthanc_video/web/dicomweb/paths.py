"""The paths of DICOMweb's resources (PS3.18 10.1), below a server's root. Pure."""

from __future__ import annotations


def resource(study: str, series: str = "", instance: str = "", part: str = "") -> str:
    """That of a study, series or instance by their UIDs, or of a part of it, such as its metadata."""
    names = (("studies", study), ("series", series), ("instances", instance))
    known = [*(f"{name}/{uid}" for name, uid in names if uid), *([part] if part else [])]
    return "/" + "/".join(known)
