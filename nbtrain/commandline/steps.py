"""Steps of processing as one types them: ``whitespace, scale(method=robust, columns=[age, income])``."""

from __future__ import annotations

import re
from typing import Any

from nbtrain.core.errors import ConfigError, Problem

EXAMPLE = "whitespace, scale(method=robust, columns=[age, income])"
_NAME = re.compile(r"\s*(\w+)\s*")
#: A value in quotation marks, or whatever stands before the next comma or bracket.
_VALUE = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|([^\s,()\[\]"'][^,()\[\]"']*))\s*""")


def parse_steps(given: str) -> list[dict[str, Any]]:
    """JSON of steps from a text; values stay texts, which the steps' own options make numbers of.

    Raises:
        ConfigError: it cannot be read so; the sentence says from where on.
    """
    return _Reader(given).steps()


class _Reader:
    """Reads from left to right, and knows where it is."""

    def __init__(self, given: str) -> None:
        self._given = given
        self._at = 0

    def steps(self) -> list[dict[str, Any]]:
        found = [self._step()]
        while self._sign(","):
            found.append(self._step())
        if self._at < len(self._given):
            raise self._complaint("a comma or an opening parenthesis")
        return found

    def _step(self) -> dict[str, Any]:
        step: dict[str, Any] = {"step": self._match(_NAME, "the name of a step")}
        if not self._sign("(") or self._sign(")"):
            return step
        while True:
            name = self._match(_NAME, "the name of an option")
            if not self._sign("="):
                raise self._complaint(f"= and a value for {name}")
            if name in step:
                raise self._refusal(f"--steps gives {name} of {step['step']} twice; give it once.")
            step[name] = self._value()
            if self._sign(")"):
                return step
            if not self._sign(","):
                raise self._complaint("a comma or a closing parenthesis")

    def _value(self) -> str | list[str]:
        if not self._sign("["):
            return self._match(_VALUE, "a value")
        values: list[str] = []
        while not self._sign("]"):
            if values and not self._sign(","):
                raise self._complaint("a comma or a closing bracket")
            values.append(self._match(_VALUE, "a value"))
        return values

    def _match(self, pattern: re.Pattern[str], wanted: str) -> str:
        found = pattern.match(self._given, self._at)
        if found is None:
            raise self._complaint(wanted)
        self._at = found.end()
        quoted = next((group for group in found.groups()[:2] if group is not None), None)
        return quoted if quoted is not None else str(found[found.lastindex or 0]).strip()

    def _sign(self, sign: str) -> bool:
        """Whether it stands here; if so, go on behind it and the blanks."""
        found = re.compile(rf"\s*{re.escape(sign)}\s*").match(self._given, self._at)
        self._at = self._at if found is None else found.end()
        return found is not None

    def _complaint(self, wanted: str) -> ConfigError:
        rest = self._given[self._at:].strip()
        where = f"before {rest!r:.60}" if rest else "at its end"
        return self._refusal(f"--steps {self._given!r:.120} needs {wanted} {where}; write it as '{EXAMPLE}'.")

    def _refusal(self, sentence: str) -> ConfigError:
        return ConfigError([Problem("steps", sentence)])
