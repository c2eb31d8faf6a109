"""The commands: ``orthanc-video gateway``, ``worker``, ``convert``, ``probe``, ``clip``, ``still``, ``edit``,
``check``, ``doctor``, ``probe-pacs``"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from orthanc_video.dicom.classes import BY_CHOICE
from orthanc_video.errors import ConfigurationError, VideoError, about
from orthanc_video.model import Most
from orthanc_video.settings import AUDIO, LARGEST_MB, MIB, Gateway

# sysexits.h: the plugin does not start a gateway again that cannot run with this configuration.
EX_CONFIG = 78


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="orthanc-video", description="Any video in, standard DICOM video out.")
    commands = parser.add_subparsers(dest="command", required=True)
    gateway = commands.add_parser("gateway", help="serve one Orthanc (started by the plugin, or by hand)")
    gateway.add_argument("--configuration", type=Path, help="Orthanc's configuration file; without it, read from stdin")
    worker = commands.add_parser("worker", help="run jobs beside the gateway, on this machine or on another one")
    worker.add_argument("--configuration", type=Path, required=True, help="Orthanc's configuration file")
    convert = commands.add_parser("convert", help="make a DICOM file of a video file, with no server")
    convert.add_argument("source", type=Path)
    convert.add_argument("target", type=Path)
    convert.add_argument(
        "--sop-class", default="", choices=sorted(BY_CHOICE), help="photographic, unless a profile says"
    )
    convert.add_argument(
        "--attribute", "-a", action="append", default=[], metavar="KEYWORD=VALUE", help="a DICOM attribute, or Profile"
    )
    own = Gateway()
    convert.add_argument(
        "--instance-mb", type=_size, default=own.instance_mb, metavar="MB", help="a longer film becomes several files"
    )
    convert.add_argument("--instance-minutes", type=float, default=own.instance_minutes, metavar="MINUTES")
    _add_wishes(convert)
    probe = commands.add_parser("probe", help="print what a video file holds and what would be done with it, and why")
    probe.add_argument("source", type=Path)
    _add_wishes(probe)
    clip = commands.add_parser("clip", help="cut a part out of a video, exact to the frame")
    clip.add_argument("source", type=Path, help="a video file, or a DICOM video")
    clip.add_argument(
        "target",
        type=Path,
        help="the MP4, of MPEG-2 video a program stream; or, of a DICOM video, a DICOM object (.dcm)",
    )
    clip.add_argument(
        "--range",
        nargs=2,
        action="append",
        required=True,
        metavar=("START", "END"),
        help="from START to END: frame:46 (from 1), 1.5 (seconds) or 00:00:01.500; several are joined",
    )
    clip.add_argument(
        "--precision",
        choices=("frame", "keyframe"),
        default="frame",
        help="keyframe: from the key frame before, and no frame is coded anew",
    )
    _add_still(commands)
    _add_edit(commands.add_parser("edit", help="crop, mask, join, silence, strip or de-identify videos"))
    check = commands.add_parser("check", help="judge DICOM videos, ours or another's, by the standard")
    check.add_argument("files", type=Path, nargs="+", metavar="FILE")
    check.add_argument("--json", action="store_true", help="print the findings as JSON")
    doctor = commands.add_parser("doctor", help="examine an installation, and say what to do about each finding")
    doctor.add_argument(
        "--configuration", type=Path, default=Path("/etc/orthanc"), help="Orthanc's file, or folder of files"
    )
    doctor.add_argument("--url", default="", help="where Orthanc answers, unless the configuration says it")
    doctor.add_argument("--json", action="store_true", help="print the findings as JSON")
    pacs = commands.add_parser("probe-pacs", help="try out what a PACS takes, and in which form a video goes there")
    pacs.add_argument("pacs", metavar="PACS", help="a name that Orthanc knows it by, or AET@HOST:PORT")
    pacs.add_argument(
        "--configuration",
        type=Path,
        default=Path("/etc/orthanc"),
        help="Orthanc's file, or folder of files; for a name",
    )
    pacs.add_argument("--calling", default="ORTHANC", metavar="AET", help="who asks; for AET@HOST:PORT")
    pacs.add_argument("--send", action="store_true", help="send a test object in each form; they stay in the PACS")
    pacs.add_argument("--json", action="store_true", help="print what was found as JSON")
    return parser


def _add_still(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    still = commands.add_parser("still", help="take single frames out of a video, exactly")
    still.add_argument("source", type=Path, help="a video file, or a DICOM video")
    still.add_argument(
        "target",
        type=Path,
        help="a picture (.jpg, .png) or, of a DICOM video, an image object (.dcm); {} stands for the frame's number",
    )
    still.add_argument(
        "--at",
        action="append",
        required=True,
        metavar="MOMENT",
        help="frame:46 (from 1), 1.5 (seconds) or 00:00:01.500; again for another frame",
    )
    still.add_argument(
        "--as", dest="choice", default="", choices=sorted(BY_CHOICE), help="of an object; as the video, unless said"
    )
    still.add_argument(
        "--quality", type=_quality, default=0, metavar="1-100", help="of JPEG; without it, objects lose nothing"
    )


def _quality(text: str) -> int:
    quality = int(text)
    if not 1 <= quality <= 100:
        raise argparse.ArgumentTypeError("must be from 1 to 100")
    return quality


def _add_edit(command: argparse.ArgumentParser) -> None:
    command.add_argument("source", type=Path, help="a video file, or a DICOM video")
    command.add_argument("target", type=Path, help="the MP4; or, of DICOM videos, a DICOM object (.dcm)")
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


def _size(text: str) -> int:
    """Megabytes that one object may have."""
    size = int(text)
    if not 0 < size <= LARGEST_MB:
        raise argparse.ArgumentTypeError(f"must be from 1 to {LARGEST_MB}: one DICOM object holds less than 4 GiB")
    return size


def _add_wishes(command: argparse.ArgumentParser) -> None:
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


def _run(arguments: argparse.Namespace) -> None:
    # Imported where needed: a conversion does not wait for the server's libraries to load.
    if arguments.command == "gateway":
        from orthanc_video import command_gateway

        command_gateway.run(arguments.configuration)
        return
    if arguments.command == "worker":
        from orthanc_video import command_worker

        command_worker.run(arguments.configuration)
        return
    if arguments.command == "doctor":
        from orthanc_video import command_doctor

        sys.exit(command_doctor.run(arguments.configuration, arguments.url, arguments.json))
    if arguments.command == "clip":
        from orthanc_video.jobs import processes

        processes.warm_up()  # which takes as long as loading what follows
        from orthanc_video import command_clip

        precise = arguments.precision == "frame"
        command_clip.run(arguments.source, arguments.target, arguments.range, precise=precise)
        return
    if arguments.command == "still":
        from orthanc_video import command_still

        command_still.run(arguments.source, arguments.target, arguments.at, arguments.choice, arguments.quality)
        return
    if arguments.command == "edit":
        from orthanc_video import command_edit

        command_edit.run(arguments)
        return
    if arguments.command == "check":
        from orthanc_video import command_check

        sys.exit(command_check.run(arguments.files, as_json=arguments.json))
    if arguments.command == "probe-pacs":
        from orthanc_video import command_probe_pacs

        command_probe_pacs.run(
            arguments.pacs, arguments.configuration, arguments.calling, sends=arguments.send, as_json=arguments.json
        )
        return
    from orthanc_video import command_convert
    from orthanc_video.dicom import wishes

    given = {
        "TransferSyntax": arguments.transfer_syntax,
        "Audio": arguments.audio,
        "ConstantRate": arguments.constant_rate,
    }
    asked = wishes.of(given, Gateway())
    if arguments.command == "convert":
        most = Most(bytes=arguments.instance_mb * MIB, seconds=arguments.instance_minutes * 60)
        command_convert.convert(
            arguments.source, arguments.target, arguments.sop_class, arguments.attribute, most, asked
        )
    else:
        print(json.dumps(command_convert.probe(arguments.source, asked), indent=2))


def main() -> None:
    """Entry point: exits 0, 1 with a sentence on stderr, 78 for a configuration that cannot work, 130 on Ctrl-C."""
    arguments = _parser().parse_args()
    try:
        _run(arguments)
    except ConfigurationError as error:
        print(error.sentence, file=sys.stderr)
        sys.exit(EX_CONFIG)
    except VideoError as error:
        source = getattr(arguments, "source", None)
        print(about(error, source.name if source else "").sentence, file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("Interrupted: nothing was written.", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main()
