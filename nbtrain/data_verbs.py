"""What `%nbtrain data …` and `nbtrain data …` do: each action a function that gives a text, or a `Dataset`."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbtrain.commandline.data import TOPIC
from nbtrain.commandline.steps import parse_steps
from nbtrain.core.errors import ConfigError, Problem
from nbtrain.data.keeping.library import Library
from nbtrain.dataset import Dataset, binary
from nbtrain.i18n import printed, text
from nbtrain.loading import DatasetList, aligned, datasets, find_dataset, load_dataset

if TYPE_CHECKING:
    import pyarrow as pa

    from nbtrain.data.looking.profile import ColumnProfile, Profile
    from nbtrain.data.splits.splitting import Split

#: Characters of a cell that are shown, and columns that a terminal holds.
_CELL, _SHOWN_COLUMNS = 40, 12


def answer(words: Sequence[str], command: str, variables: Mapping[str, Any] | None = None) -> Any:
    """Do what the words behind `command` ask.

    Args:
        words: an action, and what it takes.
        command: ``%nbtrain data`` or ``nbtrain data``, for messages.
        variables: of the notebook, which can be imported by name; with them, a preview is a panel.

    Returns:
        A text, a `Dataset` (of ``import`` and ``process``), or the panel of ``preview``.

    Raises:
        ConfigError: there is no such action or flag, or a word is missing. What the actions raise.
    """
    action, plain, values = TOPIC.parse(words, command)
    if action.name == "help":
        return TOPIC.help_text(command, plain.get("action"))
    if action.name == "import" and variables is not None:
        plain["source"] = _variable(plain["source"], variables)
    if action.name == "preview" and variables is not None and "rows" not in values:
        return find_dataset(plain["dataset"]).preview()
    return _ACTIONS[action.name](**plain, **values)


def offered(kind: str) -> list[str]:
    """Names for completion: of datasets, or of those that can be brought back."""
    return [record.name for record in Library().list(deleted=kind == "deleted")]


def _list(*, deleted: bool = False) -> str:
    if not deleted:
        return repr(datasets())
    library = Library()
    gone = DatasetList(Dataset(record, library) for record in library.list(deleted=True))
    return repr(gone) if gone else printed(text("data.none_deleted"))


def _import(*, source: Any, name: str | None = None, **options: Any) -> Dataset:
    return load_dataset(source, name=name, **options)


def _preview(*, dataset: str, rows: int = 10) -> str:
    found = find_dataset(dataset)
    shown = found.page(limit=rows, columns=[column.name for column in found.columns[:_SHOWN_COLUMNS]])
    return _cells(shown.drop_columns(["__row__"]), shown["__row__"].to_pylist())


def _profile(*, dataset: str, target: str | None = None) -> str:
    return profile_text(find_dataset(dataset).profile(target))


def _split(*, dataset: str, **options: Any) -> str:
    if isinstance(options.get("gap"), str) and options["gap"].isdigit():
        options["gap"] = int(options["gap"])
    return split_text(find_dataset(dataset).split(**options))


def _quality(*, dataset: str, **options: Any) -> str:
    report = find_dataset(dataset).quality(**options)
    lines = [printed(text("data.checked", rows=report.rows, checks=len(report.checks), count=len(report.findings)))]
    for finding in report.findings:
        said = finding.sentence(_say)
        lines.append(f"{finding.severity:6}  {printed(said)}")
        if finding.rows:
            lines.append("        " + printed(text("data.such_rows", rows=", ".join(map(str, finding.rows[:5])))))
        if finding.remedy is not None:
            lines.append("        → " + printed(finding.offer(_say)))
    return "\n".join(lines)


def _process(
    *, dataset: str, steps: str | None = None, recipe: str | None = None, target: str | None = None,
    name: str | None = None,
) -> Dataset:
    if (steps is None) == (recipe is None):
        raise ConfigError([Problem("steps", (
            "Say the steps with --steps 'whitespace, scale(method=robust)' or with --recipe recipe.json, a list of "
            "steps in JSON; one of them."))])
    chosen = _recipe(Path(recipe).expanduser()) if recipe is not None else parse_steps(steps or "")
    return find_dataset(dataset).process(*chosen, target=target, name=name)


def _rename(*, dataset: str, name: str) -> str:
    found = find_dataset(dataset)
    before = found.name
    found.rename(name)
    return printed(text("data.renamed", before=before, name=found.name))


def _delete(*, dataset: str) -> str:
    found = find_dataset(dataset)
    found.delete()
    return printed(text("data.deleted", name=found.name, command=f"data undo {shlex.quote(found.name)}"))


def _undo(*, deleted: str | None = None) -> str:
    library = Library()
    wanted = None
    if deleted is not None:
        gone = library.list(deleted=True)
        wanted = next((each.id for each in gone if deleted in {each.id, each.name}), deleted)
    return printed(text("data.restored", name=library.restore(wanted).name))


def _export(*, dataset: str, path: str, **options: Any) -> str:
    found = find_dataset(dataset)
    if options.get("formulas", "keep") not in {"keep", "escape"}:
        raise ConfigError([Problem("formulas", f"formulas is {options['formulas']!r:.40}; it must be keep or escape.")])
    return printed(text("data.exported", name=found.name, path=str(found.export(path, **options))))


_ACTIONS: Mapping[str, Callable[..., Any]] = {
    "list": _list, "import": _import, "preview": _preview, "profile": _profile, "split": _split, "quality": _quality,
    "process": _process, "rename": _rename, "delete": _delete, "undo": _undo, "export": _export,
}


def _say(key: str, /, **args: object) -> str:
    return text(key, None, **args)


def profile_text(profile: Profile) -> str:
    """A profile as a table, a line for each column; and the classes of the target."""
    size = "" if profile.bytes is None else f", {binary(profile.bytes)}"
    heads = ("column", "kind", "missing", "distinct", "min", "mean", "max", "most frequent")
    rows = [heads, *(_column_line(name, column) for name, column in profile.columns.items())]
    lines = [f"{profile.rows:,} rows, {len(profile.columns)} columns{size}", *aligned(rows, right={2, 3})]
    if profile.classes:
        classes = ", ".join(f"{_short(each.value)} {each.count:,}" for each in profile.classes[:20])
        lines.append(f"{profile.target}: {classes}" + (" …" if len(profile.classes) > 20 else ""))
    return "\n".join(lines)


def split_text(split: Split) -> str:
    """How many rows each part has, and how the classes fell."""
    heads = ("", "train", "validation", "test", "left out")
    total = max(1, sum(split.counts))
    rows = [heads, ("rows", *(f"{count:,}" for count in split.counts)),
            ("share", *(f"{count / total:.1%}" for count in split.counts))]
    rows += [(_short(each.value), *(f"{count:,}" for count in each.counts)) for each in split.classes[:20]]
    lines = aligned(rows, right={1, 2, 3, 4})
    lines += [printed(text(f"split.note.{note.kind}", **note.args)) for note in split.notes]
    return "\n".join(lines)


def _column_line(name: str, column: ColumnProfile) -> tuple[str, ...]:
    texts = column.characters
    low, high = (texts.minimum, texts.maximum) if texts else (column.minimum, column.maximum)
    mean = texts.mean if texts else column.mean
    unit = " ch." if texts else ""
    top = column.top[0] if column.top else None
    return (
        _short(name), str(column.kind), f"{column.missing:,}",
        "" if column.distinct is None else f"{column.distinct:,}",
        _figure(low) + (unit if low is not None else ""), _figure(mean) + (unit if mean is not None else ""),
        _figure(high) + (unit if high is not None else ""),
        "" if top is None else f"{_short(top.value)} ({top.count:,})")


def _figure(value: Any) -> str:
    return "" if value is None else f"{value:.6g}" if isinstance(value, float) else _short(value)


def _short(value: Any) -> str:
    """A cell on one line, cut where it is long; what would move the cursor is shown as an escape."""
    if isinstance(value, bytes):
        return f"{len(value):,} bytes"
    if isinstance(value, Mapping) and isinstance(value.get("bytes"), bytes):
        return f"{value.get('path') or ''} ({binary(len(value['bytes']))})".strip()
    shown = "".join(c if c.isprintable() or c in "\u200c\u200d" else repr(c)[1:-1] for c in str(value)[: 2 * _CELL])
    return shown if len(shown) <= _CELL else shown[: _CELL - 1] + "…"


def _cells(table: pa.Table, numbers: Iterable[int]) -> str:
    names = [_short(name) for name in table.column_names]
    rows = [("", *names)]
    for number, row in zip(numbers, table.to_pylist(), strict=True):
        rows.append((f"{number:,}", *("–" if cell is None else _short(cell) for cell in row.values())))
    return "\n".join(aligned(rows, right={0}))


def _recipe(path: Path) -> list[Mapping[str, Any]]:
    try:
        told = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError([Problem("recipe", f"{path} cannot be read as JSON: {error}.")]) from None
    steps = told.get("steps") if isinstance(told, Mapping) else told
    if not isinstance(steps, list) or not all(isinstance(step, Mapping) for step in steps):
        raise ConfigError([Problem("recipe", (
            f'{path} holds no list of steps; a step looks like {{"step": "scale", "columns": ["age"]}}.'))])
    return [{key: value for key, value in step.items() if key != "state"} for step in steps]


def _variable(source: str, variables: Mapping[str, Any]) -> Any:
    """The variable of that name, where no file is called so."""
    known = source in variables and not source.startswith("_") and not Path(source).exists()
    return variables[source] if known else source
