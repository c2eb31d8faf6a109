"""Which frames of H.264 are kept as references, and in which order slices name them (ITU-T H.264 8.2.4, 8.2.5). Pure.

Of frames that are coded as frames, by short-term references alone: whatever else there is raises UnsupportedMedia.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from orthanc_video.bitstream import h264_slice
from orthanc_video.errors import UnsupportedMedia

_LATER = 1  # modification_of_pic_nums_idc
# A place in a list whose picture is not known here.
UNKNOWN = -1

Operations = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """A reference: what it is called here, its frame_num, and its PicOrderCnt."""

    name: int
    frame_num: int
    order: int


class References:
    """The decoded picture buffer's references. ``hidden``: others may be there, all older and shown before these."""

    def __init__(self, most_frames: int, most_numbers: int, *, hidden: bool) -> None:
        """``most_frames`` is max_num_ref_frames, ``most_numbers`` MaxFrameNum."""
        self._most, self._numbers, self._hidden = max(1, most_frames), most_numbers, hidden
        self._kept: list[Kept] = []

    def names(self) -> set[int]:
        return {one.name for one in self._kept}

    def lists(self, kind: int, now: Kept, active: tuple[int, int], said: h264_slice.Modifications) -> list[list[int]]:
        """What a slice of the picture ``now`` names, in order (8.2.4); UNKNOWN where that cannot be said."""
        return [
            self._modified(initial + [UNKNOWN] * (length - len(initial)), now, operations or ())[:length]
            for initial, length, operations in zip(self._initial(kind, now), active, said, strict=False)
        ]

    def said(
        self, kind: int, now: Kept, wanted: Sequence[list[int]], explicit: Sequence[bool]
    ) -> h264_slice.Modifications:
        """What makes the lists those ``wanted``; said also where it need not be of those that are ``explicit``."""
        return tuple(
            None if not stays and initial[: len(names)] == names else self._operations(names, now)
            for initial, names, stays in zip(self._initial(kind, now), wanted, explicit, strict=False)
        )

    def add(self, now: Kept, marking: h264_slice.Marking) -> None:
        """A reference picture was decoded (8.2.5)."""
        if marking is None:
            if len(self._kept) >= self._most:
                self._kept.remove(min(self._kept, key=lambda one: self._number(one, now)))
        else:
            removed = {self._removed(operation, now) for operation in marking}
            self._kept = [one for one in self._kept if self._number(one, now) not in removed]
        self._kept.append(now)
        if len(self._kept) > self._most:
            raise UnsupportedMedia("There are more references than the stream says.")
        # Now none can be left that is not known.
        self._hidden = self._hidden and len(self._kept) < self._most

    def marked(self, now: Kept, stay: set[int], *, explicit: bool) -> h264_slice.Marking:
        """What leaves those that ``stay`` of the references, beside ``now``; said also where it need not be if so."""
        going = [one for one in self._kept if one.name not in stay]
        oldest = min(self._kept, key=lambda one: self._number(one, now)) if len(self._kept) >= self._most else None
        if not explicit and going == ([oldest] if oldest else []):
            return None
        return tuple((h264_slice.REMOVE, now.frame_num - self._number(one, now) - 1) for one in going)

    def _number(self, one: Kept, now: Kept) -> int:
        """FrameNumWrap, which is PicNum of frames (8.2.4.1)."""
        return one.frame_num - (self._numbers if one.frame_num > now.frame_num else 0)

    def _removed(self, operation: tuple[int, ...], now: Kept) -> int:
        if operation[0] != h264_slice.REMOVE:
            raise UnsupportedMedia("Long-term references are left.")
        return now.frame_num - (operation[1] + 1)

    def _initial(self, kind: int, now: Kept) -> list[list[int]]:
        """8.2.4.2, up to the first that is not known."""
        if kind == h264_slice.I:
            return []
        if kind == h264_slice.P:
            return [[one.name for one in sorted(self._kept, key=lambda one: -self._number(one, now))]]
        before = [one.name for one in sorted(self._kept, key=lambda one: -one.order) if one.order < now.order]
        after = [one.name for one in sorted(self._kept, key=lambda one: one.order) if one.order > now.order]
        if before and after:
            return [before if self._hidden else before + after, after + before]
        alike = before or after
        if self._hidden and (after or len(alike) < 2):
            return [before, []]  # it is not known whether both are alike
        # Where they are, the first two of the second one change places, if there are two.
        return [alike, [*alike[1::-1], *alike[2:]]]

    def _modified(self, names: list[int], now: Kept, operations: Operations) -> list[int]:
        """8.2.4.3.1."""
        known = {self._number(one, now): one.name for one in self._kept}
        number = now.frame_num
        for at, (operation, value) in enumerate(operations):
            if operation > _LATER:
                raise UnsupportedMedia("Long-term references are left.")
            number += (value + 1) * (1 if operation == _LATER else -1)
            number %= self._numbers
            name = known.get(number - (self._numbers if number > now.frame_num else 0), UNKNOWN)
            rest = names[at:] if name == UNKNOWN else [one for one in names[at:] if one != name]
            names = [*names[:at], name, *rest]
        return names

    def _operations(self, names: Sequence[int], now: Kept) -> Operations:
        numbers = {one.name: self._number(one, now) for one in self._kept}
        found, before = [], now.frame_num
        for name in names:
            step = (numbers[name] - before) % self._numbers
            earlier = step == 0 or 2 * step > self._numbers
            found.append((0, (self._numbers - step) % self._numbers - 1) if earlier else (_LATER, step - 1))
            if step == 0:
                found[-1] = (0, self._numbers - 1)
            before = numbers[name]
        return tuple(found)
