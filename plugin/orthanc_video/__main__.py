"""The commands: ``orthanc-video gateway``, ``worker``, ``convert``, ``probe``, ``clip``, ``still``, ``edit``,
``check``, ``doctor``, ``probe-pacs``"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from orthanc_video import ending, saying
from orthanc_video.dicom.classes import BY_CHOICE
from orthanc_video.errors import ConfigurationError, VideoError, about, by_hand
from orthanc_video.model import Most, Wishes
from orthanc_video.settings import AUDIO, LARGEST_MB, MIB, Gateway

Command: TypeAlias = argparse.ArgumentParser
Arguments: TypeAlias = argparse.Namespace
# sysexits.h: the plugin does not start a gateway again that cannot run with this configuration.
EX_CONFIG = 78


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="orthanc-video", description="Any video in, standard DICOM video out.")
    commands = parser.add_subparsers(required=True)
    for name, (said, add, run) in _COMMANDS.items():
        command = commands.add_parser(name, help=said)
        command.set_defaults(run=run)
        add(command)
    return parser


# Of each command what it takes, and what it does. What that needs is loaded then: a conversion does not wait for the
# server's libraries.


def _add_gateway(command: Command) -> None:
    command.add_argument("--configuration", type=Path, help="Orthanc's configuration file; without it, read from stdin")


def _gateway(arguments: Arguments) -> None:
    from orthanc_video import command_gateway

    command_gateway.run(arguments.configuration)


def _add_worker(command: Command) -> None:
    command.add_argument("--configuration", type=Path, required=True, help="Orthanc's configuration file")


def _worker(arguments: Arguments) -> None:
    from orthanc_video import command_worker

    command_worker.run(arguments.configuration)


def _add_convert(command: Command) -> None:
    command.add_argument("source", type=Path)
    command.add_argument("target", type=Path)
    command.add_argument(
        "--sop-class", default="", choices=sorted(BY_CHOICE), help="photographic, unless a profile says"
    )
    command.add_argument(
        "--attribute", "-a", action="append", default=[], metavar="KEYWORD=VALUE", help="a DICOM attribute, or Profile"
    )
    own = Gateway()
    command.add_argument(
        "--instance-mb", type=_size, default=own.instance_mb, metavar="MB", help="a longer film becomes several files"
    )
    command.add_argument("--instance-minutes", type=float, default=own.instance_minutes, metavar="MINUTES")
    _add_wishes(command)


def _size(text: str) -> int:
    """Megabytes that one object may have."""
    size = int(text)
    if not 0 < size <= LARGEST_MB:
        raise argparse.ArgumentTypeError(f"must be from 1 to {LARGEST_MB}: one DICOM object holds less than 4 GiB")
    return size


def _convert(arguments: Arguments) -> None:
    from orthanc_video import command_convert

    most = Most(bytes=arguments.instance_mb * MIB, seconds=arguments.instance_minutes * 60)
    wished = _wished(arguments)
    command_convert.convert(arguments.source, arguments.target, arguments.sop_class, arguments.attribute, most, wished)


def _add_probe(command: Command) -> None:
    command.add_argument("source", type=Path)
    _add_wishes(command)


def _probe(arguments: Arguments) -> None:
    from orthanc_video import command_convert

    saying.say(json.dumps(command_convert.probe(arguments.source, _wished(arguments)), indent=2))


def _add_wishes(command: Command) -> None:
    command.add_argument(
        "--transfer-syntax",
        default="",
        metavar="NAME",
        help="that which the object has to have, by keyword (MPEG4HP41BD) or UID; without it, the one that fits",
    )
    command.add_argument("--audio", default="drop", choices=AUDIO, help="whether sound is left out")
    command.add_argument(
        "--constant-rate",
        default="0",
        metavar="RATE",
        help="frames per second, such as 25 or 30000/1001, for all of it",
    )


def _wished(arguments: Arguments) -> Wishes:
    from orthanc_video.dicom import wishes

    given = {
        "TransferSyntax": arguments.transfer_syntax,
        "Audio": arguments.audio,
        "ConstantRate": arguments.constant_rate,
    }
    return wishes.of(given, Gateway())


def _add_clip(command: Command) -> None:
    command.add_argument("source", type=Path, help="a video file, or a DICOM video")
    command.add_argument(
        "target",
        type=Path,
        help="an MP4 (.mp4); of MPEG-2 video also a program stream (.mpg); of a DICOM video also an object (.dcm)",
    )
    command.add_argument(
        "--range",
        nargs=2,
        action="append",
        required=True,
        metavar=("START", "END"),
        help="from START to END: frame:46 (from 1), 1.5 (seconds) or 00:00:01.500; several are joined",
    )
    command.add_argument(
        "--precision",
        choices=("frame", "keyframe"),
        default="frame",
        help="keyframe: from the key frame before, and no frame is coded anew",
    )


def _clip(arguments: Arguments) -> None:
    from orthanc_video.jobs import processes

    processes.warm_up()  # which takes as long as loading what follows
    from orthanc_video import command_clip

    precise = arguments.precision == "frame"
    command_clip.run(arguments.source, arguments.target, arguments.range, precise=precise)


def _add_still(command: Command) -> None:
    command.add_argument("source", type=Path, help="a video file, or a DICOM video")
    command.add_argument(
        "target",
        type=Path,
        help="a picture (.jpg, .png) or, of a DICOM video, an image object (.dcm); {} stands for the frame's number",
    )
    command.add_argument(
        "--at",
        action="append",
        required=True,
        metavar="MOMENT",
        help="frame:46 (from 1), 1.5 (seconds) or 00:00:01.500; again for another frame",
    )
    command.add_argument(
        "--as", dest="choice", default="", choices=sorted(BY_CHOICE), help="of an object; as the video, unless said"
    )
    command.add_argument(
        "--quality", type=_quality, default=0, metavar="1-100", help="of JPEG; without it, objects lose nothing"
    )


def _quality(text: str) -> int:
    quality = int(text)
    if not 1 <= quality <= 100:
        raise argparse.ArgumentTypeError("must be from 1 to 100")
    return quality


def _still(arguments: Arguments) -> None:
    from orthanc_video import command_still

    command_still.run(arguments.source, arguments.target, arguments.at, arguments.choice, arguments.quality)


def _add_edit(command: Command) -> None:
    command.add_argument("source", type=Path, help="a video file, or a DICOM video")
    command.add_argument(
        "target",
        type=Path,
        help="an MP4 (.mp4); of MPEG-2 video a program stream (.mpg) unless all is coded anew; of DICOM videos also an "
        "object (.dcm)",
    )
    command.add_argument(
        "--join", type=Path, action="append", default=[], metavar="FILE", help="another one, shown after it; several"
    )
    command.add_argument("--in-time", action="store_true", help="join them in the order in which they were recorded")
    command.add_argument("--crop", metavar="X,Y,WIDTH,HEIGHT", help="what stays of each picture, in even numbers")
    command.add_argument(
        "--mask", action="append", default=[], metavar="X,Y,WIDTH,HEIGHT", help="a part that becomes black; several"
    )
    command.add_argument(
        "--range",
        nargs=2,
        action="append",
        default=[],
        metavar=("START", "END"),
        help="where masks are, as clip has it; without any, throughout",
    )
    command.add_argument(
        "--audio", choices=AUDIO, default="", help="whether sound is left out; it stays unless de-identified"
    )
    command.add_argument("--strip", action="store_true", help="leave out what is told beside pictures and sound")
    command.add_argument(
        "--de-identify", action="store_true", help="leave out all that names people, places and times, and the sound"
    )
    command.add_argument(
        "--key",
        default="",
        metavar="HEX",
        help="a secret that gives the same UIDs and pseudonyms each time; without one they are others each time",
    )
    command.add_argument(
        "--burned-in",
        choices=("YES", "NO"),
        default="",
        help="whether names are still in the pictures: you have looked",
    )


def _edit(arguments: Arguments) -> None:
    from orthanc_video import command_edit

    command_edit.run(arguments)


def _add_check(command: Command) -> None:
    command.add_argument("files", type=Path, nargs="+", metavar="FILE")
    command.add_argument("--json", action="store_true", help="print the findings as JSON")


def _check(arguments: Arguments) -> None:
    from orthanc_video import command_check

    sys.exit(command_check.run(arguments.files, as_json=arguments.json))


def _add_doctor(command: Command) -> None:
    command.add_argument(
        "--configuration", type=Path, default=Path("/etc/orthanc"), help="Orthanc's file, or folder of files"
    )
    command.add_argument("--url", default="", help="where Orthanc answers, unless the configuration says it")
    command.add_argument("--json", action="store_true", help="print the findings as JSON")


def _doctor(arguments: Arguments) -> None:
    from orthanc_video import command_doctor

    sys.exit(command_doctor.run(arguments.configuration, arguments.url, arguments.json))


def _add_probe_pacs(command: Command) -> None:
    command.add_argument("pacs", metavar="PACS", help="a name that Orthanc knows it by, or AET@HOST:PORT")
    command.add_argument(
        "--configuration",
        type=Path,
        default=Path("/etc/orthanc"),
        help="Orthanc's file, or folder of files; for a name",
    )
    command.add_argument("--calling", default="ORTHANC", metavar="AET", help="who asks; for AET@HOST:PORT")
    command.add_argument("--send", action="store_true", help="send a test object in each form; they stay in the PACS")
    command.add_argument("--json", action="store_true", help="print what was found as JSON")


def _probe_pacs(arguments: Arguments) -> None:
    from orthanc_video import command_probe_pacs

    command_probe_pacs.run(
        arguments.pacs, arguments.configuration, arguments.calling, sends=arguments.send, as_json=arguments.json
    )


# Help, what it takes, what it does.
_COMMANDS: dict[str, tuple[str, Callable[[Command], None], Callable[[Arguments], None]]] = {
    "gateway": ("serve one Orthanc (started by the plugin, or by hand)", _add_gateway, _gateway),
    "worker": ("run jobs beside the gateway, on this machine or on another one", _add_worker, _worker),
    "convert": ("make a DICOM file of a video file, with no server", _add_convert, _convert),
    "probe": ("print what a video file holds and what would be done with it, and why", _add_probe, _probe),
    "clip": ("cut a part out of a video, exact to the frame", _add_clip, _clip),
    "still": ("take single frames out of a video, exactly", _add_still, _still),
    "edit": ("crop, mask, join, silence, strip or de-identify videos", _add_edit, _edit),
    "check": ("judge DICOM videos, ours or another's, by the standard", _add_check, _check),
    "doctor": ("examine an installation, and say what to do about each finding", _add_doctor, _doctor),
    "probe-pacs": ("try out what a PACS takes, and in which form a video goes there", _add_probe_pacs, _probe_pacs),
}


# These are ended in ways of their own.
_SERVING = frozenset({_gateway, _worker})


def main() -> None:
    """Entry point: exits 0, 1 with a sentence on stderr, 78 for a configuration that cannot work; 128 and its number
    for a signal."""
    saying.begin()
    try:
        arguments = _parser().parse_args()
        if arguments.run not in _SERVING:
            ending.heed()
        sys.exit(_run(arguments))
    except KeyboardInterrupt as error:
        saying.warn(ending.sentence_of(error))
        sys.exit(ending.status_of(error))
    finally:
        saying.finish()


def _run(arguments: Arguments) -> int:
    """Its exit code, unless it ends by itself."""
    try:
        arguments.run(arguments)
    except ConfigurationError as error:
        saying.warn(error.sentence)
        return EX_CONFIG
    except VideoError as error:
        source = getattr(arguments, "source", None)
        saying.warn(by_hand(about(error, source.name if source else "")).sentence)
        return 1
    return 0


if __name__ == "__main__":
    main()
