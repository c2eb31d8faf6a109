"""Every reason of a plan or a delivery has its German in the viewer's table, which a new sentence joins."""

from __future__ import annotations

import ast
import itertools
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import ModuleType

import pytest

from media.samples import hevc, media, mpeg2, sized
from orthanc_video.bitstream import extras, extras_ps, extras_ts, sei
from orthanc_video.dicom import fit, history, syntaxes
from orthanc_video.jobs import delivering
from orthanc_video.media import colour, plan
from orthanc_video.model import Evened, MediaInfo, Most, Rational, Region, Sound, Stretch, Wishes
from orthanc_video.routing import capabilities, ladder, steps
from orthanc_video.routing.capabilities import Capabilities
from orthanc_video.routing.held import Held
from orthanc_video.routing.limits import Limits, Policy
from reasons import PARTS, SENTENCES, unknown, untold, untold_sentences
from routing.samples import (
    ANGIO,
    ASKED,
    COLOUR,
    ENDOSCOPIC,
    EXPLICIT,
    GREY,
    H41,
    H42,
    JPEG,
    TWIN,
    VL,
    film,
    taking,
    video,
)

_PACKAGE = Path(plan.__file__).parents[1]
# A sentence with its holes filled, alike with words and with numbers.
_FILLED = "1"


def _strings(node: ast.AST) -> Iterator[ast.expr]:
    """Strings that no error says, and no docstring."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.JoinedStr) or (isinstance(child, ast.Constant) and isinstance(child.value, str)):
            yield child
        elif not isinstance(child, ast.Raise) and not (
            isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)
        ):
            yield from _strings(child)


def _sentences(node: ast.AST) -> Iterator[ast.expr]:
    for one in _strings(node):
        last = one.values[-1] if isinstance(one, ast.JoinedStr) else one
        if isinstance(last, ast.Constant) and re.search(r"^(?!\.\w).*\.$", str(last.value)):
            yield one


def _of_plans(tree: ast.AST) -> Iterator[ast.expr]:
    """Sentences that are given to a plan as its reasons."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "Plan":
            yield from (one for each in node.keywords if each.arg == "reasons" for one in _sentences(each))
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple):
            yield from _sentences(node) if ast.unparse(node.targets[0]) == "reasons" else ()


def _versions(node: ast.expr, module: ModuleType | None = None) -> Iterator[str]:
    """The sentence with something in its holes, or nothing: some hold what is said at times only."""
    choices: list[tuple[str, ...]] = []
    for one in node.values if isinstance(node, ast.JoinedStr) else [node]:
        if isinstance(one, ast.FormattedValue):
            constant = getattr(module, one.value.id, None) if isinstance(one.value, ast.Name) else None
            choices.append((constant,) if isinstance(constant, str) else (_FILLED, ""))
        else:
            choices.append((str(getattr(one, "value", "")),))
    return map("".join, itertools.product(*choices))


def _is_known(node: ast.expr, module: ModuleType | None = None) -> bool:
    return any(not untold_sentences(said) for said in _versions(node, module))


@pytest.mark.parametrize("module", [plan, colour, fit], ids=lambda module: str(module.__name__))
def test_sentences_that_are_written_down_are_in_the_table(module: ModuleType) -> None:
    sentences = list(_sentences(_tree(Path(str(module.__file__)))))
    assert len(sentences) >= 4
    assert [ast.unparse(node) for node in sentences if not _is_known(node, module)] == []


def test_so_are_those_of_plans_that_are_made_elsewhere() -> None:
    sentences = [node for path in _PACKAGE.rglob("*.py") for node in _of_plans(_tree(path))]
    assert len(sentences) >= 2
    assert [ast.unparse(node) for node in sentences if not _is_known(node)] == []


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


