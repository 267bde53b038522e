"""A model that importing would refuse is not fetched, and its details say why."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping

import pytest

from nbtrain.core.tasks import Tasks
from nbtrain.hub import contents
from nbtrain.hub.details import details
from nbtrain.hub.downloads import Downloads
from nbtrain.hub.local import LocalHub

WEIGHTS = os.urandom(1000)
BERT = json.dumps({"model_type": "bert", "architectures": ["BertModel"]}).encode()
PLAIN = json.dumps({"architecture": "resnet18"}).encode()  # as timm writes it

REFUSED: Mapping[str, tuple[dict[str, bytes], str]] = {
    "keras": ({"config.json": BERT, "tf_model.h5": WEIGHTS}, "has weights for Keras alone"),
    "flax": ({"config.json": BERT, "flax_model.msgpack": WEIGHTS}, "has weights for Flax alone"),
    "onnx": ({"config.json": BERT, "model.onnx": WEIGHTS}, "its weights are called model.onnx, not"),
    "other name": ({"config.json": BERT, "mine.safetensors": WEIGHTS}, "called mine.safetensors, not"),
    "adapter": (
        {"adapter_config.json": b"{}", "adapter_model.safetensors": WEIGHTS}, "is an adapter of PEFT"),
    "adapter of a config": (
        {"config.json": BERT, "adapter_config.json": b"{}", "adapter_model.safetensors": WEIGHTS}, "adapter of PEFT"),
    "pipeline": ({"model_index.json": b"{}", "unet/model.safetensors": WEIGHTS}, "is a pipeline of diffusers"),
    "tensorflow": ({"saved_model.pb": WEIGHTS}, "is a model of TensorFlow"),
    "gguf": ({"config.json": BERT, "q4.gguf": WEIGHTS}, "as GGUF alone"),
    "nothing": ({"README.md": b"# Title"}, "has no weights that can be loaded"),
    "several": ({"a.safetensors": WEIGHTS, "b.safetensors": WEIGHTS}, "has 2 files with weights (a.safetensors, b"),
    "several beside a config": ({"config.json": PLAIN, "a.pt": WEIGHTS, "b.pt": WEIGHTS}, "has 2 files with weights"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_could_not_be_imported_is_not_fetched(hub: LocalHub, kind: str) -> None:
    files, why = REFUSED[kind]
    hub.add("owner/name", files)
    facts = details("owner/name")
    assert why in facts["problem"]
    assert facts["problem"].startswith("owner/name ")
    tasks = Tasks()
    Downloads(tasks=tasks).begin("owner/name")
    with pytest.raises(OSError, match="owner/name"):
        tasks.all()[0].wait(60)
    assert Downloads().all()[0].error == facts["problem"]
    assert not any(hub.downloads(path) for path in files if path not in {"config.json", "README.md"})


@pytest.mark.parametrize("files", [
    {"config.json": BERT, "model.safetensors": b""},
    {"config.json": BERT, "pytorch_model.bin": b""},
    {"config.json": BERT, "model.safetensors.index.json": b"", "model-00001-of-00002.safetensors": b"",
     "model-00002-of-00002.safetensors": b""},
    {"config.json": BERT, "model.safetensors": b"", "adapter_config.json": b"", "adapter_model.safetensors": b""},
    {"config.json": PLAIN, "mine.safetensors": b""},
    {"model.onnx": b""},
    {"net.pt": b""},
    {"net.safetensors.index.json": b"", "net-00001-of-00002.safetensors": b"", "net-00002-of-00002.safetensors": b""},
], ids=" ".join)
def test_what_may_be_imported_has_no_problem(files: dict[str, bytes]) -> None:
    config = json.loads(files["config.json"]) if "config.json" in files else None
    assert not contents.problem(files, config)


@pytest.mark.parametrize(("files", "needed"), [
    (["model.onnx", "model.onnx_data", "model.onnx_data_1", "model_quantized.onnx", "notes.txt"],
     ["model.onnx", "model.onnx_data", "model.onnx_data_1"]),
    (["net.onnx", "net.onnx.data", "weights.onnx_data"], ["net.onnx", "net.onnx.data", "weights.onnx_data"]),
    (["model.onnx", "model.onnx_data", "model.safetensors"], ["model.safetensors"]),
    (["net.safetensors.index.json", "net-00001-of-00001.safetensors"],
     ["net-00001-of-00001.safetensors", "net.safetensors.index.json"]),
])
def test_what_lies_beside_the_weights_is_needed_too(files: list[str], needed: list[str]) -> None:
    assert contents.needed(files) == needed
