"""The plugin's pure logic, and its routes against a small stand-in for the module ``orthanc``."""

from __future__ import annotations

import base64
import ctypes
import gzip
import importlib
import json
import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import pytest
from hypothesis import example, given, strategies

import orthanc_plugin_http as pure
from orthanc_plugin_answers import RefusedUpload
from orthanc_video.media import sniff
from orthanc_video.settings import Gateway, key_of

DICOM = bytes(128) + b"DICM" + b"\x02\x00\x00\x00UL\x04\x00" + bytes(64)
ZIP = b"PK\x03\x04" + bytes(64)
VIDEO = b"\0\0\0\x18ftypisom" + bytes(64)
STORED = b'{"Status" : "Success"}'


class OrthancException(Exception):
    pass


class OldOutput:
    """What a callback may say on Python plugin 4.0; records it."""

    def __init__(self) -> None:
        self.headers: dict[str, str] = {}
        self.status = 0
        self.body: bytes = b""
        self.kind = ""
        self.details = ""

    def AnswerBuffer(self, body: bytes, kind: str) -> None:  # noqa: N802
        self.status, self.body, self.kind = 200, body, kind

    def SendHttpStatusCode(self, status: int) -> None:  # noqa: N802
        self.status = status

    def SendHttpStatus(self, status: int, body: str, size: int) -> None:  # noqa: N802
        self.status, self.body = status, body.encode()
        assert size == len(self.body)

    def SendMethodNotAllowed(self, allow: str) -> None:  # noqa: N802
        self.status = 405
        self.headers["Allow"] = allow

    def SendUnauthorized(self, realm: str) -> None:  # noqa: N802
        self.status = 401
        self.headers["WWW-Authenticate"] = realm

    def SetHttpHeader(self, name: str, value: str) -> None:  # noqa: N802
        self.headers[name] = value

    def SetHttpErrorDetails(self, details: str, log: bool) -> None:  # noqa: N802
        assert not log
        self.details = details


class NewOutput(OldOutput):
    """The same since plugin 5.0."""

    def SendHttpStatus(self, status: int, body: bytes) -> None:  # type: ignore[override]  # noqa: N802
        self.status, self.body = status, body

    def StartStreamAnswer(self, kind: str) -> None:  # noqa: N802
        self.status, self.kind = 200, kind

    def SendStreamChunk(self, chunk: bytes) -> None:  # noqa: N802
        self.body += chunk


class FakeOrthanc(ModuleType):
    """As much of the module as the plugin touches."""

    OrthancException = OrthancException
    RestOutput: ClassVar[type[OldOutput]] = NewOutput

    def __init__(self, configuration: dict[str, Any]) -> None:
        super().__init__("orthanc")
        self.configuration = configuration
        self.routes: dict[str, Callable[..., None]] = {}
        self.explorer = ""
        self.asked: list[tuple[str, ...]] = []
        self.failure: OrthancException | None = None
        self.version = "5.0"

    def GetConfiguration(self) -> str:  # noqa: N802
        return json.dumps(self.configuration)

    def GetConfigurationPath(self) -> str:  # noqa: N802
        return ""

    def RegisterRestCallback(self, route: str, callback: Callable[..., None]) -> None:  # noqa: N802
        self.routes[route] = callback

    def RegisterOnChangeCallback(self, callback: Callable[..., None]) -> None:  # noqa: N802
        assert callable(callback)

    def ExtendOrthancExplorer(self, script: str) -> None:  # noqa: N802
        self.explorer = script

    def RestApiGet(self, path: str) -> bytes:  # noqa: N802
        if path == "/plugins/python":
            return json.dumps({"Version": self.version}).encode()
        self.asked.append(("GET", path))
        if self.failure is not None:
            raise self.failure
        return b"[]"

    def RestApiPost(self, path: str, body: bytes | memoryview) -> bytes:  # noqa: N802
        self.asked.append(("POST", path, bytes(body).decode("latin-1")))
        if self.failure is not None:
            raise self.failure
        return STORED


@dataclass
class Loaded:
    """The plugin as Orthanc would load it, and the stand-in that it sees."""

    plugin: Any
    orthanc: FakeOrthanc

    def call(self, route: str, uri: str, method: str = "GET", **request: Any) -> NewOutput:
        output = self.orthanc.RestOutput()
        request = {"headers": {"host": "example:8042"}, "get": {}, "groups": []} | request
        self.orthanc.routes[route](output, uri, method=method, **request)
        assert isinstance(output, OldOutput)
        return output  # type: ignore[return-value]

    def post(self, body: bytes, **headers: str) -> NewOutput:
        sent = {"host": "example:8042"} | {name.replace("_", "-"): value for name, value in headers.items()}
        return self.call("/instances", "/instances", "POST", body=body, headers=sent)


