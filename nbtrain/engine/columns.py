"""One array-like of the user (tensor, NumPy, pandas, list) as one tensor, without changing its values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from nbtrain.core.errors import DataError

#: Integers that lie in memory as they came, and are int64 in a batch; uint8 (images) is uint8 there too.
SMALL = frozenset({torch.int8, torch.int16, torch.int32})
_SMALL_ARRAYS = ("u1", "i1", "i2", "i4")


def is_table(data: Any) -> bool:
    """A pandas data frame (pandas itself is not imported for the question)."""
    return hasattr(data, "columns") and hasattr(data, "iloc")


def target_name(data: Any, names: Sequence[str]) -> Any:
    """The key or column of a dict or data frame that holds the target; None where there is none."""
    if isinstance(data, dict) or is_table(data):
        return next((name for name in names if name in data), None)
    return None


def features(given: Any, name: str) -> Tensor:
    """Inputs as a tensor: floats and integers as they are, a data frame as a matrix of floats.

    Integers of 8 to 32 bits stay small, since tokens are many; whoever makes batches of them gives them as int64.

    Raises:
        DataError: text, dates or objects among the values; `name` says where.
    """
    if isinstance(given, Tensor):
        return given.detach() if given.dtype in SMALL else _whole(given.detach())
    if is_table(given):
        return _table(given, name)
    values = plain(given, name)
    if values.dtype.kind not in "biuf":
        raise DataError(
            f"The {name} holds {_kind(values)}, not numbers (row 0: {_shown(values)}); turn it into numbers first.")
    return _tensor(values)


def labels(given: Any, classes: Sequence[str] | None = None) -> tuple[Tensor, list[str] | None]:
    """A target as a tensor: numbers as they are, text and categories as class indices with their names.

    Categories of pandas keep their order, other texts are sorted; with `classes`, text is numbered by these. Whole
    numbers and booleans become int64.

    Raises:
        DataError: text that is not among `classes`, missing values, dates, or objects that are neither numbers nor
            text.
    """
    if isinstance(given, Tensor):
        return _whole(given.detach()), None
    if is_table(given) and len(given.columns) == 1:
        given = given[given.columns[0]]  # a table of one column is that column
    if is_table(given):
        return _table(given, "target"), None
    categories = getattr(getattr(given, "cat", None), "categories", None)
    if categories is not None:
        codes = np.asarray(given.cat.codes, dtype=np.int64)
        _none_missing(codes < 0)
        names = [str(category) for category in categories]
        return (torch.from_numpy(codes), names) if classes is None else _classes(np.array(names)[codes], classes)
    values = plain(given, "target")
    if values.dtype.kind in "biuf":
        return _whole(_tensor(values)), None
    if values.ndim == 1 and _is_text(values):
        return _classes(values, classes)
    raise DataError(
        f"The target holds {_kind(values)} (row 0: {_shown(values)}); it must hold numbers, or one text a row that "
        "names the class.")


def plain(given: Any, name: str) -> npt.NDArray[Any]:
    """A NumPy array; columns of objects that are all numbers become floats."""
    try:
        if isinstance(given, list) and given and isinstance(given[0], Tensor):
            return np.stack([np.asarray(t.detach().cpu()) for t in given])
        if _is_nullable(given):
            return np.asarray(given.to_numpy(dtype=np.float64, na_value=np.nan))
        values = np.asarray(given)
    except (ValueError, TypeError) as error:
        raise DataError(
            f"The {name} cannot be made into one array ({error}); all rows must have the same shape.") from None
    if values.dtype.kind == "O" and values.size and all(isinstance(v, int | float | np.number) for v in values.flat):
        return values.astype(np.float64)
    return values


def _is_nullable(given: Any) -> bool:
    """A pandas column of a numeric extension type (Int64, boolean, …)."""
    dtype = getattr(given, "dtype", None)
    return hasattr(dtype, "na_value") and getattr(dtype, "kind", "O") in "biuf"


def _table(table: Any, name: str) -> Tensor:
    """A data frame as a matrix of floats, column by column so that what is wrong can be named."""
    columns = []
    for column in table.columns:
        values = plain(table[column], f"column {str(column)!r} of the {name}")
        if values.dtype.kind not in "biuf":
            raise DataError(
                f"Column {str(column)!r} of the {name} holds {_kind(values)}, not numbers (row 0: {_shown(values)}); "
                "drop it, or turn it into numbers, for example with pandas.get_dummies.")
        columns.append(values)
    if not columns:
        raise DataError(f"The {name} has no columns; it needs at least one.")
    wide = np.result_type(np.float32, *columns)
    return torch.from_numpy(np.column_stack(columns).astype(wide, copy=False))


def _classes(values: npt.NDArray[Any], classes: Sequence[str] | None) -> tuple[Tensor, list[str]]:
    missing = [value is None or value != value for value in values]  # noqa: PLR0124 - only NaN is not itself
    _none_missing(np.array(missing, dtype=bool))
    names, codes = np.unique(values.astype(str), return_inverse=True)
    found = [str(name) for name in names]
    if classes is None:
        return torch.from_numpy(codes.astype(np.int64)), found
    new = [name for name in found if name not in classes]
    if new:
        raise DataError(
            f"The target has the class {new[0]!r}, which is not among the classes to learn ({', '.join(classes)}); "
            "leave these rows out, or have them in the training data as well.")
    number = {name: i for i, name in enumerate(classes)}
    return torch.tensor([number[name] for name in found], dtype=torch.int64)[torch.from_numpy(codes)], list(classes)


def _none_missing(missing: npt.NDArray[np.bool_]) -> None:
    if missing.any():
        rows = np.flatnonzero(missing)
        shown = ", ".join(map(str, rows[:3]))
        raise DataError(
            f"The target is missing in {len(rows)} of {len(missing)} rows, the first in "
            f"row{'s' * (len(rows) > 1)} {shown}; drop these rows or fill them in.")


def _tensor(values: npt.NDArray[Any]) -> Tensor:
    """Without a copy where torch can share the memory."""
    if values.dtype.kind == "f":
        values = values.astype(np.promote_types(values.dtype, np.float32), copy=False)
        if values.dtype.itemsize > 8:  # long double
            values = values.astype(np.float64)
    elif values.dtype not in _SMALL_ARRAYS:
        values = values.astype(np.int64, copy=False)
    if not (values.flags.c_contiguous and values.flags.writeable and values.dtype.isnative):
        values = values.astype(values.dtype.newbyteorder("="), order="C")
    return torch.from_numpy(values)


def _whole(values: Tensor) -> Tensor:
    """Integers and booleans as int64, except bytes (images) and masks that stay as small as they are."""
    if values.is_complex():
        raise DataError("The data holds complex numbers; training needs real ones, for example torch.view_as_real(x).")
    if values.is_floating_point() or values.dtype in {torch.uint8, torch.bool}:
        return values
    return values.to(torch.int64)


def _is_text(values: npt.NDArray[Any]) -> bool:
    """Text, of which some may be missing."""
    if values.dtype.kind != "O":
        return values.dtype.kind in "UST"
    return all(isinstance(value, str) or value is None or value != value for value in values)  # noqa: PLR0124 - as above


def _kind(values: npt.NDArray[Any]) -> str:
    return {"M": "dates", "m": "durations", "U": "text", "S": "bytes", "T": "text", "c": "complex numbers"}.get(
        values.dtype.kind, "text" if values.size and isinstance(values.flat[0], str) else "objects")


def _shown(values: npt.NDArray[Any]) -> str:
    first = values.flat[0] if values.size else None
    shown = repr(first.item() if isinstance(first, np.generic) else first)
    return shown if len(shown) <= 40 else shown[:39] + "…"