_HEARD = (
    Sound(codec="opus", rate=48000, channels=2),
    Sound(codec="mp3", rate=44100, channels=1),
    Sound(codec="aac", rate=48000, channels=6),
    Sound(codec="aac", rate=8000, channels=7),
)
_STRETCH = Stretch(bytes=5_240_000, seconds=39.96)
_REGION = Region(10, 20, 640, 480)

# What has words in its holes that other tests' plans do not have.
_CASES: dict[str, tuple[MediaInfo, Wishes]] = {
    **{f"sound: {one}": (media({"sounds": (one, _HEARD[0])}), Wishes(audio="keep")) for one in _HEARD},
    "sound of MPEG-2": (mpeg2({"sounds": _HEARD[1:2]}), Wishes(audio="keep")),
    "sound left out": (media({"audio_codecs": ("aac", "mp3")}), Wishes()),
    "cropped": (media(), Wishes(crop=_REGION)),
    "masked": (media(), Wishes(masks=(_REGION, _REGION, _REGION))),
    "smaller": (media(), Wishes(rows=480)),
    "re-encoded": (media(), Wishes(rows=1080)),
    "even": (media({"evened": Evened(rate=Rational(30000, 1001), frames=9, doubled=1, dropped=2)}), Wishes()),
    "size changes": (media(change="120 × 160 pixels"), Wishes()),
    "profile changes": (media(change="another profile, bit depth or chroma format"), Wishes()),
    "description changes": (media(change="what another description of the MP4 says"), Wishes()),
    "too many times": (sized(640, 480, constant_rate=False, frames=10**6), Wishes()),
    "disordered": (media(disordered=True, rate=Rational(30000, 1001)), Wishes()),
    "kinds": (media({"extras": ("udta", "names"), "user_data": True}), Wishes()),
    "other video": (media({"other_videos": ("160 × 120",)}), Wishes()),
    "fields": (media({"joined_fields": True, "half_frame": True}), Wishes()),
    "hollow": (media(hollow=2, leading=3), Wishes()),
    "fast": (sized(1280, 720, bit_rate=10**10), Wishes()),
    "rows of fields": (hevc(progressive=False, rate=Rational(25), profile_idc=2), Wishes()),
    "varying fields": (mpeg2(progressive=False, constant_rate=False), Wishes()),
    **{f"views {one}": (media(packing=one, codec="vp9"), Wishes()) for one in sei.ARRANGEMENTS.values()},
    **{f"{one} of H.264": (media(packing=one), Wishes()) for one in sei.ARRANGEMENTS.values()},
}


@pytest.mark.parametrize("name", _CASES)
def test_words_in_sentences_are_in_the_table_too(name: str) -> None:
    info, wishes = _CASES[name]
    assert untold(plan.plan(info, wishes).reasons) == []
    assert untold(plan.plan(replace(info, uncut=_STRETCH), wishes, Most(bytes=1 << 20)).reasons) == []


@pytest.mark.parametrize("arrangement", sei.ARRANGEMENTS.values())
def test_ways_in_which_views_lie_are_in_the_table(arrangement: str) -> None:
    assert list(unknown(arrangement)) == []


@pytest.mark.parametrize("module", [extras, extras_ps, extras_ts], ids=lambda module: str(module.__name__))
def test_kinds_of_what_a_container_tells_are_in_the_table(module: ModuleType) -> None:
    kinds = {str(getattr(one, "value", "")) for one in _strings(_tree(Path(str(module.__file__))))}
    words = {kind for kind in kinds if re.fullmatch(r"[a-z]+( [a-z]+)+|names|padding|tables", kind)}
    assert len(words) >= 3
    assert {one for word in words for one in unknown(word)} == set()


def test_slices_that_changed_are_in_the_table() -> None:
    assert untold([history.of_pictures("ab" * 32, "cd" * 32)]) == []


def _is_told(words: str) -> bool:
    """Of a delivery: as a sentence, as words within one, as why a step gave nothing, or behind a name."""
    ways = (untold([words]), unknown(words), untold([f"Not {_FILLED}: {words}."]), unknown(f"{_FILLED}{words}"))
    return any({*missing} <= {_FILLED} for missing in ways)


