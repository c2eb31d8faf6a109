"""``check`` finds what is planted in a clean object, exactly that, and nothing in clean ones."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import UID

import views
from clips import Clips, ffmpeg, picture_source
from dicom.conftest import prepare
from dicom.objects import PIXEL_DATA
from dicom.planting import described, even, header, pixel_data, unchecked
from disorder import disordered
from hollows import FRAMES, UNITS, with_hollow
from orthanc_video import command_check
from orthanc_video.dicom import syntaxes
from orthanc_video.dicom.checks.finding import KINDS, Finding, Severity
from orthanc_video.jobs import processes

_H264, _H264_42, _HEVC = syntaxes.H264_HIGH_41, syntaxes.H264_HIGH_42, syntaxes.HEVC_MAIN
_CLASSES = "1.2.840.10008.5.1.4.1.1."


@pytest.fixture(scope="module", autouse=True)
def template() -> Iterator[None]:
    """The media processes' own, which the command ends by itself."""
    yield
    processes.close()


def _codes(path: Path, data: bytes) -> list[str]:
    path.write_bytes(data)
    judged = command_check.judge(path)
    assert judged.unreadable == ""
    return [one.code for one in judged.findings]


# ---------------------------------------------------------------------------------------------- in the data set

Change = Callable[[Dataset], object]


def _set(**values: object) -> Change:
    def change(dataset: Dataset) -> None:
        with unchecked():
            for keyword, value in values.items():
                setattr(dataset, keyword, value)

    return change


def _without(*keywords: str) -> Change:
    def change(dataset: Dataset) -> None:
        for keyword in keywords:
            delattr(dataset, keyword)

    return change


def _meta(**values: str | None) -> Change:
    def change(dataset: Dataset) -> None:
        for keyword, value in values.items():
            if value is None:
                delattr(dataset.file_meta, keyword)
            else:
                setattr(dataset.file_meta, keyword, UID(value))

    return change


def _both(*changes: Change) -> Change:
    return lambda dataset: [change(dataset) for change in changes]


def _class(suffix: str) -> Change:
    uid = _CLASSES + suffix
    return _both(_set(SOPClassUID=uid), _meta(MediaStorageSOPClassUID=uid))


def _pointer(*steps: float) -> Change:
    return _set(FrameIncrementPointer=0x00181065, FrameTimeVector=list(steps))


