"""`track` and `log`: the panel for a loop that is the user's own."""

from __future__ import annotations

import atexit
import os
import sys
import threading
import weakref
from collections.abc import Generator, Iterable, Iterator
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any, Generic, Literal, Self, TypeVar

from nbtrain import training
from nbtrain.cells import at_end_of_cell, in_ipython
from nbtrain.core.control import State
from nbtrain.core.errors import CommandError, ConfigError, Problem
from nbtrain.core.events import Warned
from nbtrain.store import workspace as workspaces
from nbtrain.tracking import leaving
from nbtrain.tracking.batches import length_of, positive, size_of
from nbtrain.tracking.rates import Rates
from nbtrain.tracking.run import TrackedRun

if TYPE_CHECKING:
    import plotly.graph_objects as go
    from torch import nn

Batch = TypeVar("Batch")
_PLAIN = (str, int, float, bool, type(None))

#: Loops that are open, in this thread, the innermost last; and in all threads.
_here = threading.local()
_open: weakref.WeakSet[TrackedRun] = weakref.WeakSet()


class Tracked(TrackedRun, Generic[Batch]):
    """A loop over batches of your own, as a run: what `nbtrain.track` gives.

    Loop over it, or over each epoch of `by_epoch`, in one thread. As a context manager it holds the run open for what
    comes after the data, and knows for sure which error ended it.
    """

    def __init__(self, loader: Iterable[Batch], *, show: bool, **about: Any) -> None:
        super().__init__(more_epochs=True, on_begin=entered, on_end=left, **about)
        self._loader, self._show = loader, show
        self._held = self._walked = self._exhausted = self._left = False
        #: How the present epoch ended, once it has: its data did, or it was left by a ``break``.
        self._passed: Literal["", "whole", "cut"] = ""

    # -- the loop -------------------------------------------------------------------------------

    def __iter__(self) -> Iterator[Batch]:
        """Every batch of every epoch."""
        self._set_out()
        try:
            while self._goes_on():
                yield from self._epoch()
        except BaseException as error:
            self._left_by(error, sys._getframe().f_back)  # noqa: SLF001 - the frame that holds this generator
            raise
        self._at_the_end()

    def by_epoch(self) -> Iterator[Iterator[Batch]]:
        """Each epoch's batches, for loops that do something between epochs, such as validation."""
        self._set_out()
        try:
            while self._goes_on():
                batches = self._epoch()
                yield batches
                batches.close()  # it may have been left by a break, which ends this epoch alone
                if not self._passed and not self.asked_to_stop:
                    self._passed = "cut"
        except BaseException as error:
            self._left_by(error, sys._getframe().f_back)  # noqa: SLF001 - as above
            raise
        self._at_the_end()

    def __enter__(self) -> Self:
        self._held = True
        self._begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None,
    ) -> None:
        self._held = False
        if error is not None:
            self.end_by(error)
        else:
            self._close()

    # -- looking --------------------------------------------------------------------------------

    def figure(self, *, live: bool = False) -> go.Figure:
        """The curves as a plotly figure; with `live`, a FigureWidget kept up to date until the run ends."""
        from nbtrain.widgets.figure import figure  # noqa: PLC0415 - plotly is slow to import

        return figure(self, live=live)

    def show(self) -> None:
        """Show the run's panel in this cell."""
        from nbtrain.studio import show  # noqa: PLC0415 - only notebooks need it

        show(self)

    # -- inside ---------------------------------------------------------------------------------

    def _begin(self) -> None:
        self.begin(workspaces.current())
        if self._show:
            show_in_notebook(self)
        at_end_of_cell(self._cell_ended)

    def _set_out(self) -> None:
        if self._walked:
            raise CommandError(
                "This loop was gone through already, all of its epochs; call nbtrain.track again for another, or take "
                "one epoch at a time: for batches in tracked.by_epoch(): for batch in batches: …")
        self._walked = True
        if not self.id:
            self._begin()

    def _goes_on(self) -> bool:
        """Whether another epoch begins; the one before is closed."""
        if self._passed:
            self.close_epoch(whole=self._passed == "whole")
        self._passed = ""
        return self.heed() and self.epochs_done < self.epochs

    def _epoch(self) -> Generator[Batch, None, None]:
        """One pass over the loader, until its end or a stop."""
        begins = self.step
        batches = iter(self._loader)
        while self.heed():
            try:
                batch = next(batches)
            except StopIteration:
                self._passed = "whole"
                break
            self.advance(self.step + 1)
            yield batch
            self.measure(size_of(batch))
        if self._passed and self.step == begins:
            self.publish(Warned(step=self.step, message=(
                f"The loader gave no batch in epoch {self.epochs_done + 1}"
                + (": it can be gone through only once." if begins else "; it is empty."))))

    def _left_by(self, error: BaseException, frame: FrameType | None) -> None:
        """The generator is closed, or the loader failed. Held open, the run hears of it when the block ends."""
        if self._held:
            return
        if not isinstance(error, GeneratorExit):
            self.end_by(error)
            return
        cause = leaving.passing(frame)
        if cause is None:
            self._close()
        elif cause.error is not None:
            self.end_by(cause.error)
        else:
            self._left_by_unknown(cause)

    def _cell_ended(self, error: BaseException | None) -> None:
        """The cell in which the loop began: an iterator in a variable is not closed by the error that ends the loop."""
        if error is not None and not self._left:
            self.end_by(error)

    def _left_by_unknown(self, cause: leaving.Passing) -> None:
        """An error ended the loop, and which is known when the cell ends; outside of a notebook, only where it was."""
        self._left = True
        left(self)
        where = f"an error in {cause.place}; with nbtrain.track(…) as tracked: would know which."

        def told(error: BaseException | None) -> None:
            if error is not None and cause.is_(error):
                self.end_by(error)
            else:
                self.fail(where)

        if not at_end_of_cell(told):
            self.fail(where)

    def _at_the_end(self) -> None:
        """The data has ended, or a stop was heard."""
        self._exhausted = True
        if not self._held:
            self._close()

    def _end(self, state: State, reason: str) -> None:
        super()._end(state, reason)
        self._loader = ()  # the run may be looked at for long; its data need not stay in memory for that

    def _close(self) -> None:
        """No error ended the loop."""
        if self.asked_to_stop:
            self.end_early()
        elif self._exhausted:
            self.finish()
        else:
            self.end_early(f"The loop was left at step {self.step}, before its data ended.")


