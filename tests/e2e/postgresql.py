"""A real PostgreSQL of Debian's for the tests: on a free port of 127.0.0.1, ended by its process id."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from e2e.orthanc_server import free_ports


class PostgreSQL:
    """``url()`` makes a new, empty database. PostgreSQL refuses to run as root, so root becomes its user."""

    def __init__(self) -> None:
        (self._port,) = free_ports(1)
        self._programs = max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
        self._password = secrets.token_hex(16)
        self._made = 0

    def __enter__(self) -> Self:
        # Its own user has to get there, so not below a folder of root's.
        self._folder = Path(tempfile.mkdtemp(prefix="orthanc-video-postgresql-"))
        password = self._folder / "password"
        password.write_text(self._password, encoding="utf-8")
        if os.getuid() == 0:
            for path in (self._folder, password):
                shutil.chown(path, "postgres", "postgres")
        data = str(self._folder / "data")
        authentication = ["--auth=scram-sha-256", "--username=video", f"--pwfile={password}"]
        self._run("initdb", "--pgdata", data, *authentication, "--encoding=UTF8", "--locale=C")
        options = f"-c port={self._port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
        self._options = ["--pgdata", data, "--wait", "--log", str(self._folder / "log"), "--options", options]
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._running():
            os.kill(self._pid(), signal.SIGQUIT)
            while self._running():
                time.sleep(0.05)
        shutil.rmtree(self._folder)

    def start(self) -> None:
        """Returns when it answers."""
        self._run("pg_ctl", "start", *self._options)

    def kill(self) -> None:
        """As a crash: its own children end when they see it gone."""
        os.kill(self._pid(), signal.SIGQUIT)
        while self._running():
            time.sleep(0.05)

    def url(self) -> str:
        """Of a new, empty database."""
        self._made += 1
        server = f"postgresql://video:{self._password}@127.0.0.1:{self._port}"
        self._run("createdb", f"--maintenance-db={server}/postgres", f"jobs_{self._made}")
        return f"{server}/jobs_{self._made}"

    def _pid(self) -> int:
        return int((self._folder / "data" / "postmaster.pid").read_text(encoding="utf-8").split()[0])

    def _running(self) -> bool:
        try:
            os.kill(self._pid(), 0)
        except (FileNotFoundError, ProcessLookupError):
            return False
        return True

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._programs / program), *arguments]
        user = pwd.getpwnam("postgres") if os.getuid() == 0 else None
        who = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
        done = subprocess.run(  # type: ignore[call-overload]
            command, cwd=self._folder, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **who
        )
        assert done.returncode == 0, done.stdout
