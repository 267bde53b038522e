"""The form that starts a training, and the buttons that steer it."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar

import traitlets

from nbtrain.config import PRESETS, fields
from nbtrain.config.presets import RECOMMENDED
from nbtrain.config.recipe_faces import RecipeFace, faces
from nbtrain.config.recipe_options import RECIPES
from nbtrain.core.control import Command, Edit, Pause, Resume, Save, Stop, Ticket
from nbtrain.core.errors import CommandError
from nbtrain.core.ports import Foreseen, Launcher, RunView
from nbtrain.core.tasks import Task
from nbtrain.widgets.base import COMMON
from nbtrain.widgets.commands import Handler, Worker, mapping, optional, text
from nbtrain.widgets.feed import Feed
from nbtrain.widgets.results import ResultsDesk
from nbtrain.widgets.run_panel import RunPanel, newest
from nbtrain.widgets.wire import Field, Preset, Request

#: Characters of a form's draft as JSON, at most: hundreds of features with long names, not somebody's data.
MOST_OF_A_DRAFT = 200_000
#: Looks through the rows of datasets for the form, while a start need not wait for that.
LOOKING = Worker("nbtrain-looking")


class ControlPanel(RunPanel):
    """Start, pause, resume, stop, edit.

    Args:
        launcher: starts and finds runs.
        run: the run on show; None begins with the form.
        follow: show whichever run was started last, from wherever.
        services: as for `Panel`.
    """

    name: ClassVar[str] = "control_panel"
    said: ClassVar[tuple[str, ...]] = (
        *COMMON, "advice.", "charts.", "chef.", "choice.", "columns.", "figure.", "foreseen.", "form.",
        "group.", "live.", "option.", "preset.", "problem.", "results.", "resumed.", "run.", "samples.", "signs.",
        "state.", "stop.", "subjects.", "teacher.", "unit.",
    )

    #: What the form shall be set to: ``{"data": {"name": "dataset:rows", "count": 1}, "model": …}``; the count, one
    #: for all offers and suggestions, tells those that the form has already from those it has not.
    offered = traitlets.Dict().tag(sync=True)
    #: The same of options: ``{"options": {"use_ema": true}, "count": 2}``.
    suggested = traitlets.Dict().tag(sync=True)
    #: What the form holds, as the browser said it last, so that a page that is loaded anew has it again.
    draft = traitlets.Dict().tag(sync=True)

    def __init__(
        self, launcher: Launcher, run: RunView | None = None, *, follow: bool = False, **services: Any,
    ) -> None:
        feed = Feed([run] if run else [], follow=(lambda: newest(launcher.active())) if follow else None)
        setup = {
            "fields": form(launcher), "presets": presets(), "recipes": recipes(launcher), "bound": launcher.bound()}
        self._foreseeing: Task[Foreseen] | None = None
        self._results = ResultsDesk(launcher)
        self._offers = itertools.count(1)
        super().__init__(launcher, feed=feed, setup=setup, **services)

    @property
    def run(self) -> RunView | None:
        """The run on show."""
        return self.runs[-1] if self.runs else None

    def offer(self, data: str | None = None, *, model: str | None = None) -> bool:
        """Choose data or a model, one of the launcher's subjects, in the form. False where it asks for neither."""
        if self.launcher.bound():
            return False
        kind, name = ("data", data) if model is None else ("model", model)
        self.pump.call(lambda: self._change(
            {"offered": {**self.offered, kind: {"name": name, "count": next(self._offers)}}}))
        return True

    def suggest(self, options: Mapping[str, Any]) -> bool:
        """Set these options in the form; the others stay as they are there."""
        wanted = dict(options)
        self.pump.call(lambda: self._change({"suggested": {"options": wanted, "count": next(self._offers)}}))
        return True

    def handlers(self) -> dict[str, Handler]:
        return {
            **super().handlers(),
            "check": Handler(self._check),
            "draft": Handler(self._keep_draft),
            "start": Handler(self._start, slow=True),
            "pause": Handler(lambda _: self._ask(Pause())),
            "resume": Handler(lambda _: self._ask(Resume())),
            "stop": Handler(lambda _: self._ask(Stop())),
            "save": Handler(lambda _: self._ask(Save())),
            "edit": Handler(lambda request: self._ask(Edit(mapping(request, "changes")))),
            "resume_run": Handler(self._resume_run, slow=True),
            "subjects": Handler(self._subjects, slow=True),
            "columns": Handler(self._columns, slow=True),
            "teachers": Handler(self._teachers, slow=True, worker=LOOKING),
            "foresee": Handler(self._foresee, slow=True),
            "foreseen": Handler(self._foreseen),
            **self._results.handlers(),
        }

    def _check(self, request: Request) -> None:
        self.launcher.check(mapping(request, "options"))

    def _keep_draft(self, request: Request) -> None:
        """The newest is kept, from whichever page it came. Of other pages the form follows it."""
        draft = mapping(request, "draft")
        if len(json.dumps(draft)) > MOST_OF_A_DRAFT:
            raise CommandError(
                f"The form holds more than {MOST_OF_A_DRAFT:,} characters, so it is not kept for a page that is loaded "
                "anew; choose fewer columns.")
        self.pump.call(partial(self._change, {"draft": draft}))

    def _start(self, request: Request) -> dict[str, str]:
        return self._show(self.launcher.start(*wishes(request)))

    def _columns(self, request: Request) -> dict[str, Any]:
        return {"columns": list(self.launcher.columns(optional(request, "data")))}

    def _teachers(self, request: Request) -> dict[str, Any]:
        return {"teachers": list(self.launcher.teachers(*wishes(request)))}

    def _foresee(self, request: Request) -> dict[str, str]:
        """Begins with the newest wish; what was asked before is of no use any more."""
        if self._foreseeing is not None:
            self._foreseeing.cancel()
        self._foreseeing = self.launcher.foresee(*wishes(request))
        return {"task": self._foreseeing.id}

    def _foreseen(self, request: Request) -> dict[str, Any]:
        """What was foreseen; null while it is being found out, or when something newer was asked."""
        task = self._foreseeing
        if task is None or task.id != text(request, "task"):
            return {"task": None, "foreseen": None}
        return {"task": task.id, "foreseen": task.wait() if task.ended else None}

    def _resume_run(self, request: Request) -> dict[str, str]:
        return self._show(self.launcher.resume(text(request, "run")))

    def _show(self, run: RunView) -> dict[str, str]:
        self.watch(run, keep_following=True)
        return {"run": run.id}

    def _ask(self, command: Command) -> Ticket:
        if self.run is None:
            raise CommandError("There is no run in this panel yet; start one first.")
        return self.run.request(command)

    def _subjects(self, request: Request) -> dict[str, Any]:  # noqa: ARG002
        return {"subjects": list(self.launcher.subjects())}


