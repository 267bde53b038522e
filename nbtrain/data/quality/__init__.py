"""Whether a table is fit to train on: duplicates, leakage, labels, gaps and oddities, each with its remedy."""

from __future__ import annotations

from nbtrain.core.tasks import Progress
from nbtrain.data.quality.report import Finding, Remedy, Report
from nbtrain.data.splits.result import Split
from nbtrain.data.table import Table

__all__ = ["Finding", "Remedy", "Report", "quality"]


def quality(
    table: Table, *, split: Split | None = None, target: str | None = None, group: str | None = None,
    time: str | None = None, progress: Progress | None = None,
) -> Report:
    """Check a table, and the split of it.

    Args:
        table: what to train on.
        split: how it was divided; without one nothing is compared across parts.
        target: column with the label; by default that of the split.
        group: column whose equal values belong together; by default that of the split.
        time: column with the time; by default that of the split.
        progress: hears of rows and checks; cancelling it ends the check.

    Raises:
        DataError: a column is not there, the split is of another number of rows, or the table cannot be read.
        CancelledError: `progress` was cancelled.
    """
    raise NotImplementedError
