"""What is said of PACS says where it comes from, and the page is what the profiles say."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from orthanc_video.routing import profiles
from orthanc_video.routing.profiles import SUBJECTS, Evidence, Profile

_REPOSITORY = Path(__file__).resolve().parents[2]
_ALL = profiles.profiles()


def test_those_that_people_ask_about_are_there() -> None:
    asked = [
        "orthanc",
        "dcm4chee",
        "conquest",
        "dcmtk",
        "philips",
        "ge-",
        "siemens",
        "fujifilm",
        "agfa",
        "google",
        "aws",
        "azure",
    ]
    assert len(_ALL) == len(asked)
    for word in asked:
        assert [profile for profile in _ALL if profile.key.startswith(word)], word


@pytest.mark.parametrize("profile", _ALL, ids=lambda profile: profile.key)
def test_each_line_has_its_evidence(profile: Profile) -> None:
    assert [line.subject for line in profile.lines] == list(SUBJECTS)
    known = [line for line in profile.lines if line.evidence is not Evidence.UNKNOWN]
    assert bool(profile.version) == bool(known)
    for line in profile.lines:
        assert "|" not in line.says + line.source
        if line.evidence is Evidence.PUBLIC:
            assert re.fullmatch(r"https://[^\s()]+", line.url)
        if line.evidence is Evidence.MEASURED:
            path, _, function = line.test.partition("::")
            text = (_REPOSITORY / path).read_text(encoding="utf-8")
            assert re.search(rf"^(?:async )?def {function}\(", text, re.MULTILINE), f"there is no {line.test}"


@pytest.mark.parametrize(
    "text",
    [
        'name = "A"',
        'name = "A"\nversion = ""\n[doors]\n[video]\n[frames]\n[limits]\n',
        'name = "A"\nversion = ""\n[doors]\nsays = "Yes."\n[video]\n[frames]\n[limits]\n[verification]',
        'name = "A"\nversion = ""\n[doors]\nsays = "Yes."\nsource = "It."\n[video]\n[frames]\n[limits]\n[verification]',
        'name = "A"\nversion = ""\n[doors]\nsays = ""\ntest = "a::b"\n[video]\n[frames]\n[limits]\n[verification]',
    ],
)
def test_a_claim_without_a_source_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    (tmp_path / "wrong.toml").write_text(text, encoding="utf-8")
    monkeypatch.setattr(profiles, "FOLDER", tmp_path)
    with pytest.raises(ValueError, match=r"wrong\.toml"):
        profiles.profiles()


def test_the_page_is_what_the_profiles_say() -> None:
    command = [sys.executable, str(_REPOSITORY / "scripts" / "compatibility.py"), "--print"]
    written = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    page = (_REPOSITORY / "docs" / "pacs-compatibility.md").read_text(encoding="utf-8")
    assert written == page, "run: .venv/bin/python scripts/compatibility.py"
