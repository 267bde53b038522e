"""The points of a table of landmarks: pairs of columns, or one column of lists, found, read and looked at.

    x1, y1, x2, y2, …             numbered points
    left_eye_x, left_eye_y, …     named points
    points: [[x, y], [x, y], …]   one list a row; a missing point is null

A point is (x, y) in pixels, (0, 0) the centre of the upper left pixel. A missing one has no numbers.

Which columns are meant can be said: ``features=["image", "nose_x", "nose_y"]``. Else it is every pair of such names,
but for those whose names say something else of an image (``pixel_spacing_x``), or may say so (``scanner_x``) where
their values do too: the same in every row, or in none of the images. The run tells which were left out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from nbtrain.core.errors import DataError
from nbtrain.data.columns import Column, Kind
from nbtrain.data.table import ROW, Table
from nbtrain.recipes import telling
from nbtrain.recipes.base import Columns

Points = npt.NDArray[np.float64]

_X, _Y = "x", "y"
#: ``x1`` and ``x_1``; ``nose_x``, ``nose.x`` and ``nose x``; ``x_nose``.
_FORMS = (
    re.compile(r"(?P<axis>[xy])[_. ]?(?P<name>\d+)", re.IGNORECASE),
    re.compile(r"(?P<name>.+)[_. ](?P<axis>[xy])", re.IGNORECASE),
    re.compile(r"(?P<axis>[xy])[_. ](?P<name>.+)", re.IGNORECASE),
)
#: Columns of lists that hold points, where there are several and none was named.
_LISTS = ("points", "landmarks", "keypoints", "joints")
#: Words in names of pairs that are no points.
_OTHERWISE = frozenset({"spacing", "size", "resolution", "dpi", "scale", "shape", "dimension", "dimensions", "ratio"})
#: Words in names of pairs that may be points, unless their values say otherwise.
_PERHAPS = frozenset({
    "camera", "crop", "detector", "display", "image", "monitor", "offset", "origin", "patient", "pixel", "scanner",
    "screen", "sensor", "stage", "table", "tile", "window"})
#: So many rows with one and the same point make it none.
_SAME = 4
_SIDES = (("left", "right"), ("l", "r"))


@dataclass(frozen=True, slots=True)
class Goal:
    """Where the points are."""

    names: tuple[str, ...]
    """Of the points; ``1``, ``2``, … where they have none."""
    columns: tuple[str, ...]
    """x and y of each point in turn; or the one column of lists."""
    named: bool = False
    """Whether it was said which columns they are."""
    left: tuple[str, ...] = ()
    """Columns that by their names could be points as well, and are not taken for some."""

    @property
    def listed(self) -> bool:
        """Whether it is one column of lists."""
        return len(self.columns) == 1

    def pairs(self) -> list[tuple[int, int]]:
        """Points that are each other's mirror image by their names: left_eye and right_eye."""
        places = {name: place for place, name in enumerate(self.names)}
        found = []
        for name, place in places.items():
            other = _mirrored(name)
            if other in places and places[other] > place:
                found.append((place, places[other]))
        return found


def goal(table: Table, columns: Columns) -> Goal:
    """The points that a table says. Raises DataError when it says none, or half of some."""
    if columns.target is not None and table.column(columns.target).kind is Kind.NESTED:
        return _lists(table, table.column(columns.target))
    named = chosen(table, columns)
    pairs = {} if columns.target is not None else _pairs(named or table.columns)
    lists = [column for column in table.columns if column.kind is Kind.NESTED]
    if not pairs and lists and columns.target is None:
        named = [column for column in lists if column.name.lower() in _LISTS]
        if len(named or lists) == 1:
            return _lists(table, (named or lists)[0])
        raise DataError(
            f"{table.name} has several columns of lists: {telling.listed([column.name for column in lists])}; say "
            "which holds the points: target='…'.")
    if not pairs:
        names = telling.listed([column.name for column in table.columns])
        raise DataError(
            f"{table.name} has no points; it has: {names}. Give two columns of numbers a point (x1, y1, … or nose_x, "
            "nose_y, …), or one column of lists of [x, y]: target='points'.")
    half = [found[axis] for found in pairs.values() for axis in found if len(found) == 1]
    if half:
        raise DataError(
            f"Column {half[0]!r} of {table.name} is one half of a point; give its other half, or leave it out.")
    strange = [] if named else [name for name in pairs if _OTHERWISE & _words(name)]
    meant = [name for name in pairs if name not in strange]
    if not meant:
        meant, strange = list(pairs), []
    return Goal(tuple(meant), _columns(pairs, meant), bool(named), _columns(pairs, strange))