@pytest.mark.parametrize("module", [ladder, steps], ids=lambda module: str(module.__name__))
def test_what_is_written_down_for_deliveries_is_in_the_table(module: ModuleType) -> None:
    every = list(_strings(_tree(Path(str(module.__file__)))))
    words = [node for node in every if re.search("[A-Za-z]{2,} [A-Za-z-]{2,}", "".join(_versions(node)))]
    assert len(words) >= 8
    assert [ast.unparse(node) for node in words if not any(map(_is_told, _versions(node)))] == []


def test_so_is_what_is_added_when_a_delivery_was_sent() -> None:
    """A refusal aside, which is told in the destination's words."""
    whys = [
        node.value
        for node in ast.walk(_tree(Path(delivering.__file__)))
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "why"
    ]
    sentences = [one for why in whys for one in _sentences(ast.Expression(why))]
    assert len(sentences) >= 1
    assert [ast.unparse(node) for node in sentences if not _is_known(node)] == []


_ANY = capabilities.untold(ASKED)
_JPEG = taking((ENDOSCOPIC, JPEG), (COLOUR, JPEG))
_LONG = video(frames=150_000, size=3 << 30)

_DELIVERIES: dict[str, tuple[Held, Capabilities, Policy]] = {
    "anything is taken": (video(), _ANY, Policy()),
    "nothing is": (video(), taking(), Policy()),
    "JPEG only": (video(), _JPEG, Policy()),
    "too long": (_LONG, _JPEG, Policy()),
    "too many images": (_LONG, taking((VL, EXPLICIT)), Policy()),
    "too large images": (_LONG, taking((VL, EXPLICIT)), Policy(limits=Limits(bytes=1 << 20))),
    "too large": (video(), taking((ENDOSCOPIC, H41)), Policy(limits=Limits(bytes=20 << 20))),
    "too large uncompressed": (video(), taking((COLOUR, EXPLICIT)), Policy()),
    "another transfer syntax": (video(), taking((ENDOSCOPIC, TWIN)), Policy()),
    "no other transfer syntax": (video(syntaxes.HEVC_MAIN, container=""), _JPEG, Policy()),
    "re-encoded": (video(), taking((ENDOSCOPIC, H42)), Policy(limits=Limits(rows=720, bytes=20 << 20))),
    "refused": (video(), _ANY.refusing(ENDOSCOPIC, H41).refusing(ENDOSCOPIC, H41, "mpegts"), Policy()),
    "limits": (video(), _ANY, Policy(limits=Limits(bytes=10 << 20, frames=99, rate=Fraction(30000, 1001)))),
    "never": (video(), _ANY, Policy(never=frozenset({"h264", "stored"}))),
    "always": (video(), _ANY, Policy(always="jpeg")),
    "a film": (film(), _ANY, Policy(limits=Limits(rate=Fraction(10)))),
    "of more bits": (film(sop_class=ANGIO, bits=12), taking((GREY, EXPLICIT), (COLOUR, EXPLICIT)), Policy()),
    "as it would be made": (film(transfer_syntax=JPEG, sop_class=COLOUR, grey=False), taking((VL, JPEG)), Policy()),
}


@pytest.mark.parametrize("name", _DELIVERIES)
def test_reasons_of_deliveries_are_in_the_table(name: str) -> None:
    found = ladder.of(*_DELIVERIES[name])
    assert untold((*found.left_out, *(reason for rung in found.rungs for reason in rung.reasons))) == []


@pytest.mark.parametrize(("english", "german"), [*SENTENCES, *PARTS])
def test_both_languages_have_the_same_holes(english: str, german: str) -> None:
    holes = re.compile(r"\{\w+[,:]?\}")
    assert Counter(holes.findall(english)) == Counter(holes.findall(german))
