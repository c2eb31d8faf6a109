"""The corpus: codec × container × rate × size × sound × defect, as data. No clip is committed: each is made."""

from __future__ import annotations

from functools import partial

import views
from clips import MATRIX, Clips
from corpus import real, reworked
from corpus.case import REMUX, TRANSCODE, WRAP, Case, Make, encoded, refused, taken
from orthanc_video.dicom.syntaxes import H264_BD, H264_HIGH_42, MPEG2_HIGH
from orthanc_video.model import Action, Rational, Wishes

_FAST = "-movflags +faststart"
_HVC1 = "-movflags +faststart -tag:v hvc1"
_SHORT = 0.4  # seconds, of what is large or slow
_PASSED = {"h264": 102, "hevc": 107, "mpeg2": 100}


def _half(codec: str, kind: str) -> Make:
    return lambda clips: clips.truncated(clips.video(codec, kind), 50)


def _carried(codec: str, kind: str) -> Case:
    """Of any codec in any container: what DICOM knows passes through, in a container that it knows."""
    make: Make = lambda clips: clips.video(codec, kind)  # noqa: E731
    if codec not in _PASSED:
        return taken(f"{codec} in {kind}", TRANSCODE, 102, make, "no transfer syntax")
    action = WRAP if codec == "mpeg2" and kind in {"mpg", "ts"} else REMUX
    return taken(f"{codec} in {kind}", action, _PASSED[codec], make)


def _h264(size: str, rate: str, action: Action, syntax: int, word: str = "", seconds: float = _SHORT) -> Case:
    file = f"{size}-{rate.replace('/', '_')}.mp4"
    make = encoded(file, _FAST, size=size, rate=rate, seconds=seconds)
    return taken(f"H.264, {size} at {rate}", action, syntax, make, word)


def _hevc(size: str, rate: str, action: Action, syntax: int, word: str = "") -> Case:
    make = encoded(f"{size}-{rate}.hevc.mp4", _HVC1, "hevc", size=size, rate=rate, seconds=0.12)
    return taken(f"H.265, {size} at {rate}", action, syntax, make, word)


def _mpeg2(size: str, rate: str, action: Action, syntax: int, word: str = "", more: str = "") -> Case:
    file = f"{size}-{rate.replace('/', '_')}{more.replace(' ', '').replace(':', '_')}.mpg"
    make = encoded(file, f"-maxrate 14M -bufsize 1835k {more}", "mpeg2", size=size, rate=rate, seconds=_SHORT)
    return taken(f"MPEG-2, {size} at {rate} {more}".strip(), action, syntax, make, word)


