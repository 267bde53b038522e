"""A real kernel, and at the other end a front end that does what a page does, and counts what it is sent."""

from __future__ import annotations

import ast
import json
import os
import tempfile
import threading
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any, Self

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

from benchmarks.common import ROOT

SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Heard:
    """One message of the kernel: when it came, all its frames in bytes, and what it was."""

    time: float
    bytes: int
    kind: str
    """The message's type, and for those of a panel its own: ``comm_msg delta``."""


class Kernel:
    """A kernel with an empty workspace; every panel it opens is greeted, and told so for as long as it lives.

    Requests go over the control channel, which is heard while a cell runs.
    """

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        #: Ids of the widgets that are open, with the state they were opened with.
        self.widgets: dict[str, dict[str, Any]] = {}
        self._home = tempfile.TemporaryDirectory()
        self._manager = KernelManager(kernel_name="python3", transport="ipc")
        self._requests: SimpleQueue[dict[str, Any]] = SimpleQueue()
        self._end = threading.Event()
        self._page = threading.Thread(target=self._be_the_page, name="page", daemon=True)

    def __enter__(self) -> Self:
        self._manager.start_kernel(cwd=str(ROOT), env={
            **os.environ, "NBTRAIN_HOME": self._home.name, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"})
        self._client: BlockingKernelClient = self._manager.client()
        self._client.start_channels()
        self._client.wait_for_ready(timeout=60)
        self._page.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None,
    ) -> None:
        self._end.set()
        self._page.join()
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=True)
        self._home.cleanup()

    def run(self, code: str, value: str = "None") -> Any:
        """Run a cell, then evaluate an expression whose value JSON can hold. Raises RuntimeError with its traceback."""
        asked = self._client.execute(code, user_expressions={"value": f"__import__('json').dumps({value})"})
        until = time.monotonic() + SECONDS
        while True:
            reply = self._client.get_shell_msg(timeout=until - time.monotonic())
            if reply["parent_header"].get("msg_id") == asked:
                break
        content = reply["content"]
        answer = content.get("user_expressions", {}).get("value", content)
        if answer["status"] != "ok":
            raise RuntimeError("\n".join(answer["traceback"]))
        return json.loads(ast.literal_eval(answer["data"]["text/plain"]))

    def ask(self, widget: str, kind: str, **fields: object) -> None:
        """Send a request to a panel, as a click does."""
        self._requests.put({"id": uuid.uuid4().hex, "kind": kind, "widget": widget, **fields})

    def listen(self, seconds: float) -> list[Heard]:
        """All that the kernel says from now on, for so long."""
        first = len(self.heard)
        time.sleep(seconds)
        return self.heard[first:]

    # -- the page's thread, with sockets of its own -------------------------------------------------

    def _be_the_page(self) -> None:
        page: BlockingKernelClient = self._manager.client()
        page.start_channels(shell=False, stdin=False, hb=False)
        socket = page.iopub_channel.socket
        try:
            while not self._end.is_set():
                while socket.poll(10):
                    self._take(page, socket.recv_multipart())
                while request := self._next_request():
                    page.control_channel.send(page.session.msg("nbtrain_request", request))
                while page.control_channel.msg_ready():
                    page.control_channel.get_msg(timeout=1)
        finally:
            page.stop_channels()

    def _next_request(self) -> dict[str, Any] | None:
        try:
            return self._requests.get_nowait()
        except Empty:
            return None

    def _take(self, page: BlockingKernelClient, frames: Sequence[bytes]) -> None:
        now = time.monotonic()
        _, parts = page.session.feed_identities(list(frames))
        message = page.session.deserialize(parts)
        content, kind = message["content"], message["msg_type"]
        if kind == "comm_open" and "_esm" in content["data"].get("state", {}):
            self.widgets[content["comm_id"]] = content["data"]["state"]
            self.ask(content["comm_id"], "hello")
        elif kind == "comm_close":
            self.widgets.pop(content["comm_id"], None)
        elif kind == "comm_msg":
            data = content["data"]
            kind += " " + (data["content"]["type"] if data["method"] == "custom" else data["method"])
        self.heard.append(Heard(now, sum(map(len, frames)), kind))
