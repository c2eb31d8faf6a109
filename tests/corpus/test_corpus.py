"""Every case of the corpus: the plan, the object, its stream, and what other programs say of both."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.uid import UID

from corpus.case import Case
from corpus.cases import CASES, CONVERTED, REFUSED
from corpus.making import Corpus, Object
from oracles import complaints, dcmtk, frame_md5s, frames_and_words, gdcm, slice_hash
from orthanc_video import command_check
from orthanc_video.dicom.syntaxes import H264_BD, H264_HIGH_41, HEVC_MAIN
from orthanc_video.errors import VideoError
from orthanc_video.model import Action
from reasons import untold


@pytest.fixture(scope="module", autouse=True)
def _ended(corpus: Corpus) -> Iterator[None]:
    """Other tests count the media processes that run."""
    yield
    corpus.close()


def test_the_corpus_is_as_large_as_is_said() -> None:
    assert len(CASES) >= 120
    assert {case.syntax[-3:] for case in CONVERTED.values()} == {str(number) for number in range(100, 108)}


@pytest.mark.parametrize("name", CONVERTED)
def test_what_becomes_a_standard_object(corpus: Corpus, tmp_path: Path, name: str) -> None:
    case = CONVERTED[name]
    made = corpus.made(case)
    reasons = " ".join(made.plan.reasons)
    assert (made.plan.action, made.plan.transfer_syntax) == (case.action, case.syntax), reasons
    assert case.word in reasons
    assert untold(made.plan.reasons) == []
    _pictures_are_kept(made, case)
    assert dcmread(made.path, stop_before_pixels=True).file_meta.TransferSyntaxUID == case.syntax
    assert command_check.judge(made.path) == command_check.Judged(made.path)
    _is_read(made, tmp_path)


def _pictures_are_kept(made: Object, case: Case) -> None:
    """Every frame is decoded without a word, and is the one it was where the pictures pass through."""
    shown, words = frames_and_words(made.stream)
    frames = dcmread(made.path, stop_before_pixels=True).NumberOfFrames
    assert len(shown) == frames
    if made.plan.action is Action.WRAP:
        whole = made.source.read_bytes()
        assert made.stream.read_bytes() == whole + bytes(len(whole) % 2)
        assert words == set()
        assert frames == made.info.video.frames
        return
    assert all(re.fullmatch(case.complaint, one) for one in words), words
    before = frame_md5s(made.source)
    if made.plan.action is Action.TRANSCODE:
        assert frames == (made.info.evened.frames if made.info.evened else len(before))
    elif case.leading:
        assert made.info.video.leading > 0
        assert shown == before[-frames:]
    else:
        assert shown == before
        assert slice_hash(made.stream, made.info.video.codec) == slice_hash(made.source, made.info.video.codec)


def _called(made: Object, syntax: str, method: str, folder: Path) -> Path:
    """The object, called one of another transfer syntax."""
    said = dcmread(made.path)
    said.file_meta.TransferSyntaxUID = UID(syntax)
    said.LossyImageCompressionMethod = method
    said.save_as(folder / "called.dcm")
    return folder / "called.dcm"


def _is_read(made: Object, folder: Path) -> None:
    """DCMTK of Debian 12 knows them all, dciodvfy not H.265, GDCM nothing beyond .103: they get the object as .102."""
    said = dcmread(made.path)
    known = made.path
    if made.plan.transfer_syntax > H264_BD:
        known = _called(made, H264_HIGH_41, "ISO_14496_10", folder)
    assert gdcm(known) == (said.Columns, said.Rows, said.NumberOfFrames)
    assert complaints(known if made.plan.transfer_syntax == HEVC_MAIN else made.path) == []
    assert dcmtk(made.path, "NumberOfFrames") == str(said.NumberOfFrames)


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_leaves_nothing(corpus: Corpus, tmp_path: Path, name: str) -> None:
    case = REFUSED[name]
    source = corpus.clip(case)
    with pytest.raises(VideoError) as raised:
        corpus.convert(source, case, tmp_path / "object.dcm")
    assert re.search(case.refused, raised.value.sentence), raised.value.sentence
    assert 400 <= raised.value.status < 500
    assert list(tmp_path.iterdir()) == []
