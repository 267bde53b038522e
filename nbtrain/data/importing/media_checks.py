"""Encoded images and sounds: what their headers say, and whether they are whole, without decoding most of them."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any

import pyarrow as pa
from PIL import Image, UnidentifiedImageError

from nbtrain.data.columns import Kind

#: Endings of file names, in lower case.
ENDINGS = {
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff"), Kind.IMAGE),
    **dict.fromkeys((".wav", ".flac", ".mp3", ".ogg"), Kind.AUDIO),
}
_IMAGE_FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")
_IMAGE_FIELDS = (("width", pa.int32()), ("height", pa.int32()), ("mode", pa.string()))
_AUDIO_FIELDS = (("duration", pa.float64()), ("sample_rate", pa.int32()))


class BrokenError(Exception):
    """A file that is not what its name says, or is cut short; the message says which."""


def fields(kind: Kind) -> tuple[tuple[str, pa.DataType], ...]:
    """Name and type of what a header tells: width and height in pixels and Pillow's mode; or seconds and Hz.

    Nothing for sounds where the library soundfile is not installed.
    """
    if kind is Kind.IMAGE:
        return _IMAGE_FIELDS
    return _AUDIO_FIELDS if _soundfile() is not None else ()


def probe(kind: Kind, data: bytes) -> tuple[Any, ...]:
    """The values of `fields`. Raises BrokenError when the file is empty, of another format, cut short, or too large."""
    if not data:
        raise BrokenError("it is empty")
    return _image(data) if kind is Kind.IMAGE else _audio(data)


def _image(data: bytes) -> tuple[int, int, str]:
    """Only the header is decoded, where the end of the file shows that it is whole."""
    try:
        with Image.open(io.BytesIO(data), formats=_IMAGE_FORMATS) as image:
            found = (image.width, image.height, image.mode)
            if not _WHOLE.get(image.format or "", _unknown)(data):
                image.load()
    except UnidentifiedImageError:
        raise BrokenError("it is no image, or of a format that is not known") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise BrokenError(
            f"it has too many pixels: PIL.Image.MAX_IMAGE_PIXELS, {Image.MAX_IMAGE_PIXELS}, keeps out decompression "
            "bombs") from None
    except (OSError, SyntaxError, ValueError, EOFError, struct.error, IndexError) as error:
        raise BrokenError(f"it is cut short or damaged ({error})") from None
    return found


def _png(data: bytes) -> bool:
    return data.endswith(b"IEND\xaeB`\x82")


def _jpeg(data: bytes) -> bool:
    """The mark of the end cannot stand inside the coded image, only in a thumbnail near the beginning."""
    return b"\xff\xd9" in data[max(len(data) // 2, len(data) - 1024):]


def _gif(data: bytes) -> bool:
    return data.rstrip(b"\0").endswith(b";")


def _webp(data: bytes) -> bool:
    return len(data) >= 8 + int.from_bytes(data[4:8], "little")


def _unknown(data: bytes) -> bool:
    """Nothing at its end shows that such a file is whole: it is decoded."""
    del data
    return False


_WHOLE: dict[str, Callable[[bytes], bool]] = {"PNG": _png, "JPEG": _jpeg, "MPO": _jpeg, "GIF": _gif, "WEBP": _webp}


def _audio(data: bytes) -> tuple[Any, ...]:
    if data[:4] == b"RIFF" and data[8:12] == b"WAVE":
        said = int.from_bytes(data[4:8], "little")
        if 8 + said > len(data) + 1 and said < 0xFFFF_FF00:  # a recorder that never learnt its length writes the most
            raise BrokenError(f"it is cut short: {len(data):,} of {8 + said:,} bytes are there")
    if data[:4] == b"OggS" and not _ogg(data):
        raise BrokenError("it is cut short: its last page is missing")
    library = _soundfile()
    if library is None:
        frame = len(data) > 1 and data[0] == 0xFF and data[1] & 0xE0 == 0xE0  # an MP3 without a tag before it
        if not frame and not data.startswith((b"RIFF", b"OggS", b"fLaC", b"ID3")):
            raise BrokenError("it is no sound, or of a format that is not known")
        return ()
    try:
        with library.SoundFile(io.BytesIO(data)) as sound:
            if data[:4] == b"fLaC" and sound.frames:  # nothing marks the end of one
                sound.seek(sound.frames - 1)
                if len(sound.read(1)) != 1:
                    raise BrokenError("it is cut short: its last samples are missing")
            return sound.frames / sound.samplerate, sound.samplerate
    except (library.SoundFileError, RuntimeError, ValueError) as error:
        raise BrokenError(f"it is no sound, or cut short or damaged ({error})") from None


def _ogg(data: bytes) -> bool:
    """Whether the last page is there, and is marked as the last."""
    start = data.rfind(b"OggS")
    page = data[start:start + 27]
    if len(page) < 27 or not page[5] & 4:
        return False
    sizes = data[start + 27:start + 27 + page[26]]
    return len(sizes) == page[26] and len(data) >= start + 27 + page[26] + sum(sizes)


@cache
def _soundfile() -> Any:
    """The library soundfile, None where it is not installed."""
    try:
        return import_module("soundfile")
    except (ImportError, OSError):  # OSError: it is there, but its C library is not
        return None