def track(
    loader: Iterable[Batch], epochs: int = 1, *, name: str | None = None, total: int | None = None,
    model: nn.Module | None = None, optimizer: Any = None, show: bool = True, **options: Any,
) -> Tracked[Batch]:
    """Give a loop of your own a run and a panel: ``for batch in nbtrain.track(loader): …; nbtrain.log(loss=loss)``.

    Pause, Stop and edits take effect before the next batch; Stop ends the loop as if the data had ended.

    Args:
        loader: anything that gives batches: a DataLoader, a list, a generator.
        epochs: how often to go through it.
        name: how the run is called in lists; None takes the model's class name, or ``loop``.
        total: batches of one epoch, where the loader has no length.
        model: your module, for the run's name.
        optimizer: a torch optimizer, or several in a list, whose learning_rate and weight_decay can then be edited in
            the panel; a scheduler goes on from the new rate.
        show: show the run's panel when in a notebook.
        **options: what else is to be remembered with the run: ``batch_size=64, hidden=128``.

    Raises:
        DataError: `loader` cannot be looped over, or not `epochs` times.
        ConfigError: an argument is wrong; all problems in one message.
        WorkspaceError: when the loop begins: the workspace cannot be written.
    """
    positive("epochs", epochs)
    strange = [name for name, value in options.items() if not isinstance(value, _PLAIN)]
    if strange:
        raise ConfigError([Problem(
            name, f"{name} is a {type(options[name]).__name__}; what is to be remembered is a number, a text, True, "
                  "False or None.") for name in strange])
    given: object = name
    if given is not None and (not isinstance(given, str) or not given):
        raise ConfigError([Problem("name", f"name is {name!r:.60}; it must be a text, or None.")])
    called = name or ("loop" if model is None else type(model).__name__)
    return Tracked(
        loader, show=show, name=called, epochs=epochs, length=length_of(loader, total, epochs),
        rates=None if optimizer is None else Rates(optimizer), options=options)


def log(**figures: Any) -> None:
    """Write figures of the present step of the innermost tracked loop: ``nbtrain.log(loss=loss, val_accuracy=0.9)``.

    Args:
        **figures: numbers, or 0-d tensors; a value that is not finite is a gap in its curve, and a warning.

    Raises:
        ConfigError: one of them is no number.
        CommandError: no tracked loop is running.
    """
    innermost().log(**figures)


def innermost() -> TrackedRun:
    """The tracked loop this thread is in; else the only one there is. Raises CommandError."""
    stack: list[TrackedRun] = getattr(_here, "stack", [])
    if stack:
        return stack[-1]
    others = list(_open)
    if len(others) == 1:
        return others[0]
    which = f"{len(others)} run in other threads; call tracked.log(…) of the one" if others else "none is running"
    raise CommandError(
        f"nbtrain.log writes into a tracked loop, and {which}: for batch in nbtrain.track(loader): …")


def entered(run: TrackedRun) -> None:
    """A loop has begun in this thread."""
    if not hasattr(_here, "stack"):
        _here.stack = []
    _here.stack.append(run)
    _stacks[run] = _here.stack
    _open.add(run)
    training.enter(run)


#: The stack of the thread that a loop began in; it may be closed in another.
_stacks: weakref.WeakKeyDictionary[TrackedRun, list[TrackedRun]] = weakref.WeakKeyDictionary()


def left(run: TrackedRun) -> None:
    """A loop has ended, or was left."""
    stack = _stacks.pop(run, [])
    if run in stack:
        stack.remove(run)
    _open.discard(run)
    training.forget(run.id)


def show_in_notebook(run: TrackedRun) -> None:
    """Show the run's panel, where there is a notebook."""
    from nbtrain.studio import in_notebook, show  # noqa: PLC0415 - only notebooks need it

    if in_notebook():
        show(run)


_process = os.getpid()


@atexit.register
def _end_all() -> None:
    """The interpreter ends: loops that were never closed end with it, by the error that ends it, if any."""
    if os.getpid() != _process:
        return  # a forked child, which tracks nothing
    error = None if in_ipython() else getattr(sys, "last_value", None)  # there it is that of some cell
    for run in list(_open):
        if run.state is not State.PREPARING:
            if error is not None:
                run.end_by(error)
            else:
                run.end_early("The interpreter ended.")