def chosen(table: Table, columns: Columns) -> list[Column]:
    """The columns of points among the features, where they are named. Raises DataError for one without numbers."""
    named = [table.column(name) for name in columns.features or ()]
    found = [column for column in named if column.kind is not Kind.IMAGE]
    for column in found:
        if not column.kind.is_numeric:
            raise DataError(
                f"features names {column.name!r} of {table.name}, which holds {column.kind} values; for landmarks it "
                "must name the column of images, and columns of numbers that are points.")
    return found


def within(table: Table, found: Goal, sizes: npt.NDArray[np.int64]) -> Goal:
    """Without pairs of columns that are no points by their names and their values both.

    Values alone do not tell: the eyes of aligned faces are at the same place in every row, and points that were noted
    at another scale lie in none of the images.
    """
    if found.named or found.listed or len(found.names) == 1:
        return found
    points = read(table, found)
    outside = (points < -0.5) | (points > sizes[:, None, :] - 0.5)
    nowhere = (outside.any(2) | np.isnan(points).any(2)).all(0) & outside.any((0, 2))
    same = (points == points[:1]).all((0, 2)) if len(points) >= _SAME else np.zeros_like(nowhere)
    perhaps = np.array([bool(_PERHAPS & _words(name)) for name in found.names])
    kept = np.flatnonzero(~((nowhere | same) & perhaps)).tolist()
    if not kept or len(kept) == len(found.names):
        return found
    pairs = [found.columns[2 * place:2 * place + 2] for place in range(len(found.names))]
    return replace(
        found, names=tuple(found.names[place] for place in kept), columns=sum((pairs[place] for place in kept), ()),
        left=(*found.left, *(name for place, pair in enumerate(pairs) if place not in kept for name in pair)))


def read(table: Table, found: Goal) -> Points:
    """The points of every row, (rows, points, 2); NaN where one is missing.

    Raises DataError: rows have another number of points, half of a point, or no points at all.
    """
    for name in found.columns:
        table.column(name)
    points = _of_lists(table, found) if found.listed else _of_columns(table, found)
    half = np.isnan(points).sum(2) == 1
    if half.any():
        rows = np.flatnonzero(half.any(1))
        raise DataError(
            f"{table.name} has half a point, x without y or y without x, in {_rows(table, rows)}; give both, or "
            "neither where a point is missing.")
    if not len(points):
        raise DataError(f"{table.name} has no rows, so there is nothing to learn from.")
    return points


def check(
    table: Table, points: Points, sizes: npt.NDArray[np.int64], names: Sequence[str], *, learnt: bool = False,
) -> None:
    """Raises DataError when points lie outside of their image, or one that is to be `learnt` is missing everywhere."""
    limit = sizes[:, None, :].astype(np.float64)
    x, y = points[..., 0], points[..., 1]
    outside = (x < -0.5) | (y < -0.5) | (x > limit[..., 0] - 0.5) | (y > limit[..., 1] - 0.5)
    if outside.any():
        row, place = map(int, np.argwhere(outside)[0])
        width, height = sizes[row]
        raise DataError(
            f"{int(outside.sum()):,} landmarks of {table.name} lie outside of their image, in "
            f"{_rows(table, np.flatnonzero(outside.any(1)))}: {names[place]!r} is at ({x[row, place]:g}, "
            f"{y[row, place]:g}) of {width} × {height} pixels. Points are in pixels of the image upright; leave those "
            "that are not to be seen empty, and name the columns of points where others are none: features=[…].")
    never = np.flatnonzero(np.isnan(points).all(2).all(0))
    if learnt and len(never):
        raise DataError(
            f"The landmarks {telling.listed([names[int(place)] for place in never])} are missing in every row of "
            f"{table.name}; leave their columns out.")


def swapped(points: Points, pairs: Sequence[tuple[int, int]]) -> Points:
    """The points of a mirrored image under their names: left is right."""
    order = np.arange(points.shape[-2])
    for one, other in pairs:
        order[one], order[other] = other, one
    return points[..., order, :]


