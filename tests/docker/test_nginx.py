"""docker's nginx, run here: what it logs, what it passes on to whom, what it does to bytes on the way."""

from __future__ import annotations

import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests
import urllib3

from containers.neighbours import nginx_configuration
from e2e.orthanc_server import free_ports

_COMPRESSIBLE = b"video" * 20_000


class _Behind(BaseHTTPRequestHandler):
    """The gateway and Grafana: says which cookies came, in a body that would compress well."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(_COMPRESSIBLE)))
        self.send_header("X-Seen-Cookie", self.headers.get("Cookie", "none"))
        self.send_header("X-Seen-Proto", self.headers.get("X-Forwarded-Proto", "none"))
        self.end_headers()
        self.wfile.write(_COMPRESSIBLE)

    def log_message(self, *_: object) -> None:
        pass


@dataclass
class _Nginx:
    folder: Path
    port: int
    behind: ThreadingHTTPServer
    session: requests.Session = field(default_factory=requests.Session)

    def get(self, path: str, **headers: str) -> requests.Response:
        return self.session.get(f"https://127.0.0.1:{self.port}{path}", headers=headers, verify=False, timeout=20)

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(encoding="utf-8")


@pytest.fixture
def nginx(tmp_path: Path) -> Iterator[_Nginx]:
    certificate = tmp_path / "certificate.pem"
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout - -out -"
    certificate.write_bytes(subprocess.run(command.split(), check=True, capture_output=True).stdout)
    behind = ThreadingHTTPServer(("127.0.0.1", 0), _Behind)
    threading.Thread(target=behind.serve_forever, daemon=True).start()
    plain, secure = free_ports(2)
    path = nginx_configuration(tmp_path, certificate)
    text = path.read_text(encoding="utf-8")
    for old, new in (
        ("listen 8080;", f"listen 127.0.0.1:{plain};"),
        ("listen 8443 ssl", f"listen 127.0.0.1:{secure} ssl"),
        ("127.0.0.1:8043", f"127.0.0.1:{behind.server_port}"),
        ("grafana:3000", f"127.0.0.1:{behind.server_port}"),
    ):
        assert old in text
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")
    server = [
        "nginx",
        "-c",
        str(path),
        "-p",
        str(tmp_path),
        "-e",
        str(tmp_path / "log"),
        "-g",
        "daemon off; user root;",
    ]
    process = subprocess.Popen(server)
    try:
        _listens(secure)
        yield _Nginx(tmp_path, secure, behind)
    finally:
        process.terminate()
        process.wait(30)
        behind.shutdown()
        behind.server_close()


def _listens(port: int) -> None:
    limit = time.monotonic() + 20
    while True:
        try:
            ssl.get_server_certificate(("127.0.0.1", port))
        except OSError:
            assert time.monotonic() < limit, "nginx does not listen"
            time.sleep(0.05)
        else:
            return


@pytest.fixture(autouse=True)
def _own_certificate() -> Iterator[None]:
    with pytest.warns(urllib3.exceptions.InsecureRequestWarning):
        yield


def test_a_link_is_in_no_log_also_when_the_gateway_is_away(nginx: _Nginx) -> None:
    assert nginx.get("/video/instances/1/stream?link=sealed-words", Referer="https://x/?link=sealed-words").ok
    nginx.behind.shutdown()
    nginx.behind.server_close()
    assert nginx.get("/video/instances/1/stream?link=sealed-words").status_code == 502
    for path in nginx.folder.rglob("*"):
        if path.is_file() and path.name != "nginx.conf":
            assert b"sealed-words" not in path.read_bytes(), path.name


@pytest.mark.parametrize(
    ("sent", "passed"),
    [
        ("orthanc-video-session=x", "none"),
        ("orthanc-video-session=x; grafana_session=y", "grafana_session=y"),
        ("a=1; orthanc-video-session=x; grafana_session=y", "a=1;grafana_session=y"),
        ("a=1; orthanc-video-session=x", "a=1;"),
        ("a=1; b=2", "a=1; b=2"),
    ],
)
def test_the_gateways_session_is_none_of_grafanas(nginx: _Nginx, sent: str, passed: str) -> None:
    assert nginx.get("/grafana/", Cookie=sent).headers["X-Seen-Cookie"] == passed
    assert nginx.get("/video/instances", Cookie=sent).headers["X-Seen-Cookie"] == sent


def test_nothing_is_compressed_and_https_is_told(nginx: _Nginx) -> None:
    answer = nginx.get("/video/instances/1/stream", **{"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in answer.headers
    assert answer.content == _COMPRESSIBLE
    assert answer.headers["X-Seen-Proto"] == "https"
