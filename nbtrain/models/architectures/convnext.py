"""`convnext`: a small ConvNeXt for images of any size.

After Liu et al., A ConvNet for the 2020s (2022): each block is a 7 × 7 convolution of each channel by itself, a layer
norm, and two linear maps with GELU between them, whose gain starts near zero. The stem is two 3 × 3 convolutions in the
place of the paper's 4 × 4 patches, which leave nothing of an image of 28 × 28.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from nbtrain.models.architectures.base import Sizes
from nbtrain.models.architectures.shapes import ImageSizes, OfImages

#: What a block adds begins at this share, so that a deep network starts as nearly none (Touvron et al. 2021).
GAIN = 1e-6


class ConvNeXtConfig(ImageSizes):
    """Sizes of a `ConvNeXt`."""

    width: int = Field(40, ge=4, le=1024)
    """Channels of the first stage; each later stage has twice as many, at half the height and width."""
    blocks: list[int] = Field([2, 2, 4, 2], min_length=1, max_length=5)
    """How many blocks each stage has."""
    dropout: float = Field(0.0, ge=0.0, le=0.9)


class ConvNeXt(OfImages[ConvNeXtConfig]):
    """Images (rows, channels, height, width) → outputs (rows, outputs)."""

    name = "convnext"
    Config: ClassVar[type[Sizes]] = ConvNeXtConfig

    def __init__(self, config: ConvNeXtConfig) -> None:
        super().__init__(config)
        width = config.width
        self.stem = nn.Sequential(
            nn.Conv2d(config.channels, width // 2, 3, 2, 1), _Norm(width // 2), nn.GELU(),
            nn.Conv2d(width // 2, width, 3, 2, 1), _Norm(width))
        stages: list[nn.Module] = []
        self.stage_of: dict[str, int] = {}
        """By the names of its blocks, and of what makes the image smaller between them, the number of the stage."""
        for stage, count in enumerate(config.blocks):
            if stage:
                stages.append(nn.Sequential(_Norm(width), nn.Conv2d(width, 2 * width, 3, 2, 1)))
                width *= 2
            stages += [_Block(width) for _ in range(count)]
            self.stage_of |= {f"stages.{number}": stage for number in range(len(self.stage_of), len(stages))}
        self.stages = nn.Sequential(*stages)
        self.norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(width, config.outputs)

    def forward(self, x: Tensor) -> Tensor:
        """`x` (rows, channels, height, width) → (rows, outputs)."""
        pooled = self.norm(self.stages(self.stem(x)).mean((2, 3)))
        out: Tensor = self.head(self.dropout(pooled))
        return out


class _Norm(nn.LayerNorm):
    """A layer norm over the channels of each pixel."""

    def forward(self, x: Tensor) -> Tensor:
        moved = functional.layer_norm(x.permute(0, 2, 3, 1), self.normalized_shape, self.weight, self.bias, self.eps)
        return moved.permute(0, 3, 1, 2)


class _Block(nn.Module):
    """What neighbours say, channel by channel, and what channels say to one another."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.near = nn.Conv2d(width, width, 7, padding=3, groups=width)
        self.norm = nn.LayerNorm(width)
        self.widen = nn.Linear(width, 4 * width)
        self.narrow = nn.Linear(4 * width, width)
        self.gain = nn.Parameter(torch.full((width,), GAIN))

    def forward(self, x: Tensor) -> Tensor:
        inner = self.norm(self.near(x).permute(0, 2, 3, 1))
        inner = self.gain * self.narrow(functional.gelu(self.widen(inner)))
        out: Tensor = x + inner.permute(0, 3, 1, 2)
        return out
