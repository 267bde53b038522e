"""Measuring what a table holds: exactly, out of core, both cores at work."""

from __future__ import annotations

from typing import Any

from nbtrain.core.tasks import Progress
from nbtrain.data.facts import ColumnProfile, Count, Histogram, Lengths, Pictures, Profile
from nbtrain.data.table import Table

__all__ = ["ColumnProfile", "Count", "Histogram", "Lengths", "Pictures", "Profile", "profile"]


def profile(
    table: Table, *, target: str | None = None, tokenizer: Any = None, progress: Progress | None = None,
) -> Profile:
    """What each column of `table` holds.

    Args:
        table: what to look at.
        target: the column whose values are counted as classes.
        tokenizer: what counts the tokens of texts: anything with ``encode_batch`` or ``encode``, or a callable that
            gives ``input_ids``: a `tokenizers.Tokenizer`, a tokenizer of transformers, a function.
        progress: told how many rows of all columns are done; cancelling it ends the work at once.

    Raises:
        DataError: the table cannot be read, or has no column `target`.
        CancelledError: it was called off.
    """
    raise NotImplementedError
