"""One media process: takes one task from its standard input, answers with JSON lines, and ends.

Hostile media is parsed and decoded only here, under limits on memory, processor time, file size and open files;
whatever happens to this process, the gateway and Orthanc go on. Lines out: ``{"progress": {"stage": "remux", …}}``
(a ``Progress``), then one of ``{"result": …}`` and ``{"error": CLASS, "sentence": …}``.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from orthanc_video.errors import BrokenVideo, Busy, VideoError
from orthanc_video.lifetime import die_with_parent
from orthanc_video.media import frames, plan, probe, remux, transcode
from orthanc_video.model import Action, Made, Plan, Progress, Span, VideoStream, from_json, to_json

Listener = Callable[[Progress], None]
_OPEN_FILES = 64


def _probe(arguments: dict[str, Any], _listener: Listener) -> dict[str, Any]:
    info = probe.probe(Path(arguments["path"]))
    return {"info": to_json(info), "plan": to_json(plan.plan(info))}


def _make(arguments: dict[str, Any], listener: Listener) -> dict[str, Any]:
    source, target = Path(arguments["source"]), Path(arguments["target"])
    video, planned = from_json(VideoStream, arguments["video"]), from_json(Plan, arguments["plan"])
    hashed = ""
    if planned.action is Action.REMUX:
        level = planned.target.level if planned.target else 0
        hashed = remux.remux(source, target, video, level, listener)
    else:
        _transcode(source, target, video, planned, arguments, listener)
    made = Made(path=str(target), size=target.stat().st_size, video=probe.probe(target).video, pictures=hashed)
    result: dict[str, Any] = to_json(made)
    return result


def _transcode(
    source: Path, target: Path, video: VideoStream, planned: Plan, arguments: dict[str, Any], listener: Listener
) -> None:
    if planned.target is None:
        raise ValueError("a transcode without a target")
    raw = target.with_suffix(".raw.mp4")
    preset, crf = arguments["preset"], arguments["crf"]
    written = transcode.transcode(
        source, raw, video, planned.target, preset, crf, lambda told: listener(told.within(0, 0.97))
    )
    encoded = probe.probe(raw).video
    if encoded.frames != written:
        raise BrokenVideo(f"ffmpeg wrote {written} frames, but {encoded.frames} are in its file; nothing was stored.")
    remux.remux(raw, target, encoded, 0, lambda told: listener(told.within(0.97, 1)))
    raw.unlink()


def _thumbnail(arguments: dict[str, Any], _listener: Listener) -> dict[str, Any]:
    spans = tuple(from_json(Span, span) for span in arguments["spans"])
    frames.thumbnail(Path(arguments["path"]), spans, Path(arguments["target"]), arguments["width"])
    return {}


_TASKS: dict[str, Callable[[dict[str, Any], Listener], dict[str, Any]]] = {
    "probe": _probe,
    "make": _make,
    "thumbnail": _thumbnail,
}


def _limit(limits: dict[str, int]) -> None:
    for name, kind in (
        ("memory", resource.RLIMIT_AS),
        ("cpu_seconds", resource.RLIMIT_CPU),
        ("file_size", resource.RLIMIT_FSIZE),
    ):
        if limits.get(name):
            resource.setrlimit(kind, (limits[name], limits[name]))
    resource.setrlimit(resource.RLIMIT_NOFILE, (_OPEN_FILES, _OPEN_FILES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _say(line: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def main() -> None:
    die_with_parent()
    task = json.loads(sys.stdin.readline())
    _limit(task["limits"])
    try:
        result = _TASKS[task["name"]](task["arguments"], lambda told: _say({"progress": to_json(told)}))
    except VideoError as error:
        _say({"error": type(error).__name__, "sentence": error.sentence})
    except MemoryError:
        _say({"error": "BrokenVideo", "sentence": "Reading the file needs more memory than a media process may use."})
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
    main()
