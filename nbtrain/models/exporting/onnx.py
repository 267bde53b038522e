"""ONNX: traced by torch, run by onnxruntime, and compared, also with another number of rows than it was traced with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from nbtrain.core.errors import ModelError
from nbtrain.core.tasks import Progress
from nbtrain.models.exporting.places import ONE_FILE
from nbtrain.models.exporting.tracing import (
    Traced,
    first_line,
    largest_difference,
    more_rows,
    outputs_of,
    prepared,
    quietly,
    shapes_of,
)
from nbtrain.models.package import Version

FILE = "model.onnx"


def write(
    version: Version, folder: Path, *, module: Any, example: Any, progress: Progress | None,
) -> tuple[float, str]:
    """Write ``model.onnx``; gives the largest difference from PyTorch, and what the file takes.

    Raises:
        ModelError: the extra is not installed, the model cannot be traced, or its outputs differ.
    """
    _need()
    loaded, inputs = prepared(version, module, example)
    traced = Traced(loaded, list(inputs))
    if progress is not None:
        progress.report(1, 3)
    weights = sum(value.numel() * value.element_size() for value in loaded.state_dict().values())
    target = folder / FILE
    try:
        sizes = _trace(traced, inputs, target, inside=weights <= ONE_FILE, others=True)
    except Exception:  # noqa: BLE001 - torch raises errors of many kinds where a size cannot differ
        try:
            sizes = _trace(traced, inputs, target, inside=weights <= ONE_FILE, others=False)
        except Exception as error:
            raise ModelError(
                f"{version.about.architecture} cannot be exported to ONNX: {first_line(error)}") from error
    if progress is not None:
        progress.report(2, 3)
    differences = []
    for rows in (1, 3):
        batch = more_rows(inputs, rows)
        differences.append(largest_difference(_run(target, batch), outputs_of(traced, batch), "the ONNX file"))
    if progress is not None:
        progress.report(3, 3)
    return max(differences), f"It takes {sizes}."


def _need() -> None:
    try:
        import onnx  # noqa: F401, PLC0415
        import onnxruntime  # noqa: F401, PLC0415
        import onnxscript  # noqa: F401, PLC0415
    except ImportError as error:
        raise ModelError(
            f"ONNX needs {error.name}, which is not installed; install it with: pip install 'nbtrain[onnx]'."
        ) from None


def _trace(module: nn.Module, inputs: Mapping[str, Tensor], target: Path, *, inside: bool, others: bool) -> str:
    """Write the file; gives what it takes, in words: ``x (rows, 24, 3)``."""
    with quietly(), torch.no_grad():
        # From the graph of `torch.export`: of a module alone, sizes that cannot differ are said to be free as well.
        graph = torch.export.export(
            module, tuple(inputs.values()), dynamic_shapes=shapes_of(inputs, others=others))
        program = torch.onnx.export(
            graph, (), input_names=list(inputs), dynamo=True, verbose=False, external_data=not inside)
        assert program is not None  # noqa: S101 - with dynamo there is one
        _say_sizes(program.model.graph.inputs)
        program.save(str(target), external_data=not inside)
    return ", ".join(
        f"{value.name} ({', '.join(str(getattr(size, 'value', size)) for size in value.shape or ())})"
        for value in program.model.graph.inputs)


def _say_sizes(values: Any) -> None:
    """Say which sizes are fixed: the exporter writes 5 as the name of a size that may be any."""
    for value in values:
        for place, size in enumerate(value.shape):
            name = getattr(size, "value", None)
            if isinstance(name, str):
                value.shape[place] = int(name) if name.isdigit() else "rows" if place == 0 else name


def _run(path: Path, inputs: Mapping[str, Tensor]) -> list[Tensor]:
    import onnxruntime  # noqa: PLC0415 - an extra

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    wanted = {each.name for each in session.get_inputs()}
    given = {name: value.numpy() for name, value in inputs.items() if name in wanted}
    return [torch.from_numpy(each) for each in session.run(None, given)]
