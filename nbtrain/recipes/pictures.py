"""Images of a table as what models of pictures take: checked, one size, decoded once.

Decoding takes far longer than a small network's step, so images are decoded and made one size before the run, and lie
in a file that every worker maps into its memory. Where they would fill more than `MOST`, only their headers are looked
at, and each is decoded whenever it is read.
"""

from __future__ import annotations

import io
import os
import tempfile
import weakref
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from nbtrain.core.errors import DataError
from nbtrain.data.columns import Column, Kind, quoted
from nbtrain.data.pictures import Files
from nbtrain.data.processing import AugmentImage
from nbtrain.data.table import ROW, Table
from nbtrain.recipes import telling
from nbtrain.recipes.base import Columns, Parts
from nbtrain.recipes.decoding import UNREADABLE, Facts, Fit, Square, facts, said, square

#: Bytes of decoded images that are kept in a file.
MOST = 4 << 30
#: Images that mean and deviation are taken of: more change them by less than a hundredth.
MEASURED = 2000
#: Files that are on their way through the threads at once.
_WAITING = 64


class Pictures:
    """The images of a column, each as floats of shape (channels, size, size) from 0 to 1: ``pictures[i]``.

    Args:
        table: where they are.
        column: of `Kind.IMAGE`.
        size: of each side, in pixels.
        fit: see `decoding.square`.
        grey: one channel; None: where all of them are grey.
        deep: 16 bits a value; None: where any of them has more than 8.

    Raises:
        DataError: there are no rows, or there are images that are missing or cannot be read, whose rows are named.
    """

    def __init__(
        self, table: Table, column: Column, *, size: int, fit: Fit, grey: bool | None = None, deep: bool | None = None,
    ) -> None:
        self.name = f"{column.name!r} of {table.name}"
        self.size, self.fit = size, fit
        _check_there(table, column)
        self.numbers: Sequence[int] = [
            int(number) for batch in table.stream(f"SELECT {ROW} FROM ({table.numbered})")  # noqa: S608 - our own words
            for number in batch.column(0).to_pylist()]
        """Of the rows in their dataset."""
        files = Files(table, column, survey=False)
        found = self._headers(files)
        self.grey = all(each.grey for each in found) if grey is None else grey
        self.deep = any(each.deep for each in found) if deep is None else deep
        self.sizes: npt.NDArray[np.int64] = np.array([(each.width, each.height) for each in found])
        """Width and height of each image as it was, (rows, 2)."""
        self._files: Files | None = files
        self._path: Path | None = None
        self._map: npt.NDArray[Any] | None = None
        if self.nbytes <= MOST:
            self._decode()

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width."""
        return (1 if self.grey else 3), self.size, self.size

    @property
    def nbytes(self) -> int:
        """Of all of them, decoded."""
        return len(self) * int(np.prod(self.shape)) * (2 if self.deep else 1)

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, row: int) -> Tensor:
        pixels = self._pixels(row)
        return torch.from_numpy(pixels.astype(np.float32) / np.float32(np.iinfo(pixels.dtype).max))

    def frame(self, row: int) -> tuple[float, float, float]:
        """How an image was made one size with the others; see `decoding.Square`."""
        width, height = map(int, self.sizes[row])
        factor = self.size / max(width, height)
        return factor, (self.size - width * factor) / 2, (self.size - height * factor) / 2

    def measured(self) -> tuple[list[float], list[float]]:
        """Mean and standard deviation of each channel; one that is nearly the same everywhere counts as 1 wide."""
        rows = np.unique(np.linspace(0, len(self) - 1, min(MEASURED, len(self))).round().astype(np.int64))
        sums = np.zeros((2, self.shape[0]))
        for row in rows.tolist():
            flat = self[row].flatten(1).double().numpy()
            sums += flat.mean(1), (flat**2).mean(1)
        mean, square_mean = sums / len(rows)
        deviation = np.sqrt(np.maximum(square_mean - mean**2, 0.0))
        return mean.tolist(), np.where(deviation < 1e-4, 1.0, deviation).tolist()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_map": None}  # a worker maps the file itself

    # -- inside ---------------------------------------------------------------------------------

    def _pixels(self, row: int) -> npt.NDArray[Any]:
        if self._path is None:
            assert self._files is not None  # noqa: S101 - one of the two is there
            try:
                return self._square(self._files.encoded(row)).pixels
            except UNREADABLE as error:
                raise DataError(f"The image in row {self.numbers[row]} of {self.name} cannot be read: {said(error)}; "
                                "leave it out.") from error
        if self._map is None:
            self._map = np.memmap(
                self._path, np.uint16 if self.deep else np.uint8, "r", shape=(len(self), *self.shape))
        pixels: npt.NDArray[Any] = self._map[row]
        return pixels

    def _headers(self, files: Files) -> list[Facts]:
        """What each file's header says. Raises DataError that names every row whose image cannot be read."""
        try:
            return self._each(lambda row: facts(files.encoded(row)))
        except DataError:  # some are broken further on, and are to be told in the same sentence
            self._each(lambda row: square(files.encoded(row), size=8, grey=True, deep=False, fit="stretch"))
            raise

    def _square(self, content: bytes) -> Square:
        return square(content, size=self.size, grey=self.grey, deep=self.deep, fit=self.fit)

    def _decode(self) -> None:
        files = self._files
        assert files is not None  # noqa: S101 - not decoded yet
        folder = Path(tempfile.mkdtemp(prefix="nbtrain-pictures-"))
        path = folder / "pixels"
        weakref.finalize(self, _remove, path)
        with path.open("wb") as file:
            self._each(lambda row: self._square(files.encoded(row)), lambda made: file.write(made.pixels.tobytes()))
        self._path, self._files = path, None

    def _each(self, work: Callable[[int], Any], then: Callable[[Any], Any] | None = None) -> list[Any]:
        """What `work` makes of each row, in their order, in threads: Pillow lets others run while it decodes.

        Raises DataError that names the rows whose image cannot be read.
        """
        broken: list[tuple[int, str]] = []
        made: list[Any] = []
        for row, future in _in_threads(work, len(self)):
            try:
                found = future.result()
            except UNREADABLE as error:
                broken.append((self.numbers[row], said(error)))
                continue
            if then is None:
                made.append(found)
            elif not broken:
                then(found)
        if broken:
            what = "image cannot be read" if len(broken) == 1 else "images cannot be read"
            rows = telling.rows(len(broken), [number for number, _ in broken])
            raise DataError(
                f"{len(broken):,} {what} in {self.name}, {rows}: {broken[0][1]}; leave them out, or put other files "
                "there.")
        return made


