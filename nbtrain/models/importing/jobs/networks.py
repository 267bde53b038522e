"""Models that a library builds from a config: built without memory, compared with the files, loaded, tried once."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from typing import Any

import psutil
import safetensors.torch
import torch
import transformers
from torch import nn

from nbtrain.core.errors import ModelError
from nbtrain.models import architectures
from nbtrain.models.importing.jobs import trying
from nbtrain.models.importing.sandbox import RefusedError
from nbtrain.models.importing.weights import differences, listed


def folder(request: dict[str, Any]) -> dict[str, Any]:
    """Build, load and try the model in the folder ``path``, whose files have ``elements`` values in ``bytes`` bytes."""
    config = _config(request)
    kind = _class(config, request)
    needed = _count(kind, config)
    room = 20 if getattr(config, "quantization_config", None) is not None else 2
    if needed > room * request["elements"] + 10_000_000:
        raise RefusedError(f"config.json describes a model of {needed:,} parameters, and the files hold "
                           f"{request['elements']:,} values")
    labels = getattr(config, "id2label", None) if "Classification" in kind.__name__ else None
    told: dict[str, Any] = {
        "architecture": kind.__name__,
        "labels": [str(labels[key]) for key in sorted(labels)] if isinstance(labels, Mapping) else [],
        "main_input": str(getattr(kind, "main_input_name", "")), "parameters": needed, "notes": [],
        "tried": False, "short": False}
    if psutil.virtual_memory().available < 1.5 * request["bytes"] + 2**29:
        told["notes"].append("It is too large for the memory that is free, so it was not tried.")
        told["short"] = True
        return told
    model = _loaded(kind, request, told)
    told["parameters"] = model.num_parameters()
    _try(model, config, told, own=request["remote_code"])
    return told


def architecture(request: dict[str, Any]) -> dict[str, Any]:
    """Build ``name`` with ``config``, load the weights at ``path``, and try it."""
    try:
        with torch.device("meta"):
            empty = architectures.build(request["architecture"], **request["config"])
    except ModelError as error:
        raise RefusedError(str(error)) from None
    expected = {name: tuple(tensor.shape) for name, tensor in empty.state_dict().items()}
    if wrong := differences(request["shapes"], expected):
        raise RefusedError(f"its weights do not fit {request['architecture']} of this config: {wrong}")
    module = architectures.build(request["architecture"], **request["config"]).eval()
    module.load_state_dict(safetensors.torch.load_file(request["path"]))
    with torch.no_grad():
        trying.check_outputs(module(**architectures.example(request["architecture"], request["config"])))
    return {**trying.facts(module.state_dict().items()), "kind": architectures.kind_of(request["architecture"])}


def _config(request: dict[str, Any]) -> Any:
    try:
        return transformers.AutoConfig.from_pretrained(
            request["path"], local_files_only=True, trust_remote_code=request["remote_code"])
    except Exception as error:  # noqa: BLE001 - each kind of config has its own ways to fail
        unknown = request["model_type"] and request["model_type"] not in transformers.CONFIG_MAPPING
        if unknown and not request["remote_code"]:
            raise RefusedError(f"config.json names the model type {request['model_type']!r}, which transformers "
                               f"{transformers.__version__} does not know; update transformers") from None
        raise RefusedError(f"config.json does not describe a model ({_first(error)})") from None


def _class(config: Any, request: dict[str, Any]) -> Any:
    name = next(iter(getattr(config, "architectures", None) or ()), None)
    if request["remote_code"]:
        return _remote_class(config, request)
    found = getattr(transformers, str(name), None) if name else None
    if isinstance(found, type) and issubclass(found, transformers.PreTrainedModel):
        return found
    if name:
        raise RefusedError(f"config.json names the architecture {name!r}, which transformers "
                           f"{transformers.__version__} "
                           "does not have; update transformers")
    try:
        return transformers.AutoModel._model_mapping[type(config)]  # noqa: SLF001 - there is no public way
    except KeyError:
        raise RefusedError('config.json names no architecture; add it under "architectures"') from None


def _remote_class(config: Any, request: dict[str, Any]) -> Any:
    from transformers.dynamic_module_utils import get_class_from_dynamic_module  # noqa: PLC0415 - rarely wanted

    named = getattr(config, "auto_map", None) or {}
    model = next((value for key, value in named.items() if key.startswith("AutoModel")), None)
    if model is None:
        return _class(config, {**request, "remote_code": False})
    return get_class_from_dynamic_module(model, request["path"], local_files_only=True)


def _count(kind: Any, config: Any) -> int:
    """The parameters of such a model, which is built without memory for them."""
    try:
        with torch.device("meta"):
            model = kind._from_config(config)  # noqa: SLF001 - what the Auto classes call
    except Exception as error:  # noqa: BLE001 - as above
        raise RefusedError(f"config.json does not describe a model that can be built ({_first(error)})") from None
    return sum(parameter.numel() for parameter in model.parameters())


def _loaded(kind: Any, request: dict[str, Any], told: dict[str, Any]) -> Any:
    try:
        model, info = kind.from_pretrained(
            request["path"], local_files_only=True, use_safetensors=True, output_loading_info=True,
            ignore_mismatched_sizes=True, trust_remote_code=request["remote_code"])
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - as above
        raise RefusedError(f"transformers cannot load it ({_first(error)})") from None
    missing, more = sorted(info["missing_keys"]), sorted(info["unexpected_keys"])
    wrong = [f"{name} ({list(given)} instead of {list(wanted)})"
             for name, given, wanted in sorted(info["mismatched_keys"])]
    stacked = {_pattern(name) for name in model.state_dict()}
    layers = [name for name in more if _pattern(name) in stacked and re.search(r"\d", name)]
    said = [f"{what}: {listed(names)}" for what, names in
            (("missing", missing), ("of another shape", wrong), ("of layers that it has not", layers)) if names]
    if said:
        raise RefusedError(f"its weights do not fit config.json: {'; '.join(said)}")
    if more:
        told["notes"].append(f"{len(more)} tensors are not part of {kind.__name__} and are not used: {listed(more)}.")
    return model.eval()


def _try(model: nn.Module, config: Any, told: dict[str, Any], *, own: bool) -> None:
    """A forward pass, where it is known what goes in. A model of its `own` code may take and give what it likes."""
    inputs, sure = _inputs(model, config)
    inputs = _taken(model, inputs)
    if not inputs:
        told["notes"].append("It was not tried: what goes into it is not known.")
        return
    try:
        with torch.no_grad():
            outputs = model(**inputs)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - as above
        if sure and not own:
            raise RefusedError(f"it fails on made-up inputs ({_first(error)})") from None
        told["notes"].append(f"It was not tried: {_first(error)}.")
        return
    if own and not trying.gives_tensors(outputs):
        told["notes"].append("What it predicts is not known, so it was not looked at.")
        return
    trying.check_outputs(outputs)
    told["tried"] = True


def _taken(model: nn.Module, inputs: dict[str, Any]) -> dict[str, Any]:
    """Of made-up inputs those that the forward pass has names for; none where the first of them has none."""
    takes = inspect.signature(model.forward).parameters
    if any(each.kind is each.VAR_KEYWORD for each in takes.values()) and set(inputs) & set(takes):
        return inputs
    taken = {name: value for name, value in inputs.items() if name in takes}
    return taken if next(iter(inputs), None) in taken else {}


def _inputs(model: Any, config: Any) -> tuple[dict[str, Any], bool]:
    """Made-up inputs, and whether they must be right."""
    main = getattr(model, "main_input_name", "")
    parts = any(hasattr(config, part) for part in ("text_config", "vision_config", "audio_config", "encoder"))
    if main == "input_ids" and not parts:
        words = max(1, min(8, (getattr(config, "max_position_embeddings", None) or 64) // 2))
        vocabulary = getattr(config, "vocab_size", None) or 8
        ids = (torch.arange(words) % max(1, vocabulary - 1) + (1 if vocabulary > 1 else 0)).unsqueeze(0)
        end = getattr(config, "eos_token_id", None)
        if isinstance(end, int) and 0 <= end < vocabulary:
            ids[ids == end] = 0 if end else vocabulary - 1
            ids[:, -1] = end
        inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
        if getattr(config, "is_encoder_decoder", False):
            inputs["decoder_input_ids"] = ids
        return inputs, True
    if main == "pixel_values" and not parts:
        size = getattr(config, "image_size", None) or 224
        height, width = size if isinstance(size, list | tuple) else (size, size)
        shape = (1, getattr(config, "num_channels", None) or 3, height, width)
        return {"pixel_values": trying.made_up(shape, "float32").to(model.dtype)}, hasattr(config, "image_size")
    if main == "input_values":
        return {"input_values": trying.made_up((1, 16_000), "float32").to(model.dtype)}, False
    if main == "input_features" and hasattr(config, "num_mel_bins") and hasattr(config, "max_source_positions"):
        spectrum = (1, config.num_mel_bins, 2 * config.max_source_positions)
        start = torch.tensor([[config.decoder_start_token_id or 0]])
        sound = trying.made_up(spectrum, "float32").to(model.dtype)
        return {"input_features": sound, "decoder_input_ids": start}, False
    return {}, False


def _pattern(name: str) -> str:
    return re.sub(r"\d+", "#", name)


def _first(error: BaseException) -> str:
    """The first lines of what a library says."""
    return f"{type(error).__name__}: {error}"[:400]
