"""What is asked of a run, carried out between two steps by the thread that trains it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from nbtrain.core.control import Command, Edit, Hold, Pause, Resume, Save, State, Stop, Ticket
from nbtrain.core.errors import CommandError, NbtrainError, TrainingError
from nbtrain.core.events import OptionEdited

if TYPE_CHECKING:
    from nbtrain.engine.engine import Engine


class StopRequested(Exception):  # noqa: N818 - not an error: the way out of nested loops
    """Stop was asked for; unwinds to `Engine.fit`."""


class Steering:
    """Answers every command an engine's control holds, each exactly once."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self._control = engine, engine.control
        self.stops: list[Ticket] = []
        """Stops that were asked for; they are answered when the run has ended."""
        self._hold_first = False
        self._went_on = 0.0

    def obey(self) -> None:
        """Carry out what was asked. While paused, waits here. Raises StopRequested."""
        engine, control = self._engine, self._control
        engine.settle()
        engine.stop_clock()
        if self._hold_first:
            self._hold_first = False
            control.move_to(State.PAUSED)
        while True:
            self._carry_out_all(self._carry_out)
            if self.stops:
                raise StopRequested
            if control.state is not State.PAUSED:
                break
            control.wait_for_command()
        engine.start_clock()

    def obey_while_queued(self) -> None:
        """The same while others train: nothing is saved, and a pause holds the run when its turn comes."""
        self._carry_out_all(self._note_down)

    def _carry_out_all(self, carry_out: Callable[[Ticket], None]) -> None:
        tickets = deque(self._control.take())
        try:
            while tickets:
                carry_out(tickets.popleft())
        finally:
            for ticket in tickets:
                ticket.resolve(CommandError("The run failed before the command was looked at."))

    def _carry_out(self, ticket: Ticket) -> None:
        engine, control = self._engine, self._control
        command: Command = ticket.command
        match command:
            case Stop():
                self.stops.append(ticket)
            case Pause():
                self._answer(ticket, lambda: control.move_to(State.PAUSED))
            case Hold(since=since):
                if since > self._went_on:  # else it was tried again
                    control.move_to(State.PAUSED)
                ticket.resolve()
            case Resume():
                self._answer(ticket, self._go_on)
            case Save():
                self._answer(ticket, lambda: engine.saver.save(engine, "asked"))
            case Edit(changes=changes):
                self._answer(ticket, lambda: self.edit(dict(changes)))
            case _:
                ticket.resolve(CommandError(f"The trainer does not know the command {type(command).__name__}."))

    def _note_down(self, ticket: Ticket) -> None:
        match ticket.command:
            case Pause() | Hold():  # nothing is tried again in the queue, so no Hold is too old here
                self._hold_first = True
                ticket.resolve()
            case Resume():
                self._hold_first = False
                ticket.resolve()
            case Save():
                ticket.resolve(CommandError(
                    "The run has not started, so there is nothing to save yet; ask again when it runs."))
            case _:
                self._carry_out(ticket)

    def _go_on(self) -> None:
        engine = self._engine
        if self._control.state is State.PAUSED:
            engine.saver.settle()
            self._went_on = time.monotonic()
            engine.saver.catch_up(engine)
        self._control.move_to(State.RUNNING)

    @staticmethod
    def _answer(ticket: Ticket, do: Callable[[], None]) -> None:
        """What is wrong with the command is for the one who asked; what is wrong with the run ends it."""
        try:
            do()
        except BaseException as error:
            if isinstance(error, NbtrainError):
                ticket.resolve(error)
            else:
                ticket.resolve(CommandError(f"The command failed with {type(error).__name__}: {error}"))
            if isinstance(error, TrainingError) or not isinstance(error, NbtrainError):
                raise
        else:
            ticket.resolve()

    def edit(self, changes: dict[str, Any]) -> None:
        """Change options from the next step on. Raises ConfigError or CommandError, with nothing changed."""
        engine = self._engine
        before, options = engine.options, engine.options.replace(**changes)
        if options["epochs"] <= engine.at.epoch:
            raise CommandError(
                f"epochs is {options['epochs']}, but {engine.at.epoch} are done already; "
                f"give at least {engine.at.epoch + 1}, or stop the run.")
        engine.adopt(options)
        for name in changes:
            if before[name] != options[name]:
                engine.publish(OptionEdited(step=engine.at.step, name=name, old=before[name], new=options[name]))
