"""OHIF as it is fetched and served, in Chromium: what clinics view plays, seeks and has its picture."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from e2e.films import Films
from e2e.ohif import CINE_FRAMES, CT_COLUMNS, FRAMES, LONG_CINE_FRAMES, Ohif, Studies, package
from e2e.orthanc_server import OrthancServer

COUNTED_BITS = 15


@pytest.fixture(scope="module")
def studies(tmp_path_factory: pytest.TempPathFactory, films: Films) -> Iterator[Studies]:
    configuration = {"VideoGateway": {"OHIF": str(package())}}
    with OrthancServer(tmp_path_factory.mktemp("ohif"), configuration) as server:
        yield Studies(server, films)


@pytest.fixture(scope="module")
def ohif(browser: Browser, studies: Studies) -> Iterator[Ohif]:
    """One for all, so that its scripts are loaded once."""
    opened = Ohif(browser, studies.server.gateway_url)
    yield opened
    opened.close()


@pytest.mark.parametrize("kind", ["photographic", "endoscopic", "microscopic"])
def test_a_video_plays_and_is_sought(ohif: Ohif, studies: Studies, kind: str) -> None:
    ohif.assert_video_works(studies[kind], FRAMES)
    ohif.assert_was_given_a_thumbnail()
    ohif.assert_well_behaved()


def test_a_long_jpeg_capture_plays_as_video(ohif: Ohif, studies: Studies) -> None:
    ohif.assert_video_works(studies["long_capture"], LONG_CINE_FRAMES)
    ohif.assert_was_given_a_thumbnail()
    ohif.assert_well_behaved()


@pytest.mark.parametrize("kind", ["ultrasound", "ultrasound_jpeg"])
def test_a_cine_plays(ohif: Ohif, studies: Studies, kind: str) -> None:
    ohif.assert_cine_works(studies[kind], CINE_FRAMES)
    ohif.assert_has_thumbnail()
    ohif.assert_well_behaved()


@pytest.mark.parametrize("kind", ["ct", "ct_jpeg2000", "ct_jpegls"])
def test_a_ct_still_shows(ohif: Ohif, studies: Studies, kind: str) -> None:
    ohif.assert_still_shows(studies[kind], CT_COLUMNS)
    ohif.assert_has_thumbnail()
    ohif.assert_well_behaved()


@pytest.mark.parametrize("kind", ["photographic", "endoscopic", "microscopic"])
def test_the_list_shows_a_study_and_its_picture(ohif: Ohif, studies: Studies, kind: str) -> None:
    assert studies[kind]
    ohif.assert_lists(kind)
    ohif.assert_well_behaved()


@pytest.mark.parametrize(
    ("rate", "frames", "seeks"),
    [("30000/1001", 17982, 200), ("24000/1001", 2880, 60), ("25", 3000, 60), ("60000/1001", 7200, 60)],
)
def test_each_frame_that_is_gone_to_is_the_one_that_is_shown(
    ohif: Ohif, studies: Studies, rate: str, frames: int, seeks: int
) -> None:
    """OHIF goes to the very moment at which a frame begins, in whole microseconds: the hardest a viewer can ask for."""
    film = studies.films.numbered(frames, rate, bits=COUNTED_BITS, height=32)
    ohif.open_video(studies.stored_video(film))
    wanted = random.Random(frames).sample(range(frames), seeks)  # noqa: S311
    shown = ohif.seek(wanted, COUNTED_BITS)
    wrong = [(number, seen) for number, seen in zip(wanted, shown, strict=True) if number != seen]
    assert not wrong, f"{len(wrong)} of {seeks} at {rate}: {wrong}"
