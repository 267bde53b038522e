"""Samples of a model as it learns: made after an epoch, kept in the run's folder, shown in its panel."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from torch import nn

from nbtrain.core.samples import Sample

#: Makes samples with the model, which is in evaluation mode, of the epoch just done (1-based). It draws no gradients;
#: what it draws at random changes nothing in the run.
Sampling = Callable[[nn.Module, int], Iterable[Sample]]
