"""`lstm`: a recurrent network for windows of time series."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from nbtrain.models.architectures.base import Architecture, Sizes, tensor_of


class LSTMConfig(Sizes):
    """Sizes of an `LSTM`."""

    features: int = Field(ge=1, le=100_000)
    hidden: int = Field(64, ge=1, le=4096)
    layers: int = Field(2, ge=1, le=16)
    dropout: float = Field(0.2, ge=0.0, le=0.9)
    bidirectional: bool = False


class LSTM(Architecture[LSTMConfig]):
    """Windows (rows, steps, features) → outputs (rows, outputs), from the state after the last step."""

    name = "lstm"
    kind = "series"
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
        if x.ndim == 2:
            x = x.unsqueeze(-1)
        states, _ = self.lstm(x)
        if self.lstm.bidirectional:  # the way back ends at the first step
            last = torch.cat([states[:, -1, : self.lstm.hidden_size], states[:, 0, self.lstm.hidden_size:]], dim=1)
        else:
            last = states[:, -1]
        out: Tensor = self.head(self.dropout(last))
        return out

    @classmethod
    def sizes(cls, inputs: Any) -> dict[str, Any]:
        x = tensor_of(inputs)
        if not isinstance(x, Tensor) or x.ndim not in {2, 3}:
            raise cls.refuse(inputs, "windows of shape (rows, steps, features), or (rows, steps)")
        return {"features": 1 if x.ndim == 2 else x.shape[2]}

    @classmethod
    def example(cls, config: LSTMConfig, rows: int) -> dict[str, Tensor]:
        return {"x": torch.randn(rows, 24, config.features)}
