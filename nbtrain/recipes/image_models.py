"""Models of the recipes of pictures: ours, of transformers, of timm, of the registry, or an object of the user's."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter

from nbtrain.core.errors import ModelError, ModelNotFoundError
from nbtrain.engine.randomness import Turn
from nbtrain.models import architectures, pretrained
from nbtrain.models.architectures.heatmaps import REACH, framed
from nbtrain.models.architectures.hrnet import HRNet
from nbtrain.models.registry import Registry
from nbtrain.recipes import building, language_models, probing
from nbtrain.recipes.base import Order

#: Before the name of one of timm's models.
TIMM = "timm:"
#: Architectures that learn classes of images, the recommended one first.
CLASSIFIERS = ("resnet", "convnext")
_AUTO = "AutoModelForImageClassification"
#: Channels of a head over the features of a foreign network.
_HEAD = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A module, and what the user should know of it."""

    module: nn.Module
    name: str
    origin: Mapping[str, Any] | None
    """As `Prepared.model_origin`."""
    notes: tuple[str, ...] = ()
    argument: str | None = None
    """By which name its forward pass takes images."""
    reach: int = REACH
    """Of a model of points: how far around a peak it looks; see `heatmaps.points_of`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """How a model that has learnt already wants its images; None where it leaves that to the data."""

    size: int | None = None
    grey: bool | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None


# -- classes ------------------------------------------------------------------------------------------


def classifier(order: Order, shape: tuple[int, int, int], classes: Sequence[str]) -> Opened:
    """The module that learns these classes.

    Args:
        order: whose model is a name, a module, or None for the recommended one.
        shape: of an image: channels, height, width.
        classes: in the order of their numbers.

    Raises:
        ModelNotFoundError, ModelError, HubError: there is none of this name, or it does not fit.
    """
    if isinstance(order.model, nn.Module):
        name, argument = type(order.model).__name__, _argument(order.model)
        return Opened(module=order.model, name=name, origin=None, argument=argument)
    given = _timm_name(order)
    if given is not None:
        config = {"num_classes": len(classes), "in_chans": shape[0]}
        module = _timm(given, order.config["seed"], again=order.model_origin is not None, **config)
        return Opened(module=module, name=given, origin={"from": "timm", "name": given})
    if _of_transformers(order):
        return _pretrained(order, classes)
    sizes = {name: {"channels": shape[0], "outputs": len(classes)} for name in CLASSIFIERS}
    built = building.built(order, CLASSIFIERS, sizes)
    return Opened(module=built.module, name=built.name, origin=built.origin)


def wish_of(order: Order) -> Wish:
    """How the order's model wants images. Raises as `classifier`."""
    if isinstance(order.model, nn.Module):
        wish = _wish(None, getattr(order.model, "config", None))
        if wish.grey is None:
            wish = replace(wish, grey=grey_of(order.model, wish.size or order.config["image_size"]))
        return wish
    given = _timm_name(order)
    if given is not None:
        return _timm_wish(given)
    if not _of_transformers(order):
        return Wish()
    with language_models.found(order, CLASSIFIERS[0]) as source:
        return _wish(source.folder, language_models._config(source))  # noqa: SLF001 - shared within the room


def grey_of(module: nn.Module, size: int) -> bool | None:
    """Whether a module of the user's takes images of one channel, and none of three, by trying both; None: unknown.

    Args:
        module: is asked in evaluation mode, and stays as it is.
        size: pixels of a side of the images that it is to be given.
    """
    if any(isinstance(each, UninitializedParameter | UninitializedBuffer)
           for each in (*module.parameters(), *module.buffers())):
        return None  # to try would settle it
    coloured, grey = (probing.takes(module, (channels, size, size), _argument(module)) for channels in (3, 1))
    return grey if coloured != grey else None


def _argument(module: nn.Module) -> str | None:
    """By which name its forward pass takes images; None: the first that it takes."""
    return "pixel_values" if getattr(module, "main_input_name", "") == "pixel_values" else None


