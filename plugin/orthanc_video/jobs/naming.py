"""Which frames of a film are meant by numbers and times: asked of a media process, and its answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from orthanc_video.clip import Moment
from orthanc_video.errors import WorkerFailed
from orthanc_video.jobs.processes import Limits, MediaProcess
from orthanc_video.model import Rational
from orthanc_video.plain import from_json, to_json

TASK = "moments"


def arguments(film: Mapping[str, Any], moments: Sequence[Moment]) -> dict[str, Any]:
    """Of the task; ``film`` says where the film lies."""
    return {**film, "moments": to_json(list(moments))}


def told(answer: Any) -> dict[int, float]:
    """The numbers of the frames (from 1), each once, in their order; and when each is shown, in seconds after the film
    begins."""
    try:
        starts = [float(from_json(Rational, one)) for one in answer["starts"]]
        return dict(sorted(zip(map(int, answer["frames"]), starts, strict=True)))
    except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
        raise WorkerFailed(
            "The media process did not say which frames it is: the film may be made to do so."
        ) from error


def named(
    process: MediaProcess, limits: Limits, film: Mapping[str, Any], moments: Sequence[Moment]
) -> dict[int, float]:
    """As ``told``; raises BadRequest for what is beyond the film's end."""
    return told(process.run(TASK, arguments(film, moments), limits))
