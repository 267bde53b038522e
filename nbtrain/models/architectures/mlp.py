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
        layers: list[nn.Module] = [Standardise(config.inputs)] if config.normalise else []
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


class Standardise(nn.Module):
    """(rows, features) → the same with mean 0 and deviation 1, by all rows that were seen in training.

    Not `BatchNorm1d`, whose mean forgets and so needs hundreds of steps to get from 0 to a year: until then a model
    sees other inputs when it is evaluated than when it learns. Batches are put together after Chan, Golub and LeVeque,
    Updating Formulae and a Pairwise Algorithm for Computing Sample Variances (1979).
    """

    running_mean: Tensor
    running_var: Tensor
    rows_seen: Tensor

    def __init__(self, features: int) -> None:
        super().__init__()
        self.register_buffer("running_mean", torch.zeros(features))
        self.register_buffer("running_var", torch.ones(features))
        self.register_buffer("rows_seen", torch.zeros((), dtype=torch.long))

    def forward(self, x: Tensor) -> Tensor:
        """`x` (rows, features)."""
        if self.training:
            self._see(x.detach().to(self.running_mean.dtype))
        return ((x - self.running_mean) * torch.rsqrt(self.running_var + 1e-5)).to(x.dtype)

    @torch.no_grad()
    def _see(self, x: Tensor) -> None:
        """Let the rows of a batch count, too."""
        mean, share = x.mean(0), x.shape[0] / (self.rows_seen + x.shape[0])
        gap = mean - self.running_mean
        within = (1 - share) * self.running_var + share * ((x - mean) ** 2).mean(0)
        self.running_var.copy_(within + share * (1 - share) * gap**2)
        self.running_mean += share * gap
        self.rows_seen += x.shape[0]
