"""Uploads that point at something else: at a file of this machine, and at an address that is listened to."""

from __future__ import annotations

import ctypes
import os
import select
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bombs import box
from hostile import Hostile

_IN_ACCESS, _IN_OPEN = 0x1, 0x20  # inotify(7)


@dataclass(frozen=True)
class Canary:
    """A film that nobody may open, and an address that nobody may connect to."""

    file: Path
    _watch: int
    _listener: socket.socket

    @property
    def address(self) -> str:
        host, port = self._listener.getsockname()
        return f"{host}:{port}"

    def touched(self) -> list[str]:
        """What has happened since it was last asked: ``file``, ``network``."""
        found = []
        if select.select([self._watch], [], [], 0)[0]:
            os.read(self._watch, 65536)
            found.append("file")
        while select.select([self._listener], [], [], 0)[0]:
            connection, _ = self._listener.accept()
            connection.close()
            found = [*found, "network"] if "network" not in found else found
        return found


@contextmanager
def canary(film: Path) -> Iterator[Canary]:
    """Watches over ``film``, and listens."""
    libc = ctypes.CDLL(None, use_errno=True)
    watch = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    assert libc.inotify_add_watch(watch, os.fsencode(film), _IN_OPEN | _IN_ACCESS) >= 0, os.strerror(ctypes.get_errno())
    try:
        with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
            yield Canary(film, watch, listener)
    finally:
        os.close(watch)


def references(canary: Canary, clips: dict[str, bytes]) -> Iterator[Hostile]:
    """Playlists and the like, data references in MOV, linked segments in Matroska; each to the file and the address."""
    url = f"http://{canary.address}/canary.mp4"
    for where, target in (("file", str(canary.file)), ("file URL", f"file://{canary.file}"), ("network", url)):
        for name, text in _texts(target).items():
            yield Hostile(f"{name} to a {where}", text.encode())
            # The same, begun so that it is not at once seen to be a text.
            yield Hostile(f"disguised {name} to a {where}", b"\x00\x00\x00\x14ftypisom" + bytes(8) + text.encode())
        for kind in (b"url ", b"urn ", b"alis", b"rsrc"):
            yield Hostile(
                f"MOV data reference {kind.decode()} to a {where}", data_reference(clips["qt.mov"], kind, target)
            )
        yield Hostile(f"MOV that is only a reference to a {where}", _reference_movie(target))
        yield Hostile(f"Matroska linked to a {where}", _linked(clips["h264.mkv"], target))
    yield Hostile("ISO of a whole DVD", bytes(32768) + b"\x01CD001\x01" + bytes(2041))


def _texts(target: str) -> dict[str, str]:
    return {
        "HLS playlist": f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{target}\n#EXT-X-ENDLIST\n",
        "HLS master playlist": f"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{target}\n",
        "HLS key": f'#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="{target}"\n#EXTINF:1,\n{target}\n',
        "concat list": f"ffconcat version 1.0\nfile '{target}'\n",
        "concat list without head": f"file '{target}'\n",
        "concat protocol": f"concat:{target}|{target}",
        "subfile protocol": f"subfile,,start,0,end,0,,:{target}",
        "DASH manifest": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
        'profiles="urn:mpeg:dash:profile:isoff-on-demand:2011" '
        'mediaPresentationDuration="PT1S"><Period><AdaptationSet mimeType="video/mp4"><Representation id="1" '
        f'bandwidth="1"><BaseURL>{target}</BaseURL></Representation></AdaptationSet></Period></MPD>',
        "smooth streaming manifest": f'<SmoothStreamingMedia><StreamIndex Url="{target}"/></SmoothStreamingMedia>',
        "SDP": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n"
        f"a=rtpmap:96 H264/90000\na=control:{target}\n",
        "ASX": f'<asx version="3.0"><entry><ref href="{target}"/></entry></asx>',
        "RTSP text": f"rtsptext\n{target}\n",
        "Real playlist": f"{target}\n",
        "external entity": f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "{target}">]><svg>&e;</svg>',
        "VobSub index": f"# VobSub index file, v7\nid: en, index: 0\ntimestamp: 00:00:00:000, filepos: 0\n# {target}\n",
        "AviSynth script": f'DirectShowSource("{target}")\n',
        "filter graph": f"movie=filename={target}",
        "IMF composition": f'<CompositionPlaylist xmlns="http://www.smpte-ra.org/schemas/2067-3/2016"><Id>{target}</Id>'
        "</CompositionPlaylist>",
    }


