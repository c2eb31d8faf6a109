"""Which representation is sent: PS3.18 8.7.7 and 8.7.8."""

from __future__ import annotations

from contextlib import nullcontext

import pytest

from orthanc_video.errors import BadRequest, NotAcceptable
from orthanc_video.web.accepting import Offer
from orthanc_video.web.dicomweb.negotiation import chosen, refuse_mixture, wanted

_JPEG, _PNG, _GIF = Offer("image/jpeg"), Offer("image/png"), Offer("image/gif")
_PARTS = Offer("image/jpeg", parts=True)
_H264 = Offer("video/mp4", syntax="1.2.840.10008.1.2.4.102")


@pytest.mark.parametrize(
    ("accept", "offers", "expected"),
    [
        ("*/*", [_JPEG, _PNG], _JPEG),
        ("image/*", [_JPEG, _PNG], _JPEG),
        ("image/png, image/jpeg", [_JPEG, _PNG], _JPEG),
        ("image/png, */*", [_JPEG, _PNG], _PNG),
        ("image/png, image/jpeg;q=0.9", [_JPEG, _PNG], _PNG),
        ("image/jpeg;q=0, image/*", [_JPEG, _PNG], _PNG),
        ('multipart/related; type="image/jpeg"', [_JPEG, _PARTS], _PARTS),
        ("multipart/related; type=image/jpeg", [_JPEG, _PARTS], _PARTS),
        ("multipart/related", [_JPEG, _PARTS], _PARTS),
        ("multipart/*", [_JPEG, _PARTS], _PARTS),
        ("image/jpeg", [_PARTS, _JPEG], _JPEG),
        ('multipart/related; type="video/mp4"; transfer-syntax="1.2"; q=0.4, image/gif;q=.5', [_H264, _GIF], _GIF),
        ("video/mp4; transfer-syntax=*", [_H264], _H264),
        ("video/mp4; transfer-syntax=1.2.840.10008.1.2.4.102", [_H264], _H264),
        ("nonsense, ;;q=1, image/gif", [_JPEG, _GIF], _GIF),
    ],
)
def test_the_offer_that_is_wanted_most(accept: str, offers: list[Offer], expected: Offer) -> None:
    assert chosen(wanted({"accept": accept}, {}), offers) == expected


@pytest.mark.parametrize(
    ("accept", "offers"),
    [
        ("video/mp4", [_JPEG, _PARTS]),
        ("image/jpeg", [_PARTS]),
        ("image/jpeg;q=0", [_JPEG]),
        ("video/mp4; transfer-syntax=1.2.840.10008.1.2.4.107", [_H264]),
        ("", [_JPEG]),
    ],
)
def test_nothing_is_sent_that_is_not_accepted(accept: str, offers: list[Offer]) -> None:
    with pytest.raises(NotAcceptable, match="can be had as"):
        chosen(wanted({"accept": accept}, {}), offers)


def test_the_header_is_demanded_even_with_the_parameter() -> None:
    with pytest.raises(NotAcceptable, match="no Accept header"):
        wanted({}, {"accept": "image/png"})


def test_the_parameter_has_priority() -> None:
    header = {"accept": "image/jpeg, image/*;q=0.1"}
    assert chosen(wanted(header, {"accept": "image/png"}), [_JPEG, _PNG]) == _PNG
    assert chosen(wanted(header, {"accept": "image/png;q=0.5,image/gif"}), [_PNG, _GIF]) == _GIF


@pytest.mark.parametrize("parameter", ["*/*", "image/*", "", "image/png,*/*"])
def test_the_parameter_takes_no_wildcard(parameter: str) -> None:
    with pytest.raises(BadRequest, match="wildcards"):
        wanted({"accept": "*/*"}, {"accept": parameter})


def test_the_parameter_must_be_compatible_with_the_header() -> None:
    with pytest.raises(NotAcceptable, match="not among"):
        wanted({"accept": "video/*"}, {"accept": "image/png"})


@pytest.mark.parametrize(
    ("accept", "mixed"),
    [
        ("application/dicom, video/mp4", True),
        ('multipart/related; type="application/dicom", image/*;q=0.1', True),
        ("application/dicom+json, image/jpeg", True),
        ("application/dicom, */*", False),
        ("video/mp4, image/jpeg", False),
    ],
)
def test_dicom_and_rendered_types_are_not_mixed(accept: str, mixed: bool) -> None:
    with pytest.raises(BadRequest) if mixed else nullcontext():
        refuse_mixture(wanted({"accept": accept}, {}))
