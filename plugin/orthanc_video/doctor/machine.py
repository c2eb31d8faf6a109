"""The machine as this user sees it: folders, disk, memory, and what its ffmpeg can do and may be used for."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from orthanc_video.doctor.finding import Finding, advice, ok, problem
from orthanc_video.settings import MIB, SECTION, Settings

_GIB = 1 << 30
_ENCODER = "libx264"
_MEMORY_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


def examine(settings: Settings) -> Iterator[Finding]:
    """One finding for each part of the machine that videos need."""
    if os.geteuid() == 0:
        yield _root()
    yield _own_folder(settings.directory)
    yield _stored_files(settings.storage_directory)
    yield _disk("spool-disk", "spool", settings.directory, settings)
    if settings.storage_directory is not None and _seen(settings.storage_directory):
        yield _disk("storage-disk", "storage", settings.storage_directory, settings)
    if settings.gateway.ohif:
        yield _ohif(Path(settings.gateway.ohif))
    yield _memory(settings, memory_limit())
    ffmpeg = shutil.which("ffmpeg")
    if ffmpeg is None:
        yield problem(
            "ffmpeg",
            "There is no ffmpeg: videos that are not H.264 already are refused.",
            "Install it (Debian: apt-get install ffmpeg).",
        )
        return
    yield encoder(_output(ffmpeg, "-encoders"))
    yield licence(_output(ffmpeg, "-version"))


def _root() -> Finding:
    return advice(
        "user",
        "You ask as root, who may read and write everywhere: what Orthanc's user may is not seen.",
        "Ask again as that user: runuser --user orthanc -- orthanc-video doctor …",
    )


def _seen(path: Path) -> bool:
    """Whether it is there, and this user may know."""
    try:
        return path.exists()
    except OSError:
        return False


def _existing(path: Path) -> Path:
    """The folder itself, or the nearest one above it that is to be seen."""
    return next((one for one in (path, *path.parents) if _seen(one)), Path("/"))


def _own_folder(directory: Path) -> Finding:
    subject = "Directory"
    if not _seen(directory):
        above = _existing(directory)
        if os.access(above, os.W_OK | os.X_OK):
            return ok(subject, f"{directory} is not there yet; it is made at the first start.")
        return problem(
            subject,
            f"{directory} is not there, or this user may not look for it in {above}, nor make it.",
            "Ask as the gateway's user; if that is who asked, make the folder as root, for that user alone: "
            f"install --directory --owner=USER --mode=0700 {directory}",
        )
    if not os.access(directory, os.R_OK | os.W_OK | os.X_OK):
        return problem(
            subject,
            f"This user may not write to {directory}, where uploads and jobs are kept.",
            "Ask as the gateway's user; if that is who asked, give the folder to it (chown --recursive).",
        )
    if directory.stat().st_mode & 0o077:
        return problem(
            subject,
            f"Other users of this machine may look into {directory}, where videos lie before they are stored.",
            f"chmod --recursive go= {directory}",
        )
    return ok(subject, f"{directory} is this user's alone.")


def _stored_files(storage: Path | None) -> Finding:
    subject, copied = "StorageDirectory", "each video that is played is first copied into the gateway's cache"
    if storage is None or not _seen(storage):
        return advice(
            subject,
            f"Orthanc's stored files are not to be seen from here: {copied}.",
            'Let the gateway see Orthanc\'s "StorageDirectory" under the same path; reading is enough.',
        )
    try:
        # Orthanc's folders: two digits, two digits, the file.
        readable = all(os.access(file, os.R_OK) for file in islice(storage.glob("[0-9a-f]?/[0-9a-f]?/*"), 20))
        readable = readable and os.access(storage, os.R_OK | os.X_OK)
    except OSError:
        readable = False
    if readable:
        return ok(subject, f"The files in {storage} can be read.")
    return advice(
        subject,
        f"This user may not read Orthanc's files in {storage}: {copied}.",
        "Run the gateway as Orthanc's user, as the plugin does by itself.",
    )


def _disk(subject: str, what: str, folder: Path, settings: Settings) -> Finding:
    free = shutil.disk_usage(_existing(folder)).free
    kept = settings.gateway.minimum_free_disk_mb * MIB
    # An upload, and twice the result of its transcode: docs/operations.md.
    wanted = kept + 3 * settings.maximum_upload
    said = f"{free / _GIB:.1f} GiB are free on the disk of the {what}"
    if free <= kept:
        return problem(
            subject,
            f"{said}, which is less than uploads have to leave: they are refused.",
            f'Make room, put the {what} on a larger disk, or lower "{SECTION}.MinimumFreeDiskMB".',
        )
    if free < wanted:
        return advice(
            subject,
            f"{said}; the largest upload that is allowed may need {wanted / _GIB:.1f}.",
            f'Make room, or lower "{SECTION}.MaximumUploadMB".',
        )
    return ok(subject, f"{said}.")


def _ohif(folder: Path) -> Finding:
    subject = "OHIF"
    try:
        page = (folder / "index.html").read_text(encoding="utf-8")
    except OSError:
        return problem(
            subject,
            f"OHIF is not in {folder}, or this user may not read it there: /ohif/ answers that it is missing.",
            f'Fetch it (scripts/ohif.sh {folder}), or set "{SECTION}.OHIF" to "".',
        )
    if '"/ohif/' not in page:
        return problem(
            subject,
            f"The OHIF in {folder} was made for another address than /ohif/: its pages stay empty.",
            f"Fetch it anew: scripts/ohif.sh {folder}",
        )
    return ok(subject, f"OHIF is in {folder}.")


def memory_limit() -> int:
    """Bytes that processes here may use: the machine's memory, or this container's or service's limit below it."""
    most = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for path in _MEMORY_LIMITS:
        try:
            most = min(most, int(path.read_text(encoding="ascii")))
        except (OSError, ValueError):  # no such kind of limit, or "max"
            continue
    return most


