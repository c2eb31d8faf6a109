"""Where videos can be sent: Orthanc's own modalities and DICOMweb servers, with what this gateway adds to each.

Nothing is configured twice. Orthanc's REST API says what there is at this moment, its database included. It hides the
secrets of DICOMweb servers: they are those of the configuration, for a server of the same name at the same address.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from orthanc_video.archive import remotes
from orthanc_video.archive.service import Archive
from orthanc_video.errors import NotFound
from orthanc_video.routing.delivery import Terms
from orthanc_video.routing.limits import FIND, NONE, Policy
from orthanc_video.settings import Calling, Settings


@dataclass(frozen=True, slots=True)
class Mover:
    """Who asked by C-MOVE for what is sent (PS3.7 9.3.1.1): its AE title, and the Message ID of that request."""

    aet: str
    message: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Dimse:
    """A peer that is reached by DICOM's own protocol: it is called ``aet``, and Orthanc is ``calling``.

    ``timeout`` in seconds for reaching it, 0: as long as it takes. ``certificate``, ``key`` and ``trusted`` are PEM
    files for TLS, empty for none; ``verify``: the peer has to prove who it is. ``mover`` is named in what it is sent.
    """

    aet: str
    calling: str
    host: str
    port: int
    tls: bool = False
    certificate: str = ""
    key: str = field(default="", repr=False)
    trusted: str = ""
    verify: bool = True
    timeout: float = 10.0
    mover: Mover | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Web:
    """A DICOMweb server. ``url`` is its root and ends with a slash; ``headers`` go with every request.

    ``timeout`` in seconds, 0: as long as it takes; files and ``verify`` as Dimse's. ``chunked``: a request's body may
    come without its length.
    """

    url: str
    username: str = ""
    password: str = field(default="", repr=False)
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    certificate: str = ""
    key: str = field(default="", repr=False)
    key_password: str = field(default="", repr=False)
    trusted: str = ""
    verify: bool = True
    timeout: float = 0.0
    chunked: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination(Policy):
    """One of ``dimse`` and ``web`` is there. ``fault`` is a sentence that says why nothing can be sent there."""

    name: str
    dimse: Dimse | None = None
    web: Web | None = None
    fault: str = ""

    @property
    def aet(self) -> str:
        """Its AE title, empty for a DICOMweb server."""
        return self.dimse.aet if self.dimse else ""


def known(archive: Archive, settings: Settings, policies: Mapping[str, Policy]) -> dict[str, Destination]:
    """Every destination by its name. A modality and a DICOMweb server of one name: the modality is meant.

    Raises Busy when Orthanc does not answer.
    """
    calling, found = settings.calling, dict[str, Destination]()
    for name, told in remotes.web_servers(archive, settings.dicom_web_root).items():
        found[name] = _by_web(name, told, calling, policies.get(name, Policy()))
    for name, told in remotes.modalities(archive).items():
        found[name] = _by_dimse(name, told, calling, policies.get(name, Policy()))
    return dict(sorted(found.items()))


def one(archive: Archive, settings: Settings, policies: Mapping[str, Policy], name: str) -> Destination:
    """Raises NotFound for a name that Orthanc does not know."""
    found = known(archive, settings, policies).get(name)
    if found is None:
        raise NotFound("Orthanc knows no modality and no DICOMweb server of this name.")
    return found


def on_terms(destination: Destination, terms: Terms) -> Destination:
    """The same as one delivery wants it. A DICOMweb server has no such terms.

    Orthanc asks for storage commitment where it knows the destination to be, not elsewhere.
    """
    dimse = destination.dimse
    if dimse is None or terms == Terms():
        return destination
    elsewhere = terms.aet or terms.host or terms.port
    without = NONE if destination.verify == NONE else FIND
    wanted = replace(
        dimse,
        calling=terms.calling or dimse.calling,
        aet=terms.aet or dimse.aet,
        host=terms.host or dimse.host,
        port=terms.port or dimse.port,
        timeout=terms.timeout or dimse.timeout,
        mover=Mover(terms.originator, terms.message) if terms.message else None,
    )
    return replace(destination, dimse=wanted, verify=without if elsewhere else destination.verify)


def _whole(policy: Policy) -> dict[str, Any]:
    return {one.name: getattr(policy, one.name) for one in fields(policy)}


def _by_dimse(name: str, told: Mapping[str, Any], calling: Calling, policy: Policy) -> Destination:
    dimse = Dimse(
        aet=str(told["AET"]),
        calling=str(told.get("LocalAet") or calling.aet),
        host=str(told["Host"]),
        port=int(told["Port"]),
        tls=bool(told.get("UseDicomTls")),
        certificate=calling.tls_certificate,
        key=calling.tls_key,
        trusted=calling.tls_trusted,
        verify=calling.tls_verify,
        timeout=float(told.get("Timeout") or calling.timeout),
    )
    fault = ""
    if not told.get("AllowStore", True):
        fault = f'Orthanc is not to store on {name} ("AllowStore" is false).'
    elif dimse.tls and dimse.verify and not dimse.trusted:
        fault = f'{name} wants TLS, but "DicomTlsTrustedCertificates" does not say which certificates to believe.'
    return Destination(name=name, dimse=dimse, fault=fault, **_whole(policy))


def _by_web(name: str, told: Mapping[str, Any], calling: Calling, policy: Policy) -> Destination:
    url = _root(str(told["Url"]))
    secret = _configured(calling.servers.get(name))
    same = _root(str(secret.get("Url", ""))) == url
    secret = secret if same else {}
    web = Web(
        url=url,
        username=str(told.get("Username") or ""),
        password=str(secret.get("Password", "")),
        headers=tuple((str(key), str(value)) for key, value in dict(secret.get("HttpHeaders") or {}).items()),
        certificate=str(told.get("CertificateFile") or ""),
        key=str(secret.get("CertificateKeyFile", "")),
        key_password=str(secret.get("CertificateKeyPassword", "")),
        trusted=calling.https_trusted,
        verify=calling.https_verify,
        timeout=float(told.get("Timeout") or calling.https_timeout),
        chunked=str(told.get("ChunkedTransfers", "1")).lower() not in {"0", "false"},
    )
    fault = _missing(name, told, web, same=same and secret.get("Username", "") == web.username)
    return Destination(name=name, web=web, fault=fault, **_whole(policy))


def _missing(name: str, told: Mapping[str, Any], web: Web, *, same: bool) -> str:
    """Which secret is needed and not known: those of servers that were added while Orthanc ran."""
    unknown = [header for header in told.get("HttpHeaders") or [] if header not in dict(web.headers)]
    if told.get("Username") and not same:
        unknown.append("Password")
    if told.get("CertificateFile") and not same:
        unknown.append("CertificateKeyFile")
    if told.get("Pkcs11"):
        return f"{name} wants a hardware key (Pkcs11), which this gateway does not use."
    if not unknown:
        return ""
    return (
        f"{name} is not in the configuration as Orthanc has it now, and Orthanc does not tell {', '.join(unknown)}: "
        'put the server into "DicomWeb"."Servers" and restart Orthanc.'
    )


def _configured(entry: Any) -> dict[str, Any]:
    """A server of the configuration: an object, or an array of URL, user and password."""
    if isinstance(entry, list):
        return dict(zip(("Url", "Username", "Password"), entry, strict=False))
    return entry if isinstance(entry, dict) else {}


def _root(url: str) -> str:
    return url.rstrip("/") + "/"
