"""Edits of videos, in media processes: masked, cropped, joined, without sound, without what is told beside them."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import os
import secrets
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orthanc_video.derivation import Item
from orthanc_video.dicom import edited, framed, syntaxes, write
from orthanc_video.dicom.moving import described
from orthanc_video.edit import Edit, Wanted
from orthanc_video.errors import BadRequest, TooLarge, UnsupportedMedia
from orthanc_video.files import Bytes, SpanSource
from orthanc_video.film import MultiFrame
from orthanc_video.form import Form, Kind
from orthanc_video.jobs import clipping, forms, reformed
from orthanc_video.jobs.making import How, Making, how
from orthanc_video.jobs.processes import Limits, Listener, MediaProcess, job_limits
from orthanc_video.model import Action, Demands, Located, MediaInfo, Most, Plan, Region, Target, Upload, Wishes
from orthanc_video.plain import from_json, to_json
from orthanc_video.settings import Settings

# Of lossy pictures that are coded once more.
_QUALITY = 97
_MP4, _PROGRAM_STREAM = "mp4", "mpg"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """With what videos are edited: a process, its limits, how pictures are coded anew, and the secret ``key`` by which
    de-identified objects get their UIDs; ``ending`` is that of the film's name, where somebody has given it one."""

    process: MediaProcess
    limits: Limits
    how: How
    key: bytes
    listener: Listener | None = None
    ending: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited:
    """An edited film; ``syntax`` is its transfer syntax where that is settled, ``anew`` how many frames were coded
    anew.

    ``sentences`` say what was done, ``plays`` whether the object is a video.
    """

    path: Path
    syntax: str
    anew: int = 0
    sentences: tuple[str, ...] = ()
    plays: bool = True


def make(
    settings: Settings,
    process: MediaProcess,
    sources: Sequence[Path],
    asked: Mapping[str, Any],
    folder: Path,
    listener: Listener | None,
) -> list[Item]:
    """A DICOM file, the film, or both, as of clips."""
    wanted = from_json(Wanted, asked)
    tools = Tools(
        process=process, limits=job_limits(settings), how=how(settings.gateway), key=key_of(settings), listener=listener
    )
    if wanted.object:
        target = folder / "edit.dcm"
        done = of_objects(tools, sources, wanted, target)
        is_film = wanted.film and done.plays and not clipping.plays_as_stored(target)
        film = done.path.name if is_film else ""
        return [Item(object=target.name, plays=done.plays, film=film, told=_told(done))]
    done = of_streams(tools, sources, wanted, folder)
    return [Item(film=done.path.name, told=_told(done))]


def _told(done: Edited) -> dict[str, Any]:
    """As the API shows it."""
    return {"CodedAnew": done.anew, "Reasons": list(done.sentences)}


def key_of(settings: Settings) -> bytes:
    """The gateway's secret for de-identified objects, made when it is first needed; all its workers have the same."""
    path = settings.directory / "deidentification.key"
    if not path.exists():
        fresh = path.with_name(f"{path.name}.{uuid.uuid4().hex}")
        try:
            fresh.touch(mode=0o600, exist_ok=False)
            with fresh.open("wb") as file:
                file.write(secrets.token_bytes(32))
                file.flush()
                os.fsync(file.fileno())
            with contextlib.suppress(FileExistsError):
                os.link(fresh, path)
        finally:
            fresh.unlink(missing_ok=True)
    return path.read_bytes()


def of_objects(tools: Tools, sources: Sequence[Path], wanted: Wanted, target: Path) -> Edited:
    """Writes the DICOM object of an edit of these DICOM videos, and leaves its film beside it.

    Raises BadRequest or UnsupportedMedia for what cannot be done, BrokenVideo for damaged frames, PoorQuality where
    what is coded anew falls short of what is demanded, Nonconforming where ``check`` finds a fault
    that no source had.
    """
    if len(sources) == 1 and (pictures := _pictures_of(sources[0])) is not None:
        return _of_pictures(tools, sources[0], *pictures, wanted.edit, target)
    streams, said = _sources(sources, wanted, target.parent)
    film = of_films(tools, streams, wanted.edit, target.parent, syntaxes.joined(said[0].syntax))
    made, plan = clipping.judged(tools.process, tools.limits, film.path, film.syntax)
    clipping.finish(sources, edited.of_edit(said, wanted.edit, plan, made, film.anew, tools.key), made, target)
    return film


def _pictures_of(source: Path) -> tuple[MultiFrame, edited.Source] | None:
    with SpanSource(source) as file:
        place, said = described(Bytes(file))
    if isinstance(place, Located):
        return None
    return place, edited.Source(said=said, syntax=place.transfer_syntax)


