"""Models on their way out: written whole, compared with PyTorch, and loaded by what others use."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from typing import Any

import onnxruntime
import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file
from torch import nn

from nbtrain.core.errors import CancelledError, ConfigError, ModelError
from nbtrain.core.tasks import Progress
from nbtrain.models import architectures
from nbtrain.models.exporting import export, formats_of
from nbtrain.models.package import WEIGHTS, About, Package
from nbtrain.models.registry import Registry

SMALL: dict[str, dict[str, Any]] = {
    "mlp": {"inputs": 5, "hidden": [8]},
    "tabular-mlp": {"numbers": 5, "categories": [4, 3], "hidden": [8]},
    "tabular-resnet": {"numbers": 5, "categories": [4, 3], "width": 8, "inner": 8, "blocks": 1},
    "resnet": {"channels": 1, "width": 4, "blocks": [1, 1]},
    "convnext": {"channels": 1, "width": 4, "blocks": [1, 1]},
    "hrnet": {"channels": 1, "width": 4, "blocks": 1, "exchanges": [1]},
    "lstm": {"features": 3, "hidden": 6, "layers": 1},
    "tcn": {"features": 3, "channels": [4, 4]},
    "hybrid-cnn-lstm": {"features": 3, "channels": [4], "hidden": 4, "layers": 1, "heads": 2},
    "text-transformer": {"vocabulary": 20, "length": 32, "width": 8, "layers": 1, "heads": 2},
}
#: Of another size than the example that was traced, where the model takes any.
OTHER = {
    "mlp": {"x": torch.randn(5, 5)},
    "tabular-mlp": {"numbers": torch.randn(5, 5), "categories": torch.randint(3, (5, 2))},
    "tabular-resnet": {"numbers": torch.randn(5, 5), "categories": torch.randint(3, (5, 2))},
    "resnet": {"x": torch.randn(5, 1, 24, 40)},
    "convnext": {"x": torch.randn(5, 1, 24, 40)},
    "hrnet": {"x": torch.randn(5, 1, 48, 80)},
    "lstm": {"x": torch.randn(5, 24, 3)},
    "tcn": {"x": torch.randn(5, 30, 3)},
    "hybrid-cnn-lstm": {"x": torch.randn(5, 24, 3)},
    "text-transformer": {
        "input_ids": torch.randint(20, (5, 11)), "attention_mask": torch.tensor([[1] * 7 + [0] * 4] * 5)},
}


#: What a caller of ONNX is told of the sizes of `x`; None for a name, which stands for any.
SIZES = {"mlp": [None, 5], "resnet": [None, 1, None, None], "convnext": [None, 1, None, None],
         "hrnet": [None, 1, None, None], "lstm": [None, 24, 3], "tcn": [None, None, 3],
         "hybrid-cnn-lstm": [None, 24, 3]}


@pytest.fixture
def registry():
    return Registry()


@pytest.fixture
def kept(registry, tmp_path):
    """Keeps a built-in architecture, with labels and a recipe; gives the version and the module."""
    def keep(name):
        torch.manual_seed(0)
        net = architectures.build(name, outputs=3, **SMALL[name]).eval()
        save_file(net.state_dict(), tmp_path / WEIGHTS)
        (tmp_path / "recipe.json").write_text('{"steps": []}')
        about = About(
            format="architecture", architecture=name, config=net.config, labels=("بد", "خوب", "cредне"),
            source="file", source_args={"path": "/home/somebody/secret.pt"})
        files = {WEIGHTS: tmp_path / WEIGHTS, "recipe.json": tmp_path / "recipe.json"}
        return registry.add(Package(about, files), name=name), net

    return keep


@pytest.mark.parametrize("name", [
    name for name in architectures.names() if architectures.kind_of(name) != "speech"])  # torch refuses its loop
def test_onnx_gives_what_pytorch_gives_for_inputs_of_other_sizes(kept, tmp_path, name):
    version, net = kept(name)
    view = export(version, "onnx", tmp_path / "out" / "net.onnx")
    assert view["difference"] is not None
    assert view["difference"] <= 1e-4
    assert [file["path"] for file in view["files"]] == ["net.nbtrain.json", "net.onnx", "net.recipe.json"]
    session = onnxruntime.InferenceSession(view["path"], providers=["CPUExecutionProvider"])
    first = session.get_inputs()[0]
    assert first.shape[0] == "rows"
    if name in SIZES:
        assert [size if isinstance(size, int) else None for size in first.shape] == SIZES[name]
    (found,) = session.run(None, {key: value.numpy() for key, value in OTHER[name].items()})
    with torch.no_grad():
        torch.testing.assert_close(torch.from_numpy(found), net(**OTHER[name]), rtol=1e-4, atol=1e-4)
    told = json.loads((tmp_path / "out" / "net.nbtrain.json").read_text("utf-8"))
    assert told["labels"] == ["بد", "خوب", "cредне"]
    assert "secret" not in json.dumps(told)


def test_a_model_of_windows_is_exported_for_windows_as_long_as_those_it_learnt_from(kept, tmp_path):
    version, _ = kept("lstm")
    version = replace(version, about=replace(version.about, inputs={"shape": [7, 3]}))
    view = export(version, "onnx", tmp_path / "net.onnx")
    assert view["note"] == "It takes x (rows, 7, 3)."


def test_an_exported_program_runs_without_the_code_of_the_model(kept, tmp_path):
    version, net = kept("text-transformer")
    view = export(version, "exported", tmp_path / "net.pt2")
    assert view["difference"] == 0.0
    program = torch.export.load(view["path"]).module()
    with torch.no_grad():
        torch.testing.assert_close(
            program(*OTHER["text-transformer"].values()), net(**OTHER["text-transformer"]), rtol=1e-5, atol=1e-6)


def test_safetensors_are_the_weights_themselves_and_the_registry_is_not_touched_by_who_writes_there(kept, tmp_path):
    version, net = kept("mlp")
    view = export(version, "safetensors", tmp_path / "out")
    written = load_file(tmp_path / "out" / WEIGHTS)
    assert all(torch.equal(written[name], value) for name, value in net.state_dict().items())
    (tmp_path / "out" / WEIGHTS).write_bytes(b"spoilt")
    Registry().verify(version.model, version.number)
    assert view["difference"] is None
    assert {file["path"] for file in view["files"]} == {WEIGHTS, "nbtrain.json", "recipe.json"}


def test_a_transformers_model_is_loaded_by_transformers_alone(registry, tmp_path):
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=40, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16)
    net = transformers.BertForSequenceClassification(config).eval()
    net.save_pretrained(tmp_path / "source")
    about = About(format="transformers", architecture="BertForSequenceClassification")
    files = {path.name: path for path in (tmp_path / "source").iterdir()}
    version = registry.add(Package(about, files), name="bert")
    export(version, "transformers", tmp_path / "out")
    again = transformers.AutoModelForSequenceClassification.from_pretrained(tmp_path / "out").eval()
    ids = torch.randint(40, (3, 6))
    with torch.no_grad():
        assert torch.equal(again(input_ids=ids).logits, net(input_ids=ids).logits)
    view = export(version, "onnx", tmp_path / "bert.onnx")
    assert view["difference"] is not None
    assert view["difference"] <= 1e-4


class Own(nn.Module):
    """Of the user's own code."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 2)

    def forward(self, signal):
        return {"logits": self.layer(signal)}


