"""Orthanc's own pages as doors: the upload page of Orthanc Explorer, and the requests of Orthanc Explorer 2."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import expect

import peers
from e2e.browser import Visit
from e2e.films import Films
from e2e.orthanc_server import OrthancServer
from e2e.recordings import Recordings, store, wait_until
from e2e.seeing import post
from e2e.studies import JPEG, MR, Weak, mixed, received

PENDING = "#upload-list .pending-file"
LABEL = "#progress .label"


@pytest.fixture
def upload_page(server: OrthancServer, visit: Visit) -> Visit:
    """Orthanc Explorer's page "Upload DICOM files"."""
    visit.page.goto(f"{server.url}/app/explorer.html#upload")
    expect(visit.page.locator("#upload-list")).to_be_visible()
    return visit


@pytest.fixture
def letter(tmp_path: Path) -> Path:
    path = tmp_path / "letter.txt"
    path.write_text("Dear patient, here is your letter.\n" * 50, encoding="utf-8")
    return path


def instances(server: OrthancServer) -> set[str]:
    return set(requests.get(f"{server.url}/instances", timeout=10).json())


def drop(visit: Visit, *paths: Path) -> None:
    """Drops files where the page says so, and sees that the page lists them."""
    visit.drop(visit.page.locator("#upload-list"), *paths)
    expect(visit.page.locator(PENDING)).to_have_text([path.name for path in paths])


def assert_plays(server: OrthancServer, instance: str, film: Path) -> None:
    """By a range of the stored stream, which is the film as it was."""
    whole = film.read_bytes()
    url = f"{server.gateway_url}/video/instances/{instance}/stream"
    answer = requests.get(url, headers={"Range": "bytes=0-"}, timeout=30)
    assert answer.status_code == 206
    assert answer.headers["Content-Type"] == "video/mp4"
    assert answer.content == whole


def test_a_film_dropped_on_the_upload_page(server: OrthancServer, films: Films, upload_page: Visit) -> None:
    page, film, before = upload_page.page, films.unique(), instances(server)
    drop(upload_page, film)
    page.locator("#upload-button").click()
    expect(page.locator(LABEL)).to_have_text("Done")
    (instance,) = instances(server) - before
    assert_plays(server, instance, film)
    # And the person finds the study in the same pages, the plain link leading to it.
    study = requests.get(f"{server.url}/instances/{instance}/study", timeout=10).json()
    page.goto(f"{server.url}/app/explorer.html#study?uuid={study['ID']}")
    expect(page.locator("#list-series")).to_contain_text("XC")
    assert upload_page.errors == []


def test_files_chosen_with_the_button(server: OrthancServer, films: Films, upload_page: Visit) -> None:
    """Two films and a DICOM image at once."""
    page, before = upload_page.page, instances(server)
    chosen = [films.unique(), films.unique(), films.image()]
    with page.expect_file_chooser() as chooser:
        page.locator("#fileupload-proxy").click()
    chooser.value.set_files(chosen)
    expect(page.locator(PENDING)).to_have_text([path.name for path in chosen])
    page.locator("#upload-button").click()
    expect(page.locator(LABEL)).to_have_text("Done")
    expect(page.locator(PENDING)).to_have_count(0)
    kinds = [
        requests.get(f"{server.url}/instances/{one}/simplified-tags", timeout=10).json()["Modality"]
        for one in instances(server) - before
    ]
    assert sorted(kinds) == ["MR", "XC", "XC"]
    assert upload_page.errors == []


def test_the_file_name_reaches_the_object(
    server: OrthancServer, films: Films, upload_page: Visit, tmp_path: Path
) -> None:
    film, before = films.unique().rename(tmp_path / "Knie links, Übung 1.mp4"), instances(server)
    drop(upload_page, film)
    upload_page.page.locator("#upload-button").click()
    expect(upload_page.page.locator(LABEL)).to_have_text("Done")
    (instance,) = instances(server) - before
    url = f"{server.url}/instances/{instance}/simplified-tags?ignore-length=ContributionDescription"
    assert film.name in str(requests.get(url, timeout=10).json()["ContributingEquipmentSequence"])


