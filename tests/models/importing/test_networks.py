"""Models that a library builds from a config: what does not fit is named, what wants code is asked about."""

from __future__ import annotations

import json
import os
import shutil

import numpy as np
import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file
from torch import nn

import nbtrain.models
from nbtrain.core.errors import ModelError, ModelFileError
from nbtrain.models import architectures
from nbtrain.models.importing import NeedsPermission, open_model
from nbtrain.models.package import WEIGHTS
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


@pytest.fixture
def own(tmp_path, bert):
    """A folder of a model that may be changed."""
    shutil.copytree(bert, tmp_path / "own")
    return tmp_path / "own"


def change(folder, **values):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


@pytest.mark.usefixtures("cold")
def test_a_folder_of_transformers(own, workspace):
    (own / "train.py").write_text("raise SystemExit")
    (own / "pytorch_model.bin").write_bytes(b"\x80\x02N.")
    with open_model(own) as package:
        about = package.about
        assert (about.format, about.architecture, about.task) == (
            "transformers", "BertForSequenceClassification", "text-classification")
        assert about.labels == ("bad", "fair", "good")
        assert about.inputs == {"kind": "text"}
        assert about.parameters == transformers.AutoModelForSequenceClassification.from_pretrained(own).num_parameters()
        assert set(package.files) == {"config.json", "tokenizer.json", WEIGHTS}
        assert package.notes == ("2 files were left out: pytorch_model.bin, train.py.",)
    assert os.listdir(workspace / "imports") == []


def test_weights_of_other_sizes_are_named(own):
    change(own, num_hidden_layers=3, intermediate_size=64)
    said = refusal(own)
    assert "missing: bert.encoder.layer.2." in said
    assert "of another shape: " in said
    assert "[32, 16] instead of [64, 16]" in said


@pytest.mark.slow
def test_layers_that_the_config_does_not_know(own):
    change(own, num_hidden_layers=1)
    assert "of layers that it has not: bert.encoder.layer.1." in refusal(own)


@pytest.mark.slow
def test_tensors_that_are_not_used_are_told(own):
    tensors = load_file(own / WEIGHTS)
    tensors["cls.other.bias"] = torch.zeros(3)
    save_file(tensors, own / WEIGHTS, {"format": "pt"})
    with open_model(own) as package:
        assert "cls.other.bias" in package.notes[0]


@pytest.mark.slow
@pytest.mark.parametrize(("values", "said"), [
    ({"hidden_size": 2**22, "vocab_size": 2**23}, "parameters, and the files hold 13,8"),
    ({"model_type": "nosuch"}, "names the model type 'nosuch', which transformers"),
    ({"architectures": ["NoSuchModel"]}, "names the architecture 'NoSuchModel'"),
    ({"architectures": ["AutoConfig"]}, "names the architecture 'AutoConfig'"),
    ({"num_attention_heads": 3}, "config.json does not describe a model"),
])
def test_configs_that_describe_no_such_model(own, values, said):
    change(own, **values)
    assert said in refusal(own)


@pytest.mark.parametrize(("values", "said"), [
    ({"num_hidden_layers": 10**9}, "num_hidden_layers is 1,000,000,000"),
    ({"attn_implementation": "someone/kernel"}, "would be fetched and run"),
    ({"text_config": {"_attn_implementation": {"": "someone/kernel"}}}, "would be fetched and run"),
])
def test_configs_that_are_not_even_tried(own, values, said):
    change(own, **values)
    assert said in refusal(own)


@pytest.mark.parametrize("text", [b"{", b"[]", b'{"a":1,"a":2,"model_type":"bert"}', b"\xff", b"{" * 100_000])
def test_configs_that_are_no_json(own, text):
    (own / "config.json").write_bytes(text)
    assert refusal(own).startswith("config.json: ")


