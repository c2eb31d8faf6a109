"""Another web server than the gateway, with an OHIF that somebody has set up there for it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from e2e.ohif import package


class Elsewhere(ThreadingHTTPServer):
    """``script`` is its app-config.js; ``asked`` is what its log could hold: each request's first line and headers."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Files)
        self.script = b""
        self.asked: list[str] = []

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Files(SimpleHTTPRequestHandler):
    server: Elsewhere

    def do_GET(self) -> None:
        self.server.asked.append(f"{self.requestline}\n{self.headers}")
        if self.path == "/ohif/app-config.js":
            self.send_response(200)
            self.send_header("Content-Type", "text/javascript")
            self.send_header("Content-Length", str(len(self.server.script)))
            self.end_headers()
            self.wfile.write(self.server.script)
        else:
            super().do_GET()

    def translate_path(self, path: str) -> str:
        name = path.partition("?")[0].removeprefix("/ohif/")
        return str(package() / (name if "." in name else "index.html"))

    def log_message(self, *_: Any) -> None:
        """Tests are quiet."""


@contextmanager
def elsewhere() -> Iterator[Elsewhere]:
    """A running one."""
    with Elsewhere() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()
