"""Models that learned by a recipe: what it takes is asked for, and the recipe makes inputs and answers of it.

It is the way that `Run.predict` goes, from what lies beside the weights; neither the run nor its dataset is needed.
"""

from __future__ import annotations

import datetime as dt
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from nbtrain import recipes
from nbtrain.config import TrainConfig
from nbtrain.config.recipe_options import IMAGES, LANDMARKS, LANGUAGE, SERIES, SPEECH, TABULAR, TEXTS, TOKENS
from nbtrain.core.errors import ConfigError, ModelError, ModelFileError, NbtrainError
from nbtrain.core.model_views import Prediction, TryField, TryForm
from nbtrain.data.columns import Kind
from nbtrain.i18n import text
from nbtrain.models.fitted import Fitted
from nbtrain.models.package import FITTED, Version
from nbtrain.trying import answers
from nbtrain.trying.rows import MOST_CHOICES, MOST_FIELDS, RECIPE, Rows, anything, times
from nbtrain.trying.way import PICTURES, Made, Way, field

if TYPE_CHECKING:
    from nbtrain.ordering import Asked

#: What is asked for, by the name of the recipe; others are asked for their columns.
_KINDS = {
    TABULAR: "tabular", SERIES: "series", TEXTS: "text", TOKENS: "text", LANGUAGE: "text", SPEECH: "text",
    IMAGES: "image", LANDMARKS: "image"}
#: Words, numbers and signs of a text, as data of words has them; what joins the parts of a word is within it.
_WORDS = re.compile(r"\w+(?:[-'’\u200c]\w+)*|[^\w\s]")
#: Options that say where and how a run was trained, which is no matter here.
_OF_THE_RUN = ("device", "num_workers", "teacher", "multi_gpu", "use_compile", "mixed_precision")


def is_known(version: Version) -> bool:
    """Whether what the recipe learnt lies beside the weights, and the recipe is known here."""
    return FITTED in version.files and version.about.inputs.get("recipe") in recipes.names()


