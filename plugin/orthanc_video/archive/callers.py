"""Who asks: the headers by which Orthanc, or one of its plugins, may know a caller. The gateway has no users."""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from typing import Any

# The headers that prove who somebody is by themselves; then all that Orthanc or its plugins may go by.
PROOFS = ("authorization", "token", "auth-token", "api-key")
_CREDENTIALS = ("authorization", "cookie", "token", "auth-token", "api-key", "x-forwarded-for")
Credentials = tuple[tuple[str, str], ...]
_SALT = secrets.token_bytes(16)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks: the headers that may prove it, whether from this machine, whether Orthanc itself passed the call on.

    ``vouched``: the request came in through Orthanc's own port, so Orthanc has already allowed its method and path.
    """

    credentials: Credentials = field(default=(), repr=False)
    local: bool = True
    vouched: bool = False

    @property
    def unvouched(self) -> Caller:
        """The same, of whom Orthanc has to be asked: that it let another path pass says nothing."""
        return Caller(credentials=self.credentials, local=self.local)

    @property
    def key(self) -> str:
        """What remembered answers are filed under; nothing secret is kept."""
        text = repr((self.credentials, self.local)).encode()
        return hashlib.sha256(_SALT + text).hexdigest()

    def owner(self, salt: str) -> str:
        """Who this is, to be known again after a restart and from another address; nothing secret can be read from it.

        A user is known by name, whatever the password is by now: whether it is right, Orthanc says at each request.
        Cookies then are what a page remembers, such as its colours.
        """
        named = any(_user(value) != value for name, value in self.credentials if name == "authorization")
        passing = {"x-forwarded-for", "cookie"} if named else {"x-forwarded-for"}
        known = [(name, _user(value)) for name, value in self.credentials if name not in passing]
        return hashlib.sha256(f"{salt} {known!r}".encode()).hexdigest()


def _user(value: str) -> str:
    """The user's name in Basic credentials; any other value as it is."""
    scheme, _, encoded = value.partition(" ")
    if scheme.lower() != "basic":
        return value
    try:
        return base64.b64decode(encoded.strip(), validate=True).decode("utf-8", "replace").partition(":")[0]
    except ValueError:
        return value


def credentials_of(headers: Any) -> Credentials:
    """Those headers of a request by which Orthanc (or one of its plugins) may know a caller."""
    return tuple((name, headers[name]) for name in _CREDENTIALS if name in headers)


def proofs_of(caller: Caller) -> Credentials:
    """Of a caller's credentials those that prove who it is, from wherever it asks; cookies are its browser's affair."""
    return tuple((name, value) for name, value in caller.credentials if name in PROOFS)