@pytest.mark.slow
def test_weights_that_predict_no_numbers(own):
    tensors = load_file(own / WEIGHTS)
    save_file({name: tensor * 1e38 for name, tensor in tensors.items()}, own / WEIGHTS, {"format": "pt"})
    said = refusal(own)
    assert "predicts NaN or infinite" in said or "are NaN or infinite" in said


def test_weights_that_are_not_there(own):
    (own / WEIGHTS).unlink()
    assert "no weights beside it" in refusal(own)


@pytest.mark.parametrize("file", ["tf_model.h5", "flax_model.msgpack", "model.onnx", "onnx/model.onnx"])
def test_weights_of_other_libraries(own, file):
    (own / WEIGHTS).unlink()
    (own / file).parent.mkdir(exist_ok=True)
    (own / file).write_bytes(b"x")
    said = refusal(own)
    assert said.startswith(f"{file}: weights of this kind are not supported beside a config.json; there are safeten")
    assert "fetch" not in said
    assert ("import the .onnx file alone" in said) == file.endswith(".onnx")


@pytest.mark.usefixtures("cold")
def test_code_of_the_model_runs_only_when_it_is_allowed(own, tmp_path):
    (own / "net.py").write_text(
        f"open({str(tmp_path / 'canary')!r}, 'w')\nfrom transformers import BertForSequenceClassification, BertConfig\n"
        "class Config(BertConfig):\n    model_type = 'own'\n"
        "class Net(BertForSequenceClassification):\n    config_class = Config\n")
    code = {"AutoConfig": "net.Config", "AutoModelForSequenceClassification": "net.Net"}
    change(own, model_type="own", architectures=["Net"], auto_map=code)
    with pytest.raises(NeedsPermission) as caught, open_model(own):
        pass
    assert caught.value.question == "remote_code"
    assert not (tmp_path / "canary").exists()
    assert "tried what a model may not do (open" in refusal(own, trust_remote_code=True)  # allowed is not unwatched
    assert not (tmp_path / "canary").exists()
    text = (own / "net.py").read_text()
    (own / "net.py").write_text(text.split("\n", 1)[1])
    with open_model(own, trust_remote_code=True) as package:
        assert package.about.remote_code
        assert package.about.architecture == "Net"
        assert "net.py" in package.files


@pytest.mark.usefixtures("cold")
def test_code_of_the_model_that_takes_what_nobody_knows(own):
    """Its forward pass has no name for made-up inputs: that is said, and it comes in."""
    (own / "net.py").write_text(
        "import torch\nfrom transformers import PretrainedConfig, PreTrainedModel\n"
        "class Config(PretrainedConfig):\n    model_type = 'own'\n"
        "class Net(PreTrainedModel):\n    config_class = Config\n"
        "    def __init__(self, config):\n        super().__init__(config)\n"
        "        self.layer = torch.nn.Linear(2, 2)\n        self.post_init()\n"
        "    def forward(self, inputs):\n        return self.layer(inputs)\n")
    config = {"model_type": "own", "architectures": ["Net"],
              "auto_map": {"AutoConfig": "net.Config", "AutoModel": "net.Net"}}
    (own / "config.json").write_text(json.dumps(config))
    save_file({f"layer.{name}": tensor for name, tensor in nn.Linear(2, 2).state_dict().items()}, own / WEIGHTS,
              {"format": "pt"})
    with open_model(own, trust_remote_code=True) as package:
        assert package.about.architecture == "Net"
        assert "It was not tried: what goes into it is not known." in package.notes


def test_code_of_another_repository(own):
    change(own, auto_map={"AutoModel": "someone/else--net.Net"})
    assert "code of another repository" in refusal(own, trust_remote_code=True)


def test_a_tokenizer_that_wants_code(own):
    (own / "tokenizer_config.json").write_text(json.dumps({"auto_map": {"AutoTokenizer": ["tok.Tok", None]}}))
    with pytest.raises(NeedsPermission, match="tokenizer_config"), open_model(own):
        pass


