"""A file with some bytes before it and after it as one buffer: mapped into memory, not read and not copied."""

from __future__ import annotations

import ctypes
import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_MAP_FIXED = 0x10
_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, *(ctypes.c_int,) * 3, ctypes.c_long)


@contextmanager
def mapped(before: bytes, path: Path, after: bytes) -> Iterator[memoryview]:
    """``before``, the whole file at ``path``, ``after``. Raises OSError.

    The file must not become shorter meanwhile: reading what is no longer there ends the process (SIGBUS).
    """
    with path.open("rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        # Files are mapped by whole pages: what goes before ends where a page ends, and a file's last piece is read.
        start = -len(before) % mmap.PAGESIZE
        pages = size - size % mmap.PAGESIZE
        around = (before, os.pread(file.fileno(), size - pages, pages) + after)
        with mmap.mmap(-1, start + len(before) + size + len(after), flags=mmap.MAP_PRIVATE) as whole:
            _overlay(whole, start + len(before), pages, file.fileno())
            whole[start : start + len(before)], whole[start + len(before) + pages :] = around
            with memoryview(whole) as view, view[start:] as wanted:
                yield wanted


def _overlay(whole: mmap.mmap, at: int, length: int, descriptor: int) -> None:
    """Puts the first pages of a file in the place of a part of ``whole``, which unmaps them with itself."""
    if not length:
        return
    place = ctypes.addressof(ctypes.c_char.from_buffer(whole, at))
    found = _libc.mmap(place, length, mmap.PROT_READ, mmap.MAP_PRIVATE | _MAP_FIXED, descriptor, 0)
    if found != place:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