def load(**section: Any) -> Loaded:
    configuration = {"Python": {"AllowThreads": True}, "VideoGateway": {"Launch": False, "Port": 1, **section}}
    fake = FakeOrthanc(configuration)
    sys.modules["orthanc"] = fake
    sys.modules.pop("orthanc_plugin", None)
    return Loaded(importlib.import_module("orthanc_plugin"), fake)


@pytest.fixture(autouse=True)
def _no_orthanc_left_behind() -> Iterator[None]:
    yield
    sys.modules.pop("orthanc", None)
    sys.modules.pop("orthanc_plugin", None)


@pytest.fixture
def loaded() -> Loaded:
    return load()


def test_defaults_are_those_of_the_gateway() -> None:
    defaults = Gateway()
    known = {key_of(name): getattr(defaults, name) for name in Gateway.__dataclass_fields__}
    assert {key: known[key] for key in pure.DEFAULTS} == pure.DEFAULTS


def test_a_value_of_the_wrong_type_is_left_to_the_gateway() -> None:
    settings = pure.read_settings({"VideoGateway": {"Port": "8043", "Launch": 1, "AnswerSeconds": 5}})
    assert (settings.port, settings.launch, settings.answer_seconds) == (8043, True, 5.0)
    assert pure.read_settings({"VideoGateway": []}).port == 8043


def test_a_secret_is_made_when_it_launches_the_gateway_itself() -> None:
    made = {pure.read_settings({}).secret for _ in range(3)}
    assert len(made) == 3
    assert all(len(bytes.fromhex(secret)) == 32 for secret in made)
    assert pure.read_settings({"VideoGateway": {"Launch": False, "Secret": "shared"}}).secret == "shared"


@pytest.mark.parametrize(
    ("section", "url"),
    [
        ({}, "http://127.0.0.1:8043"),
        ({"Port": 9000}, "http://127.0.0.1:9000"),
        ({"Host": "0.0.0.0"}, "http://127.0.0.1:8043"),
        ({"Host": "10.0.0.5"}, "http://10.0.0.5:8043"),
        ({"Host": "::"}, "http://[::1]:8043"),
        ({"Url": "https://gateway.example/v/"}, "https://gateway.example/v"),
    ],
)
def test_where_the_gateway_is(section: dict[str, Any], url: str) -> None:
    assert pure.read_settings({"VideoGateway": section}).url == url


def test_paths_are_made_absolute_from_the_configurations_folder(tmp_path: Path) -> None:
    file = tmp_path / "a b" / "orthanc.json"
    file.parent.mkdir()
    file.write_text("{}")
    given = {"StorageDirectory": "data", "VideoGateway": {"Directory": "work", "OHIF": "viewers/ohif"}}
    given["HttpsCACertificates"] = "ca.crt"
    for path in (file, file.parent):
        whole = pure.with_absolute_paths(given, str(path))
        assert whole["StorageDirectory"] == whole["IndexDirectory"] == str(file.parent / "data")
        assert whole["HttpsCACertificates"] == str(file.parent / "ca.crt")
        assert whole["VideoGateway"]["Directory"] == str(file.parent / "work")
        assert whole["VideoGateway"]["OHIF"] == str(file.parent / "viewers" / "ohif")
    assert pure.with_absolute_paths({"StorageDirectory": "/a", "IndexDirectory": "/b"}, "")["IndexDirectory"] == "/b"


def test_what_is_dicom() -> None:
    assert pure.is_dicom(DICOM)
    assert pure.is_dicom(b"\x02\x00\x00\x00UL\x04\x00")
    assert pure.is_dicom(b"\x08\x00\x05\x00CS\x0a\x00ISO_IR 100")
    assert pure.is_dicom(b"\x08\x00\x16\x00\x1a\x00\x00\x001.2.840")
    for other in (VIDEO, ZIP, b"", b"\x08\x00", b"\x08\x00\x00\x01" + b"\xff" * 8, b"G" + bytes(300), bytes(200)):
        assert not pure.is_dicom(other)


@given(strategies.binary(max_size=140) | strategies.sampled_from([DICOM, ZIP, VIDEO]))
@example(b"\x08\x00\x05\x00CS\x0a\x00ISO_IR 100")
@example(b"\x08\x00\x16\x00\x1a\x00\x00\x001.2.840")
def test_both_processes_agree_on_what_is_dicom(head: bytes) -> None:
    """The plugin cannot import the gateway's rule: it is written twice and held together here."""
    assert pure.is_dicom(head) == sniff.is_dicom(head)
    assert pure.is_zip(head) == sniff.is_zip(head)


