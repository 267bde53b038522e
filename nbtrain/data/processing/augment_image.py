"""Augmentation of images, with their landmarks moved along."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import pyarrow as pa
from PIL import Image

from nbtrain.core.errors import DataError
from nbtrain.data.columns import Kind
from nbtrain.data.processing import geometry, photometry
from nbtrain.data.processing.arrow import is_bytes
from nbtrain.data.processing.augment_text import Augmentation
from nbtrain.data.processing.step import option

if TYPE_CHECKING:
    import torch

Points = np.ndarray[Any, np.dtype[np.float64]]


class AugmentImage(Augmentation):
    """Flips, an affine map, and changes of light, each by chance.

    An image is a torch tensor C × H × W, or a NumPy array H × W or H × W × C; floats (0 to 1), or uint8. It comes back
    in the same form and type. An encoded one (bytes, or a struct with them, as tables hold it) comes back as a PNG.
    Landmarks are N × 2, (x, y) in pixels from the centre of the upper left pixel.
    """

    name: ClassVar[str] = "augment_image"
    kinds: ClassVar[frozenset[Kind]] = frozenset({Kind.NESTED, Kind.BINARY, Kind.IMAGE})
    landmarks: str = option("", columns=frozenset({Kind.NESTED}))
    """The column of the points that move with the image; empty for none."""
    horizontal_flip: float = option(0.5, ge=0.0, le=1.0)
    """How likely."""
    vertical_flip: float = option(0.0, ge=0.0, le=1.0)
    """How likely."""
    rotate: float = option(0.0, ge=0.0, le=180.0)
    """Degrees, at most, either way."""
    scale: float = option(0.0, ge=0.0, le=0.9)
    """Enlarged or reduced by a factor of 1 ± this at most."""
    translate: float = option(0.0, ge=0.0, le=1.0)
    """Shifted by this share of width and height at most, either way."""
    shear: float = option(0.0, ge=0.0, le=60.0)
    """Degrees, at most, either way."""
    fill: Literal["zeros", "border", "reflection"] = option("zeros", advanced=True)
    """What comes from beyond the edge."""
    brightness: float = option(0.0, ge=0.0, le=1.0)
    """A factor of 1 ± this at most; so for the next two."""
    contrast: float = option(0.0, ge=0.0, le=1.0)
    saturation: float = option(0.0, ge=0.0, le=1.0)
    blur: float = option(0.0, ge=0.0, le=10.0)
    """Standard deviation in pixels, at most."""
    noise: float = option(0.0, ge=0.0, le=1.0)
    """Standard deviation, at most, of a range of 0 to 1."""

    def fits(self, field: pa.Field) -> bool:
        """Columns of files, as tables hold images; a column of numbers may be named."""
        files = pa.types.is_struct(field.type) and field.type.get_field_index("bytes") >= 0
        return (files or is_bytes(field.type)) and field.name != self.landmarks

    def reads(self) -> set[str]:
        return {*self.columns, *([self.landmarks] if self.landmarks else [])}

    def augment(self, sample: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
        """One image of the sample, changed. Several columns are changed alike: an image and its mask, say."""
        present = [name for name in self.columns if sample.get(name) is not None]
        if not present:
            return sample
        changed = dict(sample)
        images = [_tensor(sample[name], name) for name in present]
        height, width = images[0].shape[-2:]
        flips = {"horizontal": rng.random() < self.horizontal_flip, "vertical": rng.random() < self.vertical_flip}
        matrix = self._matrix(width, height, rng)
        light = rng.uniform(-1.0, 1.0, 3)
        depth = rng.uniform(0.0, 1.0, 2)
        for name, image in zip(present, images, strict=True):
            found = geometry.flipped(image, **flips)
            if matrix is not None or self._changes_light:
                whole = not found.is_floating_point()
                working = found.float() / 255 if whole else found
                if matrix is not None:
                    working = geometry.warp(working, matrix, fill=self.fill)
                working = self._lit(working, light, depth, rng)
                found = (working * 255).round().clamp(0, 255).to(image.dtype) if whole else working
            changed[name] = _as_given(found, sample[name])
        if self.landmarks and sample.get(self.landmarks) is not None:
            whole_map = geometry.flip(width, height, **flips)
            if matrix is not None:
                whole_map = matrix @ whole_map
            changed[self.landmarks] = _moved(sample[self.landmarks], whole_map)
        return changed

    @property
    def _changes_light(self) -> bool:
        return any((self.brightness, self.contrast, self.saturation, self.blur, self.noise))

    def _matrix(self, width: int, height: int, rng: np.random.Generator) -> geometry.Matrix | None:
        """The affine map; None for none. The numbers are drawn either way, so that options do not shift each other."""
        turn, size, right, down, lean = rng.uniform(-1.0, 1.0, 5)
        if not any((self.rotate, self.scale, self.translate, self.shear)):
            return None
        return geometry.affine(
            width, height, degrees=turn * self.rotate, scale=1 + size * self.scale, shear=lean * self.shear,
            shift=(right * self.translate * width, down * self.translate * height))

    def _lit(
        self, image: torch.Tensor, light: np.ndarray[Any, Any], depth: np.ndarray[Any, Any], rng: np.random.Generator,
    ) -> torch.Tensor:
        for change, most, drawn in (
            (photometry.brightness, self.brightness, light[0]), (photometry.contrast, self.contrast, light[1]),
            (photometry.saturation, self.saturation, light[2]),
        ):
            if most:
                image = change(image, float(1 + drawn * most))
        if self.blur and depth[0] * self.blur > 1e-3:
            image = photometry.blur(image, float(depth[0] * self.blur))
        return photometry.noise(image, float(depth[1] * self.noise), rng) if self.noise else image


def _tensor(given: Any, name: str) -> torch.Tensor:
    """C × H × W."""
    import torch  # noqa: PLC0415 - `import nbtrain.data` does without

    if isinstance(given, torch.Tensor) and given.ndim == 3:
        return given
    if (encoded := _encoded(given)) is not None:
        given = _decoded(encoded, name)
    if isinstance(given, np.ndarray) and given.ndim in {2, 3}:
        planes = given[:, :, None] if given.ndim == 2 else given
        return torch.from_numpy(np.ascontiguousarray(planes.transpose(2, 0, 1)))
    shape = tuple(getattr(given, "shape", ()))
    raise DataError(
        f"Column {name!r} holds {type(given).__name__} of shape {shape} where step augment_image needs an image: a "
        "torch tensor C × H × W, or a NumPy array H × W or H × W × C.")


def _encoded(given: Any) -> bytes | None:
    """The bytes of an encoded image; None when it is decoded already."""
    found = given.get("bytes") if isinstance(given, dict) else given
    return found if isinstance(found, bytes) else None


def _decoded(content: bytes, name: str) -> np.ndarray[Any, np.dtype[np.uint8]]:
    try:
        with Image.open(io.BytesIO(content)) as image:
            return np.asarray(image if image.mode in {"L", "RGB", "RGBA"} else image.convert("RGB"))
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(f"An image of column {name!r} cannot be read: {error}.") from error


def _as_given(found: torch.Tensor, given: Any) -> Any:
    if _encoded(given) is not None:
        held = io.BytesIO()
        Image.fromarray(found.numpy().transpose(1, 2, 0).squeeze()).save(held, "PNG")
        return {**given, "bytes": held.getvalue()} if isinstance(given, dict) else held.getvalue()
    if not isinstance(given, np.ndarray):
        return found
    planes = found.numpy().transpose(1, 2, 0)
    return np.ascontiguousarray(planes[:, :, 0] if given.ndim == 2 else planes)


def _moved(points: Any, matrix: geometry.Matrix) -> Any:
    """Points in the form and type they came in; whole numbers become floats, since they land between pixels."""
    found = geometry.move(np.asarray(points, np.float64).reshape(-1, 2), matrix)
    if isinstance(points, np.ndarray):
        return found.astype(points.dtype if points.dtype.kind == "f" else np.float64).reshape(points.shape)
    if hasattr(points, "detach"):
        import torch  # noqa: PLC0415 - only who has tensors needs it

        return torch.from_numpy(found).to(points.dtype if points.is_floating_point() else torch.float64)
    return found.tolist()
