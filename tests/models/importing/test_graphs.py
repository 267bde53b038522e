"""Models that carry their computation: looked through first, then loaded and tried where they can do no harm."""

from __future__ import annotations

import io
import json
import pickle
import zipfile

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from nbtrain.core.errors import ModelFileError
from nbtrain.models.importing import expressions, open_model
from tests.models.importing import samples
from tests.models.importing.conftest import net

pytestmark = pytest.mark.usefixtures("warm")


def refusal(path, **options) -> str:
    with pytest.raises(ModelFileError) as caught, open_model(path, **options):
        pass
    said = str(caught.value)
    assert "\n" not in said
    assert said.endswith(".")
    return said


def rewritten(path, changes):
    """The same archive with members replaced, added, or (None) left out."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    top = next(iter(members)).split("/")[0]
    members |= {f"{top}/{name}": data for name, data in changes.items()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            if data is not None:
                archive.writestr(name, data)
    return path


# -- TorchScript ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def script(tmp_path_factory):
    path = tmp_path_factory.mktemp("script") / "net.bin"
    torch.jit.trace(net(), torch.zeros(2, 4), check_trace=False).save(str(path))
    return path


@pytest.mark.filterwarnings("ignore:.*torch.jit")
@pytest.mark.usefixtures("cold")
def test_torchscript(script, tmp_path):
    path = tmp_path / "net.bin"
    path.write_bytes(script.read_bytes())
    (tmp_path / "nbtrain.json").write_text(json.dumps({"inputs": {"shape": [4], "dtype": "float32"}, "labels": ["a"]}))
    with open_model(path) as package:
        assert (package.about.format, package.about.architecture) == ("torchscript", "Sequential")
        assert package.about.parameters == 67
        assert package.about.labels == ("a",)
        assert set(package.files) == {"model.pt"}
        assert package.notes == ()


def test_torchscript_that_is_damaged(script, tmp_path):
    path = tmp_path / "a.pt"
    path.write_bytes(script.read_bytes())
    assert "cannot be read" in refusal(rewritten(path, {"data.pkl": b"\x80\x02garbage."}))


# -- torch.export -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def program():
    buffer = io.BytesIO()
    batch = torch.export.Dim("batch")
    torch.export.save(torch.export.export(net(), (torch.zeros(2, 4),), dynamic_shapes=({0: batch},)), buffer)
    return buffer.getvalue()


@pytest.fixture
def exported(tmp_path, program):
    path = tmp_path / "net.pt2"
    path.write_bytes(program)
    return path


@pytest.mark.usefixtures("cold")
def test_an_exported_program(exported, tmp_path):
    path = exported.rename(tmp_path / "net.safetensors")
    with open_model(path) as package:
        assert package.about.format == "exported"
        assert package.about.parameters == 67
        assert package.about.inputs == {"shape": [4], "dtype": "float32"}
        assert set(package.files) == {"model.pt2"}
        assert package.notes == ()


@pytest.mark.parametrize(("where", "value"), [
    ("target", "torch.os.system"), ("target", "torch.hub.load"), ("target", "torch.ops.load_library"),
    ("target", "torch.ops.aten.from_file.default"),
    ("target", "torch.ops.aten.from_file.out"), ("target", "_operator.methodcaller"),
    ("target", "#loader"), ("target", "builtins.eval"),
    ("expr_str", "__import__('os').system('touch x')"), ("expr_str", "S('s0').__class__"), ("expr_str", "sympify('x')"),
    ("name", "x; import os"), ("guards_code", "__import__('os')"), ("fqn", "a\nimport os"),
    ("in_spec", "[1, {\"type\": \"x'); import os\"}]"),
])
def test_graphs_that_torch_would_run_as_code(exported, where, value):
    with zipfile.ZipFile(exported) as archive:
        member = next(name for name in archive.namelist() if name.endswith("models/model.json"))
        graph = json.loads(archive.read(member))

    def replace(found):
        if isinstance(found, dict):
            return {key: ([value] if key == "guards_code" else value) if key == where else replace(inner)
                    for key, inner in found.items()}
        return [replace(inner) for inner in found] if isinstance(found, list) else found

    rewritten(exported, {"models/model.json": json.dumps(replace(graph)).encode()})
    assert "which torch would run as code" in refusal(exported)


@pytest.mark.parametrize(("changes", "said"), [
    ({"data/aotinductor/model/x.so": b"\x7fELF"}, "may be compiled code"),
    ({"data/constants/opaque_obj_0": b"\x80\x02N."}, "may be compiled code"),
    ({"models/other.json": b"{}"}, "no part of an exported graph"), ({"models/model.json": b"{"}, "JSON"),
    ({"data/weights/model_weights_config.json": json.dumps({"config": {"a": {
        "path_name": "weight_0", "use_pickle": True, "tensor_meta": {}}}}).encode()}, "kept as a pickle"),
])
def test_archives_with_more_than_a_graph(exported, changes, said):
    assert said in refusal(rewritten(exported, changes))


def test_an_example_that_is_a_malicious_pickle(exported, tmp_path):
    canary = tmp_path / "canary"
    rewritten(exported, {"data/sample_inputs/model.pt": pickle.dumps(samples.Touch(canary), protocol=2)})
    assert "system" in refusal(exported)
    assert not canary.exists()


def test_weights_of_a_program_that_are_no_numbers(exported):
    rewritten(exported, {"data/weights/weight_0": np.full((8, 4), np.nan, np.float32).tobytes()})
    assert "NaN or infinite" in refusal(exported)


@pytest.mark.parametrize("formula", [
    "Symbol('s31', positive=True, integer=True)", "2*Symbol('s0') + 1", "FloorDiv(Symbol('s0'), 2)", "Max(1, u0)", "s0",
    "Mod(Symbol('s0', integer=True), 4)", "L['x'].size()[0] >= 2", "s0**2 - 1", "-int_oo", "args[0].shape[1] == 3"])
def test_formulas_that_are_plain(formula):
    assert expressions.is_plain(formula)


@pytest.mark.parametrize("formula", [
    "__import__('os')", "().__class__", "L['x'].__class__", "lambda: 0", "[x for x in y]", "Symbol('a b')", "S('1')",
    "open('x')", "x if y else z", "f'{x}'", "L['x'].system()", "print(1)", "9" * 50, "a.b.c", "", None, "(" * 3_000])
def test_formulas_that_are_not(formula):
    assert not expressions.is_plain(formula)


# -- ONNX -------------------------------------------------------------------------------------------


def model(weight=None, location=None, **place):
    weight = np.ones((4, 3), np.float32) if weight is None else weight
    tensor = numpy_helper.from_array(weight, "w")
    if location is not None:
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in {"location": location, **place}.items():
            tensor.external_data.add(key=key, value=str(value))
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])], "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 3])], [tensor])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


@pytest.mark.usefixtures("cold")
def test_onnx(tmp_path):
    (tmp_path / "net.pt").write_bytes(model().SerializeToString())
    with open_model(tmp_path / "net.pt") as package:
        assert (package.about.format, package.about.architecture, package.about.parameters) == ("onnx", "net", 12)
        assert package.about.inputs == {"shape": [4], "dtype": "float32"}
        assert package.about.precision == "float32"
        assert set(package.files) == {"model.onnx"}
        assert package.notes == ()


def test_onnx_with_weights_beside_it(tmp_path):
    folder = tmp_path / "net"
    folder.mkdir()
    (folder / "net.onnx").write_bytes(model(location="net.data", offset=4, length=48).SerializeToString())
    (folder / "net.data").write_bytes(b"\0" * 4 + np.ones(12, np.float32).tobytes())
    with open_model(folder) as package:
        assert set(package.files) == {"model.onnx", "net.data"}
    path = samples.zipped(tmp_path / "a.zip", {each.name: each.read_bytes() for each in folder.iterdir()})
    with open_model(path) as package:
        assert set(package.files) == {"model.onnx", "net.data"}
    (folder / "net.data").write_bytes(b"\0" * 20)
    assert "do not fit into 'net.data'" in refusal(folder)
    (folder / "net.data").write_bytes(b"\0" * 4 + np.full(12, np.inf, np.float32).tobytes())
    assert "'w' are NaN or infinite" in refusal(folder)
    (folder / "net.data").unlink()
    assert "not beside it" in refusal(folder)


@pytest.mark.parametrize("location", ["../secret", "/etc/passwd", "C:\\secret", "a/../../secret", ""])
def test_onnx_that_names_files_elsewhere(tmp_path, location):
    (tmp_path / "secret").write_bytes(b"\0" * 48)
    (tmp_path / "net").mkdir()
    path = tmp_path / "net" / "net.onnx"
    path.write_bytes(model(location=location).SerializeToString())
    assert "nothing was read from there" in refusal(path)


def test_onnx_with_a_link_beside_it(tmp_path):
    (tmp_path / "secret").write_bytes(b"\0" * 48)
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "link").symlink_to(tmp_path / "secret")
    path = tmp_path / "net" / "net.onnx"
    path.write_bytes(model(location="link").SerializeToString())
    assert "leads out of its folder" in refusal(path)


def test_onnx_with_weights_that_are_no_numbers(tmp_path):
    path = tmp_path / "net.onnx"
    weight = np.ones((4, 3), np.float32)
    weight[1, 1] = np.nan
    path.write_bytes(model(weight).SerializeToString())
    assert "1 of the 12 values of the tensor 'w'" in refusal(path)


def test_onnx_that_is_no_graph_for_onnxruntime(tmp_path):
    broken = model()
    broken.graph.node[0].op_type = "NoSuchThing"
    (tmp_path / "net.onnx").write_bytes(broken.SerializeToString())
    assert "onnxruntime cannot load it" in refusal(tmp_path / "net.onnx")


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_onnx_that_is_cut_short(tmp_path, share):
    raw = model(np.ones((100, 100), np.float32)).SerializeToString()
    (tmp_path / "net.onnx").write_bytes(raw[:int(len(raw) * share)])
    refusal(tmp_path / "net.onnx")


def test_what_torch_exports_to_onnx_comes_in(tmp_path):
    buffer = io.BytesIO()
    onnx.save(model(), buffer)
    (tmp_path / "net.onnx").write_bytes(buffer.getvalue())
    with open_model(str(tmp_path / "net.onnx")) as package:
        assert package.about.format == "onnx"
