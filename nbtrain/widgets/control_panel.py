"""The form that starts a training, and the buttons that steer it."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar

import traitlets

from nbtrain.config import PRESETS, fields
from nbtrain.config.presets import RECOMMENDED
from nbtrain.core.control import Command, Edit, Pause, Resume, Save, Stop, Ticket
from nbtrain.core.errors import CommandError
from nbtrain.core.ports import Launcher, RunView
from nbtrain.widgets.base import COMMON
from nbtrain.widgets.commands import Handler, mapping, text
from nbtrain.widgets.feed import Feed
from nbtrain.widgets.run_panel import RunPanel, newest
from nbtrain.widgets.wire import Field, Preset, Request


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
        *COMMON, "advice.", "charts.", "chef.", "choice.", "figure.", "form.", "group.", "live.", "option.", "preset.",
        "problem.", "resumed.", "run.", "state.", "stop.", "subjects.", "unit.",
    )

    #: What the form shall be set to: ``{"data": "dataset:rows", "model": "model:tiny", "last": "model", "count": 2}``;
    #: `last` is which of the two was offered last, and the count tells offers apart.
    offered = traitlets.Dict().tag(sync=True)
    #: The same of options: ``{"options": {"use_ema": true}, "count": 2}``.
    suggested = traitlets.Dict().tag(sync=True)

    def __init__(
        self, launcher: Launcher, run: RunView | None = None, *, follow: bool = False, **services: Any,
    ) -> None:
        feed = Feed([run] if run else [], follow=(lambda: newest(launcher.active())) if follow else None)
        setup = {"fields": form(launcher), "presets": presets(), "bound": launcher.bound()}
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
        last, chosen = ("data", data) if model is None else ("model", model)
        self.pump.call(lambda: self._change(
            {"offered": {**self.offered, last: chosen, "last": last, "count": next(self._offers)}}))
        return True

    def suggest(self, options: Mapping[str, Any]) -> bool:
        """Set these options in the form; the others stay as they are there."""
        self.pump.call(partial(self._change, {"suggested": {"options": dict(options), "count": next(self._offers)}}))
        return True

    def handlers(self) -> dict[str, Handler]:
        return {
            **super().handlers(),
            "check": Handler(self._check),
            "start": Handler(self._start, slow=True),
            "pause": Handler(lambda _: self._ask(Pause())),
            "resume": Handler(lambda _: self._ask(Resume())),
            "stop": Handler(lambda _: self._ask(Stop())),
            "save": Handler(lambda _: self._ask(Save())),
            "edit": Handler(lambda request: self._ask(Edit(mapping(request, "changes")))),
            "resume_run": Handler(self._resume_run, slow=True),
            "subjects": Handler(self._subjects, slow=True),
        }

    def _check(self, request: Request) -> None:
        self.launcher.check(mapping(request, "options"))

    def _start(self, request: Request) -> dict[str, str]:
        model, data = (text(request, name) if request.get(name) is not None else None for name in ("model", "data"))
        return self._show(self.launcher.start(mapping(request, "options"), model, data))

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
    """The fields of the form, each starting from the launcher's default."""
    defaults = launcher.defaults()
    return [Field(**{**field, "default": defaults.get(field["name"], field["default"])}) for field in fields()]


def presets() -> list[Preset]:
    """The presets, the recommended one first."""
    known = [Preset(name=name, recommended=name == RECOMMENDED, options=dict(of)) for name, of in PRESETS.items()]
    return sorted(known, key=lambda preset: not preset["recommended"])
