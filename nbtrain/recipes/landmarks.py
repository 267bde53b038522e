"""`landmarks`: points on images, such as joints on radiographs or corners of faces.

A table has a column of images and the points of each (see `points`). A network gives a heatmap for each point; its peak
is where the point is, between the pixels too. Whatever the size of an image, points go in and come out in its own
pixels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import nn

from nbtrain.core.errors import ConfigError, DataError, ModelError, Problem
from nbtrain.data.columns import Kind
from nbtrain.data.processing import AugmentImage
from nbtrain.data.splits.spec import SplitSpec
from nbtrain.engine import losses
from nbtrain.recipes import points, telling
from nbtrain.recipes.base import Columns, Order, Prepared
from nbtrain.recipes.image_models import Opened, grey_of, localiser
from nbtrain.recipes.judging import landmarks as judging
from nbtrain.recipes.judging.verdict import Judge
from nbtrain.recipes.localising import Localising, Located, Overlays, figures
from nbtrain.recipes.pictures import Pictures, augmentation, image_column, named

if TYPE_CHECKING:
    from nbtrain.config import TrainConfig
    from nbtrain.data.table import Table

#: How an image is changed while training, where its dataset does not say.
CHANGES = AugmentImage(
    columns=("image",), horizontal_flip=0.5, rotate=15.0, scale=0.15, translate=0.06, brightness=0.2, contrast=0.2,
    blur=0.5, noise=0.03)


class Landmarks:
    """The recipe; see the module."""

    name: ClassVar[str] = "landmarks"

    def suits(self, model: str | nn.Module | None, table: Table, columns: Columns) -> bool:
        """A column of images beside points, and no other model asked for."""
        if model not in (None, "hrnet", "architecture:hrnet"):
            return False
        images = [column for column in table.columns if column.kind is Kind.IMAGE]
        if len(images) != 1 or columns.text or columns.time:
            return False
        try:
            points.goal(table, columns)
        except DataError:
            return False
        return True

    def split(self, table: Table, columns: Columns, config: TrainConfig) -> SplitSpec:  # noqa: ARG002 - as all recipes
        """By chance; equal rows stay together."""
        validation, test = config["validation"], config["test"]
        return SplitSpec(train=1 - validation - test, validation=validation, test=test, seed=config["seed"])

    def prepare(self, order: Order, fitted: Mapping[str, Any] | None = None) -> Prepared:
        """As `Recipe.prepare`."""
        parts, config = order.parts, order.config
        column = image_column(parts.whole, _images(parts.whole, order.columns))
        known = None if fitted is None else dict(fitted)
        goal = points.goal(parts.whole, order.columns) if known is None else points.Goal(
            tuple(known["names"]), tuple(known["goals"]))
        first = known
        if known is None and isinstance(order.model, nn.Module):
            first = {"grey": grey_of(order.model, config["image_size"])}
        pictures = self._pictures(parts.train, column.name, config, first)
        if known is None:
            goal = points.within(parts.train, goal, pictures.sizes)
        mean, std = pictures.measured() if known is None else (known["mean"], known["std"])
        found = known or {
            "image": column.name, "goals": list(goal.columns), "names": list(goal.names), "grey": pictures.grey,
            "deep": pictures.deep, "size": config["image_size"], "mean": mean, "std": std}
        reach = max(1, round(2 * config["heatmap_sigma"]))
        opened = localiser(order, pictures.shape, len(goal.names), reach)
        columns = Columns(target=goal.columns[0] if goal.listed else None, features=(column.name,))
        order = replace(order, columns=columns)
        plain = train = self._located(order, found, pictures, parts.train, learnt=True)
        if config["use_augmentation"]:
            train = Located(
                pictures, train.points, mean=mean, std=std, step=augmentation(parts, column.name, CHANGES),
                pairs=goal.pairs())
        validation, test = (
            None if table is None else self.rows(order, found, table, labelled=True)
            for table in (parts.validation, parts.test))
        _check_map(pictures, opened, config["heatmap_sigma"])
        return Prepared(
            model=opened.module, name=opened.name, model_origin=opened.origin, train=train, validation=validation,
            test=test, columns=columns, fitted=found,
            step=Localising(config["heatmap_sigma"], opened.reach, _loss(order)),
            metrics=order.metrics or figures(config["pixel_size"]),
            samples=Overlays(plain if validation is None else validation, config["batch_size"]),
            notes=[*opened.notes, *_left(goal)])

    def rows(self, order: Order, fitted: Mapping[str, Any], table: Table, *, labelled: bool) -> Located:
        """As `Recipe.rows`."""
        pictures = self._pictures(table, fitted["image"], order.config, fitted)
        if not labelled:
            return Located(pictures, None, mean=fitted["mean"], std=fitted["std"])
        return self._located(order, fitted, pictures, table)

    def named(self, fitted: Mapping[str, Any], given: Any) -> Any:
        """Images as they are: paths, bytes, Pillow's, arrays. As `TakesObjects.named`."""
        return named(given, fitted["image"])

    def decode(self, order: Order, fitted: Mapping[str, Any], outputs: Any) -> Any:  # noqa: ARG002 - as all recipes
        """Points (rows, points, 2), in pixels of each image as it was given."""
        return torch.cat(list(outputs)) if isinstance(outputs, list) else outputs

    def judge(self, order: Order, fitted: Mapping[str, Any], rows: Located, table: Table | None) -> Judge:  # noqa: ARG002 - as all recipes
        """As `Judges.judge`."""
        return judging.Landmarks(rows, fitted["names"], order.config["pixel_size"])

    def _located(  # its siblings are given the order as well
        self, order: Order, fitted: Mapping[str, Any], pictures: Pictures, table: Table, *, learnt: bool = False,  # noqa: ARG002
    ) -> Located:
        names = tuple(fitted["names"])
        found = points.read(table, points.Goal(names, tuple(fitted["goals"])))
        points.check(table, found, pictures.sizes, names, learnt=learnt)
        return Located(pictures, found, mean=fitted["mean"], std=fitted["std"])

    def _pictures(self, table: Table, name: str, config: TrainConfig, fitted: Mapping[str, Any] | None) -> Pictures:
        known = fitted or {}
        return Pictures(
            table, table.column(name), size=known.get("size", config["image_size"]), fit="pad", grey=known.get("grey"),
            deep=known.get("deep"))


