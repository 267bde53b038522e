"""`hybrid-cnn-lstm`: convolutions see short patterns, an LSTM their order, attention which of them matter."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, model_validator
from torch import Tensor, nn

from nbtrain.models.architectures.attention import SelfAttention
from nbtrain.models.architectures.base import Sizes
from nbtrain.models.architectures.shapes import OfSeries, SeriesSizes


class HybridCNNLSTMConfig(SeriesSizes):
    """Sizes of a `HybridCNNLSTM`."""

    channels: list[int] = Field([64, 128], min_length=1, max_length=8)
    """Of each convolution; they keep the length."""
    kernel: int = Field(3, ge=1, le=63)
    hidden: int = Field(128, ge=1, le=4096)
    layers: int = Field(2, ge=1, le=8)
    heads: int = Field(4, ge=1, le=64)
    dropout: float = Field(0.4, ge=0.0, le=0.9)

    @model_validator(mode="after")
    def _heads_divide(self) -> HybridCNNLSTMConfig:
        if 2 * self.hidden % self.heads:
            raise ValueError(f"heads is {self.heads}; it must divide twice hidden, which is {2 * self.hidden}")
        if not self.kernel % 2:
            raise ValueError(f"kernel is {self.kernel}; it must be odd, so that the length stays")
        return self


class HybridCNNLSTM(OfSeries[HybridCNNLSTMConfig]):
    """Windows (rows, steps, features) → outputs (rows, outputs)."""

    name = "hybrid-cnn-lstm"
    Config: ClassVar[type[Sizes]] = HybridCNNLSTMConfig

    def __init__(self, config: HybridCNNLSTMConfig) -> None:
        super().__init__(config)
        layers: list[nn.Module] = []
        before = config.features
        for width in config.channels:
            layers += [
                nn.Conv1d(before, width, config.kernel, padding=config.kernel // 2), nn.BatchNorm1d(width), nn.GELU(),
                nn.Dropout(config.dropout / 2)]
            before = width
        self.convolutions = nn.Sequential(*layers)
        self.lstm = nn.LSTM(
            before, config.hidden, config.layers, batch_first=True, bidirectional=True,
            dropout=config.dropout if config.layers > 1 else 0.0)
        wide = 2 * config.hidden
        self.attention = SelfAttention(wide, config.heads, config.dropout / 2)
        self.norm = nn.LayerNorm(wide)
        self.head = nn.Sequential(
            nn.Linear(wide, config.hidden), nn.GELU(), nn.Dropout(config.dropout),
            nn.Linear(config.hidden, config.outputs))

    def forward(self, x: Tensor) -> Tensor:
        """`x` (rows, steps, features), or (rows, steps) of one feature → (rows, outputs)."""
        seen = self.convolutions(self.windows(x).transpose(1, 2)).transpose(1, 2)
        states, _ = self.lstm(seen)
        out: Tensor = self.head(self.norm(states + self.attention(states)).mean(1))
        return out
