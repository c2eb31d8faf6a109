"""What Orthanc loads: starts the video gateway, and carries on Orthanc's own port what its HTTP server can.

Standard library only, since the Python inside Orthanc is the distribution's; media is never parsed in this process.
Nothing here logs a header, a file name or a body.
"""

from __future__ import annotations

import ctypes
import functools
import http.client
import json
import threading
import urllib.parse
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import orthanc

from orthanc_plugin_answers import Answers, send, set_headers
from orthanc_plugin_http import (
    BAD_FILE_FORMAT,
    BAD_REQUEST,
    LARGEST_BODY,
    LARGEST_RANGE,
    MIB,
    UNKNOWN_RESOURCE,
    Settings,
    came_back,
    clip_range,
    error_body,
    file_name,
    gunzip,
    is_cut,
    is_dicom,
    is_endless,
    is_reference,
    is_zip,
    not_carried,
    outside_url,
    passed_on,
    query_of,
    read_settings,
    referred,
    with_absolute_paths,
)
from orthanc_plugin_link import Link, Unreachable
from orthanc_plugin_mapped import mapped
from orthanc_plugin_process import Child, interpreter
from orthanc_plugin_sends import CONTROL, JOB, STORE, Sends

# What a socket takes at once: without Python.AllowThreads a longer answer to a slow client stops every callback.
SMALL_ANSWER = MIB // 4
# The gateway waits no longer than AnswerSeconds.
WHOLE = b"wait=3600"


