"""One media process: takes one task from its standard input, answers with JSON lines, and ends.

Hostile media is parsed and decoded only here, in a sandbox of the task's own files (media/sandbox.py); whatever
happens to this process, the gateway and Orthanc go on. Lines out: ``{"progress": {"stage": "remux", …}}`` (a
``Progress``), then one of ``{"result": …}`` and ``{"error": CLASS, "sentence": …}``.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from orthanc_video.clip import Moment, Range
from orthanc_video.edit import Edit
from orthanc_video.errors import BrokenVideo, Busy, NotVideo, VideoError
from orthanc_video.film import MultiFrame
from orthanc_video.form import Form
from orthanc_video.lifetime import die_with_parent
from orthanc_video.media import (
    audio,
    cine,
    cine_render,
    coded,
    drawing,
    frames,
    lettering,
    moments,
    mpeg2,
    parts,
    pattern,
    plan,
    probe,
    remux,
    rendition,
    sandbox,
    transcode,
    transport,
    vmaf,
)
from orthanc_video.media.clip import cut
from orthanc_video.media.edit import join, masking
from orthanc_video.media.quality import EncoderLog, nowhere
from orthanc_video.media.shaping import How
from orthanc_video.model import Action, Made, Most, Plan, Progress, Rational, Region, Span, VideoStream, Wishes
from orthanc_video.picture import Drawing, Said
from orthanc_video.plain import from_json, to_json

Listener = Callable[[Progress], None]
# How far work that nobody waits for stands back behind all other work of this machine (nice(2)).
_LEISURE = 10


def _probe(arguments: dict[str, Any], _listener: Listener) -> dict[str, Any]:
    wishes = from_json(Wishes, arguments.get("wishes", {}))
    info = probe.probe(Path(arguments["path"]), wishes=wishes)
    most = from_json(Most, arguments["most"]) if "most" in arguments else plan.WHOLE
    return {"info": to_json(info), "plan": to_json(plan.plan(info, wishes, most))}


def _make(arguments: dict[str, Any], listener: Listener) -> dict[str, Any]:
    """The conforming stream; ``parts`` are several where it is longer than ``most``."""
    source, planned = Path(arguments["source"]), from_json(Plan, arguments["plan"])
    made, most = _stream(arguments, listener), from_json(Most, arguments["most"])
    several = [made]
    if most.is_exceeded(made.size, made.video.seconds):
        several = parts.cut(made, Path(arguments["target"]), most, listener)
    if len(several) > 1 and made.path != arguments["source"]:
        Path(made.path).unlink()
    if planned.sound is not None and several[0].path != arguments["source"]:
        several = [_sounding(one, source, planned) for one in several]
    return {"parts": to_json(several)}


def _sounding(silent: Made, source: Path, planned: Plan) -> Made:
    """The same pictures with what is heard in the source meanwhile."""
    if planned.sound is None:
        raise ValueError("a sound that is not planned")
    pictures = Path(silent.path)
    target = pictures.with_name(f"{pictures.stem}-heard{pictures.suffix}")
    audio.add(pictures, source, target, planned.sound, planned.sound_copied, silent.start.fraction)
    pictures.unlink()
    probed = probe.probe(target)
    return dataclasses.replace(silent, path=str(target), size=target.stat().st_size, video=probed.video, probed=probed)


def _stream(arguments: dict[str, Any], listener: Listener) -> Made:
    source, target = Path(arguments["source"]), Path(arguments["target"])
    video, planned = from_json(VideoStream, arguments["video"]), from_json(Plan, arguments["plan"])
    told: dict[str, Any] = {}
    if planned.action is Action.WRAP:
        return Made(path=str(source), size=source.stat().st_size, video=video)
    if planned.action is Action.REMUX:
        level = planned.target.level if planned.target else 0
        hashed = remux.remux(source, target, video, level, listener)
        told = {"source_pictures": hashed.before, "pictures": hashed.after}
        probed = probe.probe(target)
    elif planned.target is None:
        raise ValueError("a transcode without a target")
    else:
        preset, crf, log = arguments["preset"], arguments["crf"], EncoderLog()
        probed = transcode.streamable(source, target, video, planned.target, preset, crf, listener, log=log)
        count, evened = probed.video.frames, planned.target.rate is not None
        counts = log.counts(video, count, cut=arguments["cut"], evened=evened)
        told = {"quality": log.quality(count, crf), "counts": counts}
    return Made(path=str(target), size=target.stat().st_size, video=probed.video, probed=probed, **told)


def _compare(arguments: dict[str, Any], listener: Listener) -> dict[str, Any]:
    """VMAF, in a process of its own: each may start one program."""
    video, target = from_json(VideoStream, arguments["video"]), from_json(Plan, arguments["plan"]).target
    if target is None:
        raise ValueError("a transcode without a target")
    source, made = Path(arguments["source"]), Path(arguments["made"])
    return {"vmaf": to_json(vmaf.measure(source, made, video, target, listener))}


def _thumbnail(arguments: dict[str, Any], _listener: Listener) -> dict[str, Any]:
    path, target, width = Path(arguments["path"]), Path(arguments["target"]), arguments["width"]
    if "film" in arguments:
        cine.thumbnail(path, from_json(MultiFrame, arguments["film"]), target, width)
    else:
        frames.thumbnail(path, _spans(arguments), target, width)
    return {}


def _spans(arguments: dict[str, Any]) -> tuple[Span, ...]:
    return tuple(from_json(Span, span) for span in arguments["spans"])


def _check(arguments: dict[str, Any], _listener: Listener) -> dict[str, Any]:
    """What a stored stream is; of what cannot be read, the sentence that says why."""
    path = Path(arguments["path"])
    try:
        if "film" in arguments:
            return {"info": None, "sentences": cine.damaged(path, from_json(MultiFrame, arguments["film"]))}
        return {"info": to_json(probe.probe(path, _spans(arguments))), "sentences": []}
    except (BrokenVideo, NotVideo) as error:
        return {"info": None, "sentences": [error.sentence]}


def _look(arguments: dict[str, Any], listener: Listener) -> dict[str, Any]:
    """As ``_check``, and the poster."""
    found = _check(arguments, listener)
    if "film" not in arguments and found["sentences"]:
        return found
    try:
        _thumbnail(arguments, listener)
    except (BrokenVideo, NotVideo) as error:
        found["sentences"].append(error.sentence)
    return found


def _moments(arguments: dict[str, Any], _listener: Listener) -> dict[str, Any]:
    """Which frames are named, and when they are shown."""
    wanted = [from_json(Moment, one) for one in arguments["moments"]]
    named = moments.named(Path(arguments["path"]), _stored(arguments), wanted)
    return {"frames": named.frames, "starts": to_json([Rational.of(start) for start in named.starts])}


def _stored(arguments: dict[str, Any]) -> MultiFrame | tuple[Span, ...]:
    return from_json(MultiFrame, arguments["film"]) if "film" in arguments else _spans(arguments)


def _draw(arguments: dict[str, Any], _listener: Listener) -> dict[str, Any]:
    """Pictures of single frames, one after the other in one file: the ``lengths`` of them."""
    wanted, said = from_json(Drawing, arguments["drawing"]), from_json(Said, arguments["said"])
    return {
        "lengths": drawing.draw(Path(arguments["path"]), _stored(arguments), wanted, said, Path(arguments["target"]))
    }


def _code(arguments: dict[str, Any], listener: Listener) -> dict[str, Any]:
    """Frames as pictures that are coded each by itself."""
    form, target, path = from_json(Form, arguments["form"]), Path(arguments["target"]), Path(arguments["path"])
    wanted = [from_json(Moment, one) for one in arguments.get("moments", [])]
    edit = from_json(Edit, arguments["edit"]) if arguments.get("edit") else None
    made = coded.code(path, _stored(arguments), form, arguments["shades"], target, listener, wanted, edit)
    return {"coded": to_json(made)}


def _clip(arguments: dict[str, Any], _listener: Listener) -> dict[str, Any]:
    """A part of the stream, exact to the frame."""
    ranges = [from_json(Range, one) for one in arguments["ranges"]]
    path, target, precise = Path(arguments["path"]), Path(arguments["target"]), arguments["precise"]
    return {"clip": to_json(cut.cut(path, _spans(arguments), ranges, target, precise=precise))}


def _mask(arguments: dict[str, Any], _listener: Listener) -> dict[str, Any]:
    """The stream with black regions in some of its frames."""
    regions = [from_json(Region, one) for one in arguments["regions"]]
    ranges = [from_json(Range, one) for one in arguments["ranges"]]
    path, target, progressive = Path(arguments["path"]), Path(arguments["target"]), arguments["progressive"]
    return {"masked": to_json(masking.mask(path, regions, ranges, target, progressive=progressive))}


def _join(arguments: dict[str, Any], _listener: Listener) -> dict[str, Any]:
    """Several films as one."""
    return {"joined": to_json(join.join([Path(path) for path in arguments["paths"]], Path(arguments["target"])))}


def _mpeg2(arguments: dict[str, Any], listener: Listener) -> dict[str, Any]:
    """The stream as MPEG-2."""
    source, target = Path(arguments["source"]), Path(arguments["target"])
    video = from_json(VideoStream, arguments["video"])
    return {
        "made": to_json(mpeg2.encode(source, target, video, arguments["transfer_syntax"], listener, arguments["rows"]))
    }


def _transport(arguments: dict[str, Any], listener: Listener) -> dict[str, Any]:
    """An MP4's pictures in a transport stream."""
    return {"made": to_json(transport.wrap(Path(arguments["source"]), Path(arguments["target"]), listener))}


