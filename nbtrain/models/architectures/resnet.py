"""`resnet`: a small residual network for images of any size.

After He et al., Deep Residual Learning for Image Recognition (2016): basic blocks of two 3 × 3 convolutions with a way
around them, here with a 3 × 3 stem, which keeps small images from shrinking at once.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from nbtrain.models.architectures.base import Sizes
from nbtrain.models.architectures.shapes import ImageSizes, OfImages


class ResNetConfig(ImageSizes):
    """Sizes of a `ResNet`."""

    width: int = Field(32, ge=4, le=1024)
    """Channels of the first stage; each later stage has twice as many, at half the height and width."""
    blocks: list[int] = Field([2, 2, 2], min_length=1, max_length=6)
    """How many blocks each stage has."""
    dropout: float = Field(0.0, ge=0.0, le=0.9)


class ResNet(OfImages[ResNetConfig]):
    """Images (rows, channels, height, width) → outputs (rows, outputs)."""

    name = "resnet"
    Config: ClassVar[type[Sizes]] = ResNetConfig

    def __init__(self, config: ResNetConfig) -> None:
        super().__init__(config)
        width = config.width
        self.stem = nn.Sequential(
            nn.Conv2d(config.channels, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU())
        stages: list[nn.Module] = []
        self.stage_of: dict[str, int] = {}
        """By the names of its blocks, the number of the stage."""
        for stage, count in enumerate(config.blocks):
            wide = config.width * 2**stage
            for block in range(count):
                self.stage_of[f"stages.{len(stages)}"] = stage
                stages.append(_Block(width, wide, stride=2 if stage and not block else 1))
                width = wide
        self.stages = nn.Sequential(*stages)
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(width, config.outputs)

    def forward(self, x: Tensor) -> Tensor:
        """`x` (rows, channels, height, width) → (rows, outputs)."""
        pooled = self.stages(self.stem(x)).mean((2, 3))
        out: Tensor = self.head(self.dropout(pooled))
        return out


class _Block(nn.Module):
    """Two convolutions, and a way around them."""

    def __init__(self, before: int, width: int, stride: int) -> None:
        super().__init__()
        self.path = nn.Sequential(
            nn.Conv2d(before, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(),
            nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width))
        self.around: nn.Module = nn.Identity()
        if stride != 1 or before != width:
            self.around = nn.Sequential(nn.Conv2d(before, width, 1, stride, bias=False), nn.BatchNorm2d(width))

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.path(x) + self.around(x))