_SIZES = (
    *(_h264(size, "25", WRAP, 102) for size in ("48x32", "120x160", "158x118", "720x576")),
    *(_h264(size, "25", WRAP, 102) for size in ("1280x720", "768x1024")),
    _h264("1280x720", "60", WRAP, 102, seconds=0.2),
    *(_h264("1920x1080", rate, WRAP, 102, seconds=0.2) for rate in ("24000/1001", "30")),
    *(_h264("1920x1080", rate, WRAP, 104, seconds=0.1) for rate in ("50", "60000/1001")),
    _h264("1080x1920", "30", WRAP, 102, seconds=0.2),
    _h264("1920x1080", "120", TRANSCODE, 104, "scaled", seconds=0.05),
    _h264("2048x1536", "25", TRANSCODE, 102, "scaled", seconds=0.12),
    _h264("3840x2160", "30", TRANSCODE, 102, "scaled from 3840 × 2160", seconds=0.1),
    taken("VP9, 161x121", TRANSCODE, 102, Clips.odd_size, "padded to 162 × 122"),
    taken("H.264 4:4:4, 101x67", TRANSCODE, 102, encoded("odd.mkv", "-pix_fmt yuv444p", then="scale=101:67"), "padded"),
)
_RATES = (
    *(_h264("160x120", rate, WRAP, 102, seconds=0.5) for rate in ("25/2", "24000/1001", "24", "25")),
    *(_h264("160x120", rate, WRAP, 102, seconds=0.5) for rate in ("60000/1001", "60", "120", "240")),
    _h264("160x120", "1/2", WRAP, 102, seconds=4),
    _h264("160x120", "20", WRAP, 102, seconds=0.05),
)
_HEVC = (
    *(_hevc("1920x1080", rate, WRAP, 107) for rate in ("25", "50")),
    _hevc("3840x2160", "30", WRAP, 107),
    _hevc("158x118", "25", WRAP, 107),
    _hevc("160x120", "100", WRAP, 107),
    taken("H.265 Main 10", TRANSCODE, 102,
          encoded("main10.mp4", "-pix_fmt yuv420p10le", "hevc", seconds=_SHORT), "10 bits"),
    taken("H.265 4:2:2", TRANSCODE, 102, encoded("422.mkv", "-pix_fmt yuv422p10le", "hevc", seconds=_SHORT), "4:2:0"),
    taken("H.265, wide pixels", TRANSCODE, 102,
          encoded("sar.hevc.mp4", _HVC1, "hevc", seconds=_SHORT, then="setsar=4/3"), "4:3"),
    taken("H.265, too high a level", REMUX, 107,
          encoded("62.hevc.mp4", f"{_HVC1} -bsf:v hevc_metadata=level=186", "hevc"), "the label is corrected"),
    taken("H.265, open groups in TS", REMUX, 107,
          encoded("open.hevc.ts", "-x265-params log-level=none:open-gop=1:keyint=8:min-keyint=8", "hevc")),
    taken("H.265, byte stream", REMUX, 107, encoded("raw.h265", "", "hevc"), "becomes MP4"),
)  # fmt: skip
_MPEG2 = (
    _mpeg2("720x576", "25", WRAP, 100),
    _mpeg2("720x576", "25", WRAP, 100, more="-aspect 16:9"),
    _mpeg2("720x480", "30000/1001", WRAP, 100, more="-aspect 4:3"),
    _mpeg2("352x288", "25", WRAP, 100),
    _mpeg2("1280x720", "60000/1001", WRAP, 101, more="-aspect 16:9"),
    _mpeg2("1920x1080", "25", WRAP, 101, more="-aspect 16:9"),
    _mpeg2("1440x1080", "25", TRANSCODE, 102, "none of the formats", more="-aspect 16:9"),
    _mpeg2("320x240", "24", TRANSCODE, 102, "none of the formats"),
    taken("MPEG-2 4:2:2", TRANSCODE, 102, encoded("422.mpg", "-pix_fmt yuv422p", "mpeg2"), "4:2:0"),
    taken("MPEG-2, interlaced", WRAP, 100, Clips.interlaced_mpeg2),
    taken("MPEG-2, byte stream", WRAP, 100, encoded("raw.m2v", "-f mpeg2video", "mpeg2")),
    taken("MPEG-2 in MXF", REMUX, 100, encoded("xdcam.mxf", "", "mpeg2", rate="25", size="320x240"), "program stream"),
)
_PROFILES = (
    taken("H.264, level too low", REMUX, 102, encoded("intra.mp4", f"-g 1 {_FAST}"), "but needs 1.2"),
    *(taken(f"H.264, {about}", WRAP, 102, encoded(file, f"{coded} {_FAST}")) for about, file, coded in (
        ("Constrained Baseline", "cb.mp4", "-profile:v baseline"),
        ("Main", "main.mp4", "-profile:v main"),
        ("all key frames", "keys.mp4", "-g 1 -level 3"),
        ("no B frames", "nob.mp4", "-bf 0"),
        ("five B frames in a pyramid", "b5.mp4", "-bf 5 -x264-params b-adapt=0:b-pyramid=normal:ref=6"),
        ("open groups", "open.mp4", "-g 8 -x264-params open-gop=1"),
        ("gradual refresh", "refresh.mp4", "-x264-params intra-refresh=1:keyint=15"),
        ("four slices", "slices.mp4", "-slices 4"),
    )),
    taken("H.264, level 5.1 claimed", REMUX, 102, Clips.relabelled, "the label is corrected"),
    taken("H.264, level 4.2 claimed", WRAP, 104, encoded("42.mp4", f"-level 4.2 {_FAST}")),
    taken("H.264 High 10", TRANSCODE, 102, Clips.ten_bit, "10 bits"),
    taken("H.264 4:2:2", TRANSCODE, 102, Clips.chroma_422, "4:2:0"),
    taken("H.264, grey", TRANSCODE, 102, encoded("grey.mp4", f"-pix_fmt gray {_FAST}"), "gray"),
    taken("H.264, BD formats asked for", WRAP, 103, encoded("bd.mp4", _FAST, size="1280x720", rate="24", seconds=0.2),
          wishes=Wishes(transfer_syntax=H264_BD)),
    taken("H.264, level 4.2 asked for", WRAP, 104, Clips.conforming, wishes=Wishes(transfer_syntax=H264_HIGH_42)),
)  # fmt: skip
_709 = "-colorspace bt709 -color_primaries bt709 -color_trc bt709"
_HDR = "-pix_fmt yuv420p10le -colorspace bt2020nc -color_primaries bt2020"
_PICTURES = (
    taken("BT.709", WRAP, 102, encoded("709.mp4", f"{_709} {_FAST}")),
    taken("full range", WRAP, 102, encoded("pc.mp4", f"-color_range pc {_FAST}")),
    *(taken(f"HDR, {kind}", TRANSCODE, 102, encoded(f"{transfer}.mkv", f"{_HDR} -color_trc {transfer}", "hevc",
            seconds=_SHORT), word) for kind, transfer, word in
      (("PQ", "smpte2084", "tone-mapped"), ("HLG", "arib-std-b67", "HLG"))),
    taken("pixels 4:3", TRANSCODE, 102, Clips.anamorphic, "4:3"),
    taken("pixels 16:11", TRANSCODE, 102, encoded("sar.mp4", _FAST, then="setsar=16/11"), "16:11"),
    taken("interlaced, top field first", WRAP, 102, Clips.interlaced),
    taken("interlaced, bottom field first", REMUX, 102,
          encoded("bff.ts", "-flags +ildct+ilme -x264-params bff=1", size="320x240", rate="25", then="setfield=bff")),
    *(taken(f"turned by {angle}", TRANSCODE, 102, partial(Clips.rotated, degrees=angle), "container turns")
      for angle in (90, 180, 270)),
    taken("mirrored", TRANSCODE, 102, lambda clips: clips.shown_by(-1, 0, 0, 1), "mirrored"),
    taken("another size half-way, MP4", TRANSCODE, 102, lambda clips: clips.changing("mp4"), "Half-way"),
    taken("another size half-way, TS", TRANSCODE, 102, lambda clips: clips.changing("ts"), "Half-way"),
    taken("side by side", WRAP, 105, views.packed),
    taken("top and bottom in TS", REMUX, 105, lambda clips: views.packed(clips, 4, "ts")),
    taken("side by side, 4:2:2", TRANSCODE, 105, lambda clips: views.packed(clips, 3, "mp4", "-pix_fmt yuv422p")),
    taken("two views", WRAP, 106, lambda clips: views.multiview(clips, "mp4")),
    taken("two views in TS", REMUX, 106, views.multiview),
)  # fmt: skip