def _pattern(arguments: dict[str, Any], _listener: Listener) -> dict[str, Any]:
    """A test film."""
    pattern.make(Path(arguments["target"]), arguments["codec"])
    return {}


def _render(arguments: dict[str, Any], listener: Listener) -> dict[str, Any]:
    """What is stored as an MP4 for browsers: how many frames it has, ``of`` how many."""
    source, target, how = Path(arguments["path"]), Path(arguments["target"]), from_json(How, arguments["how"])
    if "film" in arguments:
        of, made = cine_render.render(source, from_json(MultiFrame, arguments["film"]), target, how, listener)
    else:
        of, made = rendition.render(source, _spans(arguments), target, how, listener)
    return {"of": of, "frames": made}


_TASKS: dict[str, Callable[[dict[str, Any], Listener], dict[str, Any]]] = {
    "probe": _probe,
    "make": _make,
    "check": _check,
    "compare": _compare,
    "thumbnail": _thumbnail,
    "moments": _moments,
    "look": _look,
    "render": _render,
    "draw": _draw,
    "code": _code,
    "clip": _clip,
    "mask": _mask,
    "join": _join,
    "mpeg2": _mpeg2,
    "transport": _transport,
    "pattern": _pattern,
}


def _needs(name: str, arguments: dict[str, Any]) -> sandbox.Needs:
    """What a task touches, from its own arguments, before anything of its file is read."""
    if name == "make":
        transcodes = arguments["plan"]["action"] == Action.TRANSCODE
        if transcodes:
            nowhere()
        return sandbox.Needs(
            read=(Path(arguments["source"]),),
            change=(Path(arguments["target"]).parent,),
            program=_ffmpeg() if transcodes else None,
            patient=True,
        )
    if name == "compare":
        made = Path(arguments["made"])
        read = Path(arguments["source"]), made
        return sandbox.Needs(read=read, change=(made.parent,), program=_ffmpeg(), patient=True)
    if name == "render":
        folder = Path(arguments["target"]).parent
        read = Path(arguments["path"]), lettering.FONT
        return sandbox.Needs(read=read, change=(folder,), program=_ffmpeg(), patient=True)
    if name == "mpeg2":
        folder = Path(arguments["target"]).parent
        return sandbox.Needs(read=(Path(arguments["source"]),), change=(folder,), program=_ffmpeg(), patient=True)
    if name == "pattern":
        return sandbox.Needs(change=(Path(arguments["target"]).parent,), program=_ffmpeg(), patient=True)
    if name in {"code", "clip", "mask", "join", "transport"}:
        paths = arguments.get("paths") or [arguments.get("path") or arguments["source"]]
        return sandbox.Needs(read=tuple(map(Path, paths)), change=(Path(arguments["target"]).parent,), patient=True)
    if name in {"thumbnail", "look", "draw"}:
        target = Path(arguments["target"])
        target.touch(mode=0o600)  # it lies among other videos' pictures: the file may be written, its folder not
        fonts = (lettering.FONT,) if name == "draw" and lettering.FONT.exists() else ()
        return sandbox.Needs(read=(Path(arguments["path"]), *fonts), change=(target,))
    return sandbox.Needs(read=(Path(arguments["path"]),) if "path" in arguments else ())


