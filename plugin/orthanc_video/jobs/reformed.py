"""Videos as other videos: the same pictures in other packaging, or coded anew, step by step in a folder."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from orthanc_video.dicom import derived, locate, rewrapped, syntaxes, write
from orthanc_video.dicom.moving import described
from orthanc_video.errors import BadRequest, TooLarge
from orthanc_video.files import Bytes, SpanSource
from orthanc_video.form import TRANSPORT, Form, Kind
from orthanc_video.jobs.making import Making, how
from orthanc_video.jobs.processes import Listener, MediaProcess, job_limits, run_probe
from orthanc_video.model import Action, Located, Made, MediaInfo, Most, Plan, Target, Upload, Wishes
from orthanc_video.plain import from_json, to_json
from orthanc_video.settings import Settings

_BLOCK = 1 << 20
_MPEG2 = "mpeg2video"
# More rows than there are.
_ANY = 1 << 16


class Video(NamedTuple):
    """A DICOM file, and what it is."""

    path: Path
    sop_class: str
    sop_instance: str
    frames: int


def make(
    settings: Settings, process: MediaProcess, source: Path, form: Form, folder: Path, listener: Listener | None
) -> Video:
    """As ``forms.make``, of videos. Raises BadRequest or UnsupportedMedia where the video cannot become that."""
    kind = derived.kind_of(form)
    with SpanSource(source) as file:
        place, said = described(Bytes(file))
    if not isinstance(place, Located):
        raise BadRequest("The stored object is no video, so it cannot go as another one.")
    stream = extracted(source, place, folder / "stream")
    info, plan = _planned(settings, stream, form)
    anew = plan.action is Action.TRANSCODE
    if anew and form.kind is Kind.REWRAPPED:
        raise BadRequest(f"The pictures cannot stay as they are in this form. {' '.join(plan.reasons)}")
    made = _made(settings, process, stream, form, info, plan, listener)
    if form.container == TRANSPORT:
        Path(made.path).replace(stream)
        arguments = {"source": str(stream), "target": str(folder / "made.ts")}
        made = from_json(Made, process.run("transport", arguments, job_limits(settings), listener)["made"])
    if anew or kind.uid != place.sop_class:
        dataset = rewrapped.of_stream(said, place.transfer_syntax, form, plan, made, anew=anew)
    else:
        dataset = rewrapped.of_packaging(said, form)
    path = folder / "000001.dcm"
    write.write(write.envelope(dataset, made.size), Path(made.path), path)
    for left in {stream, Path(made.path)}:
        left.unlink()
    return Video(path, kind.uid, str(dataset.SOPInstanceUID), made.video.frames)


def extracted(source: Path, place: Located, target: Path) -> Path:
    """The stream in a file of its own, without what DICOM puts around it and between its parts."""
    with source.open("rb") as file, target.open("wb") as to:
        for span in locate.exact(place):
            file.seek(span.offset)
            left = span.length
            while left and (block := file.read(min(_BLOCK, left))):
                to.write(block)
                left -= len(block)
    return target


def _planned(settings: Settings, stream: Path, form: Form) -> tuple[MediaInfo, Plan]:
    """What is to be done for the form's transfer syntax, whose fragments do not matter."""
    uid = syntaxes.joined(form.transfer_syntax)
    codec = syntaxes.BY_UID[uid].codec
    if codec == _MPEG2 and form.kind is Kind.TRANSCODED:
        probed = run_probe(stream, Wishes(), settings)
        info = from_json(MediaInfo, probed["info"])
        reasons = (f"Coded anew as {syntaxes.BY_UID[uid].name}.",)
        size = Target(width=info.video.width, height=info.video.height, level=0)
        return info, Plan(action=Action.TRANSCODE, transfer_syntax=uid, reasons=reasons, target=size)
    rows = (form.rows or _ANY) if form.kind is Kind.TRANSCODED else 0
    probed = run_probe(stream, Wishes(audio="keep", transfer_syntax=uid, rows=rows), settings)
    return from_json(MediaInfo, probed["info"]), from_json(Plan, probed["plan"])


def _made(
    settings: Settings,
    process: MediaProcess,
    stream: Path,
    form: Form,
    info: MediaInfo,
    plan: Plan,
    listener: Listener | None,
) -> Made:
    target = stream.with_name("made.mp4")
    if plan.action is Action.TRANSCODE and syntaxes.BY_UID[plan.transfer_syntax].codec == _MPEG2:
        arguments = {
            "source": str(stream),
            "target": str(target),
            "video": to_json(info.video),
            "transfer_syntax": plan.transfer_syntax,
            "rows": form.rows,
        }
        return from_json(Made, process.run("mpeg2", arguments, job_limits(settings), listener)["made"])
    upload = Upload(id="form", path=str(stream), size=stream.stat().st_size, sha256="")
    most = Most(bytes=syntaxes.LARGEST_FRAGMENT)
    making = Making(upload=upload, info=info, plan=plan, target=target, how=how(settings.gateway), most=most)
    parts = making.run(process, job_limits(settings), listener)
    if len(parts) > 1:
        raise TooLarge(f"As {form.kind} the video would be longer than one object can be (4 GiB).")
    return parts[0]
