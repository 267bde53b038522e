"""How a panel comes onto the page: the live widget, and beside it the static twin.

The twin is hidden by the live panel's own style while that runs. It is brought up to date at a pause, at
the end, and every half minute, so that a saved notebook, or one whose kernel is gone, still shows the run.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from typing import Any

from IPython.display import display

from nbtrain.core.control import State
from nbtrain.core.ports import RunView
from nbtrain.widgets import twin
from nbtrain.widgets.commands import Worker
from nbtrain.widgets.story import brief

EVERY = 30.0
#: A run that was drawn before its first step is drawn again soon: who saves early saves something.
SOON = 2.0

#: Puts the page of a run, by its id, where it is kept.
Keep = Callable[[str, str], None]

WORKER = Worker("nbtrain-twins")
log = logging.getLogger(__name__)


class Twin:
    """The static copy of one panel, wherever it is displayed.

    Args:
        runs: what the panel shows now.
        keep: also writes the page of each run that paused or ended.
        clock: seconds that only grow.
    """

    def __init__(
        self,
        runs: Callable[[], Sequence[RunView]],
        keep: Keep | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._runs = runs
        self._keep = keep
        self._clock = clock
        self._display_id: str | None = None
        self._shown: list[tuple[str, State]] = []
        self._kept: set[tuple[str, State, int]] = set()
        self._drawn_at = 0.0
        self._begun = False
        self._lock = threading.Lock()

    def show(self) -> None:
        """Display it in the present cell."""
        with self._lock:  # a newer drawing that came onto the page before this one would find nothing to update
            known = self._display_id
            self._display_id = known or uuid.uuid4().hex
            _publish(self._bundle(), display_id=self._display_id)

    def look(self) -> None:
        """Have it drawn anew if that is due. Called about once a second; the drawing happens elsewhere."""
        if self._display_id is None:
            return
        situation = [(run.id, run.state) for run in self._runs()]
        resting = any(pair not in self._shown and (pair[1].ended or pair[1] is State.PAUSED) for pair in situation)
        going = any(state is State.RUNNING for _, state in situation)
        if resting or (going and self._clock() - self._drawn_at >= (EVERY if self._begun else SOON)):
            self._shown = situation
            self._drawn_at = self._clock()
            WORKER.submit(self.draw)

    def draw(self) -> None:
        """Bring the copy on the page up to date, and the page kept of each run that rests."""
        with self._lock:
            _publish(self._bundle(), display_id=self._display_id, update=True)
            if self._keep is None:
                return
            for run in self._runs():
                rest = (run.id, run.state, run.step)
                if (run.state.ended or run.state is State.PAUSED) and rest not in self._kept:
                    self._keep(run.id, twin.page(run))
                    self._kept.add(rest)

    def _bundle(self) -> dict[str, Any]:
        runs = self._runs()
        self._shown = [(run.id, run.state) for run in runs]
        self._drawn_at = self._clock()
        self._begun = any(run.step for run in runs)
        return {"text/html": twin.render(runs), "text/plain": "\n".join(twin.line(run) for run in runs) or "nbtrain"}


def show(panel: Any) -> None:
    """Display a live panel in the present cell."""
    bundle = panel._repr_mimebundle_()
    data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
    # Without what changes: nobody brings this text up to date, as the twin is.
    names = ", ".join(brief(run.name, twin.NAME_LENGTH) for run in panel.runs)
    _publish({**data, "text/plain": f"nbtrain.{panel.public or type(panel).__name__}({names})"}, metadata=metadata)


def say(sentence: str) -> None:
    """One line of text in the cell's output, or on the terminal."""
    print(sentence)  # noqa: T201 - it is what was asked for


def summary(kind: str, runs: Sequence[RunView]) -> str:
    """What a panel is in plain text, where nothing else can be shown."""
    return f"nbtrain.{kind}({'; '.join(twin.line(run) for run in runs)})"


def _publish(data: dict[str, Any], **options: Any) -> None:
    display(data, raw=True, **options)  # type: ignore[no-untyped-call]  # IPython's is not typed
