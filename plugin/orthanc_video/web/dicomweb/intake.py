"""The parts of a STOW-RS request as they arrive (PS3.18 10.5.1): each is stored by itself, in constant memory."""

from __future__ import annotations

import asyncio
import urllib.parse
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from orthanc_video import metrics
from orthanc_video.archive.callers import Caller
from orthanc_video.dicom import jsonmodel, nativemodel, stored
from orthanc_video.dicom.jsonmodel import Model, Said
from orthanc_video.dicom.response import Failed, Named, Result, Stored
from orthanc_video.dicom.said import text
from orthanc_video.dicom.sent import identity
from orthanc_video.errors import (
    BadRequest,
    Busy,
    Forbidden,
    Nonconforming,
    NotVideo,
    TooLarge,
    UnsupportedMedia,
    VideoError,
)
from orthanc_video.files import Bytes, SpanSource
from orthanc_video.ingest import multipart, sent
from orthanc_video.ingest.receive import Committed
from orthanc_video.ingest.room import Hold
from orthanc_video.ingest.spool import SpoolFile
from orthanc_video.media import sniff
from orthanc_video.settings import MIB
from orthanc_video.web.context import Gateway

PART_10 = "application/dicom"
JSON = "application/dicom+json"
XML = "application/dicom+xml"
# Those of PS3.18 Table 10.5.2-1, the one that older editions have, and as a courtesy what cameras make.
VIDEOS = frozenset({
    "video/mp4", "video/mpeg", "video/h265", "video/mpeg2", "video/quicktime", "video/webm", "video/x-msvideo",
    "video/x-matroska",
})  # fmt: skip
# Parsed, they take some ten times as much memory.
_LONGEST_METADATA = 4 * MIB
_MOST_METADATA = 16 * MIB
_MOST_PARTS = 100_000

Parts = AsyncIterator[multipart.Event]


@dataclass(frozen=True, slots=True)
class _Waiting:
    """An instance whose stream has not come yet, and the place of its result."""

    said: Said
    name: Named
    identity: dict[str, str]
    place: int


