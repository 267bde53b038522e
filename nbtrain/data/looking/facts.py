"""What is known of a table: its profile, which is plain data and travels as JSON.

Numbers are JSON numbers. Dates, times and points in time are ISO texts (UTC where they have a zone), durations are
seconds. Nothing is NaN or infinite: what there is no figure for is None.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

import pandas as pd

from nbtrain.data.columns import Kind

#: The shares of rows that `ColumnProfile.quantiles` are taken at.
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
#: The most bars a histogram has.
BARS = 30
#: The most values that are counted one by one, most frequent first.
TOP = 20
#: The most classes of a target that are told apart.
CLASSES = 1000

Scalar = int | float | str | bool


@dataclass(frozen=True, slots=True)
class Count:
    """How often a value is there."""

    value: Scalar
    """Text beyond 1,000 characters is cut there, with `cut` set."""
    count: int
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Histogram:
    """Bar `i` holds `counts[i]` cells from `edges[i]` up to, and without, `edges[i + 1]`: a filter ``between``.

    The bars are of one width, except that the first and the last reach out to the outliers.
    """

    edges: tuple[int | float | str, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Lengths:
    """How long texts are in characters or tokens, lists in elements, binary cells in bytes; without the missing."""

    minimum: int
    maximum: int
    mean: float
    quantiles: tuple[float, ...]
    """At `QUANTILES`."""
    histogram: Histogram
    cells: int
    """How many cells were measured."""
    sampled: bool = False
    """Whether those are a random sample of the cells."""


@dataclass(frozen=True, slots=True)
class Pictures:
    """The sizes of encoded images."""

    sizes: tuple[tuple[int, int, int], ...]
    """Width and height in pixels, and how many images are so, most frequent first; at most `TOP`."""
    unreadable: int
    """Cells that hold no image that can be read."""
    cells: int
    """How many were looked at."""
    sampled: bool = False
    """Whether those are a random sample of the cells."""


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """What one column holds. Fields that mean nothing for its kind are None or empty."""

    name: str
    kind: Kind
    type: str
    """DuckDB's type."""
    rows: int
    missing: int
    """Cells that are NULL or NaN."""
    distinct: int | None
    """Different values, without the missing; None for images, audio and other binary cells."""
    minimum: int | float | str | None = None
    maximum: int | float | str | None = None
    """As `minimum`: of the finite cells."""
    mean: float | str | None = None
    """Of the finite cells."""
    std: float | None = None
    """Standard deviation of a sample (n − 1) of the finite cells; in seconds for dates; None below two cells."""
    quantiles: tuple[int | float | str, ...] = ()
    """Of the finite cells at `QUANTILES`; between two cells interpolated as NumPy does by default."""
    zeros: int | None = None
    infinite: int | None = None
    histogram: Histogram | None = None
    top: tuple[Count, ...] = ()
    """The most frequent values that are there more than once, at most `TOP`; all values of a boolean column."""
    characters: Lengths | None = None
    """Texts: their lengths in Unicode characters."""
    tokens: Lengths | None = None
    """Texts: their lengths in tokens, when a tokenizer was given."""
    right_to_left: float | None = None
    """Texts: the share whose first letter is Arabic, Hebrew, or another that is read from right to left."""
    elements: Lengths | None = None
    """Lists and maps: how many elements they have; binary cells: how many bytes."""
    pictures: Pictures | None = None

    @property
    def missing_share(self) -> float:
        return self.missing / self.rows if self.rows else 0.0


@dataclass(frozen=True, slots=True)
class Profile:
    """What a table holds, column by column."""

    rows: int
    bytes: int | None
    """Size of the files on the disk, where there are any."""
    columns: Mapping[str, ColumnProfile] = field(default_factory=dict)
    target: str | None = None
    classes: tuple[Count, ...] = ()
    """The values of the target, most frequent first, at most `CLASSES`."""
    other_classes: int = 0
    """How many values of the target there are beside `classes`."""

    def frame(self) -> pd.DataFrame:
        """The plain figures, a row for each column."""
        names = ("kind", "type", "missing", "distinct", "minimum", "maximum", "mean", "std", "zeros")
        rows = [
            {name: getattr(column, name) for name in names}
            | {f"{share:.0%}": value for share, value in zip(QUANTILES, column.quantiles, strict=False)}
            | {"mean length": column.characters.mean if column.characters else None}
            for column in self.columns.values()]
        frame = pd.DataFrame(rows, index=pd.Index(list(self.columns), name="column"))
        return frame.astype({"missing": "Int64", "distinct": "Int64", "zeros": "Int64"}) if rows else frame

    def to_json(self) -> dict[str, Any]:
        """As what `json.dumps` takes."""
        return asdict(self) | {"columns": {name: _plain(column) for name, column in self.columns.items()}}

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> Self:
        """What `to_json` gave. Raises KeyError or TypeError for anything else."""
        return cls(**{
            **given,
            "columns": {name: _column(column) for name, column in given["columns"].items()},
            "classes": _counts(given["classes"]),
        })


def _plain(column: ColumnProfile) -> dict[str, Any]:
    return asdict(column) | {"kind": str(column.kind)}


def _column(given: Mapping[str, Any]) -> ColumnProfile:
    pictures = given["pictures"]
    return ColumnProfile(**{
        **given,
        "kind": Kind(given["kind"]),
        "quantiles": tuple(given["quantiles"]),
        "histogram": _histogram(given["histogram"]),
        "top": _counts(given["top"]),
        "pictures": pictures and Pictures(**{**pictures, "sizes": tuple(map(tuple, pictures["sizes"]))}),
    } | {name: _lengths(given[name]) for name in ("characters", "tokens", "elements")})


def _lengths(given: Mapping[str, Any] | None) -> Lengths | None:
    return None if given is None else Lengths(**{
        **given, "quantiles": tuple(given["quantiles"]), "histogram": _histogram(given["histogram"])})


def _histogram(given: Mapping[str, Any] | None) -> Histogram | None:
    return None if given is None else Histogram(tuple(given["edges"]), tuple(given["counts"]))


def _counts(given: list[Mapping[str, Any]]) -> tuple[Count, ...]:
    return tuple(Count(**count) for count in given)
