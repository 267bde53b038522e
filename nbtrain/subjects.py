"""What a notebook holds that can be trained, or trained on: found by looking, without importing anything.

A library that was not imported cannot have made a variable, so `torch`, `pandas` and NumPy are only looked
at where they are loaded already.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from nbtrain.core.errors import ConfigError, Problem
from nbtrain.core.ports import Subject
from nbtrain.i18n import text

#: Pairs of variables that belong together: ``X, y``, ``x_train, y_train``, ``features, labels``.
_INPUTS, _TARGETS = ("X", "x", "inputs", "features", "images", "data"), ("y", "Y", "targets", "target", "labels")
_PAIR = re.compile(rf"(?P<start>{'|'.join(_INPUTS)})(?P<end>(?:_\w+)?)")
#: Keys and columns that hold what is to be learnt.
_LEARNT = {"labels", "label", "targets", "target", "y"}


def subjects(namespace: Mapping[str, Any]) -> list[Subject]:
    """The models and the data among these variables, as a person would choose between them."""
    own = {name: value for name, value in namespace.items() if not name.startswith("_")}
    models = [
        Subject(name=name, kind="model", text=_model(value), recipes=None)
        for name, value in own.items() if is_model(value)]
    found = [*_pairs(own), *((name, value) for name, value in own.items() if is_data(value))]
    return [*models, *(Subject(name=name, kind="data", text=_data(value), recipes=None) for name, value in found)]


def pick(namespace: Mapping[str, Any], name: str | None, kind: str) -> Any:
    """The object of a subject's name; ``"X, y"`` is a tuple of two. Raises ConfigError."""
    if not name:
        raise ConfigError([Problem(kind, f"No {kind} was chosen; choose one of the notebook's variables.")])
    parts = [part.strip() for part in name.split(",")]
    missing = [part for part in parts if part not in namespace]
    if missing:
        raise ConfigError([Problem(
            kind, f"The notebook has no variable {missing[0]!r} any more; choose the {kind} again.")])
    return namespace[parts[0]] if len(parts) == 1 else tuple(namespace[part] for part in parts)


def is_model(value: object) -> bool:
    """Whether it is a `torch.nn.Module` instance."""
    return isinstance(value, _classes("torch.nn", "Module"))


def is_data(value: object) -> bool:
    """Whether it can be trained on as it is: a pair, a Dataset, a DataLoader, a table or dict with a target."""
    if isinstance(value, tuple):
        return len(value) == 2 and _length(value[0]) is not None and _length(value[0]) == _length(value[1])
    if isinstance(value, dict) or is_table(value):
        return not _LEARNT.isdisjoint(map(str, value))  # type: ignore[call-overload]  # iterating gives keys, or columns
    return isinstance(value, (*_classes("torch.utils.data", "Dataset"), *_classes("torch.utils.data", "DataLoader")))


def is_array(value: object) -> bool:
    """Whether it is a tensor, a NumPy array or a pandas object."""
    arrays = (*_classes("torch", "Tensor"), *_classes("numpy", "ndarray"), *_classes("pandas", "Series"))
    return isinstance(value, arrays) or is_table(value)


def is_table(value: object) -> bool:
    """Whether it is a pandas data frame."""
    return isinstance(value, _classes("pandas", "DataFrame"))


def _classes(module: str, name: str) -> tuple[type, ...]:
    """The class, where its library is loaded."""
    found = getattr(sys.modules.get(module), name, None)
    return (found,) if isinstance(found, type) else ()


def _pairs(own: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in own.items():
        match = _PAIR.fullmatch(name)
        if match is None or not is_array(value):
            continue
        for target in (start + match["end"] for start in _TARGETS):
            if is_array(own.get(target)) and _length(own[target]) == _length(value):
                yield f"{name}, {target}", (value, own[target])


def _length(value: Any) -> int | None:
    """Rows, where it has any."""
    if is_array(value):
        return int(value.shape[0]) if value.shape else None
    return len(value) if isinstance(value, list) else None


def _model(value: Any) -> str:
    count = sum(parameter.numel() for parameter in value.parameters())
    return text("subject.model", kind=type(value).__name__, parameters=count)


def _data(value: Any) -> str:
    """Kind and shape: ``ndarray 1797 × 64``."""
    if isinstance(value, tuple):
        return " + ".join(_data(part) for part in value)
    kind = type(value).__name__
    if is_array(value):
        return f"{kind} {' × '.join(map(str, value.shape))}"
    if isinstance(value, dict):
        return f"{kind}: {', '.join(map(str, value))}"[:80]
    try:
        return f"{kind} {len(value)}"
    except TypeError:  # an iterable without a length
        return kind