class Plugin:
    """The routes on Orthanc's own port. ``api`` is the module ``orthanc``."""

    def __init__(self, api: Any, settings: Settings, child: Child | None, link: Link) -> None:
        self._api = api
        self._settings = settings
        self._child = child
        self._link = link
        self.stopping = threading.Event()
        self._answers = Answers(api)
        # A binary 206 and streamed answers exist since 5.0. Without AllowThreads (since 4.3) sending to a slow client
        # stops every Python callback of this Orthanc, so a video then goes by the gateway's own port.
        self._can_stream = settings.allow_threads and hasattr(api.RestOutput, "StartStreamAnswer")

    def on_change(self, change: int, *_: Any) -> None:
        if change == self._api.ChangeType.ORTHANC_STOPPED:
            self.stopping.set()
        if self._child is not None and change == self._api.ChangeType.NEW_INSTANCE:
            self._child.nudge()
        elif self._child is not None and change == self._api.ChangeType.ORTHANC_STARTED:
            self._child.start()
        elif self._child is not None and change == self._api.ChangeType.ORTHANC_STOPPED:
            self._child.stop()

    def instances(self, output: Any, uri: str, **request: Any) -> None:
        """GET and POST /instances: Orthanc's own, but for a body that is neither DICOM nor zip."""
        if request["method"] == "GET":
            query = query_of(request.get("get") or {})
            self._answers.own(output, uri, request, lambda: self._api.RestApiGet("/instances" + query))
        elif request["method"] == "POST":
            self._upload(output, uri, request)
        else:
            output.SendMethodNotAllowed("GET,POST")

    def _upload(self, output: Any, uri: str, request: Mapping[str, Any]) -> None:
        if is_cut(request["headers"]):
            self._too_large(output, uri, request)
            return
        body = request.get("body") or b""
        if self._child is not None and is_reference(request["headers"], self._settings.secret):
            with mapped(*referred(body)) as whole:
                self._answers.own(output, uri, request, lambda: self._api.RestApiPost("/instances", whole))
            return
        zipped = request["headers"].get("content-encoding", "").strip().lower() == "gzip"
        if not body:
            self._answers.refuse(output, uri, request, BAD_FILE_FORMAT, Details="Received an empty DICOM file")
            return
        try:
            head = gunzip(body, 512) if zipped else body[:512]
            if not (is_dicom(head) or is_zip(head) or came_back(request["headers"])):
                self._forward_upload(output, uri, request)
                return
            plain = gunzip(body, LARGEST_BODY + 1) if zipped else body
        except zlib.error:
            self._answers.refuse(output, uri, request, BAD_FILE_FORMAT)
            return
        if len(plain) > LARGEST_BODY:
            self._too_large(output, uri, request)
            return
        self._answers.own(output, uri, request, lambda: self._api.RestApiPost("/instances", plain))

    def _too_large(self, output: Any, uri: str, request: Mapping[str, Any]) -> None:
        sentence = (
            "Orthanc hands its plugins less than 4 GiB of an upload, and nothing was stored of this larger one. Send "
            'it in parts, or, if it is DICOM or zip, set "VideoGateway.OverrideInstances" to false: Orthanc takes it.'
        )
        body = error_body(413, BAD_REQUEST, request["method"], uri, {"Message": sentence, "detail": sentence})
        self._answers.error(output, request, 413, body)

    def study(self, output: Any, uri: str, **request: Any) -> None:
        """/studies/{id}: Orthanc's own, but for a study that is not there until a film's transcoding is done.

        Explorer 2 asks for the study of an upload at once, and never again.
        """
        if request["method"] == "GET":
            path = uri + query_of(request.get("get") or {})
            self._answers.own(output, uri, request, lambda: self._known(path) or self._awaited(path))
        elif request["method"] == "DELETE":
            self._answers.own(output, uri, request, lambda: self._delete_study(uri))
        else:
            output.SendMethodNotAllowed("GET,DELETE")

    def _awaited(self, path: str) -> bytes:
        # A caller's own headers of this kind are never passed on: only the plugin can ask this.
        headers = passed_on({}, self._settings.secret) | {"Orthanc-Video-Asks": b"plugin"}
        if self._child is None or self._child.ready:
            with suppress(Unreachable), self._link.ask("GET", "/video/awaited" + path, headers, None) as answer:
                if answer.status == 200:
                    return answer.read()
        return self._known(path)  # it may have been stored in between

    def _known(self, path: str) -> bytes:
        """Orthanc's answer, empty for a resource that it does not know."""
        try:
            return self._api.RestApiGet(path)  # type: ignore[no-any-return]
        except self._api.OrthancException as error:
            if error.args[0] != UNKNOWN_RESOURCE[0]:
                raise
            return b""

    def _delete_study(self, uri: str) -> bytes:
        """As the core does it; a plugin's way to delete does not tell what is left above."""
        study = self._known(uri)
        if not study:
            return b""
        patient = json.loads(study)["ParentPatient"]
        self._api.RestApiDelete(uri)
        left = {"ID": patient, "Path": f"/patients/{patient}", "Type": "Patient"}
        return json.dumps({"RemainingAncestor": left if self._known(left["Path"]) else None}).encode()

    def _forward_upload(self, output: Any, uri: str, request: Mapping[str, Any]) -> None:
        headers = passed_on(request["headers"], self._settings.secret)
        name = file_name(request["headers"])
        if name:
            headers["Orthanc-Video-Filename"] = urllib.parse.quote(name).encode()
        try:
            with self._link.ask("POST", "/instances", headers, request["body"]) as answer:
                body = answer.read()
        except Unreachable as error:
            self._answers.unreachable(output, uri, request, error)
            return
        if answer.status == 200:
            output.AnswerBuffer(body, "application/json; charset=utf-8")
        else:
            set_headers(output, answer)
            self._answers.error(output, request, answer.status, body)

    def video(self, output: Any, uri: str, **request: Any) -> None:
        """/video/…: the gateway's, as far as Orthanc's HTTP server can carry it; else by way of a redirect."""
        if came_back(request["headers"]):
            self._answers.refuse(output, uri, request, UNKNOWN_RESOURCE)
            return
        lost = not_carried(request["method"], uri)
        if lost:
            elsewhere = outside_url(self._settings, request["headers"])
            sentence = f"Orthanc's own port {lost}: send it to {elsewhere}{uri}."
            body = error_body(400, BAD_REQUEST, request["method"], uri, {"Message": sentence, "detail": sentence})
            self._answers.error(output, request, 400, body)
            return
        path = urllib.parse.quote(uri, safe="/!$&'()*+,;=:@~") + query_of(request.get("get") or {})
        if request["method"] == "GET" and is_endless(uri):
            self._redirect(output, request, path)
            return
        headers = passed_on(request["headers"], self._settings.secret)
        # Orthanc's core ends a streamed answer as if it were whole, whatever becomes of it: nothing that still grows.
        headers.setdefault("prefer", WHOLE)
        asked = headers.pop("range", b"").decode()
        # The core adds "Content-Type: text/plain" to ours of a 206, which a browser forgives within one origin only.
        same_site = request["headers"].get("sec-fetch-site", "none") in {"none", "same-origin"}
        if self._can_stream and same_site:
            # Several ranges at once a server may ignore; cut to size, their multipart answer would be broken.
            headers |= {"range": clip_range(asked).encode()} if asked and "," not in asked else {}
        elif request["method"] == "GET" and uri.endswith("/stream"):
            self._redirect(output, request, path)
            return
        try:
            with self._link.ask(request["method"], path, headers, request.get("body") or None) as answer:
                self._relay(output, request, path, answer)
        except Unreachable as error:
            self._answers.unreachable(output, uri, request, error)

    def _relay(self, output: Any, request: Mapping[str, Any], path: str, answer: http.client.HTTPResponse) -> None:
        kind = answer.headers.get("Content-Type", "application/octet-stream")
        long = answer.status == 200 and (answer.length is None or answer.length > SMALL_ANSWER)
        # What has an address of its own can be had from there, whichever way it was asked for.
        address = path if request["method"] == "GET" else answer.headers.get("Content-Location", "")
        if long and address and not self._can_stream:
            self._redirect(output, request, address, 307 if request["method"] == "GET" else 303)
            return
        if long and self._can_stream:
            self._stream(output, kind, answer)
            return
        body = answer.read(LARGEST_RANGE) if answer.status == 206 else answer.read()
        set_headers(output, answer)
        if answer.status == 200:
            output.AnswerBuffer(body, kind)
        elif answer.status == 206:
            output.SetHttpHeader("Content-Type", kind)
            output.SendHttpStatus(206, body)
        else:
            send(output, answer.status, body, kind, answer.headers.get("Allow", "GET"))

    def _stream(self, output: Any, kind: str, answer: http.client.HTTPResponse) -> None:
        set_headers(output, answer)
        if answer.length is not None:
            output.SetHttpHeader("Content-Length", str(answer.length))
        output.StartStreamAnswer(kind)
        # A player that seeks hangs up in the middle of an answer: nothing to report. Where it is the gateway that
        # breaks off, the client sees by Content-Length that bytes are missing.
        with suppress(self._api.OrthancException, OSError, http.client.HTTPException):
            while block := answer.read1(MIB):
                output.SendStreamChunk(block)

    def _redirect(self, output: Any, request: Mapping[str, Any], path: str, status: int = 307) -> None:
        output.SetHttpHeader("Location", outside_url(self._settings, request["headers"]) + path)
        output.SendHttpStatusCode(status)

    def viewer(self, output: Any, _uri: str, **request: Any) -> None:
        """/video: the viewer's first page."""
        if request["method"] == "GET":
            self._redirect(output, request, "/")
        else:
            output.SendMethodNotAllowed("GET")