def _of_pictures(tools: Tools, source: Path, film: MultiFrame, of: edited.Source, edit: Edit, target: Path) -> Edited:
    """As ``of_objects``, of a film of single pictures: what changes is coded anew, as it was."""
    if not (edit.masks or edit.crop or edit.deidentify):
        raise BadRequest("Single pictures have neither sound nor a container: crop, mask or de-identify them.")
    kind = edited.kind_of(of.said)
    form = Form(kind=Kind.FRAMES, sop_class=kind.uid, transfer_syntax=film.transfer_syntax, quality=_QUALITY)
    coded, pictures = forms.code(
        tools.process, tools.limits, source, film, form, target.with_name("pictures"), tools.listener, edit=edit
    )
    dataset = edited.of_pictures(of, edit, coded, pictures.times, sum(pictures.lengths), tools.key)
    write.write(framed.envelope(dataset, pictures), Path(coded.path), target)
    if coded.frames > 1:
        clipping.refuse_worse(source, target)
    anew = coded.frames - coded.copied
    sentence = f"All {anew} pictures are coded anew."
    if coded.copied:
        sentence = f"{anew} of {coded.frames} pictures are coded anew; the others are copied."
    return Edited(path=target, syntax=film.transfer_syntax, anew=anew, sentences=(sentence,), plays=False)


def of_streams(tools: Tools, sources: Sequence[Path], wanted: Wanted, folder: Path) -> Edited:
    """As ``of_objects``, the film alone."""
    streams, said = _sources(sources, wanted, folder)
    return of_films(tools, streams, wanted.edit, folder, syntaxes.joined(said[0].syntax))


def _sources(sources: Sequence[Path], wanted: Wanted, folder: Path) -> tuple[list[Path], list[edited.Source]]:
    """The streams in files of their own and what the objects say, in the order in which they are joined."""
    found = [extracted(source, folder / f"source-{at}") for at, source in enumerate(sources)]
    said = [one for _, one in found]
    edited.refuse_strangers(said)
    order = edited.in_time(said) if wanted.in_time else range(len(said))
    return [found[at][0] for at in order], [said[at] for at in order]


def extracted(source: Path, target: Path) -> tuple[Path, edited.Source]:
    """The stream of a DICOM video in a file of its own, and what the object says."""
    with SpanSource(source) as file:
        place, said = described(Bytes(file))
    if not isinstance(place, Located):
        raise BadRequest("The object is no video: single pictures are not joined, and edited as DICOM objects alone.")
    return reformed.extracted(source, place, target), edited.Source(said=said, syntax=place.transfer_syntax)


def of_films(tools: Tools, films: Sequence[Path], edit: Edit, folder: Path, syntax: str = "") -> Edited:
    """The edited film in ``folder``, whose ``films`` may be used up; ``syntax`` is that of the first.

    Raises BadRequest where it would be another one than its name is to say.
    """
    if tools.ending:
        _refuse_misnamed(tools, films[0], edit)
    film = _joined(tools, films, folder, syntax) if len(films) > 1 else Edited(path=films[0], syntax=syntax)
    for step in _steps(edit):
        film = step(tools, film, edit, folder)
    if film.path == films[0]:
        raise BadRequest("Nothing is asked for: crop, mask, leave out the sound, strip, or join several videos.")
    return film


def _refuse_misnamed(tools: Tools, first: Path, edit: Edit) -> None:
    made = _MP4 if edit.reframes else _suffix(_planned(tools, first, Wishes())[0])
    if tools.ending != f".{made}":
        kind = "an MP4" if made == _MP4 else "an MPEG program stream, since pictures of MPEG-2 stay as they are"
        raise BadRequest(f"The edited video is {kind}: name it with .{made}.")


def _joined(tools: Tools, films: Sequence[Path], folder: Path, syntax: str) -> Edited:
    infos = [_planned(tools, film, Wishes())[0] for film in films]
    for info in infos:
        _refuse_arranged(info)
    target = folder / f"joined.{_suffix(infos[0])}"
    arguments = {"paths": [str(film.resolve()) for film in films], "target": str(target)}
    told = tools.process.run("join", arguments, tools.limits)["joined"]
    said = [f"{len(films)} videos are joined: {told['frames']} frames, {told['anew']} of them coded anew."]
    if told["silenced"]:
        said.append(str(told["silenced"]))
    return Edited(path=target, syntax=syntax, anew=int(told["anew"]), sentences=tuple(said))


def _refuse_arranged(info: MediaInfo) -> None:
    """Raises UnsupportedMedia where a container shows something else than the frames of its stream, as they are."""
    if info.video.rotation or info.video.mirrored or info.video.change or not info.simple_edits:
        raise UnsupportedMedia(
            "The container has the pictures turned, changing, or shown in part: convert the video first, or mask it "
            "throughout."
        )