def test_gunzip_is_bounded_and_sees_damage() -> None:
    bomb = gzip.compress(bytes(50_000_000))
    assert len(pure.gunzip(bomb, 512)) == 512
    assert len(pure.gunzip(bomb, 3_000_000)) == 3_000_000
    assert pure.gunzip(gzip.compress(b""), 512) == b""
    plain = bytes(range(256)) * 20_000
    assert pure.gunzip(gzip.compress(plain), len(plain) + 1) == plain
    for damaged in (b"", b"no gzip at all", gzip.compress(plain)[:-40]):
        with pytest.raises(zlib.error):
            pure.gunzip(damaged, len(plain) + 1)


def test_the_query_is_rebuilt_as_it_was_sent() -> None:
    assert pure.query_of({}) == ""
    assert pure.query_of({"expand": "", "since": "0", "limit": "5"}) == "?expand&since=0&limit=5"
    assert pure.query_of({"a": "%26x", "b": "c+d"}) == "?a=%26x&b=c+d"
    assert pure.query_of({"a": "b c\r\n"}) == "?a=b%20c%0D%0A"


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        ("bytes=0-", "bytes=0-4194303"),
        ("bytes=100-199", "bytes=100-199"),
        ("bytes=5-99999999", "bytes=5-4194308"),
        ("bytes=-500", "bytes=-500"),
        ("bytes=5-" + "9" * 5000, "bytes=5-4194308"),
        ("bytes=" + "9" * 5000 + "-", "bytes=" + "9" * 5000 + "-"),
        ("bytes=9-3", "bytes=9-3"),
        ("items=0-1", "items=0-1"),
        ("nonsense", "nonsense"),
    ],
)
def test_ranges_are_cut_to_size(asked: str, sent: str) -> None:
    assert pure.clip_range(asked) == sent


def test_the_range_of_an_answer_is_cut_to_size() -> None:
    assert pure.clip_content_range("bytes 5-9999999/10000000") == "bytes 5-4194308/10000000"
    assert pure.clip_content_range("bytes 5-9/*") == "bytes 5-9/*"
    assert pure.clip_content_range("bytes */10") == "bytes */10"


@pytest.mark.parametrize(
    ("public", "host", "url"),
    [
        ("", "pacs.example:8042", "http://pacs.example:8043"),
        ("", "pacs.example", "http://pacs.example:8043"),
        ("", "[::1]:8042", "http://[::1]:8043"),
        ("", "", "http://127.0.0.1:8043"),
        ("", "[broken", "http://127.0.0.1:8043"),
        ("https://video.example/v/", "pacs.example", "https://video.example/v"),
    ],
)
def test_where_a_browser_reaches_the_gateway(public: str, host: str, url: str) -> None:
    settings = pure.read_settings({"VideoGateway": {"PublicUrl": public}})
    assert pure.outside_url(settings, {"host": host} if host else {}) == url


@pytest.mark.parametrize(
    ("method", "uri", "carried"),
    [
        ("POST", "/video/ingest", False),
        ("GET", "/video/ingest", True),
        ("POST", "/video/uploads", False),
        ("DELETE", "/video/uploads/1", False),
        ("GET", "/video/uploadsx", True),
        ("GET", "/video/jobs", True),
        ("POST", "/video/session", False),
        ("DELETE", "/video/session", False),
        ("POST", "/video/instances/1/links", False),
        ("POST", "/video/instances/1/assign", True),
    ],
)
def test_what_orthancs_port_cannot_carry(method: str, uri: str, carried: bool) -> None:
    assert (pure.not_carried(method, uri) == "") is carried


def test_file_names() -> None:
    assert pure.file_name({}) == ""
    assert pure.file_name({"content-disposition": 'form-data; name="f"; filename="ü a.mp4"'}) == "ü a.mp4"
    assert pure.file_name({"content-disposition": "attachment; filename*=UTF-8''%C3%BC.mp4"}) == "ü.mp4"
    assert pure.file_name({"content-disposition": 'form-data; filename="5%22 lens.mp4"'}) == '5" lens.mp4'
    assert pure.file_name({"content-disposition": "attachment"}) == ""


def test_headers_for_the_gateway_cannot_be_forged() -> None:
    given = {"authorization": "Basic x", "Orthanc-Video-Secret": "guess", "host": "h", "content-length": "3"}
    assert pure.passed_on(given | {"x-name": "ü"}, "s") == {
        "authorization": b"Basic x",
        "x-name": "ü".encode(),
        "via": b"1.1 orthanc-video",
        "Orthanc-Video-Secret": b"s",
    }


