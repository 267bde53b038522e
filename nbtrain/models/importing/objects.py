"""Objects of the notebook as files: a module, a state_dict, a TorchScript module, an exported program."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn

from nbtrain.core.errors import ModelError
from nbtrain.core.tasks import Progress
from nbtrain.models.architectures.base import Architecture
from nbtrain.models.importing import telling
from nbtrain.models.loading import quiet
from nbtrain.models.package import WEIGHTS, About, Package
from nbtrain.store import atomic

#: Types that safetensors has in all its versions that are used here.
_KEPT = frozenset({
    torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.float8_e4m3fn, torch.float8_e5m2,
    torch.float8_e4m3fnuz, torch.float8_e5m2fnuz, torch.complex64, torch.int64, torch.int32, torch.int16, torch.int8,
    torch.uint64, torch.uint32, torch.uint16, torch.uint8, torch.bool})


def package(source: Any, folder: Path, progress: Progress | None = None) -> Package:
    """The files of an object, written into `folder`. Raises ModelError, WorkspaceError, CancelledError."""
    if isinstance(source, torch.export.ExportedProgram):
        return _program(source, folder, progress)
    if isinstance(source, torch.jit.ScriptModule):
        return _script(source, folder, progress)
    if isinstance(source, Mapping):
        return _state("state_dict", source, folder, progress)
    module = bare(source)
    if not isinstance(module, nn.Module):
        raise ModelError(f"A {type(source).__name__} is no model; give a path, an nn.Module or a state_dict.")
    if (library := sys.modules.get("transformers")) is not None and isinstance(module, library.PreTrainedModel):
        return _pretrained(module, folder, progress)
    return _state(type(module).__name__, module.state_dict(), folder, progress, module)


def bare(module: Any) -> Any:
    """The module inside what `torch.compile` and the parallel wrappers put around it."""
    while True:
        inner = getattr(module, "_orig_mod", None)
        if inner is None and isinstance(module, nn.DataParallel | nn.parallel.DistributedDataParallel):
            inner = module.module
        if inner is None:
            return module
        module = inner


def _state(
    name: str, state: Mapping[str, Any], folder: Path, progress: Progress | None, module: nn.Module | None = None,
) -> Package:
    """Weights alone."""
    tensors = _checked(name, state, progress)
    left = [key for key in state if key not in tensors]
    path = folder / WEIGHTS
    with atomic.told("write", path):
        safetensors.torch.save_file(tensors, path, metadata={"format": "pt"})
    notes = (f"Of {name} the tensors alone were taken; left out: {', '.join(map(str, left[:4]))}.",) if left else ()
    config, kind = {}, ""
    if isinstance(module, Architecture):
        name, config, kind = module.name, module.config, module.kind
    about = About(
        format="architecture" if isinstance(module, Architecture) else "module", architecture=name, config=config,
        inputs={"kind": kind} if kind else {}, source="object", **_facts(tensors))
    return Package(about, {WEIGHTS: path}, notes)


def _pretrained(model: Any, folder: Path, progress: Progress | None) -> Package:
    """A model of transformers, as its own `save_pretrained` writes it."""
    name = type(model).__name__
    tensors = _checked(name, model.state_dict(), progress)
    with atomic.told("write", folder), quiet(sys.modules["transformers"]):
        model.save_pretrained(folder / "saved")
    files = {str(path.relative_to(folder / "saved").as_posix()): path for path in sorted((folder / "saved").rglob("*"))
             if path.is_file() and path.suffix != ".py"}
    labels = model.config.id2label if "Classification" in name else {}
    kind = telling.kind_of(model.main_input_name)
    about = About(
        format="transformers", architecture=name, task=telling.task_of(name), inputs={"kind": kind} if kind else {},
        labels=tuple(str(labels[key]) for key in sorted(labels)), source="object",
        **_facts(tensors) | {"parameters": model.num_parameters()})
    return Package(about, files)


def _program(program: torch.export.ExportedProgram, folder: Path, progress: Progress | None) -> Package:
    tensors = _checked("The exported program", program.state_dict, progress)
    path = folder / "model.pt2"
    with atomic.told("write", path):
        torch.export.save(program, path)
    return Package(About(format="exported", architecture="ExportedProgram", source="object", **_facts(tensors)),
                   {path.name: path})


def _script(module: Any, folder: Path, progress: Progress | None) -> Package:
    name = str(getattr(module, "original_name", "ScriptModule"))
    tensors = _checked(name, module.state_dict(), progress)
    path = folder / "model.pt"
    with atomic.told("write", path), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch would rather have torch.export
        torch.jit.save(module, path)
    about = About(format="torchscript", architecture=name, source="object", **_facts(tensors))
    return Package(about, {path.name: path})


def _checked(name: str, state: Mapping[str, Any], progress: Progress | None) -> dict[str, Tensor]:
    """The tensors, in CPU memory, none of them twice. Raises ModelError for what cannot be kept, and for NaN."""
    found: dict[str, Tensor] = {}
    seen: set[int] = set()
    given = {str(key): value for key, value in state.items() if isinstance(value, Tensor)}
    if not given:
        raise ModelError(f"{name} has no weights; give a module that has some, or its state_dict.")
    for number, (key, value) in enumerate(given.items()):
        if progress is not None:
            progress.report(number, len(given))
        if value.layout is not torch.strided or value.is_meta or value.is_quantized:
            raise ModelError(f"{key} of {name} cannot be kept: it is a {value.layout} tensor on {value.device} of "
                             f"{value.dtype}; make it a dense one with values.")
        tensor = value.detach().cpu().contiguous()
        if tensor.dtype not in _KEPT:
            raise ModelError(f"{key} of {name} is of the type {str(tensor.dtype).removeprefix('torch.')}, which "
                             "safetensors does not keep; convert it with .to(), as to "
                             f"{'complex64' if tensor.is_complex() else 'float32'}.")
        if (tensor.is_floating_point() or tensor.is_complex()) and not _is_finite(tensor):
            raise ModelError(f"{key} of {name} has values that are NaN or infinite, so it would predict nothing; take "
                             "weights "
                             "from before its training diverged.")
        if tensor.numel() and tensor.data_ptr() in seen:  # tied: safetensors has no word for it
            tensor = tensor.clone()
        seen.add(tensor.data_ptr())
        found[key] = tensor
    return found


def _is_finite(tensor: Tensor) -> bool:
    """Whether all values are numbers, in the tensor's own type: 1e300 is none in a smaller one."""
    if tensor.is_floating_point() and tensor.element_size() == 1:  # torch cannot tell of all of these, and all fit
        tensor = tensor.float()
    return bool(torch.isfinite(tensor).all())


def _facts(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    weights = [tensor for key, tensor in tensors.items()
               if tensor.is_floating_point() and not key.endswith(("running_mean", "running_var"))]
    sizes: dict[str, int] = {}
    for tensor in weights:
        kind = str(tensor.dtype).removeprefix("torch.")
        sizes[kind] = sizes.get(kind, 0) + tensor.numel()
    return {"parameters": sum(tensor.numel() for tensor in weights),
            "precision": max(sizes, key=lambda kind: sizes[kind], default="")}
