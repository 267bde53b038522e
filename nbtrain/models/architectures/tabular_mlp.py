"""`tabular-mlp`: layers that are wholly connected, for tables of numbers and categories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from nbtrain.models.architectures.base import Architecture, Sizes, tensor_of
from nbtrain.models.architectures.mlp import Standardise


class TableSizes(Sizes):
    """What the models of tables have in common."""

    numbers: int = Field(ge=0, le=1_000_000)
    categories: list[int] = Field([], max_length=10_000)
    """Of each column of categories, how many numbers there are; 0 stands for one that was never seen."""
    normalise: bool = False
    """Bring each number to mean 0 and deviation 1, as seen in training, where that was not done before."""

    @model_validator(mode="after")
    def _there_is_something(self) -> TableSizes:
        if not self.numbers and not self.categories:
            raise ValueError("there are neither numbers nor categories")
        if any(not 1 <= size <= 10_000_000 for size in self.categories):
            raise ValueError("a column of categories has from 1 to 10,000,000 of them")
        return self


class TabularMLPConfig(TableSizes):
    """Sizes of a `TabularMLP`."""

    hidden: list[int] = Field([128, 64], min_length=1, max_length=32)
    dropout: float = Field(0.3, ge=0.0, le=0.9)


class Cells(nn.Module):
    """Numbers (rows, numbers) and categories (rows, categories) → (rows, width).

    It is the numbers, and a vector of each category. One that was never seen, number 0, has the vector 0.
    """

    def __init__(self, config: TableSizes) -> None:
        super().__init__()
        self.numbers = Standardise(config.numbers) if config.normalise and config.numbers else nn.Identity()
        self.categories = nn.ModuleList(
            nn.Embedding(size, room(size), padding_idx=0) for size in config.categories)
        self.width = config.numbers + sum(room(size) for size in config.categories)

    def forward(self, numbers: Tensor, categories: Tensor | None = None) -> Tensor:
        """Categories are whole numbers; None where there is no column of them."""
        seen = [self.numbers(numbers)]
        if categories is not None:
            seen += [look(categories[:, place]) for place, look in enumerate(self.categories)]
        return torch.cat(seen, 1) if len(seen) > 1 else seen[0]


def room(categories: int) -> int:
    """Numbers that tell so many categories apart: 1.6 n^0.56, at most 64, as fastai found to serve."""
    return max(1, min(64, int(1.6 * float(categories) ** 0.56 + 0.5)))


def sizes(kind: type[Architecture[Any]], inputs: Any) -> dict[str, Any]:
    """Of a batch of numbers, or of ``{"numbers", "categories"}``. Raises ModelError for another."""
    x = tensor_of(inputs)
    wanted = "numbers of shape (rows, features), or numbers and categories of such shapes"
    if isinstance(x, Mapping) and set(x) == {"numbers", "categories"}:
        numbers, categories = x["numbers"], x["categories"]
        return {"numbers": numbers.shape[1], "categories": [int(each) + 1 for each in categories.amax(0)]}
    if not isinstance(x, Tensor) or x.ndim != 2:
        raise kind.refuse(inputs, wanted)
    return {"numbers": x.shape[1], "normalise": True}


def example(config: TableSizes, rows: int) -> dict[str, Tensor]:
    """Inputs of the right shape, filled with noise."""
    numbers = {"numbers": torch.randn(rows, config.numbers)}
    return numbers if not config.categories else {**numbers, "categories": noise(config.categories, rows)}


def noise(categories: Sequence[int], rows: int) -> Tensor:
    """Categories at random, (rows, columns)."""
    return torch.stack([torch.randint(size, (rows,)) for size in categories], 1)


class TabularMLP(Architecture[TabularMLPConfig]):
    """Numbers (rows, numbers) and categories (rows, categories) → (rows, outputs)."""

    name = "tabular-mlp"
    kind = "tabular"
    Config: ClassVar[type[Sizes]] = TabularMLPConfig

    def __init__(self, config: TabularMLPConfig) -> None:
        super().__init__(config)
        self.cells = Cells(config)
        layers: list[nn.Module] = []
        before = self.cells.width
        for width in config.hidden:
            layers += [nn.Linear(before, width), nn.GELU(), nn.Dropout(config.dropout)]
            before = width
        self.layers = nn.Sequential(*layers)
        self.head = nn.Linear(before, config.outputs)

    def forward(self, numbers: Tensor, categories: Tensor | None = None) -> Tensor:
        """`numbers` (rows, numbers), `categories` whole numbers (rows, columns) → (rows, outputs)."""
        out: Tensor = self.head(self.layers(self.cells(numbers, categories)))
        return out

    @classmethod
    def sizes(cls, inputs: Any) -> dict[str, Any]:
        return sizes(cls, inputs)

    @classmethod
    def example(cls, config: TabularMLPConfig, rows: int) -> dict[str, Tensor]:
        return example(config, rows)
