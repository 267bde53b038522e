"""`NotebookLauncher`: how the panels start and find runs, in a notebook."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from nbtrain import feeding, modelling, training
from nbtrain.config import TrainConfig
from nbtrain.core.errors import ConfigError, Problem
from nbtrain.core.ports import RunRow, RunView, Subject
from nbtrain.subjects import pick, subjects


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
        self._defaults = TrainConfig(**(options or {})).flat()

    def subjects(self) -> Sequence[Subject]:
        return [] if self.bound() else [*subjects(namespace()), *modelling.subjects(), *feeding.subjects()]

    def bound(self) -> bool:
        return self._model is not None

    def check(self, options: Mapping[str, Any]) -> None:
        TrainConfig(**options)

    def defaults(self) -> Mapping[str, Any]:
        return self._defaults

    def start(self, options: Mapping[str, Any], model: str | None = None, data: str | None = None) -> RunView:
        self.check(options)
        if self.bound():
            return training.train(self._model, self._data, show=False, **options)
        held = namespace()
        chosen = data if data is not None and data.startswith(feeding.PREFIX) else pick(held, data, "data")
        module = model if model is not None and modelling.means_model(model) else pick(held, model, "model")
        return training.train(module, chosen, show=False, **options)

    def resume(self, run_id: str) -> RunView:
        return training.resume(run_id, model=self._model, data=self._data, show=False)

    def runs(self) -> Sequence[RunRow]:
        return training.runs()

    def view(self, run_id: str) -> RunView:
        return training.find(run_id)

    def active(self) -> Sequence[RunView]:
        return training.active()


def namespace() -> Mapping[str, Any]:
    """The notebook's variables, as they are now; none outside of IPython."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return {} if shell is None else dict(shell.user_ns)