def _ffmpeg() -> Path:
    found = shutil.which("ffmpeg")
    if found is None:
        raise Busy("ffmpeg is not installed, or not in the gateway's path: install it (apt-get install ffmpeg).")
    return Path(found).resolve()


def _say(line: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def called(what: str) -> None:
    """The process's name, of at most 15 characters: what ps and top show of it."""
    Path("/proc/self/comm").write_text(f"media-{what}")


def serve() -> None:
    """Takes the task and answers it."""
    text = sys.stdin.readline()
    if not text:
        return  # who started this process has ended, or been ended, before there was a task
    task = json.loads(text)
    called(task["name"])
    if task["name"] == "look" or task["arguments"].get("leisure"):
        os.nice(_LEISURE)
    try:
        isolation = sandbox.enter(_needs(task["name"], task["arguments"]), task["limits"])
        if task["name"] == "isolation":
            result = to_json(isolation)
        else:
            result = _TASKS[task["name"]](task["arguments"], lambda told: _say({"progress": to_json(told)}))
    except VideoError as error:
        _say({"error": type(error).__name__, "sentence": error.sentence})
    except MemoryError:
        sentence = (
            "Reading the file needs more memory than a media process may have. Where VideoGateway.WorkerMemoryMB is "
            "less than its default, have that raised, and send the file again."
        )
        _say({"error": "BrokenVideo", "sentence": sentence})
    except OSError as error:
        _say(
            {
                "error": Busy.__name__,
                "sentence": f"The media process could not read or write ({os.strerror(error.errno or 0)}).",
            }
        )
    else:
        _say({"result": result})


if __name__ == "__main__":
    die_with_parent()
    serve()
