"""`image-classification`: one class for each image.

    nbtrain.train("convnext", "flowers/", recipe="image-classification", image_size=128)

Images may be of any size, format and depth; they are made square (see `decoding`), and changed by chance while training
by the dataset's own step `augment_image`, or by ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import nn

from nbtrain.core.errors import DataError
from nbtrain.data.columns import Kind
from nbtrain.data.examples import TARGETS
from nbtrain.data.processing import AugmentImage
from nbtrain.data.splits.spec import SplitSpec
from nbtrain.engine.losses import Weighted
from nbtrain.recipes import goals, layers, probing
from nbtrain.recipes.base import Columns, Order, Prepared
from nbtrain.recipes.goals import Goal
from nbtrain.recipes.image_models import TIMM, Wish, classifier, wish_of
from nbtrain.recipes.judging.goal import of_goal
from nbtrain.recipes.judging.showing import Cells, Places
from nbtrain.recipes.judging.verdict import Judge
from nbtrain.recipes.pictures import Pictures, augmentation, chance, image_column, named, normalised

if TYPE_CHECKING:
    from nbtrain.config import TrainConfig
    from nbtrain.data.table import Table

#: How an image is changed while training, where its dataset does not say.
CHANGES = AugmentImage(
    columns=("image",), horizontal_flip=0.5, rotate=10.0, scale=0.15, translate=0.08, brightness=0.2, contrast=0.2,
    saturation=0.2)


class ImageClassification:
    """The recipe; see the module."""

    name: ClassVar[str] = "image-classification"

    def suits(self, model: str | nn.Module | None, table: Table, columns: Columns) -> bool:
        """Images with one label each, and no model that is known to take them as they are."""
        there = {column.name.lower() for column in table.columns}
        images = [column for column in table.columns if column.kind is Kind.IMAGE]
        if len(images) != 1 or columns.text or columns.time or isinstance(model, nn.Module):
            return False
        learns = columns.target is not None or bool(there & set(TARGETS))
        wanted = model in {None, "convnext", "architecture:convnext"} or str(model).startswith((TIMM, "hub:"))
        points = any(column.kind is Kind.NESTED for column in table.columns)
        return learns and wanted and not points

    def split(self, table: Table, columns: Columns, config: TrainConfig) -> SplitSpec:
        """Each part has its share of each class; images that are alike come into one part."""
        held = config["validation"], config["test"]
        return SplitSpec(
            method="stratified", train=1 - sum(held), validation=held[0], test=held[1], seed=config["seed"],
            target=goals.find(table, columns.target).name)

    def prepare(self, order: Order, fitted: Mapping[str, Any] | None = None) -> Prepared:
        """As `Recipe.prepare`."""
        parts, config = order.parts, order.config
        column = image_column(parts.whole, order.columns)
        target = goals.find(parts.whole, order.columns.target)
        goal, notes = goals.learn(parts.whole, parts.train, target, "cross_entropy")
        goals.check_loss(order.loss, goal, one=False)
        names = goal.names
        assert names is not None  # noqa: S101 - of classes
        wish = wish_of(order) if fitted is None else Wish()
        pictures = _pictures(parts.train, column.name, config, fitted, wish)
        opened = classifier(order, pictures.shape, names)
        used = None
        if config["frozen_layers"] or config["layer_decay"] != 1.0:
            used = probing.used(opened.module, pictures.shape, opened.argument)
        known = dict(fitted) if fitted is not None else _learnt(pictures, wish) | {
            "image": column.name, "goal": goal.to_json(), "classes": names, "argument": opened.argument}
        columns = replace(order.columns, target=target.name, features=(column.name,))
        order = replace(order, columns=columns)
        labels = goal.read(parts.train)
        step = _changes(order, column.name, pictures) if config["use_augmentation"] else None
        validation, test = (
            None if table is None else self.rows(order, known, table, labelled=True)
            for table in (parts.validation, parts.test))
        loss = order.loss
        if config["class_weights"] != "off" and loss is None:
            loss = Weighted(goals.balanced(labels, goal.outputs))
        return Prepared(
            model=opened.module, name=opened.name, model_origin=opened.origin,
            train=Labelled(pictures, labels, known, step=step), validation=validation, test=test, columns=columns,
            fitted=known, loss=loss, metrics=order.metrics,
            rates=layers.rates(opened.module, config["layer_decay"], used),
            frozen=layers.frozen(opened.module, config["frozen_layers"], used), notes=[*notes, *opened.notes])

    def rows(self, order: Order, fitted: Mapping[str, Any], table: Table, *, labelled: bool) -> Labelled:
        """As `Recipe.rows`."""
        pictures = _pictures(table, fitted["image"], order.config, fitted, Wish())
        labels = Goal.from_json(fitted["goal"]).read(table) if labelled else None
        return Labelled(pictures, labels, fitted)

    def named(self, fitted: Mapping[str, Any], given: Any) -> Any:
        """Images as they are: paths, bytes, Pillow's, arrays. As `TakesObjects.named`."""
        return named(given, fitted["image"])

    def decode(self, order: Order, fitted: Mapping[str, Any], outputs: Any) -> Any:
        """A frame: the class of each image, how likely it is, and how likely each class is."""
        del order
        return Goal.from_json(fitted["goal"]).answers(outputs)

    def judge(self, order: Order, fitted: Mapping[str, Any], rows: Any, table: Table | None) -> Judge:
        """As `Judges.judge`."""
        del order, rows
        show = Places() if table is None else Cells(table, (fitted["image"],))
        return of_goal(Goal.from_json(fitted["goal"]), show)


