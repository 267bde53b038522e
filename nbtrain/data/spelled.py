"""Which of several ways to read a column of text is meant: told by all of its cells together, never guessed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import combinations

import pyarrow as pa
import pyarrow.compute as pc


@dataclass(slots=True)
class Readings:
    """What the cells of a column say, read in each of several ways; gathered batch by batch.

    Attributes:
        counts: way → how many cells can be read so.
        some: how many can be read in at least one way.
    """

    counts: dict[str, int] = field(default_factory=dict)
    some: int = 0
    _differ: set[tuple[str, str]] = field(default_factory=set)
    """Two ways that read a cell each in its own sense."""

    def add(self, read: Mapping[str, pa.Array]) -> None:
        """More cells: in each way what they say, missing where they cannot be read so."""
        for way, values in read.items():
            self.counts[way] = self.counts.get(way, 0) + len(values) - values.null_count
        values = list(read.values())
        self.some += len(values[0]) - pc.coalesce(*values).null_count
        self._differ |= {
            (one, other) for one, other in combinations(read, 2)
            if (one, other) not in self._differ and pc.any(pc.not_equal(read[one], read[other])).as_py()}

    @property
    def fitting(self) -> list[str]:
        """The ways in which all cells can be read that can be read in any."""
        return [way for way, count in self.counts.items() if count == self.some]

    @property
    def meant(self) -> str | None:
        """The way that is meant; None where no way fits all, or those that fit say different things."""
        fitting = self.fitting
        return None if not fitting or self._differ & set(combinations(fitting, 2)) else fitting[0]