def _camera(file: str, coded: str, word: str, **pictures: object) -> Case:
    return taken(file, TRANSCODE, 102, reworked.camera(file, coded, **pictures), word)


# What cameras, recorders and editors of the last twenty years write.
_CAMERAS = (
    _camera("dv.avi", "dvvideo -pix_fmt yuv420p", "50 moments", size="720x576", then="setfield=bff"),
    _camera("prores.mov", "prores_ks -pix_fmt yuv422p10le", "prores"),
    _camera("dnxhr.mxf", "dnxhd -profile:v dnxhr_sq -pix_fmt yuv422p", "dnxhd", size="320x240"),
    _camera("cinepak.avi", "cinepak", "cinepak"),
    _camera("h263.3gp", "h263", "h263", size="352x288"),
    _camera("flash.flv", "flv", "flv1"),
    _camera("wmv2.wmv", "wmv2", "wmv2"),
    _camera("theora.ogv", "libtheora -q:v 7", "theora"),
    _camera("ffv1.mkv", "ffv1 -pix_fmt yuv422p10le", "10 bits"),
    _camera("huffyuv.avi", "huffyuv -pix_fmt rgb24", "Red, green and blue"),
    _camera("real.rm", "rv10", "rv10", size="176x144"),
    taken("avchd.m2ts", REMUX, 102, encoded("avchd.m2ts", "-mpegts_m2ts_mode 1"), "mpegts"),
    taken("raw.h264", REMUX, 102, encoded("raw.h264"), "becomes MP4"),
)
_EVEN = Wishes(constant_rate=Rational(30000, 1001))
_TIMES = (
    taken("varying rate", WRAP, 102, Clips.variable_rate, "FrameTimeVector"),
    taken("varying rate, made constant", TRANSCODE, 102, Clips.variable_rate, "A constant rate", wishes=_EVEN),
    taken("constant rate that is there", WRAP, 102, Clips.conforming, wishes=_EVEN),
    taken("MediaRecorder's WebM", TRANSCODE, 102, Clips.recorder_webm, "FrameTimeVector"),
    taken("MediaRecorder's MP4", REMUX, 102, Clips.recorder_mp4, "fragmented"),
    taken("fragmented", REMUX, 102, Clips.fragmented, "fragmented"),
    taken("cut by its edit list", TRANSCODE, 102, Clips.cut_by_edits, "edit list"),
    taken("begins after 3 s", REMUX, 102, reworked.copied("late.mp4", _FAST, before="-itsoffset 3"), "lets time pass"),
    taken("begins after 3 s in MKV", REMUX, 102, reworked.copied("late.mkv", "", before="-itsoffset 3")),
    taken("begins after a day in TS", REMUX, 102, reworked.copied("day.ts", "-output_ts_offset 86400")),
    taken("an odd number of bytes", WRAP, 102, Clips.odd_length),
)
_KEEP = Wishes(audio="keep")


