"""Orthanc's answers, by the calls that each version of its Python plugin wants for them. Standard library only."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Mapping
from typing import Any

from orthanc_plugin_http import HTTP_STATUS, NETWORK_PROTOCOL, clip_content_range, error_body, known_status
from orthanc_plugin_link import Unreachable


class RefusedUpload(Exception):
    """Makes Orthanc answer a form's upload with an error; any answer of ours to one part of a form is dropped."""


def send(output: Any, status: int, body: bytes, kind: str = "application/json", allow: str = "GET,POST") -> None:
    """A status other than 200 with its body, by the call that Orthanc wants for it."""
    if status == 401:
        output.SendUnauthorized("Orthanc Secure Area")
    elif status == 405:
        output.SendMethodNotAllowed(allow)
    elif not body:
        output.SendHttpStatusCode(known_status(status))
    else:
        try:
            # The core adds its own Content-Type, text/plain, as on all its errors; a second one would only confuse.
            output.SendHttpStatus(known_status(status), body)
        except TypeError:  # before plugin 4.2: text and its length in bytes, and no Content-Type but ours
            text = body.decode("utf-8", "replace")
            output.SetHttpHeader("Content-Type", kind)
            output.SendHttpStatus(known_status(status), text, len(text.encode()))


_SHOWN_HEADERS = (
    *(
        "Accept-Ranges",
        "Cache-Control",
        "Content-Disposition",
        "Content-Location",
        "Content-Range",
        "ETag",
        "Last-Modified",
    ),
    *("Location", "Retry-After", "Vary"),
)


def set_headers(output: Any, answer: http.client.HTTPResponse) -> None:
    for name in _SHOWN_HEADERS:
        value = answer.headers.get(name)
        if value is not None:
            output.SetHttpHeader(name, clip_content_range(value) if name == "Content-Range" else value)


class Answers:
    """To requests that this plugin took from Orthanc. ``api`` is the module ``orthanc``."""

    def __init__(self, api: Any) -> None:
        self._api = api

    def own(self, output: Any, uri: str, request: Mapping[str, Any], call: Callable[[], bytes]) -> None:
        """Orthanc's own answer to a request that this plugin took from it; an empty one is a resource unknown."""
        try:
            answer = call()
        except self._api.OrthancException as error:
            code, sentence = error.args
            self.refuse(output, uri, request, (code, sentence))
            return
        if answer:
            output.AnswerBuffer(answer, "application/json; charset=utf-8")
        else:
            output.SendHttpStatusCode(404)

    def refuse(self, output: Any, uri: str, request: Mapping[str, Any], code: tuple[int, str], **more: str) -> None:
        status = HTTP_STATUS.get(code[0], 500)
        self.error(output, request, status, error_body(status, code, request["method"], uri, more))

    def error(self, output: Any, request: Mapping[str, Any], status: int, body: bytes) -> None:
        if "host" in request["headers"]:
            send(output, status, body)
            return
        # No Host: this is one part of a form, split off by Orthanc's core. Only an exception gets through to the page.
        document = json.loads(body) if body.startswith(b"{") else {}
        output.SetHttpErrorDetails(str(document.get("detail") or document.get("Message") or "refused"), False)
        raise RefusedUpload(f"A file of a form was refused (HTTP {status}).")

    def unreachable(self, output: Any, uri: str, request: Mapping[str, Any], error: Unreachable) -> None:
        body = error_body(503, NETWORK_PROTOCOL, request["method"], uri, {"Message": str(error)})
        output.SetHttpHeader("Retry-After", "10")
        self.error(output, request, 503, body)
