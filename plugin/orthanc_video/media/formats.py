"""Whether pictures keep the size and format that they begin with: a phone that is turned may change them half-way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import NamedTuple

from orthanc_video.bitstream import h264, hevc, mpeg2
from orthanc_video.bitstream.nal import is_byte_stream
from orthanc_video.errors import BrokenVideo

# Headers stand at the beginning of the key frame that they are for: so many bytes of it are enough.
HEAD = 4096


class Format(NamedTuple):
    """What an object can say once only; ``chroma`` as the codec numbers it (1 is 4:2:0), ``depth`` in bits."""

    width: int
    height: int
    chroma: int
    depth: int
    profile: int


class Formats:
    """Notes what a stream's headers say: those of its configuration, then those among its pictures.

    ``change`` says in words how later ones differ from the first; it is empty while they do not.
    """

    def __init__(self, codec: str, extradata: bytes) -> None:
        """``extradata`` is the configuration as FFmpeg hands it over. Of codecs not known here nothing is noted."""
        self.change = ""
        self._codec = codec
        self._first: Format | None = None
        self._seen: set[bytes] = set()
        self._length_size = 0
        if codec in {"h264", "hevc"} and extradata and not is_byte_stream(extradata):
            split = h264.split_avcc if codec == "h264" else hevc.split_hvcc
            configuration = split(extradata)
            self._length_size = configuration.nal_length_size
            self._note(configuration.sps)
        else:
            self.add(extradata)

    def add(self, head: bytes) -> None:
        """Takes the first bytes (``HEAD``) of a key frame."""
        if self._codec == "mpeg2video":
            self._note([head[:HEAD]])
        elif self._codec in {"h264", "hevc"}:
            self._note(_units(head[:HEAD], self._length_size))

    def _note(self, units: Iterable[bytes]) -> None:
        for unit in units:
            found = None if self.change or unit in self._seen else _format(self._codec, unit)
            if found is None:
                continue
            if self._codec != "mpeg2video":  # whose headers are taken with the picture after them
                self._seen.add(unit)
            self._first = self._first or found
            self.change = _difference(found, self._first)


def _difference(now: Format, before: Format) -> str:
    if (now.width, now.height) != (before.width, before.height):
        return f"{now.width} × {now.height} pixels"
    return "another profile, bit depth or chroma format" if now != before else ""


def _units(data: bytes, length_size: int) -> Iterator[bytes]:
    """The NAL units of a packet whose end may be missing."""
    if not length_size:
        yield from h264.split_annexb(data)
        return
    at = 0
    while at < len(data):
        start = at + length_size
        at = start + int.from_bytes(data[at:start])
        if start < len(data) and at > start:
            yield data[start:at]


def _format(codec: str, unit: bytes) -> Format | None:
    """What a header says; None for any other unit, and for a damaged header, which only a decoder can judge."""
    with suppress(BrokenVideo):
        if codec == "mpeg2video":
            sequence = mpeg2.parse_sequence(unit)
            return Format(sequence.width, sequence.height, sequence.chroma_format, 8, sequence.profile)
        if codec == "h264" and h264.nal_type(unit) == h264.SPS:
            avc = h264.parse_sps(unit)
            depth = max(avc.bit_depth_luma, avc.bit_depth_chroma)
            return Format(avc.width, avc.height, avc.chroma_format_idc, depth, avc.profile_idc)
        if codec == "hevc" and hevc.nal_type(unit) == hevc.SPS:
            sps = hevc.parse_sps(unit)
            depth = max(sps.bit_depth_luma, sps.bit_depth_chroma)
            return Format(sps.width, sps.height, sps.chroma_format_idc, depth, sps.profile.idc)
    return None
