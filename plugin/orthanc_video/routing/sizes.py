"""How many frames a form has, and about how many bytes it will take: estimates, made before anything is. Pure."""

from __future__ import annotations

from fractions import Fraction

from orthanc_video.dicom import syntaxes
from orthanc_video.dicom.multiframe import MOST_FRAMES
from orthanc_video.form import Form, Kind
from orthanc_video.routing import words
from orthanc_video.routing.held import Held
from orthanc_video.routing.limits import Limits

COLOUR, GREY = (f"1.2.840.10008.5.1.4.1.1.7.{end}" for end in (4, 2))
# A series of more single images than this is no use to anybody who looks at it, and a burden to every archive.
MOST_STILLS = 2000
# Of a video, Number of Frames is a number of 32 bits with a sign (PS3.5 6.2, IS).
_ANY = 2**31 - 1
# Attributes beside the pixels.
_ENVELOPE = 4096
# Bits that a pixel of a moving picture takes: x264 at CRF 20, MPEG-2 at the same look. Guesses from films of cameras.
_VIDEO_BITS = {"h264": Fraction(10, 100), "hevc": Fraction(7, 100), "mpeg2": Fraction(30, 100)}
# Bits that a pixel takes as a JPEG of the default quality: of colour, of grey.
_JPEG_BITS = (Fraction(15, 10), Fraction(1))
# What lossless codings leave of the samples.
_LEFT = {"rle": Fraction(9, 10)}
_LOSSLESS_LEFT = Fraction(1, 2)


def frames(held: Held, form: Form) -> int:
    """Those that are taken of all."""
    if form.kind not in {Kind.FRAMES, Kind.STILLS}:
        return held.frames
    last = min(form.last, held.frames) if form.last else held.frames
    return max(0, -(-(last - form.first + 1) // form.step))


def rows(held: Held, form: Form) -> int:
    return min(held.rows, form.rows) if form.rows else held.rows


def frame(held: Held, form: Form) -> Fraction:
    """Bytes of one frame: what is made has 8 bits a sample."""
    high = rows(held, form)
    pixels = Fraction(high * held.columns * high, max(1, held.rows))
    coding = words.coding(form.transfer_syntax)
    grey = held.grey and form.sop_class != COLOUR
    if coding in _VIDEO_BITS:
        return pixels * _VIDEO_BITS[coding] / 8
    if coding == "jpeg":
        return pixels * _JPEG_BITS[grey] / 8
    samples = pixels * (1 if grey else 3)
    return samples if coding == "uncompressed" else samples * _LEFT.get(coding, _LOSSLESS_LEFT)


def largest(held: Held, form: Form) -> int:
    """Bytes of the object, or of each object; exact for what is sent as it is."""
    if form.kind in {Kind.STORED, Kind.REWRAPPED}:
        return held.size
    count = 1 if form.kind is Kind.STILLS else frames(held, form)
    return _ENVELOPE + int(frame(held, form) * count)


def whole(held: Held, form: Form) -> int:
    """Bytes of all objects together."""
    return largest(held, form) * (frames(held, form) if form.kind is Kind.STILLS else 1)


def most(form: Form, limits: Limits) -> int:
    """The most bytes that an object of this form may have, 0 for any."""
    image = syntaxes.IMAGES.get(form.transfer_syntax)
    if (
        form.kind is not Kind.STORED and image is not None and image.native
    ):  # the length of Pixel Data is a number of 32 bits (PS3.5 7.1)
        return min(limits.bytes or syntaxes.LARGEST_FRAGMENT, syntaxes.LARGEST_FRAGMENT)
    return limits.bytes


def most_frames(form: Form, limits: Limits) -> int:
    """The most frames that an object of this form may have."""
    able = MOST_FRAMES if form.kind is Kind.FRAMES else _ANY
    return min(limits.frames or able, able)


def step(held: Held, form: Form, limits: Limits) -> int:
    """Every how-many-th frame may be taken within the limits: at least 1; 0 where not even a single frame fits."""
    if form.kind is Kind.STILLS:
        return max(1, -(-held.frames // MOST_STILLS))
    bounds = [1, -(-held.frames // most_frames(form, limits))]
    if limits.rate:
        bounds.append(-(-held.rate // limits.rate))
    room = most(form, limits)
    if room:
        fitting = int((room - _ENVELOPE) // frame(held, form)) if room > _ENVELOPE else 0
        if fitting < 1:
            return 0
        bounds.append(-(-held.frames // fitting))
    return max(int(bound) for bound in bounds)
