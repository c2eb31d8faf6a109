"""The sandbox by itself: each deed is done outside it, so that the deed is a real one, and refused inside."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from deeds import in_process
from orthanc_video.media import landlock, seccomp
from orthanc_video.model import Isolation


def test_what_is_in_force_here() -> None:
    """What every Linux has is asserted; Landlock is what this kernel says that it has, no less."""
    isolation, _ = in_process([], {})
    assert isolation is not None
    assert isolation.no_new_privileges
    assert isolation.system_calls, "libseccomp2 is not installed: scripts/setup.sh installs it"
    assert isolation.landlock == landlock.version()
    assert isolation.capabilities & ~(1 << 2) == 0


@pytest.fixture
def world(tmp_path: Path) -> dict[str, Any]:
    """The task's own file and folder, and others that are none of its business."""
    for folder in ("task", "others"):
        (tmp_path / folder).mkdir()
    for name in ("own.mp4", "others/patient.dcm", "jobs.sqlite", "poster.jpg"):
        (tmp_path / name).write_bytes(b"x" * 100)
    return {"read": [str(tmp_path / "own.mp4")], "change": [str(tmp_path / "task"), str(tmp_path / "poster.jpg")]}


_READS = ["open({0!r} + '/others/patient.dcm').read()", "open({0!r} + '/jobs.sqlite').read()",
          "open('/etc/passwd').read()", "os.listdir({0!r} + '/others')", "open('/proc/self/environ').read()",
          "open('/proc/%d/environ' % os.getppid()).read()"]  # fmt: skip
_WRITES = ["open({0!r} + '/others/new', 'w')", "open({0!r} + '/own.mp4', 'r+')", "os.mkdir({0!r} + '/others/folder')",
           "open({0!r} + '/others/patient.dcm', 'a')", "open({0!r} + '/../outside', 'w')",
           "os.symlink('/etc', {0!r} + '/task/link')", "open('/proc/self/oom_score_adj', 'w').write('0')"]  # fmt: skip
_OWN = ["open({0!r} + '/own.mp4').read()", "open({0!r} + '/task/made.mp4', 'w+').write('x')",
        "os.unlink({0!r} + '/task/made.mp4')", "open({0!r} + '/poster.jpg', 'w').write('x')",
        "open('/dev/null', 'r+')", "open('/dev/urandom', 'rb').read(1)"]  # fmt: skip


def test_no_other_file_is_read_or_written(world: dict[str, Any], tmp_path: Path) -> None:
    deeds = [deed.format(str(tmp_path)) for deed in (*_READS, *_WRITES)]
    _, outside = in_process(deeds, None)
    assert outside == ["done"] * len(deeds)
    for path in (tmp_path / "others/folder", tmp_path / "task/link"):
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
    isolation, inside = in_process(deeds, world)
    assert isolation is not None
    if landlock.version():
        assert dict(zip(deeds, inside, strict=True)) == dict.fromkeys(deeds, "EACCES") | {
            deed: "ENOSYS" for deed in deeds if "mkdir" in deed or "symlink" in deed
        }
    else:
        assert isolation.landlock == 0


def test_what_a_task_is_about_stays_possible(world: dict[str, Any], tmp_path: Path) -> None:
    deeds = [deed.format(str(tmp_path)) for deed in _OWN]
    assert in_process(deeds, world)[1] == ["done"] * len(deeds)


def test_without_landlock_the_rest_holds(world: dict[str, Any], tmp_path: Path) -> None:
    """And the test above shows that it is Landlock that closes files."""
    isolation, outcomes = in_process(
        [_READS[0].format(str(tmp_path)), "socket.socket()"], world, before="landlock.version = lambda: 0"
    )
    assert outcomes == ["done", "ENOSYS"]
    assert isolation == Isolation(no_new_privileges=True, landlock=0, system_calls=True, capabilities=0)


@pytest.mark.parametrize(
    "before",
    ["seccomp.available = lambda: False", "seccomp.Filter.load = lambda self: call('syscall', -1)"],
    ids=["libseccomp missing", "filters refused by the kernel"],
)
def test_without_seccomp_the_rest_holds(world: dict[str, Any], tmp_path: Path, before: str) -> None:
    isolation, outcomes = in_process([_READS[0].format(str(tmp_path)), "socket.socket()"], world, before=before)
    assert outcomes == ["EACCES" if landlock.version() else "done", "done"]
    assert isolation is not None
    assert isolation.no_new_privileges
    assert not isolation.system_calls


_CONNECTS = ["socket.socket(socket.AF_INET)", "socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)",
             "socket.socket(socket.AF_UNIX)", "socket.socketpair()"]  # fmt: skip
