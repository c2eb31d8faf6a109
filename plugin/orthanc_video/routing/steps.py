"""The steps of the ladder for an object: which forms there are of it at all, the best first. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from orthanc_video.bitstream import scaling
from orthanc_video.dicom import classes, fit, syntaxes
from orthanc_video.dicom.syntaxes import VideoSyntax
from orthanc_video.form import TRANSPORT, Form, Kind
from orthanc_video.routing import sizes, words
from orthanc_video.routing.held import Held
from orthanc_video.routing.limits import Limits

_STORAGE = "1.2.840.10008.5.1.4.1.1."
_ULTRASOUND, _STILL = _STORAGE + "3.1", _STORAGE + "7"
_ULTRASONIC = frozenset({"US", "IVUS"})
# All that a form may be of.
CLASSES = tuple(dict.fromkeys((*classes.BY_UID, sizes.GREY, sizes.COLOUR, _STILL, *classes.STILLS.values())))
_JPEG_UID = "1.2.840.10008.1.2.4."
JPEG = (f"{_JPEG_UID}50",)
# All hold the same pictures: the small and quickly read first, RLE, which hardly makes them smaller, last.
LOSSLESS = (*(f"{_JPEG_UID}{end}" for end in ("80", "70", "201", "90")), "1.2.840.10008.1.2.5")
UNCOMPRESSED = ("1.2.840.10008.1.2.1", "1.2.840.10008.1.2")
# A constant rate is one of a format's when it is this near: tags say 29.97.
_NEAR = Fraction(1, 100)
# A video with fewer rows than this is not made smaller to fit a limit: frames say more.
_LEAST_ROWS = 360
# As displays have them: what a level holds no more of becomes the next smaller.
_ROWS = (1080, 720, 576, 480, _LEAST_ROWS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """``name`` follows "Not" in a sentence. ``otherwise`` is a clause that says why there are no ``forms``.

    ``again``: only the limits tell it from an earlier one.
    """

    name: str
    forms: tuple[Form, ...]
    otherwise: str = ""
    again: bool = False


def of(held: Held, limits: Limits) -> Iterator[Step]:
    """Every step, whatever a peer takes; ``limits`` set the size of pictures, and how many frames are left out."""
    stored = _form(held, Kind.STORED, held.sop_class, held.transfer_syntax)
    yield Step(name="as it is stored", forms=(replace(stored, container=_container(held)),))
    if held.video:
        yield _rewrapped(held)
        yield Step(
            name="re-encoded as a video",
            forms=tuple(_transcoded(held, limits)),
            otherwise="at its rate no transfer syntax holds pictures that are large enough",
        )
    pictures = tuple(_pictures(held, limits))
    yield from pictures
    stills = tuple(_stills(held, limits))
    yield from stills
    for step in (*pictures, *stills):
        yield Step(
            name=f"{step.name}, with frames left out",
            forms=tuple(form for whole in step.forms for form in _sampled(held, whole, limits)),
            again=True,
        )


def _form(held: Held, kind: Kind, sop_class: str, syntax: str, limits: Limits | None = None) -> Form:
    rows = limits.rows if limits and 0 < limits.rows < held.rows else 0
    return Form(kind=kind, sop_class=sop_class, transfer_syntax=syntax, rows=rows)


def kept(held: Held) -> tuple[str, ...]:
    """The transfer syntaxes that hold the same coded pictures, its own aside: those in one fragment first."""
    base = syntaxes.joined(held.transfer_syntax)
    fitting = [base]
    if held.stream is not None:
        others = (one for one in _family(held) if one.uid != base)
        fitting += [one.uid for one in others if not fit.objections(one, held.stream)]
    twins = [f"{uid}.1" for uid in fitting if f"{uid}.1" in syntaxes.BY_UID]
    single = fitting if held.size <= syntaxes.LARGEST_FRAGMENT else []
    return tuple(uid for uid in (*single, *twins) if uid != held.transfer_syntax)


def _family(held: Held) -> tuple[VideoSyntax, ...]:
    """The transfer syntaxes of its codec, twins aside, those that are written here first."""
    codec = syntaxes.BY_UID[held.transfer_syntax].codec
    preferred = syntaxes.PREFERRED[codec]
    every = (one for uid, one in syntaxes.BY_UID.items() if one.codec == codec and syntaxes.joined(uid) == uid)
    return (*preferred, *(one for one in every if one not in preferred))


def _rewrapped(held: Held) -> Step:
    """Its own transfer syntax in the other container, then others, which are written as usual."""
    forms = [_form(held, Kind.REWRAPPED, held.sop_class, uid) for uid in kept(held)]
    if _has_two_containers(held):
        same = _form(held, Kind.REWRAPPED, held.sop_class, held.transfer_syntax)
        forms.insert(0, replace(same, container="" if _container(held) else TRANSPORT))
    return Step(
        name="without re-encoding in another transfer syntax or container",
        forms=tuple(forms),
        otherwise="no other holds these coded pictures",
    )


def _container(held: Held) -> str:
    """As Form has it."""
    return TRANSPORT if held.video and _has_two_containers(held) and TRANSPORT in held.container else ""


def _has_two_containers(held: Held) -> bool:
    mpeg2 = syntaxes.BY_UID[held.transfer_syntax].codec == "mpeg2video"
    return not mpeg2 and any(name in held.container for name in ("mp4", TRANSPORT))


def _transcoded(held: Held, limits: Limits) -> Iterator[Form]:
    """H.264 in which the pictures stay largest, of the other level, then MPEG-2. Nothing is made HEVC.

    What a stream is already, or becomes without re-encoding, is left out unless the limits want it smaller.
    """
    smaller = 0 < limits.rows < held.rows or 0 < limits.bytes < held.size
    had = set() if smaller else {held.transfer_syntax, *kept(held)}
    held_rows = {uid: rows for uid in _h264(held) if (rows := most_rows(held, uid))}
    # Of those that hold as much of the pictures the first asks least of a decoder.
    for uid in sorted(held_rows, key=lambda one: -held_rows[one]):
        if uid not in had:
            rows = min(held_rows[uid], limits.rows or held_rows[uid])
            form = _form(held, Kind.TRANSCODED, held.sop_class, uid)
            yield _within_bytes(held, replace(form, rows=rows if rows < upright(held)[1] else 0), limits)
    for uid in (syntaxes.MPEG2_HIGH, syntaxes.MPEG2_MAIN):
        if uid not in had and _has_format(held, uid, limits):
            yield _form(held, Kind.TRANSCODED, held.sop_class, uid, limits)


def _h264(held: Held) -> tuple[str, ...]:
    """As what it is written: where two views stay in one picture, as what says so."""
    packed = held.stream is not None and scaling.packing_kept(held.stream)
    return tuple(one.uid for one in (syntaxes.PACKED if packed else syntaxes.PREFERRED["h264"]))


def most_rows(held: Held, uid: str) -> int:
    """So many rows of the pictures, at their rate, are within the levels of an H.264 transfer syntax when they are
    re-encoded; 0 where too few are to see something."""
    width, height = upright(held)
    target = scaling.whole(width, height, held.rate)
    allowed = syntaxes.BY_UID[uid].levels
    if target is None:
        return 0
    if target.level in allowed:
        return min(height, target.height)
    fewer = (rows for rows in _ROWS if rows < target.height)
    return next((rows for rows in fewer if scaling.within(rows, target, held.rate).level in allowed), 0)


def upright(held: Held) -> tuple[int, int]:
    """Width and height of its pictures as they are re-encoded, if none were lost."""
    return scaling.upright(held.stream) if held.stream is not None else (held.columns, held.rows)


def _within_bytes(held: Held, form: Form, limits: Limits) -> Form:
    """With so few rows that it is small enough, as long as something can be seen."""
    size = sizes.largest(held, form)
    if not 0 < limits.bytes < size:
        return form
    rows = int(sizes.rows(held, form) * math.sqrt(limits.bytes / size)) // 2 * 2
    return replace(form, rows=rows) if rows >= _LEAST_ROWS else form


def _has_format(held: Held, uid: str, limits: Limits) -> bool:
    """Whether MPEG-2 has a format of this rate, no higher than the limit; pictures are scaled to it."""
    if held.stream is not None and not held.stream.constant_rate:
        return False
    return any(
        any(abs(rate - held.rate) < _NEAR for rate in one.rates)
        and (one.at_most or not limits.rows or one.height <= limits.rows)
        for one in syntaxes.BY_UID[uid].formats
    )


def _pictures(held: Held, limits: Limits) -> Iterator[Step]:
    """One object of frames that are coded each by itself.

    Where nothing was lost before, what loses nothing comes first; else JPEG, which is a tenth in size.
    """
    film_classes = _film_classes(held)
    by_coding = ((JPEG, "JPEG frames"), (LOSSLESS, "losslessly coded frames"), (UNCOMPRESSED, "uncompressed frames"))
    order = by_coding if held.lossy else (*by_coding[1:], by_coding[0])
    for codings, name in order:
        for sop_class in film_classes:
            forms = [_form(held, Kind.FRAMES, sop_class, uid, limits) for uid in codings]
            yield Step(
                name=f"as {name} in {words.class_name(sop_class)}",
                forms=tuple(form for form in forms if not _is_stored(held, form)),
                otherwise="that is how it is stored",
            )


def _is_stored(held: Held, form: Form) -> bool:
    same = (form.sop_class, form.transfer_syntax) == (held.sop_class, held.transfer_syntax)
    return same and not form.rows and form.step == 1


def _film_classes(held: Held) -> tuple[str, ...]:
    """Its own where films of pictures are written as that, then what any film may be called: ultrasound as such, and
    secondary capture. Grey ones fit a class for colours, too, at three times the size."""
    own = (held.sop_class,) if held.sop_class in {*classes.BY_UID, sizes.GREY} else ()
    ultrasound = (_ULTRASOUND,) if held.modality in _ULTRASONIC else ()
    return tuple(dict.fromkeys((*own, *ultrasound, *((sizes.GREY,) if held.grey else ()), sizes.COLOUR)))


def _stills(held: Held, limits: Limits) -> Iterator[Step]:
    """An object for each frame."""
    own = classes.STILLS.get(held.sop_class)
    for sop_class in (*((own,) if own else ()), _STILL):
        yield Step(
            name=f"as a series of {words.class_name(sop_class)} images",
            forms=tuple(
                _form(held, Kind.STILLS, sop_class, uid, limits)
                for uid in (*(() if not held.lossy else JPEG), *LOSSLESS, *UNCOMPRESSED, *(() if held.lossy else JPEG))
            ),
        )


def _sampled(held: Held, whole: Form, limits: Limits) -> Iterator[Form]:
    """The same with as few frames left out as the limits let, and with more: sizes are estimates until it is made."""
    least = sizes.step(held, whole, limits)
    if least == 0:
        return
    estimated = bool(limits.bytes) and whole.kind is Kind.FRAMES
    for step in (least, 2 * least, 4 * least) if estimated else (least,):
        if 1 < step < held.frames:
            yield replace(whole, step=step)
