"""A dataset made from another by processing: its rows, their parts, and the recipe for new rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from nbtrain.core.tasks import Progress
from nbtrain.data.columns import Kind
from nbtrain.data.importing.parquet import Imported, import_batches
from nbtrain.data.importing.plain import plain_batches
from nbtrain.data.processing import PART, ROW, AugmentText, Recipe, Step, Tokenize
from nbtrain.data.splits.splitting import Split
from nbtrain.data.table import Table


def process(
    table: Table, steps: Sequence[Step | Mapping[str, Any]], split: Split, folder: Path, *, target: str | None = None,
    before: Recipe | None = None, dates: Mapping[str, str] | None = None, progress: Progress | None = None,
) -> Imported:
    """Fit `steps` on the training part of `table`, and write the processed rows, their parts and the recipe.

    Args:
        table: what is processed.
        steps: steps, or their JSON.
        split: of `table`; each row that is left keeps its part.
        folder: gets ``data.parquet``, the files of a split, and those of a recipe.
        target: column that steps leave alone.
        before: the recipe that made `table`; the one that is written begins with it, so that it takes raw rows.
        dates: the order in which dates of `table` were read, for new rows; that of `before` where it is given.
        progress: is told how far it is.

    Raises:
        ConfigError, DataError, CancelledError, WorkspaceError: as `Recipe.fit` and `import_batches`.
    """
    recipe = _keeping_texts(Recipe(steps, target), before).fit(table, split, progress)
    parts: list[np.ndarray[Any, np.dtype[np.uint8]]] = []
    rows = _visible(recipe.stream(table, split, progress), parts)
    first = next(rows)
    plain = plain_batches(_again(first, rows))  # windows and padded tokens are lists of a fixed length
    imported = import_batches(plain, folder, media=_still_media(table.media, first.schema))
    found = np.concatenate(parts) if parts else np.zeros(0, np.uint8)
    # What lies ahead of a window is learnt, and not the window itself.
    goal = next((name for name in (f"{target}_ahead", target) if name in first.schema.names), split.spec.target)
    replace(split, parts=found, classes=(), spec=replace(split.spec, target=goal)).save(folder)
    whole = replace(recipe, dates=dict(dates or {})) if before is None else replace(
        before, steps=(*before.steps, *recipe.steps), target=recipe.target)
    whole.save(folder)
    return imported


def _keeping_texts(recipe: Recipe, before: Recipe | None) -> Recipe:
    """The recipe; where texts are changed while training, the table keeps them beside their tokens."""
    if not any(isinstance(step, AugmentText) for step in (*recipe.steps, *(before.steps if before else ()))):
        return recipe
    return recipe.with_steps(
        step.model_copy(update={"keep": True}) if isinstance(step, Tokenize) else step for step in recipe.steps)


def _visible(
    batches: Iterator[pa.RecordBatch], parts: list[np.ndarray[Any, np.dtype[np.uint8]]],
) -> Iterator[pa.RecordBatch]:
    """The rows without what travels with them; their parts go to `parts`."""
    for batch in batches:
        parts.append(batch.column(PART).to_numpy(zero_copy_only=False).astype(np.uint8))
        yield batch.drop_columns([name for name in (ROW, PART) if name in batch.schema.names])


def _again(first: pa.RecordBatch, others: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    yield first
    yield from others


def _still_media(media: Mapping[str, Kind], schema: pa.Schema) -> dict[str, Kind]:
    """Columns that still hold files after the steps."""
    return {
        name: kind for name, kind in media.items()
        if name in schema.names and pa.types.is_struct(schema.field(name).type)}
