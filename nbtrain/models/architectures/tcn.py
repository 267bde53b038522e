"""`tcn`: convolutions that look back alone, each twice as far as the one before.

After Bai, Kolter and Koltun, An Empirical Evaluation of Generic Convolutional and Recurrent Networks for Sequence
Modeling (2018).
"""

from __future__ import annotations

from itertools import pairwise
from typing import ClassVar

from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from nbtrain.models.architectures.base import Sizes
from nbtrain.models.architectures.shapes import OfSeries, SeriesSizes


class TCNConfig(SeriesSizes):
    """Sizes of a `TCN`."""

    channels: list[int] = Field([64, 64, 64, 64], min_length=1, max_length=16)
    """Of each block. With kernel k the last sees 2 (k - 1) (2^blocks - 1) + 1 steps."""
    kernel: int = Field(3, ge=2, le=63)
    dropout: float = Field(0.2, ge=0.0, le=0.9)


class Block(nn.Module):
    """(rows, channels, steps) → the same number of steps, of which none sees a later one."""

    def __init__(self, before: int, width: int, kernel: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.back = (kernel - 1) * dilation
        self.first = nn.Conv1d(before, width, kernel, dilation=dilation)
        self.second = nn.Conv1d(width, width, kernel, dilation=dilation)
        self.aside = nn.Conv1d(before, width, 1) if before != width else nn.Identity()
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """`x` (rows, channels, steps)."""
        seen = self.dropout(functional.gelu(self.first(functional.pad(x, (self.back, 0)))))
        seen = self.dropout(functional.gelu(self.second(functional.pad(seen, (self.back, 0)))))
        out: Tensor = functional.gelu(seen + self.aside(x))
        return out


class TCN(OfSeries[TCNConfig]):
    """Windows (rows, steps, features) → outputs (rows, outputs), from the last step."""

    name = "tcn"
    Config: ClassVar[type[Sizes]] = TCNConfig

    def __init__(self, config: TCNConfig) -> None:
        super().__init__(config)
        widths = [config.features, *config.channels]
        self.blocks = nn.Sequential(*(
            Block(before, width, config.kernel, 2**place, config.dropout)
            for place, (before, width) in enumerate(pairwise(widths))))
        self.head = nn.Linear(widths[-1], config.outputs)

    def forward(self, x: Tensor) -> Tensor:
        """`x` (rows, steps, features), or (rows, steps) of one feature → (rows, outputs)."""
        out: Tensor = self.head(self.blocks(self.windows(x).transpose(1, 2))[:, :, -1])
        return out
