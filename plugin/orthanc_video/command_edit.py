"""``orthanc-video edit``: a video file, or DICOM videos, masked, cropped, joined, silenced, stripped; no server."""

from __future__ import annotations

import argparse
import dataclasses
import re
import secrets
from collections.abc import Sequence
from pathlib import Path

from orthanc_video.clip import Range, moment
from orthanc_video.command_files import (
    DEFAULTS,
    DICOM,
    VIDEOS,
    beside,
    ending_of,
    is_dicom,
    limits_of,
    refuse_missing,
    writable,
)
from orthanc_video.edit import Edit, Wanted, region, sound
from orthanc_video.errors import BadRequest
from orthanc_video.jobs import editing
from orthanc_video.jobs.making import how
from orthanc_video.jobs.processes import MediaProcess, close
from orthanc_video.model import Region
from orthanc_video.saying import say
from orthanc_video.terminal import Bar

_KEY = 32  # bytes
_REGION = re.compile(r"(\d{1,6}),(\d{1,6}),(\d{1,6}),(\d{1,6})", re.ASCII)


def run(arguments: argparse.Namespace) -> None:
    """Writes the edited video and prints what was done. Nothing is left behind when it fails; raises VideoError."""
    try:
        wanted, key = asked(arguments), _key(arguments.key)
        done = edited([arguments.source, *arguments.join], arguments.target, wanted, key)
    finally:
        close()
    for sentence in done.sentences:
        say(sentence)
    say(f"edit: {arguments.target}")


def asked(arguments: argparse.Namespace) -> Wanted:
    """Raises BadRequest for regions and ranges that are none."""
    edit = Edit(
        crop=None if arguments.crop is None else _region(arguments.crop),
        masks=tuple(map(_region, arguments.mask)),
        ranges=tuple(Range(*map(moment, one)) for one in arguments.range),
        audio=sound(arguments.audio, deidentify=arguments.de_identify),
        strip=arguments.strip,
        deidentify=arguments.de_identify,
        burned_in=arguments.burned_in,
    )
    return Wanted(edit=edit, in_time=arguments.in_time)


def _key(text: str) -> bytes:
    """As it is given; without one, by nothing that anybody knows."""
    try:
        key = bytes.fromhex(text) if text else secrets.token_bytes(_KEY)
    except ValueError:
        key = b""
    if len(key) != _KEY:
        raise BadRequest(f"The key has to be {2 * _KEY} hexadecimal digits, as openssl rand -hex {_KEY} gives.")
    return key


def _region(text: str) -> Region:
    found = _REGION.fullmatch(text)
    if found is None:
        raise BadRequest(f'"{text[:40]}" is no region: say X,Y,WIDTH,HEIGHT in pixels, such as 0,0,320,40.')
    return region(dict(zip(("x", "y", "width", "height"), map(int, found.groups()), strict=True)), f'"{text}"')


def edited(sources: Sequence[Path], target: Path, wanted: Wanted, key: bytes) -> editing.Edited:
    """As ``run``, and prints nothing; media processes are the caller's to end."""
    for source in sources:
        refuse_missing(source)
    final, kind = writable(sources[0], target), ending_of(target, "video", VIDEOS)
    limits = limits_of(sum(source.stat().st_size for source in sources))
    with beside(target, final.parent) as scratch, Bar() as bar:
        tools = editing.Tools(process=MediaProcess(), limits=limits, how=how(DEFAULTS), key=key, listener=bar.show)
        made = scratch / "object.dcm"
        if kind == DICOM:
            _refuse_films(sources)
            done = editing.of_objects(tools, sources, wanted, made)
        else:
            done = _film(dataclasses.replace(tools, ending=kind), sources, wanted, scratch)
            made = done.path
        made.replace(final)
    return done


def _refuse_films(sources: Sequence[Path]) -> None:
    for source in sources:
        if not is_dicom(source):
            raise BadRequest(f"{source} is no DICOM file, so an edit of it is none: name an MP4, or convert it first.")


def _film(tools: editing.Tools, sources: Sequence[Path], wanted: Wanted, scratch: Path) -> editing.Edited:
    if not any(map(is_dicom, sources)):
        if wanted.in_time:
            raise BadRequest("When they were recorded DICOM files say: name video files in the order that is wanted.")
        return editing.of_films(tools, [source.resolve() for source in sources], wanted.edit, scratch)
    _refuse_films(sources)
    return editing.of_streams(tools, sources, wanted, scratch)
