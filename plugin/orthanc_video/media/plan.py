"""The decision: wrap, remux or transcode, with its reasons in sentences. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from orthanc_video.bitstream import scaling
from orthanc_video.bitstream.needed import needed_level
from orthanc_video.dicom import audio, frametimes, syntaxes
from orthanc_video.dicom.fit import candidates, named_level, objections
from orthanc_video.dicom.syntaxes import VideoSyntax
from orthanc_video.errors import BrokenVideo, UnsupportedMedia
from orthanc_video.media import colour
from orthanc_video.media.edit import reframing
from orthanc_video.model import Action, MediaInfo, Most, Plan, Sound, Target, VideoStream, Wishes
from orthanc_video.settings import LARGEST_INSTANCE

# What is made for browsers alone: 5.2 holds all that a DICOM video may be (4096 × 2304 at 60/s), and a fluoroscopy of
# 2048 × 2048 keeps its size.
BROWSERS_LEVEL = 52
_NONE = Wishes()
WHOLE = Most(bytes=LARGEST_INSTANCE)

_UNCUT = "(open groups of pictures, or no key frames)"
_NAMES = {"h264": "H.264", "hevc": "H.265", "mpeg2video": "MPEG-2"}
_BASELINE = 66
# Sample entries whose parameter sets may lie among the pictures, and those whose lie in the index (ISO/IEC 14496-15).
_INDEXED = {"avc3": "avc1", "hev1": "hvc1"}


def plan(info: MediaInfo, wishes: Wishes = _NONE, most: Most = WHOLE) -> Plan:
    """What to do with a probed file so that a standard object comes out (PS3.5 8.2.5 to 8.2.10); never I/O.

    Of what ``most`` one object is to hold only the reasons tell, unless no object can hold it.
    UnsupportedMedia where the file is not of the transfer syntax that is asked for, and is not made so.
    """
    _refuse_hopeless(info.video)
    reframing.refuse_misfits(info.video, wishes)
    syntax, level, against = _kept(info.video, candidates(info.video, wishes.transfer_syntax))
    must = (*against, *container_reasons(info), *_asked_anew(info.video, wishes))
    if syntax is not None and not must:
        must = tuple(_too_large_to_keep(info))
    if syntax is None or must:
        planned, codec = _transcode(info, wishes, (*must, *_videos_left_out(info))), "h264"
    else:
        planned, codec = _pass_through(info, syntax, level, wishes), info.video.codec
        planned = dataclasses.replace(planned, reasons=(*planned.reasons, *_stays_whole(info, most)))
    if wishes.audio == "keep" and info.sounds:
        sound = audio.wanted(codec, info.sounds[0])
        planned = dataclasses.replace(planned, sound=sound, sound_copied=sound == info.sounds[0])
    return planned


def _kept(video: VideoStream, choice: tuple[VideoSyntax, ...] | None) -> tuple[VideoSyntax | None, int, list[str]]:
    """The syntax that the stream is as it is, and its level; else None, 0, and what the last one tried objects to.

    A level that the stream claims beyond what it needs is corrected where only the claim is in the way; one that its
    pictures exceed, always.
    """
    if choice is None:
        return None, 0, [f"The codec is {video.codec}, for which DICOM has no transfer syntax: it becomes H.264."]
    needed = needed_level(video)
    if needed is None:
        size = (
            f"{video.width} × {video.height} at {float(video.rate):.4g} frames/s and {video.bit_rate / 1e6:.3g} Mbit/s"
        )
        return None, 0, [f"{size} with {video.reference_frames} reference frames exceeds every level of the standard."]
    against: list[str] = []
    claims = (max(video.level, needed), needed)
    for level in claims if video.views == 1 else claims[:1]:  # only a base view's label can be corrected
        for syntax in choice:
            against = objections(syntax, dataclasses.replace(video, level=level))
            if not against:
                return syntax, level, []
    return None, 0, against


def _pass_through(info: MediaInfo, syntax: VideoSyntax, level: int, wishes: Wishes) -> Plan:
    video = info.video
    profile = "Baseline" if video.codec == "h264" and video.profile_idc == _BASELINE else video.profile
    kept = f"The pictures are {_NAMES[video.codec]} {profile} profile and pass through unchanged."
    relabel = level != video.level and video.views == 1
    sound = tuple(_sound_reasons(info, wishes, video.codec))
    stays = wishes.audio == "keep" and [audio.wanted(video.codec, one) for one in info.sounds] == [*info.sounds[:1]]
    layout = (*_remux_reasons(info), *(() if stays else sound))
    if relabel:
        claimed, needed = (named_level(video.codec, one) for one in (video.level, level))
        only = "only " * (level < video.level)
        layout += (f"The stream claims level {claimed} but needs {only}{needed}; the label is corrected.",)
    reasons = (kept, *layout, *(sound if stays else ()), *_times(info), _fits(level, syntax))
    if not layout:
        return Plan(action=Action.WRAP, transfer_syntax=syntax.uid, reasons=reasons)
    target = Target(width=video.width, height=video.height, level=level if relabel else 0)
    return Plan(action=Action.REMUX, transfer_syntax=syntax.uid, reasons=reasons, target=target)


def _transcode(info: MediaInfo, wishes: Wishes, must: tuple[str, ...]) -> Plan:
    video, even = reframing.cropped(info.video, wishes.crop), info.evened
    target = target_of(dataclasses.replace(video, rate=even.rate) if even else video)
    if 0 < wishes.rows < target.height:
        target = scaling.within(wishes.rows, target, (even.rate if even else video.rate).fraction)
    packing = "" if wishes.crop else scaling.packing_kept(video)
    target = dataclasses.replace(target, packing=packing, crop=wishes.crop, masks=wishes.masks)
    if even:
        target = dataclasses.replace(target, rate=even.rate, frames=even.frames)
    syntax = _made(target, wishes.transfer_syntax, must)
    return Plan(
        action=Action.TRANSCODE,
        transfer_syntax=syntax.uid,
        target=target,
        reasons=(
            *must,
            *_disorder(video),
            *_target_reasons(video, target, wishes.rows),
            *(() if even else _times(info)),
            *_sound_reasons(info, wishes, "h264"),
            _fits(target.level, syntax),
        ),
    )


def _made(target: Target, wanted: str, must: tuple[str, ...]) -> VideoSyntax:
    """What a transcode is stored as; raises UnsupportedMedia where that is not what was asked for."""
    made = syntaxes.PACKED if target.packing else syntaxes.PREFERRED["h264"]
    if wanted:
        made = tuple(one for one in made if one.uid == wanted)
    syntax = next((one for one in made if target.level in one.levels), None)
    if syntax is None:
        asked = syntaxes.BY_UID[wanted].name
        why = " ".join(must)
        raise UnsupportedMedia(f"TransferSyntax asks for {asked}, which this video is not and does not become. {why}")
    return syntax


def _refuse_hopeless(video: VideoStream) -> None:
    if video.frames < 1:
        raise BrokenVideo("The video holds no frames.")
    if video.seconds <= 0:
        raise BrokenVideo("The video has no duration: the times of its frames are damaged.")


def container_reasons(info: MediaInfo) -> Iterator[str]:
    """Why the pictures cannot stay as they are although their coding may; nothing when they can."""
    video = info.video
    if video.change:
        yield f"Half-way the pictures change to {video.change}: they become one size and format throughout."
    if colour.is_hdr(video):
        kind = "PQ" if video.transfer == colour.PQ else "HLG"
        yield (
            f"The pictures are of high dynamic range ({kind}), which DICOM viewers do not show: they are "
            "tone-mapped to BT.709."
        )
    if info.evened:
        even = info.evened
        yield (
            f"A constant rate of {float(even.rate):.5g} frames/s is asked for: of {video.frames} frames "
            f"{even.dropped} are left out, and {even.doubled} times one is shown again, so that each is within half a "
            "frame of its time."
        )
    if video.mirrored:
        yield "The container shows the pictures mirrored, which Rows and Columns cannot say."
    elif video.rotation:
        yield f"The container turns the pictures by {video.rotation}°, which Rows and Columns cannot say."
    if not info.simple_edits:
        yield "The container's edit list shows only a part of the stream, so that part is cut out."
    if not video.starts_with_key and not video.leading:
        yield "The stream does not begin with a key frame."


def _asked_anew(video: VideoStream, wishes: Wishes) -> Iterator[str]:
    if wishes.crop:
        yield f"Of each picture {reframing.named(wishes.crop)} stays."
    if wishes.masks:
        yield f"In each picture {', '.join(map(reframing.named, wishes.masks))} becomes black."
    if wishes.rows:
        size = f", with at most {wishes.rows} rows" if wishes.rows < video.height else ""
        yield f"The pictures are asked for re-encoded{size}."


def _too_large_to_keep(info: MediaInfo) -> Iterator[str]:
    if info.uncut and info.uncut.bytes > LARGEST_INSTANCE:
        yield (
            f"{info.uncut.bytes / 1e9:.3g} GB of the pictures have no place to cut at {_UNCUT}, and an object holds at "
            "most 4 GiB: they are re-encoded in closed groups, which can be cut."
        )


def _stays_whole(info: MediaInfo, most: Most) -> Iterator[str]:
    if info.uncut and most.is_exceeded(info.uncut.bytes, info.uncut.seconds):
        yield (
            f"Up to {info.uncut.bytes / 1e6:.3g} MB ({info.uncut.seconds:.4g} s) of the pictures have no place to cut "
            f"at {_UNCUT}: so much stays in one object, although InstanceMB or InstanceMinutes is less."
        )


def _remux_reasons(info: MediaInfo) -> Iterator[str]:
    """Why the container has to change although the pictures may stay."""
    yield from _layout_reasons(info)
    if info.entry in _INDEXED:
        yield (
            f"The MP4's pictures carry their parameter sets among them ({info.entry}); "
            f"its index takes them up ({_INDEXED[info.entry]}), where every player looks for them."
        )
    if info.joined_fields and "mp4" in info.container:
        yield "The MP4 holds the two fields of a frame one by one; they are put together, since a frame is both."
    if info.half_frame:
        yield "Of the last frame there is one field only; it is left out."
    if info.elsewhere:
        yield "The container names another file as one that holds its media; that name is left out."
    yield from _told_reasons(info)
    yield from _disorder(info.video)
    if info.video.leading:
        yield (
            f"The first {info.video.leading} frame(s) cannot be decoded, since the frames before them are missing; "
            "they are left out."
        )
    if info.video.hollow:
        yield f"{info.video.hollow} packet(s) of the stream hold no picture and are no frames; they are left out."
    if info.delayed:
        yield "The container lets time pass before the first frame; the pictures now begin at once."
    yield from _videos_left_out(info)
    if info.other_streams:
        yield f"{info.other_streams} other stream(s) (subtitles, data, covers) are left out."


def _layout_reasons(info: MediaInfo) -> Iterator[str]:
    """What is wrong with the container as a whole."""
    if info.video.codec == "mpeg2video" and info.container in {"mpeg", "mpegts", "mpegvideo"}:
        pass  # DICOM leaves MPEG-2's container open (PS3.5 8.2.5)
    elif "mp4" not in info.container:
        yield f"The container is {info.container}; {_becomes(info.video.codec)}."
    elif info.brand.startswith("qt"):
        yield "The container is QuickTime (MOV), which is not MP4 (ISO/IEC 14496-14)."
    elif info.fragmented:
        yield "The MP4 is fragmented; one index is written so that any frame is found at once."
    elif not info.streamable:
        yield "The MP4's index lies at its end; it is moved to the front so that playing begins at once."


def _disorder(video: VideoStream) -> Iterator[str]:
    if video.disordered:
        yield (
            "The container has the frames shown in another order than their codec has, so its times are wrong: they "
            f"follow one another at {float(video.rate):.5g}/s."
        )


def _times(info: MediaInfo) -> Iterator[str]:
    """How the object tells of frames that last differently long."""
    video = info.video
    if video.constant_rate:
        return
    if frametimes.vector(info.steps):
        yield "The frame rate varies; frames keep their times, and FrameTimeVector gives the object each of them."
    else:
        yield (
            f"The frame rate varies; frames keep their times. {video.frames} are too many for FrameTimeVector: "
            f"FrameTime says the mean ({float(video.rate):.5g}/s)."
        )


def _sound_reasons(info: MediaInfo, wishes: Wishes, codec: str) -> Iterator[str]:
    """What becomes of the sound, beside pictures of ``codec``."""
    if wishes.audio != "keep":
        if info.audio_codecs:
            yield f"The sound ({', '.join(info.audio_codecs)}) is left out: clinical recordings pick up conversations."
        return
    for number, sound in enumerate(info.sounds):
        wanted = audio.wanted(codec, sound)
        if number:
            yield f"Another sound ({_heard(sound)}) is left out: an object holds one."
        elif wanted == sound:
            yield f"The sound ({_heard(sound)}) is kept as it is."
        else:
            yield f"The sound is {_heard(sound)}, which DICOM does not allow here: it becomes {_heard(wanted)}."


def _heard(sound: Sound) -> str:
    channels = {1: "mono", 2: "stereo", 6: "5.1 channels"}.get(sound.channels, f"{sound.channels} channels")
    varies = ", of a bit rate not known to be constant" if sound.codec == "mp3" and not sound.constant else ""
    return f"{sound.codec}, {sound.rate / 1000:g} kHz, {channels}{varies}"


def _becomes(codec: str) -> str:
    if codec == "mpeg2video":
        return "it becomes a program stream, which readers of MPEG-2 expect"
    return "it becomes MP4, which DICOM allows (PS3.5 8.2.7) and browsers play"


def _told_reasons(info: MediaInfo) -> Iterator[str]:
    """What names people, places or times beside the pictures, or may: by kinds alone, never by what it says."""
    if info.extras:
        kinds = ", ".join(info.extras)
        yield f"The container tells more than the pictures ({kinds}): names, places or times. That is left out."
    if info.user_data:
        yield "The stream holds user data among its pictures, which may tell names, places or times; it is left out."


def _videos_left_out(info: MediaInfo) -> Iterator[str]:
    for size in info.other_videos:
        yield f"The file holds another video of {size}, which is left out: an object holds one. Send it by itself."


def target_of(video: VideoStream, highest: int = scaling.HIGHEST_LEVEL) -> Target:
    """Even, square-pixel dimensions within level ``highest`` (a level_idc), and the lowest level that holds them."""
    target = scaling.whole(*scaling.upright(video), video.rate.fraction, highest)
    if target is None:
        raise BrokenVideo(f"{float(video.rate):.4g} frames/s exceed every H.264 level that DICOM knows.")
    return target


def _target_reasons(video: VideoStream, target: Target, rows: int) -> Iterator[str]:
    width, height = scaling.upright(video)
    even = (width + width % 2, height + height % 2)
    if (target.width, target.height) != even:
        end = "" if 0 < rows < height else " to fit level 4.2"
        yield f"The pictures are scaled from {width} × {height} to {target.width} × {target.height}{end}."
    elif even != (width, height):
        yield f"The odd size {width} × {height} is padded to {even[0]} × {even[1]}: 4:2:0 needs even sizes."
    if video.views > 1:
        yield f"Of {video.views} views that are coded beside one another only the base view is kept."
    if video.packing and not target.packing:
        yield f"Each picture still holds two views ({video.packing}), but the stream no longer says so."
    if not video.progressive:
        moments = f"{2 * float(video.rate):.4g} moments per second become {float(video.rate):.4g}"
        yield f"Interlaced fields are combined into whole frames: {moments}."
    yield from colour.reasons(video)


def _fits(level: int, syntax: VideoSyntax) -> str:
    return f"The result needs level {named_level(syntax.codec, level)}, so its transfer syntax is {syntax.name}."
