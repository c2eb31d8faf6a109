"""multipart/form-data (RFC 7578) and multipart/related (RFC 2387) as they arrive: each part's bytes at once."""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import AsyncIterator, Generator, Iterator
from dataclasses import dataclass

from python_multipart.multipart import parse_options_header

from orthanc_video.errors import BadRequest

_MOST_HEADERS = 16 * 1024
_MOST_FIELDS = 32
_LONGEST_PREAMBLE = 64 * 1024
# After a boundary: the end of all, or white space before the end of the line; and what may become one of these.
_AFTER = re.compile(rb"(--)|[ \t]{0,200}(?=\r\n)")
_UNDECIDED = re.compile(rb"-?|[ \t]{0,200}\r?")
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n\0]*)")


@dataclass(frozen=True, slots=True)
class PartBegins:
    """A part's header fields: names in lower case; ``flaw`` is why they cannot be relied upon."""

    headers: dict[str, str]
    flaw: BadRequest | None = None

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
# Whether more can be read of what has arrived.
_Steps = Generator[Event, None, bool]


class _Parser:
    """Splits a body at its boundaries (RFC 2046 5.1.1).

    Our own, since libraries end with the first part whose header they cannot read: here it fails alone.
    """

    def __init__(self, boundary: bytes) -> None:
        self._delimiter = b"\r\n--" + boundary
        self._held = b"\r\n"  # so that the first boundary begins a line, too
        self._at = 0  # before that, it has been read
        self._read = self._preamble
        self._passed = 0
        self._blank = 0
        self.complete = False

    def feed(self, block: bytes) -> Iterator[Event]:
        self._held, self._at = self._held[self._at :] + block, 0
        going = True
        while going and not self.complete:
            going = yield from self._read()
        if self.complete:
            self._held, self._at = b"", 0  # what follows means nothing

    def _next(self) -> tuple[int, re.Match[bytes] | None]:
        """Up to where there certainly is no boundary; and what follows it, where a whole one begins there."""
        at = self._held.find(self._delimiter, self._at)
        while at >= 0:
            end = at + len(self._delimiter)
            follows = _AFTER.match(self._held, end)
            if follows or _UNDECIDED.fullmatch(self._held, end):
                return at, follows
            at = self._held.find(self._delimiter, at + 1)
        last = self._held.rfind(b"\r", max(self._at, len(self._held) - len(self._delimiter) + 1))
        return last if last >= 0 and self._delimiter.startswith(self._held[last:]) else len(self._held), None

    def _preamble(self) -> _Steps:
        taken, going = self._taken()
        self._passed += len(taken)
        if self._passed > _LONGEST_PREAMBLE:
            raise BadRequest("The multipart upload does not begin with its boundary.")
        yield from ()
        return going

    def _header(self) -> _Steps:
        at, follows = self._next()
        longest = self._at + _MOST_HEADERS
        blank = self._held.find(b"\r\n\r\n", self._at, longest)
        if 0 <= blank < at:
            yield _begins(self._held[self._at + 2 : blank])
            # The empty line may be the beginning of a boundary already: then there are no data.
            self._at, self._blank = blank + 2, 2
        elif follows or len(self._held) >= longest:
            yield PartBegins({}, BadRequest("A part of the multipart upload has a header that does not end."))
        else:
            return False
        self._read = self._data
        return True

    def _data(self) -> _Steps:
        taken, going = self._taken()
        if len(taken) > self._blank:
            yield PartData(taken[self._blank :])
        if taken:
            self._blank = 0
        if going:
            self._blank = 0
            yield PartEnds()
        return going

    def _taken(self) -> tuple[bytes, bool]:
        """What is held up to the next boundary, and whether that is there whole and was passed."""
        at, follows = self._next()
        taken, self._at = self._held[self._at : at], follows.end() if follows else at
        if follows:
            self.complete = bool(follows[1])
            self._read = self._header
        return taken, follows is not None


def _begins(header: bytes) -> PartBegins:
    fields = [_FIELD.fullmatch(line) for line in header.split(b"\r\n")] if header else []
    if len(fields) > _MOST_FIELDS:
        return PartBegins({}, BadRequest(f"A part of the multipart upload has more than {_MOST_FIELDS} header fields."))
    found = {field[1].decode("latin-1").lower(): field[2].decode("utf-8", "replace") for field in fields if field}
    flaw = None if all(fields) else BadRequest("A part of the multipart upload has a malformed header field.")
    return PartBegins(found, flaw)


def media_type(content_type: str) -> tuple[str, dict[str, str]]:
    """A Content-Type's type, in lower case, and its parameters."""
    kind, options = parse_options_header(content_type)
    return kind.decode("latin-1").lower(), {
        key.decode("latin-1").lower(): value.decode("utf-8", "replace") for key, value in options.items()
    }


async def events(content_type: str, body: AsyncIterator[bytes], *, each_alone: bool = False) -> AsyncIterator[Event]:
    """The parts as they arrive; raises BadRequest when the body is malformed or breaks off.

    With ``each_alone``, a part whose header cannot be read only has a ``flaw``, and the others come as they are.
    """
    _, options = parse_options_header(content_type)
    boundary = options.get(b"boundary")
    if not boundary or len(boundary) > 200:
        raise BadRequest("The multipart upload names no usable boundary in its Content-Type.")
    parser = _Parser(boundary)
    async for block in body:
        for event in parser.feed(block):
            if isinstance(event, PartBegins) and event.flaw and not each_alone:
                raise event.flaw
            yield event
    if not parser.complete:
        raise BadRequest("The multipart upload breaks off before its last boundary.")


def header_filename(value: str) -> str:
    """A percent-encoded file name out of a header, without any folder, at most 255 characters."""
    return base_name(urllib.parse.unquote(value))


def base_name(name: str) -> str:
    """A file name without folders and control characters, at most 255 characters."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(character for character in last if character.isprintable())[:255]
