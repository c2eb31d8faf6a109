"""Clips of videos and multi-frame objects: a stream cut in a media process, pictures copied, and the DICOM object."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydicom.dataset import Dataset, FileDataset

from orthanc_video.clip import Clip, Cut, Range, chosen, numbers
from orthanc_video.dicom import check, clipped, framed, locate, multiframe, stored, syntaxes, write
from orthanc_video.dicom.moving import described
from orthanc_video.dicom.said import whole
from orthanc_video.errors import BrokenVideo, Nonconforming, TooLarge, UnsupportedMedia
from orthanc_video.files import Bytes, SpanSource
from orthanc_video.film import MultiFrame
from orthanc_video.jobs.processes import Limits, Listener, MediaProcess
from orthanc_video.model import Action, Made, MediaInfo, Plan, Rational, Span, Wishes
from orthanc_video.plain import from_json, to_json
from orthanc_video.settings import Gateway


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


def of_object(
    process: MediaProcess, limits: Limits, source: Path, ranges: Sequence[Range], target: Path, *, precise: bool
) -> Clip:
    """Writes the DICOM object of a clip of the DICOM object ``source``; a video's stream lies beside it meanwhile.

    Pictures that are coded each by itself are copied, and any of them is a key frame. Raises as ``media.clip.cut``,
    BadRequest where something said of single frames cannot be cut along, Nonconforming where ``check`` finds a fault.
    """
    with SpanSource(source) as file:
        place, said = described(Bytes(file))
    if isinstance(place, MultiFrame):
        return _of_film(source, place, said, ranges, target)
    stream = target.with_suffix(".stream")
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


def _of_film(source: Path, film: MultiFrame, said: FileDataset, ranges: Sequence[Range], target: Path) -> Clip:
    """Its attributes may have had faults before; new ones are refused."""
    cuts = _cuts(film, said, ranges)
    which = numbers(cuts)
    dataset = clipped.of_film(said, film, cuts)
    framed.taken(dataset, source, [film.frames[number] for number in which], target)
    if len(which) > 1:  # of one picture there is no film to judge
        _refuse_worse(source, target)
    return Clip(cuts=cuts)


def _cuts(film: MultiFrame, said: Dataset, ranges: Sequence[Range], *, anew: bool = False) -> tuple[Cut, ...]:
    """Raises BadRequest for frames that there are none of, BrokenVideo where it is not known which is which."""
    count = len(film.frames)
    if whole(said, "NumberOfFrames") != count:
        raise BrokenVideo(f"Nothing is cut out of this object, since its frames are in doubt. {film.remarks[-1]}")
    found = [chosen(count, film.cadence.start, one) for one in ranges]
    return tuple(
        Cut(
            first=first + 1,
            last=last + 1,
            anew=last + 1 - first if anew else 0,
            start=Rational.of(film.cadence.start(first)),
            end=Rational.of(film.cadence.start(last + 1)),
        )
        for first, last in found
    )


def _refuse_worse(source: Path, target: Path) -> None:
    faults = []
    for path in (source, target):
        with SpanSource(path) as file:
            faults.append(check.errors(check.examine(Bytes(file)).findings))
    told = " ".join(f"{one.sentence} ({one.section})" for one in faults[1] if one not in faults[0])
    if told:
        raise Nonconforming(f"The clip would not conform to the standard: {told}")


def film(
    process: MediaProcess,
    limits: Limits,
    gateway: Gateway,
    source: Path,
    ranges: Sequence[Range],
    target: Path,
    listener: Listener | None = None,
) -> Clip:
    """Writes these frames of the multi-frame object ``source`` as an MP4 for browsers, as its rendition is made.

    Raises as ``of_object``, and BrokenVideo unless each of them can be shown.
    """
    with SpanSource(source) as file:
        header = stored.header(Bytes(file))
        place = multiframe.in_object(Bytes(file), header)
    cuts = _cuts(place, header.said, ranges, anew=True)
    which = numbers(cuts)
    arguments = {
        "path": str(source.resolve()),
        "film": to_json(place.of(which)),
        "target": str(target),
        "how": {"preset": gateway.transcode_preset, "crf": gateway.transcode_crf},
    }
    counted = process.run("render", arguments, limits, listener)
    shown = counted.get("frames") if isinstance(counted, dict) else None
    if shown != len(which):
        raise BrokenVideo(f"Of {len(which)} frames of the clip {shown} can be shown; cut as DICOM all are copied.")
    return Clip(cuts=cuts)
