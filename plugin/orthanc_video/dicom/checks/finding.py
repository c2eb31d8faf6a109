"""What ``check`` says: each kind of finding once, with how grave it is, the section it is about, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """``error``: the object contradicts the standard or itself. ``warning``: it may, yet players or archives stumble.
    ``note``: worth knowing."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """``code`` is a word that stays the same for programs; ``section`` a place in a standard; ``advice`` what to do.

    The sentence quotes numbers and names of the standard, never a free text or an identifier of the object.
    """

    severity: Severity
    code: str
    sentence: str
    section: str
    advice: str

    def json(self) -> dict[str, Any]:
        """As the HTTP interface and ``--json`` show it."""
        return {
            "Severity": str(self.severity),
            "Code": self.code,
            "Sentence": self.sentence,
            "Section": self.section,
            "Advice": self.advice,
        }


@dataclass(frozen=True, slots=True)
class Kind:
    """What all findings of one code share; a finding may name a section of its own."""

    severity: Severity
    section: str
    advice: str


_E, _W, _N = Severity.ERROR, Severity.WARNING, Severity.NOTE
_WRITE = "Write the attribute as the stream has it."
_REMUX = (
    "Convert the stream again, or repack it as an MP4 with its index in front (ffmpeg -c copy -movflags +faststart)."
)
_RECODE = "Name the transfer syntax that the stream is, or transcode the stream to this one."
_ENCAPSULATE = "Write Pixel Data again: one empty Basic Offset Table, then the stream."

_CLEAN = "Convert the stream again: what lies beside pictures and sound is left out."

KINDS: dict[str, Kind] = {
    # File meta information and identifiers.
    "meta-missing": Kind(_E, "PS3.10 7.1", "Write the whole File Meta Information."),
    "meta-class": Kind(_E, "PS3.10 7.1", "Copy SOPClassUID to the File Meta Information."),
    "meta-instance": Kind(_E, "PS3.10 7.1", "Copy SOPInstanceUID to the File Meta Information."),
    "uid-illegal": Kind(_E, "PS3.5 9.1", "Give it a UID of numbers without leading zeros, at most 64 characters long."),
    "uid-shared": Kind(_E, "PS3.5 9", "Give study, series and instance a UID each."),
    "encoding": Kind(_E, "PS3.5 A.4", "Write the data set in Explicit VR Little Endian."),
    "transfer-syntax": Kind(_E, "PS3.5 8.2", "Name the transfer syntax that the stream is."),
    # The class and its attributes.
    "class-unknown": Kind(_E, "PS3.4 B.5", "Use a class for films, such as Video Photographic Image Storage."),
    "class-single": Kind(_E, "PS3.4 B.5", "Use the class for films: Video Endoscopic, Microscopic or Photographic."),
    "class-syntax": Kind(_W, "PS3.3 C.8.12.1", "Use a transfer syntax of 8 bits, such as HEVC Main Profile."),
    "modality": Kind(_E, "PS3.3 A.32", "Write the modality that the SOP class demands."),
    "attribute-missing": Kind(_E, "PS3.5 7.4", "Add the attribute."),
    "attribute-empty": Kind(_E, "PS3.5 7.4.1", "Give the attribute a value."),
    "attribute-value": Kind(_E, "PS3.3", "Write one of the values that the standard lists."),
    "attribute-forbidden": Kind(_E, "PS3.3 A.32.5.3", "Remove the attribute."),
    "number-too-long": Kind(_W, "PS3.5 6.2", "Round the number to 16 characters."),
    "laterality": Kind(_W, "PS3.3 C.7.3.1", "Add ImageLaterality, empty where it is unknown."),
    "samples": Kind(_E, "PS3.5 8.2", "Write 3."),
    "photometric": Kind(_E, "PS3.5 8.2", "Write YBR_PARTIAL_420."),
    "planar": Kind(_E, "PS3.5 8.2", "Write 0."),
    "bits": Kind(_E, "PS3.5 8.2", "Write the depth that the transfer syntax demands."),
    "frame-increment-pointer": Kind(
        _E, "PS3.3 C.7.6.6.1.1", "Let it name FrameTime or FrameTimeVector, and give that a value."
    ),
    "frame-time-vector": Kind(_E, "PS3.3 C.7.6.5.1.2", "Write one value for each frame, the first being 0."),
    "trim": Kind(_E, "PS3.3 C.7.6.5", "Let StartTrim and StopTrim name frames of the film, in this order."),
    "lossy-flag": Kind(_E, "PS3.3 C.7.6.1.1.5", "Write 01: all video coding is lossy."),
    "lossy-ratio": Kind(_W, "PS3.3 C.7.6.1.1.5.2", "Write the uncompressed size, divided by the stream's."),
    "lossy-method": Kind(_W, "PS3.3 C.7.6.1.1.5.1", "Write the transfer syntax's method last, one for each ratio."),
    "derivation": Kind(_W, "PS3.3 C.7.6.1.1.3", "Say how it was derived: Derivation Description and Code."),
    "stereo": Kind(_E, "PS3.5 8.2.8", "Name the transfer syntax that fits: .105 and .106 are stereo, the others not."),
    "stereo-plain": Kind(_W, "PS3.5 8.2.8", "Name .105 for two views in each picture, else say nothing of stereo."),
    "aspect-forbidden": Kind(_E, "PS3.5 8.2.7", "Remove PixelAspectRatio: the pixels have to be square."),
    # Pixel Data.
    "pixel-data": Kind(_E, "PS3.5 A.4", "Fetch the object again: it is damaged or cut off."),
    "pixel-data-vr": Kind(_E, "PS3.5 A.4", "Write Pixel Data with VR OB."),
    "not-encapsulated": Kind(_E, "PS3.5 A.4", _ENCAPSULATE),
    "fragments": Kind(_E, "PS3.5 8.2.5", "Join the fragments, or name the fragmentable twin of the transfer syntax."),
    "fragment-odd": Kind(_E, "PS3.5 A.4", "Pad the last fragment with one zero byte."),
    "fragment-empty": Kind(_W, "PS3.5 A.4", _ENCAPSULATE),
    "offset-table": Kind(_W, "PS3.5 8.2.5", "Leave the Basic Offset Table empty: fragments of a video are no frames."),
    "offset-table-extended": Kind(_E, "PS3.3 C.7.6.3.1.8", "Remove it: fragments of a video are no frames."),
    "padding": Kind(_W, "PS3.5 A.4", "Pad with one zero byte at most."),
    "total-length": Kind(_E, "PS3.3 C.7.6.6", "Write the stream's length without padding, or leave it out."),
    "frame-layout": Kind(_E, "PS3.5 A.4", "Write Pixel Data and NumberOfFrames again, as they belong together."),
    "cadence": Kind(_N, "PS3.3 C.7.6.5", "Add FrameTime, so that it plays at its true speed."),
    "picture": Kind(_E, "PS3.5 8.2", "Fetch the object again: its pictures are damaged."),
    "first-look": Kind(_W, "PS3.5 8.2", "Run orthanc-video check on the object: it says what to do."),
    # The container.
    "stream": Kind(_E, "PS3.5 8.2", "Fetch the object again, or convert its source again: no video was found in it."),
    "container": Kind(_E, "PS3.5 8.2.7", _REMUX),
    "quicktime": Kind(_E, "PS3.5 8.2.7", _REMUX),
    "mp4-fragmented": Kind(_W, "ISO/IEC 14496-12 8.8", _REMUX),
    "mp4-index": Kind(_W, "ISO/IEC 14496-12 8.2.1", _REMUX),
    "mp4-edits": Kind(_W, "ISO/IEC 14496-12 8.6.6", "Cut the stream itself: players differ in what they show."),
    "mp4-turned": Kind(_W, "ISO/IEC 14496-12 8.3.2", "Turn the pictures themselves: Rows and Columns cannot say it."),
    "other-videos": Kind(_W, "PS3.5 8.2", "Put each video into an object of its own."),
    "other-streams": Kind(_N, "PS3.5 8.2", "Remove what is neither pictures nor sound: it may tell whose they are."),
    "told-beside": Kind(_N, "PS3.15 E.1", _CLEAN),
    "user-data": Kind(_N, "PS3.15 E.1", _CLEAN),
    "sound-format": Kind(_E, "PS3.5 8.2.12", "Drop the sound, or convert it to AAC of 48 kHz, stereo or 5.1."),
    "sound-undeclared": Kind(_E, "PS3.3 C.7.6.5", "Describe the sound in (003A,0300), or drop it."),
    "sound-absent": Kind(_W, "PS3.3 C.7.6.5", "Remove (003A,0300): there is no sound."),
    # The bit stream.
    "codec": Kind(_E, "PS3.5 8.2", _RECODE),
    "profile": Kind(_E, "PS3.5 8.2", _RECODE),
    "level": Kind(_E, "PS3.5 8.2", _RECODE),
    "level-too-low": Kind(_W, "PS3.5 8.2", "Correct the level in the stream: decoders may refuse what exceeds it."),
    "sampling": Kind(_E, "PS3.5 8.2", _RECODE),
    "square": Kind(_E, "PS3.5 8.2", "Scale the pictures to square pixels."),
    "format": Kind(_E, "PS3.5 8.2", _RECODE),
    "first-frame": Kind(_W, "PS3.5 8.2", "Cut the stream at a key frame: it cannot be decoded from its beginning."),
    "hollow": Kind(
        _W, "PS3.3 C.7.6.6", "Convert the stream again, which leaves them out: readers may count them as frames."
    ),
    "disordered": Kind(
        _W, "PS3.5 8.2", "Convert the stream again: players that go by the times show its frames in the wrong order."
    ),
    "changing": Kind(_E, "PS3.5 8.2", "Cut the film where its pictures change: an object has one size and format."),
    "frame-count": Kind(_E, "PS3.3 C.7.6.6", _WRITE),
    "rows": Kind(_E, "PS3.3 C.7.6.3", _WRITE),
    "columns": Kind(_E, "PS3.3 C.7.6.3", _WRITE),
    "aspect": Kind(_E, "PS3.3 C.7.6.3.1.7", _WRITE),
    "frame-time": Kind(_E, "PS3.3 C.7.6.5", "Write 1000 divided by the frames per second, with all 16 characters."),
    "cine-rate": Kind(_E, "PS3.3 C.7.6.5", "Write the frames per second, rounded."),
    "display-rate": Kind(_N, "PS3.3 C.7.6.5", "Write the frames per second, rounded, unless another speed is meant."),
    "frame-duration": Kind(
        _W, "PS3.3 C.7.6.5", "Write the milliseconds that a frame takes, unless time was stretched."
    ),
    "duration": Kind(_W, "PS3.3 C.7.6.5", "Write the seconds that the film takes."),
    "varying-rate": Kind(_N, "PS3.3 C.7.6.5", "Go by the times in the stream."),
}


def finding(code: str, sentence: str, section: str = "") -> Finding:
    """``section`` where it is another than the kind's own."""
    kind = KINDS[code]
    return Finding(
        severity=kind.severity,
        code=code,
        sentence=sentence,
        section=section or kind.section,
        advice=kind.advice,
    )
