"""Seccomp: the kernel answers every system call that a media process has no use for with "not implemented".

By libseccomp (seccomp_init(3) and its neighbours), which knows the calls' numbers on each architecture. A call that a
later kernel adds is refused, since what may be asked is listed, not what may not.
"""

from __future__ import annotations

import ctypes
import errno
import os

# What Python, FFmpeg and the C library ask of the kernel, and nothing that reaches another process, a network, a device
# or a mount. Names that an architecture does not have are passed over.
_MEMORY = "brk madvise membarrier mincore mlock mmap mmap2 mprotect mremap msync munlock munmap"
_FILES = (
    "access close close_range dup dup2 dup3 faccessat faccessat2 fadvise64 fadvise64_64 fallocate fcntl fcntl64 "
    "fdatasync fstat fstat64 fstatat64 fstatfs fsync ftruncate ftruncate64 getcwd getdents getdents64 ioctl lseek "
    "_llseek lstat lstat64 newfstatat open openat pipe pipe2 poll ppoll ppoll_time64 pread64 preadv pselect6 pwrite64 "
    "pwritev read readlink readlinkat readv select stat stat64 statfs statx umask unlink unlinkat write writev"
)
_EVENTS = "epoll_create1 epoll_ctl epoll_pwait epoll_wait eventfd2"
_SIGNALS = "restart_syscall rt_sigaction rt_sigpending rt_sigprocmask rt_sigreturn rt_sigsuspend sigaltstack sigreturn"
_TIME = (
    "clock_getres clock_gettime clock_gettime64 clock_nanosleep clock_nanosleep_time64 getitimer gettimeofday "
    "nanosleep time times"
)
_ITSELF = (
    "arch_prctl capget capset exit exit_group futex futex_time64 futex_waitv get_robust_list getcpu getegid geteuid "
    "getgid getpgrp getpid getppid getpriority getrandom getresgid getresuid getrlimit getrusage getsid gettid getuid "
    "prctl rseq sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getparam sched_getscheduler "
    "sched_yield seccomp set_robust_list set_thread_area set_tid_address setrlimit sysinfo ugetrlimit uname"
)
_PROGRAMS = "execve fork kill tgkill vfork wait4 waitid waitpid"
_ALLOWED = " ".join((_MEMORY, _FILES, _EVENTS, _SIGNALS, _TIME, _ITSELF, _PROGRAMS)).split()

_ALLOW = 0x7FFF0000
_REFUSE = 0x00050000 | errno.ENOSYS  # the C library falls back on what is older and allowed (clone3 on clone)
_NOT_EQUAL, _EQUAL, _MASKED_EQUAL = 1, 4, 7
_OPTIMIZE = 8  # attribute SCMP_FLTATR_CTL_OPTIMIZE: 2 is a binary tree

_INT = 0xFFFFFFFF  # the kernel looks at the lower half of an int argument only
_CLONE_THREAD = 0x00010000
_CLONE_NEW = 0x7E020000  # CLONE_NEWNS, …CGROUP, …UTS, …IPC, …USER, …PID, …NET: clone(2)
_PR_SET_PDEATHSIG = 1


class _Comparison(ctypes.Structure):
    """scmp_arg_cmp: seccomp_rule_add(3)."""

    _fields_ = (
        ("argument", ctypes.c_uint),
        ("operation", ctypes.c_int),
        ("a", ctypes.c_uint64),
        ("b", ctypes.c_uint64),
    )


def _library() -> ctypes.CDLL | None:
    try:
        library = ctypes.CDLL("libseccomp.so.2", use_errno=True)
    except OSError:
        return None
    library.seccomp_init.restype = ctypes.c_void_p
    library.seccomp_init.argtypes = [ctypes.c_uint32]
    library.seccomp_attr_set.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_uint32]
    library.seccomp_syscall_resolve_name.argtypes = [ctypes.c_char_p]
    library.seccomp_rule_add_array.argtypes = [
        ctypes.c_void_p,
        ctypes.c_uint32,
        ctypes.c_int,
        ctypes.c_uint,
        ctypes.POINTER(_Comparison),
    ]
    library.seccomp_load.argtypes = [ctypes.c_void_p]
    library.seccomp_release.argtypes = [ctypes.c_void_p]
    return library


_seccomp = _library()


def available() -> bool:
    """Whether libseccomp is installed."""
    return _seccomp is not None


class Filter:
    """Rules that ``load`` puts upon the calling thread and what it starts, for good. Filters add up."""

    def __init__(self, default: int) -> None:
        if _seccomp is None:
            raise RuntimeError("libseccomp is not installed")
        self._library = _seccomp
        self._context = ctypes.c_void_p(self._library.seccomp_init(default))
        if not self._context:
            raise OSError(errno.EINVAL, "seccomp")
        self._check(self._library.seccomp_attr_set(self._context, _OPTIMIZE, 2))

    def rule(self, action: int, name: str, *comparisons: _Comparison) -> None:
        number = self._library.seccomp_syscall_resolve_name(name.encode())
        if number == -1:
            return  # newer than this libseccomp
        rules = (_Comparison * len(comparisons))(*comparisons)
        self._check(
            self._library.seccomp_rule_add_array(self._context, action, number, len(comparisons), rules), errno.EDOM
        )

    def load(self) -> None:
        self._check(self._library.seccomp_load(self._context))

    def release(self) -> None:
        self._library.seccomp_release(self._context)

    @staticmethod
    def _check(result: int, passable: int = 0) -> None:
        """EDOM: this architecture has no such call."""
        if result < 0 and -result != passable:
            raise OSError(-result, "seccomp")


def media() -> Filter:
    """What a media process may ask of the kernel at all."""
    made = Filter(_REFUSE)
    for name in _ALLOWED:
        made.rule(_ALLOW, name)
    made.rule(_ALLOW, "clone", _Comparison(0, _MASKED_EQUAL, _CLONE_NEW, 0))
    made.rule(_ALLOW, "prlimit64", _Comparison(0, _EQUAL, 0))
    return made


def alone(child: int = 0, *, may_execute: bool = False) -> Filter:
    """On top of ``media``: starts no further process, sends no signal (but to ``child``), ends with its parent."""
    made = Filter(_ALLOW)
    made.rule(_REFUSE, "fork")
    made.rule(_REFUSE, "vfork")
    made.rule(_REFUSE, "clone", _Comparison(0, _MASKED_EQUAL, _CLONE_THREAD, 0))
    if not may_execute:
        made.rule(_REFUSE, "execve")
    made.rule(_REFUSE, "kill", *([_Comparison(0, _NOT_EQUAL, child)] if child else []))
    made.rule(_REFUSE, "tgkill", _Comparison(0, _NOT_EQUAL, os.getpid()))  # abort() of this process is its own affair
    made.rule(_REFUSE, "prctl", _Comparison(0, _MASKED_EQUAL, _INT, _PR_SET_PDEATHSIG))
    return made
