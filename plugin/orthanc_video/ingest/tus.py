"""What the headers of tus 1.0 say (tus.io/protocols/resumable-upload). Pure."""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from typing import Any

from orthanc_video.errors import BadRequest, TooLarge

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-defer-length,creation-with-upload,checksum,expiration,termination"
ALGORITHMS = ("sha1", "sha256", "md5")
CONTENT_TYPE = "application/offset+octet-stream"

_MOST_METADATA = 32 << 10
_MOST_DIGITS = 18
# What the uploader Uppy sends of every file, beside filename and filetype, which say the same.
_REPEATED = frozenset({"name", "type", "relativePath"})


def metadata(header: str) -> dict[str, str]:
    """Upload-Metadata: keys and the texts that their Base64 values hold. Raises BadRequest, TooLarge."""
    if len(header) > _MOST_METADATA:
        raise TooLarge("Upload-Metadata is longer than 32 KiB.")
    found: dict[str, str] = {}
    for pair in header.split(",") if header.strip() else ():
        key, _, value = pair.strip().partition(" ")
        if not key or not key.isascii() or not key.isprintable() or key in found:
            raise BadRequest("Upload-Metadata must be pairs of a key, unique and in ASCII, and a Base64 value.")
        try:
            found[key] = base64.b64decode(value.strip(), validate=True).decode("utf-8")
        except ValueError as error:
            raise BadRequest(f'The value of "{key}" in Upload-Metadata is not UTF-8 text in Base64.') from error
    return {key: value for key, value in found.items() if key not in _REPEATED}


def number(name: str, value: str) -> int:
    """A header that counts bytes. Raises BadRequest."""
    if not value.isascii() or not value.isdigit() or len(value) > _MOST_DIGITS:
        raise BadRequest(f"{name} must be a number of bytes.")
    return int(value)


@dataclass(slots=True)
class Checksum:
    """What an Upload-Checksum promises of a request's body; ``hash`` is fed with what arrives."""

    hash: Any
    expected: bytes = field(repr=False)

    @property
    def matches(self) -> bool:
        return secrets.compare_digest(self.hash.digest(), self.expected)


def checksum(header: str | None) -> Checksum | None:
    """Upload-Checksum: an algorithm's name and a Base64 checksum. Raises BadRequest, also for unknown algorithms."""
    if header is None:
        return None
    algorithm, _, value = header.strip().partition(" ")
    if algorithm not in ALGORITHMS:
        raise BadRequest(f"Upload-Checksum must begin with one of {', '.join(ALGORITHMS)}.")
    try:
        expected = base64.b64decode(value.strip(), validate=True)
    except ValueError as error:
        raise BadRequest("Upload-Checksum holds no Base64 value.") from error
    return Checksum(hashlib.new(algorithm, usedforsecurity=False), expected)
