"""The model browser: the models of the workspace, and those of the Hub, with the queue of downloads between them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from nbtrain.core.model_views import ModelPage, ModelRow
from nbtrain.core.ports import ModelDesk
from nbtrain.widgets.arriving import CHUNK, Arriving, began
from nbtrain.widgets.base import COMMON, Panel
from nbtrain.widgets.commands import Handler, Worker, flag, mapping, number, optional, text, texts
from nbtrain.widgets.data_twin import DataTwin
from nbtrain.widgets.feed import Feed
from nbtrain.widgets.model_twin import MODELS, models, models_line
from nbtrain.widgets.wire import Request

#: A search, the details of a model, and a piece of an upload may be worked on at the same time.
THREADS = 3


class Models(Panel):
    """Two sides: *My models* and *Hugging Face*.

    Args:
        desk: knows the models and does the work.
        services: as for `Panel`.
    """

    name: ClassVar[str] = "models"
    public: ClassVar[str] = "ModelBrowser"
    said: ClassVar[tuple[str, ...]] = (
        *COMMON, "charts.metric.", "charts.validation", "choice.optimizer", "choice.mixed_precision", "datasets.rows",
        "datasets.task", "datasets.undo", "datasets.upload", "fit.", "hub.", "model_format.", "model_source.",
        "models.", "option.optimizer.label", "option.mixed_precision.label", "stage.", "task.", "try.",
    )

    def __init__(self, desk: ModelDesk, **services: Any) -> None:
        self._models = desk
        self._arriving = Arriving(desk)
        services.setdefault("worker", Worker("nbtrain-models", threads=THREADS))
        super().__init__(Feed(curves=False, tasks=desk.tasks), setup={"chunk": CHUNK}, **services)
        self._listed: Sequence[ModelRow] = ()
        self._total = 0
        self.twin: DataTwin = DataTwin(
            lambda: models(self._listed, self._total), lambda: models_line(self._listed))

    def handlers(self) -> dict[str, Handler]:
        slow = {**self._kept(), **self._arriving.slow(), **self._imported(), **self._on_the_hub()}
        return {
            **super().handlers(),
            **self._arriving.quick(),
            **{kind: Handler(run, slow=True) for kind, run in slow.items()},
        }

    def __repr__(self) -> str:
        return "nbtrain.ModelBrowser()"

    def _ipython_display_(self) -> None:
        self._look()
        super()._ipython_display_()

    def _look(self) -> bool:
        """Whether the newest models are others than the twin shows."""
        page = self._models.models({}, 0, MODELS)
        new = (page["rows"], page["total"]) != (self._listed, self._total)
        self._listed, self._total = page["rows"], page["total"]
        return new

    def _list(self, request: Request) -> ModelPage:
        if number(request, "offset") == 0 and self._look():
            self.twin.renew()
        return self._models.models(mapping(request, "query"), number(request, "offset"), number(request, "limit"))

    def _kept(self) -> dict[str, Callable[[Request], Any]]:
        """Requests about models of the workspace."""
        desk = self._models
        return {
            "models": self._list,
            "facts": lambda r: desk.facts(text(r, "model")),
            "rename": lambda r: desk.rename(text(r, "model"), text(r, "name")),
            "tag": lambda r: desk.tag(text(r, "model"), texts(r, "tags")),
            "categorise": lambda r: desk.categorise(text(r, "model"), text(r, "category")),
            "note": lambda r: desk.note(text(r, "model"), number(r, "version"), text(r, "note")),
            "move": lambda r: desk.move(text(r, "model"), number(r, "version"), text(r, "stage")),
            "delete": lambda r: desk.delete(text(r, "model"), version(r)),
            "undelete": lambda r: desk.undelete(text(r, "model"), version(r)),
            "verify": lambda r: began(desk.verify(text(r, "model"), number(r, "version"))),
            "export": lambda r: began(desk.export(
                text(r, "model"), number(r, "version"), text(r, "format"), text(r, "path"), mapping(r, "options"))),
            "exported": lambda r: {"export": desk.exported(text(r, "task"))},
            "push": lambda r: began(desk.push(
                text(r, "model"), number(r, "version"), text(r, "repository"), private=flag(r, "private"))),
            "use": lambda r: {"taken": desk.use(text(r, "model"))},
            "try_form": lambda r: desk.try_form(text(r, "model"), number(r, "version")),
            "predict": lambda r: desk.predict(text(r, "model"), number(r, "version"), mapping(r, "values")),
        }

    def _imported(self) -> dict[str, Callable[[Request], Any]]:
        """Requests about what became of imports and uploads."""
        desk = self._models
        return {
            "question": lambda r: {"question": desk.question(text(r, "task"))},
            "result": lambda r: {"model": desk.result(text(r, "task"))},
            "uploads": lambda _: self._arriving.uploads(),
        }

    def _on_the_hub(self) -> dict[str, Callable[[Request], Any]]:
        """Requests about the Hub and what is fetched from it."""
        desk = self._models
        return {
            "search": lambda r: desk.search(mapping(r, "query"), optional(r, "cursor")),
            "hub_facts": lambda r: desk.hub_facts(
                text(r, "repository"), optional(r, "revision"), mapping(r, "training")),
            "download": lambda r: {"download": desk.download(
                text(r, "repository"), optional(r, "revision"), trust_remote_code=flag(r, "trust_remote_code"),
                convert=flag(r, "convert") if "convert" in r else False)},
            "downloads": lambda _: {"downloads": list(desk.downloads())},
            "stop_download": lambda r: desk.stop_download(text(r, "download")),
            "resume_download": lambda r: {"download": desk.resume_download(
                text(r, "download"), mapping(r, "options") if "options" in r else {})},
            "drop_download": lambda r: desk.drop_download(text(r, "download")),
        }


def version(request: Request) -> int | None:
    """The number of a version, or none for the whole model. Raises CommandError."""
    return None if request.get("version") is None else number(request, "version")
