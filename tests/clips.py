"""Every clip that tests use: made by ffmpeg on first use, once per session, none committed.

Pictures are testsrc2's: no two frames are equal, so a lost, doubled or displaced frame shows.
"""

from __future__ import annotations

import itertools
import os
import re
import struct
import subprocess
from pathlib import Path

NTSC = "30000/1001"

_ENCODERS = {
    "h264": "libx264 -preset veryfast -pix_fmt yuv420p",
    "hevc": "libx265 -preset ultrafast -pix_fmt yuv420p -x265-params log-level=none",
    "mpeg2": "mpeg2video -q:v 2 -pix_fmt yuv420p",
    "mpeg4": "mpeg4 -q:v 2 -pix_fmt yuv420p",
    "vp8": "libvpx -deadline realtime -cpu-used 8 -b:v 2M -pix_fmt yuv420p",
    "vp9": "libvpx-vp9 -deadline realtime -cpu-used 8 -b:v 2M -pix_fmt yuv420p",
    "av1": "libsvtav1 -preset 12 -pix_fmt yuv420p",
    "mjpeg": "mjpeg -q:v 2 -pix_fmt yuvj420p",
    "raw": "rawvideo -pix_fmt yuv420p",
}

# Which codecs each container carries in practice (and in FFmpeg); the container is named by its file name's end.
CARRIED: dict[str, tuple[str, ...]] = {
    "mp4": ("h264", "hevc", "mpeg2", "mpeg4", "vp9", "av1", "mjpeg"),
    "webm": ("vp8", "vp9", "av1"),
    "mov": ("h264", "hevc", "mpeg2", "mpeg4", "mjpeg"),
    "avi": ("h264", "mpeg2", "mpeg4", "vp8", "vp9", "av1", "mjpeg"),
    "mkv": ("h264", "hevc", "mpeg2", "mpeg4", "vp8", "vp9", "av1", "mjpeg"),
    "mpg": ("h264", "hevc", "mpeg2", "mpeg4"),
    "ts": ("h264", "hevc", "mpeg2", "mpeg4"),
}
MATRIX: tuple[tuple[str, str], ...] = tuple((codec, kind) for kind, codecs in CARRIED.items() for codec in codecs)

_KEY = "ab" * 16


