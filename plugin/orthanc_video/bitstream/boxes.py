"""The box structure of MP4 and MOV files (ISO/IEC 14496-12 section 4.2), read within bounds."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from orthanc_video.errors import BrokenVideo

_HEADER = 8
_LARGE_HEADER = 16
_MOST_TOP_LEVEL = 100_000
_MOST_CHILDREN = 1_000


class Source(Protocol):
    """Bytes that can be read anywhere: a file, or a span inside a stored object."""

    @property
    def size(self) -> int:
        """How many bytes there are."""

    def read(self, offset: int, length: int) -> bytes:
        """``length`` bytes from ``offset`` on; fewer only where the source ends."""


@dataclass(frozen=True, slots=True)
class Box:
    """A box in a file: it begins at byte ``offset`` and is ``size`` bytes long, ``header`` (8 or 16) included.

    ``kind`` is its four-character code, decoded as Latin-1.
    """

    kind: str
    offset: int
    header: int
    size: int

    @property
    def end(self) -> int:
        return self.offset + self.size

    def __str__(self) -> str:
        return f"box {self.kind!r} at byte {self.offset}"


@dataclass(frozen=True, slots=True)
class Node:
    """A box whose content is in memory. ``box.offset`` counts from the start of the file."""

    box: Box
    content: memoryview


def top_level(source: Source) -> tuple[Box, ...]:
    """The boxes that a file is made of, in order.

    A tail of at most 7 zero bytes is left out: DICOM pads an odd stream with one (PS3.5 A.4). ``BrokenVideo`` when a
    box runs beyond the end of the file, when its size makes no sense, or when there are more than 100,000.
    """
    boxes: list[Box] = []
    offset = 0
    while offset < source.size:
        head = source.read(offset, min(_LARGE_HEADER, source.size - offset))
        if len(head) < _HEADER and not any(head):
            break
        box = _box(head, offset, source.size)
        if box.end > source.size:
            raise BrokenVideo(
                f"the file is truncated: {box} needs {box.size} bytes, but the file ends after {source.size}"
            )
        if len(boxes) == _MOST_TOP_LEVEL:
            raise BrokenVideo(f"the file has more than {_MOST_TOP_LEVEL} boxes")
        boxes.append(box)
        offset = box.end
    return tuple(boxes)


def load(source: Source, box: Box, most: int) -> Node:
    """A top-level box with its content, which may be at most ``most`` bytes (else ``BrokenVideo``)."""
    length = box.size - box.header
    if length > most:
        raise BrokenVideo(f"{box} has {length} bytes; at most {most} are read")
    content = source.read(box.offset + box.header, length)
    if len(content) < length:
        raise BrokenVideo(f"the file is truncated: only {len(content)} of the {length} bytes in {box} could be read")
    return Node(box, memoryview(content))


def children(parent: Node, skip: int = 0) -> Iterator[Node]:
    """The boxes inside a box, after ``skip`` bytes of its own fields.

    A tail too short for a box is left out, as QuickTime ends lists with 4 zero bytes. ``BrokenVideo`` when a child
    runs beyond its parent, or when there are more than 1,000.
    """
    at = skip
    count = 0
    start = parent.box.offset + parent.box.header
    while len(parent.content) - at >= _HEADER:
        box = _box(parent.content[at : at + _LARGE_HEADER], start + at, parent.box.end)
        if box.end > parent.box.end:
            raise BrokenVideo(f"{box} needs {box.size} bytes, but its parent {parent.box.kind!r} ends before that")
        count += 1
        if count > _MOST_CHILDREN:
            raise BrokenVideo(f"{parent.box} has more than {_MOST_CHILDREN} children")
        yield Node(box, parent.content[at + box.header : at + box.size])
        at += box.size


def child(parent: Node, kind: str) -> Node | None:
    """The first box of a kind inside a box."""
    return next((node for node in children(parent) if node.box.kind == kind), None)


def descend(parent: Node, *kinds: str) -> Node:
    """The box that is reached over these kinds one inside the other, or ``BrokenVideo``."""
    for kind in kinds:
        node = child(parent, kind)
        if node is None:
            raise BrokenVideo(f"{parent.box} has no {kind!r} box")
        parent = node
    return parent


def fields(node: Node, layout: str, at: int = 0) -> tuple[Any, ...]:
    """The big-endian fields from byte ``at`` of a box's content on, by their ``struct`` layout."""
    try:
        return struct.unpack_from(">" + layout, node.content, at)
    except struct.error:
        raise BrokenVideo(f"{node.box} is too short: it has only {len(node.content)} bytes of content") from None


def version(node: Node) -> int:
    """The version of a full box (ISO/IEC 14496-12 4.2)."""
    return int(fields(node, "B")[0])


def table(node: Node, kind: str, count: int, at: int) -> npt.NDArray[Any]:
    """``count`` entries of NumPy type ``kind`` from byte ``at`` of a box's content on; nothing is copied."""
    there = (len(node.content) - at) // np.dtype(kind).itemsize
    if count > there:
        raise BrokenVideo(f"{node.box} announces {count} entries, but has room for {max(there, 0)}")
    return np.frombuffer(node.content, dtype=kind, count=count, offset=at if count else 0)


def _box(head: bytes | memoryview, offset: int, end: int) -> Box:
    """The box whose header is ``head``, at byte ``offset`` of what ends at byte ``end``."""
    if len(head) < _HEADER:
        raise BrokenVideo(f"the file is truncated: it ends after {end} bytes, inside a box header at byte {offset}")
    size, code = struct.unpack_from(">I4s", head)
    kind, header = code.decode("latin-1"), _HEADER
    if size == 0:
        size = end - offset
    elif size == 1:
        if len(head) < _LARGE_HEADER:
            raise BrokenVideo(f"box {kind!r} at byte {offset} is cut short inside its header")
        size, header = int.from_bytes(head[8:16]), _LARGE_HEADER
    if size < header:
        raise BrokenVideo(f"box {kind!r} at byte {offset} says that it has {size} bytes, less than its own header")
    return Box(kind, offset, header, size)
