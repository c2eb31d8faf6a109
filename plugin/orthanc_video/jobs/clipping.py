"""Clips of videos: the stream cut in a media process, and the DICOM object of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from orthanc_video.clip import Clip, Range, Wanted
from orthanc_video.derivation import Item
from orthanc_video.dicom import check, clipped, locate, syntaxes, write
from orthanc_video.dicom.moving import described
from orthanc_video.errors import BadRequest, TooLarge, UnsupportedMedia
from orthanc_video.files import Bytes, SpanSource
from orthanc_video.film import MultiFrame
from orthanc_video.jobs.processes import Limits, Listener, MediaProcess, job_limits
from orthanc_video.model import Action, Located, Made, MediaInfo, Plan, Span, Wishes
from orthanc_video.plain import from_json, to_json
from orthanc_video.settings import Settings


def cut(
    process: MediaProcess,
    limits: Limits,
    path: Path,
    spans: Sequence[Span],
    ranges: Sequence[Range],
    target: Path,
    *,
    precise: bool,
) -> Clip:
    """As ``media.clip.cut``, in a process of its own."""
    arguments: dict[str, Any] = {
        "path": str(path.resolve()),
        "spans": to_json(list(spans)),
        "target": str(target),
        "ranges": to_json(list(ranges)),
        "precise": precise,
    }
    return from_json(Clip, process.run("clip", arguments, limits)["clip"])


def make(
    settings: Settings,
    process: MediaProcess,
    sources: Sequence[Path],
    asked: Mapping[str, Any],
    folder: Path,
    _listener: Listener | None,
) -> list[Item]:
    """The clips of one video: a DICOM file of each, or the MP4 alone where no object is wanted."""
    wanted, limits, (source,) = from_json(Wanted, asked), job_limits(settings), sources
    made = []
    for number, ranges in enumerate(wanted.clips, 1):
        if wanted.object:
            name = f"clip-{number}.dcm"
            told = of_object(process, limits, source, ranges, folder / name, precise=wanted.precise)
            made.append(Item(object=name, plays=True, told=_told(told)))
        else:
            name = f"clip-{number}.mp4"
            told = of_stream(process, limits, source, ranges, folder / name, precise=wanted.precise)
            made.append(Item(film=name, told=_told(told)))
    return made


def _told(clip: Clip) -> dict[str, Any]:
    """As the API shows it; times in seconds."""
    ranges = [
        {
            "First": one.first,
            "Last": one.last,
            "Start": float(one.start.fraction),
            "End": float(one.end.fraction),
            "CodedAnew": one.anew,
        }
        for one in clip.cuts
    ]
    return {"Frames": sum(one.frames for one in clip.cuts), "Ranges": ranges, "Sound": clip.sound or None}


def of_stream(
    process: MediaProcess, limits: Limits, source: Path, ranges: Sequence[Range], target: Path, *, precise: bool
) -> Clip:
    """The clip of the DICOM video ``source`` as a stream alone. Raises as ``cut``."""
    with SpanSource(source) as file:
        place, _ = described(Bytes(file))
    return cut(process, limits, source, locate.exact(_video(place)), ranges, target, precise=precise)


def _video(place: Located | MultiFrame) -> Located:
    if not isinstance(place, Located):
        raise BadRequest("The object is no video: of single pictures no clips are cut yet.")
    return place


def of_object(
    process: MediaProcess, limits: Limits, source: Path, ranges: Sequence[Range], target: Path, *, precise: bool
) -> Clip:
    """Writes the DICOM object of a clip of the DICOM video ``source``; its stream lies beside it meanwhile.

    Raises as ``media.clip.cut``, and Nonconforming where ``check`` finds a fault.
    """
    with SpanSource(source) as file:
        found, said = described(Bytes(file))
    place, stream = _video(found), target.with_suffix(".stream")
    clip = cut(process, limits, source, locate.exact(place), ranges, stream, precise=precise)
    try:
        made, plan = _judged(process, limits, stream, place.transfer_syntax)
        dataset = clipped.of_clip(said, place.transfer_syntax, clip.cuts, plan, made)
        around = write.envelope(dataset, made.size)
        with SpanSource(stream) as file:
            check.refuse_faulty(write.Written(around, file), made.video, made.probed)
        write.write(around, stream, target)
    finally:
        stream.unlink()
    return clip


def _judged(process: MediaProcess, limits: Limits, stream: Path, syntax: str) -> tuple[Made, Plan]:
    """What the clip's stream is. It goes as it is, in the transfer syntax of its source where that still fits."""
    wishes = Wishes(audio="keep", transfer_syntax=syntaxes.joined(syntax))
    probed = process.run("probe", {"path": str(stream), "wishes": to_json(wishes)}, limits)
    info, plan = from_json(MediaInfo, probed["info"]), from_json(Plan, probed["plan"])
    if plan.action is Action.TRANSCODE:
        raise UnsupportedMedia(f"The clip would not conform to the standard. {' '.join(plan.reasons)}")
    size = stream.stat().st_size
    if size > syntaxes.LARGEST_FRAGMENT:
        raise TooLarge("The clip is longer than one object can be (4 GiB). Cut it into several.")
    made = Made(path=str(stream), size=size, video=info.video, probed=info)
    return made, dataclasses.replace(plan, action=Action.WRAP)