def data_reference(mov: bytes, kind: bytes, target: str) -> bytes:
    """A MOV or MP4 whose pictures are said to lie elsewhere: its dref box names ``target`` (ISO/IEC 14496-12 8.7.2;
    QuickTime's alias). Where they lie in the file itself, they are still found there.
    """
    content = _alias(target) if kind == b"alis" else target.encode() + b"\0"
    dref = box(b"dref", struct.pack(">II", 0, 1) + box(kind, bytes(4) + content))
    old = mov.index(b"dref", mov.index(b"vmhd")) - 4
    growth = len(dref) - struct.unpack_from(">I", mov, old)[0]
    mov = mov[:old] + dref + mov[old + struct.unpack_from(">I", mov, old)[0] :]
    for parent in (b"moov", b"trak", b"mdia", b"minf", b"dinf"):
        at = mov.index(parent) - 4
        mov = mov[:at] + struct.pack(">I", struct.unpack_from(">I", mov, at)[0] + growth) + mov[at + 4 :]
    if mov.index(b"mdat") < mov.index(b"moov"):
        return mov
    chunks = mov.index(b"stco") + 8
    count = struct.unpack_from(">I", mov, chunks)[0]
    moved = [offset + growth for offset in struct.unpack_from(f">{count}I", mov, chunks + 4)]
    return mov[: chunks + 4] + struct.pack(f">{count}I", *moved) + mov[chunks + 4 + 4 * count :]


def _alias(target: str) -> bytes:
    """An alias record (Inside Macintosh, Files) with its absolute path, as FFmpeg's mov_read_dref reads one."""
    path = target.encode()
    name = path.rsplit(b"/", 1)[-1][:27]
    record = struct.pack(">HHB27s", 2, 0, 4, b"disk") + bytes(12) + struct.pack(">B63s", len(name), name) + bytes(16)
    record += struct.pack(">hh", -1, -1) + bytes(16)
    for tag, text in ((2, path), (18, path)):
        record += struct.pack(">hH", tag, len(text)) + text + b"\0" * (len(text) % 2)
    record += struct.pack(">hH", -1, 0)
    return struct.pack(">IH", 0, len(record) + 6) + record


def _reference_movie(target: str) -> bytes:
    """QuickTime's reference movie: a movie that says where the movie is."""
    data = box(b"rdrf", bytes(4) + b"url " + struct.pack(">I", len(target) + 1) + target.encode() + b"\0")
    return box(b"ftyp", b"qt  \x00\x00\x02\x00qt  ") + box(b"moov", box(b"rmra", box(b"rmda", data)))


def _linked(mkv: bytes, target: str) -> bytes:
    """PrevFilename and NextFilename (RFC 9559 5.1.2.3, 5.1.2.5) in the segment's information."""
    at = mkv.index(b"\x15\x49\xa9\x66")
    width = 9 - mkv[at + 4].bit_length()
    size = int.from_bytes(mkv[at + 4 : at + 4 + width]) & ((1 << 7 * width) - 1)
    name = target.encode()
    links = b"".join(one + ((1 << 56) | len(name)).to_bytes(8) + name for one in (b"\x3c\x83\xab", b"\x3e\x83\xbb"))
    content = mkv[at + 4 + width : at + 4 + width + size] + links
    return (
        mkv[:at] + b"\x15\x49\xa9\x66" + ((1 << 56) | len(content)).to_bytes(8) + content + mkv[at + 4 + width + size :]
    )
