"""Whether the jobs' database answers, asked of real ones."""

from __future__ import annotations

from pathlib import Path

from e2e.orthanc_server import free_ports
from e2e.postgresql import PostgreSQL
from orthanc_video.doctor import database
from orthanc_video.doctor.finding import Finding, Level


def found(url: str) -> Finding:
    (finding,) = database.examine(url)
    assert finding.subject == "Database"
    return finding


def test_sqlite_is_the_gateways_own(tmp_path: Path) -> None:
    assert found(f"sqlite:///{tmp_path / 'jobs.sqlite'}").level is Level.OK
    assert not list(tmp_path.iterdir())


def test_postgresql_that_answers_refuses_or_is_gone() -> None:
    with PostgreSQL() as server:
        url = server.url()
        assert found(url).level is Level.OK
        refused = found(url.replace("video:", "florence:"))
        assert refused.level is Level.PROBLEM
    gone = found(url)
    assert gone.level is Level.PROBLEM
    nobody = found(f"postgresql://florence:hidden@127.0.0.1:{free_ports(1)[0]}/jobs")
    assert nobody.level is Level.PROBLEM
    for finding in (refused, gone, nobody):
        assert "florence" not in repr(finding)
        assert "hidden" not in repr(finding)
