"""Clips of videos and multi-frame objects: a stream cut in a media process, pictures copied, and the DICOM object."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydicom.dataset import Dataset, FileDataset

from orthanc_video.clip import Clip, Cut, Range, Wanted, chosen, numbers
from orthanc_video.derivation import Item
from orthanc_video.dicom import check, clipped, framed, locate, playable, syntaxes, write
from orthanc_video.dicom.checks import container
from orthanc_video.dicom.checks.finding import Finding
from orthanc_video.dicom.moving import described
from orthanc_video.dicom.said import whole
from orthanc_video.errors import BrokenVideo, Nonconforming, TooLarge, UnsupportedMedia
from orthanc_video.files import Bytes, SpanSource
from orthanc_video.film import MultiFrame
from orthanc_video.jobs.processes import Limits, Listener, MediaProcess, job_limits
from orthanc_video.model import Action, Located, Made, MediaInfo, Plan, Rational, Span, Wishes
from orthanc_video.plain import from_json, to_json
from orthanc_video.settings import Gateway, Settings


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
    listener: Listener | None,
) -> list[Item]:
    """The clips of one video: a DICOM file of each, the MP4, or both.

    An object that browsers play as it is stored is its own MP4. Of another (H.265, MPEG-2, single pictures) they would
    get a rendition, which is not the clip: where an MP4 is wanted, too, it is made as well.
    """
    wanted, limits, (source,) = from_json(Wanted, asked), job_limits(settings), sources
    with SpanSource(source) as file:
        plays = isinstance(described(Bytes(file))[0], Located)
    made = []
    for number, ranges in enumerate(wanted.clips, 1):
        name, film, told = "", "", list[Clip]()
        if wanted.object:
            name = f"clip-{number}.dcm"
            told.append(of_object(process, limits, source, ranges, folder / name, precise=wanted.precise))
        if wanted.film and not (name and plays_as_stored(folder / name)):
            film = f"clip-{number}.mp4"
            gateway, target = settings.gateway, folder / film
            told.append(of_film(process, limits, gateway, source, ranges, target, listener, precise=wanted.precise))
        made.append(Item(object=name, plays=plays and bool(name), film=film, told=_told(told[0])))
    return made


def plays_as_stored(path: Path) -> bool:
    """Whether browsers play the video of a DICOM object as it is."""
    with SpanSource(path) as file:
        source = Bytes(file)
        place, _ = described(source)
        return isinstance(place, Located) and playable.plays(source, place)


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
    reasons = [clip.silenced] if clip.silenced else []
    frames = sum(one.frames for one in clip.cuts)
    return {"Frames": frames, "Ranges": ranges, "Sound": clip.sound or None, "Reasons": reasons}


def of_film(
    process: MediaProcess,
    limits: Limits,
    gateway: Gateway,
    source: Path,
    ranges: Sequence[Range],
    target: Path,
    listener: Listener | None = None,
    *,
    precise: bool,
) -> Clip:
    """Writes the clip of the DICOM object ``source`` as a film alone: a video's is cut, single pictures are rendered.

    Raises as ``cut`` and ``of_object``, and BrokenVideo unless each of the pictures can be shown.
    """
    with SpanSource(source) as file:
        place, said = described(Bytes(file))
    if isinstance(place, MultiFrame):
        return _rendered(process, limits, gateway, source, place, said, ranges, target, listener)
    return cut(process, limits, source, locate.exact(place), ranges, target, precise=precise)


def of_object(
    process: MediaProcess, limits: Limits, source: Path, ranges: Sequence[Range], target: Path, *, precise: bool
) -> Clip:
    """Writes the DICOM object of a clip of the DICOM object ``source``; a video's stream lies beside it meanwhile.

    Pictures that are coded each by itself are copied, and any of them is a key frame. Raises as ``media.clip.cut``,
    BadRequest where something said of single frames cannot be cut along, Nonconforming where ``check`` finds a fault
    that the source had not.
    """
    with SpanSource(source) as file:
        place, said = described(Bytes(file))
    if isinstance(place, MultiFrame):
        return _taken(source, place, said, ranges, target)
    stream = target.with_suffix(".stream")
    clip = cut(process, limits, source, locate.exact(place), ranges, stream, precise=precise)
    try:
        made, plan = judged(process, limits, stream, place.transfer_syntax)
        dataset = clipped.of_clip(said, place.transfer_syntax, clip.cuts, plan, made)
        finish([source], dataset, made, target)
    finally:
        stream.unlink()
    return clip


def finish(sources: Sequence[Path], dataset: Dataset, made: Made, target: Path) -> None:
    """Writes the object of a stream; raises Nonconforming where ``check`` finds a fault that no source had."""
    around = write.envelope(dataset, made.size)
    with SpanSource(Path(made.path)) as file:
        written = write.Written(around, file)
        check.refuse_faulty(written, made.video, made.probed, _faults(sources))
    write.write(around, Path(made.path), target)


def judged(process: MediaProcess, limits: Limits, stream: Path, syntax: str) -> tuple[Made, Plan]:
    """What a stream is that was made of another. It goes as it is, in its source's transfer syntax where that still
    fits."""
    wishes = Wishes(audio="keep", transfer_syntax=syntaxes.joined(syntax))
    probed = process.run("probe", {"path": str(stream), "wishes": to_json(wishes)}, limits)
    info, plan = from_json(MediaInfo, probed["info"]), from_json(Plan, probed["plan"])
    if plan.action is Action.TRANSCODE:
        raise UnsupportedMedia(f"The video would not conform to the standard. {' '.join(plan.reasons)}")
    _refuse_sound(info, plan)
    size = stream.stat().st_size
    if size > syntaxes.LARGEST_FRAGMENT:
        raise TooLarge("The video is longer than one object can be (4 GiB).")
    made = Made(path=str(stream), size=size, video=info.video, probed=info)
    return made, dataclasses.replace(plan, action=Action.WRAP)


def _refuse_sound(info: MediaInfo, plan: Plan) -> None:
    """Raises Nonconforming for a sound that DICOM does not allow, which another's object may have."""
    syntax = syntaxes.BY_UID[plan.transfer_syntax]
    for sound in info.sounds:
        if not container.conforms(sound, syntax, info.container):
            raise Nonconforming(
                f"The sound ({sound.codec}, {sound.rate} Hz, {sound.channels} channel(s)) is in a form that DICOM does "
                'not allow here, so no object is made. An edit with audio "drop" leaves it out, and one with strip has '
                "it in an allowed form: take what that makes. As an MP4 alone it stays as it is."
            )


