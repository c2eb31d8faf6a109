"""What the fuzzer calls: every parser of bytes there is, and what has to hold of its answers.

An input's first byte chooses the target, the rest is what it gets. A ``BrokenVideo`` with a sentence is a right answer;
any other exception is a find.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bitstream.helpers import BytesSource
from orthanc_video.bitstream import (
    extras_ps,
    extras_ts,
    fields,
    glance,
    h264,
    hevc,
    hevc_vps,
    jpeg,
    mp4,
    mpeg2,
    nal,
    opening,
    psi,
    sei,
    stereo,
    technical,
    ts,
    userdata,
)
from orthanc_video.bitstream.hollow import Hollow
from orthanc_video.errors import BrokenVideo
from orthanc_video.media.formats import Formats

_LONGEST_SENTENCE = 400


@contextmanager
def refusing() -> Iterator[None]:
    """A refusal has a sentence that fits on a few lines, whatever was parsed."""
    sentence = "nothing is refused"
    try:
        yield
    except BrokenVideo as broken:
        sentence = broken.sentence
    assert 10 < len(sentence) < _LONGEST_SENTENCE
    assert sentence.isprintable()


def h264_unit(data: bytes) -> None:
    with refusing():
        _plausible(h264.parse_sps(data))
    with refusing():
        assert 1 <= h264.parse_pps(data).slice_groups <= 8
    with refusing():
        subset = h264.parse_subset_sps(data)
        _plausible(subset.sps)
        assert 1 <= subset.views <= 1024
    _messages(data, 1)
    _cleans("h264", data)


def hevc_unit(data: bytes) -> None:
    with refusing():
        _plausible(hevc.parse_sps(data))
    with refusing():
        assert 1 <= hevc_vps.parse_vps(data).layers <= 64
    _messages(data, 2)
    _cleans("hevc", data)


def _cleans(codec: str, unit: bytes) -> None:
    """What is left of a unit holds nothing more to remove, and is no longer than it was, but for escapes."""
    with refusing():
        known = technical.Technical(codec)
        left = userdata.cleaned(unit, known)
        assert not left or userdata.cleaned(left, known) == left


def _plausible(sps: h264.Sps | hevc.Sps) -> None:
    assert 0 < sps.width <= sps.coded_width <= 17_000
    assert 0 < sps.height <= sps.coded_height <= 17_000
    assert min(sps.sample_aspect) > 0
    assert 8 <= min(sps.bit_depth_luma, sps.bit_depth_chroma) <= 16


def _messages(data: bytes, header: int) -> None:
    with refusing():
        for message in sei.messages(data, header):
            with refusing():
                sei.frame_packing(message.payload)
            with refusing():
                sei.recovery_point(message.payload)


def configuration(data: bytes) -> None:
    with refusing():
        sps, pps = h264.parameter_sets(data)
        assert len(sps) + len(pps) <= len(data)
    with refusing():
        hvcc = hevc.parameter_sets(data)
        assert sum(map(len, (*hvcc.vps, *hvcc.sps, *hvcc.pps))) <= len(data)
    for codec in ("h264", "hevc", "mpeg2video"):
        with refusing():
            formats = Formats(codec, data[:100])
            formats.begin(data[100:])
            formats.add(data[100:])


def byte_stream(data: bytes) -> None:
    units = list(nal.split_annexb(data))
    assert sum(map(len, units)) <= len(data)
    for codec in ("h264", "hevc"):
        opening.of_units(codec, units)
        opening.begins_anew(codec, units)
        seen = stereo.Stereo(codec)
        for unit in units:
            seen.add(unit)
    paired = fields.Fields(units)
    for unit in units:
        paired.begins([unit])
        _hollow(codec, data)
    for size in (1, 2, 4):
        with refusing():
            assert sum(map(len, nal.split_lengths(data, size))) <= len(data)


def mpeg2_stream(data: bytes) -> None:
    with refusing():
        sequence = mpeg2.parse_sequence(data)
        assert min(sequence.width, sequence.height) > 0
        assert min(sequence.rate, sequence.sample_aspect) > 0
    for unit in mpeg2.units(data):
        with refusing():
            mpeg2.parse_group(unit)
        with refusing():
            mpeg2.parse_picture(unit)
    opening.of_mpeg2(data)
    _hollow("mpeg2video", data)


def _hollow(codec: str, data: bytes) -> None:
    hollow = Hollow(codec, b"")
    hollow.is_hollow(data[:100], len(data), lambda: data)
    assert len(hollow.headers(data)) <= 2 * len(data)


def boxes(data: bytes) -> None:
    source = BytesSource(data)
    with refusing():
        assert mp4.layout(source).stream_size <= len(data)
    with refusing():
        glance.picture_coding(source)
    with refusing():
        for track in mp4.tracks(source):
            with refusing():
                table = mp4.samples(source, track)
                assert len(table.size) == len(table.time) == len(table.key)
                assert not len(table) or int((table.offset + table.size).max()) <= len(data)


def transport_stream(data: bytes) -> None:
    with refusing():
        found = ts.describe(BytesSource(data))
        assert found.packets * 188 <= len(data)
        assert max(found.continuity_errors, found.damaged, found.scrambled) <= found.packets

    with refusing():
        assert len(extras_ts.extras(BytesSource(data), frozenset({0x100}))) <= 6


def program_stream(data: bytes) -> None:
    assert len(extras_ps.extras(BytesSource(data), frozenset({0x1E0, 0x80}))) <= 7


def tables(data: bytes) -> None:
    sections = psi.Sections()
    for at in range(0, len(data), 184):
        for section in sections.add(data[at : at + 184], begins=not at):
            assert len(section) <= 1024
    with refusing():
        psi.programs(data)
    with refusing():
        psi.program_map(data)
    with refusing():
        assert sum(map(len, psi.descriptors(data))) <= len(data)


def jpeg_header(data: bytes) -> None:
    with refusing():
        jpeg.header(data)


def timed_messages(data: bytes) -> None:
    """A sequence parameter set after its length, then what may be a message: nothing is left to take out of what stays,
    which has two delays and three clocks of 32 bits at most."""
    known, length = technical.Technical("h264"), data[0] if data else 0
    known.learn(data[1 : 1 + length])
    for kind in (0, 1):
        kept = known.kept(kind, data[1 + length :])
        assert kept is None or (known.kept(kind, kept) == kept and len(kept) <= (258, 36)[kind])


TARGETS: tuple[Callable[[bytes], None], ...] = (
    h264_unit,
    hevc_unit,
    configuration,
    byte_stream,
    mpeg2_stream,
    boxes,
    transport_stream,
    tables,
    jpeg_header,
    program_stream,
    timed_messages,
)


def one(data: bytes) -> None:
    """One input."""
    if data:
        TARGETS[data[0] % len(TARGETS)](data[1:])
