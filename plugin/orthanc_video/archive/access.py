"""Orthanc as a caller sees it: every question is asked with that caller's own credentials.

The gateway has no users. Before it reads a resource or takes an upload, Orthanc has allowed this caller that very
thing; a "yes" is remembered for a few seconds, a "no" never.
"""

from __future__ import annotations

import asyncio
import time
import urllib.parse
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

import httpx

from orthanc_video.archive.callers import Caller
from orthanc_video.archive.identifiers import identity_of, is_orthanc_id, is_uid, orthanc_ids
from orthanc_video.errors import BadRequest, Busy, Forbidden, NotFound, Unauthorized, VideoError
from orthanc_video.settings import Settings, is_loopback

T = TypeVar("T")

# With what web.recurring remembers on top of it: three seconds.
_REMEMBER_SECONDS = 2.0
_REMEMBER_MOST = 10_000
# How long a question may take that moves no object: an Orthanc that is frozen still takes connections.
_PATIENCE = 30.0
_CONNECT = 5.0
# Orthanc takes 127.0.0.1 alone for a local caller; another loopback address is for it a remote one.
_LOCAL, _NOT_LOCAL = "127.0.0.1", "127.0.0.2"
# Answers to a question for bytes that may be had: all, the one that was asked for, none since they are known.
_GIVEN = (httpx.codes.OK, httpx.codes.PARTIAL_CONTENT, httpx.codes.NOT_MODIFIED)
_FOUND = "application/dicom+json"
# Resources that a search has found and that are asked for together: Orthanc's threads are for others, too.
_AT_ONCE = 4
Level = Literal["Study", "Series", "Instance"]
# Of each level: its name in paths, its UID's keyword, and that of its Orthanc ID among an instance's.
_LEVELS = {
    "Study": ("studies", "StudyInstanceUID", "ParentStudy"),
    "Series": ("series", "SeriesInstanceUID", "ParentSeries"),
    "Instance": ("instances", "SOPInstanceUID", "ID"),
}


@dataclass(frozen=True, slots=True)
class Attachment:
    """An instance's stored file: ``uuid`` never names other bytes, ``size`` in bytes, ``tag`` is its ETag."""

    uuid: str
    size: int
    tag: str