@dataclass
class Intake:
    """One request's. ``study`` is the UID in its path, if any; ``base`` its URL, against which relative ones count."""

    gateway: Gateway
    caller: Caller
    hold: Hold
    study: str
    base: str
    _results: list[Result | None] = field(default_factory=list)
    _jobs: dict[int, tuple[Committed, _Waiting]] = field(default_factory=dict)
    _waiting: dict[str, _Waiting] = field(default_factory=dict)
    _ignored: set[str] = field(default_factory=set)
    _metadata: int = 0

    async def take(self, parts: Parts, default: str) -> None:
        """All parts; ``default`` is the type of those that name none. Raises BadRequest where no part can be found."""
        async for begins in parts:
            if not isinstance(begins, multipart.PartBegins):
                continue
            if len(self._results) >= _MOST_PARTS:
                raise BadRequest(f"The request has more than {_MOST_PARTS} parts. Send them in several.")
            if begins.flaw:
                await _drain(parts)
                self._results.append(self._failed(begins.flaw))
                continue
            kind, options = multipart.media_type(begins.headers.get("content-type", default))
            if kind == PART_10:
                await self._part_10(parts)
            elif kind in {JSON, XML}:
                await self._describe(parts, kind)
            else:
                await self._bulk(parts, begins, kind, options)

    async def results(self) -> list[Result]:
        """What became of each, once all jobs have ended. Raises Busy when the gateway stops first."""
        for waiting in self._waiting.values():
            error = BadRequest("No part has the Content-Location that the BulkDataURI of its Pixel Data names.")
            self._results[waiting.place] = self._failed(error, waiting.name)
        for place, (job, waiting) in self._jobs.items():
            self._results[place] = await self._ended(job, waiting)
        return [one for one in self._results if one is not None]

    def _failed(self, error: VideoError, name: Named | None = None) -> Failed:
        metrics.uploads_refused.labels(error.status).inc()
        return Failed(error=error, name=name or Named())

    async def _ended(self, job: Committed, waiting: _Waiting) -> Result:
        try:
            answer = await sent.outcome(self.gateway.engine, job)
        except VideoError as error:
            return self._failed(error, waiting.name)
        if not answer:
            raise Busy("The gateway is stopping. Try again in a moment: what has been stored is not stored twice.")
        return Stored(
            name=waiting.name,
            coerced=tuple(answer.get("Coerced", ())),
            filled=tuple(answer.get("Filled", ())),
            discarded=waiting.said.discarded,
        )

    async def _part_10(self, parts: Parts) -> None:
        """A DICOM file: Orthanc takes it as its caller's own upload."""
        name = Named()
        async with SpoolFile(self.gateway.settings, self.hold) as spooled:
            try:
                await _fill(parts, spooled)
                if not sniff.is_dicom(spooled.head):
                    raise BadRequest("The part says application/dicom, but is no DICOM file (PS3.10 7).")
                await spooled.finish()
                name = _named(await asyncio.to_thread(_identifiers, spooled))
                self._belongs(name.study)
                answer = await self.gateway.access.store(self.caller, spooled.path, spooled.size)
                if answer.get("Status") not in {"Success", "AlreadyStored"}:
                    raise Forbidden(f"Orthanc's filters did not accept the instance ({answer.get('Status')}).")
                self._results.append(Stored(name=name))
            except VideoError as error:
                self._results.append(self._failed(error, name))

    def _belongs(self, study: str) -> None:
        if self.study and study != self.study:
            raise Nonconforming("The instance is of another study than the one that it was sent to.")

    async def _describe(self, parts: Parts, kind: str) -> None:
        """Metadata: each instance waits for its bulk data."""
        try:
            data = await self._small(parts)
            read = jsonmodel.parse if kind == JSON else _model
            models = await asyncio.to_thread(read, data)
        except VideoError as error:
            self._results.append(self._failed(error))
            return
        for model in models:
            await self._expect(model)

    async def _small(self, parts: Parts) -> bytes:
        data, error = bytearray(), None
        async for block in _blocks(parts):
            self._metadata += len(block)
            if len(data) + len(block) > _LONGEST_METADATA or self._metadata > _MOST_METADATA:
                error = TooLarge(
                    f"Metadata may have {_LONGEST_METADATA // MIB} MiB, and {_MOST_METADATA // MIB} in all."
                )
            else:
                data += block
        if error:
            raise error
        return bytes(data)

    async def _expect(self, model: Model) -> None:
        name = Named()
        try:
            said = await asyncio.to_thread(jsonmodel.read, model)
            self._ignored.update(self._resolved(uri) for uri in said.elsewhere)
            name = _named({keyword: text(said.dataset, keyword) for keyword in stored.IDENTIFIERS})
            known = identity(said.dataset)
            self._belongs(known["StudyInstanceUID"])
            uri = self._resolved(said.pixels) if said.pixels else ""
            if not uri:
                raise BadRequest("Pixel Data has no BulkDataURI: a video is sent as a part of its own.")
            if uri in self._waiting:
                raise BadRequest("Another instance names the same BulkDataURI: each needs a part of its own.")
        except VideoError as error:
            self._ignored.update([self._resolved(said.pixels)] if name.sop_instance and said.pixels else [])
            self._results.append(self._failed(error, name))
            return
        self._waiting[uri] = _Waiting(said, name, known, len(self._results))
        self._results.append(None)

    def _resolved(self, uri: str) -> str:
        try:
            return urllib.parse.urljoin(self.base, uri.strip())
        except ValueError:
            return uri

    async def _bulk(self, parts: Parts, begins: multipart.PartBegins, kind: str, options: dict[str, str]) -> None:
        location = begins.headers.get("content-location", "")
        uri = self._resolved(location) if location else ""
        waiting = self._waiting.pop(uri, None)
        if waiting is None:
            await _drain(parts)
            if uri not in self._ignored:
                error = BadRequest("A part's Content-Location is no BulkDataURI of the metadata before it.")
                self._results.append(self._failed(error))
            return
        async with SpoolFile(self.gateway.settings, self.hold) as spooled:
            try:
                if kind not in VIDEOS:
                    await _drain(parts)
                    raise UnsupportedMedia(f"Pixel Data of a video is one of {', '.join(sorted(VIDEOS))}.")
                await _fill(parts, spooled)
                if not spooled.size:
                    raise NotVideo("The part is empty, and no video.")
                instance = sent.Sent(
                    dataset=waiting.said.dataset,
                    identity=waiting.identity,
                    content_type=kind,
                    transfer_syntax=options.get("transfer-syntax", "").replace("*", ""),
                )
                self._jobs[waiting.place] = await sent.commit(self.gateway.engine, spooled, instance), waiting
            except VideoError as error:
                self._results[waiting.place] = self._failed(error, waiting.name)


def _model(data: bytes) -> list[Model]:
    return [nativemodel.parse(data)]


def _named(found: dict[str, str]) -> Named:
    return Named(
        sop_class=found["SOPClassUID"],
        sop_instance=found["SOPInstanceUID"],
        study=found["StudyInstanceUID"],
        series=found["SeriesInstanceUID"],
    )


def _identifiers(spooled: SpoolFile) -> dict[str, str]:
    with SpanSource(spooled.path) as file:
        return stored.identifiers(Bytes(file))


async def _blocks(parts: Parts) -> AsyncIterator[bytes]:
    """The bytes of the part that has begun, to its end."""
    async for event in parts:
        if isinstance(event, multipart.PartEnds):
            return
        if isinstance(event, multipart.PartData):
            yield event.data


async def _fill(parts: Parts, spooled: SpoolFile) -> None:
    """All of a part into the spool; one for which there is no room is read to its end, so that the next one counts."""
    failed: VideoError | None = None
    async for block in _blocks(parts):
        if failed is None:
            try:
                await spooled.write(block)
            except VideoError as error:
                failed = error
    if failed is not None:
        raise failed


async def _drain(parts: Parts) -> None:
    async for _ in _blocks(parts):
        pass
