"""How much memory models take: estimated, and measured on the CPU."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import torch
import transformers

from nbtrain.hub import memory
from nbtrain.hub.memory import fit

SHAPE: dict[str, Any] = {"hidden_size": 128, "num_hidden_layers": 4, "num_attention_heads": 4, "intermediate_size": 512}


def models() -> list[Any]:
    """Transformers of four kinds, each with other names for its sizes."""
    bert = transformers.BertConfig(vocab_size=500, **SHAPE)
    gpt = transformers.GPT2Config(vocab_size=500, n_embd=128, n_layer=4, n_head=4, n_positions=512)
    llama = transformers.LlamaConfig(vocab_size=500, max_position_embeddings=512, **SHAPE)
    vit = transformers.ViTConfig(image_size=64, patch_size=8, **SHAPE)
    return [
        (transformers.BertForSequenceClassification, bert), (transformers.GPT2LMHeadModel, gpt),
        (transformers.LlamaForCausalLM, llama), (transformers.ViTForImageClassification, vit)]


def held(model: torch.nn.Module, batch: dict[str, torch.Tensor]) -> int:
    """Bytes that the backward pass needs of the forward pass, beside the weights; each storage once."""
    weights = {weight.untyped_storage().data_ptr() for weight in model.parameters()}
    storages = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            storages[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        loss = model(**batch).loss
    loss.backward()
    return sum(storages.values())


@pytest.mark.parametrize(("kind", "config"), models(), ids=lambda each: getattr(each, "__name__", ""))
def test_estimates_are_near_what_torch_holds(monkeypatch, kind, config):
    monkeypatch.setattr(memory, "_of_cuda", lambda: None)  # the model runs on the CPU
    config.architectures = [kind.__name__]
    model = kind(config).train()
    batch = {"labels": torch.zeros(4, dtype=torch.long)}
    if "ViT" in kind.__name__:
        batch["pixel_values"] = torch.randn(4, 3, 64, 64)
    else:
        batch["input_ids"] = torch.randint(5, 500, (4, 128))
        batch["labels"] = batch["input_ids"] if "LM" in kind.__name__ else batch["labels"]
    parameters = sum(weight.numel() for weight in model.parameters())
    view = fit(
        parameters, "float32", config=config.to_dict(),
        training={"batch_size": 4, "max_length": 128, "optimizer": "adamw"})
    parts = {part["name"]: part["bytes"] for part in view["parts"]}
    assert parts["activations"] == pytest.approx(held(model, batch), rel=0.2)
    optimizer = torch.optim.AdamW(model.parameters())
    optimizer.step()
    kept = [each for state in optimizer.state.values() for each in state.values() if each.ndim]
    assert parts["optimizer"] == sum(each.nbytes for each in kept)
    assert parts["gradients"] == sum(weight.grad.nbytes for weight in model.parameters())
    assert view["training"] == sum(parts.values())


@pytest.mark.parametrize(("optimizer", "momentum", "for_each"), [
    ("adamw", 0.9, 8), ("adam", 0.9, 8), ("lamb", 0.9, 8), ("sgd", 0.9, 4), ("sgd", 0, 0), ("rmsprop", 0.9, 8),
    ("rmsprop", 0, 4), ("adafactor", 0.9, 0)])
def test_what_optimizers_keep(optimizer, momentum, for_each):
    view = fit(1_000_000, "float32", training={"optimizer": optimizer, "momentum": momentum})
    assert {part["name"]: part["bytes"] for part in view["parts"]}["optimizer"] == for_each * 1_000_000


def test_adafactor_keeps_rows_and_columns():
    layer = torch.nn.Linear(256, 256, bias=False)
    optimizer = torch.optim.Adafactor(layer.parameters())
    layer(torch.ones(1, 256)).sum().backward()
    optimizer.step()
    kept = sum(each.nbytes for state in optimizer.state.values() for each in state.values() if each.ndim)
    view = fit(256 * 256, "float32", config={"hidden_size": 256, "num_layers": 1}, training={"optimizer": "adafactor"})
    assert {part["name"]: part["bytes"] for part in view["parts"]}["optimizer"] == kept


def test_precision_and_what_saves_memory():
    config = {**SHAPE, "architectures": ["BertModel"], "attention_probs_dropout_prob": 0.1}
    usual, mixed, less, half = (
        fit(10**6, precision, config=config, training={"batch_size": 8, **given}) for precision, given in (
            ("float32", {}), ("float32", {"mixed_precision": "bf16"}), ("float32", {"gradient_checkpointing": True}),
            ("bfloat16", {})))
    assert usual["inference"] > half["inference"]  # type: ignore[operator]
    assert usual["training"] > mixed["training"] > half["training"]  # type: ignore[operator]
    assert less["training"] < usual["training"]  # type: ignore[operator]
    assert fit(10**6, "int4")["inference"] == 500_000
    assert fit(10**6, "float64")["inference"] == 8_000_000
    assert fit(10**6, "float8_e4m3fn")["inference"] == 10**6


def test_more_samples_take_more():
    few, many = (
        fit(10**6, "float32", config=SHAPE, training={"batch_size": size})["training"] for size in (1, 64))
    assert many > few  # type: ignore[operator]


@pytest.mark.parametrize(("free", "verdicts"), [
    (10_000_000, ("fits", "no")), (17_000_000, ("fits", "tight")), (25_000_000, ("fits", "fits")),
    (4_500_000, ("tight", "no")), (3_000_000, ("no", "no"))])
def test_verdicts(monkeypatch, free, verdicts):
    monkeypatch.setattr(memory, "available", lambda: ("RAM", free))
    view = fit(10**6, "float32")  # 4 MB of weights, 16 MB to train
    assert (view["inference_verdict"], view["training_verdict"]) == verdicts


def test_nothing_is_said_of_what_nobody_knows():
    view = fit(None, "", config=SHAPE)
    assert (view["inference"], view["training"], view["parts"]) == (None, None, [])
    assert {view["inference_verdict"], view["training_verdict"]} == {"unknown"}
    assert view["free"] > 0


@pytest.mark.parametrize("config", [
    {}, {"hidden_size": "big"}, {"hidden_size": -1, "num_layers": 2}, {"hidden_size": 10**12, "num_layers": 1},
    {"hidden_size": True, "num_layers": 1}, {"text_config": []},
    {"architectures": 3, "hidden_size": 8, "num_layers": 1},
    {"hidden_size": 8, "num_layers": 1, "hidden_act": ["x"], "image_size": [3]}])
def test_configs_of_every_kind_are_taken(config):
    assert fit(1_000, "float32", config=config)["inference"] >= 4_000  # type: ignore[operator]


def test_torch_is_not_loaded_for_it():
    code = "import sys; from nbtrain.hub.memory import fit; fit(10, 'float32'); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