def _of_transformers(order: Order) -> bool:
    """Whether a folder of transformers is meant: of the Hub, or of the registry."""
    if order.model_origin is not None:
        return "transformers" in order.model_origin
    given = order.model
    if not isinstance(given, str) or architectures.is_architecture(given) or given.startswith(building.ARCHITECTURE):
        return False
    if given.startswith(language_models.HUB):
        return True
    try:
        return Registry().version(given.removeprefix(building.MODEL)).about.format == "transformers"
    except ModelNotFoundError:
        return "/" in given and not given.startswith(building.MODEL)


def _pretrained(order: Order, classes: Sequence[str]) -> Opened:
    with language_models.found(order, CLASSIFIERS[0]) as source:
        stored = (order.model_origin or {}).get("transformers")
        changes, notes = (
            (stored, ()) if stored is not None
            else language_models._changes(source, _AUTO, classes))  # noqa: SLF001 - shared within the room
        assert source.folder is not None  # noqa: S101 - no other source is of transformers
        assert source.about is not None  # noqa: S101 - likewise
        with _drawing(order.config["seed"]):
            module = pretrained.build(source.folder, source.about, changes, order.config["seed"])
        return Opened(
            module=module, name=source.name, origin={**(source.origin or {}), "transformers": changes}, notes=notes,
            argument="pixel_values")


def _wish(folder: Path | None, config: Any) -> Wish:
    """By the model's own processor, where it lies beside it, else by its config."""
    told: dict[str, Any] = {}
    if folder is not None and (folder / "preprocessor_config.json").is_file():
        told = json.loads((folder / "preprocessor_config.json").read_text(encoding="utf-8"))
    size = getattr(config, "image_size", None)
    if size is None and config is not None:
        size = _side(told.get("crop_size") if told.get("do_center_crop") else told.get("size"))
    channels = getattr(config, "num_channels", None)
    normal = told.get("do_normalize", True) and told.get("image_mean") and told.get("image_std")
    return Wish(
        size=_side(size), grey=None if channels is None else channels == 1,
        mean=tuple(map(float, told["image_mean"])) if normal else None,
        std=tuple(map(float, told["image_std"])) if normal else None)


def _side(size: Any) -> int | None:
    """Pixels of a side, however a processor says them."""
    if isinstance(size, Mapping):
        size = size.get("height") or size.get("shortest_edge")
    if isinstance(size, list | tuple):
        size = max(size, default=None)
    return int(size) if isinstance(size, int | float) and size else None


# -- points -------------------------------------------------------------------------------------------


def localiser(order: Order, shape: tuple[int, int, int], points: int, reach: int) -> Opened:
    """The module that gives a heatmap for each point, and the points themselves where it is given frames.

    Args:
        order: whose model is a name, a module that gives heatmaps, or None for ours.
        shape: of an image: channels, height, width.
        points: how many.
        reach: see `heatmaps.points_of`.

    Raises:
        ModelNotFoundError, ModelError: there is none of this name, or it does not fit.
    """
    if isinstance(order.model, nn.Module):
        own = order.model
        if not isinstance(own, HRNet | Localiser):
            return Opened(module=Localiser(own, reach), name=type(own).__name__, origin=None, reach=reach)
        if isinstance(own, HRNet) and own.config["outputs"] != points:
            raise ModelError(
                f"The model gives {own.config['outputs']} heatmaps, and the data has {points} landmarks; build it with "
                f"outputs={points}.")
        return Opened(module=own, name=type(own).__name__, origin=None, reach=own.reach)
    given = _timm_name(order)
    if given is not None:
        again = order.model_origin is not None
        features = _timm(given, order.config["seed"], again=again, features_only=True, in_chans=shape[0])
        with _drawing(order.config["seed"]):
            module = Localiser(Features(features, points), reach)
        return Opened(module=module, name=given, origin={"from": "timm", "name": given}, reach=reach)
    sizes: dict[str, Any] = {"channels": shape[0], "outputs": points}
    if order.model in {None, "hrnet", building.ARCHITECTURE + "hrnet"}:
        sizes["reach"] = reach
    built = building.built(order, ("hrnet",), {"hrnet": sizes})
    assert isinstance(built.module, HRNet)  # noqa: S101 - the only one that fits
    return Opened(module=built.module, name=built.name, origin=built.origin, reach=built.module.reach)


