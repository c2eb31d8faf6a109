"""The command: what it prints, in which order, and its exit status."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from orthanc_video import command_doctor
from orthanc_video.__main__ import main
from orthanc_video.doctor.finding import Finding, Level, advice, ok, problem


def doctor(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["orthanc-video", "doctor", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert isinstance(ended.value.code, int)
    return ended.value.code


@pytest.mark.parametrize(
    ("findings", "status"),
    [
        ([ok("a", "A.")], 0),
        ([advice("a", "A.", "B."), ok("c", "C.")], 0),
        ([ok("a", "A."), problem("b", "B.", "C.")], 1),
    ],
)
def test_the_worst_comes_first_and_a_problem_is_the_exit_status(
    findings: list[Finding], status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command_doctor, "examine", lambda _path, _url: iter(findings))
    assert doctor(monkeypatch) == status
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == ", ".join(f"{level}: {sum(one.level is level for one in findings)}" for level in (
        Level.PROBLEM, Level.ADVICE, Level.OK))  # fmt: skip
    assert (lines[0].split()[0] == "problem") is bool(status)
    assert doctor(monkeypatch, "--json") == status
    shown = json.loads(capsys.readouterr().out)
    assert [set(one) for one in shown] == [{"level", "subject", "what", "do"}] * len(findings)
    assert sorted(one["what"] for one in shown) == sorted(one.what for one in findings)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "not valid JSON"),
        (json.dumps({"VideoGateway": {"Port": "x"}}), "VideoGateway.Port"),
        (json.dumps({"AuthenticationEnabled": True}), "no user of its own"),
        (json.dumps({"VideoGateway": {"Database": "mysql://ada:hidden@localhost/jobs"}}), "postgresql://"),
        (json.dumps({"VideoGateway": {"WorkerMemoryMB": 100}}), "WorkerMemoryMB"),
        (json.dumps({"VideoGateway": {"Host": "0.0.0.0"}}), "asks nobody for a password"),
    ],
)
def test_a_configuration_that_cannot_work_is_the_one_finding(
    content: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "orthanc.json"
    path.write_text(content, encoding="utf-8")
    assert doctor(monkeypatch, "--configuration", str(path), "--json") == 1
    (finding,) = json.loads(capsys.readouterr().out)
    assert finding["subject"] == "settings"
    assert words in finding["what"]


def test_a_password_of_the_wrong_type_is_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for key in ("Password", "Secret"):
        path = tmp_path / "orthanc.json"
        path.write_text(json.dumps({"VideoGateway": {key: 4711}}), encoding="utf-8")
        assert doctor(monkeypatch, "--configuration", str(path)) == 1
        printed = capsys.readouterr().out
        assert f"VideoGateway.{key}" in printed
        assert "4711" not in printed


def test_nothing_that_is_not_there_is_asked(tmp_path: Path) -> None:
    """Without a service: no exception, and the address that was named."""
    path = tmp_path / "orthanc.json"
    content: dict[str, Any] = {"StorageDirectory": "storage", "VideoGateway": {"Port": 1}}
    path.write_text(json.dumps(content), encoding="utf-8")
    findings = {one.subject: one for one in command_doctor.examine(path, "http://127.0.0.1:2/")}
    assert "http://127.0.0.1:2." in findings["orthanc"].what
    assert findings["gateway"].level is Level.PROBLEM
    assert str(tmp_path / "storage") in findings["Directory"].what  # relative to the configuration


def test_every_subject_is_documented_and_nothing_else_is() -> None:
    repository = Path(__file__).resolve().parents[1]
    page = (repository / "docs" / "installation.md").read_text(encoding="utf-8")
    table = page.partition("## `orthanc-video doctor`")[2].partition("|---|---|\n")[2]
    documented = {name for line in table.splitlines() for name in re.findall(r"`([^`]+)`", line.split("|")[1])}
    sources = [*(repository / "plugin/orthanc_video/doctor").glob("*.py"), Path(command_doctor.__file__)]
    text = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    called = re.findall(r"\b(?:ok|advice|problem|_disk)\(\s*\"([\w-]+)\"", text)
    named = re.findall(r"^\s+subject(?:, \w+)* = \"([\w-]+)\"", text, re.MULTILINE)
    assert documented == {*called, *named}
