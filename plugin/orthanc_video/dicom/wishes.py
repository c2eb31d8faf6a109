"""What a request may ask of a conversion beside its attributes: transfer syntax, sound, a constant frame rate."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from orthanc_video.dicom.wanted import wanted
from orthanc_video.errors import BadRequest
from orthanc_video.model import Rational, Wishes
from orthanc_video.settings import AUDIO, Gateway

NAMES = ("TransferSyntax", "Audio", "ConstantRate")
_NTSC = (24, 30, 48, 60, 120)
_FASTEST = 240


def of(given: Mapping[str, str], gateway: Gateway) -> Wishes:
    """Those of ``NAMES`` that a request gives, the configuration's where it does not say; raises BadRequest."""
    audio = given.get("Audio", gateway.audio).strip().lower()
    if audio not in AUDIO:
        raise BadRequest(f"Audio must be one of: {', '.join(AUDIO)}.")
    rate = given.get("ConstantRate", "").strip() or str(gateway.constant_rate)
    syntax = wanted(given.get("TransferSyntax", ""))
    return Wishes(audio=audio, constant_rate=_rate(rate), transfer_syntax=syntax)


def _rate(text: str) -> Rational | None:
    """Frames per second as a number or a ratio (30000/1001); 0 is none. 29.97 means 30000/1001."""
    try:
        rate = Fraction(text)
    except (ValueError, ZeroDivisionError) as error:
        raise BadRequest("ConstantRate must be a number of frames per second, such as 25 or 30000/1001.") from error
    if rate == 0:
        return None
    if not 1 <= rate <= _FASTEST:
        raise BadRequest(f"ConstantRate must lie between 1 and {_FASTEST} frames per second.")
    meant = (Fraction(whole * 1000, 1001) for whole in _NTSC)
    return Rational.of(next((exact for exact in meant if abs(exact - rate) < Fraction(1, 500)), rate))