class Access:
    """Questions to Orthanc on behalf of callers; one pool of connections for local callers, one for remote ones."""

    def __init__(self, settings: Settings) -> None:
        self.orthanc_url = settings.orthanc_url
        self._dicom_web_root = settings.dicom_web_root
        self._clients = {local: _client(settings, local) for local in (True, False)}
        self._allowed: dict[tuple[str, ...], tuple[float, Any]] = {}

    def client(self, caller: Caller) -> httpx.AsyncClient:
        return self._clients[caller.local]

    async def close(self) -> None:
        for client in self._clients.values():
            await client.aclose()

    async def ask(self, caller: Caller, method: str, path: str, **more: Any) -> httpx.Response:
        """One request as the caller; raises Unauthorized, Forbidden, NotFound or Busy, else the answer as it is."""
        more = {"headers": dict(caller.credentials)} | more
        try:
            answer = await self.client(caller).request(method, path, timeout=_question(), **more)
        except httpx.HTTPError as error:
            raise Busy("Orthanc does not answer. Try again in a moment.") from error
        refuse(answer.status_code)
        return answer

    async def json(self, caller: Caller, method: str, path: str, **more: Any) -> Any:
        """The JSON answer; any other failure of Orthanc's is Busy."""
        return (await self._answered(caller, method, path, **more)).json()

    @asynccontextmanager
    async def streamed(self, caller: Caller, path: str, headers: Mapping[str, str]) -> AsyncIterator[httpx.Response]:
        """The answer to a GET as it comes; raises Unauthorized, Forbidden, NotFound, or Busy for any other but 200."""
        asked = self.client(caller).stream("GET", path, headers=dict(headers) | dict(caller.credentials))
        try:
            async with asked as answer:
                refuse(answer.status_code)
                if answer.status_code != httpx.codes.OK:
                    raise unexpected(answer.status_code)
                yield answer
        except httpx.HTTPError as error:
            raise Busy("Orthanc does not answer. Try again in a moment.") from error

    async def _answered(self, caller: Caller, method: str, path: str, **more: Any) -> httpx.Response:
        answer = await self.ask(caller, method, path, **more)
        if answer.is_server_error and method == "GET":
            # A resource that is just being deleted fails for a moment before it is gone: the second answer is true.
            answer = await self.ask(caller, method, path, **more)
        if answer.status_code != httpx.codes.OK:
            raise unexpected(answer.status_code)
        return answer

    async def remembered(self, caller: Caller, path: str) -> Any:
        """The JSON at ``path`` as the caller may read it, at most a few seconds old."""
        return await self._once(caller, path, lambda: self.json(caller, "GET", path))

    async def several(self, caller: Caller, paths: Iterable[str], *left_out: type[VideoError]) -> list[Any]:
        """As ``remembered``, at several paths in their order, without those that are ``left_out``: what raises such."""
        turns = asyncio.Semaphore(_AT_ONCE)

        async def read(path: str) -> list[Any]:
            async with turns:
                with suppress(*left_out):
                    return [await self.remembered(caller, path)]
            return []

        return [one for found in await asyncio.gather(*map(read, paths)) for one in found]

    async def _once(self, caller: Caller, subject: str, question: Callable[[], Awaitable[T]]) -> T:
        """What the question came to, at most a few seconds ago; one that raises is asked again each time."""
        key = (caller.key, subject)
        found = self._allowed.get(key)
        if found is not None and time.monotonic() - found[0] < _REMEMBER_SECONDS:
            remembered: T = found[1]
            return remembered
        value = await question()
        if len(self._allowed) >= _REMEMBER_MOST:
            self._allowed.clear()
        self._allowed[key] = (time.monotonic(), value)
        return value

    async def may_enter(self, caller: Caller) -> None:
        """Raises unless Orthanc knows this caller: asked of the gateway's own pages, which hold no patient data."""
        if not caller.vouched:
            await self.remembered(caller, "/system")

    async def may_upload(self, caller: Caller) -> None:
        """Raises unless Orthanc takes uploads from this caller: an empty one is refused as empty, or as forbidden."""
        if caller.vouched:
            return
        answer = await self.ask(caller, "POST", "/instances", content=b"")
        if answer.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise unexpected(answer.status_code)

    async def may_delete(self, caller: Caller) -> None:
        """Raises unless Orthanc lets this caller delete instances: asked of one that does not exist."""
        try:
            await self.ask(caller, "DELETE", "/instances/00000000-00000000-00000000-00000000-00000000")
        except NotFound:
            return

    async def may_see_destinations(self, caller: Caller) -> None:
        """Raises unless Orthanc shows this caller its modalities."""
        await self.ask(caller, "GET", "/modalities")

    async def may_store_on(self, caller: Caller, name: str, *, web: bool) -> None:
        """Raises unless Orthanc lets this caller send to a modality, or DICOMweb server: asked with nothing to send."""
        quoted = urllib.parse.quote(name, safe="")
        path = f"{self._dicom_web_root}/servers/{quoted}/stow" if web else f"/modalities/{quoted}/store"
        await self.ask(caller, "POST", path, content=b"")

    async def attachment(self, caller: Caller, instance: str) -> Attachment:
        """The stored file of an instance, where the caller may know of it; that says nothing about its bytes."""
        path = f"{_file_of(instance)}/info"

        async def question() -> Attachment:
            answer = await self._answered(caller, "GET", path)
            info = answer.json()
            return Attachment(str(info["Uuid"]), int(info["UncompressedSize"]), answer.headers.get("etag", ""))

        return await self._once(caller, path, question)

    def forget(self, caller: Caller, instance: str, before: float) -> None:
        """What is remembered of an instance's stored file since earlier than ``before`` (monotonic): it is another."""
        for path in (f"{_file_of(instance)}/info", f"{_file_of(instance)}/data"):
            known = self._allowed.get((caller.key, path))
            if known is not None and known[0] < before:
                del self._allowed[caller.key, path]

    async def may_read(self, caller: Caller, instance: str) -> None:
        """Raises unless Orthanc gives this caller the bytes of the instance's stored file: asked of those very bytes.

        They are named by their ETag, so Orthanc answers 304 and reads none; where it does read, it sends one.
        """
        path = f"{_file_of(instance)}/data"
        tag = (await self.attachment(caller, instance)).tag
        headers = {"If-None-Match": tag, "Range": "bytes=0-0"} if tag else {"Range": "bytes=0-0"}

        async def question() -> bool:
            status = await self._status(caller, "GET", path, headers)
            if status not in _GIVEN:
                raise unexpected(status)
            return True

        await self._once(caller, path, question)

    async def may_reach(self, caller: Caller, method: str, path: str) -> None:
        """Raises where Orthanc refuses this caller a path of its DICOMweb, whatever there is.

        It is asked for little (what is refused for itself, Orthanc's log tells as errors), or sent nothing.
        """

        async def question() -> bool:
            with suppress(NotFound):  # of no study, or there is no such DICOMweb: nothing is forbidden
                status = await self._status(caller, method, path, {"Accept": _FOUND})
                if status >= httpx.codes.INTERNAL_SERVER_ERROR:
                    raise unexpected(status)
            return True

        await self._once(caller, f"{method} {path}", question)

    async def _status(self, caller: Caller, method: str, path: str, headers: Mapping[str, str]) -> int:
        """That of an answer which is not read; raises as ``ask``."""
        headers = dict(headers) | dict(caller.credentials)
        asked = self.client(caller).stream(method, path, headers=headers, timeout=_question())
        try:
            async with asked as answer:
                refuse(answer.status_code)
                return answer.status_code
        except httpx.HTTPError as error:
            raise Busy("Orthanc does not answer. Try again in a moment.") from error

    async def may_follow_job(self, caller: Caller, instance: str | None) -> None:
        """Raises unless this is one whom Orthanc shows its own jobs, or takes uploads from, or lets see the instance.

        Whom a job belongs to is not recorded: its sender is one of those who may upload.
        """
        asking = Caller(credentials=caller.credentials, local=caller.local)

        async def upload() -> bool:
            await self.may_upload(asking)
            return True

        for path in (*([f"/instances/{instance}"] if instance else []), "/jobs"):
            with suppress(Forbidden, NotFound):
                await self.remembered(asking, path)
                return
        with suppress(Forbidden):
            await self._once(asking, "upload", upload)
            return
        raise Forbidden(
            "Orthanc shows this caller no jobs, takes no uploads from it, and does not let it see the video."
        )

    async def may_see_jobs(self, caller: Caller) -> None:
        """Raises unless Orthanc shows this caller its own jobs."""
        await self.ask(caller, "GET", "/jobs")

    async def study(self, caller: Caller, study: str) -> dict[str, Any]:
        """A study's own record by its Orthanc ID; raises NotFound."""
        found: dict[str, Any] = await self.json(caller, "GET", f"/studies/{study}")
        return found

    async def store(self, caller: Caller, path: Path, size: int) -> Any:
        """Posts a file as it is, in constant memory, as the caller's own upload; Orthanc's answer.

        Raises BadRequest, Unauthorized or Forbidden when it is refused, Busy when Orthanc is away.
        """

        async def blocks() -> AsyncIterator[bytes]:
            with path.open("rb") as file:
                while block := file.read(1 << 20):
                    yield block

        headers = {"Content-Length": str(size)} | dict(caller.credentials)
        try:
            answer = await self.client(caller).post("/instances", content=blocks(), headers=headers)
        except httpx.HTTPError as error:
            raise Busy("Orthanc does not answer. Try again in a moment.") from error
        refuse(answer.status_code)
        if answer.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise unexpected(answer.status_code)
        if answer.status_code != httpx.codes.OK:
            raise BadRequest(f"Orthanc did not take a DICOM file (HTTP {answer.status_code}).")
        return answer.json()

    async def may_control_jobs(self, caller: Caller, action: str) -> None:
        """Raises unless Orthanc lets this caller ``cancel`` or ``resubmit`` jobs: asked of one that does not exist."""
        try:
            await self.ask(caller, "POST", f"/jobs/00000000-0000-0000-0000-000000000000/{action}", content=b"")
        except NotFound:
            return

    async def instance(self, caller: Caller, named: str) -> str:
        """The Orthanc ID of an instance named by Orthanc ID or SOP Instance UID, where the caller may read it."""
        return await self._identified(caller, "Instance", named, "a SOP Instance UID")

    async def series(self, caller: Caller, named: str) -> str:
        """The Orthanc ID of a series named by Orthanc ID or Series Instance UID."""
        return await self._identified(caller, "Series", named, "a Series Instance UID")

    async def _identified(self, caller: Caller, level: Level, named: str, kind: str) -> str:
        if is_orthanc_id(named):
            return named
        if not is_uid(named):
            raise NotFound(f"That is neither an Orthanc ID nor {kind}.")
        return await self._once(caller, f"lookup {named}", lambda: self.looked_up(caller, level, named))

    async def looked_up(self, caller: Caller, level: Level, uid: str) -> str:
        """The Orthanc ID of what has this UID; raises NotFound, and Forbidden where the caller may not know.

        Orthanc looks UIDs up by POST alone, which a site may refuse to those who only read: they search by GET.
        """
        try:
            found = await self.json(caller, "POST", "/tools/lookup", content=uid)
        except Forbidden as refused:
            keyword = _LEVELS[level][1]
            searched = await self.searched(caller, level, {keyword: uid}, refused)
            found = [{"Type": level, "ID": one["ID"]} for one in searched if one["MainDicomTags"][keyword] == uid]
        named = next((str(item["ID"]) for item in found if item["Type"] == level), "")
        if not named:
            raise NotFound(f"Orthanc holds no such {level.lower()}.")
        return named

    async def searched(
        self, caller: Caller, level: Level, query: Mapping[str, str], refused: Forbidden
    ) -> list[dict[str, Any]]:
        """Orthanc's records of what ``query`` finds by GET, for a caller whom Orthanc refused to search by POST.

        QIDO-RS tells the identifiers of which an Orthanc ID is made, and that one is asked for. Raises ``refused``
        where there is no DICOMweb.
        """
        name, _, own = _LEVELS[level]
        # Orthanc takes %2A for a star, and no wildcard.
        asked = urllib.parse.urlencode({**query, "includefield": "PatientID"}, safe="*", quote_via=urllib.parse.quote)
        headers = {"accept": _FOUND} | dict(caller.credentials)
        try:
            path = f"{self._dicom_web_root}/{name}?{asked}"
            answer = await self._answered(caller, "GET", path, headers=headers)
        except NotFound:
            raise refused from None
        paths = [f"/{name}/{orthanc_ids(identity_of(model))[own]}" for model in answer.json()]
        return await self.several(caller, paths, NotFound)  # deleted meanwhile

    async def sop_instance(self, caller: Caller, instance: str) -> str:
        """The SOP Instance UID of an instance, by its Orthanc ID; raises NotFound."""
        found = await self.remembered(caller, f"/instances/{instance}")
        return str(found["MainDicomTags"]["SOPInstanceUID"])