@pytest.mark.slow
def test_links_out_of_the_folder_are_not_followed(own, tmp_path):
    (tmp_path / "secret.txt").write_text("secret")
    (own / "vocab.txt").symlink_to(tmp_path / "secret.txt")
    with open_model(own) as package:
        assert "vocab.txt" not in package.files


# -- architectures of ours --------------------------------------------------------------------------

CONFIG = {"inputs": 4, "outputs": 3, "hidden": [8]}


@pytest.fixture(scope="module")
def mlp():
    return architectures.build("mlp", **CONFIG)


@pytest.mark.parametrize("told", ["metadata", "beside", "module"])
def test_a_built_in_architecture(tmp_path, mlp, told):
    path = tmp_path / "net.safetensors"
    metadata = {"nbtrain.architecture": "mlp", "nbtrain.config": json.dumps(mlp.config)}
    save_file(mlp.state_dict(), path, metadata if told == "metadata" else None)
    if told == "beside":
        (tmp_path / "nbtrain.json").write_text(json.dumps(
            {"about": {"architecture": "mlp", "config": mlp.config, "labels": ["a", "b", "c"]}}))
    with open_model(path, module=mlp if told == "module" else None) as package:
        assert (package.about.format, package.about.architecture) == ("architecture", "mlp")
        assert architectures.build("mlp", **package.about.config).config == mlp.config
        assert package.about.inputs == {"kind": "tabular"}
        assert package.about.labels == (("a", "b", "c") if told == "beside" else ())


@pytest.mark.usefixtures("cold")
def test_what_an_export_wrote_beside_a_file(tmp_path, mlp):
    about = json.dumps({"architecture": "mlp", "config": mlp.config, "labels": ["a", "b", "c"], "source": "run"})
    save_file(net().state_dict(), tmp_path / "other.safetensors")
    save_file(mlp.state_dict(), tmp_path / "net.safetensors")
    (tmp_path / "nbtrain.json").write_text(about)  # of nobody knows which of them
    with open_model(tmp_path / "other.safetensors") as package:
        assert package.about.format == "module"
    (tmp_path / "net.nbtrain.json").write_text(about)
    (tmp_path / "net.recipe.json").write_text("{}")
    with open_model(tmp_path / "net.safetensors") as package:
        assert package.about.labels == ("a", "b", "c")
        assert package.about.source == "file"
        assert set(package.files) == {WEIGHTS, "recipe.json"}
    (tmp_path / "net.nbtrain.json").write_text("{")
    with open_model(tmp_path / "net.safetensors") as package:
        assert package.about.format == "module"
        assert "was not used" in package.notes[0]


def test_a_recipe_comes_with_its_tokenizers(tmp_path, mlp):
    for name, text in {"recipe.json": "{}", "tokenizer-ab.json": "{}", "notes.json": "{}"}.items():
        (tmp_path / name).write_text(text)
    save_file(mlp.state_dict(), tmp_path / "net.safetensors")
    for given in (tmp_path, tmp_path / "net.safetensors"):
        with open_model(given) as package:
            assert set(package.files) == {WEIGHTS, "recipe.json", "tokenizer-ab.json"}
    (tmp_path / "recipe.json").write_text("[")
    assert refusal(tmp_path).startswith("recipe.json: ")


@pytest.mark.parametrize(("config", "said"), [
    (CONFIG | {"hidden": [9]}, "of another shape"), (CONFIG | {"hidden": [8, 8]}, "missing"), ({"outputs": 3}, "lacks"),
    (CONFIG | {"code": 1}, "has no 'code'"),
])
def test_a_built_in_architecture_of_another_config(tmp_path, mlp, config, said):
    path = tmp_path / "net.safetensors"
    save_file(mlp.state_dict(), path, {"nbtrain.architecture": "mlp", "nbtrain.config": json.dumps(config)})
    assert said in refusal(path)


# -- objects of the notebook ------------------------------------------------------------------------