def form(launcher: Launcher) -> list[Field]:
    """The fields of the form, each starting from the launcher's default; recipes of the user's may look at any."""
    defaults, known = launcher.defaults(), launcher.recipes()
    own = [name for name in known if name not in RECIPES]
    return [
        Field(**{
            **field, "default": defaults.get(field["name"], field["default"]),
            "choices": ["auto", *known] if field["name"] == "recipe" else field["choices"],
            "recipes": None if field["recipes"] is None else [*field["recipes"], *own]})
        for field in fields()]


def recipes(launcher: Launcher) -> list[RecipeFace]:
    """The recipes there are; what the form was given to start from goes before their defaults."""
    general = {field["name"]: field["default"] for field in fields()}
    given = {name for name, value in launcher.defaults().items() if value != general.get(name)}
    found = faces(launcher.recipes())
    for each in found:
        each["options"] = {name: value for name, value in each["options"].items() if name not in given}
        for sets in each["steering"].values():
            for value, options in sets.items():
                sets[value] = {name: set_to for name, set_to in options.items() if name not in given}
    return found


def wishes(request: Request) -> tuple[dict[str, Any], str | None, str | None, dict[str, Any] | None]:
    """Options, model, data and columns of a training that is asked for. Raises CommandError."""
    columns = mapping(request, "columns") if request.get("columns") is not None else None
    return mapping(request, "options"), optional(request, "model"), optional(request, "data"), columns


def presets() -> list[Preset]:
    """The presets, the recommended one first."""
    known = [Preset(name=name, recommended=name == RECOMMENDED, options=dict(of)) for name, of in PRESETS.items()]
    return sorted(known, key=lambda preset: not preset["recommended"])
