"""`NotebookLauncher`: how the panels start and find runs, in a notebook."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from nbtrain import feeding, modelling, offering, recipes, training
from nbtrain.config import TrainConfig
from nbtrain.core.control import State
from nbtrain.core.errors import CommandError, ConfigError, Problem
from nbtrain.core.outcomes import Outcome
from nbtrain.core.ports import ColumnChoice, Foreseen, RunRow, RunView, Subject, TeacherChoice
from nbtrain.core.tasks import Task, Tasks
from nbtrain.results import can_look, look
from nbtrain.revisiting import can_revisit, revisit
from nbtrain.run import Run
from nbtrain.store import results as store
from nbtrain.store import workspace
from nbtrain.store.stored import StoredRun
from nbtrain.subjects import pick

#: Which columns of the data are what, as a form says it.
_COLUMNS = ("target", "features", "text", "time", "group")


class NotebookLauncher:
    """Starts runs on what was handed in, else on what the notebook's variables hold.

    Args:
        model, data: what `nbtrain.train` takes; None leaves the choice to the form. Both, or neither.
        options: what the form starts from, where it differs from the defaults.

    Raises:
        ConfigError: an option is wrong, or only one of model and data was given.
    """

    def __init__(self, model: Any = None, data: Any = None, options: Mapping[str, Any] | None = None) -> None:
        if (model is None) != (data is None):
            given, missing = ("model", "data") if data is None else ("data", "model")
            raise ConfigError([Problem(
                missing, f"A {given} was given without {missing}; give both, or neither to choose them in the form.")])
        self._model = model
        self._data = data
        self._defaults = _said(options or {})
        self._tasks = Tasks()

    def subjects(self) -> Sequence[Subject]:
        return [] if self.bound() else offering.subjects(namespace())

    def recipes(self) -> Sequence[str]:
        return recipes.names()

    def columns(self, data: str | None) -> Sequence[ColumnChoice]:
        chosen = self._data if self.bound() else self._chosen_data(data)
        return offering.columns(chosen)

    def teachers(
        self, options: Mapping[str, Any], model: str | None = None, data: str | None = None,
        columns: Mapping[str, Any] | None = None,
    ) -> Sequence[TeacherChoice]:
        named, chosen = (self._model, self._data) if self.bound() else (model, data)
        recipe = str(options.get("recipe", recipes.AUTO))
        return offering.teachers(recipe, named if isinstance(named, str) else None, chosen, _columns(columns))

    def bound(self) -> bool:
        return self._model is not None

    def check(self, options: Mapping[str, Any]) -> None:
        TrainConfig(**options)

    def defaults(self) -> Mapping[str, Any]:
        return self._defaults

    def start(
        self, options: Mapping[str, Any], model: str | None = None, data: str | None = None,
        columns: Mapping[str, Any] | None = None,
    ) -> RunView:
        self.check(options)
        module, chosen = self._chosen(options, model, data)
        return training.train(module, chosen, show=False, **_columns(columns), **asked(options))

    def foresee(
        self, options: Mapping[str, Any], model: str | None = None, data: str | None = None,
        columns: Mapping[str, Any] | None = None,
    ) -> Task[Foreseen]:
        from nbtrain.foreseen import foresee  # noqa: PLC0415 - loads torch, once somebody asks

        self.check(options)
        module, chosen = self._chosen(options, model, data)
        told = _columns(columns)
        return self._tasks.start(
            "foresee", str(data or type(chosen).__name__),
            lambda progress: foresee(module, chosen, told, asked(options), progress))

    def results(self, run_id: str) -> Outcome | None:
        return store.kept(workspace.current().run_folder(training.find(run_id).id))

    def can_look(self, run_id: str) -> bool:
        run = training.find(run_id)
        if isinstance(run, StoredRun):
            return can_revisit(run)
        return isinstance(run, Run) and run.state is not State.PREPARING and can_look(run)

    def look(self, run_id: str) -> Task[Outcome]:
        run = training.find(run_id)
        if isinstance(run, StoredRun) and can_revisit(run):
            earlier = run
            return self._tasks.start("results", run.name, lambda progress: revisit(earlier, progress).outcome)
        if not isinstance(run, Run):
            raise CommandError(
                f"The model of run {run_id} is not in this kernel, or its loop is one of your own, so it cannot be "
                "asked here; look in the kernel that trained it.")
        return self._tasks.start("results", run.name, lambda progress: look(run, progress=progress).outcome)

    def resume(self, run_id: str) -> RunView:
        return training.resume(run_id, model=self._model, data=self._data, show=False)

    def runs(self) -> Sequence[RunRow]:
        return training.runs()

    def view(self, run_id: str) -> RunView:
        return training.find(run_id)

    def active(self) -> Sequence[RunView]:
        return training.active()

    def _chosen(self, options: Mapping[str, Any], model: str | None, data: str | None) -> tuple[Any, Any]:
        """Model and data, as `nbtrain.train` takes them. Raises ConfigError."""
        if self.bound():
            return self._model, self._data
        chosen = self._chosen_data(data)
        recipe = options.get("recipe", recipes.AUTO)
        if model is None and (recipe != recipes.CUSTOM if recipe != recipes.AUTO else isinstance(chosen, str)):
            return None, chosen  # the recipe recommends one
        if model is not None and modelling.means_model(model):
            return model, chosen
        return pick(namespace(), model, "model"), chosen

    def _chosen_data(self, data: str | None) -> Any:
        return data if data is not None and data.startswith(feeding.PREFIX) else pick(namespace(), data, "data")


def namespace() -> Mapping[str, Any]:
    """The notebook's variables, as they are now; none outside of IPython."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return {} if shell is None else dict(shell.user_ns)


def _said(options: Mapping[str, Any]) -> Mapping[str, Any]:
    """Every option as it was said, over the general defaults: those of a recipe are the form's to lay beneath them."""
    recipe = TrainConfig(**options)["recipe"]
    return {**TrainConfig(**{**options, "recipe": recipes.CUSTOM}).flat(), "recipe": recipe}


def asked(options: Mapping[str, Any]) -> Mapping[str, Any]:
    """Of a form's options, which are all there are, those that differ from where its recipe starts from.

    So a recipe may still choose what nobody touched, such as a rate that suits the model.
    """
    recipe = options.get("recipe", recipes.AUTO)
    if recipe == recipes.AUTO:  # the form does not know yet where that will start from
        return options
    steering = {name: value for name, value in options.items() if name in {"recipe", "preset", "optimization_level"}}
    start = TrainConfig(**steering).flat()
    changed = {name: value for name, value in options.items() if name in steering or start.get(name) != value}
    return changed if TrainConfig(**changed).flat() == TrainConfig(**options).flat() else options


def _columns(told: Mapping[str, Any] | None) -> dict[str, Any]:
    """What a form says of columns, without what it leaves open. Raises ConfigError."""
    wrong = [name for name in told or {} if name not in _COLUMNS]
    if wrong:
        raise ConfigError([Problem("columns", f"{wrong[0]!r} is nothing a column can be: {', '.join(_COLUMNS)}.")])
    return {name: value for name, value in (told or {}).items() if value}
