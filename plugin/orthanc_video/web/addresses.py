"""Where the sender of a request reaches this gateway: what absolute addresses in answers begin with."""

from __future__ import annotations

import re

from starlette.requests import Request

from orthanc_video.settings import Settings

_HOST = re.compile(r"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?", re.ASCII)
# Of these a proxy sends at least one.
_PROXIED = frozenset({"forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip"})
_FORWARDED = re.compile(r'(?:^|;)\s*(host|proto)\s*=\s*(?:"([^"]*)"|([^;"\s]*))', re.ASCII | re.IGNORECASE)


def outside(request: Request, settings: Settings) -> str:
    """Scheme, host and port, without a slash at the end: ``PublicUrl``, else as the first proxy was asked.

    Anybody may claim to have been sent on (RFC 7239, X-Forwarded-Host, X-Forwarded-Proto), or write any Host: all that
    comes of it is an address in the answer to that very request.
    """
    if settings.gateway.public_url:
        return settings.gateway.public_url.rstrip("/")
    first = request.headers.get("forwarded", "").partition(",")[0]
    said = {name.lower(): quoted or plain for name, quoted, plain in _FORWARDED.findall(first)}
    scheme = said.get("proto") or _first(request, "x-forwarded-proto")
    host = said.get("host") or _first(request, "x-forwarded-host")
    if scheme.lower() not in {"http", "https"}:
        scheme = request.url.scheme
    if not _HOST.fullmatch(host):
        host = _asked(request)
    return f"{scheme.lower()}://{host}"


def _asked(request: Request) -> str:
    """Host, with the port that was asked where a client leaves it out, as dicomweb-client does; a proxy may mean it."""
    host = request.headers.get("host", "")
    name, port = request.scope.get("server") or ("localhost", None)
    if not _HOST.fullmatch(host):
        host = f"[{name}]" if ":" in name else name
    elif re.search(r":\d+$", host) or not _PROXIED.isdisjoint(request.headers.keys()):
        return host
    return host if port in {None, 80, 443} else f"{host}:{port}"


def _first(request: Request, name: str) -> str:
    return request.headers.get(name, "").partition(",")[0].strip()
