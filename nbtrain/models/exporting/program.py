"""`torch.export`: the graph with its weights, which runs where the code of the model is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

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

FILE = "model.pt2"


def write(
    version: Version, folder: Path, *, module: Any, example: Any, progress: Progress | None,
) -> tuple[float, str]:
    """Write ``model.pt2`` and read it back; gives the largest difference from the model itself, and a note.

    Raises:
        ModelError: the model cannot be traced, or its outputs differ.
    """
    loaded, inputs = prepared(version, module, example)
    traced, note = Traced(loaded, list(inputs)), ""
    if progress is not None:
        progress.report(1, 3)
    with quietly(), torch.no_grad():
        try:
            program = _traced(traced, inputs, others=True)
        except Exception:  # noqa: BLE001 - as in onnx.py
            try:
                program = _traced(traced, inputs, others=False)
            except Exception as error:
                raise ModelError(
                    f"{version.about.architecture} cannot be exported by torch.export: {first_line(error)}") from error
            note = "Inputs must be of the size of the example, but for the number of rows."
        torch.export.save(program, folder / FILE)
        if progress is not None:
            progress.report(2, 3)
        again = torch.export.load(folder / FILE).module()
    differences = []
    for rows in (2, 3):  # not one, for which torch traces a graph of its own
        batch = more_rows(inputs, rows)
        found, wanted = outputs_of(again, batch), outputs_of(traced, batch)
        differences.append(largest_difference(found, wanted, "the exported program"))
    return max(differences), note


def _traced(module: Traced, inputs: Any, *, others: bool) -> torch.export.ExportedProgram:
    return torch.export.export(
        module, tuple(inputs.values()), dynamic_shapes=shapes_of(inputs, others=others))
