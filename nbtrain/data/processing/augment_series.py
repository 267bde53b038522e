"""Augmentation of series: noise, scaling, time masking, jitter and window warping."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, ClassVar, Self

import numpy as np
import pyarrow as pa

from nbtrain.data.columns import Kind
from nbtrain.data.processing.augment_text import Augmentation
from nbtrain.data.processing.step import option

Floats = np.ndarray[Any, np.dtype[np.float64]]


class AugmentSeries(Augmentation):
    """A series T, or T × channels, changed by chance; length, type and form stay.

    A list, a NumPy array or a torch tensor comes back as what it was (Um et al. 2017; Le Guennec et al. 2016). Sound
    is a series once it is decoded; before, it is left as it is.
    """

    name: ClassVar[str] = "augment_series"
    kinds: ClassVar[frozenset[Kind]] = frozenset({Kind.NESTED, Kind.AUDIO})
    noise: float = option(0.05, ge=0.0, le=10.0)
    """Standard deviation of the noise added, in standard deviations of each channel."""
    scaling: float = option(0.1, ge=0.0, le=0.99)
    """Each channel times a factor of 1 ± this at most."""
    mask: float = option(0.0, ge=0.0, le=1.0)
    """The greatest share of the series, in one piece, that becomes its mean."""
    jitter: float = option(0.0, ge=0.0, le=100.0)
    """Standard deviation of the shift of each point in time, in rows; values between are interpolated."""
    warp: float = option(0.0, ge=0.0, le=0.9)
    """The share of the series, in one piece, that is stretched or squeezed up to twice."""

    def fits(self, field: pa.Field) -> bool:
        """Lists of numbers."""
        kind, types = field.type, pa.types
        listed = types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)
        return bool(listed and types.is_floating(kind.value_type))

    def settled(self, schema: pa.Schema, *, target: Collection[str] = ()) -> Self:
        """As every step; of a target that was cut into windows, the past is changed and what lies ahead is not."""
        ahead = {name: f"{name}_ahead" for name in target}
        return super().settled(schema, target={
            ahead[name] if ahead[name] in schema.names else name for name in target})

    def augment(self, sample: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
        changed = dict(sample)
        for name in self.columns:
            given = sample.get(name)
            if given is not None and not isinstance(given, dict | bytes):
                changed[name] = _as_given(self.changed(np.asarray(given, np.float64), rng), given)
        return changed

    def changed(self, series: Floats, rng: np.random.Generator) -> Floats:
        """A series of at least two rows, changed; a shorter one as it is."""
        length = len(series)
        if length < 2:
            return series
        found = series.reshape(length, -1)
        if self.warp:
            found = _sampled(found, self._warped(length, rng))
        if self.jitter:
            found = _sampled(found, np.arange(length) + rng.normal(0.0, self.jitter, length))
        if self.scaling:
            found = found * rng.uniform(1 - self.scaling, 1 + self.scaling, found.shape[1])
        if self.noise:
            found = found + rng.normal(0.0, self.noise, found.shape) * found.std(axis=0)
        if self.mask:
            width = round(rng.uniform(0.0, self.mask) * length)
            start = int(rng.integers(0, length - width + 1))
            found = found.copy()
            found[start:start + width] = found.mean(axis=0)
        return found.reshape(series.shape)

    def _warped(self, length: int, rng: np.random.Generator) -> Floats:
        """The time at which each row is read: one piece runs at another pace, and all is fitted to the length again."""
        width = self.warp * (length - 1)
        start = rng.uniform(0.0, length - 1 - width)
        pace = 2.0 ** rng.uniform(-1.0, 1.0)
        known = np.array([0.0, start, start + width, length - 1.0])
        lasts = np.diff(known) * [1.0, pace, 1.0]
        reached = np.concatenate([[0.0], np.cumsum(lasts)])
        times: Floats = np.interp(np.linspace(0.0, reached[-1], length), reached, known)
        return times


def _sampled(series: Floats, times: Floats) -> Floats:
    """The values between rows at these times, linear; beyond the ends the first and the last."""
    rows = np.arange(len(series))
    return np.stack([np.interp(times, rows, channel) for channel in series.T], axis=1)


def _as_given(found: Floats, given: Any) -> Any:
    if isinstance(given, np.ndarray):
        return found.astype(given.dtype if given.dtype.kind == "f" else np.float32)
    if hasattr(given, "detach"):  # a torch tensor: torch is there
        import torch  # noqa: PLC0415 - only who has tensors needs it

        return torch.from_numpy(found).to(given.dtype if given.is_floating_point() else torch.float32)
    return found.tolist()
