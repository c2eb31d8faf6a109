"""A real Orthanc with the plugin for the end-to-end tests, on the host's own Orthanc or in another root file system.

    with OrthancServer(tmp_path, {"VideoGateway": {"AnswerSeconds": 5.0}}) as server:
        requests.get(server.url + "/system")

In a root file system (environment ORTHANC_ROOT, or ``root=``) it sees the repository and its data folder under their
own names, by bind mounts in a mount namespace of its own, so that nothing stays mounted when it dies.
"""

from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

REPOSITORY = Path(__file__).resolve().parents[2]
PLUGINS = Path("/usr/share/orthanc/plugins")
ROOT_PYTHON = "/opt/orthanc-video-venv/bin/python"

# Mounts what the root lacks, then becomes Orthanc: one process from `unshare` to `Orthanc`, so that its id stays true.
_ENTER_ROOT = """
root=$1; shift
for folder in "$1" "$2"; do mkdir -p "$root$folder"; mount --rbind "$folder" "$root$folder"; done
folder=$2; shift 2
mount --bind /proc "$root/proc"
mount --rbind /dev "$root/dev"
exec chroot "$root" /bin/sh -c 'cd "$0" && exec "$@"' "$folder" "$@"
"""


class OrthancServer:
    """One Orthanc with its own ports and data. ``stop`` and ``kill`` leave the data for ``start`` to find again."""

    def __init__(
        self,
        folder: Path,
        configuration: Mapping[str, Any] | None = None,
        *,
        root: Path | None = None,
        environment: Mapping[str, str] | None = None,
        arguments: Sequence[str] = (),
        deadline: float = 60.0,
    ) -> None:
        named = os.environ.get("ORTHANC_ROOT", "")
        self.root = root or (Path(named).resolve() if named else None)
        self.folder = folder.resolve()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.http_port, self.dicom_port, self.gateway_port = free_ports(3)
        self.configuration = _merged(self._defaults(), configuration or {})
        self.deadline = deadline
        self._marker = uuid.uuid4().hex
        self._environment = dict(environment or {})
        self._arguments = [*arguments]
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.configuration['HttpPort']}"

    @property
    def gateway_url(self) -> str:
        return f"http://127.0.0.1:{self.configuration['VideoGateway']['Port']}"

    @property
    def pid(self) -> int:
        assert self._process is not None, "Orthanc has not been started"
        return self._process.pid

    @property
    def memory(self) -> int:
        """Orthanc's resident memory in bytes."""
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="utf-8")
        return int(status.partition("VmRSS:")[2].split()[0]) << 10

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def storage(self) -> Path:
        return Path(self.configuration["StorageDirectory"])

    @property
    def log(self) -> str:
        """All that Orthanc and the gateway have written, restarts included."""
        path = self.folder / "orthanc.log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    @property
    def version(self) -> tuple[int, ...]:
        """Of Orthanc's core, as (1, 12, 7)."""
        answer = self._get(self.url + "/system")
        assert answer is not None
        assert answer[0] == 200, "these credentials cannot read /system"
        return tuple(int(part) for part in json.loads(answer[1])["Version"].split("."))

    def start(self) -> None:
        """Returns once Orthanc and, where the plugin launches it, the gateway answer."""
        assert not self.running, "Orthanc runs already"
        path = self.folder / "orthanc.json"
        path.write_text(json.dumps(self.configuration, indent=2), encoding="utf-8")
        with (self.folder / "orthanc.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*self._prefix(), "Orthanc", *self._arguments, str(path)],
                cwd=self.folder,
                # By its PATH every process that descends from it can be told, down to ffmpeg, which gets little else.
                env=os.environ | {"PATH": f"{os.environ['PATH']}:/{self._marker}"} | self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self._wait("Orthanc does not answer", lambda: _answers(self._get(self.url + "/system")))
            if self.configuration["VideoGateway"]["Launch"]:
                self._wait("the gateway does not answer", lambda: _answers(self._get(self.gateway_url + "/health")))
        except BaseException:
            self.stop()
            raise

    def stop(self, grace: float = 30.0) -> None:
        """SIGTERM, and SIGKILL when that does not end it within ``grace`` seconds."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(grace)
        except subprocess.TimeoutExpired:
            self.kill()

    @property
    def exit_status(self) -> int | None:
        """How Orthanc ended; negative for the signal that ended it, None while it runs."""
        return self._process.poll() if self._process is not None else None

    def kill(self) -> None:
        """SIGKILL to Orthanc alone: what becomes of the gateway is its own affair."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def restart(self) -> None:
        self.stop()
        self.start()

    def processes(self) -> list[int]:
        """Every living process that descends from this Orthanc, itself included, whoever its parent is by now."""
        needle = self._marker.encode()
        return [pid for pid in _all_pids() if needle in _read(pid, "environ") and not _is_zombie(pid)]

    def gateway_pids(self) -> list[int]:
        """The gateway's process and its workers."""
        itself = self._process.pid if self._process is not None else 0
        return [pid for pid in self.processes() if pid != itself]

    def gateway_pid(self) -> int:
        """The gateway's own process: the child of Orthanc."""
        children = [pid for pid in self.gateway_pids() if _parent(pid) == self.pid]
        assert len(children) == 1, f"Orthanc has {len(children)} children instead of the one gateway"
        return children[0]

    def assert_no_orphans(self, within: float = 10.0) -> None:
        """After ``stop`` or ``kill``: everything that descends from this Orthanc ends within some seconds."""
        assert not self.running, "Orthanc still runs"
        limit = time.monotonic() + within
        while left := self.processes():
            commands = [_read(pid, "cmdline").replace(b"\0", b" ").decode(errors="replace") for pid in left]
            assert time.monotonic() < limit, f"left behind by Orthanc: {commands}"
            time.sleep(0.1)

    def headers(self) -> dict[str, str]:
        """Basic authentication as the first registered user, when Orthanc asks for it."""
        users = self.configuration.get("RegisteredUsers") or {}
        for name, password in users.items():
            return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}
        return {}

    def _prefix(self) -> list[str]:
        # Even a killed test run ends its Orthanc.
        bound = ["setpriv", "--pdeathsig", "KILL"]
        if self.root is None:
            return bound
        enter = ["bash", "-euc", _ENTER_ROOT, "enter-root", str(self.root), str(REPOSITORY), str(self.folder)]
        return [*bound, "unshare", "--mount", "--propagation", "private", *enter]

    def _defaults(self) -> dict[str, Any]:
        data = str(self.folder / "data")
        gateway: dict[str, Any] = {"Launch": True, "Port": self.gateway_port}
        if self.root is not None:
            gateway["Python"] = ROOT_PYTHON
        return {
            "Name": "orthanc-video tests",
            "HttpPort": self.http_port,
            "DicomPort": self.dicom_port,
            "StorageDirectory": data,
            "IndexDirectory": data,
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": False,
            "StorageCompression": False,
            "OverwriteInstances": False,
            "Plugins": [str(PLUGINS / "libOrthancPython.so"), str(PLUGINS / "libOrthancDicomWeb.so")],
            "PythonScript": str(REPOSITORY / "plugin" / "orthanc_plugin.py"),
            "Python": {"AllowThreads": True},
            "DicomWeb": {"Enable": True},
            "VideoGateway": gateway,
        }

    def _get(self, url: str) -> tuple[int, bytes] | None:
        """Status and body; None while nobody listens."""
        try:
            with urllib.request.urlopen(urllib.request.Request(url, headers=self.headers()), timeout=10) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()
        except OSError:
            return None

    def _wait(self, complaint: str, done: Callable[[], bool]) -> None:
        limit = time.monotonic() + self.deadline
        while not done():
            if not self.running:
                raise RuntimeError(f"Orthanc has ended by itself.\n{self._tail()}")
            if time.monotonic() > limit:
                raise TimeoutError(f"After {self.deadline:g} s {complaint}.\n{self._tail()}")
            time.sleep(0.05)

    def _tail(self) -> str:
        return "\n".join(self.log.splitlines()[-40:])


def _answers(answer: tuple[int, bytes] | None) -> bool:
    return answer is not None and answer[0] < 500


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """``base`` with ``over`` laid on it, section by section."""
    result = dict(base)
    for key, value in over.items():
        below = result.get(key)
        result[key] = _merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return result


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]
    finally:
        for each in sockets:
            each.close()


def _all_pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _read(pid: int, name: str) -> bytes:
    """A file of /proc/PID; empty once the process is gone."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/{name}").read_bytes()
    return b""


def _stat(pid: int) -> list[bytes]:
    """The fields of /proc/PID/stat from the state on; the name before them may hold anything."""
    return _read(pid, "stat").rpartition(b") ")[2].split()


def _is_zombie(pid: int) -> bool:
    fields = _stat(pid)
    return not fields or fields[0] == b"Z"


def _parent(pid: int) -> int:
    fields = _stat(pid)
    return int(fields[1]) if fields else 0
