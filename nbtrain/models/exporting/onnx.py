"""ONNX: traced by torch, run by onnxruntime, and compared, also with another number of rows than it was traced with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from nbtrain.core.errors import ModelError
from nbtrain.core.tasks import Progress
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
#: Bytes of weights up to which they fit into the file itself: protobuf ends at 2 GiB.
_INSIDE = 1_800_000_000


def write(
    version: Version, folder: Path, *, module: Any, example: Any, progress: Progress | None,
) -> tuple[float, str]:
    """Write ``model.onnx``; gives the largest difference from PyTorch, and a note or an empty text.

    Raises:
        ModelError: the extra is not installed, the model cannot be traced, or its outputs differ.
    """
    _need()
    loaded, inputs = prepared(version, module, example)
    traced = Traced(loaded, list(inputs))
    if progress is not None:
        progress.report(1, 3)
    note = ""
    weights = sum(value.numel() * value.element_size() for value in loaded.state_dict().values())
    target = folder / FILE
    try:
        _trace(traced, inputs, target, inside=weights <= _INSIDE, others=True)
    except Exception:  # noqa: BLE001 - torch raises errors of many kinds where a size cannot differ
        try:
            _trace(traced, inputs, target, inside=weights <= _INSIDE, others=False)
        except Exception as error:
            raise ModelError(
                f"{version.about.architecture} cannot be exported to ONNX: {first_line(error)}") from error
        sizes = ", ".join(f"{name} {tuple(value.shape[1:])}" for name, value in inputs.items())
        note = f"Inputs must be of the size of the example, but for the number of rows: {sizes}."
    if progress is not None:
        progress.report(2, 3)
    differences = []
    for rows in (1, 3):
        batch = more_rows(inputs, rows)
        differences.append(largest_difference(_run(target, batch), outputs_of(traced, batch), "the ONNX file"))
    if progress is not None:
        progress.report(3, 3)
    return max(differences), note


def _need() -> None:
    try:
        import onnx  # noqa: F401, PLC0415
        import onnxruntime  # noqa: F401, PLC0415
        import onnxscript  # noqa: F401, PLC0415
    except ImportError as error:
        raise ModelError(
            f"ONNX needs {error.name}, which is not installed; install it with: pip install 'nbtrain[onnx]'."
        ) from None


def _trace(module: nn.Module, inputs: Mapping[str, Tensor], target: Path, *, inside: bool, others: bool) -> None:
    with quietly(), torch.no_grad():
        program = torch.onnx.export(
            module, tuple(inputs.values()), input_names=list(inputs), dynamo=True, verbose=False,
            external_data=not inside, dynamic_shapes=shapes_of(inputs, others=others))
        assert program is not None  # noqa: S101 - with dynamo there is one
        program.save(str(target), external_data=not inside)


def _run(path: Path, inputs: Mapping[str, Tensor]) -> list[Tensor]:
    import onnxruntime  # noqa: PLC0415 - an extra

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    wanted = {each.name for each in session.get_inputs()}
    given = {name: value.numpy() for name, value in inputs.items() if name in wanted}
    return [torch.from_numpy(each) for each in session.run(None, given)]
