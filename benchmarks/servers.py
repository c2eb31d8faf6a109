"""The servers that are measured, each with ports and data of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks import REPOSITORY
from e2e.orthanc_server import OrthancServer

TRIXIE = REPOSITORY / "build" / "roots" / "trixie"
SID = REPOSITORY / "build" / "roots" / "sid"

# A benchmark waits for its answer, however long.
_GATEWAY: dict[str, Any] = {"AnswerSeconds": 600}


def with_plugin(folder: Path, *, root: Path | None = None, **gateway: Any) -> OrthancServer:
    """Orthanc with the plugin and its gateway."""
    return OrthancServer(folder, {"VideoGateway": _GATEWAY | gateway}, root=root)


def plain(folder: Path) -> OrthancServer:
    """The same Orthanc, no plugin at all."""
    return OrthancServer(folder, {"Plugins": [], "VideoGateway": {"Launch": False}})


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])


_NGINX = """
{user}
worker_processes 1;
daemon off;
pid "{folder}/nginx.pid";
error_log "{folder}/error.log";
events {{ worker_connections 256; }}
http {{
  access_log off;
  default_type video/mp4;
  sendfile on;
  keepalive_requests 10000000;
  client_body_temp_path "{folder}/1"; proxy_temp_path "{folder}/2"; fastcgi_temp_path "{folder}/3";
  uwsgi_temp_path "{folder}/4"; scgi_temp_path "{folder}/5";
  server {{ listen 127.0.0.1:{port}; root "{files}"; }}
}}
"""


@contextmanager
def nginx(folder: Path, files: Path) -> Iterator[int]:
    """Serves ``files`` by sendfile with one worker; yields the port."""
    folder.mkdir()
    port = _free_port()
    configuration = folder / "nginx.conf"
    user = "user root;" if os.geteuid() == 0 else ""
    configuration.write_text(_NGINX.format(user=user, folder=folder, files=files, port=port), encoding="utf-8")
    # Even a killed benchmark ends its server.
    command = ["setpriv", "--pdeathsig", "TERM", "nginx", "-p", str(folder), "-c", str(configuration)]
    with (folder / "output.log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        _wait_for(port, process, folder / "output.log")
        yield port
    finally:
        process.terminate()
        process.wait(10)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    limit = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if process.poll() is not None or time.monotonic() > limit:
                raise RuntimeError(f"nginx does not answer: {log.read_text(errors='replace')}") from None
            time.sleep(0.05)
        else:
            return
