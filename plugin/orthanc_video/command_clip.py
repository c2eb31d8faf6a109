"""``orthanc-video clip``: a part of a video file, or of a DICOM video, with no server."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from orthanc_video.clip import Cut, Range, moment
from orthanc_video.command_convert import refuse_missing, writable
from orthanc_video.dicom.locate import exact, locate
from orthanc_video.errors import BadRequest
from orthanc_video.files import Bytes, SpanSource
from orthanc_video.jobs.processes import Limits, MediaProcess, close
from orthanc_video.model import Span
from orthanc_video.plain import from_json, to_json
from orthanc_video.settings import LARGEST_INSTANCE, MIB, Gateway

_DEFAULTS = Gateway()


def run(source: Path, target: Path, ranges: Iterable[Iterable[str]], *, precise: bool) -> None:
    """Writes the clip and prints what it holds. Nothing is left behind when it fails; raises VideoError."""
    try:
        cuts = clip(source, target, [Range(*map(moment, one)) for one in ranges], precise=precise)
    finally:
        close()
    for one in cuts:
        how = f"{one.anew} of them coded anew" if one.anew else "all copied"
        print(f"Frames {one.first} to {one.last} ({one.frames}), {how}.")
    print(f"clip: {target}")


def clip(source: Path, target: Path, ranges: list[Range], *, precise: bool) -> list[Cut]:
    """As ``run``, and prints nothing; media processes are the caller's to end."""
    refuse_missing(source)
    final = writable(source, target)
    limits = Limits(seconds=_DEFAULTS.job_seconds, memory=_DEFAULTS.worker_memory_mb * MIB, file=LARGEST_INSTANCE)
    try:
        with tempfile.TemporaryDirectory(dir=final.parent, prefix=".orthanc-video-") as scratch:
            made = Path(scratch) / "made"
            arguments: dict[str, Any] = {
                "path": str(source.resolve()),
                "spans": to_json(_spans(source)),
                "target": str(made),
                "ranges": to_json(ranges),
                "precise": precise,
            }
            cuts = MediaProcess().run("clip", arguments, limits)["cuts"]
            made.replace(final)
    except OSError as error:
        raise BadRequest(f"{target} cannot be written: {os.strerror(error.errno or 0)}.") from error
    return [from_json(Cut, one) for one in cuts]


def _spans(source: Path) -> tuple[Span, ...]:
    """Where the stream lies in the file."""
    with SpanSource(source) as file:
        if file.read_at(128, 4) == b"DICM":  # PS3.10 7.1
            return exact(locate(Bytes(file)))
        return (Span(0, file.size),)