class Learned(Way):
    """A version that a run by a recipe registered."""

    all = "inputs"

    @property
    def kind(self) -> str:  # type: ignore[override]  # it depends
        return _KINDS.get(self._kept.recipe, "tabular")

    # -- asking -------------------------------------------------------------------------------------

    def form(self) -> TryForm:
        """What to ask for. Raises ModelFileError where what was learnt is not what its recipe writes."""
        with _read():
            return super().form()

    def fields(self) -> list[TryField]:
        if self._one is not None:
            is_file = self.kind == "image"
            return [field(self._one, "file" if is_file else "text", accept=PICTURES if is_file else "")]
        if self._rows is not None:
            return self._rows.fields()
        if self._as_one:
            return [field(self.all, "series")]
        return [self._field(name) for name in self._features]

    def known(self) -> set[str]:
        """The names of the form, and all columns that a row of the data may have."""
        with _read():
            columns = self._kept.columns
            there = {columns.get(name) for name in ("target", "text", "time", "group")} - {None}
            rows = set() if self._rows is None else self._rows.known()
            return {*super().known(), *self._features, *map(str, there), *self._kept.kinds, *rows}

    def note(self) -> str:
        if self._rows is not None and self._one is None:
            return self._rows.note()
        if self._as_one:
            named = ", ".join(self._features[:4])
            return text("try.note.columns", count=len(self._features), names=f"{named} …")
        if self.kind == "series":
            return text("try.note.window", rows=self._window)
        said = {TOKENS: text("try.note.words"), LANGUAGE: text("try.note.goes_on"), SPEECH: text("try.note.speaks")}
        return said.get(self._kept.recipe, "")

    # -- answering ----------------------------------------------------------------------------------

    def made(self, values: Mapping[str, Any], module: Any) -> Made:
        return Made(self._asked(module).rows(self._given(values), labelled=False))

    def answer(self, values: Mapping[str, Any], module: Any) -> Prediction:
        """What the model says to one input. Raises ConfigError, DataError, ModelError."""
        with _read():
            given = self._given(values)
        found = self.answers(given, module)
        if not found:
            raise ModelError(f"{self.version.about.architecture} gives no answer to this input.")
        return found[-1]  # of several windows the newest

    def answers(self, given: Any, module: Any) -> list[Prediction]:
        """The same of rows as `Run.predict` takes them: one each row, or each window."""
        from nbtrain.engine.evaluation import outputs_of  # noqa: PLC0415 - a form needs no torch
        from nbtrain.trying import recipe_answers  # noqa: PLC0415

        began = time.perf_counter()
        try:
            asked = self._asked(module)
            outputs = outputs_of(module, asked.rows(given, labelled=False), self.config)
            found = recipe_answers.told(self._kept, asked, given, outputs, module)
        except NbtrainError:
            raise
        except Exception as error:  # whatever a foreign model, or a file that others wrote, leads to
            raise ModelError(f"{self.version.about.architecture} cannot take this input: {_first(error)}.") from error
        seconds = (time.perf_counter() - began) / max(1, len(found))
        return [Prediction(guesses=each.guesses, values=each.values, shown=each.shown, seconds=seconds, note=each.note)
                for each in found]

    @cached_property
    def config(self) -> TrainConfig:
        """The options of the run, as far as they are known here and have to do with its rows."""
        made = TrainConfig()
        known = made.flat()
        options = {name: value for name, value in self._kept.options.items()
                   if name in known and name not in _OF_THE_RUN}
        try:
            return made.replace(**options)
        except ConfigError:  # of another nbtrain: whichever of them are good
            for name, value in options.items():
                try:
                    made = made.replace(**{name: value})
                except ConfigError:
                    continue
            return made

    def _asked(self, module: Any) -> Asked:
        from nbtrain.feeding import Handling  # noqa: PLC0415 - loads Arrow
        from nbtrain.ordering import Asked  # noqa: PLC0415

        kept = self._kept
        origin = {"recipe": kept.recipe, "columns": kept.columns, "fitted": kept.fitted}
        media = {name: Kind(kind) for name, kind in kept.media.items()}
        return Asked(origin, self.config, module, Handling(self.version.folder, media, {}))

    # -- rows of what was typed -----------------------------------------------------------------------

    def _given(self, values: Mapping[str, Any]) -> Any:
        """Rows as `Run.predict` takes them. Raises ConfigError."""
        name = self._one
        if name is not None and self.kind == "image":
            path = answers.file(values, name)
            return [{name: {"bytes": answers.contents(path, name), "path": path.name}}]
        if name is not None:
            typed = answers.text(values, name)
            return [{name: _WORDS.findall(typed) if self._kept.recipe == TOKENS else typed}]
        if self.kind == "series":
            return self._steps(values)
        if self._rows is not None:
            return self._rows.rows_of(values)
        if self._as_one and self.all in values:
            numbers = [cell for row in answers.series(values, self.all) for cell in row]
            if len(numbers) != len(self._features):
                raise answers.wrong(self.all, (
                    f"{len(numbers):,} numbers were given; give {len(self._features):,}, one for each column."))
            return [dict(zip(self._features, numbers, strict=True))]
        return self._typed({name: self._cell(values, name) for name in self._features})

    def _typed(self, row: Mapping[str, Any]) -> Any:
        """A row whose gaps are of the types of their columns."""
        import pyarrow as pa  # noqa: PLC0415 - a form needs none

        types: dict[Kind | None, Any] = {
            Kind.INTEGER: pa.float64(), Kind.NUMBER: pa.float64(), Kind.BOOLEAN: pa.bool_(), Kind.TEXT: pa.string(),
            Kind.DATE: pa.timestamp("us")}
        known = [(name, types.get(self._kind_of(name))) for name in row]
        if any(type_ is None for _, type_ in known):
            return [dict(row)]
        return pa.RecordBatch.from_pylist([dict(row)], schema=pa.schema(known))

    def _cell(self, values: Mapping[str, Any], name: str) -> Any:
        asked = self._field(name)
        if answers.is_missing(values.get(name)) and name in self._gaps:
            return None
        kind = self._kind_of(name)
        if asked["type"] == "switch":
            return answers.switch(values, name)
        if asked["type"] == "number":
            return answers.number(values, name)
        if kind is Kind.DATE:
            return _moment(answers.given(values, name), name)
        return str(answers.given(values, name))

    def _steps(self, values: Mapping[str, Any]) -> list[dict[str, Any]]:
        """A row for each step; what orders them and tells series apart is made up."""
        names = self._features
        told: dict[str, list[Any]]
        if self._as_one and self.all in values:
            rows = answers.series(values, self.all)
            other = next((row for row in rows if len(row) != len(names)), None)
            if other is not None:
                raise answers.wrong(
                    self.all, f"A step has {len(other):,} numbers; give {len(names):,} in each line.")
            told = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
        else:
            told = {name: list(answers.steps(values, name)) for name in names}
        lengths = {name: len(cells) for name, cells in told.items()}
        if len(set(lengths.values())) > 1:
            said = ", ".join(f"{name!r} {count:,}" for name, count in lengths.items())
            raise answers.wrong(names[-1], f"The series have different lengths ({said}); give each as many numbers.")
        count = next(iter(lengths.values()))
        if count < self._window:
            raise answers.wrong(self.all if self._as_one else names[0], (
                f"{count:,} steps were given, and the model looks at {self._window:,}; give as many or more."))
        columns = self._kept.columns
        if moment := columns.get("time"):
            dates = self._kind_of(moment) is Kind.DATE
            found = times(count, "timestamp" if dates else "", None)
            told[moment] = [str(each) for each in found] if self._kind_of(moment) is Kind.TEXT else found
        if group := columns.get("group"):
            texts = self._kind_of(group) is Kind.TEXT
            told[group] = [anything("string" if texts else "")] * count
        return [{name: cells[at] for name, cells in told.items()} for at in range(count)]

    # -- what is known --------------------------------------------------------------------------------

    @cached_property
    def _kept(self) -> Fitted:
        return Fitted.read(self.version.folder / FITTED)

    @cached_property
    def _one(self) -> str | None:
        """The only column that is asked for, of recipes of texts and images."""
        name = self._kept.columns.get("text") if self.kind == "text" else self._kept.fitted.get("image")
        return str(name) if name is not None and self.kind in {"text", "image"} else None

    @cached_property
    def _rows(self) -> Rows | None:
        """Where the dataset was processed: what its own columns were is known by the recipe of steps."""
        return Rows(self.version) if RECIPE in self.version.files and self.kind != "series" else None

    @cached_property
    def _features(self) -> list[str]:
        if self.kind == "series" and RECIPE in self.version.files:
            return [name for name in Rows(self.version).columns if name != self._kept.columns.get("time")]
        return [str(name) for name in self._kept.columns.get("features") or ()]

    @property
    def _window(self) -> int:
        return int(self.config["window"])

    @property
    def _as_one(self) -> bool:
        """Whether there are so many numbers that they are pasted."""
        return self._one is None and self._rows is None and len(self._features) > MOST_FIELDS and all(
            self._field(name)["type"] in {"number", "series"} for name in self._features)

    @cached_property
    def _encoded(self) -> Mapping[str, Mapping[str, Any]]:
        """What is known of each column that recipes of tables encode."""
        found = self._kept.fitted.get("encoding") or {}
        return {each["name"]: each for part in ("numbers", "categories") for each in found.get(part, ())}

    @cached_property
    def _gaps(self) -> set[str]:
        """Columns that may have gaps: those of which one was learnt."""
        return {name for name, each in self._encoded.items() if each.get("gaps")}

    def _kind_of(self, name: str) -> Kind | None:
        found = self._kept.kinds.get(name)
        return Kind(found) if found in {each.value for each in Kind} else None

    def _field(self, name: str) -> TryField:
        if self.kind == "series":
            return field(name, "series", rows=self._window)
        known, kind = self._encoded.get(name, {}), self._kind_of(name)
        values: Sequence[str] = known.get("values") or ()
        if 0 < len(values) <= MOST_CHOICES:
            empty = [""] if name in self._gaps else []
            return field(name, "choice", choices=[*values, *empty], example=values[0])
        if kind is Kind.BOOLEAN:
            return field(name, "switch", example=False)
        if kind is Kind.DATE:
            mean = known.get("mean")
            return field(name, "text", example=None if mean is None else _day(mean))
        if kind in {Kind.TEXT, Kind.TIME, Kind.NESTED}:
            return field(name, "text")
        mean = known.get("mean")
        return field(name, "number", example=None if mean is None else float(f"{mean:.4g}"))


@contextmanager
def _read() -> Iterator[None]:
    """What others wrote into the file may be anything: whatever that leads to is said in a sentence."""
    try:
        yield
    except NbtrainError:
        raise
    except Exception as error:
        raise ModelFileError(
            f"{FITTED} is not what the recipe writes beside its model ({_first(error)}); export the model anew.",
            file=FITTED) from error


def _first(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300].rstrip(".")


def _day(seconds: float) -> str | None:
    """The date of a moment that is in seconds since 1970."""
    try:
        return str((dt.datetime(1970, 1, 1) + dt.timedelta(seconds=seconds)).date())  # noqa: DTZ001 - as DuckDB counts
    except OverflowError:
        return None


def _moment(value: Any, name: str) -> dt.datetime:
    """A date or a point in time. Raises ConfigError."""
    if isinstance(value, dt.datetime):
        return value
    try:
        return dt.datetime.fromisoformat(str(value).strip())
    except ValueError:
        raise answers.wrong(name, f"{name!r} is {str(value)!r:.60}; give a date such as 2024-03-31.") from None
