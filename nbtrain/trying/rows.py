"""Models that were trained on a dataset: its columns are asked for, and a row goes the way that its rows went."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from nbtrain.core.errors import NbtrainError
from nbtrain.core.model_views import TryField
from nbtrain.i18n import text
from nbtrain.trying import answers, tensors
from nbtrain.trying.way import PICTURES, SOUNDS, Made, Way, field

if TYPE_CHECKING:
    from nbtrain.data.processing import Recipe, Step

RECIPE = "recipe.json"
#: Columns that are asked for one by one; more are pasted as a row of numbers.
MOST_FIELDS = 60
#: Choices of a column that are offered; one with more is typed.
MOST_CHOICES = 500
_LISTS = ("list<", "fixed_size_list<", "large_list<")


class Rows(Way):
    """A row of the dataset, without its target, processed by the recipe that lies beside the weights, if any."""

    all = "inputs"

    @property
    def kind(self) -> str:  # type: ignore[override]  # it depends
        told = str(self.version.about.inputs.get("kind", ""))
        return "series" if self._windows is not None else told or "tabular"

    # -- asking -------------------------------------------------------------------------------------

    def fields(self) -> list[TryField]:
        if self._as_one:
            return [field(self.all, "series")]
        return [self._field(name) for name in self._columns]

    def known(self) -> set[str]:
        """All columns of the dataset: the target too, and those that were not learnt from."""
        target = {self._target} if self._target is not None else set()
        return {*super().known(), *self._columns, *self._types, *self._features, *target}

    def note(self) -> str:
        if self._as_one:
            named = ", ".join(self._columns[:4])
            return text("try.note.columns", count=len(self._columns), names=f"{named} …")
        if self._windows is not None:
            return text("try.note.window", rows=self._windows.window)
        return ""

    def labels(self, outputs: int) -> Sequence[str]:
        """Those that the recipe numbered the target by, where it did; its class of rare values comes last."""
        from nbtrain.data.processing import Categories  # noqa: PLC0415 - it loads Arrow

        target = self._target
        for step in self._steps:
            if isinstance(step, Categories) and step.method == "ordinal" and target in step.columns:
                classes = [str(each) for each in step.classes(str(target))]
                return [*classes, step.other(str(target))] if outputs == len(classes) + 1 else classes
        return super().labels(outputs)

    def unscaled(self, values: Sequence[float]) -> list[float]:
        """As they were before the recipe scaled the target, as `Run.predict` gives them."""
        from nbtrain.data.processing.units import units_of  # noqa: PLC0415 - as above

        units = units_of(self._steps, self._target)
        return list(values) if units is None or units.width != len(values) else [units.own(value) for value in values]

    # -- making -------------------------------------------------------------------------------------

    def made(self, values: Mapping[str, Any], module: Any) -> Made:
        given, note = self._given(values)
        rows: Any = given
        if self._recipe is not None:
            rows = self._recipe.apply(given)
            self._must_reach(rows, len(given))
            rows = rows.slice(rows.num_rows - 1)  # of several windows the newest
        return self._inputs(rows, set(rows.column_names if self._recipe is not None else given[0]), module, note)

    @property
    def takes_frames(self) -> bool:
        """Whether a data frame goes as a whole; files are given one by one."""
        return not self._media

    def of_frame(self, frame: Any, module: Any) -> Made:
        """All rows of a data frame, as `Run.predict` makes them. Raises DataError."""
        import pyarrow as pa  # noqa: PLC0415 - a form needs none

        from nbtrain.data.processing.rows import as_batch  # noqa: PLC0415

        if self._recipe is None:
            rows = pa.Table.from_batches([as_batch(frame, self._features)])
        else:
            rows = pa.Table.from_batches(list(self._recipe.stream_new(frame, also=set(self._features))))
        self._must_reach(rows, len(frame))
        return self._inputs(rows, set(), module, "")

    def _must_reach(self, rows: Any, given: int) -> None:
        if rows.num_rows == 0:
            window = self._windows.window if self._windows is not None else 1
            raise answers.wrong(self._columns[0], (
                f"{given} steps were given, and the model looks at {window}; give as many or more."))

    def _inputs(self, rows: Any, known: set[str], module: Any, note: str) -> Made:
        from nbtrain.data.examples import examples  # noqa: PLC0415 - loads DuckDB and Arrow
        from nbtrain.data.importing.objects import as_table  # noqa: PLC0415
        from nbtrain.data.pictures import Files  # noqa: PLC0415

        files = {name: kind for name, kind in self._media.items() if name in known}
        table = as_table(rows, name="the input", media=files)
        features = list(self._features) or None
        found = examples(table, features=features, labelled=False, grey=self.version.about.inputs.get("grey")).inputs
        return Made(_batch(found, module, files=isinstance(found, Files)), note)

    def _given(self, values: Mapping[str, Any]) -> tuple[list[dict[str, Any]], str]:
        """Rows of the dataset, as they would be before they were processed; and what was done to an image."""
        if self._windows is not None:
            return self._steps_of_series(values), ""
        if self._as_one and self.all in values:
            numbers = [cell for row in answers.series(values, self.all) for cell in row]
            if len(numbers) != len(self._columns):
                raise answers.wrong(
                    self.all, f"{len(numbers):,} numbers were given; give {len(self._columns):,}, one for each column.")
            return [dict(zip(self._columns, numbers, strict=True))], ""
        found, note = {}, ""
        for name in self._columns:
            found[name], said = self._cell(values, name)
            note = note or said
        return [found], note

    def _cell(self, values: Mapping[str, Any], name: str) -> tuple[Any, str]:
        asked = self._field(name)
        if asked["type"] == "file":
            return self._file(values, name)
        if name in values and answers.is_missing(values[name]) and self._may_lack(name):
            return None, ""
        found: Any
        match asked["type"]:
            case "switch":
                found = answers.switch(values, name)
            case "number":
                found = answers.number(values, name)
                found = int(found) if found.is_integer() and self._is_whole(name) else found
            case "choice":
                found = self._chosen(values, name, asked["choices"])
            case "series":
                found = (answers.series if self._is_nested(name) else answers.steps)(values, name)
            case _ if name in self._types and answers.is_scalar(values.get(name)):
                found = values[name]  # a number where steps make numbers of text, a date where dates are read
            case _:
                found = answers.text(values, name)
        return found, ""

    def _chosen(self, values: Mapping[str, Any], name: str, choices: Sequence[str]) -> Any:
        """A value that is one of the choices, at the latest when the recipe's steps before have been at it."""
        value = answers.given(values, name)
        chosen = str(value).lower() if self._types.get(name) == "bool" else str(value)
        try:
            cell = int(value) if self._is_whole(name) else chosen
        except (TypeError, ValueError):
            cell = None
        if chosen in choices or (cell is not None and self._as_learned(name, cell) in choices):
            return cell
        raise answers.wrong(name, f"{name!r} is {str(value)!r:.60}; choose one of: {', '.join(choices[:20])}.")

    def _as_learned(self, name: str, cell: Any) -> str | None:
        """A cell as it comes to the step that has its categories."""
        import pyarrow as pa  # noqa: PLC0415 - a form needs none

        from nbtrain.data.processing import Categories  # noqa: PLC0415 - as above

        batch = pa.RecordBatch.from_pylist([{name: cell}])
        for step in self._steps:
            if isinstance(step, Categories) and name in step.columns:
                break
            kept = step.without(set(self._types) - {name}) if name in step.columns else None
            batch = batch if kept is None else kept.apply_new(batch)
        return str(batch.column(name)[0].as_py())

    def _may_lack(self, name: str) -> bool:
        """Whether the recipe knows what to do where a value is missing."""
        from nbtrain.data.processing import Categories, Missing  # noqa: PLC0415 - as above

        return any(
            name in step.columns and (
                (isinstance(step, Missing) and step.method != "drop")
                or (isinstance(step, Categories) and (step.method != "ordinal" or step.unknown == "class")))
            for step in self._steps)

    def _file(self, values: Mapping[str, Any], name: str) -> tuple[dict[str, Any], str]:
        """A file as a cell; an image in the size the model takes, where no step of the recipe sees to that."""
        path = answers.file(values, name)
        data, note = answers.contents(path, name), ""
        shape = tensors.shape_of(self.version.about)
        if self._media[name] == "image" and len(shape) == 3 and all(shape[1:]) and not self._resizes:
            image = tensors.opened(path, name)
            height, width = shape[1:]
            if image.size != (width, height):
                from PIL import Image  # noqa: PLC0415 - only images need it

                note = text(
                    "try.note.resized", width=image.size[0], height=image.size[1], to_width=width, to_height=height)
                encoded = io.BytesIO()
                image.convert("RGB").resize((width, height), Image.Resampling.BILINEAR).save(encoded, "PNG")
                data = encoded.getvalue()
        return {"bytes": data, "path": path.name}, note

    def _steps_of_series(self, values: Mapping[str, Any]) -> list[dict[str, Any]]:
        """A row for each step; what orders them and tells groups apart is made up."""
        windows = self._windows
        told = {name: answers.steps(values, name) for name in self._columns}
        lengths = {name: len(cells) for name, cells in told.items()}
        if len(set(lengths.values())) > 1:
            said = ", ".join(f"{name!r} {count:,}" for name, count in lengths.items())
            raise answers.wrong(
                self._columns[-1], f"The series have different lengths ({said}); give each as many numbers.")
        count = next(iter(lengths.values()))
        types = self._types
        made: dict[str, list[Any]] = {name: list(map(float, cells)) for name, cells in told.items()}
        if windows.time:
            made[windows.time] = times(count, types.get(windows.time, ""), windows.gap)
        for name in windows.groups:
            made[name] = [anything(types.get(name, ""))] * count
        return [{name: cells[at] for name, cells in made.items()} for at in range(count)]

    def rows_of(self, values: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Rows of the dataset, as they would be before they were processed. Raises ConfigError."""
        return self._given(values)[0]

    # -- what is known ------------------------------------------------------------------------------

    @property
    def columns(self) -> Sequence[str]:
        """What must be asked for."""
        return self._columns

    @cached_property
    def _recipe(self) -> Recipe | None:
        from nbtrain.data.processing import Recipe  # noqa: PLC0415 - it loads Arrow and tokenizers

        return Recipe.load(self.version.folder) if RECIPE in self.version.files else None

    @property
    def _steps(self) -> Sequence[Step]:
        return () if self._recipe is None else self._recipe.steps

    @property
    def _types(self) -> Mapping[str, str]:
        """Columns before processing, with their Arrow types."""
        return {} if self._recipe is None else self._recipe.types or {}

    @property
    def _features(self) -> Sequence[str]:
        return [str(name) for name in self.version.about.inputs.get("features") or ()]

    @cached_property
    def _target(self) -> str | None:
        told = self.version.about.inputs.get("target")
        if told is not None:
            return str(told)
        return self._recipe.target[0] if self._recipe is not None and self._recipe.target else None

    @cached_property
    def _windows(self) -> Any:
        from nbtrain.data.processing import Windows  # noqa: PLC0415 - as above

        return next((step for step in self._steps if isinstance(step, Windows)), None)

    @property
    def _resizes(self) -> bool:
        return any(step.name == "resize_images" for step in self._steps)

    @cached_property
    def _columns(self) -> Sequence[str]:
        """What must be asked for: what steps of the recipe read, and features that were there before it."""
        if self._recipe is None:
            return self._features
        read = {name for step in self._steps if not step.augments for name in step.reads()}
        target = {self._target, *self._recipe.target}
        if self._windows is not None:  # the past of the target is needed to tell its future
            own = set(self._windows.columns)
            return [name for name in self._types if name in own]
        return [name for name in self._types if name in (read | set(self._features)) - target]

    @cached_property
    def _media(self) -> Mapping[str, Any]:
        from nbtrain.data.columns import Kind  # noqa: PLC0415 - as above

        kind = {"image": Kind.IMAGE, "sound": Kind.AUDIO}.get(self.kind)
        if kind is None:
            return {}
        if self._recipe is None:
            return dict.fromkeys(self._features[:1], kind)
        return {name: kind for name, type_ in self._types.items() if type_.startswith("struct<") and name in (
            set(self._features) | {each for step in self._steps for each in step.reads()})}

    @property
    def _as_one(self) -> bool:
        """Whether there are so many numbers that they are pasted."""
        return len(self._columns) > MOST_FIELDS and all(self._field(name)["type"] == "number" for name in self._columns)

    def _is_nested(self, name: str) -> bool:
        """Whether a cell is a list of rows."""
        type_, shape = self._types.get(name, ""), tensors.shape_of(self.version.about)
        return type_.count("list<") > 1 if type_ else len(self._features) == 1 and len(shape) > 1

    def _is_whole(self, name: str) -> bool:
        return self._types.get(name, "").startswith(("int", "uint"))

    def _field(self, name: str) -> TryField:
        """How a column is asked for."""
        if name in self._media:
            return field(name, "file", accept=PICTURES if self._media[name] == "image" else SOUNDS)
        if self._windows is not None:
            return field(name, "series", rows=self._windows.window)
        type_ = self._types.get(name, "")
        if type_.startswith(_LISTS) or (not type_ and self.kind == "series"):
            shape = tensors.shape_of(self.version.about)
            return field(name, "series", rows=shape[0] if shape else 0)
        choices = self._choices(name)
        if choices:
            return field(name, "choice", choices=choices, example=self._usual(name) or choices[0])
        numeric = not type_ or type_.startswith(("int", "uint", "float", "double", "half", "decimal"))
        kind = "switch" if type_ == "bool" else "number" if numeric else "text"
        return field(name, kind, example=False if kind == "switch" else self._usual(name))

    def _choices(self, name: str) -> list[str]:
        """The categories that a step of the recipe learned of a column."""
        from nbtrain.data.processing import Categories  # noqa: PLC0415 - as above

        for step in self._steps:
            if isinstance(step, Categories) and name in step.columns:
                found = [str(each) for each in step.classes(name)]
                return found if len(found) <= MOST_CHOICES else []
        return []

    def _usual(self, name: str) -> Any:
        """A value from the middle of those that were learned from, where a step of the recipe knows one."""
        from nbtrain.data.processing import Missing, Scale  # noqa: PLC0415 - as above

        for step in self._steps:
            if name not in step.columns or step.state is None:
                continue
            try:
                if isinstance(step, Scale) and step.method != "min_max":
                    return float(f"{step.learned()[name]['center']:.4g}")
                if isinstance(step, Missing) and step.method in {"mean", "median"}:
                    return float(f"{step.learned()[name]:.4g}")
                if isinstance(step, Missing) and step.method == "most_frequent":
                    return step.learned()[name]
            except (KeyError, TypeError, ValueError, NbtrainError):  # an example is no reason to fail
                return None
        return None


def _batch(inputs: Any, module: Any, *, files: bool) -> Any:
    """Rows, as training gives its batches; of files one."""
    import torch  # noqa: PLC0415 - a form needs none

    from nbtrain.engine import nest  # noqa: PLC0415
    from nbtrain.engine.arrays import Reading, prepare  # noqa: PLC0415
    from nbtrain.engine.columns import SMALL  # noqa: PLC0415

    if files:
        return torch.from_numpy(inputs[0])[None].to(Reading.of(module).floats)
    ready = prepare(inputs, Reading.of(module)).inputs
    return nest.over(lambda each: each.long() if each.dtype in SMALL else each, ready)


def times(count: int, type_: str, gap: float | None) -> list[Any]:
    """As many moments, so far apart that none is a gap."""
    import datetime as dt  # noqa: PLC0415 - rarely needed

    step = min(1.0, gap or 1.0)
    if type_.startswith(("date", "timestamp")):
        day = dt.datetime(2000, 1, 1)  # noqa: DTZ001 - the type says whether there is a zone
        return [day + dt.timedelta(days=step * at) for at in range(count)]
    return [at if step == 1.0 else at * step for at in range(count)]


def anything(type_: str) -> Any:
    """Some value of an Arrow type."""
    return "" if type_.startswith(("string", "large_string")) else False if type_ == "bool" else 0
