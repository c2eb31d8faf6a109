"""Pictures re-encoded as MPEG-2, for archives that know no later video: Main profile at Main or High level.

PS3.5 8.2.5 and 8.2.6 list the sizes and rates there are. Pictures keep their shape: at Main level they are scaled to
fit, at High level into 1280 × 720 or 1920 × 1080 with black borders.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import ffmpeg

from orthanc_video.dicom import syntaxes
from orthanc_video.dicom.fit import objections
from orthanc_video.dicom.syntaxes import Format, VideoSyntax
from orthanc_video.errors import BadRequest, BrokenVideo
from orthanc_video.media import colour, transcode
from orthanc_video.media.probe import probe
from orthanc_video.media.remux import output_format
from orthanc_video.model import Made, Progress, Rational, VideoStream

Listener = Callable[[Progress], None]
# Of each level: ffmpeg's number (ISO/IEC 13818-2 Table 8-3), and bits a second on the mean.
_LEVELS = {syntaxes.MPEG2_MAIN: (8, 9_000_000), syntaxes.MPEG2_HIGH: (4, 30_000_000)}
_GROUP = 15


def format_of(syntax: VideoSyntax, video: VideoStream, rows: int = 0) -> tuple[Format, Fraction]:
    """Which of the syntax's formats and rates is nearest: no rate is lost if one can be kept, then no rows are.

    ``rows`` is the most that there may be, 0 for any.
    """
    rate = (video.rate if video.constant_rate else Rational.of(Fraction(round(video.rate.fraction)))).fraction
    choice = [(one, allowed) for one in syntax.formats for allowed in one.rates if _may_have(one, rows)]
    if not choice:
        raise BadRequest(f"{syntax.name} has no format of at most {rows} rows.")
    return min(choice, key=lambda pair: (abs(pair[1] - rate), _lost(pair[0], video)))


def _may_have(allowed: Format, rows: int) -> bool:
    return not rows or allowed.at_most or allowed.height <= rows


def _lost(allowed: Format, video: VideoStream) -> int:
    """How far from the picture's rows; smaller is worse than larger."""
    missing = video.height - allowed.height
    return 2 * missing if missing > 0 else -missing


def encode(source: Path, target: Path, video: VideoStream, uid: str, listener: Listener, rows: int = 0) -> Made:
    """Writes a program stream of that transfer syntax, with at most ``rows`` rows (0: any).

    Raises BadRequest where it is none of MPEG-2's, or has no format so small, BrokenVideo.
    """
    if uid not in _LEVELS:
        raise BadRequest(f"MPEG-2 is not made as {uid}.")
    syntax = syntaxes.BY_UID[uid]
    command = _command(source, target, video, syntax, rows)
    written = transcode.run(command, video, lambda told: listener(told.within(0, transcode.ENCODED)))
    probed = probe(target)
    if probed.video.frames != written:
        raise BrokenVideo(f"ffmpeg wrote {written} frames, but {probed.video.frames} are in its file.")
    against = objections(syntax, probed.video)
    if against:
        raise BrokenVideo(f"The re-encoded video would not be {syntax.name}. {' '.join(against)}")
    return Made(path=str(target), size=target.stat().st_size, video=probed.video, probed=probed)


def _command(source: Path, target: Path, video: VideoStream, syntax: VideoSyntax, rows: int) -> list[str]:
    wanted, rate = format_of(syntax, video, rows)
    level, mean = _LEVELS[syntax.uid]
    picture = transcode.decoded(source, video)
    for name, options in colour.before(video):
        picture = picture.filter(name, **options)
    # What a pixel is wide goes into the width; both sides stay even.
    picture = picture.filter("scale", "trunc(iw*sar/2)*2", "ih", flags="bicubic").filter("setsar", 1)
    fitted = {"force_original_aspect_ratio": "decrease", "force_divisible_by": 2, "flags": "bicubic"}
    width = f"min({wanted.width},iw)" if wanted.at_most else wanted.width
    highest = min(wanted.height, rows or wanted.height)
    height = f"min({highest},ih)" if wanted.at_most else wanted.height
    matrix = "bt601" if wanted.at_most else "bt709"
    picture = picture.filter("scale", width, height, out_color_matrix=matrix, out_range="tv", **fitted)
    if not wanted.at_most:
        picture = picture.filter("pad", wanted.width, wanted.height, "(ow-iw)/2", "(oh-ih)/2")
    named = "smpte170m" if wanted.at_most else "bt709"
    signal = {"range": "tv", "colorspace": named, "color_primaries": named, "color_trc": named}
    picture = picture.filter("fps", f"{rate.numerator}/{rate.denominator}", round="near")
    picture = picture.filter("format", "yuv420p").filter("setsar", 1).filter("setparams", **signal)
    kind, options = output_format("mpeg2video")
    shape: dict[str, Any] = {} if wanted.at_most else {"aspect": "16:9"}
    output = picture.output(
        f"file:{target}",
        format=kind,
        an=None,
        sn=None,
        dn=None,
        map_metadata=-1,
        map_chapters=-1,
        vcodec="mpeg2video",
        g=_GROUP,
        bf=2,
        qmin=1,
        video_bitrate=mean,
        maxrate=syntax.bit_rate,
        bufsize=syntax.buffer,
        **{"profile:v": 4, "level:v": level},
        **shape,
        **options,
    )
    arguments: list[str] = ffmpeg.compile(
        output.global_args("-nostdin", "-hide_banner", "-loglevel", "error", "-nostats", "-progress", "pipe:1"),
        overwrite_output=True,
    )
    return arguments