def _heard(file: str, pictures: str, coded: str, rate: int, action: Action, *, kept: bool = True) -> Case:
    front = _FAST if file.endswith("mp4") else ""
    make = encoded(file, f"-c:a {coded} {front}", pictures, seconds=0.6, rate="25", sound=f"sine=r={rate}:d=0.6")
    name, word, wishes = (f"{file}, kept", "", _KEEP) if kept else (f"{file}, left out", "is left out", Wishes())
    return taken(name, action, _PASSED.get(pictures, 102), make, word, wishes=wishes)


_SOUNDS = (
    _heard("aac-stereo.mp4", "h264", "aac -ac 2", 48000, WRAP),
    _heard("aac-stereo.mp4", "h264", "aac -ac 2", 48000, REMUX, kept=False),
    _heard("aac-51.mp4", "h264", "aac -ac 6", 48000, WRAP),
    _heard("mp3.mp4", "h264", "libmp3lame -ac 2 -b:a 192k", 44100, WRAP),
    _heard("aac-mono.mp4", "h264", "aac -ac 1", 44100, REMUX),
    _heard("opus.mkv", "h264", "libopus", 48000, REMUX),
    _heard("flac.mkv", "h264", "flac", 44100, REMUX),
    _heard("ac3.ts", "h264", "ac3 -ac 2", 48000, REMUX),
    _heard("ac3.ts", "h264", "ac3 -ac 2", 48000, REMUX, kept=False),
    _heard("pcm.mov", "h264", "pcm_s16le -ac 2", 48000, REMUX),
    _heard("aac-hevc.mkv", "hevc", "aac -ac 1", 48000, REMUX),
    _heard("mp2.mpg", "mpeg2", "mp2 -ac 2", 48000, REMUX),
    _heard("mp2.mpg", "mpeg2", "mp2 -ac 2", 48000, REMUX, kept=False),
    _heard("opus.webm", "vp8", "libopus", 48000, TRANSCODE),
    _heard("opus.webm", "vp8", "libopus", 48000, TRANSCODE, kept=False),
    _heard("pcm.avi", "mjpeg", "pcm_s16le", 22050, TRANSCODE),
)
# H.264's open groups: a P frame lets go of a frame that is missing. The pictures are the same (their MD5 shows it).
_UNREF = "mmco: unref short failure"
_DEFECTS = (
    *(taken(f"{codec} in {kind} without its first 3 frames", REMUX, _PASSED[codec],
            reworked.beheaded(codec, kind, 3), "cannot be decoded", leading=True, complaint=_UNREF * (codec == "h264"))
      for codec in _PASSED for kind in ("ts", "mkv")),
    taken("TS that breaks off", REMUX, 102, lambda clips: clips.truncated(clips.video("h264", "ts"), 60),
          complaint="error while decoding MB .*"),
    taken("WebM that breaks off", TRANSCODE, 102, lambda clips: clips.truncated(clips.recorder_webm(), 50)),
    taken("parameter sets among the pictures", REMUX, 102, lambda clips: views.in_band(clips, emptied=False), "avc3"),
    taken("no parameter sets in the index", REMUX, 102, lambda clips: views.in_band(clips, emptied=True), "avc3"),
    taken("title and place", REMUX, 102, reworked.copied("told.mp4", f"-metadata title=Doe -metadata location=+48+011/ "
                                                         f"{_FAST}"), "tells more than the pictures"),
    taken("user data", REMUX, 102, reworked.noted, "user data"),
    taken("two videos", REMUX, 102, reworked.two_videos, "another video of 80 × 60"),
    taken("subtitles and a time code", REMUX, 102, reworked.subtitled, "2 other stream(s)"),
)  # fmt: skip
_REAL = (
    taken("ultrasound in AVI", TRANSCODE, 102, real.ultrasound_avi, "mjpeg"),
    taken("ultrasound in MP4", WRAP, 102, real.ultrasound_mp4),
    taken("echocardiogram in MOV", TRANSCODE, 102, real.echo_mov, "mjpeg"),
    taken("echocardiogram, H.265", REMUX, 107, real.echo_hevc),
)
_LYING = tuple(refused(f"noise that begins like {kind}", "damaged|decoded|truncated|frames|picture",
                       partial(Clips.lying, container=kind))
               for kind in ("mp4", "mkv", "avi", "mpg"))  # fmt: skip
