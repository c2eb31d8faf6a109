"""The ladder: what is chosen for whom, and that it is always something the peer takes within its limits."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.samples import sized
from orthanc_video.dicom import classes, fit, syntaxes
from orthanc_video.form import Form, Kind
from orthanc_video.media.plan import plan
from orthanc_video.model import Rational, Wishes
from orthanc_video.routing import ladder, sizes, steps, words
from orthanc_video.routing.capabilities import Capabilities, untold
from orthanc_video.routing.held import Held
from orthanc_video.routing.ladder import Ladder
from orthanc_video.routing.limits import Limits, Policy
from reasons import untold as untranslated
from routing.samples import (
    ANGIO,
    ASKED,
    CODECS,
    COLOUR,
    ENDOSCOPIC,
    EXPLICIT,
    GREY,
    H41,
    H42,
    IMPLICIT,
    J2K,
    JPEG,
    JPEG_LS,
    PHOTOGRAPHIC,
    RLE,
    SECONDARY,
    TWIN,
    ULTRASOUND,
    VL,
    film,
    stream,
    taking,
    video,
)

CODEC = {uid: one.codec for uid, one in syntaxes.BY_UID.items()}


def best(held: Held, *pairs: tuple[str, str], **policy: Any) -> Form:
    return ladder.of(held, taking(*pairs), Policy(**policy)).rungs[0].form


def _forms(found: Ladder) -> list[Form]:
    return [rung.form for rung in found.rungs]


# ------------------------------------------------------------------------------------------ the rungs, one by one


def test_what_is_taken_goes_as_it_is_stored() -> None:
    found = ladder.of(video(), untold(ASKED), Policy())
    assert found.rungs[0].form == Form(kind=Kind.STORED, sop_class=ENDOSCOPIC, transfer_syntax=H41)
    assert found.rungs[0].reasons == (
        "It goes as it is stored: Video Endoscopic in MPEG-4 AVC/H.264 High Profile / Level 4.1.",
    )
    assert found.rungs[0].size == 30 << 20


@pytest.mark.parametrize(
    ("held", "taken"),
    [
        (video(H41), H42),  # 4.2 is more than 4.1
        (video(H42, stream=stream(level=41)), H41),  # the level allows it
        (video(H41), TWIN),
        (video(TWIN), H41),
        (video(TWIN), H42),
    ],
)
def test_another_transfer_syntax_of_the_same_pictures_needs_no_encoding(held: Held, taken: str) -> None:
    assert best(held, (ENDOSCOPIC, taken), (ENDOSCOPIC, JPEG)) == Form(
        kind=Kind.REWRAPPED, sop_class=ENDOSCOPIC, transfer_syntax=taken
    )


def test_level_4_2_is_no_level_4_1_and_is_encoded_anew() -> None:
    fast = stream(level=42, rate=Rational(60))
    held = video(H42, stream=fast, rate=Fraction(60))
    assert best(held, (ENDOSCOPIC, H41)).kind is Kind.TRANSCODED


def _fast(width: int = 1920, height: int = 1080, rate: int = 60, syntax: str = H42) -> Held:
    fast = stream(CODEC[syntax], width=width, height=height, level=42, rate=Rational(rate))
    return video(syntax, stream=fast, rows=height, columns=width, rate=Fraction(rate))


@pytest.mark.parametrize(
    ("held", "taken", "rows"),
    [
        (_fast(), H41, 720),
        (_fast(1280, 720), H41, 0),
        (_fast(rate=30), H41, 0),
        (_fast(rate=100), H41, 576),
        (_fast(rate=100), H42, 788),
        (_fast(3840, 2160, 30, syntaxes.HEVC_MAIN), H41, 1080),
        (_fast(3840, 2160, 60, syntaxes.HEVC_MAIN), H42, 1080),
        (_fast(1080, 1920), H41, 1080),
    ],
)
def test_pictures_become_as_small_as_the_level_wants_and_that_is_said(held: Held, taken: str, rows: int) -> None:
    rung = ladder.of(replace(held, transfer_syntax=syntaxes.HEVC_MAIN), taking((ENDOSCOPIC, taken)), Policy()).rungs[0]
    assert (rung.form.kind, rung.form.transfer_syntax, rung.form.rows) == (Kind.TRANSCODED, taken, rows)
    said = f"Its {held.rows} rows become at most {rows}, as this transfer syntax allows no more at its rate."
    assert (said in rung.reasons) == bool(rows)


def test_a_smaller_limit_is_why_pictures_become_so_small() -> None:
    rung = ladder.of(_fast(), taking((ENDOSCOPIC, H41)), Policy(limits=Limits(rows=600))).rungs[0]
    assert rung.form.rows == 600
    assert "Its 1080 rows become at most 600, to keep within the limits of this destination." in rung.reasons


def test_where_no_level_holds_enough_of_the_pictures_frames_go() -> None:
    found = ladder.of(_fast(rate=600), taking((ENDOSCOPIC, H41), (ENDOSCOPIC, JPEG)), Policy())
    assert found.rungs[0].form.transfer_syntax == JPEG
    assert any("re-encoded as a video: at its rate no transfer syntax holds" in one for one in found.rungs[0].reasons)


def test_two_views_in_one_picture_are_made_what_says_so() -> None:
    held = video(syntaxes.HEVC_MAIN, stream=stream("hevc", packing="side by side"))
    every = taking(*((ENDOSCOPIC, one) for one in (H41, H42, syntaxes.H264_3D, JPEG)))
    assert [form.transfer_syntax for form in _forms(ladder.of(held, every, Policy()))] == [syntaxes.H264_3D, JPEG]


@given(
    st.integers(16, 4096), st.integers(16, 4096), st.sampled_from(["h264", "hevc", "mpeg2video"]),
    st.sampled_from([Rational(1), Rational(24), Rational(30000, 1001), Rational(60), Rational(120), Rational(300)]),
    st.sampled_from([Rational(1), Rational(4, 3), Rational(8, 9)]), st.sampled_from([0, 90]),
    st.sampled_from(["", "side by side", "row by row"]), st.builds(Limits, rows=st.sampled_from([0, 400, 720])),
)  # fmt: skip
def test_what_is_offered_as_h264_can_be_made(
    width: int, height: int, codec: str, rate: Rational, aspect: Rational, turned: int, packing: str, limits: Limits
) -> None:
    found = sized(width, height, codec=codec, rate=rate, pixel_aspect=aspect, rotation=turned, packing=packing)
    syntax = {"h264": H42, "hevc": syntaxes.HEVC_MAIN, "mpeg2video": syntaxes.MPEG2_HIGH}[codec]
    held = video(syntax, stream=found.video, rows=height, columns=width, rate=rate.fraction)
    for step in steps.of(held, limits):
        for form in step.forms:
            if form.kind is Kind.TRANSCODED and CODEC[form.transfer_syntax] == "h264":
                wishes = Wishes(audio="keep", transfer_syntax=form.transfer_syntax, rows=form.rows or 1 << 16)
                planned = plan(found, wishes)
                assert planned.target is not None
                assert planned.transfer_syntax == form.transfer_syntax
                assert not form.rows or planned.target.height <= form.rows


def test_one_fragment_holds_4_gib() -> None:
    held = video(TWIN, size=5 << 30)
    assert best(held, (ENDOSCOPIC, H41)).kind is Kind.TRANSCODED


@pytest.mark.parametrize(("container", "becomes"), [("mpegts", "MP4"), ("mov,mp4,m4a,3gp,3g2,mj2", "MPEG-TS")])
def test_the_other_container_is_the_next_thing_to_try(container: str, becomes: str) -> None:
    first, second, *_ = ladder.of(video(container=container), taking((ENDOSCOPIC, H41)), Policy()).rungs
    assert first.form.kind is Kind.STORED
    other = "mpegts" if becomes == "MPEG-TS" else ""
    assert second.form == Form(kind=Kind.REWRAPPED, sop_class=ENDOSCOPIC, transfer_syntax=H41, container=other)
    assert {first.form.container, other} == {"", "mpegts"}
    assert f"go as {becomes}" in second.reasons[0]


def test_who_refuses_one_container_is_still_offered_the_other() -> None:
    taken = taking((ENDOSCOPIC, H41)).refusing(ENDOSCOPIC, H41)
    mp4, stream = (video(container=one) for one in ("mov,mp4,m4a,3gp,3g2,mj2", "mpegts"))
    assert [rung.form.kind for rung in ladder.of(mp4, taken, Policy()).rungs] == [Kind.REWRAPPED]
    assert [rung.form.kind for rung in ladder.of(stream, taken, Policy()).rungs] == [Kind.STORED]
    neither = ladder.of(mp4, taken.refusing(ENDOSCOPIC, H41, "mpegts"), Policy())
    assert neither.rungs == ()
    assert "as MPEG-TS when it was sent" in " ".join(neither.left_out)


def test_a_video_is_encoded_anew_hevc_as_h264_and_all_as_mpeg2() -> None:
    hevc = video(syntaxes.HEVC_MAIN)
    both = [(ENDOSCOPIC, H41), (ENDOSCOPIC, syntaxes.MPEG2_HIGH), (ENDOSCOPIC, JPEG)]
    assert [form.transfer_syntax for form in _forms(ladder.of(hevc, taking(*both), Policy()))] == [
        H41,
        syntaxes.MPEG2_HIGH,
        JPEG,
    ]
    assert best(video(), *both[1:]).transfer_syntax == syntaxes.MPEG2_HIGH
    assert best(video(syntaxes.MPEG2_HIGH), both[0]).transfer_syntax == H41


def test_h264_is_of_the_level_that_the_pictures_need() -> None:
    for rate, first in ((25, H41), (60, H42)):
        hevc = video(syntaxes.HEVC_MAIN, rate=Fraction(rate), stream=stream("hevc", rate=Rational(rate)))
        assert best(hevc, (ENDOSCOPIC, H41), (ENDOSCOPIC, H42)).transfer_syntax == first


def test_what_needs_no_encoding_is_not_encoded() -> None:
    found = _forms(ladder.of(video(), untold(ASKED), Policy()))
    as_they_are = {form.transfer_syntax for form in found if form.kind in {Kind.STORED, Kind.REWRAPPED}}
    made = {form.transfer_syntax for form in found if form.kind is Kind.TRANSCODED}
    assert {H41, H42} <= as_they_are
    assert made == {syntaxes.MPEG2_HIGH, syntaxes.MPEG2_MAIN}


def test_mpeg2_has_no_format_of_15_frames_a_second() -> None:
    slow = video(rate=Fraction(15), stream=stream(rate=Rational(15)))
    assert best(slow, (ENDOSCOPIC, syntaxes.MPEG2_HIGH), (ENDOSCOPIC, JPEG)).transfer_syntax == JPEG


def test_nothing_is_made_hevc() -> None:
    found = ladder.of(video(), taking((ENDOSCOPIC, syntaxes.HEVC_MAIN)), Policy())
    assert found.rungs == ()


def test_jpeg_goes_before_what_is_larger_and_the_own_class_before_others() -> None:
    pairs = [(kind, syntax) for kind in (ENDOSCOPIC, COLOUR) for syntax in (JPEG, J2K, RLE, EXPLICIT, IMPLICIT)]
    found = _forms(ladder.of(video(frames=100, stream=None), taking(*pairs, (SECONDARY, JPEG)), Policy()))
    assert [(form.sop_class, form.transfer_syntax) for form in found] == [
        *((kind, JPEG) for kind in (ENDOSCOPIC, COLOUR)),
        *((kind, syntax) for kind in (ENDOSCOPIC, COLOUR) for syntax in (J2K, RLE)),
        *((kind, syntax) for kind in (ENDOSCOPIC, COLOUR) for syntax in (EXPLICIT, IMPLICIT)),
        (SECONDARY, JPEG),
    ]


def test_ultrasound_stays_ultrasound() -> None:
    held = video(sop_class=PHOTOGRAPHIC, modality="US")
    assert best(held, (ULTRASOUND, JPEG), (COLOUR, JPEG)).sop_class == ULTRASOUND


def test_the_last_resort_are_single_images() -> None:
    assert best(video(), (VL, JPEG), (SECONDARY, JPEG)) == Form(kind=Kind.STILLS, sop_class=VL, transfer_syntax=JPEG)
    found = ladder.of(video(frames=5000), taking((SECONDARY, IMPLICIT)), Policy())
    assert _forms(found) == [Form(kind=Kind.STILLS, sop_class=SECONDARY, transfer_syntax=IMPLICIT, step=3)]
    assert "Of 5000 frames 1667 are kept, one of every 3." in found.rungs[0].reasons
    assert any("5000 images are more than the 2000" in sentence for sentence in found.left_out)


# ------------------------------------------------------------------------------------------ films


def test_a_film_takes_the_ladder_from_its_own_form_on() -> None:
    found = _forms(ladder.of(film(), untold(ASKED), Policy()))
    assert found[0] == Form(kind=Kind.STORED, sop_class=ULTRASOUND, transfer_syntax=JPEG_LS)
    assert {form.kind for form in found} == {Kind.STORED, Kind.FRAMES, Kind.STILLS}
    assert found.count(found[0]) == 1
    assert Form(kind=Kind.FRAMES, sop_class=ULTRASOUND, transfer_syntax=JPEG_LS) not in found


def test_a_film_that_lost_nothing_loses_something_last() -> None:
    pairs = [(ULTRASOUND, syntax) for syntax in (JPEG, J2K, EXPLICIT)]
    for lossy, order in ((False, [J2K, EXPLICIT, JPEG]), (True, [JPEG, J2K, EXPLICIT])):
        found = _forms(ladder.of(film(lossy=lossy), taking(*pairs), Policy()))
        assert [form.transfer_syntax for form in found] == order


def test_grey_fits_a_class_for_colours_at_three_times_the_size() -> None:
    held = film(sop_class=ANGIO, modality="XA", bits=12)
    found = ladder.of(held, taking((GREY, EXPLICIT), (COLOUR, EXPLICIT)), Policy()).rungs
    assert [rung.form.sop_class for rung in found] == [GREY, COLOUR]
    assert found[1].size == pytest.approx(3 * found[0].size, rel=0.001)
    assert "Its values of 12 bits become 8 bits, as they are shown." in found[0].reasons


def test_nothing_is_made_in_a_class_that_is_not_written() -> None:
    found = _forms(ladder.of(film(sop_class=ANGIO, modality="XA"), untold(ASKED), Policy()))
    assert {form.sop_class for form in found if form.kind is not Kind.STORED} == {GREY, COLOUR, SECONDARY}


def test_a_destination_is_asked_for_all_that_there_are_forms_of() -> None:
    every = [form for held in (video(), film()) for step in steps.of(held, Limits()) for form in step.forms]
    found = {form.sop_class for form in every}
    assert found == {ENDOSCOPIC, COLOUR, VL, SECONDARY, ULTRASOUND, GREY}
    assert found <= set(steps.CLASSES)


def test_one_object_is_given_no_more_frames_than_can_be_read() -> None:
    held = video(frames=150_000, size=1 << 30)
    found = ladder.of(held, taking((ENDOSCOPIC, JPEG)), Policy())
    assert [form.step for form in _forms(found)] == [2]
    assert any("150000 frames are more than the 100000 that one object is given" in one for one in found.left_out)


# ------------------------------------------------------------------------------------------ limits and rules


def test_what_is_too_large_is_left_out_with_a_sentence() -> None:
    found = ladder.of(video(size=300 << 20), untold(ASKED), Policy(limits=Limits(bytes=100 << 20)))
    assert found.rungs[0].form.kind is Kind.TRANSCODED
    assert found.rungs[0].reasons[1] == (
        "Not as it is stored or without re-encoding in another transfer syntax or container: 300 MB are more than the "
        "100 MB that this destination takes."
    )


def test_a_video_becomes_as_small_as_the_limit_wants_while_something_can_be_seen() -> None:
    held, every = video(size=3 << 30, frames=90_000), taking((ENDOSCOPIC, H41), (ENDOSCOPIC, JPEG))
    for most, rows in ((1 << 30, 732), (100 << 20, 0)):
        form = ladder.of(held, every, Policy(limits=Limits(bytes=most))).rungs[0].form
        assert (form.kind, form.rows) == (Kind.TRANSCODED if rows else Kind.FRAMES, rows)


def test_a_step_that_gives_nothing_says_why_in_one_sentence() -> None:
    found = ladder.of(video(), taking((ENDOSCOPIC, JPEG), (COLOUR, JPEG)), Policy())
    assert found.left_out == (
        "Not as it is stored: the destination takes no Video Endoscopic in MPEG-4 AVC/H.264 High Profile / Level 4.1.",
        *found.left_out[1:],
    )
    assert found.rungs[0].reasons[1:] == found.left_out[:3]


def test_too_many_rows_are_scaled() -> None:
    form = best(video(), (ENDOSCOPIC, H41), (ENDOSCOPIC, JPEG), limits=Limits(rows=720))
    assert form == Form(kind=Kind.TRANSCODED, sop_class=ENDOSCOPIC, transfer_syntax=H41, rows=720)
    assert best(video(), (ENDOSCOPIC, JPEG), limits=Limits(rows=720)).rows == 720
    assert best(video(), (ENDOSCOPIC, JPEG), limits=Limits(rows=2000)).rows == 0


@pytest.mark.parametrize(
    ("limits", "step"),
    [(Limits(frames=100), 8), (Limits(rate=Fraction(10)), 3), (Limits(frames=100, rate=Fraction(2)), 13)],
)
def test_as_few_frames_are_left_out_as_the_limits_let(limits: Limits, step: int) -> None:
    assert best(video(), (ENDOSCOPIC, JPEG), limits=limits).step == step


def test_native_pixels_are_less_than_4_gib() -> None:
    found = ladder.of(video(), taking((COLOUR, EXPLICIT)), Policy())
    assert _forms(found) == [Form(kind=Kind.FRAMES, sop_class=COLOUR, transfer_syntax=EXPLICIT, step=2)]
    assert any("4096 MB that Pixel Data can have" in sentence for sentence in found.left_out)


def test_sizes_of_what_is_to_be_made_are_estimates_so_there_is_more_to_try() -> None:
    found = _forms(ladder.of(video(), taking((ENDOSCOPIC, JPEG)), Policy(limits=Limits(bytes=100 << 20))))
    steps_ = [form.step for form in found]
    assert steps_ == [steps_[0], 2 * steps_[0], 4 * steps_[0]]


def test_never_and_always() -> None:
    every = untold(ASKED)
    for word in words.ALL:
        assert not any(word in words.of(form) for form in _forms(ladder.of(video(), every, Policy(never={word}))))  # type: ignore[arg-type]
        assert all(word in words.of(form) for form in _forms(ladder.of(video(), every, Policy(always=word))))
    assert ladder.of(video(), every, Policy(always="jpeg")).rungs[0].form.sop_class == ENDOSCOPIC


def test_a_refusal_leads_down_the_ladder_and_is_told() -> None:
    every = untold(ASKED).refusing(ENDOSCOPIC, H41)
    found = ladder.of(video(), every, Policy())
    first, second = (rung.form for rung in found.rungs[:2])
    assert (first.kind, first.transfer_syntax, first.container) == (Kind.REWRAPPED, H41, "mpegts")
    assert second == Form(kind=Kind.REWRAPPED, sop_class=ENDOSCOPIC, transfer_syntax=H42)
    assert "the destination refused Video Endoscopic in MPEG-4 AVC/H.264" in found.rungs[0].reasons[1]


def test_a_peer_that_takes_nothing_gets_nothing_but_a_sentence() -> None:
    for held in (video(), video(frames=5000), film()):
        found = ladder.of(held, taking(), Policy())
        assert not any("frames left out" in sentence for sentence in found.left_out), "that is said of the whole film"
        assert found.rungs == ()
        assert found.left_out[0] == "There is no form in which it can go there."
        assert any("takes no Ultrasound" in one or "takes no Video Endoscopic" in one for one in found.left_out)


# ------------------------------------------------------------------------------------------ whatever comes

_VIDEOS = sorted(set(syntaxes.BY_UID) - {syntaxes.HEVC_MAIN_10})
_IMAGES = sorted(syntaxes.IMAGES)
_KINDS = sorted({*classes.BY_UID, *classes.CINE})
_SIZES = {
    "size": st.integers(1, 8 << 30),
    "rows": st.integers(1, 4320),
    "columns": st.integers(1, 8192),
    "frames": st.integers(2, 200_000),
    "rate": st.sampled_from([Fraction(one) for one in ("0", "1", "15", "25", "30000/1001", "50", "120")]),
    "modality": st.sampled_from(["ES", "US", "XC", "OT", "XA", ""]),
}


@st.composite
def _held(draw: st.DrawFn) -> Held:
    known: dict[str, Any] = {name: draw(values) for name, values in _SIZES.items()}
    if draw(st.booleans()):
        grey, bits = draw(st.booleans()), draw(st.sampled_from([8, 12, 16]))
        kind, syntax = draw(st.sampled_from(sorted(classes.CINE))), draw(st.sampled_from(_IMAGES))
        return Held(sop_class=kind, transfer_syntax=syntax, grey=grey, bits=bits, lossy=draw(st.booleans()), **known)
    syntax = draw(st.sampled_from(_VIDEOS))
    codec = syntaxes.BY_UID[syntax].codec
    found = stream(
        codec, level=draw(st.sampled_from([CODECS[codec][1], 42])), rate=Rational.of(known["rate"] or Fraction(25))
    )
    kind = draw(st.sampled_from(sorted(classes.BY_UID)))
    return Held(
        sop_class=kind,
        transfer_syntax=syntax,
        stream=draw(st.sampled_from([found, None])),
        container=draw(st.sampled_from(["", "mpegts", "mov,mp4,m4a,3gp,3g2,mj2"])),
        **known,
    )


_TAKEN = st.dictionaries(st.sampled_from(_KINDS), st.frozensets(st.sampled_from([*_VIDEOS, *_IMAGES])))
_REFUSED = st.frozensets(st.tuples(st.sampled_from(_KINDS), st.sampled_from([*_VIDEOS, *_IMAGES])), max_size=20)
_PEERS = st.one_of(
    st.builds(Capabilities, asked=st.just(ASKED), accepted=_TAKEN, refused=_REFUSED), st.just(untold(ASKED))
)
_LIMITS = st.builds(
    Limits,
    bytes=st.sampled_from([0, 1, 10 << 20, 1 << 30]),
    frames=st.sampled_from([0, 1, 100, 5000]),
    rows=st.sampled_from([0, 1, 480, 1080]),
    rate=st.sampled_from([Fraction(0), Fraction(1, 2), Fraction(10), Fraction(30)]),
)
_WORDS = st.sampled_from(words.ALL)
_POLICIES = st.builds(Policy, limits=_LIMITS, never=st.frozensets(_WORDS, max_size=3), always=st.just("") | _WORDS)


@given(_held(), _PEERS, _POLICIES)
def test_every_rung_is_taken_within_the_limits_and_by_the_rules(held: Held, peer: Capabilities, policy: Policy) -> None:
    found = ladder.of(held, peer, policy)
    limits = policy.limits
    for rung in found.rungs:
        form = rung.form
        assert peer.takes(form.sop_class, form.transfer_syntax)
        named = words.of(form)
        assert not named & policy.never
        assert policy.always in {"", *named}
        assert not limits.rows or sizes.rows(held, form) <= limits.rows
        assert not limits.bytes or rung.size <= limits.bytes
        if form.kind is not Kind.STILLS:
            assert not limits.frames or sizes.frames(held, form) <= limits.frames
            assert not limits.rate or held.rate / form.step <= limits.rate
        assert 1 <= form.step < max(2, held.frames)
        assert sizes.frames(held, form) >= 1
    assert len(set(_forms(found))) == len(found.rungs), "a form is there twice"
    assert bool(found.rungs) != (found.left_out[:1] == ("There is no form in which it can go there.",))


@given(_held(), _PEERS, _POLICIES)
def test_it_says_the_same_each_time_in_whole_sentences(held: Held, peer: Capabilities, policy: Policy) -> None:
    found = ladder.of(held, peer, policy)
    assert ladder.of(held, peer, policy) == found
    said = [*found.left_out, *(reason for rung in found.rungs for reason in rung.reasons)]
    for sentence in said:
        assert sentence[0].isupper()
        assert sentence.endswith(".")
    assert untranslated(said) == []


@given(_held(), _PEERS, st.tuples(st.booleans(), st.booleans(), st.booleans(), st.booleans()))
def test_as_it_is_stored_comes_first_whenever_it_fits(held: Held, peer: Capabilities, limited: Any) -> None:
    limits = Limits(
        bytes=held.size * limited[0],
        frames=held.frames * limited[1],
        rows=held.rows * limited[2],
        rate=held.rate * limited[3],
    )
    both = {*peer.accepted.get(held.sop_class, ()), held.transfer_syntax}
    willing = replace(peer, accepted={**peer.accepted, held.sop_class: frozenset(both)}, refused=frozenset())
    first = ladder.of(held, willing, Policy(limits=limits)).rungs[0].form
    assert (first.kind, first.sop_class) == (Kind.STORED, held.sop_class)
    assert first.transfer_syntax == held.transfer_syntax


@given(_held())
def test_what_goes_without_re_encoding_is_what_its_stream_says(held: Held) -> None:
    if not held.video:
        return
    for uid in steps.kept(held):
        syntax = syntaxes.BY_UID[uid]
        assert syntax.codec == syntaxes.BY_UID[held.transfer_syntax].codec
        twins = syntaxes.joined(uid) == syntaxes.joined(held.transfer_syntax)
        assert twins or (held.stream and not fit.objections(syntax, held.stream))


@given(_held(), _LIMITS)
def test_the_kinds_come_in_their_order_but_for_what_leaves_out_frames(held: Held, limits: Limits) -> None:
    order = list(Kind)
    for sampled in (False, True):
        kinds = [form.kind for step in steps.of(held, limits) for form in step.forms if (form.step > 1) == sampled]
        assert kinds == sorted(kinds, key=order.index)
