"""Pictures that change their size half-way: seen in every container, and made one size."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clips import Clips
from oracles import decoded
from orthanc_video.files import SpanSource
from orthanc_video.media import transcode
from orthanc_video.media.formats import Formats
from orthanc_video.media.plan import plan
from orthanc_video.media.probe import probe
from orthanc_video.model import Action

KINDS = [("h264", kind) for kind in ("mp4", "mkv", "ts", "fmp4", "mov", "h264")]
KINDS += [("hevc", "mkv"), ("hevc", "ts"), ("mpeg2", "ts"), ("mpeg2", "mpg")]


@pytest.mark.parametrize(("codec", "kind"), KINDS)
def test_a_change_of_size_is_seen_and_made_one_size(clips: Clips, tmp_path: Path, codec: str, kind: str) -> None:
    source = clips.changing(kind, codec)
    info = probe(source)
    assert info.video.change == "120 × 160 pixels"
    planned = plan(info)
    assert planned.action is Action.TRANSCODE
    assert "Half-way the pictures change to 120 × 160 pixels" in planned.reasons[0]
    assert planned.target is not None
    made = transcode.streamable(
        source, tmp_path / "made.mp4", info.video, planned.target, "veryfast", 20, lambda _: None
    )
    # FFmpeg's MPEG-2 decoder holds a frame back, and loses it where another sequence begins.
    lost = 1 if codec == "mpeg2" else 0
    shown = made.video
    assert (shown.frames, shown.width, shown.height, shown.change) == (info.video.frames - lost, 160, 120, "")


@pytest.mark.parametrize(("codec", "kind"), [("h264", "mkv"), ("vp8", "mkv")])
def test_what_changes_keeps_its_shape(clips: Clips, tmp_path: Path, codec: str, kind: str) -> None:
    """The upright pictures stand between black borders, not drawn out to the width of the first ones."""
    source, target = clips.changing(kind, codec), tmp_path / "made.mp4"
    info = probe(source)
    aim = plan(info).target
    assert aim is not None
    transcode.streamable(source, target, info.video, aim, "veryfast", 20, lambda _: None)
    pictures = decoded(target, 160, 120).astype(int)
    assert len(pictures) == info.video.frames
    last = pictures[-1]
    assert last[:, :30].max() < 40  # 90 of 160 columns are the picture's
    assert last[:, -30:].max() < 40
    assert last[:, 40:120].std() > 20
    assert pictures[0][:, :30].std() > 20


@pytest.mark.parametrize("kind", ["mp4", "mkv", "ts"])
def test_headers_that_are_only_repeated_are_no_change(clips: Clips, kind: str) -> None:
    info = probe(clips.changing(kind, second="160x120"))
    assert info.video.change == ""
    assert plan(info).action is not Action.TRANSCODE


@pytest.mark.parametrize("codec", ["h264", "hevc", "mpeg2"])
def test_a_change_of_chroma_is_seen(clips: Clips, codec: str) -> None:
    one, other = (
        clips.encoded(f"chroma-{form}.{codec}", f"-pix_fmt {form} -f {'mpeg2video' if codec == 'mpeg2' else codec}",
                      codec=codec).read_bytes()
        for form in ("yuv420p", "yuv422p")
    )  # fmt: skip
    formats = Formats({"mpeg2": "mpeg2video"}.get(codec, codec), one[:4096])
    formats.add(one)
    assert formats.change == ""
    formats.add(other)
    assert formats.change == "another profile, bit depth or chroma format"


def test_a_second_description_in_the_index(clips: Clips, tmp_path: Path) -> None:
    """An MP4 may describe its samples in several ways; FFmpeg's muxer never does, so one is added by hand."""
    path = tmp_path / "two.mp4"
    path.write_bytes(_with_description_twice(clips.index_at_end().read_bytes()))
    with SpanSource(path) as source:
        assert source.size > clips.index_at_end().stat().st_size
    assert probe(path).video.change
    assert plan(probe(path)).action is Action.TRANSCODE


def _with_description_twice(film: bytes) -> bytes:
    """With the picture track's sample entry once more. The index is the file's last box: no offset changes."""
    data = bytearray(film)
    at, chain = 0, []
    for kind in (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd"):
        at = _child(data, at, kind)
        chain.append(at)
        at += 8
    entry = at + 8
    size = int.from_bytes(data[entry : entry + 4])
    data[at + 4 : at + 8] = (2).to_bytes(4)
    data[entry:entry] = data[entry : entry + size]
    for box in chain:
        data[box : box + 4] = (int.from_bytes(data[box : box + 4]) + size).to_bytes(4)
    return bytes(data)


def _child(data: bytearray, at: int, kind: bytes) -> int:
    while data[at + 4 : at + 8] != kind:
        at += int.from_bytes(data[at : at + 4])
    return at


@given(st.sampled_from(["h264", "hevc", "mpeg2video", "vp9"]), st.lists(st.binary(max_size=200)))
def test_noise_among_the_pictures_is_no_error(codec: str, heads: list[bytes]) -> None:
    formats = Formats(codec, b"")
    for head in heads:
        formats.add(b"\x00\x00\x01\x67" + head)
        formats.add(head)
    assert isinstance(formats.change, str)
