"""What was done to a film, in words that a person reads and this project finds again: Contribution Description.

The standard has no attribute for the likeness of a re-encoded film, nor for the hash of one that passed through. Both
are told where PS3.3 C.12.1 has equipment tell of its contribution, and what a re-encoding cost also in Derivation
Description (C.7.6.1.1.3).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from orthanc_video.model import Action, Counts, Demands, Figure, Made, Plan, Quality, Upload

_ST = 1024  # characters that a value of VR ST may have (PS3.5 6.2)
_LONGEST_NAME = 255  # characters: what is told after it has to fit, too
_HASH = r"[0-9a-f]{64}"
_FILE = "The stream is the source file, byte for byte."
_N = r"-?\d+(?:\.\d+)?"


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Of one object. ``sha256`` is the source file's, ``pictures`` that of the coded slices of source and result.

    ``part`` says which part of a long film the object is; empty where it is all of it.
    """

    action: str
    sha256: str
    reasons: str
    quality: Quality | None = None
    counts: Counts | None = None
    pictures: tuple[str, str] | None = None
    part: str = ""

    @property
    def is_file(self) -> bool:
        """Whether the stream is the source file itself."""
        return self.action == Action.WRAP and self.pictures is None

    @property
    def record(self) -> list[str]:
        """Sentences on what came of it."""
        return [
            *([_FILE] if self.is_file else []),
            *([of_pictures(*self.pictures)] if self.pictures else []),
            *([of_counts(self.counts)] if self.counts else []),
            *([of_quality(self.quality)] if self.quality else []),
        ]


def history_of(upload: Upload, plan: Plan, made: Made) -> History:
    pictures = (made.source_pictures or made.pictures, made.pictures) if made.pictures else None
    return History(
        action=plan.action,
        sha256=upload.sha256,
        reasons=" ".join(plan.reasons),
        quality=made.quality,
        counts=made.counts,
        pictures=pictures,
        part=_part(made),
    )


def _part(made: Made) -> str:
    if made.parts == 1:
        return ""
    last = made.first + made.video.frames
    return f"Part {made.part} of {made.parts}, frames {made.first + 1} to {last} of the film."


def contribution(upload: Upload, history: History) -> str:
    """A Contribution Description; what is too long loses the end of its reasons."""
    # The name is anybody's: within its quotation marks it can say nothing in our name.
    name = ' "' + upload.filename[:_LONGEST_NAME].replace('"', "'") + '"' if upload.filename else ""
    head = f"{history.action}: source file{name}, {upload.size} bytes, SHA-256 {history.sha256}."
    return _legal([history.part, head, *history.record, history.reasons])


def derivation(history: History) -> str:
    """A Derivation Description."""
    return _legal([history.part, *history.record, history.reasons])


def _legal(sentences: list[str]) -> str:
    return " ".join(filter(None, sentences)).replace("\\", "/")[:_ST].rstrip()


def of_pictures(source: str, result: str) -> str:
    if source == result:
        return f"The coded slices are the same before and after, SHA-256 {source}."
    return f"The coded slices changed from SHA-256 {source} to {result}."


def of_counts(counts: Counts) -> str:
    coded = f"{counts.coded} coded" + (" (some of which may be hidden)" if counts.hidden else "")
    damaged = f"{counts.damaged} of them damaged, {counts.failed} decoding errors"
    return f"Frames: {coded}, {counts.decoded} decoded, {damaged}, {counts.written} written."


def of_quality(quality: Quality) -> str:
    vmaf = f"VMAF {_figure(quality.vmaf, 2)}" if quality.vmaf else "VMAF not available"
    demanded = f"at least {quality.demands.psnr:g} dB and {quality.demands.ssim:g} are demanded"
    return (
        f"PSNR {_figure(quality.psnr, 2)} dB, lowest in frame {quality.lowest_frame}; SSIM {_figure(quality.ssim, 5)}; "
        f"{vmaf}; over {quality.frames} frames, encoded with CRF {quality.crf} at attempt {quality.attempts}; "
        f"{demanded}: {'met' if quality.meets else 'not met'}."
    )


def _figure(figure: Figure, digits: int) -> str:
    whole, percentile, lowest = (f"{one:.{digits}f}" for one in (figure.whole, figure.percentile, figure.lowest))
    return f"{whole} (1st percentile {percentile}, lowest {lowest})"


_HEAD = re.compile(
    r"(Part \d+ of \d+, frames \d+ to \d+ of the film\. )?"
    rf'(wrap|remux|transcode): source file(?: "[^"]*"|.*?), \d+ bytes, SHA-256 ({_HASH})\.\s*',
    re.DOTALL,
)
_SAME = re.compile(rf"The coded slices are the same before and after, SHA-256 ({_HASH})\.\s*")
_COUNTS = re.compile(
    r"Frames: (\d+) coded( \(some of which may be hidden\))?, (\d+) decoded, (\d+) of them damaged, "
    r"(\d+) decoding errors, (\d+) written\.\s*"
)
_FIGURE = rf"({_N}) \(1st percentile ({_N}), lowest ({_N})\)"
_QUALITY = re.compile(
    rf"PSNR {_FIGURE} dB, lowest in frame (\d+); SSIM {_FIGURE}; VMAF (?:not available|{_FIGURE}); over (\d+) frames, "
    rf"encoded with CRF (\d+) at attempt (\d+); at least ({_N}) dB and ({_N}) are demanded: (?:not )?met\.\s*"
)


def read(words: str) -> History | None:
    """The history that a Contribution Description tells; None where it is another writer's."""
    head = _HEAD.match(words)
    if head is None:
        return None
    at = head.end()
    pictures = counts = quality = None
    if words.startswith(_FILE, at):
        at += len(_FILE)
    if found := _SAME.match(words, at):
        pictures, at = (found[1], found[1]), found.end()
    if found := _COUNTS.match(words, at):
        counts, at = _read_counts(found), found.end()
    if found := _QUALITY.match(words, at):
        quality, at = _read_quality(found), found.end()
    return History(
        action=Action(head[2]), sha256=head[3], part=(head[1] or "").strip(), reasons=words[at:].strip(),
        quality=quality, counts=counts, pictures=pictures,
    )  # fmt: skip


def _read_counts(found: re.Match[str]) -> Counts:
    coded, decoded, damaged, failed, written = (int(found[group]) for group in (1, 3, 4, 5, 6))
    return Counts(coded=coded, decoded=decoded, damaged=damaged, failed=failed, written=written, hidden=bool(found[2]))


def _read_quality(found: re.Match[str]) -> Quality:
    def figure(first: int) -> Figure:
        whole, percentile, lowest = (float(found[group]) for group in range(first, first + 3))
        return Figure(whole=whole, percentile=percentile, lowest=lowest)

    return Quality(
        psnr=figure(1),
        lowest_frame=int(found[4]),
        ssim=figure(5),
        vmaf=figure(8) if found[8] else None,
        frames=int(found[11]),
        crf=int(found[12]),
        attempts=int(found[13]),
        demands=Demands(psnr=float(found[14]), ssim=float(found[15])),
    )
