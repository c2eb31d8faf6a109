"""Who somebody is, sealed: what cookies and links carry. Only gateways that share the secret open it, for a while.

Authenticated encryption (Fernet: AES-128-CBC and HMAC-SHA256) with a key for each purpose (HKDF-SHA256).
"""

from __future__ import annotations

import base64
import binascii
import json
import secrets
import time
from dataclasses import dataclass

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from orthanc_video.archive.callers import Credentials
from orthanc_video.errors import Unauthorized

SESSION, LINK = "session", "link"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """Headers that prove who somebody is, until when (Unix time), and of a link the path that it is of."""

    credentials: Credentials
    until: int
    path: str = ""


class Seal:
    """``secret`` is what the gateways of a site share; without one, nothing outlives this process."""

    def __init__(self, secret: str) -> None:
        shared = (secret or secrets.token_hex(32)).encode()
        self._boxes = {purpose: Fernet(_key(shared, purpose)) for purpose in (SESSION, LINK)}

    def close(self, purpose: str, content: Sealed) -> str:
        """As text that fits into a cookie or a query as it is."""
        text = json.dumps([content.until, content.path, content.credentials])
        # Fernet's padding would have to be escaped in a query.
        return self._boxes[purpose].encrypt(text.encode()).decode().rstrip("=")

    def open(self, purpose: str, sealed: str) -> Sealed:
        """What was sealed for this purpose; raises Unauthorized when it is altered, of another gateway, or expired."""
        try:
            padded = sealed.encode() + b"=" * (-len(sealed) % 4)
            until, path, credentials = json.loads(self._boxes[purpose].decrypt(padded))
        except (InvalidToken, binascii.Error, UnicodeError) as error:
            raise Unauthorized(f"This {purpose} was altered, or is not of this gateway. Ask for a new one.") from error
        if time.time() >= until:
            raise Unauthorized(f"This {purpose} has expired. Ask for a new one.")
        return Sealed(credentials=tuple((name, value) for name, value in credentials), until=until, path=path)


def _key(secret: bytes, purpose: str) -> bytes:
    derived = HKDF(hashes.SHA256(), length=32, salt=None, info=f"orthanc-video {purpose} 1".encode()).derive(secret)
    return base64.urlsafe_b64encode(derived)
