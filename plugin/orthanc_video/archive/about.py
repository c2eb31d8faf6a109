"""What runs: an Orthanc's version, its plugins, and whether the gateway's own user may store. For ``doctor``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx

from orthanc_video.archive.access import refuse
from orthanc_video.errors import Busy
from orthanc_video.settings import Settings

_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """``system``: Orthanc's own description of itself; ``plugins``: versions by name; ``stores``: uploads are taken."""

    system: dict[str, Any]
    plugins: dict[str, str]
    stores: bool

    @property
    def version(self) -> str:
        return str(self.system.get("Version", "unknown"))


def ask(settings: Settings) -> About:
    """Asks as the gateway's own user; raises Unauthorized, Forbidden, or Busy when Orthanc does not answer."""
    credentials = (settings.username, settings.password) if settings.username else None
    try:
        with httpx.Client(base_url=settings.orthanc_url, auth=credentials, timeout=_SECONDS, trust_env=False) as client:
            system = _json(client, "/system")
            plugins = {name: str(_json(client, f"/plugins/{name}").get("Version", "")) for name in _names(client)}
            # An empty upload is refused as empty (400) where an upload would be taken.
            stores = client.post("/instances", content=b"").status_code == httpx.codes.BAD_REQUEST
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise Busy("Orthanc does not answer.") from error
    return About(system=system, plugins=plugins, stores=stores)


def _names(client: httpx.Client) -> list[str]:
    # Beside plugins, the list holds the script by which they extend Orthanc Explorer.
    return [name for name in _json(client, "/plugins") if not name.endswith(".js")]


def _json(client: httpx.Client, path: str) -> Any:
    answer = client.get(path)
    refuse(answer.status_code)
    answer.raise_for_status()
    return answer.json()


def gateway_answers(url: str) -> bool:
    """Whether at ``url`` a gateway says that it is well; False when nobody or somebody else answers."""
    try:
        answer = httpx.get(f"{url}/health", timeout=_SECONDS, trust_env=False)
        return answer.status_code == httpx.codes.OK and answer.json().get("Status") == "ok"
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, AttributeError):
        return False
