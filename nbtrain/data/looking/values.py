"""The values of a column by how often they are there: of texts known by their hashes, and the classes of a target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from nbtrain.core.tasks import Progress
from nbtrain.data.columns import Column, Kind, quoted
from nbtrain.data.conditions import as_text, can_be_nan
from nbtrain.data.looking.facts import CLASSES, ColumnProfile, Count
from nbtrain.data.looking.scales import scale_of
from nbtrain.data.table import Table

#: Characters of a value that are kept.
_KEPT = 1_000
#: Rows at the beginning in which all texts are looked for.
_FIRST = 200_000


def texts(
    table: Table, columns: Mapping[str, tuple[ColumnProfile, dict[int, int]]], progress: Progress | None = None,
) -> dict[str, ColumnProfile]:
    """The profiles with the texts that their hashes stand for, which are read until each was seen once."""
    wanted = {name: dict(counts) for name, (_, counts) in columns.items() if counts}
    found: dict[str, list[Count]] = {name: [] for name in wanted}
    for first in (_FIRST, None):  # most are among the first rows; then columns need not be read on for others
        left = {name: counts for name, counts in wanted.items() if counts}
        if left:
            _look_for(table, left, found, first, progress)
    return {
        name: replace(column, top=_ranked(found[name])) if name in found else column
        for name, (column, _) in columns.items()}


def _look_for(
    table: Table, wanted: Mapping[str, dict[int, int]], found: Mapping[str, list[Count]], first: int | None,
    progress: Progress | None,
) -> None:
    """Take the texts of the hashes out of `wanted`, into `found`, until there are none left; of the `first` rows."""
    cells = [as_text(table.column(name)) for name in wanted]
    inner = ", ".join(f"hash({cell}) AS h{place}, {cell} AS t{place}" for place, cell in enumerate(cells))
    known = [f"h{place} IN ({', '.join(map(str, counts))})" for place, counts in enumerate(wanted.values())]
    listed = ", ".join(f"h{i}, CASE WHEN {each} THEN left(t{i}, {_KEPT + 1}) END" for i, each in enumerate(known))
    limit = "" if first is None else f" LIMIT {first}"
    for batch in table.stream(
        f"SELECT {listed} FROM (SELECT {inner} FROM {table.source}{limit}) WHERE {' OR '.join(known)}", size=2_048,
        progress=progress,
    ):
        if progress is not None:
            progress.check()
        for place, (name, counts) in enumerate(wanted.items()):
            if not counts:
                continue
            hashes, texts_ = batch.column(2 * place), batch.column(2 * place + 1)
            for hashed, text in zip(hashes.to_pylist(), texts_.to_pylist(), strict=True):
                if text is not None and (count := counts.pop(hashed, None)):
                    found[name].append(_count(text, count))
        if not any(wanted.values()):
            break


def classes(
    table: Table, target: Column, profile: ColumnProfile, progress: Progress | None = None,
) -> tuple[tuple[Count, ...], int]:
    """The most frequent values of the target, and how many there are beside them. Raises DataError."""
    if profile.distinct is None:
        return (), 0
    if profile.distinct == len(profile.top) and not any(each.cut for each in profile.top):
        return profile.top, 0  # that is all of them, in the same order
    name = quoted(target.name)
    scale = scale_of(target) if target.kind.is_ordered else None
    value = scale.sql if scale is not None else name if target.kind is Kind.BOOLEAN else as_text(target)
    finite = f" AND NOT isnan({name})" if can_be_nan(target) else ""
    found = table.sql(
        f"SELECT {value} AS value, count(*) AS n FROM {table.source} WHERE {name} IS NOT NULL{finite} GROUP BY 1 "
        f"ORDER BY 2 DESC, 1 LIMIT {CLASSES}", progress=progress)
    values = found["value"]
    if scale is not None and scale.second is not None:
        values = values.cast(f"int{8 * scale.dtype.itemsize}")
    pairs = zip(values.to_pylist(), found["n"].to_pylist(), strict=True)
    counted = [_count(value if scale is None else scale.say(value), n) for value, n in pairs if _sayable(value)]
    return tuple(counted), max(0, profile.distinct - len(counted))


def _count(value: Any, count: int) -> Count:
    cut = isinstance(value, str) and len(value) > _KEPT
    return Count(value[:_KEPT] if cut else value, count, cut)


def _ranked(counts: list[Count]) -> tuple[Count, ...]:
    return tuple(sorted(counts, key=lambda each: (-each.count, str(each.value))))


def _sayable(value: Any) -> bool:
    return not isinstance(value, float) or abs(value) != float("inf")
