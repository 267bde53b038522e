"""Models of which the shape of a sample is all that is known: numbers that are pasted, or an image of that shape."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

from nbtrain.core.errors import DataError
from nbtrain.core.model_views import TryField
from nbtrain.i18n import text
from nbtrain.models.package import About
from nbtrain.trying import answers
from nbtrain.trying.way import PICTURES, SOUNDS, Made, Way, field

#: Numbers of a sample that a person would type.
_TYPED = 40


def shape_of(about: About) -> list[int]:
    """The shape of one sample, 0 where a length is free; empty where nothing is known of it."""
    shape = about.inputs.get("shape")
    if isinstance(shape, list | tuple) and shape and all(isinstance(each, int) for each in shape):
        return [max(0, each) for each in shape]
    config = about.config
    if about.format != "architecture":
        return []
    if isinstance(config.get("inputs"), int):
        return [config["inputs"]]
    if isinstance(config.get("features"), int):
        return [0, config["features"]]
    if isinstance(config.get("channels"), int):
        return [config["channels"], 0, 0]
    return []


def picture_shape(about: About) -> list[int]:
    """Channels, height and width of the images that it takes; empty where these are no images."""
    shape = shape_of(about)
    if len(shape) == 3 and about.inputs.get("channels_last"):
        shape = [shape[2], *shape[:2]]
    return shape if about.inputs.get("kind") == "image" and len(shape) == 3 and shape[0] in {1, 3} else []


class Numbers(Way):
    """One sample as numbers: all of them in a row, or a row for each step of a series."""

    name = "inputs"

    @property
    def kind(self) -> str:  # type: ignore[override]  # it depends
        return "series" if len(self._shape) > 1 else "tabular"

    @property
    def _shape(self) -> list[int]:
        return shape_of(self.version.about)

    def fields(self) -> list[TryField]:
        rows, width = self._size()
        example = None
        if width and rows * width <= _TYPED:
            example = "\n".join(" ".join(["0"] * width) for _ in range(max(1, rows)))
        return [field(self.name, "series", rows=rows if len(self._shape) > 1 else 0, example=example)]

    def note(self) -> str:
        rows, width = self._size()
        if len(self._shape) == 1:
            return text("try.note.numbers", count=width)
        return text("try.note.steps" if rows else "try.note.any_steps", rows=rows, count=width)

    def made(self, values: Mapping[str, Any], module: Any) -> Made:
        del module
        import torch  # noqa: PLC0415 - a form needs none

        shape = list(self._shape)
        rows = [answers.steps(values, self.name)] if shape[1:] == [1] else answers.series(values, self.name)
        other = next((row for row in rows if len(row) != shape[-1]), None)
        if len(shape) == 2 and shape[1] > 1 and len(rows) > 1 and other is not None:
            raise answers.wrong(self.name, (
                f"A line has {len(other)} numbers; each step has {shape[1]}, so give as many on each line."))
        flat = [value for row in rows for value in row]
        if shape.count(0) == 1 and len(shape) > 1:
            width = prod(each for each in shape if each)
            shape[shape.index(0)] = max(1, len(flat) // width)
        if len(flat) != prod(shape):
            wanted = " × ".join(str(each or "?") for each in self._shape)
            raise answers.wrong(self.name, (
                f"{len(flat):,} numbers were given; one sample has {wanted}, so give {prod(shape):,} of them."))
        return Made(torch.tensor(flat, dtype=torch.float32).reshape(1, *shape))

    def _size(self) -> tuple[int, int]:
        """Steps of a sample (0: any number), and numbers of a step."""
        shape = self._shape
        return (1, shape[0]) if len(shape) == 1 else (shape[0], prod(shape[1:]))


class Pictures(Way):
    """An image, made to the channels and the size that the model takes."""

    kind = "image"
    name = "image"

    def fields(self) -> list[TryField]:
        return [field(self.name, "file", accept=PICTURES)]

    def made(self, values: Mapping[str, Any], module: Any) -> Made:
        del module
        import torch  # noqa: PLC0415 - as above

        inputs = self.version.about.inputs
        channels, height, width = picture_shape(self.version.about)
        array, note = picture(answers.file(values, self.name), self.name, channels, (height, width))
        whole = "int" in str(inputs.get("dtype", ""))
        if inputs.get("range", "0-255" if whole else "0-1") == "0-255":  # as what it learned from
            array = array * 255.0
        if inputs.get("channels_last"):
            array = array.transpose(1, 2, 0)
        made = torch.from_numpy(array)[None]
        return Made(made.round() if whole else made, note)


class Sounds(Way):
    """A sound, as it is."""

    kind = "sound"
    name = "sound"

    def fields(self) -> list[TryField]:
        return [field(self.name, "file", accept=SOUNDS)]

    def made(self, values: Mapping[str, Any], module: Any) -> Made:
        del module
        import torch  # noqa: PLC0415 - as above

        samples, _ = sound(answers.contents(answers.file(values, self.name), self.name), self.name)
        shape = shape_of(self.version.about)
        if shape and shape[0] == 1:
            samples = samples.mean(0, keepdims=True)
        return Made(torch.from_numpy(samples)[None])


def picture(path: Any, name: str, channels: int, size: Sequence[int]) -> tuple[Any, str]:
    """An image as float32 (channels, height, width) in 0–1, in this size where one is given; and what was done to it.

    Raises ConfigError when it cannot be decoded, or has other channels than an image can have.
    """
    import numpy as np  # noqa: PLC0415 - a form needs none
    from PIL import Image  # noqa: PLC0415

    image, note = opened(path, name), ""
    if channels not in {1, 3}:
        raise DataError(f"The model takes images of {channels} channels; an image has 1 or 3.")
    height, width = size
    if height and width and image.size != (width, height):
        note = text("try.note.resized", width=image.size[0], height=image.size[1], to_width=width, to_height=height)
        image = image.convert("RGB").resize((width, height), Image.Resampling.BILINEAR)
    array = np.asarray(image.convert("L" if channels == 1 else "RGB"), dtype=np.float32) / 255.0
    return (array[None] if array.ndim == 2 else np.ascontiguousarray(array.transpose(2, 0, 1))), note


def opened(path: Any, name: str) -> Any:
    """An image, decoded. Raises ConfigError."""
    from PIL import Image, UnidentifiedImageError  # noqa: PLC0415 - as above

    try:
        image = Image.open(io.BytesIO(answers.contents(path, name)))
        image.load()
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError, ValueError, SyntaxError) as error:
        why = type(error).__name__
        raise answers.wrong(name, f"{path.name} is no image that can be decoded ({why}); choose another.") from None
    return image


def sound(data: bytes, name: str) -> tuple[Any, int]:
    """A sound as float32 (channels, samples), and its samples a second. Raises ConfigError."""
    try:
        import soundfile  # noqa: PLC0415 - an extra
    except ImportError:
        raise DataError("Reading audio needs soundfile; install it with: pip install 'nbtrain[audio]'.") from None
    try:
        samples, rate = soundfile.read(io.BytesIO(data), dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise answers.wrong(name, f"{name!r} is no sound that can be decoded: {error}; choose another.") from None
    return samples.T.copy(), int(rate)
