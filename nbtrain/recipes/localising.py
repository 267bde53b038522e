"""How points on images are learnt: samples with their points, the step, the figures, and pictures of the worst.

All figures are of the image as it was given, whatever size the model sees it in.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor, nn

from nbtrain.core.samples import Sample
from nbtrain.data.processing import AugmentImage, geometry
from nbtrain.engine.batch import Batch
from nbtrain.engine.forward import call
from nbtrain.engine.losses import Loss
from nbtrain.models.architectures import heatmaps
from nbtrain.recipes.pictures import Pictures, chance, normalised
from nbtrain.recipes.points import Points, swapped

#: Distances within which a point counts as detected, as studies of landmarks on radiographs report them.
LIMITS = (2.0, 2.5, 3.0, 4.0)
#: Images that samples are chosen from, and how many are shown.
LOOKED_AT, SHOWN = 64, 3
#: Pixels of the longer side of a sample.
_SIDE = 480
_TRUTH, _FOUND = (64, 220, 130), (255, 110, 64)


class Located:
    """A dataset of images with points, as torch's loaders read one.

    A sample is ``({"x", "frame"}, {"points", "seen", "given"})``: the image and how it was made one size with others;
    its points in pixels of that, which of them are there, and the points as they were given. Without points it is the
    first alone.

    Args:
        pictures: the images, padded to squares.
        points: (rows, points, 2), NaN where one is missing; None for images alone.
        mean: of each channel.
        std: of each channel.
        step: what chance does to a sample; None: nothing.
        pairs: points that are each other's mirror image; without any, no image is mirrored.
    """

    def __init__(
        self, pictures: Pictures, points: Points | None, *, mean: Sequence[float], std: Sequence[float],
        step: AugmentImage | None = None, pairs: Sequence[tuple[int, int]] = (),
    ) -> None:
        self.pictures, self.points = pictures, points
        self._mean, self._std, self._pairs = tuple(mean), tuple(std), tuple(pairs)
        self._mirrors = 0.0 if step is None or not pairs else step.horizontal_flip
        self._step = None if step is None else step.model_copy(
            update={"horizontal_flip": 0.0, "vertical_flip": 0.0, "landmarks": "points"})

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, row: int) -> Any:
        pixels = self.pictures[row]
        factor, right, down = self.pictures.frame(row)
        inputs = {"frame": torch.tensor([factor, right, down])}
        if self.points is None:
            return {"x": normalised(pixels, self._mean, self._std), **inputs}
        given = self.points[row]
        points = (given + 0.5) * factor + np.array([right, down]) - 0.5
        if self._step is not None:
            pixels, points = self._changed(self._step, pixels, points)
        size = self.pictures.size
        seen = np.isfinite(points).all(1) & (points >= -0.5).all(1) & (points <= size - 0.5).all(1)
        inputs["x"] = normalised(pixels, self._mean, self._std)
        target = {
            "points": torch.from_numpy(np.nan_to_num(points).astype(np.float32)), "seen": torch.from_numpy(seen),
            "given": torch.from_numpy(np.nan_to_num(given).astype(np.float32))}
        return inputs, target

    def _changed(self, step: AugmentImage, pixels: Tensor, points: Points) -> tuple[Tensor, Points]:
        drawn = chance()
        if drawn.random() < self._mirrors:
            size = self.pictures.size
            pixels = geometry.flipped(pixels, horizontal=True, vertical=False)
            points = geometry.move(points, geometry.flip(size, size, horizontal=True, vertical=False))
            points = swapped(points, self._pairs)
        changed = step.augment({"image": pixels, "points": points}, drawn)
        return changed["image"].clamp(0.0, 1.0), changed["points"]


class Localising:
    """The step: heatmaps against bells at the points, which are made here, on the device, and not kept.

    Args:
        sigma: of the bells, in pixels of the maps.
        reach: see `heatmaps.points_of`.
        loss: of maps and bells; None for the cross-entropy of places.
    """

    def __init__(self, sigma: float, reach: int, loss: Loss | None = None) -> None:
        self._sigma, self._reach, self._loss = sigma, reach, loss

    def __call__(self, model: nn.Module, batch: Batch) -> dict[str, Tensor]:
        x, target = batch.inputs["x"], batch.target
        maps: Tensor = call(model, {"x": x})
        size, image = (maps.shape[2], maps.shape[3]), (x.shape[2], x.shape[3])
        bells = heatmaps.gaussians(heatmaps.to_map(target["points"], size, image), size, self._sigma)
        seen = target["seen"].bool()
        if self._loss is None:
            loss = heatmaps.cross_entropy(maps, bells, seen)
        else:
            kept = seen[..., None, None].to(maps.dtype)
            loss = self._loss(maps * kept, bells * kept)
        if model.training:
            return {"loss": loss}
        return {"loss": loss, "output": heatmaps.framed(maps.detach(), batch.inputs["frame"], image, self._reach)}


class RadialError:
    """The mean distance from where points are to where they were found, in pixels of the images given, or in mm.

    Args:
        name: in the history.
        unit: pixels are so wide.
        limit: the share of points within this distance, in the place of the mean.
    """

    def __init__(self, name: str, unit: float = 1.0, limit: float | None = None) -> None:
        self.__name__, self._unit, self._limit = name, unit, limit
        self.higher_is_better = limit is not None
        self.reset()

    def to(self, device: torch.device) -> RadialError:  # noqa: ARG002 - sums are numbers
        """One of its own: who evaluates while a run validates must not add to its sums."""
        return RadialError(self.__name__, self._unit, self._limit)

    def __call__(self, output: Tensor, target: dict[str, Tensor]) -> float:
        """Of one batch."""
        alone = self.to(output.device)
        alone.update(output, target)
        return alone.compute()

    def update(self, output: Tensor, target: dict[str, Tensor]) -> None:
        """Points found and given, both (rows, points, 2)."""
        seen = target["seen"].bool()
        errors = distances(output, target)[seen] * self._unit
        self._total += float((errors if self._limit is None else (errors <= self._limit).float()).sum())
        self._count += int(seen.sum())

    def compute(self) -> float:
        return self._total / self._count if self._count else math.nan

    def reset(self) -> None:
        self._total, self._count = 0.0, 0


def distances(output: Tensor, target: dict[str, Tensor]) -> Tensor:
    """(rows, points), in pixels of the images given."""
    found: Tensor = torch.linalg.vector_norm(output - target["given"], dim=-1)
    return found


def figures(pixel_size: float) -> list[RadialError]:
    """What is measured: in pixels, and in mm where it is known how wide a pixel is."""
    unit = "mm" if pixel_size else "px"
    found = [RadialError("mre_px")]
    if pixel_size:
        found.append(RadialError("mre_mm", pixel_size))
    names = [f"{limit:g}".replace(".", "_") + unit for limit in LIMITS]
    return [*found, *(
        RadialError(f"sdr_{name}", pixel_size or 1.0, limit) for name, limit in zip(names, LIMITS, strict=True))]


class Overlays:
    """The samples of a run: the images it errs on most, with where points are and where they were found.

    Args:
        rows: to choose from, with points.
        batch_size: of the run.
    """

    def __init__(self, rows: Located, batch_size: int) -> None:
        self._rows, self._size = rows, batch_size
        self._chosen = np.unique(np.linspace(0, len(rows) - 1, min(LOOKED_AT, len(rows))).round().astype(int)).tolist()

    def __call__(self, model: nn.Module, epoch: int) -> Iterable[Sample]:  # noqa: ARG002 - of any epoch alike
        device = next(model.parameters()).device
        found: list[tuple[float, int, Tensor]] = []
        for start in range(0, len(self._chosen), self._size):
            rows = self._chosen[start:start + self._size]
            samples = [self._rows[row] for row in rows]
            inputs = {name: torch.stack([given[name] for given, _ in samples]).to(device) for name in ("x", "frame")}
            points = call(model, inputs).float().cpu()
            for row, place, (_, target) in zip(rows, points, samples, strict=True):
                seen = target["seen"]
                if bool(seen.any()):
                    found.append((float(distances(place, target)[seen].mean()), row, place))
        worst = sorted(found, key=lambda each: -each[0])[:SHOWN]
        numbers = self._rows.pictures.numbers
        return [
            Sample(title=f"#{numbers[row]}: {error:.1f} px (○ ↔ ×)", kind="image", mime="image/png",
                   content=drawn(self._rows, row, points))
            for error, row, points in worst]


def drawn(rows: Located, row: int, found: Tensor) -> bytes:
    """An image with where its points are and where they were found, (points, 2) in its own pixels, as PNG."""
    pictures, points = rows.pictures, rows.points
    assert points is not None  # noqa: S101 - of rows with points
    factor, right, down = pictures.frame(row)
    grown = max(1.0, _SIDE / pictures.size)
    scale, shift = factor * grown, np.array([right, down]) * grown
    places = [(each + 0.5) * scale + shift for each in (points[row], found.double().numpy())]
    pixels = (pictures[row] * 255).byte().numpy()
    image = Image.fromarray(pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0)).convert("RGB")
    image = image.resize((round(pictures.size * grown),) * 2, Image.Resampling.BILINEAR)
    overlay(image, *places)
    held = io.BytesIO()
    image.save(held, "PNG")
    return held.getvalue()


def overlay(image: Image.Image, truth: Points, found: Points) -> None:
    """Draw a ring where each point is, a cross where it was found, and a line between the two."""
    draw = ImageDraw.Draw(image)
    radius = max(3.0, image.width / 90)
    for there, here in zip(truth.tolist(), found.tolist(), strict=True):
        if math.isfinite(there[0]):
            draw.line([*there, *here], fill=_FOUND, width=1)
            _ring(draw, there, radius)
        x, y = here
        draw.line([x - radius, y - radius, x + radius, y + radius], fill=_FOUND, width=2)
        draw.line([x - radius, y + radius, x + radius, y - radius], fill=_FOUND, width=2)


def _ring(draw: ImageDraw.ImageDraw, at: Sequence[float], radius: float) -> None:
    draw.ellipse([at[0] - radius, at[1] - radius, at[0] + radius, at[1] + radius], outline=_TRUTH, width=2)
