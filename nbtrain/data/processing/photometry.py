"""Brightness, contrast, saturation, blur and noise of an image; float tensors C × H × W."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import torch

#: ITU-R BT.601: how bright red, green and blue are.
LUMA = (0.299, 0.587, 0.114)


def gray(image: torch.Tensor) -> torch.Tensor:
    """1 × H × W: BT.601 for three channels or more, else their mean."""
    if image.shape[0] < 3:
        return image.mean(0, keepdim=True)
    weights = image.new_tensor(LUMA)[:, None, None]
    return (image[:3] * weights).sum(0, keepdim=True)


def brightness(image: torch.Tensor, factor: float) -> torch.Tensor:
    """Every value times `factor`."""
    return image * factor


def contrast(image: torch.Tensor, factor: float) -> torch.Tensor:
    """Distances from the mean brightness times `factor`."""
    middle = gray(image).mean()
    return (image - middle) * factor + middle


def saturation(image: torch.Tensor, factor: float) -> torch.Tensor:
    """Distances from gray times `factor`; an image of one channel stays as it is."""
    if image.shape[0] < 3:
        return image
    without = gray(image)
    return (image - without) * factor + without


def blur(image: torch.Tensor, sigma: float) -> torch.Tensor:
    """Convolved with a Gaussian of `sigma` pixels, cut at three of them; edges are repeated."""
    import torch  # noqa: PLC0415 - `import nbtrain.data` does without

    reach = max(1, math.ceil(3 * sigma))
    kernel = torch.exp(-0.5 * (torch.arange(-reach, reach + 1).to(image) / sigma) ** 2)
    kernel /= kernel.sum()
    pad = torch.nn.functional.pad(image[:, None], (reach, reach, reach, reach), mode="replicate")
    rows = torch.nn.functional.conv2d(pad, kernel[None, None, None, :])
    return torch.nn.functional.conv2d(rows, kernel[None, None, :, None])[:, 0]


def noise(image: torch.Tensor, deviation: float, rng: np.random.Generator) -> torch.Tensor:
    """Gaussian noise of this standard deviation added."""
    import torch  # noqa: PLC0415 - `import nbtrain.data` does without

    drawn: Any = rng.standard_normal(tuple(image.shape), np.float32)
    return image + torch.from_numpy(drawn).to(image) * deviation
