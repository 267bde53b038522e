"""Models that carry their own computation: TorchScript, torch.export and ONNX, loaded and tried once."""

from __future__ import annotations

import io
import zipfile
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch

from nbtrain.models.importing import operators
from nbtrain.models.importing.jobs import pickles, trying
from nbtrain.models.importing.sandbox import RefusedError

#: Loaded before the process is locked, where it is installed.
onnxruntime: Any = import_module("onnxruntime") if find_spec("onnxruntime") is not None else None

_NUMPY = {"float32": "float32", "float16": "float16", "float64": "float64", "int64": "int64", "int32": "int32",
          "bool": "bool", "uint8": "uint8", "int8": "int8"}


def torchscript(request: dict[str, Any]) -> dict[str, Any]:
    """Load the archive at ``path``, look at all it computes, try it with ``inputs`` (shape, type) where known."""
    module = walked(request["path"])
    weights = list(module.state_dict().items())
    trying.check_finite(weights)
    inputs = [trying.made_up(each["shape"], each["dtype"]) for each in request.get("inputs", ())]
    if inputs:
        with torch.no_grad():
            trying.check_outputs(module(*inputs))
    return {**trying.facts(weights), "name": str(getattr(module, "original_name", "")), "tried": bool(inputs)}


def walked(path: str) -> Any:
    """The module, none of whose graphs has an operator that does more than compute. None of them ran but to load it."""
    inside: Any = torch._C  # noqa: SLF001 - as torch.jit.load does, which gives only the module
    unit = inside.CompilationUnit()
    loaded = inside.import_ir_module(unit, path, torch.device("cpu"), {}, False)
    seen = 0
    while seen < len(functions := unit.get_functions()):  # to look at one may bring in others
        for function in functions[seen:]:
            _check_graph(function.graph)
        seen = len(functions)
    module: Any = torch.jit._recursive.wrap_cpp_module(loaded)  # noqa: SLF001
    return module.eval()


def _check_graph(graph: Any) -> None:
    """Raises RefusedError for the first operator, of this graph and those in it, that does more than compute."""
    waiting = [graph]
    while waiting:
        for node in waiting.pop().nodes():
            check_operator(node.kind())
            for value in (*node.inputs(), *node.outputs()):
                if operators.reaches(value.type().annotation_str):
                    raise _more(value.type().annotation_str)
            waiting += node.blocks()
            for name in node.attributeNames():
                if node.kindOf(name) in {"g", "gs"}:
                    waiting += [node.g(name)] if node.kindOf(name) == "g" else node.gs(name)


def check_nodes(program: torch.export.ExportedProgram) -> None:
    """The same of an exported program, whose names were looked at before it was loaded."""
    for part in program.graph_module.modules():
        for node in getattr(getattr(part, "graph", None), "nodes", ()):
            if node.op == "call_function" and isinstance(node.target, torch._ops.OpOverload):  # noqa: SLF001
                check_operator(node.target.name().partition(".")[0])
            elif node.op not in {"call_function", "placeholder", "output", "get_attr"}:
                raise _more(f"{node.op} {node.target}")


@cache
def check_operator(kind: str) -> None:
    """Raises RefusedError for an operator that is not known only to compute."""
    space, _, name = kind.partition("::")
    if not operators.computes(space, name):
        raise _more(kind)
    for schema in torch._C._jit_get_schemas_for_operator(kind):  # noqa: SLF001 - there is no public way
        if operators.takes_more(space, name, (str(each.type) for each in schema.arguments)):
            raise _more(kind)


def _more(what: str) -> RefusedError:
    return RefusedError(f"it uses {what}, which is none of the operators that are known only to compute; a model needs "
                        "no files, other machines or libraries")


def exported(request: dict[str, Any]) -> dict[str, Any]:
    """Load the archive at ``path``, of which ``pickles`` must be weights alone, and try it with its own example."""
    path = Path(request["path"])
    with zipfile.ZipFile(path) as archive:
        for member in request["pickles"]:
            data = archive.read(member)
            if data:  # empty: there is no example
                pickles.loaded(io.BytesIO(data))
    program = torch.export.load(path)
    check_nodes(program)
    weights = list(program.state_dict.items())
    trying.check_finite(weights)
    tried = program.example_inputs is not None
    inputs: list[dict[str, Any]] = []
    if program.example_inputs is not None:
        positional, named = program.example_inputs
        inputs = [{"shape": list(each.shape), "dtype": str(each.dtype).removeprefix("torch.")}
                  for each in (*positional, *named.values()) if isinstance(each, torch.Tensor)]
        with torch.no_grad():
            trying.check_outputs(program.module()(*positional, **named))
    return {**trying.facts(weights), "inputs": inputs, "tried": tried}


def onnx(request: dict[str, Any]) -> dict[str, Any]:
    """Let onnxruntime load the model at ``path``, and try it with made-up ``inputs``. Without onnxruntime: nothing."""
    if onnxruntime is None:
        return {"tried": False, "loaded": False}
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(request["path"], options, providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001 - onnxruntime has a class for each status, of no common kind
        raise RefusedError(f"onnxruntime cannot load it ({error})") from None
    fixed = all(None not in each["shape"][1:] for each in request["inputs"])
    known = all(each["dtype"] in _NUMPY for each in request["inputs"])
    if not (fixed and known):
        return {"tried": False, "loaded": True}
    generator = np.random.default_rng(0)
    fed = {}
    for each in request["inputs"]:
        shape = [2 if size is None else size for size in each["shape"]]
        values = generator.standard_normal(shape) if each["dtype"].startswith("float") else np.zeros(shape)
        fed[each["name"]] = values.astype(_NUMPY[each["dtype"]])
    try:
        outputs = session.run(None, fed)
    except Exception as error:  # noqa: BLE001 - as above
        raise RefusedError(f"with made-up inputs onnxruntime fails ({error})") from None
    for output in outputs:
        if isinstance(output, np.ndarray) and output.dtype.kind == "f" and not np.isfinite(output).all():
            raise RefusedError("with made-up inputs it predicts NaN or infinite values, so its weights are of no use")
    return {"tried": True, "loaded": True}