def test_a_refused_file_shows_as_a_failure(server: OrthancServer, upload_page: Visit, letter: Path) -> None:
    page, before = upload_page.page, instances(server)
    drop(upload_page, letter)
    page.locator("#upload-button").click()
    expect(page.locator(LABEL)).to_have_text("Failure")
    expect(page.locator("#progress .bar")).to_have_css("background-color", "rgb(255, 0, 0)")
    assert instances(server) == before
    # The page has no room for the sentence: it is with the jobs.
    newest = requests.get(f"{server.gateway_url}/video/jobs?limit=1", timeout=10).json()["Jobs"][0]
    assert (newest["State"], "text" in newest["Sentence"]) == ("Failure", True)


def test_a_failure_does_not_stop_the_others(
    server: OrthancServer, films: Films, upload_page: Visit, letter: Path
) -> None:
    page, film, before = upload_page.page, films.unique(), instances(server)
    drop(upload_page, letter, film)
    with page.expect_response(lambda answer: "/instances" in answer.url and answer.ok):
        page.locator("#upload-button").click()
    expect(page.locator(LABEL)).to_have_text("Failure")
    (instance,) = instances(server) - before
    assert_plays(server, instance, film)


@pytest.mark.parametrize("where", ["lookup", "upload", "plugins"])
def test_the_link_to_the_videos(server: OrthancServer, visit: Visit, where: str) -> None:
    visit.page.goto(f"{server.url}/app/explorer.html#{where}")
    link = visit.page.locator(f"#{where}").get_by_role("link", name="Videos")
    expect(link).to_be_visible()
    with visit.context.expect_page() as opened:
        link.click()
    viewer = opened.value
    expect(viewer.get_by_role("heading", name="Videos")).to_be_visible()
    assert viewer.url == f"{server.gateway_url}/"
    assert visit.errors == []


@pytest.mark.parametrize("level", ["series", "instance"])
def test_the_link_from_a_series_or_an_instance_plays_it(
    server: OrthancServer, visit: Visit, films: Films, level: str
) -> None:
    """Orthanc Explorer has one page for all of a level: the link is of the one that is open."""
    pair = [requests.get(f"{server.url}/instances/{post(server, films.unique())}", timeout=10).json() for _ in range(2)]
    for one in pair:
        visit.page.goto(f"{server.url}/app/explorer.html#lookup")
        expect(visit.page.locator("#lookup").get_by_role("link", name="Videos")).to_be_visible()
        shown = one["ParentSeries"] if level == "series" else one["ID"]
        visit.page.goto(f"{server.url}/app/explorer.html#{level}?uuid={shown}")
        link = visit.page.locator(f"#{level}").get_by_role("link", name="Play", exact=True)
        expect(link).to_have_attribute("href", re.compile(shown))
    with visit.context.expect_page() as opened:
        link.click()
    expect(opened.value.locator("[data-test=player] [data-test=frame]")).to_have_text("1", timeout=60_000)
    assert opened.value.url == f"{server.gateway_url}/#/v/{pair[1]['ID']}"
    assert visit.errors == []


# ---- "Send to remote modality", as it stands on the pages of instances, series, studies and patients ---------------


def sent_by_button(server: OrthancServer, visit: Visit, level: str, resource: str, modality: str) -> dict[str, Any]:
    """The job that the page leads to, once it has ended; the page says so, too."""
    page = visit.page
    page.goto(f"{server.url}/app/explorer.html#{level}?uuid={resource}")
    page.locator(f"#{level}-store").click()
    page.get_by_role("link", name=modality).click()
    page.wait_for_url("**/explorer.html#job?uuid=*")
    url = f"{server.url}/jobs/{page.url.partition('uuid=')[2]}"

    def ended() -> dict[str, Any]:
        job: dict[str, Any] = requests.get(url, timeout=10).json()
        return job if job["State"] in {"Success", "Failure"} else {}

    job: dict[str, Any] = wait_until(ended, 60)
    page.reload()
    expect(page.locator("#job-info")).to_contain_text(f"State: {job['State']}")
    expect(page.locator("#job-info")).to_contain_text(f"RemoteAet: {peers.AET}")
    return job