def _images(table: Table, columns: Columns) -> Columns:
    """With the images alone as features, where points are named among them."""
    if not columns.features or not points.chosen(table, columns):
        return columns
    images = tuple(name for name in columns.features if table.column(name).kind is Kind.IMAGE)
    return replace(columns, features=images or None)


def _left(goal: points.Goal) -> list[str]:
    if not goal.left:
        return []
    said = (
        f"The landmarks are {telling.listed(goal.names)}; {telling.listed(goal.left)} are not taken for points: their "
        "names, or names and values, say something else of the image. To say it yourself, name the images and all "
        "columns of points: features=[…].")
    return [said]


def _loss(order: Order) -> Any:
    """The loss of maps and bells that was asked for; None for our own. Raises ConfigError."""
    if order.loss is None:
        return None
    if isinstance(order.loss, str) and losses.NAMES.get(order.loss) != "regression":
        raise ConfigError([Problem("loss", (
            f"loss is {order.loss!r}; for landmarks it must be one of heatmaps (mse, mae, huber), or left out."))])
    return losses.build(order.loss, "regression", order.config.regularisation)


def _check_map(pictures: Pictures, opened: Opened, sigma: float) -> None:
    """Raises ModelError for a model that gives no heatmaps; ConfigError where the bells are wider than they."""
    module = opened.module
    was = module.training
    device = next((each.device for each in module.parameters()), torch.device("cpu"))
    with torch.no_grad():
        module.eval()
        try:
            maps = module(torch.zeros(1, *pictures.shape, device=device))
        except Exception as error:
            raise ModelError(
                f"{opened.name} cannot take images of shape {pictures.shape}: {type(error).__name__}: "
                f"{(str(error).splitlines() or [''])[0]}") from error
        finally:
            module.train(was)
    if not isinstance(maps, torch.Tensor) or maps.ndim != 4:
        raise ModelError(
            f"{opened.name} gives no heatmaps; for landmarks a model must give (rows, points, height, width).")
    if 2 * sigma >= min(maps.shape[2:]):
        raise ConfigError([Problem("heatmap_sigma", (
            f"heatmap_sigma is {sigma:g}, too wide for heatmaps of {maps.shape[3]} × {maps.shape[2]} pixels; take a "
            "smaller one, or a larger image_size."))])


