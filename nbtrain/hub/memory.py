"""How much memory a model takes, to use it and to train it, against what is free on this machine now.

Estimates, for the question whether it is worth downloading. What was measured of them is in docs/log.md.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import psutil

from nbtrain.core.model_views import FitPart, FitView
from nbtrain.hub import rows

#: What the device is called where there is no GPU.
CPU = "RAM"
#: Of the free memory, what an estimate may take so that it fits and not only just.
ROOM = 0.8
#: Tokens of a sample, where nothing says how many: models may take more, datasets seldom have them.
TOKENS = 512
#: Numbers that an optimizer keeps for each weight. Adafactor's are the rows and columns of its matrices.
_KEPT = {"adam": 2.0, "adamw": 2.0, "lamb": 2.0, "sgd": 0.0, "rmsprop": 1.0, "adafactor": 0.0}
#: Those that make a copy of all gradients while they step; the others have one kernel for all of it.
_COPYING = frozenset({"rmsprop", "adafactor", "lamb"})
_ACTS = ("hidden_act", "hidden_activation", "activation_function", "activation")
#: GELUs that are made of several operations, each of which holds its result.
_STEPS = frozenset({"gelu_new", "gelu_fast", "quick_gelu"})


@dataclass(frozen=True)
class _Shape:
    """The sizes of a transformer that its activations depend on."""

    hidden: int
    layers: int
    heads: int
    inner: int
    """Width of the feed-forward part."""
    times: int
    """How many numbers of that width the feed-forward part holds: more with a gate, or a GELU in small steps."""
    gated: bool
    """The feed-forward part has a gate, as in Llama."""
    scored: bool
    """The scores of attention are held: only where some of them are dropped, else the whole is one kernel."""
    tokens: int
    words: int
    """Outputs for each token: the vocabulary of a language model, else 0."""


def fit(
    parameters: int | None, precision: str, *, config: Mapping[str, Any] | None = None,
    training: Mapping[str, Any] | None = None,
) -> FitView:
    """Whether a model fits this machine.

    Args:
        parameters: how many; None where nobody knows.
        precision: of the weights, ``float32``, ``bfloat16``…; empty is taken for ``float32``.
        config: ``config.json`` of a transformer; without it activations are not counted.
        training: ``optimizer mixed_precision batch_size momentum gradient_checkpointing max_length``, each optional.
    """
    device, free = available()
    if not parameters:
        return FitView(
            device=device, free=free, inference=None, training=None, inference_verdict="unknown",
            training_verdict="unknown", parts=[])
    given = training or {}
    shape = _shape(config or {}, given)
    weights = round(parameters * size_of(precision))
    inference = weights + (_forward(shape, size_of(precision)) if shape else 0)
    parts = _parts(parameters, precision, shape, given, on_cpu=device == CPU)
    needed = sum(part["bytes"] for part in parts)
    return FitView(
        device=device, free=free, inference=inference, training=needed, inference_verdict=_verdict(inference, free),
        training_verdict=_verdict(needed, free), parts=parts)


def available() -> tuple[str, int]:
    """The device that a training would use, by name, and how many of its bytes are free. ``RAM`` without a GPU."""
    return _of_cuda() or (CPU, int(psutil.virtual_memory().available))


def size_of(precision: str) -> float:
    """Bytes of one number."""
    name = precision.lower()
    for ends, size in ((("64",), 8.0), (("16", "half"), 2.0), (("4", "nf4"), 0.5)):
        if name.endswith(ends):
            return size
    return 1.0 if "8" in name or name == "bool" else 4.0


def _verdict(needed: int, free: int) -> str:
    if needed <= ROOM * free:
        return "fits"
    return "tight" if needed <= free else "no"


def _parts(
    parameters: int, precision: str, shape: _Shape | None, training: Mapping[str, Any], *, on_cpu: bool,
) -> list[FitPart]:
    """What training takes. torch keeps gradients and the optimizer's numbers in the weights' own precision."""
    size = max(size_of(precision), 2.0)  # whole numbers are not trained: they become at least half floats
    weights = round(parameters * size)
    optimizer = str(training.get("optimizer") or "adamw")
    kept = _KEPT.get(optimizer, 2.0)
    if optimizer in {"sgd", "rmsprop"} and training.get("momentum", 0.9):
        kept += 1.0
    if optimizer == "adafactor" and shape is not None:
        kept = 2.0 / shape.hidden
    parts = {"weights": weights, "gradients": weights, "optimizer": round(weights * kept)}
    mixed = training.get("mixed_precision") in {"fp16", "bf16"}
    copies = weights if optimizer in _COPYING else 0  # made when the activations are gone
    if shape is not None:
        batch = max(1, int(training.get("batch_size") or 1))
        number = 2.0 if mixed else size
        held = _activations(
            shape, number, number if on_cpu else 1.0, batch, recompute=bool(training.get("gradient_checkpointing")))
        if mixed and size > 2.0:
            held += parameters * 2  # autocast keeps the weights in half precision until the backward pass is done
        parts["activations"] = max(held, copies)
    elif copies:
        parts["activations"] = copies
    return [FitPart(name=name, bytes=count) for name, count in parts.items()]


def _activations(shape: _Shape, size: float, mask: float, batch: int, *, recompute: bool) -> int:
    """Bytes that the backward pass needs of the forward pass.

    After Korthikanti et al., Reducing Activation Recomputation in Large Transformer Models (arXiv 2205.05198),
    equation 1 and section 4.1: in half precision a layer holds ``s·b·h·(34 + 5·a·s/h)`` bytes for s tokens, b samples,
    h hidden units and a heads; 2 bytes of each number, and one of each element of a dropout's mask. Here the numbers
    and masks are counted apart, so that other precisions and widths of the feed-forward part follow. When layers are
    recomputed, their inputs are held, and one layer whole.

    Args:
        shape: of the model.
        size: bytes of a number.
        mask: bytes of an element of a mask: 1 on a GPU; on the CPU torch keeps masks as numbers.
        batch: samples.
        recompute: layers are recomputed in the backward pass.
    """
    tokens, hidden = float(batch * shape.tokens), shape.hidden
    scores = float(batch * shape.heads) * shape.tokens**2 if shape.scored else 0.0
    numbers = tokens * (8 * hidden + shape.times * shape.inner) + 2 * scores
    masks = 2 * tokens * hidden + scores
    layer = numbers * size + masks * mask
    held = shape.layers * tokens * hidden * size + layer if recompute else shape.layers * layer
    # The embeddings' sum and its norm; of a language model the logits and their log-softmax, which the loss makes in
    # single precision.
    return round(held + 2 * tokens * hidden * size + tokens * shape.words * (size + 4))


def _forward(shape: _Shape, size: float) -> int:
    """Bytes that a forward pass of one sample holds at most: one layer at work, and the logits."""
    tokens = float(shape.tokens)
    widest = (2 if shape.gated else 1) * shape.inner + 4 * shape.hidden
    return round(size * (tokens * (2 * shape.hidden + widest + shape.words) + shape.heads * tokens**2))


def _shape(config: Mapping[str, Any], training: Mapping[str, Any]) -> _Shape | None:
    """The sizes that a config tells, under the names that models give them; None where it is no transformer's."""
    inside = config.get("text_config")
    known = {**config, **inside} if isinstance(inside, dict) else config
    hidden = _first(known, "hidden_size", "n_embd", "d_model", "dim")
    layers = _first(known, "encoder_layers") + _first(known, "decoder_layers") or (
        _first(known, "num_hidden_layers", "n_layer", "n_layers", "num_layers")
        * (2 if known.get("is_encoder_decoder") is True else 1))
    if not hidden or not layers:
        return None
    head = " ".join(rows.texts(known.get("architectures")))
    speaks = any(part in head for part in ("LMHead", "ForCausalLM", "ForMaskedLM", "ForConditionalGeneration"))
    gated = _act(known) in {"silu", "swish"} or str(known.get("model_type", "")).startswith("gemma")
    return _Shape(
        hidden=hidden, layers=layers,
        heads=_first(known, "num_attention_heads", "n_head", "n_heads", "num_heads", "encoder_attention_heads") or 1,
        inner=_first(known, "intermediate_size", "n_inner", "d_ff", "ffn_dim", "hidden_dim") or 4 * hidden,
        times=4 if gated else 5 if _act(known) in _STEPS else 2, gated=gated, scored=_drops(known),
        tokens=_tokens(known, training), words=_first(known, "vocab_size") if speaks else 0)


