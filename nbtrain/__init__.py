"""The training studio that lives in a notebook.

    import nbtrain
    run = nbtrain.train(net, (X, y), epochs=5)

Names are loaded when they are first used, so that ``import nbtrain`` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbtrain.config import TrainConfig
    from nbtrain.core.errors import (
        CheckpointError,
        CommandError,
        ConfigError,
        DataError,
        DataFileError,
        DatasetNotFoundError,
        HubError,
        ModelError,
        ModelFileError,
        ModelNotFoundError,
        NbtrainError,
        NonFiniteLossError,
        RunNotFoundError,
        TrainingError,
        WorkspaceError,
    )
    from nbtrain.dataset import Dataset
    from nbtrain.loading import datasets, load_dataset
    from nbtrain.magics import load_ipython_extension, unload_ipython_extension
    from nbtrain.run import Run
    from nbtrain.studio import (
        ControlPanel,
        DatasetPreview,
        DatasetsPanel,
        HardwareMonitor,
        Kitchen,
        LiveCharts,
        ModelBrowser,
        Studio,
        set_language,
        show,
    )
    from nbtrain.tracked import Tracked, log, track
    from nbtrain.training import resume, runs, train

__version__ = "0.1.0"

_HOME = {
    **dict.fromkeys(("TrainConfig",), "nbtrain.config"),
    **dict.fromkeys(
        (
            "CheckpointError", "CommandError", "ConfigError", "DataError", "DataFileError", "DatasetNotFoundError",
            "HubError", "ModelError", "ModelFileError", "ModelNotFoundError", "NbtrainError", "NonFiniteLossError",
            "RunNotFoundError", "TrainingError", "WorkspaceError",
        ),
        "nbtrain.core.errors"),
    **dict.fromkeys(("Dataset",), "nbtrain.dataset"),
    **dict.fromkeys(("datasets", "load_dataset"), "nbtrain.loading"),
    **dict.fromkeys(("Run",), "nbtrain.run"),
    **dict.fromkeys(("Tracked", "log", "track"), "nbtrain.tracked"),
    **dict.fromkeys(("resume", "runs", "train"), "nbtrain.training"),
    **dict.fromkeys(
        (
            "ControlPanel", "DatasetPreview", "DatasetsPanel", "HardwareMonitor", "Kitchen", "LiveCharts",
            "ModelBrowser", "Studio", "set_language", "show",
        ),
        "nbtrain.studio"),
    **dict.fromkeys(("load_ipython_extension", "unload_ipython_extension"), "nbtrain.magics"),
}

__all__ = [
    "CheckpointError",
    "CommandError",
    "ConfigError",
    "ControlPanel",
    "DataError",
    "DataFileError",
    "Dataset",
    "DatasetNotFoundError",
    "DatasetPreview",
    "DatasetsPanel",
    "HardwareMonitor",
    "HubError",
    "Kitchen",
    "LiveCharts",
    "ModelBrowser",
    "ModelError",
    "ModelFileError",
    "ModelNotFoundError",
    "NbtrainError",
    "NonFiniteLossError",
    "Run",
    "RunNotFoundError",
    "Studio",
    "Tracked",
    "TrainConfig",
    "TrainingError",
    "WorkspaceError",
    "datasets",
    "load_dataset",
    "load_ipython_extension",
    "log",
    "resume",
    "runs",
    "set_language",
    "show",
    "track",
    "train",
    "unload_ipython_extension",
]


def __getattr__(name: str) -> Any:
    if name in {"models", "integrations"}:  # rooms that are called by their names; importing one binds it here
        return import_module(f"nbtrain.{name}")
    try:
        home = _HOME[name]
    except KeyError:
        raise AttributeError(f"module 'nbtrain' has no attribute {name!r}") from None
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*__all__, "__version__"})
