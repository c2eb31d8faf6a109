"""How a stream begins: frames that no decoder can show, since what they are predicted from is missing.

A recording that was cut, or tuned into, begins before its first key frame, or at one that frames shown before it lean
back over (an open GOP).
"""

from __future__ import annotations

from orthanc_video.bitstream import h264, hevc, mpeg2
from orthanc_video.bitstream.framing import length_size, units_of
from orthanc_video.errors import BrokenVideo

# Bytes of a packet that tell what its first picture is.
HEAD = 4096
_IDR = 5  # H.264 Table 7-1
_RASL = frozenset({8, 9})  # H.265 Table 7-1: random access skipped leading pictures


class Opening:
    """Takes the packets of one stream in order and says which can be shown. Of codecs not known here, all."""

    def __init__(self, codec: str, extradata: bytes) -> None:
        """``codec`` is FFmpeg's name, ``extradata`` the configuration as FFmpeg hands it over."""
        self._codec = codec
        self._length_size = length_size(codec, extradata)
        self._key_time: int | None = None
        self._begun = self._over = codec not in {"h264", "hevc", "mpeg2video"}

    @property
    def over(self) -> bool:
        """Whether all packets from here on can be shown."""
        return self._over

    def shows(self, key: bool, time: int | None, head: bytes) -> bool:
        """Whether the next packet can be shown; ``time`` is when, ``head`` its first bytes."""
        if self._over:
            return True
        if not self._begun:
            if key:
                self._begun, self._key_time = True, time
                self._over = self.is_closed(head)
            return key
        if key or time is None or self._key_time is None:
            self._over = True
        elif time < self._key_time:
            return self._codec == "hevc" and not self._kinds(head) & _RASL
        return True

    def is_closed(self, head: bytes) -> bool:
        """Whether nothing after a key frame leans on what came before it."""
        if self._codec == "h264":
            return _IDR in self._kinds(head)
        if self._codec == "hevc":
            return not self._kinds(head) & {16, 17, 18, 21}  # BLA, CRA
        group = next((unit for unit in mpeg2.units(head) if unit.code == mpeg2.GROUP), None)
        return group is not None and len(group.data) > 3 and bool(group.data[3] & 0x40)  # closed_gop (6.3.8)

    def _kinds(self, head: bytes) -> frozenset[int]:
        """The types of a packet's NAL units, as far as its head shows them."""
        kind = h264.nal_type if self._codec == "h264" else hevc.nal_type
        return frozenset(kind(unit) for unit in units_of(head, self._length_size) if len(unit) > 1)


def refuse_keyless(shown: int) -> None:
    """Raises BrokenVideo where nothing can be shown at all."""
    if shown == 0:
        raise BrokenVideo("The video stream holds no key frame: nothing of it can be decoded.")