def test_statuses_unknown_to_orthanc_are_never_sent() -> None:
    assert [pure.known_status(status) for status in (206, 304, 416, 422, 503)] == [206, 304, 416, 422, 503]
    assert [pure.known_status(status) for status in (308, 418, 429, 451, 511, 599)] == [307, 400, 503, 400, 502, 502]


def test_dicom_and_zip_go_to_orthanc(loaded: Loaded) -> None:
    for body in (DICOM, ZIP):
        answer = loaded.post(body)
        assert (answer.status, answer.body, answer.kind) == (200, STORED, "application/json; charset=utf-8")
        answer = loaded.post(gzip.compress(body), content_encoding="gzip")
        assert (answer.status, answer.body) == (200, STORED)
    assert _stored(loaded) == [part.decode("latin-1") for part in (DICOM, DICOM, ZIP, ZIP)]


def _stored(loaded: Loaded) -> list[str]:
    return [asked[2] for asked in loaded.orthanc.asked if asked[0] == "POST"]


def _reference(stream: Path) -> bytes:
    before, after = base64.b64encode(b"before ").decode(), base64.b64encode(b" after").decode()
    return json.dumps({"Before": before, "Path": str(stream), "After": after}).encode()


def test_its_own_gateway_may_name_a_file_instead_of_sending_it(tmp_path: Path) -> None:
    stream = tmp_path / "stream"
    stream.write_bytes(b"pictures" * 300_000)
    loaded = load(Launch=True)
    kind, secret = {"content_type": pure.REFERENCE}, loaded.plugin.install(loaded.orthanc)._settings.secret
    answer = loaded.post(_reference(stream), orthanc_video_secret=secret, **kind)
    assert (answer.status, answer.body) == (200, STORED)
    assert _stored(loaded) == ["before " + "pictures" * 300_000 + " after"]


@pytest.mark.parametrize("secret", [None, "", "guessed"])
@pytest.mark.parametrize("launch", [True, False])
def test_nobody_else_names_files(
    tmp_path: Path, secret: str | None, launch: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orthanc_plugin_process.START_SECONDS", 0)
    private = tmp_path / "private"
    private.write_bytes(DICOM)
    loaded = load(Launch=launch)
    headers = {"content_type": pure.REFERENCE} | ({} if secret is None else {"orthanc_video_secret": secret})
    assert loaded.post(_reference(private), **headers).status == 503
    assert _stored(loaded) == []


@pytest.mark.parametrize("version", ["4.0", "5.0"])
def test_a_body_that_version_4_0_keeps_is_let_go(loaded: Loaded, version: str) -> None:
    loaded.orthanc.version = version
    body = bytes(DICOM + version.encode())
    before = sys.getrefcount(body)
    if version == "4.0":
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(body))
    assert loaded.post(body).status == 200
    assert sys.getrefcount(body) == before


def test_orthancs_refusal_keeps_its_status_and_fields(loaded: Loaded) -> None:
    loaded.orthanc.failure = OrthancException(21, "Inexistent tag")
    answer = loaded.post(DICOM)
    assert answer.status == 404
    assert answer.body == (
        b'{\n\t"HttpError" : "Not Found",\n\t"HttpStatus" : 404,\n\t"Message" : "Inexistent tag",\n\t"Method" : "POST",'
        b'\n\t"OrthancError" : "Inexistent tag",\n\t"OrthancStatus" : 21,\n\t"Uri" : "/instances"\n}\n'
    )


def test_an_empty_upload_is_refused_without_asking_anyone(loaded: Loaded) -> None:
    answer = loaded.post(b"")
    assert answer.status == 400
    assert json.loads(answer.body)["Details"] == "Received an empty DICOM file"
    assert loaded.orthanc.asked == []


def test_damaged_gzip_is_refused(loaded: Loaded) -> None:
    answer = loaded.post(b"\x1f\x8b and no more", content_encoding="gzip")
    assert answer.status == 400
    assert json.loads(answer.body)["OrthancStatus"] == 15


@pytest.mark.parametrize(
    ("announced", "cut"),
    [("4294967296", True), ("4294967331", True), ("9" * 30, True), ("4294967295", False), ("", False), ("-1", False)],
)
def test_what_orthanc_has_cut_is_seen_by_its_announced_length(announced: str, cut: bool) -> None:
    assert pure.is_cut({"content-length": announced}) is cut
    assert not pure.is_cut({})


