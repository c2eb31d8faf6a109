"""In which forms a stored object may go to a destination, from the best to the worst, with reasons in sentences. Pure.

What the peer takes, what the configuration says of it, and what is known of the object decide; nothing is made yet.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from orthanc_video.form import TRANSPORT, Form, Kind
from orthanc_video.routing import sizes, steps, words
from orthanc_video.routing.capabilities import Capabilities
from orthanc_video.routing.held import Held
from orthanc_video.routing.limits import Limits, Policy
from orthanc_video.routing.steps import Step
from orthanc_video.settings import MIB

_RULE, _UNTAKEN, _REFUSED, _LIMIT = range(4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """``reasons``: what becomes of the object in this form, then why nothing better could be had.

    ``size`` is the bytes of each object that it makes, an estimate unless it goes as it is stored.
    """

    form: Form
    reasons: tuple[str, ...]
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """``left_out`` says why for each step that gave no rung; where there is no rung at all, its first sentence."""

    rungs: tuple[Rung, ...]
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Objection:
    """``weight``: how far the form came before it met this; the furthest speaks for its step.

    ``syntax`` is the name of the transfer syntax that is not taken of a class which is taken in others.
    """

    weight: int
    clause: str
    syntax: str = ""


def of(held: Held, capabilities: Capabilities, policy: Policy) -> Ladder:
    """Every rung is one that the peer takes, within the limits as far as that can be told before it is made."""
    rungs: list[Rung] = []
    # By what stood against them, the names of the steps that gave nothing.
    against: dict[str, list[str]] = {}
    for step in steps.of(held, policy.limits):
        objections: list[_Objection] = []
        for form in step.forms:
            objection = _objection(held, form, capabilities, policy)
            if objection is not None:
                objections.append(objection)
            else:
                reasons = (*_said(held, form), *_told(against))
                rungs.append(Rung(form=form, reasons=reasons, size=sizes.largest(held, form)))
        if len(objections) == len(step.forms):
            clause = _clause(step, objections)
            if clause:
                against.setdefault(clause, []).append(step.name)
    nothing = () if rungs else ("There is no form in which it can go there.",)
    return Ladder(rungs=tuple(rungs), left_out=(*nothing, *_told(against)))


def _told(against: dict[str, list[str]]) -> Iterator[str]:
    for clause, names in against.items():
        yield f"Not {_or(names)}: {clause}."


def _or(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


def _clause(step: Step, objections: list[_Objection]) -> str:
    """Why a step gave nothing; empty for what there is not of this object, and for what was said before."""
    if not objections:
        return step.otherwise
    furthest = max(objections, key=lambda one: one.weight)
    if step.again and furthest.weight < _LIMIT:
        return ""
    if furthest.weight > _UNTAKEN or "" in {one.syntax for one in objections}:
        return furthest.clause
    return f"{furthest.clause} in {_or([*dict.fromkeys(one.syntax for one in objections)])}"


def _objection(held: Held, form: Form, capabilities: Capabilities, policy: Policy) -> _Objection | None:
    """The first that stands against a form."""
    if rule := _rule(form, policy):
        return _Objection(_RULE, rule)
    taken = capabilities.accepted.get(form.sop_class, frozenset())
    kind, syntax = words.class_name(form.sop_class), words.syntax_name(form.transfer_syntax)
    if form.transfer_syntax not in taken:
        return _Objection(_UNTAKEN, f"the destination takes no {kind}", syntax if taken else "")
    if not capabilities.takes(form.sop_class, form.transfer_syntax, form.container):
        stream = " as MPEG-TS" if form.container == TRANSPORT else ""
        return _Objection(_REFUSED, f"the destination refused {kind} in {syntax}{stream} when it was sent")
    excess = next(_excess(held, form, policy.limits), "")
    return _Objection(_LIMIT, excess) if excess else None


def _rule(form: Form, policy: Policy) -> str:
    named = words.of(form)
    never = sorted(named & policy.never)
    if never:
        return f'the configuration never sends "{never[0]}" there'
    if policy.always and policy.always not in named:
        return f'the configuration always sends "{policy.always}" there'
    return ""


def _excess(held: Held, form: Form, limits: Limits) -> Iterator[str]:
    """What of a form is over a limit."""
    count, rows = sizes.frames(held, form), sizes.rows(held, form)
    stills = form.kind is Kind.STILLS
    if limits.rows and rows > limits.rows:
        yield f"its {rows} rows are more than the {limits.rows} that this destination takes"
    if stills and count > sizes.MOST_STILLS:
        yield f"{count} images are more than the {sizes.MOST_STILLS} that a series may have"
    frames = sizes.most_frames(form, limits)
    if not stills and count > frames:
        whose = "this destination takes" if frames == limits.frames else "one object is given"
        yield f"its {count} frames are more than the {frames} that {whose}"
    rate = held.rate / form.step
    if not stills and limits.rate and rate > limits.rate:
        yield f"its {float(rate):.4g} frames/s are more than the {float(limits.rate):.4g} that this destination takes"
    size, most = sizes.largest(held, form), sizes.most(form, limits)
    if most and size > most:
        about = "" if form.kind in {Kind.STORED, Kind.REWRAPPED} else "about "
        whose = "this destination takes" if most == limits.bytes else "Pixel Data can have"
        yield f"{about}{_megabytes(size)} MB are more than the {_megabytes(most)} MB that {whose}"


def _megabytes(size: int) -> str:
    """In MiB, as the configuration counts."""
    return f"{size / MIB:.4g}" if size < 10_000 * MIB else f"{size // MIB}"


def _said(held: Held, form: Form) -> Iterator[str]:
    """What becomes of the object."""
    yield _made(held, form)
    had = steps.upright(held)[1] if form.kind is Kind.TRANSCODED else held.rows
    if form.rows and _is_filled(held, form):
        yield f"Its {had} rows become at most {form.rows}, as this transfer syntax allows no more at its rate."
    elif form.rows:
        yield f"Its {had} rows become at most {form.rows}, to keep within the limits of this destination."
    if form.step > 1:
        yield f"Of {held.frames} frames {sizes.frames(held, form)} are kept, one of every {form.step}."
    if form.kind in {Kind.FRAMES, Kind.STILLS} and held.bits > 8:
        yield f"Its values of {held.bits} bits become 8 bits, as they are shown."


def _is_filled(held: Held, form: Form) -> bool:
    """Whether it has all the rows that its transfer syntax allows, which are fewer than there are."""
    h264 = form.kind is Kind.TRANSCODED and words.coding(form.transfer_syntax) == "h264"
    return h264 and form.rows == steps.most_rows(held, form.transfer_syntax)


def _made(held: Held, form: Form) -> str:
    kind, syntax = words.class_name(form.sop_class), words.syntax_name(form.transfer_syntax)
    if form.kind is Kind.STORED:
        return f"It goes as it is stored: {kind} in {syntax}."
    if form.kind is Kind.REWRAPPED and form.transfer_syntax == held.transfer_syntax:
        return f"The same coded pictures go as {'MPEG-TS' if form.container == TRANSPORT else 'MP4'}, in {syntax}."
    if form.kind is Kind.REWRAPPED:
        return f"The same coded pictures go as {syntax}."
    if form.kind is Kind.TRANSCODED:
        return f"It is re-encoded as {syntax}, which costs some of its detail."
    if form.kind is Kind.FRAMES:
        return f"Each frame is coded by itself: {kind} in {syntax}."
    return f"Each frame becomes an image of its own, {sizes.frames(held, form)} in one series: {kind} in {syntax}."
