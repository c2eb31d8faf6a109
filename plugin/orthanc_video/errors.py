"""Every failure this project reports: a sentence for a person, an HTTP status, and what to do.

Foreign errors (PyAV, httpx, OSError …) are translated where they arise; above that only these travel.
"""

from __future__ import annotations

from typing import ClassVar

# The end of a sentence about what is expected to pass: a job waits, and goes on by itself.
TRIED_AGAIN = "; the work will be tried again."


class VideoError(Exception):
    """A failure with a sentence that says what was wrong, with what, and what to do.

    ``status`` is the HTTP status (RFC 9110); ``title`` names the kind of problem (RFC 9457);
    ``passing`` says that the same request may succeed later, so a job retries it.
    """

    status: ClassVar[int] = 500
    title: ClassVar[str] = "Internal error"
    passing: ClassVar[bool] = False
    retry_after: ClassVar[int | None] = None
    # Of what is wrong with a file: what its sender can do.
    advice: ClassVar[str] = ""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class BadRequest(VideoError):
    """The request itself is malformed: an unknown attribute, a broken range, an empty body."""

    status = 400
    title = "Bad request"


class Unauthorized(VideoError):
    """Orthanc did not accept this caller's credentials (or there were none)."""

    status = 401
    title = "Unauthorized"


class Forbidden(VideoError):
    """Orthanc refuses this to this caller."""

    status = 403
    title = "Forbidden"


class NotFound(VideoError):
    """No such resource, or none this caller may know of."""

    status = 404
    title = "Not found"


class MethodNotAllowed(VideoError):
    """The resource exists, but not for this method."""

    status = 405
    title = "Method not allowed"


class NotAcceptable(VideoError):
    """The resource exists, but not as any of the media types that the request accepts."""

    status = 406
    title = "Not acceptable"


class Conflict(VideoError):
    """What is asked for does not fit the state that the resource is in."""

    status = 409
    title = "Conflict"


class WrongVersion(VideoError):
    """The request speaks a version of a protocol that is not known here."""

    status = 412
    title = "Precondition failed"


class TooLarge(VideoError):
    """An upload over the configured limit, or over what one DICOM instance can hold."""

    status = 413
    title = "Content too large"


class NotVideo(VideoError):
    """What arrived is not a video at all."""

    status = 415
    title = "Not a video"
    advice = "Send a video file (MP4, MOV, WebM, MKV, AVI, MPEG, TS)."


class NoImage(NotVideo):
    """What is stored is an object that holds no picture; of what cannot be read nobody knows."""

    title = "No image"


class UnsupportedMedia(VideoError):
    """The request's body is of another kind than this resource takes."""

    status = 415
    title = "Unsupported media type"


class BrokenVideo(VideoError):
    """A video that cannot be converted: truncated, encrypted, no frames, absurd dimensions."""

    status = 422
    title = "Video cannot be converted"
    advice = "Copy it again from the device, or export it there once more, and send that."


class Nonconforming(VideoError):
    """What would be stored contradicts the standard: its sentences say where."""

    status = 422
    title = "Object would not conform"


class PoorQuality(VideoError):
    """A re-encoded video that is less like its source than is demanded."""

    status = 422
    title = "Quality too low"


class Locked(VideoError):
    """Another request is at work on the same thing."""

    status = 423
    title = "Locked"
    passing = True
    retry_after = 1


class Duplicate(VideoError):
    """Orthanc holds something else under the same SOP Instance UID."""

    status = 409
    title = "Duplicate SOP instance"


class ChecksumMismatch(VideoError):
    """What arrived is not what was sent (tus 1.0, checksum)."""

    status = 460
    title = "Checksum mismatch"


class UnsupportedClass(VideoError):
    """Objects of this SOP class cannot be stored in this way (PS3.18 8.5)."""

    status = 501
    title = "SOP class not supported"


class Busy(VideoError):
    """Something that is expected to pass: disk full, Orthanc down, gateway stopping."""

    status = 503
    title = "Temporarily unavailable"
    passing = True
    retry_after = 10


class Preparing(VideoError):
    """What is asked for is being made: ``job`` says how far it is."""

    status = 503
    title = "Being prepared"
    passing = True
    retry_after = 5

    def __init__(self, sentence: str, job: str = "") -> None:
        super().__init__(sentence)
        self.job = job


class WorkerFailed(VideoError):
    """A media process died without an answer: killed, out of memory, crashed."""

    status = 500
    title = "Media process failed"


class Unreachable(VideoError):
    """Another system does not answer, or went away in the middle: it may be back later."""

    status = 502
    title = "Destination unreachable"
    passing = True
    retry_after = 60


class Declined(VideoError):
    """Another system answers, and will not have what it is asked for until somebody changes it there or here."""

    status = 502
    title = "Destination declines"


class ConfigurationError(VideoError):
    """The configuration contradicts itself or asks for what is unsafe."""

    title = "Configuration error"


BY_NAME: dict[str, type[VideoError]] = {
    kind.__name__: kind
    for kind in (
        VideoError,
        BadRequest,
        Unauthorized,
        Forbidden,
        NotFound,
        MethodNotAllowed,
        NotAcceptable,
        Conflict,
        WrongVersion,
        TooLarge,
        NotVideo,
        UnsupportedMedia,
        BrokenVideo,
        Nonconforming,
        PoorQuality,
        Locked,
        Duplicate,
        ChecksumMismatch,
        UnsupportedClass,
        Busy,
        Preparing,
        WorkerFailed,
        Unreachable,
        Declined,
        ConfigurationError,
        NoImage,
    )
}


def revive(name: str, sentence: str) -> VideoError:
    """The error a media process or a recorded job step reported by class name."""
    return BY_NAME.get(name, VideoError)(sentence)


def whole(sentence: str) -> str:
    """A sentence that was written as a part of another one, with its capital and its full stop."""
    return sentence[:1].upper() + sentence[1:] + ("" if sentence.endswith(".") else ".")


def about(error: VideoError, filename: str) -> VideoError:
    """The same failure, for the sender of a file: which file it is, and what to do about it.

    Only answers say so: file names often are patients' names, and have no place in logs or jobs.
    """
    if not error.advice:
        return error
    sentence = whole(error.sentence)
    if "send" not in sentence.lower():
        sentence = f"{sentence} {error.advice}"
    return type(error)(f"{filename}: {sentence}" if filename else sentence)


def by_hand(error: VideoError) -> VideoError:
    """The same failure, for who runs a command: nothing tries again but them."""
    fact = error.sentence.removesuffix(TRIED_AGAIN)
    return error if fact == error.sentence else type(error)(f"{fact}: see to that, and run the command again.")
