"""Files of models that are mutated by chance: let in or refused in one sentence, and nothing happens around them."""

from __future__ import annotations

import contextlib
import json
import pickle
import zipfile

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from nbtrain.core.errors import ModelFileError
from nbtrain.models.importing import expressions, folders, graph_files, onnx_file, sniffing, telling
from tests.faults import mutated_models


@pytest.fixture
def around(tmp_path):
    (tmp_path / "around").mkdir()
    return tmp_path / "around"


@pytest.mark.parametrize("seed", range(4))
def test_mutated_safetensors_and_archives(around, seed, monkeypatch):
    monkeypatch.setenv("NBTRAIN_HOME", "")  # put back afterwards
    found = mutated_models.run(150, seed, 0, around)
    assert found["let in"] + found["refused"] == 150
    assert found["refused"] > 100
    assert found["let in"] > 0
    assert (found["else"], found["changed outside"], found["left in the workspace"]) == ({}, [], 0)


def test_the_canary_sees_who_unpickles_and_unpacks_without_a_look(around, monkeypatch):
    """Else it would prove nothing."""
    monkeypatch.setenv("NBTRAIN_HOME", "")

    def careless(path, _):
        with contextlib.suppress(Exception), zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                target = (path.parent / name).resolve()
                if target.is_relative_to(around):
                    target.write_bytes(archive.read(name))
        return "refused"

    def unpickling(path, _):
        with contextlib.suppress(Exception), zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                pickle.loads(archive.read(name))  # noqa: S301 - as others do
        return "refused"

    assert any("canary/x" in change for change in mutated_models.run(120, 0, 0, around, careless)["changed outside"])
    (around / "second").mkdir()
    found = mutated_models.run(200, 0, 0, around / "second", unpickling)
    assert any("touched" in change for change in found["changed outside"])


def _onnx():
    tensor = numpy_helper.from_array(np.ones((4, 3), np.float32), "w")
    beside = numpy_helper.from_array(np.ones(2, np.float32), "v")
    beside.ClearField("raw_data")
    beside.data_location = TensorProto.EXTERNAL
    beside.external_data.add(key="location", value="precious.txt")
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])], "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 3])], [tensor, beside])
    return helper.make_model(graph).SerializeToString()


def _refused_or_not(action):
    """Whether it was refused, in one sentence; any other error is the test's."""
    try:
        action()
    except ModelFileError as error:
        said = str(error)
        assert "\n" not in said
        assert said.endswith((".", "?", "!"))
        return True
    return False


def test_mutated_onnx(tmp_path):
    sound, chance, path = _onnx(), mutated_models.Chance(0), tmp_path / "net.onnx"
    (tmp_path / "precious.txt").write_bytes(b"\0" * 8)
    refused = 0
    for _ in range(600):
        path.write_bytes(mutated_models.mutated(sound, chance, [sound]))
        if _refused_or_not(lambda: sniffing.kind_of(path)) or sniffing.kind_of(path) != "onnx":
            refused += 1
            continue
        refused += _refused_or_not(lambda: onnx_file.read(path, "net.onnx"))
    assert 100 < refused < 600


CONFIG = {
    "model_type": "bert", "architectures": ["BertModel"], "hidden_size": 16, "num_hidden_layers": 2, "vocab_size": 50,
    "attn_implementation": "sdpa", "text_config": {"num_layers": 3, "rope": {"factor": 2.0}}, "id2label": {"0": "a"},
    "auto_map": {"AutoModel": "net.Net"}}


def test_mutated_configs(tmp_path):
    chance, path = mutated_models.Chance(0), tmp_path / "config.json"
    sound = json.dumps(CONFIG).encode()
    refused = 0
    for index in range(600):
        if index % 2:
            path.write_bytes(mutated_models.mutated(sound, chance, [sound]))
        else:
            path.write_text(json.dumps(_replaced(CONFIG, chance)))
        found = {"config.json": path, "tokenizer_config.json": path}

        def look(found=found):
            folders.config_of(found, "config.json")
            folders.of_transformers(found, code=True)
            folders.check_code(found, allowed=True)
            telling.manifest(found["config.json"], "nbtrain.json")

        refused += _refused_or_not(look)
    assert 100 < refused < 600


def _replaced(found, chance):
    """The same with some values of other kinds."""
    if chance.random() < 0.1:
        return chance.choice((*mutated_models.NUMBERS, *mutated_models.TEXTS))
    if isinstance(found, dict):
        return {key: _replaced(value, chance) for key, value in found.items()}
    return [_replaced(value, chance) for value in found] if isinstance(found, list) else found


def test_mutated_graphs_and_formulas(tmp_path):
    """Whatever is let through is arithmetic: torch would evaluate it."""
    chance = mutated_models.Chance(0)
    formulas = [b"Symbol('s31', positive=True, integer=True)", b"L['x'].size()[0] >= 2", b"FloorDiv(2*s0, Max(1, u0))"]
    through = 0
    for _ in range(3_000):
        text = mutated_models.mutated(chance.choice(formulas), chance, formulas).decode(errors="replace")
        if expressions.is_plain(text):
            through += 1
            assert "__" not in text
            assert not {";", ":", "lambda", "import", "{", "\\"} & set(text.replace("Symbol", "").split("'")[0])
    assert through > 50
    path = tmp_path / "net.pt2"
    graph = {"graph_module": {"graph": {"nodes": [{"target": "torch.ops.aten.relu.default", "name": "a"}]}}}
    names = ("archive_format", "models/model.json", "data/weights/model_weights_config.json", "data/weights/weight_0")
    for _ in range(200):
        content = (b"pt2", json.dumps(_replaced(graph, chance)).encode(), json.dumps({"config": _replaced(
            {"w": {"path_name": "weight_0", "use_pickle": False, "tensor_meta": {}}}, chance)}).encode(), b"\0" * 4)
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in zip(names, content, strict=True):
                archive.writestr(f"net/{name}", data)
        _refused_or_not(lambda: graph_files.check_exported(path, "net.pt2"))
