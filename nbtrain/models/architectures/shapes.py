"""What several architectures take alike: images of any size, and windows of series."""

from __future__ import annotations

from typing import Any, TypeVar

import torch
from pydantic import Field
from torch import Tensor

from nbtrain.models.architectures.base import Architecture, Sizes, tensor_of


class ImageSizes(Sizes):
    """Sizes of a model of images."""

    channels: int = Field(3, ge=1, le=1024)


class SeriesSizes(Sizes):
    """Sizes of a model of windows."""

    features: int = Field(ge=1, le=100_000)


P = TypeVar("P", bound=ImageSizes)
S = TypeVar("S", bound=SeriesSizes)


class OfImages(Architecture[P]):
    """Takes images (rows, channels, height, width)."""

    kind = "image"

    @classmethod
    def sizes(cls, inputs: Any) -> dict[str, Any]:
        x = tensor_of(inputs)
        if not isinstance(x, Tensor) or x.ndim != 4:
            raise cls.refuse(inputs, "images of shape (rows, channels, height, width)")
        return {"channels": x.shape[1]}

    @classmethod
    def example(cls, config: ImageSizes, rows: int) -> dict[str, Tensor]:
        return {"x": torch.randn(rows, config.channels, 32, 32)}


class OfSeries(Architecture[S]):
    """Takes windows (rows, steps, features), or (rows, steps) of one feature."""

    kind = "series"

    @staticmethod
    def windows(x: Tensor) -> Tensor:
        """As (rows, steps, features)."""
        return x.unsqueeze(-1) if x.ndim == 2 else x

    @classmethod
    def sizes(cls, inputs: Any) -> dict[str, Any]:
        x = tensor_of(inputs)
        if not isinstance(x, Tensor) or x.ndim not in {2, 3}:
            raise cls.refuse(inputs, "windows of shape (rows, steps, features), or (rows, steps)")
        return {"features": cls.windows(x).shape[2]}

    @classmethod
    def example(cls, config: SeriesSizes, rows: int) -> dict[str, Tensor]:
        return {"x": torch.randn(rows, 24, config.features)}