def _memory(settings: Settings, limit: int) -> Finding:
    one = settings.gateway.worker_memory_mb * MIB
    said = f"{limit / _GIB:.1f} GiB of memory are there, and a media process may take {one / _GIB:.1f}"
    if one > limit:
        return problem(
            "WorkerMemoryMB",
            f"{said}: the kernel ends others before a hostile video meets its own limit.",
            f'Set "{SECTION}.WorkerMemoryMB" to {int(limit * 0.6) // MIB} or less, or give more memory.',
        )
    if one * settings.gateway.transcodes > limit:
        return advice(
            "WorkerMemoryMB",
            f'{said}, {settings.gateway.transcodes} of them at once by "Transcodes".',
            f'Lower "{SECTION}.Transcodes" or "{SECTION}.WorkerMemoryMB".',
        )
    return ok("WorkerMemoryMB", f"{said}.")


def _output(ffmpeg: str, option: str) -> str:
    try:
        done = subprocess.run([ffmpeg, "-hide_banner", option], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout


def encoder(listed: str) -> Finding:
    """From what ``ffmpeg -encoders`` prints."""
    names = {words[1] for line in listed.splitlines() if len(words := line.split()) > 1}
    if _ENCODER in names:
        return ok("encoders", f"ffmpeg encodes H.264 ({_ENCODER}).")
    return problem(
        "encoders",
        f"This ffmpeg has no encoder {_ENCODER}: videos that are not H.264 already cannot be converted.",
        "Install Debian's ffmpeg, or one that was configured with --enable-gpl --enable-libx264.",
    )


def licence(version: str) -> Finding:
    """From what ``ffmpeg -version`` prints."""
    subject = "ffmpeg-licence"
    options = set(version.partition("configuration:")[2].partition("\n")[0].split())
    if not options:
        return advice(subject, "This ffmpeg does not say how it was configured.", "Install Debian's ffmpeg.")
    if "--enable-nonfree" in options:
        return advice(
            subject,
            "This ffmpeg was configured with --enable-nonfree: it may be used here, but not passed on to anybody.",
            "Put no copy of it into an image or a device that leaves this house; Debian's ffmpeg may be passed on.",
        )
    if "--enable-gpl" in options:
        return ok(subject, "This ffmpeg is under the GPL: whoever passes it on passes its source on, too.")
    return ok(subject, "This ffmpeg is under the LGPL.")
