"""ipykernel 7.4 sends a comm's messages to the shell that published last; the panels undo that."""

from __future__ import annotations

import anywidget
import comm
import pytest
import traitlets
from comm.base_comm import BaseComm
from ipykernel.comm.comm import BaseComm as KernelComm

from nbtrain.widgets.base import Unpinned
from nbtrain.widgets.kitchen import Kitchen

pinning = pytest.mark.skipif(
    not hasattr(KernelComm, "_reply_subshell_for"), reason="this ipykernel does not pin comms to subshells")


class Plain(anywidget.AnyWidget):
    _esm = traitlets.Unicode("export default {}").tag(sync=True)


class Cured(Unpinned, Plain):
    pass


def routed_to(widget):
    """Where the next message of the browser goes, that it sent to subshell “chosen”, after a busy shell published."""
    widget.comm._reply_subshell_id = "busy"
    return widget.comm._reply_subshell_for({}, "chosen")


@pinning
def test_message_goes_where_the_browser_sent_it(monkeypatch):
    monkeypatch.setattr(comm, "create_comm", KernelComm)
    assert routed_to(Cured()) == "chosen"


@pinning
def test_without_the_cure_it_goes_to_the_busy_shell(monkeypatch):
    monkeypatch.setattr(comm, "create_comm", KernelComm)
    assert routed_to(Plain()) == "busy"


def test_other_comms_are_left_alone(browser, launcher, pump, worker):
    panel = Kitchen(launcher, pump=pump, worker=worker)
    assert isinstance(panel.comm, BaseComm)
    assert not hasattr(panel.comm, "_reply_subshell_for")