def test_objects(mlp, bert, workspace):
    tied = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    tied[1].weight = tied[0].weight
    with open_model(tied) as package:
        assert (package.about.format, package.about.architecture, package.about.source) == (
            "module", "Sequential", "object")
        assert set(load_file(package.files[WEIGHTS])) == {"0.weight", "0.bias", "1.weight", "1.bias"}
    with open_model(nn.DataParallel(mlp)) as package:
        assert (package.about.format, package.about.config) == ("architecture", mlp.config)
    with open_model(transformers.AutoModelForSequenceClassification.from_pretrained(bert)) as package:
        assert (package.about.format, package.about.labels) == ("transformers", ("bad", "fair", "good"))
        assert set(package.files) >= {"config.json", WEIGHTS}
    with open_model(net().state_dict()) as package:
        assert package.about.parameters == 67
    with open_model(torch.export.export(net(), (torch.zeros(2, 4),))) as package:
        assert set(package.files) == {"model.pt2"}
    assert os.listdir(workspace / "imports") == []


@pytest.mark.parametrize(("given", "said"), [
    (3, "A int is no model"), ({}, "has no weights"), (nn.ReLU(), "ReLU has no weights"),
    ({"a": torch.tensor([torch.nan])}, "NaN or infinite"), (nn.Linear(2, 2, device="meta"), "with values"),
    ({"a": torch.tensor([complex(0, torch.nan)])}, "a of state_dict has values that are NaN or infinite"),
    ({"a": torch.tensor([torch.nan]).to(torch.float8_e4m3fn)}, "NaN or infinite"),
    ({"a": torch.ones(2, dtype=torch.complex128)}, "of the type complex128, which safetensors does not keep; convert"),
    (object(), "A object is no model"), (np.zeros(3), "A ndarray is no model"),
])
def test_objects_that_are_no_model(given, said):
    with pytest.raises(ModelError, match=said), open_model(given):
        pass


@pytest.mark.parametrize("tensor", [
    torch.tensor([1e300], dtype=torch.float64), torch.tensor([1j]), torch.ones(2).to(torch.float8_e5m2),
    torch.ones(2).to(torch.float8_e4m3fn), torch.ones(2).to(torch.uint16)], ids=lambda tensor: str(tensor.dtype))
def test_tensors_of_all_types_that_are_kept(tensor):
    with open_model({"a": tensor}) as package:
        assert torch.equal(load_file(package.files[WEIGHTS])["a"].view(torch.uint8), tensor.view(torch.uint8))


@pytest.mark.parametrize(("path", "said"), [
    ("~nosuchuser/x", "~nosuchuser/x: this cannot be the path of a model (there is no such user); look"),
    ("a\0b", "a?b: this cannot be the path of a model (it has a character that no path has)"),
    ("\udc80", "?: this cannot be the path of a model (it has a character"), ("a" * 300, "(File name too long)"),
    (f"{__file__}/x", "(Not a directory)"), ("nowhere", "nowhere: there is no such file or folder")])
def test_paths_that_are_none(path, said):
    assert said in refusal(path)
    with pytest.raises(ModelFileError) as caught:
        nbtrain.models.import_(path)
    assert said in str(caught.value)


def test_folders_of_other_things(tmp_path):
    (tmp_path / "a").mkdir()
    assert "no model in it" in refusal(tmp_path / "a")
    (tmp_path / "a" / "adapter_config.json").write_text("{}")
    assert "a: it is an adapter of PEFT" in refusal(tmp_path / "a")
    assert "someone/adapter: it is an adapter of PEFT" in refusal(tmp_path / "a", called="someone/adapter")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "saved_model.pb").write_bytes(b"x")
    assert "TensorFlow" in refusal(tmp_path / "b")
    (tmp_path / "c").mkdir()
    samples.zipped(tmp_path / "c" / "net.zip", {"a": b"b"})
    assert "archive in an archive or folder" in refusal(tmp_path / "c")
