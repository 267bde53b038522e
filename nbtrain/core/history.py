"""What a run measured, as columns that one thread appends to while others read.

A column is a pair of growing NumPy arrays. The writer fills the slot first and raises the length
after, so a reader without a lock sees a shorter column, never a torn one.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pandas as pd

Steps = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]


class Series(NamedTuple):
    """One metric over the run: `steps` int64 of shape (n,), ascending; `values` float64 of shape (n,)."""

    steps: Steps
    values: Values


class Column:
    """One growing series. `append` belongs to one thread; reading is free for all."""

    __slots__ = ("_size", "_steps", "_values", "version")

    def __init__(self) -> None:
        self._steps: Steps = np.empty(1024, dtype=np.int64)
        self._values: Values = np.empty(1024, dtype=np.float64)
        self._size = 0
        #: Raised by every `truncate`; a reader that kept an offset must start anew when it changes.
        self.version = 0

    def __len__(self) -> int:
        return self._size

    def append(self, step: int, value: float) -> None:
        size = self._size
        if size == len(self._values):
            self._steps = np.concatenate([self._steps, np.empty(size, dtype=np.int64)])
            self._values = np.concatenate([self._values, np.empty(size, dtype=np.float64)])
        self._steps[size] = step
        self._values[size] = value
        self._size = size + 1

    def extend(self, steps: npt.ArrayLike, values: npt.ArrayLike) -> None:
        """Append many points at once; `steps` and `values` are of the same length."""
        more_steps, more_values = np.asarray(steps, dtype=np.int64), np.asarray(values, dtype=np.float64)
        if more_steps.shape != more_values.shape:
            raise ValueError(f"{len(more_steps)} steps do not go with {len(more_values)} values.")
        size, end = self._size, self._size + len(more_steps)
        if end > len(self._values):
            room = max(end, 2 * len(self._values)) - size
            self._steps = np.concatenate([self._steps[:size], np.empty(room, dtype=np.int64)])
            self._values = np.concatenate([self._values[:size], np.empty(room, dtype=np.float64)])
        self._steps[size:end] = more_steps
        self._values[size:end] = more_values
        self._size = end

    def since(self, start: int = 0) -> Series:
        """Copies of the points from index `start` on."""
        size = self._size  # read once: the writer may go on meanwhile
        return Series(self._steps[start:size].copy(), self._values[start:size].copy())

    def truncate(self, step: int) -> None:
        """Forget every point after `step`."""
        self._size = int(np.searchsorted(self._steps[: self._size], step, side="right"))
        self.version += 1


class History:
    """All columns of a run by name: ``loss``, ``val_loss``, ``learning_rate``, ``grad_norm``, …"""

    def __init__(self) -> None:
        self._columns: dict[str, Column] = {}
        self._lock = threading.Lock()

    def column(self, name: str) -> Column:
        """The column of this name, made when it is first asked for."""
        column = self._columns.get(name)
        if column is None:
            with self._lock:
                column = self._columns.setdefault(name, Column())
        return column

    def append(self, name: str, step: int, value: float) -> None:
        self.column(name).append(step, value)

    @property
    def names(self) -> list[str]:
        return list(self._columns)

    def __contains__(self, name: object) -> bool:
        return name in self._columns

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self._columns)

    def __getitem__(self, name: str) -> Series:
        """Raises KeyError, naming the columns there are."""
        try:
            return self._columns[name].since(0)
        except KeyError:
            raise KeyError(f"No column {name!r}; there are: {', '.join(self.names) or 'none yet'}.") from None

    def last(self, name: str) -> float | None:
        """The newest value, or None where nothing was measured yet."""
        column = self._columns.get(name)
        if column is None or not len(column):
            return None
        return float(column.since(len(column) - 1).values[-1])

    def truncate(self, step: int) -> None:
        """Forget every point after `step` in all columns."""
        for column in self._columns.values():
            column.truncate(step)

    def frame(self) -> pd.DataFrame:
        """A pandas table: index `step`, one column per metric, missing where a metric has no point."""
        import pandas as pd  # noqa: PLC0415 - pandas is slow to import and few callers need it

        columns = {name: pd.Series(s.values, index=s.steps) for name in self.names for s in [self[name]]}
        table = pd.DataFrame({name: c[~c.index.duplicated(keep="last")] for name, c in columns.items()})
        return table.rename_axis("step")

    def to_json(self) -> dict[str, dict[str, list[Any]]]:
        """Plain JSON: ``{"loss": {"steps": [1, 2], "values": [0.7, 0.6]}}``; a value that is not finite is None."""
        return {
            name: {"steps": s.steps.tolist(), "values": [v if np.isfinite(v) else None for v in s.values.tolist()]}
            for name in self.names for s in [self[name]]
        }
