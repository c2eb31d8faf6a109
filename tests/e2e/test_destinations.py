"""Destinations are what a real Orthanc says they are, of its configuration, its database, and what is added later."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from e2e.conftest import Start
from e2e.orthanc_server import OrthancServer
from orthanc_video.archive.service import Archive
from orthanc_video.errors import NotFound
from orthanc_video.routing import destinations
from orthanc_video.routing.destinations import Destination, Dimse, Web
from orthanc_video.routing.limits import Limits, Policy, policies_from
from orthanc_video.settings import Settings, settings_of

_GATEWAY = {"Launch": False, "Secret": "x" * 40, "Destinations": {"PACS": {"MaxMB": 5, "Never": ["hevc"]}}}
_ORTHANC: dict[str, Any] = {
    "VideoGateway": _GATEWAY,
    "DicomAet": "HERE",
    "DicomScuTimeout": 7,
    "DicomModalities": {
        "PACS": ["PACS_AE", "10.0.0.5", 104],
        "Both": ["BOTH_AE", "10.0.0.6", 104],
        "Secure": {
            "AET": "TLS", "Host": "10.0.0.7", "Port": 2762, "UseDicomTls": True, "LocalAet": "ME", "Timeout": 60,
        },
        "Source": {"AET": "SRC", "Host": "10.0.0.8", "Port": 104, "AllowStore": False, "AllowTranscoding": False},
    },
    "DicomWeb": {
        "Servers": {
            "Plain": ["http://127.0.0.1:1/dicom-web"],
            "Login": ["http://127.0.0.1:2/dicom-web/", "ada", "secret"],
            "Token": {
                "Url": "https://archive.example/dicom-web", "Timeout": 30, "ChunkedTransfers": False,
                "HttpHeaders": {"Authorization": "Bearer secret"},
            },
            "Both": ["http://127.0.0.1:3/dicom-web/"],
        }
    },
}  # fmt: skip


def _settings(server: OrthancServer) -> Settings:
    return settings_of(server.folder / "orthanc.json")


def _known(server: OrthancServer) -> dict[str, Destination]:
    settings = _settings(server)
    return destinations.known(Archive(settings), settings, policies_from(settings.gateway))


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with OrthancServer(tmp_path_factory.mktemp("destinations"), _ORTHANC) as running:
        yield running


def test_modalities_are_called_as_orthanc_calls_them(orthanc: OrthancServer) -> None:
    known = _known(orthanc)
    assert list(known) == ["Both", "Login", "PACS", "Plain", "Secure", "Source", "Token"]
    assert known["PACS"].dimse == Dimse(aet="PACS_AE", calling="HERE", host="10.0.0.5", port=104, timeout=7.0)
    assert known["PACS"].limits == Limits(bytes=5 << 20)
    assert known["PACS"].never == {"hevc"}
    assert (known["PACS"].aet, known["PACS"].fault, known["PACS"].web) == ("PACS_AE", "", None)
    secure = known["Secure"].dimse
    assert secure is not None
    assert (secure.tls, secure.calling, secure.timeout, secure.verify) == (True, "ME", 60.0, True)
    assert "DicomTlsTrustedCertificates" in known["Secure"].fault
    assert "AllowStore" in known["Source"].fault
    assert known["Both"].aet == "BOTH_AE"


def test_servers_have_the_secrets_that_orthanc_hides(orthanc: OrthancServer) -> None:
    known = _known(orthanc)
    assert known["Plain"].web == Web(url="http://127.0.0.1:1/dicom-web/")
    assert known["Login"].web == Web(url="http://127.0.0.1:2/dicom-web/", username="ada", password="secret")
    token = known["Token"].web
    assert token is not None
    assert token.headers == (("Authorization", "Bearer secret"),)
    assert (token.timeout, token.chunked) == (30.0, False)
    assert not any(known[name].fault for name in ("Plain", "Login", "Token"))
    assert "secret" not in repr(known)
    assert "secret" not in repr(_settings(orthanc))


def test_what_is_added_while_orthanc_runs_is_there_at_once(orthanc: OrthancServer) -> None:
    entry = {"AET": "NEW", "Host": "127.0.0.1", "Port": 99}
    requests.put(f"{orthanc.url}/modalities/New", json=entry, timeout=10).raise_for_status()
    try:
        assert _known(orthanc)["New"].aet == "NEW"
    finally:
        requests.delete(f"{orthanc.url}/modalities/New", timeout=10).raise_for_status()
    settings = _settings(orthanc)
    with pytest.raises(NotFound):
        destinations.one(Archive(settings), settings, {}, "New")


@pytest.mark.parametrize(
    ("changed", "missing"),
    [
        ({"Url": "http://127.0.0.1:9/elsewhere", "Username": "ada", "Password": "secret"}, "Password"),
        ({"Url": "http://127.0.0.1:2/dicom-web/", "Username": "eve", "Password": "other"}, "Password"),
        ({"Url": "http://127.0.0.1:9/", "HttpHeaders": {"Authorization": "Bearer other"}}, "Authorization"),
        ({"Url": "http://127.0.0.1:9/"}, ""),
    ],
)
def test_no_secret_goes_to_another_address_than_it_was_written_for(
    orthanc: OrthancServer, changed: dict[str, Any], missing: str
) -> None:
    requests.put(f"{orthanc.url}/dicom-web/servers/Login", json=changed, timeout=10).raise_for_status()
    try:
        login = _known(orthanc)["Login"]
        assert login.web is not None
        assert login.web.url == changed["Url"].rstrip("/") + "/"
        assert (missing in login.fault) if missing else login.fault == ""
        if "127.0.0.1:9" in changed["Url"]:
            assert (login.web.password, login.web.headers) == ("", ())
    finally:
        before = {"Url": "http://127.0.0.1:2/dicom-web/", "Username": "ada", "Password": "secret"}
        requests.put(f"{orthanc.url}/dicom-web/servers/Login", json=before, timeout=10).raise_for_status()


def test_modalities_may_live_in_the_database_and_dicomweb_may_be_missing(start: Start) -> None:
    server = start({**_ORTHANC, "DicomModalitiesInDatabase": True, "Plugins": []})
    assert _known(server) == {}
    entry = {"AET": "PACS_AE", "Host": "127.0.0.1", "Port": 104}
    requests.put(f"{server.url}/modalities/PACS", json=entry, timeout=10).raise_for_status()
    found = _known(server)["PACS"]
    assert found.aet == "PACS_AE"
    assert isinstance(found, Policy)
    assert found.limits.bytes == 5 << 20
