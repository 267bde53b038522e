"""Images turned, shifted and flipped, and landmarks that move exactly as the pixels do.

A point is (x, y) in pixels, (0, 0) the centre of the upper left pixel. A map is a 3 × 3 matrix from points of the
given image to points of the new one. Images are torch tensors … × C × H × W.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import torch

Matrix = np.ndarray[Any, np.dtype[np.float64]]


def flip(width: int, height: int, *, horizontal: bool, vertical: bool) -> Matrix:
    """X becomes W − 1 − x, y becomes H − 1 − y."""
    return np.array([
        [-1.0 if horizontal else 1.0, 0.0, width - 1.0 if horizontal else 0.0],
        [0.0, -1.0 if vertical else 1.0, height - 1.0 if vertical else 0.0],
        [0.0, 0.0, 1.0],
    ])


def affine(
    width: int, height: int, *, degrees: float = 0.0, scale: float = 1.0, shift: tuple[float, float] = (0.0, 0.0),
    shear: float = 0.0,
) -> Matrix:
    """Shear, scale and rotation (clockwise as seen) about the centre of the image, then a shift in pixels.

    Args:
        width: of the image in pixels.
        height: of the image in pixels.
        degrees: the angle of the rotation.
        scale: above 1 enlarges.
        shift: to the right and down.
        shear: the angle by which vertical lines lean, in degrees.
    """
    angle, lean = math.radians(degrees), math.tan(math.radians(shear))
    turned = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    linear = scale * turned @ np.array([[1.0, lean], [0.0, 1.0]])
    center = np.array([(width - 1) / 2, (height - 1) / 2])
    found = np.eye(3)
    found[:2, :2] = linear
    found[:2, 2] = center + shift - linear @ center
    return found


def move(points: Matrix, matrix: Matrix) -> Matrix:
    """Points N × 2, mapped; those that leave the image keep their place beyond it."""
    return points @ matrix[:2, :2].T + matrix[:2, 2]


def flipped(image: torch.Tensor, *, horizontal: bool, vertical: bool) -> torch.Tensor:
    """Exact to the bit."""
    axes = [axis for axis, wanted in ((-1, horizontal), (-2, vertical)) if wanted]
    return image.flip(axes) if axes else image


def warp(image: torch.Tensor, matrix: Matrix, *, fill: str = "zeros") -> torch.Tensor:
    """A float image C × H × W, mapped: each new pixel is read, bilinearly, where it comes from.

    Args:
        image: the pixels.
        matrix: from points of `image` to points of the new one.
        fill: what is beyond the edge: ``"zeros"``, ``"border"`` (the nearest pixel) or ``"reflection"``.
    """
    import torch  # noqa: PLC0415 - `import nbtrain.data` does without

    height, width = image.shape[-2:]
    # affine_grid and grid_sample measure from −1 to 1 between the outer edges of the outer pixels.
    to_pixels = np.array([
        [width / 2, 0.0, (width - 1) / 2], [0.0, height / 2, (height - 1) / 2], [0.0, 0.0, 1.0]])
    inverse = np.linalg.inv(to_pixels) @ np.linalg.inv(matrix) @ to_pixels
    theta = torch.from_numpy(inverse[:2]).to(image)
    grid = torch.nn.functional.affine_grid(theta[None], [1, *image.shape], align_corners=False)
    return torch.nn.functional.grid_sample(
        image[None], grid, mode="bilinear", padding_mode=fill, align_corners=False)[0]
