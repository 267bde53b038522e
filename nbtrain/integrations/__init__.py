"""nbtrain's panel for other trainers: give its callback to theirs.

    Trainer(model, args, callbacks=[nbtrain.integrations.TransformersCallback()])
    lightning.Trainer(callbacks=[nbtrain.integrations.LightningCallback()])

Each library is loaded when its callback is first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from nbtrain.core.errors import NbtrainError

if TYPE_CHECKING:
    from nbtrain.integrations.lightning_callback import LightningCallback
    from nbtrain.integrations.transformers_callback import TransformersCallback

#: Class → module, library, what to install.
_HOME = {
    "LightningCallback": ("nbtrain.integrations.lightning_callback", "lightning"),
    "TransformersCallback": ("nbtrain.integrations.transformers_callback", "transformers"),
}

__all__ = ["LightningCallback", "TransformersCallback"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'nbtrain.integrations' has no attribute {name!r}")
    home, library = _HOME[name]
    try:
        value = getattr(import_module(home), name)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != library:
            raise
        raise NbtrainError(f"{name} needs {library}, which is not installed: pip install {library}") from None
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(__all__)