# -- inside -------------------------------------------------------------------------------------------


def _words(name: str) -> set[str]:
    return set(re.split(r"[_\W]+", name.lower()))


def _columns(pairs: dict[str, dict[str, str]], names: Sequence[str]) -> tuple[str, ...]:
    return tuple(pairs[name][axis] for name in names for axis in (_X, _Y))


def _pairs(columns: Sequence[Column]) -> dict[str, dict[str, str]]:
    """Name of each point → its axes and their columns, by the form of names that most columns have."""
    best: dict[str, dict[str, str]] = {}
    numbers = [column.name for column in columns if column.kind.is_numeric]
    for form in _FORMS:
        found: dict[str, dict[str, str]] = {}
        for name in numbers:
            matched = form.fullmatch(name)
            if matched:
                found.setdefault(matched["name"], {})[matched["axis"].lower()] = name
        if sum(map(len, found.values())) > sum(map(len, best.values())):
            best = found
    return best if any(len(axes) == 2 for axes in best.values()) else {}


def _lists(table: Table, column: Column) -> Goal:
    count = next((len(cell) for batch in table.batches([column.name]) for cell in batch.column(0).to_pylist()
                  if isinstance(cell, list) and cell), 0)
    if not count:
        raise DataError(
            f"Column {column.name!r} of {table.name} holds no points; it must hold a list of [x, y] in each row.")
    return Goal(tuple(map(str, range(1, count + 1))), (column.name,))


def _of_columns(table: Table, found: Goal) -> Points:
    batches = list(table.batches(list(found.columns)))
    axes = []
    for name in found.columns:
        cells = pa.chunked_array([batch.column(name) for batch in batches]) if batches else pa.chunked_array([[]])
        axes.append(cells.cast(pa.float64()).to_numpy())
    return np.stack(axes, 1).astype(np.float64).reshape(-1, len(found.names), 2)


def _of_lists(table: Table, found: Goal) -> Points:
    (name,) = found.columns
    cells = [cell for batch in table.batches([name]) for cell in batch.column(0).to_pylist()]
    count = len(found.names)
    points = np.full((len(cells), count, 2), np.nan)
    strange = []
    for row, cell in enumerate(cells):
        if cell is None:
            continue
        if not isinstance(cell, list) or len(cell) != count:
            strange.append(row)
            continue
        for place, point in enumerate(cell):
            points[row, place] = _point(point, table, name, row)
    if strange:
        row = strange[0]
        has = len(cells[row]) if isinstance(cells[row], list) else "no list of"
        raise DataError(
            f"Rows of {name!r} of {table.name} have different numbers of points: {count} in the first, {has} in "
            f"{_rows(table, np.array(strange))}; give each row as many, null for one that is missing.")
    return points


def _point(given: Any, table: Table, name: str, row: int) -> tuple[float, float]:
    """One point of a list: [x, y], {"x": …, "y": …} or null."""
    if isinstance(given, dict) and {_X, _Y} <= set(given):
        given = [given[_X], given[_Y]]
    if given is None:
        return np.nan, np.nan
    if not isinstance(given, list) or len(given) != 2:
        raise DataError(
            f"{name!r} of {table.name} holds {given!r:.40} for a point in {_rows(table, np.array([row]))}; a point is "
            "[x, y], or null where it is missing.")
    x, y = (np.nan if value is None else float(value) for value in given)
    return x, y


def _rows(table: Table, places: npt.NDArray[Any]) -> str:
    """Rows at these places of a table, as a person finds them in the dataset."""
    numbers = table.sql(f"SELECT {ROW} AS n FROM ({table.numbered})")["n"].to_pylist()  # noqa: S608 - our own words
    return telling.rows(len(places), [int(numbers[place]) for place in places[:telling.NAMED]])


def _mirrored(name: str) -> str | None:
    """The name of the other side; None for a point that has none."""
    for sides in _SIDES:
        for here, there in (sides, sides[::-1]):
            found = re.subn(rf"(?i)(?<![a-z]){here}(?![a-z])", lambda had, there=there: _cased(there, had[0]), name)  # type: ignore[misc]
            if found[1] == 1:
                return found[0]
    return None


def _cased(word: str, like: str) -> str:
    """A word in the case of another one."""
    return word.upper() if like.isupper() else word.title() if like[0].isupper() else word
