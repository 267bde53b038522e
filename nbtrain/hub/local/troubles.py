"""What goes wrong on the way, because a test or a notebook wants it so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from nbtrain.hub.local.exchange import Refusal


@dataclass
class Trouble:
    """A refusal, and how often it is still to be given; None for ever."""

    status: int
    code: str
    times: int | None


@dataclass
class Troubles:
    """All that is to go wrong. Parts of paths are compared with the path of a request, without escapes.

    It may change while requests are answered.
    """

    cuts: dict[str, list[int]] = field(default_factory=dict)
    """File → after how many bytes each of the next answers breaks off."""
    refusals: dict[str, Trouble] = field(default_factory=dict)
    """Part of a path → what is answered instead."""
    pages: dict[str, bytes] = field(default_factory=dict)
    """Part of a path → what is answered, with success, by something that is no Hub."""
    waits: dict[str, float] = field(default_factory=dict)
    """Part of a path → seconds before the answer begins."""
    paces: dict[str, int] = field(default_factory=dict)
    """File → bytes a second."""
    corrupted: set[str] = field(default_factory=set)
    """Files whose bytes arrive changed, under the hash that they should have."""

    def cut(self, file: str, after: Sequence[int]) -> None:
        """Break the next answers with this file off, each after so many bytes."""
        self.cuts[file] = list(after)

    def refuse(self, part: str, status: int, code: str = "", *, times: int | None = None) -> None:
        """Answer requests whose path has `part` in it with this status and code of the Hub's, so many times."""
        self.refusals[part] = Trouble(status, code, times)

    def pretend(self, part: str, page: bytes) -> None:
        """Answer such requests with this page, as the login page of a hotel's network does."""
        self.pages[part] = page

    def slow(self, part: str, seconds: float) -> None:
        """Begin answers to such requests only after so many seconds."""
        self.waits[part] = seconds

    def pace(self, file: str, bytes_per_second: int) -> None:
        """Send this file no faster."""
        self.paces[file] = bytes_per_second

    def corrupt(self, file: str) -> None:
        """Change bytes of this file on the way."""
        self.corrupted.add(file)

    def mend(self) -> None:
        """All is well again."""
        for each in (self.cuts, self.refusals, self.pages, self.waits, self.paces, self.corrupted):
            each.clear()

    def wait(self, path: str) -> float:
        """Seconds before the answer to a request of this path begins."""
        return max((seconds for part, seconds in self.waits.copy().items() if part in path), default=0.0)

    def check(self, path: str, user: str) -> None:
        """Raises the refusal that this path is to meet."""
        for part, trouble in self.refusals.copy().items():
            if part in path and trouble.times != 0:
                if trouble.times is not None:
                    trouble.times -= 1
                headers = {"Retry_After": "1"} if trouble.status == 429 else {}
                # A server may repeat what it was sent: whoever shows that shows the token.
                raise Refusal(trouble.status, trouble.code, f"the server says no to {user}", **headers)

    def page(self, path: str) -> bytes | None:
        """What is answered to a request of this path instead of the truth."""
        return next((page for part, page in self.pages.copy().items() if part in path), None)

    def sent(self, file: str, data: bytes) -> tuple[bytes, bool]:
        """What is sent of the bytes of a file, and whether the connection then ends."""
        if file in self.corrupted and data:
            data = bytes([data[0] ^ 0xFF]) + data[1:-1] + bytes([data[-1] ^ 0xFF])
        cuts = self.cuts.get(file)
        return (data[:cuts.pop(0)], True) if cuts else (data, False)
