"""Encoded images made small for a screen, and sounds told by their first bytes."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass

from PIL import Image, ImageOps, UnidentifiedImageError

#: Pixels of an image that is decoded at all: 100 megapixels take 400 MB.
MOST_PIXELS = 100_000_000
#: Bytes of a sound that a browser is sent.
MOST_SOUND = 32 * 2**20
#: What a file may hold; more is not handed to a decoder.
_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "ICO")


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """An image as a screen takes it, or why there is none (`problem`, a sentence)."""

    content: bytes = b""
    mime: str = ""
    width: int = 0
    """Of the image itself, in pixels; as `height`."""
    height: int = 0
    problem: str = ""


def thumbnail(content: bytes, edge: int) -> Thumbnail:
    """An encoded image made to fit into `edge` × `edge` pixels: WebP, or PNG where it is small. Never raises."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # its size is looked at below
            with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
                return _made_small(image, edge)
    except UnidentifiedImageError:
        return Thumbnail(problem="This cell holds no image of a format that is known.")
    except Exception as error:  # noqa: BLE001 - of damaged files, decoders raise whatever they stumble on
        said = (str(error).splitlines() or [""])[0]
        return Thumbnail(problem=f"This cell holds no image that can be read: {said or type(error).__name__}.")


def _made_small(image: Image.Image, edge: int) -> Thumbnail:
    width, height = image.size
    if width * height > MOST_PIXELS:
        return Thumbnail(width=width, height=height, problem=(
            f"This image has {width:,} × {height:,} pixels; at most {MOST_PIXELS // 10**6} million are shown."))
    image.draft("RGB", (edge, edge))  # a JPEG is decoded no larger than needed
    upright = ImageOps.exif_transpose(image)
    if upright.mode in {"I", "I;16", "I;16B", "F"}:  # depths that no screen has: from darkest to lightest
        upright = _spread(upright)
    upright = upright.convert("RGBA" if "A" in upright.getbands() or "transparency" in upright.info else "RGB")
    upright.thumbnail((edge, edge))
    sink = io.BytesIO()
    if max(upright.size) <= 64:
        upright.save(sink, "PNG")
    else:
        upright.save(sink, "WEBP", quality=85, method=2)
    mime = "image/png" if max(upright.size) <= 64 else "image/webp"
    return Thumbnail(sink.getvalue(), mime, width, height)


def _spread(image: Image.Image) -> Image.Image:
    deep = image.convert("F")
    low, high = deep.getextrema()
    span = (float(high) - float(low)) or 1.0  # type: ignore[arg-type]  # one band has two numbers
    return deep.point(lambda value: value * (255 / span) - float(low) * 255 / span).convert("L")  # type: ignore[arg-type]


def sound_kind(content: bytes) -> str:
    """The MIME type of an encoded sound by its first bytes; empty for what no browser plays."""
    head = content[:16]
    first, second = (head[0], head[1]) if len(head) > 1 else (0, 0)
    known = {
        "audio/wav": head[:4] == b"RIFF" and head[8:12] == b"WAVE",
        "audio/flac": head[:4] == b"fLaC",
        "audio/ogg": head[:4] == b"OggS",
        "audio/mp4": head[4:8] == b"ftyp",
        "audio/mpeg": head[:3] == b"ID3" or (first == 0xFF and second & 0xE6 in {0xE2, 0xE4, 0xE6}),
        "audio/aac": first == 0xFF and second & 0xF6 == 0xF0,
    }
    return next((mime for mime, fits in known.items() if fits), "")
