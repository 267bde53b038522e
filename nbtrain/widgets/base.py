"""What all panels have in common: words, messages, requests, a place in the pump, a static twin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, partial
from importlib.resources import files
from typing import Any, ClassVar

import anywidget
import traitlets

from nbtrain.core.errors import NbtrainError
from nbtrain.core.ports import RunView
from nbtrain.i18n import catalogue
from nbtrain.widgets import channel, display
from nbtrain.widgets.commands import Desk, Handler, Worker, text
from nbtrain.widgets.feed import Feed
from nbtrain.widgets.packed import pack
from nbtrain.widgets.pump import Pump
from nbtrain.widgets.wire import Message, Reply, Request

#: The kernel's own. Neither has a thread before there is something to do.
PUMP, WORKER = Pump(), Worker("nbtrain-requests")

#: What every panel says: the catalogue's keys that begin so.
COMMON = ("button.", "bytes.", "duration.", "error.", "kernel.")


class Unpinned:
    """Keep a widget's comm messages on the subshell the browser chose (ipykernel >= 7.4 re-routes them)."""

    def open(self) -> None:
        super().open()  # type: ignore[misc]
        comm = getattr(self, "comm", None)
        if comm is not None and hasattr(comm, "_reply_subshell_for"):
            comm._reply_subshell_for = lambda data, default: default  # noqa: ARG005, SLF001 - the cure is on the inside


class Panel(Unpinned, anywidget.AnyWidget):
    """A panel in a notebook. A subclass gives `name` (of its bundle), its feed and its handlers.

    Args:
        feed: what the panel shows.
        setup: what never changes while the panel lives, in JSON's types.
        pump: who sends; the kernel's own where none is given.
        worker: who runs slow handlers; the kernel's own where none is given.
        keep: puts a run's static page into its folder.

    Raises:
        NbtrainError: the panel's bundle was not built.
    """

    name: ClassVar[str]
    #: What makes it in Python, where that is not called as the class is.
    public: ClassVar[str] = ""
    #: Beginnings of the keys this panel says; the rest of the catalogue does not travel with it.
    said: ClassVar[tuple[str, ...]] = COMMON
    #: Whether there is something to see without a kernel.
    has_twin: ClassVar[bool] = True

    _esm = traitlets.Unicode().tag(sync=True)
    _css = traitlets.Unicode().tag(sync=True)
    words = traitlets.Dict().tag(sync=True)
    language = traitlets.Unicode().tag(sync=True)
    direction = traitlets.Unicode().tag(sync=True)
    setup = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        feed: Feed,
        *,
        setup: Mapping[str, Any] | None = None,
        pump: Pump | None = None,
        worker: Worker | None = None,
        keep: display.Keep | None = None,
    ) -> None:
        self.feed = feed
        self.pump = pump or PUMP
        self.worker = worker or WORKER
        self.twin = display.Twin(lambda: self.feed.runs, keep)
        language = catalogue.current()
        super().__init__(
            _esm=pack(bundle(self.name, "js")), _css=bundle(self.name, "css"), setup=dict(setup or {}),
            **self._in(language),
        )
        self.desk = Desk(self.handlers(), reply=self._reply, when_done=self.pump.when_done, worker=self.worker)
        self.on_msg(lambda _, content, buffers: self.desk.receive(content, buffers))
        self.pump.add(self)
        if self.pump is PUMP:
            channel.install(deliver)

    # -- for a subclass -------------------------------------------------------------------------

    def handlers(self) -> dict[str, Handler]:
        """The requests this panel knows, by kind."""
        return {
            "hello": Handler(lambda _: self.pump.show(self.model_id)),
            "here": Handler(lambda _: self.pump.show(self.model_id, anew=False)),
            "bye": Handler(lambda _: self.pump.hide(self.model_id)),
            "language": Handler(self._language),
        }

    def watch(self, *runs: RunView, keep_following: bool = False) -> None:
        """Show these runs from now on; those that the panel follows replace them only with `keep_following`."""
        self.pump.call(partial(self._watch, runs, keep_following=keep_following))

    # -- for the pump ---------------------------------------------------------------------------

    def put(self, message: Message, buffers: Sequence[bytes] = ()) -> None:
        """Send a message to the browser. Only the pump calls this."""
        self.send(message, list(buffers))

    def look_after(self) -> None:
        """Keep the static twin near the truth."""
        self.twin.look()

    def looked_at(self, *, on: bool) -> None:
        """Somebody looks at the panel now, or nobody does. Only the pump calls this."""

    # -- for everyone ---------------------------------------------------------------------------

    @property
    def runs(self) -> list[RunView]:
        """The runs on show."""
        return self.feed.runs

    def close(self) -> None:
        """Take the panel from the page and let go of all that served it."""
        if self.comm is not None:
            self.pump.remove(self.model_id)
        super().close()

    def say(self, language: str) -> None:
        """Speak `language` from now on."""
        self.pump.call(partial(self._change, self._in(language)))

    def __repr__(self) -> str:
        return display.summary(type(self).__name__, self.feed.runs)

    def _ipython_display_(self) -> None:
        display.show(self)
        if self.has_twin:
            self.twin.show()

    # -- inside ---------------------------------------------------------------------------------

    def _in(self, language: str) -> dict[str, Any]:
        """The traits that differ by language."""
        words = catalogue.words(language)
        said = {key: word for key, word in words.items() if key.startswith(self.said)}
        return {"words": said, "language": language, "direction": catalogue.direction(language)}

    def _change(self, traits: Mapping[str, Any]) -> None:
        """Write traits, in one message. Only in the pump's thread."""
        if self.comm is None:
            return
        with self.hold_sync():
            for trait, value in traits.items():
                setattr(self, trait, value)

    def _watch(self, runs: Sequence[RunView], *, keep_following: bool) -> None:
        self.feed.watch(runs, keep_following=keep_following)
        if self.comm is not None:
            self.pump.renew(self.model_id)

    def _reply(self, reply: Reply, buffers: Sequence[bytes]) -> None:
        self.pump.call(partial(self.put, reply, buffers))

    def _language(self, request: Request) -> None:
        speak(text(request, "language"), self.pump)


def speak(language: str, pump: Pump | None = None) -> None:
    """Use `language` from now on, in all open panels. Raises ConfigError."""
    catalogue.set_current(language)
    for client in (pump or PUMP).clients:
        if isinstance(client, Panel):
            client.say(language)


def deliver(widget: str, content: dict[str, Any]) -> None:
    """Hand a request of the control channel to its panel. One that has closed has nobody left to answer."""
    client = PUMP.find(widget)
    if isinstance(client, Panel):
        client.desk.receive(content)
        PUMP.heard(widget)


@cache
def bundle(name: str, kind: str) -> str:
    """The panel's code or style, as the front end's build left it. Raises NbtrainError."""
    path = files("nbtrain.widgets").joinpath("static", f"{name}.{kind}")
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise NbtrainError(
            f"The panel's file {path} is missing: this copy of nbtrain was not built. "
            "Install it with pip, or run `make static` in a checkout.") from None
