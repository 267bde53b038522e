"""Points on images: how far from where they are, point by point, and the images they were missed on most."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from nbtrain.core.outcomes import Group, Worst
from nbtrain.engine.batch import Batch
from nbtrain.i18n import text
from nbtrain.recipes.judging.verdict import Verdict, highest
from nbtrain.recipes.localising import Located, distances, drawn, figures


class Landmarks:
    """A judge of points; the measure of an image is the mean distance of its points, in its own pixels.

    Args:
        rows: that are judged, with their points.
        names: of the points.
        pixel_size: how wide a pixel is in mm; 0 where that is not known.
    """

    def __init__(self, rows: Located, names: list[str], pixel_size: float) -> None:
        self._rows, self._names, self._pixel = rows, names, pixel_size
        self._found: list[Tensor] = []
        self._apart: list[Tensor] = []

    def see(self, model: nn.Module, batch: Batch, output: Any) -> None:  # noqa: ARG002 - as of any judge
        """Keeps the points."""
        target = batch.target
        missing = ~target["seen"].bool().cpu()
        self._found.append(output.float().cpu())
        self._apart.append(distances(output, target).cpu().double().masked_fill(missing, torch.nan))

    def verdict(self, worst: int) -> Verdict:
        """See `Judge.verdict`."""
        found, apart = torch.cat(self._found), torch.cat(self._apart).numpy()
        there = np.isfinite(apart).any(1)
        means = np.full(len(apart), -1.0)  # an image without points has nothing that could be wrong
        means[there] = np.nanmean(apart[there], 1)
        numbers = self._rows.pictures.numbers
        listed = []
        for place in highest(means, worst):
            if not there[place]:
                continue
            each = tuple(
                (name, text("results.pixels", pixels=round(error, 1)))
                for name, error in zip(self._names, apart[place].tolist(), strict=True)
                if math.isfinite(error))
            listed.append(Worst(
                row=int(numbers[place]), truth="", predicted="", measure=float(means[place]), cells=each,
                image=drawn(self._rows, place, found[place]), mime="image/png"))
        return Verdict(
            rows=len(apart), measure="pixels", worst=tuple(listed), groups=self._groups(apart), predictions={
                "row": np.asarray(numbers), "error": np.where(there, means, np.nan), **self._columns(found, apart)})

    def _groups(self, apart: npt.NDArray[np.float64]) -> tuple[Group, ...]:
        """Of each point: how often it is there, and the recipe's figures of it alone."""
        groups = []
        for place, name in enumerate(self._names):
            errors = torch.from_numpy(apart[:, place:place + 1])
            seen = errors.isfinite()
            told = {"given": torch.zeros(*errors.shape, 2), "seen": seen}
            # On one axis, so that the distance is the error again.
            found = torch.stack([errors.nan_to_num(), torch.zeros_like(errors)], -1).float()
            known = {figure.__name__: figure(found, told) for figure in figures(self._pixel)} if seen.any() else {}
            groups.append(Group(name=name, rows=int(seen.sum()), figures=known))
        return tuple(groups)

    def _columns(self, found: Tensor, apart: npt.NDArray[np.float64]) -> dict[str, Any]:
        columns: dict[str, Any] = {}
        for place, name in enumerate(self._names):
            columns |= {
                f"{name}_x": found[:, place, 0].numpy(), f"{name}_y": found[:, place, 1].numpy(),
                f"{name}_error": apart[:, place]}
        return columns