def _act(config: Mapping[str, Any]) -> str:
    return next((text for name in _ACTS if (text := rows.text(config.get(name)))), "")


def _drops(config: Mapping[str, Any]) -> bool:
    """Whether attention has a dropout."""
    return any(config.get(name) for name in ("attention_probs_dropout_prob", "attention_dropout", "attn_pdrop"))


def _tokens(config: Mapping[str, Any], training: Mapping[str, Any]) -> int:
    """Tokens of a sample: as the training says, the patches of an image, or as many as the model takes."""
    image, patch = _first(config, "image_size"), _first(config, "patch_size")
    if image and patch:
        return (image // patch) ** 2 + 1
    most = _first(config, "max_position_embeddings", "n_positions", "max_seq_len") or TOKENS
    return min(most, _first(training, "max_length") or TOKENS)


def _first(known: Mapping[str, Any], *names: str) -> int:
    """The first of these that is a sensible number; 0 where none is."""
    for name in names:
        value = known.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**9:
            return value
    return 0


def _of_cuda() -> tuple[str, int] | None:
    """The first GPU that torch could use. torch is not loaded for it, nor made to take hold of the GPU."""
    torch: Any = sys.modules.get("torch")
    with suppress(metadata.PackageNotFoundError):
        if metadata.version("torch").endswith("+cpu"):
            return None
    if torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized():
        held = torch.cuda.memory_reserved() - torch.cuda.memory_allocated()  # its own cache, free for tensors
        return torch.cuda.get_device_name(), int(torch.cuda.mem_get_info()[0]) + int(held)
    import pynvml  # noqa: PLC0415 - not needed on machines that fail above

    seen = os.environ.get("CUDA_VISIBLE_DEVICES")
    first = (seen or "0").split(",")[0].strip()
    if seen == "" or not first.isdigit():
        return None
    try:
        pynvml.nvmlInit()
        handle = pynvml.nvmlDeviceGetHandleByIndex(int(first))
        name = pynvml.nvmlDeviceGetName(handle)
        return name.decode() if isinstance(name, bytes) else str(name), int(pynvml.nvmlDeviceGetMemoryInfo(handle).free)
    except pynvml.NVMLError:  # no driver, or no such GPU
        return None