def test_a_module_of_ones_own_is_exported_with_it_at_hand(registry, tmp_path):
    net = Own()
    save_file(net.state_dict(), tmp_path / WEIGHTS)
    about = About(format="module", architecture="Own")
    version = registry.add(Package(about, {WEIGHTS: tmp_path / WEIGHTS}), name="own")
    assert formats_of(about) == ["safetensors"]
    with pytest.raises(ConfigError, match=r"in Python alone: .*module=net, example=batch"):
        export(version, "onnx", tmp_path / "own.onnx")
    with pytest.raises(ModelError, match="Nothing says what Own takes"):
        export(version, "exported", tmp_path / "own.pt2", module=Own())
    view = export(version, "exported", tmp_path / "own.pt2", module=Own(), example=torch.randn(2, 4))
    program, signal = torch.export.load(view["path"]).module(), torch.randn(7, 4)
    assert torch.allclose(program(signal), net(signal)["logits"])


@pytest.mark.parametrize(("format_", "path", "said"), [
    ("onx", "net.onnx", "There is no format 'onx'; there are: safetensors, onnx"),
    ("transformers", "out", "A architecture model cannot become transformers"),
    ("onnx", "net.pt2", "net.pt2 does not end as onnx does; give a file ending in .onnx, or a folder"),
    ("onnx", "", "The path is ''"),
    ("onnx", "there.onnx", "there.onnx is there already; give another path, or say overwrite"),
    ("safetensors", "full", "is there already"),
    ("safetensors", "there.onnx", "does not end as safetensors does"),
])
def test_a_wrong_wish_is_told_before_anything_is_written(kept, tmp_path, format_, path, said):
    version, _ = kept("mlp")
    (tmp_path / "there.onnx").write_bytes(b"mine")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_bytes(b"mine")
    before = sorted(map(str, tmp_path.rglob("*")))
    with pytest.raises(ConfigError) as caught:
        export(version, format_, tmp_path / path if path else path)
    assert said in str(caught.value)
    assert sorted(map(str, tmp_path.rglob("*"))) == before
    assert (tmp_path / "there.onnx").read_bytes() == b"mine"


