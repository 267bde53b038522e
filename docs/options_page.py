"""A hook of mkdocs: writes the page of all options out of the schema, so that it cannot fall behind."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from nbtrain.config import PRESETS, Field, fields
from nbtrain.config.recipe_defaults import DEFAULTS, LEVELS
from nbtrain.config.recipe_options import SPEECH
from nbtrain.i18n import words

INTRODUCTION = """# Options

The same names everywhere: `nbtrain.train(…, learning_rate=3e-4)`, the form of the panel,
`%nbtrain train --learning-rate 3e-4`, and `learning_rate` in a run's `config.json`.
Options marked **live** can be changed while the run trains, with `run.set(…)` or in the panel.
"""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Called by mkdocs when it has gathered its files: adds `options.md`."""
    files.append(File.generated(config, "options.md", content="\n".join(page())))
    return files


def page() -> Iterator[str]:
    """The lines of the page."""
    word = words("en")
    yield INTRODUCTION
    for group, members in groupby(fields(), key=lambda field: field["group"]):
        yield f"## {word[f'group.{group}']} {{ #group-{group} }}\n"
        for field in members:
            yield from _entry(field, word)
    yield "## Presets\n"
    for name, options in PRESETS.items():
        yield f"**{word[f'preset.{name}']}** (`preset=\"{name}\"`): {word[f'preset.{name}.help']}\n"
        yield from (f"- `{option}` = `{value!r}`" for option, value in options.items())
        yield ""
    yield from _recipes(word)


def _recipes(word: dict[str, str]) -> Iterator[str]:
    """What each recipe starts from, where that is not the general default."""
    yield "## Defaults of the recipes\n"
    for name, options in DEFAULTS.items():
        if options:
            yield f"**{word[f'choice.recipe.{name}']}** (`recipe=\"{name}\"`):\n"
            yield from (f"- `{option}` = `{value!r}`" for option, value in options.items())
            yield ""
    yield f'What `optimization_level` sets for `recipe="{SPEECH}"`:\n'
    for level, options in LEVELS.items():
        yield f"- `{level}`: {', '.join(f'`{option}` = `{value!r}`' for option, value in options.items())}"
    yield ""


def _entry(field: Field, word: dict[str, str]) -> Iterator[str]:
    name = field["name"]
    live = " · **live**" if field["live"] else ""
    yield f"### `{name}` {{ #{name} }}\n"
    yield f"{word[f'option.{name}.help']}\n"
    yield f"{_values(field, word)} · default `{_literal(field['default'])}`{live}\n"
    if field["needs"] or field["recipes"]:
        needs = {**(field["needs"] or {}), **({"recipe": field["recipes"]} if field["recipes"] else {})}.items()
        uses = [
            f"`{other}` is {' or '.join(f'`{_literal(value)}`' for value in wanted) or 'given'}"
            for other, wanted in needs]
        yield f"Used when {' and '.join(uses)}.\n"
    yield from (f"- {word[key]}" for size in ("small", "medium", "large") if (key := f"option.{name}.{size}") in word)
    yield ""


def _values(field: Field, word: dict[str, str]) -> str:
    """What may be given, e.g. ``int, 0 to 5000, in steps``."""
    if field["choices"]:
        return " ".join(f"`{choice}`" for choice in field["choices"])
    kind = f"{field['type']} or None" if field["optional"] else field["type"]
    unit = f", in {word[key]}" if (key := f"unit.{field['unit']}") in word else ""
    match field["min"], field["max"]:
        case None, None:
            return f"{kind}{unit}"
        case low, None:
            return f"{kind}, from {low:g}{unit}"
        case None, high:
            return f"{kind}, up to {high:g}{unit}"
        case low, high:
            return f"{kind}, {low:.10g} to {high:.10g}{unit}"


def _literal(value: object) -> str:
    return value if isinstance(value, str) else repr(value)
