"""Models to the Hub: the real client, a Hub on this machine."""

from __future__ import annotations

import json

import huggingface_hub
import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from nbtrain.core.errors import ConfigError, HubError
from nbtrain.hub.local import LocalHub
from nbtrain.models import architectures
from nbtrain.models.exporting import push
from nbtrain.models.package import WEIGHTS, About, Package
from nbtrain.models.registry import Registry

TOKEN = "hf_canaryCanaryCanaryCanary"  # noqa: S105 - looked for where it must not be
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content")  # the client's own, of its HTTP library


@pytest.fixture
def hub(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    with LocalHub(token=TOKEN) as server, server.used(tmp_path / "cache"):
        yield server


@pytest.fixture
def mlp(tmp_path):
    net = architectures.build("mlp", inputs=4, outputs=2)
    save_file(net.state_dict(), tmp_path / WEIGHTS)
    about = About(
        format="architecture", architecture="mlp", config=net.config, task="tabular-classification",
        labels=("نه", "بله"), parameters=9, metrics={"accuracy": 0.91}, source_args={"path": "/home/me/x"})
    return Registry().add(Package(about, {WEIGHTS: tmp_path / WEIGHTS}), name="mlp"), net


def test_what_was_pushed_comes_back_the_same_with_a_card(hub, mlp):
    version, net = mlp
    address = push(version, "local/mlp")
    assert address == f"{hub.address}/local/mlp"
    folder = huggingface_hub.snapshot_download("local/mlp", token=TOKEN)
    found = load_file(f"{folder}/{WEIGHTS}")
    assert all(torch.equal(found[name], value) for name, value in net.state_dict().items())
    with open(f"{folder}/nbtrain.json", encoding="utf-8") as file:  # noqa: PTH123 - a path of the client's
        told = json.load(file)
    assert told["labels"] == ["نه", "بله"]
    card = huggingface_hub.ModelCard.load(f"{folder}/README.md")
    assert card.data.pipeline_tag == "tabular-classification"
    assert "| accuracy | 0.91 |" in card.text
    assert "/home/me" not in json.dumps(told) + card.text
    with pytest.raises(huggingface_hub.errors.RepositoryNotFoundError):
        huggingface_hub.HfApi(token=False).model_info("local/mlp")  # a new one is private


def test_a_transformers_model_is_loaded_from_the_hub_by_transformers(hub, tmp_path):
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=40, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16)
    net = transformers.BertForSequenceClassification(config).eval()
    net.save_pretrained(tmp_path / "source")
    about = About(format="transformers", architecture="BertForSequenceClassification")
    version = Registry().add(Package(about, {path.name: path for path in (tmp_path / "source").iterdir()}))
    push(version, "local/bert", private=False)
    again = transformers.AutoModelForSequenceClassification.from_pretrained("local/bert", token=TOKEN).eval()
    ids = torch.randint(40, (3, 6))
    with torch.no_grad():
        assert torch.equal(again(input_ids=ids).logits, net(input_ids=ids).logits)


def test_weights_that_were_there_before_do_not_stay_beside_the_new_ones(hub, mlp):
    hub.add("local/mlp", {"model-00001-of-00002.safetensors": b"old", "pytorch_model.bin": b"old", "data.csv": b"mine"})
    push(mlp[0], "local/mlp")
    files = set(huggingface_hub.HfApi().list_repo_files("local/mlp", token=TOKEN))
    assert files == {WEIGHTS, "nbtrain.json", "README.md", "data.csv"}


def test_a_card_that_is_there_stays(hub, mlp):
    hub.add("local/mlp", {"README.md": b"# Mine"})
    push(mlp[0], "local/mlp")
    path = huggingface_hub.hf_hub_download("local/mlp", "README.md", token=TOKEN)
    with open(path, encoding="utf-8") as file:  # noqa: PTH123 - a path of the client's
        assert file.read() == "# Mine"


@pytest.mark.parametrize("name", ["mlp", "a/b/c", "../x", "a b/c", ""])
def test_a_wrong_name_is_told_before_anything_is_sent(hub, mlp, name):
    with pytest.raises(ConfigError, match="names look like owner/name"):
        push(mlp[0], name)
    assert not hub.log


def test_who_may_not_write_is_told_without_the_token(hub, mlp, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_another")
    with pytest.raises(HubError, match=r"may not be|log in") as caught:
        push(mlp[0], "local/mlp")
    assert "hf_another" not in str(caught.value)
    assert "local/mlp" not in hub.repositories
