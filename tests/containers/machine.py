"""compose.yaml without a Docker engine: its services as processes on the images that buildah has made.

    with Machine() as machine:
        machine.run("first-start")
        machine.start("orthanc")
        machine.http(requests.get, "http://127.0.0.1:8042/system")

A service gets what compose.yaml gives it: image, command, user, environment, volumes, temporary file systems, a
read-only root, no capabilities but those added, no new privileges. All of them share one network of their own, in which
each service knows the others by their names, so that ports are those of compose.yaml whatever else runs here.
"""

from __future__ import annotations

import ctypes
import json
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
COMPOSE = REPOSITORY / "docker" / "compose.yaml"
_STORE = REPOSITORY / "build" / "images"
_CLONE_NEWNET = 0x40000000
Result = TypeVar("Result")

# Lays the service's root out in a mount namespace of its own, then becomes the service: the process id stays true.
_ENTER = r"""
root=$1 hosts=$2; shift 2
mount --bind "$root" "$root"
while [ "$1" != -- ]; do
    kind=$1 from=$2 to=$root$3; shift 3
    if [ -d "$from" ] || [ "$kind" = tmpfs ]; then mkdir -p "$to"; else mkdir -p "${to%/*}"; touch "$to"; fi
    case $kind in
    tmpfs) mount -t tmpfs -o "$from" tmpfs "$to" ;;
    *) mount --bind "$from" "$to"; [ "$kind" = rw ] || mount -o remount,bind,ro "$to" ;;
    esac
done
shift
mount --bind "$hosts" "$root/etc/hosts"
[ "$READ_ONLY" = no ] || mount -o remount,bind,ro "$root"
mkdir -p "$root/proc" 2>/dev/null || true
mount --bind /proc "$root/proc"
mount --rbind /dev "$root/dev"
cd /
exec chroot "$root" "$@"
"""


def compose() -> dict[str, Any]:
    """compose.yaml with its variables at their defaults."""
    text = COMPOSE.read_text(encoding="utf-8")
    while "${" in text:
        before, _, rest = text.partition("${")
        inside, _, after = rest.partition("}")
        text = before + inside.partition(":-")[2] + after
    loaded: dict[str, Any] = yaml.safe_load(text)
    return loaded


