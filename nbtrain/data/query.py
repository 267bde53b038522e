"""Which rows of a table are wanted, and in which order: filters, a search over all columns, and sorting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nbtrain.core.errors import ConfigError, Problem
from nbtrain.data.columns import Column, quoted
from nbtrain.data.conditions import Filter, MisfitError, Op, can_be_nan, condition, search

__all__ = ["Filter", "Op", "Query", "Sort"]


@dataclass(frozen=True, slots=True)
class Sort:
    """An order of rows; missing cells (NULL and NaN) come last either way."""

    column: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """All filters must hold. Rows that are equal in every sorted column keep the order of the file."""

    filters: tuple[Filter, ...] = ()
    search: str = ""
    """Text that any column must contain, without regard to upper and lower case."""
    sort: tuple[Sort, ...] = ()

    @classmethod
    def parse(cls, given: Mapping[str, Any], columns: Sequence[Column]) -> Query:
        """A query from JSON: ``{filters: [{column, op, value}], search, sort: [{column, descending}]}``.

        Raises:
            ConfigError: an unknown column or comparison, or a value that does not fit; all problems in one message.
        """
        problems: list[Problem] = []
        filters = [_filter(item, problems) for item in _items(given, "filters", problems)]
        sort = [_sort(item, problems) for item in _items(given, "sort", problems)]
        text = given.get("search") or ""
        if not isinstance(text, str) or any("\ud800" <= sign <= "\udfff" for sign in text):
            problems.append(Problem("search", f"The search is {text!r:.80}; it must be text."))
        if problems:
            raise ConfigError(problems)
        query = cls(tuple(filter(None, filters)), text, tuple(filter(None, sort)))
        query.where(columns)
        query.order("row", columns)
        return query

    def where(self, columns: Sequence[Column]) -> tuple[str, list[Any]]:
        """The condition as SQL, empty when there is none, and its parameters.

        Raises:
            ConfigError: a filter names no column, or its value does not fit; all problems in one message.
        """
        known = {column.name: column for column in columns}
        parts, parameters, problems = [], [], []
        for each in self.filters:
            try:
                if each.column not in known:
                    raise MisfitError(f"The filter on {each.column!r:.80} names no column of the table.")  # noqa: TRY301
                part, values = condition(each, known[each.column])
            except MisfitError as misfit:
                problems.append(Problem("filters", str(misfit)))
                continue
            parts.append(part)
            parameters += values
        if problems:
            raise ConfigError(problems)
        if self.search:
            part, values = search(self.search, columns)
            parts.append(part)
            parameters += values
        return (f"WHERE {' AND '.join(parts)}" if parts else ""), parameters

    def order(self, row: str, columns: Sequence[Column]) -> str:
        """The order as SQL; `row` is the expression of a row's number, which decides between equals.

        Raises:
            ConfigError: there is no such column.
        """
        known = {column.name: column for column in columns}
        unknown = [Problem("sort", f"The table cannot be sorted by {sort.column!r:.80}; it has no such column.")
                   for sort in self.sort if sort.column not in known]
        if unknown:
            raise ConfigError(unknown)
        keys = [_key(sort, known[sort.column]) for sort in self.sort]
        return f"ORDER BY {', '.join([*keys, row])}" if keys else ""


def _key(sort: Sort, column: Column) -> str:
    name = quoted(column.name)
    cell = f"CASE WHEN isnan({name}) THEN NULL ELSE {name} END" if can_be_nan(column) else name
    return f"{cell} {'DESC' if sort.descending else 'ASC'} NULLS LAST"


def _items(given: Mapping[str, Any], key: str, problems: list[Problem]) -> Sequence[Any]:
    items = given.get(key) or ()
    if isinstance(items, list | tuple):
        return items
    problems.append(Problem(key, f"{key} is {items!r:.80}; it must be a list."))
    return ()


def _filter(item: Any, problems: list[Problem]) -> Filter | None:
    if not isinstance(item, Mapping) or not isinstance(item.get("column"), str):
        problems.append(Problem("filters", f"The filter {item!r:.80} names no column."))
    elif item.get("op") not in list(Op):
        problems.append(Problem(
            "filters", f"The filter on {item['column']!r:.80} compares with {item.get('op')!r:.40}; there are: "
            f"{', '.join(Op)}."))
    else:
        value = item.get("value")
        return Filter(item["column"], Op(item["op"]), tuple(value) if isinstance(value, list) else value)
    return None


def _sort(item: Any, problems: list[Problem]) -> Sort | None:
    if isinstance(item, Mapping) and isinstance(item.get("column"), str):
        return Sort(item["column"], bool(item.get("descending")))
    problems.append(Problem("sort", f"The order {item!r:.80} names no column."))
    return None
