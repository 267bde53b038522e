"""The panels, put together from all rooms: `Studio` and its parts, `show`, `set_language`.

This is the only place that knows every part. Each factory returns a widget; the last value of a cell is
displayed, live and with its static twin.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from nbtrain import feeding, modelling, training
from nbtrain.core.ports import RunView
from nbtrain.i18n import text
from nbtrain.launcher import NotebookLauncher
from nbtrain.monitor.sampler import HardwareSampler
from nbtrain.store import atomic, workspace
from nbtrain.widgets import base, channel, display, studio, twin
from nbtrain.widgets.base import Panel
from nbtrain.widgets.control_panel import ControlPanel as ControlPanelWidget
from nbtrain.widgets.dataset_preview import DatasetPreview as DatasetPreviewWidget
from nbtrain.widgets.datasets import Datasets as DatasetsWidget
from nbtrain.widgets.hardware_monitor import HardwareMonitor as HardwareMonitorWidget
from nbtrain.widgets.kitchen import Kitchen as KitchenWidget
from nbtrain.widgets.live_charts import LiveCharts as LiveChartsWidget
from nbtrain.widgets.models import Models as ModelsWidget

if TYPE_CHECKING:
    from nbtrain.dataset_desk import OriginImport
    from nbtrain.desk import PreviewDesk

#: File in a run's folder that shows it without a kernel.
PAGE = "static.html"


def ControlPanel(model: Any = None, data: Any = None, **options: Any) -> ControlPanelWidget:  # noqa: N802 - makes a widget
    """The form that starts a training, and the buttons that steer it.

    Args:
        model: any `torch.nn.Module`; None lets the form choose among the notebook's variables.
        data: what `nbtrain.train` takes; given when `model` is.
        **options: what the form starts from, e.g. ``epochs=5`` or ``preset="careful"``.

    Raises:
        ConfigError: an option is wrong, or only one of model and data was given.
    """
    return ControlPanelWidget(NotebookLauncher(model, data, options), keep=_keep)


def DatasetPreview(  # noqa: N802 - makes a widget
    data: Any, *, target: str | None = None, tokenizer: str | None = None, rows: Sequence[int] | None = None,
    **options: Any,
) -> DatasetPreviewWidget:
    """A table of any size to look at: scroll, sort, filter, search; what its columns hold stands above them.

    Args:
        data: what `nbtrain.load_dataset` takes: a file where it lies, a data frame, a `Dataset` or its name…; it is
            not imported.
        target: the column to predict, whose classes are shown.
        tokenizer: a name on the Hugging Face Hub, or the path of a tokenizer, to count the tokens of texts with.
        rows: only the rows of these numbers, from 0.
        **options: how to read it, as for `nbtrain.load_dataset`.

    Raises:
        DataError: it cannot be read, or has no column `target`.
        ConfigError: an option is unknown or wrong.
    """
    from nbtrain.desk import preview_desk  # noqa: PLC0415 - a panel of runs needs no DuckDB

    desk = preview_desk(data, rows, **options)
    if target is not None:
        desk.table.column(target)
    return DatasetPreviewWidget(desk, target=target, tokenizer=tokenizer, importer=_importer(desk))


def DatasetsPanel() -> DatasetsWidget:  # noqa: N802 - makes a widget
    """The datasets of the workspace: import, look, profile, split, process, check, rename, delete with undo."""
    from nbtrain.dataset_desk import desk  # noqa: PLC0415 - as above
    from nbtrain.loading import find_dataset  # noqa: PLC0415

    return DatasetsWidget(
        desk(_offer, _suggest), lambda dataset, rows: DatasetPreview(find_dataset(dataset), rows=rows or None))


def ModelBrowser() -> ModelsWidget:  # noqa: N802 - makes a widget
    """The models of the workspace and those of the Hub: find, fetch, keep, try, export, with the queue of downloads."""
    from nbtrain.model_desk import desk  # noqa: PLC0415 - as above

    return ModelsWidget(desk(_offer_model))


def LiveCharts(*runs: RunView | str) -> LiveChartsWidget:  # noqa: N802 - makes a widget
    """Curves of these runs (or ids), laid over one another; without any, of those that are active.

    Raises:
        RunNotFoundError: no run has this id.
    """
    return LiveChartsWidget(NotebookLauncher(), *map(_view, runs), keep=_keep)


def Kitchen(run: RunView | str | None = None) -> KitchenWidget:  # noqa: N802 - makes a widget
    """A run told as cooking; without one, whichever was started last. Raises RunNotFoundError."""
    return KitchenWidget(NotebookLauncher(), None if run is None else _view(run), keep=_keep)


def HardwareMonitor() -> HardwareMonitorWidget:  # noqa: N802 - makes a widget
    """Processor, memory, disk and GPUs, now and over the last minutes."""
    return HardwareMonitorWidget(_hardware())


def Studio() -> studio.Studio:  # noqa: N802 - makes a widget
    """The whole workflow in one cell."""
    launcher = NotebookLauncher()
    return studio.Studio(
        {
            "control_panel": ("sliders", lambda: ControlPanelWidget(launcher, follow=True)),
            "datasets": ("table", DatasetsPanel),
            "models": ("cube", ModelBrowser),
            "live_charts": ("chart", LiveCharts),
            "kitchen": ("pot", Kitchen),
            "hardware_monitor": ("gauge", HardwareMonitor),
        },
        runs=lambda: launcher.active()[-1:], keep=_keep)


def show(run: RunView | str | None = None) -> None:
    """Show the panel of a run (or its id) in this cell, live again after a reload or in another cell.

    Without one, of every run that is active; when nothing is, of the newest run there is, and says so.

    Raises:
        RunNotFoundError: no run has this id.
    """
    runs: list[RunView] = [_view(run)] if run is not None else [*training.active()]
    if not runs:
        rows = training.runs()
        display.say(text("show.newest" if rows else "show.empty"))
        runs = [training.find(row["id"]) for row in rows[:1]]
    for each in runs:
        if in_notebook():
            panel_of(each)._ipython_display_()
        else:
            display.say(twin.line(each))


def set_language(language: str) -> None:
    """Speak ``en``, ``fa`` or ``ru`` from now on, also in the panels that are open. Raises ConfigError."""
    base.speak(language)


def in_notebook() -> bool:
    """Whether there is a kernel, so that a panel can be shown."""
    return channel.kernel() is not None


def panel_of(run: RunView) -> Panel:
    """The control panel of a run, not yet displayed."""
    return ControlPanelWidget(NotebookLauncher(), run, keep=_keep)


def _importer(shown: PreviewDesk) -> OriginImport | None:
    """Takes what a preview shows into the workspace, so that the panels of datasets hear of it."""
    from nbtrain.dataset_desk import OriginImport, desk  # noqa: PLC0415 - as above

    return None if shown.origin is None else OriginImport(desk(_offer, _suggest), shown.origin, shown.tasks, shown.name)


def _offer(dataset: str) -> bool:
    """Choose a dataset in every training form that is open; False when there is none."""
    took = [form.offer(feeding.PREFIX + dataset) for form in _forms()]
    return any(took)


def _offer_model(model: str) -> bool:
    """As `_offer`, of a registered model."""
    took = [form.offer(model=modelling.PREFIX + model) for form in _forms()]
    return any(took)


def _suggest(options: Mapping[str, Any]) -> bool:
    """Set options in every training form that is open; False when there is none."""
    took = [form.suggest(options) for form in _forms()]
    return any(took)


def _forms() -> list[ControlPanelWidget]:
    return [client for client in base.PUMP.clients if isinstance(client, ControlPanelWidget)]


def _view(run: RunView | str) -> RunView:
    return training.find(run) if isinstance(run, str) else run


@cache
def _hardware() -> HardwareSampler:
    """One for all monitors, so that the machine is sampled once."""
    return HardwareSampler(workspace.current().home)


def _keep(run_id: str, page: str) -> None:
    """Put the static page into the run's folder."""
    atomic.write_text(workspace.current().run_folder(run_id) / PAGE, page)