class Clips:
    """Clips by what is special about them; each is made when it is first asked for. Callers must not write to them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._recipes: dict[str, tuple[str, str, str, str, bool]] = {}

    def encoded(
        self,
        name: str,
        arguments: str = "",
        *,
        codec: str = "h264",
        source: str = "",
        sound: str = "",
        gaps: bool = False,
    ) -> Path:
        """Any clip: ``source`` and ``sound`` are lavfi graphs; ``gaps`` leaves out every seventh frame."""
        path, recipe = self._folder / name, (arguments, codec, source, sound, gaps)
        assert self._recipes.setdefault(name, recipe) == recipe, f"two clips are called {name}"
        if not path.exists():
            inputs = ["-f", "lavfi", "-i", source or picture_source(), *(["-f", "lavfi", "-i", sound] if sound else [])]
            encoder = ["-threads", "1", "-c:v", *_ENCODERS[codec].split()]
            ffmpeg(*inputs, *encoder, *arguments.split(), *(_GAPS if gaps else ()), path)
        return path

    def _copied(self, name: str, source: Path, arguments: str, before: str = "") -> Path:
        path = self._folder / name
        if not path.exists():
            ffmpeg(*before.split(), "-i", source, "-c", "copy", *arguments.split(), path)
        return path

    def _written(self, name: str, data: bytes) -> Path:
        path = self._folder / name
        if not path.exists():
            path.write_bytes(data)
        return path

    # Every codec in every container that carries it.

    def video(self, codec: str, container: str) -> Path:
        """One second at 29.97 frames/s, 160 × 120."""
        return self.encoded(f"{codec}.{container}", codec=codec)

    # H.264 that may stay as it is, well laid out or not.

    def conforming(self, *, seconds: float = 1.0, rate: str = NTSC, size: str = "160x120") -> Path:
        """An MP4 that needs nothing: High profile, 4:2:0, index in front, no sound."""
        name = f"conforming-{seconds}-{rate.replace('/', '_')}-{size}.mp4"
        return self.encoded(name, "-movflags +faststart", source=picture_source(seconds=seconds, rate=rate, size=size))

    def odd_length(self) -> Path:
        """A conforming MP4 of an odd number of bytes."""
        data = self.conforming().read_bytes()
        return self._written("odd-length.mp4", data + _box(b"free", bytes(1 - len(data) % 2)))

    def index_at_end(self) -> Path:
        return self.video("h264", "mp4")

    def fragmented(self) -> Path:
        return self.encoded("fragmented.mp4", "-g 10 -movflags frag_keyframe+empty_moov")

    def with_sound(self) -> Path:
        """AAC, 44.1 kHz, mono."""
        return self.encoded("sound.mp4", "-ac 1 -c:a aac -movflags +faststart", sound="sine=r=44100:d=1")

    def relabelled(self) -> Path:
        """Claims level 5.1, needs 1.1."""
        return self.encoded("level-51.mp4", "-level 5.1 -movflags +faststart")

    def variable_rate(self) -> Path:
        """26 frames of 30: every seventh is missing from the fourth on; the last one is there."""
        return self.encoded("variable.mp4", "-movflags +faststart", gaps=True)

    def interlaced(self) -> Path:
        """Top field first, 25 frames/s."""
        source = picture_source(rate="25", size="320x240", then="setfield=tff")
        return self.encoded(
            "interlaced.mp4", "-flags +ildct+ilme -x264-params tff=1 -movflags +faststart", source=source
        )

    # What a browser's MediaRecorder writes: no duration, no index, variable rate, sound.

    def recorder_webm(self) -> Path:
        """VP8 and Opus in a live WebM: sizes unknown, no cues, 26 frames in a second."""
        return self.encoded("recorder.webm", "-c:a libopus -live 1", codec="vp8", sound="sine=r=48000:d=1", gaps=True)

    def recorder_mp4(self) -> Path:
        """H.264 and AAC in a fragmented MP4, 26 frames in a second."""
        fragments = "-c:a aac -g 10 -movflags frag_keyframe+empty_moov"
        return self.encoded("recorder.mp4", fragments, sound="sine=r=48000:d=1", gaps=True)

    # H.264 whose pictures cannot stay as they are.

    def rotated(self, degrees: int = 90) -> Path:
        """To be turned clockwise by ``degrees`` for showing, as phones record."""
        return self._copied(f"rotated-{degrees}.mp4", self.conforming(), f"-metadata:s:v:0 rotate={degrees}")

    def shown_by(self, a: float, b: float, c: float, d: float) -> Path:
        """With that matrix for showing it (ISO/IEC 14496-12 6.2.2)."""
        data = bytearray(self.conforming().read_bytes())
        for at, value in zip((44, 48, 56, 60), (a, b, c, d), strict=True):
            _patch(data, b"tkhd", at, round(value * 65536).to_bytes(4, signed=True))
        return self._written(f"shown-by-{a:g}-{b:g}-{c:g}-{d:g}.mp4", bytes(data))

    def anamorphic(self) -> Path:
        """Pixels 4:3."""
        return self.encoded("anamorphic.mp4", "-movflags +faststart", source=picture_source(then="setsar=4/3"))

    def m2ts(self) -> Path:
        """A transport stream of cameras and Blu-ray: a time before each packet."""
        return self._copied("blu.m2ts", self.video("h264", "ts"), "-f mpegts -mpegts_m2ts_mode 1")

    def anamorphic_stream(self, codec: str = "h264") -> Path:
        """Pixels 4:3 as the stream says it, square as the container does."""
        square = self.encoded(f"square-{codec}.mp4", codec=codec)
        told = f"-bsf:v {codec}_metadata=sample_aspect_ratio=4/3 -movflags +faststart"
        return self._copied(f"anamorphic-stream-{codec}.mp4", square, told)

    def chroma_422(self) -> Path:
        return self.encoded("chroma-422.mp4", "-pix_fmt yuv422p -movflags +faststart")

    def ten_bit(self) -> Path:
        return self.encoded("ten-bit.mp4", "-pix_fmt yuv420p10le -movflags +faststart")

    def odd_size(self) -> Path:
        """161 × 121 pixels in VP9."""
        return self.encoded("odd-size.webm", codec="vp9", source=picture_source(then="scale=161:121"))

    def cut_by_edits(self) -> Path:
        """Its edit list begins 0.4 s into the stream, as phones' and editors' cuts without re-encoding do."""
        return self._copied("cut.mp4", self.conforming(), "", before="-ss 0.4")

    def film_mpeg2(self, kind: str) -> Path:
        """24 frames of a film for 60 fields a second: each other frame shows its first field again (pulldown)."""
        source = picture_source(size="720x480", seconds=0.8)
        data = bytearray(self.encoded("film-plain.m2v", "-bf 0", codec="mpeg2", source=source).read_bytes())
        data[data.index(b"\0\0\1\xb5\x14") + 5] &= ~0x08  # progressive_sequence
        frames = [found.end() for found in re.finditer(rb"\x00\x00\x01\xb5[\x80-\x8f]", data)]
        for at, flags in zip(frames, itertools.cycle((0x82, 0x00, 0x02, 0x80))):  # top_field_first, repeat_first_field
            data[at + 2] = data[at + 2] & ~0x82 | flags
        return self._copied(f"film.{kind}", self._written("film.m2v", bytes(data)), "")

    def interlaced_mpeg2(self) -> Path:
        source = picture_source(rate="25", size="320x240", then="setfield=tff")
        return self.encoded("interlaced.mpg", "-flags +ildct+ilme", codec="mpeg2", source=source)

    def changing(self, kind: str, codec: str = "h264", second: str = "120x160") -> Path:
        """Pictures of 160 × 120, then of another size, as of a phone that is turned; both begin with a key frame."""
        raw = {"h264": "h264", "hevc": "hevc", "mpeg2": "m2v", "vp8": "ivf"}[codec]
        path = self._folder / f"changing-{codec}-{second}.{kind}"
        if not path.exists():
            parts = [
                self.encoded(f"part-{size}.{raw}", "-bf 0 -g 15", codec=codec, source=picture_source(size=size))
                for size in ("160x120", second)
            ]
            if codec == "vp8":
                joined = "".join(f"file 'file:{part}'\n" for part in parts).encode()
                listed = ["-f", "concat", "-safe", "0"]
                whole = self._written(f"changing-{second}.txt", joined)
            else:
                listed = ["-fflags", "+genpts", "-r", NTSC]
                whole = self._written(f"changing-{second}.{raw}", b"".join(part.read_bytes() for part in parts))
            fragmented = ["-movflags", "+empty_moov", "-f", "mp4"] if kind == "fmp4" else []
            ffmpeg(*listed, "-i", whole, "-c", "copy", *fragmented, path)
        return path

    def starts_black(self) -> Path:
        """Two seconds, a key frame every half: the first of them black, then pictures."""
        black = "drawbox=c=black:t=fill:enable='lt(t,1)'"
        source = picture_source(seconds=2, rate="20", size="320x240", then=black)
        return self.encoded("black.mp4", "-g 10 -movflags +faststart", source=source)

    # What is no video.

    def text(self) -> Path:
        return self._written("text.mp4", "Ein Bericht über nichts.\n".encode() * 50)

    def pdf(self) -> Path:
        return self._written("document.mp4", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n" + bytes(500))

    def jpeg(self) -> Path:
        return self.encoded("still.jpg", "-frames:v 1 -update 1", codec="mjpeg")

    def sound_only(self) -> Path:
        path = self._folder / "sound.m4a"
        if not path.exists():
            ffmpeg("-f", "lavfi", "-i", "sine=r=48000:d=1", "-c:a", "aac", path)
        return path

    def mp3(self) -> Path:
        path = self._folder / "sound.mp3"
        if not path.exists():
            ffmpeg("-f", "lavfi", "-i", "sine=r=48000:d=1", path)
        return path

    # Videos that cannot be converted.

    def zero_frames(self, container: str) -> Path:
        """What recorders leave behind that never got a picture."""
        return self.encoded(f"zero.{container}", "-frames:v 0", codec="vp8" if container == "webm" else "h264")

    def zero_samples(self) -> Path:
        """An MP4 whose video track is complete but for frames."""
        path = self._folder / "zero-samples.mp4"
        if not path.exists():
            data = bytearray(self.conforming().read_bytes())
            for kind in (b"stts", b"ctts", b"stsc", b"stco", b"stss"):
                _patch(data, kind, 8, bytes(4))
            _patch(data, b"stsz", 12, bytes(4))
            path.write_bytes(data)
        return path

    def truncated(self, whole: Path, percent: int) -> Path:
        data = whole.read_bytes()
        kept = len(data) - 1 if percent >= 100 else len(data) * percent // 100
        return self._written(f"truncated-{percent}-{whole.name}", data[:kept])

    def moov_beyond(self) -> Path:
        """The index says that it is longer than the file."""
        data = bytearray(self.conforming().read_bytes())
        at = data.index(b"moov") - 4
        data[at : at + 4] = struct.pack(">I", len(data) * 2)
        return self._written("moov-beyond.mp4", bytes(data))

    def huge_header(self) -> Path:
        """Its header claims pictures of 100,000 × 100,000 pixels."""
        data = bytearray(self.encoded("raw.avi", codec="raw", source=picture_source(seconds=0.2)).read_bytes())
        _patch(data, b"strf", 12, struct.pack("<II", 100_000, 100_000))
        return self._written("huge.avi", bytes(data))

    def huge_parameter_set(self) -> Path:
        """Its H.264 sequence parameter set claims pictures of 100,000 × 100,000 pixels."""
        data = bytearray(self.conforming().read_bytes())
        begin = data.index(b"avcC") + 12  # after version, profile, level, sizes and the set's own length
        bits = "1" + "1" + "1" + "1" + _ue(1) + "0" + _ue(6249) + _ue(6249) + "1" + "1" + "0" + "0" + "1"
        packed = int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8))
        data[begin : begin + 4 + len(packed)] = bytes([0x67, 66, 0, 51]) + packed
        return self._written("huge-sps.mp4", bytes(data))

    def too_wide(self) -> Path:
        """Really 20,000 pixels wide."""
        return self.encoded("wide.avi", codec="mjpeg", source=picture_source(seconds=0.04, rate="25", size="20000x32"))

    def encrypted(self) -> Path:
        return self.encoded(
            "encrypted.mp4", f"-encryption_scheme cenc-aes-ctr -encryption_key {_KEY} -encryption_kid {_KEY}"
        )

    def lying(self, container: str) -> Path:
        """Begins like this container; noise follows."""
        head = {
            "mp4": _box(b"ftyp", b"isom\x00\x00\x02\x00isomiso2avc1mp41"),
            "mkv": bytes.fromhex("1a45dfa3"),
            "avi": b"RIFF" + struct.pack("<I", 50_000) + b"AVI LIST",
            "mpg": bytes.fromhex("000001ba"),
        }[container]
        return self._written(f"lying.{container}", (head + _noise(60_000))[:50_008])

    def noise_for_pictures(self) -> Path:
        """A good index over frames that are noise."""
        data = bytearray(self.conforming().read_bytes())
        begin = data.index(b"mdat") + 4
        data[begin:] = _noise(len(data) - begin)
        return self._written("noise.mp4", bytes(data))

    # Long ones.

    def long_gap(self, size: int) -> Path:
        """A conforming MP4 of ``size`` bytes, nearly all of them a hole on disk: cheap to make and to keep."""
        path = self._folder / f"gap-{size}.mp4"
        if not path.exists():
            data = self.conforming().read_bytes()
            with path.open("wb") as file:
                file.write(data + struct.pack(">I4sQ", 1, b"free", size - len(data)))
                file.truncate(size)
        return path


_GAPS = ("-vf", "select='not(eq(mod(n,7),3))'", "-fps_mode", "vfr")


def picture_source(*, seconds: float = 1.0, rate: str = NTSC, size: str = "160x120", then: str = "") -> str:
    """A lavfi graph whose frames all differ."""
    return f"testsrc2=s={size}:r={rate}:d={seconds}" + (f",{then}" if then else "")


def ffmpeg(*arguments: str | Path) -> None:
    """Runs ffmpeg; the last argument is the file to write, which appears only when it is whole."""
    *before, target = arguments
    partial = Path(target).with_name(f"partial-{os.getpid()}-{Path(target).name}")
    command = ["ffmpeg", "-hide_banner", "-loglevel", "error", "-nostdin", "-y", *map(str, before), str(partial)]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=120)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stderr}"
    partial.replace(target)


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


def _patch(data: bytearray, kind: bytes, at: int, value: bytes) -> None:
    """Overwrites what lies ``at`` bytes after where the box or chunk named ``kind`` begins its name."""
    begin = data.find(kind)
    if begin >= 0:
        data[begin + at : begin + at + len(value)] = value


def _ue(value: int) -> str:
    """An Exp-Golomb code (H.264 9.1) as bits."""
    bits = f"{value + 1:b}"
    return "0" * (len(bits) - 1) + bits


def _noise(length: int) -> bytes:
    """The same noise every time (a xorshift generator)."""
    state, words = 0x9E3779B9, bytearray()
    while len(words) < length:
        state ^= (state << 13) & 0xFFFFFFFF
        state ^= state >> 17
        state ^= (state << 5) & 0xFFFFFFFF
        words += struct.pack("<I", state)
    return bytes(words[:length])