# A link beside Orthanc Explorer's own buttons, on every page that has them; a series' or an instance's leads to itself.
EXPLORER = """
$('div[data-role="page"]').live('pagebeforecreate', function() {
  var group = $(this).children('div[data-role="header"]').children('.ui-btn-left');
  if (group.length && !group.find('.orthanc-video').length) {
    group.append($('<a>').addClass('orthanc-video').text('Videos').attr({
      'href': '../video', 'target': '_blank', 'rel': 'external', 'data-ajax': 'false',
      'data-role': 'button', 'data-icon': 'star'
    }));
  }
});
$('#series, #instance').live('pagebeforeshow', function() {
  var opened = $.mobile.pageData, level = this.id == 'series' ? 's' : 'v';
  if (opened && opened.uuid) {
    var link = $(this).find('.orthanc-video').attr('href', '../video#/' + level + '/' + opened.uuid);
    link.find('.ui-btn-text').text('Play');
  }
});
"""


Callback = Callable[..., None]


def releasing(api: Any) -> Callable[[Callback], Callback]:
    """For a callback that is sent bodies: plugin 4.0 never lets go of one, and would grow by all that is uploaded."""

    @functools.cache
    def forgets() -> bool:  # not asked at once: Orthanc answers only after it has loaded its plugins
        return bool(json.loads(api.RestApiGet("/plugins/python"))["Version"] == "4.0")

    def wrap(callback: Callback) -> Callback:
        def call(output: Any, uri: str, **request: Any) -> None:
            try:
                callback(output, uri, **request)
            finally:
                if "body" in request and forgets():
                    ctypes.pythonapi.Py_DecRef(ctypes.py_object(request["body"]))

        return kept(call)

    return wrap


def kept(callback: Callable[..., Any]) -> Callable[..., Any]:
    """Plugin 5.0 lets go of its callbacks when Python has ended already; freeing one then crashes Orthanc's own end."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(callback))
    return callback


def install(api: Any) -> Plugin:
    """Reads Orthanc's configuration and registers everything with it."""
    configuration = json.loads(api.GetConfiguration())
    settings = read_settings(configuration)
    child = None
    if settings.launch:
        whole = with_absolute_paths(configuration, api.GetConfigurationPath())
        greeting = json.dumps({"Secret": settings.secret, "Configuration": whole}).encode() + b"\n"
        child = Child(api, [interpreter(settings.python), "-m", "orthanc_video", "gateway"], greeting)
    link = Link(settings, child)
    plugin = Plugin(api, settings, child, link)
    sends = Sends(api, settings, link, configuration, plugin.stopping)
    released = releasing(api)
    if settings.override_instances:
        api.RegisterRestCallback("/instances", released(plugin.instances))
        api.RegisterRestCallback("/studies/[0-9a-f-]{44}", released(plugin.study))
    api.RegisterRestCallback("/video", released(plugin.viewer))
    api.RegisterRestCallback("/video/(.*)", released(plugin.video))
    api.RegisterRestCallback(STORE, released(sends.store))
    for route in (JOB, CONTROL):
        api.RegisterRestCallback(route, released(sends.job))
    sends.register_moves(kept)
    api.RegisterOnChangeCallback(plugin.on_change)
    api.ExtendOrthancExplorer(EXPLORER)
    return plugin


install(orthanc)
