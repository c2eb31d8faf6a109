"""Stored videos as players are sent them that go to single frames; the newly written indexes are kept for a while."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
from collections import OrderedDict

from orthanc_video.archive.objects import StoredVideo, held
from orthanc_video.dicom.retimed import retimed
from orthanc_video.files import Bytes, SpanSource

# An index has some thirty bytes for each frame: those of a day's films.
_MOST_BYTES = 32 << 20
# What is remembered of a stream that stays as it is.
_NOTHING = 1 << 10


class Retimed:
    """Bounded by the bytes of all indexes together; the least recently used go."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, StoredVideo] = OrderedDict()
        self._bytes = 0

    async def of(self, stored: StoredVideo) -> StoredVideo:
        """The same pictures a few microseconds early (``bitstream.retimed``), or ``stored`` where that cannot be."""
        found = self._known.get(stored.uuid)
        if found is None or found.path != stored.path:
            found = await asyncio.to_thread(_made, stored)
            self._keep(stored.uuid, found)
        else:
            self._known.move_to_end(stored.uuid)
        return found

    def _keep(self, name: str, made: StoredVideo) -> None:
        self._forget(name)
        self._known[name] = made
        self._bytes += _size(made)
        while self._bytes > _MOST_BYTES and len(self._known) > 1:
            self._forget(next(iter(self._known)))

    def _forget(self, name: str) -> None:
        gone = self._known.pop(name, None)
        self._bytes -= _size(gone) if gone else 0


def _size(made: StoredVideo) -> int:
    return len(made.head) + _NOTHING


def _made(stored: StoredVideo) -> StoredVideo:
    with held(stored.path), SpanSource(stored.path) as file:
        found = retimed(Bytes(file), stored.located)
    if found is None:
        return stored
    head, spans = found
    length = len(head) + sum(span.length for span in spans)
    located = dataclasses.replace(stored.located, spans=spans, length=length)
    # Other bytes have another name, also where another version of this writes them.
    uuid = f"{stored.uuid}-{hashlib.sha256(head).hexdigest()[:16]}"
    return dataclasses.replace(stored, uuid=uuid, located=located, head=head)