def test_overwriting_replaces_an_earlier_export_as_a_whole_and_nothing_else(kept, tmp_path):
    version, _ = kept("mlp")
    out = tmp_path / "out"
    export(version, "safetensors", out)
    (out / "stale.safetensors").write_bytes(b"of an earlier model")
    with pytest.raises(ConfigError, match="is there already"):
        export(version, "safetensors", out)
    export(version, "safetensors", out, overwrite=True)
    assert sorted(path.name for path in out.iterdir()) == [WEIGHTS, "nbtrain.json", "recipe.json"]
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_bytes(b"years of work")
    with pytest.raises(ConfigError, match="holds files that no export wrote"):
        export(version, "safetensors", mine, overwrite=True)
    assert [path.name for path in mine.iterdir()] == ["thesis.txt"]


def test_what_lies_beside_a_file_is_not_replaced_unasked(kept, tmp_path):
    version, _ = kept("mlp")
    (tmp_path / "net.nbtrain.json").write_bytes(b"mine")
    with pytest.raises(ConfigError, match=r"net\.nbtrain\.json is there already"):
        export(version, "safetensors", tmp_path / "net.safetensors")
    assert (tmp_path / "net.nbtrain.json").read_bytes() == b"mine"
    assert not (tmp_path / "net.safetensors").exists()
    export(version, "safetensors", tmp_path / "net.safetensors", overwrite=True)
    assert (tmp_path / "net.nbtrain.json").read_bytes() != b"mine"


def test_weights_in_files_of_their_own_need_a_folder(registry, tmp_path):
    for name in ("model.onnx", "weights.bin"):
        (tmp_path / name).write_bytes(b"as it came")
    files = {name: tmp_path / name for name in ("model.onnx", "weights.bin")}
    version = registry.add(Package(About(format="onnx", architecture="Net"), files), name="net")
    with pytest.raises(ConfigError, match=r"do not fit into the one file a\.onnx; give a folder"):
        export(version, "onnx", tmp_path / "out" / "a.onnx")
    assert not (tmp_path / "out").exists()
    view = export(version, "onnx", tmp_path / "out")
    assert [file["path"] for file in view["files"]] == ["model.onnx", "nbtrain.json", "weights.bin"]


def test_what_a_killed_export_left_is_swept_by_the_next(kept, tmp_path):
    version, _ = kept("mlp")
    left = tmp_path / "out" / ".nbtrain-export-0011"
    (left / "files").mkdir(parents=True)
    os.utime(left, (1e9, 1e9))
    export(version, "safetensors", tmp_path / "out" / "net.safetensors")
    assert not left.exists()


@pytest.mark.parametrize("path", [None, 5, "~nobodyofthisname/x", "x" * 300, "a\x00b", "\ud800"])
def test_what_is_no_path_is_told_in_a_sentence(kept, path):
    version, _ = kept("mlp")
    with pytest.raises(ConfigError, match=r"The path is|is no path to write to"):
        export(version, "safetensors", path)


def test_an_example_that_does_not_fit_is_told_in_a_sentence(kept, tmp_path, capfd):
    version, _ = kept("mlp")
    with pytest.raises(ModelError, match=r"mlp does not take the example \(x \(2, 9\)\)"):
        export(version, "onnx", tmp_path / "net.onnx", example=torch.randn(2, 9))
    assert "Traceback" not in "".join(capfd.readouterr())


def test_a_module_that_cannot_be_traced_leaves_nothing(registry, tmp_path):
    class Stubborn(Own):
        def forward(self, signal):
            return self.layer(signal) if signal.sum().item() > 0 else signal

    save_file(Stubborn().state_dict(), tmp_path / WEIGHTS)
    version = registry.add(
        Package(About(format="module", architecture="Stubborn"), {WEIGHTS: tmp_path / WEIGHTS}), name="stubborn")
    (tmp_path / "out").mkdir()
    with pytest.raises(ModelError, match="Stubborn cannot be exported"):
        export(version, "exported", tmp_path / "out" / "x.pt2", module=Stubborn(), example=torch.randn(2, 4))
    assert list((tmp_path / "out").iterdir()) == []


def test_an_export_that_is_called_off_leaves_nothing(kept, tmp_path):
    version, _ = kept("mlp")
    progress = Progress()
    progress.cancel()
    (tmp_path / "out").mkdir()
    with pytest.raises(CancelledError):
        export(version, "onnx", tmp_path / "out" / "net.onnx", progress=progress)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_difference_that_rounding_does_not_explain_is_refused():
    from nbtrain.models.exporting.tracing import largest_difference  # noqa: PLC0415

    same, far = [torch.ones(2, 2)], [torch.ones(2, 2) * 1.2]
    assert largest_difference(same, same, "the file") == 0.0
    for wrong in (far, [torch.full((2, 2), float("nan"))], [torch.ones(2, 3)]):
        with pytest.raises(ModelError, match="it was not written"):
            largest_difference(wrong, same, "the file")
