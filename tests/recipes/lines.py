"""A recipe as a user would write one: numbers from numbers, by one linear layer."""

from __future__ import annotations

from typing import Any, ClassVar

import pyarrow as pa
import torch
from torch import nn

from nbtrain.core.errors import DataError
from nbtrain.core.samples import Sample, Sign
from nbtrain.data.splits.spec import SplitSpec
from nbtrain.recipes.base import Columns, Prepared


class Lines:
    """Standardises its features by the training part; `fitted` holds means and deviations."""

    name: ClassVar[str] = "lines"

    def suits(self, model, table, columns):
        return model == "line"

    def split(self, table, columns, config):
        validation, test = config["validation"], config["test"]
        return SplitSpec(train=1 - validation - test, validation=validation, test=test, seed=config["seed"])

    def prepare(self, order, fitted=None):
        columns = self._found(order)
        if fitted is None:
            x, _ = _numbers(order.parts.train, columns)
            fitted = {"mean": x.mean(0).tolist(), "std": x.std(0).tolist()}
        parts = {
            name: None if table is None else self.rows(_with(order, columns), fitted, table, labelled=True)
            for name, table in (("train", order.parts.train), ("validation", order.parts.validation),
                                ("test", order.parts.test))}
        torch.manual_seed(order.config["seed"])
        model = order.model if isinstance(order.model, nn.Module) else nn.Linear(len(columns.features), 1)
        return Prepared(
            model=model, name="line", **parts, columns=columns, fitted=fitted, loss="mse",
            model_origin=None if model is order.model else {"from": "recipe"},
            samples=lambda model, epoch: [Sample(title="slope", kind="text", content=str(epoch).encode())],
            signs=[Sign(name="loss", low=0, high=10)], notes=["This is a line."])

    def rows(self, order, fitted, table, *, labelled):
        x, y = _numbers(table, order.columns, labelled=labelled)
        x = (x - torch.tensor(fitted["mean"])) / torch.tensor(fitted["std"])
        return (x, y) if labelled else x

    def decode(self, order, fitted, outputs):
        return outputs[:, 0]

    def _found(self, order):
        names = [column.name for column in order.parts.whole.columns]
        target = order.columns.target or "y"
        if target not in names:
            raise DataError(f"There is no column {target!r}; there are: {', '.join(names)}.")
        return Columns(target=target, features=tuple(name for name in names if name != target))


def _with(order, columns):
    from dataclasses import replace  # noqa: PLC0415 - a helper's helper

    return replace(order, columns=columns)


def _numbers(table, columns, *, labelled=True) -> tuple[Any, Any]:
    names = [*columns.features, *([columns.target] if labelled else [])]
    found = pa.Table.from_batches(list(table.batches(names)))
    cells = torch.tensor([found[name].to_pylist() for name in names], dtype=torch.float32).T
    return (cells[:, :-1], cells[:, -1:]) if labelled else (cells, None)
