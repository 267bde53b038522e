"""The shell that holds the panels, each made when it is first opened."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

import traitlets

from nbtrain.core.errors import CommandError
from nbtrain.core.ports import RunView
from nbtrain.widgets.base import COMMON, Panel
from nbtrain.widgets.commands import Handler, text
from nbtrain.widgets.display import Keep, Twin
from nbtrain.widgets.feed import Feed
from nbtrain.widgets.wire import Request


class Studio(Panel):
    """A navigation beside the panel that was chosen.

    Args:
        panels: name → its icon and what makes it, in the order they are offered.
        runs: the active ones that the studio's static twin shows; the last stay when there are none.
        services: as for `Panel`.
    """

    name: ClassVar[str] = "studio"
    said: ClassVar[tuple[str, ...]] = (*COMMON, "language.", "panel.", "studio.")

    children = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        panels: Mapping[str, tuple[str, Callable[[], Panel]]],
        *,
        runs: Callable[[], Sequence[RunView]] = tuple,
        keep: Keep | None = None,
        **services: Any,
    ) -> None:
        self._panels = dict(panels)
        self.opened: dict[str, Panel] = {}
        setup = {"panels": [{"name": name, "icon": icon} for name, (icon, _) in panels.items()]}
        super().__init__(Feed(curves=False), setup=setup, **services)
        self._runs = runs
        self._shown: Sequence[RunView] = ()
        self.twin = Twin(self._last_runs, keep)

    def handlers(self) -> dict[str, Handler]:
        return {**super().handlers(), "open": Handler(self._open, slow=True)}

    def close(self) -> None:
        for panel in self.opened.values():
            panel.close()
        super().close()

    def _last_runs(self) -> Sequence[RunView]:
        """For the static twin, which must outlive the last run."""
        self._shown = tuple(self._runs()) or self._shown
        return self._shown

    def _open(self, request: Request) -> None:
        name = text(request, "panel")
        if name not in self._panels:
            raise CommandError(f"The studio has no panel {name!r}; there are: {', '.join(self._panels)}.")
        if name not in self.opened:
            _, make = self._panels[name]
            self.opened[name] = make()
        children = {name: f"IPY_MODEL_{panel.model_id}" for name, panel in self.opened.items()}
        self.pump.call(partial(self._change, {"children": children}))
