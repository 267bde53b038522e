"""What a model that is not let in is answered: one sentence, with the file's name."""

from __future__ import annotations

from typing import Literal

from nbtrain.core.errors import ModelFileError

#: What may be asked of the user.
Question = Literal["convert", "remote_code"]
#: Characters of a text from outside that go into a sentence.
_LONGEST = 120


class NeedsPermission(ModelFileError):  # noqa: N818 - not wrong: it waits for a word
    """It can be imported if the user says so: `question` is what `open_model` would need to be told.

    ``convert``: the file is a pickle; its tensors can be read in a process of its own, and kept as safetensors.
    ``remote_code``: the model needs Python code of its own to load.
    """

    def __init__(self, message: str, *, question: Question, file: str = "") -> None:
        super().__init__(message, file=file)
        self.question: Question = question


def refused(file: str, what: str) -> ModelFileError:
    """The error that says `what` of `file`, on one line."""
    said = f"{shown(file)}: {shown(what, 1_000)}"
    return ModelFileError(said if said.endswith((".", "?", "!")) else f"{said}.", file=file)


def shown(text: object, longest: int = _LONGEST) -> str:
    """A text from outside as it goes into a sentence: on one line, printable, not too long."""
    line = "".join(c if c.isprintable() else " " if c.isspace() else "?" for c in str(text)[: 4 * longest])
    line = " ".join(line.split())
    return line if len(line) <= longest else f"{line[:longest - 1]}…"
