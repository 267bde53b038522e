"""Images and sounds of a table, given one by one as arrays: read from a memory-mapped copy, decoded when asked for."""

from __future__ import annotations

import contextlib
import copy
import io
import tempfile
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from nbtrain.core.errors import DataError
from nbtrain.core.tasks import Progress
from nbtrain.data.columns import Column, Kind, quoted
from nbtrain.data.table import Table

#: Changes a sample by chance: gets it and a number that decides how.
Augment = Callable[[Any, int], Any]
#: Modes of Pillow with one channel; of these, more than 8 bits deep.
_DEEP = {"I", "I;16", "F"}
_GREY = {"1", "L", *_DEEP}
#: Rows of the copy that are written at once: encoded files are large.
ROWS = 256


class Files:
    """A dataset of decoded files, as torch's loaders read one: ``len(files)`` and ``files[i]``.

    A sample is ``(array, label)``, or the array alone where there are no labels. An image is float32 of shape
    (channels, height, width) in 0–1, of one channel where all are grey, else of three; a sound is float32 of shape
    (channels, samples). Worker processes open the copy for themselves.

    Args:
        table: where the files are.
        column: which of its columns holds them.
        target: a number or class of each row, or None.
        grey: whether images have one channel; None: if all of them are grey.
        survey: whether to look into images before, which must then be of one size; else it is for who reads them.
        progress: is told how far it is.

    Raises:
        DataError: there are no rows, or a file is missing.
    """

    def __init__(
        self, table: Table, column: Column, *, target: Any = None, grey: bool | None = None, survey: bool = True,
        progress: Progress | None = None,
    ) -> None:
        self.name = f"{column.name!r} of {table.name}"
        self.kind = column.kind
        self.classes: list[str] | None = None
        """Names of the classes where the labels were text."""
        self.targets: npt.NDArray[Any] | None = None
        if target is not None:
            categories = getattr(getattr(target, "cat", None), "categories", None)
            self.classes = None if categories is None else [str(name) for name in categories]
            self.targets = np.asarray(target if categories is None else target.cat.codes)
        self.augment: Augment | None = None
        """Changes a sample each time it is read; its number comes from NumPy's generator, which the reader seeds."""
        self._owner: Files | None = None
        self._folder = Path(tempfile.mkdtemp(prefix="nbtrain-files-"))
        self._path = self._folder / "files.arrow"
        self._copy(table, column, progress)
        self._column: pa.ChunkedArray | None = None
        self._starts: npt.NDArray[np.int64] | None = None
        weakref.finalize(self, _remove, self._path)
        modes = self._survey() if survey and self.kind is Kind.IMAGE else set()
        self.grey = grey if grey is not None else modes <= _GREY
        """Whether images have one channel."""

    def __len__(self) -> int:
        return self._rows

    def __getitem__(self, row: int) -> Any:
        sample = self._image(row) if self.kind is Kind.IMAGE else self._sound(row)
        if self.augment is not None:
            sample = self.augment(sample, int(np.random.randint(2**31)))  # noqa: NPY002 - the one a reader can seed
        if self.targets is None:
            return sample
        label = self.targets[row]
        return sample, label.item() if isinstance(label, np.generic) else label

    def plain(self) -> Files:
        """The same without augmentation: what is held out is looked at as it is."""
        twin = copy.copy(self)
        twin.augment = None
        twin._owner = self  # noqa: SLF001 - with it goes the file
        return twin

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_column": None, "_starts": None, "_owner": None}  # a worker maps the copy itself

    # -- inside ---------------------------------------------------------------------------------

    def _copy(self, table: Table, column: Column, progress: Progress | None) -> None:
        """Write the encoded files, uncompressed, so that any of them is found at once."""
        source = f"(SELECT struct_extract({quoted(column.name)}, 'bytes') AS bytes FROM {table.source})"
        files = Table(source, name=table.name, explain=table._explain)  # noqa: SLF001 - it knows what was deleted
        self._rows, missing = 0, 0
        with pa.OSFile(str(self._path), "wb") as file, pa.ipc.new_file(file, _SCHEMA) as writer:
            for batch in files.batches(["bytes"], size=ROWS, progress=progress):
                writer.write_batch(pa.record_batch([batch.column(0).cast(pa.large_binary())], schema=_SCHEMA))
                self._rows += batch.num_rows
                missing += batch.column(0).null_count
        if missing or not self._rows:
            _remove(self._path)
            raise DataError(
                f"{missing:,} of {self._rows:,} rows have no file in {self.name}; drop these rows."
                if missing else f"{table.name} has no rows, so there is nothing to train on.")

    def encoded(self, row: int) -> bytes:
        """The file of a row. Raises DataError when the copy is gone."""
        if self._column is None:
            try:
                column = pa.ipc.open_file(pa.memory_map(str(self._path))).read_all().column(0)
            except (OSError, pa.ArrowException):
                raise DataError(
                    f"The copy of {self.name} that the run reads is gone or damaged ({self._path}); resume it with the "
                    "data handed in again: nbtrain.resume(run.id, data=…).") from None
            lengths = [len(chunk) for chunk in column.chunks]
            self._starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
            self._column = column  # last: other threads look whether it is there
        if not 0 <= row < self._rows:
            raise IndexError(row)
        assert self._starts is not None  # noqa: S101 - made with the column
        chunk = int(np.searchsorted(self._starts, row, side="right")) - 1
        data: bytes = self._column.chunk(chunk)[row - int(self._starts[chunk])].as_py()
        return data

    def _survey(self) -> set[str]:
        """The modes of all images, from their headers. Raises DataError when they have several sizes."""
        from PIL import Image, UnidentifiedImageError  # noqa: PLC0415 - only images need it

        modes: set[str] = set()
        sizes: dict[tuple[int, int], int] = {}
        for row in range(self._rows):
            try:
                with Image.open(io.BytesIO(self.encoded(row))) as image:
                    modes.add(image.mode)
                    sizes.setdefault(image.size, row)
            except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
                raise self._broken(row, error) from None
        if len(sizes) > 1:
            shown = ", ".join(f"{width} × {height} in row {row}" for (width, height), row in list(sizes.items())[:2])
            raise DataError(
                f"The images of {self.name} have {len(sizes):,} sizes ({shown}), and a model takes one; make them one "
                "size: dataset.process({'step': 'resize_images', 'width': 224, 'height': 224}).")
        return modes

    def _image(self, row: int) -> npt.NDArray[np.float32]:
        from PIL import Image, UnidentifiedImageError  # noqa: PLC0415 - only images need it

        try:
            with Image.open(io.BytesIO(self.encoded(row))) as image:
                if image.mode in _DEEP:  # more than 8 bits: scaled by what the type can hold
                    deep = np.asarray(image, dtype=np.float32)
                    grey = deep / (65_535.0 if image.mode != "F" else 1.0)
                else:
                    grey = np.asarray(image.convert("L" if self.grey else "RGB"), dtype=np.float32) / 255.0
        except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
            raise self._broken(row, error) from None
        if grey.ndim == 2:
            return grey[None] if self.grey else np.repeat(grey[None], 3, axis=0)
        return np.ascontiguousarray(grey.transpose(2, 0, 1))

    def _sound(self, row: int) -> npt.NDArray[np.float32]:
        try:
            import soundfile  # noqa: PLC0415 - an extra
        except ImportError:
            raise DataError("Reading audio needs soundfile; install it with: pip install 'nbtrain[audio]'.") from None
        try:
            samples, _ = soundfile.read(io.BytesIO(self.encoded(row)), dtype="float32", always_2d=True)
        except soundfile.LibsndfileError as error:
            raise self._broken(row, error) from None
        return np.ascontiguousarray(samples.T)

    def _broken(self, row: int, error: Exception) -> DataError:
        return DataError(f"Row {row} of {self.name} cannot be decoded: {error}; leave it out.")


_SCHEMA = pa.schema([("bytes", pa.large_binary())])


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
    with contextlib.suppress(FileNotFoundError):  # who tidies the folder of temporary files may have been here
        path.parent.rmdir()
