"""A version of any format becomes a module that predicts as the one it was made from."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import nbtrain
from nbtrain.core.errors import ModelError, ModelFileError
from nbtrain.models import architectures
from nbtrain.models.package import About, Package
from nbtrain.models.registry import Registry

INPUT = torch.arange(8.0).reshape(2, 4)


def keep(source: Any, name: str = "net", **more: Any) -> None:
    nbtrain.models.import_(source, name=name, **more)


def predicted(net: nn.Module, *inputs: Any, **named: Any) -> torch.Tensor:
    with torch.no_grad():
        found = net(*inputs, **named)
    return found if isinstance(found, torch.Tensor) else found.logits


def small_bert(**more: Any) -> Any:
    transformers = pytest.importorskip("transformers")
    config = transformers.BertConfig(
        vocab_size=50, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=32, **more)
    return transformers.BertForSequenceClassification(config).eval()


def test_a_built_in_architecture_is_built_again_and_nobodys_seed_notices() -> None:
    net = architectures.build("mlp", inputs=4, outputs=3, hidden=[8]).eval()
    keep(net)
    before = torch.get_rng_state()
    found = nbtrain.models.load("net")
    assert torch.equal(torch.get_rng_state(), before)
    assert not found.training
    assert torch.equal(predicted(found, INPUT), predicted(net, INPUT))
    about = nbtrain.models.get("net").about
    assert (about.source, about.source_args) == ("object", {"name": "MLP"})


def test_a_model_of_transformers_is_loaded_by_its_class(capfd: pytest.CaptureFixture[str]) -> None:
    net = small_bert(num_labels=4)
    keep(net, "bert")
    capfd.readouterr()
    found = nbtrain.models.load("bert")
    assert type(found) is type(net)
    ids = torch.randint(50, (2, 6))
    assert torch.equal(predicted(found, ids), predicted(net, ids))
    said = capfd.readouterr()
    assert not said.out + said.err


def test_weights_that_are_not_there_are_not_drawn_at_random() -> None:
    net = small_bert()
    keep(net, "bert")
    version = nbtrain.models.get("bert")
    import safetensors.torch as st  # noqa: PLC0415 - here alone

    state = st.load_file(version.folder / "model.safetensors")
    state.pop("classifier.weight")
    (version.folder / "model.safetensors").unlink()
    st.save_file(state, version.folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match=r"not whole; missing are: classifier\.weight"):
        nbtrain.models.load("bert")


def test_an_exported_program_predicts_and_is_not_trained() -> None:
    net = architectures.build("mlp", inputs=4, outputs=3).eval()
    keep(torch.export.export(net, (INPUT,)))
    found = nbtrain.models.load("net")
    assert torch.allclose(predicted(found.train(), INPUT), predicted(net, INPUT), atol=1e-6)
    assert not any(weight.requires_grad for weight in found.parameters())


def test_torchscript_predicts() -> None:
    net = nn.Sequential(nn.Linear(4, 3), nn.Tanh()).eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        keep(torch.jit.trace(net, INPUT))
    assert torch.allclose(predicted(nbtrain.models.load("net"), INPUT), predicted(net, INPUT), atol=1e-6)


def test_onnx_predicts_with_one_input_or_several(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper  # noqa: PLC0415 - an extra

    inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, 4]) for name in ("a", "b")]
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, 4]) for name in ("sum", "product")]
    nodes = [helper.make_node("Add", ["a", "b"], ["sum"]), helper.make_node("Mul", ["a", "b"], ["product"])]
    path = tmp_path / "model.onnx"
    graph = helper.make_graph(nodes, "g", inputs, outputs)
    onnx.save(helper.make_model(graph, ir_version=9, opset_imports=[helper.make_opsetid("", 17)]), path)
    Registry().add(Package(About(format="onnx", architecture="g"), {"model.onnx": path}), name="net")
    net = nbtrain.models.load("net")
    for found in (net(INPUT, INPUT), net(INPUT, b=INPUT), net(a=INPUT, b=INPUT)):
        assert torch.equal(found[0], INPUT + INPUT)
        assert torch.equal(found[1], INPUT * INPUT)


@pytest.mark.parametrize(("format", "file"), [
    ("architecture", "model.safetensors"), ("module", "model.safetensors"), ("exported", "model.pt2"),
    ("torchscript", "model.pt"), ("onnx", "model.onnx"), ("transformers", "config.json")])
@pytest.mark.parametrize("content", [b"", b"nonsense", b"PK\x03\x04", b"{}"])
def test_a_damaged_file_is_told_in_one_sentence(tmp_path: Path, format: str, file: str, content: bytes) -> None:  # noqa: A002
    if format == "onnx":
        pytest.importorskip("onnxruntime")
    (tmp_path / file).write_bytes(content)
    names = {"architecture": "mlp", "transformers": "BertForSequenceClassification"}
    about = About(format=format, architecture=names.get(format, "X"), config={"inputs": 4, "outputs": 3})  # type: ignore[arg-type]
    if format == "module":
        about = About(format="module", architecture="Linear")
    Registry().add(Package(about, {file: tmp_path / file}), name="net")
    with pytest.raises((ModelFileError, ModelError)) as caught:
        nbtrain.models.load("net", module=nn.Linear(4, 3) if format == "module" else None)
    assert "\n" not in str(caught.value)


def test_an_unknown_class_is_told_before_anything_runs(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert", "auto_map": {"AutoModel": "x.X"}}))
    (tmp_path / "x.py").write_text("raise SystemExit('code of the repository ran')")
    about = About(format="transformers", architecture="NoSuchModel")
    Registry().add(Package(about, {name: tmp_path / name for name in ("config.json", "x.py")}), name="net")
    with pytest.raises(ModelError, match="has no NoSuchModel"):
        nbtrain.models.load("net")


def test_a_module_is_not_asked_for_where_none_is_needed() -> None:
    keep(small_bert(), "bert")
    with pytest.raises(ModelError, match="builds itself; leave module out"):
        nbtrain.models.load("bert", module=nn.Linear(1, 1))


def test_lists_are_printed_as_tables_and_nothing_heavy_is_loaded() -> None:
    assert "No models yet" in repr(nbtrain.models.list())
    keep(architectures.build("mlp", inputs=4, outputs=3), "شبکه")
    assert nbtrain.models.tag("شبکه", ["a", "b"]).tags == ("a", "b")
    assert nbtrain.models.tag("شبکه", "b", "a", "b").tags in {("a", "b"), ("b", "a")}
    nbtrain.models.move("شبکه", 1, "staging")
    said = repr(nbtrain.models.list()).splitlines()
    assert said[0].split()[:4] == ["name", "id", "versions", "stage"]
    assert said[1].startswith("شبکه")
    assert "staging" in said[1]
    assert "staging" in repr(nbtrain.models.versions("شبکه"))
    script = (
        "import sys, nbtrain, nbtrain.models; nbtrain.models.list; "
        "print(repr(nbtrain.models.list()).count('mlp'), 'torch' in sys.modules, 'transformers' in sys.modules)")
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["1", "False", "False"]


def test_every_verb_is_there_with_words_about_it() -> None:
    assert set(nbtrain.models.__all__) <= set(dir(nbtrain.models))
    for name in nbtrain.models.__all__:
        assert getattr(nbtrain.models, name).__doc__
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = nbtrain.models.nonsense


def test_undo_and_verify_by_name() -> None:
    net = architectures.build("mlp", inputs=4, outputs=3)
    keep(net)
    nbtrain.models.import_(net, model="net")
    nbtrain.models.verify("net")
    nbtrain.models.delete("net", 2)
    assert nbtrain.models.undo().name == "net"
    path = nbtrain.models.get("net", 1).folder / "model.safetensors"
    path.chmod(0o644)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match="was altered"):
        nbtrain.models.verify("net")