_REFUSED = (
    refused("text", "The file is a text, not a video", Clips.text),
    refused("PDF", "The file is a PDF document, not a video", Clips.pdf),
    refused("JPEG", "The file is a JPEG image, not a video", Clips.jpeg),
    refused("MP3", "MP3", Clips.mp3),
    refused("sound in MP4", "sound only", Clips.sound_only),
    refused("nothing", "The file is empty", reworked.empty),
    refused("no frames in MP4", "no frames", lambda clips: clips.zero_frames("mp4")),
    *(refused(f"no frames in {kind}", "matroska but cannot be read", partial(Clips.zero_frames, container=kind))
      for kind in ("webm", "mkv")),
    refused("no samples", "no frames", Clips.zero_samples),
    *(refused(f"{kind} cut off", "truncated", _half(codec, kind))
      for codec, kind in (("h264", "mp4"), ("mjpeg", "mov"), ("mpeg4", "avi"))),
    refused("an index longer than the file", "truncated", Clips.moov_beyond),
    refused("a header of 100,000 × 100,000", "100000 × 100000", Clips.huge_header),
    refused("a parameter set of 100,000 × 100,000", "larger than|pixels|decoded", Clips.huge_parameter_set),
    refused("20,000 pixels wide", "20000 × 32", Clips.too_wide),
    refused("encrypted", "The video is encrypted", Clips.encrypted),
    refused("noise for pictures", "No picture can be decoded", Clips.noise_for_pictures),
    *_LYING,
    refused("no key frame", "no key frame|decoded", reworked.keyless),
    refused("MPEG-2 asked of H.264", "TransferSyntax asks for MPEG2", Clips.conforming,
            wishes=Wishes(transfer_syntax=MPEG2_HIGH)),
)  # fmt: skip

CASES: dict[str, Case] = {
    case.name: case
    for case in (
        *(_carried(codec, kind) for codec, kind in MATRIX),
        *_SIZES, *_RATES, *_HEVC, *_MPEG2, *_PROFILES, *_PICTURES, *_CAMERAS, *_TIMES, *_SOUNDS, *_DEFECTS, *_REAL,
        *_REFUSED,
    )
}  # fmt: skip
CONVERTED = {name: case for name, case in CASES.items() if not case.refused}
REFUSED = {name: case for name, case in CASES.items() if case.refused}