def buildah(*arguments: str) -> str:
    """What buildah prints, from the storage that scripts/images.sh fills."""
    command = ["buildah", "--root", str(_STORE / "storage"), "--runroot", str(_STORE / "run"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{shlex.join(arguments)}: {done.stderr}"
    return done.stdout.strip()


class Machine:
    """Runs services until it is left; their data are in ``folder``, which services of all users have to reach."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(dir="/var/tmp", prefix="orthanc-video-machine."))
        self.folder.chmod(0o755)
        self.killed: list[str] = []
        self.services: dict[str, Any] = compose()["services"]
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._containers: list[str] = []
        self._hosts = self.folder / "hosts"
        self._hosts.write_text("127.0.0.1 localhost " + " ".join(self.services) + "\n", encoding="utf-8")
        # Holds the network open; ends with its standard input.
        command = ["unshare", "--net", "sh", "-c", "ip link set lo up && echo up && exec cat"]
        self._network = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._network.stdout is not None
        assert self._network.stdout.readline() == b"up\n"
        self._inside = ThreadPoolExecutor(1, initializer=self._join_network)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for name in reversed(self._processes):
            self.stop(name)
        self._inside.shutdown()
        self._network.communicate()
        for container in self._containers:
            buildah("rm", container)
        shutil.rmtree(self.folder)

    def http(self, call: Callable[..., Result], *arguments: Any, **more: Any) -> Result:
        """``call`` from within the network of the services."""
        return self._inside.submit(call, *arguments, **more).result()

    def run(self, name: str, *arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """A service that ends, with ``arguments`` in place of its own command."""
        return subprocess.run(self._command(name, arguments), input=given, capture_output=True, timeout=60, check=False)

    def start(self, name: str) -> None:
        """A service that stays; what it prints is in ``log``."""
        with (self.folder / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *self._command(name, ())],
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip

    def stop(self, name: str) -> int:
        """SIGTERM, and its exit status; what has not ended in 30 s is killed."""
        process = self._processes[name]
        process.terminate()
        try:
            return process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            self.killed.append(name)
            return process.wait()

    def pid(self, name: str) -> int:
        return self._processes[name].pid

    def running(self, name: str) -> bool:
        return self._processes[name].poll() is None

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(encoding="utf-8", errors="replace")

    def healthy(self, name: str) -> bool:
        """What the health check of compose.yaml, or else the image's, says, asked beside the service as Docker does."""
        own = self.services[name].get("healthcheck")
        test = own["test"] if own else self._image(name)["Healthcheck"]["Test"]
        assert test[0] == "CMD"
        return self.enter(name, *test[1:]).returncode == 0

    def enter(self, name: str, *command: str) -> subprocess.CompletedProcess[str]:
        """``docker exec``: a command in the service's own root and network, with its own user and environment."""
        target = ["nsenter", "--target", str(self.pid(name)), "--mount", "--net", "--root", "--wdns=/"]
        user, group = self._user(name)
        bare = ["env", "--ignore-environment", *(f"{key}={value}" for key, value in self.given(name).items())]
        owned = ["setpriv", "--reuid", user, "--regid", group, "--clear-groups"]
        return subprocess.run(
            [*target, *bare, *owned, *command], capture_output=True, text=True, timeout=60, check=False
        )

    def volume(self, name: str) -> Path:
        """Where a named volume lies."""
        return self.folder / "volumes" / name

    def given(self, name: str) -> dict[str, str]:
        """The environment that compose.yaml and the image give a service."""
        own: dict[str, str] = self.services[name].get("environment", {})
        return dict(pair.split("=", 1) for pair in self._image(name)["Env"]) | own

    def inside(self) -> list[str]:
        """What a command begins with to be in the network of the services."""
        return ["nsenter", f"--net=/proc/{self._network.pid}/ns/net"]

    def _join_network(self) -> None:
        with Path(f"/proc/{self._network.pid}/ns/net").open("rb") as namespace:
            assert ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), _CLONE_NEWNET) == 0

    def _image(self, name: str) -> dict[str, Any]:
        inspected = json.loads(buildah("inspect", "--type", "image", self.services[name]["image"]))
        configuration: dict[str, Any] = inspected["Docker"]["config"]
        return configuration

    def _user(self, name: str) -> tuple[str, str]:
        user, _, group = str(self.services[name].get("user") or self._image(name)["User"]).partition(":")
        return user, group

    def _command(self, name: str, arguments: tuple[str, ...]) -> list[str]:
        service, image = self.services[name], self._image(name)
        container = buildah("from", "--pull-never", service["image"])
        self._containers.append(container)
        root = Path(buildah("mount", container))
        user, group = self._user(name)
        environment = self.given(name)
        entry = service.get("entrypoint", image["Entrypoint"])
        command = list(arguments) or service.get("command", [] if "entrypoint" in service else image["Cmd"])
        capabilities = ",".join(["-all", *(f"+{one.lower()}" for one in service.get("cap_add", []))])
        return [
            *self.inside(), "unshare", "--mount", "--propagation", "private",
            "env", "--ignore-environment", f"READ_ONLY={'yes' if service.get('read_only') else 'no'}",
            *(f"{key}={value}" for key, value in environment.items()),
            "bash", "-euc", _ENTER, "enter", str(root), str(self._hosts), *self._mounts(service, root), "--",
            "setpriv", "--reuid", user, "--regid", group, "--clear-groups", "--no-new-privs",
            "--bounding-set", capabilities, "--inh-caps", capabilities, *entry, *command,
        ]  # fmt: skip

    def _mounts(self, service: dict[str, Any], root: Path) -> Iterator[str]:
        for entry in service.get("tmpfs", []):
            where, _, options = entry.partition(":")
            yield from ("tmpfs", options, where)
        for entry in service.get("volumes", []):
            source, target, *read_only = entry.split(":")
            place = COMPOSE.parent / source if source.startswith(".") else self._filled(source, root / target[1:])
            yield from ("ro" if read_only else "rw", str(place), target)

    def _filled(self, name: str, image: Path) -> Path:
        """A named volume; a new one begins with what the image has in its place, owners included."""
        place = self.volume(name)
        if not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            if image.is_dir():
                subprocess.run(["cp", "--archive", str(image), str(place)], check=True)
            else:
                place.mkdir()
        return place


def environ(pid: int) -> dict[str, str]:
    """The environment that a process was started with."""
    pairs = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    return dict(pair.decode().split("=", 1) for pair in pairs if b"=" in pair)


def capabilities(pid: int) -> int:
    """The effective capabilities of a process, as a bit mask."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(status.partition("CapEff:")[2].split()[0], 16)
