"""Whether pictures keep the size and format that they begin with: a phone that is turned may change them half-way."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import NamedTuple

from orthanc_video.bitstream import h264, hevc, mpeg2, nal
from orthanc_video.bitstream.framing import units_of
from orthanc_video.bitstream.nal import is_byte_stream
from orthanc_video.bitstream.opening import Opening, of_mpeg2, of_units
from orthanc_video.bitstream.stereo import Stereo
from orthanc_video.errors import BrokenVideo

# Headers stand at the beginning of the key frame that they are for: so many bytes of it are enough.
HEAD = 4096

_H264_SETS = frozenset({nal.SPS, nal.PPS})
_HEVC_SETS = frozenset({hevc.VPS, hevc.SPS, hevc.PPS})


class Format(NamedTuple):
    """What an object can say once only; ``chroma`` as the codec numbers it (1 is 4:2:0), ``depth`` in bits."""

    width: int
    height: int
    chroma: int
    depth: int
    profile: int


class Formats:
    """Notes what a stream's headers say: those of its configuration, then those among its pictures.

    ``change`` says in words how later ones differ from the first; it is empty while they do not. ``stereo`` notes what
    they say of two eyes' views; ``sets`` are the parameter sets, in Annex B, of the first key frame that has any among
    its pictures; ``progressive``: no picture of MPEG-2's is of two moments;
    ``opening`` is the stream's first picture, None where its header says nothing.
    """

    def __init__(self, codec: str, extradata: bytes) -> None:
        """``extradata`` is the configuration as FFmpeg hands it over. Of codecs not known here nothing is noted."""
        self.change = ""
        self.stereo = Stereo(codec)
        self.sets = b""
        self.progressive = True
        self.opening: Opening | None = None
        self._codec = codec
        self._first: Format | None = None
        self._seen: set[bytes] = set()
        self._length_size = 0
        if codec in {"h264", "hevc"} and extradata and not is_byte_stream(extradata):
            self._length_size, sets = _configured(codec, extradata)
            self._note(sets)
        else:
            self.add(extradata)

    @property
    def by_picture(self) -> bool:
        """Whether ``picture`` may still find something."""
        return self._codec == "mpeg2video" and self.progressive

    def begin(self, head: bytes) -> None:
        """Takes the first bytes (``HEAD``) of the stream's first picture, a key frame or not."""
        if self._codec == "mpeg2video":
            self.opening = of_mpeg2(head[:HEAD])
        elif self._codec in {"h264", "hevc"}:
            self.opening = of_units(self._codec, units_of(head[:HEAD], self._length_size))

    def add(self, head: bytes) -> None:
        """Takes the first bytes (``HEAD``) of a key frame."""
        if self._codec == "mpeg2video":
            self._note([head[:HEAD]])
        elif self._codec in {"h264", "hevc"}:
            units = list(units_of(head[:HEAD], self._length_size))
            self.sets = self.sets or parameter_sets(self._codec, units)
            self._note(units)

    def picture(self, head: bytes) -> None:
        """Takes the first bytes (``HEAD``) of any picture."""
        if self.by_picture:
            self.progressive = mpeg2.is_progressive(head)

    def _note(self, units: Iterable[bytes]) -> None:
        for unit in units:
            self.stereo.add(unit)
            found = None if self.change or unit in self._seen else _format(self._codec, unit)
            if found is None:
                continue
            if self._codec != "mpeg2video":  # whose headers are taken with the picture after them
                self._seen.add(unit)
            self._first = self._first or found
            self.change = _difference(found, self._first)


def parameter_sets(codec: str, units: Iterable[bytes]) -> bytes:
    """Those among these NAL units of H.264 or H.265, in Annex B; none where a sequence's is not among them."""
    kind, kinds = (h264.nal_type, _H264_SETS) if codec == "h264" else (hevc.nal_type, _HEVC_SETS)
    with suppress(BrokenVideo):
        found = [unit for unit in units if kind(unit) in kinds]
        if any(kind(unit) in {nal.SPS, hevc.SPS} for unit in found):
            return b"".join(b"\x00\x00\x00\x01" + unit for unit in found)
    return b""


def _configured(codec: str, extradata: bytes) -> tuple[int, tuple[bytes, ...]]:
    """How many bytes NAL units' lengths have, and the sets that say what the stream is."""
    if codec == "h264":
        avcc = h264.split_avcc(extradata)
        return avcc.nal_length_size, avcc.sps
    hvcc = hevc.split_hvcc(extradata)
    return hvcc.nal_length_size, (*hvcc.vps, *hvcc.sps)


def _difference(now: Format, before: Format) -> str:
    if (now.width, now.height) != (before.width, before.height):
        return f"{now.width} × {now.height} pixels"
    return "another profile, bit depth or chroma format" if now != before else ""


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
