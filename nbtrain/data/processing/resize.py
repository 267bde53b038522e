"""Images made one size, as a model takes them."""

from __future__ import annotations

import io
from typing import Any, ClassVar, Literal

import pyarrow as pa
from PIL import Image, ImageOps, UnidentifiedImageError

from nbtrain.core.errors import DataError
from nbtrain.data.columns import Kind
from nbtrain.data.processing.arrow import replaced
from nbtrain.data.processing.step import Group, Step, option

_FILTER = Image.Resampling.BICUBIC


class ResizeImages(Step):
    """Every image in one size, encoded as PNG, which loses nothing more; upright where a camera noted how it lay."""

    name: ClassVar[str] = "resize_images"
    group: ClassVar[Group] = "images"
    kinds: ClassVar[frozenset[Kind]] = frozenset({Kind.NESTED, Kind.IMAGE})
    width: int = option(224, ge=1, le=4096)
    """Pixels."""
    height: int = option(224, ge=1, le=4096)
    """Pixels."""
    shape: Literal["stretch", "crop", "pad"] = option("stretch")
    """What becomes of other proportions: they are changed, what is too much is cut off, or black edges are added."""

    def fits(self, field: pa.Field) -> bool:
        """A struct of ``bytes`` and ``path``, and not any other that holds values in values."""
        return holds_files(field.type)

    def chosen(self, schema: pa.Schema) -> list[str]:
        """As `Step.chosen`. Raises DataError for a column that holds no files."""
        names = super().chosen(schema)
        for name in names:
            if not holds_files(schema.field(name).type):
                raise DataError(f"Step {self.name} works on images; column {name!r} holds {schema.field(name).type}.")
        return names

    def apply(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Raises DataError, with the image's path, for one that cannot be decoded."""
        return replaced(batch, {name: self._resized(batch.column(name), name) for name in self.chosen(batch.schema)})

    def _resized(self, column: pa.Array, name: str) -> pa.Array:
        files = [None if file is None else {**file, "bytes": self._one(file, name)} for file in column.to_pylist()]
        return pa.array(files, column.type)

    def _one(self, file: dict[str, Any], name: str) -> bytes | None:
        if file["bytes"] is None:
            return None
        size = (self.width, self.height)
        try:
            with Image.open(io.BytesIO(file["bytes"])) as opened:
                image = ImageOps.exif_transpose(opened)
                if image.mode in {"P", "CMYK", "YCbCr", "LAB", "HSV"}:  # which PNG cannot hold, or no filter can mix
                    image = image.convert("RGBA" if "transparency" in image.info else "RGB")
                if self.shape == "crop":
                    image = ImageOps.fit(image, size, _FILTER)
                elif self.shape == "pad":
                    image = ImageOps.pad(image, size, _FILTER)
                else:
                    image = image.resize(size, _FILTER)
                encoded = io.BytesIO()
                image.save(encoded, "PNG")
        except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
            raise DataError(
                f"The image {file.get('path') or '?'!r} in column {name!r} cannot be decoded: {error}; leave it out."
            ) from None
        return encoded.getvalue()


def holds_files(given: pa.DataType) -> bool:
    """Whether a column of this Arrow type holds encoded files."""
    return bool(pa.types.is_struct(given)) and {"bytes", "path"} <= {field.name for field in given}
