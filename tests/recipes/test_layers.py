"""Layers of networks of images: which they are, which stay as they are in a run, and which learn slower."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from nbtrain import training
from nbtrain.core.errors import ConfigError, ModelError
from nbtrain.models import architectures
from nbtrain.recipes import layers, probing
from tests.recipes.drawn import folder_of_shapes


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return folder_of_shapes(tmp_path_factory.mktemp("shapes") / "shapes")


def train(model, data, **options):
    known = {"image_size": 32, "epochs": 1, "batch_size": 8, "use_augmentation": False, "warmup_epochs": 0.0}
    return training.train(model, data, recipe="image-classification", show=False, **(known | options))


@pytest.mark.parametrize(("name", "sizes", "stages"), [
    ("resnet", {"width": 4, "blocks": [2, 1]}, ["stem", "stages.0 stages.1", "stages.2"]),
    ("convnext", {"width": 8, "blocks": [1, 2]}, ["stem", "stages.0", "stages.1 stages.2 stages.3"]),
])
def test_stages_of_our_networks_are_layers(name, sizes, stages):
    net = architectures.build(name, outputs=3, **sizes)
    rate = layers.rates(net, 0.5)
    assert rate is not None
    for depth, parts in enumerate(stages):
        for part in parts.split():
            found = {rate(each) for each, _ in net.named_parameters() if each.startswith(part + ".")}
            assert found == {0.5 ** (3 - depth)}
    assert rate("head.weight") == 1.0
    learning = {each for each, _ in net.named_parameters()} - layers.frozen(net, 1)
    assert learning == {each for each, _ in net.named_parameters() if rate(each) > 0.25}


class Stages(nn.Module):
    """As torchvision lays out a network: its parts are called one after the other, each a chain of blocks."""

    def __init__(self, lengths=(1, 3, 2)):
        super().__init__()
        self.stem, self.norm = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)
        for number, length in enumerate(lengths):
            chain = [nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4), nn.Conv2d(4, 4, 1))] * length
            self.add_module(f"layer{number}", nn.Sequential(*chain))
        self.head = nn.Linear(4, 3)

    def forward(self, x):
        for name, part in self.named_children():
            x = part(x.mean((2, 3)) if name == "head" else x)
        return x


def test_stages_of_ones_own_network_are_found_and_none_are_told(folder):
    assert list(layers.blocks(Stages())) == ["layer0", "layer1", "layer2"]
    assert learnt(Stages(), folder, frozen_layers=2, layer_decay=0.5) == {"layer2", "head"}
    flat = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3))
    with pytest.raises(ModelError, match=r"frozen_layers needs .* stages of several convolutions, and Sequential has"):
        train(flat, folder, frozen_layers=1)


def learnt(net, folder, **options):
    """The first parts of the names of what a run changes in a module."""
    before = {name: each.detach().clone() for name, each in net.named_parameters()}
    run = train(net, folder, **options)
    assert run.wait() == "finished"
    return {name.split(".")[0] for name, each in net.named_parameters() if not torch.equal(each, before[name])}


def test_a_frozen_layer_learns_again_in_the_next_run_but_not_what_its_owner_froze(folder):
    net = Stages()
    net.norm.requires_grad_(requires_grad=False)
    assert learnt(net, folder, frozen_layers=2) == {"layer2", "head"}
    with pytest.raises(ConfigError, match="heatmap_sigma"):
        train(net, folder, frozen_layers=1, heatmap_sigma=1.0)
    with pytest.raises(ConfigError, match="no metric"):  # by the engine, after all was prepared
        train(net, folder, frozen_layers=1, monitor="val_nothing")
    assert learnt(net, folder) == {"stem", "layer0", "layer1", "layer2", "head"}
    assert not any(each.requires_grad for each in net.norm.parameters())


class Turned(Stages):
    """The same, with its parts made in another order than they are called in."""

    def __init__(self, head):
        super().__init__()
        parts = dict(self.named_children())
        self._modules = {"head": head, **{name: parts[name] for name in reversed(parts) if name != "head"}}

    def forward(self, x):
        for name in ("stem", "norm", "layer0", "layer1", "layer2"):
            x = self.get_submodule(name)(x)
        x = self.head(x if isinstance(self.head, nn.Sequential) else x.mean((2, 3)))
        return x.mean((2, 3)) if x.ndim == 4 else x


@pytest.mark.parametrize("head", [
    nn.Linear(4, 3), nn.Sequential(nn.Conv2d(4, 8, 3), nn.ReLU(), nn.Conv2d(8, 3, 1))])
def test_the_head_is_what_makes_the_outputs_wherever_it_stands_in_a_module(folder, head):
    net = Turned(head)
    used = probing.used(net, (3, 32, 32), None)
    assert list(layers.blocks(net, used)) == ["layer0", "layer1", "layer2"]
    rate = layers.rates(net, 0.5, used)
    assert rate is not None
    assert [rate(f"{name}.weight") for name in ("stem", "layer0.0.0", "layer2.0.0")] == [0.0625, 0.125, 0.5]
    assert {rate(f"head.{name}") for name, _ in head.named_parameters()} == {1.0}
    assert learnt(net, folder, frozen_layers=1) == {"layer1", "layer2", "head"}
    assert learnt(net, folder, frozen_layers=3) == {"head"}
    with pytest.raises(ConfigError, match="has 3 layers; use at most 3, which lets the head alone learn"):
        train(net, folder, frozen_layers=4)
