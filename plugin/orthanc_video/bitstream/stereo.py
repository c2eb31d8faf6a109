"""Whether a stream holds pictures for two eyes: two in one frame, or a second view beside the first."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from orthanc_video.bitstream import h264, hevc, hevc_vps, nal, sei
from orthanc_video.errors import BrokenVideo

_HEVC_PREFIX_SEI = 39


class Stereo:
    """Takes the NAL units of a stream's configuration and of its key frames, in order.

    ``packing`` says how two views lie in one picture, one of ``sei.ARRANGEMENTS``; empty where no message says it.
    ``views`` counts the views or layers that are coded beside one another; 1 is a plain stream.
    """

    def __init__(self, codec: str) -> None:
        """``codec`` is FFmpeg's name; of others than H.264 and H.265 nothing is noted."""
        self.packing = ""
        self.views = 1
        self._take = _TAKES.get(codec)

    def add(self, unit: bytes) -> None:
        """Takes a NAL unit, which may be cut off. A damaged one says nothing: only a decoder can judge it."""
        if self._take is not None:
            with suppress(BrokenVideo):
                self._take(self, unit)

    def h264(self, unit: bytes) -> None:
        kind = nal.nal_type(unit)
        if kind == nal.SUBSET_SPS:
            self.views = max(self.views, h264.parse_subset_sps(unit).views)
        elif kind == nal.SEI:
            self._packed(unit, 1)

    def hevc(self, unit: bytes) -> None:
        kind = hevc.nal_type(unit)
        if kind == hevc.VPS:
            self.views = max(self.views, hevc_vps.parse_vps(unit).layers)
        elif kind == _HEVC_PREFIX_SEI:
            self._packed(unit, 2)

    def _packed(self, unit: bytes, header: int) -> None:
        for message in sei.messages(unit, header):
            if message.kind == sei.FRAME_PACKING:
                found = sei.frame_packing(message.payload)
                self.packing = self.packing or sei.ARRANGEMENTS.get(found.arrangement, "")


_TAKES: dict[str, Callable[[Stereo, bytes], None]] = {"h264": Stereo.h264, "hevc": Stereo.hevc}
