"""Reading H.264 and H.265 syntax bit by bit, within bounds (ITU-T H.264 7.2, 7.4.1, 9.1; H.265 7.2, 7.4.2, 9.2)."""

from __future__ import annotations

from orthanc_video.errors import BrokenVideo


def unescape(nal: bytes) -> bytes:
    """A NAL unit without its emulation prevention bytes (H.264 7.4.1.1, H.265 7.4.2.2)."""
    return nal.replace(b"\x00\x00\x03", b"\x00\x00")


def ue(value: int) -> str:
    """An unsigned Exp-Golomb number as it is written, ue(v), in digits 0 and 1."""
    code = f"{value + 1:b}"
    return "0" * (len(code) - 1) + code


def se(value: int) -> str:
    """A signed Exp-Golomb number as it is written, se(v), in digits 0 and 1."""
    return ue(2 * value - 1 if value > 0 else -2 * value)


class BitReader:
    """Reads ``data`` from its first bit on. ``what`` names the data in error sentences.

    Every method raises ``BrokenVideo`` instead of reading past the end or returning a value out of its range.
    """

    __slots__ = ("_at", "_data", "_what")

    def __init__(self, data: bytes, what: str) -> None:
        self._data = data
        self._what = what
        self._at = 0

    @property
    def at(self) -> int:
        """How many bits were read."""
        return self._at

    def bits(self, count: int) -> int:
        """The next ``count`` bits as an unsigned number: u(n)."""
        end = self._at + count
        if end > 8 * len(self._data):
            raise BrokenVideo(f"the {self._what} is cut short: it ends after {len(self._data)} bytes")
        covering = int.from_bytes(self._data[self._at // 8 : (end + 7) // 8])
        self._at = end
        return covering >> (-end % 8) & ((1 << count) - 1)

    def flag(self) -> bool:
        """The next bit: u(1)."""
        return self.bits(1) == 1

    def ue(self, name: str, most: int = 2**32 - 2) -> int:
        """The next unsigned Exp-Golomb number, ue(v), which is called ``name`` and at most ``most``."""
        zeros = 0
        while not self.flag():
            zeros += 1
            # 9.1 ends at 32 bits; without this, a run of zeros would build an ever larger number.
            if zeros > 31:
                raise BrokenVideo(f"the {self._what}'s {name} is longer than 32 bits")
        value = (1 << zeros) - 1 + self.bits(zeros)
        if value > most:
            raise BrokenVideo(f"the {self._what}'s {name} is {value}; at most {most} is allowed")
        return value

    def se(self, name: str) -> int:
        """The next signed Exp-Golomb number, se(v), which is called ``name``."""
        code = self.ue(name)
        return (code + 1) // 2 if code % 2 else -(code // 2)

    def is_filled_up(self) -> bool:
        """Whether nothing is left but what fills the last byte: a 1 and then zeros, or nothing at its end."""
        left = 8 * len(self._data) - self._at
        return left < 8 and (left == 0 or self.bits(left) == 1 << (left - 1))
