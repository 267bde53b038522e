"""Requests on the control channel of real kernels, while their main thread spins in pure Python."""

from __future__ import annotations

import os
from pathlib import Path
from queue import Empty

import pytest
from jupyter_client.manager import start_new_kernel

from nbtrain.widgets import channel
from tests import old_kernels

ROOT = Path(__file__).parents[2]

#: A panel with a run whose trainer is a thread; the bundle does not matter here.
PANEL = f"""
import sys, threading, time
sys.path.insert(0, {str(ROOT)!r})
from tests.widgets.conftest import FakeLauncher, FakeRun
from nbtrain.core.control import State
from nbtrain.widgets import base
from nbtrain.widgets.control_panel import ControlPanel
base.bundle = lambda name, kind: ""
run = FakeRun()
run.control.move_to(State.RUNNING)
def train():
    while not run.state.ended:
        if run.control.wait_for_command(0.1):
            run.obey()
threading.Thread(target=train, daemon=True).start()
panel = ControlPanel(FakeLauncher(), run)
print(panel.model_id)
"""
SPIN = """
end = time.monotonic() + 30
while run.state != "paused" and time.monotonic() < end:
    pass
print(run.state)
"""


@pytest.fixture
def kernel(monkeypatch):
    """Starts a kernel by the name of its spec; `client.text(id)` is what a cell printed."""
    paths = [str(old_kernels.environment(version) / "share" / "jupyter") for version in old_kernels.VERSIONS]
    monkeypatch.setenv("JUPYTER_PATH", os.pathsep.join(paths))
    monkeypatch.setenv("PYTHONWARNINGS", "default")
    started = []

    def start(name):
        manager, client = start_new_kernel(kernel_name=name)
        started.append((manager, client))
        return client

    yield start
    for manager, client in started:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        manager.cleanup_resources()


def until_idle(client, id_):
    """What cell `id_` printed, and the replies that panels sent meanwhile."""
    printed, replies = "", []
    while True:
        message = client.get_iopub_msg(timeout=60)
        content = message["content"]
        if message["msg_type"] == "comm_msg" and content["data"].get("method") == "custom":
            replies.append(content["data"]["content"])
        if message["parent_header"].get("msg_id") != id_:
            continue
        if message["msg_type"] == "stream" and content["name"] == "stdout":
            printed += content["text"]
        if message["msg_type"] == "error":
            pytest.fail("\n".join(content["traceback"]))
        if message["msg_type"] == "status" and content["execution_state"] == "idle":
            return printed.strip(), replies


def ask(client, widget, kind, id_="request-1"):
    message = client.session.msg("nbtrain_request", {"id": id_, "kind": kind, "widget": widget})
    client.control_channel.send(message)
    return message["header"]["msg_id"]


def pause_while_it_spins(client):
    widget, _ = until_idle(client, client.execute(PANEL))
    spinning = client.execute(SPIN)
    asked = ask(client, widget, "pause")
    printed, replies = until_idle(client, spinning)
    while not replies:
        try:
            content = client.get_iopub_msg(timeout=60)["content"]
        except Empty:
            pytest.fail("The request was not answered.")
        if content.get("data", {}).get("method") == "custom":
            replies.append(content["data"]["content"])
    answer = client.get_control_msg(timeout=60)
    assert answer["msg_type"] == "nbtrain_reply"
    assert answer["parent_header"]["msg_id"] == asked
    return printed, replies


def test_pause_is_heard_while_a_cell_spins(kernel):
    printed, replies = pause_while_it_spins(kernel("python3"))
    assert printed == "paused"
    assert replies == [{"type": "reply", "id": "request-1", "ok": True, "result": None}]


@pytest.mark.kernels
def test_pause_is_heard_while_a_cell_spins_in_older_kernels(kernel, old_kernel):
    printed, replies = pause_while_it_spins(kernel(f"ipykernel-{old_kernel}"))
    assert printed == "paused"
    assert [reply["id"] for reply in replies] == ["request-1"]


def test_without_a_kernel_there_is_nothing_to_install():
    assert channel.kernel() is None
    assert channel.install(lambda widget, content: None) is False