_STARTS = ["forked()", "subprocess.run(['/bin/true'])", "os.posix_spawn('/bin/true', ['true'], {})"]
_SIGNALS = ["os.kill(os.getppid(), 0)", "os.kill(os.getpid(), 0)", "os.killpg(0, 0)", "os.pidfd_open(os.getppid())"]
_POWERS = ["os.setpriority(os.PRIO_PROCESS, 0, 5)", "os.setsid()",
           "call('prctl', 1, 0)", "os.memfd_create('x')", "call('unshare', 0)", "os.sched_setaffinity(0, {0})",
           "resource.prlimit(os.getppid(), resource.RLIMIT_NOFILE)", "os.chmod('.', os.stat('.').st_mode)",
           "os.umask(0o22) and call('inotify_init')"]  # fmt: skip


def test_the_kernel_is_asked_for_nothing_else() -> None:
    deeds = [*_CONNECTS, *_STARTS, *_SIGNALS, *_POWERS]
    _, outside = in_process(deeds, None)
    assert dict(zip(deeds, outside, strict=True)) == dict.fromkeys(deeds, "done")
    _, inside = in_process(deeds, {})
    assert dict(zip(deeds, inside, strict=True)) == dict.fromkeys(deeds, "ENOSYS")


_NUMBERS = {"ptrace": 101, "mount": 165, "keyctl": 250, "bpf": 321, "io_uring_setup": 425, "userfaultfd": 323,
            "perf_event_open": 298, "process_vm_readv": 310, "setns": 308, "open_by_handle_at": 304,
            "connect": 42, "sendmsg": 46, "clone3": 435, "init_module": 175, "reboot": 169, "add_key": 248,
            "kexec_load": 246, "pidfd_send_signal": 424, "pidfd_getfd": 438, "personality": 135}  # fmt: skip


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the numbers are those of x86-64")
def test_dangerous_calls_by_number() -> None:
    """Nonsense arguments: the kernel itself would mind them (EFAULT, EBADF …); the filter does not know the call."""
    deeds = [f"call('syscall', {number}, -1, -1, -1, -1, -1)" for number in _NUMBERS.values()]
    _, inside = in_process(deeds, {})
    assert dict(zip(_NUMBERS, inside, strict=True)) == dict.fromkeys(_NUMBERS, "ENOSYS")


def test_root_is_no_longer_root() -> None:
    isolation, outcomes = in_process(["os.setuid(65534)", "os.chroot('/')", "os.nice(-5)"], {})
    assert isolation is not None
    assert isolation.capabilities in {0, 1 << 2}
    assert outcomes == ["ENOSYS"] * 3
    _, outcomes = in_process(["os.setuid(65534)", "os.chroot('/')"], {}, before="seccomp.available = lambda: False")
    assert outcomes == ["EPERM"] * 2  # without the filter, the lost capabilities still say no


def test_limits(tmp_path: Path) -> None:
    limits = {"memory": 1 << 30, "file_size": 10_000, "cpu_seconds": 5}
    file = f"open({str(tmp_path)!r} + '/large', 'wb').write(bytes(20_000))"
    many = "[open('/dev/null') for _ in range(70)]"
    assert in_process(["bytearray(2 << 30)", file, many], None)[1] == ["done"] * 3
    _, outcomes = in_process(["bytearray(2 << 30)", file, many], {"change": [str(tmp_path)]}, limits)
    assert outcomes == ["MemoryError", "EFBIG", "EMFILE"]


def test_one_program_and_no_more() -> None:
    """ffmpeg, and nothing beside it; it starts nothing itself, and gets at no other file and no network."""
    run = "subprocess.run({0}, preexec_fn=sandbox.before_program, check=True, stdout=subprocess.DEVNULL)"
    deeds = [
        run.format(["ffmpeg", "-loglevel", "error", "-version"]),
        "subprocess.run(['/bin/true'], check=True)",
        "sandbox.alone()",
        run.format(["ffmpeg", "-loglevel", "error", "-version"]),
    ]
    _, outcomes = in_process(deeds, {"program": shutil.which("ffmpeg")})
    assert outcomes == ["done", "EACCES" if landlock.version() else "done", "done", "ENOSYS"]


def test_long_work_gives_way() -> None:
    deeds = ["exec('assert os.getpriority(os.PRIO_PROCESS, 0) == 10')"]
    assert in_process(deeds, {"patient": True})[1] == ["done"]


def test_more_than_one_thread_is_refused() -> None:
    """The others would keep what this one gives up."""
    before = "import threading, time\nthreading.Thread(target=time.sleep, args=(60,), daemon=True).start()"
    with pytest.raises(AssertionError, match="has 2 threads"):
        in_process([], {}, before=before)


def test_the_filter_lists_what_this_library_knows() -> None:
    """A misspelt name would silently be left out."""
    library = seccomp._seccomp
    assert library is not None
    unknown = [name for name in seccomp._ALLOWED if library.seccomp_syscall_resolve_name(name.encode()) == -1]
    assert unknown == []