def _taken(source: Path, film: MultiFrame, said: FileDataset, ranges: Sequence[Range], target: Path) -> Clip:
    """Its attributes may have had faults before; new ones are refused."""
    cuts = _cuts(film, said, ranges)
    which = numbers(cuts)
    dataset = clipped.of_film(said, film, cuts)
    framed.taken(dataset, source, [film.frames[number] for number in which], target)
    refuse_worse(source, target)
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


def refuse_worse(source: Path, target: Path) -> None:
    """Raises Nonconforming where ``check`` finds a fault in an object of single pictures that its source had not."""
    found = _faults([target])
    known = _faults([source]) if found else []
    if wrong := [one for one in found if one not in known]:
        raise check.nonconforming(wrong)


def _faults(paths: Sequence[Path]) -> list[Finding]:
    """Of objects as they are, apart from their pictures."""
    found: list[Finding] = []
    for path in paths:
        with SpanSource(path) as file:
            found += check.errors(check.examine(Bytes(file)).findings)
    return found


def _rendered(
    process: MediaProcess,
    limits: Limits,
    gateway: Gateway,
    source: Path,
    film: MultiFrame,
    said: Dataset,
    ranges: Sequence[Range],
    target: Path,
    listener: Listener | None,
) -> Clip:
    """As an MP4 for browsers, by what makes renditions."""
    cuts = _cuts(film, said, ranges, anew=True)
    which = numbers(cuts)
    arguments = {
        "path": str(source.resolve()),
        "film": to_json(film.of(which)),
        "target": str(target),
        "how": {"preset": gateway.transcode_preset, "crf": gateway.transcode_crf},
    }
    counted = process.run("render", arguments, limits, listener)
    shown = counted.get("frames") if isinstance(counted, dict) else None
    if shown != len(which):
        raise BrokenVideo(f"Of {len(which)} frames of the clip {shown} can be shown; cut as DICOM all are copied.")
    return Clip(cuts=cuts)