IN_THE_DATA_SET: dict[str, tuple[str, Change]] = {
    "no implementation class": ("meta-missing", _meta(ImplementationClassUID=None)),
    "another class outside": ("meta-class", _meta(MediaStorageSOPClassUID=f"{_CLASSES}77.1.1.1")),
    "another instance outside": ("meta-instance", _meta(MediaStorageSOPInstanceUID="2.25.99")),
    "a UID with a leading zero": ("uid-illegal", _set(StudyInstanceUID="1.2.840.007")),
    "a UID too long": ("uid-illegal", _set(SeriesInstanceUID="2.25." + "1" * 60)),
    "a UID for two": ("uid-shared", lambda dataset: _set(StudyInstanceUID=dataset.SeriesInstanceUID)(dataset)),
    "JPEG Baseline for a transfer syntax": ("transfer-syntax", _meta(TransferSyntaxUID=f"{_H264[:-3]}50")),
    "JPEG Lossless, taken for Motion JPEG": ("transfer-syntax", _meta(TransferSyntaxUID=f"{_H264[:-3]}70")),
    "a transfer syntax that does not exist": ("transfer-syntax", _meta(TransferSyntaxUID=f"{_H264[:-3]}109")),
    "a class of volumes": ("class-unknown", _class("2")),
    "the class of single pictures": ("class-single", _class("77.1.4")),
    "another modality": ("modality", _set(Modality="OT")),
    "no modality": ("attribute-empty", _set(Modality="")),
    "no anatomic region": ("attribute-missing", _without("AnatomicRegionSequence")),
    "an anatomic region without an item": ("attribute-empty", _set(AnatomicRegionSequence=[])),
    "no birth date": ("attribute-missing", _without("PatientBirthDate")),
    "no acquisition context": ("attribute-missing", _without("AcquisitionContextSequence")),
    "no planar configuration": ("attribute-missing", _without("PlanarConfiguration")),
    "no frame increment pointer": ("attribute-missing", _without("FrameIncrementPointer")),
    "neither laterality": ("laterality", _without("ImageLaterality")),
    "an unknown sex": ("attribute-value", _set(PatientSex="W")),
    "half an image type": ("attribute-value", _set(ImageType="ORIGINAL")),
    "a window": ("attribute-forbidden", _set(WindowCenter="128", WindowWidth="256")),
    "an overlay": ("attribute-forbidden", lambda dataset: dataset.add_new(0x60000010, "US", 120)),
    "a number of 17 characters": ("number-too-long", _set(FrameTime="33.36666666666667")),
    "one sample": ("samples", _set(SamplesPerPixel=1)),
    "RGB": ("photometric", _set(PhotometricInterpretation="RGB")),
    "planes": ("planar", _set(PlanarConfiguration=1)),
    "a wrong high bit": ("bits", _set(HighBit=15)),
    "signed pixels": ("bits", _set(PixelRepresentation=1)),
    "a pointer to nothing": ("frame-increment-pointer", _without("FrameTime")),
    "a pointer to an empty vector": ("frame-increment-pointer", _set(FrameIncrementPointer=0x00181065)),
    "a vector too short": ("frame-time-vector", _pointer(0, 33.367)),
    "a vector that does not begin with 0": ("frame-time-vector", _pointer(*([33.367] * 30))),
    "a vector longer than the film": ("frame-time-vector", _pointer(0, *([66.734] * 29))),
    "a part that is none": ("trim", _set(StartTrim=20, StopTrim=10)),
    "taken for lossless": ("lossy-flag", _set(LossyImageCompression="00")),
    "no compression ratio": ("lossy-ratio", _without("LossyImageCompressionRatio")),
    "a ratio far off": ("lossy-ratio", _set(LossyImageCompressionRatio="2000")),
    "another method": ("lossy-method", _set(LossyImageCompressionMethod="ISO_10918_1")),
    "two ratios for one method": ("lossy-method", lambda dataset: _set(
        LossyImageCompressionRatio=["2", str(dataset.LossyImageCompressionRatio)])(dataset)),
    "derived from nothing": ("derivation", _set(ImageType=["DERIVED", "PRIMARY"])),
    "a pixel aspect ratio": ("aspect-forbidden", _set(PixelAspectRatio=[1, 1])),
    "an extended offset table": ("offset-table-extended", _set(ExtendedOffsetTable=bytes(8))),
    "a wrong total length": ("total-length", _set(EncapsulatedPixelDataValueTotalLength=1234)),
    "a frame less": ("frame-count", _set(NumberOfFrames=29)),
    "more rows": ("rows", _set(Rows=128)),
    "more columns": ("columns", _set(Columns=176)),
    "another frame time": ("frame-time", _set(FrameTime="40")),
    "another cine rate": ("cine-rate", _set(CineRate=25)),
    "another duration": ("duration", _set(EffectiveDuration="12.5")),
    "another duration of acquisition": ("duration", _set(AcquisitionDuration=50.0)),
    "another duration of a frame": ("frame-duration", _set(ActualFrameDuration="50")),
    "another rate for display": ("display-rate", _set(RecommendedDisplayFrameRate=60)),
    "stereo over plain pictures": ("stereo-plain", _set(StereoPairsPresent="YES")),
    "sound that is not there": ("sound-absent", _set(
        MultiplexedAudioChannelsDescriptionCodeSequence=[Dataset()])),
}  # fmt: skip


@pytest.mark.parametrize("name", IN_THE_DATA_SET)
def test_what_is_wrong_in_the_data_set(clips: Clips, tmp_path: Path, name: str) -> None:
    code, plant = IN_THE_DATA_SET[name]
    path = clips.conforming()
    dataset = described(path)
    plant(dataset)
    found = _codes(tmp_path / "object.dcm", header(dataset) + pixel_data([even(path.read_bytes())]))
    assert set(found) == {code}


# ---------------------------------------------------------------------------------------------- in Pixel Data

_NO_VR = struct.pack("<HHI", 0x7FE0, 0x0010, 0xFFFFFFFF)
_OW = PIXEL_DATA.replace(b"OB", b"OW")

