"""The static twin of the model browser: a plain list of models, which a saved notebook shows."""

from __future__ import annotations

from collections.abc import Sequence

from nbtrain.core.model_views import ModelRow
from nbtrain.i18n import catalogue
from nbtrain.widgets.data_twin import DATASETS, listed, size
from nbtrain.widgets.story import brief
from nbtrain.widgets.twin import NAME_LENGTH

#: Rows that are asked for.
MODELS = DATASETS


def models(rows: Sequence[ModelRow], total: int, language: str | None = None) -> str:
    """A piece of HTML that lists models: what each is, its stage, its figure and its size.

    Args:
        rows: the first of them.
        total: so many there are.
        language: None takes the present one.
    """
    language = language or catalogue.current()
    lines = [
        (row["name"], row["architecture"], catalogue.text(f"stage.{row['stage']}", language), _figure(row),
         "" if row["parameters"] is None else catalogue.number(row["parameters"], language),
         size(row["bytes"], language)) for row in rows[:MODELS]]
    heads = ("twin.name", "twin.architecture", "twin.stage", "twin.metric", "twin.parameters", "twin.size")
    return listed("models", heads, lines, total, language)


def models_line(rows: Sequence[ModelRow]) -> str:
    """The same in one line of plain text."""
    return ", ".join(brief(row["name"], NAME_LENGTH) for row in rows[:MODELS]) or catalogue.text("models.empty.title")


def _figure(row: ModelRow) -> str:
    return "" if row["metric"] is None else f"{row['metric']['name']} {row['metric']['value']:.4g}"
