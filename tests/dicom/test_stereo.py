"""Videos for two eyes become objects that say so, of the transfer syntaxes made for them (PS3.5 8.2.8, 8.2.9)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pydicom import dcmread

import views
from clips import Clips
from dicom.conftest import prepare
from oracles import complaints, frame_md5s
from orthanc_video.dicom.syntaxes import H264_3D, H264_HIGH_41, H264_STEREO
from orthanc_video.media.probe import probe
from orthanc_video.model import Action


def _matroska(clips: Clips) -> Path:
    return clips.encoded("stereo.mkv", "-metadata:s:v:0 stereo_mode=left_right", codec="vp9")


# A clip → what is done, as which transfer syntax, how the views lie in the result's pictures, how many it has coded.
_CLIPS: dict[str, tuple[Callable[[Clips], Path], Action, str, str, int]] = {
    "side by side": (views.packed, Action.WRAP, H264_3D, "side by side", 1),
    "top and bottom in TS": (lambda c: views.packed(c, 4, "ts"), Action.REMUX, H264_3D, "top and bottom", 1),
    "checkerboard": (lambda c: views.packed(c, 0), Action.WRAP, H264_3D, "checkerboard", 1),
    "a plain picture, says the message": (lambda c: views.packed(c, 6), Action.WRAP, H264_HIGH_41, "", 1),
    "side by side, 4:2:2": (
        lambda c: views.packed(c, 3, "mp4", "-pix_fmt yuv422p"),
        Action.TRANSCODE,
        H264_3D,
        "side by side",
        1,
    ),
    "row by row, 4:2:2": (
        lambda c: views.packed(c, 2, "mp4", "-pix_fmt yuv422p"),
        Action.TRANSCODE,
        H264_HIGH_41,
        "",
        1,
    ),
    "side by side, VP9 in MKV": (_matroska, Action.TRANSCODE, H264_3D, "side by side", 1),
    "two views": (lambda c: views.multiview(c, "mp4"), Action.WRAP, H264_STEREO, "", 2),
    "two views in TS": (views.multiview, Action.REMUX, H264_STEREO, "", 2),
}


@pytest.mark.parametrize("name", _CLIPS)
def test_two_eyes(clips: Clips, tmp_path: Path, name: str) -> None:
    make, action, syntax, packing, count = _CLIPS[name]
    ready = prepare(make(clips), tmp_path)
    assert (ready.plan.action, ready.plan.transfer_syntax) == (action, syntax), ready.plan.reasons
    path = ready.write(tmp_path / "object.dcm")
    found = dcmread(path, stop_before_pixels=True)
    assert found.file_meta.TransferSyntaxUID == syntax
    assert found.get("StereoPairsPresent", "absent") == ("YES" if packing or count > 1 else "absent")
    assert complaints(path) == []
    video = probe(Path(ready.made.path)).video
    assert (video.packing, video.views, video.frames) == (packing, count, 30)
    assert len(frame_md5s(Path(ready.made.path))) == 30


def test_what_is_lost_of_two_views_is_said(clips: Clips, tmp_path: Path) -> None:
    ready = prepare(views.packed(clips, 2, "mp4", "-pix_fmt yuv422p"), tmp_path)
    assert "Each picture still holds two views (row by row), but the stream no longer says so." in ready.plan.reasons
