"""A real JupyterLab, and a notebook in it as a person uses it, in headless Chromium.

    with Lab(folder) as lab, browser(chromium) as chrome:
        notebook = Notebook(chrome, lab, lab.write("a.ipynb", ["print('hello', 40 + 2)"]))
        notebook.run(0)
        assert notebook.output(0) == "hello 42"
"""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Locator, Page, WebSocket, expect, sync_playwright

from tests import old_kernels

#: No sandbox: containers have none to give. The rest keeps Chromium from talking to anybody.
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]
SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
}
#: Bound of every wait: a first cell that loads torch has taken a minute where eight processes shared a core.
SECONDS = 120.0
#: The kernel takes cells, and the notebook got the focus: before that, JupyterLab drops key presses and moves it.
#: What it shows as the kernel's state cannot be waited for: at first that is "idle" too.
READY = """() => {
    const session = window.jupyterapp?.shell.currentWidget?.sessionContext;
    return Boolean(session?.isReady) && ["idle", "busy"].includes(session.kernelDisplayStatus)
        && Boolean(document.activeElement?.closest(".jp-Notebook"));
}"""
_NUMBER = re.compile(r"\[\d+\]")


class Lab:
    """A JupyterLab server on `folder`, with settings, runtime and IPython folders of its own beside it.

    Args:
        folder: where the notebooks lie; made when it is not there.
        settings: of JupyterLab's plugins, by their id.
        environment: variables of the server, and so of its kernels.
    """

    def __init__(
        self,
        folder: Path,
        settings: Mapping[str, Mapping[str, Any]] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self._private = folder.parent / f"{folder.name}-private"
        self._settings = {**SETTINGS, **(settings or {})}
        self._environment = environment or {}
        self._token = secrets.token_hex(8)
        self._process: subprocess.Popen[bytes] | None = None
        self.base = ""

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        for plugin, values in self._settings.items():
            package, name = plugin.split(":")
            file = self._private / "user-settings" / package / f"{name}.jupyterlab-settings"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(values))
        log = self._private / "lab.log"
        with log.open("wb") as out:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root", "--ip=127.0.0.1",
                 "--port=0", f"--IdentityProvider.token={self._token}",
                 "--LabApp.expose_app_in_browser=True",
                 f"--ServerApp.root_dir={self.folder}"],
                stdout=out, stderr=subprocess.STDOUT, env=self._variables(), cwd=self.folder)
        until = time.monotonic() + 2 * SECONDS  # where all cores are busy it takes one minute
        while time.monotonic() < until and self._process.poll() is None:
            if self._answers():
                return self
            time.sleep(0.2)
        self.__exit__(None, None, None)
        raise RuntimeError(f"JupyterLab did not start:\n{log.read_text(errors='replace')[-3000:]}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None,
    ) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        try:
            if self.base and process.poll() is None:
                for kernel in self.api("/api/kernels"):
                    self.api(f"/api/kernels/{kernel['id']}", "DELETE")
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def api(self, path: str, method: str = "GET") -> Any:
        """A call of the server's REST interface."""
        request = urllib.request.Request(  # noqa: S310 - to our own server
            self.base + path, method=method, headers={"Authorization": f"token {self._token}"})
        with urllib.request.urlopen(request, timeout=SECONDS) as reply:  # noqa: S310 - a kernel may be slow to end
            body = reply.read()
        return json.loads(body) if body else None

    def kernel_id(self, notebook: str) -> str:
        """The id of the kernel of a notebook that is open."""
        return next(str(s["kernel"]["id"]) for s in self.api("/api/sessions") if s["path"] == notebook)

    def restart(self, notebook: str) -> None:
        """Restart the kernel of a notebook, as the menu does."""
        self.api(f"/api/kernels/{self.kernel_id(notebook)}/restart", "POST")

    def end(self, notebook: str) -> None:
        """End the kernel of a notebook, if it has one."""
        for session in self.api("/api/sessions"):
            if session["path"] == notebook:
                self.api(f"/api/sessions/{session['id']}", "DELETE")

    def write(self, name: str, cells: Sequence[str], kernel: str = "python3") -> str:
        """Put a notebook of these code cells into the folder; its name."""
        content = {
            "nbformat": 4, "nbformat_minor": 5,
            "metadata": {"kernelspec": {"name": kernel, "display_name": kernel, "language": "python"}},
            "cells": [
                {"cell_type": "code", "id": f"cell-{place}", "source": source, "metadata": {}, "outputs": [],
                 "execution_count": None} for place, source in enumerate(cells)],
        }
        (self.folder / name).write_text(json.dumps(content))
        return name

    def url(self, notebook: str) -> str:
        """The address of a notebook, in a workspace of JupyterLab's that is empty."""
        return f"{self.base}/lab/tree/{notebook}?token={self._token}&reset"

    def _answers(self) -> bool:
        """Whether the server is there. It chose its port itself: one that is chosen for it may be gone by then."""
        for told in (self._private / "runtime").glob("jpserver-*.json"):
            try:
                self.base = f"http://127.0.0.1:{json.loads(told.read_text())['port']}"
                self.api("/api/status")
            except (OSError, ValueError):  # it does not listen yet, or still writes
                self.base = ""
            else:
                return True
        return False

    def _variables(self) -> dict[str, str]:
        """The server's environment: nothing of the user's is read or written; older kernels are found."""
        kernels = [str(old_kernels.environment(version) / "share" / "jupyter") for version in old_kernels.VERSIONS]
        return {
            **os.environ,
            "JUPYTERLAB_SETTINGS_DIR": str(self._private / "user-settings"),
            "JUPYTERLAB_WORKSPACES_DIR": str(self._private / "workspaces"),
            "JUPYTER_CONFIG_DIR": str(self._private / "config"),
            "JUPYTER_RUNTIME_DIR": str(self._private / "runtime"),
            "JUPYTER_PATH": os.pathsep.join(kernels),
            "IPYTHONDIR": str(self._private / "ipython"),
            **self._environment,
        }


