"""`lstm`: a recurrent network for windows of time series."""

from __future__ import annotations

from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from nbtrain.models.architectures.base import Sizes
from nbtrain.models.architectures.shapes import OfSeries, SeriesSizes


class LSTMConfig(SeriesSizes):
    """Sizes of an `LSTM`."""

    hidden: int = Field(64, ge=1, le=4096)
    layers: int = Field(2, ge=1, le=16)
    dropout: float = Field(0.2, ge=0.0, le=0.9)
    bidirectional: bool = False


class LSTM(OfSeries[LSTMConfig]):
    """Windows (rows, steps, features) → outputs (rows, outputs), from the state after the last step."""

    name = "lstm"
    Config: ClassVar[type[Sizes]] = LSTMConfig

    def __init__(self, config: LSTMConfig) -> None:
        super().__init__(config)
        self.lstm = nn.LSTM(
            config.features, config.hidden, config.layers, batch_first=True, bidirectional=config.bidirectional,
            dropout=config.dropout if config.layers > 1 else 0.0)  # it is between layers
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(config.hidden * (1 + config.bidirectional), config.outputs)

    def forward(self, x: Tensor) -> Tensor:
        """`x` (rows, steps, features), or (rows, steps) of one feature → (rows, outputs)."""
        states, _ = self.lstm(self.windows(x))
        if self.lstm.bidirectional:  # the way back ends at the first step
            last = torch.cat([states[:, -1, : self.lstm.hidden_size], states[:, 0, self.lstm.hidden_size:]], dim=1)
        else:
            last = states[:, -1]
        out: Tensor = self.head(self.dropout(last))
        return out
