"""Forms: what an archive gets that cannot take a video. Other programs decode them, and judge them."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID

import oracles
from cines import colours
from clips import Clips, ffmpeg, picture_source
from dicom.films import attributes, native
from jobs.forms import (
    ENDOSCOPIC,
    EXPLICIT,
    GREY_BYTES,
    IMPLICIT,
    JPEG,
    PHOTOGRAPHIC,
    RLE,
    STORAGE,
    TRUE_COLOUR,
    ULTRASOUND,
    Made,
    form,
    maker,
    stored,
)
from orthanc_video.dicom import check
from orthanc_video.errors import BadRequest, BrokenVideo, Busy, TooLarge
from orthanc_video.files import Bytes, SpanSource
from orthanc_video.form import TRANSPORT, Form, Kind
from orthanc_video.jobs import forms, processes
from orthanc_video.media.remux import TAGS
from orthanc_video.routing import ladder
from orthanc_video.routing.capabilities import Capabilities
from orthanc_video.routing.held import Held
from orthanc_video.routing.limits import Policy
from orthanc_video.settings import Settings, settings_from

Make = Callable[[Path, Form], Made]
_WIDTH, _HEIGHT = 160, 120
_LOSSLESS = (EXPLICIT, IMPLICIT, RLE, f"{JPEG}70", f"{JPEG}80", f"{JPEG}90", f"{JPEG}201")
_LOSSY = (f"{JPEG}50", f"{JPEG}91")
_STILLS = {ENDOSCOPIC: f"{STORAGE}77.1.1", PHOTOGRAPHIC: f"{STORAGE}77.1.4"}


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    configured = settings_from({"StorageDirectory": str(tmp_path_factory.mktemp("forms"))})
    configured.spool.mkdir(parents=True)
    yield replace(configured, gateway=replace(configured.gateway, cache_mb=4))
    processes.close()


@pytest.fixture(scope="module")
def make(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Make:
    return maker(settings, tmp_path_factory.mktemp("made"))


@pytest.fixture(scope="module")
def clip(clips: Clips) -> Path:
    """Soft enough for half the chroma."""
    soft = f"{picture_source(seconds=0.4)},gblur=sigma=4"
    return clips.encoded("soft.mp4", "-movflags +faststart", source=soft)


@pytest.fixture(scope="module")
def video(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return stored(clip, tmp_path_factory.mktemp("video"), "endoscopic")


@pytest.fixture(scope="module")
def hevc(clips: Clips, tmp_path_factory: pytest.TempPathFactory) -> Path:
    soft = f"{picture_source(seconds=0.4)},gblur=sigma=4"
    clip = clips.encoded("soft-hevc.mp4", "-tag:v hvc1 -movflags +faststart", codec="hevc", source=soft)
    return stored(clip, tmp_path_factory.mktemp("hevc"))


@pytest.fixture(scope="module")
def truth(clip: Path) -> oracles.Picture:
    """What ffmpeg shows of it, with BT.601, as players take pictures of that size."""
    return oracles.decoded(clip, _WIDTH, _HEIGHT)


@pytest.fixture(scope="module")
def plain(make: Make, video: Path) -> oracles.Picture:
    return make(video, form(EXPLICIT)).frames()


def complaints(path: Path) -> list[str]:
    found = []
    for program in oracles.DCIODVFY:
        done = subprocess.run([program, path], capture_output=True, text=True, errors="replace", timeout=60)
        found += [line for line in (done.stdout + done.stderr).splitlines() if "Error" in line or "Warning" in line]
    return found


def findings(path: Path) -> list[str]:
    with SpanSource(path) as file:
        return [one.sentence for one in check.examine(Bytes(file)).findings]


def test_uncompressed_frames_are_what_ffmpeg_shows(plain: oracles.Picture, truth: oracles.Picture) -> None:
    assert plain.shape == truth.shape
    assert min(map(oracles.psnr, plain, truth)) > 38


@pytest.mark.parametrize("syntax", _LOSSLESS)
def test_lossless_frames_are_the_same_bit_by_bit(make: Make, video: Path, plain: oracles.Picture, syntax: str) -> None:
    made = make(video, form(syntax))
    assert np.array_equal(made.frames(), plain)
    assert made.said.LossyImageCompressionMethod == "ISO_14496_10"


@pytest.mark.parametrize("syntax", _LOSSY)
def test_lossy_frames_are_like_what_ffmpeg_shows(make: Make, video: Path, truth: oracles.Picture, syntax: str) -> None:
    made = make(video, form(syntax))
    frames = made.frames()
    assert frames.shape == truth.shape
    assert min(map(oracles.psnr, frames, truth)) > 35.5
    method = {f"{JPEG}50": "ISO_10918_1", f"{JPEG}91": "ISO_15444_1"}[syntax]
    assert list(made.said.LossyImageCompressionMethod) == ["ISO_14496_10", method]
    assert len(made.said.LossyImageCompressionRatio) == 2
    assert made.said.LossyImageCompression == "01"


@pytest.mark.parametrize("syntax", [f"{JPEG}50", f"{JPEG}90", IMPLICIT])
@pytest.mark.parametrize("sop_class", [ENDOSCOPIC, PHOTOGRAPHIC, TRUE_COLOUR, ULTRASOUND])
def test_every_class_is_clean(make: Make, video: Path, sop_class: str, syntax: str) -> None:
    made = make(video, form(syntax, sop_class))
    assert complaints(made.path) == []
    assert findings(made.path) == []
    assert made.said.SOPClassUID == sop_class
    assert made.said.Modality == {PHOTOGRAPHIC: "XC", ULTRASOUND: "US"}.get(sop_class, "ES")


def test_a_baseline_jpeg_has_one_fragment_for_each_frame_and_its_table(make: Make, video: Path) -> None:
    made = make(video, form(f"{JPEG}50"))
    told = oracles.dcmdump(made.path)
    assert told.count("(fffe,e000) pi") == made.files[0].frames + 1
    assert made.said.PhotometricInterpretation == "YBR_FULL_422"
    offsets = np.frombuffer(made.said.PixelData[8 : 8 + 4 * made.files[0].frames], "<u4")
    start = 8 + 4 * made.files[0].frames
    assert all(made.said.PixelData[start + at + 8 :][:2] == b"\xff\xd8" for at in offsets.tolist())
    assert _sampling(made.said.PixelData[start + 8 :]) == (0x22, 0x11, 0x11)
    assert oracles.gdcm(made.path) == (_WIDTH, _HEIGHT, made.files[0].frames)


def _sampling(jpeg: bytes) -> tuple[int, ...]:
    at = jpeg.index(b"\xff\xc0")
    return tuple(jpeg[at + 11 + 3 * number] for number in range(3))


def test_lossless_jpeg_is_of_selection_value_1(make: Make, video: Path) -> None:
    data = make(video, form(f"{JPEG}70")).said.PixelData
    assert b"\xff\xc3" in data[:2000]
    scan = data.index(b"\xff\xda")
    assert data[scan + 4 + 1 + 2 * data[scan + 4]] == 1  # Ss is the predictor


def test_stills_are_an_object_each(make: Make, video: Path, plain: oracles.Picture) -> None:
    wanted = form(RLE, f"{STORAGE}77.1.1", Kind.STILLS, first=2, step=3)
    made = make(video, wanted)
    assert len(made.files) == len(plain[1::3])
    saids = [dcmread(one.path) for one in made.files]
    for at, said in enumerate(saids):
        assert complaints(Path(made.files[at].path)) == []
        assert np.array_equal(made.frames(at)[0], plain[1 + 3 * at])
        assert said.SourceImageSequence[0].ReferencedFrameNumber == 2 + 3 * at
        assert said.InstanceNumber == at + 1
        assert "NumberOfFrames" not in said
    assert len({said.SOPInstanceUID for said in saids}) == len(saids)
    assert len({said.SeriesInstanceUID for said in saids}) == 1
    moments = [float(said.ContentTime) for said in saids]
    assert moments[1] - moments[0] == pytest.approx(0.1001, abs=1e-5)


def test_stills_of_two_films_of_a_series_are_two_series(make: Make, video: Path, tmp_path: Path) -> None:
    second = dcmread(video)
    second.SOPInstanceUID = second.file_meta.MediaStorageSOPInstanceUID = UID("2.25.4711")
    second.save_as(tmp_path / "second.dcm")
    wanted = form(RLE, f"{STORAGE}77.1.1", Kind.STILLS, last=2)
    one, other = (make(path, wanted).said for path in (video, tmp_path / "second.dcm"))
    assert one.InstanceNumber == other.InstanceNumber
    assert one.SeriesInstanceUID != other.SeriesInstanceUID


def test_range_and_step_keep_the_times(make: Make, video: Path, plain: oracles.Picture) -> None:
    made = make(video, form(RLE, first=3, last=9, step=2))
    assert np.array_equal(made.frames(), plain[2:9:2])
    said, source = made.said, dcmread(video, stop_before_pixels=True)
    assert Fraction(str(said.FrameTime)) == pytest.approx(Fraction(2 * 1001, 30), abs=1e-9)
    assert said.FrameIncrementPointer == 0x00181063
    assert list(said.SourceImageSequence[0].ReferencedFrameNumber) == [3, 5, 7, 9]
    assert float(said.ContentTime) - float(source.ContentTime) == pytest.approx(2 * 1.001 / 30, abs=1e-5)


def test_frames_that_last_differently_long_have_a_vector(make: Make, clips: Clips, tmp_path: Path) -> None:
    video = stored(clips.variable_rate(), tmp_path)
    source = dcmread(video, stop_before_pixels=True)
    said = make(video, form(RLE, last=12, step=3)).said
    assert source.FrameIncrementPointer == said.FrameIncrementPointer == 0x00181065
    places = np.cumsum([float(step) for step in source.FrameTimeVector])[:12:3]
    assert said.FrameTimeVector[0] == 0
    assert np.cumsum([float(step) for step in said.FrameTimeVector]) == pytest.approx(places - places[0], abs=0.002)


def test_one_frame_alone_has_a_time_of_nothing(make: Make, video: Path, plain: oracles.Picture) -> None:
    made = make(video, form(EXPLICIT, first=5, last=5))
    assert made.said.FrameTime == 0
    assert np.array_equal(made.frames()[0], plain[4])
    assert complaints(made.path) == []


def test_fewer_rows(make: Make, video: Path) -> None:
    made = make(video, form(f"{JPEG}50", rows=61, last=3))
    assert (made.said.Rows, made.said.Columns) == (60, 80)
    assert made.frames().shape == (3, 60, 80, 3)
    assert [one.CodeValue for one in made.said.DerivationCodeSequence] == ["113085", "113040"]


def test_a_derived_object_says_what_it_is(make: Make, video: Path) -> None:
    first, again = (make(video, form(f"{JPEG}50")).said for _ in range(2))
    source = dcmread(video, stop_before_pixels=True)
    assert first.SOPInstanceUID == again.SOPInstanceUID
    assert first.SOPInstanceUID != make(video, form(RLE)).said.SOPInstanceUID
    assert first.SeriesInstanceUID != source.SeriesInstanceUID
    assert (first.StudyInstanceUID, first.PatientID) == (source.StudyInstanceUID, source.PatientID)
    assert list(first.ImageType) == ["DERIVED", "PRIMARY"]
    (item,) = first.SourceImageSequence
    assert item.ReferencedSOPInstanceUID == source.SOPInstanceUID
    assert item.ReferencedSOPClassUID == source.SOPClassUID
    assert item.PurposeOfReferenceCodeSequence[0].CodeValue == "121330"
    assert [one.CodeValue for one in first.DerivationCodeSequence] == ["113040"]


def test_a_grey_film_goes_without_colours(make: Make, tmp_path: Path) -> None:
    clip = tmp_path / "grey.mp4"
    source = f"{picture_source(seconds=0.3)},hue=s=0"
    ffmpeg("-f", "lavfi", "-i", source, "-c:v", "libx264", "-pix_fmt", "yuv420p", clip)
    video = stored(clip, tmp_path / "stored")
    for syntax in (f"{JPEG}50", f"{JPEG}80", EXPLICIT):
        made = make(video, form(syntax, GREY_BYTES))
        assert made.said.PhotometricInterpretation == "MONOCHROME2"
        luma = np.stack([planes[0] for planes in oracles.planes(clip)]).astype(float)
        expected = np.clip((luma - 16) * 255 / 219, 0, 255)
        assert oracles.psnr(made.frames(), expected.astype(np.uint8)) > 35
        assert complaints(made.path) == []
        assert findings(made.path) == []


def test_colours_are_not_lost_silently(make: Make, video: Path) -> None:
    with pytest.raises(BadRequest, match="Frame 1 has colours"):
        make(video, form(f"{JPEG}50", GREY_BYTES))


@pytest.mark.parametrize("syntax", [f"{JPEG}50", f"{JPEG}70", EXPLICIT])
def test_a_film_of_single_pictures_becomes_another(make: Make, tmp_path: Path, syntax: str) -> None:
    frames = colours(3)
    about = {"Rows": 48, "Columns": 64, "SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "FrameTime": "40"}
    path = tmp_path / "film.dcm"
    path.write_bytes(native(frames.tobytes(), attributes(3, PlanarConfiguration=0, **about)))
    made = make(path, form(syntax, TRUE_COLOUR))
    assert made.said.FrameTime == 40
    found = made.frames()
    assert np.array_equal(found, frames) if syntax != f"{JPEG}50" else oracles.psnr(found, frames) > 30
    if syntax == f"{JPEG}50":
        assert _sampling(made.said.PixelData) == (0x21, 0x11, 0x11)
    assert made.said.SourceImageSequence[0].PurposeOfReferenceCodeSequence[0].CodeValue == "121320"
    assert made.said.LossyImageCompression == ("01" if syntax == f"{JPEG}50" else "00")


@pytest.mark.parametrize(
    ("wanted", "error"),
    [
        (form(f"{JPEG}50", first=99), BadRequest),
        (form(f"{JPEG}81"), BadRequest),
        (form(f"{JPEG}50", f"{STORAGE}2"), BadRequest),
        (form(f"{JPEG}50", f"{STORAGE}7"), BadRequest),
        (form(f"{JPEG}50", kind=Kind.STILLS), BadRequest),
        (form(f"{JPEG}102"), BadRequest),
        (form(f"{JPEG}102", kind=Kind.REWRAPPED), None),
    ],
)
def test_what_cannot_be_made_is_refused(make: Make, video: Path, wanted: Form, error: type[BadRequest] | None) -> None:
    if error is None:
        assert make(video, wanted).files
        return
    with pytest.raises(error):
        make(video, wanted)


def test_more_than_four_gigabytes_uncompressed_are_refused_at_once(
    make: Make, video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orthanc_video.dicom.syntaxes.LARGEST_FRAGMENT", 1000)
    monkeypatch.setattr("orthanc_video.dicom.framed.LARGEST_VALUE", 1000)
    with pytest.raises(TooLarge, match="Uncompressed"):
        make(video, form(EXPLICIT))


def test_a_full_disk_is_told_before_the_work(make: Make, video: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(video)
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage._replace(free=1000))
    with pytest.raises(Busy, match="nearly full"):
        make(video, form(f"{JPEG}50"))


def test_what_is_stored_is_its_own_form(make: Make, video: Path) -> None:
    (one,) = make(video, form(f"{JPEG}102", ENDOSCOPIC, Kind.STORED)).files
    assert (one.path, one.sop_class, one.size) == (str(video), ENDOSCOPIC, video.stat().st_size)


def test_a_damaged_video_makes_no_form(make: Make, clip: Path, tmp_path: Path) -> None:
    path = stored(clip, tmp_path)
    data = bytearray(path.read_bytes())
    at = data.index(b"mdat") + 4
    data[at : at + 6000] = bytes(6000)
    path.write_bytes(data)
    with pytest.raises(BrokenVideo):
        make(path, form(f"{JPEG}50"))


class TestVideos:
    def test_another_label_changes_no_picture_and_no_uid(self, make: Make, clips: Clips, tmp_path: Path) -> None:
        video = stored(clips.conforming(), tmp_path)
        data = video.read_bytes().replace(f"{JPEG}102\0".encode(), f"{JPEG}104\0".encode(), 1)
        video.write_bytes(data)
        assert dcmread(video).file_meta.TransferSyntaxUID == f"{JPEG}104"
        made = make(video, form(f"{JPEG}102", kind=Kind.REWRAPPED))
        assert made.said.SOPInstanceUID == dcmread(video).SOPInstanceUID
        assert made.said.file_meta.TransferSyntaxUID == f"{JPEG}102"
        assert stream_of(made.said, tmp_path / "a") == stream_of(dcmread(video), tmp_path / "b")
        assert complaints(made.path) == []

    def test_full_hd_at_60_frames_a_second_becomes_what_level_4_1_holds(
        self, make: Make, clips: Clips, tmp_path: Path
    ) -> None:
        """As the ladder chooses the form for who takes no more."""
        said = dcmread(stored(clips.conforming(seconds=0.2, rate="60", size="1920x1080"), tmp_path))
        video = tmp_path / "fast.dcm"
        said.save_as(video)
        assert said.file_meta.TransferSyntaxUID == f"{JPEG}104"
        held = Held(
            sop_class=str(said.SOPClassUID), transfer_syntax=f"{JPEG}104", modality="XC", size=video.stat().st_size,
            rows=1080, columns=1920, frames=12, rate=Fraction(60),
        )  # fmt: skip
        taken = Capabilities(asked="now", accepted={held.sop_class: frozenset({f"{JPEG}102"})})
        rung = ladder.of(held, taken, Policy()).rungs[0]
        made = make(video, rung.form)
        assert (made.said.Rows, made.said.Columns, made.said.NumberOfFrames) == (720, 1280, 12)
        assert made.said.file_meta.TransferSyntaxUID == f"{JPEG}102"
        assert complaints(made.path) == []

    def test_fragments_are_joined_and_named(self, make: Make, video: Path, tmp_path: Path) -> None:
        made = make(video, form(f"{JPEG}102.1", ENDOSCOPIC, Kind.REWRAPPED))
        assert made.said.file_meta.TransferSyntaxUID == f"{JPEG}102.1"
        back = make(made.path, form(f"{JPEG}102", ENDOSCOPIC, Kind.REWRAPPED))
        assert stream_of(back.said, tmp_path / "a") == stream_of(dcmread(video), tmp_path / "b")

    def test_a_transport_stream_becomes_an_mp4_of_the_same_pictures(
        self, make: Make, clip: Path, tmp_path: Path
    ) -> None:
        stream = tmp_path / "x.ts"
        ffmpeg("-i", clip, "-c", "copy", stream)
        said = dcmread(stored(clip, tmp_path / "stored"))
        video = _with_stream(said, stream.read_bytes(), tmp_path / "ts.dcm")
        made = make(video, form(f"{JPEG}102", kind=Kind.REWRAPPED))
        target = tmp_path / "made.mp4"
        target.write_bytes(_stream(made.said))
        assert target.read_bytes()[4:8] == b"ftyp"
        assert oracles.frame_md5s(target) == oracles.frame_md5s(stream)
        assert oracles.slice_hash(target) == oracles.slice_hash(stream)

    @pytest.mark.parametrize("codec", ["h264", "hevc"])
    def test_an_mp4_becomes_a_transport_stream_of_the_same_packets_and_back(
        self, make: Make, clips: Clips, codec: str, tmp_path: Path
    ) -> None:
        clip = clips.encoded(f"{codec}-b.mp4", "-bf 3 -movflags +faststart -tag:v " + TAGS[codec], codec=codec)
        syntax = JPEG + {"h264": "102", "hevc": "107"}[codec]
        video = stored(clip, tmp_path)
        made = make(video, form(syntax, kind=Kind.REWRAPPED, container=TRANSPORT))
        assert made.said.SOPInstanceUID == dcmread(video).SOPInstanceUID
        assert made.said.file_meta.TransferSyntaxUID == syntax
        back = make(made.path, form(syntax, kind=Kind.REWRAPPED))
        files = [tmp_path / name for name in ("before.mp4", "between.ts", "after.mp4")]
        for path, said in zip(files, (dcmread(video), made.said, back.said), strict=True):
            path.write_bytes(_stream(said))
        assert files[1].read_bytes()[:1] == files[1].read_bytes()[188:189] == b"\x47"
        assert files[2].read_bytes()[4:8] == b"ftyp"
        assert len({oracles.slice_hash(path, codec) for path in files}) == 1
        assert len({tuple(oracles.frame_md5s(path)) for path in files}) == 1
        times = [oracles.frame_times(path) for path in files]
        assert times[2] == times[0]
        early = times[1][0]
        assert [float(one - early) for one in times[1]] == pytest.approx([float(one) for one in times[0]], abs=2e-5)
        assert complaints(made.path) == complaints(video)
        assert findings(made.path) == []

    def test_what_is_heard_goes_into_the_transport_stream(self, make: Make, clips: Clips, tmp_path: Path) -> None:
        coding = "-bf 3 -ac 2 -c:a aac -movflags +faststart"
        clip = clips.encoded("heard.mp4", coding, sound="sine=r=48000:d=1")
        video = _with_stream(dcmread(stored(clip, tmp_path / "silent")), clip.read_bytes(), tmp_path / "heard.dcm")
        made = make(video, form(f"{JPEG}102", kind=Kind.REWRAPPED, container=TRANSPORT))
        (tmp_path / "heard.ts").write_bytes(_stream(made.said))
        assert _heard(tmp_path / "heard.ts") == _heard(clip) != []

    def test_many_fragments_become_one(self, make: Make, video: Path, tmp_path: Path) -> None:
        said = dcmread(video)
        stream = _stream(said)
        several = [stream[at : at + 1000] for at in range(0, len(stream), 1000)]
        said.PixelData = encapsulate(several, has_bot=False)
        said.file_meta.TransferSyntaxUID = UID(f"{JPEG}102.1")
        said.save_as(tmp_path / "several.dcm")
        made = make(tmp_path / "several.dcm", form(f"{JPEG}102", ENDOSCOPIC, Kind.REWRAPPED))
        assert oracles.dcmdump(made.path).count("(fffe,e000) pi") == 2  # the table, and all of it
        assert _stream(made.said)[: len(stream)] == stream
        assert made.said.SOPInstanceUID == said.SOPInstanceUID

    def test_another_class_is_another_object(self, make: Make, video: Path) -> None:
        made = make(video, form(f"{JPEG}102", TRUE_COLOUR, Kind.REWRAPPED))
        assert made.said.SOPInstanceUID != dcmread(video).SOPInstanceUID
        assert made.said.LossyImageCompressionMethod == "ISO_14496_10"
        assert complaints(made.path) == []

    def test_what_is_h264_is_re_encoded_as_h264(self, make: Make, video: Path) -> None:
        made = make(video, form(f"{JPEG}102", ENDOSCOPIC, Kind.TRANSCODED))
        assert list(made.said.LossyImageCompressionMethod) == ["ISO_14496_10"] * 2
        assert [one.CodeValue for one in made.said.DerivationCodeSequence] == ["113040"]
        assert made.said.SOPInstanceUID != dcmread(video, stop_before_pixels=True).SOPInstanceUID

    def test_fewer_rows(self, make: Make, video: Path) -> None:
        made = make(video, form(f"{JPEG}102", ENDOSCOPIC, Kind.TRANSCODED, rows=60))
        assert (made.said.Columns, made.said.Rows) == (80, 60)
        assert [one.CodeValue for one in made.said.DerivationCodeSequence] == ["113085", "113040"]
        assert made.said.SOPInstanceUID != dcmread(video, stop_before_pixels=True).SOPInstanceUID
        assert findings(made.path) == []

    def test_h265_does_not_stay_as_h264(self, make: Make, hevc: Path) -> None:
        with pytest.raises(BadRequest, match="cannot stay"):
            make(hevc, form(f"{JPEG}102", kind=Kind.REWRAPPED))

    @pytest.mark.parametrize(
        ("syntax", "size"), [("102", (160, 120)), ("100", (160, 120)), ("101", (1280, 720))], ids=str
    )
    def test_h265_becomes_what_older_archives_know(
        self, make: Make, hevc: Path, syntax: str, size: tuple[int, int], tmp_path: Path
    ) -> None:
        made = make(hevc, form(JPEG + syntax, kind=Kind.TRANSCODED))
        assert (made.said.Columns, made.said.Rows) == size
        assert findings(made.path) == []
        method = "ISO_14496_10" if syntax == "102" else "ISO_13818_2"
        assert list(made.said.LossyImageCompressionMethod) == ["ISO_23008_2", method]
        assert made.said.ImageType[0] == "DERIVED"
        shown = tmp_path / "shown"
        shown.write_bytes(_stream(made.said))
        source = tmp_path / "source"
        source.write_bytes(_stream(dcmread(hevc)))
        filters = "" if syntax != "101" else "crop=960:720,scale=160:120"
        pictures = oracles.decoded(shown, 160, 120, filters)
        assert len(pictures) == made.said.NumberOfFrames == 12
        assert min(map(oracles.psnr, pictures, oracles.decoded(source, 160, 120))) > 30

    @pytest.mark.parametrize("syntax", ["102", "104", "100"])
    def test_a_smaller_one_is_asked_for(
        self, make: Make, video: Path, truth: oracles.Picture, syntax: str, tmp_path: Path
    ) -> None:
        made = make(video, form(JPEG + syntax, ENDOSCOPIC, Kind.TRANSCODED, rows=61))
        assert (made.said.Columns, made.said.Rows) == (80, 60)
        assert made.said.SOPInstanceUID != dcmread(video).SOPInstanceUID
        assert findings(made.path) == []
        shown = tmp_path / "shown"
        shown.write_bytes(_stream(made.said))
        assert len(oracles.decoded(shown, 80, 60)) == made.said.NumberOfFrames == len(truth)

    def test_re_encoded_it_is_another_video_even_in_the_same_syntax(self, make: Make, video: Path) -> None:
        made = make(video, form(f"{JPEG}102", ENDOSCOPIC, Kind.TRANSCODED))
        assert made.said.ImageType[0] == "DERIVED"
        assert (made.said.Columns, made.said.Rows) == (_WIDTH, _HEIGHT)

    def test_mpeg2_of_few_rows_is_of_main_level_alone(self, make: Make, video: Path) -> None:
        with pytest.raises(BadRequest, match="no format of at most 500 rows"):
            make(video, form(f"{JPEG}101", ENDOSCOPIC, Kind.TRANSCODED, rows=500))


def _heard(path: Path) -> list[bytes]:
    """The MD5 of each packet of sound, without the header that a transport stream puts before it."""
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-map", "0:a:0", "-c", "copy", "-bsf:a", "aac_adtstoasc"]
    said = subprocess.run([*command, "-f", "framemd5", "-"], check=True, capture_output=True, timeout=60).stdout
    return [line.split(b",")[5].strip() for line in said.splitlines() if not line.startswith(b"#")]


def stream_of(said: Dataset, target: Path) -> list[str]:
    target.write_bytes(_stream(said))
    return oracles.frame_md5s(target)


def _stream(said: Dataset) -> bytes:
    """All fragments behind the empty table, joined."""
    data, at, found = said.PixelData, 8, b""
    while data[at : at + 4] == b"\xfe\xff\x00\xe0":
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        found += data[at + 8 : at + 8 + length]
        at += 8 + length
    return bytes(found)


def _with_stream(said: Dataset, stream: bytes, path: Path) -> Path:
    said.PixelData = encapsulate([stream], has_bot=False)
    said.save_as(path)
    return path


def test_a_form_is_made_once_and_the_least_used_go(settings: Settings, make: Make, video: Path) -> None:
    wanted = form(RLE)
    assert forms.found(settings, "one", wanted) is None
    files = make(video, wanted).files
    kept = forms.keep(settings, "one", wanted, Path(files[0].path).parent, files)
    assert forms.found(settings, "one", wanted) == kept
    assert dcmread(kept[0].path).SOPInstanceUID == kept[0].sop_instance
    for number in range(3):
        files = make(video, form(EXPLICIT)).files
        forms.keep(settings, f"other-{number}", form(EXPLICIT), Path(files[0].path).parent, files)
    assert forms.found(settings, "one", wanted) is None
    assert forms.found(settings, "other-2", form(EXPLICIT)) is not None
    forms.forget(settings, "other-2")
    assert forms.found(settings, "other-2", form(EXPLICIT)) is None
