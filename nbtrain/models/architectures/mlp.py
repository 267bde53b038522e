"""`mlp`: layers that are wholly connected, for tables of numbers."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from nbtrain.models.architectures.base import Architecture, Sizes, tensor_of


class MLPConfig(Sizes):
    """Sizes of an `MLP`."""

    inputs: int = Field(ge=1, le=1_000_000)
    hidden: list[int] = Field([128, 64], min_length=1, max_length=32)
    dropout: float = Field(0.1, ge=0.0, le=0.9)
    normalise: bool = True
    """Bring each input to mean 0 and deviation 1, as seen in training: columns of a table differ in scale."""


class MLP(Architecture[MLPConfig]):
    """Inputs (rows, features), or anything that flattens to that → outputs (rows, outputs)."""

    name = "mlp"
    kind = "tabular"
    Config: ClassVar[type[Sizes]] = MLPConfig

    def __init__(self, config: MLPConfig) -> None:
        super().__init__(config)
        # The plain mean over all batches: one that forgets needs hundreds of steps to get from 0 to a year, and until
        # then the model sees other inputs when it is evaluated than when it learns.
        layers: list[nn.Module] = (
            [nn.BatchNorm1d(config.inputs, affine=False, momentum=None)] if config.normalise else [])
        before = config.inputs
        for width in config.hidden:
            layers += [nn.Linear(before, width), nn.GELU(), nn.Dropout(config.dropout)]
            before = width
        self.layers = nn.Sequential(*layers)
        self.head = nn.Linear(before, config.outputs)

    def forward(self, x: Tensor) -> Tensor:
        """`x` (rows, features) → (rows, outputs)."""
        out: Tensor = self.head(self.layers(x.flatten(1)))
        return out

    @classmethod
    def sizes(cls, inputs: Any) -> dict[str, Any]:
        x = tensor_of(inputs)
        if not isinstance(x, Tensor) or x.ndim < 2:
            raise cls.refuse(inputs, "numbers of shape (rows, features)")
        return {"inputs": x[0].numel()}

    @classmethod
    def example(cls, config: MLPConfig, rows: int) -> dict[str, Tensor]:
        return {"x": torch.randn(rows, config.inputs)}