@contextmanager
def browser(executable: str) -> Iterator[Browser]:
    """A headless Chromium."""
    with sync_playwright() as playwright:
        chrome = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        yield chrome
        chrome.close()


@dataclass
class Meter:
    """What came over the kernel's websocket since `reset`."""

    received: int = 0
    frames: int = 0

    def reset(self) -> None:
        self.received = self.frames = 0

    def watch(self, channel: WebSocket) -> None:
        if "/channels" in channel.url:
            channel.on("framereceived", self._count)

    def _count(self, payload: str | bytes) -> None:
        self.received += len(payload)
        self.frames += 1


@dataclass
class Heard:
    """What the page said and asked for."""

    console: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    requested: list[str] = field(default_factory=list)
    #: A part of an error that a test provokes.
    excused: str | None = None

    def listen(self, page: Page) -> None:
        page.on("console", lambda message: self.console.append(f"{message.type}: {message.text}"[:400]))
        page.on("pageerror", lambda error: self.console.append(f"error: {error}"[:400]))
        page.on("requestfailed", lambda request: self.failed.append(request.url))
        page.on("request", lambda request: self.requested.append(request.url))
        page.on("websocket", lambda channel: self.requested.append(channel.url))

    @property
    def errors(self) -> list[str]:
        """What the page's scripts complained of, and exceptions nobody caught."""
        return [line for line in self.console if line.startswith("error") and not (
            self.excused and self.excused in line)]

    def outside(self, base: str) -> list[str]:
        """Requests for anything but the server at `base` and the page itself."""
        server = urlsplit(base).netloc
        return [url for url in self.requested if urlsplit(url).netloc not in {server, ""}]


class Notebook:
    """One notebook in one tab."""

    def __init__(self, chrome: Browser, lab: Lab, name: str, context: BrowserContext | None = None) -> None:
        context = context or chrome.new_context(viewport={"width": 1300, "height": 1100})
        context.set_default_timeout(SECONDS * 1000)
        self.name = name
        self.page = context.new_page()
        self._lab = lab
        self.meter = Meter()
        self.heard = Heard()
        self.page.on("websocket", self.meter.watch)
        self.heard.listen(self.page)
        self.page.goto(lab.url(name))
        self.wait_ready()

    @property
    def cells(self) -> Locator:
        return self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-CodeCell")

    def wait_ready(self) -> None:
        """Wait until the notebook is drawn and its kernel is there."""
        self.cells.first.wait_for(timeout=SECONDS * 1000)
        self.page.wait_for_function(READY, timeout=SECONDS * 1000)

    def reload(self) -> None:
        """Load the page anew, as with F5."""
        self.page.reload()
        self.wait_ready()

    def run(self, place: int, *, wait: bool = True) -> None:
        """Run a code cell (from 0); with `wait`, until it has ended."""
        cell = self.cells.nth(place)
        prompt = cell.locator(".jp-InputPrompt")
        prompt.click()
        before = prompt.inner_text()
        self.page.keyboard.press("Control+Enter")
        expect(prompt).not_to_have_text(before, timeout=SECONDS * 1000)
        if wait:
            expect(prompt).to_have_text(_NUMBER, timeout=SECONDS * 1000)

    def is_running(self, place: int) -> bool:
        return "*" in self.cells.nth(place).locator(".jp-InputPrompt").inner_text()

    def output(self, place: int) -> str:
        """The text of a cell's output."""
        area = self.cells.nth(place).locator(".jp-OutputArea")
        return area.first.inner_text().strip() if area.count() else ""

    def panel(self, place: int) -> Locator:
        """The live panel below a cell."""
        return self.cells.nth(place).locator(".nbt-live").first

    def ask(self, expression: str) -> Any:
        """The value of a Python expression in the kernel, through the last cell."""
        last, mark = self.cells.count() - 1, secrets.token_hex(4)  # the answer before may stand there for a moment
        self.write(last, f'import json; print(json.dumps({{"{mark}": {expression}}}))')
        self.run(last)
        self.cells.nth(last).locator(".jp-OutputArea", has_text=mark).first.wait_for(timeout=SECONDS * 1000)
        return json.loads(self.output(last))[mark]

    def write(self, place: int, source: str) -> None:
        """Exchange the source of a cell."""
        self.cells.nth(place).locator(".cm-content").click()
        self.page.keyboard.press("Control+a")
        self.page.keyboard.insert_text(source)

    def close(self) -> None:
        """Close the tab and end the kernel."""
        self.page.close()
        self._lab.end(self.name)

    def save(self) -> None:
        """Save, as with Ctrl+S, and wait until it is done."""
        self.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
