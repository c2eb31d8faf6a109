"""A picture as a file that is sent: cut out, scaled, turned, in colours that are named, written on, and encoded."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction
from typing import NamedTuple

import av
import numpy as np
from PIL import Image, ImageCms, ImageDraw, ImageFont, ImageOps

from orthanc_video.errors import BadRequest, TooLarge
from orthanc_video.media import lettering
from orthanc_video.media.planes import can_be_direct
from orthanc_video.media.probe import LARGEST_AREA
from orthanc_video.media.seen import QUALITY, Picture, jpeg, rgb
from orthanc_video.picture import GIF, JPEG, PNG, Region, Rendering, Said

# Of Debian's fonts-dejavu-core: Latin, Greek, Cyrillic.
# One line of text in a picture's height, but no fewer pixels than can be read.
_LINES, _SMALLEST = 28, 9
# A GIF's pictures are in memory together.
MOST_MOVING_PIXELS = 1 << 28
_FORMATS = {JPEG: "JPEG", PNG: "PNG", GIF: "GIF"}


class Still(NamedTuple):
    """A picture to show, or a decoded frame, and ``note``, what is said of it among the technique."""

    picture: Picture | av.VideoFrame
    note: str = ""


class Stills:
    """Makes pictures of one object all alike; ``aspect`` is a pixel's width to its height."""

    def __init__(self, rendering: Rendering, said: Said, aspect: Fraction) -> None:
        self._rendering = rendering
        self._said = said
        self._aspect = aspect
        self._own = base64.b64decode(said.profile)
        self._profile = b""

    def encoded(self, still: Still, kind: str) -> bytes:
        """Raises BadRequest where the rendering asks for a part that the picture does not have."""
        quality, shown = self._rendering.quality or QUALITY, still.picture
        plain = replace(self._rendering, quality=None) == Rendering() and self._aspect == 1
        if kind == JPEG and plain and quality <= QUALITY and isinstance(shown, av.VideoFrame) and can_be_direct(shown):
            return jpeg(shown, quality)
        return self._file(self._image(still), kind)

    def together(self, stills: Iterable[Still], columns: int) -> bytes:
        """One JPEG of all of them, in rows of so many."""
        images = [self._image(still) for still in stills]
        wide, high = images[0].size
        rows = -(-len(images) // columns)
        sheet = Image.new(images[0].mode, (wide * min(columns, len(images)), high * rows))
        for at, image in enumerate(images):
            sheet.paste(image, (wide * (at % columns), high * (at // columns)))
        return self._file(sheet, JPEG)

    def _file(self, image: Image.Image, kind: str) -> bytes:
        file = io.BytesIO()
        options: dict[str, object] = {}
        if kind == JPEG:
            quality = self._rendering.quality or QUALITY
            options = {"quality": quality, "subsampling": 0 if quality > QUALITY else 2}
        if self._profile:
            options["icc_profile"] = self._profile
        image.save(file, _FORMATS[kind], **options)
        return file.getvalue()

    def moving(self, stills: Iterable[tuple[Still, int]]) -> bytes:
        """One GIF that shows each for so many hundredths of a second, again and again."""
        images: list[Image.Image] = []
        durations: list[int] = []
        for still, hundredths in stills:
            image = self._image(still)
            if (len(images) + 1) * image.width * image.height > MOST_MOVING_PIXELS:
                raise TooLarge(
                    f"The animation has more than {len(images)} pictures of {image.width} × {image.height} pixels, "
                    "which is too large. Ask for a smaller viewport or fewer frames."
                )
            images.append(image if image.mode == "L" else image.quantize(256))
            durations.append(10 * hundredths)
        file = io.BytesIO()
        images[0].save(
            file, "GIF", save_all=True, append_images=images[1:], duration=durations, loop=0, disposal=1, optimize=False
        )
        return file.getvalue()

    def _image(self, still: Still) -> Image.Image:
        picture = rgb(still.picture) if isinstance(still.picture, av.VideoFrame) else still.picture
        image = self._sized(Image.fromarray(np.ascontiguousarray(picture)))
        image = self._coloured(image)
        self._annotate(image, still.note)
        return image

    def _sized(self, image: Image.Image) -> Image.Image:
        viewport = self._rendering.viewport
        region = viewport.region if viewport is not None else Region()
        box = _box(region, image.width, image.height)
        wide, high = _square(box[2] - box[0], box[3] - box[1], self._aspect)
        scale = min(viewport.width / wide, viewport.height / high) if viewport is not None else 1.0
        size = max(1, round(wide * scale)), max(1, round(high * scale))
        if size[0] * size[1] > LARGEST_AREA:
            raise BadRequest(f"The viewport asks for more than {LARGEST_AREA >> 20} million pixels.")
        if size != image.size or box != (0, 0, *image.size):
            image = image.resize(size, Image.Resampling.LANCZOS, box=box)
        if (region.width or 0) < 0:
            image = ImageOps.mirror(image)
        return ImageOps.flip(image) if (region.height or 0) < 0 else image

    def _coloured(self, image: Image.Image) -> Image.Image:
        """As PS3.18 8.3.5.1.5 has it: what the object says its colours are goes with them, or they become sRGB."""
        wanted = self._rendering.profile
        if wanted in {"", "no"}:
            return image
        srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
        own = _read(self._own)
        fits = own is not None and own.profile.xcolor_space.strip() == {"L": "GRAY"}.get(image.mode, "RGB")
        if wanted == "yes" and fits:
            self._profile = self._own
            return image
        self._profile = srgb.tobytes()
        if own is not None and fits:
            try:
                image = ImageCms.profileToProfile(image, own, srgb, outputMode="RGB") or image
            except ImageCms.PyCMSError as error:
                raise BadRequest("The object's ICC profile cannot be used to make sRGB of its colours.") from error
        return image.convert("RGB")

    def _annotate(self, image: Image.Image, note: str) -> None:
        """The patient above, the technique below."""
        wanted = self._rendering.annotations
        patient = self._said.patient if "patient" in wanted else ()
        technique = (*self._said.technique, note) if "technique" in wanted else ()
        for lines, above in ((patient, True), (technique, False)):
            if text := "\n".join(filter(None, lines)):
                _write(image, text, above=above)


def _box(region: Region, width: int, height: int) -> tuple[float, float, float, float]:
    """The part of the picture that is shown: left, top, right, bottom; what is beyond its edges is none."""
    if region.left >= width or region.top >= height:
        raise BadRequest(f"The viewport's part of the picture begins outside of it: it has {width} × {height} pixels.")
    right = width if region.width is None else min(width, region.left + abs(region.width))
    bottom = height if region.height is None else min(height, region.top + abs(region.height))
    return (region.left, region.top, right, bottom)


def _square(wide: float, high: float, aspect: Fraction) -> tuple[float, float]:
    """The size in square pixels that loses nothing."""
    return (wide * float(aspect), high) if aspect >= 1 else (wide, high / float(aspect))


def _read(profile: bytes) -> ImageCms.ImageCmsProfile | None:
    try:
        return ImageCms.ImageCmsProfile(io.BytesIO(profile)) if profile else None
    except (OSError, ImageCms.PyCMSError):
        return None


def _write(image: Image.Image, text: str, *, above: bool) -> None:
    """White with a black edge, so that it is read on anything; smaller where a line would be too long."""
    draw = ImageDraw.Draw(image)
    size = max(_SMALLEST, image.height // _LINES)
    while size > _SMALLEST and draw.multiline_textbbox((0, 0), text, _font(size))[2] > image.width - size:
        size -= 1
    edge = max(1, size // 10)
    place = (size / 2, size / 2) if above else (size / 2, image.height - size / 2)
    white, black = (255, 0) if image.mode == "L" else ((255,) * 3, (0,) * 3)
    draw.multiline_text(
        place, text, white, _font(size), anchor="la" if above else "ld", stroke_width=edge, stroke_fill=black
    )


def _font(size: int) -> ImageFont.FreeTypeFont:
    try:
        return ImageFont.truetype(str(lettering.FONT), size, layout_engine=ImageFont.Layout.BASIC)
    except OSError as error:
        raise lettering.missing() from error
