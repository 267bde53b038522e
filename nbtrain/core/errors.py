"""Everything nbtrain raises on purpose.

NbtrainError
├── ConfigError          an option is unknown, out of range, or contradicts another   (also ValueError)
├── DataError            the data cannot be trained on as it is                       (also ValueError)
│   └── DataFileError    a file of data cannot be read; says file, line and column
├── ModelError           the model cannot be used or trained as it is                 (also ValueError)
│   └── ModelFileError   a file of a model cannot be read, is not safe, or is not what it says
├── CommandError         a command does not fit the run's present state               (also RuntimeError)
├── RunNotFoundError     no run of this id in the workspace                           (also LookupError)
├── DatasetNotFoundError no dataset of this name or id in the workspace               (also LookupError)
├── ModelNotFoundError   no model of this name or id in the workspace                 (also LookupError)
├── HubError             the Hub cannot be reached, or does not give what is asked for (also OSError)
├── CancelledError       a piece of work was called off before it was done
├── WorkspaceError       the workspace folder or its database cannot be used          (also OSError)
├── CheckpointError      a checkpoint is missing, cut short, or does not fit
└── TrainingError        a run ended because of an error; carries the traceback as text
    └── NonFiniteLossError   the loss or its gradient became NaN or infinite; the weights were not touched

Every message is one sentence (or one line per problem) that says what is wrong, the value, what is
allowed, and what to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class NbtrainError(Exception):
    """The root: catch this to catch everything nbtrain raises on purpose."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with one option. `field` is the option's flat name, e.g. ``"learning_rate"``."""

    field: str
    message: str


class ConfigError(NbtrainError, ValueError):
    """One or several options are wrong. All of them are in `problems`, and in the message, a line each."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(problem.message for problem in self.problems))


class DataError(NbtrainError, ValueError):
    """The data cannot be trained on as it is."""


class DataFileError(DataError):
    """A file of data cannot be read. `line` and `column` count from 1 and are None where there is no such thing."""

    def __init__(self, message: str, *, file: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(message)
        self.file = file
        self.line = line
        self.column = column


class ModelError(NbtrainError, ValueError):
    """The model cannot be used or trained as it is."""


class ModelFileError(ModelError):
    """A file of a model cannot be read, is not safe to load, or is not what it says it is."""

    def __init__(self, message: str, *, file: str = "") -> None:
        super().__init__(message)
        self.file = file


class CommandError(NbtrainError, RuntimeError):
    """A command does not fit the run's present state."""


class RunNotFoundError(NbtrainError, LookupError):
    """No run of this id is in the workspace."""


class DatasetNotFoundError(NbtrainError, LookupError):
    """No dataset of this name or id is in the workspace."""


class ModelNotFoundError(NbtrainError, LookupError):
    """No model of this name or id is in the workspace."""


class HubError(NbtrainError, OSError):
    """The Hub cannot be reached, or does not give what is asked for.

    `offline` is True when it could not be asked at all, so that what is cached may serve instead.
    """

    def __init__(self, message: str, *, offline: bool = False) -> None:
        super().__init__(message)
        self.offline = offline


class CancelledError(NbtrainError):
    """A piece of work was called off; it left nothing behind."""


class WorkspaceError(NbtrainError, OSError):
    """The workspace folder or its database cannot be read or written."""


class CheckpointError(NbtrainError):
    """A checkpoint is missing, cut short, altered, or does not fit the model."""


class TrainingError(NbtrainError):
    """A run ended because of an error.

    `details` is the traceback as text. The original exception is `__cause__`, without its frames: a
    traceback that stays alive pins every tensor its frames held.
    """

    def __init__(self, message: str, *, step: int = 0, details: str = "") -> None:
        super().__init__(message)
        self.step = step
        self.details = details


class NonFiniteLossError(TrainingError):
    """The loss or its gradient became NaN or infinite. The weights are those of the step before."""