def _in_threads(work: Callable[[int], Any], count: int) -> Iterator[tuple[int, Future[Any]]]:
    with ThreadPoolExecutor(min(16, os.cpu_count() or 1), "nbtrain-pictures") as threads:
        waiting: deque[tuple[int, Future[Any]]] = deque()
        for row in range(count):
            waiting.append((row, threads.submit(work, row)))
            if len(waiting) >= _WAITING:
                yield waiting.popleft()
        yield from waiting


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
    if path.parent.exists():  # who tidies the folder of temporary files may have been here
        path.parent.rmdir()


def image_column(table: Table, columns: Columns) -> Column:
    """The column of the images. Raises DataError when there is none, or several and none was named."""
    there = [column for column in table.columns if column.kind is Kind.IMAGE]
    if columns.features:
        named = [table.column(name) for name in columns.features]
        there = [column for column in named if column.kind is Kind.IMAGE]
        if len(named) != 1 or not there:
            kinds = ", ".join(f"{column.name!r} ({column.kind})" for column in named)
            raise DataError(f"features must name the one column of images of {table.name}; it names: {kinds}.")
    if len(there) != 1:
        names = telling.listed([column.name for column in there or table.columns])
        raise DataError(
            f"{table.name} has {len(there)} columns of images, {names}; name the one to learn from: features=['…']."
            if there else
            f"{table.name} has no column of images; it has: {names}. Import a folder of images, or images by their "
            "paths: nbtrain.load_dataset('folder/').")
    return there[0]


def named(given: Any, column: str) -> Any:
    """Images as they are, one or a list, as rows by name; anything else as it came.

    An image is a path, the bytes of a file, an image of Pillow, or an array (height, width[, channels]) of uint8 or
    uint16. Raises DataError for an array of other numbers.
    """
    many = list(given) if isinstance(given, list | tuple) else [given]
    if not many or not all(map(_is_image, many)):
        return given
    return [{column: {"bytes": _file(each), "path": str(each) if isinstance(each, str | Path) else None}}
            for each in many]


def _is_image(given: Any) -> bool:
    if isinstance(given, str | Path):
        Image.init()
        path = Path(given)
        return path.suffix.lower() in Image.EXTENSION and path.is_file()
    return isinstance(given, bytes | Image.Image) or (isinstance(given, np.ndarray) and given.ndim in {2, 3})


def _file(given: Any) -> bytes:
    if isinstance(given, str | Path):
        return Path(given).read_bytes()
    if isinstance(given, bytes):
        return given
    if isinstance(given, np.ndarray):
        if given.dtype not in {np.dtype(np.uint8), np.dtype(np.uint16)}:
            raise DataError(
                f"The image is an array of {given.dtype}; give one of uint8 (0 to 255) or uint16 (0 to 65535).")
        given = Image.fromarray(given)
    held = io.BytesIO()
    given.save(held, "TIFF" if given.mode in {"F", "CMYK", "LAB", "YCbCr"} else "PNG")
    return held.getvalue()


def _check_there(table: Table, column: Column) -> None:
    """Raises DataError when there are no rows, or some have no image."""
    if not table.rows():
        raise DataError(f"{table.name} has no rows, so there is nothing to look at.")
    name = quoted(column.name)
    count, rows = telling.found(table, f"{name} IS NULL OR struct_extract({name}, 'bytes') IS NULL")
    if count:
        raise DataError(
            f"{column.name!r} of {table.name} has no image in {telling.rows(count, rows)}; leave these rows out.")


# -- by chance ----------------------------------------------------------------------------------------


def augmentation(parts: Parts | None, column: str, default: AugmentImage) -> AugmentImage:
    """What chance does to an image named ``image`` while training: the step of the dataset's own, else `default`."""
    steps = () if parts is None or parts.processing is None else parts.processing.steps
    own = [step for step in steps if isinstance(step, AugmentImage) and column in step.columns]
    step = own[0] if own else default
    return step.model_copy(update={"columns": ("image",), "landmarks": ""})


def chance() -> np.random.Generator:
    """Numbers that follow from NumPy's own generator, which whoever reads a dataset seeds for each sample."""
    return np.random.default_rng(int(np.random.randint(2**31)))  # noqa: NPY002 - the one a reader can seed


def normalised(pixels: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """Channels less their means, by their deviations."""
    return (pixels - pixels.new_tensor(mean)[:, None, None]) / pixels.new_tensor(std)[:, None, None]
