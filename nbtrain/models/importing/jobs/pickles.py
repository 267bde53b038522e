"""A pickle's tensors as safetensors, by torch's own reader for weights, which runs no code and makes no objects."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import safetensors.torch
import torch
from torch import Tensor

from nbtrain.models.importing.sandbox import RefusedError

#: Where training programs keep the weights among other things, in the order they are looked for.
_PLACES = ("state_dict", "model_state_dict", "model", "module", "net", "weights", "params", "ema")
#: What wrappers put before every name.
_PREFIXES = ("module.", "_orig_mod.", "_forward_module.")
_CLASS = re.compile(r"(?:GLOBAL|[Uu]nsupported class|type)\s+([A-Za-z_][\w.]*\.[\w.]+)")
_FORMATS = {torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.float8_e4m3fn, torch.float8_e5m2,
            torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool, torch.complex64}


def convert(request: dict[str, Any]) -> dict[str, Any]:
    """Write the tensors of the pickle at ``path`` to ``out``; says where they were and what was left out."""
    path = Path(request["path"])
    found, place, left = weights_of(loaded(path))
    whole = sum(tensor.numel() * tensor.element_size() for tensor in found.values())
    if whole > 4 * path.stat().st_size + 2**20:
        raise RefusedError(f"its tensors would have {whole:,} bytes, and the file has {path.stat().st_size:,}")
    taken: dict[str, Tensor] = {}
    seen: set[int] = set()
    for name, tensor in found.items():
        kept = tensor.detach().contiguous()
        if kept.numel() and kept.data_ptr() in seen:  # tied: safetensors has no word for it
            kept = kept.clone()
        seen.add(kept.data_ptr())
        taken[name] = kept
    safetensors.torch.save_file(taken, request["out"], metadata={"format": "pt"})
    return {"place": place, "left": left}


def loaded(source: Path | BinaryIO) -> Any:
    """What is in a pickle, as far as it is weights and plain values; its tensors stay there until they are used."""
    try:
        if isinstance(source, Path) and source.suffix == ".safetensors":  # torch would go by the ending
            with source.open("rb") as file:
                return torch.load(file, map_location="cpu", weights_only=True)
        mapped = isinstance(source, Path) and zipfile.is_zipfile(source)
        return torch.load(source, map_location="cpu", weights_only=True, mmap=mapped)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - as sundry as its reasons are
        said = re.sub(r"\x1b\[[0-9;]*m", "", str(error))
        if (named := _CLASS.search(said)) is not None:
            raise RefusedError(
                f"it holds {named[1]}, which is code and not weights; load it where it was made, and save "
                "model.state_dict(), or better safetensors") from None
        said = said.rsplit("WeightsUnpickler error:", 1)[-1].strip().split("\n")[0]
        raise RefusedError(f"it cannot be read as weights ({said or type(error).__name__}); get it again") from None


def weights_of(found: Any) -> tuple[dict[str, Tensor], str, list[str]]:
    """The tensors by name, where in the file they were, and what else was there."""
    place, left = "", []
    if isinstance(found, Mapping) and not _is_weights(found):
        place = next((key for key in _PLACES if isinstance(found.get(key), Mapping) and _is_weights(found[key])), "")
        if not place:
            keys = ", ".join(map(str, list(found)[:10]))
            raise RefusedError(f"there is no state_dict in it, but {keys or 'nothing'}; save model.state_dict()")
        left = [str(key) for key in found if key != place][:100]
        found = found[place]
    if not isinstance(found, Mapping):
        raise RefusedError(f"it is a {type(found).__name__}, not a state_dict; save model.state_dict()")
    tensors = {str(name): value for name, value in found.items() if isinstance(value, Tensor)}
    left += [f"{place}.{name}".lstrip(".") for name, value in found.items() if not isinstance(value, Tensor)][:100]
    for name, tensor in tensors.items():
        if tensor.layout is not torch.strided or tensor.dtype not in _FORMATS or tensor.is_meta:
            raise RefusedError(f"the tensor {name!r} is a {tensor.layout} one of {tensor.dtype}; save dense tensors "
                               "of a "
                               "common type")
    for prefix in _PREFIXES:
        if all(name.startswith(prefix) for name in tensors):
            tensors = {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}
    return tensors, place, left


def _is_weights(found: Mapping[Any, Any]) -> bool:
    """Whether it is names and tensors; a state_dict may have a few other things (``_extra_state``)."""
    tensors = sum(isinstance(value, Tensor) for value in found.values())
    return tensors > 0 and 2 * tensors >= len(found)
