"""Clock timestamps in H.264's picture timing: gone, and all else that the message says stays, as ffmpeg reads it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bitstream.helpers import nal_of, shown_pictures, traced, ue
from clips import Clips
from clocks import payload_of, timed
from orthanc_video.bitstream.h264 import Buffering, parse_sps
from orthanc_video.bitstream.technical import Technical
from orthanc_video.bitstream.userdata import UserData

_PERIOD, _TIMING = 0, 1
# ct_type 1 (interlaced), nuit_field_based_flag, counting_type 4; then a full timestamp; 7 pictures, 30 s, 15 min, 10 h.
_CLOCK = "1" + "01" + "1" + "00100" + "100" + f"{7:08b}{30:06b}{15:06b}{10:05b}"
_MIDNIGHT = "1" + "01" + "1" + "00000" + "110" + "0" * 25
# Some of it: seconds and minutes, no hours.
_PARTLY = "1" + "00" + "0" + "00000" + "000" + f"{7:08b}" + "1" + f"{30:06b}" + "1" + f"{15:06b}" + "0"


def _sps(*, hrd: bool = True, pic_struct: bool = True, number: int = 0, removal: int = 5, offset: int = 0) -> bytes:
    """Of two buffers of NAL units; cpb_removal_delay has ``removal`` bits, dpb_output_delay 6, initial delays 10."""
    buffers = (ue(3) + ue(3) + "0") * 2
    lengths = f"{9:05b}{removal - 1:05b}{5:05b}{offset:05b}"
    parameters = "1" + ue(1) + "0" * 8 + buffers + lengths if hrd else "0"
    vui = "00000" + parameters + "0" + "0" * hrd + f"{pic_struct:b}" + "0"
    size = ue(3) + ue(3) + "0" + "0" + "1"
    order = ue(0) + ue(2) + ue(1) + "0"
    return nal_of(b"\x67", f"{77:08b}{0:08b}{10:08b}" + ue(number) + order + size + "0" + "1" + vui)


def _known(*sets: bytes) -> Technical:
    known = Technical("h264")
    for unit in sets:
        known.learn(unit)
    return known


_DELAYS = "10101" + "110011"
_SHOWN = "0011"  # pic_struct 3: both fields, two timestamps


def test_the_lengths_that_a_sequence_says() -> None:
    assert parse_sps(_sps(offset=9)).buffering == Buffering(
        nal_buffers=2, initial_bits=10, removal_bits=5, output_bits=6, offset_bits=9, pic_struct=True
    )
    assert parse_sps(_sps(hrd=False, pic_struct=False)).buffering == Buffering()


@pytest.mark.parametrize(
    ("bits", "kept"),
    [
        (_SHOWN + _CLOCK + _CLOCK, _SHOWN + _MIDNIGHT + _MIDNIGHT),
        (_SHOWN + "0" + _CLOCK, _SHOWN + "0" + _MIDNIGHT),
        (_SHOWN + "0" + _PARTLY, _SHOWN + "0" + "1000" + "00000" + "110" + "0" * 25),
        (_SHOWN + "00", _SHOWN + "00"),
        (_SHOWN + _MIDNIGHT + "0", _SHOWN + _MIDNIGHT + "0"),
        (_SHOWN + "1" + "010" + "00100" + "000" + "0" * 8 + "0" + "0", _SHOWN + "1010" + "00100" + "0" * 13),
        ("0000" + _CLOCK, "0000" + _MIDNIGHT),
        ("0101" + "00" + _CLOCK, "0101" + "00" + _MIDNIGHT),
        ("1000" + _CLOCK * 3, "1000" + _MIDNIGHT * 3),
    ],
)
def test_times_go_and_all_else_stays(bits: str, kept: str) -> None:
    known = _known(_sps())
    assert known.kept(_TIMING, payload_of(_DELAYS + bits)) == payload_of(_DELAYS + kept)
    bare = _known(_sps(hrd=False, offset=0))
    zone, midnight = bits.replace(_CLOCK, _CLOCK + "1" * 24), kept.replace(_MIDNIGHT, _MIDNIGHT + "0" * 24)
    if _CLOCK in bits:  # without lengths time_offset has 24 bits (E.2.2)
        assert bare.kept(_TIMING, payload_of(zone)) == payload_of(midnight)


@pytest.mark.parametrize(
    "bits",
    [
        _DELAYS + "1001" + "0",  # reserved
        _DELAYS + _SHOWN + _CLOCK,  # the second is missing
        _DELAYS + _SHOWN + "00" + "0" * 20,
        _DELAYS + _SHOWN + "00" + f"{ord('J'):08b}" * 4,
        _DELAYS + _SHOWN + "0" + _CLOCK.replace("00100", "00111"),
    ],
)
def test_what_has_another_form_goes(bits: str) -> None:
    assert _known(_sps()).kept(_TIMING, payload_of(bits)) is None


def test_without_a_sequence_nothing_stays() -> None:
    for known in (_known(), _known(b"\x67\x4d")):
        assert known.kept(_TIMING, payload_of(_DELAYS + _SHOWN + "00")) is None
        assert known.kept(_PERIOD, payload_of(ue(0) + "1" * 40)) is None


def test_a_buffering_period_has_what_its_sequence_says() -> None:
    known = _known(_sps(), _sps(number=1, hrd=False))
    period = payload_of(ue(0) + "1" * 40)
    assert known.kept(_PERIOD, period) == period
    assert known.kept(_PERIOD, period + b"J") is None
    assert known.kept(_PERIOD, payload_of(ue(1) + "1" * 40)) is None
    assert known.kept(_PERIOD, payload_of(ue(1))) == payload_of(ue(1))


def test_of_several_sequences_any_may_be_meant() -> None:
    told, left = payload_of(_DELAYS + _SHOWN + _CLOCK * 2), payload_of(_DELAYS + _SHOWN + _MIDNIGHT * 2)
    assert _known(_sps(), _sps(number=1)).kept(_TIMING, told) == left
    others, untold = _known(_sps(), _sps(number=1, removal=30)), payload_of(_DELAYS + _SHOWN + "00")
    assert (others.kept(_TIMING, untold), others.kept(_TIMING, told)) == (untold, None)
    # The newer one of the same number alone.
    assert _known(_sps(removal=30), _sps()).kept(_TIMING, told) == left


@pytest.mark.parametrize("more", ["", ":interlaced=1"])
def test_ffmpeg_reads_no_time_then_and_shows_the_same(clips: Clips, tmp_path: Path, more: str) -> None:
    told, left = tmp_path / "told.h264", tmp_path / "left.h264"
    told.write_bytes(timed(clips, more))
    data = UserData("h264", b"")
    left.write_bytes(data.removed(told.read_bytes()))
    before, after = traced(told, "Picture Timing"), traced(left, "Picture Timing")
    assert (before["hours_value"], before["minutes_value"]) == (10, 15)
    assert (after["hours_value"], after["minutes_value"], after["seconds_value"]) == (0, 0, 0)
    same = ("cpb_removal_delay", "dpb_output_delay", "pic_struct", "clock_timestamp_flag[0]", "ct_type")
    assert [before[name] for name in same] == [after[name] for name in same]
    shown = ("pict_type", "interlaced_frame", "top_field_first", "repeat_pict")
    pictures = [[{name: one[name] for name in shown} for one in shown_pictures(path)] for path in (told, left)]
    assert pictures[0] == pictures[1]
    assert "10:15:30" in str(shown_pictures(told))
    assert "10:15:30" not in str(shown_pictures(left))
    assert not UserData("h264", b"").found(left.read_bytes())
