"""A Debian with its own Orthanc as its packages leave it, to install into: a layer over build/roots/trixie.

What is written goes into the layer, which is gone afterwards. Orthanc runs as Debian's service runs it.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

FOLDER = "/srv"  # where scripts run, and where the archive is put
REPOSITORY = Path(__file__).resolve().parents[2]
# The names, certificates and settings by which pip reaches its index, as outside.
_SHOWN = ("/etc/resolv.conf", "/etc/hosts", "/etc/ssl/certs", "/etc/pip.conf", str(Path.home() / ".config" / "pip"))

_LAYER = """
root=$1 layer=$2 merged=$2/merged; shift 2
mkdir -p "$layer/upper" "$layer/work" "$merged"
mount -t overlay overlay -o "lowerdir=$root,upperdir=$layer/upper,workdir=$layer/work" "$merged"
mount --bind /proc "$merged/proc"
mount --rbind /dev "$merged/dev"
for path in "$@"; do
    [ -e "$path" ] || continue
    if [ -d "$path" ]; then mkdir -p "$merged$path"; else mkdir -p "$merged$(dirname "$path")"; touch "$merged$path"; fi
    mount --bind "$path" "$merged$path"
done
echo ready
exec cat
"""


class CleanRoot:
    """Commands run in it by ``run``; a folder in it is seen from outside by ``path``."""

    def __init__(self) -> None:
        root = REPOSITORY / "build" / "roots" / "trixie"
        subprocess.run([str(REPOSITORY / "scripts" / "rootfs.sh"), "trixie", str(root)], check=True)
        self._layer = Path(tempfile.mkdtemp(dir="/var/tmp", prefix="orthanc-video-root."))
        lower = self._layer / "lower"
        lower.symlink_to(root.resolve())  # no colon and no comma of the repository's own path
        begin = ["unshare", "--mount", "--propagation", "private", "bash", "-euc", _LAYER, "layer"]
        self._holder = subprocess.Popen(
            [*begin, str(lower), str(self._layer), *_SHOWN], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self._holder.stdout is not None
        assert self._holder.stdout.readline() == b"ready\n"
        self._orthanc: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop_orthanc()
        self._holder.communicate()  # the layer's mounts end with their last process
        shutil.rmtree(self._layer)

    def path(self, inside: str) -> Path:
        """A path in the root as it is reached from outside, through the process that holds it."""
        return Path(f"/proc/{self._holder.pid}/root{self._layer}/merged{inside}")

    def run(self, script: str) -> subprocess.CompletedProcess[str]:
        """A script of root's, as typed into a shell there."""
        shell = ["bash", "-euc", f"cd {FOLDER}\n{script}"]
        return subprocess.run(
            [*self._enter(), *shell], capture_output=True, text=True, timeout=300, check=False, env=_ENVIRONMENT
        )

    def start_orthanc(self) -> None:
        """As Debian's service does it: its user, its command line."""
        unit = self.path("/usr/lib/systemd/system/orthanc.service").read_text(encoding="utf-8")
        keys = dict(line.split("=", 1) for line in unit.splitlines() if "=" in line)
        user = ["setpriv", "--reuid", keys["User"], "--regid", keys["Group"], "--init-groups", "--pdeathsig", "TERM"]
        log = self._layer / "orthanc.log"
        with log.open("ab") as output:
            self._orthanc = subprocess.Popen(
                [*self._enter(), *user, *keys["ExecStart"].split()],
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env=_ENVIRONMENT,
            )  # fmt: skip

    def stop_orthanc(self) -> int | None:
        """Its exit status; None when it did not run."""
        if self._orthanc is None:
            return None
        self._orthanc.terminate()
        try:
            return self._orthanc.wait(60)
        finally:
            self._orthanc.kill()
            self._orthanc = None

    @property
    def log(self) -> str:
        """What Orthanc has logged last."""
        files = sorted(self.path("/var/log/orthanc").glob("Orthanc.log*"), key=lambda file: file.stat().st_mtime)
        texts = [
            file.read_text(encoding="utf-8", errors="replace") for file in (*files[-1:], self._layer / "orthanc.log")
        ]
        return "\n".join(texts)[-5000:]

    def _enter(self) -> list[str]:
        return ["nsenter", f"--mount=/proc/{self._holder.pid}/ns/mnt", "chroot", str(self._layer / "merged")]


# What a login has; nothing of the shell that runs the tests.
_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": str(Path.home()),
    "LC_ALL": "C.UTF-8",
    "DEBIAN_FRONTEND": "noninteractive",
}