class Labelled:
    """A dataset of images with their classes, as torch's loaders read one: ``(image, number)``, or the image alone.

    Args:
        pictures: the images.
        labels: the number of each one's class; None for images alone.
        fitted: of the run.
        step: what chance does to an image; None: nothing.
    """

    def __init__(
        self, pictures: Pictures, labels: Any, fitted: Mapping[str, Any], step: AugmentImage | None = None,
    ) -> None:
        self.pictures = pictures
        self.targets = None if labels is None else torch.as_tensor(labels)
        self.classes: list[str] = list(fitted["classes"])
        self._mean: Sequence[float] = fitted["mean"]
        self._std: Sequence[float] = fitted["std"]
        self._argument: str | None = fitted["argument"]
        self._step = step

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, row: int) -> Any:
        pixels = self.pictures[row]
        if self._step is not None:
            pixels = self._step.augment({"image": pixels}, chance())["image"].clamp(0.0, 1.0)
        x = normalised(pixels, self._mean, self._std)
        inputs = x if self._argument is None else {self._argument: x}
        return inputs if self.targets is None else (inputs, self.targets[row])


def _pictures(
    table: Table, name: str, config: TrainConfig, fitted: Mapping[str, Any] | None, wish: Wish,
) -> Pictures:
    known = fitted or {}
    column = table.column(name)
    if column.kind is not Kind.IMAGE:
        raise DataError(f"Column {name!r} of {table.name} holds {column.kind} values, not images.")
    grey = known["grey"] if known else wish.grey
    return Pictures(
        table, column, size=known.get("size", wish.size or config["image_size"]), fit="stretch", grey=grey,
        deep=known.get("deep"))


def _learnt(pictures: Pictures, wish: Wish) -> dict[str, Any]:
    """What the run must know of its images to make others alike."""
    mean, std = (wish.mean, wish.std) if wish.mean and wish.std else pictures.measured()
    assert std is not None  # noqa: S101 - told with the mean
    return {"size": pictures.size, "grey": pictures.grey, "deep": pictures.deep, "mean": list(mean), "std": list(std)}


def _changes(order: Order, column: str, pictures: Pictures) -> AugmentImage:
    """What chance does. Grey images, such as X-rays and writing, are not mirrored unless their dataset says so."""
    ours = CHANGES.model_copy(update={"horizontal_flip": 0.0}) if pictures.grey else CHANGES
    return augmentation(order.parts, column, ours)