@pytest.mark.parametrize(("level", "count"), [("instance", 1), ("study", 2)])
def test_the_button_sends_a_video_in_the_form_that_is_taken(
    server: OrthancServer,
    visit: Visit,
    films: Films,
    recordings: Recordings,
    tmp_path: Path,
    level: str,
    count: int,
) -> None:
    study = mixed(server, recordings, films)
    with Weak(tmp_path) as peer:
        entry = {"AET": peers.AET, "Host": "127.0.0.1", "Port": peer.port}
        assert requests.put(f"{server.url}/modalities/WEAK-{level}", json=entry, timeout=10).ok
        job = sent_by_button(server, visit, level, study.video if level == "instance" else study.study, f"WEAK-{level}")
        got = received(peer)
    assert (job["State"], job["Content"]["InstancesCount"]) == ("Success", count)
    assert len(got) == count
    (video,) = (one for one in got.values() if one.SOPClassUID != MR)
    assert video.file_meta.TransferSyntaxUID == JPEG
    assert visit.errors == []


def test_the_job_page_tries_a_failed_sending_again(
    server: OrthancServer, visit: Visit, recordings: Recordings, tmp_path: Path
) -> None:
    class Grudging(Weak):
        """Authorizes nobody until it is told to."""

        status = 0x0124

        def judged(self, _data: bytes) -> int:
            return self.status

    video = store(server, recordings.one())
    with Grudging(tmp_path) as peer:
        entry = {"AET": peers.AET, "Host": "127.0.0.1", "Port": peer.port}
        assert requests.put(f"{server.url}/modalities/GRUDGING", json=entry, timeout=10).ok
        job = sent_by_button(server, visit, "instance", video, "GRUDGING")
        assert job["State"] == "Failure"
        assert "not authorized" in job["ErrorDetails"]
        peer.status = 0
        visit.page.locator("#job-resubmit").click()
        wait_until(lambda: len(peer.received()) == 1, 60)


# ---- Orthanc Explorer 2: as its UploadHandler.vue and orthancApi.js ask, and as they read the answers --------------


def explorer_2_uploads(server: OrthancServer, path: Path, **headers: str) -> requests.Response:
    """A file read whole and posted raw, its name left behind."""
    accept = {"Accept": "application/json, text/plain, */*"}
    return requests.post(f"{server.url}/instances", data=path.read_bytes(), headers=accept | headers, timeout=60)


def explorer_2_adds(server: OrthancServer, answer: Any) -> dict[str, Any]:
    """The study, asked for at once: without it nothing appears on the page."""
    assert not isinstance(answer, list), "an array is taken for the answer to a zip"
    tags = "PatientID;StudyInstanceUID;ModalitiesInStudy"
    study = requests.get(f"{server.url}/studies/{answer['ParentStudy']}?requestedTags={tags}", timeout=10)
    assert study.status_code == 200
    result: dict[str, Any] = study.json()
    assert result["MainDicomTags"]["StudyInstanceUID"]
    assert "PatientID" in result["PatientMainDicomTags"]
    return result


# Axios names no type for an ArrayBuffer; before version 1 it named a form's.
@pytest.mark.parametrize("headers", [{}, {"Content-Type": "application/x-www-form-urlencoded"}], ids=["bare", "form"])
def test_explorer_2_uploads_a_film(server: OrthancServer, films: Films, headers: dict[str, str]) -> None:
    film = films.unique()
    answer = explorer_2_uploads(server, film, **headers)
    assert answer.status_code == 200
    study = explorer_2_adds(server, answer.json())
    assert study["ID"] == answer.json()["ParentStudy"]
    assert_plays(server, answer.json()["ID"], film)