@pytest.mark.parametrize("body", [DICOM, ZIP, VIDEO, b""])
def test_what_is_left_of_a_body_over_4_gib_is_not_stored(loaded: Loaded, body: bytes) -> None:
    answer = loaded.post(body, content_length=str((1 << 32) + len(body)))
    document = json.loads(answer.body)
    assert (answer.status, document["HttpStatus"]) == (413, 413)
    assert "less than 4 GiB" in document["Message"]
    assert loaded.orthanc.asked == []


def test_what_unzips_to_more_than_orthanc_takes_from_a_plugin_is_refused(
    loaded: Loaded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loaded.plugin, "LARGEST_BODY", len(DICOM) - 1)
    assert loaded.post(gzip.compress(DICOM), content_encoding="gzip").status == 413
    assert loaded.orthanc.asked == []


def test_other_methods(loaded: Loaded) -> None:
    assert loaded.call("/instances", "/instances", get={"expand": "", "limit": "1"}).body == b"[]"
    assert loaded.orthanc.asked == [("GET", "/instances?expand&limit=1")]
    answer = loaded.call("/instances", "/instances", "DELETE")
    assert (answer.status, answer.headers["Allow"]) == (405, "GET,POST")


def test_a_video_without_a_gateway_is_asked_to_come_again(loaded: Loaded) -> None:
    answer = loaded.post(VIDEO)
    assert (answer.status, answer.headers["Retry-After"]) == (503, "10")
    document = json.loads(answer.body)
    assert document["Message"].endswith("Try again in a moment.")
    assert document["HttpStatus"] == 503


def test_a_refused_part_of_a_form_becomes_an_error_of_the_whole(loaded: Loaded) -> None:
    output = NewOutput()
    part = {"content-disposition": 'form-data; name="f"; filename="name of a patient.mp4"'}
    with pytest.raises(RefusedUpload) as refused:
        loaded.orthanc.routes["/instances"](output, "/instances", method="POST", headers=part, body=VIDEO)
    assert "patient" not in str(refused.value)
    assert output.details.endswith("Try again in a moment.")


def test_a_stream_goes_by_redirect_where_orthanc_cannot_carry_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeOrthanc, "RestOutput", OldOutput)
    loaded = load(PublicUrl="https://video.example")
    answer = loaded.call("/video/(.*)", "/video/instances/ü/stream", get={"a": "%20"})
    assert answer.status == 307
    assert answer.headers["Location"] == "https://video.example/video/instances/%C3%BC/stream?a=%20"


@pytest.mark.parametrize(
    ("uri", "endless"),
    [
        ("/video/jobs/0ee6507a-85be-457c-97fa-28492478a45a/events", True),
        ("/video/jobs/x/events", True),
        ("/video/jobs/events", False),
        ("/video/jobs/x/y/events", False),
        ("/video/jobs/x", False),
        ("/video/instances/x/stream", False),
    ],
)
def test_what_goes_on_for_as_long_as_a_job(uri: str, endless: bool) -> None:
    assert pure.is_endless(uri) is endless


def test_events_go_by_redirect_always(loaded: Loaded) -> None:
    answer = loaded.call("/video/(.*)", "/video/jobs/x/events", get={"a": "b"})
    assert (answer.status, answer.headers["Location"]) == (307, "http://example:1/video/jobs/x/events?a=b")


def test_the_old_plugin_is_given_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeOrthanc, "RestOutput", OldOutput)
    answer = load().post(b"")
    assert answer.status == 400
    assert answer.headers["Content-Type"] == "application/json"
    assert json.loads(answer.body)["OrthancStatus"] == 15


def test_a_request_that_comes_back_is_not_forwarded_again(loaded: Loaded) -> None:
    sent = pure.passed_on({"via": "1.1 nginx"}, "s")
    back = {"host": "example", "via": sent["via"].decode()}
    assert back["via"] == "1.1 nginx, 1.1 orthanc-video"
    assert loaded.call("/video/(.*)", "/video/unknown", headers=back).status == 404
    assert loaded.post(VIDEO, via=back["via"]).body == STORED


def test_the_viewer_is_a_redirect(loaded: Loaded) -> None:
    answer = loaded.call("/video", "/video")
    assert (answer.status, answer.headers["Location"]) == (307, "http://example:1/")
    assert loaded.call("/video", "/video", "POST", body=b"x").status == 405


def test_the_override_can_be_turned_off() -> None:
    assert "/instances" in load().orthanc.routes
    assert "/instances" not in load(OverrideInstances=False).orthanc.routes


def test_orthanc_explorer_gets_a_link(loaded: Loaded) -> None:
    assert "../video" in loaded.orthanc.explorer
