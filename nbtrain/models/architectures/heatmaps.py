"""Points and the heatmaps that a network shows them by: what it is to give, what it loses, and where the peaks are.

A point is (x, y) in pixels, (0, 0) the centre of the upper left pixel. A map has a pixel for `stride` × `stride` of the
image's. Everything here is done for all maps of a batch at once, on the device they lie on.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

#: Pixels of a map on either side of a peak whose mean is the place of the point: twice the usual sigma.
REACH = 4


def to_map(points: Tensor, size: tuple[int, int], image: tuple[int, int]) -> Tensor:
    """Points (…, 2) of an image (height, width) as those of its maps of `size` (height, width)."""
    scale = points.new_tensor([size[1] / image[1], size[0] / image[0]])
    return (points + 0.5) * scale - 0.5


def to_image(points: Tensor, size: tuple[int, int], image: tuple[int, int]) -> Tensor:
    """The way back of `to_map`."""
    scale = points.new_tensor([image[1] / size[1], image[0] / size[0]])
    return (points + 0.5) * scale - 0.5


def gaussians(points: Tensor, size: tuple[int, int], sigma: float) -> Tensor:
    """Maps (…, height, width) with a bell of height 1 at each point (…, 2) of the map, of `sigma` pixels of the map."""
    down, right = (torch.arange(length, device=points.device, dtype=points.dtype) for length in size)
    across = torch.exp(-0.5 * ((right - points[..., :1]) / sigma) ** 2)
    along = torch.exp(-0.5 * ((down - points[..., 1:]) / sigma) ** 2)
    return along[..., :, None] * across[..., None, :]


def cross_entropy(maps: Tensor, target: Tensor, seen: Tensor) -> Tensor:
    """Each map as probabilities of where its point is, against a bell that is made to sum to 1.

    Against the mean squared error of maps, which is mostly about their empty pixels, it learns the same in a fraction
    of the epochs; docs/log.md has the figures.

    Args:
        maps: what the network gave, (rows, points, height, width).
        target: of `gaussians`, the same shape.
        seen: (rows, points), False for a point that is missing or outside; it counts for nothing.
    """
    log = functional.log_softmax(maps.flatten(2).float(), 2)
    flat = target.flatten(2).float()
    flat = flat / flat.sum(2, keepdim=True).clamp_min(1e-12)
    return mean_of(-(flat * log).sum(2), seen)


def mean_of(values: Tensor, seen: Tensor) -> Tensor:
    """The mean over the points that are seen; 0 where none is, with a gradient that is 0 too."""
    kept = seen.to(values.dtype)
    return (values * kept).sum() / kept.sum().clamp_min(1.0)


def peaks(maps: Tensor) -> Tensor:
    """Where the highest pixel of each map is, (rows, points, 2), whole numbers as floats."""
    width = maps.shape[-1]
    highest = maps.flatten(2).argmax(2)
    return torch.stack([highest % width, highest.div(width, rounding_mode="floor")], -1).to(torch.float32)


def points_of(maps: Tensor, reach: int = REACH) -> Tensor:
    """Where each map shows its point, between the pixels too, (rows, points, 2) in pixels of the map.

    The mean of the places around the highest pixel, each weighed by its probability: the soft-argmax of Sun et al.,
    Integral Human Pose Regression (2018), within a window, so that a second peak elsewhere does not draw it away. Of
    what was tried it errs least; docs/log.md has the figures.

    Args:
        maps: (rows, points, height, width).
        reach: pixels on either side of the peak that are looked at.
    """
    maps = maps.float()
    found = peaks(maps)
    height, width = maps.shape[-2:]
    down = torch.arange(height, device=maps.device, dtype=torch.float32)
    right = torch.arange(width, device=maps.device, dtype=torch.float32)
    # As far on either side, also at the edge: else what is cut off would draw the mean inwards.
    limit = torch.stack([found, found.new_tensor([width - 1.0, height - 1.0]) - found]).amin(0).clamp(0, reach)
    near = (((right - found[..., :1]).abs() <= limit[..., :1])[..., None, :]
            & ((down - found[..., 1:]).abs() <= limit[..., 1:])[..., :, None])
    weight = maps.masked_fill(~near, float("-inf")).flatten(2).softmax(2).view_as(maps)
    return torch.stack([(weight.sum(2) * right).sum(2), (weight.sum(3) * down).sum(2)], -1)


def framed(maps: Tensor, frame: Tensor, image: tuple[int, int], reach: int = REACH) -> Tensor:
    """Points (rows, points, 2) in pixels of each row's image as it was before it was made one size with others.

    Args:
        maps: heatmaps (rows, points, height, width).
        frame: (rows, 3): the factor each image was enlarged by, and how many pixels it was then moved right and down.
        image: height and width of the images that the maps are of.
        reach: see `points_of`.
    """
    return unframed(to_image(points_of(maps, reach), (maps.shape[2], maps.shape[3]), image), frame)


def unframed(points: Tensor, frame: Tensor) -> Tensor:
    """Points (rows, points, 2) of the images of one size, in pixels of the images before."""
    return (points + 0.5 - frame[:, None, 1:]) / frame[:, None, :1] - 0.5
