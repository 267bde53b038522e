"""The architectures that come with nbtrain: small, readable modules that are rebuilt from a name and plain JSON.

    net = build("mlp", inputs=30, outputs=2, hidden=[128, 64])
    config = fit_to("resnet", images, outputs=10)      # sizes taken from the data

Each is a class in a file of its own; torch is imported with the first that is built.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from nbtrain.config.problems import unknown
from nbtrain.core.errors import ModelError

if TYPE_CHECKING:
    from torch import Tensor

    from nbtrain.models.architectures.base import Architecture

#: Name → its module and class.
_HOME = {
    "mlp": ("mlp", "MLP"),
    "tabular-mlp": ("tabular_mlp", "TabularMLP"),
    "tabular-resnet": ("tabular_resnet", "TabularResNet"),
    "resnet": ("resnet", "ResNet"),
    "convnext": ("convnext", "ConvNeXt"),
    "hrnet": ("hrnet", "HRNet"),
    "lstm": ("lstm", "LSTM"),
    "tcn": ("tcn", "TCN"),
    "hybrid-cnn-lstm": ("hybrid_cnn_lstm", "HybridCNNLSTM"),
    "text-transformer": ("text_transformer", "TextTransformer"),
    "text-to-mel": ("text_to_mel", "TextToMel"),
}

__all__ = ["build", "example", "fit_to", "is_architecture", "kind_of", "names"]


def names() -> list[str]:
    """Of all of them."""
    return list(_HOME)


def is_architecture(name: str) -> bool:
    """Whether there is one of this name."""
    return name in _HOME


def build(name: str, **config: Any) -> Architecture[Any]:
    """The module of this name and config, with fresh weights; its ``config`` builds it again.

    Raises:
        ModelError: there is no such architecture, or its config is wrong; all problems in one message.
    """
    kind = _class(name)
    return kind(kind.checked(config))


def fit_to(name: str, inputs: Any, outputs: int, **config: Any) -> dict[str, Any]:
    """A config whose sizes are those of the data.

    Args:
        name: of the architecture.
        inputs: a batch as the model will get it: a tensor, or a dict of them.
        outputs: classes, or numbers to predict.
        **config: what shall be so whatever the data.

    Raises:
        ModelError: the architecture does not take inputs of such a shape, or the config is wrong.
    """
    kind = _class(name)
    found: Mapping[str, Any] = kind.sizes(inputs)
    return kind.checked({**found, "outputs": outputs, **config}).model_dump(mode="json")


def example(name: str, config: Mapping[str, Any], rows: int = 2) -> dict[str, Tensor]:
    """Inputs that a model of this config takes, by the names of its forward pass, filled with noise."""
    kind = _class(name)
    return kind.example(kind.checked(config), rows)


def kind_of(name: str) -> str:
    """What its inputs are: ``tabular image series text``; ``landmarks`` for images with points."""
    return _class(name).kind


def _class(name: str) -> type[Architecture[Any]]:
    try:
        module, attribute = _HOME[name]
    except (KeyError, TypeError):
        raise ModelError(unknown("architecture", str(name), names())) from None
    kind: type[Architecture[Any]] = getattr(import_module(f"nbtrain.models.architectures.{module}"), attribute)
    return kind
