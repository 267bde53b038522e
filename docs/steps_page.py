"""A hook of mkdocs: writes the page of all processing steps out of their schema, so that it cannot fall behind."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from nbtrain.core.dataset_views import StepField, StepSchema
from nbtrain.data.processing import steps_schema
from nbtrain.i18n import words

INTRODUCTION = """# Processing steps

For `dataset.process(…)`, the Datasets panel and `%nbtrain data process`. A step is given as
`{"step": "scale", "columns": ["age"], "method": "robust"}`, or as the class of that name in `nbtrain.data.processing`.
Without `columns` it works on every column it can, but the target. Steps that **learn** do so from the training part
alone, and are applied alike to new rows; those that **augment** change samples of the training part while training.
"""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Called by mkdocs when it has gathered its files: adds `steps.md`."""
    files.append(File.generated(config, "steps.md", content="\n".join(page())))
    return files


def page() -> Iterator[str]:
    """The lines of the page."""
    word = words("en")
    yield INTRODUCTION
    for group, members in groupby(steps_schema(), key=lambda step: step["group"]):
        yield f"## {group.capitalize()}\n"
        for step in members:
            yield from _entry(step, word)


def _entry(step: StepSchema, word: dict[str, str]) -> Iterator[str]:
    name = step["name"]
    marks = "".join(f" · **{mark}**" for mark in ("learns", "augments") if step[mark])
    yield f"### `{name}` {{ #{name} }}\n"
    yield f"{word[f'step.{name}.help']}{marks}\n"
    for field in step["fields"]:
        if field["name"] != "columns":
            label = word.get(f"step.{name}.{field['name']}", field["name"])
            yield f"- `{field['name']}` ({_values(field)}; default `{field['default']!r}`): {label}"
    yield ""


def _values(field: StepField) -> str:
    """What may be given, e.g. ``float, 0 to 1``."""
    if field["choices"]:
        return " ".join(f"`{choice}`" for choice in field["choices"])
    low, high = field["min"], field["max"]
    span = "" if low is None and high is None else f", from {low:g}" if high is None else f", {low or 0:g} to {high:g}"
    return f"{field['type']}{span}"
