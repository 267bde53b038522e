"""Dividing a table into training, validation and test, and reading one part of it."""

from __future__ import annotations

from nbtrain.core.tasks import Progress
from nbtrain.data.splits.result import ClassCounts, Note, Split
from nbtrain.data.splits.spec import Part, SplitSpec
from nbtrain.data.table import Table

__all__ = ["ClassCounts", "Note", "Part", "Split", "SplitSpec", "part_of", "split"]


def split(table: Table, spec: SplitSpec, *, progress: Progress | None = None) -> Split:
    """Divide the rows of `table` as `spec` says.

    Raises:
        DataError: a column is not there or cannot serve, or there are too few rows, groups or moments for the parts.
        CancelledError: `progress` was cancelled.
    """
    raise NotImplementedError


def part_of(table: Table, made: Split, part: Part | str) -> Table:
    """The rows of one part as a table of their own, in the order of `table`, numbered from 0.

    Raises:
        DataError: no part of this name, or the split is of another number of rows.
    """
    raise NotImplementedError
