"""What compose.yaml takes from others, here from this machine's own packages: PostgreSQL and nginx."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from containers.machine import COMPOSE, Machine

_PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
_DROP = ["setpriv", "--pdeathsig", "TERM", "--clear-groups", "--no-new-privs"]


@contextmanager
def database(machine: Machine) -> Iterator[None]:
    """PostgreSQL with the roles that docker/database/roles.sh makes, from the secrets that first-start made."""
    programs = _PROGRAMS[-1]
    secrets = machine.volume("secrets-database")
    # The image's own start script makes the data with this password; here initdb does. Both ask everybody for theirs.
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="orthanc-video-pg.") as folder:
        data = Path(folder) / "data"
        word = Path(folder) / "word"
        word.write_bytes((secrets / "postgres").read_bytes())
        subprocess.run(["chown", "--recursive", "postgres:postgres", folder], check=True)
        as_postgres = [*machine.inside(), *_DROP, "--reuid", "postgres", "--regid", "postgres"]
        made = [str(programs / "initdb"), "--auth=scram-sha-256", f"--pwfile={word}", "--username=postgres"]
        subprocess.run([*as_postgres, *made, str(data)], check=True, capture_output=True)
        control = [str(programs / "pg_ctl"), f"--pgdata={data}", "--wait"]
        options = f"-c unix_socket_directories='' -c listen_addresses=127.0.0.1 -c fsync=off -c log_directory={folder}"
        log = f"--log={folder}/log"
        subprocess.run([*as_postgres, *control, log, f"--options={options}", "start"], check=True, capture_output=True)
        try:
            _roles(machine, secrets)
            yield
        finally:
            subprocess.run([*as_postgres, *control, "--mode=immediate", "stop"], check=True, capture_output=True)


def _roles(machine: Machine, secrets: Path) -> None:
    script = (COMPOSE.parent / "database" / "roles.sh").read_text(encoding="utf-8")
    script = script.replace("/run/secrets/orthanc-video", str(secrets))
    environment = [
        f"PGPASSWORD={(secrets / 'postgres').read_text(encoding='ascii').strip()}",
        "PGHOST=127.0.0.1",
        "POSTGRES_USER=postgres",
    ]
    done = subprocess.run(
        [*machine.inside(), "env", *environment, "sh", "-c", script], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr


def nginx_configuration(folder: Path, certificate: Path) -> Path:
    """docker's configuration of nginx with its paths moved, written into ``folder``."""
    text = (COMPOSE.parent / "nginx" / "nginx.conf").read_text(encoding="utf-8").replace("/run/nginx/", f"{folder}/")
    text = text.replace("/run/secrets/orthanc-video/certificate.pem", str(certificate))
    # There is no Docker here that would know names: with an address nginx asks nobody.
    text = text.replace("gateway:8043", "127.0.0.1:8043")
    path = folder / "nginx.conf"
    path.write_text(text.replace("error_log /dev/stderr", f"error_log {folder}/log"), encoding="utf-8")
    return path


@contextmanager
def nginx(machine: Machine) -> Iterator[None]:
    """nginx as its image's user, with docker's configuration and the certificate that first-start made."""
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="orthanc-video-nginx.") as folder:
        path = nginx_configuration(Path(folder), machine.volume("secrets-tls") / "certificate.pem")
        subprocess.run(["chown", "--recursive", "101:101", folder], check=True)
        server = [*machine.inside(), *_DROP, "--reuid", "101", "--regid", "101", "nginx", "-c", str(path), "-p", folder]
        process = subprocess.Popen([*server, "-e", f"{folder}/log", "-g", "daemon off;"])
        try:
            yield
        finally:
            process.terminate()
            process.wait(30)