def _suffix(info: MediaInfo) -> str:
    return _PROGRAM_STREAM if info.video.codec == "mpeg2video" else _MP4


def _steps(edit: Edit) -> Iterator[Any]:
    if edit.ranges:
        yield _masked
    if edit.reframes:
        yield _reframed
    elif edit.is_bare:
        yield _remuxed


def _masked(tools: Tools, film: Edited, edit: Edit, folder: Path) -> Edited:
    """Regions black in some of the frames: of the others as many as can be are copied."""
    info, _ = _planned(tools, film.path, Wishes(masks=edit.masks))
    _refuse_arranged(info)
    target = folder / f"masked.{_suffix(info)}"
    arguments = {
        "path": str(film.path.resolve()),
        "target": str(target),
        "regions": to_json(list(edit.masks)),
        "ranges": to_json(list(edit.ranges)),
        "progressive": info.video.progressive,
    }
    told = tools.process.run("mask", arguments, tools.limits)["masked"]
    anew = int(told["anew"])
    said = [f"{anew} of {info.video.frames} frames are coded anew; the others are copied."]
    if told["silenced"]:
        said.append(str(told["silenced"]))
    return Edited(path=target, syntax=film.syntax, anew=film.anew + anew, sentences=(*film.sentences, *said))


def _reframed(tools: Tools, film: Edited, edit: Edit, folder: Path) -> Edited:
    """Every picture coded anew."""
    masks = () if edit.ranges else edit.masks
    wishes = Wishes(audio=edit.audio, crop=edit.crop, masks=masks)
    info, plan = _planned(tools, film.path, wishes)
    shown = edit.crop or Region(0, 0, info.video.width, info.video.height)
    measured = dataclasses.replace(tools.how, demands=beside(tools.how.demands, masks, shown))
    made = _made(dataclasses.replace(tools, how=measured), film.path, info, plan, folder / "reframed.mp4")
    return Edited(
        path=made, syntax=plan.transfer_syntax, anew=info.video.frames, sentences=(*film.sentences, *plan.reasons)
    )


def _remuxed(tools: Tools, film: Edited, edit: Edit, folder: Path) -> Edited:
    """The same coded pictures in a container of their own."""
    info, plan = _planned(tools, film.path, Wishes(audio=edit.audio, transfer_syntax=film.syntax))
    if plan.action is Action.TRANSCODE:
        raise UnsupportedMedia(f"The pictures cannot stay as they are. {' '.join(plan.reasons)}")
    target = plan.target or Target(width=info.video.width, height=info.video.height, level=0)
    plan = dataclasses.replace(plan, action=Action.REMUX, target=target)
    made = _made(tools, film.path, info, plan, folder / f"remuxed.{_suffix(info)}")
    return dataclasses.replace(film, path=made, sentences=(*film.sentences, *plan.reasons))


def _planned(tools: Tools, film: Path, wishes: Wishes) -> tuple[MediaInfo, Plan]:
    probed = tools.process.run("probe", {"path": str(film), "wishes": to_json(wishes)}, tools.limits)
    return from_json(MediaInfo, probed["info"]), from_json(Plan, probed["plan"])


def _made(tools: Tools, film: Path, info: MediaInfo, plan: Plan, target: Path) -> Path:
    upload = Upload(id="edit", path=str(film.resolve()), size=film.stat().st_size, sha256="")
    most = Most(bytes=syntaxes.LARGEST_FRAGMENT)
    making = Making(upload=upload, info=info, plan=plan, target=target, how=tools.how, most=most)
    parts = making.run(tools.process, tools.limits, tools.listener)
    if len(parts) > 1:
        raise TooLarge("The edited video would be longer than one object can be (4 GiB).")
    return Path(parts[0].path)


def beside(demands: Demands, masks: Sequence[Region], shown: Region) -> Demands:
    """What is demanded of whole pictures, so that what is beside the masks is as good as demanded: black costs nothing,
    and would raise every mean."""
    rows = [bytearray(shown.width) for _ in range(shown.height)]
    for one in masks:
        left, right = (min(max(x - shown.x, 0), shown.width) for x in (one.x, one.x + one.width))
        for y in range(max(one.y - shown.y, 0), min(one.y + one.height - shown.y, shown.height)):
            rows[y][left:right] = b"\1" * (right - left)
    part = max(1, sum(row.count(0) for row in rows)) / (shown.width * shown.height)
    return Demands(psnr=demands.psnr - 10 * math.log10(part), ssim=1 - (1 - demands.ssim) * part)
