"""What is sent to try out a PACS, and what is said of the outcome."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from pydicom.dataset import Dataset, FileMetaDataset

from orthanc_video.dicom.syntaxes import H264_HIGH_41, H264_HIGH_42, MPEG2_MAIN
from orthanc_video.form import Form, Kind
from orthanc_video.routing import probing
from orthanc_video.routing.capabilities import Capabilities
from orthanc_video.routing.held import Held
from orthanc_video.routing.outcomes import of_status
from orthanc_video.routing.probing import Report, Tried

PHOTOGRAPHIC, TRUE_COLOUR = "1.2.840.10008.5.1.4.1.1.77.1.4.1", "1.2.840.10008.5.1.4.1.1.7.4"
JPEG = "1.2.840.10008.1.2.4.50"
HELD = Held(
    sop_class=PHOTOGRAPHIC, transfer_syntax=H264_HIGH_41, modality="XC",
    size=10_000, rows=288, columns=352, frames=10, rate=Fraction(25),
)  # fmt: skip


def tried(syntax: str = H264_HIGH_41, *, kind: Kind = Kind.STORED, sop_class: str = PHOTOGRAPHIC, **more: Any) -> Tried:
    form = Form(kind=kind, sop_class=sop_class, transfer_syntax=syntax)
    return Tried(form=form, **{"accepted": True, **more})


def report(*all_: Tried, find: bool = True, commitment: bool = False) -> Report:
    known = Capabilities(
        asked="2026-11-22T10:00:00+00:00",
        accepted={PHOTOGRAPHIC: frozenset({H264_HIGH_41})},
        find=find,
        commitment=commitment,
    )
    return Report(destination="PACS", capabilities=known, echo=1.5, tried=all_, sent=True)


def test_every_kind_of_form_is_tried_once_with_few_objects() -> None:
    forms = probing.forms(HELD)
    assert {form.kind for form in forms} == set(Kind)
    assert len(set(forms)) == len(forms)
    assert all(form.last == 1 for form in forms if form.kind is Kind.STILLS)
    assert all(form.step == 1 for form in forms)


def test_each_is_an_object_of_its_own_that_says_what_it_is() -> None:
    uids = set()
    forms = probing.forms(HELD)
    for form in forms:
        dataset = Dataset()
        dataset.file_meta = FileMetaDataset()
        dataset.StudyInstanceUID = "1.2.3"
        probing.label(dataset, form)
        assert dataset.file_meta.MediaStorageSOPInstanceUID == dataset.SOPInstanceUID
        assert len(dataset.SeriesDescription) <= 64
        assert dataset.SeriesDescription.startswith(f"{form.kind}: ")
        uids |= {dataset.SOPInstanceUID, dataset.SeriesInstanceUID}
    assert len(uids) == 2 * len(forms)


def test_the_table_has_a_column_for_each_question() -> None:
    stored = tried(outcome=of_status(0), found=True, committed=False)
    warned = tried(MPEG2_MAIN, kind=Kind.TRANSCODED, outcome=of_status(0xB000, "changed"), found=False)
    never = tried(JPEG, kind=Kind.FRAMES, accepted=False)
    unmade = tried(JPEG, kind=Kind.STILLS, unmade="There is no room.")
    heading, *lines = probing.table([stored, warned, never, unmade])
    at = heading.index("Accepted")
    assert lines[0][at:].split() == ["yes", "yes", "yes", "no", "0000"]
    assert lines[1][at:].split(maxsplit=4)[:4] == ["yes", "yes", "no", "–"]
    assert lines[1].endswith("with some attributes changed: changed (status B000).")
    assert lines[2][at:].split() == ["no", "–", "–", "–"]
    assert lines[3].endswith("not sent: There is no room.")


def test_words_for_a_profile_tell_what_works() -> None:
    good: dict[str, Any] = {"outcome": of_status(0), "found": True, "committed": True}
    said = probing.says(
        report(
            tried(**good),
            tried(H264_HIGH_42, kind=Kind.REWRAPPED, outcome=of_status(0xC000)),
            tried(MPEG2_MAIN, kind=Kind.TRANSCODED, accepted=False),
            tried(JPEG, kind=Kind.FRAMES, **good),
            tried(JPEG, kind=Kind.FRAMES, sop_class=TRUE_COLOUR, **good),
            commitment=True,
        )
    )
    assert said == {
        "doors": "C-ECHO and C-STORE.",
        "video": "Video Photographic in MPEG-4 AVC/H.264 High Profile / Level 4.1: accepted, stored and found again; "
        "not in MPEG-4 AVC/H.264 High Profile / Level 4.2 For 2D Video and MPEG2 Main Profile / Main Level.",
        "frames": "Video Photographic and Multi-frame True Color Secondary Capture in JPEG Baseline: accepted, stored "
        "and found again.",
        "verification": "Study Root C-FIND, which finds what was sent; Storage Commitment to all that was sent.",
    }


def test_words_claim_no_more_than_was_tried() -> None:
    asked = probing.says(report(tried(), commitment=True))
    assert asked["video"].endswith(": accepted.")
    assert asked["verification"] == "Study Root C-FIND; Storage Commitment."
    unfound = probing.says(report(tried(outcome=of_status(0)), find=False))
    assert unfound["video"].endswith(": accepted and stored.")
    assert unfound["verification"] == "No Study Root C-FIND; no Storage Commitment."
    lost = probing.says(report(tried(outcome=of_status(0), found=False, committed=False), commitment=True))
    assert lost["video"] == "Video Photographic: none of MPEG-4 AVC/H.264 High Profile / Level 4.1."
    assert lost["verification"] == "Study Root C-FIND, which does not find it all; Storage Commitment, but not to all."


def test_as_json_it_has_what_a_profile_has() -> None:
    told = probing.as_json(report(tried(outcome=of_status(0xB007, "odd"), found=True)))
    assert set(told["Profile"]) == {"doors", "video", "frames", "verification"}
    (one,) = told["Forms"]
    assert (one["Accepted"], one["Stored"], one["Found"], one["Committed"]) == (True, True, True, None)
    assert (one["Status"], one["Comment"]) == (0xB007, "odd")
    assert told["PatientID"] == "ORTHANC-VIDEO-PROBE"