class Localiser(nn.Module):
    """A module that gives heatmaps, so that given frames it gives points; see `HRNet`."""

    def __init__(self, net: nn.Module, reach: int) -> None:
        super().__init__()
        self.net, self.reach = net, reach

    def forward(self, x: Tensor, frame: Tensor | None = None) -> Tensor:
        """`x` (rows, channels, height, width) → heatmaps, or points of the frames."""
        maps: Tensor = self.net(x)
        return maps if frame is None else framed(maps, frame, (x.shape[2], x.shape[3]), self.reach)


class Features(nn.Module):
    """Heatmaps from the features that a network of timm's has at several resolutions, all seen at the finest."""

    def __init__(self, net: Any, points: int) -> None:
        super().__init__()
        self.net = net
        fine = [place for place, step in enumerate(net.feature_info.reduction()) if step >= 4]  # finer ones cost most
        self._used = fine or [len(net.feature_info.reduction()) - 1]
        channels = sum(net.feature_info.channels()[place] for place in self._used)
        self.head = nn.Sequential(
            nn.Conv2d(channels, _HEAD, 1, bias=False), nn.BatchNorm2d(_HEAD), nn.ReLU(), nn.Conv2d(_HEAD, points, 1))

    def forward(self, x: Tensor) -> Tensor:
        found = self.net(x)
        views = [found[place] for place in self._used]
        size = views[0].shape[2:]
        alike = [functional.interpolate(view, size, mode="bilinear", align_corners=False) for view in views]
        maps: Tensor = self.head(torch.cat(alike, 1))
        return maps


# -- timm -----------------------------------------------------------------------------------------------


def _timm_name(order: Order) -> str | None:
    origin = order.model_origin
    if origin is not None:
        return str(origin["name"]) if origin["from"] == "timm" else None
    given = order.model
    return given if isinstance(given, str) and given.startswith(TIMM) else None


def _library(given: str) -> Any:
    try:
        return importlib.import_module("timm")
    except ImportError:
        raise ModelError(f"{given} needs timm; install it with: pip install 'nbtrain[vision]'.") from None


@contextmanager
def _drawing(seed: int) -> Iterator[None]:
    """Fresh weights are drawn by this seed, from generators that all threads share: no run draws meanwhile."""
    with Turn(seed, torch.device("cpu")).at("model"), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def _timm(given: str, seed: int, *, again: bool, **options: Any) -> nn.Module:
    """A model of timm's; one whose name says which weights (``timm:resnet18.a1_in1k``) has learnt already."""
    timm = _library(given)
    name = given.removeprefix(TIMM)
    with _drawing(seed):
        try:
            module: nn.Module = timm.create_model(name, pretrained="." in name and not again, **options)
        except Exception as error:
            first = (str(error).splitlines() or [""])[0]
            raise ModelError(f"timm cannot make {name!r}: {type(error).__name__}: {first}.") from error
    return module


def _timm_wish(given: str) -> Wish:
    timm = _library(given)
    name = given.removeprefix(TIMM)
    known = timm.models.get_pretrained_cfg(name) if timm.is_model(name.partition(".")[0]) else None
    if known is None:
        return Wish()
    told = known.to_dict()
    learnt = "." in name
    fixed = told.get("fixed_input_size") or learnt
    return Wish(
        size=int(told["input_size"][-1]) if fixed and told.get("input_size") else None, grey=False if learnt else None,
        mean=tuple(told["mean"]) if learnt and "mean" in told else None,
        std=tuple(told["std"]) if learnt and "std" in told else None)
