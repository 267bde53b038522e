"""Encoded images as arrays of one size: upright, in one colour space, square, and how each was made so.

Whatever a file holds becomes grey or red, green and blue: palettes are looked up, CMYK and other spaces converted,
what is transparent lies on white. More than 8 bits a value stay: then all images are of 16.
"""

from __future__ import annotations

import io
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

#: What Pillow raises for a file that is no image it knows, is cut off, or is far too large.
UNREADABLE = (
    UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError)
#: Modes of Pillow with one channel; of these, more than 8 bits deep.
_GREY = {"1", "L", "LA", "La"}
_DEEP = {"I", "I;16", "I;16B", "I;16L", "I;16N", "F"}
_WHITE = 255
_ORIENTATION = 0x0112
#: Orientations that lie on their side.
_ASIDE = {5, 6, 7, 8}

Fit = Literal["stretch", "pad"]


class Facts(NamedTuple):
    """What the header of a file says."""

    grey: bool
    deep: bool
    width: int
    height: int
    """In pixels, of the image upright."""


class Square(NamedTuple):
    """An image made `size` × `size`."""

    pixels: npt.NDArray[Any]
    """(channels, size, size), uint8, or uint16 where images are deep."""
    frame: tuple[float, float, float]
    """The factor it was enlarged by, and how many pixels it was then moved right and down; of "pad" alone."""


def facts(content: bytes) -> Facts:
    """Looks at the header alone. Raises what is in `UNREADABLE`."""
    with Image.open(io.BytesIO(content)) as image:
        width, height = image.size
        if _orientation(image) in _ASIDE:
            width, height = height, width
        palette = image.mode == "P" and _grey_palette(image)
        return Facts(palette or image.mode in _GREY | _DEEP, image.mode in _DEEP, width, height)


def square(content: bytes, *, size: int, grey: bool, deep: bool, fit: Fit) -> Square:
    """An image as a model takes it.

    Args:
        content: the file.
        size: of each side, in pixels.
        grey: one channel in the place of three.
        deep: 16 bits a value in the place of 8.
        fit: whether other proportions are changed ("stretch"), or black is added at both sides ("pad").

    Raises:
        ValueError: its values are not those of an image.
        OSError and others: those of `UNREADABLE`.
    """
    with Image.open(io.BytesIO(content)) as opened:
        opened.load()  # while its file is open
        image = ImageOps.exif_transpose(opened) if _orientation(opened) else opened
        image = _depth(image) if image.mode in _DEEP else _colours(image, grey=grey)
    width, height = image.size
    factor = size / max(width, height)
    frame = (factor, (size - width * factor) / 2, (size - height * factor) / 2)
    if fit == "stretch":
        image = image.resize((size, size), Image.Resampling.BILINEAR, reducing_gap=3.0)
    else:  # the frame to the fraction of a pixel, so that points lie where they are said to
        image = _padded(image, size, frame)
    return Square(_array(image, grey=grey, deep=deep), frame)


def _orientation(image: Image.Image) -> int | None:
    """How the camera was held. Of a PNG what is said before its pixels: Pillow decodes all of it to find more."""
    if image.format == "PNG" and "exif" not in image.info:
        return None
    return image.getexif().get(_ORIENTATION)


def _padded(image: Image.Image, size: int, frame: tuple[float, float, float]) -> Image.Image:
    """The image within a black square: what of the square the image fills is resampled, edges between pixels."""
    factor, right, down = frame
    left, top = -right / factor, -down / factor
    room = size / factor
    pad_x, pad_y = max(0, int(np.ceil(-left))), max(0, int(np.ceil(-top)))
    grown = ImageOps.expand(image, (pad_x, pad_y, pad_x, pad_y), 0) if pad_x or pad_y else image
    box = (left + pad_x, top + pad_y, left + pad_x + room, top + pad_y + room)
    kept = (max(box[0], 0.0), max(box[1], 0.0), min(box[2], float(grown.width)), min(box[3], float(grown.height)))
    return grown.resize((size, size), Image.Resampling.BILINEAR, box=kept)


def _depth(image: Image.Image) -> Image.Image:
    """Deep values from 0 to 1, as floats that can be resampled. Raises ValueError for others."""
    values = np.asarray(image).astype(np.float32)
    top = 1.0 if image.mode == "F" else 65_535.0
    low, high = float(values.min()), float(values.max())
    if not (low >= 0 and high <= top):
        raise ValueError(f"its values reach from {low:g} to {high:g}, and must lie from 0 to {top:g}")
    return Image.fromarray(values / np.float32(top))


def _colours(image: Image.Image, *, grey: bool) -> Image.Image:
    if image.mode in {"RGBA", "LA", "PA", "RGBa", "La"} or "transparency" in image.info:
        whole = image.convert("RGBA")
        ground = Image.new("RGBA", whole.size, (_WHITE, _WHITE, _WHITE, 255))
        image = Image.alpha_composite(ground, whole)
    wanted = "L" if grey else "RGB"
    return image if image.mode == wanted else image.convert(wanted)


def _array(image: Image.Image, *, grey: bool, deep: bool) -> npt.NDArray[Any]:
    pixels = np.asarray(image)
    if image.mode == "F":
        pixels = (pixels * (65_535 if deep else 255)).round().clip(0, 65_535).astype(np.uint16 if deep else np.uint8)
    elif deep:
        pixels = pixels.astype(np.uint16) * 257
    planes = pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
    if not grey and len(planes) == 1:
        planes = np.repeat(planes, 3, axis=0)
    return np.ascontiguousarray(planes)


def _grey_palette(image: Image.Image) -> bool:
    palette = np.array(image.getpalette() or [], np.uint8).reshape(-1, 3)
    return bool(len(palette)) and bool((palette == palette[:, :1]).all())


def said(error: Exception) -> str:
    """Why a file cannot be read, without the address of an object in memory."""
    if isinstance(error, UnidentifiedImageError):
        return "it is no image of a known format"
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
