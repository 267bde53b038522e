"""`hrnet`: points on images, found as peaks of heatmaps by a network that keeps a fine view beside coarser ones.

After Sun et al., Deep High-Resolution Representation Learning for Human Pose Estimation (2019), and its second version
(Wang et al. 2020), whose head looks at all resolutions at once. Here narrower and shallower: of 256 × 256 pixels, one
pass is 0.6 billion multiplications, of 1024 × 1024 ten.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from nbtrain.models.architectures.base import Architecture, Sizes, tensor_of
from nbtrain.models.architectures.heatmaps import REACH, framed


class HRNetConfig(Sizes):
    """Sizes of an `HRNet`."""

    channels: int = Field(3, ge=1, le=1024)
    width: int = Field(16, ge=4, le=256)
    """Channels of the finest resolution, a quarter of the image's; each coarser one has twice as many."""
    resolutions: int = Field(3, ge=1, le=5)
    """How many there are beside one another in the end; each is half as fine as the one before."""
    blocks: int = Field(2, ge=1, le=16)
    """Between two exchanges, at each resolution."""
    exchanges: list[int] = Field([1, 2, 2], min_length=1, max_length=5)
    """How often, with one resolution, with two, and so on; the last number counts for those that follow."""
    dropout: float = Field(0.0, ge=0.0, le=0.9)
    reach: int = Field(REACH, ge=1, le=256)
    """Pixels of a heatmap on either side of its peak that say where the point is, between the pixels too."""


class HRNet(Architecture[HRNetConfig]):
    """Images (rows, channels, height, width) → heatmaps (rows, outputs, height / 4, width / 4).

    Given the frame of each image too, (rows, 3), it gives the points themselves; see `heatmaps.framed`.
    """

    name = "hrnet"
    kind = "landmarks"
    Config: ClassVar[type[Sizes]] = HRNetConfig

    def __init__(self, config: HRNetConfig) -> None:
        super().__init__(config)
        width = config.width
        self.stem = nn.Sequential(*_convolution(config.channels, 2 * width, 2), *_convolution(2 * width, width, 2))
        stages: list[nn.Module] = []
        for count in range(1, config.resolutions + 1):
            if count > 1:
                stages.append(_Coarser(width * 2 ** (count - 2)))
            times = config.exchanges[min(count, len(config.exchanges)) - 1]
            stages += [_Exchange(width, count, config.blocks) for _ in range(times)]
        self.stages = nn.ModuleList(stages)
        wide = sum(width * 2**step for step in range(config.resolutions))
        self.gather = nn.Sequential(*_convolution(wide, 2 * width, 1, kernel=1))
        self.dropout = nn.Dropout2d(config.dropout)
        self.head = nn.Conv2d(2 * width, config.outputs, 1)

    def forward(self, x: Tensor, frame: Tensor | None = None) -> Tensor:
        """`x` (rows, channels, height, width) → (rows, outputs, height / 4, width / 4), or points of the frames."""
        views = [self.stem(x)]
        for stage in self.stages:
            views = stage(views)
        maps: Tensor = self.head(self.dropout(self.gather(torch.cat(_alike(views, views[0]), 1))))
        return maps if frame is None else framed(maps, frame, (x.shape[2], x.shape[3]), self.reach)

    @property
    def reach(self) -> int:
        """Pixels on either side of a peak that say where its point is."""
        return self._config.reach

    @classmethod
    def sizes(cls, inputs: Any) -> dict[str, Any]:
        x = inputs["x"] if isinstance(inputs, dict) and "x" in inputs else tensor_of(inputs)
        if not isinstance(x, Tensor) or x.ndim != 4:
            raise cls.refuse(inputs, "images of shape (rows, channels, height, width)")
        return {"channels": x.shape[1]}

    @classmethod
    def example(cls, config: HRNetConfig, rows: int) -> dict[str, Tensor]:
        return {"x": torch.randn(rows, config.channels, 64, 64)}


def _convolution(before: int, after: int, stride: int = 1, *, kernel: int = 3, last: bool = False) -> list[nn.Module]:
    parts: list[nn.Module] = [
        nn.Conv2d(before, after, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(after)]
    return parts if last else [*parts, nn.ReLU()]


def _alike(views: list[Tensor], like: Tensor) -> list[Tensor]:
    """All of them as fine as one; a coarser one is made finer bilinearly."""
    size = like.shape[2:]
    return [
        view if view.shape[2:] == size else functional.interpolate(view, size, mode="bilinear", align_corners=False)
        for view in views]


class _Coarser(nn.Module):
    """The coarsest of several resolutions once more, at half the height and width."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.down = nn.Sequential(*_convolution(width, 2 * width, 2))

    def forward(self, views: list[Tensor]) -> list[Tensor]:
        return [*views, self.down(views[-1])]


class _Exchange(nn.Module):
    """Blocks at each resolution by itself; then each gets the sum of what all say."""

    def __init__(self, width: int, count: int, blocks: int) -> None:
        super().__init__()
        widths = [width * 2**step for step in range(count)]
        self.branches = nn.ModuleList(nn.Sequential(*(_Block(each) for _ in range(blocks))) for each in widths)
        self.ways = nn.ModuleList(
            nn.ModuleList(_way(widths, source, goal) for source in range(count)) for goal in range(count))

    def forward(self, views: list[Tensor]) -> list[Tensor]:
        views = [branch(view) for branch, view in zip(self.branches, views, strict=True)]
        mixed = []
        for ways, own in zip(self.ways, views, strict=True):
            assert isinstance(ways, nn.ModuleList)  # noqa: S101 - made so
            said = _alike([way(view) for way, view in zip(ways, views, strict=True)], own)
            mixed.append(functional.relu(torch.stack(said).sum(0) if len(said) > 1 else said[0]))
        return mixed


def _way(widths: list[int], source: int, goal: int) -> nn.Module:
    """From one resolution to another: as it is, fewer channels for a finer one, steps of two for a coarser one."""
    if source == goal:
        return nn.Identity()
    if source > goal:
        return nn.Sequential(*_convolution(widths[source], widths[goal], kernel=1, last=True))
    steps: list[nn.Module] = []
    for step in range(source, goal):
        steps += _convolution(widths[step], widths[step + 1], 2, last=step == goal - 1)
    return nn.Sequential(*steps)


class _Block(nn.Module):
    """Two convolutions, and a way around them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.path = nn.Sequential(*_convolution(width, width), *_convolution(width, width, last=True))

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.path(x) + x)
