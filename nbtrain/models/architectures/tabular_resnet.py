"""`tabular-resnet`: residual blocks for tables.

After Gorishniy et al., Revisiting Deep Learning Models for Tabular Data (2021); with layer norms, which need no batch.
"""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field
from torch import Tensor, nn

from nbtrain.models.architectures.base import Architecture, Sizes
from nbtrain.models.architectures.tabular_mlp import Cells, TableSizes, example, sizes


class TabularResNetConfig(TableSizes):
    """Sizes of a `TabularResNet`."""

    width: int = Field(128, ge=1, le=65_536)
    blocks: int = Field(3, ge=1, le=64)
    inner: int = Field(256, ge=1, le=65_536)
    """Width within a block."""
    dropout: float = Field(0.2, ge=0.0, le=0.9)


class TabularResNet(Architecture[TabularResNetConfig]):
    """Numbers (rows, numbers) and categories (rows, categories) → (rows, outputs)."""

    name = "tabular-resnet"
    kind = "tabular"
    Config: ClassVar[type[Sizes]] = TabularResNetConfig

    def __init__(self, config: TabularResNetConfig) -> None:
        super().__init__(config)
        self.cells = Cells(config)
        self.first = nn.Linear(self.cells.width, config.width)
        self.blocks = nn.ModuleList(nn.Sequential(
            nn.LayerNorm(config.width), nn.Linear(config.width, config.inner), nn.GELU(), nn.Dropout(config.dropout),
            nn.Linear(config.inner, config.width), nn.Dropout(config.dropout / 2)) for _ in range(config.blocks))
        self.head = nn.Sequential(nn.LayerNorm(config.width), nn.GELU(), nn.Linear(config.width, config.outputs))

    def forward(self, numbers: Tensor, categories: Tensor | None = None) -> Tensor:
        """`numbers` (rows, numbers), `categories` whole numbers (rows, columns) → (rows, outputs)."""
        x = self.first(self.cells(numbers, categories))
        for block in self.blocks:
            x = x + block(x)
        out: Tensor = self.head(x)
        return out

    @classmethod
    def sizes(cls, inputs: Any) -> dict[str, Any]:
        return sizes(cls, inputs)

    @classmethod
    def example(cls, config: TabularResNetConfig, rows: int) -> dict[str, Tensor]:
        return example(config, rows)
