"""One configuration, read as Orthanc reads it; what is wrong in it is named."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orthanc_video.errors import ConfigurationError
from orthanc_video.settings import (
    LARGEST_INSTANCE,
    MIB,
    Calling,
    Gateway,
    Settings,
    is_loopback,
    key_of,
    read_configuration,
    settings_from,
    settings_of,
)

_USERS: dict[str, Any] = {"AuthenticationEnabled": True, "RegisteredUsers": {"ada": "secret"}}


def _settings(gateway: dict[str, Any] | None = None, **orthanc: Any) -> Settings:
    return settings_from({"VideoGateway": gateway or {}, **orthanc})


def test_an_empty_configuration_works() -> None:
    settings = settings_from({})
    assert settings.gateway == Gateway()
    assert settings.orthanc_url == "http://127.0.0.1:8042"
    assert (settings.authentication, settings.remote_access, settings.username) == (False, False, "")
    assert settings.dicom_web_root == "/dicom-web"
    assert settings.directory == Path("OrthancStorage/video-gateway").resolve()
    assert {settings.spool.parent, settings.cache.parent, settings.database.parent} == {settings.directory}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"QualityPolicy": "ask"}, '"flag" or "refuse"'),
        ({"MinimumSSIM": 1.5}, "at most 1"),
        ({"MinimumPSNR": -1.0}, "negative"),
    ],
)
def test_demands_on_quality_that_nothing_can_meet_are_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        _settings(given)


def test_keys_are_the_fields_in_orthancs_spelling() -> None:
    names = {"answer_seconds": "AnswerSeconds", "sop_class": "SOPClass", "public_url": "PublicUrl",
             "maximum_upload_mb": "MaximumUploadMB", "transcode_crf": "TranscodeCRF"}  # fmt: skip
    assert {name: key_of(name) for name in names} == names
    keys = [key_of(field.name) for field in dataclasses.fields(Gateway)]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("field", dataclasses.fields(Gateway), ids=lambda field: key_of(field.name))
def test_every_setting_is_taken_by_its_key_and_type(field: dataclasses.Field[Any]) -> None:
    key, default = key_of(field.name), getattr(Gateway(), field.name)
    other: Any = (
        not default
        if isinstance(default, bool)
        else default * 2
        if isinstance(default, int | float)
        else "photographic"
    )
    own = {"Host": "::1", "Renditions": "none", "InstanceMB": 1024, "QualityPolicy": "refuse", "MinimumSSIM": 0.9}
    own |= {"Profiles": {"x": {}}, "Rules": [{}], "Audio": "keep", "AllowedOrigins": ["https://a.example"]}
    own |= {"Destinations": {"PACS": {}}, "Routes": [{"Destinations": ["PACS"]}]}
    other = own.get(key, other)
    assert getattr(_settings({key: other}).gateway, field.name) == other
    for wrong in (
        None,
        *([] if isinstance(default, list) else [[]]),
        *([] if isinstance(default, dict) else [{}]),
        *(["x"] if not isinstance(default, str) else [1]),
        *([1] if isinstance(default, bool) else [True]),
    ):
        with pytest.raises(ConfigurationError, match=f"VideoGateway.{key}"):
            _settings({key: wrong})


@pytest.mark.parametrize(
    "origin",
    ["http://localhost:3000", "https://viewer.example.org", "http://192.0.2.1", "http://[2001:db8::1]:8080"],
)
def test_origins_are_taken_as_browsers_send_them(origin: str) -> None:
    assert _settings({"AllowedOrigins": [origin]}).gateway.allowed_origins == [origin]
    for wrong in (f"{origin}/", f"{origin}/ohif", origin.upper(), origin.partition("//")[2], "null", "", 1, None):
        with pytest.raises(ConfigurationError, match="no origin as browsers send it"):
            _settings({"AllowedOrigins": [origin, wrong]})


def test_every_origin_is_allowed_only_where_somebody_asks_for_a_password() -> None:
    assert _settings({"AllowedOrigins": ["*"]}, **_USERS).gateway.allowed_origins == ["*"]
    with pytest.raises(ConfigurationError, match="every page that somebody opens"):
        _settings({"AllowedOrigins": ["*"]})


@pytest.mark.parametrize("minutes", [0, -1, 1441])
def test_sessions_end_within_a_day(minutes: int) -> None:
    with pytest.raises(ConfigurationError, match="SessionMinutes"):
        _settings({"SessionMinutes": minutes})


def test_whole_numbers_do_for_seconds() -> None:
    assert _settings({"AnswerSeconds": 5}).gateway.answer_seconds == 5.0
    with pytest.raises(ConfigurationError, match="Port"):
        _settings({"Port": 8043.5})


def test_unknown_keys_and_a_section_that_is_none_are_refused() -> None:
    with pytest.raises(ConfigurationError, match=r'"VideoGateway\.Prot" is no setting'):
        _settings({"Prot": 1})
    with pytest.raises(ConfigurationError, match="must be an object"):
        settings_from({"VideoGateway": "on"})


def test_others_are_called_as_orthanc_calls_them(tmp_path: Path) -> None:
    assert _settings().calling == Calling()
    file = tmp_path / "orthanc.json"
    server = ["https://archive.example/dicom-web", "ada", "secret"]
    file.write_text(json.dumps({
        "DicomAet": "HERE", "DicomScuTimeout": 0, "DicomTlsCertificate": "a.crt", "DicomTlsPrivateKey": "a.key",
        "DicomTlsTrustedCertificates": "b.crt", "DicomTlsRemoteCertificateRequired": False, "HttpsVerifyPeers": False,
        "HttpsCACertificates": "ca.crt", "HttpTimeout": 5, "DicomWeb": {"Servers": {"Cloud": server}},
    }))  # fmt: skip
    settings = settings_of(file)
    # Of the TLS files Orthanc reads relative names from where it was started, of the others from the configuration.
    assert settings.calling == Calling(
        aet="HERE", timeout=0, tls_certificate="a.crt", tls_key="a.key", tls_trusted="b.crt", tls_verify=False,
        https_verify=False, https_trusted=str(tmp_path / "ca.crt"), https_timeout=5, servers={"Cloud": server},
    )  # fmt: skip
    assert "secret" not in repr(settings)


def test_orthancs_own_settings_are_heeded(tmp_path: Path) -> None:
    settings = settings_from({
        "HttpPort": 80, "SslEnabled": True, "StorageDirectory": str(tmp_path), "StorageCompression": True,
        "DicomWeb": {"Root": "/my/web/"},
    })  # fmt: skip
    assert settings.orthanc_url == "https://127.0.0.1:80"
    assert settings.storage_directory == tmp_path.resolve()
    assert settings.directory == tmp_path.resolve() / "video-gateway"
    assert settings.dicom_web_root == "/my/web"


def test_the_gateways_own_settings_go_first(tmp_path: Path) -> None:
    settings = _settings({"OrthancUrl": "http://orthanc:1", "Directory": str(tmp_path)}, HttpPort=80)
    assert settings.orthanc_url == "http://orthanc:1"
    assert settings.directory == tmp_path.resolve()


def test_authentication_follows_orthanc() -> None:
    assert _settings(**_USERS).authentication
    assert _settings(RemoteAccessAllowed=True, RegisteredUsers={"a": "b"}).authentication
    assert not _settings(RemoteAccessAllowed=True, AuthenticationEnabled=False).authentication


def test_the_gateway_stores_as_its_own_user_or_the_first_registered() -> None:
    assert _settings(**_USERS).username == "ada"
    own = _settings({"Username": "video", "Password": "pass"}, **_USERS)
    assert (own.username, own.password) == ("video", "pass")
    assert _settings(RegisteredUsers={"a": "b"}).username == ""  # nobody is asked
    with pytest.raises(ConfigurationError, match="no user of its own"):
        _settings(AuthenticationEnabled=True)


def test_secrets_are_not_shown() -> None:
    settings = _settings({"Username": "u", "Password": "hidden-1", "Secret": "hidden-2"}, **_USERS)
    assert "hidden" not in repr(settings)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "gateway.example.org", ""])
def test_it_listens_beyond_this_machine_only_behind_a_password(host: str) -> None:
    with pytest.raises(ConfigurationError, match="asks nobody for a password"):
        _settings({"Host": host})
    with pytest.raises(ConfigurationError, match="asks nobody for a password"):
        _settings({"Host": host}, RemoteAccessAllowed=True, AuthenticationEnabled=False)
    with pytest.raises(ConfigurationError, match="allows no remote access"):
        _settings({"Host": host}, **_USERS)
    assert _settings({"Host": host}, RemoteAccessAllowed=True, **_USERS).gateway.host == host


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("127.0.0.1", True), ("127.8.9.1", True), ("::1", True), ("localhost", True), ("::ffff:127.0.0.1", True),
        ("0.0.0.0", False), ("::", False), ("10.0.0.1", False), ("::ffff:10.0.0.1", False),
        ("localhost.example.org", False), ("", False), ("127.0.0.1.example.org", False),
    ],
)  # fmt: skip
def test_loopback(host: str, local: bool) -> None:
    assert is_loopback(host) is local


@given(st.integers(1, 1 << 40))
def test_no_object_is_larger_than_dicom_allows(megabytes: int) -> None:
    if megabytes * MIB <= LARGEST_INSTANCE:
        assert _settings({"InstanceMB": megabytes}).gateway.instance_mb == megabytes
    else:
        with pytest.raises(ConfigurationError, match="less than 4 GiB"):
            _settings({"InstanceMB": megabytes})


def _read(tmp_path: Path, text: str) -> dict[str, Any]:
    path = tmp_path / "orthanc.json"
    path.write_text(text, encoding="utf-8")
    return read_configuration(path)


def test_comments_are_removed_but_not_out_of_strings(tmp_path: Path) -> None:
    text = """{ // the port
        "HttpPort": 8042, /* "HttpPort": 1,
        */ "Url": "http://x/*y*/", "Quote": "a\\"//b", "Last": "\\\\" // "Not": 1
    }"""
    assert _read(tmp_path, text) == {"HttpPort": 8042, "Url": "http://x/*y*/", "Quote": 'a"//b', "Last": "\\"}


def test_variables_are_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORTHANC_TEST_PORT", "4711")
    monkeypatch.delenv("ORTHANC_TEST_NONE", raising=False)
    text = '{"A": ${ORTHANC_TEST_PORT}, "B": ${ORTHANC_TEST_NONE:-8042}, "C": "x${ORTHANC_TEST_NONE}y", "D": "$5 {x}"}'
    assert _read(tmp_path, text) == {"A": 4711, "B": 8042, "C": "xy", "D": "$5 {x}"}


@pytest.mark.parametrize("text", ["", "{", "[]", '"x"', '{"a": }', "null"])
def test_a_configuration_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"orthanc\.json"):
        _read(tmp_path, text)


def test_a_missing_configuration_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_configuration(tmp_path / "none.json")


@given(st.dictionaries(st.text(max_size=8), st.text(max_size=20).filter(lambda text: "${" not in text), max_size=4))
def test_any_json_is_read_as_it_is(tmp_path_factory: pytest.TempPathFactory, value: dict[str, str]) -> None:
    if any("${" in key for key in value):
        return
    assert _read(tmp_path_factory.mktemp("json"), json.dumps(value)) == value


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ({"AnswerSeconds": -1}, "must not be negative"),
        ({"ProbeSeconds": 0}, "must be more than 0"),
        ({"Transcodes": -1}, "must not be negative"),
        ({"WorkerMemoryMB": 100}, 'WorkerMemoryMB" must be at least 512, but is 100'),
        ({"Port": 70000}, 'Port" must be at most 65535'),
        ({"WorkerMetricsPort": 70000}, 'WorkerMetricsPort" must be at most 65535'),
        ({"Renditions": "always"}, '"on-arrival" or "none", but is "always"'),
    ],
)
def test_a_value_that_cannot_work_is_named(section: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        settings_from({"VideoGateway": section})


def test_a_folder_of_files_is_one_configuration(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"HttpPort": 80} // one', encoding="utf-8")
    (tmp_path / "b.json").write_text('{"VideoGateway": {"Port": 81}}', encoding="utf-8")
    (tmp_path / "b.json.before").write_text("not one of them", encoding="utf-8")
    settings = settings_of(tmp_path)
    assert (settings.orthanc_url, settings.gateway.port) == ("http://127.0.0.1:80", 81)


def test_a_section_in_two_files_is_refused_as_orthanc_does(tmp_path: Path) -> None:
    for name in ("a.json", "b.json"):
        (tmp_path / name).write_text('{"VideoGateway": {}}', encoding="utf-8")
    with pytest.raises(ConfigurationError, match="in two files"):
        settings_of(tmp_path)


def test_a_folder_without_a_configuration_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="holds no configuration"):
        settings_of(tmp_path)


@pytest.mark.parametrize("folder", [True, False])
def test_relative_folders_count_from_the_configuration(tmp_path: Path, folder: bool) -> None:
    path = tmp_path / "orthanc.json"
    path.write_text('{"StorageDirectory": "a", "VideoGateway": {"Directory": "b", "OHIF": "c"}}', encoding="utf-8")
    settings = settings_of(tmp_path if folder else path)
    assert (settings.storage_directory, settings.directory) == (tmp_path / "a", tmp_path / "b")
    assert settings.gateway.ohif == str(tmp_path / "c")