IN_PIXEL_DATA: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "two fragments": ("fragments", lambda data: pixel_data([data[:1000], data[1000:]])),
    "an empty fragment": ("fragment-empty", lambda data: pixel_data([data, b""])),
    "an offset table": ("offset-table", lambda data: pixel_data([data], bytes(4))),
    "too much padding": ("padding", lambda data: pixel_data([data + bytes(6)])),
    "a VR of words": ("pixel-data-vr", lambda data: pixel_data([data], element=_OW)),
    "the bare file": ("not-encapsulated", lambda data: PIXEL_DATA[:-4] + struct.pack("<I", len(data)) + data),
    "no more than half of it": ("pixel-data", lambda data: pixel_data([data])[: len(data) // 2]),
    "no delimiter": ("pixel-data", lambda data: pixel_data([data])[:-8]),
    "no fragment": ("pixel-data", lambda _: pixel_data([])),
    "noise for a stream": ("stream", lambda data: pixel_data([bytes(range(7, 251)) * (len(data) // 488 * 2)])),
}  # fmt: skip


@pytest.mark.parametrize("name", IN_PIXEL_DATA)
def test_what_is_wrong_in_pixel_data(clips: Clips, tmp_path: Path, name: str) -> None:
    code, laid_out = IN_PIXEL_DATA[name]
    path = clips.conforming()
    found = _codes(tmp_path / "object.dcm", header(described(path)) + laid_out(even(path.read_bytes())))
    assert set(found) == {code}


def test_a_fragment_of_odd_length(clips: Clips, tmp_path: Path) -> None:
    path = clips.odd_length()
    found = _codes(tmp_path / "object.dcm", header(described(path)) + pixel_data([path.read_bytes()]))
    assert found == ["fragment-odd"]


def test_pixel_data_without_a_vr(clips: Clips, tmp_path: Path) -> None:
    """What a writer of Implicit VR leaves: nothing after the element can be trusted."""
    stream = even(clips.conforming().read_bytes())
    found = _codes(
        tmp_path / "object.dcm", header(described(clips.conforming())) + pixel_data([stream], element=_NO_VR)
    )
    assert found == ["encoding"]


# ---------------------------------------------------------------------------------------------- in the stream


def _patched(clips: Clips, name: str, change: Callable[[bytearray], None]) -> Path:
    data = bytearray(clips.conforming().read_bytes())
    change(data)
    return clips._written(name, bytes(data))


def _profile(data: bytearray) -> None:
    """High becomes High 10, which has the same syntax (H.264 7.3.2.1.1)."""
    at = data.index(b"avcC") + 4
    assert data[at + 1] == data[at + 9] == 100
    data[at + 1] = data[at + 9] = 110


def _level(data: bytearray) -> None:
    at = data.index(b"avcC") + 4
    assert data[at + 3] == data[at + 11]
    data[at + 3] = data[at + 11] = 10


def _chroma(clips: Clips) -> Path:
    """High 4:2:2 becomes High, with a chroma format that this has not."""
    data = bytearray(clips.chroma_422().read_bytes())
    at = data.index(b"avcC") + 4
    assert data[at + 1] == data[at + 9] == 122
    data[at + 1] = data[at + 9] = 100
    return clips._written("chroma-high.mp4", bytes(data))


def _first_key(data: bytearray) -> None:
    at = data.index(b"stss") + 12
    assert data[at : at + 4] == struct.pack(">I", 1)
    data[at : at + 4] = struct.pack(">I", 2)


def _copied(clips: Clips, name: str, arguments: str = "") -> Path:
    return clips._copied(name, clips.conforming(), arguments)


def _two_videos(clips: Clips) -> Path:
    path = clips._folder / "two-videos.mp4"
    if not path.exists():
        small = clips.encoded("small.mp4", source=picture_source(size="64x48"))
        maps = ["-map", "0", "-map", "1", "-c", "copy", "-movflags", "+faststart"]
        ffmpeg("-i", clips.conforming(), "-i", small, *maps, path)
    return path


def _with_subtitles(clips: Clips) -> Path:
    path = clips._folder / "subtitles.mp4"
    if not path.exists():
        words = clips._written("words.srt", b"1\n00:00:00,000 --> 00:00:01,000\nHello\n")
        ffmpeg(
            "-i",
            clips.conforming(),
            "-i",
            words,
            *["-c:v", "copy", "-c:s", "mov_text", "-movflags", "+faststart"],
            path,
        )
    return path


def _sounding(clips: Clips) -> Path:
    return clips.encoded("stereo.mp4", "-ac 2 -c:a aac -movflags +faststart", sound="sine=r=48000:d=1")


def _hollow(clips: Clips) -> Path:
    whole = clips.video("h264", "mp4")
    made = whole.with_name("hollow-end.mp4")
    with_hollow(whole, made, UNITS["h264"][0], True, lambda number: number == FRAMES)
    return clips._copied("hollow-front.mp4", made, "-movflags +faststart")


_DECLARED = _set(MultiplexedAudioChannelsDescriptionCodeSequence=[Dataset()])


def _as_it_is(_: Dataset) -> None:
    """Nothing is planted in the data set."""


IN_THE_STREAM: dict[str, tuple[str, Callable[[Clips], Path], str, Change]] = {
    "Matroska": ("container", lambda c: c.video("h264", "mkv"), _H264, _as_it_is),
    "a bare byte stream": ("container", lambda c: _copied(c, "bare.h264"), _H264, _as_it_is),
    "a program stream of H.264": ("container", lambda c: c.video("h264", "mpg"), _H264, _as_it_is),
    "M2TS, of 192-byte packets": ("container", Clips.m2ts, _H264, _as_it_is),
    "QuickTime": ("quicktime", lambda c: _copied(
        c, "front.mov", "-movflags +faststart -fflags +bitexact"), _H264, _as_it_is),
    "a fragmented MP4": ("mp4-fragmented", Clips.fragmented, _H264, _as_it_is),
    "the index at the end": ("mp4-index", Clips.index_at_end, _H264, _as_it_is),
    "an edit list": ("mp4-edits", lambda c: c._copied(
        "cut-front.mp4", c.conforming(), "-movflags +faststart", before="-ss 0.4"), _H264, _as_it_is),
    "packets without a picture": ("hollow", _hollow, _H264, _as_it_is),
    "times in the order of coding": ("disordered", disordered, _H264, _as_it_is),
    "turned pictures": ("mp4-turned", lambda c: c.shown_by(0, 1, -1, 0), _H264, _as_it_is),
    "two videos": ("other-videos", _two_videos, _H264, _as_it_is),
    "subtitles": ("other-streams", _with_subtitles, _H264, _as_it_is),
    "bytes that no index names": ("told-beside", lambda c: _patched(
        c, "unnamed.mp4", lambda data: data.extend(b"\0\0\0\x10mdatJane Doe")), _H264, _as_it_is),
    "user data": ("user-data", lambda c: _copied(
        c, "noted-front.mp4", f"-bsf:v h264_metadata=sei_user_data={'08' * 16}+Jane -movflags +faststart"),
        _H264, _as_it_is),
    "sound of 44.1 kHz, mono": ("sound-format", Clips.with_sound, _H264, _DECLARED),
    "sound that nobody announces": ("sound-undeclared", _sounding, _H264, _as_it_is),
    "H.265 called H.264": ("codec", lambda c: c.encoded("front-hevc.mp4", "-movflags +faststart", codec="hevc"),
                           _H264, _set(LossyImageCompressionMethod="ISO_14496_10")),
    "High 10 profile": ("profile", lambda c: _patched(c, "high-10.mp4", _profile), _H264, _as_it_is),
    "level 5.1": ("level", Clips.relabelled, _H264, _as_it_is),
    "more than level 4.1": ("level", lambda c: _wide(c, "60"), _H264, _as_it_is),
    "a level too low": ("level-too-low", lambda c: _patched(c, "level-1.mp4", _level), _H264, _as_it_is),
    "4:2:2 called High profile": ("sampling", _chroma, _H264, _as_it_is),
    "pixels of 4:3": ("square", Clips.anamorphic, _H264, _without("PixelAspectRatio")),
    "pixels of 4:3, as the stream alone says": ("square", Clips.anamorphic_stream, _H264, _without("PixelAspectRatio")),
    "a size of no HDTV": ("format", lambda c: c.video("mpeg2", "mpg"), syntaxes.MPEG2_HIGH, _as_it_is),
    "a format that Blu-ray has not": ("format", Clips.conforming, syntaxes.H264_BD, _as_it_is),
    "no key frame in front": ("first-frame", lambda c: _patched(c, "keyless.mp4", _first_key), _H264, _as_it_is),
    "pictures that change": ("changing", lambda c: c._copied(
        "changing-front.mp4", c.changing("mp4"), "-movflags +faststart"), _H264, _as_it_is),
    "another aspect": ("aspect", lambda c: c.encoded("aspect.mpg", "-aspect 16:9", codec="mpeg2",
        source=picture_source(size="720x576", rate="25")), syntaxes.MPEG2_MAIN, _set(PixelAspectRatio=[1, 1])),
    "a stereo flag over 2D": ("stereo", Clips.conforming, _H264_42, _set(StereoPairsPresent="YES")),
    "3D called plain": ("stereo-plain", views.packed, _H264, _as_it_is),
    "no stereo flag over 3D": ("stereo", views.packed, syntaxes.H264_3D, _without("StereoPairsPresent")),
    "Main 10, which no class holds": ("class-syntax", lambda c: c.encoded(
        "main-10.mp4", "-pix_fmt yuv420p10le -movflags +faststart", codec="hevc"), syntaxes.HEVC_MAIN_10,
        _set(BitsAllocated=16, BitsStored=10, HighBit=9)),
}  # fmt: skip


@pytest.mark.parametrize("name", IN_THE_STREAM)
def test_what_is_wrong_in_the_stream(clips: Clips, tmp_path: Path, name: str) -> None:
    code, made, syntax, plant = IN_THE_STREAM[name]
    path = made(clips)
    dataset = described(path, syntax)
    plant(dataset)
    found = _codes(tmp_path / "object.dcm", header(dataset) + pixel_data([even(path.read_bytes())]))
    assert set(found) == {code}


def test_every_kind_is_planted() -> None:
    """But for those of films, of varying rates and of earlier versions, which other tests have."""
    planted = {code for table in (IN_THE_DATA_SET, IN_PIXEL_DATA, IN_THE_STREAM) for code, *_ in table.values()}
    elsewhere = {"fragment-odd", "encoding", "frame-layout", "cadence", "picture", "varying-rate", "first-look"}
    assert planted | elsewhere == set(KINDS)


# ---------------------------------------------------------------------------------------------- clean ones


def _wide(clips: Clips, rate: str) -> Path:
    return clips.conforming(seconds=0.2, rate=rate, size="1920x1080")


def _television(clips: Clips) -> Path:
    return clips.encoded("wide.mpg", "-aspect 16:9", codec="mpeg2", source=picture_source(size="720x576", rate="25"))


def _high_definition(clips: Clips) -> Path:
    source = picture_source(size="1280x720", rate="50", seconds=0.3)
    return clips.encoded("hd.ts", "-profile:v 4 -level:v 4 -b:v 20M", codec="mpeg2", source=source)


MADE: dict[str, tuple[Callable[[Clips], Path], str]] = {
    "H.264, wrapped": (Clips.conforming, _H264),
    "H.264 of an odd length": (Clips.odd_length, _H264),
    "H.264 from Matroska": (lambda c: c.video("h264", "mkv"), _H264),
    "H.264 from a transport stream": (lambda c: c.video("h264", "ts"), _H264),
    "H.264 with sound, which is dropped": (Clips.with_sound, _H264),
    "H.264, its level corrected": (Clips.relabelled, _H264),
    "H.264, its level too low": (lambda c: _patched(c, "level-1.mp4", _level), _H264),
    "H.265, its level too low": (
        lambda c: c._copied("low.mp4", c.video("hevc", "mkv"), "-bsf:v hevc_metadata=level=30"),
        _HEVC,
    ),
    "H.264, interlaced": (Clips.interlaced, _H264),
    "H.264, 1080p at 60": (lambda c: _wide(c, "60"), _H264_42),
    "H.265 from Matroska": (lambda c: c.video("hevc", "mkv"), _HEVC),
    "MPEG-2 Main Level": (_television, syntaxes.MPEG2_MAIN),
    "MPEG-2 of film": (lambda c: c.film_mpeg2("m2v"), syntaxes.MPEG2_MAIN),
    "MPEG-2 High Level": (_high_definition, syntaxes.MPEG2_HIGH),
    "VP9": (lambda c: c.video("vp9", "webm"), _H264),
    "a browser's recording": (Clips.recorder_webm, _H264),
    "a browser's MP4": (Clips.recorder_mp4, _H264),
    "turned pictures": (Clips.rotated, _H264),
    "4:2:2": (Clips.chroma_422, _H264),
    "an odd size": (Clips.odd_size, _H264),
    "pixels of 4:3": (Clips.anamorphic, _H264),
    "pixels of 4:3, as the stream alone says": (Clips.anamorphic_stream, _H264),
    "a second of five pictures": (lambda c: c.conforming(seconds=10, rate="1/2"), _H264),
}


@pytest.mark.parametrize("name", MADE)
def test_nothing_is_found_in_what_is_made(clips: Clips, tmp_path: Path, name: str) -> None:
    source, syntax = MADE[name]
    one = prepare(source(clips), tmp_path)
    assert one.plan.transfer_syntax == syntax
    judged = command_check.judge(one.write(tmp_path / "object.dcm"))
    assert judged.unreadable == ""
    assert _grave(judged.findings) == []


def _grave(findings: tuple[Finding, ...]) -> list[Finding]:
    return [one for one in findings if one.severity is not Severity.NOTE]


def _fragmented(data: bytes) -> bytes:
    return pixel_data([data[:5000], data[5000:9000], data[9000:]])


def _whole(data: bytes) -> bytes:
    return pixel_data([data])


def _stereo(dataset: Dataset) -> None:
    dataset.StereoPairsPresent = "YES"


OF_OTHERS: dict[str, tuple[Callable[[Clips], Path], str, Change, Callable[[bytes], bytes]]] = {
    "a transport stream": (lambda c: c.video("h264", "ts"), _H264, _as_it_is, _whole),
    "a fragmentable twin": (Clips.conforming, f"{_H264}.1", _as_it_is, _fragmented),
    "H.265 in fragments": (lambda c: c.encoded("front-hevc.mp4", "-movflags +faststart", codec="hevc"), _HEVC,
                           _as_it_is, _fragmented),
    "Blu-ray": (lambda c: c.conforming(seconds=0.2, rate="50", size="1280x720"), syntaxes.H264_BD, _as_it_is, _whole),
    "3D": (views.packed, syntaxes.H264_3D, _stereo, _whole),
    "a vector of times": (Clips.conforming, _H264, _pointer(0, *([33.367] * 29)), _whole),
    "MPEG-2 in MP4": (lambda c: c.encoded("front-mpeg2.mp4", "-movflags +faststart", codec="mpeg2",
        source=picture_source(size="720x576", rate="25")), syntaxes.MPEG2_MAIN, _as_it_is, _whole),
    "with sound that is announced": (_sounding, _H264, _DECLARED, _whole),
    "Secondary Capture": (Clips.conforming, _H264, _both(
        _class("7.4"), _set(ConversionType="DV", BurnedInAnnotation="NO"), _without("Modality")), _whole),
    "ultrasound": (Clips.conforming, _H264, _both(_class("3.1"), _set(Modality="US")), _whole),
}  # fmt: skip


@pytest.mark.parametrize("name", OF_OTHERS)
def test_nothing_is_found_in_what_others_may_write(clips: Clips, tmp_path: Path, name: str) -> None:
    made, syntax, change, laid_out = OF_OTHERS[name]
    path = made(clips)
    dataset = described(path, syntax)
    change(dataset)
    target = tmp_path / "object.dcm"
    target.write_bytes(header(dataset) + laid_out(even(path.read_bytes())))
    judged = command_check.judge(target)
    assert judged.unreadable == ""
    assert _grave(judged.findings) == []


def test_a_total_length_without_the_pad_byte(clips: Clips, tmp_path: Path) -> None:
    path = clips.odd_length()
    dataset = described(path)
    dataset.EncapsulatedPixelDataValueTotalLength = path.stat().st_size
    assert _codes(tmp_path / "object.dcm", header(dataset) + _whole(even(path.read_bytes()))) == []
