"""multipart/form-data as it arrives (RFC 7578): every part's bytes are handed on at once, none are gathered."""

from __future__ import annotations

import urllib.parse
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from orthanc_video.errors import BadRequest

_MOST_HEADERS = 16 * 1024


@dataclass(frozen=True, slots=True)
class PartBegins:
    """A part's header fields: names in lower case."""

    headers: dict[str, str]

    @property
    def name(self) -> str:
        return self._disposition().get("name", "")

    @property
    def filename(self) -> str:
        # Browsers and curl write a quotation mark so (WHATWG HTML, multipart/form-data encoding algorithm).
        return self._disposition().get("filename", "").replace("%22", '"')

    def _disposition(self) -> dict[str, str]:
        _, options = parse_options_header(self.headers.get("content-disposition", "").encode())
        return {key.decode("latin-1"): value.decode("utf-8", "replace") for key, value in options.items()}


@dataclass(frozen=True, slots=True)
class PartData:
    data: bytes


@dataclass(frozen=True, slots=True)
class PartEnds:
    pass


Event = PartBegins | PartData | PartEnds


@dataclass
class _Collector:
    """Turns the parser's callbacks into events."""

    events: list[Event] = field(default_factory=list)
    complete: bool = False
    _field: bytearray = field(default_factory=bytearray)
    _value: bytearray = field(default_factory=bytearray)
    _headers: dict[str, str] = field(default_factory=dict)

    def on_part_begin(self) -> None:
        self._headers = {}

    def on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]
        self._check()

    def on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]
        self._check()

    def on_header_end(self) -> None:
        self._headers[self._field.decode("latin-1").lower()] = self._value.decode("utf-8", "replace")
        self._field.clear()
        self._value.clear()

    def on_headers_finished(self) -> None:
        self.events.append(PartBegins(self._headers))

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        self.events.append(PartData(data[start:end]))

    def on_part_end(self) -> None:
        self.events.append(PartEnds())

    def on_end(self) -> None:
        self.complete = True

    def _check(self) -> None:
        if len(self._field) + len(self._value) > _MOST_HEADERS or len(self._headers) > 32:
            raise BadRequest("A part of the multipart upload has headers that are too long.")


async def events(content_type: str, body: AsyncIterator[bytes]) -> AsyncIterator[Event]:
    """The parts of a form as they arrive; raises BadRequest when it is malformed or breaks off."""
    _, options = parse_options_header(content_type)
    boundary = options.get(b"boundary")
    if not boundary or len(boundary) > 200:
        raise BadRequest("The multipart upload names no usable boundary in its Content-Type.")
    collector = _Collector()
    names = [name for name in dir(collector) if name.startswith("on_")]
    parser = MultipartParser(boundary, callbacks={name: getattr(collector, name) for name in names})  # type: ignore[arg-type]
    try:
        async for block in body:
            parser.write(block)
            ready, collector.events = collector.events, []
            for event in ready:
                yield event
        parser.finalize()
    except FormParserError as error:
        raise BadRequest("The multipart upload is malformed.") from error
    if not collector.complete:
        raise BadRequest("The multipart upload breaks off before its last boundary.")


def header_filename(value: str) -> str:
    """A percent-encoded file name out of a header, without any folder, at most 255 characters."""
    return base_name(urllib.parse.unquote(value))


def base_name(name: str) -> str:
    """A file name without folders and control characters, at most 255 characters."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(character for character in last if character.isprintable())[:255]
