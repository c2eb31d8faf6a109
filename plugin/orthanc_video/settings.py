"""The one configuration there is: Orthanc's own, with its section ``VideoGateway``.

``Settings`` is frozen and made once at start, from the configuration that the plugin hands over
(or from an orthanc.json on disk when the gateway runs by itself).
"""

from __future__ import annotations

import ipaddress
import json
import os
import re
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from orthanc_video.errors import ConfigurationError

SECTION = "VideoGateway"
# Keys of the section that name folders; relative ones count from the configuration's folder.
FOLDERS = ("Directory", "OHIF")
MIB = 1 << 20
# When a video that browsers cannot play gets a rendition that they can: when it is first asked for, or before.
ON_REQUEST, ON_ARRIVAL = "none", "on-arrival"
# What happens to a transcode that is less like its source than is demanded, or whose source cannot be decoded whole.
FLAG, REFUSE = "flag", "refuse"
AUDIO = ("drop", "keep")

# One SDK buffer of Orthanc is counted in 32 bits, and one DICOM fragment holds at most 2**32 - 2 bytes.
LARGEST_INSTANCE = (1 << 32) - 2 - 16 * MIB
LARGEST_MB = LARGEST_INSTANCE // MIB


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """Section ``VideoGateway``. Field names are the configuration's keys in snake case; docs/configuration.md."""

    launch: bool = True
    python: str = ""
    url: str = ""
    orthanc_url: str = ""
    host: str = "127.0.0.1"
    port: int = 8043
    public_url: str = ""
    allowed_origins: list[str] = field(default_factory=list)
    override_instances: bool = True
    directory: str = ""
    database: str = field(default="", repr=False)
    workers: bool = True
    worker_metrics_port: int = 0
    username: str = ""
    password: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)
    session_minutes: float = 60.0
    answer_seconds: float = 30.0
    probe_seconds: float = 10.0
    job_seconds: float = 4 * 3600.0
    maximum_upload_mb: int = 16384
    instance_mb: int = 2048
    instance_minutes: float = 0.0
    minimum_free_disk_mb: int = 512
    spool_mb: int = 0
    upload_expires_hours: float = 24.0
    worker_memory_mb: int = 3072
    transcodes: int = 0
    stow_converts: bool = False
    sop_class: str = "photographic"
    profiles: dict[str, Any] = field(default_factory=dict)
    rules: list[Any] = field(default_factory=list)
    destinations: dict[str, Any] = field(default_factory=dict)
    routes: list[Any] = field(default_factory=list)
    audio: str = "drop"
    constant_rate: float = 0.0
    transcode_preset: str = "veryfast"
    transcode_crf: int = 20
    minimum_psnr: float = 35.0
    minimum_ssim: float = 0.95
    quality_policy: str = FLAG
    renditions: str = "on-arrival"
    cache_mb: int = 8192
    index_cache_entries: int = 256
    ohif: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calling:
    """What Orthanc calls other systems with. Times in seconds, 0: as long as it takes; files by path, empty for none.

    ``servers`` are the DICOMweb servers of the configuration with their secrets, which Orthanc's REST API hides.
    """

    aet: str = "ORTHANC"
    timeout: int = 10
    tls_certificate: str = ""
    tls_key: str = field(default="", repr=False)
    tls_trusted: str = ""
    tls_verify: bool = True
    https_verify: bool = True
    https_trusted: str = ""
    https_timeout: int = 0
    servers: dict[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the gateway needs to know of itself and of the Orthanc that it serves."""

    gateway: Gateway
    orthanc_url: str
    username: str = ""
    password: str = field(default="", repr=False)
    authentication: bool = False
    remote_access: bool = False
    storage_directory: Path | None = None
    directory: Path
    maximum_upload: int
    dicom_web_root: str = "/dicom-web"
    # Empty where Orthanc's DICOMweb plugin has no WADO-URI.
    wado_root: str = "/wado"
    calling: Calling = Calling()

    @property
    def largest_file(self) -> int:
        """Bytes that a media process may write into one file: as large as an upload, or as an object."""
        return max(self.maximum_upload, LARGEST_INSTANCE) + 64 * MIB

    @property
    def spool(self) -> Path:
        return self.directory / "spool"

    @property
    def uploads(self) -> Path:
        return self.directory / "uploads"

    @property
    def database(self) -> Path:
        return self.directory / "jobs.sqlite"

    @property
    def cache(self) -> Path:
        return self.directory / "cache"


# Never shown, not even when they are wrong.
_HIDDEN = {"Database", "Password", "Secret"}
_KINDS: dict[type, str] = {dict: "object", list: "array"}
_WORDS = {"sop": "SOP", "url": "Url", "mb": "MB", "crf": "CRF", "psnr": "PSNR", "ssim": "SSIM", "ohif": "OHIF"}


def key_of(name: str) -> str:
    """The configuration key of a field: ``answer_seconds`` → ``AnswerSeconds``."""
    return "".join(_WORDS.get(word, word.capitalize()) for word in name.split("_"))


def _section(configuration: dict[str, Any]) -> Gateway:
    given = configuration.get(SECTION, {})
    if not isinstance(given, dict):
        raise ConfigurationError(f'"{SECTION}" in the configuration must be an object.')
    known = {key_of(f.name): f for f in fields(Gateway)}
    values: dict[str, Any] = {}
    for key, value in given.items():
        if key not in known:
            raise ConfigurationError(f'"{SECTION}.{key}" is no setting of orthanc-video; see docs/configuration.md.')
        default = getattr(Gateway(), known[key].name)
        if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if type(value) is not type(default):
            shown = "another" if key in _HIDDEN else json.dumps(value)
            kind = _KINDS.get(type(default), type(default).__name__)
            raise ConfigurationError(f'"{SECTION}.{key}" must be of type {kind}, but is {shown}.')
        values[known[key].name] = value
    return Gateway(**values)


def is_loopback(host: str) -> bool:
    """Whether listening on, or coming from, ``host`` stays on this machine."""
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)


def _service_user(configuration: dict[str, Any], gateway: Gateway) -> tuple[str, str]:
    """Whose credentials the gateway's own requests (storing a finished job) carry."""
    if gateway.username:
        return gateway.username, gateway.password
    users = configuration.get("RegisteredUsers") or {}
    for name, password in users.items():
        return str(name), str(password)
    return "", ""


def _dicom_web(configuration: dict[str, Any]) -> dict[str, Any]:
    """The section of Orthanc's DICOMweb plugin."""
    found = configuration.get("DicomWeb")
    return found if isinstance(found, dict) else {}


def _wado_root(section: dict[str, Any]) -> str:
    return "/" + str(section.get("WadoRoot", "/wado")).strip("/") if section.get("EnableWado", True) else ""


def _calling(configuration: dict[str, Any]) -> Calling:
    """Orthanc's own keys, with its own defaults."""
    servers = _dicom_web(configuration).get("Servers")
    return Calling(
        aet=str(configuration.get("DicomAet", "ORTHANC")),
        timeout=int(configuration.get("DicomScuTimeout", 10)),
        tls_certificate=str(configuration.get("DicomTlsCertificate", "")),
        tls_key=str(configuration.get("DicomTlsPrivateKey", "")),
        tls_trusted=str(configuration.get("DicomTlsTrustedCertificates", "")),
        tls_verify=bool(configuration.get("DicomTlsRemoteCertificateRequired", True)),
        https_verify=bool(configuration.get("HttpsVerifyPeers", True)),
        https_trusted=str(configuration.get("HttpsCACertificates", "")),
        https_timeout=int(configuration.get("HttpTimeout", 0)),
        servers=servers if isinstance(servers, dict) else {},
    )


def settings_from(configuration: dict[str, Any]) -> Settings:
    """Settings out of Orthanc's whole configuration; raises ConfigurationError with the key at fault."""
    gateway = _section(configuration)
    remote = bool(configuration.get("RemoteAccessAllowed", False))
    # Orthanc turns authentication on by itself as soon as remote access is allowed.
    authentication = bool(configuration.get("AuthenticationEnabled", remote))
    username, password = _service_user(configuration, gateway) if authentication else ("", "")
    if authentication and not username:
        raise ConfigurationError(
            "Orthanc asks for authentication, but the gateway has no user of its own to store finished videos: "
            f'add one to "RegisteredUsers" or set "{SECTION}.Username" and "{SECTION}.Password".'
        )
    storage = Path(str(configuration.get("StorageDirectory", "OrthancStorage"))).resolve()
    directory = Path(gateway.directory).resolve() if gateway.directory else storage / "video-gateway"
    scheme = "https" if configuration.get("SslEnabled") else "http"
    settings = Settings(
        gateway=gateway,
        orthanc_url=gateway.orthanc_url or f"{scheme}://127.0.0.1:{configuration.get('HttpPort', 8042)}",
        username=username,
        password=password,
        authentication=authentication,
        remote_access=remote,
        storage_directory=storage,
        directory=directory,
        maximum_upload=gateway.maximum_upload_mb * MIB,
        wado_root=_wado_root(_dicom_web(configuration)),
        dicom_web_root="/" + str(_dicom_web(configuration).get("Root", "/dicom-web/")).strip("/"),
        calling=_calling(configuration),
    )
    _refuse_nonsense(gateway)
    _refuse_unsafe(settings)
    _refuse_origins(settings)
    return settings


_NOT_ZERO = (
    *("answer_seconds", "probe_seconds", "job_seconds", "upload_expires_hours"),
    *("maximum_upload_mb", "instance_mb", "session_minutes"),
)
_CHOICES = {"renditions": (ON_ARRIVAL, ON_REQUEST), "quality_policy": (FLAG, REFUSE), "audio": AUDIO}
_FASTEST = 240
_AT_MOST = {"port": 65535, "worker_metrics_port": 65535, "minimum_ssim": 1, "session_minutes": 24 * 60}


# Below this a media process cannot even read a film of full HD: FFmpeg and NumPy take 300 MiB of addresses.
LEAST_MEMORY_MB = 512


def _refuse_nonsense(gateway: Gateway) -> None:
    """Numbers that cannot work: every one here is a size, a time or a count, so none is negative, and few may be 0."""
    for one in fields(Gateway):
        value = getattr(gateway, one.name)
        if isinstance(value, int | float) and not isinstance(value, bool) and value < 0:
            raise ConfigurationError(f'"{SECTION}.{key_of(one.name)}" must not be negative, but is {value}.')
    for name in _NOT_ZERO:
        if not getattr(gateway, name):
            raise ConfigurationError(f'"{SECTION}.{key_of(name)}" must be more than 0.')
    if gateway.worker_memory_mb < LEAST_MEMORY_MB:
        told = f'"{SECTION}.WorkerMemoryMB" must be at least {LEAST_MEMORY_MB}, but is {gateway.worker_memory_mb}'
        raise ConfigurationError(f"{told}: a media process with less reads no film.")
    if gateway.instance_mb > LARGEST_MB:
        told = f'"{SECTION}.InstanceMB" must be at most {LARGEST_MB}, but is {gateway.instance_mb}'
        raise ConfigurationError(f"{told}: one DICOM object holds less than 4 GiB.")
    if gateway.constant_rate and not 1 <= gateway.constant_rate <= _FASTEST:
        raise ConfigurationError(f'"{SECTION}.ConstantRate" must be 0, or from 1 to {_FASTEST} frames per second.')
    _refuse_unknown(gateway)
    for name, most in _AT_MOST.items():
        if getattr(gateway, name) > most:
            key = f"{SECTION}.{key_of(name)}"
            raise ConfigurationError(f'"{key}" must be at most {most}, but is {getattr(gateway, name)}.')


def _refuse_unknown(gateway: Gateway) -> None:
    """Words that are none of a setting's choices."""
    for name, choices in _CHOICES.items():
        if getattr(gateway, name) not in choices:
            asked = " or ".join(f'"{choice}"' for choice in choices)
            shown = json.dumps(getattr(gateway, name))
            raise ConfigurationError(f'"{SECTION}.{key_of(name)}" must be {asked}, but is {shown}.')


def _refuse_unsafe(settings: Settings) -> None:
    host = settings.gateway.host
    if is_loopback(host):
        return
    if not settings.authentication:
        raise ConfigurationError(
            f'"{SECTION}.Host" is {host}, but Orthanc asks nobody for a password: the gateway will not open it to '
            'the network. Set "AuthenticationEnabled" and "RegisteredUsers", or leave Host at 127.0.0.1.'
        )
    if not settings.remote_access:
        raise ConfigurationError(
            f'"{SECTION}.Host" is {host}, but Orthanc allows no remote access ("RemoteAccessAllowed" is false). '
            "Allow it in Orthanc first, or leave Host at 127.0.0.1."
        )


_ORIGIN = re.compile(r"https?://(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?")


def _refuse_origins(settings: Settings) -> None:
    key = f"{SECTION}.AllowedOrigins"
    for origin in settings.gateway.allowed_origins:
        if origin != "*" and not (isinstance(origin, str) and _ORIGIN.fullmatch(origin)):
            raise ConfigurationError(
                f'"{key}" holds {json.dumps(origin)}, which is no origin as browsers send it: scheme and host in lower '
                'case, and the port unless it is the usual one, such as "https://viewer.example.org".'
            )
    if "*" in settings.gateway.allowed_origins and not settings.authentication:
        raise ConfigurationError(
            f'"{key}" is "*", but Orthanc asks nobody for a password: every page that somebody opens on this machine '
            'could read all that is stored. Name the origins, or set "AuthenticationEnabled" and "RegisteredUsers".'
        )


def settings_of(path: Path) -> Settings:
    """Settings out of Orthanc's configuration; paths in it count from its folder, as for Orthanc."""
    configuration = read_configuration(path)
    base = path.resolve() if path.is_dir() else path.resolve().parent
    configuration["StorageDirectory"] = str(base / str(configuration.get("StorageDirectory", "OrthancStorage")))
    if configuration.get("HttpsCACertificates"):
        configuration["HttpsCACertificates"] = str(base / str(configuration["HttpsCACertificates"]))
    section = configuration.get(SECTION)
    if isinstance(section, dict):
        for key in FOLDERS:
            if isinstance(section.get(key), str) and section[key]:
                section[key] = str(base / section[key])
    return settings_from(configuration)


_COMMENTS = re.compile(r'("(?:\\.|[^"\\])*")|//[^\n]*|/\*.*?\*/', re.DOTALL)
_VARIABLES = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")


def read_configuration(path: Path) -> dict[str, Any]:
    """A configuration as Orthanc reads it, from a file or a folder of them (Debian's /etc/orthanc)."""
    if not path.is_dir():
        return _read_file(path)
    whole: dict[str, Any] = {}
    for file in sorted(path.glob("*.json")):
        for key, value in _read_file(file).items():
            if key in whole:
                raise ConfigurationError(f'"{key}" is in two files of {path}, which Orthanc refuses: keep one of them.')
            whole[key] = value
    if not whole:
        raise ConfigurationError(f"{path} holds no configuration: no file in it ends in .json.")
    return whole


def _read_file(path: Path) -> dict[str, Any]:
    """One file: comments removed, ``${NAME:-default}`` replaced."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read ({error.strerror}).") from error
    text = _VARIABLES.sub(lambda found: os.environ.get(found[1], found[2] or ""), text)
    text = _COMMENTS.sub(lambda found: found[1] or "", text)
    try:
        loaded = json.loads(text)
    except ValueError as error:
        raise ConfigurationError(f"{path} is not valid JSON: {error}.") from error
    if not isinstance(loaded, dict):
        raise ConfigurationError(f"{path} does not hold a JSON object.")
    return loaded
