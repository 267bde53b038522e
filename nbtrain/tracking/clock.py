"""Time spent in a loop, pauses left out, and how fast it goes."""

from __future__ import annotations

import time

#: Seconds over which one figure of throughput is taken.
WINDOW = 0.25


class Clock:
    """Stands still until it is started."""

    def __init__(self) -> None:
        self._before, self._began = 0.0, 0.0
        self._steps, self._samples, self._since = 0, 0, 0.0

    @property
    def runs(self) -> bool:
        return self._began > 0.0

    @property
    def seconds(self) -> float:
        began = self._began
        return self._before + (time.monotonic() - began if began else 0.0)

    def start(self) -> None:
        """Go on; throughput is measured from here."""
        self._began = self._since = time.monotonic()
        self._steps = self._samples = 0

    def stop(self) -> None:
        self._before, self._began = self.seconds, 0.0

    def step(self, samples: int) -> tuple[float, float] | None:
        """A step of so many samples is done. Steps and samples a second, each time a quarter of a second has passed."""
        self._steps += 1
        self._samples += samples
        now = time.monotonic()
        passed = now - self._since
        if passed < WINDOW:
            return None
        speeds = self._steps / passed, self._samples / passed
        self._steps, self._samples, self._since = 0, 0, now
        return speeds