def test_explorer_2_uploads_a_film_again(server: OrthancServer, films: Films) -> None:
    film = films.unique()
    first, second = explorer_2_uploads(server, film).json(), explorer_2_uploads(server, film).json()
    assert second["ParentStudy"] == first["ParentStudy"]
    explorer_2_adds(server, second)


def test_explorer_2_uploads_a_film_that_takes_long(start: Any, films: Films) -> None:
    """The page shows the study at once, though its conversion goes on, and finds the film in it later."""
    server = start({"VideoGateway": {"AnswerSeconds": 0.2}})
    film = films.slow(5.0)
    answer = explorer_2_uploads(server, film)
    assert answer.status_code == 200
    assert answer.json()["Status"] == "Processing"
    awaited = explorer_2_adds(server, answer.json())
    assert not instances(server), "stored before anyone could look: nothing was shown here"
    again = requests.get(f"{server.gateway_url}/studies/{answer.json()['ParentStudy']}", timeout=10).json()
    assert again == awaited | {"LastUpdate": again["LastUpdate"]}
    for port in (server.url, server.gateway_url):  # whoever may not read studies must not read it here
        asked = f"{port}/video/awaited/studies/{answer.json()['ParentStudy']}"
        assert requests.get(asked, headers={"Orthanc-Video-Asks": "plugin"}, timeout=10).status_code == 404
    limit = time.monotonic() + 60
    while not instances(server):
        assert time.monotonic() < limit, "the film was answered, but is not stored"
        time.sleep(0.1)
    study = explorer_2_adds(server, answer.json())
    for part in ("ID", "Type", "ParentPatient", "Series", "PatientMainDicomTags"):
        assert awaited[part] == study[part], part
    assert study["MainDicomTags"].items() <= awaited["MainDicomTags"].items()


def test_explorer_2_sends_to_a_modality(
    server: OrthancServer, films: Films, recordings: Recordings, tmp_path: Path
) -> None:
    """As sendToDicomModality asks, and as JobSideItem.vue reads the job (orthanc-explorer-2, commit 4903ad5)."""
    study = mixed(server, recordings, films)
    with Weak(tmp_path) as peer:
        entry = {"AET": peers.AET, "Host": "127.0.0.1", "Port": peer.port}
        assert requests.put(f"{server.url}/modalities/EXPLORER-2", json=entry, timeout=10).ok
        asked = {"Resources": [study.study], "Synchronous": False}
        job = requests.post(f"{server.url}/modalities/EXPLORER-2/store", json=asked, timeout=30).json()["ID"]

        def complete() -> str:
            shown = requests.get(f"{server.url}/jobs/{job}", timeout=10).json()
            assert shown["Type"] == "DicomModalityStore"
            assert 0 <= shown["Progress"] <= 100
            return str(shown["State"]) if shown["State"] in {"Success", "Failure"} else ""

        assert wait_until(complete, 60) == "Success"
        assert len(received(peer)) == 2


def test_a_study_that_never_comes_is_no_longer_shown(start: Any, films: Films) -> None:
    server = start({"VideoGateway": {"AnswerSeconds": 0.2}})
    answer = explorer_2_uploads(server, films.slow(5.0)).json()
    study = f"{server.url}/studies/{answer['ParentStudy']}"
    assert requests.get(study, timeout=10).status_code == 200
    assert requests.delete(f"{server.gateway_url}/video/jobs/{answer['Video']['Job']}", timeout=10).ok
    assert requests.get(study, timeout=10).status_code == 404


def test_explorer_2_shows_the_sentence_of_a_refusal(server: OrthancServer, letter: Path) -> None:
    answer = explorer_2_uploads(server, letter)
    assert 400 <= answer.status_code < 500, "only then does the page look for the sentence"
    assert "text" in answer.json()["Message"]
