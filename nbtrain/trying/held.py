"""The model that is being tried stays in memory for the next click: one at a time, and not for long."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from nbtrain.models.package import Version

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nbtrain.trying.way import Way

#: Seconds without a click after which it is let go.
KEPT_SECONDS = 600.0


class Held:
    """One model with the way it is tried. Any thread may call; who tries another one waits for the one before."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._version: Version | None = None
        self._way: Way | None = None
        self._module: Any = None
        self._timer: threading.Timer | None = None

    @contextmanager
    def use(
        self, version: Version, way: Callable[[], Way], load: Callable[[Version], Any],
    ) -> Iterator[tuple[Way, Any]]:
        """The way and the module of `version`, loaded where they are not here."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
            if self._version is None or (self._version.folder, self._version.files) != (version.folder, version.files):
                self._let_go()  # before another one needs the memory
                self._way, self._module = way(), load(version)
                self._version = version
            assert self._way is not None  # noqa: S101 - with the version
            try:
                yield self._way, self._module
            finally:
                self._timer = threading.Timer(KEPT_SECONDS, self.forget)
                self._timer.daemon = True
                self._timer.start()

    def forget(self, model: str | None = None, number: int | None = None) -> None:
        """Let go of it; with a model's id, only where it is of that model (and of that version)."""
        with self._lock:
            held = self._version
            if held is not None and model in {None, held.model} and number in {None, held.number}:
                if self._timer is not None:
                    self._timer.cancel()
                self._let_go()

    @property
    def version(self) -> Version | None:
        """Which one is here."""
        return self._version

    def _let_go(self) -> None:
        self._version = self._way = self._module = None