def _question() -> httpx.Timeout:
    return httpx.Timeout(_PATIENCE, connect=_CONNECT)


def _file_of(instance: str) -> str:
    return f"/instances/{instance}/attachments/dicom"


def refuse(status: int) -> None:
    """Orthanc's refusals as our errors."""
    refusals: dict[int, VideoError] = {
        401: Unauthorized("Orthanc asks for a user and a password."),
        403: Forbidden("Orthanc does not allow this to this caller."),
        404: NotFound("Orthanc holds no such resource."),
    }
    if status in refusals:
        raise refusals[status]


def unexpected(status: int) -> Busy:
    """Any other answer but the one that was asked for: it may pass."""
    return Busy(f"Orthanc answered HTTP {status}. Try again in a moment.")


def _client(settings: Settings, local: bool) -> httpx.AsyncClient:
    host = httpx.URL(settings.orthanc_url).host
    address = None
    if is_loopback(host):
        address = _LOCAL if local else _NOT_LOCAL
    # A connection kept open holds one of Orthanc's threads while it is idle, and Orthanc may close it just when it is
    # used again, which cannot be told from a failure.
    limits = httpx.Limits(max_connections=200, max_keepalive_connections=0)
    transport = httpx.AsyncHTTPTransport(local_address=address, limits=limits)
    # Unless it is a question: writing and reading may take as long as an upload; only connecting has to be quick.
    timeout = httpx.Timeout(None, connect=_CONNECT)
    client = httpx.AsyncClient(base_url=settings.orthanc_url, transport=transport, timeout=timeout)
    client.headers.clear()  # what is passed on carries the caller's headers, none of httpx's own
    return client
