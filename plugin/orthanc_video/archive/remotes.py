"""The systems that Orthanc knows by name: its modalities, and the servers of its DICOMweb plugin."""

from __future__ import annotations

from typing import Any

from orthanc_video.archive.service import Archive


def modalities(archive: Archive) -> dict[str, dict[str, Any]]:
    """Of the configuration, or of Orthanc's database where ``DicomModalitiesInDatabase`` says so: AET, Host, Port …"""
    found: dict[str, dict[str, Any]] = archive.get("/modalities?expand") or {}
    return found


def web_servers(archive: Archive, root: str) -> dict[str, dict[str, Any]]:
    """Url, Username, Timeout …, and of HttpHeaders the names alone; none where the plugin under ``root`` is missing."""
    found: dict[str, dict[str, Any]] = archive.get(f"{root}/servers?expand") or {}
    return found
